/*
 * Makes CSRs for the tests: good ones, and every kind of bad one, byte by byte.  Shares no code with ca/.
 */
#ifndef TEST_CSR_MAKER_H
#define TEST_CSR_MAKER_H

#include "ca/ossl.h"

struct bytes {
	size_t	len;
	uint8_t	p[20 * 1024];
};

void	bytes_add(struct bytes *b, const void *p, size_t len);
void	bytes_add_element(struct bytes *b, uint8_t tag, const void *content, size_t len);
void	bytes_wrap(struct bytes *b, uint8_t tag);	/* all of b becomes the content of one element */
#define BYTES_ADD(b, literal)	bytes_add((b), (literal), sizeof(literal) - 1)

/* One RDN with one attribute: bytes_add_rdn(&b, "\x55\x04\x03", DER_UTF8_STRING, "device-1"). */
void	bytes_add_rdn(struct bytes *b, const char *oid, uint8_t tag, const char *value);

/* An attribute extensionRequest around this content of SEQUENCE OF Extension. */
void	bytes_add_extension_request(struct bytes *b, const void *extensions, size_t len);

enum maker_key { MAKER_P256, MAKER_P256_OTHER, MAKER_P384, MAKER_RSA, MAKER_RSA_OTHER, MAKER_KEYS };

/* Made at first use, kept for the run.  Not for several threads. */
EVP_PKEY *maker_key(enum maker_key k);
void	maker_done(void);

/* How to sign: digest, PSS with this salt, or (pss false) what the key does by default. */
struct maker_signing {
	const char	*md;		/* NULL: SHA256 */
	bool		 pss;
	int		 salt;
};

struct recipe {
	EVP_PKEY		*key;
	EVP_PKEY		*signer;		/* NULL: key */
	struct maker_signing	 signing;
	const struct bytes	*subject;		/* content of the Name; NULL: CN=device-1 */
	const struct bytes	*spki;			/* whole; NULL: the key's */
	const struct bytes	*attributes;		/* content of [0]; NULL: none, [0] is there and empty */
	bool			 no_attributes;		/* leaves [0] out */
	const struct bytes	*version;		/* whole element; NULL: INTEGER 0 */
	const struct bytes	*signature_alg;		/* whole; NULL: as signed */
};

void	make_csr(const struct recipe *r, struct bytes *out);

/* Signs a CertificationRequestInfo, whatever it is, and wraps it. */
void	make_csr_around(const uint8_t *info, size_t len, EVP_PKEY *signer, const struct maker_signing *how,
	    const struct bytes *signature_alg, struct bytes *out);

/* PEM with this label; returns its length.  A static buffer. */
size_t	make_pem(const char *label, const struct bytes *der, char **ret);

#endif
