/* The contract of db/store.h, line by line, over every backend. */
#include "ledger.h"

static int
setup_sqlite(void **state)
{
	*state = ledger_new(&store_sqlite);
	return 0;
}

static int
setup_memory(void **state)
{
	*state = ledger_new(&store_memory);
	return 0;
}

static int
teardown(void **state)
{
	ledger_free(*state);
	return 0;
}

/* ---- recording ----------------------------------------------------------------------------------- */

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
	assert_ok(l->ops->batch_set_state(l->store, "lot-1", BATCH_CLOSED, &e));
	assert_int_equal(ledger_try(l, &c2, NULL), ERR_BATCH_CLOSED);
	assert_int_equal(ledger_try(l, &c1, &is_new), ERR_OK);	/* closed still answers what it has */
	assert_false(is_new);
	assert_ok(l->ops->batch_set_state(l->store, "lot-1", BATCH_OPEN, &e));
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
	assert_ok(l->ops->batch_set_state(l->store, "lot-1", BATCH_CLOSED, &e));
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

/* ---- certification authorities ------------------------------------------------------------------- */

static enum err_code
ca_note(void *arg, const struct store_ca *ca, struct err *e)
{
	char	*names = arg;

	(void)e;
	strncat(names, ca->name, 100);
	strncat(names, " ", 2);
	return ERR_OK;
}

static enum err_code
ca_refuse(void *arg, const struct store_ca *ca, struct err *e)
{
	(void)ca;
	++*(int *)arg;
	return err_set(e, ERR_IO, "enough");
}

static void
test_ca(void **state)
{
	struct ledger	*l = *state;
	struct store_ca	 ca, copy;
	struct err	 e;
	char		 names[256] = "";
	int64_t		 id = -1;
	int		 calls = 0;

	assert_true(ledger_ca(l, "second") > l->ca_id);
	assert_ok(l->ops->ca_find(l->reader, "plant", &ca, &e));
	assert_int_equal(ca.id, l->ca_id);
	assert_string_equal(ca.name, "plant");
	assert_string_equal(ca.key_ref, "ca.key");
	assert_true(ca.active);
	assert_int_equal(ca.der_len, 5);
	assert_int_equal(ca.der[4], 5);
	assert_int_equal(ca.created_at_us, 1700000000000000);
	assert_int_equal(l->ops->ca_add(l->store, &ca, &id, &e), ERR_CONFLICT);	/* the name is taken */
	assert_int_equal(id, -1);
	store_ca_done(&ca);
	memset(&copy, 0x55, sizeof(copy));
	ca = copy;
	assert_int_equal(l->ops->ca_find(l->reader, "third", &ca, &e), ERR_NOT_FOUND);
	assert_memory_equal(&ca, &copy, sizeof(ca));
	assert_ok(l->ops->ca_list(l->reader, ca_note, names, &e));
	assert_string_equal(names, "plant second ");
	assert_int_equal(l->ops->ca_list(l->reader, ca_refuse, &calls, &e), ERR_IO);
	assert_int_equal(calls, 1);
}

/* ---- batches ------------------------------------------------------------------------------------- */

static enum err_code
batch_note(void *arg, const struct store_batch *b, struct err *e)
{
	char	*names = arg;

	(void)e;
	strncat(names, b->name, 100);
	strncat(names, b->state == BATCH_OPEN ? "+ " : "- ", 3);
	return ERR_OK;
}

static enum err_code
batch_refuse(void *arg, const struct store_batch *b, struct err *e)
{
	(void)b;
	++*(int *)arg;
	return err_set(e, ERR_IO, "enough");
}

static void
test_batch(void **state)
{
	struct ledger		*l = *state;
	struct store_batch	 b, again;
	struct err		 e;
	char			 names[256] = "";
	int			 calls = 0;

	memset(&b, 0, sizeof(b));
	(void)snprintf(b.name, sizeof(b.name), "lot-1");
	(void)snprintf(b.profile, sizeof(b.profile), "long");
	(void)snprintf(b.pattern, sizeof(b.pattern), "^A[0-9]+$");
	b.ca_id = l->ca_id;
	b.quantity = 7;
	b.created_at_us = 1700000000123456;
	assert_ok(l->ops->batch_create(l->store, &b, NULL, NULL, &e));
	assert_int_equal(l->ops->batch_create(l->store, &b, NULL, NULL, &e), ERR_CONFLICT);
	assert_ok(l->ops->batch_find(l->reader, "lot-1", &again, &e));
	assert_true(again.id > 0);
	assert_string_equal(again.ca_name, "plant");
	assert_string_equal(again.profile, "long");
	assert_string_equal(again.pattern, "^A[0-9]+$");
	assert_int_equal(again.ca_id, l->ca_id);
	assert_int_equal(again.quantity, 7);
	assert_int_equal(again.created_at_us, 1700000000123456);
	assert_int_equal(again.state, BATCH_OPEN);
	assert_false(again.listed);
	assert_int_equal(again.issued, 0);
	assert_int_equal(again.last_issued_at_us, 0);
	assert_int_equal(l->ops->batch_find(l->reader, "lot-9", &again, &e), ERR_BATCH_NOT_FOUND);

	(void)ledger_batch(l, "lot-2", 1);
	(void)ledger_batch(l, "lot-3", 1);
	assert_ok(l->ops->batch_set_state(l->store, "lot-2", BATCH_CLOSED, &e));
	assert_ok(l->ops->batch_set_state(l->store, "lot-2", BATCH_CLOSED, &e));	/* no error */
	assert_int_equal(l->ops->batch_set_state(l->store, "lot-9", BATCH_CLOSED, &e), ERR_BATCH_NOT_FOUND);
	assert_ok(l->ops->batch_list(l->reader, false, batch_note, names, &e));
	assert_string_equal(names, "lot-1+ lot-2- lot-3+ ");
	names[0] = '\0';
	assert_ok(l->ops->batch_list(l->reader, true, batch_note, names, &e));
	assert_string_equal(names, "lot-1+ lot-3+ ");
	assert_int_equal(l->ops->batch_list(l->reader, false, batch_refuse, &calls, &e), ERR_IO);
	assert_int_equal(calls, 1);
}

struct device_source {
	int	at, n, fail_at;	/* fail_at: -1 never */
	char	id[32];
};

static enum err_code
device_next(void *arg, const char **ret, struct err *e)
{
	struct device_source	*src = arg;

	if (src->at == src->fail_at)
		return err_set(e, ERR_USAGE, "line %d is bad", src->at);
	if (src->at == src->n) {
		*ret = NULL;
		return ERR_OK;
	}
	(void)snprintf(src->id, sizeof(src->id), "dev-%08d", src->at++);
	*ret = src->id;
	return ERR_OK;
}

static void
test_batch_listed(void **state)
{
	static const int	 sizes[] = { 0, 1, LIMIT_LIST_CHUNK_ROWS, LIMIT_LIST_CHUNK_ROWS + 1, 2 * LIMIT_LIST_CHUNK_ROWS };
	struct ledger		*l = *state;
	struct store_batch	 b, found;
	struct device_source	 src;
	struct err		 e;
	char			 id[32];
	bool			 listed;
	size_t			 i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(&b, 0, sizeof(b));
		(void)snprintf(b.name, sizeof(b.name), "lot-%zu", i);
		b.ca_id = l->ca_id;
		b.quantity = 10;
		b.listed = true;
		src = (struct device_source){ .n = sizes[i], .fail_at = -1 };
		assert_ok(l->ops->batch_create(l->store, &b, device_next, &src, &e));
		assert_ok(l->ops->batch_find(l->reader, b.name, &found, &e));
		assert_true(found.listed);
		assert_int_equal(found.state, BATCH_OPEN);
		if (sizes[i] > 0) {
			(void)snprintf(id, sizeof(id), "dev-%08d", sizes[i] - 1);
			assert_ok(l->ops->batch_lists_device(l->reader, found.id, id, &listed, &e));
			assert_true(listed);
			assert_ok(l->ops->batch_lists_device(l->reader, found.id, "dev-00000000", &listed, &e));
			assert_true(listed);
		}
		(void)snprintf(id, sizeof(id), "dev-%08d", sizes[i]);
		assert_ok(l->ops->batch_lists_device(l->reader, found.id, id, &listed, &e));
		assert_false(listed);
	}
	assert_ok(l->ops->batch_lists_device(l->reader, found.id + 1000, "dev-00000000", &listed, &e));
	assert_false(listed);
}

/* A bad line ends it all: the batch is not there, and its name is free. */
static void
test_batch_listed_fails(void **state)
{
	static const int	 fails[] = { 0, 1, LIMIT_LIST_CHUNK_ROWS, LIMIT_LIST_CHUNK_ROWS + 2 };
	struct ledger		*l = *state;
	struct store_batch	 b, found;
	struct device_source	 src;
	struct err		 e;
	char			 names[64] = "";
	size_t			 i;

	memset(&b, 0, sizeof(b));
	(void)snprintf(b.name, sizeof(b.name), "lot-1");
	b.ca_id = l->ca_id;
	b.quantity = 10;
	b.listed = true;
	for (i = 0; i < sizeof(fails) / sizeof(fails[0]); i++) {
		src = (struct device_source){ .n = 20000, .fail_at = fails[i] };
		assert_int_equal(l->ops->batch_create(l->store, &b, device_next, &src, &e), ERR_USAGE);
		assert_non_null(strstr(e.log_text, "is bad"));
		assert_int_equal(l->ops->batch_find(l->reader, "lot-1", &found, &e), ERR_BATCH_NOT_FOUND);
	}
	assert_ok(l->ops->batch_list(l->reader, false, batch_note, names, &e));
	assert_string_equal(names, "");
	src = (struct device_source){ .n = 3, .fail_at = -1 };
	assert_ok(l->ops->batch_create(l->store, &b, device_next, &src, &e));
}

/* ---- listings ------------------------------------------------------------------------------------ */

struct listing {
	int		n;
	uint64_t	serials[64];
	int		stop_after;	/* 0: never */
};

static enum err_code
listing_note(void *arg, const struct store_certificate *c, struct err *e)
{
	struct listing	*li = arg;
	int		 i;

	assert_true(li->n < 64);
	li->serials[li->n] = 0;
	for (i = 0; i < 8; i++)
		li->serials[li->n] = li->serials[li->n] << 8 | c->serial[i];
	li->n++;
	assert_int_equal(c->der_len, 600);
	assert_int_equal(c->der[0], 0x30);
	assert_string_equal(c->ca_name, "plant");
	assert_int_equal(strncmp(c->batch_name, "lot-", 4), 0);
	if (li->n == li->stop_after)
		return err_set(e, ERR_IO, "the reader has gone");
	return ERR_OK;
}

static const struct store_certificate_filter any = { .batch_id = -1, .state = -1 };

static struct listing
list(struct ledger *l, const struct store_certificate_filter *f)
{
	struct listing	li = { 0 };
	struct err	e;
	int		i;

	assert_ok(l->ops->certificate_list(l->reader, f, listing_note, &li, &e));
	for (i = 1; i < li.n; i++)
		assert_true(li.serials[i] < li.serials[i - 1]);	/* newest first */
	return li;
}

/* 20 certificates, serials 1001 to 1020: odd ones in lot-1, even ones in lot-2; dev-1 in both, recorded out of order. */
static void
fill(struct ledger *l, int64_t batches[2])
{
	struct store_certificate	c;
	char				name[16];
	uint64_t			i;

	batches[0] = ledger_batch(l, "lot-1", 100);
	batches[1] = ledger_batch(l, "lot-2", 100);
	for (i = 20; i >= 1; i--) {
		(void)snprintf(name, sizeof(name), "dev-%u", i <= 2 ? 1 : (unsigned)i);
		c = ledger_certificate(batches[(i + 1) % 2], l->ca_id, name, i <= 2 ? 1 : (unsigned)i, 1000 + i);
		assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	}
}

static void
test_list(void **state)
{
	struct ledger			*l = *state;
	struct store_certificate_filter	 f = any;
	struct listing			 li;
	int64_t				 batches[2];
	struct err			 e;

	assert_int_equal(list(l, &f).n, 0);
	fill(l, batches);
	li = list(l, &f);
	assert_int_equal(li.n, 20);
	assert_int_equal(li.serials[0], 1020);
	assert_int_equal(li.serials[19], 1001);

	f.batch_id = batches[1];
	li = list(l, &f);
	assert_int_equal(li.n, 10);
	assert_int_equal(li.serials[0], 1020);
	assert_int_equal(li.serials[9], 1002);
	f.batch_id = batches[1] + 50;
	assert_int_equal(list(l, &f).n, 0);

	f = any;
	f.device_id = "dev-1";
	li = list(l, &f);
	assert_int_equal(li.n, 2);
	assert_int_equal(li.serials[0], 1002);
	assert_int_equal(li.serials[1], 1001);
	f.batch_id = batches[0];
	li = list(l, &f);
	assert_int_equal(li.n, 1);
	assert_int_equal(li.serials[0], 1001);
	f.device_id = "dev";	/* exact */
	assert_int_equal(list(l, &f).n, 0);

	f = any;
	f.state = CERTIFICATE_ISSUED;
	assert_int_equal(list(l, &f).n, 20);
	f.state = CERTIFICATE_REGISTERED;
	assert_int_equal(list(l, &f).n, 0);
	f.state = CERTIFICATE_PARKED;
	assert_int_equal(list(l, &f).n, 0);
	f.state = CERTIFICATE_REVOKED;
	assert_int_equal(list(l, &f).n, 0);

	f = any;
	f.since_us = 1700000000000000 + 1015;
	assert_int_equal(list(l, &f).n, 6);

	f = any;
	li = (struct listing){ .stop_after = 3 };
	assert_int_equal(l->ops->certificate_list(l->reader, &f, listing_note, &li, &e), ERR_IO);
	assert_int_equal(li.n, 3);
	assert_int_equal(list(l, &f).n, 20);	/* and the reader is fit for the next */
}

static void
test_list_pages(void **state)
{
	struct ledger			*l = *state;
	struct store_certificate_filter	 f;
	struct store_certificate	 after;
	struct listing			 li;
	int64_t				 batches[2];
	int				 by_batch, seen;
	uint64_t			 last;

	fill(l, batches);
	for (by_batch = 0; by_batch < 2; by_batch++) {
		f = any;
		f.limit = 3;
		f.batch_id = by_batch ? batches[0] : -1;
		seen = 0;
		last = 2000;
		do {
			li = list(l, &f);
			assert_true(li.n <= 3);
			if (li.n > 0) {
				assert_true(li.serials[0] < last);
				last = li.serials[li.n - 1];
				after = ledger_certificate(0, 0, "", 0, last);
				f.after = after.serial;
			}
			seen += li.n;
		} while (li.n > 0);
		assert_int_equal(seen, by_batch ? 10 : 20);
	}
}

static void
test_newest(void **state)
{
	struct ledger	*l = *state;
	struct err	 e;
	int64_t		 batches[2], us = -1;
	uint64_t	 upper = 1;

	assert_ok(l->ops->newest(l->reader, &upper, &us, &e));
	assert_int_equal(upper, 0);
	assert_int_equal(us, 0);
	fill(l, batches);
	assert_ok(l->ops->newest(l->reader, &upper, &us, &e));
	assert_int_equal(upper, 1020);
	assert_int_equal(us, 1700000000000000 + 1020);
}

static void
test_checkpoint(void **state)
{
	struct ledger	*l = *state;
	struct err	 e;
	int64_t		 batches[2];

	fill(l, batches);
	assert_ok(l->ops->checkpoint(l->store, &e));
	assert_int_equal(list(l, &any).n, 20);
}

static void
test_names(void **state)
{
	enum certificate_state	s, got;

	(void)state;
	for (s = CERTIFICATE_ISSUED; s <= CERTIFICATE_REVOKED; s++) {
		assert_true(certificate_state_parse(certificate_state_name(s), &got));
		assert_int_equal(got, s);
	}
	assert_false(certificate_state_parse("lost", &got));
	assert_false(certificate_state_parse("", &got));
	assert_string_equal(certificate_state_name(CERTIFICATE_ISSUED), "issued");
	assert_string_equal(batch_state_name(BATCH_OPEN), "open");
	assert_string_equal(batch_state_name(BATCH_CLOSED), "closed");
	recorded_free(NULL);
	store_sqlite.close(NULL);
	store_sqlite.reader_close(NULL);
	store_memory.close(NULL);
	store_memory.reader_close(NULL);
}

#define BOTH(test)                                                                              \
	cmocka_unit_test_setup_teardown(test, setup_sqlite, teardown),                          \
	cmocka_unit_test_setup_teardown(test, setup_memory, teardown)

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
		BOTH(test_ca),
		BOTH(test_batch),
		BOTH(test_batch_listed),
		BOTH(test_batch_listed_fails),
		BOTH(test_list),
		BOTH(test_list_pages),
		BOTH(test_newest),
		BOTH(test_checkpoint),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
