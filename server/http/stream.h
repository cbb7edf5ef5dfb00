/*
 * Answers without an end: server-sent events (HTML Living Standard 9.2).  Whoever opened one is given every text that is sent to all from then on; a client that reads
 * slowly misses those between, and never makes them pile up.
 */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <stddef.h>

#include "http/http.h"

enum { HTTP_STREAM_OWN_BYTES = 16 };	/* whose stream it is: the caller's words, kept with it */

/*
 * Is there a place for one more?  If not it has replied with ERR_BUSY.  For those whose first text is dear; another may take the place all the
 * same before http_reply_stream does.
 */
bool	http_stream_offered(struct http_request *r);

/*
 * Replies with 200 and leaves the answer open; first (malloced, the server's from here on; NULL: no memory, and a problem is replied) is sent at once.  own is copied.
 * When a quarter of connections_max is open already it replies with ERR_BUSY instead.
 */
void	http_reply_stream(struct http_request *r, const char *content_type, char *first, size_t len, const void *own, size_t own_len);

/* Gives a copy of the text to each open stream.  Any thread. */
void	http_stream_send(struct http_server *s, const char *text, size_t len);

/*
 * Asks about each open stream whether it goes on, and ends those that do not: each at once, or behind what it is just being sent.  goes_on is called with a lock held that
 * workers wait for: it only looks at what is in memory.  Any thread.
 */
void	http_stream_judge(struct http_server *s, bool (*goes_on)(const void *own, void *arg), void *arg);

/* How many are open. */
unsigned	http_stream_count(struct http_server *s);

#endif
