#include "ca_fixture.h"

#include <string.h>

enum { REQUESTS = 300 };

/* Many keys in turn, good and bad, through one pop: an old key that stuck would show. */
static void
run_many(struct fixture *f)
{
	struct bytes csr;

	for (int n = 0; n < REQUESTS; n++) {
		EVP_PKEY *own = EVP_EC_gen("P-256");
		struct recipe r = { .key = own };
		enum err_code expected = ERR_OK;

		if (n % 3 == 1) {
			r.signer = maker_key(n % 2 == 0 ? MAKER_P256 : MAKER_P256_OTHER);
			expected = ERR_CSR_SIGNATURE;
		}
		if (n % 7 == 2) {
			r.key = maker_key(n % 2 == 0 ? MAKER_P384 : MAKER_RSA);
			r.signer = NULL;
			expected = ERR_OK;
		}
		make_csr(&r, &csr);
		if (n % 11 == 3) {
			csr.p[csr.len - 5] ^= 0x10;
			expected = ERR_CSR_SIGNATURE;
		}
		assert_int_equal(fixture_judge(f, &csr), expected);
		EVP_PKEY_free(own);
	}
}

static void
test_reused_key(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	assert_true(pop_reuses_key(f.pop));	/* or this OpenSSL needs a look: everything is slower */
	run_many(&f);
	fixture_done(&f);
}

static void
test_fresh_keys(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	pop_distrust_reuse(f.pop);
	assert_false(pop_reuses_key(f.pop));
	run_many(&f);
	fixture_done(&f);
}

/* A key off the curve leaves nothing behind that the next request would meet. */
static void
test_after_a_bad_key(void **state)
{
	struct bytes good, bad;
	struct fixture f;
	uint8_t *point;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	make_csr(&(struct recipe){ .key = maker_key(MAKER_P256) }, &good);
	bad = good;
	point = memmem(bad.p, bad.len, "\x03\x42\x00\x04", 4);
	assert_non_null(point);
	point[4 + 63] ^= 1;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(fixture_judge(&f, &bad), ERR_KEY);
		assert_int_equal(fixture_judge(&f, &good), ERR_OK);
	}
	fixture_done(&f);
}

/* Before the proof and after it the same: SHA-256 of the SubjectPublicKeyInfo. */
static void
test_key_id(void **state)
{
	uint8_t before[KEY_ID_BYTES], after[KEY_ID_BYTES], expected[EVP_MAX_MD_SIZE];
	struct csr *c = NULL;
	struct bytes csr;
	struct fixture f;
	const uint8_t *spki;
	size_t len;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	make_csr(&(struct recipe){ .key = maker_key(MAKER_P256) }, &csr);
	must(csr_parse(csr.p, csr.len, &c, &f.e), &f.e);
	must(csr_key_id(f.pop, c, before, &f.e), &f.e);
	must(keycheck(c, &f.e), &f.e);
	must(pop_verify(f.pop, c, &f.e), &f.e);
	must(csr_key_id(f.pop, c, after, &f.e), &f.e);
	spki = csr_spki(c, &len);
	assert_int_equal(EVP_Digest(spki, len, expected, NULL, EVP_sha256(), NULL), 1);
	assert_memory_equal(before, expected, KEY_ID_BYTES);
	assert_memory_equal(after, expected, KEY_ID_BYTES);
	csr_free(c);
	fixture_done(&f);
}

/* One signature has one encoding: what is not the DER of two integers, and of nothing more, is no signature. */
static void
test_signature_encodings(void **state)
{
	struct bytes csr, longer;
	struct fixture f;
	struct csr *c = NULL;
	size_t at;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	make_csr(&(struct recipe){ .key = maker_key(MAKER_P256) }, &csr);
	must(csr_parse(csr.p, csr.len, &c, &f.e), &f.e);
	at = (size_t)(c->sig_bits.p - c->der);
	csr_free(c);
	/* a byte after the SEQUENCE, inside the BIT STRING */
	longer = csr;
	BYTES_ADD(&longer, "\0");
	longer.p[at - 2]++;		/* BIT STRING's length */
	longer.p[3]++;			/* the request's: 30 81 or 30 82 .. .. */
	if (longer.p[1] == 0x81) {
		longer.p[3]--;
		longer.p[2]++;
	}
	assert_int_equal(fixture_judge(&f, &longer), ERR_CSR_SIGNATURE);
	/* the tag of the SEQUENCE */
	csr.p[at] = 0x31;
	assert_int_equal(fixture_judge(&f, &csr), ERR_CSR_SIGNATURE);
	fixture_done(&f);
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
		cmocka_unit_test(test_reused_key),
		cmocka_unit_test(test_fresh_keys),
		cmocka_unit_test(test_after_a_bad_key),
		cmocka_unit_test(test_key_id),
		cmocka_unit_test(test_signature_encodings),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
