/*
 * Who asks, and may they?  Asked once a request, in one place, before its body is read (http_config.admit).  Rights come from a token (Bearer, Basic's password, a
 * session's cookie, a door's own field), from a client certificate, or from being on a loopback address where lineca.conf leaves that open.
 */
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

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
	int64_t		batch_id;			/* the only batch it may enroll in; -1: any */
	char		batch[LIMIT_NAME_BYTES + 1];	/* its name; "" */
	char		name[LIMIT_NAME_BYTES + 1];	/* the token's name, or the certificate's common name; "" */
};

/* http_config.admit. */
ERR_MUST_CHECK enum err_code	access_admit(struct http_request *req, void *line, struct err *e);

const struct actor		*access_actor(struct http_request *req);

/* A token that stood in the body; for routes with ACCESS_ENROLL_BODY.  NULL: none was there.  ERR_UNAUTHORIZED, ERR_FORBIDDEN, ERR_TOO_MANY. */
ERR_MUST_CHECK enum err_code	access_body_token(struct http_request *req, struct line *l, const char *token, struct err *e);

/* The believed client certificate of the connection; NULL: none. */
const struct trust_peer		*access_peer(struct http_request *req, struct line *l);

/* Who the ledger writes down for a change; texts are lent by the request and out. */
void				access_who(struct http_request *req, const char *reason, char actor[STORE_ACTOR_BYTES + 1], struct store_who *ret);

#endif
