#include "oracle.h"

#include <string.h>

#include "der_tree.h"

/* --- strictness, by shape --- */

static int
tag_of(const struct tree *t, int node)
{
	return node < 0 ? -1 : t->n[node].tag;
}

static bool
octets_are_strict(const uint8_t *p, size_t len)
{
	static struct tree inner;

	return tree_parse(&inner, p, len, false) && tree_strict(&inner, 0);
}

static bool
strict_name(const struct tree *t, int name)
{
	for (int rdn = t->n[name].child; rdn >= 0; rdn = t->n[rdn].next) {
		if (tag_of(t, rdn) != 0x31 || t->n[rdn].child < 0)
			return false;
		for (int atv = t->n[rdn].child; atv >= 0; atv = t->n[atv].next)
			if (tag_of(t, atv) != 0x30 || tree_children(t, atv) != 2 || tag_of(t, t->n[atv].child) != 0x06)
				return false;
	}
	return true;
}

static bool
strict_extension(const struct tree *t, int ext)
{
	int count = tree_children(t, ext), last = tree_child(t, ext, count - 1);

	if (tag_of(t, ext) != 0x30 || (count != 2 && count != 3) || tag_of(t, t->n[ext].child) != 0x06 ||
	    tag_of(t, last) != 0x04)
		return false;
	if (count == 3 && (tag_of(t, tree_child(t, ext, 1)) != 0x01 || t->n[tree_child(t, ext, 1)].p[0] != 0xff))
		return false;
	return octets_are_strict(t->n[last].p, t->n[last].len);
}

static bool
strict_extension_list(const struct tree *t, int values)
{
	int list = t->n[values].child;

	if (tree_children(t, values) != 1 || tag_of(t, list) != 0x30 || tree_children(t, list) > 32)
		return false;
	for (int ext = t->n[list].child; ext >= 0; ext = t->n[ext].next) {
		if (!strict_extension(t, ext))
			return false;
		for (int other = t->n[list].child; other != ext; other = t->n[other].next) {
			const struct node *a = &t->n[t->n[ext].child], *b = &t->n[t->n[other].child];

			if (a->len == b->len && memcmp(a->p, b->p, a->len) == 0)
				return false;
		}
	}
	return true;
}

static bool
strict_attributes(const struct tree *t, int attributes)
{
	int lists = 0;

	for (int a = t->n[attributes].child; a >= 0; a = t->n[a].next) {
		int oid = t->n[a].child, values = tree_child(t, a, 1);

		if (tag_of(t, a) != 0x30 || tree_children(t, a) != 2 || tag_of(t, oid) != 0x06 || tag_of(t, values) != 0x31 ||
		    t->n[values].child < 0)
			return false;
		if (tree_is_oid(t, oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e") &&
		    (++lists > 1 || !strict_extension_list(t, values)))
			return false;
	}
	return true;
}

static bool
strict_algorithm(const struct tree *t, int alg)
{
	int count = tag_of(t, alg) == 0x30 ? tree_children(t, alg) : 0;

	return (count == 1 || count == 2) && tag_of(t, t->n[alg].child) == 0x06;
}

static bool
whole_octets(const struct tree *t, int bits)
{
	return tag_of(t, bits) == 0x03 && t->n[bits].len > 0 && t->n[bits].p[0] == 0;
}

static bool
strict_request(const uint8_t *der, size_t len)
{
	static struct tree t;
	int info, spki, count;

	if (len > 16384 || !tree_parse(&t, der, len, false) || !tree_strict(&t, 0) || t.n[0].tag != 0x30 ||
	    tree_children(&t, 0) != 3)
		return false;
	info = t.n[0].child;
	if (tag_of(&t, info) != 0x30 || !strict_algorithm(&t, tree_child(&t, 0, 1)) || !whole_octets(&t, tree_child(&t, 0, 2)))
		return false;
	count = tree_children(&t, info);
	spki = tree_child(&t, info, 2);
	if ((count != 3 && count != 4) || tag_of(&t, t.n[info].child) != 0x02 || tag_of(&t, tree_child(&t, info, 1)) != 0x30 ||
	    !strict_name(&t, tree_child(&t, info, 1)) || tag_of(&t, spki) != 0x30 || tree_children(&t, spki) != 2 ||
	    !strict_algorithm(&t, t.n[spki].child) || !whole_octets(&t, tree_child(&t, spki, 1)))
		return false;
	return count == 3 || (tag_of(&t, tree_child(&t, info, 3)) == 0xa0 && strict_attributes(&t, tree_child(&t, info, 3)));
}

/* RSAPublicKey: two integers that are not negative, and no more; OpenSSL passes over what follows. */
static bool
strict_rsa_key(const uint8_t *p, size_t len)
{
	static struct tree t;

	return tree_parse(&t, p, len, false) && tree_strict(&t, 0) && t.n[0].tag == 0x30 && tree_children(&t, 0) == 2 &&
	    tag_of(&t, t.n[0].child) == 0x02 && tag_of(&t, tree_child(&t, 0, 1)) == 0x02 &&
	    t.n[t.n[0].child].p[0] < 0x80 && t.n[tree_child(&t, 0, 1)].p[0] < 0x80;
}

/* --- policy, by OpenSSL --- */

static const struct { int nid; int max_chars; } attrs[SUBJECT_ATTRS] = {
	[SUBJECT_C] = { NID_countryName, 2 },
	[SUBJECT_ST] = { NID_stateOrProvinceName, 128 },
	[SUBJECT_L] = { NID_localityName, 128 },
	[SUBJECT_O] = { NID_organizationName, 64 },
	[SUBJECT_OU] = { NID_organizationalUnitName, 64 },
	[SUBJECT_CN] = { NID_commonName, 64 },
};

static const char *
judge_value(int a, const ASN1_STRING *s)
{
	const unsigned char *p = ASN1_STRING_get0_data(s);
	int left = ASN1_STRING_length(s), chars = 0, hex = 0;

	if (ASN1_STRING_type(s) != V_ASN1_UTF8STRING && ASN1_STRING_type(s) != V_ASN1_PRINTABLESTRING)
		return "string type";
	while (left > 0) {
		unsigned long c;
		int n = UTF8_getc(p, left, &c);

		if (n < 1 || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return "characters";
		if (a == SUBJECT_C && !(n == 1 && ((c | 32) >= 'a' && (c | 32) <= 'z')))
			return "country";
		if (a == SUBJECT_CN && strspn((const char[]){ (char)c, 0 }, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		    "0123456789:_.-") != (size_t)n)
			return "device id";
		hex += n == 1 && OPENSSL_hexchar2int((unsigned char)c) >= 0;
		p += n;
		left -= n;
		chars++;
	}
	if (ASN1_STRING_type(s) == V_ASN1_PRINTABLESTRING &&
	    ASN1_PRINTABLE_type(ASN1_STRING_get0_data(s), ASN1_STRING_length(s)) != V_ASN1_PRINTABLESTRING)
		return "not printable";
	if (chars < 1 || chars > attrs[a].max_chars || (a == SUBJECT_C && chars != 2))
		return "length";
	return a == SUBJECT_CN && hex == 64 ? "registration code" : NULL;
}

static const char *
judge_subject(const X509_NAME *name, struct opinion *o)
{
	int set = -1;

	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		const ASN1_STRING *s = X509_NAME_ENTRY_get_data(entry);
		int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)), a = 0;
		const char *why;

		if (X509_NAME_ENTRY_set(entry) == set)
			return "multi-valued RDN";
		set = X509_NAME_ENTRY_set(entry);
		while (a < SUBJECT_ATTRS && attrs[a].nid != nid)
			a++;
		if (a == SUBJECT_ATTRS)
			return "attribute";
		if (o->attr[a].len > 0)
			return "twice";
		if ((why = judge_value(a, s)) != NULL)
			return why;
		bytes_add(&o->attr[a], ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	}
	return o->attr[SUBJECT_CN].len > 0 ? NULL : "no CN";
}

static const char *
judge_ec(EVP_PKEY *key, int param_type, const unsigned char *point, int point_len)
{
	char group[32] = "";
	int explicit = 0, expected;

	(void)EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
	(void)EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit);
	if (param_type != V_ASN1_OBJECT || explicit != 0)
		return "explicit curve";
	if (strcmp(group, "prime256v1") == 0)
		expected = 65;
	else if (strcmp(group, "secp384r1") == 0)
		expected = 97;
	else
		return "curve";
	return point_len == expected && point[0] == 4 ? NULL : "point form";
}

static const char *
judge_rsa(EVP_PKEY *key, int param_type, const unsigned char *der, int der_len)
{
	BIGNUM *e = NULL, *n = NULL;
	int bits = EVP_PKEY_get_bits(key);
	const char *why = NULL;

	if (param_type != V_ASN1_NULL)
		return "RSA parameters";
	if (!strict_rsa_key(der, (size_t)der_len))
		return "RSA key is not strict DER";
	if (bits < 2048 || bits > 4096)
		return "RSA size";
	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1 ||
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) != 1 || !BN_is_word(e, 65537))
		why = "exponent";
	for (BN_ULONG d = 2; why == NULL && d < 1000; d++)
		if (BN_mod_word(n, d) == 0)
			why = "small factor";
	BN_free(e);
	BN_free(n);
	return why;
}

static const char *
judge_key(X509_REQ *req, struct opinion *o)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(req);
	unsigned char *der = NULL;
	const unsigned char *bits;
	X509_ALGOR *alg;
	ASN1_OBJECT *oid;
	int nid, len, param_type;

	if (key == NULL || X509_PUBKEY_get0_param(&oid, &bits, &len, &alg, X509_REQ_get_X509_PUBKEY(req)) != 1)
		return "key";
	X509_ALGOR_get0(NULL, &param_type, NULL, alg);
	nid = OBJ_obj2nid(oid);
	const char *why = nid == NID_X9_62_id_ecPublicKey ? judge_ec(key, param_type, bits, len) :
	    nid == NID_rsaEncryption ? judge_rsa(key, param_type, bits, len) : "key algorithm";
	if (why != NULL)
		return why;
	len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(req), &der);
	bytes_add(&o->spki, der, (size_t)len);
	OPENSSL_free(der);
	return NULL;
}

static bool
good_digest(const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid;
	int type, nid;

	if (alg == NULL)
		return false;
	X509_ALGOR_get0(&oid, &type, NULL, alg);
	nid = OBJ_obj2nid(oid);
	return (nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512) && (type == V_ASN1_UNDEF || type == V_ASN1_NULL);
}

static const char *
judge_pss(const X509_ALGOR *alg, EVP_PKEY *key)
{
	RSA_PSS_PARAMS *p;
	X509_ALGOR *mask = NULL;
	const ASN1_OBJECT *oid, *hash, *mask_hash;
	const void *param;
	int type;
	long salt = 20, trailer = 1, room = (EVP_PKEY_get_bits(key) - 1 + 7) / 8;
	const char *why = NULL;

	X509_ALGOR_get0(&oid, &type, &param, alg);
	p = type == V_ASN1_SEQUENCE ? ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), alg->parameter) : NULL;
	if (p == NULL || !good_digest(p->hashAlgorithm) || p->maskGenAlgorithm == NULL) {
		why = "PSS digest";
		goto out;
	}
	X509_ALGOR_get0(&oid, &type, &param, p->maskGenAlgorithm);
	mask = OBJ_obj2nid(oid) == NID_mgf1 && type == V_ASN1_SEQUENCE ?
	    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR), p->maskGenAlgorithm->parameter) : NULL;
	if (!good_digest(mask)) {
		why = "PSS mask";
		goto out;
	}
	X509_ALGOR_get0(&hash, NULL, NULL, p->hashAlgorithm);
	X509_ALGOR_get0(&mask_hash, NULL, NULL, mask);
	if (p->saltLength != NULL)
		salt = ASN1_INTEGER_get(p->saltLength);
	if (p->trailerField != NULL)
		trailer = ASN1_INTEGER_get(p->trailerField);
	room -= EVP_MD_get_size(EVP_get_digestbyobj(hash)) + 2;
	if (OBJ_cmp(hash, mask_hash) != 0 || salt < 0 || salt > room || trailer != 1)
		why = "PSS parameters";
out:
	X509_ALGOR_free(mask);
	RSA_PSS_PARAMS_free(p);
	return why;
}

static const char *
judge_signature_alg(X509_REQ *req)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(req);
	const X509_ALGOR *alg;
	int type, nid = X509_REQ_get_signature_nid(req);

	X509_REQ_get0_signature(req, NULL, &alg);
	X509_ALGOR_get0(NULL, &type, NULL, alg);
	switch (nid) {
	case NID_ecdsa_with_SHA256:
	case NID_ecdsa_with_SHA384:
	case NID_ecdsa_with_SHA512:
		return EVP_PKEY_is_a(key, "EC") && (type == V_ASN1_UNDEF || type == V_ASN1_NULL) ? NULL : "ECDSA algorithm";
	case NID_sha256WithRSAEncryption:
	case NID_sha384WithRSAEncryption:
	case NID_sha512WithRSAEncryption:
		return EVP_PKEY_is_a(key, "RSA") && (type == V_ASN1_UNDEF || type == V_ASN1_NULL) ? NULL : "RSA algorithm";
	case NID_rsassaPss:
		return EVP_PKEY_is_a(key, "RSA") ? judge_pss(alg, key) : "PSS with another key";
	default:
		return "signature algorithm";
	}
}

static const char *
judge(const uint8_t *der, size_t len, struct opinion *o)
{
	const uint8_t *p = der;
	X509_REQ *req = NULL;
	const char *why = NULL;

	if (!strict_request(der, len))
		return "not strict DER";
	if ((req = d2i_X509_REQ(NULL, &p, (long)len)) == NULL || p != der + len || X509_REQ_get_version(req) != X509_REQ_VERSION_1)
		why = "not PKCS#10";
	if (why == NULL)
		why = judge_subject(X509_REQ_get_subject_name(req), o);
	if (why == NULL)
		why = judge_key(req, o);
	if (why == NULL)
		why = judge_signature_alg(req);
	if (why == NULL && X509_REQ_verify(req, X509_REQ_get0_pubkey(req)) != 1)
		why = "signature";
	X509_REQ_free(req);
	ERR_clear_error();
	return why;
}

void
oracle_judge(const uint8_t *der, size_t len, struct opinion *ret)
{
	for (int a = 0; a < SUBJECT_ATTRS; a++)
		ret->attr[a].len = 0;
	ret->spki.len = 0;
	ret->why = judge(der, len, ret);
	ret->accepted = ret->why == NULL;
}
