#include <stdlib.h>
#include <string.h>

#include "ca/key_ops.h"

/* Whole AlgorithmIdentifiers: RFC 5758 3.2 (no parameters), RFC 4055 5 (NULL). */
static const uint8_t ecdsa_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t ecdsa_sha384[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };
static const uint8_t sha256_rsa[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b,
	0x05, 0x00 };

static const struct key_alg {
	const char	*name;
	enum digest	 digest;
	struct der	 signature_alg;
} algs[] = {
	[CA_KEY_P256] = { "p256", DIGEST_SHA256, { ecdsa_sha256, sizeof(ecdsa_sha256) } },
	[CA_KEY_P384] = { "p384", DIGEST_SHA384, { ecdsa_sha384, sizeof(ecdsa_sha384) } },
	[CA_KEY_RSA2048] = { "rsa2048", DIGEST_SHA256, { sha256_rsa, sizeof(sha256_rsa) } },
	[CA_KEY_RSA3072] = { "rsa3072", DIGEST_SHA256, { sha256_rsa, sizeof(sha256_rsa) } },
	[CA_KEY_RSA4096] = { "rsa4096", DIGEST_SHA256, { sha256_rsa, sizeof(sha256_rsa) } },
};

const char *
ca_key_alg_name(enum ca_key_alg alg)
{
	return algs[alg].name;
}

enum err_code
ca_key_alg_parse(const char *name, enum ca_key_alg *ret, struct err *e)
{
	for (enum ca_key_alg a = 0; a < sizeof(algs) / sizeof(algs[0]); a++)
		if (strcmp(name, algs[a].name) == 0) {
			*ret = a;
			return ERR_OK;
		}
	return err_say(e, ERR_USAGE, "no such key algorithm: %.32s; it must be p256, p384, rsa2048, rsa3072 or rsa4096", name);
}

struct der
ca_key_signature_alg(enum ca_key_alg alg)
{
	return algs[alg].signature_alg;
}

enum digest
ca_key_digest(enum ca_key_alg alg)
{
	return algs[alg].digest;
}

enum err_code
ca_key_generate(enum ca_key_alg alg, struct ca_key **ret, struct err *e)
{
	EVP_PKEY *pkey = NULL;

	switch (alg) {
	case CA_KEY_P256:
		pkey = EVP_EC_gen("P-256");
		break;
	case CA_KEY_P384:
		pkey = EVP_EC_gen("P-384");
		break;
	case CA_KEY_RSA2048:
		pkey = EVP_RSA_gen(2048);
		break;
	case CA_KEY_RSA3072:
		pkey = EVP_RSA_gen(3072);
		break;
	case CA_KEY_RSA4096:
		pkey = EVP_RSA_gen(4096);
		break;
	}
	if (pkey == NULL)
		return ossl_fail(e, ERR_INTERNAL, "making a CA key");
	return key_file_new(pkey, ret, e);
}

enum err_code
ca_key_save(const struct ca_key *k, const char *path, struct err *e)
{
	return k->ops->save(k, path, e);
}

void
ca_key_free(struct ca_key *k)
{
	if (k == NULL)
		return;
	k->ops->free(k->self);
	OPENSSL_free(k->spki);
	free(k);
}

enum ca_key_alg
ca_key_algorithm(const struct ca_key *k)
{
	return k->alg;
}

struct der
ca_key_spki(const struct ca_key *k)
{
	return (struct der){ k->spki, k->spki_len };
}

struct ca_signer {
	const struct ca_key	*key;		/* borrowed */
	struct hasher		 hasher;
	void			*state;		/* of key->ops */
};

enum err_code
ca_signer_new(const struct ca_key *k, struct ca_signer **ret, struct err *e)
{
	struct ca_signer *s = NULL;
	enum err_code rc;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return err_set(e, ERR_NOMEM, "signer");
	s->key = k;
	if ((rc = hasher_init(&s->hasher, e)) != ERR_OK || (rc = k->ops->signer_new(k, &s->state, e)) != ERR_OK)
		goto out;
	*ret = s;
	s = NULL;
out:
	ca_signer_free(s);
	return rc;
}

void
ca_signer_free(struct ca_signer *s)
{
	if (s == NULL)
		return;
	s->key->ops->signer_free(s->state);
	hasher_done(&s->hasher);
	free(s);
}

static enum err_code
sign_bytes(struct ca_signer *s, const void *bytes, size_t len, uint8_t *sig, size_t *ret_len, struct err *e)
{
	enum digest d = ca_key_digest(s->key->alg);
	uint8_t digest[EVP_MAX_MD_SIZE];
	enum err_code rc;

	if ((rc = hasher_run(&s->hasher, d, bytes, len, digest, e)) != ERR_OK)
		return rc;
	return s->key->ops->sign(s->state, digest, digest_bytes(d), sig, ret_len, e);
}

enum err_code
ca_signer_sign(struct ca_signer *s, const struct tbs *tbs, uint8_t *sig, size_t *ret_len, struct err *e)
{
	return sign_bytes(s, tbs->der, tbs->len, sig, ret_len, e);
}

/* By OpenSSL's ordinary way, as a stranger would verify. */
static bool
verifies(struct der spki, enum digest d, const void *bytes, size_t len, const uint8_t *sig, size_t sig_len)
{
	const uint8_t *p = spki.p;
	EVP_PKEY *pub = d2i_PUBKEY(NULL, &p, (long)spki.len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = pub != NULL && ctx != NULL &&
	    EVP_DigestVerifyInit_ex(ctx, NULL, digest_name(d), NULL, NULL, pub, NULL) == 1 &&
	    EVP_DigestVerify(ctx, sig, sig_len, bytes, len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pub);
	return ok;
}

enum err_code
ca_key_check(const struct ca_key *k, struct der spki, struct err *e)
{
	/* not a certificate and never one: it does not begin like DER */
	static const char text[] = "lineca: this key signs";
	uint8_t sig[LIMIT_SIGNATURE_BYTES];
	struct ca_signer *s = NULL;
	size_t sig_len;
	enum err_code rc;

	if (!der_equal(spki, k->spki, k->spki_len))
		return err_set(e, ERR_CONFIG, "the CA's key is not the key of the CA's certificate");
	if ((rc = ca_signer_new(k, &s, e)) != ERR_OK || (rc = sign_bytes(s, text, sizeof(text), sig, &sig_len, e)) != ERR_OK)
		goto out;
	if (!verifies(spki, ca_key_digest(k->alg), text, sizeof(text), sig, sig_len))
		rc = ossl_fail(e, ERR_CONFIG, "what the CA's key signs does not verify with its certificate");
out:
	ca_signer_free(s);
	return rc;
}
