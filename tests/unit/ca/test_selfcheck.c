#include "ca_fixture.h"

#include <string.h>

static struct fixture f;
static struct plan *plan;
static struct issued *issued;

static int
setup(void **state)
{
	struct bytes subject = { 0 }, csr;
	struct recipe r = { .key = maker_key(MAKER_P256), .subject = &subject };
	uint8_t serial[SERIAL_BYTES];
	struct csr *c = NULL;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	bytes_add_rdn(&subject, "\x55\x04\x06", DER_PRINTABLE_STRING, "DE");
	bytes_add_rdn(&subject, "\x55\x04\x0a", DER_UTF8_STRING, "Acme");
	bytes_add_rdn(&subject, "\x55\x04\x03", DER_UTF8_STRING, "device-1");
	make_csr(&r, &csr);
	must(fixture_accept(&f, csr.p, csr.len, &c), &f.e);
	must(serial_next(&f.serials, serial, &f.e), &f.e);
	must(plan_new(&profile_default, f.issuer, c, FIXTURE_NOW_S, serial, &plan, &f.e), &f.e);
	must(issue(f.bench, plan, &issued, &f.e), &f.e);
	csr_free(c);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	issued_free(issued);
	plan_free(plan);
	fixture_done(&f);
	maker_done();
	return 0;
}

static enum err_code
fields_of(const uint8_t *der, size_t len)
{
	return selfcheck_fields(plan, (struct der){ der, len }, &f.e);
}

/* Not one bit of the certificate can be another, the signature's value aside. */
static void
test_every_bit(void **state)
{
	uint8_t der[LIMIT_CERTIFICATE_BYTES];
	struct der all = { issued->der, issued->len }, sig;
	size_t sig_at;

	(void)state;
	assert_int_equal(fields_of(issued->der, issued->len), ERR_OK);
	assert_true(der_take(&all, DER_SEQUENCE, &all) && der_take(&all, DER_SEQUENCE, &sig) &&
	    der_take(&all, DER_SEQUENCE, &sig) && der_take_octet_bits(&all, &sig));
	sig_at = (size_t)(sig.p - issued->der);
	memcpy(der, issued->der, issued->len);
	for (size_t i = 0; i < sig_at; i++)
		for (unsigned bit = 1; bit < 0x100; bit <<= 1) {
			der[i] = (uint8_t)(issued->der[i] ^ bit);
			if (fields_of(der, issued->len) != ERR_INTERNAL)
				fail_msg("byte %zu, bit %02x: not noticed", i, bit);
			der[i] = issued->der[i];
		}
	assert_int_equal(fields_of(der, issued->len), ERR_OK);
}

static void
test_length(void **state)
{
	uint8_t der[LIMIT_CERTIFICATE_BYTES] = { 0 };

	(void)state;
	memcpy(der, issued->der, issued->len);
	for (size_t n = 0; n < issued->len; n++)
		assert_int_equal(fields_of(der, n), ERR_INTERNAL);
	assert_int_equal(fields_of(der, issued->len + 1), ERR_INTERNAL);
}

/* The certificate as it is, the plan another: each field of it is looked at. */
static void
test_every_field_of_the_plan(void **state)
{
	struct plan saved = *plan;
	struct der cert = { issued->der, issued->len };

	(void)state;
#define CHANGED(change)	do {							\
	change;									\
	assert_int_equal(selfcheck_fields(plan, cert, &f.e), ERR_INTERNAL);	\
	*plan = saved;								\
	assert_int_equal(selfcheck_fields(plan, cert, &f.e), ERR_OK);		\
} while (0)
	CHANGED(plan->serial[15] ^= 1);
	CHANGED(plan->not_before_s++);
	CHANGED(plan->not_after_s--);
	CHANGED(plan->attr[SUBJECT_C].len = 0);
	CHANGED(plan->attr[SUBJECT_O].len--);
	CHANGED(plan->attr[SUBJECT_OU] = plan->attr[SUBJECT_O]);
	CHANGED(plan->device_id[0] ^= 1);
	CHANGED(plan->spki.len--);
	CHANGED(plan->key_type = KEY_RSA);
	CHANGED(plan->subject_key_id[0] ^= 1);
#undef CHANGED
}

static void
test_another_issuer(void **state)
{
	struct plan saved = *plan;
	struct fixture other;

	(void)state;
	fixture_init(&other, CA_KEY_P256);	/* the same name, another key */
	plan->issuer = other.issuer;
	assert_int_equal(fields_of(issued->der, issued->len), ERR_INTERNAL);
	fixture_done(&other);
	fixture_init(&other, CA_KEY_P384);
	plan->issuer = other.issuer;
	assert_int_equal(fields_of(issued->der, issued->len), ERR_INTERNAL);
	*plan = saved;
	fixture_done(&other);
}

static void
test_signature(void **state)
{
	uint8_t der[LIMIT_CERTIFICATE_BYTES];
	const uint8_t *p = f.issuer->spki.p;
	EVP_PKEY *ca = d2i_PUBKEY(NULL, &p, (long)f.issuer->spki.len);

	(void)state;
	must(selfcheck_signature((struct der){ issued->der, issued->len }, ca, &f.e), &f.e);
	assert_int_equal(selfcheck_signature((struct der){ issued->der, issued->len }, maker_key(MAKER_P256), &f.e),
	    ERR_INTERNAL);
	memcpy(der, issued->der, issued->len);
	der[issued->len - 3] ^= 4;
	assert_int_equal(selfcheck_signature((struct der){ der, issued->len }, ca, &f.e), ERR_INTERNAL);
	assert_int_equal(ERR_peek_error(), 0);
	EVP_PKEY_free(ca);
}

/* issue() asks: what differs from its plan does not leave. */
static void
test_issue_asks_for_the_fields(void **state)
{
	struct issued *i = NULL;

	(void)state;
	plan->device_id[0] ^= 1;	/* not the CN that will be in it */
	assert_int_equal(issue(f.bench, plan, &i, &f.e), ERR_INTERNAL);
	assert_null(i);
	plan->device_id[0] ^= 1;
	must(issue(f.bench, plan, &i, &f.e), &f.e);
	issued_free(i);
}

/* With another public key in the issuer's place every signature is wrong: refused at the first and then at every third. */
static void
test_issue_asks_for_the_signature(void **state)
{
	struct der saved = f.issuer->spki;
	struct issue_bench *b = NULL;
	uint8_t *other = NULL;
	int len = i2d_PUBKEY(maker_key(MAKER_P256), &other);

	(void)state;
	assert_true(len > 0);
	f.issuer->spki = (struct der){ other, (size_t)len };
	must(issue_bench_new(f.issuer, 3, &b, &f.e), &f.e);
	f.issuer->spki = saved;
	for (int n = 0; n < 10; n++) {
		struct issued *i = NULL;

		assert_int_equal(issue(b, plan, &i, &f.e), n % 3 == 0 ? ERR_INTERNAL : ERR_OK);
		assert_true((i == NULL) == (n % 3 == 0));
		issued_free(i);
	}
	issue_bench_free(b);
	OPENSSL_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_every_field_of_the_plan),
		cmocka_unit_test(test_another_issuer),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_issue_asks_for_the_fields),
		cmocka_unit_test(test_issue_asks_for_the_signature),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
