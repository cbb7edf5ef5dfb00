/* The certificate that proves a CA to AWS IoT, read by OpenSSL. */
#include "ca_fixture.h"

#include <string.h>

#include "ca/ossl.h"
#include "ca/verification.h"

enum { HOUR_S = 3600, DAY_S = 86400 };

#define CODE "0123456789abcdefABCDEF0123456789abcdefABCDEF00112233445566778899"

static struct err e;

static struct issued *
make(struct fixture *f, const char *code)
{
	struct issued *i = NULL;

	must(verification_issue(f->issuer, code, &f->serials, &f->clock, &i, &e), &e);
	return i;
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

/* One CN, the code as it was given, and nothing else. */
static void
assert_subject(X509 *x, const char *code)
{
	X509_NAME *name = X509_get_subject_name(x);
	char cn[128];

	assert_int_equal(X509_NAME_entry_count(name), 1);
	assert_int_equal(X509_NAME_get_text_by_NID(name, NID_commonName, cn, sizeof(cn)), strlen(code));
	assert_string_equal(cn, code);
}

static void
test_every_kind_of_ca(void **state)
{
	static const enum ca_key_alg algs[] = { CA_KEY_P256, CA_KEY_P384, CA_KEY_RSA2048, CA_KEY_RSA3072, CA_KEY_RSA4096 };

	(void)state;
	for (size_t a = 0; a < sizeof(algs) / sizeof(algs[0]); a++) {
		struct fixture f;
		struct issued *i;
		const uint8_t *der;
		char group[32];
		size_t len;
		X509 *x;

		fixture_init(&f, algs[a]);
		i = make(&f, CODE);
		der = issued_der(i, &len);
		fixture_verify_strict(&f, der, len);
		x = parse(i);
		assert_subject(x, CODE);
		assert_int_equal(EVP_PKEY_get_group_name(X509_get0_pubkey(x), group, sizeof(group), NULL), 1);
		assert_string_equal(group, "prime256v1");
		assert_int_equal(X509_check_ca(x), 0);
		assert_int_equal(issued_not_before_s(i), FIXTURE_NOW_S - HOUR_S);
		assert_int_equal(issued_not_after_s(i), FIXTURE_NOW_S + DAY_S);
		assert_int_equal(X509_cmp_time(X509_get0_notAfter(x), &(time_t){ FIXTURE_NOW_S + DAY_S - 1 }), 1);
		assert_int_equal(X509_cmp_time(X509_get0_notAfter(x), &(time_t){ FIXTURE_NOW_S + DAY_S }), -1);
		X509_free(x);
		issued_free(i);
		fixture_done(&f);
	}
}

/* A key of its own each time, that is not the CA's; serials that go on. */
static void
test_nothing_is_used_twice(void **state)
{
	struct issued *one, *two;
	struct fixture f;
	uint8_t next[SERIAL_BYTES];
	X509 *x, *y;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	serial_source_init(&f.serials, &f.clock, &rnd_system, UINT64_C(0x7000000000000000));	/* above what the clock says */
	one = make(&f, CODE);
	two = make(&f, CODE);
	assert_int_equal(serial_upper(issued_serial(one)), UINT64_C(0x7000000000000001));
	assert_int_equal(serial_upper(issued_serial(two)), UINT64_C(0x7000000000000002));
	must(serial_next(&f.serials, next, &e), &e);
	assert_int_equal(serial_upper(next), UINT64_C(0x7000000000000003));
	assert_memory_not_equal(issued_key_id(one), issued_key_id(two), KEY_ID_BYTES);
	x = parse(one);
	y = parse(two);
	assert_int_not_equal(EVP_PKEY_eq(X509_get0_pubkey(x), X509_get0_pubkey(y)), 1);
	X509_free(x);
	X509_free(y);
	issued_free(one);
	issued_free(two);
	fixture_done(&f);
}

static void
test_codes(void **state)
{
	static const char *const bad[] = {
		"", "0", CODE "0", "g123456789abcdefABCDEF0123456789abcdefABCDEF00112233445566778899",
		"123456789abcdefABCDEF0123456789abcdefABCDEF00112233445566778899",
		" 123456789abcdefABCDEF0123456789abcdefABCDEF00112233445566778899",
		"0123456789abcdefABCDEF0123456789abcdefABCDEF0011223344556677889\n"
	};
	static const char *const good[] = {
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
		"0000000000000000000000000000000000000000000000000000000000000000"
	};
	struct issued *i = NULL;
	struct fixture f;
	X509 *x;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		assert_int_equal(verification_issue(f.issuer, bad[n], &f.serials, &f.clock, &i, &e), ERR_USAGE);
		assert_non_null(strstr(e.log_text, "64 hexadecimal digits"));
		assert_null(i);
	}
	for (size_t n = 0; n < sizeof(good) / sizeof(good[0]); n++) {
		i = make(&f, good[n]);
		x = parse(i);
		assert_subject(x, good[n]);
		X509_free(x);
		issued_free(i);
	}
	fixture_done(&f);
}

static void
test_time_of_the_ca(void **state)
{
	const struct ca_facts *ca;
	struct issued *i = NULL;
	struct fixture f;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	ca = issuer_facts(f.issuer);
	f.clock.fixed_us = (ca->not_after_s - HOUR_S) * 1000000;	/* an hour before its end: cut to it */
	i = make(&f, CODE);
	assert_int_equal(issued_not_after_s(i), ca->not_after_s);
	issued_free(i);
	i = NULL;
	f.clock.fixed_us = ca->not_before_s * 1000000;
	i = make(&f, CODE);
	assert_int_equal(issued_not_before_s(i), ca->not_before_s);
	issued_free(i);
	i = NULL;
	f.clock.fixed_us = (ca->not_after_s + 1) * 1000000;
	assert_int_equal(verification_issue(f.issuer, CODE, &f.serials, &f.clock, &i, &e), ERR_CA_EXPIRED);
	f.clock.fixed_us = (ca->not_before_s - 1) * 1000000;
	assert_int_equal(verification_issue(f.issuer, CODE, &f.serials, &f.clock, &i, &e), ERR_CLOCK);
	assert_null(i);
	fixture_done(&f);
}

/* What a device may not ask for is still refused there. */
static void
test_not_at_enrolment(void **state)
{
	struct bytes subject = { 0 }, csr;
	struct recipe r = { .key = maker_key(MAKER_P256), .subject = &subject };
	struct issued *i = NULL;
	struct fixture f;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	bytes_add_rdn(&subject, "\x55\x04\x03", DER_UTF8_STRING, CODE);
	make_csr(&r, &csr);
	assert_int_equal(fixture_issue(&f, &profile_default, csr.p, csr.len, &i), ERR_SUBJECT);
	assert_null(i);
	fixture_done(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_ca),
		cmocka_unit_test(test_nothing_is_used_twice),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_time_of_the_ca),
		cmocka_unit_test(test_not_at_enrolment),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	maker_done();
	return rc;
}
