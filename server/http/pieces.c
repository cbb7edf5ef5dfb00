#include "http/pieces.h"

#include <stdlib.h>
#include <string.h>

#include "http/internal.h"

struct pieces {
	struct http_connection	*own_connection;
	char			*(*more)(void *arg, size_t *ret_len);
	void			(*done)(void *arg);
	void			*arg;
	char			*now;
	size_t			 len, at;
};

static _Thread_local bool cut;

void
http_pieces_cut(void)
{
	cut = true;
}

static ssize_t
pieces_read(void *arg, uint64_t position, char *out, size_t room)
{
	struct pieces *p = arg;
	size_t n;

	(void)position;
	if (p->at == p->len) {
		free(p->now);
		p->at = p->len = 0;
		cut = false;
		if ((p->now = p->more(p->arg, &p->len)) == NULL)
			return cut ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
		http_connection_replies(p->own_connection);	/* so long it may take to read this one */
	}
	n = p->len - p->at < room ? p->len - p->at : room;
	memcpy(out, p->now + p->at, n);
	p->at += n;
	return (ssize_t)n;
}

static void
pieces_free(void *arg)
{
	struct pieces *p = arg;

	free(p->now);
	p->done(p->arg);
	free(p);
}

void
http_reply_pieces(struct http_request *r, const char *content_type, char *(*more)(void *, size_t *), void (*done)(void *), void *arg)
{
	enum { BLOCK_BYTES = 32 * 1024 };
	struct MHD_Response *response;
	struct pieces *p = NULL;

	if (r->is_head || (p = calloc(1, sizeof(*p))) == NULL) {
		done(arg);
		if (r->is_head)
			http_reply_head(r, content_type);
		else
			http_reply(r, 200, content_type, NULL, 0);
		return;
	}
	*p = (struct pieces){ .own_connection = r->own_connection, .more = more, .done = done, .arg = arg };
	if ((response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, pieces_read, p, pieces_free)) == NULL)
		pieces_free(p);
	http_reply_response(r, 200, content_type, response);
}
