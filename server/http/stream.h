/*
 * Answers without an end: server-sent events (HTML Living Standard 9.2).  Whoever opened one is given every text that is sent to all from then on; a client that reads
 * slowly misses those between, and never makes them pile up.
 */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <stddef.h>

#include "http/http.h"

/* Replies with 200 and leaves the answer open; first (malloced, the server's from here on; NULL: no memory, and a problem is replied) is sent at once. */
void	http_reply_stream(struct http_request *r, const char *content_type, char *first, size_t len);

/* Gives a copy of the text to each open stream.  Any thread. */
void	http_stream_send(struct http_server *s, const char *text, size_t len);

/* How many are open. */
unsigned	http_stream_count(struct http_server *s);

#endif
