#include "ca_fixture.h"

#include <string.h>

static struct fixture f;

static int
setup(void **state)
{
	(void)state;
	fixture_init(&f, CA_KEY_P256);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fixture_done(&f);
	maker_done();
	return 0;
}

static void
judge(const struct bytes *csr, enum err_code expected, const char *what)
{
	enum err_code rc = fixture_judge(&f, csr);

	if (rc != expected)
		fail_msg("%s: expected %s, got %s (%s)", what, err_name(expected), err_name(rc), f.e.log_text);
}

static struct bytes
bytes_of(const char *p, size_t len)
{
	struct bytes b = { 0 };

	bytes_add(&b, p, len);
	return b;
}
#define B(literal)	bytes_of((literal), sizeof(literal) - 1)

static void
test_good(void **state)
{
	(void)state;
	for (int k = 0; k < MAKER_KEYS; k++) {
		struct recipe r = { .key = maker_key((enum maker_key)k) };
		struct bytes csr;

		make_csr(&r, &csr);
		judge(&csr, ERR_OK, "plain");
		r.no_attributes = true;
		make_csr(&r, &csr);
		judge(&csr, ERR_OK, "without [0]");
	}
}

/* No prefix of a request is a request, and neither is one with a byte too many. */
static void
test_every_truncation(void **state)
{
	struct recipe r = { .key = maker_key(MAKER_P256) };
	struct bytes csr, part;

	(void)state;
	make_csr(&r, &csr);
	for (size_t n = 0; n < csr.len; n++) {
		part = csr;
		part.len = n;
		judge(&part, ERR_CSR_MALFORMED, "cut off");
	}
	BYTES_ADD(&csr, "\0");
	judge(&csr, ERR_CSR_MALFORMED, "a byte after the end");
}

static void
test_version(void **state)
{
	struct bytes versions[] = { B("\x02\x01\x01"), B("\x02\x01\x02"), B("\x02\x02\x00\x00"), B("\x02\x00"), B(""),
		B("\x02\x01\xff"), B("\x01\x01\x00"), B("\xa0\x03\x02\x01\x00") };

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct recipe r = { .key = maker_key(MAKER_P256), .version = &versions[i] };
		struct bytes csr;

		make_csr(&r, &csr);
		judge(&csr, ERR_CSR_MALFORMED, "version");
	}
}

static void
test_names(void **state)
{
	struct bytes names[] = {
		B("\x31\x00"),						/* an empty RDN */
		B("\x30\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03" "abc"),	/* SEQUENCE for SET */
		B("\x31\x07\x30\x05\x06\x03\x55\x04\x03"),		/* no value */
		B("\x31\x0a\x30\x08\x06\x00\x0c\x04" "abcd"),		/* an empty OID */
		B("\x31\x10\x30\x0e\x06\x03\x55\x04\x03\x0c\x03" "abc\x0c\x00"),	/* two values */
		B("\x31\x0e\x30\x0c\x06\x03\x55\x04\x03\x2c\x05\x0c\x03" "abc"),	/* a constructed string */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct recipe r = { .key = maker_key(MAKER_P256), .subject = &names[i] };
		struct bytes csr;

		make_csr(&r, &csr);
		judge(&csr, ERR_CSR_MALFORMED, "name");
	}
}

#define EXT_SAN		"\x30\x0f\x06\x03\x55\x1d\x11\x04\x08\x30\x06\x82\x04" "a.de"
#define EXT_KU_CRIT	"\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80"

static void
judge_extensions(const struct bytes *extensions, enum err_code expected, const char *what)
{
	struct bytes attributes = { 0 }, csr;
	struct recipe r = { .key = maker_key(MAKER_P256), .attributes = &attributes };

	bytes_add_extension_request(&attributes, extensions->p, extensions->len);
	make_csr(&r, &csr);
	judge(&csr, expected, what);
}

static void
test_requested_extensions(void **state)
{
	struct bytes good[] = { B(""), B(EXT_SAN), B(EXT_SAN EXT_KU_CRIT), B("\x30\x09\x06\x03\x55\x1d\x13\x04\x02\x30\x00") };
	struct bytes bad[] = {
		B(EXT_SAN EXT_SAN),						/* twice */
		B("\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\x00\x04\x02\x30\x00"),	/* FALSE written out */
		B("\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\x01\x04\x02\x30\x00"),	/* TRUE as 01 */
		B("\x30\x07\x06\x03\x55\x1d\x13\x04\x00"),			/* an empty value */
		B("\x30\x0a\x06\x03\x55\x1d\x13\x04\x03\x30\x00\x00"),		/* bytes after the value */
		B("\x30\x09\x06\x03\x55\x1d\x13\x04\x02\x30\x01"),		/* a value that is cut off */
		B("\x30\x0b\x06\x03\x55\x1d\x13\x04\x02\x30\x00\x05\x00"),	/* a fourth field */
		B("\x30\x05\x06\x03\x55\x1d\x13"),				/* no value */
		B("\x30\x04\x04\x02\x30\x00"),					/* no OID */
		B("\x31\x09\x06\x03\x55\x1d\x13\x04\x02\x30\x00"),		/* a SET */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		judge_extensions(&good[i], ERR_OK, "good extensions");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		judge_extensions(&bad[i], ERR_CSR_MALFORMED, "bad extensions");
}

/* An attribute of this type and these values, whole. */
#define CHALLENGE	"\x30\x12\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07\x31\x05\x0c\x03" "abc"

static void
judge_attributes(const struct bytes *attributes, enum err_code expected, const char *what)
{
	struct recipe r = { .key = maker_key(MAKER_P256), .attributes = attributes };
	struct bytes csr;

	make_csr(&r, &csr);
	judge(&csr, expected, what);
}

static void
test_attributes(void **state)
{
	struct bytes challenge = B(CHALLENGE), both = { 0 }, twice = { 0 }, two_lists = { 0 };
	struct bytes bad[] = {
		B("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07\x31\x00"),	/* no value */
		B("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07"),		/* no values */
		B("\x30\x0f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07\x30\x02\x0c\x00"),	/* SEQUENCE for SET */
		B("\x30\x11\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07\x31\x02\x0c\x00\x05\x00"),
		B("\x30\x0f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07\x31\x02\x0c\x01"),
		B("\x05\x00"),
		B("\x30\x0f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e\x31\x02\x05\x00"),	/* extensionRequest of NULL */
	};

	(void)state;
	judge_attributes(&challenge, ERR_OK, "challengePassword");
	bytes_add(&both, challenge.p, challenge.len);
	bytes_add_extension_request(&both, EXT_SAN, sizeof(EXT_SAN) - 1);
	judge_attributes(&both, ERR_OK, "two attributes");
	bytes_add_extension_request(&twice, EXT_SAN, sizeof(EXT_SAN) - 1);
	bytes_add_extension_request(&twice, EXT_KU_CRIT, sizeof(EXT_KU_CRIT) - 1);
	judge_attributes(&twice, ERR_CSR_MALFORMED, "two extensionRequests");
	/* one extensionRequest with two values */
	bytes_add(&two_lists, "\x30\x0f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e\x31\x04\x30\x00\x30\x00", 19);
	two_lists.p[1] = 17;
	judge_attributes(&two_lists, ERR_CSR_MALFORMED, "two lists");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		judge_attributes(&bad[i], ERR_CSR_MALFORMED, "bad attribute");
}

static void
test_proof_of_possession(void **state)
{
	struct recipe r = { .key = maker_key(MAKER_P256), .signer = maker_key(MAKER_P256_OTHER) };
	struct bytes csr;

	(void)state;
	make_csr(&r, &csr);
	judge(&csr, ERR_CSR_SIGNATURE, "another key's signature");
	r.signer = NULL;
	make_csr(&r, &csr);
	csr.p[csr.len - 1] ^= 1;
	judge(&csr, ERR_CSR_SIGNATURE, "a bit of the signature");
	make_csr(&r, &csr);
	memcpy(memmem(csr.p, csr.len, "device-1", 8), "device-2", 8);
	judge(&csr, ERR_CSR_SIGNATURE, "another name");
	r = (struct recipe){ .key = maker_key(MAKER_RSA), .signer = maker_key(MAKER_RSA_OTHER) };
	make_csr(&r, &csr);
	judge(&csr, ERR_CSR_SIGNATURE, "another RSA key's signature");
	r = (struct recipe){ .key = maker_key(MAKER_P384) };
	make_csr(&r, &csr);
	csr.p[csr.len - 1] ^= 1;
	judge(&csr, ERR_CSR_SIGNATURE, "a bit of a P-384 signature");
	r = (struct recipe){ .key = maker_key(MAKER_P256) };		/* and still a good one */
	make_csr(&r, &csr);
	judge(&csr, ERR_OK, "good after bad ones");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_requested_extensions),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_proof_of_possession),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
