/*
 * The HTTP server: libmicrohttpd behind a door.  The rest of the program sees routes, requests and replies.
 *
 * A request's handler runs on an HTTP worker thread once the whole body is there.  It must do exactly one of
 *   - reply: one call of http_reply or http_reply_problem, its last act on the request;
 *   - wait:  http_suspend, then give the request to another thread.  That thread calls http_resume as its
 *            last act; the continuation then runs on the worker again and must reply, also when the client has
 *            hung up meanwhile (the reply then goes nowhere).
 * A request belongs to its worker, except between http_suspend and http_resume.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct http_server;
struct http_request;

struct http_tls;	/* http/tls.h */

enum http_method { HTTP_GET, HTTP_POST, HTTP_PATCH, HTTP_DELETE, HTTP_METHODS };

const char	*http_method_name(enum http_method m);	/* "GET" */

struct http_route {
	enum http_method	 method;	/* HEAD is served by GET's handler */
	/* Segments are literal, "{}" (one non-empty segment, an argument) or "{}.pem" (an argument with that ending). */
	const char		*path;
	size_t			 body_max;	/* bytes; 0: a body is not read */
	const char *const	*media_types;	/* NULL-terminated; an absent Content-Type is always right; NULL: any */
	bool			 own_log;	/* the handler logs what became of the request */
	unsigned		 access;	/* the program's word for who may: config.admit reads it */
	void			(*handle)(struct http_request *, void *app);
	/* Replies to a request that was refused before its handler saw it; NULL: with a problem document. */
	void			(*refuse)(struct http_request *, const struct err *);
};

struct http_config {
	const char		*address;	/* numeric IPv4 or IPv6 */
	uint16_t		 port;		/* 0: the system picks one */
	unsigned		 threads;	/* workers, each with its own epoll */
	unsigned		 connections_max;
	unsigned		 connections_per_address;	/* 0: no limit */
	/* each of these times is at least 1 */
	unsigned		 idle_timeout_s;	/* from one answer to the whole head of the next request */
	unsigned		 head_s, body_s, reply_s;	/* to connect (TLS too) and send the first head; to send a body; to take an answer */
	bool			 limit_loopback;	/* connections_per_address counts for this machine's own too */
	struct http_tls		*tls;		/* NULL: plain HTTP.  Borrowed */
	const struct http_route	*routes;	/* the more literal route first */
	size_t			 routes_count;
	/*
	 * May this request be handled?  Called on the worker when its head was read, before its body: what it refuses is never read into
	 * memory.  Called also for those that are refused already.  NULL: every one may.
	 */
	enum err_code		(*admit)(struct http_request *, void *app, struct err *);
	/* Is this refusal, which no handler has seen, worth a line of the log?  NULL: every one is. */
	bool			(*may_log)(struct http_request *, void *app);
	void			*app;		/* handed to every handler */
};

enum { HTTP_HOLD_MS = 1000 };

/* Takes the port and starts the workers.  ERR_IO: the address or port cannot be had.  Borrows the configuration's tables. */
ERR_MUST_CHECK enum err_code	http_server_start(const struct http_config *, struct http_server **ret, struct err *e);
/* Opens the door: from here on requests are handled.  Once. */
ERR_MUST_CHECK enum err_code	http_server_accept(struct http_server *s, struct err *e);
uint16_t			http_server_port(const struct http_server *s);

/*
 * The end in order: takes no new connection, answers new requests with 503 "draining", waits at most wait_s
 * until everything held is answered, then closes.  Whoever resumes requests must still be at work.
 * http_server_free afterwards.
 */
void				http_server_drain(struct http_server *s, unsigned wait_s);
void				http_server_free(struct http_server *s);	/* takes NULL; drained before */

struct http_stats {
	unsigned	connections;
	uint64_t	requests;
	uint64_t	refused;	/* answered with a status of 400 or more */
	uint64_t	turned_away;	/* connections: their address had too many */
};
void				http_server_get_stats(const struct http_server *s, struct http_stats *ret);

/* ---- the request: read-only views, valid until the reply */

const char	*http_request_id(const struct http_request *r);		/* 16 hex digits, unique in this process */
const char	*http_request_argument(const struct http_request *r);	/* the {} of the route; "" if it has none */
const char	*http_request_path(const struct http_request *r);	/* the pattern of its route */
const char	*http_request_query(const struct http_request *r, const char *name);	/* decoded; NULL if absent */
const char	*http_request_header(const struct http_request *r, const char *name);	/* NULL if absent */
const uint8_t	*http_request_body(const struct http_request *r, size_t *ret_len);
const char	*http_request_peer(const struct http_request *r);		/* numeric address; IPv4 also where it came over IPv6 */
/* The same for limits: of IPv6 the network that one machine is given (64 bits). */
enum { HTTP_PEER_KEY_BYTES = 16 };
void		 http_request_peer_key(const struct http_request *r, uint8_t out[HTTP_PEER_KEY_BYTES]);
const struct http_route *http_request_route(const struct http_request *r);
bool		 http_request_is_tls(const struct http_request *r);
bool		 http_request_is_local(const struct http_request *r);	/* does the server listen to this machine alone? */
bool		 http_request_from_loopback(const struct http_request *r);	/* did it come from this machine? */

/* Memory for the program, zeroed: what admit found out, for the handler. */
enum { HTTP_OWN_BYTES = 256 };
void		*http_request_own(struct http_request *r);
/* The same for the connection: zeroed when it is opened, kept over its requests. */
enum { HTTP_CONNECTION_OWN_BYTES = 640 };
void		*http_request_connection_own(struct http_request *r);

/*
 * The certificates that the client showed in the TLS handshake, leaf first, as DER: at most max are filled in.  It has proved that it holds the
 * leaf's key; whether the chain is to be believed is not judged here.  0: none, or no TLS.  Lent until the reply.
 */
struct http_certificate { const uint8_t *der; size_t len; };
size_t		 http_request_certificates(struct http_request *r, struct http_certificate *out, size_t max);
int64_t		 http_request_started_us(const struct http_request *r);	/* monotonic, when its head was read */
/* Overwrites the body, here and in the connection's buffer: it held a secret. */
void		 http_request_wipe_body(struct http_request *r);

/* What becomes of this request is not logged: somebody who asks all the time fills no disk. */
void		 http_request_set_quiet(struct http_request *r);
bool		 http_request_is_quiet(const struct http_request *r);

/* For admit: is it refused already, by its address, its method or its head? */
bool		 http_request_is_refused(const struct http_request *r);

/* Does the client ask for JSON, by Accept: application/json? */
bool		 http_request_wants_json(const struct http_request *r);

/* ---- replies */

/*
 * A header of the reply to come.  The value is copied, the name lent.  Each reply has X-Content-Type-Options: nosniff and, where none was set here, Cache-Control:
 * no-store.
 */
void		http_reply_header(struct http_request *r, const char *name, const char *value);

/* body is malloced and is the server's from here on (NULL: no memory was left, and the client is told so). */
void		http_reply(struct http_request *r, unsigned status, const char *content_type, char *body, size_t len);

/* A body that lives as long as the program. */
void		http_reply_static(struct http_request *r, unsigned status, const char *content_type, const void *body, size_t len);

/* A body that is wiped when it was sent: it holds a secret.  Otherwise as http_reply. */
void		http_reply_secret(struct http_request *r, unsigned status, const char *content_type, char *body, size_t len);

/* What an error is to a client, in whatever form a door tells it. */
struct http_refusal {
	unsigned	 status;
	unsigned	 retry_s;	/* when trying again can help; 0: it cannot */
	const char	*code;		/* "batch_full"; what is no business of the client's is "internal" */
	const char	*title;
	const char	*detail;	/* a sentence to act on; lent by e or static */
};
void		http_refusal_of(const struct err *e, struct http_refusal *ret);

/*
 * Replies with an error in the form of the route's door.  ERR_TOO_MANY is told after HTTP_HOLD_MS: who asks in a loop is slowed down and nobody else.
 */
void		http_refuse(struct http_request *r, const struct err *e);

/* The problem document (RFC 9457) of an error. */
void		http_reply_problem(struct http_request *r, const struct err *e);

/*
 * The same in a door's own form: logs the error, and adds Retry-After, Allow and WWW-Authenticate (Bearer) where they belong and http_reply_header
 * has not set them.  body is malloced and the server's from here on; NULL: no memory.
 */
void		http_reply_refusal(struct http_request *r, const struct err *e, unsigned status, const char *content_type, char *body,
		    size_t len);

/* The status that goes with a code. */
unsigned	http_status(enum err_code code);

/* The status that was replied with, for the log of the handler that did so, before it returns; 0: not yet, or the client is gone. */
unsigned	http_request_status(const struct http_request *r);

/* ---- waiting */

void		http_suspend(struct http_request *r, void (*continuation)(struct http_request *, void *arg), void *arg);
void		http_resume(struct http_request *r);	/* any thread; r may be gone when this returns */

/*
 * Has the client hung up while the request was suspended?  Its continuation then runs a last time, may not suspend again, and its reply goes nowhere.  For
 * continuations that would suspend.
 */
bool		http_request_is_gone(const struct http_request *r);

/* Suspends, and goes on after so long; at once when the server stops. */
void		http_hold(struct http_request *r, unsigned ms, void (*continuation)(struct http_request *, void *arg), void *arg);

#endif
