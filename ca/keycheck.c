#include "ca/oid.h"
#include "ca/rsa_weak.h"
#include "ca/stages.h"

enum {
	P256_POINT_BYTES = 65,
	P384_POINT_BYTES = 97,
	POINT_UNCOMPRESSED = 4,		/* SEC 1, 2.3.3 */
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 4096,
	PSS_SALT_DEFAULT = 20		/* RFC 4055 3.1 */
};

/* The request signatures accepted; everything else is refused. */
static const struct sig_rule {
	const char	*oid;
	size_t		 oid_len;
	enum digest	 digest;
	enum padding	 padding;	/* PADDING_NONE: ECDSA */
} sig_rules[] = {
#define RULE(oid, digest, padding) { oid, sizeof(oid) - 1, digest, padding }
	RULE(OID_ECDSA_SHA256, DIGEST_SHA256, PADDING_NONE),
	RULE(OID_ECDSA_SHA384, DIGEST_SHA384, PADDING_NONE),
	RULE(OID_ECDSA_SHA512, DIGEST_SHA512, PADDING_NONE),
	RULE(OID_SHA256_RSA, DIGEST_SHA256, PADDING_PKCS1),
	RULE(OID_SHA384_RSA, DIGEST_SHA384, PADDING_PKCS1),
	RULE(OID_SHA512_RSA, DIGEST_SHA512, PADDING_PKCS1),
	RULE(OID_RSASSA_PSS, DIGEST_SHA256, PADDING_PSS),	/* the digest is in the parameters */
#undef RULE
};

static enum err_code
check_ec_key(struct csr *c, struct der params, struct err *e)
{
	struct der curve;
	size_t point_bytes;

	if (!der_take(&params, DER_OID, &curve) || params.len > 0)
		return err_say(e, ERR_KEY, "The EC key does not name its curve; use the named curve P-256 or P-384.");
	if (DER_IS(curve, OID_P256)) {
		c->key_type = KEY_P256;
		point_bytes = P256_POINT_BYTES;
	} else if (DER_IS(curve, OID_P384)) {
		c->key_type = KEY_P384;
		point_bytes = P384_POINT_BYTES;
	} else {
		return err_say(e, ERR_KEY, "The EC key is on a curve that AWS IoT does not take; use P-256 or P-384.");
	}
	if (c->key_bits.len != point_bytes || c->key_bits.p[0] != POINT_UNCOMPRESSED)
		return err_say(e, ERR_KEY, "The EC public key must be an uncompressed point of %zu bytes that begins with 04.",
		    point_bytes);
	return ERR_OK;
}

static unsigned
magnitude_bits(struct der m)
{
	unsigned bits = (unsigned)m.len * 8;

	for (unsigned top = m.p[0]; top < 0x80; top <<= 1)
		bits--;
	return bits;
}

static enum err_code
check_rsa_key(struct csr *c, struct der params, struct err *e)
{
	struct der none, key = c->key_bits, n, exponent;
	unsigned bits;

	if (!der_take(&params, DER_NULL, &none) || none.len > 0 || params.len > 0)
		return err_say(e, ERR_KEY, "The RSA key's algorithm must have NULL parameters (RFC 3279).");
	if (!der_take(&key, DER_SEQUENCE, &key) || !der_take_unsigned(&key, &n) || !der_take_unsigned(&key, &exponent) ||
	    key.len > 0 || key.p != c->key_bits.p + c->key_bits.len || n.len == 0)
		return err_say(e, ERR_KEY, "The RSA public key is not a modulus and an exponent (RFC 8017 A.1.1).");
	bits = magnitude_bits(n);
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return err_say(e, ERR_KEY, "The RSA key has %u bits; 2048 to 4096 are allowed.", bits);
	if (!DER_IS(exponent, "\x01\x00\x01"))
		return err_say(e, ERR_KEY, "The RSA key's public exponent must be 65537.");
	c->key_type = KEY_RSA;
	c->rsa_modulus = n;
	return rsa_weak_check(n.p, n.len, e);
}

static enum err_code
check_key(struct csr *c, struct err *e)
{
	struct der alg = c->key_alg, oid;

	if (!der_take(&alg, DER_OID, &oid))
		return err_set(e, ERR_INTERNAL, "keycheck: csr_parse let a broken key pass");
	if (DER_IS(oid, OID_EC_PUBLIC_KEY))
		return check_ec_key(c, alg, e);
	if (DER_IS(oid, OID_RSA_ENCRYPTION))
		return check_rsa_key(c, alg, e);
	return err_say(e, ERR_KEY, "The key's algorithm is not one that AWS IoT takes; use EC P-256, EC P-384 or RSA"
	    " (rsaEncryption) of 2048 to 4096 bits.");
}

/* AlgorithmIdentifier of SHA-256, -384 or -512, parameters absent or NULL (RFC 4055 2.1). */
static bool
take_digest_alg(struct der *in, enum digest *ret)
{
	struct der alg, oid, none;

	if (!der_take(in, DER_SEQUENCE, &alg) || !der_take(&alg, DER_OID, &oid) ||
	    (alg.len > 0 && (!der_take(&alg, DER_NULL, &none) || none.len > 0 || alg.len > 0)))
		return false;
	if (DER_IS(oid, OID_SHA256))
		*ret = DIGEST_SHA256;
	else if (DER_IS(oid, OID_SHA384))
		*ret = DIGEST_SHA384;
	else if (DER_IS(oid, OID_SHA512))
		*ret = DIGEST_SHA512;
	else
		return false;
	return true;
}

/* [tag] EXPLICIT INTEGER of at most two octets, or the default when it is absent. */
static bool
take_small(struct der *in, uint8_t tag, int fallback, int *ret)
{
	struct der explicit, n;

	*ret = fallback;
	if (!der_peek(in, tag))
		return true;
	if (!der_take(in, tag, &explicit) || !der_take_unsigned(&explicit, &n) || explicit.len > 0 || n.len > 2)
		return false;
	*ret = 0;
	for (size_t i = 0; i < n.len; i++)
		*ret = *ret << 8 | n.p[i];
	return true;
}

/*
 * RSASSA-PSS-params (RFC 4055 3.1): the digest must be named, as the default is SHA-1; the mask must be MGF1
 * with the same digest; trailer 1; a salt that fits the key.
 */
static bool
pss_params_ok(struct csr *c, struct der params)
{
	struct der p, explicit, mgf, oid;
	enum digest mask_digest;
	int trailer;
	size_t room;

	if (!der_take(&params, DER_SEQUENCE, &p) || params.len > 0 ||
	    !der_take(&p, DER_CONTEXT_0, &explicit) || !take_digest_alg(&explicit, &c->sig.digest) || explicit.len > 0)
		return false;
	if (!der_take(&p, DER_CONTEXT_0 + 1, &explicit) || !der_take(&explicit, DER_SEQUENCE, &mgf) || explicit.len > 0 ||
	    !der_take(&mgf, DER_OID, &oid) || !DER_IS(oid, OID_MGF1) || !take_digest_alg(&mgf, &mask_digest) ||
	    mgf.len > 0 || mask_digest != c->sig.digest)
		return false;
	if (!take_small(&p, DER_CONTEXT_0 + 2, PSS_SALT_DEFAULT, &c->sig.salt_bytes) ||
	    !take_small(&p, DER_CONTEXT_0 + 3, 1, &trailer) || trailer != 1 || p.len > 0)
		return false;
	/* RFC 8017 9.1.1: emLen, which is ceil((modBits - 1) / 8), must hold digest, salt and two octets */
	room = (magnitude_bits(c->rsa_modulus) - 1 + 7) / 8;
	switch (c->sig.digest) {
	case DIGEST_SHA256: room -= 32 + 2; break;
	case DIGEST_SHA384: room -= 48 + 2; break;
	case DIGEST_SHA512: room -= 64 + 2; break;
	case DIGEST_SHA1:
	case DIGESTS:
		return false;
	}
	return (size_t)c->sig.salt_bytes <= room;
}

static const struct sig_rule *
find_sig_rule(struct der oid)
{
	for (size_t i = 0; i < sizeof(sig_rules) / sizeof(sig_rules[0]); i++)
		if (der_equal(oid, sig_rules[i].oid, sig_rules[i].oid_len))
			return &sig_rules[i];
	return NULL;
}

static enum err_code
check_signature_alg(struct csr *c, struct err *e)
{
	const struct sig_rule *r;
	struct der alg = c->sig_alg, oid, none;

	if (!der_take(&alg, DER_OID, &oid))
		return err_set(e, ERR_INTERNAL, "keycheck: csr_parse let a broken algorithm pass");
	if ((r = find_sig_rule(oid)) == NULL)
		return err_say(e, ERR_KEY, "The request is signed with an algorithm that is not accepted; sign it with"
		    " SHA-256, SHA-384 or SHA-512 (MD5 and SHA-1 are too weak).");
	if ((r->padding == PADDING_NONE) != (c->key_type != KEY_RSA))
		return err_say(e, ERR_CSR_SIGNATURE, "The request's signature algorithm does not fit its key.");
	c->sig = (struct csr_signature){ .digest = r->digest, .padding = r->padding };
	if (r->padding == PADDING_PSS) {
		if (!pss_params_ok(c, alg))
			return err_say(e, ERR_KEY, "The request's PSS parameters are not accepted; use SHA-256, -384 or -512,"
			    " MGF1 with the same digest, and a salt that fits the key.");
		return ERR_OK;
	}
	/*
	 * PKCS#1 v1.5: NULL or absent (RFC 4055 5).  ECDSA: absent (RFC 5758 3.2), but Mbed TLS has written NULL for years, and
	 * those devices are on the lines.
	 */
	if (alg.len > 0 && (!der_take(&alg, DER_NULL, &none) || none.len > 0 || alg.len > 0))
		return err_say(e, ERR_KEY, "The request's signature algorithm has parameters that it must not have.");
	return ERR_OK;
}

enum err_code
keycheck(struct csr *c, struct err *e)
{
	enum err_code rc;

	if ((rc = check_key(c, e)) != ERR_OK || (rc = check_signature_alg(c, e)) != ERR_OK)
		return rc;
	c->checks |= CSR_KEY_OK;
	return ERR_OK;
}
