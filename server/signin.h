/* Signing in and out, and who one is: /v1/session. */
#ifndef SERVER_SIGNIN_H
#define SERVER_SIGNIN_H

#include "http/http.h"

void	signin_begin(struct http_request *req, void *line);	/* POST: a token for a cookie */
void	signin_who(struct http_request *req, void *line);	/* GET */
void	signin_end(struct http_request *req, void *line);	/* DELETE */

#endif
