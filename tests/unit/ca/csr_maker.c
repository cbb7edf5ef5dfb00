#include "csr_maker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void
bytes_add(struct bytes *b, const void *p, size_t len)
{
	assert(len <= sizeof(b->p) - b->len);
	if (len > 0)
		memcpy(b->p + b->len, p, len);
	b->len += len;
}

static size_t
header(uint8_t out[5], uint8_t tag, size_t len)
{
	out[0] = tag;
	if (len < 0x80) {
		out[1] = (uint8_t)len;
		return 2;
	}
	if (len < 0x100) {
		out[1] = 0x81;
		out[2] = (uint8_t)len;
		return 3;
	}
	out[1] = 0x82;
	out[2] = (uint8_t)(len >> 8);
	out[3] = (uint8_t)len;
	return 4;
}

void
bytes_add_element(struct bytes *b, uint8_t tag, const void *content, size_t len)
{
	uint8_t h[5];

	bytes_add(b, h, header(h, tag, len));
	bytes_add(b, content, len);
}

void
bytes_wrap(struct bytes *b, uint8_t tag)
{
	uint8_t h[5];
	size_t n = header(h, tag, b->len);

	assert(n <= sizeof(b->p) - b->len);
	memmove(b->p + n, b->p, b->len);
	memcpy(b->p, h, n);
	b->len += n;
}

void
bytes_add_rdn(struct bytes *b, const char *oid, uint8_t tag, const char *value)
{
	struct bytes rdn = { 0 };

	bytes_add_element(&rdn, 0x06, oid, strlen(oid));
	bytes_add_element(&rdn, tag, value, strlen(value));
	bytes_wrap(&rdn, 0x30);
	bytes_wrap(&rdn, 0x31);
	bytes_add(b, rdn.p, rdn.len);
}

void
bytes_add_extension_request(struct bytes *b, const void *extensions, size_t len)
{
	struct bytes values = { 0 }, attribute = { 0 };

	bytes_add(&values, extensions, len);
	bytes_wrap(&values, 0x30);
	bytes_wrap(&values, 0x31);
	BYTES_ADD(&attribute, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e");
	bytes_add(&attribute, values.p, values.len);
	bytes_wrap(&attribute, 0x30);
	bytes_add(b, attribute.p, attribute.len);
}

static EVP_PKEY *keys[MAKER_KEYS];

EVP_PKEY *
maker_key(enum maker_key k)
{
	if (keys[k] != NULL)
		return keys[k];
	switch (k) {
	case MAKER_P256:
	case MAKER_P256_OTHER:
		keys[k] = EVP_EC_gen("P-256");
		break;
	case MAKER_P384:
		keys[k] = EVP_EC_gen("P-384");
		break;
	case MAKER_RSA:
	case MAKER_RSA_OTHER:
		keys[k] = EVP_RSA_gen(2048);
		break;
	case MAKER_KEYS:
		abort();
	}
	assert(keys[k] != NULL);
	return keys[k];
}

void
maker_done(void)
{
	for (int k = 0; k < MAKER_KEYS; k++) {
		EVP_PKEY_free(keys[k]);
		keys[k] = NULL;
	}
}

/* The last octet of the algorithm's and the digest's OID, from the digest's name. */
static const struct md_oids {
	const char	*name;
	const char	*ecdsa;		/* content of the OID */
	uint8_t		 rsa;		/* 1.2.840.113549.1.1.n */
	const char	*digest;	/* whole AlgorithmIdentifier with NULL */
	size_t		 digest_len;
} mds[] = {
	{ "SHA256", "\x2a\x86\x48\xce\x3d\x04\x03\x02", 0x0b,
	    "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00", 15 },
	{ "SHA384", "\x2a\x86\x48\xce\x3d\x04\x03\x03", 0x0c,
	    "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00", 15 },
	{ "SHA512", "\x2a\x86\x48\xce\x3d\x04\x03\x04", 0x0d,
	    "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00", 15 },
	{ "SHA1", "\x2a\x86\x48\xce\x3d\x04\x01", 0x05, "\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00", 11 },
	{ "SHA224", "\x2a\x86\x48\xce\x3d\x04\x03\x01", 0x0e,
	    "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00", 15 },
	{ "MD5", NULL, 0x04, NULL, 0 },
};

static const struct md_oids *
find_md(const char *name)
{
	for (size_t i = 0; i < sizeof(mds) / sizeof(mds[0]); i++)
		if (strcmp(mds[i].name, name) == 0)
			return &mds[i];
	abort();
}

static void
pss_alg(const struct md_oids *md, int salt, struct bytes *out)
{
	struct bytes hash = { 0 }, mgf = { 0 }, salt_len = { 0 };
	uint8_t salt_octets[2] = { (uint8_t)(salt >> 8), (uint8_t)salt };

	bytes_add(&hash, md->digest, md->digest_len);
	bytes_wrap(&hash, 0xa0);
	BYTES_ADD(&mgf, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08");
	bytes_add(&mgf, md->digest, md->digest_len);
	bytes_wrap(&mgf, 0x30);
	bytes_wrap(&mgf, 0xa1);
	if (salt >= 0x80)
		bytes_add_element(&salt_len, 0x02, salt_octets, 2);
	else
		bytes_add_element(&salt_len, 0x02, salt_octets + 1, 1);
	bytes_wrap(&salt_len, 0xa2);
	bytes_add(out, hash.p, hash.len);
	bytes_add(out, mgf.p, mgf.len);
	bytes_add(out, salt_len.p, salt_len.len);
	bytes_wrap(out, 0x30);
}

static void
signature_alg(EVP_PKEY *signer, const struct maker_signing *how, struct bytes *out)
{
	const struct md_oids *md = find_md(how->md != NULL ? how->md : "SHA256");
	struct bytes params = { 0 };
	uint8_t rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, how->pss ? 0x0a : md->rsa };

	out->len = 0;
	if (EVP_PKEY_is_a(signer, "EC")) {
		bytes_add_element(out, 0x06, md->ecdsa, strlen(md->ecdsa));
	} else {
		bytes_add_element(out, 0x06, rsa, sizeof(rsa));
		if (how->pss)
			pss_alg(md, how->salt, &params);
		else
			BYTES_ADD(&params, "\x05\x00");
		bytes_add(out, params.p, params.len);
	}
	bytes_wrap(out, 0x30);
}

static void
sign(const uint8_t *in, size_t len, EVP_PKEY *signer, const struct maker_signing *how, struct bytes *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	uint8_t sig[1024];
	size_t sig_len = sizeof(sig);
	int ok = EVP_DigestSignInit_ex(ctx, &pctx, how->md != NULL ? how->md : "SHA256", NULL, NULL, signer, NULL);

	if (how->pss)
		ok &= EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, how->salt) == 1;
	ok &= EVP_DigestSign(ctx, sig, &sig_len, in, len);
	assert(ok == 1);
	EVP_MD_CTX_free(ctx);
	out->len = 0;
	BYTES_ADD(out, "\0");
	bytes_add(out, sig, sig_len);
	bytes_wrap(out, 0x03);
}

void
make_csr_around(const uint8_t *info, size_t len, EVP_PKEY *signer, const struct maker_signing *how,
    const struct bytes *alg_instead, struct bytes *out)
{
	struct bytes alg = { 0 }, sig = { 0 };

	signature_alg(signer, how, &alg);
	sign(info, len, signer, how, &sig);
	out->len = 0;
	bytes_add(out, info, len);
	bytes_add(out, (alg_instead != NULL ? alg_instead : &alg)->p, (alg_instead != NULL ? alg_instead : &alg)->len);
	bytes_add(out, sig.p, sig.len);
	bytes_wrap(out, 0x30);
}

void
make_csr(const struct recipe *r, struct bytes *out)
{
	struct bytes info = { 0 }, subject = { 0 };
	uint8_t *spki = NULL;
	int spki_len = i2d_PUBKEY(r->key, &spki);

	assert(spki_len > 0);
	if (r->version != NULL)
		bytes_add(&info, r->version->p, r->version->len);
	else
		BYTES_ADD(&info, "\x02\x01\x00");
	if (r->subject != NULL)
		bytes_add(&subject, r->subject->p, r->subject->len);
	else
		bytes_add_rdn(&subject, "\x55\x04\x03", 0x0c, "device-1");
	bytes_wrap(&subject, 0x30);
	bytes_add(&info, subject.p, subject.len);
	if (r->spki != NULL)
		bytes_add(&info, r->spki->p, r->spki->len);
	else
		bytes_add(&info, spki, (size_t)spki_len);
	if (!r->no_attributes)
		bytes_add_element(&info, 0xa0, r->attributes != NULL ? r->attributes->p : NULL,
		    r->attributes != NULL ? r->attributes->len : 0);
	bytes_wrap(&info, 0x30);
	make_csr_around(info.p, info.len, r->signer != NULL ? r->signer : r->key, &r->signing, r->signature_alg, out);
	OPENSSL_free(spki);
}

size_t
make_pem(const char *label, const struct bytes *der, char **ret)
{
	static char text[40 * 1024];
	int n = snprintf(text, sizeof(text), "-----BEGIN %s-----\n", label);
	size_t len = (size_t)n;

	for (size_t i = 0; i < der->len; i += 48) {
		size_t line = der->len - i < 48 ? der->len - i : 48;

		len += (size_t)EVP_EncodeBlock((unsigned char *)text + len, der->p + i, (int)line);
		text[len++] = '\n';
	}
	n = snprintf(text + len, sizeof(text) - len, "-----END %s-----\n", label);
	*ret = text;
	return len + (size_t)n;
}
