/* What the schema itself forbids, whoever asks, and which files are refused. */
#include "ledger_file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

static int
setup(void **state)
{
	struct ledger			*l = ledger_new(&store_sqlite);
	int64_t				 batch = ledger_batch(l, "lot-1", 5);
	struct store_certificate	 c = ledger_certificate(batch, l->ca_id, "dev-1", 1, 1001);

	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	ledger_free(*state);
	return 0;
}

/* Whoever asks, by hand too. */
static void
assert_forbidden(struct ledger *l, const char *const *texts, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++) {
		if (ledger_run(l->path, texts[i]) == SQLITE_OK)
			fail_msg("the schema lets this pass: %s", texts[i]);
	}
}

#define NEXT_KEY	"x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff',"

static void
test_forbidden(void **state)
{
	static const char *const texts[] = {
		"DELETE FROM certificate",
		"UPDATE certificate SET der = x'00'",
		"UPDATE certificate SET device_id = 'dev-2'",
		"UPDATE certificate SET issued_at_us = 1",
		"UPDATE certificate SET id = 5",
		"REPLACE INTO certificate SELECT id, serial_lower, batch_id, ca_id, 'dev-2', key_id, certificate_id, not_before_s,"
		    " not_after_s, issued_at_us, der, prior_id FROM certificate",
		"DELETE FROM device",
		"UPDATE device SET key_prefix = zeroblob(16)",
		"UPDATE device SET device_id = 'dev-2'",
		"INSERT INTO device SELECT device_id, zeroblob(16), newest_id FROM device",
		"INSERT INTO device VALUES ('dev-3', x'00', 1)",
		"INSERT INTO device_key VALUES (zeroblob(16), 1), (zeroblob(16), 2)",	/* one key, one device */
		"INSERT INTO device_key VALUES (zeroblob(16), 1); DELETE FROM device_key",
		"INSERT OR IGNORE INTO device_key VALUES (zeroblob(16), 1); UPDATE device_key SET cert_id = 2",
		"DELETE FROM settled",
		"UPDATE settled SET cert_id = -1",
		"DELETE FROM outbox",
		"UPDATE outbox SET cert_id = 7",
		"UPDATE outbox SET state = 9",
		"INSERT INTO outbox (batch_id, cert_id) VALUES (1, 77)",	/* no such certificate */
		"DELETE FROM batch",
		"UPDATE batch SET name = 'x'",
		"UPDATE batch SET ca_id = 2",
		"UPDATE batch SET profile = 'x'",
		"UPDATE batch SET pattern = 'x'",
		"UPDATE batch SET listed = 1",
		"UPDATE batch SET created_at_us = 1",
		"UPDATE batch SET issued = 0",
		"UPDATE batch SET issued = 6",		/* more than ordered */
		"UPDATE batch SET quantity = 0",
		"UPDATE batch SET state = 2",
		"UPDATE batch SET state = 3",
		"UPDATE batch SET parked = 2",		/* more than issued */
		"INSERT INTO batch_device VALUES (1, 'dev-9')",	/* the list is closed */
		"DELETE FROM ca",
		"UPDATE ca SET der = x'00'",
		"UPDATE ca SET name = 'x'",
		"INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity)"
		    " VALUES ('y', 99, 'p', '', 0, 0, 0, 1)",	/* no such CA */
		"UPDATE batch SET quantity = 'many'",	/* STRICT */
		"UPDATE batch SET aws = 'east'",
		"UPDATE batch SET queue_after = 1001",	/* over what is queued */
		"DELETE FROM target",
		"UPDATE target SET region = 'x'",
		"INSERT INTO target (account, region) VALUES ('123456789012', 'eu-west-1')",	/* is there */
		"INSERT INTO target (account, region) VALUES ('1234567890123', 'eu-west-1')",
		"DELETE FROM registration",
		"UPDATE registration SET cert_id = 1",
		"UPDATE registration SET target_id = 2",
		"UPDATE registration SET done = 4",	/* of 5: a step taken back */
		"UPDATE registration SET done = -1",
		"UPDATE registration SET done = 4294967296",
		"UPDATE registration SET state = 3",
		"UPDATE registration SET attempts = -1",
		"REPLACE INTO registration VALUES (1001, 1, 0, 0, 0, '', '', '', '', '', 0)",
		"INSERT INTO registration VALUES (7, 1, 0, 0, 0, '', '', '', '', '', 0)",	/* no such certificate */
		"INSERT INTO registration VALUES (1001, 7, 0, 0, 0, '', '', '', '', '', 0)",	/* no such target */
		"DELETE FROM upload_run",
		"UPDATE upload_run SET id = 9",
		"UPDATE upload_run SET started_at_us = 9",
		"UPDATE upload_run SET calls = -1",
		"DELETE FROM verification",
		"UPDATE verification SET der = x'01'",
		"INSERT INTO verification VALUES (1001, zeroblob(8), 1, x'00', 0)",	/* a certificate's serial */
		"INSERT INTO verification VALUES (900, zeroblob(8), 1, x'00', 0)",	/* its own */
		"INSERT INTO verification VALUES (901, zeroblob(8), 9, x'00', 0)",	/* no such CA */
	};
	struct ledger	*l = *state;

	assert_int_equal(ledger_run(l->path, "INSERT INTO target (account, region) VALUES ('123456789012', 'eu-west-1');"
	    "INSERT INTO registration VALUES (1001, 1, 0, 5, 0, '', '', '', '', '', 0);"
	    "INSERT INTO upload_run VALUES (1, 1, 1, 0, 7, 0, 0, 0, 0, 0, '', 0);"
	    "INSERT INTO verification VALUES (900, zeroblob(8), 1, x'00', 0)"), SQLITE_OK);
	assert_forbidden(l, texts, sizeof(texts) / sizeof(texts[0]));
}

/* The same of version 3. */
static void
test_forbidden_rights(void **state)
{
	static const char *const texts[] = {
		"UPDATE batch SET quantity = 4",	/* an order made smaller */
		"UPDATE batch SET waits = 1",		/* an open one */
		"UPDATE batch SET state = 1; UPDATE batch SET waits = 1",	/* one that did not wait from its beginning */
		"UPDATE batch SET waits = 2, state = 1",
		"INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity, waits)"
		    " VALUES ('y', 1, 'p', '', 0, 0, 0, 1, 1)",	/* open, and waits */
		"UPDATE batch SET state = 0 WHERE name = 'waits'",	/* opened without approval */
		"UPDATE device SET key_prefix = x'00112233445566778899aabbccddeeff', newest_id = 2001",	/* another device's certificate */
		"UPDATE device SET key_prefix = zeroblob(16), newest_id = 2002",	/* not the key of it */
		"UPDATE device SET key_prefix = x'00112233445566778899aabbccddeeff', newest_id = 2003",	/* follows nothing */
		"UPDATE device SET key_prefix = x'00112233445566778899aabbccddeeff'",	/* not its newest */
		"DELETE FROM token",
		"UPDATE token SET id = 9",
		"UPDATE token SET name = 'bert'",
		"UPDATE token SET role = 4",
		"UPDATE token SET hash = zeroblob(32)",
		"UPDATE token SET batch_id = 1",
		"UPDATE token SET network = '10.0.0.0/8'",
		"UPDATE token SET created_at_us = 9",
		"UPDATE token SET expires_at_us = 9",
		"UPDATE token SET revoked_at_us = 0 WHERE name = 'anna'",	/* revoked at 5 */
		"UPDATE token SET revoked_at_us = 6 WHERE name = 'anna'",
		"UPDATE token SET revoked_at_us = -1",
		"UPDATE token SET last_used_at_us = 6",	/* was used at 7 */
		"REPLACE INTO token SELECT id, name, 4, hash, batch_id, network, created_at_us, expires_at_us, 0, 0 FROM token",
		"INSERT INTO token (name, role, hash, network, created_at_us, expires_at_us) VALUES ('anna', 1, zeroblob(32), '', 0, 0)",
		"INSERT INTO token (name, role, hash, network, created_at_us, expires_at_us) SELECT 'x', 1, hash, '', 0, 0 FROM token",
		"INSERT INTO token (name, role, hash, network, created_at_us, expires_at_us) VALUES ('x', 0, zeroblob(32), '', 0, 0)",
		"INSERT INTO token (name, role, hash, network, created_at_us, expires_at_us) VALUES ('x', 1, zeroblob(31), '', 0, 0)",
		"INSERT INTO token (name, role, hash, batch_id, network, created_at_us, expires_at_us)"
		    " VALUES ('x', 1, zeroblob(32), 99, '', 0, 0)",	/* no such batch */
		"INSERT INTO token (name, role, hash, network, created_at_us, expires_at_us, last_used_at_us)"
		    " VALUES ('x', 1, zeroblob(32), '', 0, 0, 9)",
		"DELETE FROM event",
		"UPDATE event SET reason = 'another'",
		"UPDATE event SET at_us = 0",
		"REPLACE INTO event SELECT id, at_us, 'cli:other', address, action, object, detail, reason FROM event",
		"INSERT INTO event (at_us, actor, address, action, object, detail, reason) VALUES (0, '', '', 'x', '', '', '')",
	};
	struct ledger	*l = *state;

	assert_int_equal(ledger_run(l->path,
	    "INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity, waits)"
	    " VALUES ('waits', 1, 'p', '', 0, 0, 1, 1, 1);"
	    "INSERT INTO token (name, role, hash, network, created_at_us, expires_at_us) VALUES ('anna', 3, randomblob(32), '', 0, 0);"
	    "UPDATE token SET revoked_at_us = 5, last_used_at_us = 7"), SQLITE_OK);
	assert_int_equal(ledger_run(l->path, "INSERT INTO certificate SELECT 2001, serial_lower, batch_id, ca_id, 'dev-2', " NEXT_KEY
	    " certificate_id, not_before_s, not_after_s, issued_at_us, der, 1001 FROM certificate WHERE id = 1001;"
	    "INSERT INTO certificate SELECT 2002, serial_lower, batch_id, ca_id, device_id, " NEXT_KEY
	    " certificate_id, not_before_s, not_after_s, issued_at_us, der, 1001 FROM certificate WHERE id = 1001;"
	    "INSERT INTO certificate SELECT 2003, serial_lower, batch_id, ca_id, device_id, " NEXT_KEY
	    " certificate_id, not_before_s, not_after_s, issued_at_us, der, NULL FROM certificate WHERE id = 1001"), SQLITE_OK);
	assert_forbidden(l, texts, sizeof(texts) / sizeof(texts[0]));
}

/* A device takes the key of its next certificate; a token is revoked and used; a batch that waits is approved. */
static void
test_allowed_rights(void **state)
{
	struct ledger	*l = *state;

	assert_int_equal(ledger_run(l->path, "INSERT INTO certificate SELECT 2002, serial_lower, batch_id, ca_id, device_id, " NEXT_KEY
	    " certificate_id, not_before_s, not_after_s, issued_at_us, der, 1001 FROM certificate;"
	    "UPDATE device SET key_prefix = x'00112233445566778899aabbccddeeff', newest_id = 2002"), SQLITE_OK);
	assert_int_equal(ledger_run(l->path,
	    "INSERT INTO token (name, role, hash, network, created_at_us, expires_at_us) VALUES ('anna', 3, randomblob(32), '', 0, 0);"
	    "UPDATE token SET last_used_at_us = 7; UPDATE token SET revoked_at_us = 5"), SQLITE_OK);
	assert_int_equal(ledger_run(l->path,
	    "INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity, waits)"
	    " VALUES ('waits', 1, 'p', '', 0, 0, 1, 1, 1); UPDATE batch SET waits = 0, state = 0 WHERE name = 'waits'"), SQLITE_OK);
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM batch INDEXED BY batch_open WHERE state = 0"), 2);
}

/* And what the upload and a person at the batch need stays possible. */
static void
test_allowed(void **state)
{
	struct ledger	*l = *state;

	assert_int_equal(ledger_run(l->path, "UPDATE batch SET quantity = 6, state = 1"), SQLITE_OK);
	assert_int_equal(ledger_run(l->path, "UPDATE outbox SET state = 1, attempts = attempts + 1"), SQLITE_OK);
	assert_int_equal(ledger_run(l->path, "UPDATE batch SET registered = 1"), SQLITE_OK);
	assert_int_equal(ledger_run(l->path, "UPDATE ca SET active = 0"), SQLITE_OK);
	assert_int_equal(ledger_run(l->path, "UPDATE batch SET queue_after = 1001"), SQLITE_OK);	/* all is settled */
	assert_int_equal(ledger_ask(l->path, "SELECT queue_after FROM batch"), 1001);
	/* what comes into the queue below the mark takes it down, whoever does it */
	assert_int_equal(ledger_run(l->path, "UPDATE outbox SET state = 0"), SQLITE_OK);
	assert_int_equal(ledger_ask(l->path, "SELECT queue_after FROM batch"), 1000);
	assert_int_equal(ledger_run(l->path, "UPDATE outbox SET state = 2; UPDATE batch SET queue_after = 1001;"
	    "INSERT INTO certificate SELECT 900, serial_lower, batch_id, ca_id, 'dev-0', zeroblob(32), zeroblob(32), not_before_s,"
	    " not_after_s, issued_at_us, der, NULL FROM certificate; INSERT INTO outbox (batch_id, cert_id) VALUES (1, 900)"), SQLITE_OK);
	assert_int_equal(ledger_ask(l->path, "SELECT queue_after FROM batch"), 899);
}

static enum err_code
note_state(void *arg, const struct store_certificate *c, struct err *e)
{
	(void)e;
	*(int *)arg = (int)c->state;
	return ERR_OK;
}

/* The states of the outbox as the listings tell them. */
static void
test_states(void **state)
{
	struct ledger			*l = *state;
	struct store_certificate_filter	 f = { .batch_id = -1, .state = CERTIFICATE_PARKED };
	struct err			 e;
	int				 got = -1;

	assert_int_equal(ledger_run(l->path, "UPDATE outbox SET state = 2, reason = 'refused'; UPDATE batch SET parked = 1"), SQLITE_OK);
	assert_ok(l->ops->certificate_list(l->reader, &f, note_state, &got, &e));
	assert_int_equal(got, CERTIFICATE_PARKED);
	f.state = CERTIFICATE_REGISTERED;
	got = -1;
	assert_ok(l->ops->certificate_list(l->reader, &f, note_state, &got, &e));
	assert_int_equal(got, -1);
	assert_int_equal(ledger_run(l->path, "UPDATE outbox SET state = 1; UPDATE batch SET registered = 1, parked = 0"), SQLITE_OK);
	assert_ok(l->ops->certificate_list(l->reader, &f, note_state, &got, &e));
	assert_int_equal(got, CERTIFICATE_REGISTERED);
}

static void
test_files(void **state)
{
	struct ledger	*l = *state;
	struct stat	 st;
	struct err	 e;

	assert_int_equal(stat(l->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(l->ops->create(&l->cf, &e), ERR_CONFLICT);
	assert_ok(l->ops->checkpoint(l->store, &e));
	assert_int_equal(ledger_run(l->path, "PRAGMA integrity_check"), SQLITE_OK);
}

static void
assert_refused(struct ledger *l)
{
	struct store	*s = NULL;
	struct err	 e;

	assert_int_equal(l->ops->open(&l->cf, &s, &e), ERR_CONFIG);
	assert_null(s);
	assert_true(e.log_text[0] != '\0');
}

static void
write_file(const char *path, const char *bytes, size_t len)
{
	FILE	*f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void
test_refused(void **state)
{
	static const char	text[4096] = "this is no database";
	struct ledger		l = { .ops = &store_sqlite };

	(void)state;
	ledger_scratch(&l);
	assert_refused(&l);					/* nothing there */
	write_file(l.path, "", 0);				/* half made: an empty file */
	assert_refused(&l);
	write_file(l.path, text, sizeof(text));			/* something else */
	assert_refused(&l);
	assert_int_equal(remove(l.path), 0);
	assert_int_equal(ledger_run(l.path, "CREATE TABLE t (x); PRAGMA user_version = 1"), SQLITE_OK);
	assert_refused(&l);					/* somebody else's database */
	assert_int_equal(ledger_run(l.path, "PRAGMA application_id = 0x4c4e4341; PRAGMA user_version = 0"), SQLITE_OK);
	assert_refused(&l);					/* ours, but never finished */
	assert_int_equal(ledger_run(l.path, "PRAGMA user_version = 1"), SQLITE_OK);
	assert_refused(&l);					/* says it is, but has not the tables */
	assert_int_equal(ledger_run(l.path, "PRAGMA user_version = 2"), SQLITE_OK);
	assert_refused(&l);
	assert_int_equal(ledger_run(l.path, "PRAGMA user_version = 3"), SQLITE_OK);
	assert_refused(&l);
	assert_int_equal(ledger_run(l.path, "PRAGMA user_version = 4"), SQLITE_OK);
	assert_refused(&l);
	ledger_remove_files(&l);
}

static void
test_newer(void **state)
{
	struct ledger	*l = *state;

	ledger_close(l);
	assert_int_equal(ledger_run(l->path, "PRAGMA user_version = 1000"), SQLITE_OK);
	assert_refused(l);
	assert_int_equal(ledger_run(l->path, "PRAGMA user_version = 6"), SQLITE_OK);
	ledger_open(l);
}

/* What a killed create left is no obstacle. */
static void
test_create_again(void **state)
{
	struct ledger	l = { .ops = &store_sqlite };
	struct err	e;
	char		part[128];

	(void)state;
	ledger_scratch(&l);
	(void)snprintf(part, sizeof(part), "%s.part", l.path);
	write_file(part, "half", 4);
	assert_ok(l.ops->create(&l.cf, &e));
	assert_int_equal(access(part, F_OK), -1);
	ledger_open(&l);
	ledger_close(&l);
	ledger_remove_files(&l);
}

/* A batch whose list a killed process never finished cannot be seen, and goes with the next batch_create. */
static void
test_loading_swept(void **state)
{
	struct ledger			*l = *state;
	struct store_batch		 b;
	struct store_certificate	 c;
	struct err			 e;

	assert_int_equal(ledger_run(l->path, "INSERT INTO batch (id, name, ca_id, profile, pattern, listed, created_at_us, state, quantity)"
	    " VALUES (50, 'half', 1, 'p', '', 1, 0, 2, 10);"
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)"
	    " INSERT INTO batch_device SELECT 50, 'dev-' || i FROM n"), SQLITE_OK);
	assert_int_equal(l->ops->batch_find(l->reader, "half", &b, &e), ERR_BATCH_NOT_FOUND);
	assert_int_equal(l->ops->batch_set_state(l->store, "half", BATCH_OPEN, &ledger_who, &e), ERR_BATCH_NOT_FOUND);
	c = ledger_certificate(50, l->ca_id, "dev-7", 7, 1007);
	assert_int_equal(ledger_try(l, &c, NULL), ERR_BATCH_NOT_FOUND);
	(void)ledger_batch(l, "half", 3);	/* the name is free again */
	assert_int_equal(ledger_run(l->path, "INSERT INTO ca SELECT NULL, 'left', 1, '', x'00', 0 FROM batch_device"), SQLITE_OK);
	{
		struct store_ca	ca;

		assert_int_equal(l->ops->ca_find(l->reader, "left", &ca, &e), ERR_NOT_FOUND);	/* no row was left */
	}
}

/* A ledger as version 1 of the program left it: two batches, queued and parked rows. */
static void
version_1(const char *path)
{
	ledger_version_1(path,
	    "INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity, issued, parked)"
	    " VALUES ('lot-1', 1, 'default', '', 0, 0, 0, 1000, 300, 3), ('lot-2', 1, 'default', '', 0, 0, 1, 5, 0, 0);"
	    "WITH RECURSIVE n (i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n WHERE i < 1300)"
	    " INSERT INTO certificate SELECT i, zeroblob(8), 1, 1, 'dev-' || i, randomblob(32), randomblob(32), 0, 1, i, x'3000', NULL"
	    " FROM n;"
	    "INSERT INTO device SELECT device_id, substr(key_id, 1, 16), id FROM certificate;"
	    "INSERT INTO outbox (batch_id, cert_id, state, reason) SELECT 1, id, CASE WHEN id < 1004 THEN 2 ELSE 0 END,"
	    " CASE WHEN id < 1004 THEN 'by hand' END FROM certificate");
}

static enum err_code
note_reason(void *arg, const struct store_certificate *c, struct err *e)
{
	(void)e;
	assert_string_equal(c->reason, "by hand");
	++*(int *)arg;
	return ERR_OK;
}

static enum err_code
note_count(void *arg, const struct store_certificate *c, struct err *e)
{
	(void)e;
	assert_string_equal(c->reason, "");
	++*(int *)arg;
	return ERR_OK;
}

static void
test_upgrade(void **state)
{
	const struct store_certificate_filter	 parked = { .batch_id = -1, .state = CERTIFICATE_PARKED };
	const struct store_certificate_filter	 queued = { .batch_id = -1, .state = CERTIFICATE_ISSUED };
	struct ledger				 l = { .ops = &store_sqlite };
	struct store_certificate		 c;
	struct store_batch			 b;
	struct err				 e;
	int64_t					 count = -1;
	int					 n = 0;

	(void)state;
	ledger_scratch(&l);
	version_1(l.path);
	ledger_open(&l);
	assert_int_equal(ledger_ask(l.path, "PRAGMA user_version"), 6);
	assert_ok(l.ops->batch_find(l.reader, "lot-1", &b, &e));
	assert_string_equal(b.aws, "");
	assert_int_equal(b.issued, 300);
	assert_int_equal(b.parked, 3);
	assert_ok(l.ops->certificate_list(l.reader, &parked, note_reason, &n, &e));
	assert_int_equal(n, 3);
	n = 0;
	assert_ok(l.ops->certificate_list(l.reader, &queued, note_count, &n, &e));
	assert_int_equal(n, 297);
	n = 0;
	assert_ok(l.ops->queue_page(l.reader, b.id, 0, 1000, note_count, &n, &e));
	assert_int_equal(n, 297);
	assert_ok(l.ops->upload_retry(l.store, -1, &ledger_who, &count, &e));
	assert_int_equal(count, 3);
	n = 0;
	assert_ok(l.ops->queue_page(l.reader, b.id, 0, 1000, note_count, &n, &e));
	assert_int_equal(n, 300);
	c = ledger_certificate(b.id, 1, "dev-new", 7, 2000);
	assert_int_equal(ledger_try(&l, &c, NULL), ERR_OK);
	assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	ledger_close(&l);
	ledger_open(&l);	/* not twice */
	ledger_close(&l);
	ledger_remove_files(&l);
}

/* A ledger as version 2 of the program left it: open, closed and loading batches, a device in two of them, one parked row. */
static void
test_upgrade_2(void **state)
{
	struct ledger			 l = { .ops = &store_sqlite, .ca_id = 1 };
	struct store_certificate	 c;
	struct store_record_row		 row = { .certificate = &c, .may_rekey = true };
	struct store_batch		 b;
	struct recorded			*found;
	struct err			 e;

	(void)state;
	ledger_scratch(&l);
	ledger_version_2(l.path,
	    "INSERT INTO batch (name, ca_id, profile, pattern, listed, created_at_us, state, quantity, issued, parked, aws)"
	    " VALUES ('lot-1', 1, 'default', '', 0, 0, 0, 1000, 300, 1, 'eu'), ('lot-2', 1, 'default', '', 0, 0, 1, 5, 1, 0, ''),"
	    " ('half', 1, 'default', '', 1, 0, 2, 5, 0, 0, '');"
	    "WITH RECURSIVE n (i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n WHERE i < 1300)"
	    " INSERT INTO certificate SELECT i, zeroblob(8), 1, 1, 'dev-' || i, randomblob(32), randomblob(32), 0, 1, i, x'3000', NULL"
	    " FROM n;"
	    "INSERT INTO certificate SELECT 1301, zeroblob(8), 2, 1, device_id, key_id, randomblob(32), 0, 1, 1301, x'3000', 1001"
	    " FROM certificate WHERE id = 1001;"
	    "INSERT INTO device SELECT device_id, substr(key_id, 1, 16), max(id) FROM certificate GROUP BY device_id;"
	    "INSERT INTO outbox (batch_id, cert_id, state) SELECT batch_id, id, CASE WHEN id = 1002 THEN 2 ELSE 0 END FROM certificate;"
	    "INSERT INTO target (account, region) VALUES ('123456789012', 'eu-west-1');"
	    "INSERT INTO registration VALUES (1002, 1, 2, 0, 1, '', 'register', 'X', 'why', '', 0)");
	ledger_open(&l);
	assert_int_equal(ledger_ask(l.path, "PRAGMA user_version"), 6);
	assert_ok(l.ops->batch_find(l.reader, "lot-1", &b, &e));
	assert_int_equal(b.state, BATCH_OPEN);
	assert_string_equal(b.aws, "eu");
	assert_int_equal(store_batch_queued(&b), 299);
	assert_ok(l.ops->batch_find(l.reader, "lot-2", &b, &e));
	assert_int_equal(b.state, BATCH_CLOSED);	/* closed, and does not wait */
	assert_int_equal(l.ops->batch_find(l.reader, "half", &b, &e), ERR_BATCH_NOT_FOUND);
	assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM event"), 0);
	(void)ledger_batch(&l, "half", 3);	/* sweeps what was never loaded */
	/* a device from before takes its next key: one with a certificate, and one with two */
	c = ledger_certificate(1, 1, "dev-1002", 7, 2000);
	assert_ok(l.ops->record(l.store, &row, 1, &e));
	assert_true(row.result == ERR_OK && row.is_new);
	recorded_free(row.recorded);
	c = ledger_certificate(1, 1, "dev-1001", 8, 2001);
	assert_ok(l.ops->record(l.store, &row, 1, &e));
	assert_true(row.result == ERR_OK && row.is_new);
	recorded_free(row.recorded);
	ledger_close(&l);
	ledger_open(&l);	/* not twice */
	c = ledger_certificate(1, 1, "clone", 8, 2002);
	assert_int_equal(ledger_try(&l, &c, NULL), ERR_KEY_REUSED);
	assert_ok(l.ops->recorded_find(l.reader, 1, "dev-1001", c.key_id, &found, &e));
	recorded_free(found);
	assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
	ledger_close(&l);
	ledger_remove_files(&l);
}

/* An upgrade that fails leaves version 1 as it was. */
static void
test_upgrade_fails(void **state)
{
	struct ledger	 l = { .ops = &store_sqlite };
	struct store	*s = NULL;
	struct err	 e;

	(void)state;
	ledger_scratch(&l);
	version_1(l.path);
	assert_int_equal(ledger_run(l.path, "CREATE TABLE verification (somebody)"), SQLITE_OK);	/* in the way of 0002's last table */
	assert_int_equal(l.ops->open(&l.cf, &s, &e), ERR_CONFIG);
	assert_null(s);
	assert_int_equal(ledger_ask(l.path, "PRAGMA user_version"), 1);
	assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM sqlite_schema WHERE name IN ('registration', 'outbox_late')"), 0);
	assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM pragma_table_info('batch') WHERE name IN ('aws', 'queue_after')"), 0);
	/* and in its last file takes those before it back too */
	assert_int_equal(ledger_run(l.path, "DROP TABLE verification; CREATE TABLE event (somebody)"), SQLITE_OK);
	assert_int_equal(l.ops->open(&l.cf, &s, &e), ERR_CONFIG);
	assert_int_equal(ledger_ask(l.path, "PRAGMA user_version"), 1);
	assert_int_equal(ledger_ask(l.path, "SELECT count(*) FROM sqlite_schema WHERE name IN ('registration', 'token')"), 0);
	assert_int_equal(ledger_run(l.path, "DROP TABLE event"), SQLITE_OK);
	ledger_open(&l);
	ledger_close(&l);
	ledger_remove_files(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forbidden, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forbidden_rights, setup, teardown),
		cmocka_unit_test_setup_teardown(test_allowed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_allowed_rights, setup, teardown),
		cmocka_unit_test_setup_teardown(test_states, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loading_swept, setup, teardown),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_create_again),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_upgrade_2),
		cmocka_unit_test(test_upgrade_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
