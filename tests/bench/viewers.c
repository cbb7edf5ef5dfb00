#include <sys/epoll.h>
#include <sys/resource.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/bench/viewers.h"

enum {
	EVENTS = 64,
	TICK_MS = 50,			/* how late a request may begin */
	HEAD_BYTES = 4096,
	/* web/app.js: sessionMs; web/js/live.js: quietMs, and how often it looks */
	SESSION_US = 15 * 1000 * 1000,
	QUIET_US = 2 * 1000 * 1000,
	QUIET_LOOK_US = 1000 * 1000,
	FIRST_MS = 10 * 1000,
	PATHS = 3, PATH_BYTES = 200
};

static const char event_mark[] = "event: status\n";
static const char browser[] = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: de-DE,de;q=0.9,en;q=0.8\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n"
    "sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\"\r\nsec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\n"
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nX-Refresh: 1\r\n";

/* What each view polls, and how often: web/js/upload.js, web/js/batches.js. */
static const struct {
	const char	*name;
	int64_t		 every_us;	/* 0: nothing */
	unsigned	 paths;
	const char	*path[PATHS];	/* %s: the batch */
} views[] = {
	[VIEWERS_LINE] = { "line", 0, 0, { NULL } },
	[VIEWERS_UPLOAD] = { "upload", 3 * 1000 * 1000, 1, { "/v1/uploads" } },
	[VIEWERS_BATCH] = { "batch", 5 * 1000 * 1000, 3, { "/v1/batches/%s", "/v1/certificates?batch=%s&limit=20", "/v1/events?object=%s&limit=100" } },
};

struct page;

/* A connection, made when something is asked: its answer's head, then so many octets of body. */
struct end {
	struct page	*page;
	struct wire	 wire;
	bool		 is_stream, busy;
	char		 head[HEAD_BYTES];
	size_t		 head_len;
	bool		 in_body;
	size_t		 left;
	char		 tail[sizeof(event_mark)];	/* the last octets, without the NUL: a mark may come in two pieces */
	size_t		 tail_len;
};

struct page {
	struct end	stream, asking;
	int64_t		session_at_us, look_at_us, view_at_us;	/* when it asks next */
	int64_t		heard_us;
	bool		session, quiet;		/* to be asked as soon as the connection is free */
	bool		asks_alive;		/* what is being asked is whether the server lives */
	unsigned	view_left;		/* paths of the view that are still to be asked */
	bool		has_event;
};

struct viewers {
	const struct viewers_target	*target;
	struct page			*pages;
	int				 epoll;
	unsigned			 ready;		/* pages that had a snapshot */
	struct viewers_result		 result;
};

bool
viewers_view_find(const char *name, enum viewers_view *ret)
{
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		if (strcmp(views[i].name, name) == 0) {
			*ret = (enum viewers_view)i;
			return true;
		}
	}
	return false;
}

static void
end_open(struct viewers *v, struct end *d)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = d };

	wire_connect(&v->target->wire, &d->wire);
	if (epoll_ctl(v->epoll, EPOLL_CTL_ADD, d->wire.fd, &ev) != 0)
		err(1, "epoll");
}

static void
end_ask(struct viewers *v, struct end *d, const char *path)
{
	char text[2048];
	int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: keep-alive\r\nAccept: %s\r\n%sReferer: http://%s:%s/\r\n\r\n", path,
	    v->target->wire.host, v->target->wire.port, d->is_stream ? "text/event-stream" : "application/json", browser, v->target->wire.host,
	    v->target->wire.port);

	if (d->wire.fd == -1)
		end_open(v, d);
	d->busy = true;
	d->in_body = false;
	d->head_len = 0;
	if (wire_send(&d->wire, text, (size_t)n) != WIRE_DONE)
		errx(1, "the server closed a page's connection");
	v->result.asked += !d->is_stream;
}

/* The next of what the page wants to know. */
static void
page_ask(struct viewers *v, struct page *p)
{
	const enum viewers_view view = v->target->view;
	char path[PATH_BYTES];

	if (p->asking.busy)
		return;
	p->asks_alive = !p->session && p->quiet;
	if (p->session) {
		p->session = false;
		end_ask(v, &p->asking, "/v1/session");
	} else if (p->quiet) {
		p->quiet = false;
		v->result.late++;
		end_ask(v, &p->asking, "/healthz");
	} else if (p->view_left > 0) {
		const char *pattern = views[view].path[views[view].paths - p->view_left--], *hole = strstr(pattern, "%s");

		if (hole == NULL)
			(void)snprintf(path, sizeof(path), "%s", pattern);
		else
			(void)snprintf(path, sizeof(path), "%.*s%s%s", (int)(hole - pattern), pattern, v->target->batch, hole + 2);
		end_ask(v, &p->asking, path);
	}
}

static void
page_look(struct viewers *v, struct page *p, int64_t now_us)
{
	const enum viewers_view view = v->target->view;

	if (now_us >= p->session_at_us) {
		p->session_at_us += SESSION_US;
		p->session = true;
	}
	if (now_us >= p->look_at_us) {
		p->look_at_us += QUIET_LOOK_US;
		p->quiet = now_us - p->heard_us >= QUIET_US;
	}
	if (views[view].every_us != 0 && now_us >= p->view_at_us) {
		p->view_at_us += views[view].every_us;
		p->view_left = views[view].paths;
	}
	page_ask(v, p);
}

/* ---- what comes */

static void
stream_count(struct viewers *v, struct end *d, const char *text, size_t len)
{
	enum { MARK = sizeof(event_mark) - 1 };
	size_t keep, n = len < MARK - 1 ? len : MARK - 1, events = 0;
	char joint[2 * MARK];
	const char *at;

	memcpy(joint, d->tail, d->tail_len);
	memcpy(joint + d->tail_len, text, n);
	/* what begins behind the tail is whole in what came now */
	at = memmem(joint, d->tail_len + n, event_mark, MARK);
	if (at != NULL && at < joint + d->tail_len)
		events++;
	for (at = text; (at = memmem(at, (size_t)(text + len - at), event_mark, MARK)) != NULL; at += MARK)
		events++;
	keep = d->tail_len + n < MARK - 1 ? d->tail_len + n : MARK - 1;
	memcpy(d->tail, len >= MARK - 1 ? text + len - keep : joint + d->tail_len + n - keep, keep);
	d->tail_len = keep;
	if (events == 0)
		return;
	v->result.events += events;
	d->page->heard_us = clock_monotonic_us();
	v->ready += !d->page->has_event;
	d->page->has_event = true;
}

/* The head is whole: how much comes behind it. */
static void
head_read(struct end *d, const char *head_end)
{
	const char *length = strcasestr(d->head, "\r\nContent-Length:");

	if (strncmp(d->head, "HTTP/1.1 200 ", 13) != 0)
		errx(1, "a page was answered %.*s", (int)strcspn(d->head, "\r\n"), d->head);
	if (!d->is_stream && (length == NULL || length > head_end))
		errx(1, "a page's answer has no Content-Length");
	d->left = d->is_stream ? SIZE_MAX : strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
	d->in_body = true;
}

static void
body_take(struct viewers *v, struct end *d, const char *text, size_t len)
{
	if (d->is_stream) {
		stream_count(v, d, text, len);
		return;
	}
	if (len > d->left)
		errx(1, "a page was told more than it asked");
	d->left -= len;
	if (d->left > 0)
		return;
	d->busy = false;
	if (d->page->asks_alive)
		d->page->heard_us = clock_monotonic_us();
	page_ask(v, d->page);
}

static void
end_readable(struct viewers *v, struct end *d)
{
	static char text[256 * 1024];
	const char *head_end;
	enum wire_state state;
	size_t n, before, head;

	while ((state = wire_recv(&d->wire, text, sizeof(text), &n)) == WIRE_DONE) {
		v->result.bytes += n;
		if (d->in_body) {
			body_take(v, d, text, n);
			continue;
		}
		before = d->head_len;
		head = n < HEAD_BYTES - 1 - before ? n : HEAD_BYTES - 1 - before;
		memcpy(d->head + before, text, head);
		d->head_len += head;
		d->head[d->head_len] = '\0';
		if ((head_end = strstr(d->head, "\r\n\r\n")) == NULL) {
			if (head < n)
				errx(1, "a head of more than %d bytes", HEAD_BYTES);
			continue;
		}
		head_read(d, head_end);
		head = (size_t)(head_end + 4 - d->head) - before;
		body_take(v, d, text + head, n - head);
	}
	if (state == WIRE_END && d->busy)
		errx(1, "the server ended a page's %s", d->is_stream ? "stream" : "connection");
	if (state == WIRE_END)
		wire_close(&d->wire);	/* it was kept long enough */
}

/* False: standard input has ended. */
static bool
look_around(struct viewers *v)
{
	struct epoll_event ev[EVENTS];
	int64_t now_us;
	int n = epoll_wait(v->epoll, ev, EVENTS, TICK_MS);
	char byte;

	if (n < 0 && errno != EINTR)
		err(1, "epoll");
	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr != NULL)
			end_readable(v, ev[i].data.ptr);
		else if (read(STDIN_FILENO, &byte, 1) <= 0)
			return false;
	}
	now_us = clock_monotonic_us();
	for (unsigned i = 0; i < v->target->pages; i++)
		page_look(v, &v->pages[i], now_us);
	return true;
}

static int64_t
own_cpu_us(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

/* Pages are not opened all at one moment: what they ask is spread over its period. */
static void
page_open(struct viewers *v, unsigned i)
{
	const int64_t now_us = clock_monotonic_us(), part = i + 1, whole = v->target->pages;
	struct page *p = &v->pages[i];

	p->heard_us = now_us;
	p->session_at_us = now_us + SESSION_US * part / whole;
	p->look_at_us = now_us + QUIET_LOOK_US * part / whole;
	p->view_at_us = now_us + views[v->target->view].every_us * part / whole;
	p->stream = (struct end){ .page = p, .wire.fd = -1, .is_stream = true };
	p->asking = (struct end){ .page = p, .wire.fd = -1 };
	end_ask(v, &p->stream, "/v1/live");
}

void
viewers_run(const struct viewers_target *t, struct viewers_result *ret)
{
	struct viewers v = { .target = t, .pages = calloc(t->pages, sizeof(*v.pages)), .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	int64_t begun_us = clock_monotonic_us(), cpu_us;

	if (v.pages == NULL || v.epoll < 0 || epoll_ctl(v.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &ev) != 0)
		err(1, "standard input, which is to be a pipe");
	for (unsigned i = 0; i < t->pages; i++)
		page_open(&v, i);
	while (v.ready < t->pages) {
		if (clock_monotonic_us() - begun_us > FIRST_MS * 1000 || !look_around(&v))
			errx(1, "%u of %u pages had a snapshot", v.ready, t->pages);
	}
	(void)puts("connected");
	(void)fflush(stdout);
	v.result = (struct viewers_result){ 0 };
	begun_us = clock_monotonic_us();
	cpu_us = own_cpu_us();
	while (look_around(&v))
		;
	v.result.elapsed_us = clock_monotonic_us() - begun_us;
	v.result.cpu_us = own_cpu_us() - cpu_us;
	for (unsigned i = 0; i < t->pages; i++) {
		wire_close(&v.pages[i].stream.wire);
		if (v.pages[i].asking.wire.fd != -1)
			wire_close(&v.pages[i].asking.wire);
	}
	(void)close(v.epoll);
	free(v.pages);
	*ret = v.result;
}
