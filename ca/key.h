/*
 * The CA's private key, and the only way to it.  It signs certificates (and later CRLs) that
 * this folder has built; it never signs bytes given from outside: a signer of bytes is an oracle.
 * A table of functions stands behind it: a file today, PKCS#11 or a TPM later.
 */
#ifndef CA_KEY_H
#define CA_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum ca_key_alg { CA_KEY_P256, CA_KEY_P384, CA_KEY_RSA2048, CA_KEY_RSA3072, CA_KEY_RSA4096 };

/* "p256", "p384", "rsa2048", "rsa3072", "rsa4096".  Parse: ERR_USAGE, naming the choices. */
const char			*ca_key_alg_name(enum ca_key_alg alg);
ERR_MUST_CHECK enum err_code	 ca_key_alg_parse(const char *name, enum ca_key_alg *ret, struct err *e);

struct ca_key;		/* immutable once made; may be shared by threads */
struct ca_signer;	/* one thread's own key copy and contexts */
struct tbs;		/* a TBSCertificate that ca/tbs.c built from a plan; nobody else can make one */

ERR_MUST_CHECK enum err_code	ca_key_generate(enum ca_key_alg alg, struct ca_key **ret, struct err *e);

/*
 * A PKCS#8 or traditional PEM file, not encrypted.  ERR_PERMISSION if others may read it (mode & 077);
 * ERR_CONFIG if it is no such key.
 */
ERR_MUST_CHECK enum err_code	ca_key_load(const char *path, struct ca_key **ret, struct err *e);

/* Writes a new file, mode 0600, synced; never over an existing one.  ERR_IO, ERR_CONFLICT. */
ERR_MUST_CHECK enum err_code	ca_key_save(const struct ca_key *k, const char *path, struct err *e);
void				ca_key_free(struct ca_key *k);	/* wipes; takes NULL */
enum ca_key_alg			ca_key_algorithm(const struct ca_key *k);

/* What signing costs is paid once here: own EVP_PKEY, own contexts. */
ERR_MUST_CHECK enum err_code	ca_signer_new(const struct ca_key *k, struct ca_signer **ret, struct err *e);
void				ca_signer_free(struct ca_signer *s);	/* takes NULL */

/* Signs a TBSCertificate.  sig has LIMIT_SIGNATURE_BYTES.  ERR_INTERNAL. */
ERR_MUST_CHECK enum err_code	ca_signer_sign(struct ca_signer *s, const struct tbs *tbs,
				    uint8_t *sig, size_t *ret_len, struct err *e);

#endif
