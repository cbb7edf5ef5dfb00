/*
 * The upload's side of the ledger under faults (faults.h), with n counted up until a run comes through clean.  After reopening
 *   - a group of registrations that was reported is there, one that was not is there whole or not at all;
 *   - the batch's counters, the outbox, the registrations and the queue agree;
 *   - a ledger of version 1 is one of version 1 or one of the newest, with all its rows.
 */
#include "faults.h"
#include "ledger_file.h"

#include <sqlite3.h>

enum { CERTIFICATES = 12, GROUP = 4, GROUPS = CERTIFICATES / GROUP, FIRST = 1001, VERIFICATION = 5000 };

struct play {
	struct ledger	l;
	int64_t		batch, target;
	bool		recorded[GROUPS];	/* registration_record said so */
	bool		retried, verified;
};

/* Every fourth certificate is parked. */
static bool
is_parked(int i)
{
	return i % GROUP == GROUP - 1;
}

static enum err_code
group_record(struct play *p, int group, struct store_upload_run *run, struct err *e)
{
	struct store_registration	r[GROUP];
	struct store_registration_row	rows[GROUP];
	int				i, n;

	memset(r, 0, sizeof(r));
	for (i = 0; i < GROUP; i++) {
		n = group * GROUP + i;
		r[i].cert_id = FIRST + n;
		r[i].target_id = p->target;
		r[i].state = is_parked(n) ? REGISTRATION_PARKED : REGISTRATION_DONE;
		r[i].done = is_parked(n) ? 0 : 1;
		(void)snprintf(r[i].message, sizeof(r[i].message), "of %d", n);
		rows[i] = (struct store_registration_row){ .registration = &r[i], .batch_id = p->batch, .settled = is_parked(n) ? CERTIFICATE_PARKED : CERTIFICATE_REGISTERED };
		run->registered += !is_parked(n);
		run->parked += is_parked(n);
	}
	return p->l.ops->registration_record(p->l.store, rows, GROUP, run, e);
}

static enum err_code
verification_record(struct play *p, struct err *e)
{
	static const uint8_t		der[4] = { 0x30, 2, 5, 0 };
	const struct store_certificate	c = ledger_certificate(0, 0, "", 0, VERIFICATION);

	return p->l.ops->verification_record(p->l.store, p->l.ca_id, c.serial, der, sizeof(der), 9, e);
}

static enum err_code
ignore_row(void *arg, const struct store_certificate *c, struct err *e)
{
	(void)arg;
	(void)c;
	(void)e;
	return ERR_OK;
}

/* What a night does; goes on after a failure where the program might. */
static void
play_run(struct play *p)
{
	const struct store_certificate_filter	queued = { .batch_id = -1, .state = CERTIFICATE_ISSUED };
	struct store_upload_run			run = { .started_at_us = 1, .pid = 2 };
	struct err				e;
	int64_t					count = 0;
	int					group;

	if (p->l.ops->open(&p->l.cf, &p->l.store, &e) != ERR_OK)
		return;
	if (p->l.ops->target_get(p->l.store, "123456789012", "eu-west-1", &p->target, &e) == ERR_OK &&
	    p->l.ops->upload_run_begin(p->l.store, &run, &e) == ERR_OK) {
		for (group = 0; group < GROUPS; group++)
			p->recorded[group] = group_record(p, group, &run, &e) == ERR_OK;
		p->retried = p->l.ops->upload_retry(p->l.store, p->batch, &ledger_who, &count, &e) == ERR_OK;
		p->verified = verification_record(p, &e) == ERR_OK;
	}
	if (p->l.ops->reader_open(p->l.store, &p->l.reader, &e) == ERR_OK) {
		/* half way or not at all: the next check asks again */
		if (p->l.ops->certificate_list(p->l.reader, &queued, ignore_row, NULL, &e) != ERR_OK ||
		    p->l.ops->queue_page(p->l.reader, p->batch, 0, 100, ignore_row, NULL, &e) != ERR_OK)
			assert_true(fault.fired);
	}
	ledger_close(&p->l);
}

static enum err_code
count_row(void *arg, const struct store_certificate *c, struct err *e)
{
	(void)c;
	(void)e;
	++*(int *)arg;
	return ERR_OK;
}

static void
assert_agrees(struct play *p)
{
	struct store_batch	b;
	struct err		e;
	int			n = 0;

	assert_ok(p->l.ops->batch_find(p->l.reader, "lot-1", &b, &e));
	assert_ok(p->l.ops->queue_page(p->l.reader, p->batch, 0, 100, count_row, &n, &e));
	assert_int_equal(n, b.issued - b.registered - b.parked);
	assert_int_equal(ledger_ask(p->l.path, "SELECT count(*) FROM outbox WHERE state = 0"), n);
	assert_int_equal(ledger_ask(p->l.path, "SELECT count(*) FROM outbox WHERE state = 1"), b.registered);
	assert_int_equal(ledger_ask(p->l.path, "SELECT count(*) FROM outbox WHERE state = 2"), b.parked);
	assert_int_equal(ledger_ask(p->l.path, "SELECT count(*) FROM outbox o LEFT JOIN registration r USING (cert_id)"
	    " WHERE coalesce(r.state, 0) <> o.state"), 0);
	assert_int_equal(ledger_ask(p->l.path, "SELECT count(*) FROM outbox o JOIN batch b ON b.id = o.batch_id"
	    " WHERE o.state = 0 AND o.cert_id <= b.queue_after"), 0);
}

static void
play_check(struct play *p)
{
	struct store_registration	 r;
	struct store_upload_run		 run;
	struct store_batch		 b;
	struct err			 e;
	int64_t				 count, us;
	uint64_t			 upper;
	int				 i, group, n, groups = 0;

	ledger_open(&p->l);
	assert_agrees(p);
	assert_ok(p->l.ops->target_get(p->l.store, "123456789012", "eu-west-1", &p->target, &e));
	for (group = 0; group < GROUPS; group++) {
		for (i = n = 0; i < GROUP; i++)
			n += p->l.ops->registration_find(p->l.reader, FIRST + group * GROUP + i, p->target, &r, &e) == ERR_OK;
		assert_true(n == 0 || n == GROUP);
		groups += n == GROUP;
		if (p->recorded[group])
			assert_int_equal(n, GROUP);
	}
	assert_ok(p->l.ops->upload_run_newest(p->l.reader, &run, &e));
	assert_int_equal(run.registered + run.parked >= groups * GROUP, true);	/* the run was written with them */
	assert_ok(p->l.ops->batch_find(p->l.reader, "lot-1", &b, &e));
	assert_int_equal(b.registered, groups * (GROUP - 1));
	assert_true(b.parked == groups || b.parked == 0);	/* retry is one transaction here */
	if (p->retried)
		assert_int_equal(b.parked, 0);
	assert_ok(p->l.ops->newest(p->l.reader, &upper, &us, &e));
	assert_true(upper == VERIFICATION || (upper == FIRST + CERTIFICATES - 1 && !p->verified));

	/* the next night ends it */
	memset(&run, 0, sizeof(run));
	assert_ok(p->l.ops->upload_run_begin(p->l.store, &run, &e));
	for (group = 0; group < GROUPS; group++)
		assert_ok(group_record(p, group, &run, &e));
	assert_agrees(p);
	assert_ok(p->l.ops->upload_retry(p->l.store, -1, &ledger_who, &count, &e));
	assert_int_equal(count, GROUPS);
	assert_agrees(p);
	ledger_close(&p->l);
}

static void
faults(enum fault_kind kind, bool sticky)
{
	struct play			begun, p;
	struct ledger			*l;
	struct store_certificate	 c;
	char				 name[16];
	long				 nth, runs = 0;
	bool				 fired = true;
	int				 i;

	l = ledger_new(&store_sqlite);
	begun = (struct play){ .batch = ledger_batch(l, "lot-1", 1000) };
	for (i = 0; i < CERTIFICATES; i++) {
		(void)snprintf(name, sizeof(name), "dev-%d", i);
		c = ledger_certificate(begun.batch, l->ca_id, name, (unsigned)i + 1, FIRST + (uint64_t)i);
		assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	}
	begun.l = *l;
	ledger_close(&begun.l);
	fault_begin(begun.l.path);
	for (nth = 1; fired; nth += 1 + (kind == FAULT_NOMEM ? nth / 60 : 0), runs++) {
		p = begun;
		fault_arm(kind, sticky, nth);
		play_run(&p);
		fired = fault_disarm();
		play_check(&p);
		if (!fired)
			assert_true(p.recorded[0] && p.recorded[GROUPS - 1] && p.retried && p.verified);
	}
	ledger_remove_files(&begun.l);
	free(l);
	assert_true(runs > 20);
}

static void
test_ioerr_once(void **state)
{
	(void)state;
	faults(FAULT_IOERR, false);
}

static void
test_full_from_then_on(void **state)
{
	(void)state;
	faults(FAULT_FULL, true);
}

static void
test_nomem_once(void **state)
{
	(void)state;
	faults(FAULT_NOMEM, false);
}

static void
test_power_cut(void **state)
{
	(void)state;
	faults(FAULT_POWER, true);
}

/* ---- from version 1 ------------------------------------------------------------------------------------ */

static void
version_1(const char *path)
{
	ledger_version_1(path,
	    "INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity, issued)"
	    " VALUES ('lot-1', 1, 'default', '', 0, 0, 0, 1000, 1);"
	    "INSERT INTO certificate VALUES (1001, zeroblob(8), 1, 1, 'dev', zeroblob(32), zeroblob(32), 0, 1, 1, x'3000', NULL);"
	    "INSERT INTO outbox (batch_id, cert_id) VALUES (1, 1001); PRAGMA wal_checkpoint(TRUNCATE)");
}

static void
upgrade_faults(enum fault_kind kind)
{
	struct ledger	l;
	struct err	e;
	long		nth;
	int64_t		version;
	int		n;
	bool		fired = true;

	memset(&l, 0, sizeof(l));
	l.ops = &store_sqlite;
	ledger_scratch(&l);
	version_1(l.path);
	fault_begin(l.path);
	for (nth = 1; fired; nth += 1 + (kind == FAULT_NOMEM ? nth / 15 : 0)) {
		fault_arm(kind, kind == FAULT_POWER, nth);
		if (l.ops->open(&l.cf, &l.store, &e) == ERR_OK)
			l.ops->close(l.store);
		fired = fault_disarm();
		version = ledger_ask(l.path, "PRAGMA user_version");
		assert_true(version == 1 || version == 6);
		assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM sqlite_schema WHERE name IN ('outbox_late', 'verification')"),
		    version == 1 ? 0 : 2);
		ledger_open(&l);
		n = 0;
		assert_ok(l.ops->queue_page(l.reader, 1, 0, 10, count_row, &n, &e));
		assert_int_equal(n, 1);
		ledger_close(&l);
	}
	ledger_remove_files(&l);
	assert_true(nth > 5);
}

static void
test_upgrade(void **state)
{
	(void)state;
	upgrade_faults(FAULT_IOERR);
	upgrade_faults(FAULT_NOMEM);
	upgrade_faults(FAULT_POWER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ioerr_once),
		cmocka_unit_test(test_full_from_then_on),
		cmocka_unit_test(test_nomem_once),
		cmocka_unit_test(test_power_cut),
		cmocka_unit_test(test_upgrade),
	};

	return cmocka_run_group_tests(tests, shims_install, NULL);
}
