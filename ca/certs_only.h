/* A bag of certificates as EST clients read it: PKCS#7 SignedData without content and signers (RFC 5652 5.1, RFC 7030 4.1.3). */
#ifndef CA_CERTS_ONLY_H
#define CA_CERTS_ONLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct certs_only_part {
	const uint8_t	*der;
	size_t		 len;
};

/*
 * DER, malloced, the caller's.  parts: whole certificates, at least one; their order is kept (strict DER would sort the SET; CMS
 * asks for BER only, RFC 5652 1, and clients take the order for the chain's).  ERR_NOMEM.
 */
ERR_MUST_CHECK enum err_code	certs_only_encode(const struct certs_only_part *parts, size_t n, uint8_t **ret, size_t *ret_len,
				    struct err *e);

#endif
