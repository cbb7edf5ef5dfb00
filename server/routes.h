/* Every address of the server, in one table. */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "http/http.h"

extern const struct http_route	routes[];
extern const size_t		routes_count;

#endif
