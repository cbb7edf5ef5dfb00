/*
 * Reads a finished certificate and compares it with its plan, field by field.  Uses the reader and its own spelling of
 * everything fixed, nothing of the builder: an error in one of them does not hide in the other.
 */
#include <string.h>

#include "ca/ossl.h"

static enum err_code
differs(struct err *e, const char *field)
{
	return err_set(e, ERR_INTERNAL, "selfcheck: the certificate is not as planned: %s", field);
}

/* One element of that tag with that content. */
static bool
take_equal(struct der *in, uint8_t tag, const void *content, size_t len)
{
	struct der found;

	return der_take(in, tag, &found) && der_equal(found, content, len);
}

/* These bytes next. */
static bool
take_bytes(struct der *in, const void *bytes, size_t len)
{
	if (in->len < len || memcmp(in->p, bytes, len) != 0)
		return false;
	in->p += len;
	in->len -= len;
	return true;
}
#define TAKE_LITERAL(in, literal)	take_bytes((in), (literal), sizeof(literal) - 1)

static bool
subject_matches(struct der name, const struct plan *p)
{
	static const uint8_t last_arc[SUBJECT_ATTRS] = {	/* 2.5.4.n */
		[SUBJECT_C] = 6, [SUBJECT_ST] = 8, [SUBJECT_L] = 7, [SUBJECT_O] = 10, [SUBJECT_OU] = 11, [SUBJECT_CN] = 3
	};

	for (int a = 0; a < SUBJECT_ATTRS; a++) {
		const uint8_t oid[] = { 0x55, 0x04, last_arc[a] };
		struct der rdn, atv;

		if (p->attr[a].len == 0)
			continue;
		if (!der_take(&name, DER_SET, &rdn) || !der_take(&rdn, DER_SEQUENCE, &atv) || rdn.len > 0 ||
		    !take_equal(&atv, DER_OID, oid, sizeof(oid)) ||
		    !take_equal(&atv, a == SUBJECT_C ? DER_PRINTABLE_STRING : DER_UTF8_STRING, p->attr[a].p, p->attr[a].len) ||
		    atv.len > 0)
			return false;
	}
	return name.len == 0 && p->attr[SUBJECT_CN].len == strlen(p->device_id) &&
	    memcmp(p->attr[SUBJECT_CN].p, p->device_id, p->attr[SUBJECT_CN].len) == 0;
}

/* RFC 5280 4.1.2.5.1: YYMMDDhhmmssZ stands for 1950 to 2049; 4.1.2.5.2: YYYYMMDDhhmmssZ for the others. */
static bool
take_time(struct der *in, int64_t *ret_s)
{
	bool utc = der_peek(in, DER_UTC_TIME);
	size_t digits = utc ? 12 : 14, at = 0;
	int n[7] = { 0 };
	struct der t;
	struct civil c;

	if (!der_take(in, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME, &t) || t.len != digits + 1 || t.p[digits] != 'Z')
		return false;
	for (size_t i = utc ? 1 : 0; i < 7; i++, at += 2) {
		if (t.p[at] < '0' || t.p[at] > '9' || t.p[at + 1] < '0' || t.p[at + 1] > '9')
			return false;
		n[i] = (t.p[at] - '0') * 10 + (t.p[at + 1] - '0');
	}
	if (utc)
		n[0] = n[1] >= 50 ? 19 : 20;
	c = (struct civil){ n[0] * 100 + n[1], n[2], n[3], n[4], n[5], n[6] };
	*ret_s = clock_from_civil(&c);
	return utc || c.year < 1950 || c.year >= 2050;
}

static bool
validity_matches(struct der validity, const struct plan *p)
{
	int64_t from_s, to_s;

	return take_time(&validity, &from_s) && take_time(&validity, &to_s) && validity.len == 0 &&
	    from_s == p->not_before_s && to_s == p->not_after_s && from_s <= to_s;
}

/* All five, in this order, each to the last byte, and nothing else. */
static bool
extensions_match(struct der ext, const struct plan *p)
{
	return
	    /* basicConstraints, critical, SEQUENCE {}: CA is FALSE by default */
	    TAKE_LITERAL(&ext, "\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x02\x30\x00") &&
	    /* keyUsage, critical */
	    (p->key_type == KEY_RSA ?
	    TAKE_LITERAL(&ext, "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x05\xa0") :
	    TAKE_LITERAL(&ext, "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80")) &&
	    /* extKeyUsage: clientAuth */
	    TAKE_LITERAL(&ext, "\x30\x13\x06\x03\x55\x1d\x25\x04\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02") &&
	    /* subjectKeyIdentifier */
	    TAKE_LITERAL(&ext, "\x30\x1d\x06\x03\x55\x1d\x0e\x04\x16\x04\x14") &&
	    take_bytes(&ext, p->subject_key_id, SUBJECT_KEY_ID_BYTES) &&
	    /* authorityKeyIdentifier, keyIdentifier [0] */
	    TAKE_LITERAL(&ext, "\x30\x1f\x06\x03\x55\x1d\x23\x04\x18\x30\x16\x80\x14") &&
	    take_bytes(&ext, p->issuer->facts.subject_key_id, SUBJECT_KEY_ID_BYTES) &&
	    ext.len == 0;
}

static bool
signature_alg_matches(struct der *in, enum ca_key_alg alg)
{
	switch (alg) {
	case CA_KEY_P256:
		return TAKE_LITERAL(in, "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02");
	case CA_KEY_P384:
		return TAKE_LITERAL(in, "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03");
	case CA_KEY_RSA2048:
	case CA_KEY_RSA3072:
	case CA_KEY_RSA4096:
		return TAKE_LITERAL(in, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00");
	}
	return false;
}

static enum err_code
check_tbs(const struct plan *p, struct der tbs, struct err *e)
{
	struct der content, spki, ext;

	if (!TAKE_LITERAL(&tbs, "\xa0\x03\x02\x01\x02"))
		return differs(e, "version");
	if (!take_equal(&tbs, DER_INTEGER, p->serial, SERIAL_BYTES) || p->serial[0] < 0x40 || p->serial[0] > 0x7f)
		return differs(e, "serialNumber");
	if (!signature_alg_matches(&tbs, ca_key_algorithm(p->issuer->key)))
		return differs(e, "signature algorithm");
	if (!take_bytes(&tbs, p->issuer->name.p, p->issuer->name.len))
		return differs(e, "issuer");
	if (!der_take(&tbs, DER_SEQUENCE, &content) || !validity_matches(content, p))
		return differs(e, "validity");
	if (!der_take(&tbs, DER_SEQUENCE, &content) || !subject_matches(content, p))
		return differs(e, "subject");
	if (!der_take_element(&tbs, DER_SEQUENCE, &spki) || !der_equal(spki, p->spki.p, p->spki.len))
		return differs(e, "subjectPublicKeyInfo");
	if (!der_take(&tbs, DER_CONTEXT_0 + 3, &content) || !der_take(&content, DER_SEQUENCE, &ext) || content.len > 0 ||
	    !extensions_match(ext, p))
		return differs(e, "extensions");
	if (tbs.len > 0)
		return differs(e, "bytes after the extensions");
	return ERR_OK;
}

enum err_code
selfcheck_fields(const struct plan *p, struct der certificate, struct err *e)
{
	struct der content, tbs, sig;

	if (!der_take(&certificate, DER_SEQUENCE, &content) || certificate.len > 0 || !der_take(&content, DER_SEQUENCE, &tbs))
		return differs(e, "not a SEQUENCE of a SEQUENCE");
	if (!signature_alg_matches(&content, ca_key_algorithm(p->issuer->key)))
		return differs(e, "outer signature algorithm");
	if (!der_take_octet_bits(&content, &sig) || sig.len == 0 || content.len > 0)
		return differs(e, "signature");
	return check_tbs(p, tbs, e);
}

enum err_code
selfcheck_signature(struct der certificate, EVP_PKEY *ca_public_key, struct err *e)
{
	const uint8_t *p = certificate.p;
	X509 *cert = d2i_X509(NULL, &p, (long)certificate.len);
	enum err_code rc = ERR_OK;

	if (cert == NULL || p != certificate.p + certificate.len || X509_verify(cert, ca_public_key) != 1)
		rc = ossl_fail(e, ERR_INTERNAL, "selfcheck: the new certificate's signature does not verify");
	X509_free(cert);
	return rc;
}
