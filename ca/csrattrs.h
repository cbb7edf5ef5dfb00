/* What an EST server would like to see in a request (RFC 7030 4.5.2, RFC 8951 3.5, RFC 9908). */
#ifndef CA_CSRATTRS_H
#define CA_CSRATTRS_H

#include <stddef.h>
#include <stdint.h>

/* DER CsrAttrs: a P-256 key and ecdsa-with-SHA256, which every profile here takes.  Lives as long as the program. */
const uint8_t	*csrattrs_der(size_t *ret_len);

#endif
