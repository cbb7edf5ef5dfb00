#include "live.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "http/stream.h"
#include "pulse.h"
#include "status.h"
#include "worker.h"

enum {
	LOOK_US = 500 * 1000,		/* how often the thread looks whether something has happened */
	LEAST_US = 950 * 1000,		/* between two snapshots */
	MOST_US = 10 * 1000 * 1000	/* also when nothing happens: batches and uploads change elsewhere, and a page wants to know that we live */
};

struct live {
	struct line		*line;
	struct store_reader	*reader;
	pthread_t		 thread;
	pthread_mutex_t		 mu;		/* protects stop */
	pthread_cond_t		 cond;
	bool			 stop;
};

/* "event: status", and the object in one line: status_json writes no line end inside. */
static char *
event_text(struct line *l, struct store_reader *r, size_t *ret_len, struct err *e)
{
	struct buf b = { 0 };
	struct status s;
	size_t len = 0;
	char *json;

	if (status_read(l, r, &s, e) != ERR_OK)
		return NULL;
	json = status_json(l, &s, &len);
	status_done(&s);
	if (json == NULL) {
		(void)err_set(e, ERR_NOMEM, "live");
		return NULL;
	}
	buf_puts(&b, "event: status\ndata: ");
	buf_put(&b, json, len > 0 && json[len - 1] == '\n' ? len - 1 : len);
	buf_puts(&b, "\n\n");
	free(json);
	return buf_take(&b, ret_len);
}

static unsigned
listeners(const struct line *l)
{
	return (l->http != NULL ? http_stream_count(l->http) : 0) + (l->https != NULL ? http_stream_count(l->https) : 0);
}

static void
send_snapshot(struct live *v)
{
	struct line *l = v->line;
	struct err e;
	size_t len = 0;
	char *text = event_text(l, v->reader, &len, &e);

	if (text == NULL) {
		log_err(LOG_WARN, "live", &e);
		return;
	}
	if (l->http != NULL)
		http_stream_send(l->http, text, len);
	if (l->https != NULL)
		http_stream_send(l->https, text, len);
	free(text);
}

/* False: it is the end. */
static bool
wait_a_moment(struct live *v)
{
	int64_t at_us = clock_monotonic_us() + LOOK_US;
	struct timespec at = { .tv_sec = (time_t)(at_us / 1000000), .tv_nsec = (long)(at_us % 1000000) * 1000 };
	bool go_on;

	(void)pthread_mutex_lock(&v->mu);
	while (!v->stop)
		if (pthread_cond_timedwait(&v->cond, &v->mu, &at) != 0)
			break;
	go_on = !v->stop;
	(void)pthread_mutex_unlock(&v->mu);
	return go_on;
}

static void *
live_main(void *arg)
{
	struct live *v = arg;
	uint64_t seen = 0, count;
	int64_t sent_us = 0, now_us;

	while (wait_a_moment(v)) {
		now_us = clock_monotonic_us();
		count = pulse_count(v->line->pulse);
		if (listeners(v->line) == 0 || now_us - sent_us < LEAST_US || (count == seen && now_us - sent_us < MOST_US))
			continue;
		send_snapshot(v);
		seen = count;
		sent_us = now_us;
	}
	return NULL;
}

static void
live_free(struct live *v)
{
	v->line->home->ops->reader_close(v->reader);
	(void)pthread_cond_destroy(&v->cond);
	(void)pthread_mutex_destroy(&v->mu);
	free(v);
}

enum err_code
live_start(struct line *l, struct live **ret, struct err *e)
{
	pthread_condattr_t attr;
	struct live *v;
	enum err_code rc;

	if ((v = calloc(1, sizeof(*v))) == NULL)
		return err_set(e, ERR_NOMEM, "live");
	v->line = l;
	(void)pthread_mutex_init(&v->mu, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&v->cond, &attr);
	(void)pthread_condattr_destroy(&attr);
	if ((rc = l->home->ops->reader_open(l->home->store, &v->reader, e)) == ERR_OK &&
	    pthread_create(&v->thread, NULL, live_main, v) != 0)
		rc = err_set(e, ERR_NOMEM, "live: no thread");
	if (rc != ERR_OK) {
		live_free(v);
		return rc;
	}
	*ret = v;
	return ERR_OK;
}

void
live_stop(struct live *v)
{
	if (v == NULL)
		return;
	(void)pthread_mutex_lock(&v->mu);
	v->stop = true;
	(void)pthread_cond_signal(&v->cond);
	(void)pthread_mutex_unlock(&v->mu);
	(void)pthread_join(v->thread, NULL);
	live_free(v);
}

void
live_handle(struct http_request *req, void *line)
{
	struct line *l = line;
	struct worker *w;
	struct err e;
	size_t len = 0;
	char *first;

	if (worker_get(l, &w, &e) != ERR_OK || (first = event_text(l, w->reader, &len, &e)) == NULL) {
		http_reply_problem(req, &e);
		return;
	}
	http_reply_header(req, "Cache-Control", "no-store");
	http_reply_stream(req, "text/event-stream", first, len);
}
