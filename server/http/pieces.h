/* Answers too long to be made at once: piece by piece, as the client takes them. */
#ifndef HTTP_PIECES_H
#define HTTP_PIECES_H

#include <stddef.h>

#include "http/http.h"

/*
 * Replies with 200.  more is called on the worker for each piece: malloced, the server's from then on; NULL: that was all (or, after http_pieces_cut, it cannot go on).
 * done frees arg, in any case.
 */
void	http_reply_pieces(struct http_request *r, const char *content_type, char *(*more)(void *arg, size_t *ret_len), void (*done)(void *arg), void *arg);

/* From within more, which then returns NULL: the connection is cut, so that nobody takes what came for the whole. */
void	http_pieces_cut(void);

#endif
