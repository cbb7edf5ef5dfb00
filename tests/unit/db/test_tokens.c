/* Tokens, as db/store.h has them, over every backend. */
#include "events.h"
#include "store_fixture.h"

static struct store_token
token(const char *name, int role, uint8_t hash)
{
	struct store_token	t = { .role = role, .batch_id = -1, .created_at_us = 1700000000000000 };

	(void)snprintf(t.name, sizeof(t.name), "%s", name);
	memset(t.hash, hash, sizeof(t.hash));
	return t;
}

static void
token_put(struct ledger *l, const struct store_token *t)
{
	struct err	e;

	assert_ok(l->ops->token_create(l->store, t, &ledger_who, &e));
}

static struct store_token
token_get(struct ledger *l, uint8_t hash)
{
	struct store_token	t = token("", 0, hash), got;
	struct err		e;

	assert_ok(l->ops->token_find(l->reader, t.hash, &got, &e));
	return got;
}

static enum err_code
token_note(void *arg, const struct store_token *t, struct err *e)
{
	(void)e;
	strncat(arg, t->name, 100);
	strncat(arg, t->revoked_at_us == 0 ? "+ " : "- ", 3);
	return ERR_OK;
}

static enum err_code
token_refuse(void *arg, const struct store_token *t, struct err *e)
{
	(void)t;
	++*(int *)arg;
	return err_set(e, ERR_IO, "enough");
}

static void
test_create(void **state)
{
	struct ledger		*l = *state;
	int64_t			 batch = ledger_batch(l, "lot-1", 10);
	struct store_token	 anna = token("anna", 3, 1), station = token("station-7", 1, 2), got;
	struct err		 e;
	char			 names[128] = "";
	int			 calls = 0;

	token_put(l, &anna);
	assert_newest_event(l, "token.create anna: role technician");
	station.batch_id = batch;
	(void)snprintf(station.network, sizeof(station.network), "10.1.0.0/16");
	station.expires_at_us = 1800000000000000;
	station.revoked_at_us = station.last_used_at_us = 5;	/* not its maker's to say */
	token_put(l, &station);
	assert_newest_event(l, "token.create station-7: role enroll, batch lot-1, network 10.1.0.0/16, expires 2027-01-15T08:00:00Z");

	got = token_get(l, 1);
	assert_true(got.id > 0);
	assert_string_equal(got.name, "anna");
	assert_int_equal(got.role, 3);
	assert_memory_equal(got.hash, anna.hash, sizeof(got.hash));
	assert_int_equal(got.batch_id, -1);
	assert_string_equal(got.batch_name, "");
	assert_string_equal(got.network, "");
	assert_int_equal(got.created_at_us, 1700000000000000);
	assert_int_equal(got.expires_at_us, 0);
	assert_int_equal(got.revoked_at_us, 0);
	assert_int_equal(got.last_used_at_us, 0);
	got = token_get(l, 2);
	assert_int_equal(got.batch_id, batch);
	assert_string_equal(got.batch_name, "lot-1");
	assert_string_equal(got.network, "10.1.0.0/16");
	assert_int_equal(got.expires_at_us, 1800000000000000);
	assert_int_equal(got.revoked_at_us, 0);
	assert_int_equal(got.last_used_at_us, 0);
	assert_ok(l->ops->token_find_id(l->reader, got.id, &anna, &e));
	assert_memory_equal(&anna, &got, sizeof(got));
	assert_int_equal(l->ops->token_find_id(l->reader, got.id + 1, &anna, &e), ERR_NOT_FOUND);
	station.hash[31] ^= 1;	/* all of it counts */
	assert_int_equal(l->ops->token_find(l->reader, station.hash, &anna, &e), ERR_NOT_FOUND);
	assert_ok(l->ops->token_list(l->reader, token_note, names, &e));
	assert_string_equal(names, "anna+ station-7+ ");
	assert_int_equal(l->ops->token_list(l->reader, token_refuse, &calls, &e), ERR_IO);
	assert_int_equal(calls, 1);
}

static void
test_create_refused(void **state)
{
	const struct store_who	 nobody = { .actor = "", .address = "", .reason = "", .at_us = 1 };
	struct ledger		*l = *state;
	struct store_token	 t = token("anna", 3, 1), other = token("anna", 4, 2);
	struct err		 e;
	char			 names[128] = "";
	int			 events;

	token_put(l, &t);
	events = events_count(l);
	assert_int_equal(l->ops->token_create(l->store, &other, &ledger_who, &e), ERR_CONFLICT);
	assert_non_null(strstr(e.client_text, "anna"));
	assert_ok(l->ops->token_revoke(l->store, "anna", &ledger_who, &e));
	assert_int_equal(l->ops->token_create(l->store, &other, &ledger_who, &e), ERR_CONFLICT);	/* names are given once */
	other = token("bert", 3, 1);	/* the hash is there */
	assert_int_equal(l->ops->token_create(l->store, &other, &ledger_who, &e), ERR_INTERNAL);
	other = token("bert", 0, 3);
	assert_int_equal(l->ops->token_create(l->store, &other, &ledger_who, &e), ERR_INTERNAL);
	other = token("bert", 5, 3);
	assert_int_equal(l->ops->token_create(l->store, &other, &ledger_who, &e), ERR_INTERNAL);
	other = token("", 1, 3);
	assert_int_equal(l->ops->token_create(l->store, &other, &ledger_who, &e), ERR_INTERNAL);
	other = token("bert", 1, 3);
	other.batch_id = 99;	/* no such batch */
	assert_int_equal(l->ops->token_create(l->store, &other, &ledger_who, &e), ERR_INTERNAL);
	other.batch_id = -1;
	assert_int_equal(l->ops->token_create(l->store, &other, &nobody, &e), ERR_INTERNAL);
	assert_int_equal(events_count(l), events + 1);	/* the revoke */
	assert_ok(l->ops->token_list(l->reader, token_note, names, &e));
	assert_string_equal(names, "anna- ");
	token_put(l, &other);	/* and nothing was left in its way */
}

static void
test_revoke(void **state)
{
	const struct store_who	 no_clock = { .actor = "cli:tester", .address = "", .reason = "", .at_us = 0 };
	struct ledger		*l = *state;
	struct store_token	 anna = token("anna", 3, 1), bert = token("bert", 1, 2), got;
	struct store_reader	*other;
	struct err		 e;
	int			 events;

	token_put(l, &anna);
	token_put(l, &bert);
	assert_ok(l->ops->reader_open(l->store, &other, &e));
	assert_ok(l->ops->token_find(other, anna.hash, &got, &e));
	assert_int_equal(got.revoked_at_us, 0);
	assert_ok(l->ops->token_revoke(l->store, "anna", &ledger_who, &e));
	assert_ok(l->ops->token_find(other, anna.hash, &got, &e));	/* at once */
	assert_int_equal(got.revoked_at_us, ledger_who.at_us);
	assert_newest_event(l, "token.revoke anna: ");
	events = events_count(l);
	assert_ok(l->ops->token_revoke(l->store, "anna", &ledger_who, &e));
	assert_int_equal(events_count(l), events);
	assert_int_equal(token_get(l, 2).revoked_at_us, 0);
	assert_int_equal(l->ops->token_revoke(l->store, "nobody", &ledger_who, &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.client_text, "nobody"));
	assert_int_equal(events_count(l), events);
	assert_ok(l->ops->token_revoke(l->store, "bert", &no_clock, &e));	/* whatever the clock says */
	assert_true(token_get(l, 2).revoked_at_us > 0);
	l->ops->reader_close(other);
}

static void
test_used(void **state)
{
	struct ledger		*l = *state;
	struct store_token	 anna = token("anna", 3, 1), bert = token("bert", 1, 2);
	struct store_token_use	 uses[4];
	struct err		 e;
	int			 events;

	token_put(l, &anna);
	token_put(l, &bert);
	events = events_count(l);
	uses[0] = (struct store_token_use){ token_get(l, 1).id, 500 };
	uses[1] = (struct store_token_use){ token_get(l, 2).id, 300 };
	uses[2] = (struct store_token_use){ token_get(l, 1).id, 400 };	/* older than the first */
	uses[3] = (struct store_token_use){ 77, 900 };			/* no such token */
	assert_ok(l->ops->token_used(l->store, uses, 4, &e));
	assert_int_equal(token_get(l, 1).last_used_at_us, 500);
	assert_int_equal(token_get(l, 2).last_used_at_us, 300);
	uses[0].at_us = 499;
	uses[1].at_us = 301;
	assert_ok(l->ops->token_used(l->store, uses, 2, &e));
	assert_int_equal(token_get(l, 1).last_used_at_us, 500);	/* never goes back */
	assert_int_equal(token_get(l, 2).last_used_at_us, 301);
	assert_ok(l->ops->token_used(l->store, uses, 2, &e));
	assert_ok(l->ops->token_used(l->store, NULL, 0, &e));
	assert_int_equal(events_count(l), events);	/* to use one is no change */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_create),
		BOTH(test_create_refused),
		BOTH(test_revoke),
		BOTH(test_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
