/* What changes write down of themselves, as db/store.h has it, over every backend. */
#include "events.h"
#include "store_fixture.h"

static struct store_batch
batch(struct ledger *l, const char *name)
{
	struct store_batch	b = { .ca_id = l->ca_id, .quantity = 7, .created_at_us = 1 };

	(void)snprintf(b.name, sizeof(b.name), "%s", name);
	return b;
}

static enum err_code
one_device(void *arg, const char **ret, struct err *e)
{
	int	*left = arg;

	if (*left < 0)
		return err_set(e, ERR_USAGE, "a bad line");
	*ret = (*left)-- > 0 ? "dev-1" : NULL;
	return ERR_OK;
}

/* Each change has its event, in order; what changes nothing has none. */
static void
test_changes(void **state)
{
	struct ledger		*l = *state;
	struct store_batch	 b = batch(l, "lot-1");
	struct err		 e;
	int64_t			 count;
	int			 left = 1;

	assert_int_equal(events_count(l), 0);
	assert_ok(l->ops->batch_create(l->store, &b, NULL, NULL, &ledger_who, &e));
	assert_newest_event(l, "batch.create lot-1: quantity 7, open");
	assert_int_equal(l->ops->batch_create(l->store, &b, NULL, NULL, &ledger_who, &e), ERR_CONFLICT);
	assert_ok(l->ops->batch_set_state(l->store, "lot-1", BATCH_OPEN, &ledger_who, &e));
	assert_int_equal(l->ops->batch_set_state(l->store, "lot-9", BATCH_OPEN, &ledger_who, &e), ERR_BATCH_NOT_FOUND);
	assert_int_equal(events_count(l), 1);
	assert_ok(l->ops->batch_set_state(l->store, "lot-1", BATCH_CLOSED, &ledger_who, &e));
	assert_newest_event(l, "batch.close lot-1: open -> closed");
	assert_ok(l->ops->batch_set_state(l->store, "lot-1", BATCH_OPEN, &ledger_who, &e));
	assert_newest_event(l, "batch.open lot-1: closed -> open");
	assert_ok(l->ops->batch_set_quantity(l->store, "lot-1", 9, &ledger_who, &e));
	assert_newest_event(l, "batch.quantity lot-1: quantity 7 -> 9");
	assert_ok(l->ops->batch_set_quantity(l->store, "lot-1", 9, &ledger_who, &e));
	assert_int_equal(l->ops->batch_set_quantity(l->store, "lot-1", 8, &ledger_who, &e), ERR_CONFLICT);
	assert_int_equal(events_count(l), 4);

	b = batch(l, "lot-2");
	b.listed = true;
	b.state = BATCH_WAITING;
	assert_ok(l->ops->batch_create(l->store, &b, one_device, &left, &ledger_who, &e));
	assert_newest_event(l, "batch.create lot-2: quantity 7, waiting, only the devices listed");
	b = batch(l, "lot-3");
	b.listed = true;
	left = -1;
	assert_int_equal(l->ops->batch_create(l->store, &b, one_device, &left, &ledger_who, &e), ERR_USAGE);
	assert_int_equal(events_count(l), 5);	/* the batch is not there, nor is its event */
	assert_ok(l->ops->batch_set_state(l->store, "lot-2", BATCH_OPEN, &ledger_who, &e));
	assert_newest_event(l, "batch.open lot-2: waiting -> open");

	assert_ok(l->ops->upload_retry(l->store, -1, &ledger_who, &count, &e));
	assert_newest_event(l, "upload.retry : 0 parked");
	assert_ok(l->ops->upload_retry(l->store, 2, &ledger_who, &count, &e));
	assert_newest_event(l, "upload.retry lot-2: 0 parked");
	assert_int_equal(l->ops->upload_retry(l->store, 99, &ledger_who, &count, &e), ERR_INTERNAL);
	assert_int_equal(events_count(l), 8);
	assert_ok(l->ops->backup_record(l->store, "3 certificates: /mnt/a", &ledger_who, &e));
	assert_newest_event(l, "ledger.backup the ledger: 3 certificates: /mnt/a");
	assert_int_equal(events_list(l, 0, 0).n, 9);
}

/* What devices are given is no event: the certificates say it. */
static void
test_enrolment_is_none(void **state)
{
	struct ledger	*l = *state;
	int64_t		 batches[2];

	fixture_fill(l, batches);
	assert_int_equal(events_count(l), 2);
}

static void
test_paging(void **state)
{
	struct ledger	*l = *state;
	struct events	 all, evs = { .stop_after = 2 };
	struct err	 e;
	char		 name[16];
	int		 i;

	for (i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "lot-%d", i);
		(void)ledger_batch(l, name, 1);
	}
	all = events_list(l, 0, 0);
	assert_int_equal(all.n, 5);
	assert_string_equal(all.event[0].object, "lot-4");
	assert_string_equal(all.event[4].object, "lot-0");
	assert_int_equal(events_list(l, 0, 2).n, 2);
	assert_int_equal(events_list(l, 0, 2).event[1].id, all.event[1].id);
	assert_int_equal(events_list(l, all.event[1].id, 2).n, 2);
	assert_int_equal(events_list(l, all.event[1].id, 2).event[0].id, all.event[2].id);
	assert_int_equal(events_list(l, all.event[3].id, 2).n, 1);
	assert_int_equal(events_list(l, all.event[4].id, 2).n, 0);
	assert_int_equal(l->ops->event_list(l->reader, 0, 0, NULL, events_note, &evs, &e), ERR_IO);
	assert_int_equal(evs.n, 2);
}

/* All that was said of who, as one line of UTF-8. */
static void
test_texts(void **state)
{
	struct ledger		*l = *state;
	char			 long_reason[STORE_NOTE_BYTES + 20], actor[STORE_ACTOR_BYTES + 2];
	struct store_who	 who = { .actor = "token:anna", .address = "10.1.2.3", .reason = "line 4 \xc3\xa4ndert", .at_us = 42 };
	struct store_event	 ev;
	struct err		 e;

	(void)ledger_batch(l, "lot-1", 1);
	assert_ok(l->ops->batch_set_quantity(l->store, "lot-1", 2, &who, &e));
	ev = events_list(l, 0, 1).event[0];
	assert_string_equal(ev.actor, "token:anna");
	assert_string_equal(ev.address, "10.1.2.3");
	assert_string_equal(ev.reason, "line 4 \xc3\xa4ndert");
	assert_int_equal(ev.at_us, 42);
	/* cut between two characters */
	memset(long_reason, 'x', sizeof(long_reason));
	memcpy(long_reason + STORE_NOTE_BYTES - 1, "\xe2\x82\xac", 4);
	who.reason = long_reason;
	assert_ok(l->ops->batch_set_quantity(l->store, "lot-1", 3, &who, &e));
	ev = events_list(l, 0, 1).event[0];
	assert_int_equal(strlen(ev.reason), STORE_NOTE_BYTES - 1);
	assert_int_equal(ev.reason[STORE_NOTE_BYTES - 2], 'x');
	/* what upsets a terminal, and what is no UTF-8: an escape, Latin-1, too long a form, a half pair, a C1 control, an end missing */
	who.reason = "a\x1b[2Jb\n\x7f \xe4 \xc0\x80 \xed\xa0\x80 \xc2\x9b \xf0\x9f\x98\x80 \xe2\x82";
	assert_ok(l->ops->batch_set_quantity(l->store, "lot-1", 4, &who, &e));
	ev = events_list(l, 0, 1).event[0];
	assert_string_equal(ev.reason, "a?[2Jb?? ? ?? ??? ?? \xf0\x9f\x98\x80 ??");
	/* an actor is never cut: he would be somebody else */
	memset(actor, 'a', sizeof(actor));
	actor[STORE_ACTOR_BYTES + 1] = '\0';
	who.actor = actor;
	assert_int_equal(l->ops->batch_set_quantity(l->store, "lot-1", 5, &who, &e), ERR_INTERNAL);
	assert_int_equal(l->ops->batch_set_state(l->store, "lot-1", BATCH_CLOSED, &who, &e), ERR_INTERNAL);
	actor[STORE_ACTOR_BYTES] = '\0';
	assert_ok(l->ops->batch_set_quantity(l->store, "lot-1", 5, &who, &e));
	ev = events_list(l, 0, 1).event[0];
	assert_string_equal(ev.actor, actor);
	assert_string_equal(ev.detail, "quantity 4 -> 5");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_changes),
		BOTH(test_enrolment_is_none),
		BOTH(test_paging),
		BOTH(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
