/*
 * Who asks, and may they?  Asked once a request, in one place, before its body is read (http_config.admit).  Rights come from a token (Bearer, Basic's password, a
 * session's cookie, a door's own field), from a client certificate, or from being on a loopback address where lineca.conf leaves that open.
 */
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "access/role.h"
#include "base/limits.h"
#include "ca/trust.h"
#include "db/store.h"
#include "http/http.h"

struct line;

enum actor_by {
	ACTOR_OPEN,		/* nobody in particular */
	ACTOR_TOKEN,
	ACTOR_SESSION,
	ACTOR_CERTIFICATE,	/* of a CA that [tls] client_ca names */
	ACTOR_DEVICE		/* a certificate that this line has issued */
};

/* Who asks; in the request's own memory, made by access_admit. */
struct actor {
	enum actor_by	by;
	enum role	role;
	int64_t		token_id;			/* 0: none */
	char		batch[LIMIT_NAME_BYTES + 1];	/* the only batch it may enroll in; "" = any */
	char		name[LIMIT_NAME_BYTES + 1];	/* the token's name, also of one that is not good any more, or the certificate's common name; "" */
};

/* http_config.admit and may_log. */
ERR_MUST_CHECK enum err_code	access_admit(struct http_request *req, void *line, struct err *e);
bool				access_may_log(struct http_request *req, void *line);

const struct actor		*access_actor(struct http_request *req);

/* What the page calls the place that asked: its token's name, without one its address.  Lent until the reply. */
const char			*access_station(struct http_request *req);

/* Neither a token nor a session nor a certificate, good or bad?  (One in the body is not looked at.) */
bool				access_shows_nothing(struct http_request *req);

/*
 * Who asks, on a route that anyone may use: as access_admit finds out for the others.  Nobody is no error; ERR_UNAUTHORIZED: a token or session that is not good
 * (any more).
 */
ERR_MUST_CHECK enum err_code	access_identify(struct http_request *req, struct line *l, struct err *e);

/* Refusals of one address are logged a few times a minute: this one is one of them. */
void				access_log_seldom(struct http_request *req, struct line *l);

/* Tells what access_identify or access_require refused, as admit's refusals are told: logged now and then, and late if there are too many. */
void				access_refuse(struct http_request *req, struct line *l, const struct err *e);

/* Whose right an answer rests on that takes long, or has no end. */
struct access_right {
	int64_t	token_id, session;	/* 0: none; session_number */
};

/* That of the request that was let in; all 0: it needs none. */
struct access_right		access_right_of(struct http_request *req, struct line *l);

/* Is the token there still, whatever the network: not revoked, not expired?  One look into the ledger; yes, if that cannot be read now. */
bool				access_token_lives(int64_t token_id, const struct line *l, struct store_reader *r);
/* Is all of the right there still? */
bool				access_right_lives(const struct access_right *right, struct line *l, struct store_reader *r);

/* Is it the right to be given a certificate, in any of its ways? */
bool				access_enrolls(enum access need);

/* May this line's door do that without any right? */
bool				access_is_open(struct http_request *req, const struct line *l, enum access need);

/* A further right than the route's own, for what a body asks.  ERR_UNAUTHORIZED, ERR_FORBIDDEN. */
ERR_MUST_CHECK enum err_code	access_require(struct http_request *req, struct line *l, enum access need, struct err *e);

/*
 * A token that stood in the body; for routes with ACCESS_ENROLL_BODY and ACCESS_SIGN_IN, which ask this before anything else.  NULL: none was there.
 * ERR_UNAUTHORIZED, ERR_FORBIDDEN, ERR_TOO_MANY.
 */
ERR_MUST_CHECK enum err_code	access_body_token(struct http_request *req, struct line *l, const char *token, struct err *e);

/* The believed client certificate of the connection; NULL: none.  *ret_own (may be NULL): it is one that this line has issued. */
const struct trust_peer		*access_peer(struct http_request *req, struct line *l, bool *ret_own);

/* Who the ledger writes down for a change; ret's texts are lent by actor, address and reason. */
void				access_who(struct http_request *req, const char *reason, char actor[STORE_ACTOR_BYTES + 1], struct store_who *ret);

/* The value of the session's cookie; NULL: none.  *ret_len: its length, the text goes on behind it. */
const char			*access_cookie(struct http_request *req, size_t *ret_len);

#define ACCESS_COOKIE "lineca_session"
#define ACCESS_REFRESH "X-Refresh"	/* a request's header: the page asks by itself, nobody has touched it */

#endif
