#include "admit.h"

#include <string.h>

#include "access/access.h"
#include "line.h"

#define EST "/.well-known/est/"

/*
 * Is it a station's trouble?  Not the first request of an EST client, who shows what it has only when it is asked (RFC 7030 3.2.3); not a browser that the page of
 * another site has sent; not haste.
 */
static bool
is_trouble(struct http_request *req, enum err_code rc)
{
	const struct http_route *route = http_request_route(req);

	if ((rc != ERR_UNAUTHORIZED && rc != ERR_FORBIDDEN) || !access_enrolls((enum access)route->access))
		return false;
	if (rc == ERR_FORBIDDEN)
		return access_actor(req)->name[0] != '\0';
	return strncmp(route->path, EST, strlen(EST)) != 0 || !access_shows_nothing(req);
}

enum err_code
admit(struct http_request *req, void *arg, struct err *e)
{
	enum err_code rc = access_admit(req, arg, e);
	struct line *l = arg;

	if (rc == ERR_OK || !is_trouble(req, rc))
		return rc;
	atomic_fetch_add_explicit(&l->tally.refused[rc], 1, memory_order_relaxed);
	pulse_note(l->pulse, &(struct pulse_event){
		.at_us = l->clock->now_us(l->clock), .outcome = PULSE_REFUSED, .code = rc, .device_id = "", .batch = "",
		.station = access_station(req), .door = "" });
	return rc;
}
