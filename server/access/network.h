/* Networks in CIDR notation (RFC 4632, RFC 4291 2.3), for tokens that are good in one place only. */
#ifndef ACCESS_NETWORK_H
#define ACCESS_NETWORK_H

#include <stdbool.h>

#include "base/err.h"
#include "base/limits.h"

/*
 * "10.1.0.0/16", "10.1.2.3", "fd00::/8" -> the same in its shortest form with its length ("10.1.2.3/32").  ERR_USAGE says what is wrong (bits set behind the length
 * are: 10.1.2.3/16 is a mistake).  IPv4 in IPv6 (::ffff:10.1.0.0/112) is written as the IPv4 network that it is.
 */
ERR_MUST_CHECK enum err_code	network_parse(const char *text, char out[LIMIT_NETWORK_BYTES + 1], struct err *e);

/*
 * Does the numeric address lie in it?  network is one that network_parse takes; anything else, "" too, contains nothing.  An IPv4 address that a socket for both
 * families shows as ::ffff:10.1.2.3 counts as IPv4; the zone of a link-local address (%eth0) does not count.
 */
bool				network_contains(const char *network, const char *address);

#endif
