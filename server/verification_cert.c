#include "verification_cert.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rnd.h"
#include "ca/verification.h"
#include "guard.h"
#include "view.h"

/*
 * A line may serve meanwhile, and the two must not take the same serial: it would fail the commit of devices.  The line takes 256
 * for each microsecond of its clock and begins with the first of them, so ours comes from the middle.  Where the clock is behind the
 * newest of the ledger the line counts on from that, one by one; there we wait until the clock has passed it.
 */
enum { SERIAL_MIDDLE = 128 };

/* false: the clock is not above newest yet. */
static bool
serials_of_moment(struct serial_source *ret, const struct clock *moment, uint64_t newest, enum err_code *rc, struct err *e)
{
	uint8_t first[SERIAL_BYTES];

	serial_source_init(ret, moment, &rnd_system, 0);
	if ((*rc = serial_next(ret, first, e)) != ERR_OK)
		return true;
	serial_source_init(ret, moment, &rnd_system, serial_upper(first) + SERIAL_MIDDLE - 1);
	return serial_upper(first) > newest;
}

/* The checks before every certificate of the line; the moment to issue at, and its serials. */
static enum err_code
begin(struct home *h, const struct issuer *i, struct clock *ret_moment, struct serial_source *ret_serials, struct err *e)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	int64_t end_us = clock_monotonic_us() + (LIMIT_CLOCK_STEP_BACK_S + 1) * INT64_C(1000000), newest_us, now_us;
	uint64_t newest;
	struct guard guard;
	enum err_code rc;

	if ((rc = h->ops->newest(h->reader, &newest, &newest_us, e)) != ERR_OK)
		return rc;
	guard_init(&guard, &clock_system, h->path, h->config.guard_disk_reserve_mib << 20, newest_us);
	for (;;) {
		if ((rc = guard_check(&guard, issuer_facts(i), &now_us, e)) != ERR_OK)
			return rc;
		*ret_moment = clock_fixed(now_us);
		if (serials_of_moment(ret_serials, ret_moment, newest, &rc, e))
			return rc;
		if (clock_monotonic_us() > end_us)
			return err_set(e, ERR_CLOCK, "the clock is behind the newest serial number of the ledger; set it and try again");
		(void)nanosleep(&pause, NULL);
	}
}

enum err_code
verification_cert_make(struct home *h, const struct store_ca *ca, const struct issuer *i, const char *code,
    struct verification_cert *ret, struct err *e)
{
	struct serial_source serials;
	struct issued *issued = NULL;
	struct clock moment;
	const uint8_t *der;
	enum err_code rc;
	size_t len;
	char *pem = NULL;

	if ((rc = begin(h, i, &moment, &serials, e)) != ERR_OK ||
	    (rc = verification_issue(i, code, &serials, &moment, &issued, e)) != ERR_OK)
		return rc;
	der = issued_der(issued, &len);
	if ((pem = view_pem(der, len)) == NULL)
		rc = err_set(e, ERR_NOMEM, "verification certificate");
	else
		rc = h->ops->verification_record(h->store, ca->id, issued_serial(issued), der, len, moment.fixed_us, e);
	if (rc == ERR_OK) {
		*ret = (struct verification_cert){ .pem = pem, .not_before_s = issued_not_before_s(issued),
			.not_after_s = issued_not_after_s(issued) };
		memcpy(ret->serial, issued_serial(issued), sizeof(ret->serial));
		pem = NULL;
	}
	free(pem);
	issued_free(issued);
	return rc;
}

void
verification_cert_done(struct verification_cert *v)
{
	free(v->pem);
	*v = (struct verification_cert){ 0 };
}
