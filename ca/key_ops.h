/*
 * What stands behind a struct ca_key: a file today.  Another place for keys (PKCS#11, a TPM) is another table and
 * another maker of struct ca_key; nobody else changes.  Inside ca/key*.c only.
 */
#ifndef CA_KEY_OPS_H
#define CA_KEY_OPS_H

#include "ca/ossl.h"

struct ca_key_ops {
	/*
	 * One thread's means to sign with this key: what it needs of its own is made here.  ERR_INTERNAL.
	 */
	enum err_code	(*signer_new)(const struct ca_key *k, void **ret, struct err *e);
	void		(*signer_free)(void *signer);	/* takes NULL */

	/*
	 * ECDSA as DER Ecdsa-Sig-Value, or PKCS#1 v1.5, over a digest of the algorithm's own kind (ca_key_digest).
	 * sig has LIMIT_SIGNATURE_BYTES.  ERR_INTERNAL.
	 */
	enum err_code	(*sign)(void *signer, const uint8_t *digest, size_t digest_len,
			    uint8_t *sig, size_t *ret_len, struct err *e);

	/* ERR_CONFLICT where a key cannot be written to a file. */
	enum err_code	(*save)(const struct ca_key *k, const char *path, struct err *e);
	void		(*free)(void *self);		/* takes NULL */
};

struct ca_key {
	const struct ca_key_ops	*ops;
	void			*self;		/* the table's own */
	enum ca_key_alg		 alg;
	uint8_t			*spki;		/* the public key, DER, by OPENSSL_malloc */
	size_t			 spki_len;
};

/* What this kind of key signs: SHA-256, for P-384 SHA-384. */
enum digest	ca_key_digest(enum ca_key_alg alg);

/* From an OpenSSL key, which is taken over, also on failure.  ERR_CONFIG: none of our algorithms.  In ca/key_file.c. */
ERR_MUST_CHECK enum err_code	key_file_new(EVP_PKEY *pkey, struct ca_key **ret, struct err *e);

#endif
