/* Where credentials stand in a request's head: Authorization (RFC 6750, RFC 7617), Cookie (RFC 6265), Origin (RFC 6454). */
#ifndef ACCESS_CREDENTIAL_H
#define ACCESS_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>

enum { CREDENTIAL_BYTES = 512 };

/* The token of "Bearer TOKEN", or the password of "Basic ..." (whatever the user's name is).  False: neither, or longer than any token. */
bool		credential_of_header(const char *header, char out[CREDENTIAL_BYTES]);

/* The value of the cookie of that name: *ret_len characters of header.  NULL: it has none. */
const char	*credential_cookie(const char *header, const char *name, size_t *ret_len);

/* Is the origin ("https://line1:8443") that of the Host header ("line1:8443")?  host may be NULL. */
bool		credential_origin_is(const char *origin, const char *host);

/*
 * Is the Host header (NULL: none) the name of a machine somewhere, and not an address, localhost or a name without a dot?  Whoever owns such a name can have it
 * lead to this machine, and a browser then takes this server for theirs (DNS rebinding).
 */
bool		credential_host_is_foreign(const char *host);

#endif
