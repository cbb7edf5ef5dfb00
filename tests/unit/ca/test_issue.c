#include "ca_fixture.h"

#include <string.h>

static const enum ca_key_alg all_algs[] = { CA_KEY_P256, CA_KEY_P384, CA_KEY_RSA2048 };

static void
issue_one(struct fixture *f, const struct profile *p, const struct recipe *r, struct issued **ret)
{
	static struct bytes csr;

	make_csr(r, &csr);
	must(fixture_issue(f, p, csr.p, csr.len, ret), &f->e);
}

/* Every kind of device under every kind of CA passes the strictest check there is. */
static void
test_all_kinds_verify_strictly(void **state)
{
	(void)state;
	for (size_t a = 0; a < sizeof(all_algs) / sizeof(all_algs[0]); a++) {
		struct fixture f;

		fixture_init(&f, all_algs[a]);
		for (int k = 0; k < MAKER_KEYS; k++) {
			struct recipe r = { .key = maker_key((enum maker_key)k) };
			struct issued *i = NULL;
			const uint8_t *der;
			size_t len;

			issue_one(&f, &profile_default, &r, &i);
			der = issued_der(i, &len);
			fixture_verify_strict(&f, der, len);
			issued_free(i);
		}
		fixture_done(&f);
	}
}

static X509 *
parse(const struct issued *i)
{
	size_t len;
	const uint8_t *der = issued_der(i, &len), *p = der;
	X509 *x = d2i_X509(NULL, &p, (long)len);

	assert_non_null(x);
	assert_ptr_equal(p, der + len);
	return x;
}

static void
assert_entry(X509 *x, int at, int nid, int type, const char *value)
{
	X509_NAME_ENTRY *n = X509_NAME_get_entry(X509_get_subject_name(x), at);
	ASN1_STRING *s = X509_NAME_ENTRY_get_data(n);

	assert_int_equal(OBJ_obj2nid(X509_NAME_ENTRY_get_object(n)), nid);
	assert_int_equal(ASN1_STRING_type(s), type);
	assert_int_equal(ASN1_STRING_length(s), strlen(value));
	assert_memory_equal(ASN1_STRING_get0_data(s), value, strlen(value));
}

/* Whatever order and string types the request has, the certificate has ours. */
static void
test_subject_order_and_types(void **state)
{
	struct fixture f;
	struct bytes subject = { 0 };
	struct recipe r = { .key = maker_key(MAKER_P256), .subject = &subject };
	struct issued *i = NULL;
	X509 *x;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	bytes_add_rdn(&subject, "\x55\x04\x03", DER_PRINTABLE_STRING, "dev.1:a-b");
	bytes_add_rdn(&subject, "\x55\x04\x0b", DER_PRINTABLE_STRING, "Line 4");
	bytes_add_rdn(&subject, "\x55\x04\x0a", DER_UTF8_STRING, "M\xc3\xbcller");
	bytes_add_rdn(&subject, "\x55\x04\x07", DER_UTF8_STRING, "Ulm");
	bytes_add_rdn(&subject, "\x55\x04\x08", DER_UTF8_STRING, "BW");
	bytes_add_rdn(&subject, "\x55\x04\x06", DER_UTF8_STRING, "DE");
	issue_one(&f, &profile_default, &r, &i);
	x = parse(i);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(x)), 6);
	assert_entry(x, 0, NID_countryName, V_ASN1_PRINTABLESTRING, "DE");
	assert_entry(x, 1, NID_stateOrProvinceName, V_ASN1_UTF8STRING, "BW");
	assert_entry(x, 2, NID_localityName, V_ASN1_UTF8STRING, "Ulm");
	assert_entry(x, 3, NID_organizationName, V_ASN1_UTF8STRING, "M\xc3\xbcller");
	assert_entry(x, 4, NID_organizationalUnitName, V_ASN1_UTF8STRING, "Line 4");
	assert_entry(x, 5, NID_commonName, V_ASN1_UTF8STRING, "dev.1:a-b");
	assert_string_equal(issued_device_id(i), "dev.1:a-b");
	X509_free(x);
	issued_free(i);
	fixture_done(&f);
}

static void
assert_extensions(X509 *x, bool rsa)
{
	static const struct { int nid; int critical; } expected[] = {
		{ NID_basic_constraints, 1 }, { NID_key_usage, 1 }, { NID_ext_key_usage, 0 },
		{ NID_subject_key_identifier, 0 }, { NID_authority_key_identifier, 0 }
	};

	assert_int_equal(X509_get_ext_count(x), 5);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(OBJ_obj2nid(X509_EXTENSION_get_object(X509_get_ext(x, i))), expected[i].nid);
		assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(x, i)), expected[i].critical);
	}
	assert_int_equal(X509_check_ca(x), 0);
	assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_CLIENT);
	assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE | (rsa ? KU_KEY_ENCIPHERMENT : 0));
}

/* SKI by RFC 5280 method 1, AKI the CA's SKI, certificate id, serial, version. */
static void
test_fields(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	for (int k = 0; k < MAKER_KEYS; k++) {
		struct recipe r = { .key = maker_key((enum maker_key)k) };
		uint8_t md[EVP_MAX_MD_SIZE];
		struct issued *i = NULL;
		unsigned n;
		size_t len;
		X509 *x;

		issue_one(&f, &profile_default, &r, &i);
		x = parse(i);
		assert_extensions(x, EVP_PKEY_is_a(r.key, "RSA"));
		assert_int_equal(X509_get_version(x), X509_VERSION_3);
		assert_int_equal(X509_pubkey_digest(x, EVP_sha1(), md, &n), 1);
		assert_memory_equal(ASN1_STRING_get0_data(X509_get0_subject_key_id(x)), md, 20);
		assert_memory_equal(ASN1_STRING_get0_data(X509_get0_authority_key_id(x)),
		    issuer_facts(f.issuer)->subject_key_id, 20);
		assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(x), r.key), 1);
		assert_int_equal(ASN1_STRING_length(X509_get_serialNumber(x)), SERIAL_BYTES);
		assert_memory_equal(ASN1_STRING_get0_data(X509_get_serialNumber(x)), issued_serial(i), SERIAL_BYTES);
		assert_int_equal(EVP_Digest(issued_der(i, &len), i->len, md, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(md, issued_certificate_id(i), CERTIFICATE_ID_BYTES);
		X509_free(x);
		issued_free(i);
	}
	fixture_done(&f);
}

/* Nothing of the requested extensions is followed. */
static void
test_requested_extensions_are_not_followed(void **state)
{
	static const char wants_ca[] = "\x30\x0f\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff";
	struct fixture f;
	struct bytes attributes = { 0 };
	struct recipe r = { .key = maker_key(MAKER_P256), .attributes = &attributes };
	struct issued *i = NULL;
	X509 *x;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	bytes_add_extension_request(&attributes, wants_ca, sizeof(wants_ca) - 1);
	issue_one(&f, &profile_default, &r, &i);
	x = parse(i);
	assert_extensions(x, false);
	X509_free(x);
	issued_free(i);
	fixture_done(&f);
}

static void
assert_times(const struct issued *i, const char *from, int from_type, const char *to, int to_type)
{
	X509 *x = parse(i);
	const ASN1_TIME *nb = X509_get0_notBefore(x), *na = X509_get0_notAfter(x);

	assert_int_equal(ASN1_STRING_type(nb), from_type);
	assert_int_equal(ASN1_STRING_type(na), to_type);
	assert_memory_equal(ASN1_STRING_get0_data(nb), from, strlen(from) + 1);
	assert_memory_equal(ASN1_STRING_get0_data(na), to, strlen(to) + 1);
	X509_free(x);
}

static void
test_validity(void **state)
{
	struct recipe r = { .key = maker_key(MAKER_P256) };
	struct profile p = profile_default;
	struct issued *i = NULL;
	struct fixture f;

	(void)state;
	fixture_init(&f, CA_KEY_P256);		/* 2026-11-18T11:06:40Z, CA one hour back and 3650 days on */
	issue_one(&f, &p, &r, &i);
	assert_times(i, "261118100640Z", V_ASN1_UTCTIME, "361115110640Z", V_ASN1_UTCTIME);
	issued_free(i);

	p.may_outlive_ca = true;
	p.validity_s = INT64_C(86400) * 365 * 24;
	issue_one(&f, &p, &r, &i);
	assert_times(i, "261118100640Z", V_ASN1_UTCTIME, "20501112110640Z", V_ASN1_GENERALIZEDTIME);
	issued_free(i);

	p.no_expiry = true;
	issue_one(&f, &p, &r, &i);
	assert_times(i, "261118100640Z", V_ASN1_UTCTIME, "99991231235959Z", V_ASN1_GENERALIZEDTIME);
	assert_int_equal(issued_not_after_s(i), INT64_C(253402300799));
	issued_free(i);

	p.may_outlive_ca = false;		/* cut to the CA's end */
	issue_one(&f, &p, &r, &i);
	assert_int_equal(issued_not_after_s(i), issuer_facts(f.issuer)->not_after_s);
	issued_free(i);

	p.backdate_s = 86400;			/* cut to the CA's begin */
	issue_one(&f, &p, &r, &i);
	assert_int_equal(issued_not_before_s(i), issuer_facts(f.issuer)->not_before_s);
	issued_free(i);
	fixture_done(&f);
}

/* The clock against the CA's own time. */
static void
test_clock_and_ca_expiry(void **state)
{
	struct recipe r = { .key = maker_key(MAKER_P256) };
	struct bytes csr;
	struct issued *i = NULL;
	struct fixture f;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	make_csr(&r, &csr);
	f.clock.fixed_us = (issuer_facts(f.issuer)->not_before_s - 1) * 1000000;
	assert_int_equal(fixture_issue(&f, &profile_default, csr.p, csr.len, &i), ERR_CLOCK);
	f.clock.fixed_us = (issuer_facts(f.issuer)->not_before_s) * 1000000;
	assert_int_equal(fixture_issue(&f, &profile_default, csr.p, csr.len, &i), ERR_OK);
	issued_free(i);
	i = NULL;
	f.clock.fixed_us = (issuer_facts(f.issuer)->not_after_s) * 1000000;
	assert_int_equal(fixture_issue(&f, &profile_default, csr.p, csr.len, &i), ERR_OK);
	issued_free(i);
	i = NULL;
	f.clock.fixed_us = (issuer_facts(f.issuer)->not_after_s + 1) * 1000000;
	assert_int_equal(fixture_issue(&f, &profile_default, csr.p, csr.len, &i), ERR_CA_EXPIRED);
	assert_null(i);
	fixture_done(&f);
}

/* The longest subject a request may have fits: its refusal would be ours, not an internal error. */
static void
test_longest_subject(void **state)
{
	struct bytes subject = { 0 }, csr;
	struct recipe r = { .key = maker_key(MAKER_RSA), .subject = &subject };
	struct issued *i = NULL;
	struct fixture f;
	char wide[128 * 4 + 1], half[64 * 4 + 1], cn[65];

	(void)state;
	fixture_init(&f, CA_KEY_RSA4096);
	for (int n = 0; n < 128; n++)
		memcpy(wide + 4 * n, "\xf0\x9f\x94\xa7", 5);
	memcpy(half, wide, sizeof(half) - 1);
	half[sizeof(half) - 1] = '\0';
	memset(cn, 'x', 64);
	cn[64] = '\0';
	bytes_add_rdn(&subject, "\x55\x04\x06", DER_PRINTABLE_STRING, "DE");
	bytes_add_rdn(&subject, "\x55\x04\x08", DER_UTF8_STRING, wide);
	bytes_add_rdn(&subject, "\x55\x04\x07", DER_UTF8_STRING, wide);
	bytes_add_rdn(&subject, "\x55\x04\x0a", DER_UTF8_STRING, half);
	bytes_add_rdn(&subject, "\x55\x04\x0b", DER_UTF8_STRING, half);
	bytes_add_rdn(&subject, "\x55\x04\x03", DER_UTF8_STRING, cn);
	issue_one(&f, &profile_default, &r, &i);
	fixture_verify_strict(&f, i->der, i->len);
	/* profile.c allows 400 bytes for all that is not subject, key, issuer's name and signature; RSA-2048's key has 294 */
	assert_in_range(i->len, 2500, 400 + (2 + 4 * (128 + 128 + 64 + 64) + 64) + 294 + f.issuer->name.len + 512);
	issued_free(i);
	/* under a CA with a name of its own length it would not fit: said before it is signed */
	i = NULL;
	f.issuer->name.len += 1500;
	make_csr(&r, &csr);
	assert_int_equal(fixture_issue(&f, &profile_default, csr.p, csr.len, &i), ERR_SUBJECT);
	assert_non_null(strstr(f.e.client_text, "too long"));
	assert_null(i);
	fixture_done(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds_verify_strictly),
		cmocka_unit_test(test_subject_order_and_types),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_requested_extensions_are_not_followed),
		cmocka_unit_test(test_validity),
		cmocka_unit_test(test_clock_and_ca_expiry),
		cmocka_unit_test(test_longest_subject),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	maker_done();
	return rc;
}
