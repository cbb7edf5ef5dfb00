/*
 * GET /openapi.json: web/openapi.json, in which people have written what a route does and how its answers look, and the table of routes, which alone knows who
 * may, how much may be sent and as what.  Neither can have an operation that the other lacks: the server then does not start.
 */
#ifndef SERVER_OPENAPI_H
#define SERVER_OPENAPI_H

#include <stddef.h>

#include "http/http.h"

/*
 * The document as one line with its end, malloced.  Each operation gets from its route: security and x-lineca-access (what role.h calls it), x-lineca-roles (who has that
 * right), and its requestBody the media types and x-lineca-max-bytes.  (x-lineca-door is written by hand: the setting in [doors] that switches the route on.)
 *
 * ERR_INTERNAL: names what only one of them has, or has otherwise.
 */
ERR_MUST_CHECK enum err_code	openapi_new(const struct http_route *routes, size_t count, char **ret, size_t *ret_len, struct err *e);

#endif
