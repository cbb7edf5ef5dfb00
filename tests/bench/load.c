#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/bench/load.h"

enum { EVENTS = 64 };

struct conn {
	int	fd;
	size_t	request;	/* on the way */
	int64_t	sent_at_us;
	size_t	have;		/* bytes of its answer */
	char	buf[LOAD_ANSWER_BYTES];
};

struct run {
	const struct load_target	*target;
	const struct dialect		*dialect;
	const struct requests		*requests;
	struct load_result		*result;
	int				 epoll;
	size_t				 next, done;	/* requests begun, answered */
};

static int
connect_to(const struct load_target *t)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *ai;
	int fd, on = 1;

	if (getaddrinfo(t->host, t->port, &hints, &ai) != 0)
		errx(1, "%s:%s: not a numeric address and port", t->host, t->port);
	if ((fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
	    connect(fd, ai->ai_addr, ai->ai_addrlen) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		err(1, "%s:%s", t->host, t->port);
	freeaddrinfo(ai);
	return fd;
}

static void
conn_watch(const struct run *r, struct conn *c, int op)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	if (epoll_ctl(r->epoll, op, c->fd, &ev) != 0)
		err(1, "epoll");
}

/* Sends the request whole: it is smaller than any socket's buffer, and nothing else is on the way. */
static void
conn_send(const struct run *r, struct conn *c, size_t request)
{
	size_t at = r->requests->at[request];
	size_t len = r->requests->at[request + 1] - at;

	c->request = request;
	c->have = 0;
	c->sent_at_us = clock_monotonic_us();
	if (send(c->fd, r->requests->text + at, len, MSG_NOSIGNAL) != (ssize_t)len)
		err(1, "send");
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
	size_t i;

	res->latency_us[r->done++] = (uint32_t)(clock_monotonic_us() - c->sent_at_us);
	res->by_status[a->status > 0 && a->status < LOAD_STATUS_MAX ? a->status : 0]++;
	if (a->status == r->dialect->status_new && dialect_is_certificate(r->dialect, a))
		res->good++;
	if ((i = sample_of(c->request, res->n, res->samples)) < res->samples)
		res->sample_hash[i] = hash_bytes(a->body, a->body_len);
}

static void
conn_readable(struct run *r, struct conn *c)
{
	struct answer a;
	ssize_t n = recv(c->fd, c->buf + c->have, sizeof(c->buf) - c->have, 0);

	if (n < 0)
		err(1, "recv");
	if (n == 0)
		errx(1, "the server closed a connection that waits for its answer");
	c->have += (size_t)n;
	switch (answer_parse(c->buf, c->have, &a)) {
	case ANSWER_PART:
		if (c->have == sizeof(c->buf))
			errx(1, "an answer of more than %d bytes", LOAD_ANSWER_BYTES);
		return;
	case ANSWER_BROKEN:
		errx(1, "an answer that is not understood: %.60s", c->buf);
	case ANSWER_WHOLE:
		break;
	}
	answer_count(r, c, &a);
	if (a.last) {
		(void)close(c->fd);
		c->fd = connect_to(r->target);
		conn_watch(r, c, EPOLL_CTL_ADD);
		r->result->reconnects++;
	}
	if (r->next < r->requests->n)
		conn_send(r, c, r->next++);
}

static void
run_loop(struct run *r)
{
	struct epoll_event ev[EVENTS];

	while (r->done < r->requests->n) {
		int n = epoll_wait(r->epoll, ev, EVENTS, LOAD_QUIET_MS);

		if (n < 0 && errno == EINTR)
			continue;	/* stopped and continued, as by a debugger */
		if (n < 0)
			err(1, "epoll");
		if (n == 0)
			errx(1, "no answer for %d s, %zu of %zu are there", LOAD_QUIET_MS / 1000, r->done, r->requests->n);
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

void
load_run(const struct load_target *t, const struct dialect *d, const struct requests *req, struct load_result *ret)
{
	struct load_result res = { .n = req->n, .latency_us = calloc(req->n, sizeof(uint32_t)),
	    .samples = req->n < LOAD_SAMPLE ? req->n : LOAD_SAMPLE };
	struct run r = { .target = t, .dialect = d, .requests = req, .result = &res, .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct conn *conns = calloc(t->connections, sizeof(*conns));
	int64_t begun_us, cpu_us;

	if (res.latency_us == NULL || conns == NULL || r.epoll < 0)
		err(1, NULL);
	for (unsigned i = 0; i < t->connections; i++) {
		conns[i].fd = connect_to(t);
		conn_watch(&r, &conns[i], EPOLL_CTL_ADD);
	}
	cpu_us = own_cpu_us();
	begun_us = clock_monotonic_us();
	for (unsigned i = 0; i < t->connections && r.next < req->n; i++)
		conn_send(&r, &conns[i], r.next++);
	run_loop(&r);
	res.elapsed_us = clock_monotonic_us() - begun_us;
	res.driver_cpu_us = own_cpu_us() - cpu_us;

	for (unsigned i = 0; i < t->connections; i++)
		(void)close(conns[i].fd);
	(void)close(r.epoll);
	free(conns);
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
		struct load_target alone = { .host = t->host, .port = t->port, .connections = 1 };
		struct load_result res;

		load_run(&alone, d, &one, &res);
		if (res.by_status[d->status_again] == 1 && res.sample_hash[0] == first->sample_hash[i])
			same++;
		load_result_done(&res);
	}
	return same;
}
