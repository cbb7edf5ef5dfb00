#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "http/internal.h"
#include "http/tls_internal.h"

/* A bijection (splitmix64), so that ids are unique and do not tell how many there were. */
static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void
request_id(struct http_server *s, char out[HTTP_ID_BYTES])
{
	uint64_t id = mix(s->id_seed + atomic_fetch_add_explicit(&s->next_id, 1, memory_order_relaxed));
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(id >> (56 - 8 * i));
	hex_encode(bytes, sizeof(bytes), out);
}

static void
request_peer(struct http_request *r)
{
	const struct sockaddr_storage *peer = &r->own_connection->peer;
	const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;

	if (peer->ss_family == AF_INET)
		(void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, r->peer, sizeof(r->peer));
	else if (peer->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(in6))
		(void)inet_ntop(AF_INET, &in6->s6_addr[12], r->peer, sizeof(r->peer));
	else if (peer->ss_family == AF_INET6)
		(void)inet_ntop(AF_INET6, in6, r->peer, sizeof(r->peer));
}

static void
refuse_draining(struct http_request *r)
{
	(void)err_say(&r->refusal, ERR_DRAINING,
	    "The line server is stopping. Nothing was issued; send the same request again in a few seconds.");
}

/* What admit has nothing against keeps the refusal it had. */
static void
request_admit(struct http_request *r)
{
	struct err e;

	err_clear(&e);
	if (r->server->config.admit(r, r->server->config.app, &e) != ERR_OK)
		r->refusal = e;
}

static struct http_request *
request_new(struct http_server *s, struct MHD_Connection *c, const char *url, const char *method)
{
	struct http_connection *own = http_connection_of(c);
	struct http_request *r;

	if (own == NULL || (r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->server = s;
	r->connection = c;
	r->own_connection = own;
	r->started_us = clock_monotonic_us();
	request_id(s, r->id);
	(void)snprintf(r->url, sizeof(r->url), "%s", url);
	r->is_head = strcmp(method, "HEAD") == 0;
	atomic_fetch_add(&s->in_hand, 1);
	atomic_fetch_add_explicit(&s->requests, 1, memory_order_relaxed);
	http_route_find(r, url, method);
	if (r->route != NULL && atomic_load(&s->draining))
		refuse_draining(r);
	http_body_framing(r);
	if (s->config.admit != NULL)
		request_admit(r);
	http_body_announced(r);
	http_connection_reads_body(own);
	return r;
}

static void
request_free(struct http_request *r)
{
	if (r->body != NULL)
		explicit_bzero(r->body, r->body_room);
	free(r->body);
	free(r);
}

/* A refused body that is too long to be read off: answer now; libmicrohttpd then closes the connection. */
static bool
answer_unread(const struct http_request *r)
{
	return r->refusal.code != ERR_OK && (r->unreadable || r->body_announced > HTTP_DISCARD_BYTES);
}

static void
refuse_now(struct http_request *r, void *arg)
{
	(void)arg;
	if (r->refuse != NULL)
		r->refuse(r, &r->refusal);
	else
		http_reply_problem(r, &r->refusal);
}

void
http_refuse(struct http_request *r, const struct err *e)
{
	if (e != &r->refusal)
		r->refusal = *e;
	/* what was not read off cannot wait: libmicrohttpd would go on reading */
	if (e->code == ERR_TOO_MANY && !answer_unread(r) && !r->gone)
		http_hold(r, HTTP_HOLD_MS, refuse_now, NULL);
	else
		refuse_now(r, NULL);
}

static void
request_begin(struct http_request *r)
{
	struct http_server *s = r->server;

	/* counted before closed is looked at: http_server_drain sets it first and then waits for the count */
	atomic_fetch_add(&s->working, 1);
	if (r->refusal.code == ERR_OK && atomic_load(&s->closed))
		refuse_draining(r);
	if (r->refusal.code != ERR_OK) {
		http_refuse(r, &r->refusal);
	} else {
		r->handled = true;
		r->route->handle(r, s->config.app);
	}
}

static void
request_handle(struct http_request *r)
{
	switch (atomic_load(&r->phase)) {
	case PHASE_READING:
		http_connection_works(r->own_connection);
		atomic_store(&r->phase, PHASE_HANDLING);
		request_begin(r);
		break;
	case PHASE_RESUMED:
		atomic_store(&r->phase, PHASE_HANDLING);
		r->continuation(r, r->continuation_arg);
		break;
	case PHASE_HANDLING:
	case PHASE_SUSPENDED:
	case PHASE_REPLIED:
		break;
	}
}

static size_t
body_most(const struct http_request *r)
{
	return r->refusal.code == ERR_OK && r->route->body_max > HTTP_DISCARD_BYTES ? r->route->body_max : HTTP_DISCARD_BYTES;
}

enum MHD_Result
http_access(void *server, struct MHD_Connection *c, const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_len, void **request)
{
	struct http_request *r = *request;

	(void)version;
	if (r == NULL) {
		if ((r = request_new(server, c, url, method)) == NULL)
			return MHD_NO;
		*request = r;
		if (answer_unread(r))
			request_handle(r);
		return r->cut ? MHD_NO : MHD_YES;
	}
	if (*upload_len > 0) {
		http_body_take(r, upload, *upload_len);
		/* the connection's buffer is ours to overwrite, and may hold what should never have come */
		explicit_bzero((void *)(uintptr_t)upload, *upload_len);
		*upload_len = 0;
		/* a body without end: no answer is owed to it */
		return r->body_seen > body_most(r) ? MHD_NO : MHD_YES;
	}
	request_handle(r);
	return r->cut ? MHD_NO : MHD_YES;
}

void
http_completed(void *server, struct MHD_Connection *c, void **request, enum MHD_RequestTerminationCode why)
{
	struct http_server *s = server;
	struct http_request *r = *request;

	(void)why;
	if (r == NULL)
		return;
	*request = NULL;
	if (s->config.tls != NULL && !http_tls_uncork(c))
		(void)shutdown(r->own_connection->watched.fd, SHUT_RDWR);
	http_connection_reads_head(r->own_connection);
	if (atomic_load(&r->phase) == PHASE_RESUMED) {
		/* the client left in between: whoever waits for the continuation ends its work all the same */
		r->gone = true;
		request_handle(r);
	}
	request_free(r);
	atomic_fetch_sub(&s->in_hand, 1);
}

const char *
http_request_id(const struct http_request *r)
{
	return r->id;
}

const char *
http_request_argument(const struct http_request *r)
{
	return r->argument;
}

const char *
http_request_path(const struct http_request *r)
{
	return r->route->path;
}

void
http_request_peer_key(const struct http_request *r, uint8_t out[HTTP_PEER_KEY_BYTES])
{
	address_key(&r->own_connection->peer, out);
}

const struct http_route *
http_request_route(const struct http_request *r)
{
	return r->route;
}

bool
http_request_is_tls(const struct http_request *r)
{
	return r->server->config.tls != NULL;
}

bool
http_request_is_local(const struct http_request *r)
{
	return r->server->local;
}

bool
http_request_from_loopback(const struct http_request *r)
{
	return http_address_is_loopback(&r->own_connection->peer);
}

void *
http_request_own(struct http_request *r)
{
	return r->own;
}

void *
http_request_connection_own(struct http_request *r)
{
	return r->own_connection->own;
}

const char *
http_request_query(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *
http_request_header(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const uint8_t *
http_request_body(const struct http_request *r, size_t *ret_len)
{
	*ret_len = r->body_len;
	return r->body;
}

const char *
http_request_peer(const struct http_request *r)
{
	/* looked up only when somebody asks: not on the hot path */
	if (r->peer[0] == '\0')
		request_peer((struct http_request *)(uintptr_t)r);
	return r->peer;
}

int64_t
http_request_started_us(const struct http_request *r)
{
	return r->started_us;
}

void
http_request_wipe_body(struct http_request *r)
{
	if (r->body != NULL)
		explicit_bzero(r->body, r->body_room);
	r->body_len = 0;
}

bool
http_request_is_gone(const struct http_request *r)
{
	return r->gone;
}

unsigned
http_request_status(const struct http_request *r)
{
	return r->status;
}

bool
http_request_is_refused(const struct http_request *r)
{
	return r->refusal.code != ERR_OK;
}

bool
http_request_is_quiet(const struct http_request *r)
{
	return r->quiet;
}

void
http_request_set_quiet(struct http_request *r)
{
	r->quiet = true;
}

bool
http_request_wants_json(const struct http_request *r)
{
	const char *accept = http_request_header(r, MHD_HTTP_HEADER_ACCEPT);

	/* devices name one type or none; weighing q-values would help nobody */
	return accept != NULL && strcasestr(accept, "application/json") != NULL;
}
