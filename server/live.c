#include "live.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "base/buf.h"
#include "base/log.h"
#include "http/stream.h"
#include "pulse.h"
#include "status.h"
#include "worker.h"

_Static_assert(sizeof(struct access_right) <= HTTP_STREAM_OWN_BYTES, "the right lies in the stream's own memory");

enum {
	LOOK_US = 100 * 1000,		/* how often the thread looks whether something has happened */
	JUDGE_US = 500 * 1000,		/* and who may still listen */
	LEAST_US = 700 * 1000,		/* between two snapshots: what happens right after one is in the next within a second */
	MOST_US = 1000 * 1000		/* also when nothing happens here: batches, uploads, disk and clock change elsewhere */
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

/* ---- who may go on listening */

/* Tokens that open streams rest on, each asked about once a look. */
struct rights {
	struct line			*line;
	int64_t				 now_us;		/* monotonic */
	struct { int64_t id; bool good; } *tokens;
	size_t				 count, max;
	bool				 looked;
};

static size_t
token_at(const struct rights *all, int64_t id)
{
	size_t i = 0;

	while (i < all->count && all->tokens[i].id != id)
		i++;
	return i;
}

static bool
goes_on(const void *own, void *arg)
{
	struct rights *all = arg;
	struct access_right right;
	size_t i;

	memcpy(&right, own, sizeof(right));
	if (right.session != 0 && !session_lives(all->line->sessions, right.session, all->now_us))
		return false;
	if (right.token_id == 0)
		return true;
	i = token_at(all, right.token_id);
	/* who came between two looks is asked about at the next one */
	if (all->looked)
		return i == all->count || all->tokens[i].good;
	if (i == all->count && i < all->max)
		all->tokens[all->count++].id = right.token_id;
	return true;
}

static void
judge_all(struct rights *all)
{
	if (all->line->http != NULL)
		http_stream_judge(all->line->http, goes_on, all);
	if (all->line->https != NULL)
		http_stream_judge(all->line->https, goes_on, all);
}

/* What a stream rests on may end while it runs: the session, or its token.  One look a token, however many pages it has open. */
static void
end_those_without_right(struct live *v, unsigned open)
{
	struct line *l = v->line;
	struct rights all = { .line = l, .now_us = clock_monotonic_us(), .max = open };

	if ((all.tokens = calloc(open, sizeof(*all.tokens))) == NULL)
		return;
	judge_all(&all);
	for (size_t i = 0; i < all.count; i++)
		all.tokens[i].good = access_token_lives(all.tokens[i].id, l, v->reader);
	all.looked = true;
	if (all.count > 0)
		judge_all(&all);
	free(all.tokens);
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
	int64_t sent_us = 0, judged_us = 0, now_us;
	unsigned open;

	while (wait_a_moment(v)) {
		now_us = clock_monotonic_us();
		count = pulse_count(v->line->pulse);
		if ((open = listeners(v->line)) == 0)
			continue;
		if (now_us - judged_us >= JUDGE_US) {
			end_those_without_right(v, open);
			judged_us = now_us;
		}
		if (now_us - sent_us < LEAST_US || (count == seen && now_us - sent_us < MOST_US))
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
	struct access_right right;
	char *first;

	if (!http_stream_offered(req))
		return;
	if (worker_get(l, &w, &e) != ERR_OK || (first = event_text(l, w->reader, &len, &e)) == NULL) {
		http_reply_problem(req, &e);
		return;
	}
	right = access_right_of(req, l);
	http_reply_stream(req, "text/event-stream", first, len, &right, sizeof(right));
}
