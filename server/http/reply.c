#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/internal.h"
#include "http/tls_internal.h"

void
http_reply_header(struct http_request *r, const char *name, const char *value)
{
	assert(r->headers_count < HTTP_HEADERS_MAX);
	r->headers[r->headers_count].name = name;
	(void)snprintf(r->headers[r->headers_count].value, sizeof(r->headers[0].value), "%s", value);
	r->headers_count++;
}

bool
http_reply_has_header(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->headers_count; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return true;
	return false;
}

/* What nobody else logs: refusals, and at level debug the rest. */
static void
reply_log(const struct http_request *r)
{
	struct log_line l;

	log_begin(&l, r->status >= 400 ? LOG_INFO : LOG_DEBUG, "http");
	log_text(&l, "request", r->id);
	log_text(&l, "peer", http_request_peer(r));
	log_text(&l, "path", r->url);
	log_number(&l, "status", r->status);
	log_text(&l, "code", r->refusal.code != ERR_OK ? err_name(r->refusal.code) : NULL);
	log_text(&l, "message", r->refusal.code != ERR_OK ? r->refusal.log_text : NULL);
	log_number(&l, "total_us", clock_monotonic_us() - r->started_us);
	log_end(&l);
}

static void
replied(struct http_request *r)
{
	atomic_store(&r->phase, PHASE_REPLIED);
	atomic_fetch_sub(&r->server->working, 1);
}

/* What is told here is the line's, and of this moment: no browser and no proxy keeps it, or takes it for something else, where its route does not say so. */
static enum MHD_Result
add_headers(const struct http_request *r, struct MHD_Response *response)
{
	enum MHD_Result ok = MHD_add_response_header(response, "X-Request-Id", r->id);

	for (size_t i = 0; ok == MHD_YES && i < r->headers_count; i++)
		ok = MHD_add_response_header(response, r->headers[i].name, r->headers[i].value);
	if (ok == MHD_YES && !http_reply_has_header(r, MHD_HTTP_HEADER_CACHE_CONTROL))
		ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	return ok == MHD_YES ? MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") : ok;
}

static void
reply_queue(struct http_request *r, unsigned status, const char *content_type, struct MHD_Response *response, size_t body_len)
{
	enum MHD_Result ok = MHD_YES;

	assert(atomic_load(&r->phase) != PHASE_REPLIED);
	if (response == NULL)
		goto cut;
	if (r->gone) {
		MHD_destroy_response(response);
		replied(r);
		return;
	}
	if (content_type != NULL)
		ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	if (ok == MHD_YES)
		ok = add_headers(r, response);
	if (ok == MHD_YES && (r->close || atomic_load_explicit(&r->server->draining, memory_order_relaxed)))
		ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (r->server->config.tls != NULL)
		http_tls_cork(r->connection, body_len);
	if (ok == MHD_YES)
		ok = MHD_queue_response(r->connection, status, response);
	MHD_destroy_response(response);
	if (ok != MHD_YES)
		goto cut;
	r->status = status;
	http_connection_replies(r->own_connection);
	replied(r);
	if (status >= 400)
		atomic_fetch_add_explicit(&r->server->refused, 1, memory_order_relaxed);
	if (!r->handled && status >= 400 && r->server->config.may_log != NULL && !r->server->config.may_log(r, r->server->config.app))
		r->quiet = true;
	if (!r->quiet && (!r->handled || !r->route->own_log))
		reply_log(r);
	return;
cut:
	/* without memory there is no reply; http_access then has libmicrohttpd close the connection */
	r->cut = true;
	log_event(LOG_ERROR, "http", "request %s: no memory for a reply", r->id);
	replied(r);
}

void
http_reply(struct http_request *r, unsigned status, const char *content_type, char *body, size_t len)
{
	struct MHD_Response *response;

	if (body == NULL) {
		struct err e;

		(void)err_set(&e, ERR_NOMEM, "no memory for a reply");
		http_reply_problem(r, &e);
		return;
	}
	if ((response = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE)) == NULL)
		free(body);
	reply_queue(r, status, content_type, response, len);
}

/* libmicrohttpd is done with the body of a secret reply; arg says how long it is. */
struct secret {
	size_t	len;
	char	body[];
};

static void
secret_free(void *arg)
{
	struct secret *secret = arg;

	explicit_bzero(secret, sizeof(*secret) + secret->len);
	free(secret);
}

void
http_reply_secret(struct http_request *r, unsigned status, const char *content_type, char *body, size_t len)
{
	struct MHD_Response *response = NULL;
	struct secret *secret = NULL;

	if (body != NULL && (secret = malloc(sizeof(*secret) + len)) != NULL) {
		secret->len = len;
		memcpy(secret->body, body, len);
		response = MHD_create_response_from_buffer_with_free_callback_cls(len, secret->body, secret_free, secret);
		if (response == NULL)
			secret_free(secret);
	}
	if (body != NULL) {
		explicit_bzero(body, len);
		free(body);
	}
	if (response == NULL)
		http_reply(r, status, content_type, NULL, 0);
	else
		reply_queue(r, status, content_type, response, len);
}

void
http_reply_static(struct http_request *r, unsigned status, const char *content_type, const void *body, size_t len)
{
	reply_queue(r, status, content_type,
	    MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT), len);
}

void
http_reply_response(struct http_request *r, unsigned status, const char *content_type, struct MHD_Response *response)
{
	reply_queue(r, status, content_type, response, SIZE_MAX);
}

/* A body that is over before it has begun; nobody asks for it. */
static ssize_t
no_body(void *arg, uint64_t position, char *out, size_t room)
{
	(void)arg;
	(void)position;
	(void)out;
	(void)room;
	return MHD_CONTENT_READER_END_OF_STREAM;
}

void
http_reply_head(struct http_request *r, const char *content_type)
{
	enum { BLOCK_BYTES = 64 };
	struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, no_body, NULL, NULL);

	/* as to HTTP/1.0, which ends the connection: libmicrohttpd 0.9.75 sends the last chunk of a chunked body also behind a head that has none */
	if (response != NULL && MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END) != MHD_YES) {
		MHD_destroy_response(response);
		response = NULL;
	}
	http_reply_response(r, 200, content_type, response);
}

void
http_suspend(struct http_request *r, void (*continuation)(struct http_request *, void *), void *arg)
{
	assert(atomic_load(&r->phase) == PHASE_HANDLING && !r->gone);
	r->continuation = continuation;
	r->continuation_arg = arg;
	atomic_store(&r->phase, PHASE_SUSPENDED);
	MHD_suspend_connection(r->connection);
}

static void
hold_over(struct watch_hold *hold)
{
	http_resume((struct http_request *)(void *)((char *)hold - offsetof(struct http_request, hold)));
}

void
http_hold(struct http_request *r, unsigned ms, void (*continuation)(struct http_request *, void *), void *arg)
{
	http_suspend(r, continuation, arg);
	r->hold.wake = hold_over;
	watch_hold(r->server->watch, &r->hold, (int64_t)ms * 1000);
}

void
http_resume(struct http_request *r)
{
	struct MHD_Connection *c = r->connection;

	assert(atomic_load(&r->phase) == PHASE_SUSPENDED);
	atomic_store(&r->phase, PHASE_RESUMED);
	MHD_resume_connection(c);	/* r may be gone from here on */
}
