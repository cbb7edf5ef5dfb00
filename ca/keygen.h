/*
 * A key that is made for a device here, because its firmware cannot (EST serverkeygen, RFC 7030 4.4).  It leaves with one answer
 * and is wiped; it is never stored.
 */
#ifndef CA_KEYGEN_H
#define CA_KEYGEN_H

#include <stddef.h>
#include <stdint.h>

#include "ca/csr.h"

struct device_key;

/*
 * A fresh key of the kind and size of like's, which has passed subject_check and keycheck (asserted); whether like is signed by its
 * key does not matter (RFC 7030 4.4.1).  *ret_csr is a request of the new key with like's subject and no attributes; it has passed
 * all checks, so that plan_new takes it; the caller frees it.  An RSA key takes this thread from a tenth of a second (2048 bits) to
 * seconds (4096).  ERR_INTERNAL, ERR_NOMEM.
 */
ERR_MUST_CHECK enum err_code	device_key_new(struct pop *p, const struct csr *like, struct device_key **ret,
				    struct csr **ret_csr, struct err *e);
void				device_key_free(struct device_key *k);	/* wipes; takes NULL */

/* The private key as DER PKCS#8 (RFC 5958), lent until device_key_free. */
const uint8_t			*device_key_pkcs8(const struct device_key *k, size_t *ret_len);

#endif
