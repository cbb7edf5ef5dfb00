/* What version 4 of the schema forbids, whoever asks, and how a ledger of version 3 becomes one. */
#include "ledger_file.h"

static int
setup(void **state)
{
	struct ledger			*l = ledger_new(&store_sqlite);
	int64_t				 batch = ledger_batch(l, "lot-1", 9);
	struct store_certificate	 c;
	struct err			 e;
	unsigned			 i;

	for (i = 1; i <= 3; i++) {
		char	name[8];

		(void)snprintf(name, sizeof(name), "dev-%u", i);
		c = ledger_certificate(batch, l->ca_id, name, i, 1000 + i);
		assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
		if (i == 1)
			assert_ok(l->ops->certificate_revoke(l->store, c.serial, &ledger_who, &e));
	}
	assert_ok(l->ops->device_rework(l->store, "dev-2", &ledger_who, &e));
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	ledger_free(*state);
	return 0;
}

static void
test_forbidden(void **state)
{
	static const char *const texts[] = {
		"DELETE FROM revocation",
		"UPDATE revocation SET reason = 'another'",
		"REPLACE INTO revocation VALUES (1001, 9, 'cli:other', '')",
		"INSERT INTO revocation VALUES (77, 9, 'cli:x', '')",		/* no such certificate */
		"INSERT INTO revocation VALUES (1002, 9, 'cli:x', '')",		/* is queued */
		"UPDATE outbox SET state = 2 WHERE cert_id = 1002; INSERT INTO revocation VALUES (1002, 0, 'cli:x', '')",	/* never */
		"UPDATE outbox SET state = 2 WHERE cert_id = 1002; INSERT INTO revocation VALUES (1002, 9, '', '')",	/* by nobody */
		"UPDATE outbox SET state = 0, reason = NULL WHERE cert_id = 1001",	/* back into the queue */
		/* version 5 */
		"DELETE FROM withdrawal",
		"UPDATE withdrawal SET cert_id = 1002",
		"UPDATE withdrawal SET batch_id = 2",
		"UPDATE withdrawal SET state = 3",
		"REPLACE INTO withdrawal (cert_id, batch_id) VALUES (1001, 1)",
		"INSERT INTO withdrawal (cert_id, batch_id) VALUES (1002, 1)",	/* is not revoked */
		"INSERT INTO withdrawn VALUES (1002, 1, 5)",
		"INSERT INTO withdrawn VALUES (1001, 1, 5)",			/* without a registration */
		"UPDATE batch SET revoked = 4",					/* more than was issued */
		"UPDATE batch SET revoking = -1",
		"DELETE FROM rework",
		"UPDATE rework SET device_id = 'dev-3'",
		"UPDATE rework SET reason = 'another'",
		"UPDATE rework SET used_cert_id = 1003",			/* another device's */
		"UPDATE rework SET used_cert_id = 77",
		"UPDATE rework SET used_cert_id = 1002; UPDATE rework SET used_cert_id = NULL",
		"UPDATE rework SET used_cert_id = 1002; UPDATE rework SET used_cert_id = 1002",
		"INSERT INTO rework (device_id, at_us, actor, reason) VALUES ('dev-2', 0, 'cli:x', '')",	/* two at once */
		"INSERT INTO rework (device_id, at_us, actor, reason) VALUES ('dev-9', 0, 'cli:x', '')",	/* no such device */
		"INSERT INTO rework (device_id, at_us, actor, reason) VALUES ('dev-3', 0, '', '')",
		"INSERT INTO rework (device_id, at_us, actor, reason, used_cert_id) VALUES ('dev-3', 0, 'cli:x', '', 1003)",
		"DELETE FROM identified",
		"INSERT INTO identified VALUES (2, 0, 0, 0)",
		"INSERT INTO identifier VALUES (0, 'x', 1)",			/* STRICT */
	};
	struct ledger	*l = *state;
	char		 text[512];
	size_t		 i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		/* each sees the ledger as it was */
		(void)snprintf(text, sizeof(text), "BEGIN; %s; COMMIT", texts[i]);
		if (ledger_run(l->path, text) == SQLITE_OK)
			fail_msg("the schema lets this pass: %s", texts[i]);
	}
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM rework WHERE used_cert_id IS NULL"), 1);
	assert_int_equal(ledger_run(l->path, "UPDATE rework SET used_cert_id = 1002"), SQLITE_OK);
	assert_int_equal(ledger_run(l->path, "UPDATE outbox SET state = 1, reason = NULL WHERE cert_id = 1001;"
	    "UPDATE outbox SET state = 2 WHERE cert_id = 1001"), SQLITE_OK);
}

/* One trigger for both marks: each does its own part only. */
static void
test_late(void **state)
{
	static const char	insert[] = "INSERT INTO certificate SELECT %d, serial_lower, batch_id, ca_id, 'late-%d', key_id, certificate_id,"
				    " not_before_s, not_after_s, issued_at_us, der, NULL FROM certificate WHERE id = 1002;"
				    "INSERT INTO outbox (batch_id, cert_id) VALUES (1, %d)";
	struct ledger		*l = *state;
	char			 text[512];

	(void)snprintf(text, sizeof(text), insert, 900, 900, 900);	/* below that of the queue, which has passed what was revoked */
	assert_int_equal(ledger_ask(l->path, "SELECT queue_after FROM batch"), 1001);
	assert_int_equal(ledger_run(l->path, text), SQLITE_OK);
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM identifier_late"), 0);
	assert_int_equal(ledger_ask(l->path, "SELECT queue_after FROM batch"), 899);
	assert_int_equal(ledger_run(l->path, "UPDATE identified SET cert_id = 950"), SQLITE_OK);
	(void)snprintf(text, sizeof(text), insert, 940, 940, 940);
	assert_int_equal(ledger_run(l->path, text), SQLITE_OK);
	assert_int_equal(ledger_ask(l->path, "SELECT cert_id FROM identifier_late"), 940);
	assert_int_equal(ledger_ask(l->path, "SELECT queue_after FROM batch"), 899);
	assert_int_equal(ledger_run(l->path, "UPDATE outbox SET state = 1; UPDATE batch SET queue_after = 1003"), SQLITE_OK);
	(void)snprintf(text, sizeof(text), insert, 960, 960, 960);
	assert_int_equal(ledger_run(l->path, text), SQLITE_OK);
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM identifier_late"), 1);
	assert_int_equal(ledger_ask(l->path, "SELECT queue_after FROM batch"), 959);
	(void)snprintf(text, sizeof(text), insert, 930, 930, 930);
	assert_int_equal(ledger_run(l->path, text), SQLITE_OK);
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM identifier_late"), 2);
	assert_int_equal(ledger_ask(l->path, "SELECT queue_after FROM batch"), 929);
}

static enum err_code
note(void *arg, const struct store_certificate *c, enum store_match match, struct err *e)
{
	(void)e;
	assert_int_equal(match, STORE_MATCH_CERTIFICATE_ID);
	*(int64_t *)arg = store_serial_key(c->serial);
	return ERR_OK;
}

/* A ledger as version 3 of the program left it: queued, registered and parked rows, a device with two certificates, an event, a token. */
static void
test_upgrade(void **state)
{
	struct ledger			 l = { .ops = &store_sqlite, .ca_id = 1 };
	struct store_certificate	 c;
	struct store_batch		 b;
	struct err			 e;
	int64_t				 found = 0, count;
	bool				 more = true;

	(void)state;
	ledger_scratch(&l);
	ledger_version_3(l.path,
	    "INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity, issued, registered, parked, queue_after)"
	    " VALUES ('lot-1', 1, 'default', '', 0, 0, 0, 9000, 3000, 1, 1, 1002);"
	    "WITH RECURSIVE n (i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)"
	    " INSERT INTO certificate SELECT i, zeroblob(8), 1, 1, 'dev-' || i, randomblob(32),"
	    " CAST(printf('%08d', i) || 'a certificate id in text' AS BLOB), 0, 1, i, x'3000', NULL FROM n;"
	    "INSERT INTO device SELECT device_id, substr(key_id, 1, 16), id FROM certificate;"
	    "INSERT INTO outbox (batch_id, cert_id, state) SELECT batch_id, id, CASE id WHEN 1001 THEN 1 WHEN 1002 THEN 2 ELSE 0 END"
	    " FROM certificate;"
	    "INSERT INTO event (at_us, actor, address, action, object, detail, reason) VALUES (5, 'cli:x', '', 'batch.open', 'lot-1', '', '')");
	ledger_open(&l);
	assert_int_equal(ledger_ask(l.path, "PRAGMA user_version"), 6);
	assert_ok(l.ops->batch_find(l.reader, "lot-1", &b, &e));
	assert_int_equal(store_batch_queued(&b), 2998);
	/* what was issued before is found, and settles */
	assert_ok(l.ops->search(l.reader, "3030303034303030", 5, note, &found, &more, &e));
	assert_int_equal(found, 4000);
	assert_false(more);
	assert_ok(l.ops->identifiers_settle(l.store, 100000, &e));
	assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM identifier"), 2048);
	assert_ok(l.ops->search(l.reader, "3030303031303031", 5, note, &found, &more, &e));
	assert_int_equal(found, 1001);
	/* devices from before: revoked, reworked */
	c = ledger_certificate(1, 1, "", 0, 1003);
	memset(c.serial + 8, 0, 8);
	assert_ok(l.ops->certificate_revoke(l.store, c.serial, &ledger_who, &e));
	c.serial[7] = 0xea;	/* 1002, which is parked */
	assert_ok(l.ops->certificate_revoke(l.store, c.serial, &ledger_who, &e));
	assert_ok(l.ops->upload_retry(l.store, -1, &ledger_who, &count, &e));
	assert_int_equal(count, 0);
	assert_ok(l.ops->batch_find(l.reader, "lot-1", &b, &e));
	assert_int_equal(store_batch_queued(&b), 2997);
	assert_ok(l.ops->device_rework(l.store, "dev-1003", &ledger_who, &e));
	c = ledger_certificate(1, 1, "dev-1003", 7, 5000);
	assert_int_equal(ledger_try(&l, &c, NULL), ERR_OK);
	c = ledger_certificate(1, 1, "dev-1003", 8, 5001);
	assert_int_equal(ledger_try(&l, &c, NULL), ERR_DEVICE_EXISTS);
	assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
	ledger_close(&l);
	ledger_open(&l);	/* not twice */
	ledger_close(&l);
	ledger_remove_files(&l);
}

/* Version 5: those that were parked because they are revoked are counted apart, and AWS is to hear of all that are. */
static void
test_upgrade_4(void **state)
{
	struct ledger		 l = { .ops = &store_sqlite };
	struct store_batch	 b;
	struct err		 e;
	char			*schema = ledger_read_text(SCHEMA_DIR "/0004_rework.sql");

	(void)state;
	ledger_scratch(&l);
	ledger_version_3(l.path,
	    "INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity, issued, registered, parked, queue_after)"
	    " VALUES ('lot-1', 1, 'default', '', 0, 0, 0, 9, 5, 1, 3, 1004), ('lot-2', 1, 'default', '', 0, 0, 0, 9, 1, 0, 1, 1006);"
	    "WITH RECURSIVE n (i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n WHERE i < 1006)"
	    " INSERT INTO certificate SELECT i, zeroblob(8), 1 + (i = 1006), 1, 'dev-' || i, randomblob(32), randomblob(32), 0, 1, i, x'3000', NULL"
	    " FROM n;"
	    "INSERT INTO device SELECT device_id, substr(key_id, 1, 16), id FROM certificate;"
	    "INSERT INTO outbox (batch_id, cert_id, state) SELECT batch_id, id, CASE id WHEN 1001 THEN 1 WHEN 1005 THEN 0 ELSE 2 END"
	    " FROM certificate");
	assert_int_equal(ledger_run(l.path, schema), SQLITE_OK);
	free(schema);
	assert_int_equal(ledger_run(l.path, "PRAGMA user_version = 4;"
	    "INSERT INTO revocation VALUES (1001, 7, 'cli:x', ''), (1002, 5, 'cli:x', ''), (1003, 6, 'cli:x', '')"), SQLITE_OK);
	ledger_open(&l);
	assert_ok(l.ops->batch_find(l.reader, "lot-1", &b, &e));
	assert_int_equal(b.registered, 1);
	assert_int_equal(b.parked, 1);		/* 1004 */
	assert_int_equal(b.revoked, 2);
	assert_int_equal(b.revoking, 3);
	assert_int_equal(b.revoke_parked, 0);
	assert_int_equal(store_batch_queued(&b), 1);
	assert_ok(l.ops->batch_find(l.reader, "lot-2", &b, &e));
	assert_int_equal(b.parked, 1);
	assert_int_equal(b.revoked + b.revoking, 0);
	assert_int_equal(ledger_ask(l.path, "SELECT group_concat(cert_id, '') FROM (SELECT cert_id FROM withdrawal ORDER BY id)"), 100210031001);
	assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	ledger_close(&l);
	ledger_remove_files(&l);
}

/* An upgrade that fails leaves version 3 as it was. */
static void
test_upgrade_fails(void **state)
{
	struct ledger	 l = { .ops = &store_sqlite };
	struct store	*s = NULL;
	struct err	 e;

	(void)state;
	ledger_scratch(&l);
	ledger_version_3(l.path, "CREATE TABLE identifier_late (somebody)");	/* in the way of the last table */
	assert_int_equal(l.ops->open(&l.cf, &s, &e), ERR_CONFIG);
	assert_null(s);
	assert_int_equal(ledger_ask(l.path, "PRAGMA user_version"), 3);
	assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM sqlite_schema WHERE name IN ('revocation', 'event_object')"), 0);
	assert_int_equal(ledger_run(l.path, "DROP TABLE identifier_late"), SQLITE_OK);
	ledger_open(&l);
	ledger_close(&l);
	ledger_remove_files(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forbidden, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late, setup, teardown),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_upgrade_4),
		cmocka_unit_test(test_upgrade_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
