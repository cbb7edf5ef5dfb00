/*
 * One device id per key, when keys are young, while they settle, and when they are in the index (db/sqlite/keys.h): the answer
 * must be the same, also after reopening, with serials that come late, and with two processes that record.
 */
#include "ledger_file.h"

#include <sqlite3.h>

#include "db/sqlite/store_sqlite.h"

enum {
	GROUP = 1000,
	GROUPS = 170,			/* more than two sets of 64 Ki keys: all three places are in use */
	ROWS = GROUP * GROUPS,
	FIRST_SERIAL = 1000000
};

/* Numbers spread over 64 bits (the finisher of splitmix64), so that keys look like hashes. */
static uint64_t
spread(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static struct store_certificate
certificate(struct ledger *l, int64_t batch, unsigned device, unsigned key, uint64_t serial)
{
	struct store_certificate	c;
	char				name[24];
	uint64_t			word;
	unsigned			i;

	(void)snprintf(name, sizeof(name), "dev-%08u", device);
	c = ledger_certificate(batch, l->ca_id, name, key, serial);
	for (i = 0; i < STORE_HASH_BYTES / 8; i++) {
		word = spread((uint64_t)key * 4 + i + 1);
		memcpy(c.key_id + i * 8, &word, sizeof(word));
	}
	c.der_len = 20;
	return c;
}

/* Devices first..first+n-1, each with the key of its number. */
static void
fill(struct ledger *l, int64_t batch, unsigned first, unsigned n)
{
	static struct store_certificate	c[GROUP];
	static struct store_record_row	rows[GROUP];
	struct err			e;
	unsigned			done, i;

	assert_int_equal(n % GROUP, 0);
	for (done = 0; done < n; done += GROUP) {
		for (i = 0; i < GROUP; i++) {
			c[i] = certificate(l, batch, first + done + i, first + done + i, FIRST_SERIAL + first + done + i);
			rows[i].certificate = &c[i];
		}
		assert_ok(l->ops->record(l->store, rows, GROUP, &e));
		for (i = 0; i < GROUP; i++) {
			assert_true(rows[i].is_new);
			recorded_free(rows[i].recorded);
		}
	}
}

static void
assert_taken(struct ledger *l, int64_t batch, unsigned key)
{
	struct store_certificate	clone = certificate(l, batch, 90000000, key, 1);
	struct store_record_row		row = ledger_record(l, &clone);
	char				name[24];

	(void)snprintf(name, sizeof(name), "dev-%08u", key);
	assert_int_equal(row.result, ERR_KEY_REUSED);
	assert_string_equal(row.other, name);
}

static void
assert_all_taken(struct ledger *l, int64_t batch, unsigned n)
{
	unsigned	key;

	for (key = 0; key < n; key += 97)
		assert_taken(l, batch, key);
	assert_taken(l, batch, n - 1);
}

/* Whatever is not above the mark is in the index. */
static void
assert_mark_true(struct ledger *l)
{
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM certificate c, settled s WHERE c.id <= s.cert_id AND c.prior_id IS NULL"
	    " AND NOT EXISTS (SELECT 1 FROM device_key k WHERE k.key_prefix = substr(c.key_id, 1, 16) AND k.cert_id = c.id)"), 0);
}

static int
setup(void **state)
{
	*state = ledger_new(&store_sqlite);
	return 0;
}

static int
teardown(void **state)
{
	ledger_free(*state);
	return 0;
}

static void
test_all_places(void **state)
{
	struct ledger	*l = *state;
	int64_t		 batch = ledger_batch(l, "lot-1", 1000000);
	unsigned	 done, step = 34 * GROUP;

	for (done = 0; done < ROWS; done += step) {
		fill(l, batch, done, step);
		assert_all_taken(l, batch, done + step);
		assert_mark_true(l);
		if (done == 2 * step) {	/* in the middle of a settling set */
			ledger_close(l);
			ledger_open(l);
			assert_all_taken(l, batch, done + step);
		}
	}
	assert_true(ledger_ask(l->path, "SELECT cert_id FROM settled") > 0);
	assert_true(ledger_ask(l->path, "SELECT count(*) FROM device_key") < ROWS);
	ledger_close(l);
	ledger_open(l);
	assert_all_taken(l, batch, ROWS);
	assert_int_equal(ledger_ask(l->path, "SELECT count(DISTINCT key_prefix) FROM device"), ROWS);
}

/* A serial that was overtaken by thousands of others: its key is found, and found again by the next process. */
static void
test_late_serials(void **state)
{
	struct ledger			*l = *state;
	int64_t				 batch = ledger_batch(l, "lot-1", 1000000);
	struct store_certificate	 c;
	unsigned			 i;

	fill(l, batch, 0, 80 * GROUP);		/* the first set settles */
	for (i = 0; i < 200; i++) {
		c = certificate(l, batch, 500000 + i, 500000 + i, 100 + i);
		assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	}
	for (i = 0; i < 200; i++)
		assert_taken(l, batch, 500000 + i);
	fill(l, batch, 80 * GROUP, 80 * GROUP);	/* the mark has passed them */
	assert_true(ledger_ask(l->path, "SELECT cert_id FROM settled") > 300);
	assert_mark_true(l);
	for (i = 0; i < 200; i++)
		assert_taken(l, batch, 500000 + i);
	ledger_close(l);
	ledger_open(l);
	for (i = 0; i < 200; i++)
		assert_taken(l, batch, 500000 + i);
}

/* A group that fails leaves no key behind, in memory or elsewhere. */
static void
test_failed_group(void **state)
{
	struct ledger			*l = *state;
	int64_t				 batch = ledger_batch(l, "lot-1", 1000);
	struct store_certificate	 a = certificate(l, batch, 1, 1, 1001), b = certificate(l, batch, 2, 2, 1001);
	struct store_certificate	 other = certificate(l, batch, 3, 1, 1002);
	struct store_record_row		 rows[2] = { { .certificate = &a }, { .certificate = &b } };
	struct err			 e;

	assert_int_equal(l->ops->record(l->store, rows, 2, &e), ERR_INTERNAL);	/* one serial twice */
	assert_int_equal(ledger_try(l, &other, NULL), ERR_OK);	/* the key of a is still free */
	assert_int_equal(ledger_try(l, &a, NULL), ERR_KEY_REUSED);	/* and now it is not */
}

/* Two processes on one ledger, in turn: each knows the keys of the other. */
static void
test_two_processes(void **state)
{
	struct ledger			*l = *state;
	struct ledger			 other = *l;
	int64_t				 batch = ledger_batch(l, "lot-1", 1000000), small;
	struct store_certificate	 c;
	struct err			 e;
	unsigned			 i;

	assert_ok(other.ops->open(&other.cf, &other.store, &e));
	assert_ok(other.ops->reader_open(other.store, &other.reader, &e));
	fill(l, batch, 0, 70 * GROUP);
	for (i = 0; i < 10; i++) {
		c = certificate(l, batch, 200000 + i, 200000 + i, 2000000 + i);
		assert_int_equal(ledger_try(i % 2 == 0 ? l : &other, &c, NULL), ERR_OK);
		assert_taken(i % 2 == 0 ? &other : l, batch, 200000 + i);
		/* what is no certificate does not matter */
		assert_ok(other.ops->batch_set_quantity(other.store, "lot-1", 1000001 + i, &ledger_who, &e));
		assert_taken(l, batch, 200000 + i);
	}
	assert_all_taken(&other, batch, 70 * GROUP);

	/* a batch that is open only while the other process records into it, so that the sum over the open ones is as before */
	small = ledger_batch(l, "lot-2", 10);
	assert_ok(l->ops->batch_set_state(l->store, "lot-2", BATCH_CLOSED, &ledger_who, &e));
	assert_taken(l, batch, 200000);
	assert_ok(other.ops->batch_set_state(other.store, "lot-2", BATCH_OPEN, &ledger_who, &e));
	c = certificate(l, small, 300000, 300000, 3000000);
	assert_int_equal(ledger_try(&other, &c, NULL), ERR_OK);
	assert_ok(other.ops->batch_set_state(other.store, "lot-2", BATCH_CLOSED, &ledger_who, &e));
	assert_taken(l, batch, 300000);
	/* one closes with as many as another has issued meanwhile */
	assert_ok(l->ops->batch_set_state(l->store, "lot-2", BATCH_OPEN, &ledger_who, &e));
	assert_taken(l, batch, 300000);
	c = certificate(l, batch, 300001, 300001, 3000001);
	assert_int_equal(ledger_try(&other, &c, NULL), ERR_OK);
	assert_ok(other.ops->batch_set_state(other.store, "lot-2", BATCH_CLOSED, &ledger_who, &e));
	assert_taken(l, batch, 300001);
	ledger_close(&other);
}

/* How often a statement of the one who records has run since the last time it was asked. */
static int
runs(struct ledger *l, enum statement s)
{
	return sqlite3_stmt_status(l->store->writer.statements[s], SQLITE_STMTSTATUS_RUN, 1);
}

/* What the upload commits, the line need not read: neither its keys again nor every batch. */
static void
test_upload_beside(void **state)
{
	struct ledger				*l = *state;
	struct ledger				 other = *l;
	struct store_registration		 r = { .state = REGISTRATION_DONE, .done = 1 };
	struct store_registration_row		 row = { .registration = &r, .settled = CERTIFICATE_REGISTERED };
	struct err				 e;
	int64_t					 batch = ledger_batch(l, "lot-1", 1000000);
	unsigned				 i;

	assert_ok(other.ops->open(&other.cf, &other.store, &e));
	assert_ok(other.ops->target_get(other.store, "123456789012", "eu-west-1", &r.target_id, &e));
	fill(l, batch, 0, GROUP);
	(void)runs(l, STATEMENT_KEYS_UNSETTLED);
	(void)runs(l, STATEMENT_ISSUED_TOTAL);
	(void)runs(l, STATEMENT_ISSUED_OPEN);
	row.batch_id = batch;
	for (i = 0; i < 10; i++) {
		r.cert_id = FIRST_SERIAL + i;
		assert_ok(other.ops->registration_record(other.store, &row, 1, NULL, &e));
		fill(l, batch, (i + 1) * GROUP, GROUP);
	}
	assert_int_equal(runs(l, STATEMENT_ISSUED_OPEN), 10);	/* it was noticed */
	assert_int_equal(runs(l, STATEMENT_KEYS_UNSETTLED), 0);
	assert_int_equal(runs(l, STATEMENT_ISSUED_TOTAL), 0);
	assert_taken(l, batch, 10 * GROUP + 5);
	other.ops->close(other.store);
}

/* The device takes another key; the certificate's serial is above all of fill's. */
static void
next_key(struct ledger *l, int64_t batch, unsigned device, unsigned key)
{
	struct store_certificate	c = certificate(l, batch, device, key, 900000000u + key);
	struct store_record_row		row = { .certificate = &c, .may_rekey = true };
	struct err			e;

	assert_ok(l->ops->record(l->store, &row, 1, &e));
	assert_int_equal(row.result, ERR_OK);
	assert_true(row.is_new);
	recorded_free(row.recorded);
}

/* Every one of these devices has its first key and its next one. */
static void
assert_both_taken(struct ledger *l, int64_t batch, const unsigned *devices, size_t n)
{
	struct store_certificate	clone;
	struct store_record_row		row;
	char				name[24];
	size_t				i;

	for (i = 0; i < n; i++) {
		assert_taken(l, batch, devices[i]);
		clone = certificate(l, batch, 90000000, 10000000 + devices[i], 1);
		row = ledger_record(l, &clone);
		(void)snprintf(name, sizeof(name), "dev-%08u", devices[i]);
		assert_int_equal(row.result, ERR_KEY_REUSED);
		assert_string_equal(row.other, name);
	}
}

/*
 * The next key of devices whose first one is in the index, settles, or is young: both are found wherever they are, while the sets turn over,
 * and by the next process.
 */
static void
test_next_keys(void **state)
{
	static const unsigned	 devices[] = { 5, 65535, 65536, 65537, 70000, 131071, 131072, 139999 };
	enum { N = sizeof(devices) / sizeof(devices[0]) };
	struct ledger		*l = *state;
	int64_t			 batch = ledger_batch(l, "lot-1", 1000000);
	size_t			 i;

	fill(l, batch, 0, 140 * GROUP);		/* the first set is in the index, the second settles, the third is young */
	assert_true(ledger_ask(l->path, "SELECT cert_id FROM settled") > 0);
	for (i = 0; i < N; i++)
		next_key(l, batch, devices[i], 10000000 + devices[i]);
	assert_both_taken(l, batch, devices, N);
	ledger_close(l);
	ledger_open(l);
	assert_both_taken(l, batch, devices, N);
	fill(l, batch, 140 * GROUP, 70 * GROUP);	/* the mark passes all of them */
	assert_mark_true(l);
	assert_both_taken(l, batch, devices, N);
	ledger_close(l);
	ledger_open(l);
	assert_both_taken(l, batch, devices, N);
	assert_all_taken(l, batch, 210 * GROUP);
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM device d JOIN certificate c ON c.id = d.newest_id"
	    " WHERE c.device_id <> d.device_id OR substr(c.key_id, 1, 16) <> d.key_prefix"), 0);
}

/* What a group of new devices runs, and nothing else: so many times a group, so many times a row.  SQLite counts a trigger as a run. */
static void
test_new_device_costs(void **state)
{
	static const struct {
		enum statement	statement;
		int		group, row;
	} costs[] = {
		{ STATEMENT_BEGIN, 1, 0 }, { STATEMENT_DATA_VERSION, 1, 0 }, { STATEMENT_BATCH_ROOM, 1, 0 },
		{ STATEMENT_KEY_FIND, 0, 1 }, { STATEMENT_DEVICE_INSERT, 0, 1 }, { STATEMENT_CERTIFICATE_INSERT, 0, 1 },
		{ STATEMENT_OUTBOX_INSERT, 0, 2 }, { STATEMENT_CERTIFICATE_CHECK, 0, 1 }, { STATEMENT_BATCH_DEBIT, 2, 0 },
		{ STATEMENT_COMMIT, 1, 0 },
	};
	struct ledger	*l = *state;
	int64_t		 batch = ledger_batch(l, "lot-1", 1000000);
	int		 expected[STATEMENT_COUNT] = { 0 }, s;
	size_t		 i;

	for (i = 0; i < sizeof(costs) / sizeof(costs[0]); i++)
		expected[costs[i].statement] = costs[i].group + costs[i].row * GROUP;
	fill(l, batch, 0, GROUP);
	for (s = 0; s < STATEMENT_COUNT; s++) {
		if (l->store->writer.statements[s] != NULL)
			(void)runs(l, (enum statement)s);
	}
	fill(l, batch, GROUP, GROUP);
	for (s = 0; s < STATEMENT_COUNT; s++) {
		if (l->store->writer.statements[s] != NULL && runs(l, (enum statement)s) != expected[s])
			fail_msg("not %d times: %s", expected[s], sqlite3_sql(l->store->writer.statements[s]));
	}
}

int
main(void)
{
#define T(test)	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_all_places),
		T(test_late_serials),
		T(test_failed_group),
		T(test_two_processes),
		T(test_upload_beside),
		T(test_next_keys),
		T(test_new_device_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
