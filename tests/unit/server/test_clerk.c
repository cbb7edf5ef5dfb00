/* The clerk over a ledger on disk: what was pushed is run, in order; what was noted is written down. */
#include "cmocka_test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "clerk.h"
#include "db/ledger.h"

enum { JOBS = 1000, THREADS = 4, PATIENCE_S = 20 };

static struct ledger *ledger;
static struct clerk *office;

static int
setup(void **state)
{
	struct err e;

	(void)state;
	ledger = ledger_new(&store_sqlite);
	assert_int_equal(clerk_start(ledger->ops, ledger->path, &office, &e), ERR_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	clerk_stop(office);
	office = NULL;
	ledger_free(ledger);
	return 0;
}

static void
stop(void)
{
	clerk_stop(office);
	office = NULL;
}

/* ---- jobs */

struct task {
	struct clerk_job	 job;		/* first: run is given it */
	int			 from, number;
	int			 more;		/* how many it pushes, one after the other */
};

/* What ran, as the clerk's thread saw it; read when the clerk has ended. */
static struct { int from, number; } done[THREADS * JOBS];
static int done_count, strange;
static pthread_t thread;

static void
run(struct clerk_job *job, const struct clerk_desk *desk)
{
	struct task *t = (struct task *)(void *)job;

	if (done_count == 0)
		thread = pthread_self();
	strange += !pthread_equal(thread, pthread_self()) || desk->ops != ledger->ops || desk->store == NULL || desk->reader == NULL;
	done[done_count].from = t->from;
	done[done_count++].number = t->number;
	if (t->more-- > 0) {
		t->number++;
		clerk_push(office, job);
		return;
	}
	free(t);	/* a job is its pusher's again when it has handed itself on: the clerk does not look at it any more */
}

static struct task *
task_new(int from, int number)
{
	struct task *t = calloc(1, sizeof(*t));

	if (t != NULL)
		*t = (struct task){ .job = { .run = run }, .from = from, .number = number };
	return t;
}

static void
push(int number, int more)
{
	struct task *t = task_new(0, number);

	assert_non_null(t);
	t->more = more;
	clerk_push(office, &t->job);
}

static int
setup_jobs(void **state)
{
	done_count = strange = 0;
	return setup(state);
}

static void
test_order(void **state)
{
	(void)state;
	for (int i = 0; i < JOBS; i++)
		push(i, 0);
	stop();
	assert_int_equal(done_count, JOBS);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(done[i].number, i);
	assert_int_equal(strange, 0);
	assert_false(pthread_equal(thread, pthread_self()));
}

/* One that comes when there is nothing to do is run then, not with the next look at the notes. */
static void
test_at_once(void **state)
{
	int64_t begin_us = clock_monotonic_us();

	(void)state;
	push(1, 0);
	(void)poll(NULL, 0, 50);
	push(2, 0);
	stop();
	assert_int_equal(done_count, 2);
	assert_true(clock_monotonic_us() - begin_us < 3000000);
}

static void *
pusher_main(void *arg)
{
	for (int i = 0; i < JOBS; i++) {
		struct task *t = task_new((int)(intptr_t)arg, i);

		if (t == NULL)
			return arg;
		clerk_push(office, &t->job);
		clerk_note_use(office, 1, i + 1);
	}
	return NULL;
}

/* From all sides: none lost, none twice, and of each side in its order. */
static void
test_threads(void **state)
{
	int next[THREADS] = { 0 };
	pthread_t threads[THREADS];
	void *failed;

	(void)state;
	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pusher_main, (void *)i), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	stop();
	assert_int_equal(done_count, THREADS * JOBS);
	for (int i = 0; i < done_count; i++)
		assert_int_equal(done[i].number, next[done[i].from]++);
	assert_int_equal(strange, 0);
}

static void
run_slow(struct clerk_job *job, const struct clerk_desk *desk)
{
	(void)poll(NULL, 0, 200);
	run(job, desk);
}

/* What a job pushes while the clerk is being stopped is run as well: the end comes when nothing is left. */
static void
test_push_while_stopping(void **state)
{
	struct task *t = task_new(0, 0);

	(void)state;
	assert_non_null(t);
	t->job.run = run_slow;
	t->more = 4;
	clerk_push(office, &t->job);
	push(100, 3);
	stop();		/* long before the first of them is done */
	assert_int_equal(done_count, 9);
	for (int i = 0, slow = 0, quick = 100; i < 9; i++)
		assert_int_equal(done[i].number, done[i].number < 100 ? slow++ : quick++);
}

static void
run_change(struct clerk_job *job, const struct clerk_desk *desk)
{
	struct store_batch b = { .name = "lot-7", .ca_id = 1, .profile = "default", .quantity = 7, .created_at_us = 1 }, found = { 0 };
	struct err e;

	strange += desk->ops->batch_create(desk->store, &b, NULL, NULL, &ledger_who, &e) != ERR_OK;
	/* its own reader sees its own change */
	strange += desk->ops->batch_find(desk->reader, "lot-7", &found, &e) != ERR_OK || found.quantity != 7;
	run(job, desk);
}

/* The desk is a real one: what is changed on it is in the ledger, beside the other store that is open on it. */
static void
test_change(void **state)
{
	struct task *t = task_new(0, 0);
	struct store_batch found;
	struct err e;

	(void)state;
	assert_non_null(t);
	(void)ledger_batch(ledger, "lot-6", 6);
	t->job.run = run_change;
	clerk_push(office, &t->job);
	stop();
	assert_int_equal(strange, 0);
	assert_int_equal(ledger->ops->batch_find(ledger->reader, "lot-7", &found, &e), ERR_OK);
	assert_int_equal(found.quantity, 7);
}

/* ---- notes of use */

static int64_t
token_new(unsigned number)
{
	struct store_token t = { .role = 2, .batch_id = -1, .created_at_us = 1 }, found;
	struct err e;

	(void)snprintf(t.name, sizeof(t.name), "token-%u", number);
	t.hash[0] = (uint8_t)(number >> 8);
	t.hash[1] = (uint8_t)number;
	assert_int_equal(ledger->ops->token_create(ledger->store, &t, &ledger_who, &e), ERR_OK);
	assert_int_equal(ledger->ops->token_find(ledger->reader, t.hash, &found, &e), ERR_OK);
	return found.id;
}

static int64_t
last_used(int64_t id)
{
	struct store_token t;
	struct err e;

	assert_int_equal(ledger->ops->token_find_id(ledger->reader, id, &t, &e), ERR_OK);
	return t.last_used_at_us;
}

static void
test_note_at_stop(void **state)
{
	int64_t anna = token_new(1), bert = token_new(2), nobody = token_new(3);

	(void)state;
	clerk_note_use(office, anna, 500);
	clerk_note_use(office, bert, 400);
	clerk_note_use(office, anna, 600);
	clerk_note_use(office, 4711, 700);	/* a token that there is not */
	stop();
	assert_int_equal(last_used(anna), 600);
	assert_int_equal(last_used(bert), 400);
	assert_int_equal(last_used(nobody), 0);
}

/* While it runs, within some seconds, and not at every use. */
static void
test_note_in_time(void **state)
{
	int64_t anna = token_new(1), begin_us = clock_monotonic_us();

	(void)state;
	clerk_note_use(office, anna, 500);
	while (last_used(anna) == 0 && clock_monotonic_us() - begin_us < (int64_t)PATIENCE_S * 1000000) {
		(void)poll(NULL, 0, 100);
		push(0, 0);	/* jobs in between put nothing off */
	}
	assert_int_equal(last_used(anna), 500);
	assert_true(clock_monotonic_us() - begin_us > 1000000);
	/* and once more */
	clerk_note_use(office, anna, 501);
	stop();
	assert_int_equal(last_used(anna), 501);
}

static void
run_note(struct clerk_job *job, const struct clerk_desk *desk)
{
	clerk_note_use(office, ((struct task *)(void *)job)->from, 800);
	run(job, desk);
}

/* Also what was noted last, while the clerk was being stopped. */
static void
test_note_while_stopping(void **state)
{
	struct task *slow = task_new(0, 0), *noting = task_new((int)token_new(1), 1);
	int64_t id = noting->from;

	(void)state;
	assert_non_null(slow);
	assert_non_null(noting);
	slow->job.run = run_slow;
	noting->job.run = run_note;
	clerk_push(office, &slow->job);
	clerk_push(office, &noting->job);
	stop();
	assert_int_equal(last_used(id), 800);
}

/* As many tokens as there is room for, each used often. */
static void
test_note_many(void **state)
{
	enum { TOKENS = 256, USES = 20 };
	int64_t ids[TOKENS];

	(void)state;
	for (unsigned i = 0; i < TOKENS; i++)
		ids[i] = token_new(i);
	for (int use = 1; use <= USES; use++)
		for (int i = 0; i < TOKENS; i++)
			clerk_note_use(office, ids[i], 1000 * use + i);
	stop();
	for (int i = 0; i < TOKENS; i++)
		assert_int_equal(last_used(ids[i]), 1000 * USES + i);
}

/*
 * Last means last: two workers may note their uses in the other order, and the clock may step back.  Whether the clerk or the ledger
 * compares is theirs.
 */
static void
test_note_never_back(void **state)
{
	int64_t anna = token_new(1), bert = token_new(2);
	struct err e;

	(void)state;
	clerk_note_use(office, anna, 500);
	stop();
	assert_int_equal(clerk_start(ledger->ops, ledger->path, &office, &e), ERR_OK);
	clerk_note_use(office, anna, 499);
	clerk_note_use(office, bert, 500);
	clerk_note_use(office, bert, 400);
	stop();
	assert_int_equal(last_used(anna), 500);
	assert_int_equal(last_used(bert), 500);
}

/* ---- starting */

static void
test_no_ledger(void **state)
{
	char path[128];
	struct clerk *c = NULL;
	struct err e;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/none.db", ledger->dir);
	err_clear(&e);
	assert_int_not_equal(clerk_start(ledger->ops, path, &c, &e), ERR_OK);
	assert_null(c);
	assert_true(e.log_text[0] != '\0');
	clerk_stop(NULL);
}

static enum err_code
no_reader(struct store *s, struct store_reader **ret, struct err *e)
{
	(void)s;
	(void)ret;
	return err_set(e, ERR_STORAGE, "told to fail");
}

/* What was opened before it failed is closed again. */
static void
test_half_started(void **state)
{
	struct store_ops ops = store_sqlite;
	struct clerk *c = NULL;
	struct err e;

	(void)state;
	ops.reader_open = no_reader;
	assert_int_equal(clerk_start(&ops, ledger->path, &c, &e), ERR_STORAGE);
	assert_string_equal(e.log_text, "told to fail");
	assert_null(c);
}

#define CLERK(test)	cmocka_unit_test_setup_teardown(test, setup_jobs, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CLERK(test_order), CLERK(test_at_once), CLERK(test_threads), CLERK(test_push_while_stopping), CLERK(test_change),
		CLERK(test_note_at_stop), CLERK(test_note_in_time), CLERK(test_note_while_stopping), CLERK(test_note_many),
		CLERK(test_note_never_back), CLERK(test_no_ledger), CLERK(test_half_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
