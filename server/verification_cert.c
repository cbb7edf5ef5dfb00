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
 * A line that serves meanwhile takes its serials from the clock; where the clock is behind the newest, one by one.  There ours could be
 * the one it takes next, and its devices would not be recorded.  So we wait until the clock alone leads above the newest.
 */
static enum err_code
wait_for_clock(uint64_t newest_serial, struct err *e)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	int64_t end_us = clock_monotonic_us() + (LIMIT_CLOCK_STEP_BACK_S + 1) * INT64_C(1000000);
	uint8_t serial[SERIAL_BYTES];
	struct serial_source of_clock;
	enum err_code rc;

	for (;;) {
		serial_source_init(&of_clock, &clock_system, &rnd_system, 0);
		if ((rc = serial_next(&of_clock, serial, e)) != ERR_OK || serial_upper(serial) > newest_serial)
			return rc;
		if (clock_monotonic_us() > end_us)
			return err_set(e, ERR_CLOCK, "the clock is behind the newest serial number of the ledger; set it and try again");
		(void)nanosleep(&pause, NULL);
	}
}

/* As before every certificate of the line. */
static enum err_code
may_issue(struct home *h, const struct issuer *i, uint64_t *ret_newest_serial, int64_t *ret_now_us, struct err *e)
{
	struct guard guard;
	int64_t newest_us;
	enum err_code rc;

	if ((rc = h->ops->newest(h->reader, ret_newest_serial, &newest_us, e)) != ERR_OK)
		return rc;
	guard_init(&guard, &clock_system, h->path, h->config.guard_disk_reserve_mib << 20, newest_us);
	if ((rc = guard_check(&guard, issuer_facts(i), ret_now_us, e)) != ERR_OK ||
	    (rc = wait_for_clock(*ret_newest_serial, e)) != ERR_OK)
		return rc;
	return guard_check(&guard, issuer_facts(i), ret_now_us, e);
}

enum err_code
verification_cert_make(struct home *h, const struct store_ca *ca, const struct issuer *i, const char *code,
    struct verification_cert *ret, struct err *e)
{
	struct serial_source serials;
	struct issued *issued = NULL;
	uint64_t newest_serial;
	const uint8_t *der;
	int64_t now_us;
	enum err_code rc;
	size_t len;
	char *pem = NULL;

	if ((rc = may_issue(h, i, &newest_serial, &now_us, e)) != ERR_OK)
		return rc;
	serial_source_init(&serials, &clock_system, &rnd_system, newest_serial);
	if ((rc = verification_issue(i, code, &serials, &clock_system, &issued, e)) != ERR_OK)
		return rc;
	der = issued_der(issued, &len);
	if ((pem = view_pem(der, len)) == NULL)
		rc = err_set(e, ERR_NOMEM, "verification certificate");
	else
		rc = h->ops->verification_record(h->store, ca->id, issued_serial(issued), der, len, now_us, e);
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
