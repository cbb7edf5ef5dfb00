#include "http/watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	ROUND_US = 250 * 1000,		/* between two looks at all connections */
	TURNED_AWAY_US = 1000 * 1000,	/* a connection that was turned away ends so late */
	TURNED_AWAY_MAX = 256		/* more of them end at once */
};

struct watch {
	pthread_mutex_t		 mu;
	pthread_cond_t		 cond;		/* on CLOCK_MONOTONIC: a hold that is due earlier, or the end */
	pthread_t		 thread;
	struct watch_entry	*entries;
	struct watch_hold	*holds;		/* the next due first */
	bool			 release, stop;
	const char		*tell;
	struct { int fd; int64_t due_us; } turned_away[TURNED_AWAY_MAX];	/* a ring, in their order */
	size_t			 away_first, away_count;
};

static void
cut(struct watch *w, struct watch_entry *entry)
{
	atomic_store(&entry->deadline_us, INT64_MAX);
	if (w->tell != NULL && atomic_load(&entry->tell))
		(void)send(entry->fd, w->tell, strlen(w->tell), MSG_DONTWAIT | MSG_NOSIGNAL);
	/* libmicrohttpd sees the end of the stream and closes: the descriptor is its own */
	(void)shutdown(entry->fd, SHUT_RDWR);
}

static void
cut_slow(struct watch *w, int64_t now_us)
{
	unsigned count = 0;

	for (struct watch_entry *entry = w->entries; entry != NULL; entry = entry->next) {
		if (atomic_load(&entry->deadline_us) > now_us)
			continue;
		/* a kept connection that nobody used is no news */
		count += atomic_load(&entry->tell);
		cut(w, entry);
	}
	if (count > 0)
		log_event(LOG_INFO, "slow", "%u connection%s cut: the request or the taking of its answer went too slowly", count,
		    count == 1 ? "" : "s");
}

static void
close_turned_away(struct watch *w, int64_t now_us)
{
	while (w->away_count > 0 && w->turned_away[w->away_first].due_us <= now_us) {
		(void)close(w->turned_away[w->away_first].fd);
		w->away_first = (w->away_first + 1) % TURNED_AWAY_MAX;
		w->away_count--;
	}
}

/* Without the lock: waking goes into libmicrohttpd, which has locks of its own. */
static void
wake_due(struct watch *w, int64_t now_us)
{
	struct watch_hold *hold;

	while ((hold = w->holds) != NULL && (w->release || hold->due_us <= now_us)) {
		w->holds = hold->next;
		(void)pthread_mutex_unlock(&w->mu);
		hold->wake(hold);
		(void)pthread_mutex_lock(&w->mu);
	}
}

static void
wait_until(struct watch *w, int64_t at_us)
{
	struct timespec at = { .tv_sec = (time_t)(at_us / 1000000), .tv_nsec = (long)(at_us % 1000000) * 1000 };

	(void)pthread_cond_timedwait(&w->cond, &w->mu, &at);
}

static void *
watch_main(void *arg)
{
	struct watch *w = arg;
	int64_t now_us, round_us = 0, next_us;

	(void)pthread_mutex_lock(&w->mu);
	while (!w->stop) {
		now_us = clock_monotonic_us();
		if (now_us >= round_us) {
			cut_slow(w, now_us);
			close_turned_away(w, now_us);
			round_us = now_us + ROUND_US;
		}
		wake_due(w, now_us);
		next_us = w->holds != NULL && w->holds->due_us < round_us ? w->holds->due_us : round_us;
		if (!w->stop && clock_monotonic_us() < next_us)
			wait_until(w, next_us);
	}
	(void)pthread_mutex_unlock(&w->mu);
	return NULL;
}

enum err_code
watch_start(const char *tell, struct watch **ret, struct err *e)
{
	pthread_condattr_t attr;
	struct watch *w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return err_set(e, ERR_NOMEM, "watch");
	w->tell = tell;
	(void)pthread_mutex_init(&w->mu, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->cond, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (pthread_create(&w->thread, NULL, watch_main, w) != 0) {
		(void)pthread_cond_destroy(&w->cond);
		(void)pthread_mutex_destroy(&w->mu);
		free(w);
		return err_set(e, ERR_NOMEM, "http server: no thread to watch connections");
	}
	*ret = w;
	return ERR_OK;
}

void
watch_stop(struct watch *w)
{
	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->mu);
	w->stop = true;
	(void)pthread_cond_signal(&w->cond);
	(void)pthread_mutex_unlock(&w->mu);
	(void)pthread_join(w->thread, NULL);
	close_turned_away(w, INT64_MAX);
	(void)pthread_cond_destroy(&w->cond);
	(void)pthread_mutex_destroy(&w->mu);
	free(w);
}

void
watch_add(struct watch *w, struct watch_entry *entry)
{
	(void)pthread_mutex_lock(&w->mu);
	entry->next = w->entries;
	entry->at = &w->entries;
	if (entry->next != NULL)
		entry->next->at = &entry->next;
	w->entries = entry;
	(void)pthread_mutex_unlock(&w->mu);
}

void
watch_remove(struct watch *w, struct watch_entry *entry)
{
	(void)pthread_mutex_lock(&w->mu);
	*entry->at = entry->next;
	if (entry->next != NULL)
		entry->next->at = entry->at;
	(void)pthread_mutex_unlock(&w->mu);
}

void
watch_hold(struct watch *w, struct watch_hold *hold, int64_t us)
{
	struct watch_hold **p;

	hold->due_us = clock_monotonic_us() + us;
	(void)pthread_mutex_lock(&w->mu);
	for (p = &w->holds; *p != NULL && (*p)->due_us <= hold->due_us; p = &(*p)->next)
		;
	hold->next = *p;
	*p = hold;
	if (p == &w->holds)
		(void)pthread_cond_signal(&w->cond);
	(void)pthread_mutex_unlock(&w->mu);
}

void
watch_release_all(struct watch *w)
{
	(void)pthread_mutex_lock(&w->mu);
	w->release = true;
	(void)pthread_cond_signal(&w->cond);
	(void)pthread_mutex_unlock(&w->mu);
}

void
watch_close_later(struct watch *w, int fd)
{
	bool kept = false;

	(void)pthread_mutex_lock(&w->mu);
	if (w->away_count < TURNED_AWAY_MAX) {
		size_t at = (w->away_first + w->away_count++) % TURNED_AWAY_MAX;

		w->turned_away[at].fd = fd;
		w->turned_away[at].due_us = clock_monotonic_us() + TURNED_AWAY_US;
		kept = true;
	}
	(void)pthread_mutex_unlock(&w->mu);
	if (!kept)
		(void)close(fd);
}
