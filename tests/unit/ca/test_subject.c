#include "ca_fixture.h"

#include <string.h>

/* What was said to the client about a subject made of these RDNs. */
struct verdict {
	enum err_code	rc;
	struct err	e;
	char		device_id[LIMIT_DEVICE_ID_BYTES + 1];
};

static struct verdict
judge(const struct bytes *subject)
{
	struct recipe r = { .key = maker_key(MAKER_P256), .subject = subject };
	struct verdict v = { 0 };
	struct csr *c = NULL;
	struct bytes csr;

	make_csr(&r, &csr);
	must(csr_parse(csr.p, csr.len, &c, &v.e), &v.e);
	assert_string_equal(csr_device_id(c), "");
	v.rc = subject_check(c, &v.e);
	if (v.rc == ERR_OK)
		memcpy(v.device_id, csr_device_id(c), sizeof(v.device_id));
	else
		assert_true(strlen(v.e.client_text) > 20);
	csr_free(c);
	assert_int_equal(ERR_peek_error(), 0);
	return v;
}

#define CN	"\x55\x04\x03"
#define C	"\x55\x04\x06"
#define L	"\x55\x04\x07"
#define ST	"\x55\x04\x08"
#define O	"\x55\x04\x0a"
#define OU	"\x55\x04\x0b"

/* CN=cn alone. */
static struct verdict
judge_cn(const char *cn, size_t len, uint8_t tag)
{
	struct bytes atv = { 0 };

	BYTES_ADD(&atv, "\x06\x03" CN);
	bytes_add_element(&atv, tag, cn, len);
	bytes_wrap(&atv, 0x30);
	bytes_wrap(&atv, 0x31);
	return judge(&atv);
}

/* CN=x and one attribute more. */
static struct verdict
judge_with(const char *oid, uint8_t tag, const char *value)
{
	struct bytes b = { 0 };

	bytes_add_rdn(&b, oid, tag, value);
	bytes_add_rdn(&b, CN, DER_UTF8_STRING, "x");
	return judge(&b);
}

static void
test_common_names(void **state)
{
	static const char *const good[] = { "a", "0", "Device-01", "AA:BB:CC:00:11:22", "a.b_c-d:e", "-", "...",
		"234567890123456789012345678901234567890123456789012345678901234x" };
	static const char *const bad[] = { "a b", "a/b", "a*", "a@b", "a\nb", "\x7f", "d\xc3\xa4", "%00", "a+b", "a=b", "a,b",
		"<b>", "a\\b", "a\"b", "a'b", "#a", "$a", "~",
		/* a device's page could not be reached */
		".", ".." };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct verdict v = judge_cn(good[i], strlen(good[i]), DER_UTF8_STRING);

		must(v.rc, &v.e);
		assert_string_equal(v.device_id, good[i]);
		if (strpbrk(good[i], "_") == NULL)	/* PrintableString has no underscore */
			assert_int_equal(judge_cn(good[i], strlen(good[i]), DER_PRINTABLE_STRING).rc, ERR_OK);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(judge_cn(bad[i], strlen(bad[i]), DER_UTF8_STRING).rc, ERR_SUBJECT);
	assert_int_equal(judge_cn("a\0b", 3, DER_UTF8_STRING).rc, ERR_SUBJECT);
	assert_int_equal(judge_cn("a_b", 3, DER_PRINTABLE_STRING).rc, ERR_SUBJECT);
	assert_int_equal(judge_cn("", 0, DER_UTF8_STRING).rc, ERR_SUBJECT);
}

static void
test_common_name_length(void **state)
{
	char cn[80];

	(void)state;
	memset(cn, 'z', sizeof(cn));
	for (size_t n = 1; n <= 64; n++)
		assert_int_equal(judge_cn(cn, n, DER_UTF8_STRING).rc, ERR_OK);
	for (size_t n = 65; n <= sizeof(cn); n++)
		assert_int_equal(judge_cn(cn, n, DER_UTF8_STRING).rc, ERR_SUBJECT);
}

/* 64 hex digits would register our CA with somebody else's account. */
static void
test_registration_code(void **state)
{
	char cn[65] = "0123456789abcdefABCDEF0123456789abcdefABCDEF0123456789abcdefABCD";
	struct verdict v = judge_cn(cn, 64, DER_UTF8_STRING);

	(void)state;
	assert_int_equal(v.rc, ERR_SUBJECT);
	assert_non_null(strstr(v.e.client_text, "registration code"));
	assert_int_equal(judge_cn(cn, 63, DER_UTF8_STRING).rc, ERR_OK);
	cn[17] = 'g';
	assert_int_equal(judge_cn(cn, 64, DER_UTF8_STRING).rc, ERR_OK);
}

static void
test_bounds(void **state)
{
	static const struct { const char *oid; size_t max; } attrs[] = { { ST, 128 }, { L, 128 }, { O, 64 }, { OU, 64 } };
	char text[2 * 130 + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		for (size_t n = 1; n <= attrs[i].max + 1; n++) {	/* characters, not bytes */
			for (size_t k = 0; k < n; k++)
				memcpy(text + 2 * k, "\xc3\xa4", 3);
			assert_int_equal(judge_with(attrs[i].oid, DER_UTF8_STRING, text).rc,
			    n <= attrs[i].max ? ERR_OK : ERR_SUBJECT);
		}
		assert_int_equal(judge_with(attrs[i].oid, DER_UTF8_STRING, "").rc, ERR_SUBJECT);
	}
}

static void
test_country(void **state)
{
	static const char *const bad[] = { "", "D", "DEU", "D1", "D ", "\xc3\x84", "--" };

	(void)state;
	assert_int_equal(judge_with(C, DER_PRINTABLE_STRING, "DE").rc, ERR_OK);
	assert_int_equal(judge_with(C, DER_UTF8_STRING, "us").rc, ERR_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(judge_with(C, DER_UTF8_STRING, bad[i]).rc, ERR_SUBJECT);
}

static void
test_utf8(void **state)
{
	static const char *const good[] = { "M\xc3\xbcller & S\xc3\xb6hne", "\xe5\xb7\xa5\xe5\xa0\xb4", "\xf0\x9f\x94\xa7",
		"\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80", "\xc2\xa0", "~" };
	static const char *const bad[] = { "\xff", "\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf",
		"\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xe2\x82", "a\xf0\x9f\x94", "\xfc\x84\x80\x80\x80\x80" };
	static const char *const control[] = { "\x01", "a\tb", "a\x1f", "\x7f", "\xc2\x80", "\xc2\x85", "\xc2\x9f", "a\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(judge_with(O, DER_UTF8_STRING, good[i]).rc, ERR_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(judge_with(O, DER_UTF8_STRING, bad[i]).rc, ERR_SUBJECT);
	for (size_t i = 0; i < sizeof(control) / sizeof(control[0]); i++)
		assert_int_equal(judge_with(O, DER_UTF8_STRING, control[i]).rc, ERR_SUBJECT);
}

static void
test_string_types(void **state)
{
	static const uint8_t others[] = { 0x14, 0x16, 0x1a, 0x1c, 0x1e, 0x12, 0x04, 0x80, 0x13 | 0x80 };

	(void)state;
	assert_int_equal(judge_with(O, DER_PRINTABLE_STRING, "A-Z a-z 0-9 '()+,-./:=?").rc, ERR_OK);
	assert_int_equal(judge_with(O, DER_PRINTABLE_STRING, "R&D").rc, ERR_SUBJECT);
	assert_int_equal(judge_with(O, DER_PRINTABLE_STRING, "*").rc, ERR_SUBJECT);
	assert_int_equal(judge_with(O, DER_PRINTABLE_STRING, "\xc3\xa4").rc, ERR_SUBJECT);
	for (size_t i = 0; i < sizeof(others); i++)
		assert_int_equal(judge_with(O, others[i], "Acme").rc, ERR_SUBJECT);
}

/* Everything not named is refused, by its name or its numbers. */
static void
test_other_attributes(void **state)
{
	static const struct { const char *oid, *name; } others[] = {
		{ "\x55\x04\x05", "serialNumber" },
		{ "\x55\x04\x04", "SN" },
		{ "\x55\x04\x2e", "dnQualifier" },
		{ "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress" },
		{ "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC" },
		{ "\x2b\x06\x01\x04\x01\xff\x7f\x01", "1.3.6.1.4.1.16383.1" },
		{ "\x55\x04\x7f", "2.5.4.127" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct verdict v = judge_with(others[i].oid, DER_UTF8_STRING, "x");

		assert_int_equal(v.rc, ERR_SUBJECT);
		if (strstr(v.e.client_text, others[i].name) == NULL)
			fail_msg("%s is not named in: %s", others[i].name, v.e.client_text);
	}
}

/* An OID longer than any name's still gets an answer. */
static void
test_long_oid(void **state)
{
	struct bytes atv = { 0 };
	uint8_t oid[200];

	(void)state;
	memset(oid, 0x85, sizeof(oid));
	oid[sizeof(oid) - 1] = 5;
	bytes_add_element(&atv, 0x06, oid, sizeof(oid));
	BYTES_ADD(&atv, "\x0c\x01x");
	bytes_wrap(&atv, 0x30);
	bytes_wrap(&atv, 0x31);
	assert_int_equal(judge(&atv).rc, ERR_SUBJECT);
}

static void
test_repetition(void **state)
{
	static const char *const oids[] = { C, ST, L, O, OU, CN };
	struct bytes none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(oids) / sizeof(oids[0]); i++) {
		struct bytes b = { 0 };

		bytes_add_rdn(&b, CN, DER_UTF8_STRING, "ab");
		bytes_add_rdn(&b, oids[i], DER_UTF8_STRING, "ab");
		if (i < 5)
			assert_int_equal(judge(&b).rc, ERR_OK);
		bytes_add_rdn(&b, oids[i], DER_PRINTABLE_STRING, "cd");
		assert_int_equal(judge(&b).rc, ERR_SUBJECT);
	}
	assert_int_equal(judge(&none).rc, ERR_SUBJECT);		/* no CN */
	bytes_add_rdn(&none, O, DER_UTF8_STRING, "Acme");
	assert_int_equal(judge(&none).rc, ERR_SUBJECT);
}

static void
test_multi_valued_rdn(void **state)
{
	struct bytes rdn = { 0 };

	(void)state;
	BYTES_ADD(&rdn, "\x30\x08\x06\x03" CN "\x0c\x01x");
	BYTES_ADD(&rdn, "\x30\x08\x06\x03" O "\x0c\x01y");
	bytes_wrap(&rdn, 0x31);
	assert_int_equal(judge(&rdn).rc, ERR_SUBJECT);
}

static int
teardown(void **state)
{
	(void)state;
	maker_done();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_common_names),
		cmocka_unit_test(test_common_name_length),
		cmocka_unit_test(test_registration_code),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_country),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_string_types),
		cmocka_unit_test(test_other_attributes),
		cmocka_unit_test(test_long_oid),
		cmocka_unit_test(test_repetition),
		cmocka_unit_test(test_multi_valued_rdn),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
