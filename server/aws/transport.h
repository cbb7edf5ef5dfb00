/*
 * HTTP to the outside: libcurl's multi interface, and the only file that knows curl.  TLS is always verified, redirects are
 * never followed, answers are bounded, every call ends.  Connections are kept.  Proxies by libcurl's variables (https_proxy,
 * no_proxy ...).  Plain http goes to this machine and to link-local addresses only, and never through a proxy.  One thread.
 *
 * A kept connection that the server has closed meanwhile is replaced and the request sent again (RFC 9112 9.3.1), so a call may
 * reach the server twice: operations must bear that.
 */
#ifndef AWS_TRANSPORT_H
#define AWS_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct transport;

struct transport_request {
	const char		*method;
	const char		*url;
	const char *const	*headers;	/* "Name: value", NULL at the end */
	const void		*body;
	size_t			 body_len;
	bool			 has_body;	/* false: none; PUT and POST then say Content-Length: 0 */
	int			 timeout_ms;	/* for the whole call, without its wait for a connection; 0: 60 s */
	int			 connect_timeout_ms;	/* 0: 10 s */
	const char		*ca_bundle;	/* a PEM file instead of the system's store; NULL or "": that one */
	bool			 no_proxy;	/* link-local services: never through a proxy */
};

enum transport_result {
	TRANSPORT_ANSWERED,	/* an HTTP answer, whatever its status */
	TRANSPORT_NOT_SENT,	/* no connection: the call cannot have taken effect */
	TRANSPORT_LOST,		/* sent, and no whole answer came: it may have taken effect */
	TRANSPORT_UNTRUSTED,	/* the server's certificate does not verify, or the CA bundle cannot be read: nothing was sent */
	TRANSPORT_TOO_LARGE	/* the answer is longer than LIMIT_AWS_ANSWER_BYTES; it may have taken effect */
};

struct transport_reply {
	enum transport_result	 result;
	const char		*text;		/* what went wrong, for people; "" when ANSWERED */
	int			 status;
	const char		*body;		/* NUL-terminated; "" if empty */
	size_t			 body_len;
	/* headers, "" when absent */
	const char		*error_type;	/* x-amzn-ErrorType */
	const char		*request_id;	/* x-amzn-RequestId */
	const char		*content_type;
	const char		*date;
	const char		*retry_after;
};

/* The reply is lent for the call.  May send further requests; must not free the transport. */
typedef void	transport_done(void *arg, const struct transport_reply *reply);

/* connections_max: calls at once, and connections kept; more calls than that wait in the transport, first come, first served. */
ERR_MUST_CHECK enum err_code	transport_new(int connections_max, struct transport **ret, struct err *e);
void				transport_free(struct transport *t);	/* drops what is in flight, callbacks are not called; takes NULL */

/*
 * Starts a call; everything in r is copied.  done is called from transport_poll, exactly once unless the transport is freed.
 * ERR_CONFIG: no URL, or plain http to elsewhere.  ERR_INTERNAL: control characters in a header.  ERR_NOMEM.
 */
ERR_MUST_CHECK enum err_code	transport_send(struct transport *t, const struct transport_request *r, transport_done *done,
				    void *arg, struct err *e);

/*
 * Works for at most timeout_ms, and never longer than 100 ms at once, so that a caller sees what a signal handler noted.  Returns
 * as soon as at least one call is done (all that are done are reported), a signal came, or transport_wakeup was called; may return
 * earlier.  Sleeps also when nothing is in flight.  May be called from a transport_done.
 */
ERR_MUST_CHECK enum err_code	transport_poll(struct transport *t, int timeout_ms, struct err *e);

/* Ends the wait of transport_poll, or the next one.  From any thread, and from a signal handler (one write(2) to an eventfd). */
void				transport_wakeup(const struct transport *t);

/* Calls whose transport_done is still to come. */
int				transport_in_flight(const struct transport *t);

#endif
