/*
 * People who are signed in: a cookie instead of a token that a browser would have to keep.  In memory: who was signed in when the server stopped signs in again.
 * The token stays the right: whoever asks looks it up in the ledger at each request, so that revoking it ends its sessions at once.  Any thread.
 */
#ifndef ACCESS_SESSION_H
#define ACCESS_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rnd.h"

enum { SESSION_TEXT_BYTES = 52 /* 256 bits in base32hex */, SESSIONS_MAX = 1024, SESSIONS_PER_TOKEN = 32 };

struct sessions;

/* A session ends when it was not used for more than idle_us, or began more than longest_us ago.  rnd is lent until sessions_free. */
ERR_MUST_CHECK enum err_code	sessions_new(int64_t idle_us, int64_t longest_us, const struct rnd *rnd, struct sessions **ret, struct err *e);
void				sessions_free(struct sessions *s);	/* takes NULL; wipes */

/*
 * Begins one for a token.  cookie is what the browser gets; csrf what its page must send with every change (a page of another site cannot read it).  Times are
 * monotonic.  When the token has SESSIONS_PER_TOKEN already, that of them which was idle longest ends; when all places are taken, that of all.  ERR_INTERNAL: no random
 * bytes.
 */
ERR_MUST_CHECK enum err_code	session_begin(struct sessions *s, int64_t token_id, int64_t now_us, char cookie[SESSION_TEXT_BYTES + 1],
				    char csrf[SESSION_TEXT_BYTES + 1], struct err *e);

/*
 * The session of a cookie, still alive; counts as use.  ret_csrf may be NULL.  ERR_UNAUTHORIZED: none, idle for too long, or too old.  Compares hashes, so that time tells
 * nothing.  Letter case counts: browsers send back what they got.
 */
ERR_MUST_CHECK enum err_code	session_find(struct sessions *s, const char *cookie, size_t len, int64_t now_us, int64_t *ret_token_id,
				    char ret_csrf[SESSION_TEXT_BYTES + 1], struct err *e);

/* The same, and it does not count as use: what a page asks by itself keeps nobody signed in. */
ERR_MUST_CHECK enum err_code	session_look(struct sessions *s, const char *cookie, size_t len, int64_t now_us, int64_t *ret_token_id,
				    char ret_csrf[SESSION_TEXT_BYTES + 1], struct err *e);

/* Which session a cookie is of, for who asks again and again whether it still lives and would not keep the cookie; 0: of none. */
int64_t				session_number(struct sessions *s, const char *cookie, size_t len);

/* Does it?  No use of it, and soon answered. */
bool				session_lives(struct sessions *s, int64_t number, int64_t now_us);

/* Signs out; a cookie of none is no error. */
void				session_end(struct sessions *s, const char *cookie, size_t len);

#endif
