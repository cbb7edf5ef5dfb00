/*
 * Revocations, leaves for another key and the index of certificate ids under faults (faults.h), with n counted up until a run comes through
 * clean.  After reopening
 *   - a change is there with its event, its counts and what it parks, or nothing of it is;
 *   - what was reported is there;
 *   - a leave is used if, and only if, the certificate is there for which it was used;
 *   - every certificate is found by its certificate id;
 *   - a ledger of version 3 is one of version 3 or one of the newest, with all its rows.
 */
#include "events.h"
#include "faults.h"
#include "ledger_file.h"

enum { REVOKED, ALLOWED, USED, CHANGES };
enum { ROWS = 600 };

struct play {
	struct ledger	l;
	bool		reported[CHANGES];
};

static struct store_certificate
certificate(const struct ledger *l, unsigned device, unsigned key, uint64_t serial)
{
	struct store_certificate	c;
	char				name[16];

	(void)snprintf(name, sizeof(name), "dev-%u", device);
	c = ledger_certificate(1, l->ca_id, name, key, serial);
	memset(c.certificate_id, 0, sizeof(c.certificate_id));
	c.certificate_id[0] = (uint8_t)(serial >> 8);
	c.certificate_id[1] = (uint8_t)serial;
	c.certificate_id[31] = 7;
	c.der_len = 20;
	return c;
}

/* Before the faults: a batch with ROWS devices. */
static void
play_init(struct play *p, struct ledger *l)
{
	static struct store_certificate	c[ROWS];
	static struct store_record_row	rows[ROWS];
	struct err			e;
	unsigned			i;

	memset(p, 0, sizeof(*p));
	memset(rows, 0, sizeof(rows));
	(void)ledger_batch(l, "lot-1", 1000);
	for (i = 0; i < ROWS; i++) {
		c[i] = certificate(l, i, i + 1, 1001 + i);
		rows[i].certificate = &c[i];
	}
	assert_ok(l->ops->record(l->store, rows, ROWS, &e));
	for (i = 0; i < ROWS; i++)
		recorded_free(rows[i].recorded);
	assert_ok(l->ops->checkpoint(l->store, &e));
	p->l = *l;
	ledger_close(&p->l);
}

static enum err_code
revoke(struct play *p, struct err *e)
{
	const struct store_certificate	c = certificate(&p->l, 0, 1, 1001);

	return p->l.ops->certificate_revoke(p->l.store, c.serial, &ledger_who, e);
}

/* The device's next key. */
static enum err_code
use(struct play *p, struct err *e)
{
	const struct store_certificate	c = certificate(&p->l, 1, 5001, 3000);
	struct store_record_row		row = { .certificate = &c };
	enum err_code			rc = p->l.ops->record(p->l.store, &row, 1, e);

	recorded_free(row.recorded);
	return rc == ERR_OK ? row.result : rc;
}

/* Each change once, whatever became of the one before. */
static void
play_run(struct play *p)
{
	const struct store_ops	*ops = p->l.ops;
	struct err		 e;

	if (ops->open(&p->l.cf, &p->l.store, &e) != ERR_OK)
		return;
	p->reported[REVOKED] = revoke(p, &e) == ERR_OK;
	p->reported[ALLOWED] = ops->device_rework(p->l.store, "dev-1", &ledger_who, &e) == ERR_OK;
	if (ops->identifiers_settle(p->l.store, 128, &e) != ERR_OK)
		assert_true(fault.fired);
	p->reported[USED] = use(p, &e) == ERR_OK;
	if (ops->identifiers_settle(p->l.store, 128, &e) != ERR_OK)
		assert_true(fault.fired);
	ledger_close(&p->l);
}

static enum err_code
note(void *arg, const struct store_certificate *c, enum store_match match, struct err *e)
{
	(void)e;
	assert_int_equal(match, STORE_MATCH_CERTIFICATE_ID);
	*(int64_t *)arg = store_serial_key(c->serial);
	return ERR_OK;
}

static void
assert_found(struct play *p, unsigned serial)
{
	char		text[13];
	int64_t		found = 0;
	struct err	e;
	bool		more = true;

	(void)snprintf(text, sizeof(text), "%04x00000000", serial);
	assert_ok(p->l.ops->search(p->l.reader, text, 5, note, &found, &more, &e));
	assert_int_equal(found, serial);
	assert_false(more);
}

/* Which changes are there, each as a whole. */
static void
play_read(struct play *p, bool there[CHANGES])
{
	const struct store_certificate	 c = certificate(&p->l, 0, 1, 1001);
	const struct store_ops		*ops = p->l.ops;
	struct store_batch		 b;
	struct store_rework		 r;
	struct recorded			*found = NULL;
	struct events			 evs = { 0 };
	struct err			 e;
	bool				 unused;

	assert_ok(ops->recorded_find_serial(p->l.reader, c.serial, &found, &e));
	there[REVOKED] = recorded_certificate(found)->state == CERTIFICATE_REVOKED;
	recorded_free(found);
	assert_ok(ops->event_list(p->l.reader, 0, 0, "dev-0", events_note, &evs, &e));
	assert_int_equal(evs.n, there[REVOKED]);
	assert_ok(ops->batch_find(p->l.reader, "lot-1", &b, &e));
	assert_int_equal(b.revoked, there[REVOKED]);
	assert_int_equal(ledger_ask(p->l.path, "SELECT count(*) FROM outbox WHERE state = 2"), there[REVOKED]);
	assert_int_equal(ledger_ask(p->l.path, "SELECT count(*) FROM outbox WHERE state = 0"), store_batch_queued(&b));
	evs.n = 0;
	assert_ok(ops->event_list(p->l.reader, 0, 0, "dev-1", events_note, &evs, &e));
	there[ALLOWED] = evs.n == 1;
	unused = ops->device_rework_find(p->l.reader, "dev-1", &r, &e) == ERR_OK;
	there[USED] = b.issued == ROWS + 1;
	assert_int_equal(unused, there[ALLOWED] && !there[USED]);
	assert_true(there[ALLOWED] || !there[USED]);
}

static void
play_check(struct play *p)
{
	struct err	e;
	bool		there[CHANGES];
	unsigned	i;

	ledger_open(&p->l);
	play_read(p, there);
	for (i = 0; i < CHANGES; i++) {
		if (p->reported[i])
			assert_true(there[i]);	/* of a failed COMMIT nobody knows */
	}
	for (i = 0; i < ROWS; i += 37)
		assert_found(p, 1001 + i);
	if (there[USED])
		assert_found(p, 3000);
	assert_int_equal(ledger_ask(p->l.path, "SELECT count(*) - (SELECT rows FROM identified) FROM identifier"), 0);
	assert_int_equal(ledger_ask(p->l.path, "SELECT count(*) FROM certificate c, identified m WHERE c.id <= m.cert_id AND NOT EXISTS"
	    " (SELECT 1 FROM identifier i WHERE i.cert_id = c.id)"), 0);
	/* what is missing can be done now; what is there is there once */
	assert_ok(revoke(p, &e));
	if (!there[USED])
		assert_ok(p->l.ops->device_rework(p->l.store, "dev-1", &ledger_who, &e));
	assert_ok(use(p, &e));
	assert_ok(p->l.ops->identifiers_settle(p->l.store, 1000, &e));
	play_read(p, there);
	assert_true(there[REVOKED] && there[ALLOWED] && there[USED]);
	assert_found(p, 3000);
	ledger_close(&p->l);
}

static void
faults(enum fault_kind kind, bool sticky)
{
	struct play	p;
	struct ledger	*l;
	long		 nth, runs = 0;
	bool		 fired = true;
	int		 i;

	l = ledger_new(&store_sqlite);
	play_init(&p, l);
	fault_begin(p.l.path);
	for (nth = 1; fired; nth += 1 + (kind == FAULT_NOMEM ? nth / 25 : 0), runs++) {
		memset(p.reported, 0, sizeof(p.reported));
		fault_arm(kind, sticky, nth);
		play_run(&p);
		fired = fault_disarm();
		play_check(&p);
		for (i = 0; i < CHANGES && !fired; i++)
			assert_true(p.reported[i]);	/* the clean run */
	}
	ledger_remove_files(&p.l);
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

/* ---- from version 3 ------------------------------------------------------------------------------------ */

static void
upgrade_faults(enum fault_kind kind)
{
	struct ledger			l;
	struct store_certificate	c;
	struct err			e;
	long				nth;
	int64_t				version;
	bool				fired = true;

	memset(&l, 0, sizeof(l));
	l.ops = &store_sqlite;
	ledger_scratch(&l);
	ledger_version_3(l.path,
	    "INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity, issued)"
	    " VALUES ('lot-1', 1, 'default', '', 0, 0, 0, 1000, 1);"
	    "INSERT INTO certificate VALUES (1001, zeroblob(8), 1, 1, 'dev', zeroblob(32), zeroblob(32), 0, 1, 1, x'3000', NULL);"
	    "INSERT INTO device VALUES ('dev', zeroblob(16), 1001);"
	    "INSERT INTO outbox (batch_id, cert_id) VALUES (1, 1001); PRAGMA wal_checkpoint(TRUNCATE)");
	fault_begin(l.path);
	for (nth = 1; fired; nth += 1 + (kind == FAULT_NOMEM ? nth / 15 : 0)) {
		fault_arm(kind, kind == FAULT_POWER, nth);
		if (l.ops->open(&l.cf, &l.store, &e) == ERR_OK)
			l.ops->close(l.store);
		fired = fault_disarm();
		version = ledger_ask(l.path, "PRAGMA user_version");
		assert_true(version == 3 || version == 6);
		assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM sqlite_schema WHERE name IN ('revocation', 'rework', 'identified')"),
		    version == 3 ? 0 : 3);
		assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM sqlite_schema WHERE name = 'outbox_late'"), 1);
		ledger_open(&l);
		c = ledger_certificate(1, 1, "dev-2", 2, 1002);
		assert_int_equal(ledger_try(&l, &c, NULL), ERR_OK);
		assert_ok(l.ops->certificate_revoke(l.store, c.serial, &ledger_who, &e));
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
