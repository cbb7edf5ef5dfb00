/*
 * The rest of db/store.h over every backend: its CAs, the newest certificate, the checkpoint, the names of states.  Recording, batches
 * and listings have their own: test_record.c, test_batch.c, test_list.c.
 */
#include "store_fixture.h"

#include "db/store_internal.h"

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
	fixture_fill(l, batches);
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

	fixture_fill(l, batches);
	assert_ok(l->ops->checkpoint(l->store, &e));
	assert_int_equal(fixture_list(l, &fixture_any).n, 20);
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
	assert_string_equal(batch_state_name(BATCH_WAITING), "waiting");
	recorded_free(NULL);
	store_sqlite.close(NULL);
	store_sqlite.reader_close(NULL);
	store_memory.close(NULL);
	store_memory.reader_close(NULL);
}

/* Whatever a row alone can meet, the client is told of his device and what to do. */
static void
test_words(void **state)
{
	static const enum err_code		codes[] = { ERR_DEVICE_EXISTS, ERR_KEY_REUSED, ERR_BATCH_CLOSED, ERR_BATCH_WAITING, ERR_BATCH_FULL,
						    ERR_BATCH_NOT_FOUND };
	const struct store_certificate		c = { .device_id = "dev-1" };
	struct store_record_row			row = { .certificate = &c, .other = "dev-2" };
	struct err				e;
	size_t					i;

	(void)state;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		row.result = codes[i];
		store_record_row_say(&row, &e);
		assert_int_equal(e.code, codes[i]);
		assert_non_null(strstr(e.client_text, "dev-1"));
	}
	row.result = ERR_STORAGE;
	store_record_row_say(&row, &e);
	assert_int_equal(e.code, ERR_STORAGE);
	assert_string_equal(e.client_text, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_ca),
		BOTH(test_newest),
		BOTH(test_checkpoint),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
