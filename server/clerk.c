#include "clerk.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	USES_MAX = 256,			/* tokens in use between two notes; a plant has a few dozen */
	NOTE_EVERY_S = 5,
	SETTLE_ROWS = 65536		/* at a time: as fast as the fastest line issues */
};

struct clerk {
	struct clerk_desk	 desk;
	pthread_t		 thread;
	pthread_mutex_t		 mu;		/* protects all below */
	pthread_cond_t		 cond;
	struct clerk_job	*first, **last;
	bool			 stop, settles;
	void			(*keep)(void *arg, const struct clerk_desk *, bool at_end);	/* NULL: nothing */
	void			*keep_arg;
	struct store_token_use	 uses[USES_MAX];
	size_t			 uses_count;
};

/* Without the lock while it writes. */
static void
write_uses(struct clerk *c)
{
	struct store_token_use uses[USES_MAX];
	size_t n = c->uses_count;
	struct err e;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		uses[i] = c->uses[i];
	c->uses_count = 0;
	(void)pthread_mutex_unlock(&c->mu);
	if (c->desk.ops->token_used(c->desk.store, uses, n, &e) != ERR_OK)
		log_err(LOG_WARN, "token_used", &e);
	(void)pthread_mutex_lock(&c->mu);
}

/* A job, the end, or the time to write down what was noted. */
static void
wait_for_work(struct clerk *c)
{
	int64_t at_us = clock_monotonic_us() + (int64_t)NOTE_EVERY_S * 1000000;
	struct timespec at = { .tv_sec = (time_t)(at_us / 1000000), .tv_nsec = (long)(at_us % 1000000) * 1000 };

	while (c->first == NULL && !c->stop)
		if (pthread_cond_timedwait(&c->cond, &c->mu, &at) != 0)
			return;
}

/* A certificate id can be searched for when it is in its index; nobody waits for that. */
static void
settle(struct clerk *c)
{
	struct err e;

	(void)pthread_mutex_unlock(&c->mu);
	if (c->desk.ops->identifiers_settle(c->desk.store, SETTLE_ROWS, &e) != ERR_OK)
		log_err(LOG_WARN, "search", &e);
	(void)pthread_mutex_lock(&c->mu);
}

static void
keep(struct clerk *c)
{
	bool at_end = c->stop;

	(void)pthread_mutex_unlock(&c->mu);
	c->keep(c->keep_arg, &c->desk, at_end);
	(void)pthread_mutex_lock(&c->mu);
}

static void *
clerk_main(void *arg)
{
	struct clerk *c = arg;
	int64_t noted_us = clock_monotonic_us();

	(void)pthread_mutex_lock(&c->mu);
	for (;;) {
		struct clerk_job *job = c->first;

		if (c->stop || clock_monotonic_us() - noted_us >= (int64_t)NOTE_EVERY_S * 1000000) {
			write_uses(c);
			if (c->settles && !c->stop)
				settle(c);
			if (c->keep != NULL && (!c->stop || c->first == NULL))
				keep(c);
			noted_us = clock_monotonic_us();
			job = c->first;
		}
		if (job != NULL) {
			if ((c->first = job->next) == NULL)
				c->last = &c->first;
			(void)pthread_mutex_unlock(&c->mu);
			job->run(job, &c->desk);
			(void)pthread_mutex_lock(&c->mu);
			continue;
		}
		if (c->stop)
			break;
		wait_for_work(c);
	}
	(void)pthread_mutex_unlock(&c->mu);
	return NULL;
}

static void
clerk_free(struct clerk *c)
{
	c->desk.ops->reader_close(c->desk.reader);
	c->desk.ops->close(c->desk.store);
	(void)pthread_cond_destroy(&c->cond);
	(void)pthread_mutex_destroy(&c->mu);
	free(c);
}

enum err_code
clerk_start(const struct store_ops *ops, const char *ledger_path, struct clerk **ret, struct err *e)
{
	const struct store_config cf = { .path = ledger_path, .cache_bytes = 1 << 20 };
	pthread_condattr_t attr;
	struct clerk *c;
	enum err_code rc;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_set(e, ERR_NOMEM, "clerk");
	c->desk.ops = ops;
	c->last = &c->first;
	(void)pthread_mutex_init(&c->mu, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->cond, &attr);
	(void)pthread_condattr_destroy(&attr);
	if ((rc = ops->open(&cf, &c->desk.store, e)) != ERR_OK ||
	    (rc = ops->reader_open(c->desk.store, &c->desk.reader, e)) != ERR_OK)
		goto out;
	if (pthread_create(&c->thread, NULL, clerk_main, c) != 0) {
		rc = err_set(e, ERR_NOMEM, "clerk: no thread");
		goto out;
	}
	*ret = c;
	c = NULL;
out:
	if (c != NULL)
		clerk_free(c);
	return rc;
}

void
clerk_stop(struct clerk *c)
{
	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&c->mu);
	c->stop = true;
	(void)pthread_cond_signal(&c->cond);
	(void)pthread_mutex_unlock(&c->mu);
	(void)pthread_join(c->thread, NULL);
	clerk_free(c);
}

void
clerk_settles(struct clerk *c)
{
	(void)pthread_mutex_lock(&c->mu);
	c->settles = true;
	(void)pthread_mutex_unlock(&c->mu);
}

void
clerk_keeps(struct clerk *c, void (*fn)(void *arg, const struct clerk_desk *, bool at_end), void *arg)
{
	(void)pthread_mutex_lock(&c->mu);
	c->keep = fn;
	c->keep_arg = arg;
	(void)pthread_mutex_unlock(&c->mu);
}

void
clerk_push(struct clerk *c, struct clerk_job *job)
{
	job->next = NULL;
	(void)pthread_mutex_lock(&c->mu);
	*c->last = job;
	c->last = &job->next;
	(void)pthread_cond_signal(&c->cond);
	(void)pthread_mutex_unlock(&c->mu);
}

void
clerk_note_use(struct clerk *c, int64_t token_id, int64_t at_us)
{
	size_t i;

	(void)pthread_mutex_lock(&c->mu);
	for (i = 0; i < c->uses_count && c->uses[i].token_id != token_id; i++)
		;
	if (i == c->uses_count && i < USES_MAX)
		c->uses[c->uses_count++] = (struct store_token_use){ token_id, at_us };
	else if (i < USES_MAX && at_us > c->uses[i].at_us)
		c->uses[i].at_us = at_us;
	(void)pthread_mutex_unlock(&c->mu);
}
