/* Networks in CIDR notation (RFC 4632, RFC 4291 2.3), for tokens that are good in one place only. */
#ifndef ACCESS_NETWORK_H
#define ACCESS_NETWORK_H

#include <stdbool.h>

#include "base/err.h"
#include "base/limits.h"

/*
 * "10.1.0.0/16", "10.1.2.3", "fd00::/8" -> the same in its shortest form with its length ("10.1.2.3/32").  ERR_USAGE says what is wrong (bits set behind the length
 * are: 10.1.2.3/16 is a mistake).
 */
ERR_MUST_CHECK enum err_code	network_parse(const char *text, char out[LIMIT_NETWORK_BYTES + 1], struct err *e);

/* Does the numeric address lie in it?  network is as network_parse wrote it; anything else contains nothing. */
bool				network_contains(const char *network, const char *address);

#endif
