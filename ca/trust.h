/*
 * Whose client certificates are believed: a set of CAs, and the check of a chain against it (RFC 5280 6).  A struct trust is
 * immutable once filled, and may then be shared by threads.  That the client holds the certificate's key is TLS's business.
 */
#ifndef CA_TRUST_H
#define CA_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

struct trust;

ERR_MUST_CHECK enum err_code	trust_new(struct trust **ret, struct err *e);
void				trust_free(struct trust *t);	/* takes NULL */

/* Adds a CA's certificate (DER).  An intermediate CA counts as much as a root.  ERR_CONFIG: it is no CA's certificate. */
ERR_MUST_CHECK enum err_code	trust_add(struct trust *t, const uint8_t *der, size_t len, struct err *e);
/*
 * Every certificate of a PEM text; text around them is passed over.  ERR_CONFIG: none, or one that is no CA's; t may then hold
 * those before it.
 */
ERR_MUST_CHECK enum err_code	trust_add_pem(struct trust *t, const char *text, size_t len, struct err *e);

struct trust_link {
	const uint8_t	*der;
	size_t		 len;
};

/* What a believed client certificate says. */
struct trust_peer {
	char	common_name[LIMIT_DEVICE_ID_BYTES + 1];		/* "" if there is none, several, or one that is no device id */
	char	serial_number[LIMIT_DEVICE_ID_BYTES + 1];	/* the subject's serialNumber (IEEE 802.1AR 8.6), under the same conditions */
	char	name[128];		/* the subject for the log: printable ASCII, others escaped, cut */
	uint8_t	serial[20];		/* big-endian, as the certificate has it, without leading zeroes; the first serial_len octets */
	size_t	serial_len;
	uint8_t	certificate_id[32];	/* SHA-256 of its DER */
	uint8_t	anchor[32];		/* SHA-256 of the CA certificate that was believed: of the set's, the nearest to the leaf */
	int64_t	not_after_s;
};

/*
 * The leaf first, then what else the client sent (at most LIMIT_CHAIN_LINKS are looked at): does it lead to a CA of the set, is all
 * of it valid at now_s (the CA too), may the leaf be a TLS client's (extKeyUsage clientAuth, or none; not a CA), are all keys and
 * signatures of 112 bits (RSA 2048; no SHA-1)?  ERR_UNAUTHORIZED with a client text that says which of these failed; ERR_NOMEM,
 * ERR_INTERNAL.  Any thread.  No revocation is looked at.
 */
ERR_MUST_CHECK enum err_code	trust_verify(const struct trust *t, const struct trust_link *chain, size_t n, int64_t now_s,
				    struct trust_peer *ret, struct err *e);

#endif
