/* Every route of the server: path, body, who may, and who answers. */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "config.h"
#include "http/http.h"

extern const struct http_route routes[];
extern const size_t routes_count;

/* Is the route's door switched on where it listens? */
bool	route_is_on(const struct http_route *r, const struct config *c, bool tls);

#endif
