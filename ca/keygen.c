#include "ca/keygen.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ca/oid.h"
#include "ca/ossl.h"

enum {
	SECRET_BYTES_MAX = LIMIT_SIGNATURE_BYTES,	/* a number of an RSA-4096 key */
	PKCS8_BYTES_MAX = 2560,				/* of an RSA-4096 key: 2375 */
	/* a subject that passed subject_check is 1.7 KiB at most, key and signature of RSA-4096 1.1 */
	REQUEST_BYTES_MAX = 4096
};

/* The only copy of the private key outside OpenSSL's own, which is gone when device_key_new returns. */
struct device_key {
	struct der	der;			/* at the end of buf */
	uint8_t		buf[PKCS8_BYTES_MAX];
};

void
device_key_free(struct device_key *k)
{
	if (k == NULL)
		return;
	OPENSSL_cleanse(k, sizeof(*k));
	free(k);
}

const uint8_t *
device_key_pkcs8(const struct device_key *k, size_t *ret_len)
{
	*ret_len = k->der.len;
	return k->der.p;
}

static EVP_PKEY *
generate_rsa(struct der modulus)
{
	unsigned bits = (unsigned)modulus.len * 8;

	for (unsigned top = modulus.p[0]; top < 0x80; top <<= 1)
		bits--;
	return EVP_RSA_gen(bits);
}

static EVP_PKEY *
generate(const struct csr *like)
{
	switch (like->key_type) {
	case KEY_P256:
		return EVP_EC_gen("P-256");
	case KEY_P384:
		return EVP_EC_gen("P-384");
	case KEY_RSA:
		return generate_rsa(like->rsa_modulus);
	}
	return NULL;
}

/*
 * One number of the key, big endian, all of out filled.  By EVP_PKEY_get_params, which writes straight into out:
 * i2d_PKCS8_PRIV_KEY_INFO and EVP_PKEY2PKCS8 free buffers with the key in them unwiped.
 */
static bool
get_number(const EVP_PKEY *key, const char *name, uint8_t *out, size_t len)
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_BN(name, out, len), OSSL_PARAM_construct_end() };

	if (EVP_PKEY_get_params(key, params) != 1)
		return false;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (size_t i = 0; i < len / 2; i++) {
		uint8_t low = out[i];

		out[i] = out[len - 1 - i];
		out[len - 1 - i] = low;
	}
#endif
	return true;
}

/* RSAPrivateKey: RFC 8017 A.1.2.  Backwards: the coefficient stands last. */
static bool
put_rsa(struct der_writer *w, const EVP_PKEY *key)
{
	static const char *const numbers[] = {
		OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_EXPONENT1,
		OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_E,
		OSSL_PKEY_PARAM_RSA_N
	};
	uint8_t number[SECRET_BYTES_MAX];
	size_t mark = der_mark(w);
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		ok = get_number(key, numbers[i], number, sizeof(number));
		if (ok)
			der_put_unsigned(w, number, sizeof(number));
	}
	OPENSSL_cleanse(number, sizeof(number));
	DER_PUT(w, "\x02\x01\x00");			/* two primes */
	der_wrap(w, DER_SEQUENCE, mark);
	return ok;
}

/* ECPrivateKey without the curve, which the AlgorithmIdentifier names: RFC 5915 3. */
static bool
put_ec(struct der_writer *w, const EVP_PKEY *key, struct der point)
{
	uint8_t secret[SECRET_BYTES_MAX];
	size_t len = (point.len - 1) / 2, mark = der_mark(w);
	bool ok = get_number(key, OSSL_PKEY_PARAM_PRIV_KEY, secret, len);

	der_put_octet_bits(w, point.p, point.len);
	der_wrap(w, DER_CONTEXT_0 + 1, mark);
	der_put_element(w, DER_OCTET_STRING, secret, ok ? len : 0);
	DER_PUT(w, "\x02\x01\x01");
	der_wrap(w, DER_SEQUENCE, mark);
	OPENSSL_cleanse(secret, sizeof(secret));
	return ok;
}

/* PrivateKeyInfo: RFC 5958 2, version 1.  spki: SubjectPublicKeyInfo of the same key; its algorithm is ours too. */
static bool
put_pkcs8(struct device_key *k, const EVP_PKEY *key, enum key_type type, struct der spki)
{
	struct der alg, point;
	struct der_writer w;
	bool ok;

	if (!der_take(&spki, DER_SEQUENCE, &spki) || !der_take_element(&spki, DER_SEQUENCE, &alg) ||
	    !der_take_octet_bits(&spki, &point))
		return false;
	der_writer_init(&w, k->buf, sizeof(k->buf));
	ok = type == KEY_RSA ? put_rsa(&w, key) : put_ec(&w, key, point);
	der_wrap(&w, DER_OCTET_STRING, 0);
	der_put(&w, alg.p, alg.len);
	DER_PUT(&w, "\x02\x01\x00");
	der_wrap(&w, DER_SEQUENCE, 0);
	k->der = (struct der){ w.p, der_mark(&w) };
	return ok && !w.full;
}

/* CertificationRequestInfo (RFC 2986 4.1) with like's subject, byte for byte, and no attributes. */
static struct der
put_info(struct der_writer *w, const struct csr *like, struct der spki)
{
	size_t mark;

	DER_PUT(w, "\xa0\x00");
	der_put(w, spki.p, spki.len);
	mark = der_mark(w);
	der_put(w, like->subject.p, like->subject.len);
	der_wrap(w, DER_SEQUENCE, mark);
	DER_PUT(w, "\x02\x01\x00");
	der_wrap(w, DER_SEQUENCE, 0);
	return (struct der){ w->p, der_mark(w) };
}

static bool
sign(EVP_PKEY *key, enum digest d, struct der info, uint8_t *sig, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, digest_name(d), NULL, NULL, key, NULL) == 1 &&
	    EVP_DigestSign(ctx, sig, len, info.p, info.len) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

/* CertificationRequest (RFC 2986 4.2) into the end of out. */
static enum err_code
build_request(EVP_PKEY *key, const struct csr *like, struct der spki, uint8_t out[REQUEST_BYTES_MAX], struct der *ret,
    struct err *e)
{
	enum ca_key_alg alg = like->key_type == KEY_P256 ? CA_KEY_P256 : like->key_type == KEY_P384 ? CA_KEY_P384 : CA_KEY_RSA2048;
	struct der signature_alg = ca_key_signature_alg(alg), info;
	uint8_t info_buf[REQUEST_BYTES_MAX], sig[LIMIT_SIGNATURE_BYTES];
	struct der_writer w;
	size_t sig_len = sizeof(sig);

	der_writer_init(&w, info_buf, sizeof(info_buf));
	info = put_info(&w, like, spki);
	if (w.full)
		return err_set(e, ERR_INTERNAL, "keygen: a subject of %zu bytes does not fit", like->subject.len);
	if (!sign(key, alg == CA_KEY_P384 ? DIGEST_SHA384 : DIGEST_SHA256, info, sig, &sig_len))
		return ossl_fail(e, ERR_INTERNAL, "keygen: signing the request of a new key");
	der_writer_init(&w, out, REQUEST_BYTES_MAX);
	der_put_octet_bits(&w, sig, sig_len);
	der_put(&w, signature_alg.p, signature_alg.len);
	der_put(&w, info.p, info.len);
	der_wrap(&w, DER_SEQUENCE, 0);
	if (w.full)
		return err_set(e, ERR_INTERNAL, "keygen: a subject of %zu bytes does not fit", like->subject.len);
	*ret = (struct der){ w.p, der_mark(&w) };
	return ERR_OK;
}

/* The way of every request.  What fails here is our doing, not the device's. */
static enum err_code
accept_request(struct pop *p, struct der request, struct csr **ret, struct err *e)
{
	struct csr *c = NULL;
	struct err why;
	enum err_code rc;

	if ((rc = csr_parse(request.p, request.len, &c, &why)) == ERR_OK && (rc = subject_check(c, &why)) == ERR_OK &&
	    (rc = keycheck(c, &why)) == ERR_OK)
		rc = pop_verify(p, c, &why);
	if (rc != ERR_OK) {
		csr_free(c);
		return err_set(e, rc == ERR_NOMEM ? rc : ERR_INTERNAL, "keygen: our own request is refused: %s", why.log_text);
	}
	*ret = c;
	return ERR_OK;
}

enum err_code
device_key_new(struct pop *p, const struct csr *like, struct device_key **ret, struct csr **ret_csr, struct err *e)
{
	uint8_t request_buf[REQUEST_BYTES_MAX], *spki = NULL;
	struct device_key *k = NULL;
	EVP_PKEY *key = NULL;
	struct der request = { NULL, 0 };
	enum err_code rc;
	int spki_len;

	assert((like->checks & (CSR_SUBJECT_OK | CSR_KEY_OK)) == (CSR_SUBJECT_OK | CSR_KEY_OK));
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return err_set(e, ERR_NOMEM, "a device's key");
	if ((key = generate(like)) == NULL || (spki_len = i2d_PUBKEY(key, &spki)) <= 0 ||
	    !put_pkcs8(k, key, like->key_type, (struct der){ spki, (size_t)spki_len })) {
		rc = ossl_fail(e, ERR_INTERNAL, "keygen: making a device's key");
		goto out;
	}
	if ((rc = build_request(key, like, (struct der){ spki, (size_t)spki_len }, request_buf, &request, e)) != ERR_OK ||
	    (rc = accept_request(p, request, ret_csr, e)) != ERR_OK)
		goto out;
	*ret = k;
	k = NULL;
out:
	device_key_free(k);
	EVP_PKEY_free(key);	/* wipes */
	OPENSSL_free(spki);
	return rc;
}
