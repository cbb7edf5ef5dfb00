/* The queue: its pages and listings over every backend, the mark that it begins at, and what a page costs where much is settled. */
#include "registrations.h"

#include <sqlite3.h>

#include "db/sqlite/store_sqlite.h"

static void
assert_page(struct listing li, int n, ...)
{
	va_list	ap;
	int	i;

	assert_int_equal(li.n, n);
	va_start(ap, n);
	for (i = 0; i < n; i++)
		assert_int_equal(li.serials[i], va_arg(ap, int));
	va_end(ap);
}

static void
test_pages(void **state)
{
	struct ledger	*l = *state;
	struct listing	 li = { .stop_after = 2 };
	struct err	 e;
	int64_t		 batches[2], target = registration_target(l, "eu-west-1");

	fixture_fill(l, batches);
	assert_int_equal(queue_page(l, batches[0], 0, 100).n, 10);
	assert_page(queue_page(l, batches[0], 0, 3), 3, 1001, 1003, 1005);
	assert_page(queue_page(l, batches[0], 1005, 3), 3, 1007, 1009, 1011);
	assert_page(queue_page(l, batches[0], 1006, 1), 1, 1007);
	assert_page(queue_page(l, batches[0], 1017, 3), 1, 1019);
	assert_page(queue_page(l, batches[0], 1019, 3), 0);
	assert_page(queue_page(l, batches[1] + 7, 0, 3), 0);
	assert_int_equal(l->ops->queue_page(l->reader, batches[0], 0, 5, listing_note, &li, &e), ERR_IO);
	assert_int_equal(li.n, 2);

	/* what is settled is passed over, at the front, in the middle and at the end, in this batch alone */
	registration_settle(l, 1001, batches[0], target, CERTIFICATE_REGISTERED);
	registration_settle(l, 1003, batches[0], target, CERTIFICATE_PARKED);
	registration_settle(l, 1009, batches[0], target, CERTIFICATE_REGISTERED);
	registration_settle(l, 1019, batches[0], target, CERTIFICATE_REGISTERED);
	assert_page(queue_page(l, batches[0], 0, 100), 6, 1005, 1007, 1011, 1013, 1015, 1017);
	assert_page(queue_page(l, batches[0], 1005, 2), 2, 1007, 1011);
	assert_int_equal(queue_page(l, batches[1], 0, 100).n, 10);
	/* a registration that goes on does not take it off the queue */
	{
		struct store_registration r = registration_make(1005, target, REGISTRATION_GOING, 1);

		assert_ok(registration_put(l, &r, batches[0], -1));
	}
	assert_page(queue_page(l, batches[0], 0, 1), 1, 1005);
}

/* Serials that were overtaken come into the queue below the mark, and a settled row may go back. */
static void
test_late(void **state)
{
	struct ledger			*l = *state;
	struct store_certificate	 c;
	struct store_registration	 r;
	int64_t				 batches[2], target = registration_target(l, "eu-west-1");
	uint64_t			 i;

	fixture_fill(l, batches);
	for (i = 1001; i <= 1019; i += 2)
		registration_settle(l, i, batches[0], target, CERTIFICATE_REGISTERED);
	assert_page(queue_page(l, batches[0], 0, 100), 0);
	c = ledger_certificate(batches[0], l->ca_id, "dev-late", 77, 1010 + 3000);
	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	c = ledger_certificate(batches[0], l->ca_id, "dev-later", 78, 500);
	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	assert_page(queue_page(l, batches[0], 0, 100), 2, 500, 4010);
	assert_int_equal(count_state(l, batches[0], CERTIFICATE_ISSUED), 2);
	registration_settle(l, 4010, batches[0], target, CERTIFICATE_REGISTERED);
	assert_page(queue_page(l, batches[0], 0, 100), 1, 500);
	registration_settle(l, 500, batches[0], target, CERTIFICATE_REGISTERED);
	assert_page(queue_page(l, batches[0], 0, 100), 0);
	r = registration_make(1007, target, REGISTRATION_GOING, 1);
	assert_ok(registration_put(l, &r, batches[0], -1));
	assert_page(queue_page(l, batches[0], 0, 100), 1, 1007);
	assert_counts(l, "lot-1", 12, 11, 0);
}

/* Newest first, over batches with different parts settled; by pages the same as at once. */
static void
test_list_queued(void **state)
{
	struct ledger			*l = *state;
	struct store_certificate_filter	 f = { .batch_id = -1, .state = CERTIFICATE_ISSUED }, page;
	struct store_certificate	 after;
	struct listing			 all, li;
	struct err			 e;
	int64_t				 batches[2], target = registration_target(l, "eu-west-1");
	int				 i, seen = 0;

	fixture_fill(l, batches);
	registration_settle(l, 1020, batches[1], target, CERTIFICATE_REGISTERED);
	registration_settle(l, 1018, batches[1], target, CERTIFICATE_PARKED);
	registration_settle(l, 1001, batches[0], target, CERTIFICATE_REGISTERED);
	registration_settle(l, 1011, batches[0], target, CERTIFICATE_REGISTERED);
	all = fixture_list(l, &f);
	assert_int_equal(all.n, 16);
	assert_int_equal(all.serials[0], 1019);
	assert_int_equal(all.serials[1], 1017);
	assert_int_equal(all.serials[2], 1016);
	assert_int_equal(all.serials[15], 1002);
	for (page = f, page.limit = 3; seen < all.n; seen += li.n) {
		li = fixture_list(l, &page);
		assert_true(li.n > 0 && li.n <= 3);
		for (i = 0; i < li.n; i++)
			assert_int_equal(li.serials[i], all.serials[seen + i]);
		after = ledger_certificate(0, 0, "", 0, li.serials[li.n - 1]);
		page.after = after.serial;
	}
	assert_int_equal(fixture_list(l, &page).n, 0);
	f.since_us = 1700000000000000 + 1015;
	assert_int_equal(fixture_list(l, &f).n, 4);	/* 1019, 1017, 1016, 1015 */
	f.batch_id = batches[1];
	assert_int_equal(fixture_list(l, &f).n, 1);
	f.batch_id = 77;
	assert_int_equal(fixture_list(l, &f).n, 0);
	f = (struct store_certificate_filter){ .batch_id = -1, .state = CERTIFICATE_ISSUED, .device_id = "dev-1" };
	assert_int_equal(fixture_list(l, &f).n, 1);
	f.device_id = NULL;
	li = (struct listing){ .stop_after = 3 };
	assert_int_equal(l->ops->certificate_list(l->reader, &f, listing_note, &li, &e), ERR_IO);
	assert_int_equal(fixture_list(l, &f).n, 16);	/* and the reader is fit for the next, not in an old moment */
	registration_settle(l, 1002, batches[1], target, CERTIFICATE_REGISTERED);
	assert_int_equal(fixture_list(l, &f).n, 15);
}

/* ---- SQLite alone: what it costs ----------------------------------------------------------------------- */

enum { ROWS = 100000, GROUP = 1000, PAGE = 100 };

static void
fill(struct ledger *l, int64_t batch)
{
	static struct store_certificate	c[GROUP];
	static struct store_record_row	rows[GROUP];
	static const uint8_t		der[20] = { 0x30 };
	struct err			e;
	char				name[24];
	int				done, i;

	for (done = 0; done < ROWS; done += GROUP) {
		for (i = 0; i < GROUP; i++) {
			(void)snprintf(name, sizeof(name), "dev-%08d", done + i);
			c[i] = ledger_certificate(batch, l->ca_id, name, (unsigned)(done + i + 1), 1 + (uint64_t)(done + i));
			memcpy(c[i].key_id + 4, &i, sizeof(i));
			c[i].der = der;
			c[i].der_len = sizeof(der);
			rows[i].certificate = &c[i];
		}
		assert_ok(l->ops->record(l->store, rows, GROUP, &e));
		for (i = 0; i < GROUP; i++) {
			assert_int_equal(rows[i].result, ERR_OK);
			recorded_free(rows[i].recorded);
		}
	}
}

/* Serials first..last are what AWS has taken, or what it has not. */
static void
settle_as(struct ledger *l, enum certificate_state state, int64_t batch, int64_t target, uint64_t first, uint64_t last)
{
	const enum registration_state		registration = state == CERTIFICATE_REGISTERED ? REGISTRATION_DONE : REGISTRATION_PARKED;
	static struct store_registration	r[GROUP];
	static struct store_registration_row	rows[GROUP];
	struct err				e;
	size_t					n;

	while (first <= last) {
		for (n = 0; n < GROUP && first <= last; n++, first++) {
			r[n] = registration_make(first, target, registration, 1);
			rows[n] = (struct store_registration_row){ .registration = &r[n], .batch_id = batch, .settled = (int)state };
		}
		assert_ok(l->ops->registration_record(l->store, rows, n, NULL, &e));
	}
}

static void
settle(struct ledger *l, int64_t batch, int64_t target, uint64_t first, uint64_t last)
{
	settle_as(l, CERTIFICATE_REGISTERED, batch, target, first, last);
}

struct page {
	int	n;
	int64_t	last;
};

static enum err_code
note_page(void *arg, const struct store_certificate *c, struct err *e)
{
	struct page	*p = arg;

	(void)e;
	p->n++;
	assert_true(store_serial_key(c->serial) > p->last);
	p->last = store_serial_key(c->serial);
	return ERR_OK;
}

/* Steps of SQLite's machine since the last time it was asked. */
static int
steps(struct store_reader *r, enum statement s)
{
	return sqlite3_stmt_status(r->connection.statements[s], SQLITE_STMTSTATUS_VM_STEP, 1);
}

/* Pages through all that is queued; no page costs more than its rows do. */
static int
walk(struct ledger *l, int64_t batch)
{
	struct page	p = { 0 };
	struct err	e;
	int		total = 0;

	(void)steps(l->reader, STATEMENT_QUEUE_PAGE);
	do {
		p.n = 0;
		assert_ok(l->ops->queue_page(l->reader, batch, p.last, PAGE, note_page, &p, &e));
		assert_true(steps(l->reader, STATEMENT_QUEUE_PAGE) < 100 + 60 * PAGE);
		total += p.n;
	} while (p.n > 0);
	return total;
}

static void
assert_plan(struct ledger *l, enum statement s)
{
	sqlite3_stmt	*st = NULL;
	const char	*detail;
	char		*text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sqlite3_sql(l->reader->connection.statements[s]));

	assert_non_null(text);
	assert_int_equal(sqlite3_prepare_v2(l->reader->connection.db, text, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		detail = (const char *)sqlite3_column_text(st, 3);
		if (strstr(detail, "SCAN") != NULL || strstr(detail, "TEMP B-TREE") != NULL)
			fail_msg("%s: %s", text, detail);
	}
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	sqlite3_free(text);
}

static int64_t
mark(struct ledger *l, int64_t batch)
{
	sqlite3_stmt	*st = NULL;
	int64_t		 n;

	assert_int_equal(sqlite3_prepare_v2(l->reader->connection.db, "SELECT queue_after FROM batch WHERE id = ?1", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_bind_int64(st, 1, batch), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	return n;
}

static enum err_code
count_page(void *arg, const struct store_certificate *c, struct err *e)
{
	(void)c;
	(void)e;
	++*(int *)arg;
	return ERR_OK;
}

/* Follows a state's pages to the end; none costs more than its looks. */
static int
walk_state(struct ledger *l, enum certificate_state state, enum statement s, int *ret_pages)
{
	enum { LOOKS = 3000 };
	struct store_certificate_filter	f = { .batch_id = -1, .state = (int)state, .limit = PAGE };
	struct store_page_end		end;
	struct err			e;
	uint8_t				after[STORE_SERIAL_BYTES];
	int				n = 0;

	(void)steps(l->reader, s);
	(void)steps(l->reader, STATEMENT_LIST_UP);
	*ret_pages = 0;
	do {
		assert_ok(l->ops->certificate_page(l->reader, &f, LOOKS, count_page, &n, &end, &e));
		assert_true(steps(l->reader, s) < 1000 + 20 * LOOKS);
		assert_true(steps(l->reader, STATEMENT_LIST_UP) < 1000 + 20 * LOOKS);
		++*ret_pages;
		memcpy(after, end.next, sizeof(after));
		f.after = after;
	} while (end.more);
	return n;
}

static void
test_cost(void **state)
{
	struct ledger			*l = *state;
	struct store_certificate_filter	 f = { .batch_id = -1, .state = CERTIFICATE_ISSUED, .limit = PAGE };
	struct store_registration	 r;
	struct page			 p = { 0 };
	struct err			 e;
	int64_t				 batch = ledger_batch(l, "lot-1", ROWS), target = registration_target(l, "eu-west-1");
	int				 pages;

	assert_plan(l, STATEMENT_QUEUE_PAGE);
	assert_plan(l, STATEMENT_LIST_QUEUED);
	assert_plan(l, STATEMENT_LIST_REGISTERED);
	assert_plan(l, STATEMENT_LIST_UP);
	fill(l, batch);
	assert_int_equal(walk(l, batch), ROWS);
	/* nothing is registered yet: said without a look at the rows */
	f.state = CERTIFICATE_REGISTERED;
	assert_ok(l->ops->certificate_list(l->reader, &f, note_page, &p, &e));
	assert_int_equal(p.n, 0);
	assert_int_equal(steps(l->reader, STATEMENT_LIST_REGISTERED), 0);
	/* the three oldest: found from there */
	settle(l, batch, target, 1, 3);
	assert_int_equal(walk_state(l, CERTIFICATE_REGISTERED, STATEMENT_LIST_REGISTERED, &pages), 3);
	assert_int_equal(pages, 1);
	f.state = CERTIFICATE_ISSUED;
	settle(l, batch, target, 4, ROWS / 2);
	assert_int_equal(walk_state(l, CERTIFICATE_REGISTERED, STATEMENT_LIST_REGISTERED, &pages), ROWS / 2);
	assert_true(pages > ROWS / 2 / 3000 + ROWS / 2 / PAGE);
	assert_int_equal(mark(l, batch), ROWS / 2);
	assert_int_equal(walk(l, batch), ROWS / 2);
	settle(l, batch, target, ROWS / 2 + 1, ROWS - 10);
	assert_int_equal(walk(l, batch), 10);
	(void)steps(l->reader, STATEMENT_LIST_QUEUED);
	p.last = -1;
	f.limit = 1;
	assert_ok(l->ops->certificate_list(l->reader, &f, note_page, &p, &e));
	assert_int_equal(p.last, ROWS);
	assert_true(steps(l->reader, STATEMENT_LIST_QUEUED) < 100);
	settle(l, batch, target, ROWS - 9, ROWS);
	assert_int_equal(walk(l, batch), 0);
	assert_int_equal(mark(l, batch), ROWS);
	/* an old row goes back: the mark goes down with it, and comes up again in pieces once it is settled */
	r = registration_make(7, target, REGISTRATION_GOING, 1);
	assert_ok(registration_put(l, &r, batch, -1));
	assert_int_equal(mark(l, batch), 6);
	assert_int_equal(walk_state(l, CERTIFICATE_ISSUED, STATEMENT_LIST_QUEUED, &pages), 1);
	assert_int_equal(pages, 1);
	settle(l, batch, target, 7, 7);
	assert_true(mark(l, batch) > 1000 && mark(l, batch) < ROWS);
	assert_int_equal(walk(l, batch), 0);
}

static int
write_steps(struct ledger *l)
{
	return sqlite3_stmt_status(l->store->writer.statements[STATEMENT_PARKED_CHUNK], SQLITE_STMTSTATUS_VM_STEP, 1);
}

static int
begins(struct ledger *l)
{
	return sqlite3_stmt_status(l->store->writer.statements[STATEMENT_BEGIN], SQLITE_STMTSTATUS_RUN, 1);
}

/* A batch's few parked ones behind many of another batch: found in short transactions, and none is looked for where there are none. */
static void
test_retry_cost(void **state)
{
	enum { PARKED = 22000 };
	struct ledger			*l = *state;
	struct store_certificate	 c;
	struct err			 e;
	int64_t				 big = ledger_batch(l, "lot-1", ROWS), few = ledger_batch(l, "lot-2", 10), none = ledger_batch(l, "lot-3", 10);
	int64_t				 target = registration_target(l, "eu-west-1"), count;

	fill(l, big);
	c = ledger_certificate(few, l->ca_id, "dev-few", 200001, 300000);
	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	settle_as(l, CERTIFICATE_PARKED, big, target, 1, PARKED);
	settle_as(l, CERTIFICATE_PARKED, few, target, 300000, 300000);
	(void)write_steps(l);
	(void)begins(l);
	assert_ok(l->ops->upload_retry(l->store, none, &ledger_who, &count, &e));
	assert_int_equal(count, 0);
	assert_int_equal(write_steps(l), 0);
	assert_int_equal(begins(l), 1);
	assert_ok(l->ops->upload_retry(l->store, few, &ledger_who, &count, &e));
	assert_int_equal(count, 1);
	assert_int_equal(begins(l), PARKED / 5000 + 1);
	assert_counts(l, "lot-1", ROWS, 0, PARKED);
	assert_counts(l, "lot-2", 1, 0, 0);
	(void)write_steps(l);
	assert_ok(l->ops->upload_retry(l->store, few, &ledger_who, &count, &e));
	assert_int_equal(write_steps(l), 0);
	assert_ok(l->ops->upload_retry(l->store, -1, &ledger_who, &count, &e));
	assert_int_equal(count, PARKED);
	assert_counts(l, "lot-1", ROWS, 0, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_pages),
		BOTH(test_late),
		BOTH(test_list_queued),
		cmocka_unit_test_setup_teardown(test_cost, fixture_setup_sqlite, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_retry_cost, fixture_setup_sqlite, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
