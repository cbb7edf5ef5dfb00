/*
 * Two stores on one ledger in one process, each with its thread, as in the running server: the line records, the clerk makes people's
 * changes.  Neither fails for the other, and both end as if they had gone one after the other.
 */
#include <pthread.h>

#include "events.h"
#include "store_fixture.h"

enum { GROUP = 8, GROUPS = 60, ROWS = GROUP * GROUPS, CHANGES = 60 };

struct line {
	struct ledger	*l;
	int64_t		 batch;
	int		 issued;
	enum err_code	 failed;
};

/* Each group comes again until all of it is issued: the batch is closed and full now and then. */
static void *
line_run(void *arg)
{
	struct line			*line = arg;
	struct store_certificate	 c[GROUP];
	struct store_record_row		 rows[GROUP];
	struct err			 e;
	char				 name[16];
	unsigned			 first, i, missing;

	for (first = 1; first <= ROWS && line->failed == ERR_OK; first += missing == 0 ? GROUP : 0) {
		memset(rows, 0, sizeof(rows));
		for (i = 0; i < GROUP; i++) {
			(void)snprintf(name, sizeof(name), "dev-%u", first + i);
			c[i] = ledger_certificate(line->batch, line->l->ca_id, name, first + i, 1000 + first + i);
			rows[i].certificate = &c[i];
		}
		line->failed = line->l->ops->record(line->l->store, rows, GROUP, &e);
		for (i = missing = 0; i < GROUP; i++) {
			line->issued += rows[i].is_new;
			missing += rows[i].result != ERR_OK;
			if (rows[i].result != ERR_OK && rows[i].result != ERR_BATCH_CLOSED && rows[i].result != ERR_BATCH_FULL)
				line->failed = rows[i].result;
			recorded_free(rows[i].recorded);
		}
	}
	return NULL;
}

static void
test_line_and_clerk(void **state)
{
	struct ledger		*l = *state;
	struct ledger		 clerk = *l;
	struct store_token	 t = { .role = 1, .batch_id = -1 };
	struct line		 line = { .l = l, .batch = ledger_batch(l, "lot-1", 1) };
	struct store_batch	 b;
	struct err		 e;
	pthread_t		 thread;
	int			 i;

	assert_ok(clerk.ops->open(&clerk.cf, &clerk.store, &e));
	assert_ok(clerk.ops->reader_open(clerk.store, &clerk.reader, &e));
	assert_int_equal(pthread_create(&thread, NULL, line_run, &line), 0);
	for (i = 1; i <= CHANGES; i++) {
		(void)snprintf(t.name, sizeof(t.name), "token-%d", i);
		t.hash[0] = (uint8_t)i;
		assert_ok(clerk.ops->batch_set_state(clerk.store, "lot-1", BATCH_CLOSED, &ledger_who, &e));
		assert_ok(clerk.ops->token_create(clerk.store, &t, &ledger_who, &e));
		assert_ok(clerk.ops->batch_set_quantity(clerk.store, "lot-1", 1 + i * ROWS / CHANGES, &ledger_who, &e));
		assert_ok(clerk.ops->batch_set_state(clerk.store, "lot-1", BATCH_OPEN, &ledger_who, &e));
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(line.failed, ERR_OK);
	assert_int_equal(line.issued, ROWS);
	assert_ok(l->ops->batch_find(l->reader, "lot-1", &b, &e));
	assert_int_equal(b.issued, ROWS);
	assert_int_equal(b.quantity, ROWS + 1);
	assert_newest_event(l, "batch.open lot-1: closed -> open");
	assert_int_equal(events_list(l, 0, 1).event[0].id, 1 + 4 * CHANGES);
	ledger_close(&clerk);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_line_and_clerk, fixture_setup_sqlite, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
