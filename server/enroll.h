/*
 * One enrolment, whatever door it came through: the same policy, quota and idempotency for all.  A door (server/doors/) knows how a
 * request and an answer look on its wire, and nothing else.
 */
#ifndef SERVER_ENROLL_H
#define SERVER_ENROLL_H

#include "db/store.h"
#include "http/http.h"
#include "line.h"

/* What a door read out of a request. */
struct enroll_ask {
	char		 batch[LIMIT_NAME_BYTES + 1];	/* "" = the one the token is for, or the one that is open */
	const uint8_t	*csr;		/* PEM, DER or base64 as it came; lent by the request, or by owned */
	size_t		 csr_len;
	char		*owned;		/* malloced text, or NULL; wiped up to its NUL and freed for the door */
	const char	*token;		/* shown in the body, lent like csr; NULL: not.  Only on routes with ACCESS_ENROLL_BODY */
	bool		 renew;		/* the client certificate's own device asks again, perhaps with another key (RFC 7030 4.2.2) */
	bool		 keygen;	/* make the key here (RFC 7030 4.4); only where the profile allows it */
};

/* What became of it.  Only recorded certificates can be an answer. */
struct enroll_reply {
	const struct recorded	*recorded;
	const struct line_ca	*ca;
	bool			 is_new;
	const uint8_t		*key;		/* DER PKCS#8, when ask.keygen; else NULL.  Wiped after the reply */
	size_t			 key_len;
};

struct enroll_door {
	const char	*name;		/* for the log: "est" */
	/*
	 * Reads the request.  ERR_BAD_REQUEST, ERR_BATCH_NOT_FOUND (a name too long); whatever it returns is told by http_refuse.  What it wrote into
	 * ret->owned is freed also then.
	 */
	enum err_code	(*read)(struct http_request *, struct enroll_ask *ret, struct err *);
	/* One http_reply of any kind.  (Location is set already.) */
	void		(*answer)(struct http_request *, const struct enroll_reply *);
};

/* The whole of it; replies.  The handler of every route that enrols. */
void	enroll_run(struct http_request *req, struct line *line, const struct enroll_door *door);

/* PEM of a recorded certificate, and the chain behind it if chain; malloced, NUL-terminated.  NULL: no memory. */
char	*enroll_pem(const struct enroll_reply *r, bool chain, size_t *ret_len);

#endif
