/* What the files of this folder share.  Nobody else includes it. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "http/http.h"

enum {
	HTTP_ID_BYTES = 16 + 1,
	HTTP_ARGUMENT_BYTES = 256,
	HTTP_PEER_BYTES = 64,
	HTTP_HEADERS_MAX = 4
};

struct http_server {
	struct http_config	 config;
	struct MHD_Daemon	*daemon;
	int			 listen_fd;
	int			 stop_fd;	/* eventfd: ends the acceptor */
	uint16_t		 port;
	pthread_t		 acceptor;
	bool			 accepting;
	uint64_t		 id_seed;	/* request ids of two runs differ */
	_Atomic uint64_t	 next_id;
	atomic_bool		 draining;
	atomic_uint		 connections;	/* accepted and not yet closed */
	atomic_uint		 in_hand;	/* requests between their head and the end of their reply */
	atomic_uint		 suspended;	/* of these, those between http_suspend and their continuation */
	atomic_uint		 handling;	/* of these, those whose handler runs at this moment */
	atomic_bool		 closed;	/* no handler is begun any more */
	_Atomic uint64_t	 requests;
	_Atomic uint64_t	 refused;
};

/*
 * The life of a request, all on one worker:
 *
 *   READING -> HANDLING -> REPLIED
 *                |   ^
 *                v   |
 *            SUSPENDED -> RESUMED (set by the other thread before it resumes)
 */
enum http_phase { PHASE_READING, PHASE_HANDLING, PHASE_SUSPENDED, PHASE_RESUMED, PHASE_REPLIED };

struct http_request {
	struct http_server	*server;
	struct MHD_Connection	*connection;
	const struct http_route	*route;		/* NULL: refusal says why */
	_Atomic enum http_phase	 phase;
	struct err		 refusal;	/* by the head or the body's size: told when the body was read off; or by the handler */
	char			 id[HTTP_ID_BYTES];
	char			 argument[HTTP_ARGUMENT_BYTES];
	char			 allow[32];	/* for 405 */
	char			 url[96];	/* for the log; cut */
	char			 peer[HTTP_PEER_BYTES];
	bool			 is_head;
	bool			 handled;	/* the route's handler has seen it */
	bool			 cut;		/* no reply could be made: the connection is closed without one */
	bool			 gone;		/* the client hung up while the request was suspended */
	int64_t			 started_us;
	uint8_t			*body;
	size_t			 body_len, body_room;
	size_t			 body_seen;	/* also what was thrown away */
	unsigned long long	 body_announced;	/* Content-Length; 0: none */
	unsigned		 status;	/* of the reply */
	void			(*continuation)(struct http_request *, void *);
	void			*continuation_arg;
	size_t			 headers_count;
	struct { const char *name; char value[160]; } headers[HTTP_HEADERS_MAX];
};

/* request.c: libmicrohttpd's callbacks */
enum MHD_Result	http_access(void *server, struct MHD_Connection *c, const char *url, const char *method,
		    const char *version, const char *upload, size_t *upload_len, void **request);
void		http_completed(void *server, struct MHD_Connection *c, void **request, enum MHD_RequestTerminationCode why);

/* route.c: finds the route, or sets r->refusal (404, 405 with r->allow). */
void		http_route_find(struct http_request *r, const char *url, const char *method);

/* body.c: judges the head (length, media type) into r->refusal; takes a piece of the body. */
void		http_body_announced(struct http_request *r);
void		http_body_take(struct http_request *r, const char *piece, size_t len);

/* How much of a refused body is read off, so that the client sees the answer and can keep its connection. */
enum { HTTP_DISCARD_BYTES = 1024 * 1024 };

/* How long a body may take; a CSR is one packet or two. */
enum { HTTP_BODY_US = 30 * 1000 * 1000 };

#endif
