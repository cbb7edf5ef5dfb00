#include <string.h>

#include "ca/oid.h"
#include "ca/stages.h"

/* The builder runs backwards: what stands last in the certificate is put first. */

static const struct {
	const char	*oid;
	size_t		 oid_len;
	uint8_t		 type;
} attrs[SUBJECT_ATTRS] = {
#define ATTR(oid, type) { oid, sizeof(oid) - 1, type }
	[SUBJECT_C] = ATTR(OID_COUNTRY, DER_PRINTABLE_STRING),		/* RFC 5280 A.1: X520countryName */
	[SUBJECT_ST] = ATTR(OID_STATE, DER_UTF8_STRING),
	[SUBJECT_L] = ATTR(OID_LOCALITY, DER_UTF8_STRING),
	[SUBJECT_O] = ATTR(OID_ORGANIZATION, DER_UTF8_STRING),
	[SUBJECT_OU] = ATTR(OID_ORGANIZATIONAL_UNIT, DER_UTF8_STRING),
	[SUBJECT_CN] = ATTR(OID_COMMON_NAME, DER_UTF8_STRING),
#undef ATTR
};

/* One RDN: SET { SEQUENCE { OID, string } } */
static void
put_rdn(struct der_writer *w, enum subject_attr a, const void *value, size_t len)
{
	size_t mark = der_mark(w);

	der_put_element(w, attrs[a].type, value, len);
	der_put_element(w, DER_OID, attrs[a].oid, attrs[a].oid_len);
	der_wrap(w, DER_SEQUENCE, mark);
	der_wrap(w, DER_SET, mark);
}

static void
put_subject(struct der_writer *w, const struct plan *p)
{
	size_t mark = der_mark(w);

	for (int a = SUBJECT_ATTRS - 1; a >= 0; a--)
		if (p->attr[a].len > 0)
			put_rdn(w, (enum subject_attr)a, p->attr[a].p, p->attr[a].len);
	der_wrap(w, DER_SEQUENCE, mark);
}

static void
put_validity(struct der_writer *w, int64_t not_before_s, int64_t not_after_s)
{
	size_t mark = der_mark(w);

	der_put_time(w, not_after_s);
	der_put_time(w, not_before_s);
	der_wrap(w, DER_SEQUENCE, mark);
}

/* Extension, around the value that was put since mark. */
static void
wrap_extension(struct der_writer *w, size_t mark, bool critical, const void *oid, size_t oid_len)
{
	der_wrap(w, DER_OCTET_STRING, mark);
	if (critical)
		DER_PUT(w, "\x01\x01\xff");
	der_put_element(w, DER_OID, oid, oid_len);
	der_wrap(w, DER_SEQUENCE, mark);
}
#define WRAP_EXTENSION(w, mark, critical, oid)	wrap_extension((w), (mark), (critical), (oid), sizeof(oid) - 1)

/* KeyUsage ::= BIT STRING; bit 0, digitalSignature, is the highest: RFC 5280 4.2.1.3 */
#define KEY_USAGE_SIGN			"\x03\x02\x07\x80"
#define KEY_USAGE_SIGN_ENCIPHER		"\x03\x02\x05\xa0"
#define KEY_USAGE_CERTS_CRLS		"\x03\x02\x01\x06"

#define BASIC_CONSTRAINTS_LEAF		"\x30\x00"
#define BASIC_CONSTRAINTS_CA_0		"\x30\x06\x01\x01\xff\x02\x01\x00"

static void
put_subject_key_id(struct der_writer *w, const uint8_t id[SUBJECT_KEY_ID_BYTES])
{
	size_t mark = der_mark(w);

	der_put_element(w, DER_OCTET_STRING, id, SUBJECT_KEY_ID_BYTES);
	WRAP_EXTENSION(w, mark, false, OID_SUBJECT_KEY_ID);
}

static void
put_authority_key_id(struct der_writer *w, const uint8_t id[SUBJECT_KEY_ID_BYTES])
{
	size_t mark = der_mark(w);

	der_put_element(w, DER_CONTEXT_0_PRIMITIVE, id, SUBJECT_KEY_ID_BYTES);
	der_wrap(w, DER_SEQUENCE, mark);
	WRAP_EXTENSION(w, mark, false, OID_AUTHORITY_KEY_ID);
}

/* What a key that is no CA's may do: extKeyUsage (one purpose), keyUsage, basicConstraints. */
static void
put_leaf_usage(struct der_writer *w, const void *purpose, size_t purpose_len, bool rsa)
{
	size_t mark = der_mark(w);

	der_put_element(w, DER_OID, purpose, purpose_len);
	der_wrap(w, DER_SEQUENCE, mark);
	WRAP_EXTENSION(w, mark, false, OID_EXT_KEY_USAGE);

	mark = der_mark(w);
	if (rsa)
		DER_PUT(w, KEY_USAGE_SIGN_ENCIPHER);
	else
		DER_PUT(w, KEY_USAGE_SIGN);
	WRAP_EXTENSION(w, mark, true, OID_KEY_USAGE);

	mark = der_mark(w);
	DER_PUT(w, BASIC_CONSTRAINTS_LEAF);
	WRAP_EXTENSION(w, mark, true, OID_BASIC_CONSTRAINTS);
}

static void
put_leaf_extensions(struct der_writer *w, const struct plan *p)
{
	size_t all = der_mark(w);

	put_authority_key_id(w, p->issuer->facts.subject_key_id);
	put_subject_key_id(w, p->subject_key_id);
	put_leaf_usage(w, OID_CLIENT_AUTH, sizeof(OID_CLIENT_AUTH) - 1, p->key_type == KEY_RSA);
	der_wrap(w, DER_SEQUENCE, all);
	der_wrap(w, DER_CONTEXT_0 + 3, all);
}

/* GeneralNames: dNSName [2], iPAddress [7].  Critical where there is no subject beside it: RFC 5280 4.2.1.6 */
static void
put_server_names(struct der_writer *w, const struct server_plan *p)
{
	size_t mark = der_mark(w);
	uint8_t address[16];

	for (size_t i = p->names_count; i > 0; i--) {
		const char *name = p->names[i - 1];
		size_t octets = tls_cert_address(name, address);

		if (octets > 0)
			der_put_element(w, DER_CONTEXT_0_PRIMITIVE + 7, address, octets);
		else
			der_put_element(w, DER_CONTEXT_0_PRIMITIVE + 2, name, strlen(name));
	}
	der_wrap(w, DER_SEQUENCE, mark);
	WRAP_EXTENSION(w, mark, p->common_name == NULL, OID_SUBJECT_ALT_NAME);
}

static bool
is_rsa(const struct ca_key *k)
{
	enum ca_key_alg alg = ca_key_algorithm(k);

	return alg != CA_KEY_P256 && alg != CA_KEY_P384;
}

static void
put_server_extensions(struct der_writer *w, const struct server_plan *p)
{
	size_t all = der_mark(w);

	put_authority_key_id(w, p->authority_key_id);
	put_subject_key_id(w, p->subject_key_id);
	put_server_names(w, p);
	put_leaf_usage(w, OID_SERVER_AUTH, sizeof(OID_SERVER_AUTH) - 1, is_rsa(p->key));
	der_wrap(w, DER_SEQUENCE, all);
	der_wrap(w, DER_CONTEXT_0 + 3, all);
}

static void
put_ca_extensions(struct der_writer *w, const struct ca_plan *p)
{
	size_t all = der_mark(w), mark;

	put_subject_key_id(w, p->subject_key_id);

	mark = der_mark(w);
	DER_PUT(w, KEY_USAGE_CERTS_CRLS);
	WRAP_EXTENSION(w, mark, true, OID_KEY_USAGE);

	mark = der_mark(w);
	DER_PUT(w, BASIC_CONSTRAINTS_CA_0);
	WRAP_EXTENSION(w, mark, true, OID_BASIC_CONSTRAINTS);

	der_wrap(w, DER_SEQUENCE, all);
	der_wrap(w, DER_CONTEXT_0 + 3, all);
}

/* version v3, serialNumber, signature: what stands before the issuer's name. */
static void
put_head(struct der_writer *w, const uint8_t serial[SERIAL_BYTES], enum ca_key_alg alg)
{
	struct der signature_alg = ca_key_signature_alg(alg);

	der_put(w, signature_alg.p, signature_alg.len);
	der_put_unsigned(w, serial, SERIAL_BYTES);
	DER_PUT(w, "\xa0\x03\x02\x01\x02");
}

static enum err_code
finish(struct tbs *t, struct der_writer *w, struct err *e)
{
	if (w->full)
		return err_set(e, ERR_INTERNAL, "certificate: longer than %d bytes", LIMIT_CERTIFICATE_BYTES);
	t->der = w->p;
	t->len = der_mark(w);
	return ERR_OK;
}

enum err_code
tbs_build(struct tbs *t, const struct plan *p, struct err *e)
{
	struct der_writer w;

	der_writer_init(&w, t->buf, sizeof(t->buf));
	put_leaf_extensions(&w, p);
	der_put(&w, p->spki.p, p->spki.len);
	put_subject(&w, p);
	put_validity(&w, p->not_before_s, p->not_after_s);
	der_put(&w, p->issuer->name.p, p->issuer->name.len);
	put_head(&w, p->serial, ca_key_algorithm(p->issuer->key));
	der_wrap(&w, DER_SEQUENCE, 0);
	return finish(t, &w, e);
}

/* A Name that is a CN and nothing else, or nothing at all. */
static void
put_cn_only(struct der_writer *w, const char *common_name)
{
	size_t mark = der_mark(w);

	if (common_name != NULL)
		put_rdn(w, SUBJECT_CN, common_name, strlen(common_name));
	der_wrap(w, DER_SEQUENCE, mark);
}

enum err_code
tbs_build_ca(struct tbs *t, const struct ca_plan *p, struct err *e)
{
	struct der spki = ca_key_spki(p->key);
	struct der_writer w;

	der_writer_init(&w, t->buf, sizeof(t->buf));
	put_ca_extensions(&w, p);
	der_put(&w, spki.p, spki.len);
	put_cn_only(&w, p->common_name);
	put_validity(&w, p->not_before_s, p->not_after_s);
	put_cn_only(&w, p->common_name);
	put_head(&w, p->serial, ca_key_algorithm(p->key));
	der_wrap(&w, DER_SEQUENCE, 0);
	return finish(t, &w, e);
}

enum err_code
tbs_build_server(struct tbs *t, const struct server_plan *p, struct err *e)
{
	struct der spki = ca_key_spki(p->key);
	struct der_writer w;

	der_writer_init(&w, t->buf, sizeof(t->buf));
	put_server_extensions(&w, p);
	der_put(&w, spki.p, spki.len);
	put_cn_only(&w, p->common_name);
	put_validity(&w, p->not_before_s, p->not_after_s);
	der_put(&w, p->issuer_name.p, p->issuer_name.len);
	put_head(&w, p->serial, p->issuer_alg);
	der_wrap(&w, DER_SEQUENCE, 0);
	return finish(t, &w, e);
}

enum err_code
tbs_assemble(const struct tbs *t, enum ca_key_alg alg, const uint8_t *sig, size_t sig_len,
    uint8_t out[LIMIT_CERTIFICATE_BYTES], struct der *ret_der, struct err *e)
{
	struct der signature_alg = ca_key_signature_alg(alg);
	struct der_writer w;

	der_writer_init(&w, out, LIMIT_CERTIFICATE_BYTES);
	der_put_octet_bits(&w, sig, sig_len);
	der_put(&w, signature_alg.p, signature_alg.len);
	der_put(&w, t->der, t->len);
	der_wrap(&w, DER_SEQUENCE, 0);
	if (w.full)
		return err_set(e, ERR_INTERNAL, "certificate: longer than %d bytes", LIMIT_CERTIFICATE_BYTES);
	*ret_der = (struct der){ w.p, der_mark(&w) };
	return ERR_OK;
}
