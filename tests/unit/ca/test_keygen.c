/*
 * Keys that are made here for devices: read back by OpenSSL, and not to be found in any memory that was freed unwiped.
 */
#include "ca_fixture.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keygen.h"

static struct err e;

/*
 * While watch is on, every block that OpenSSL frees is kept for later (a wipe must come before its free), so that a secret that was
 * learned only afterwards can be looked for in it.
 */
enum { KEPT_MAX = 400000 };

static struct {
	bool	 on;
	size_t	 n;
	bool	 overflow;
	struct { void *p; size_t len; } block[KEPT_MAX];
} watch;

static void
watched_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	if (p == NULL)
		return;
	if (!watch.on || watch.n == KEPT_MAX) {
		watch.overflow |= watch.on;
		free(p);
		return;
	}
	watch.block[watch.n].p = p;
	watch.block[watch.n++].len = malloc_usable_size(p);
}

static void *
watched_malloc(size_t len, const char *file, int line)
{
	(void)file, (void)line;
	return len == 0 ? NULL : malloc(len);
}

static void *
watched_realloc(void *p, size_t len, const char *file, int line)
{
	void *moved;

	if (!watch.on || p == NULL || len == 0) {
		if (len == 0) {
			watched_free(p, file, line);
			return NULL;
		}
		return realloc(p, len);
	}
	if ((moved = malloc(len)) == NULL)
		return NULL;
	memcpy(moved, p, malloc_usable_size(p) < len ? malloc_usable_size(p) : len);
	watched_free(p, file, line);
	return moved;
}

static void
forget(void)
{
	for (size_t i = 0; i < watch.n; i++)
		free(watch.block[i].p);
	watch.n = 0;
}

/* In how many freed blocks these bytes are. */
static size_t
found_in_freed(const void *bytes, size_t len)
{
	size_t found = 0;

	for (size_t i = 0; i < watch.n; i++)
		found += memmem(watch.block[i].p, watch.block[i].len, bytes, len) != NULL;
	return found;
}

/* Big endian as in DER and, as bignums and parameters have it, little endian. */
static void
assert_secret_is_gone(const BIGNUM *secret)
{
	uint8_t big[512], little[512];
	int len = BN_num_bytes(secret) - 1;	/* one less: wherever the sign's octet is */

	assert_true(len > 30 && len < 512);
	assert_int_equal(BN_bn2binpad(secret, big, len + 1), len + 1);
	assert_int_equal(BN_bn2lebinpad(secret, little, len + 1), len + 1);
	assert_int_equal(found_in_freed(big + 1, (size_t)len), 0);
	assert_int_equal(found_in_freed(little, (size_t)len), 0);
}

/* That the test would see it: a block freed as it must not be. */
static void
leak(const BIGNUM *secret)
{
	int len = BN_num_bytes(secret);
	uint8_t *block;

	watch.on = true;
	block = OPENSSL_malloc((size_t)len);
	assert_int_equal(BN_bn2binpad(secret, block, len), len);
	OPENSSL_free(block);
	watch.on = false;
	assert_int_equal(found_in_freed(block, (size_t)len), 1);
	forget();
}

static struct csr *
accepted(struct fixture *f, const struct recipe *r)
{
	struct bytes der;
	struct csr *c = NULL;

	make_csr(r, &der);
	must(fixture_accept(f, der.p, der.len, &c), &f->e);
	return c;
}

static EVP_PKEY *
read_pkcs8(const struct device_key *k)
{
	size_t len;
	const uint8_t *der = device_key_pkcs8(k, &len), *p = der;
	PKCS8_PRIV_KEY_INFO *p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)len);
	EVP_PKEY *key;
	uint8_t *again = NULL;

	assert_non_null(p8);
	assert_ptr_equal(p, der + len);
	assert_non_null(key = EVP_PKCS82PKEY(p8));
	PKCS8_PRIV_KEY_INFO_free(p8);

	/* byte for byte what OpenSSL would have written */
	assert_non_null(p8 = EVP_PKEY2PKCS8(key));
	assert_int_equal(i2d_PKCS8_PRIV_KEY_INFO(p8, &again), len);
	assert_memory_equal(again, der, len);
	OPENSSL_free(again);
	PKCS8_PRIV_KEY_INFO_free(p8);
	return key;
}

/* The private key belongs to the request, is whole, and signs. */
static void
assert_key_of(const struct device_key *k, const struct csr *c)
{
	size_t len;
	const uint8_t *p = csr_spki(c, &len);
	EVP_PKEY *private_key = read_pkcs8(k), *public_key = d2i_PUBKEY(NULL, &p, (long)len);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, private_key, NULL);

	assert_int_equal(EVP_PKEY_eq(private_key, public_key), 1);
	assert_int_equal(EVP_PKEY_check(ctx), 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(private_key);
	EVP_PKEY_free(public_key);
}

static void
test_every_kind_of_key(void **state)
{
	EVP_PKEY *const like[] = { EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_RSA_gen(2048), EVP_RSA_gen(2056), EVP_RSA_gen(3072) };
	struct fixture f;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	for (size_t i = 0; i < sizeof(like) / sizeof(like[0]); i++) {
		struct csr *c = accepted(&f, &(struct recipe){ .key = like[i] }), *made = NULL;
		struct device_key *k = NULL;
		struct plan *plan = NULL;
		struct issued *issued = NULL;
		uint8_t serial[SERIAL_BYTES];
		EVP_PKEY *key;

		must(device_key_new(f.pop, c, &k, &made, &e), &e);
		assert_int_equal(ERR_peek_error(), 0);
		assert_int_equal(made->checks, CSR_ALL_CHECKS);
		assert_int_equal(made->key_type, c->key_type);
		assert_memory_not_equal(made->key_id, c->key_id, KEY_ID_BYTES);
		assert_string_equal(csr_device_id(made), "device-1");
		key = read_pkcs8(k);
		assert_int_equal(EVP_PKEY_get_bits(key), EVP_PKEY_get_bits(like[i]));
		EVP_PKEY_free(key);
		assert_key_of(k, made);

		/* all the way to a certificate */
		must(serial_next(&f.serials, serial, &e), &e);
		must(plan_new(&profile_default, f.issuer, made, FIXTURE_NOW_S, serial, &plan, &e), &e);
		must(issue(f.bench, plan, &issued, &e), &e);
		issued_free(issued);
		plan_free(plan);
		device_key_free(k);
		csr_free(made);
		csr_free(c);
		EVP_PKEY_free(like[i]);
	}
	fixture_done(&f);
}

/* The longest subject that passes, and the request as a stranger reads it. */
static void
test_subject(void **state)
{
	struct bytes subject = { 0 };
	char long_value[LIMIT_SUBJECT_VALUE_BYTES + 1] = "";
	struct device_key *k = NULL;
	struct csr *c, *made = NULL;
	const uint8_t *p;
	struct fixture f;
	X509_REQ *req;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	for (size_t i = 0; i < 128; i++)
		memcpy(long_value + 4 * i, "\xf0\x9f\x94\xa7", 4);
	bytes_add_rdn(&subject, "\x55\x04\x08", 0x0c, long_value);
	bytes_add_rdn(&subject, "\x55\x04\x07", 0x0c, long_value);
	long_value[256] = '\0';
	bytes_add_rdn(&subject, "\x55\x04\x0a", 0x0c, long_value);
	bytes_add_rdn(&subject, "\x55\x04\x0b", 0x0c, long_value);
	bytes_add_rdn(&subject, "\x55\x04\x06", 0x13, "DE");
	bytes_add_rdn(&subject, "\x55\x04\x03", 0x13, "a-device-with-a-name-of-sixty-four-characters.0123456789-012345x");
	c = accepted(&f, &(struct recipe){ .key = maker_key(MAKER_RSA), .subject = &subject });
	must(device_key_new(f.pop, c, &k, &made, &e), &e);
	assert_int_equal(made->subject.len, subject.len);
	assert_memory_equal(made->subject.p, subject.p, subject.len);
	p = made->der;
	req = d2i_X509_REQ(NULL, &p, (long)made->len);
	assert_non_null(req);
	assert_ptr_equal(p, made->der + made->len);
	assert_int_equal(X509_REQ_verify(req, X509_REQ_get0_pubkey(req)), 1);
	X509_REQ_free(req);
	device_key_free(k);
	csr_free(made);
	csr_free(c);
	device_key_free(NULL);
	fixture_done(&f);
}

/* RFC 7030 4.4.1: the request of serverkeygen need not be signed by its key. */
static void
test_like_need_not_prove(void **state)
{
	struct bytes der;
	struct device_key *k = NULL;
	struct csr *c = NULL, *made = NULL;
	struct fixture f;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	make_csr(&(struct recipe){ .key = maker_key(MAKER_P256), .signer = maker_key(MAKER_P256_OTHER) }, &der);
	must(csr_parse(der.p, der.len, &c, &e), &e);
	must(subject_check(c, &e), &e);
	must(keycheck(c, &e), &e);
	assert_int_equal(pop_verify(f.pop, c, &e), ERR_CSR_SIGNATURE);
	must(device_key_new(f.pop, c, &k, &made, &e), &e);
	assert_key_of(k, made);
	device_key_free(k);
	csr_free(made);
	csr_free(c);
	fixture_done(&f);
}

/* Nothing of it is left in memory that OpenSSL freed on the way. */
static void
test_wiped(void **state)
{
	static const char *const secrets[] = { OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
		OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 };
	static const enum maker_key likes[] = { MAKER_P256, MAKER_P384, MAKER_RSA };
	struct fixture f;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	for (size_t i = 0; i < 3; i++) {
		struct csr *c = accepted(&f, &(struct recipe){ .key = maker_key(likes[i]) }), *made = NULL;
		struct device_key *k = NULL;
		BIGNUM *secret[6] = { NULL };
		size_t n = likes[i] == MAKER_RSA ? 6 : 1;
		EVP_PKEY *key;

		watch.on = true;
		must(device_key_new(f.pop, c, &k, &made, &e), &e);
		watch.on = false;
		assert_false(watch.overflow);
		assert_true(watch.n > 10);
		key = read_pkcs8(k);
		for (size_t s = 0; s < n; s++) {
			assert_int_equal(EVP_PKEY_get_bn_param(key, n == 1 ? OSSL_PKEY_PARAM_PRIV_KEY : secrets[s], &secret[s]), 1);
			assert_secret_is_gone(secret[s]);
		}
		forget();

		leak(secret[0]);
		for (size_t s = 0; s < n; s++)
			BN_clear_free(secret[s]);
		EVP_PKEY_free(key);
		device_key_free(k);
		csr_free(made);
		csr_free(c);
	}
	fixture_done(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_key),
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_like_need_not_prove),
		cmocka_unit_test(test_wiped),
	};
	int rc;

	if (CRYPTO_set_mem_functions(watched_malloc, watched_realloc, watched_free) != 1)
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	maker_done();
	return rc;
}
