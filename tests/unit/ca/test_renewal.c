/* What counts as the same subject and subjectAltName. */
#include "ca_fixture.h"

#include <string.h>

#include "ca/renewal.h"
#include "cert_maker.h"

static struct err e;

#define SAN_DNS		"\x30\x0f\x06\x03\x55\x1d\x11\x04\x08\x30\x06\x82\x04" "a.de"			/* DNS:a.de */
#define SAN_DNS_CRITICAL "\x30\x12\x06\x03\x55\x1d\x11\x01\x01\xff\x04\x08\x30\x06\x82\x04" "a.de"
#define SAN_OTHER	"\x30\x0f\x06\x03\x55\x1d\x11\x04\x08\x30\x06\x82\x04" "b.de"
#define KEY_USAGE	"\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80"
#define CHALLENGE	"\x30\x12\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07\x31\x05\x0c\x03" "abc"
#define CHANGE_NAME	"\x30\x0e\x06\x08\x2b\x06\x01\x05\x05\x07\x07\x24\x31\x02\x30\x00"

/* One attribute of a subject. */
struct attr {
	const char	*oid;		/* content; NULL: the end */
	uint8_t		 tag;
	const char	*value;
};

enum { ATTRS_MAX = 8 };

#define CN(v)		{ "\x55\x04\x03", 0x0c, v }
#define CN_PRINTABLE(v)	{ "\x55\x04\x03", 0x13, v }
#define C(v)		{ "\x55\x04\x06", 0x13, v }
#define O(v)		{ "\x55\x04\x0a", 0x0c, v }
#define O_TELETEX(v)	{ "\x55\x04\x0a", 0x14, v }
#define OU(v)		{ "\x55\x04\x0b", 0x0c, v }
#define SERIAL(v)	{ "\x55\x04\x05", 0x13, v }

static void
put_subject(const struct attr *attrs, struct bytes *out)
{
	out->len = 0;
	for (int i = 0; i < ATTRS_MAX && attrs[i].oid != NULL; i++)
		bytes_add_rdn(out, attrs[i].oid, attrs[i].tag, attrs[i].value);
}

/* A certificate of this subject, byte for byte. */
static void
make_cert(const struct attr *attrs, const char *san, struct bytes *out)
{
	struct cert_recipe r = { .key = maker_key(MAKER_P256), .not_before_s = FIXTURE_NOW_S, .not_after_s = FIXTURE_NOW_S + 86400,
	    .extensions = { { NID_ext_key_usage, "clientAuth" }, { san != NULL ? NID_subject_alt_name : 0, san } } };
	struct bytes name;
	const uint8_t *p = name.p;
	X509_NAME *subject;
	X509 *x = make_certificate(&r);

	put_subject(attrs, &name);
	bytes_wrap(&name, 0x30);
	subject = d2i_X509_NAME(NULL, &p, (long)name.len);
	assert_non_null(subject);
	assert_int_equal(X509_set_subject_name(x, subject), 1);
	assert_true(X509_sign(x, maker_key(MAKER_P256), EVP_sha256()) > 0);
	certificate_der(x, out);
	X509_NAME_free(subject);
	X509_free(x);
}

/* A request of this subject and these attributes; NULL: [0] is left out. */
static struct csr *
make_request(const struct attr *attrs, const struct bytes *attributes)
{
	struct bytes subject, der;
	struct csr *c = NULL;

	put_subject(attrs, &subject);
	make_csr(&(struct recipe){ .key = maker_key(MAKER_P256_OTHER), .subject = &subject, .attributes = attributes,
	    .no_attributes = attributes == NULL }, &der);
	must(csr_parse(der.p, der.len, &c, &e), &e);
	must(subject_check(c, &e), &e);
	return c;
}

static enum err_code
judge(const struct attr *asks, const struct bytes *attributes, const struct attr *has, const char *san)
{
	struct csr *c = make_request(asks, attributes);
	struct bytes cert;
	enum err_code rc;

	make_cert(has, san, &cert);
	err_clear(&e);
	rc = renewal_check(c, cert.p, cert.len, &e);
	assert_int_equal(ERR_peek_error(), 0);
	assert_int_equal(rc != ERR_OK, e.client_text[0] != '\0');
	csr_free(c);
	return rc;
}

static void
test_subject(void **state)
{
	static const struct { struct attr asks[ATTRS_MAX], has[ATTRS_MAX]; const char *differs; } kinds[] = {
		{ { CN("device-1") }, { CN("device-1") }, NULL },
		{ { CN("device-1") }, { CN_PRINTABLE("device-1") }, NULL },
		{ { CN_PRINTABLE("device-1") }, { CN("device-1") }, NULL },
		{ { CN("device-1"), O("M\xc3\xbcller"), C("DE") }, { C("DE"), O("M\xc3\xbcller"), CN("device-1") }, NULL },
		{ { O("M\xc3\xbcller"), CN("device-1") }, { O_TELETEX("M\xfcller"), CN("device-1") }, NULL },	/* read as Latin-1 */
		{ { CN("device-1") }, { CN("device-2") }, "CN differs" },
		{ { CN("device-1") }, { CN("device-10") }, "CN differs" },
		{ { CN("device-1") }, { CN("Device-1") }, "CN differs" },
		{ { CN("device-1") }, { O("Acme") }, "O differs" },
		{ { CN("device-1"), O("Acme") }, { CN("device-1") }, "O differs" },
		{ { CN("device-1") }, { CN("device-1"), O("Acme") }, "O differs" },
		{ { CN("device-1"), O("Acme") }, { CN("device-1"), OU("Acme") }, "O differs" },
		{ { CN("device-1") }, { CN("device-1"), CN("device-1") }, "CN differs" },
		{ { CN("device-1"), OU("a") }, { CN("device-1"), OU("a"), OU("b") }, "OU differs" },
		{ { CN("device-1") }, { CN("device-1"), SERIAL("SN1") }, "has an attribute that a request cannot have" },
		{ { CN("device-1") }, { { NULL, 0, NULL } }, "CN differs" },
	};
	char text[80];

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		enum err_code rc = judge(kinds[i].asks, NULL, kinds[i].has, NULL);

		if (kinds[i].differs == NULL) {
			must(rc, &e);
			continue;
		}
		assert_int_equal(rc, ERR_FORBIDDEN);
		(void)snprintf(text, sizeof(text), "%s)", kinds[i].differs);
		if (strstr(e.client_text, text) == NULL)
			fail_msg("kind %zu: not %s but: %s", i, text, e.client_text);
	}
}

static void
test_alt_name(void **state)
{
	static const struct { const char *extensions; size_t len; const char *san; const char *refused; } kinds[] = {
		{ NULL, 0, NULL, NULL },
		{ KEY_USAGE, sizeof(KEY_USAGE) - 1, NULL, NULL },
		{ SAN_DNS, sizeof(SAN_DNS) - 1, "DNS:a.de", NULL },
		{ KEY_USAGE SAN_DNS, sizeof(KEY_USAGE SAN_DNS) - 1, "critical,DNS:a.de", NULL },
		{ SAN_DNS_CRITICAL, sizeof(SAN_DNS_CRITICAL) - 1, "DNS:a.de", NULL },
		{ SAN_OTHER, sizeof(SAN_OTHER) - 1, "DNS:a.de", "is not that of" },
		{ SAN_DNS, sizeof(SAN_DNS) - 1, "DNS:a.de,DNS:b.de", "is not that of" },
		{ SAN_DNS, sizeof(SAN_DNS) - 1, NULL, "has none; leave it" },
		{ NULL, 0, "DNS:a.de", "the request has none" },
		{ KEY_USAGE, sizeof(KEY_USAGE) - 1, "DNS:a.de", "the request has none" },
	};
	static const struct attr subject[ATTRS_MAX] = { CN("device-1") };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct bytes attributes = { 0 };
		enum err_code rc;

		BYTES_ADD(&attributes, CHALLENGE);
		if (kinds[i].len > 0)
			bytes_add_extension_request(&attributes, kinds[i].extensions, kinds[i].len);
		rc = judge(subject, &attributes, subject, kinds[i].san);
		if (kinds[i].refused == NULL) {
			must(rc, &e);
			continue;
		}
		assert_int_equal(rc, ERR_FORBIDDEN);
		if (strstr(e.client_text, kinds[i].refused) == NULL)
			fail_msg("kind %zu: not %s but: %s", i, kinds[i].refused, e.client_text);
	}
}

static void
test_change_subject_name(void **state)
{
	static const struct attr subject[ATTRS_MAX] = { CN("device-1") };
	struct bytes attributes = { 0 };

	(void)state;
	BYTES_ADD(&attributes, CHANGE_NAME);
	assert_int_equal(judge(subject, &attributes, subject, NULL), ERR_FORBIDDEN);
	assert_non_null(strstr(e.client_text, "ChangeSubjectName"));
}

/* Our own certificates, of a request with every attribute. */
static void
test_our_own(void **state)
{
	static const struct attr subject[ATTRS_MAX] = { CN("device-1"), OU("Line 4"), O("M\xc3\xbcller"), C("DE"),
	    { "\x55\x04\x08", 0x0c, "Bayern" }, { "\x55\x04\x07", 0x0c, "Ulm" } };
	struct bytes name, der;
	struct issued *i = NULL;
	struct csr *c;
	struct fixture f;
	const uint8_t *cert;
	size_t len;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	put_subject(subject, &name);
	make_csr(&(struct recipe){ .key = maker_key(MAKER_P256), .subject = &name }, &der);
	must(fixture_issue(&f, &profile_default, der.p, der.len, &i), &f.e);
	cert = issued_der(i, &len);
	c = make_request(subject, NULL);
	must(renewal_check(c, cert, len, &e), &e);
	for (size_t cut = 0; cut < len; cut++) {
		assert_int_equal(renewal_check(c, cert, cut, &e), ERR_FORBIDDEN);
		assert_non_null(strstr(e.client_text, "cannot be read"));
	}
	assert_int_equal(ERR_peek_error(), 0);
	csr_free(c);
	issued_free(i);
	fixture_done(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_alt_name),
		cmocka_unit_test(test_change_subject_name),
		cmocka_unit_test(test_our_own),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	maker_done();
	return rc;
}
