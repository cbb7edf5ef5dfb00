/* What record of db/store.h decides, row by row, and what is found of it, over every backend. */
#include "store_fixture.h"

static void
assert_same_row(const struct store_certificate *a, const struct store_certificate *b)
{
	assert_memory_equal(a->serial, b->serial, STORE_SERIAL_BYTES);
	assert_string_equal(a->device_id, b->device_id);
	assert_memory_equal(a->key_id, b->key_id, STORE_HASH_BYTES);
	assert_memory_equal(a->certificate_id, b->certificate_id, STORE_HASH_BYTES);
	assert_int_equal(a->batch_id, b->batch_id);
	assert_int_equal(a->ca_id, b->ca_id);
	assert_int_equal(a->not_before_s, b->not_before_s);
	assert_int_equal(a->not_after_s, b->not_after_s);
	assert_int_equal(a->issued_at_us, b->issued_at_us);
	assert_int_equal(a->der_len, b->der_len);
	assert_memory_equal(a->der, b->der, a->der_len);
}

static void
test_record_new(void **state)
{
	struct ledger			*l = *state;
	int64_t				 batch = ledger_batch(l, "lot-1", 10);
	struct store_certificate	 c = ledger_certificate(batch, l->ca_id, "dev-1", 1, 1000);
	struct store_record_row		 row = ledger_record(l, &c);
	const struct store_certificate	*got;
	struct store_batch		 b;
	struct recorded			*found;
	struct err			 e;

	assert_int_equal(row.result, ERR_OK);
	assert_true(row.is_new);
	got = recorded_certificate(row.recorded);
	assert_same_row(got, &c);
	assert_ptr_not_equal(got->der, c.der);	/* owns its copy */
	assert_int_equal(got->state, CERTIFICATE_ISSUED);
	assert_string_equal(got->batch_name, "lot-1");
	assert_string_equal(got->ca_name, "plant");
	assert_string_equal(got->profile, "default");

	assert_ok(l->ops->recorded_find(l->reader, batch, "dev-1", c.key_id, &found, &e));
	assert_same_row(recorded_certificate(found), &c);
	assert_string_equal(recorded_certificate(found)->batch_name, "lot-1");
	assert_string_equal(recorded_certificate(found)->ca_name, "plant");
	assert_int_equal(recorded_certificate(found)->state, CERTIFICATE_ISSUED);
	recorded_free(found);
	assert_ok(l->ops->recorded_find_serial(l->reader, c.serial, &found, &e));
	assert_same_row(recorded_certificate(found), &c);
	recorded_free(found);
	recorded_free(row.recorded);

	assert_ok(l->ops->batch_find(l->reader, "lot-1", &b, &e));
	assert_int_equal(b.issued, 1);
	assert_int_equal(b.last_issued_at_us, c.issued_at_us);
	assert_int_equal(b.registered, 0);
	assert_int_equal(b.parked, 0);
}

static void
test_record_again(void **state)
{
	struct ledger			*l = *state;
	int64_t				 batch = ledger_batch(l, "lot-1", 10);
	struct store_certificate	 c = ledger_certificate(batch, l->ca_id, "dev-1", 1, 1000);
	struct store_certificate	 again = ledger_certificate(batch, l->ca_id, "dev-1", 1, 1001);
	struct store_record_row		 row;
	struct store_batch		 b;
	struct err			 e;

	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	row = ledger_record(l, &again);
	assert_int_equal(row.result, ERR_OK);
	assert_false(row.is_new);
	assert_same_row(recorded_certificate(row.recorded), &c);	/* the first one */
	recorded_free(row.recorded);
	assert_ok(l->ops->batch_find(l->reader, "lot-1", &b, &e));
	assert_int_equal(b.issued, 1);
}

static void
test_record_conflicts(void **state)
{
	struct ledger			*l = *state;
	int64_t				 one = ledger_batch(l, "lot-1", 10), two = ledger_batch(l, "lot-2", 10);
	struct store_certificate	 c = ledger_certificate(one, l->ca_id, "dev-1", 1, 1000);
	struct store_certificate	 other_key = ledger_certificate(one, l->ca_id, "dev-1", 2, 1001);
	struct store_certificate	 other_device = ledger_certificate(one, l->ca_id, "dev-2", 1, 1002);
	struct store_record_row		 row;
	struct store_batch		 b;
	struct err			 e;
	bool				 is_new;

	assert_int_equal(ledger_try(l, &c, &is_new), ERR_OK);
	assert_true(is_new);
	assert_int_equal(ledger_try(l, &other_key, &is_new), ERR_DEVICE_EXISTS);
	assert_false(is_new);
	row = ledger_record(l, &other_device);
	assert_int_equal(row.result, ERR_KEY_REUSED);
	assert_null(row.recorded);
	assert_string_equal(row.other, "dev-1");
	/* in any batch */
	other_key.batch_id = other_device.batch_id = two;
	assert_int_equal(ledger_try(l, &other_key, NULL), ERR_DEVICE_EXISTS);
	assert_int_equal(ledger_try(l, &other_device, NULL), ERR_KEY_REUSED);
	assert_ok(l->ops->batch_find(l->reader, "lot-1", &b, &e));
	assert_int_equal(b.issued, 1);
	assert_ok(l->ops->batch_find(l->reader, "lot-2", &b, &e));
	assert_int_equal(b.issued, 0);
	/* what was refused left nothing behind: the key and the id are still free */
	other_key = ledger_certificate(two, l->ca_id, "dev-3", 2, 1003);
	assert_int_equal(ledger_try(l, &other_key, &is_new), ERR_OK);
	assert_true(is_new);
}

static void
test_record_second_batch(void **state)
{
	struct ledger			*l = *state;
	int64_t				 batches[3], i;
	struct store_certificate	 c[3];
	struct recorded			*found;
	struct err			 e;
	bool				 is_new;

	batches[0] = ledger_batch(l, "lot-1", 10);
	batches[1] = ledger_batch(l, "lot-2", 10);
	batches[2] = ledger_batch(l, "lot-3", 10);
	for (i = 0; i < 3; i++) {
		c[i] = ledger_certificate(batches[i], l->ca_id, "dev-1", 1, 1000 + (uint64_t)i);
		assert_int_equal(ledger_try(l, &c[i], &is_new), ERR_OK);
		assert_true(is_new);
	}
	for (i = 0; i < 3; i++) {	/* each batch answers its own */
		assert_ok(l->ops->recorded_find(l->reader, batches[i], "dev-1", c[i].key_id, &found, &e));
		assert_same_row(recorded_certificate(found), &c[i]);
		recorded_free(found);
		assert_int_equal(ledger_try(l, &c[i], &is_new), ERR_OK);
		assert_false(is_new);
	}
}

static void
test_record_closed_full_absent(void **state)
{
	struct ledger			*l = *state;
	int64_t				 batch = ledger_batch(l, "lot-1", 2);
	struct store_certificate	 c1 = ledger_certificate(batch, l->ca_id, "dev-1", 1, 1001);
	struct store_certificate	 c2 = ledger_certificate(batch, l->ca_id, "dev-2", 2, 1002);
	struct store_certificate	 c3 = ledger_certificate(batch, l->ca_id, "dev-3", 3, 1003);
	struct err			 e;
	bool				 is_new;

	assert_int_equal(ledger_try(l, &c1, NULL), ERR_OK);
	assert_ok(l->ops->batch_set_state(l->store, "lot-1", BATCH_CLOSED, &ledger_who, &e));
	assert_int_equal(ledger_try(l, &c2, NULL), ERR_BATCH_CLOSED);
	assert_int_equal(ledger_try(l, &c1, &is_new), ERR_OK);	/* closed still answers what it has */
	assert_false(is_new);
	assert_ok(l->ops->batch_set_state(l->store, "lot-1", BATCH_OPEN, &ledger_who, &e));
	assert_int_equal(ledger_try(l, &c2, NULL), ERR_OK);
	assert_int_equal(ledger_try(l, &c3, NULL), ERR_BATCH_FULL);
	assert_int_equal(ledger_try(l, &c1, &is_new), ERR_OK);	/* and so does a full one */
	assert_false(is_new);
	c3.batch_id = batch + 100;
	assert_int_equal(ledger_try(l, &c3, NULL), ERR_BATCH_NOT_FOUND);
}

/* The batch's own state is told before what is wrong with the device. */
static void
test_record_precedence(void **state)
{
	struct ledger			*l = *state;
	int64_t				 batch = ledger_batch(l, "lot-1", 1);
	struct store_certificate	 c1 = ledger_certificate(batch, l->ca_id, "dev-1", 1, 1001);
	struct store_certificate	 bad_key = ledger_certificate(batch, l->ca_id, "dev-1", 2, 1002);
	struct store_certificate	 clone = ledger_certificate(batch, l->ca_id, "dev-2", 1, 1003);
	struct err			 e;

	assert_int_equal(ledger_try(l, &c1, NULL), ERR_OK);
	assert_int_equal(ledger_try(l, &bad_key, NULL), ERR_BATCH_FULL);
	assert_int_equal(ledger_try(l, &clone, NULL), ERR_BATCH_FULL);
	assert_ok(l->ops->batch_set_state(l->store, "lot-1", BATCH_CLOSED, &ledger_who, &e));
	assert_int_equal(ledger_try(l, &bad_key, NULL), ERR_BATCH_CLOSED);
}

static void
test_record_group(void **state)
{
	enum { N = 7 };
	struct ledger			*l = *state;
	int64_t				 batch = ledger_batch(l, "lot-1", 3), two = ledger_batch(l, "lot-2", 10);
	struct store_certificate	 c[N];
	struct store_record_row		 rows[N];
	struct store_batch		 b;
	struct err			 e;
	int				 i;

	memset(rows, 0, sizeof(rows));
	c[0] = ledger_certificate(batch, l->ca_id, "dev-1", 1, 1001);
	c[1] = ledger_certificate(batch, l->ca_id, "dev-1", 1, 1002);	/* the same again: answered with the first */
	c[2] = ledger_certificate(batch, l->ca_id, "dev-1", 2, 1003);	/* another key */
	c[3] = ledger_certificate(batch, l->ca_id, "dev-2", 1, 1004);	/* another device */
	c[4] = ledger_certificate(batch, l->ca_id, "dev-3", 3, 1006);	/* out of order */
	c[5] = ledger_certificate(two, l->ca_id, "dev-3", 3, 1005);	/* another batch */
	c[6] = ledger_certificate(batch, l->ca_id, "dev-4", 4, 1007);
	for (i = 0; i < N; i++)
		rows[i].certificate = &c[i];
	assert_ok(l->ops->record(l->store, rows, N, &e));
	assert_true(rows[0].result == ERR_OK && rows[0].is_new);
	assert_true(rows[1].result == ERR_OK && !rows[1].is_new);
	assert_same_row(recorded_certificate(rows[1].recorded), &c[0]);
	assert_int_equal(rows[2].result, ERR_DEVICE_EXISTS);
	assert_int_equal(rows[3].result, ERR_KEY_REUSED);
	assert_string_equal(rows[3].other, "dev-1");
	assert_true(rows[4].result == ERR_OK && rows[4].is_new);
	assert_true(rows[5].result == ERR_OK && rows[5].is_new);
	assert_true(rows[6].result == ERR_OK && rows[6].is_new);
	for (i = 0; i < N; i++)
		recorded_free(rows[i].recorded);
	assert_ok(l->ops->batch_find(l->reader, "lot-1", &b, &e));
	assert_int_equal(b.issued, 3);
	assert_int_equal(b.last_issued_at_us, c[6].issued_at_us);
	assert_ok(l->ops->batch_find(l->reader, "lot-2", &b, &e));
	assert_int_equal(b.issued, 1);
}

/* The quantity is exact, also when the group overshoots it. */
static void
test_record_quantity(void **state)
{
	enum { N = 60, QUANTITY = 50 };
	struct ledger			*l = *state;
	int64_t				 batch = ledger_batch(l, "lot-1", QUANTITY);
	struct store_certificate	 c[N];
	struct store_record_row		 rows[N];
	struct store_batch		 b;
	struct err			 e;
	char				 name[16];
	int				 i, n_new = 0;

	memset(rows, 0, sizeof(rows));
	for (i = 0; i < N; i++) {
		(void)snprintf(name, sizeof(name), "dev-%d", i);
		c[i] = ledger_certificate(batch, l->ca_id, name, (unsigned)i + 1, 1000 + (uint64_t)i);
		rows[i].certificate = &c[i];
	}
	assert_ok(l->ops->record(l->store, rows, 45, &e));
	assert_ok(l->ops->record(l->store, rows + 45, N - 45, &e));
	for (i = 0; i < N; i++) {
		assert_int_equal(rows[i].result, i < QUANTITY ? ERR_OK : ERR_BATCH_FULL);
		assert_int_equal(rows[i].is_new, i < QUANTITY);
		n_new += rows[i].is_new;
		recorded_free(rows[i].recorded);
	}
	assert_int_equal(n_new, QUANTITY);
	assert_ok(l->ops->batch_find(l->reader, "lot-1", &b, &e));
	assert_int_equal(b.issued, QUANTITY);
}

/* A serial that is taken already: none of the group goes in. */
static void
test_record_serial_twice(void **state)
{
	struct ledger			*l = *state;
	int64_t				 batch = ledger_batch(l, "lot-1", 10);
	struct store_certificate	 c1 = ledger_certificate(batch, l->ca_id, "dev-1", 1, 1001);
	struct store_certificate	 c2 = ledger_certificate(batch, l->ca_id, "dev-2", 2, 1002);
	struct store_certificate	 c3 = ledger_certificate(batch, l->ca_id, "dev-3", 3, 1001);
	struct store_record_row		 rows[2] = { { .certificate = &c2 }, { .certificate = &c3 } };
	struct recorded			*found = NULL;
	struct store_batch		 b;
	struct err			 e;

	assert_int_equal(ledger_try(l, &c1, NULL), ERR_OK);
	assert_int_equal(l->ops->record(l->store, rows, 2, &e), ERR_INTERNAL);
	assert_int_equal(rows[0].result, ERR_INTERNAL);
	assert_int_equal(rows[1].result, ERR_INTERNAL);
	assert_null(rows[0].recorded);
	assert_int_equal(l->ops->recorded_find(l->reader, batch, "dev-2", c2.key_id, &found, &e), ERR_NOT_FOUND);
	assert_null(found);
	assert_ok(l->ops->batch_find(l->reader, "lot-1", &b, &e));
	assert_int_equal(b.issued, 1);
	assert_int_equal(ledger_try(l, &c2, NULL), ERR_OK);
}

static void
test_find_absent(void **state)
{
	struct ledger			*l = *state;
	int64_t				 batch = ledger_batch(l, "lot-1", 10), two = ledger_batch(l, "lot-2", 10);
	struct store_certificate	 c = ledger_certificate(batch, l->ca_id, "dev-1", 1, 1001);
	struct recorded			*found = NULL;
	struct err			 e;
	uint8_t				 key[STORE_HASH_BYTES];

	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	assert_int_equal(l->ops->recorded_find(l->reader, batch, "dev-2", c.key_id, &found, &e), ERR_NOT_FOUND);
	assert_int_equal(l->ops->recorded_find(l->reader, two, "dev-1", c.key_id, &found, &e), ERR_NOT_FOUND);
	memcpy(key, c.key_id, sizeof(key));
	key[31] ^= 1;	/* all of the key counts, not only what the index holds */
	assert_int_equal(l->ops->recorded_find(l->reader, batch, "dev-1", key, &found, &e), ERR_NOT_FOUND);
	key[31] ^= 1;
	key[0] ^= 1;
	assert_int_equal(l->ops->recorded_find(l->reader, batch, "dev-1", key, &found, &e), ERR_NOT_FOUND);
	c.serial[15] ^= 1;
	assert_int_equal(l->ops->recorded_find_serial(l->reader, c.serial, &found, &e), ERR_NOT_FOUND);
	c.serial[15] ^= 1;
	c.serial[7] ^= 1;
	assert_int_equal(l->ops->recorded_find_serial(l->reader, c.serial, &found, &e), ERR_NOT_FOUND);
	assert_null(found);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_record_new),
		BOTH(test_record_again),
		BOTH(test_record_conflicts),
		BOTH(test_record_second_batch),
		BOTH(test_record_closed_full_absent),
		BOTH(test_record_precedence),
		BOTH(test_record_group),
		BOTH(test_record_quantity),
		BOTH(test_record_serial_twice),
		BOTH(test_find_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
