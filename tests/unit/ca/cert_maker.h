/*
 * Makes certificates by OpenSSL for the tests: CAs, their intermediates, clients of every kind.  Shares no code with ca/.
 */
#ifndef TEST_CERT_MAKER_H
#define TEST_CERT_MAKER_H

#include "csr_maker.h"

struct cert_extension {
	int		 nid;
	const char	*value;		/* as in openssl.cnf: "critical,CA:TRUE" */
};

enum { CERT_EXTENSIONS_MAX = 6 };

struct cert_recipe {
	const char		*cn;			/* NULL: an empty subject */
	EVP_PKEY		*key;
	const X509		*issuer;		/* NULL: self-signed */
	EVP_PKEY		*signer;		/* NULL: key */
	const char		*md;			/* NULL: SHA256 */
	int64_t			 not_before_s, not_after_s;
	struct cert_extension	 extensions[CERT_EXTENSIONS_MAX];	/* ends where nid is 0 */
	void			(*edit)(X509 *);	/* before it is signed; NULL: nothing */
};

#define CERT_CA_EXTENSIONS							\
	{ { NID_basic_constraints, "critical,CA:TRUE" },			\
	  { NID_key_usage, "critical,keyCertSign,cRLSign" },			\
	  { NID_subject_key_identifier, "hash" } }
#define CERT_CLIENT_EXTENSIONS							\
	{ { NID_basic_constraints, "critical,CA:FALSE" },			\
	  { NID_key_usage, "critical,digitalSignature" },			\
	  { NID_ext_key_usage, "clientAuth" } }

/* The caller's: X509_free. */
X509	*make_certificate(const struct cert_recipe *r);

/* i2d_X509 */
void	certificate_der(X509 *cert, struct bytes *out);

#endif
