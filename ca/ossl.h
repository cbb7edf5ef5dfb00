/*
 * OpenSSL, and the two things every use of it here needs: errors in words, and digests without look-ups.
 * Inside ca/ (and its tests) only; its headers are included here and nowhere else.
 */
#ifndef CA_OSSL_H
#define CA_OSSL_H

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "ca/stages.h"

/*
 * Sets code and a log text of what failed and why OpenSSL says it did, and empties this thread's
 * error queue: what stays there would be taken for the reason of the next failure.
 */
enum err_code	ossl_fail(struct err *e, enum err_code code, const char *what);

/* RFC 4514 text, everything but printable ASCII escaped; cut where it is too long.  False: it cannot be read. */
bool		ossl_name_text(const X509_NAME *name, char *out, size_t out_size);

/* False: no such time. */
bool		ossl_time_s(const ASN1_TIME *t, int64_t *ret);

/* Digests, each algorithm fetched once and its context used again and again.  One thread's. */
struct hasher {
	EVP_MD		*md[DIGESTS];
	EVP_MD_CTX	*ctx[DIGESTS];
};

ERR_MUST_CHECK enum err_code	hasher_init(struct hasher *h, struct err *e);
void				hasher_done(struct hasher *h);	/* also of a zeroed or half-made one */

/* out has digest_bytes(d). */
ERR_MUST_CHECK enum err_code	hasher_run(struct hasher *h, enum digest d, const void *in, size_t len,
				    uint8_t *out, struct err *e);

size_t		digest_bytes(enum digest d);

/* OpenSSL's name: "SHA256". */
const char	*digest_name(enum digest d);

#endif
