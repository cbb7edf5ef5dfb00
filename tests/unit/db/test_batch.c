/* Batches and their device lists, as db/store.h has them, over every backend. */
#include "store_fixture.h"

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
	assert_ok(l->ops->batch_create(l->store, &b, NULL, NULL, &ledger_who, &e));
	assert_int_equal(l->ops->batch_create(l->store, &b, NULL, NULL, &ledger_who, &e), ERR_CONFLICT);
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
	assert_ok(l->ops->batch_set_state(l->store, "lot-2", BATCH_CLOSED, &ledger_who, &e));
	assert_ok(l->ops->batch_set_state(l->store, "lot-2", BATCH_CLOSED, &ledger_who, &e));	/* no error */
	assert_int_equal(l->ops->batch_set_state(l->store, "lot-9", BATCH_CLOSED, &ledger_who, &e), ERR_BATCH_NOT_FOUND);
	assert_ok(l->ops->batch_list(l->reader, BATCHES_ALL, batch_note, names, &e));
	assert_string_equal(names, "lot-1+ lot-2- lot-3+ ");
	names[0] = '\0';
	assert_ok(l->ops->batch_list(l->reader, BATCHES_OPEN, batch_note, names, &e));
	assert_string_equal(names, "lot-1+ lot-3+ ");
	assert_int_equal(l->ops->batch_list(l->reader, BATCHES_ALL, batch_refuse, &calls, &e), ERR_IO);
	assert_int_equal(calls, 1);
}

/* What a page shows: all that are open or wait, and the newest of the others. */
static void
test_batch_current(void **state)
{
	struct ledger		*l = *state;
	struct batch_totals	 totals;
	struct store_batch	 b = { .name = "lot-waits", .profile = "long", .state = BATCH_WAITING, .quantity = 5 };
	struct store_certificate c;
	struct err		 e;
	char			 name[16], names[4096] = "", expected[4096] = "";
	const int		 closed = STORE_CLOSED_MAX + 3;

	assert_ok(l->ops->batch_totals(l->reader, &totals, &e));
	assert_int_equal(totals.batches + totals.open + totals.quantity + totals.issued, 0);
	(void)ledger_batch(l, "lot-open", 7);
	b.ca_id = l->ca_id;
	assert_ok(l->ops->batch_create(l->store, &b, NULL, NULL, &ledger_who, &e));
	for (int i = 0; i < closed; i++) {
		(void)snprintf(name, sizeof(name), "c-%03d", i);
		c = ledger_certificate(ledger_batch(l, name, 2), l->ca_id, name, (unsigned)i, (uint64_t)i + 1);
		if (i == 0)
			assert_ok(ledger_try(l, &c, NULL));
		assert_ok(l->ops->batch_set_state(l->store, name, BATCH_CLOSED, &ledger_who, &e));
	}
	for (int i = closed - 1; i >= closed - STORE_CLOSED_MAX; i--)
		(void)snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "c-%03d- ", i);
	(void)snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "lot-waits- lot-open+ ");
	assert_ok(l->ops->batch_list(l->reader, BATCHES_CURRENT, batch_note, names, &e));
	assert_string_equal(names, expected);

	names[0] = '\0';
	assert_ok(l->ops->batch_list(l->reader, BATCHES_BUSY, batch_note, names, &e));
	assert_string_equal(names, "c-000- ");

	assert_ok(l->ops->batch_totals(l->reader, &totals, &e));
	assert_int_equal(totals.batches, closed + 2);
	assert_int_equal(totals.open, 1);
	assert_int_equal(totals.quantity, 7 + 5 + 2 * closed);
	assert_int_equal(totals.issued, 1);
	assert_int_equal(totals.registered + totals.parked + totals.revoked + totals.revoking + totals.revoke_parked, 0);
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
		assert_ok(l->ops->batch_create(l->store, &b, device_next, &src, &ledger_who, &e));
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
		assert_int_equal(l->ops->batch_create(l->store, &b, device_next, &src, &ledger_who, &e), ERR_USAGE);
		assert_non_null(strstr(e.log_text, "is bad"));
		assert_int_equal(l->ops->batch_find(l->reader, "lot-1", &found, &e), ERR_BATCH_NOT_FOUND);
	}
	assert_ok(l->ops->batch_list(l->reader, BATCHES_ALL, batch_note, names, &e));
	assert_string_equal(names, "");
	src = (struct device_source){ .n = 3, .fail_at = -1 };
	assert_ok(l->ops->batch_create(l->store, &b, device_next, &src, &ledger_who, &e));
}

/* A batch that waits for approval is no open one, until it is opened. */
static void
test_batch_waiting(void **state)
{
	struct ledger			*l = *state;
	struct store_batch		 b = { .ca_id = l->ca_id, .quantity = 2, .created_at_us = 1, .state = BATCH_WAITING }, found;
	struct store_certificate	 c;
	struct device_source		 src = { .n = 3, .fail_at = -1 };
	struct err			 e;
	char				 names[128] = "";

	(void)snprintf(b.name, sizeof(b.name), "lot-1");
	assert_ok(l->ops->batch_create(l->store, &b, NULL, NULL, &ledger_who, &e));
	(void)snprintf(b.name, sizeof(b.name), "lot-2");
	b.listed = true;
	assert_ok(l->ops->batch_create(l->store, &b, device_next, &src, &ledger_who, &e));
	assert_ok(l->ops->batch_list(l->reader, BATCHES_OPEN, batch_note, names, &e));
	assert_string_equal(names, "");
	assert_ok(l->ops->batch_list(l->reader, BATCHES_ALL, batch_note, names, &e));
	assert_string_equal(names, "lot-1- lot-2- ");
	assert_ok(l->ops->batch_find(l->reader, "lot-1", &found, &e));
	assert_int_equal(found.state, BATCH_WAITING);
	c = ledger_certificate(found.id, l->ca_id, "dev-1", 1, 1001);
	assert_int_equal(ledger_try(l, &c, NULL), ERR_BATCH_WAITING);
	assert_int_equal(l->ops->batch_set_state(l->store, "lot-1", BATCH_WAITING, &ledger_who, &e), ERR_INTERNAL);

	/* approved */
	assert_ok(l->ops->batch_set_state(l->store, "lot-1", BATCH_OPEN, &ledger_who, &e));
	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	assert_ok(l->ops->batch_find(l->reader, "lot-1", &found, &e));
	assert_int_equal(found.state, BATCH_OPEN);
	assert_ok(l->ops->batch_set_state(l->store, "lot-1", BATCH_CLOSED, &ledger_who, &e));
	assert_ok(l->ops->batch_find(l->reader, "lot-1", &found, &e));
	assert_int_equal(found.state, BATCH_CLOSED);	/* never waits again */

	/* refused */
	assert_ok(l->ops->batch_set_state(l->store, "lot-2", BATCH_CLOSED, &ledger_who, &e));
	assert_ok(l->ops->batch_find(l->reader, "lot-2", &found, &e));
	assert_int_equal(found.state, BATCH_CLOSED);
	assert_true(found.listed);
	c = ledger_certificate(found.id, l->ca_id, "dev-00000000", 2, 1002);
	assert_int_equal(ledger_try(l, &c, NULL), ERR_BATCH_CLOSED);
	assert_ok(l->ops->batch_set_state(l->store, "lot-2", BATCH_OPEN, &ledger_who, &e));
	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	names[0] = '\0';
	assert_ok(l->ops->batch_list(l->reader, BATCHES_OPEN, batch_note, names, &e));
	assert_string_equal(names, "lot-2+ ");
}

/* An order is raised, never made smaller; a full batch goes on. */
static void
test_batch_quantity(void **state)
{
	struct ledger			*l = *state;
	int64_t				 id = ledger_batch(l, "lot-1", 1);
	struct store_certificate	 c = ledger_certificate(id, l->ca_id, "dev-1", 1, 1001);
	struct store_batch		 b;
	struct err			 e;

	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	c = ledger_certificate(id, l->ca_id, "dev-2", 2, 1002);
	assert_int_equal(ledger_try(l, &c, NULL), ERR_BATCH_FULL);
	assert_ok(l->ops->batch_set_quantity(l->store, "lot-1", 2, &ledger_who, &e));
	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	assert_ok(l->ops->batch_set_quantity(l->store, "lot-1", 2, &ledger_who, &e));
	assert_int_equal(l->ops->batch_set_quantity(l->store, "lot-1", 1, &ledger_who, &e), ERR_CONFLICT);
	assert_non_null(strstr(e.client_text, "close it"));
	assert_int_equal(l->ops->batch_set_quantity(l->store, "lot-1", 0, &ledger_who, &e), ERR_CONFLICT);
	assert_int_equal(l->ops->batch_set_quantity(l->store, "lot-1", -1, &ledger_who, &e), ERR_CONFLICT);
	assert_int_equal(l->ops->batch_set_quantity(l->store, "lot-1", (int64_t)LIMIT_BATCH_QUANTITY + 1, &ledger_who, &e), ERR_CONFLICT);
	assert_int_equal(l->ops->batch_set_quantity(l->store, "lot-9", 3, &ledger_who, &e), ERR_BATCH_NOT_FOUND);
	assert_ok(l->ops->batch_find(l->reader, "lot-1", &b, &e));
	assert_int_equal(b.quantity, 2);
	assert_int_equal(b.issued, 2);
	assert_int_equal(b.state, BATCH_OPEN);
	assert_ok(l->ops->batch_set_quantity(l->store, "lot-1", LIMIT_BATCH_QUANTITY, &ledger_who, &e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_batch),
		BOTH(test_batch_current),
		BOTH(test_batch_listed),
		BOTH(test_batch_listed_fails),
		BOTH(test_batch_waiting),
		BOTH(test_batch_quantity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
