#include "http/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"

/* One client that listens.  Made with its response, and freed with it; all members under the server's streams_mu. */
struct http_stream {
	struct http_server	*server;
	struct http_connection	*own_connection;
	struct MHD_Connection	*connection;
	bool			 over;			/* nothing more is sent */
	bool			 waits;			/* suspended: there is nothing to send */
	char			*now, *next;		/* what is being sent, and what comes behind it */
	size_t			 now_len, at, next_len;
	struct http_stream	*later, **place;
	_Alignas(max_align_t) unsigned char own[HTTP_STREAM_OWN_BYTES];
};

/* libmicrohttpd asks for more, on the worker. */
static ssize_t
stream_read(void *arg, uint64_t position, char *out, size_t room)
{
	struct http_stream *st = arg;
	struct http_server *s = st->server;
	ssize_t n = 0;

	(void)position;
	(void)pthread_mutex_lock(&s->streams_mu);
	if (st->at == st->now_len && st->next != NULL && !st->over) {
		free(st->now);
		st->now = st->next;
		st->now_len = st->next_len;
		st->at = 0;
		st->next = NULL;
	}
	if (s->streams_over || (st->over && st->at == st->now_len)) {
		n = MHD_CONTENT_READER_END_OF_STREAM;
	} else if (st->at < st->now_len) {
		n = (ssize_t)(st->now_len - st->at < room ? st->now_len - st->at : room);
		memcpy(out, st->now + st->at, (size_t)n);
		st->at += (size_t)n;
		http_connection_replies(st->own_connection);	/* so long it may take to read this */
	} else {
		st->waits = true;
		http_connection_works(st->own_connection);
		MHD_suspend_connection(st->connection);
	}
	(void)pthread_mutex_unlock(&s->streams_mu);
	return n;
}

static void
stream_free(void *arg)
{
	struct http_stream *st = arg;
	struct http_server *s = st->server;

	(void)pthread_mutex_lock(&s->streams_mu);
	*st->place = st->later;
	if (st->later != NULL)
		st->later->place = st->place;
	s->streams_count--;
	(void)pthread_mutex_unlock(&s->streams_mu);
	free(st->now);
	free(st->next);
	free(st);
}

/* A stream keeps its connection: most of them stay for those who come and go. */
static unsigned
places(const struct http_server *s)
{
	enum { SHARE = 4 };

	return s->config.connections_max / SHARE > 0 ? s->config.connections_max / SHARE : 1;
}

/* False: it has no place. */
static bool
stream_add(struct http_server *s, struct http_stream *st)
{
	bool has_place;

	(void)pthread_mutex_lock(&s->streams_mu);
	if ((has_place = s->streams_count < places(s))) {
		st->later = s->streams;
		st->place = &s->streams;
		if (st->later != NULL)
			st->later->place = &st->later;
		s->streams = st;
		s->streams_count++;
	}
	(void)pthread_mutex_unlock(&s->streams_mu);
	return has_place;
}

static void
refuse_for_want_of_place(struct http_request *r)
{
	struct err e;

	(void)err_say(&e, ERR_BUSY, "As many listen to this server as it has room for. Ask /v1/status now and then, or try again later.");
	http_reply_header(r, "Retry-After", "5");
	http_reply_problem(r, &e);
}

bool
http_stream_offered(struct http_request *r)
{
	if (http_stream_count(r->server) < places(r->server))
		return true;
	refuse_for_want_of_place(r);
	return false;
}

void
http_reply_stream(struct http_request *r, const char *content_type, char *first, size_t len, const void *own, size_t own_len)
{
	enum { BLOCK_BYTES = 4096 };
	struct MHD_Response *response;
	struct http_stream *st;

	if (r->is_head && first != NULL) {
		free(first);
		http_reply_head(r, content_type);
		return;
	}
	if (first == NULL || (st = calloc(1, sizeof(*st))) == NULL) {
		http_reply(r, 200, content_type, first, len);
		return;
	}
	st->server = r->server;
	st->own_connection = r->own_connection;
	st->connection = r->connection;
	st->now = first;
	st->now_len = len;
	assert(own_len <= sizeof(st->own));
	memcpy(st->own, own, own_len);
	if (!stream_add(r->server, st)) {
		free(st);
		free(first);
		refuse_for_want_of_place(r);
		return;
	}
	if ((response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, stream_read, st, stream_free)) == NULL)
		stream_free(st);
	http_reply_response(r, 200, content_type, response);
}

/* With streams_mu. */
static void
wake(struct http_stream *st)
{
	if (!st->waits)
		return;
	st->waits = false;
	MHD_resume_connection(st->connection);
}

void
http_stream_send(struct http_server *s, const char *text, size_t len)
{
	(void)pthread_mutex_lock(&s->streams_mu);
	for (struct http_stream *st = s->streams; st != NULL; st = st->later) {
		char *copy = malloc(len);

		/* without memory this one misses it */
		if (copy == NULL)
			continue;
		memcpy(copy, text, len);
		free(st->next);
		st->next = copy;
		st->next_len = len;
		wake(st);
	}
	(void)pthread_mutex_unlock(&s->streams_mu);
}

void
http_stream_judge(struct http_server *s, bool (*goes_on)(const void *own, void *arg), void *arg)
{
	(void)pthread_mutex_lock(&s->streams_mu);
	for (struct http_stream *st = s->streams; st != NULL; st = st->later) {
		if (st->over || goes_on(st->own, arg))
			continue;
		st->over = true;
		wake(st);
	}
	(void)pthread_mutex_unlock(&s->streams_mu);
}

unsigned
http_stream_count(struct http_server *s)
{
	unsigned count;

	(void)pthread_mutex_lock(&s->streams_mu);
	count = s->streams_count;
	(void)pthread_mutex_unlock(&s->streams_mu);
	return count;
}

void
http_streams_end(struct http_server *s)
{
	(void)pthread_mutex_lock(&s->streams_mu);
	s->streams_over = true;
	for (struct http_stream *st = s->streams; st != NULL; st = st->later) {
		/* who does not read its last words is cut: a stop waits for all of them */
		if (!st->waits)
			http_connection_ends(st->own_connection);
		wake(st);
	}
	(void)pthread_mutex_unlock(&s->streams_mu);
}
