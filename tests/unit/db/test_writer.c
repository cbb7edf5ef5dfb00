/* The group commit of db/writer.h, over the memory store or one that a test steers. */
#include "ledger.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/writer.h"

/* ---- a store in between: notes the groups, can be held up and made to fail --------------------------- */

static struct {
	pthread_mutex_t	 mu;
	pthread_cond_t	 moved;
	bool		 hold;		/* record waits while this is set */
	int		 entered;	/* calls of record so far */
	enum err_code	 fail;		/* ERR_OK: passes on to the memory store */
	size_t		 sizes[4096];	/* of the groups */
} gate = { .mu = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static enum err_code
gate_record(struct store *s, struct store_record_row *rows, size_t n, struct err *e)
{
	enum err_code	fail;

	(void)pthread_mutex_lock(&gate.mu);
	gate.sizes[gate.entered++] = n;
	(void)pthread_cond_broadcast(&gate.moved);
	while (gate.hold)
		(void)pthread_cond_wait(&gate.moved, &gate.mu);
	fail = gate.fail;
	(void)pthread_mutex_unlock(&gate.mu);
	if (fail != ERR_OK)
		return err_set(e, fail, "the gate is shut");
	return store_memory.record(s, rows, n, e);
}

static void
gate_set(bool hold)
{
	(void)pthread_mutex_lock(&gate.mu);
	gate.hold = hold;
	(void)pthread_cond_broadcast(&gate.moved);
	(void)pthread_mutex_unlock(&gate.mu);
}

static void
gate_wait_entered(int n)
{
	(void)pthread_mutex_lock(&gate.mu);
	while (gate.entered < n)
		(void)pthread_cond_wait(&gate.moved, &gate.mu);
	(void)pthread_mutex_unlock(&gate.mu);
}

/* ---- requests ------------------------------------------------------------------------------------ */

struct request {
	struct writer_item		item;
	struct store_certificate	certificate;
	_Atomic bool			done;
};

static _Atomic int	done_total;

static void
request_done(struct writer_item *item)
{
	struct request	*r = (struct request *)(void *)item;

	atomic_fetch_add(&done_total, 1);
	atomic_store(&r->done, true);	/* the last touch */
}

static void
request_init(struct request *r, struct ledger *l, int64_t batch, unsigned n)
{
	char	name[32];

	memset(r, 0, sizeof(*r));
	(void)snprintf(name, sizeof(name), "dev-%u", n);
	r->certificate = ledger_certificate(batch, l->ca_id, name, n, 1000 + n);
	r->item.row.certificate = &r->certificate;
	r->item.done = request_done;
}

static void
request_wait(struct request *r)
{
	while (!atomic_load(&r->done))
		(void)usleep(50);
}

/* ---- the fixture --------------------------------------------------------------------------------- */

struct bench {
	struct ledger		*l;
	struct store_ops	 ops;
	struct writer		*w;
	int64_t			 batch;
	int			 storage_failed;
	struct err		 failure;
};

static void
note_failure(void *arg, const struct err *e)
{
	struct bench	*b = arg;

	b->storage_failed++;
	b->failure = *e;
}

static int
setup(void **state)
{
	struct bench	*b = calloc(1, sizeof(*b));

	assert_non_null(b);
	gate.hold = false;
	gate.entered = 0;
	gate.fail = ERR_OK;
	atomic_store(&done_total, 0);
	b->l = ledger_new(&store_memory);
	b->ops = store_memory;
	b->ops.record = gate_record;
	b->batch = ledger_batch(b->l, "lot-1", 1000000);
	*state = b;
	return 0;
}

static void
start(struct bench *b, unsigned queue_max, unsigned group_max, unsigned enough, int64_t linger_us)
{
	struct writer_config	cf = { .queue_max = queue_max, .group_max = group_max, .group_enough = enough,
				    .linger_us = linger_us, .storage_failed = note_failure, .arg = b };
	struct err		e;

	assert_ok(writer_start(&b->ops, b->l->store, &cf, &b->w, &e));
}

static int
teardown(void **state)
{
	struct bench	*b = *state;

	writer_stop(b->w);
	ledger_free(b->l);
	free(b);
	return 0;
}

static void
push(struct bench *b, struct request *r)
{
	struct err	e;

	assert_ok(writer_reserve(b->w, &e));
	writer_push(b->w, &r->item);
}

static void
requests_free(struct request *r, int n)
{
	int	i;

	for (i = 0; i < n; i++)
		recorded_free(r[i].item.row.recorded);
}

/* ---- tests --------------------------------------------------------------------------------------- */

static void
test_one(void **state)
{
	struct bench		*b = *state;
	struct request		 r;
	struct writer_stats	 st;

	start(b, 8, 8, 8, 1000000);	/* alone, so it must not wait for that second */
	request_init(&r, b->l, b->batch, 1);
	push(b, &r);
	request_wait(&r);
	assert_int_equal(r.item.row.result, ERR_OK);
	assert_true(r.item.row.is_new);
	assert_string_equal(recorded_certificate(r.item.row.recorded)->device_id, "dev-1");
	assert_true(r.item.commit_us >= 0 && r.item.commit_us < 500000);
	writer_get_stats(b->w, &st);
	assert_int_equal(st.rows, 1);
	assert_int_equal(st.groups, 1);
	assert_int_equal(st.in_use, 0);
	recorded_free(r.item.row.recorded);
}

static void
test_places(void **state)
{
	enum { PLACES = 3 };
	struct bench		*b = *state;
	struct request		 r[PLACES];
	struct writer_stats	 st;
	struct err		 e;
	int			 i;

	start(b, PLACES, 8, 8, 0);
	for (i = 0; i < PLACES; i++)
		assert_ok(writer_reserve(b->w, &e));
	assert_int_equal(writer_reserve(b->w, &e), ERR_BUSY);
	writer_unreserve(b->w);
	assert_ok(writer_reserve(b->w, &e));
	assert_int_equal(writer_reserve(b->w, &e), ERR_BUSY);
	writer_get_stats(b->w, &st);
	assert_int_equal(st.in_use, PLACES);
	gate_set(true);
	for (i = 0; i < PLACES; i++) {
		request_init(&r[i], b->l, b->batch, (unsigned)i);
		writer_push(b->w, &r[i].item);
	}
	gate_wait_entered(1);
	assert_int_equal(writer_reserve(b->w, &e), ERR_BUSY);	/* being recorded is still a place */
	gate_set(false);
	for (i = 0; i < PLACES; i++)
		request_wait(&r[i]);
	assert_ok(writer_reserve(b->w, &e));
	writer_unreserve(b->w);
	requests_free(r, PLACES);
}

/* While one group is held in the store the next gathers, and is cut at group_max. */
static void
test_groups(void **state)
{
	enum { N = 11 };
	struct bench	*b = *state;
	struct request	 r[N];
	int		 i;

	start(b, 64, 4, 4, 0);
	for (i = 0; i < N; i++)
		request_init(&r[i], b->l, b->batch, (unsigned)i);
	gate_set(true);
	push(b, &r[0]);
	gate_wait_entered(1);
	for (i = 1; i < N; i++)
		push(b, &r[i]);
	gate_set(false);
	for (i = 0; i < N; i++) {
		request_wait(&r[i]);
		assert_int_equal(r[i].item.row.result, ERR_OK);
	}
	assert_int_equal(gate.entered, 4);
	assert_int_equal(gate.sizes[0], 1);
	assert_int_equal(gate.sizes[1], 4);
	assert_int_equal(gate.sizes[2], 4);
	assert_int_equal(gate.sizes[3], 2);
	requests_free(r, N);
}

/* A row waits linger_us for one that is on its way, and not longer. */
static void
test_linger_time(void **state)
{
	struct bench	*b = *state;
	struct request	 r;
	struct err	 e;
	int64_t		 start_us;

	start(b, 8, 8, 8, 50000);
	assert_ok(writer_reserve(b->w, &e));	/* two who take their time */
	assert_ok(writer_reserve(b->w, &e));
	request_init(&r, b->l, b->batch, 1);
	start_us = clock_monotonic_us();
	push(b, &r);
	request_wait(&r);
	assert_true(clock_monotonic_us() - start_us >= 50000);
	writer_unreserve(b->w);
	writer_unreserve(b->w);
	requests_free(&r, 1);
}

/* It ends at once when three quarters of the places are pushed, when the others are given back, or when there are enough. */
static void
test_linger_ends(void **state)
{
	struct bench	*b = *state;
	struct request	 r[5];
	struct err	 e;
	int64_t		 start_us = clock_monotonic_us();
	int		 i;

	start(b, 8, 8, 3, 20000000);
	for (i = 0; i < 5; i++)
		request_init(&r[i], b->l, b->batch, (unsigned)i);
	/* one, then two of three */
	assert_ok(writer_reserve(b->w, &e));
	assert_ok(writer_reserve(b->w, &e));
	push(b, &r[0]);
	(void)usleep(20000);
	assert_false(atomic_load(&r[0].done));
	writer_push(b->w, &r[1].item);
	request_wait(&r[0]);
	request_wait(&r[1]);
	assert_int_equal(gate.sizes[0], 2);
	/* given back */
	assert_ok(writer_reserve(b->w, &e));
	push(b, &r[2]);
	(void)usleep(20000);
	assert_false(atomic_load(&r[2].done));
	writer_unreserve(b->w);
	request_wait(&r[2]);
	writer_unreserve(b->w);
	requests_free(r, 3);
	/* enough, though more than as many places are still held */
	for (i = 0; i < 8; i++)
		assert_ok(writer_reserve(b->w, &e));
	for (i = 0; i < 3; i++) {
		request_init(&r[i], b->l, b->batch, 10 + (unsigned)i);
		writer_push(b->w, &r[i].item);
	}
	for (i = 0; i < 3; i++)
		request_wait(&r[i]);
	assert_int_equal(gate.sizes[2], 3);
	for (i = 0; i < 5; i++)
		writer_unreserve(b->w);
	assert_true(clock_monotonic_us() - start_us < 10000000);	/* no linger ran out */
	requests_free(r, 3);
}

/* What was pushed is recorded, also when the writer is told to stop. */
static void
test_stop_drains(void **state)
{
	enum { N = 50 };
	struct bench	*b = *state;
	struct request	*r = calloc(N, sizeof(*r));
	int		 i;

	assert_non_null(r);
	start(b, N, 4, 4, 1000);
	for (i = 0; i < N; i++)
		request_init(&r[i], b->l, b->batch, (unsigned)i);
	gate_set(true);
	for (i = 0; i < N; i++)
		push(b, &r[i]);
	gate_set(false);
	writer_stop(b->w);
	b->w = NULL;
	assert_int_equal(atomic_load(&done_total), N);
	for (i = 0; i < N; i++)
		assert_int_equal(r[i].item.row.result, ERR_OK);
	requests_free(r, N);
	free(r);
}

/* Each refused row gets its sentence; the others of the group are not touched by it. */
static void
test_results(void **state)
{
	struct bench	*b = *state;
	struct request	 r[4];
	int		 i;

	start(b, 8, 8, 8, 0);
	for (i = 0; i < 4; i++)
		request_init(&r[i], b->l, b->batch, 1 + (unsigned)i);
	memcpy(r[1].certificate.device_id, r[0].certificate.device_id, sizeof(r[1].certificate.device_id));
	memcpy(r[2].certificate.key_id, r[0].certificate.key_id, sizeof(r[2].certificate.key_id));
	for (i = 0; i < 4; i++) {
		push(b, &r[i]);
		request_wait(&r[i]);
	}
	assert_int_equal(r[0].item.err.code, ERR_OK);
	assert_int_equal(r[1].item.row.result, ERR_DEVICE_EXISTS);
	assert_int_equal(r[1].item.err.code, ERR_DEVICE_EXISTS);
	assert_non_null(strstr(r[1].item.err.client_text, "dev-1"));
	assert_int_equal(r[2].item.row.result, ERR_KEY_REUSED);
	assert_non_null(strstr(r[2].item.err.client_text, "dev-3"));
	assert_non_null(strstr(r[2].item.err.client_text, "dev-1"));
	assert_null(r[2].item.row.recorded);
	assert_int_equal(r[3].item.row.result, ERR_OK);
	requests_free(r, 4);
}

/* ERR_BUSY fails one group; ERR_STORAGE all that come after it, without asking the store again. */
static void
test_failures(void **state)
{
	struct bench	*b = *state;
	struct request	 r[5];
	int		 i;

	start(b, 8, 8, 8, 0);
	for (i = 0; i < 5; i++)
		request_init(&r[i], b->l, b->batch, (unsigned)i);
	gate.fail = ERR_BUSY;
	push(b, &r[0]);
	request_wait(&r[0]);
	assert_int_equal(r[0].item.row.result, ERR_BUSY);
	assert_string_equal(r[0].item.err.log_text, "the gate is shut");
	assert_null(r[0].item.row.recorded);
	(void)pthread_mutex_lock(&gate.mu);
	gate.fail = ERR_OK;
	(void)pthread_mutex_unlock(&gate.mu);
	push(b, &r[1]);
	request_wait(&r[1]);
	assert_int_equal(r[1].item.row.result, ERR_OK);
	(void)pthread_mutex_lock(&gate.mu);
	gate.fail = ERR_STORAGE;
	(void)pthread_mutex_unlock(&gate.mu);
	push(b, &r[2]);
	request_wait(&r[2]);
	(void)pthread_mutex_lock(&gate.mu);
	gate.fail = ERR_OK;	/* too late */
	(void)pthread_mutex_unlock(&gate.mu);
	for (i = 3; i < 5; i++) {
		push(b, &r[i]);
		request_wait(&r[i]);
	}
	writer_stop(b->w);
	b->w = NULL;
	for (i = 2; i < 5; i++) {
		assert_int_equal(r[i].item.row.result, ERR_STORAGE);
		assert_int_equal(r[i].item.err.code, ERR_STORAGE);
		assert_string_equal(r[i].item.err.log_text, "the gate is shut");
		assert_null(r[i].item.row.recorded);
	}
	assert_int_equal(gate.entered, 3);
	assert_int_equal(b->storage_failed, 1);
	assert_int_equal(b->failure.code, ERR_STORAGE);
	requests_free(r, 5);
}

static void
test_config(void **state)
{
	struct bench		*b = *state;
	struct writer_config	 cf = { .queue_max = 0, .group_max = 1, .group_enough = 1 };
	struct err		 e;

	assert_int_equal(writer_start(&b->ops, b->l->store, &cf, &b->w, &e), ERR_CONFIG);
	cf = (struct writer_config){ .queue_max = 1, .group_max = 0, .group_enough = 1 };
	assert_int_equal(writer_start(&b->ops, b->l->store, &cf, &b->w, &e), ERR_CONFIG);
	assert_null(b->w);
}

/* ---- many threads -------------------------------------------------------------------------------- */

enum { THREADS = 8, EACH = 200 };

struct pusher {
	struct bench	*b;
	unsigned	 number;
	int		 busy, recorded, known;
};

static void *
pusher_run(void *arg)
{
	struct pusher	*p = arg;
	struct request	 r;
	struct err	 e;
	unsigned	 i;

	for (i = 0; i < EACH; i++) {
		/* every other device is asked for by all threads at once, the rest by one */
		request_init(&r, p->b->l, p->b->batch, i % 2 == 0 ? i : (p->number + 1) * 10000 + i);
		r.certificate.serial[1] = (uint8_t)(p->number + 1);	/* serials differ though devices agree */
		while (writer_reserve(p->b->w, &e) != ERR_OK) {
			p->busy++;
			(void)usleep(50);
		}
		if (i % 7 == 0) {
			writer_unreserve(p->b->w);
			continue;
		}
		writer_push(p->b->w, &r.item);
		request_wait(&r);
		p->recorded += r.item.row.result == ERR_OK && r.item.row.is_new;
		p->known += r.item.row.result == ERR_OK && !r.item.row.is_new;
		recorded_free(r.item.row.recorded);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct bench		*b = *state;
	struct pusher		 p[THREADS];
	pthread_t		 threads[THREADS];
	struct store_batch	 batch;
	struct writer_stats	 st;
	struct err		 e;
	int			 i, n_new = 0, n = 0, shared = 0, own = 0;

	start(b, 5, 4, 3, 200);
	memset(p, 0, sizeof(p));
	for (i = 0; i < THREADS; i++) {
		p[i].b = b;
		p[i].number = (unsigned)i;
		assert_int_equal(pthread_create(&threads[i], NULL, pusher_run, &p[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
		n_new += p[i].recorded;
		n += p[i].recorded + p[i].known;
	}
	for (i = 0; i < EACH; i++) {
		shared += i % 2 == 0 && i % 7 != 0;
		own += i % 2 != 0 && i % 7 != 0;
	}
	assert_int_equal(n_new, shared + THREADS * own);
	assert_int_equal(n, THREADS * (shared + own));
	writer_get_stats(b->w, &st);
	assert_int_equal(st.rows, (uint64_t)n);
	assert_int_equal(st.in_use, 0);
	assert_ok(b->l->ops->batch_find(b->l->reader, "lot-1", &batch, &e));
	assert_int_equal(batch.issued, n_new);
}

int
main(void)
{
#define T(test)	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_one),
		T(test_places),
		T(test_groups),
		T(test_linger_time),
		T(test_linger_ends),
		T(test_stop_drains),
		T(test_results),
		T(test_failures),
		T(test_config),
		T(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
