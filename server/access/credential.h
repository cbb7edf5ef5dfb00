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

#endif
