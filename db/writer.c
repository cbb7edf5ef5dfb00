#include "db/writer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "db/store_internal.h"

/* What the thread is asleep for; who changes the queue wakes it only if that ends the sleep. */
enum writer_sleep { AWAKE, SLEEP_IDLE, SLEEP_LINGER };

struct writer {
	/* set before the thread starts, read-only then */
	const struct store_ops	*ops;
	struct store		*store;
	struct writer_config	 cf;
	pthread_t		 thread;

	/* the thread's own */
	struct store_record_row	*rows;		/* group_max of them */
	bool			 failed;	/* the store said ERR_STORAGE: it is not asked again */
	struct err		 failure;

	pthread_mutex_t		 mu;		/* guards what follows; held for a few instructions only */
	pthread_cond_t		 wake;		/* monotonic clock */
	enum writer_sleep	 sleep;
	bool			 stopping;
	struct writer_item	*head, **tail;	/* pushed, not yet taken */
	unsigned		 queued;	/* their number */
	unsigned		 in_use;	/* places: reserved, pushed, or in the group at hand */
	unsigned		 busiest;	/* the most in use since the last group was taken */
	struct writer_stats	 stats;
};

/* On the clock of pthread_cond_timedwait: the condition was made for the monotonic one. */
static struct timespec
deadline_in(int64_t us)
{
	int64_t	at_us = clock_monotonic_us() + us;

	return (struct timespec){ .tv_sec = (time_t)(at_us / 1000000), .tv_nsec = (long)(at_us % 1000000) * 1000 };
}

/*
 * How many rows are worth waiting for: three quarters of what was in work at once lately.  Fewer make a sync for every few rows;
 * all of them would leave the processors idle during the sync.
 */
static unsigned
group_goal(const struct writer *w)
{
	unsigned	goal = w->busiest * 3 / 4;

	if (goal == 0)
		goal = 1;
	return goal < w->cf.group_enough ? goal : w->cf.group_enough;
}

/* Is there no reason to wait for more?  mu is held, no group is at hand. */
static bool
group_complete(const struct writer *w)
{
	return w->queued >= group_goal(w) || w->queued >= w->cf.group_max || w->stopping;
}

/* mu is held. */
static void
wake_if_due(struct writer *w)
{
	if ((w->sleep == SLEEP_IDLE && (w->head != NULL || w->stopping)) ||
	    (w->sleep == SLEEP_LINGER && group_complete(w))) {
		w->sleep = AWAKE;
		(void)pthread_cond_signal(&w->wake);
	}
}

/* Waits for the first row and a little for more.  Returns a list of at most group_max, NULL at the end. */
static struct writer_item *
group_take(struct writer *w, unsigned *ret_n)
{
	struct writer_item	*group, **end;
	struct timespec		 until;
	unsigned		 n = 0;

	(void)pthread_mutex_lock(&w->mu);
	while (w->head == NULL && !w->stopping) {
		w->sleep = SLEEP_IDLE;
		(void)pthread_cond_wait(&w->wake, &w->mu);
	}
	if (w->head != NULL && w->cf.linger_us > 0 && !group_complete(w)) {
		until = deadline_in(w->cf.linger_us);
		do {
			w->sleep = SLEEP_LINGER;
			if (pthread_cond_timedwait(&w->wake, &w->mu, &until) == ETIMEDOUT)
				break;
		} while (!group_complete(w));
	}
	w->sleep = AWAKE;
	w->busiest = w->in_use;

	group = w->head;
	for (end = &w->head; *end != NULL && n < w->cf.group_max; end = &(*end)->next)
		n++;
	w->head = *end;
	*end = NULL;
	if (w->head == NULL)
		w->tail = &w->head;
	w->queued -= n;
	(void)pthread_mutex_unlock(&w->mu);
	*ret_n = n;
	return group;
}

/* Records the group and leaves every item's outcome in it. */
static void
group_record(struct writer *w, struct writer_item *group, unsigned n, int64_t *ret_commit_us)
{
	struct writer_item	*it;
	struct err		 e;
	enum err_code		 rc;
	int64_t			 start_us = clock_monotonic_us();
	unsigned		 i;

	for (it = group, i = 0; it != NULL; it = it->next, i++) {
		w->rows[i] = it->row;
		w->rows[i].recorded = NULL;
	}
	err_clear(&e);
	if (w->failed) {
		e = w->failure;
		rc = e.code;
	} else
		rc = w->ops->record(w->store, w->rows, n, &e);
	if (rc != ERR_OK)
		store_record_rows_fail(w->rows, n, rc);
	*ret_commit_us = clock_monotonic_us() - start_us;

	for (it = group, i = 0; it != NULL; it = it->next, i++) {
		it->row = w->rows[i];
		it->commit_us = *ret_commit_us;
		if (it->row.result == ERR_OK)
			err_clear(&it->err);
		else if (rc != ERR_OK)
			it->err = e;
		else
			store_record_row_say(&it->row, &it->err);
	}
	if (rc == ERR_STORAGE && !w->failed)
		w->failure = e;
}

static void
group_finish(struct writer *w, struct writer_item *group, unsigned n, int64_t commit_us)
{
	struct writer_item	*it;
	bool			 just_failed;

	/*
	 * The places are free before anybody hears of it: a client that asks again at once finds its place.
	 */
	(void)pthread_mutex_lock(&w->mu);
	assert(w->in_use >= n);
	w->in_use -= n;
	w->stats.rows += n;
	w->stats.groups++;
	w->stats.commit_us += (uint64_t)commit_us;
	(void)pthread_mutex_unlock(&w->mu);

	just_failed = !w->failed && w->failure.code != ERR_OK;
	while ((it = group) != NULL) {
		group = it->next;	/* read before it is given away */
		it->done(it);
	}
	if (just_failed) {
		w->failed = true;
		if (w->cf.storage_failed != NULL)
			w->cf.storage_failed(w->cf.arg, &w->failure);
	}
}

static void *
writer_run(void *arg)
{
	struct writer		*w = arg;
	struct writer_item	*group;
	int64_t			 commit_us;
	unsigned		 n;

	/* A linger of 100 us is not to become 150: the default slack of a timer is 50 us. */
	(void)prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	while ((group = group_take(w, &n)) != NULL) {
		group_record(w, group, n, &commit_us);
		group_finish(w, group, n, commit_us);
	}
	return NULL;		/* stopping, and drained */
}

static enum err_code
writer_init(struct writer *w, struct err *e)
{
	pthread_condattr_t	attr;

	if ((w->rows = calloc(w->cf.group_max, sizeof(*w->rows))) == NULL)
		return err_set(e, ERR_NOMEM, "writer: %u rows", w->cf.group_max);
	w->tail = &w->head;
	if (pthread_mutex_init(&w->mu, NULL) != 0)
		return err_set(e, ERR_NOMEM, "writer: mutex");
	if (pthread_condattr_init(&attr) != 0) {
		(void)pthread_mutex_destroy(&w->mu);
		return err_set(e, ERR_NOMEM, "writer: condition");
	}
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (pthread_cond_init(&w->wake, &attr) != 0) {
		(void)pthread_condattr_destroy(&attr);
		(void)pthread_mutex_destroy(&w->mu);
		return err_set(e, ERR_NOMEM, "writer: condition");
	}
	(void)pthread_condattr_destroy(&attr);
	return ERR_OK;
}

enum err_code
writer_start(const struct store_ops *ops, struct store *store, const struct writer_config *cf,
    struct writer **ret, struct err *e)
{
	struct writer	*w = NULL;
	enum err_code	 rc;
	int		 errnum;

	if (cf->queue_max == 0 || cf->group_max == 0 || cf->linger_us < 0)
		return err_set(e, ERR_CONFIG, "writer: a queue of %u, groups of %u", cf->queue_max, cf->group_max);
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return err_set(e, ERR_NOMEM, "writer");
	w->ops = ops;
	w->store = store;
	w->cf = *cf;
	if ((rc = writer_init(w, e)) != ERR_OK)
		goto out;
	if ((errnum = pthread_create(&w->thread, NULL, writer_run, w)) != 0) {
		rc = err_set(e, ERR_NOMEM, "writer: thread: %s", strerror(errnum));
		(void)pthread_cond_destroy(&w->wake);
		(void)pthread_mutex_destroy(&w->mu);
		goto out;
	}
	*ret = w;
	return ERR_OK;
out:
	free(w->rows);
	free(w);
	return rc;
}

void
writer_stop(struct writer *w)
{
	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->mu);
	w->stopping = true;
	wake_if_due(w);
	(void)pthread_mutex_unlock(&w->mu);
	(void)pthread_join(w->thread, NULL);
	assert(w->head == NULL);
	(void)pthread_cond_destroy(&w->wake);
	(void)pthread_mutex_destroy(&w->mu);
	free(w->rows);
	free(w);
}

enum err_code
writer_reserve(struct writer *w, struct err *e)
{
	bool	free_place;

	(void)pthread_mutex_lock(&w->mu);
	if ((free_place = w->in_use < w->cf.queue_max) && ++w->in_use > w->busiest)
		w->busiest = w->in_use;
	(void)pthread_mutex_unlock(&w->mu);
	if (!free_place)
		return err_set(e, ERR_BUSY, "writer: all %u places are taken", w->cf.queue_max);
	return ERR_OK;
}

void
writer_unreserve(struct writer *w)
{
	(void)pthread_mutex_lock(&w->mu);
	assert(w->in_use > w->queued);
	w->in_use--;
	w->busiest--;	/* it will not come: nobody waits for it */
	wake_if_due(w);
	(void)pthread_mutex_unlock(&w->mu);
}

void
writer_push(struct writer *w, struct writer_item *item)
{
	item->next = NULL;
	(void)pthread_mutex_lock(&w->mu);
	assert(w->in_use > w->queued);
	*w->tail = item;
	w->tail = &item->next;
	w->queued++;
	wake_if_due(w);
	(void)pthread_mutex_unlock(&w->mu);
}

void
writer_get_stats(struct writer *w, struct writer_stats *ret)
{
	(void)pthread_mutex_lock(&w->mu);
	*ret = w->stats;
	ret->in_use = w->in_use;
	(void)pthread_mutex_unlock(&w->mu);
}
