#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/internal.h"

/* The media type without its parameters, compared as RFC 9110 8.3.1 says: letter case does not matter. */
static bool
media_type_is(const char *content_type, const char *expected)
{
	size_t len = strcspn(content_type, "; \t");

	return len == strlen(expected) && strncasecmp(content_type, expected, len) == 0;
}

/*
 * How long the body is (RFC 9112 6.3), and who asks, must have one answer only: what stands between a client and us might have chosen the other.
 */
struct framing {
	unsigned	lengths, authorizations;
	bool		strange;	/* a transfer coding that nobody here reads */
};

static enum MHD_Result
count_framing(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct framing *count = arg;

	(void)kind;
	if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0 && strcasecmp(value, "chunked") != 0)
		count->strange = true;
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 || strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0)
		count->lengths++;
	else if (strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0)
		count->authorizations++;
	return MHD_YES;
}

void
http_body_framing(struct http_request *r)
{
	struct framing count = { 0 };

	(void)MHD_get_connection_values(r->connection, MHD_HEADER_KIND, count_framing, &count);
	if (count.strange) {
		r->close = true;
		r->unreadable = true;
		(void)err_say(&r->refusal, ERR_BAD_REQUEST, "The only Transfer-Encoding that is read here is chunked. Send a Content-Length instead.");
	} else if (count.lengths > 1) {
		r->close = true;
		(void)err_say(&r->refusal, ERR_BAD_REQUEST,
		    "The request says more than once how long it is. Send one Content-Length and no Transfer-Encoding.");
	} else if (count.authorizations > 1) {
		(void)err_say(&r->refusal, ERR_BAD_REQUEST, "The request has two Authorization headers. Send one token.");
	}
}

static bool
media_type_allowed(const struct http_route *route, const char *content_type)
{
	if (content_type == NULL || *content_type == '\0' || route->media_types == NULL)
		return true;
	for (const char *const *type = route->media_types; *type != NULL; type++)
		if (media_type_is(content_type, *type))
			return true;
	return false;
}

static void
too_large(struct http_request *r)
{
	if (r->refusal.code == ERR_OK)
		(void)err_say(&r->refusal, ERR_TOO_LARGE, "The body is larger than the %zu bytes that this address takes.",
		    r->route->body_max);
}

void
http_body_announced(struct http_request *r)
{
	const char *length, *type;
	unsigned long long bytes;

	/* libmicrohttpd has checked the syntax; a chunked body has no length and is counted as it comes */
	length = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	bytes = r->body_announced = length != NULL ? strtoull(length, NULL, 10) : 0;
	if (r->refusal.code != ERR_OK || r->route->body_max == 0)
		return;
	type = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
	if (bytes > r->route->body_max)		/* a number too large for strtoull is ULLONG_MAX */
		too_large(r);
	else if (!media_type_allowed(r->route, type))
		(void)err_say(&r->refusal, ERR_MEDIA_TYPE,
		    "Send the body as %s, not as %.60s. With curl: -H 'Content-Type: %s' --data-binary @FILE.",
		    r->route->media_types[0], type, r->route->media_types[0]);
	else if (bytes > 0) {
		if ((r->body = malloc((size_t)bytes)) == NULL)
			(void)err_set(&r->refusal, ERR_NOMEM, "no memory for a body of %llu bytes", bytes);
		else
			r->body_room = (size_t)bytes;
	}
}

/* A chunked body: room by doubling, up to the route's limit. */
static bool
body_grow(struct http_request *r, size_t len)
{
	size_t room = r->body_room == 0 ? 1024 : r->body_room;
	uint8_t *body;

	while (room < len)
		room *= 2;
	if ((body = malloc(room)) == NULL)
		return false;
	/* not realloc: that could leave a copy of a secret behind */
	if (r->body_len > 0)
		memcpy(body, r->body, r->body_len);
	if (r->body != NULL)
		explicit_bzero(r->body, r->body_room);
	free(r->body);
	r->body = body;
	r->body_room = room;
	return true;
}

void
http_body_take(struct http_request *r, const char *piece, size_t len)
{
	r->body_seen += len;
	if (r->refusal.code != ERR_OK || r->route->body_max == 0)
		return;
	if (r->body_seen > r->route->body_max) {
		too_large(r);
		return;
	}
	if (r->body_room < r->body_len + len && !body_grow(r, r->body_len + len)) {
		(void)err_set(&r->refusal, ERR_NOMEM, "no memory for a body of %zu bytes", r->body_len + len);
		return;
	}
	memcpy(r->body + r->body_len, piece, len);
	r->body_len += len;
}
