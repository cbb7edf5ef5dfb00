/*
 * What makes a P-256 check cost little more than its arithmetic: one EVP_PKEY whose point is replaced
 * under one live verify context, instead of a key and a context a request.  OpenSSL does not document that, hence
 * the known answers at pop_new; where they fail, each request gets a fresh key.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ca/ossl.h"
#include "ca/pop_known.h"

struct pop {
	struct hasher	 hasher;
	EVP_PKEY	*p256;			/* its point is replaced by every request's */
	EVP_PKEY_CTX	*p256_verify;		/* lives as long as p256 */
	bool		 reuse;			/* p256 proved itself in pop_new */
	EVP_PKEY	*p384;			/* what a fresh key has its curve from */
	EVP_PKEY_CTX	*rsa_from_data;
};

/* *ret_ctx verifies signatures of key. */
static bool
verify_ctx_new(EVP_PKEY *key, EVP_PKEY_CTX **ret_ctx)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return false;
	}
	*ret_ctx = ctx;
	return true;
}

static EVP_PKEY *
ec_key_fresh(EVP_PKEY *same_curve, const uint8_t *point, size_t len)
{
	EVP_PKEY *key = EVP_PKEY_new();

	if (key == NULL || EVP_PKEY_copy_parameters(key, same_curve) != 1 ||
	    EVP_PKEY_set1_encoded_public_key(key, point, len) != 1) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

enum verdict { VERDICT_GOOD, VERDICT_BAD_SIGNATURE, VERDICT_BAD_KEY };

/* EVP_PKEY_verify tells a bad signature (0) from a broken one (below 0); to us both are no proof. */
static enum verdict
verify_with(EVP_PKEY_CTX *ctx, const uint8_t *sig, size_t sig_len, const uint8_t *digest, size_t digest_len)
{
	return EVP_PKEY_verify(ctx, sig, sig_len, digest, digest_len) == 1 ? VERDICT_GOOD : VERDICT_BAD_SIGNATURE;
}

static enum verdict
verify_reused(struct pop *p, struct der point, struct der sig, const uint8_t *digest, size_t digest_len)
{
	if (EVP_PKEY_set1_encoded_public_key(p->p256, point.p, point.len) != 1)
		return VERDICT_BAD_KEY;
	return verify_with(p->p256_verify, sig.p, sig.len, digest, digest_len);
}

static enum verdict
verify_fresh(EVP_PKEY *same_curve, struct der point, struct der sig, const uint8_t *digest, size_t digest_len)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	enum verdict v = VERDICT_BAD_KEY;

	if ((key = ec_key_fresh(same_curve, point.p, point.len)) == NULL)
		goto out;
	v = VERDICT_BAD_SIGNATURE;
	if (verify_ctx_new(key, &ctx))
		v = verify_with(ctx, sig.p, sig.len, digest, digest_len);
out:
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return v;
}

/* The modulus comes big endian; OSSL_PARAM wants the machine's order. */
static EVP_PKEY *
rsa_key_fresh(struct pop *p, struct der modulus)
{
	unsigned char n[4096 / 8], exponent[sizeof(int)];
	int e = 65537;
	EVP_PKEY *key = NULL;

	assert(modulus.len <= sizeof(n));
	memcpy(exponent, &e, sizeof(exponent));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (size_t i = 0; i < modulus.len; i++)
		n[i] = modulus.p[modulus.len - 1 - i];
#else
	memcpy(n, modulus.p, modulus.len);
#endif
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, modulus.len),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, exponent, sizeof(exponent)),
		OSSL_PARAM_construct_end()
	};
	if (EVP_PKEY_fromdata_init(p->rsa_from_data) != 1 ||
	    EVP_PKEY_fromdata(p->rsa_from_data, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return key;
}

static bool
rsa_set_padding(EVP_PKEY_CTX *ctx, const EVP_MD *md, const struct csr_signature *s)
{
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, s->padding == PADDING_PSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
		return false;
	return s->padding != PADDING_PSS ||
	    (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, s->salt_bytes) == 1);
}

static enum verdict
verify_rsa(struct pop *p, const struct csr *c, const uint8_t *digest, size_t digest_len)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	enum verdict v = VERDICT_BAD_KEY;

	if ((key = rsa_key_fresh(p, c->rsa_modulus)) == NULL)
		goto out;
	v = VERDICT_BAD_SIGNATURE;
	if (verify_ctx_new(key, &ctx) && rsa_set_padding(ctx, p->hasher.md[c->sig.digest], &c->sig))
		v = verify_with(ctx, c->sig_bits.p, c->sig_bits.len, digest, digest_len);
out:
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return v;
}

static enum verdict
verify_csr(struct pop *p, const struct csr *c, const uint8_t *digest, size_t digest_len)
{
	switch (c->key_type) {
	case KEY_P256:
		if (p->reuse)
			return verify_reused(p, c->key_bits, c->sig_bits, digest, digest_len);
		return verify_fresh(p->p256, c->key_bits, c->sig_bits, digest, digest_len);
	case KEY_P384:
		return verify_fresh(p->p384, c->key_bits, c->sig_bits, digest, digest_len);
	case KEY_RSA:
		return verify_rsa(p, c, digest, digest_len);
	}
	return VERDICT_BAD_KEY;
}

/* What the rest of the way needs to know about the key, while the digest contexts are at hand. */
static enum err_code
identify_key(struct pop *p, struct csr *c, struct err *e)
{
	enum err_code rc;

	if ((rc = hasher_run(&p->hasher, DIGEST_SHA256, c->spki.p, c->spki.len, c->key_id, e)) != ERR_OK)
		return rc;
	return hasher_run(&p->hasher, DIGEST_SHA1, c->key_bits.p, c->key_bits.len, c->subject_key_id, e);
}

enum err_code
pop_verify(struct pop *p, struct csr *c, struct err *e)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	enum verdict v;
	enum err_code rc;

	assert(c->checks & CSR_KEY_OK);
	if ((rc = hasher_run(&p->hasher, c->sig.digest, c->info.p, c->info.len, digest, e)) != ERR_OK)
		return rc;
	v = verify_csr(p, c, digest, digest_bytes(c->sig.digest));
	if (v != VERDICT_GOOD)
		ERR_clear_error();
	if (v == VERDICT_BAD_KEY)
		return err_say(e, ERR_KEY, "The public key is not a valid key: its point is not on the curve.");
	if (v == VERDICT_BAD_SIGNATURE)
		return err_say(e, ERR_CSR_SIGNATURE, "The request's signature does not verify with the key in it: it was"
		    " changed on the way, or signed with another key.");
	if ((rc = identify_key(p, c, e)) != ERR_OK)
		return rc;
	c->checks |= CSR_PROVEN;
	return ERR_OK;
}

enum err_code
csr_key_id(struct pop *p, const struct csr *c, uint8_t out[KEY_ID_BYTES], struct err *e)
{
	if (c->checks & CSR_PROVEN) {
		memcpy(out, c->key_id, KEY_ID_BYTES);
		return ERR_OK;
	}
	return hasher_run(&p->hasher, DIGEST_SHA256, c->spki.p, c->spki.len, out, e);
}

/*
 * Two keys in turn, each with its own signature, the other's, and its own over other bytes: a context that
 * kept an old key, or that says yes to everything, fails here.
 */
static bool
known_answers_right(struct pop *p, bool reuse)
{
	uint8_t digest[sizeof(pop_known_digest)];

	for (unsigned round = 0; round < 8; round++) {
		const struct pop_known *own = &pop_known[round % 2], *other = &pop_known[1 - round % 2];
		bool swap = round & 2, spoil = round & 4;
		struct der point = { own->point, sizeof(own->point) };
		struct der sig = { (swap ? other : own)->sig, (swap ? other : own)->sig_len };
		enum verdict v;

		memcpy(digest, pop_known_digest, sizeof(digest));
		digest[0] ^= spoil;
		v = reuse ? verify_reused(p, point, sig, digest, sizeof(digest)) :
		    verify_fresh(p->p256, point, sig, digest, sizeof(digest));
		ERR_clear_error();
		if (v != (swap || spoil ? VERDICT_BAD_SIGNATURE : VERDICT_GOOD))
			return false;
	}
	return true;
}

enum err_code
pop_new(struct pop **ret, struct err *e)
{
	struct pop *p = NULL;
	enum err_code rc;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return err_set(e, ERR_NOMEM, "pop");
	if ((rc = hasher_init(&p->hasher, e)) != ERR_OK)
		goto out;
	if ((p->p256 = EVP_EC_gen("P-256")) == NULL || (p->p384 = EVP_EC_gen("P-384")) == NULL ||
	    (p->rsa_from_data = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL)) == NULL ||
	    !verify_ctx_new(p->p256, &p->p256_verify)) {
		rc = ossl_fail(e, ERR_INTERNAL, "proof of possession: making the contexts");
		goto out;
	}
	p->reuse = known_answers_right(p, true);
	if (!known_answers_right(p, false)) {
		rc = err_set(e, ERR_INTERNAL, "proof of possession: this OpenSSL fails known ECDSA P-256 answers");
		goto out;
	}
	*ret = p;
	p = NULL;
	rc = ERR_OK;
out:
	pop_free(p);
	return rc;
}

bool
pop_reuses_key(const struct pop *p)
{
	return p->reuse;
}

void
pop_distrust_reuse(struct pop *p)
{
	p->reuse = false;
}

void
pop_free(struct pop *p)
{
	if (p == NULL)
		return;
	EVP_PKEY_CTX_free(p->p256_verify);
	EVP_PKEY_CTX_free(p->rsa_from_data);
	EVP_PKEY_free(p->p256);
	EVP_PKEY_free(p->p384);
	hasher_done(&p->hasher);
	free(p);
}
