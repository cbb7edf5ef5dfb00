/*
 * Changes by people, and a device's next key, under faults (faults.h), with n counted up until a run comes through clean.  After reopening
 *   - a change is there with its event, or neither is;
 *   - what was reported is there;
 *   - a key that a device was given is taken, and one that it was not is free;
 *   - a ledger of version 2 is one of version 2 or one of the newest, with all its rows.
 */
#include "events.h"
#include "faults.h"
#include "ledger_file.h"

enum { CREATED, RAISED, APPROVED, REVOKED, REKEYED, RETRIED, CHANGES };

struct play {
	struct ledger	l;
	int64_t		batch;
	bool		reported[CHANGES];
};

static const struct store_token	anna = { .name = "anna", .role = 3, .hash = { 1 }, .batch_id = -1, .created_at_us = 5 };
static const struct store_token	bert = { .name = "bert", .role = 1, .hash = { 2 }, .batch_id = -1, .created_at_us = 5 };

/* The device's next certificate, with key 2. */
static enum err_code
rekey(struct play *p, struct err *e)
{
	const struct store_certificate	c = ledger_certificate(p->batch, p->l.ca_id, "dev-1", 2, 1002);
	struct store_record_row		row = { .certificate = &c, .may_rekey = true };
	enum err_code			rc = p->l.ops->record(p->l.store, &row, 1, e);

	assert_int_equal(row.result, rc);
	recorded_free(row.recorded);
	return rc;
}

/* Before the faults: a batch, one that waits, a device, a token. */
static void
play_init(struct play *p, struct ledger *l)
{
	struct store_batch		 b = { .name = "lot-2", .ca_id = l->ca_id, .quantity = 3, .state = BATCH_WAITING };
	struct store_certificate	 c;
	struct err			 e;

	memset(p, 0, sizeof(*p));
	p->batch = ledger_batch(l, "lot-1", 100);
	assert_ok(l->ops->batch_create(l->store, &b, NULL, NULL, &ledger_who, &e));
	c = ledger_certificate(p->batch, l->ca_id, "dev-1", 1, 1001);
	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	assert_ok(l->ops->token_create(l->store, &bert, &ledger_who, &e));
	p->l = *l;
	ledger_close(&p->l);
}

/* Each change once, whatever became of the one before. */
static void
play_run(struct play *p)
{
	const struct store_token_use	 use = { 1, 9 };
	const struct store_ops		*ops = p->l.ops;
	struct err			 e;
	int64_t				 count;

	if (ops->open(&p->l.cf, &p->l.store, &e) != ERR_OK)
		return;
	p->reported[CREATED] = ops->token_create(p->l.store, &anna, &ledger_who, &e) == ERR_OK;
	p->reported[RAISED] = ops->batch_set_quantity(p->l.store, "lot-1", 200, &ledger_who, &e) == ERR_OK;
	p->reported[APPROVED] = ops->batch_set_state(p->l.store, "lot-2", BATCH_OPEN, &ledger_who, &e) == ERR_OK;
	p->reported[REVOKED] = ops->token_revoke(p->l.store, "bert", &ledger_who, &e) == ERR_OK;
	if (ops->token_used(p->l.store, &use, 1, &e) != ERR_OK)
		assert_true(fault.fired);
	p->reported[REKEYED] = rekey(p, &e) == ERR_OK;
	p->reported[RETRIED] = ops->upload_retry(p->l.store, -1, &ledger_who, &count, &e) == ERR_OK;
	ledger_close(&p->l);
}

static int
events_of(struct play *p, const char *action, const char *object)
{
	struct events	evs = events_list(&p->l, 0, 0);
	int		i, n = 0;

	for (i = 0; i < evs.n; i++)
		n += strcmp(evs.event[i].action, action) == 0 && strcmp(evs.event[i].object, object) == 0;
	return n;
}

/* Which changes are there; each with its event. */
static void
play_read(struct play *p, bool there[CHANGES])
{
	const struct store_ops	*ops = p->l.ops;
	struct store_batch	 b;
	struct store_token	 t;
	struct recorded		*found = NULL;
	struct err		 e;
	const struct store_certificate	c = ledger_certificate(p->batch, p->l.ca_id, "dev-1", 2, 1);

	there[CREATED] = ops->token_find(p->l.reader, anna.hash, &t, &e) == ERR_OK;
	assert_int_equal(events_of(p, "token.create", "anna"), there[CREATED]);
	assert_ok(ops->batch_find(p->l.reader, "lot-1", &b, &e));
	assert_true(b.quantity == 100 || b.quantity == 200);
	there[RAISED] = b.quantity == 200;
	assert_int_equal(events_of(p, "batch.quantity", "lot-1"), there[RAISED]);
	there[REKEYED] = ops->recorded_find(p->l.reader, p->batch, "dev-1", c.key_id, &found, &e) == ERR_OK;
	recorded_free(found);
	assert_int_equal(b.issued, there[REKEYED] ? 2 : 1);
	assert_ok(ops->batch_find(p->l.reader, "lot-2", &b, &e));
	assert_true(b.state == BATCH_WAITING || b.state == BATCH_OPEN);
	there[APPROVED] = b.state == BATCH_OPEN;
	assert_int_equal(events_of(p, "batch.open", "lot-2"), there[APPROVED]);
	assert_ok(ops->token_find(p->l.reader, bert.hash, &t, &e));
	there[REVOKED] = t.revoked_at_us != 0;
	assert_int_equal(events_of(p, "token.revoke", "bert"), there[REVOKED]);
	there[RETRIED] = events_of(p, "upload.retry", "") == 1;
}

static void
play_check(struct play *p)
{
	struct store_certificate	clone;
	struct err			e;
	bool				there[CHANGES];
	int				i;

	ledger_open(&p->l);
	play_read(p, there);
	for (i = 0; i < CHANGES; i++) {
		if (p->reported[i])
			assert_true(there[i]);	/* of a failed COMMIT nobody knows */
	}
	clone = ledger_certificate(p->batch, p->l.ca_id, "clone", 2, 1003);
	if (there[REKEYED])
		assert_int_equal(ledger_try(&p->l, &clone, NULL), ERR_KEY_REUSED);
	clone = ledger_certificate(p->batch, p->l.ca_id, "clone", 1, 1004);
	assert_int_equal(ledger_try(&p->l, &clone, NULL), ERR_KEY_REUSED);
	assert_int_equal(ledger_ask(p->l.path, "SELECT count(*) FROM device d JOIN certificate c ON c.id = d.newest_id"
	    " WHERE c.device_id <> d.device_id OR substr(c.key_id, 1, 16) <> d.key_prefix"), 0);
	/* what is missing can be done now; what is there is there once */
	assert_int_equal(p->l.ops->token_create(p->l.store, &anna, &ledger_who, &e), there[CREATED] ? ERR_CONFLICT : ERR_OK);
	assert_ok(p->l.ops->batch_set_quantity(p->l.store, "lot-1", 200, &ledger_who, &e));
	assert_ok(p->l.ops->batch_set_state(p->l.store, "lot-2", BATCH_OPEN, &ledger_who, &e));
	assert_ok(p->l.ops->token_revoke(p->l.store, "bert", &ledger_who, &e));
	assert_ok(rekey(p, &e));
	play_read(p, there);
	assert_true(there[CREATED] && there[RAISED] && there[APPROVED] && there[REVOKED] && there[REKEYED]);
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
	for (nth = 1; fired; nth += 1 + (kind == FAULT_NOMEM ? nth / 60 : 0), runs++) {
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
test_ioerr_from_then_on(void **state)
{
	(void)state;
	faults(FAULT_IOERR, true);
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

/* ---- from version 2 ------------------------------------------------------------------------------------ */

static void
version_2(const char *path)
{
	ledger_version_2(path,
	    "INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity, issued)"
	    " VALUES ('lot-1', 1, 'default', '', 0, 0, 0, 1000, 1);"
	    "INSERT INTO certificate VALUES (1001, zeroblob(8), 1, 1, 'dev', zeroblob(32), zeroblob(32), 0, 1, 1, x'3000', NULL);"
	    "INSERT INTO device VALUES ('dev', zeroblob(16), 1001);"
	    "INSERT INTO outbox (batch_id, cert_id) VALUES (1, 1001); PRAGMA wal_checkpoint(TRUNCATE)");
}

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
	version_2(l.path);
	fault_begin(l.path);
	for (nth = 1; fired; nth += 1 + (kind == FAULT_NOMEM ? nth / 15 : 0)) {
		fault_arm(kind, kind == FAULT_POWER, nth);
		if (l.ops->open(&l.cf, &l.store, &e) == ERR_OK)
			l.ops->close(l.store);
		fired = fault_disarm();
		version = ledger_ask(l.path, "PRAGMA user_version");
		assert_true(version == 2 || version == 6);
		assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM sqlite_schema WHERE name IN ('event', 'token', 'device_next_key')"),
		    version == 2 ? 0 : 3);
		assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM sqlite_schema WHERE name = 'device_same'"), 1);
		ledger_open(&l);
		c = ledger_certificate(1, 1, "dev-2", 2, 1002);
		assert_int_equal(ledger_try(&l, &c, NULL), ERR_OK);
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
		cmocka_unit_test(test_ioerr_from_then_on),
		cmocka_unit_test(test_full_from_then_on),
		cmocka_unit_test(test_nomem_once),
		cmocka_unit_test(test_power_cut),
		cmocka_unit_test(test_upgrade),
	};

	return cmocka_run_group_tests(tests, shims_install, NULL);
}
