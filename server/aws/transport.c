#include "aws/transport.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "aws/transport_internal.h"
#include "base/clock.h"

enum {
	POLL_AT_MOST_MS = 100	/* SIGTERM is noticed within this, whatever the signal handler does */
};

/* A queue of calls, first in, first out. */
struct call_queue {
	struct transport_call	 *first;
	struct transport_call	**end;
};

struct transport {
	CURLM			*multi;
	CURL			**pool;		/* easy handles at rest */
	size_t			 pool_count;
	int			 connections_max;
	int			 active;	/* calls in the multi */
	int			 in_flight;
	int			 wake_fd;
	struct call_queue	 waiting;	/* for one of connections_max places */
	struct call_queue	 done;		/* to be reported */
	struct transport_call	*running;	/* those in the multi, in no order */
};

static void
queue_init(struct call_queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static void
queue_put(struct call_queue *q, struct transport_call *c)
{
	c->next = NULL;
	*q->end = c;
	q->end = &c->next;
}

static struct transport_call *
queue_take(struct call_queue *q)
{
	struct transport_call *c = q->first;

	if (c != NULL && (q->first = c->next) == NULL)
		q->end = &q->first;
	return c;
}

static void
queue_free(struct call_queue *q)
{
	struct transport_call *c;

	while ((c = queue_take(q)) != NULL)
		transport_call_free(c);
}

static bool
multi_init(struct transport *t)
{
	long n = t->connections_max;

	return (t->multi = curl_multi_init()) != NULL &&
	    curl_multi_setopt(t->multi, CURLMOPT_MAX_HOST_CONNECTIONS, n) == CURLM_OK &&
	    curl_multi_setopt(t->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, n) == CURLM_OK &&
	    curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, n) == CURLM_OK &&
	    curl_multi_setopt(t->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) == CURLM_OK;
}

enum err_code
transport_new(int connections_max, struct transport **ret, struct err *e)
{
	struct transport *t;
	enum err_code rc;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_INTERNAL, "libcurl does not start");
	if ((t = calloc(1, sizeof(*t))) == NULL) {
		curl_global_cleanup();
		return err_set(e, ERR_NOMEM, "no memory for HTTP");
	}
	t->wake_fd = -1;
	t->connections_max = connections_max < 1 ? 1 : connections_max;
	queue_init(&t->waiting);
	queue_init(&t->done);
	if ((t->pool = calloc((size_t)t->connections_max, sizeof(CURL *))) == NULL || !multi_init(t)) {
		rc = err_set(e, ERR_NOMEM, "no memory for HTTP");
		goto out;
	}
	if ((t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1) {
		rc = err_set(e, ERR_IO, "eventfd: %s", strerror(errno));
		goto out;
	}
	*ret = t;
	t = NULL;
	rc = ERR_OK;
out:
	transport_free(t);
	return rc;
}

/* Takes a call out of the multi; its handle goes back into the pool, without any option.  Connections are the multi's and stay. */
static void
call_leave(struct transport *t, struct transport_call *c)
{
	(void)curl_multi_remove_handle(t->multi, c->easy);
	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	/* nothing in it may point at the call any more, nor keep its headers and answer */
	curl_easy_reset(c->easy);
	t->pool[t->pool_count++] = c->easy;
	c->easy = NULL;
	t->active--;
}

void
transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	while (t->running != NULL) {
		struct transport_call *c = t->running;

		call_leave(t, c);
		transport_call_free(c);
	}
	queue_free(&t->waiting);
	queue_free(&t->done);
	while (t->pool_count > 0)
		curl_easy_cleanup(t->pool[--t->pool_count]);
	free(t->pool);
	if (t->multi != NULL)
		(void)curl_multi_cleanup(t->multi);
	if (t->wake_fd != -1)
		(void)close(t->wake_fd);
	free(t);
	curl_global_cleanup();
}

static CURL *
pool_take(struct transport *t)
{
	return t->pool_count > 0 ? t->pool[--t->pool_count] : curl_easy_init();
}

/* Into the multi; a call that curl does not take is done already, and says so. */
static void
call_enter(struct transport *t, struct transport_call *c)
{
	if ((c->easy = pool_take(t)) == NULL)
		goto failed;
	if (!transport_call_setup(c) || curl_multi_add_handle(t->multi, c->easy) != CURLM_OK) {
		curl_easy_cleanup(c->easy);
		c->easy = NULL;
		goto failed;
	}
	t->active++;
	c->link = &t->running;
	if ((c->next = t->running) != NULL)
		c->next->link = &c->next;
	t->running = c;
	return;
failed:
	transport_call_fail(c, "no memory for a connection");
	queue_put(&t->done, c);
}

static void
start_waiting(struct transport *t)
{
	struct transport_call *c;

	while (t->active < t->connections_max && (c = queue_take(&t->waiting)) != NULL)
		call_enter(t, c);
}

enum err_code
transport_send(struct transport *t, const struct transport_request *r, transport_done *done, void *arg, struct err *e)
{
	struct transport_call *c;
	enum err_code rc;

	if ((rc = transport_call_new(r, &c, e)) != ERR_OK)
		return rc;
	c->done = done;
	c->arg = arg;
	t->in_flight++;
	queue_put(&t->waiting, c);
	start_waiting(t);
	return ERR_OK;
}

/* Moves what curl has finished into the queue of the done.  Is there anything to report? */
static bool
collect(struct transport *t)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(t->multi, &left)) != NULL) {
		struct transport_call *c = NULL;
		CURLcode result = m->data.result;	/* m dies with the handle's removal */

		if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c) != CURLE_OK)
			continue;
		transport_call_finish(c, result);
		call_leave(t, c);
		queue_put(&t->done, c);
	}
	start_waiting(t);
	return t->done.first != NULL;
}

/* A done may send and poll again: each call is out of every list before its turn comes. */
static void
report(struct transport *t)
{
	struct transport_call *c;

	while ((c = queue_take(&t->done)) != NULL) {
		t->in_flight--;
		c->done(c->arg, &c->reply);
		transport_call_free(c);
	}
}

static CURLMcode
work(struct transport *t, int64_t until_us)
{
	struct curl_waitfd wake = { .fd = t->wake_fd, .events = CURL_WAIT_POLLIN };
	bool last = false;
	CURLMcode mc;

	for (;;) {
		int64_t left_us;
		uint64_t woken;
		int running, ready = 0;

		if ((mc = curl_multi_perform(t->multi, &running)) != CURLM_OK || collect(t) || last)
			return mc;
		if ((left_us = until_us - clock_monotonic_us()) <= 0)
			return CURLM_OK;
		if ((mc = curl_multi_poll(t->multi, &wake, 1, (int)((left_us + 999) / 1000), &ready)) != CURLM_OK)
			return mc;
		/* nothing to read or write: a timer of curl's, the end of the wait, or EINTR, which curl does not tell apart */
		last = ready == 0;
		/* a handler that woke us has also interrupted the wait: its mark goes with it */
		if ((ready == 0 || wake.revents != 0) && read(t->wake_fd, &woken, sizeof(woken)) == sizeof(woken))
			last = true;
	}
}

enum err_code
transport_poll(struct transport *t, int timeout_ms, struct err *e)
{
	int wait_ms = timeout_ms < 0 ? 0 : timeout_ms < POLL_AT_MOST_MS ? timeout_ms : POLL_AT_MOST_MS;
	CURLMcode mc = CURLM_OK;

	if (!collect(t))
		mc = work(t, clock_monotonic_us() + (int64_t)wait_ms * 1000);
	report(t);
	if (mc != CURLM_OK)
		return err_set(e, mc == CURLM_OUT_OF_MEMORY ? ERR_NOMEM : ERR_INTERNAL, "HTTP: %s", curl_multi_strerror(mc));
	return ERR_OK;
}

void
transport_wakeup(const struct transport *t)
{
	int saved = errno;	/* a signal handler must not change it under its victim */
	uint64_t one = 1;

	if (write(t->wake_fd, &one, sizeof(one)) != sizeof(one))
		errno = saved;	/* full: it is awake */
	errno = saved;
}

int
transport_in_flight(const struct transport *t)
{
	return t->in_flight;
}
