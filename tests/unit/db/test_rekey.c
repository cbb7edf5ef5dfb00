/* A device that is given another key, as db/store.h has it, over every backend; and what of it the next process knows. */
#include "store_fixture.h"

struct lots {
	struct ledger	*l;
	int64_t		 id[3];
	uint64_t	 serial;	/* counts up with every request */
};

static struct lots
lots_new(struct ledger *l)
{
	struct lots	lots = { .l = l, .serial = 1000 };

	lots.id[0] = ledger_batch(l, "lot-1", 100);
	lots.id[1] = ledger_batch(l, "lot-2", 100);
	lots.id[2] = ledger_batch(l, "lot-3", 100);
	return lots;
}

static void
set_lot(struct ledger *l, const char *name, enum batch_state state)
{
	struct err	e;

	assert_ok(l->ops->batch_set_state(l->store, name, state, &ledger_who, &e));
}

enum ask { KEEP, REKEY };

/* The upper half of the serial that was answered; a new one is the request's own.  0 with the result in *ret. */
static uint64_t
request(struct lots *lots, int lot, const char *device, unsigned key, enum ask ask, enum err_code *ret, char *other)
{
	struct store_certificate	 c = ledger_certificate(lots->id[lot], lots->l->ca_id, device, key, ++lots->serial);
	struct store_record_row		 row = { .certificate = &c, .may_rekey = ask == REKEY };
	struct err			 e;
	uint64_t			 serial = 0;

	assert_ok(lots->l->ops->record(lots->l->store, &row, 1, &e));
	*ret = row.result;
	memcpy(other, row.other, sizeof(row.other));
	assert_int_equal(row.recorded != NULL, row.result == ERR_OK);
	if (row.result == ERR_OK) {
		const struct store_certificate *got = recorded_certificate(row.recorded);

		serial = (uint64_t)store_serial_key(got->serial);
		assert_int_equal(row.is_new, serial == lots->serial);
		assert_string_equal(got->device_id, device);
		assert_memory_equal(got->key_id, c.key_id, sizeof(c.key_id));
		assert_string_equal(row.other, "");
	}
	recorded_free(row.recorded);
	return serial;
}

static uint64_t
assert_new(struct lots *lots, int lot, const char *device, unsigned key, enum ask ask)
{
	enum err_code	rc;
	char		other[LIMIT_DEVICE_ID_BYTES + 1];
	uint64_t	serial = request(lots, lot, device, key, ask, &rc, other);

	assert_int_equal(rc, ERR_OK);
	assert_int_equal(serial, lots->serial);
	return serial;
}

/* Answered with the certificate of that serial, by record and by recorded_find. */
static void
assert_answered(struct lots *lots, int lot, const char *device, unsigned key, enum ask ask, uint64_t serial)
{
	const struct store_certificate	 c = ledger_certificate(0, 0, device, key, 1);
	enum err_code			 rc;
	char				 other[LIMIT_DEVICE_ID_BYTES + 1];
	struct recorded			*found;
	struct err			 e;

	assert_int_equal(request(lots, lot, device, key, ask, &rc, other), serial);
	assert_int_equal(rc, ERR_OK);
	assert_ok(lots->l->ops->recorded_find(lots->l->reader, lots->id[lot], device, c.key_id, &found, &e));
	assert_int_equal(store_serial_key(recorded_certificate(found)->serial), serial);
	recorded_free(found);
}

static void
assert_refused(struct lots *lots, int lot, const char *device, unsigned key, enum ask ask, enum err_code code, const char *owner)
{
	enum err_code	rc;
	char		other[LIMIT_DEVICE_ID_BYTES + 1];

	assert_int_equal(request(lots, lot, device, key, ask, &rc, other), 0);
	assert_int_equal(rc, code);
	assert_string_equal(other, owner);
}

/* Only who may, gets another key for his device; each request is answered as before afterwards. */
static void
test_next_key(void **state)
{
	struct lots		lots = lots_new(*state);
	struct store_batch	b;
	struct err		e;
	uint64_t		first, second, third;

	first = assert_new(&lots, 0, "dev-1", 1, REKEY);	/* a device that is new needs no leave, and may have it */
	assert_refused(&lots, 0, "dev-1", 2, KEEP, ERR_DEVICE_EXISTS, "");
	second = assert_new(&lots, 0, "dev-1", 2, REKEY);
	assert_answered(&lots, 0, "dev-1", 2, KEEP, second);
	assert_answered(&lots, 0, "dev-1", 2, REKEY, second);
	assert_answered(&lots, 0, "dev-1", 1, KEEP, first);	/* the key it had before, where it was issued */
	assert_answered(&lots, 0, "dev-1", 1, REKEY, first);
	/* in another batch only with the key it has now */
	assert_refused(&lots, 1, "dev-1", 1, KEEP, ERR_DEVICE_EXISTS, "");
	third = assert_new(&lots, 1, "dev-1", 2, KEEP);
	assert_answered(&lots, 1, "dev-1", 2, KEEP, third);
	assert_answered(&lots, 0, "dev-1", 2, KEEP, second);
	assert_answered(&lots, 0, "dev-1", 1, KEEP, first);
	assert_ok(lots.l->ops->batch_find(lots.l->reader, "lot-1", &b, &e));
	assert_int_equal(b.issued, 2);
	assert_int_equal(store_batch_queued(&b), 2);
}

/* Back to a key of its own from before: it is the device's, so that is its next one. */
static void
test_back(void **state)
{
	struct lots	lots = lots_new(*state);
	uint64_t	first, back;

	first = assert_new(&lots, 0, "dev-1", 1, KEEP);
	(void)assert_new(&lots, 0, "dev-1", 2, REKEY);
	back = assert_new(&lots, 1, "dev-1", 1, REKEY);
	assert_answered(&lots, 1, "dev-1", 1, KEEP, back);
	assert_answered(&lots, 0, "dev-1", 1, KEEP, first);
	assert_refused(&lots, 2, "dev-1", 2, KEEP, ERR_DEVICE_EXISTS, "");	/* which now is a key from before */
	(void)assert_new(&lots, 2, "dev-1", 1, KEEP);
	(void)assert_new(&lots, 2, "dev-1", 2, REKEY);
	(void)assert_new(&lots, 2, "dev-1", 3, REKEY);
}

/* No key of a device, present or past, becomes another's; with leave or without. */
static void
test_taken(void **state)
{
	struct lots	lots = lots_new(*state);
	unsigned	key;

	(void)assert_new(&lots, 0, "dev-1", 1, KEEP);
	(void)assert_new(&lots, 0, "dev-1", 2, REKEY);
	(void)assert_new(&lots, 0, "dev-1", 3, REKEY);
	(void)assert_new(&lots, 0, "dev-2", 9, KEEP);
	for (key = 1; key <= 3; key++) {
		assert_refused(&lots, 0, "clone", key, KEEP, ERR_KEY_REUSED, "dev-1");
		assert_refused(&lots, 0, "clone", key, REKEY, ERR_KEY_REUSED, "dev-1");
		assert_refused(&lots, 1, "dev-2", key, REKEY, ERR_KEY_REUSED, "dev-1");
		assert_refused(&lots, 1, "dev-2", key, KEEP, ERR_DEVICE_EXISTS, "");
	}
	assert_refused(&lots, 0, "dev-1", 9, REKEY, ERR_KEY_REUSED, "dev-2");
	/* what was refused left nothing behind */
	(void)assert_new(&lots, 1, "dev-2", 9, KEEP);
	(void)assert_new(&lots, 1, "dev-1", 3, KEEP);
	(void)assert_new(&lots, 1, "clone", 4, KEEP);
}

/* The batch's own state comes first; what is recorded is answered whatever it is. */
static void
test_batch_state(void **state)
{
	struct lots	lots = lots_new(*state);
	struct err	e;
	uint64_t	first, second;

	first = assert_new(&lots, 0, "dev-1", 1, KEEP);
	second = assert_new(&lots, 0, "dev-1", 2, REKEY);
	set_lot(lots.l, "lot-1", BATCH_CLOSED);
	assert_refused(&lots, 0, "dev-1", 3, REKEY, ERR_BATCH_CLOSED, "");
	assert_refused(&lots, 0, "clone", 1, REKEY, ERR_BATCH_CLOSED, "");
	assert_answered(&lots, 0, "dev-1", 1, KEEP, first);
	assert_answered(&lots, 0, "dev-1", 2, KEEP, second);
	lots.id[1] = ledger_batch(lots.l, "lot-4", 1);
	(void)assert_new(&lots, 1, "dev-1", 3, REKEY);
	assert_refused(&lots, 1, "dev-1", 4, REKEY, ERR_BATCH_FULL, "");
	assert_ok(lots.l->ops->batch_set_quantity(lots.l->store, "lot-4", 2, &ledger_who, &e));
	(void)assert_new(&lots, 1, "dev-1", 4, REKEY);
}

/* Rows of one group see those before them; a group that fails takes the next key back. */
static void
test_group(void **state)
{
	enum { N = 6 };
	static const struct {
		const char	*device;
		unsigned	 key;
		enum ask	 ask;
		enum err_code	 result;
		bool		 is_new;
	} asked[N] = {
		{ "dev-5", 10, KEEP, ERR_OK, true },
		{ "dev-5", 11, REKEY, ERR_OK, true },
		{ "dev-6", 11, KEEP, ERR_KEY_REUSED, false },
		{ "dev-5", 10, KEEP, ERR_OK, false },
		{ "dev-5", 12, KEEP, ERR_DEVICE_EXISTS, false },
		{ "dev-5", 12, REKEY, ERR_OK, true },
	};
	struct lots			lots = lots_new(*state);
	struct store_certificate	c[N];
	struct store_record_row		rows[N];
	struct listing			li;
	struct store_certificate_filter	f = fixture_any;
	struct err			e;
	int				i;

	memset(rows, 0, sizeof(rows));
	for (i = 0; i < N; i++) {
		c[i] = ledger_certificate(lots.id[0], lots.l->ca_id, asked[i].device, asked[i].key, 2000 + (uint64_t)i);
		rows[i].certificate = &c[i];
		rows[i].may_rekey = asked[i].ask == REKEY;
	}
	memcpy(c[5].serial, c[0].serial, 8);	/* a serial twice: none goes in */
	assert_int_equal(lots.l->ops->record(lots.l->store, rows, N, &e), ERR_INTERNAL);
	(void)assert_new(&lots, 0, "dev-0", 11, KEEP);	/* the key is free */
	for (i = 0; i < N; i++) {
		c[i] = ledger_certificate(lots.id[0], lots.l->ca_id, asked[i].device, asked[i].key + 100, 3000 + (uint64_t)i);
		rows[i].certificate = &c[i];
	}
	assert_ok(lots.l->ops->record(lots.l->store, rows, N, &e));
	for (i = 0; i < N; i++) {
		assert_int_equal(rows[i].result, asked[i].result);
		assert_int_equal(rows[i].is_new, asked[i].is_new);
		recorded_free(rows[i].recorded);
	}
	f.device_id = "dev-5";
	li = fixture_list(lots.l, &f);	/* all certificates of the device, whatever key */
	assert_int_equal(li.n, 3);
	assert_int_equal(li.serials[0], 3005);
	assert_int_equal(li.serials[1], 3001);
	assert_int_equal(li.serials[2], 3000);
}

/* The next process knows every key of the device, and which one it has. */
static void
test_restart(void **state)
{
	struct lots	lots = lots_new(*state);
	uint64_t	first, second;
	int		i;

	first = assert_new(&lots, 0, "dev-1", 1, KEEP);
	second = assert_new(&lots, 0, "dev-1", 2, REKEY);
	for (i = 0; i < 2; i++) {
		ledger_close(lots.l);
		ledger_open(lots.l);
		assert_refused(&lots, 1, "clone", 2, KEEP, ERR_KEY_REUSED, "dev-1");
		assert_refused(&lots, 1, "clone", 1, KEEP, ERR_KEY_REUSED, "dev-1");
		assert_answered(&lots, 0, "dev-1", 1, KEEP, first);
		assert_answered(&lots, 0, "dev-1", 2, KEEP, second);
		assert_refused(&lots, 1, "dev-1", 1, KEEP, ERR_DEVICE_EXISTS, "");
	}
	(void)assert_new(&lots, 1, "dev-1", 1, REKEY);	/* back, after a restart */
	ledger_close(lots.l);
	ledger_open(lots.l);
	assert_refused(&lots, 2, "dev-1", 2, KEEP, ERR_DEVICE_EXISTS, "");
	(void)assert_new(&lots, 2, "dev-1", 1, KEEP);
}

/* Two that record, each with its store: the second knows at once. */
static void
test_two_stores(void **state)
{
	struct lots	 lots = lots_new(*state), beside = lots;
	struct ledger	 other = *lots.l;
	struct err	 e;
	unsigned	 i;

	assert_ok(other.ops->open(&other.cf, &other.store, &e));
	assert_ok(other.ops->reader_open(other.store, &other.reader, &e));
	beside.l = &other;
	beside.serial = 5000;
	(void)assert_new(&lots, 0, "dev-1", 1, KEEP);
	for (i = 2; i < 12; i++) {
		assert_refused(i % 2 == 0 ? &lots : &beside, 0, "clone", i - 1, KEEP, ERR_KEY_REUSED, "dev-1");
		(void)assert_new(i % 2 == 0 ? &beside : &lots, 0, "dev-1", i, REKEY);
		assert_refused(i % 2 == 0 ? &lots : &beside, 0, "clone", i, KEEP, ERR_KEY_REUSED, "dev-1");
	}
	ledger_close(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_next_key),
		BOTH(test_back),
		BOTH(test_taken),
		BOTH(test_batch_state),
		BOTH(test_group),
		cmocka_unit_test_setup_teardown(test_restart, fixture_setup_sqlite, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_two_stores, fixture_setup_sqlite, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
