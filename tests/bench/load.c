#include <sys/epoll.h>
#include <sys/resource.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/bench/load.h"

enum { EVENTS = 64 };

struct conn {
	struct wire	wire;
	size_t		request;	/* on the way */
	bool		sent;		/* false: hands are being shaken */
	int64_t		begun_at_us;
	size_t		have;		/* bytes of its answer */
	char		buf[LOAD_ANSWER_BYTES];
};

struct run {
	const struct load_target	*target;
	const struct dialect		*dialect;
	const struct requests		*requests;
	struct load_result		*result;
	int				 epoll;
	int64_t				 begun_us, end_us;	/* end_us 0: when all are answered */
	unsigned			 active;	/* connections that wait for something */
	size_t				 next, done;	/* requests begun, answered */
};

static void
conn_open(const struct run *r, struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	wire_connect(&r->target->wire, &c->wire);
	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->wire.fd, &ev) != 0)
		err(1, "epoll");
}

/* Sends the request as soon as hands are shaken. */
static void
conn_send(const struct run *r, struct conn *c)
{
	const struct requests *q = r->requests;
	size_t request = c->request % q->n;
	enum wire_state state;

	if ((state = wire_handshake(&c->wire)) == WIRE_DONE) {
		c->sent = true;
		state = wire_send(&c->wire, q->text + q->at[request], q->at[request + 1] - q->at[request]);
	}
	if (state == WIRE_END)
		errx(1, "the server closed a connection before its request was sent");
}

/* The next request, if there is one; on a connection of its own if so told. */
static void
conn_next(struct run *r, struct conn *c)
{
	if (r->next == r->result->n || (r->end_us != 0 && clock_monotonic_us() >= r->end_us)) {
		if (c->wire.fd != -1)
			wire_close(&c->wire);
		r->active--;
		return;
	}
	c->request = r->next++;
	c->have = 0;
	c->sent = false;
	c->begun_at_us = clock_monotonic_us();
	if (c->wire.fd == -1)
		conn_open(r, c);
	conn_send(r, c);
}

static uint64_t
hash_bytes(const char *p, size_t len)
{
	uint64_t h = 0xcbf29ce484222325;	/* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)p[i]) * 0x100000001b3;
	return h;
}

/* The place of a request in the sample, or samples. */
static size_t
sample_of(size_t request, size_t n, size_t samples)
{
	size_t i = request * samples / n;

	for (; i < samples && i * n / samples <= request; i++)
		if (i * n / samples == request)
			return i;
	return samples;
}

static void
answer_count(struct run *r, const struct conn *c, const struct answer *a)
{
	struct load_result *res = r->result;
	int64_t now_us = clock_monotonic_us();
	size_t i;

	res->latency_us[r->done++] = (uint32_t)(now_us - c->begun_at_us);
	if (r->done == r->target->mark)
		res->mark_us = now_us - r->begun_us;
	res->by_status[a->status > 0 && a->status < LOAD_STATUS_MAX ? a->status : 0]++;
	if (a->status == r->dialect->status_new && dialect_is_certificate(r->dialect, a))
		res->good++;
	if ((i = sample_of(c->request, res->n, res->samples)) < res->samples)
		res->sample_hash[i] = hash_bytes(a->body, a->body_len);
}

/* False: it is not whole yet. */
static bool
conn_answer(struct conn *c, struct answer *ret)
{
	size_t n;

	for (;;) {
		switch (wire_recv(&c->wire, c->buf + c->have, sizeof(c->buf) - c->have, &n)) {
		case WIRE_WAIT:
			return false;
		case WIRE_END:
			errx(1, "the server closed a connection that waits for its answer");
		case WIRE_DONE:
			break;
		}
		c->have += n;
		switch (answer_parse(c->buf, c->have, ret)) {
		case ANSWER_PART:
			if (c->have == sizeof(c->buf))
				errx(1, "an answer of more than %d bytes", LOAD_ANSWER_BYTES);
			break;
		case ANSWER_BROKEN:
			errx(1, "an answer that is not understood: %.60s", c->buf);
		case ANSWER_WHOLE:
			return true;
		}
	}
}

static void
conn_readable(struct run *r, struct conn *c)
{
	struct answer a;

	if (!c->sent) {
		conn_send(r, c);
		return;
	}
	if (!conn_answer(c, &a))
		return;
	answer_count(r, c, &a);
	if (a.last || r->target->fresh) {
		wire_close(&c->wire);
		r->result->reconnects += !r->target->fresh;
	}
	conn_next(r, c);
}

static void
run_loop(struct run *r)
{
	struct epoll_event ev[EVENTS];

	while (r->active > 0) {
		int n = epoll_wait(r->epoll, ev, EVENTS, LOAD_QUIET_MS);

		if (n < 0 && errno == EINTR)
			continue;	/* stopped and continued, as by a debugger */
		if (n < 0)
			err(1, "epoll");
		if (n == 0)
			errx(1, "no answer for %d s, %zu of %zu are there", LOAD_QUIET_MS / 1000, r->done, r->result->n);
		for (int i = 0; i < n; i++)
			conn_readable(r, ev[i].data.ptr);
	}
}

static int64_t
own_cpu_us(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static int
compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* A kept connection is made, and hands are shaken, before the clock runs. */
static void
conn_prepare(const struct run *r, struct conn *c)
{
	struct pollfd readable = { .events = POLLIN };
	enum wire_state state;

	c->wire.fd = -1;
	if (r->target->fresh)
		return;
	conn_open(r, c);
	readable.fd = c->wire.fd;
	while ((state = wire_handshake(&c->wire)) == WIRE_WAIT)
		if (poll(&readable, 1, LOAD_QUIET_MS) == 0)
			errx(1, "the server does not shake hands");
	if (state == WIRE_END)
		errx(1, "the server closed a connection that shakes hands");
}

void
load_run(const struct load_target *t, const struct dialect *d, const struct requests *req, struct load_result *ret)
{
	size_t total = t->total != 0 ? t->total : req->n;
	struct load_result res = { .n = total, .latency_us = calloc(total, sizeof(uint32_t)),
	    .samples = t->total != 0 ? 0 : total < LOAD_SAMPLE ? total : LOAD_SAMPLE };
	struct run r = { .target = t, .dialect = d, .requests = req, .result = &res, .epoll = epoll_create1(EPOLL_CLOEXEC),
	    .active = t->connections };
	struct conn *conns = calloc(t->connections, sizeof(*conns));
	int64_t cpu_us;

	if (res.latency_us == NULL || conns == NULL || r.epoll < 0)
		err(1, NULL);
	for (unsigned i = 0; i < t->connections; i++)
		conn_prepare(&r, &conns[i]);
	if (t->server != 0)
		process_use_get(t->server, &res.before);
	cpu_us = own_cpu_us();
	r.begun_us = clock_monotonic_us();
	if (t->limit_s != 0)
		r.end_us = r.begun_us + (int64_t)t->limit_s * 1000000;
	for (unsigned i = 0; i < t->connections; i++)
		conn_next(&r, &conns[i]);
	run_loop(&r);
	res.elapsed_us = clock_monotonic_us() - r.begun_us;
	res.driver_cpu_us = own_cpu_us() - cpu_us;
	if (t->server != 0)
		process_use_get(t->server, &res.after);

	(void)close(r.epoll);
	free(conns);
	res.n = r.done;
	qsort(res.latency_us, res.n, sizeof(*res.latency_us), compare_u32);
	*ret = res;
}

void
load_result_done(struct load_result *r)
{
	free(r->latency_us);
	r->latency_us = NULL;
}

size_t
load_ask_again(const struct load_target *t, const struct dialect *d, const struct requests *r,
    const struct load_result *first)
{
	size_t same = 0;

	for (size_t i = 0; i < first->samples; i++) {
		size_t request = i * r->n / first->samples;
		struct requests one = { .text = r->text, .at = r->at + request, .n = 1 };
		struct load_target alone = { .wire = t->wire, .connections = 1 };
		struct load_result res;

		load_run(&alone, d, &one, &res);
		if (res.by_status[d->status_again] == 1 && res.sample_hash[0] == first->sample_hash[i])
			same++;
		load_result_done(&res);
	}
	return same;
}
