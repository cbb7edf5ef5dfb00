/*
 * What the stages are made of.  Inside ca/ (and tests/unit/ca, tests/fuzz) only: outside, a stage can
 * be had from its maker and from nowhere else.
 */
#ifndef CA_STAGES_H
#define CA_STAGES_H

#include <stdbool.h>

#include "base/limits.h"
#include "ca/csr.h"
#include "ca/der.h"
#include "ca/issue.h"
#include "ca/issuer.h"
#include "ca/key.h"
#include "ca/profile.h"
#include "ca/serial.h"

/* The subject attributes of the interface, in the order a certificate has them. */
enum subject_attr {
	SUBJECT_C,
	SUBJECT_ST,
	SUBJECT_L,
	SUBJECT_O,
	SUBJECT_OU,
	SUBJECT_CN,
	SUBJECT_ATTRS	/* how many */
};

enum { SUBJECT_KEY_ID_BYTES = 20 };	/* SHA-1 of the key's bits: RFC 5280 4.2.1.2, method 1 */

/* The checks a csr must pass before there can be a plan. */
enum csr_check {
	CSR_SUBJECT_OK = 1,
	CSR_KEY_OK = 2,
	CSR_PROVEN = 4,
	CSR_ALL_CHECKS = 7
};

enum digest { DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGESTS };

/* How the request is signed; set by keycheck. */
enum padding { PADDING_NONE, PADDING_PKCS1, PADDING_PSS };
struct csr_signature {
	enum digest	digest;
	enum padding	padding;
	int		salt_bytes;	/* PSS */
};

struct csr {
	/* csr_parse: where the parts are in der */
	struct der		info;		/* CertificationRequestInfo, whole element: what is signed */
	struct der		subject;	/* content of the Name */
	struct der		spki;		/* SubjectPublicKeyInfo, whole element */
	struct der		key_alg;	/* content of its AlgorithmIdentifier */
	struct der		key_bits;	/* octets of its BIT STRING */
	struct der		sig_alg;	/* content of the request's AlgorithmIdentifier */
	struct der		sig_bits;

	unsigned		checks;		/* enum csr_check, or-ed */

	/* subject_check: empty for an attribute that is absent */
	struct der		attr[SUBJECT_ATTRS];
	char			device_id[LIMIT_DEVICE_ID_BYTES + 1];

	/* keycheck */
	enum key_type		key_type;
	struct der		rsa_modulus;
	struct csr_signature	sig;

	/* pop_verify */
	uint8_t			key_id[KEY_ID_BYTES];
	uint8_t			subject_key_id[SUBJECT_KEY_ID_BYTES];

	size_t			len;
	uint8_t			der[];
};

/* Every field of a certificate to be; owns all it points to. */
struct plan {
	const struct issuer	*issuer;	/* borrowed: whose certificate it will be */
	uint8_t			 serial[SERIAL_BYTES];
	int64_t			 not_before_s, not_after_s;
	struct der		 attr[SUBJECT_ATTRS];
	char			 device_id[LIMIT_DEVICE_ID_BYTES + 1];
	struct der		 spki;
	enum key_type		 key_type;
	uint8_t			 key_id[KEY_ID_BYTES];
	uint8_t			 subject_key_id[SUBJECT_KEY_ID_BYTES];
	uint8_t			 bytes[];	/* behind attr and spki */
};

/* A TBSCertificate (RFC 5280 4.1.2).  Made by tbs_build, tbs_build_ca and tbs_build_server, signed by ca_signer_sign. */
struct tbs {
	const uint8_t	*der;			/* in buf */
	size_t		 len;
	uint8_t		 buf[LIMIT_CERTIFICATE_BYTES];
};

/* ca/tbs.c: ERR_INTERNAL if it does not fit (plan_new has seen to it that it does). */
ERR_MUST_CHECK enum err_code	tbs_build(struct tbs *t, const struct plan *p, struct err *e);

/* What a self-signed CA certificate says. */
struct ca_plan {
	const char		*common_name;
	const struct ca_key	*key;
	uint8_t			 serial[SERIAL_BYTES];
	int64_t			 not_before_s, not_after_s;
	uint8_t			 subject_key_id[SUBJECT_KEY_ID_BYTES];
};
ERR_MUST_CHECK enum err_code	tbs_build_ca(struct tbs *t, const struct ca_plan *p, struct err *e);

/* What the certificate of a TLS server says.  Borrows all it points to. */
struct server_plan {
	struct der		 issuer_name;		/* whole element */
	enum ca_key_alg		 issuer_alg;
	uint8_t			 authority_key_id[SUBJECT_KEY_ID_BYTES];
	const struct ca_key	*key;			/* the server's own */
	const char		*common_name;		/* NULL: an empty subject */
	const char *const	*names;			/* each passed tls_cert_name_check */
	size_t			 names_count;
	uint8_t			 serial[SERIAL_BYTES];
	int64_t			 not_before_s, not_after_s;
	uint8_t			 subject_key_id[SUBJECT_KEY_ID_BYTES];
};
ERR_MUST_CHECK enum err_code	tbs_build_server(struct tbs *t, const struct server_plan *p, struct err *e);

/* ca/tls_cert.c: the octets of an iPAddress (RFC 5280 4.2.1.6), 4 or 16; 0: the name is no address. */
size_t				tls_cert_address(const char *name, uint8_t out[16]);

/* ca/issuer.c: where subject and key are in a v2 or v3 certificate, both whole elements.  False: not strict DER. */
bool				certificate_find_parts(struct der certificate, struct der *ret_name, struct der *ret_spki);

/* ca/cacert.c: the subjectKeyIdentifier of a key that was made here, RFC 5280 4.2.1.2, method 1.  ERR_INTERNAL. */
ERR_MUST_CHECK enum err_code	spki_key_identifier(struct der spki, uint8_t out[SUBJECT_KEY_ID_BYTES], struct err *e);

/* Certificate ::= SEQUENCE { tbs, algorithm, signature } into the end of out; *ret_der points into it. */
ERR_MUST_CHECK enum err_code	tbs_assemble(const struct tbs *t, enum ca_key_alg alg, const uint8_t *sig, size_t sig_len,
				    uint8_t out[LIMIT_CERTIFICATE_BYTES], struct der *ret_der, struct err *e);

struct issued {
	uint8_t		serial[SERIAL_BYTES];
	uint8_t		certificate_id[CERTIFICATE_ID_BYTES];
	uint8_t		key_id[KEY_ID_BYTES];
	char		device_id[LIMIT_DEVICE_ID_BYTES + 1];
	int64_t		not_before_s, not_after_s;
	size_t		len;
	uint8_t		der[];
};

struct issuer {
	struct ca_facts	 facts;
	struct ca_key	*key;
	struct der	 name;		/* its subject Name, whole element, in cert */
	struct der	 spki;		/* in cert */
	char		*chain_pem;
	size_t		 chain_len;
	size_t		 cert_len;
	uint8_t		 cert[];
};

/* ca/pop.c: from now on as if the known answers of pop_new had failed for the reused key.  So that the way back is tested. */
void				pop_distrust_reuse(struct pop *p);

/* ca/selfcheck.c: is this certificate what was planned?  ERR_INTERNAL, naming the first field that differs. */
ERR_MUST_CHECK enum err_code	selfcheck_fields(const struct plan *p, struct der certificate, struct err *e);

/* The same for its signature, by OpenSSL's own certificate code.  ca_public_key is the issuer's. */
struct evp_pkey_st;
ERR_MUST_CHECK enum err_code	selfcheck_signature(struct der certificate, struct evp_pkey_st *ca_public_key, struct err *e);

/* ca/key.c, for this folder: the public key as DER SubjectPublicKeyInfo. */
struct der			ca_key_spki(const struct ca_key *k);

/*
 * Does this key belong to that SubjectPublicKeyInfo?  Compares, signs a text of its own and verifies it.
 * ERR_CONFIG if not.
 */
ERR_MUST_CHECK enum err_code	ca_key_check(const struct ca_key *k, struct der spki, struct err *e);

/* The AlgorithmIdentifier of what this kind of key signs, whole element. */
struct der			ca_key_signature_alg(enum ca_key_alg alg);

#endif
