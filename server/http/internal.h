/* What the files of this folder share.  Nobody else includes it. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <stddef.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "http/address.h"
#include "http/http.h"
#include "http/watch.h"

enum {
	HTTP_ID_BYTES = 16 + 1,
	HTTP_ARGUMENT_BYTES = 256,
	HTTP_PEER_BYTES = 64,
	HTTP_HEADERS_MAX = 8,
	HTTP_HEADER_BYTES = 192
};

struct http_server {
	struct http_config	 config;
	struct MHD_Daemon	*daemon;
	int			 listen_fd;
	int			 stop_fd;	/* eventfd: ends the acceptor */
	uint16_t		 port;
	pthread_t		 acceptor;
	bool			 accepting;
	bool			 local;		/* listens to this machine alone */
	struct addresses	*addresses;	/* connections of each */
	struct watch		*watch;		/* cuts the slow, wakes the held */
	uint64_t		 id_seed;	/* request ids of two runs differ */
	_Atomic uint64_t	 next_id;
	atomic_bool		 draining;
	atomic_uint		 connections;	/* accepted and not yet closed */
	atomic_uint		 in_hand;	/* requests between their head and the end of their reply */
	atomic_uint		 working;	/* of these, those whose handler has begun and that have no reply yet, also while they are suspended */
	atomic_bool		 closed;	/* no handler is begun any more */
	_Atomic uint64_t	 requests;
	_Atomic uint64_t	 refused;
	_Atomic uint64_t	 turned_away;
	pthread_mutex_t		 streams_mu;	/* protects the four below, and each stream */
	struct http_stream	*streams;
	unsigned		 streams_count;
	bool			 streams_over;
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
	struct http_connection	*own_connection;
	const struct http_route	*route;		/* NULL: refusal says why */
	void			(*refuse)(struct http_request *, const struct err *);	/* of the routes at its path; NULL: a problem document */
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
	bool			 unreadable;	/* where its body ends nobody knows */
	bool			 quiet;		/* not logged */
	bool			 close;		/* the connection ends with this reply */
	int64_t			 started_us;
	uint8_t			*body;
	size_t			 body_len, body_room;
	size_t			 body_seen;	/* also what was thrown away */
	unsigned long long	 body_announced;	/* Content-Length; 0: none */
	unsigned		 status;	/* of the reply */
	void			(*continuation)(struct http_request *, void *);
	void			*continuation_arg;
	size_t			 headers_count;
	struct { const char *name; char value[HTTP_HEADER_BYTES]; } headers[HTTP_HEADERS_MAX];
	struct watch_hold	 hold;
	_Alignas(max_align_t) unsigned char own[HTTP_OWN_BYTES];
};

/* connection.c */
struct http_connection {
	struct watch_entry	 watched;	/* first: its descriptor and its deadline */
	struct http_server	*server;
	struct sockaddr_storage	 peer;
	bool			 served;	/* a request has been answered on it */
	_Alignas(max_align_t) unsigned char own[HTTP_CONNECTION_OWN_BYTES];
};

/* MHD_OPTION_NOTIFY_CONNECTION. */
void		http_connection_notify(void *server, struct MHD_Connection *c, void **socket_context,
		    enum MHD_ConnectionNotificationCode what);
struct http_connection *http_connection_of(struct MHD_Connection *c);
/* What it does now, and so how long that may take. */
void		http_connection_reads_head(struct http_connection *c);	/* the next one, after an answer */
void		http_connection_reads_body(struct http_connection *c);
void		http_connection_works(struct http_connection *c);	/* no deadline */
void		http_connection_replies(struct http_connection *c);
void		http_connection_ends(struct http_connection *c);	/* the server stops: any thread that knows it is still there */

/* What a client is sent whose request took too long; plain HTTP only. */
extern const char	http_too_slow[];

/* Answers a connection that is not taken, in a few words, and without waiting. */
void		http_turn_away(int fd, bool tls);

/* server.c: does the text name an address that only this machine reaches? */
bool		http_address_is_loopback(const struct sockaddr_storage *a);

/* request.c: libmicrohttpd's callbacks */
enum MHD_Result	http_access(void *server, struct MHD_Connection *c, const char *url, const char *method,
		    const char *version, const char *upload, size_t *upload_len, void **request);
void		http_completed(void *server, struct MHD_Connection *c, void **request, enum MHD_RequestTerminationCode why);

/* route.c: finds the route, or sets r->refusal (404, 405 with r->allow). */
void		http_route_find(struct http_request *r, const char *url, const char *method);

/* stream.c: all of them end, now and from now on. */
void		http_streams_end(struct http_server *s);

/* reply.c: has http_reply_header set it? */
bool		http_reply_has_header(const struct http_request *r, const char *name);

/* as http_reply, with a response of libmicrohttpd's; NULL: no memory was left for one. */
void		http_reply_response(struct http_request *r, unsigned status, const char *content_type, struct MHD_Response *response);

/* The head alone, for HEAD, of a body whose length nobody knows. */
void		http_reply_head(struct http_request *r, const char *content_type);

/* body.c: refuses a request whose length could be read in two ways; */
void		http_body_framing(struct http_request *r);
/* judges the head (length, media type) into r->refusal; takes a piece of the body. */
void		http_body_announced(struct http_request *r);
void		http_body_take(struct http_request *r, const char *piece, size_t len);

/* How much of a refused body, or of one without a length, is read off, so that the client sees the answer and can keep its connection. */
enum { HTTP_DISCARD_BYTES = 1024 * 1024 };

#endif
