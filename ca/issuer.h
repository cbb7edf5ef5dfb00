/*
 * An issuing CA: its certificate, what it says, and its key.  Immutable after it was opened; may be
 * shared by threads.
 */
#ifndef CA_ISSUER_H
#define CA_ISSUER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/rnd.h"
#include "ca/key.h"

/* What a certificate says about a CA, read from its DER; for lists and for the guards. */
struct ca_facts {
	char	subject[512];			/* RFC 4514 text, printable ASCII, others escaped */
	char	common_name[65];
	char	key[32];			/* "EC P-256", "RSA 2048" */
	uint8_t	serial[20];
	size_t	serial_len;
	uint8_t	fingerprint[32];		/* SHA-256 of the DER; AWS IoT's caCertificateId */
	uint8_t	subject_key_id[20];
	int64_t	not_before_s, not_after_s;
};

/* ERR_CONFIG: no certificate, or none of a CA that may sign (v3, critical CA:TRUE, keyCertSign, SKI of 20 bytes). */
ERR_MUST_CHECK enum err_code	ca_facts_read(const uint8_t *der, size_t len, struct ca_facts *ret, struct err *e);

/*
 * The one certificate in a PEM text, as DER; text around it is passed over.  In ca/certificate_pem.c.  ERR_CONFIG: none, several, or longer than
 * LIMIT_CERTIFICATE_BYTES.
 */
ERR_MUST_CHECK enum err_code	ca_certificate_from_pem(const char *text, size_t len, uint8_t der[LIMIT_CERTIFICATE_BYTES],
				    size_t *ret_len, struct err *e);

struct ca_request {
	const char	*common_name;	/* 1 to 64 printable characters */
	int		 days;		/* 1 to 36500 */
};

/*
 * A self-signed issuing CA certificate (RFC 5280): v3, critical basicConstraints CA:TRUE pathlen:0,
 * critical keyUsage keyCertSign and cRLSign, subjectKeyIdentifier; notBefore one hour back, so that a
 * device whose clock is a little behind believes it.  Writes DER to der (LIMIT_CERTIFICATE_BYTES).
 * In ca/cacert.c.  ERR_USAGE for a bad name or number of days.
 */
ERR_MUST_CHECK enum err_code	ca_certificate_self_sign(const struct ca_key *k, const struct ca_request *req,
				    const struct clock *clk, const struct rnd *rnd,
				    uint8_t *der, size_t *ret_len, struct err *e);

struct issuer;

/*
 * An issuer from its certificate and key; takes k over (also on failure).  Checks that they belong
 * together by a signature.  ERR_CONFIG if not, or if the certificate is no CA's.
 */
ERR_MUST_CHECK enum err_code	issuer_new(const uint8_t *cert_der, size_t len, struct ca_key *k,
				    struct issuer **ret, struct err *e);
void				issuer_free(struct issuer *i);		/* takes NULL */
const struct ca_facts		*issuer_facts(const struct issuer *i);

/* The chain a device gets behind its own certificate: PEM, NUL-terminated. */
const char			*issuer_chain_pem(const struct issuer *i, size_t *ret_len);

#endif
