/* Every route of the server: path, body, who may, and who answers. */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "config.h"
#include "http/http.h"

extern const struct http_route routes[];
extern const size_t routes_count;

/* What an address of a door that is switched off answers: 404, and which setting switches it on. */
struct http_route	route_off(const struct http_route *r);

/* Is the route's door switched on where it listens? */
bool	route_is_on(const struct http_route *r, const struct config *c, bool tls);

#endif
