#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ca/ossl.h"

struct issue_bench {
	const struct issuer	*issuer;
	struct ca_signer	*signer;
	struct hasher		 hasher;
	EVP_PKEY		*ca_public_key;	/* own copy */
	unsigned		 verify_every;
	unsigned		 until_verify;	/* certificates left before the next signature check */
	struct tbs		 tbs;
	uint8_t			 certificate[LIMIT_CERTIFICATE_BYTES];
};

enum err_code
issue_bench_new(const struct issuer *i, unsigned verify_every, struct issue_bench **ret, struct err *e)
{
	struct issue_bench *b = NULL;
	const uint8_t *p = i->spki.p;
	enum err_code rc;

	assert(verify_every >= 1);
	if ((b = calloc(1, sizeof(*b))) == NULL)
		return err_set(e, ERR_NOMEM, "issue bench");
	b->issuer = i;
	b->verify_every = verify_every;
	b->until_verify = 1;
	if ((rc = hasher_init(&b->hasher, e)) != ERR_OK || (rc = ca_signer_new(i->key, &b->signer, e)) != ERR_OK)
		goto out;
	if ((b->ca_public_key = d2i_PUBKEY(NULL, &p, (long)i->spki.len)) == NULL) {
		rc = ossl_fail(e, ERR_INTERNAL, "reading the CA's public key");
		goto out;
	}
	*ret = b;
	b = NULL;
out:
	issue_bench_free(b);
	return rc;
}

void
issue_bench_free(struct issue_bench *b)
{
	if (b == NULL)
		return;
	ca_signer_free(b->signer);
	EVP_PKEY_free(b->ca_public_key);
	hasher_done(&b->hasher);
	free(b);
}

static enum err_code
sign(struct issue_bench *b, const struct plan *p, struct der *ret_certificate, struct err *e)
{
	uint8_t sig[LIMIT_SIGNATURE_BYTES];
	size_t sig_len;
	enum err_code rc;

	if ((rc = tbs_build(&b->tbs, p, e)) != ERR_OK ||
	    (rc = ca_signer_sign(b->signer, &b->tbs, sig, &sig_len, e)) != ERR_OK)
		return rc;
	return tbs_assemble(&b->tbs, ca_key_algorithm(b->issuer->key), sig, sig_len, b->certificate, ret_certificate, e);
}

static enum err_code
check(struct issue_bench *b, const struct plan *p, struct der certificate, struct err *e)
{
	enum err_code rc;

	if ((rc = selfcheck_fields(p, certificate, e)) != ERR_OK)
		return rc;
	if (--b->until_verify > 0)
		return ERR_OK;
	b->until_verify = b->verify_every;
	return selfcheck_signature(certificate, b->ca_public_key, e);
}

enum err_code
issue(struct issue_bench *b, const struct plan *p, struct issued **ret, struct err *e)
{
	struct issued *i = NULL;
	struct der certificate;
	enum err_code rc;

	assert(p->issuer == b->issuer);
	if ((rc = sign(b, p, &certificate, e)) != ERR_OK || (rc = check(b, p, certificate, e)) != ERR_OK)
		return rc;
	if ((i = malloc(sizeof(*i) + certificate.len)) == NULL)
		return err_set(e, ERR_NOMEM, "certificate");
	*i = (struct issued){ .not_before_s = p->not_before_s, .not_after_s = p->not_after_s, .len = certificate.len };
	memcpy(i->serial, p->serial, sizeof(i->serial));
	memcpy(i->key_id, p->key_id, sizeof(i->key_id));
	memcpy(i->device_id, p->device_id, sizeof(i->device_id));
	memcpy(i->der, certificate.p, certificate.len);
	if ((rc = hasher_run(&b->hasher, DIGEST_SHA256, i->der, i->len, i->certificate_id, e)) != ERR_OK) {
		issued_free(i);
		return rc;
	}
	*ret = i;
	return ERR_OK;
}

void
issued_free(struct issued *i)
{
	free(i);
}

const uint8_t *
issued_der(const struct issued *i, size_t *ret_len)
{
	*ret_len = i->len;
	return i->der;
}

const uint8_t *
issued_serial(const struct issued *i)
{
	return i->serial;
}

const uint8_t *
issued_certificate_id(const struct issued *i)
{
	return i->certificate_id;
}

const char *
issued_device_id(const struct issued *i)
{
	return i->device_id;
}

const uint8_t *
issued_key_id(const struct issued *i)
{
	return i->key_id;
}

int64_t
issued_not_before_s(const struct issued *i)
{
	return i->not_before_s;
}

int64_t
issued_not_after_s(const struct issued *i)
{
	return i->not_after_s;
}
