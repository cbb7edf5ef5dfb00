/*
 * What pages are told while it happens: one thread that makes one snapshot for all of them, at most once a second, and only while somebody listens.
 * A stream ends within a second of the right it was opened with: when its session ends, or its token is revoked or expires.  To listen is no use of a session.
 */
#ifndef SERVER_LIVE_H
#define SERVER_LIVE_H

#include "http/http.h"
#include "line.h"

struct live;

/* Starts the thread.  The line's HTTP servers must be there; it is stopped before they are drained. */
ERR_MUST_CHECK enum err_code	live_start(struct line *l, struct live **ret, struct err *e);
void				live_stop(struct live *v);	/* takes NULL */

/* GET /v1/live. */
void				live_handle(struct http_request *req, void *line);

#endif
