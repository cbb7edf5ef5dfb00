#include "ca/csrattrs.h"

#include "ca/oid.h"

/* CsrAttrs ::= SEQUENCE OF { id-ecPublicKey with the curve as its value, ecdsa-with-SHA256 }: RFC 7030 4.5.2 */
static const char attrs[] =
    "\x30\x21"
    "\x30\x15" "\x06\x07" OID_EC_PUBLIC_KEY "\x31\x0a" "\x06\x08" OID_P256
    "\x06\x08" OID_ECDSA_SHA256;

const uint8_t *
csrattrs_der(size_t *ret_len)
{
	*ret_len = sizeof(attrs) - 1;
	return (const uint8_t *)attrs;
}
