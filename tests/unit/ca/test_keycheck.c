#include "ca_fixture.h"

#include <string.h>

#include "ca/rsa_weak.h"

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
judge(const struct recipe *r, enum err_code expected, const char *what)
{
	struct bytes csr;
	enum err_code rc;

	make_csr(r, &csr);
	if ((rc = fixture_judge(&f, &csr)) != expected)
		fail_msg("%s: expected %s, got %s (%s)", what, err_name(expected), err_name(rc), f.e.log_text);
}

static void
test_digests(void **state)
{
	static const struct { const char *md; enum err_code code; } mds[] = {
		{ "SHA256", ERR_OK }, { "SHA384", ERR_OK }, { "SHA512", ERR_OK }, { "SHA1", ERR_KEY }, { "SHA224", ERR_KEY }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mds) / sizeof(mds[0]); i++)
		for (int k = 0; k < MAKER_KEYS; k++) {
			struct recipe r = { .key = maker_key((enum maker_key)k), .signing.md = mds[i].md };

			judge(&r, mds[i].code, mds[i].md);
		}
	judge(&(struct recipe){ .key = maker_key(MAKER_RSA), .signing.md = "MD5" }, ERR_KEY, "MD5");
}

static void
test_pss(void **state)
{
	static const struct { const char *md; int salt; enum err_code code; } cases[] = {
		{ "SHA256", 32, ERR_OK }, { "SHA384", 48, ERR_OK }, { "SHA512", 64, ERR_OK }, { "SHA256", 20, ERR_OK },
		{ "SHA256", 0, ERR_OK }, { "SHA256", 222, ERR_OK }, { "SHA512", 190, ERR_OK }, { "SHA1", 20, ERR_KEY },
		{ "SHA224", 28, ERR_KEY }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		judge(&(struct recipe){ .key = maker_key(MAKER_RSA),
		    .signing = { .md = cases[i].md, .pss = true, .salt = cases[i].salt } }, cases[i].code, cases[i].md);
}

#define PSS_OID		"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
#define SHA256_ALG	"\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00"
#define SHA256_ALG_NP	"\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define SHA384_ALG	"\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00"
#define MGF1		"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"

/* The signature is always the right one for SHA-256, MGF1 with SHA-256, salt 32; the parameters lie. */
static void
test_pss_parameters(void **state)
{
#define CASE(literal, code)	{ literal, sizeof(literal) - 1, code }
	static const struct { const char *alg; size_t len; enum err_code code; } cases[] = {
		CASE(PSS_OID "\x30\x34\xa0\x0f" SHA256_ALG "\xa1\x1c\x30\x1a" MGF1 SHA256_ALG "\xa2\x03\x02\x01\x20", ERR_OK),
		CASE(PSS_OID "\x30\x30\xa0\x0d" SHA256_ALG_NP "\xa1\x1a\x30\x18" MGF1 SHA256_ALG_NP "\xa2\x03\x02\x01\x20", ERR_OK),
		CASE(PSS_OID "\x30\x39\xa0\x0f" SHA256_ALG "\xa1\x1c\x30\x1a" MGF1 SHA256_ALG
		    "\xa2\x03\x02\x01\x20\xa3\x03\x02\x01\x01", ERR_OK),
		/* trailer 2 */
		CASE(PSS_OID "\x30\x39\xa0\x0f" SHA256_ALG "\xa1\x1c\x30\x1a" MGF1 SHA256_ALG
		    "\xa2\x03\x02\x01\x20\xa3\x03\x02\x01\x02", ERR_KEY),
		/* the salt's length: wrong, absent (20), negative, too large */
		CASE(PSS_OID "\x30\x34\xa0\x0f" SHA256_ALG "\xa1\x1c\x30\x1a" MGF1 SHA256_ALG "\xa2\x03\x02\x01\x21",
		    ERR_CSR_SIGNATURE),
		CASE(PSS_OID "\x30\x2f\xa0\x0f" SHA256_ALG "\xa1\x1c\x30\x1a" MGF1 SHA256_ALG, ERR_CSR_SIGNATURE),
		CASE(PSS_OID "\x30\x34\xa0\x0f" SHA256_ALG "\xa1\x1c\x30\x1a" MGF1 SHA256_ALG "\xa2\x03\x02\x01\xff", ERR_KEY),
		CASE(PSS_OID "\x30\x35\xa0\x0f" SHA256_ALG "\xa1\x1c\x30\x1a" MGF1 SHA256_ALG "\xa2\x04\x02\x02\x00\xdf", ERR_KEY),
		CASE(PSS_OID "\x30\x36\xa0\x0f" SHA256_ALG "\xa1\x1c\x30\x1a" MGF1 SHA256_ALG "\xa2\x05\x02\x03\x01\x00\x00",
		    ERR_KEY),
		/* no parameters, NULL, none named: SHA-1 by default */
		CASE(PSS_OID, ERR_KEY),
		CASE(PSS_OID "\x05\x00", ERR_KEY),
		CASE(PSS_OID "\x30\x00", ERR_KEY),
		CASE(PSS_OID "\x30\x11\xa0\x0f" SHA256_ALG, ERR_KEY),
		CASE(PSS_OID "\x30\x1e\xa1\x1c\x30\x1a" MGF1 SHA256_ALG, ERR_KEY),
		/* MGF1 with another digest; something behind the parameters */
		CASE(PSS_OID "\x30\x34\xa0\x0f" SHA256_ALG "\xa1\x1c\x30\x1a" MGF1 SHA384_ALG "\xa2\x03\x02\x01\x20", ERR_KEY),
		CASE(PSS_OID "\x30\x36\xa0\x0f" SHA256_ALG "\xa1\x1c\x30\x1a" MGF1 SHA256_ALG "\xa2\x03\x02\x01\x20\x05\x00",
		    ERR_KEY),
	};
#undef CASE

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes alg = { 0 };
		char what[32];

		(void)snprintf(what, sizeof(what), "PSS parameters %zu", i);
		bytes_add(&alg, cases[i].alg, cases[i].len);
		bytes_wrap(&alg, 0x30);
		judge(&(struct recipe){ .key = maker_key(MAKER_RSA), .signature_alg = &alg,
		    .signing = { .pss = true, .salt = 32 } }, cases[i].code, what);
	}
}

/* AlgorithmIdentifiers that do not fit, are unknown, or have parameters they must not have. */
static void
test_signature_algorithms(void **state)
{
#define CASE(key, literal, code)	{ key, literal, sizeof(literal) - 1, code }
	static const struct { enum maker_key key; const char *alg; size_t len; enum err_code code; } cases[] = {
		CASE(MAKER_P256, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00", ERR_CSR_SIGNATURE),
		CASE(MAKER_RSA, "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", ERR_CSR_SIGNATURE),
		CASE(MAKER_P384, PSS_OID "\x30\x00", ERR_CSR_SIGNATURE),
		CASE(MAKER_P256, "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00", ERR_OK),	/* NULL for absent: Mbed TLS */
		CASE(MAKER_P256, "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x30\x00", ERR_KEY),
		CASE(MAKER_RSA, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", ERR_OK),	/* absent for NULL: RFC 4055 5 */
		CASE(MAKER_RSA, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x30\x00", ERR_KEY),
		CASE(MAKER_P256, "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", ERR_KEY),		/* a key's OID */
		CASE(MAKER_P256, "\x06\x03\x2b\x65\x70", ERR_KEY),				/* Ed25519 */
		CASE(MAKER_P256, "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03", ERR_CSR_SIGNATURE),	/* signed with SHA-256 */
	};
#undef CASE

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes alg = { 0 };
		char what[40];

		(void)snprintf(what, sizeof(what), "signature algorithm %zu", i);
		bytes_add(&alg, cases[i].alg, cases[i].len);
		bytes_wrap(&alg, 0x30);
		judge(&(struct recipe){ .key = maker_key(cases[i].key), .signature_alg = &alg }, cases[i].code, what);
	}
}

static struct bytes
spki_of(EVP_PKEY *key)
{
	struct bytes b = { 0 };
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	assert_true(len > 0);
	bytes_add(&b, der, (size_t)len);
	OPENSSL_free(der);
	return b;
}

static void
judge_key(EVP_PKEY *key, enum err_code expected, const char *what)
{
	assert_non_null(key);
	judge(&(struct recipe){ .key = key }, expected, what);
	EVP_PKEY_free(key);
}

static void
test_curves_and_sizes(void **state)
{
	EVP_PKEY *odd;

	(void)state;
	judge_key(EVP_EC_gen("P-521"), ERR_KEY, "P-521");
	judge_key(EVP_EC_gen("P-224"), ERR_KEY, "P-224");
	judge_key(EVP_EC_gen("secp256k1"), ERR_KEY, "secp256k1");
	judge_key(EVP_RSA_gen(1024), ERR_KEY, "RSA 1024");
	judge_key(EVP_RSA_gen(2047), ERR_KEY, "RSA 2047");
	judge_key(EVP_RSA_gen(3072), ERR_OK, "RSA 3072");
	odd = EVP_RSA_gen(2050);
	judge_key(odd, ERR_OK, "RSA 2050");
	judge_key(EVP_RSA_gen(4096), ERR_OK, "RSA 4096");
}

/* A SubjectPublicKeyInfo made of this AlgorithmIdentifier content and these key octets. */
static struct bytes
make_spki(const char *alg, size_t alg_len, const uint8_t *key, size_t key_len)
{
	struct bytes b = { 0 }, bits = { 0 };

	bytes_add(&b, alg, alg_len);
	bytes_wrap(&b, 0x30);
	BYTES_ADD(&bits, "\0");
	bytes_add(&bits, key, key_len);
	bytes_wrap(&bits, 0x03);
	bytes_add(&b, bits.p, bits.len);
	bytes_wrap(&b, 0x30);
	return b;
}

static void
judge_spki(enum maker_key signer, struct bytes spki, enum err_code expected, const char *what)
{
	judge(&(struct recipe){ .key = maker_key(signer), .spki = &spki }, expected, what);
}

#define EC_P256		"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define EC_P384		"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22"

static void
test_points(void **state)
{
	uint8_t p[98] = { 0 }, q[98] = { 0 };
	size_t n = 0, m = 0;

	(void)state;
	assert_int_equal(EVP_PKEY_get_octet_string_param(maker_key(MAKER_P256), OSSL_PKEY_PARAM_PUB_KEY, p, sizeof(p), &n), 1);
	assert_int_equal(EVP_PKEY_get_octet_string_param(maker_key(MAKER_P384), OSSL_PKEY_PARAM_PUB_KEY, q, sizeof(q), &m), 1);
	assert_int_equal(n, 65);
	judge_spki(MAKER_P256, make_spki(EC_P256, sizeof(EC_P256) - 1, p, 65), ERR_OK, "a point");
	judge_spki(MAKER_P256, make_spki(EC_P256, sizeof(EC_P256) - 1, p, 64), ERR_KEY, "a short point");
	judge_spki(MAKER_P256, make_spki(EC_P256, sizeof(EC_P256) - 1, p, 66), ERR_KEY, "a long point");
	judge_spki(MAKER_P256, make_spki(EC_P256, sizeof(EC_P256) - 1, (const uint8_t *)"\0", 1), ERR_KEY, "infinity");
	judge_spki(MAKER_P256, make_spki(EC_P256, sizeof(EC_P256) - 1, NULL, 0), ERR_KEY, "no point");
	judge_spki(MAKER_P256, make_spki(EC_P384, sizeof(EC_P384) - 1, p, 65), ERR_KEY, "a P-256 point on P-384");
	judge_spki(MAKER_P384, make_spki(EC_P384, sizeof(EC_P384) - 1, q, 97), ERR_OK, "a P-384 point");
	q[96] ^= 1;
	judge_spki(MAKER_P384, make_spki(EC_P384, sizeof(EC_P384) - 1, q, 97), ERR_KEY, "a P-384 point off the curve");
	p[64] ^= 1;
	judge_spki(MAKER_P256, make_spki(EC_P256, sizeof(EC_P256) - 1, p, 65), ERR_KEY, "a point off the curve");
	memset(p + 1, 0xff, 64);
	judge_spki(MAKER_P256, make_spki(EC_P256, sizeof(EC_P256) - 1, p, 65), ERR_KEY, "coordinates beyond the field");
	memset(p + 1, 0, 64);
	judge_spki(MAKER_P256, make_spki(EC_P256, sizeof(EC_P256) - 1, p, 65), ERR_KEY, "0, 0");
}

/* Compressed and hybrid points, explicit curve parameters: the same key in another coat. */
static void
test_other_encodings(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct bytes spki;

	(void)state;
	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"), 1);
	spki = spki_of(key);
	judge(&(struct recipe){ .key = key, .spki = &spki }, ERR_KEY, "compressed");
	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "hybrid"), 1);
	spki = spki_of(key);
	judge(&(struct recipe){ .key = key, .spki = &spki }, ERR_KEY, "hybrid");
	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed"), 1);
	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
	spki = spki_of(key);
	judge(&(struct recipe){ .key = key, .spki = &spki }, ERR_KEY, "explicit parameters");
	EVP_PKEY_free(key);
}

static void
test_other_algorithms(void **state)
{
	EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *x = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");

	(void)state;
	judge_spki(MAKER_P256, spki_of(ed), ERR_KEY, "Ed25519");
	judge_spki(MAKER_P256, spki_of(x), ERR_KEY, "X25519");
	EVP_PKEY_free(ed);
	EVP_PKEY_free(x);
}

#define RSA_NULL	"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
#define RSA_ABSENT	"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define RSA_PSS_KEY	PSS_OID

/* RSAPublicKey of this modulus and exponent. */
static struct bytes
rsa_public(const BIGNUM *n, const char *e, size_t e_len)
{
	struct bytes b = { 0 }, m = { 0 };
	uint8_t mod[600];
	int len = BN_bn2bin(n, mod);

	if (len > 0 && mod[0] >= 0x80)
		BYTES_ADD(&m, "\0");
	bytes_add(&m, mod, (size_t)len);
	bytes_add_element(&b, 0x02, m.p, m.len);
	bytes_add_element(&b, 0x02, e, e_len);
	bytes_wrap(&b, 0x30);
	return b;
}

static void
test_rsa_encodings(void **state)
{
	BIGNUM *n = NULL;
	struct bytes key;

	(void)state;
	assert_int_equal(EVP_PKEY_get_bn_param(maker_key(MAKER_RSA), OSSL_PKEY_PARAM_RSA_N, &n), 1);
	key = rsa_public(n, "\x01\x00\x01", 3);
	judge_spki(MAKER_RSA, make_spki(RSA_NULL, sizeof(RSA_NULL) - 1, key.p, key.len), ERR_OK, "RSA");
	judge_spki(MAKER_RSA, make_spki(RSA_ABSENT, sizeof(RSA_ABSENT) - 1, key.p, key.len), ERR_KEY, "absent parameters");
	judge_spki(MAKER_RSA, make_spki(RSA_PSS_KEY, sizeof(RSA_PSS_KEY) - 1, key.p, key.len), ERR_KEY, "id-RSASSA-PSS key");
	judge_spki(MAKER_RSA, make_spki(RSA_NULL, sizeof(RSA_NULL) - 1, key.p, key.len - 1), ERR_KEY, "cut off");
	key.p[key.len++] = 0;
	judge_spki(MAKER_RSA, make_spki(RSA_NULL, sizeof(RSA_NULL) - 1, key.p, key.len), ERR_KEY, "a byte after it");
	key = rsa_public(n, "\x03", 1);
	judge_spki(MAKER_RSA, make_spki(RSA_NULL, sizeof(RSA_NULL) - 1, key.p, key.len), ERR_KEY, "exponent 3");
	key = rsa_public(n, "\x00\x01\x00\x01", 4);
	judge_spki(MAKER_RSA, make_spki(RSA_NULL, sizeof(RSA_NULL) - 1, key.p, key.len), ERR_KEY, "a long exponent");
	key = rsa_public(n, "\x01\x00\x00\x00\x01", 5);
	judge_spki(MAKER_RSA, make_spki(RSA_NULL, sizeof(RSA_NULL) - 1, key.p, key.len), ERR_KEY, "exponent 2^32 + 1");
	BN_zero(n);
	key = rsa_public(n, "\x01\x00\x01", 3);
	judge_spki(MAKER_RSA, make_spki(RSA_NULL, sizeof(RSA_NULL) - 1, key.p, key.len), ERR_KEY, "an empty modulus");
	BN_free(n);
}

static enum err_code
weak(const BIGNUM *n)
{
	uint8_t mod[600];
	struct err e;

	return rsa_weak_check(mod, (size_t)BN_bn2bin(n, mod), &e);
}

static void
test_weak_small_factors(void **state)
{
	static const BN_ULONG factors[] = { 2, 3, 5, 7, 11, 251, 257, 509, 691, 997 };
	BIGNUM *p = BN_new(), *n = BN_new();

	(void)state;
	for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
		assert_int_equal(BN_generate_prime_ex(p, 512, 0, NULL, NULL, NULL), 1);
		assert_non_null(BN_copy(n, p));
		assert_int_equal(BN_mul_word(n, factors[i]), 1);
		assert_int_equal(weak(n), ERR_KEY);
	}
	BN_free(p);
	BN_free(n);
}

/* Primes next to one another fall; such as a sound generator makes do not. */
static void
test_weak_close_primes(void **state)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new();

	(void)state;
	assert_int_equal(BN_generate_prime_ex(p, 1024, 0, NULL, NULL, NULL), 1);
	assert_int_equal(BN_sqr(n, p, ctx), 1);
	assert_int_equal(weak(n), ERR_KEY);		/* a square */
	assert_non_null(BN_copy(q, p));
	do
		assert_int_equal(BN_add_word(q, 2), 1);
	while (BN_check_prime(q, ctx, NULL) != 1);
	assert_int_equal(BN_mul(n, p, q, ctx), 1);
	assert_int_equal(weak(n), ERR_KEY);
	/* half the digits in common: a = (p + q) / 2 is about 50 above the root */
	assert_non_null(BN_copy(q, p));
	assert_int_equal(BN_set_bit(n, 0), 1);
	BN_zero(n);
	assert_int_equal(BN_set_bit(n, 516), 1);
	assert_int_equal(BN_add(q, q, n), 1);
	while (BN_check_prime(q, ctx, NULL) != 1)
		assert_int_equal(BN_add_word(q, 2), 1);
	assert_int_equal(BN_mul(n, p, q, ctx), 1);
	assert_int_equal(weak(n), ERR_KEY);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(BN_generate_prime_ex(q, 1024, 0, NULL, NULL, NULL), 1);
		assert_int_equal(BN_mul(n, p, q, ctx), 1);
		assert_int_equal(weak(n), ERR_OK);
	}
	BN_free(p);
	BN_free(q);
	BN_free(n);
	BN_CTX_free(ctx);
}

static bool
prime_number(unsigned n)
{
	for (unsigned d = 2; d * d <= n; d++)
		if (n % d == 0)
			return false;
	return true;
}

/*
 * Moduli as the faulty generator makes them: p = k * M + (65537^a mod M), M the product of the first 126 primes for
 * RSA-2048 (up to 701).  Then the same with one residue spoiled: no longer the mark.
 */
static void
test_weak_roca(void **state)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *m = BN_new(), *g = BN_new(), *a = BN_new(), *p[2] = { BN_new(), BN_new() }, *n = BN_new();

	(void)state;
	assert_int_equal(BN_one(m), 1);
	for (unsigned x = 2; x <= 701; x++)
		if (prime_number(x))
			assert_int_equal(BN_mul_word(m, x), 1);
	assert_int_equal(BN_set_word(g, 65537), 1);
	for (int i = 0; i < 2; i++)
		do {
			assert_int_equal(BN_rand(a, 64, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY), 1);
			assert_int_equal(BN_mod_exp_simple(p[i], g, a, m, ctx), 1);
			assert_int_equal(BN_rand(a, 1024 - BN_num_bits(m), BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY), 1);
			assert_int_equal(BN_mul(a, a, m, ctx), 1);
			assert_int_equal(BN_add(p[i], p[i], a), 1);
		} while (BN_check_prime(p[i], ctx, NULL) != 1);
	assert_int_equal(BN_mul(n, p[0], p[1], ctx), 1);
	assert_int_equal(weak(n), ERR_KEY);
	do {
		assert_int_equal(BN_add_word(p[1], 2), 1);
	} while (BN_check_prime(p[1], ctx, NULL) != 1);
	assert_int_equal(BN_mul(n, p[0], p[1], ctx), 1);
	assert_int_equal(weak(n), ERR_OK);
	BN_free(m);
	BN_free(g);
	BN_free(a);
	BN_free(p[0]);
	BN_free(p[1]);
	BN_free(n);
	BN_CTX_free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_pss),
		cmocka_unit_test(test_pss_parameters),
		cmocka_unit_test(test_signature_algorithms),
		cmocka_unit_test(test_curves_and_sizes),
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_other_encodings),
		cmocka_unit_test(test_other_algorithms),
		cmocka_unit_test(test_rsa_encodings),
		cmocka_unit_test(test_weak_small_factors),
		cmocka_unit_test(test_weak_close_primes),
		cmocka_unit_test(test_weak_roca),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
