/*
 * The way from certificate ids to certificates (db/sqlite/identifiers.c): every one is found, settled or not, late or not, and by plans that
 * are as quick at ten million rows.
 */
#include "ledger_file.h"

#include <sqlite3.h>

#include "db/sqlite/store_sqlite.h"

enum { GROUP = 1000, FIRST_SERIAL = 1000000 };

/* Numbers spread over 64 bits (the finisher of splitmix64), so that certificate ids look like hashes. */
static uint64_t
spread(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static struct store_certificate
certificate(struct ledger *l, int64_t batch, unsigned device, uint64_t serial)
{
	struct store_certificate	c;
	char				name[24];
	uint64_t			word;
	unsigned			i;

	(void)snprintf(name, sizeof(name), "dev-%08u", device);
	c = ledger_certificate(batch, l->ca_id, name, device, serial);
	for (i = 0; i < STORE_HASH_BYTES / 8; i++) {
		word = spread((uint64_t)device * 8 + i + 1);
		memcpy(c.certificate_id + i * 8, &word, sizeof(word));
		word = spread((uint64_t)device * 8 + i + 5);
		memcpy(c.key_id + i * 8, &word, sizeof(word));
	}
	c.der_len = 20;
	return c;
}

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
			c[i] = certificate(l, batch, first + done + i, FIRST_SERIAL + first + done + i);
			rows[i].certificate = &c[i];
		}
		assert_ok(l->ops->record(l->store, rows, GROUP, &e));
		for (i = 0; i < GROUP; i++) {
			assert_true(rows[i].is_new);
			recorded_free(rows[i].recorded);
		}
	}
}

struct found {
	int	n;
	char	device[LIMIT_DEVICE_ID_BYTES + 1];
};

static enum err_code
note(void *arg, const struct store_certificate *c, enum store_match match, struct err *e)
{
	struct found	*f = arg;

	(void)e;
	assert_int_equal(match, STORE_MATCH_CERTIFICATE_ID);
	memcpy(f->device, c->device_id, sizeof(f->device));
	f->n++;
	return ERR_OK;
}

/* Digits of the device's certificate id that are typed; is it found?  Else the search says that there may be more. */
static bool
finds(struct ledger *l, unsigned device, size_t digits)
{
	const struct store_certificate	c = certificate(l, 1, device, 1);
	char				text[2 * STORE_HASH_BYTES + 1];
	struct found			f = { 0 };
	struct err			e;
	bool				more;
	size_t				i;

	for (i = 0; i < STORE_HASH_BYTES; i++)
		(void)snprintf(text + i * 2, 3, "%02x", (unsigned)c.certificate_id[i]);
	text[digits] = '\0';
	assert_ok(l->ops->search(l->reader, text, 20, note, &f, &more, &e));
	if (f.n == 0)
		assert_true(more);
	else {
		assert_int_equal(f.n, 1);
		assert_string_equal(f.device, c.device_id);
	}
	return f.n == 1;
}

static void
assert_all_found(struct ledger *l, unsigned n)
{
	unsigned	device;

	for (device = 0; device < n; device += 499)
		assert_true(finds(l, device, device % 2 == 0 ? 64 : 14));
	assert_true(finds(l, n - 1, 64));
}

/* Whatever is not above the mark is in a run or late, once. */
static void
assert_mark_true(struct ledger *l)
{
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM certificate c, identified m WHERE c.id <= m.cert_id AND"
	    " (SELECT count(*) FROM identifier i WHERE i.cert_id = c.id) + (SELECT count(*) FROM identifier_late i WHERE i.cert_id = c.id)"
	    " <> 1"), 0);
}

static void
settle(struct ledger *l, int64_t max_rows)
{
	struct err	e;

	assert_ok(l->ops->identifiers_settle(l->store, max_rows, &e));
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

/* Over several runs, in small and large portions, by another store than the one that records. */
static void
test_runs(void **state)
{
	struct ledger	*l = *state;
	struct ledger	 other = *l;
	int64_t		 batch = ledger_batch(l, "lot-1", 1000000);
	struct err	 e;
	unsigned	 i;

	assert_ok(other.ops->open(&other.cf, &other.store, &e));
	fill(l, batch, 0, GROUP);
	settle(&other, 1000000);	/* not enough have come together */
	assert_int_equal(ledger_ask(l->path, "SELECT cert_id FROM identified"), 0);
	assert_all_found(l, GROUP);
	fill(l, batch, GROUP, 3 * GROUP);
	assert_all_found(l, 4 * GROUP);
	settle(&other, 100);
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM identifier"), 100);
	assert_all_found(l, 4 * GROUP);
	settle(&other, 1000000);
	assert_true(ledger_ask(l->path, "SELECT count(*) FROM certificate, identified m WHERE id > m.cert_id") < 1024 + 256);
	assert_all_found(l, 4 * GROUP);
	assert_int_equal(ledger_ask(l->path, "SELECT run FROM identified"), 0);
	for (i = 4; i < 140; i += 34) {
		fill(l, batch, i * GROUP, 34 * GROUP);
		settle(&other, 1000000);
		assert_all_found(l, (i + 34) * GROUP);
	}
	assert_int_equal(ledger_ask(l->path, "SELECT run FROM identified"), 2);
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) - (SELECT rows FROM identified) FROM identifier WHERE run = 2"), 0);
	assert_true(ledger_ask(l->path, "SELECT max(n) FROM (SELECT count(*) AS n FROM identifier GROUP BY run)") < 65536 + 2048);
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM certificate c, identified m WHERE c.id <= m.cert_id"),
	    ledger_ask(l->path, "SELECT count(*) FROM identifier"));
	other.ops->close(other.store);
	ledger_close(l);
	ledger_open(l);
	assert_all_found(l, 140 * GROUP);
}

/* A serial that was overtaken is found at once, and settles with the others. */
static void
test_late(void **state)
{
	struct ledger			*l = *state;
	int64_t				 batch = ledger_batch(l, "lot-1", 1000000);
	struct store_certificate	 c;
	unsigned			 i;

	fill(l, batch, 0, 5 * GROUP);
	settle(l, 1000000);
	for (i = 0; i < 300; i++) {
		c = certificate(l, batch, 500000 + i, 100 + i);
		assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
		if (i == 100) {
			settle(l, 1000000);	/* a few are not worth it */
			assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM identifier_late"), 101);
		}
	}
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM identifier_late"), 300);
	assert_mark_true(l);
	assert_true(finds(l, 500000, 64));
	assert_true(finds(l, 500299, 64));
	settle(l, 1000000);
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM identifier_late"), 0);
	assert_mark_true(l);
	c = certificate(l, batch, 500300, 50);
	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	fill(l, batch, 5 * GROUP, 3 * GROUP);
	settle(l, 1000000);	/* with others even one goes */
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM identifier_late"), 0);
	for (i = 0; i <= 300; i++)
		assert_true(finds(l, 500000 + i, 64));
	assert_all_found(l, 8 * GROUP);
	assert_mark_true(l);
}

/* While it lags, the newest are found, what is settled is found, and of the rest the search says that it has not looked. */
static void
test_lag(void **state)
{
	struct ledger	*l = *state;
	int64_t		 batch = ledger_batch(l, "lot-1", 1000000);
	struct err	 e;
	struct found	 f = { 0 };
	bool		 more = false;

	fill(l, batch, 0, 20 * GROUP);
	assert_true(finds(l, 19999, 64));
	assert_true(finds(l, 15000, 64));
	assert_false(finds(l, 14999, 64));
	assert_false(finds(l, 10, 64));
	settle(l, 2048);
	assert_true(finds(l, 10, 64));
	assert_true(finds(l, 19999, 64));
	assert_false(finds(l, 10000, 64));
	settle(l, 1000000);
	assert_all_found(l, 20 * GROUP);
	assert_ok(l->ops->search(l->reader, "000000000000", 20, note, &f, &more, &e));
	assert_int_equal(f.n, 0);
	assert_false(more);
}

/* No statement of the search walks a table that grows, and none sorts. */
static void
test_plans(void **state)
{
	static const struct {
		enum statement	 statement;
		const char	*plan;
	} plans[] = {
		{ STATEMENT_SEARCH_DEVICES, "SEARCH device USING PRIMARY KEY (device_id>?)" },
		{ STATEMENT_SEARCH_SERIALS, "SEARCH certificate USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" },
		{ STATEMENT_SEARCH_UNSETTLED, "SEARCH certificate USING INTEGER PRIMARY KEY (rowid>?)" },
		{ STATEMENT_SEARCH_RUN, "SEARCH identifier USING PRIMARY KEY (run=? AND prefix>? AND prefix<?)" },
		{ STATEMENT_IDENTIFIERS_ABOVE, "SEARCH certificate USING INTEGER PRIMARY KEY (rowid>?)" },
		{ STATEMENT_IDENTIFIERS_LATE, "SCAN l; SEARCH c USING INTEGER PRIMARY KEY (rowid=?)" },	/* few rows, and a LIMIT */
		{ STATEMENT_IDENTIFIED_GET, "SCAN identified" },	/* one row */
		{ STATEMENT_EVENT_LIST_OBJECT, "SEARCH event USING INDEX event_object (object=? AND rowid<?)" },
		{ STATEMENT_REWORK_FIND, "SEARCH rework USING INDEX rework_unused (device_id=?)" },
		{ STATEMENT_CERTIFICATE_FIND, "SEARCH c USING INTEGER PRIMARY KEY (rowid=?); SEARCH o USING PRIMARY KEY (batch_id=? AND cert_id=?); "
		    "SEARCH b USING INTEGER PRIMARY KEY (rowid=?); SEARCH a USING INTEGER PRIMARY KEY (rowid=?); "
		    "SEARCH v USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN" },
		{ STATEMENT_LIST_PARKED, "SEARCH outbox USING INDEX outbox_parked (cert_id>? AND cert_id<?); CORRELATED SCALAR SUBQUERY 1; "
		    "SEARCH v USING INTEGER PRIMARY KEY (rowid=?)" },
		{ STATEMENT_LIST_REVOKED, "SEARCH withdrawal USING INDEX sqlite_autoindex_withdrawal_1 (cert_id>? AND cert_id<?)" },
	};
	struct ledger		*l = *state;
	struct connection	*c = &l->reader->connection;
	sqlite3_stmt		*st;
	char			 text[2048], got[1024];
	size_t			 i, len;

	for (i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		(void)snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", sqlite3_sql(c->statements[plans[i].statement]));
		assert_int_equal(sqlite3_prepare_v2(c->db, text, -1, &st, NULL), SQLITE_OK);
		for (len = 0, got[0] = '\0'; sqlite3_step(st) == SQLITE_ROW; )
			len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s", len > 0 ? "; " : "",
			    (const char *)sqlite3_column_text(st, 3));
		assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
		assert_string_equal(got, plans[i].plan);
	}
}

int
main(void)
{
#define T(test)	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_runs),
		T(test_late),
		T(test_lag),
		T(test_plans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
