#include "ca_fixture.h"

#include <string.h>

#include <openssl/pkcs12.h>

#include "ca/pem.h"

static struct bytes csr;	/* a good one */

static int
setup(void **state)
{
	struct recipe r = { .key = maker_key(MAKER_P256) };

	(void)state;
	make_csr(&r, &csr);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	maker_done();
	return 0;
}

static uint8_t out[LIMIT_CSR_BYTES];

static enum err_code
decode(const void *body, size_t len, size_t *ret_len)
{
	struct err e;
	enum err_code rc;

	memset(out, 0xee, sizeof(out));
	rc = pem_decode_request(body, len, out, sizeof(out), ret_len, &e);
	if (rc != ERR_OK) {
		static const uint8_t zeros[LIMIT_CSR_BYTES];

		assert_memory_equal(out, zeros, sizeof(out));	/* nothing of it is left behind */
		assert_true(e.client_text[0] != '\0');
	}
	return rc;
}

static void
assert_decodes(const void *body, size_t len, const struct bytes *expected)
{
	size_t n = 0;

	assert_int_equal(decode(body, len, &n), ERR_OK);
	assert_int_equal(n, expected->len);
	assert_memory_equal(out, expected->p, n);
}

static void
assert_refused(const void *body, size_t len, enum err_code code)
{
	size_t n = 4711;

	assert_int_equal(decode(body, len, &n), code);
	assert_int_equal(n, 4711);
}

/* before + PEM of der + after */
static size_t
dress(struct bytes *b, const char *before, const char *label, const struct bytes *der, const char *after)
{
	char *pem;
	size_t len = make_pem(label, der, &pem);

	b->len = 0;
	bytes_add(b, before, strlen(before));
	bytes_add(b, pem, len);
	bytes_add(b, after, strlen(after));
	return b->len;
}

static void
to_crlf(const struct bytes *in, struct bytes *b)
{
	b->len = 0;
	for (size_t i = 0; i < in->len; i++) {
		if (in->p[i] == '\n')
			BYTES_ADD(b, "\r");
		bytes_add(b, in->p + i, 1);
	}
}

static void
test_forms(void **state)
{
	struct bytes b, crlf;
	size_t len;

	(void)state;
	assert_decodes(csr.p, csr.len, &csr);
	len = dress(&b, "", "CERTIFICATE REQUEST", &csr, "");
	assert_decodes(b.p, len, &csr);
	assert_decodes(b.p, len - 1, &csr);	/* no line end at the end */
	len = dress(&b, "", "NEW CERTIFICATE REQUEST", &csr, "\n \t\r\n");
	assert_decodes(b.p, len, &csr);
	to_crlf(&b, &crlf);
	assert_decodes(crlf.p, crlf.len, &csr);
	len = dress(&b, "0 Certificate Request:\n    Data:\n", "CERTIFICATE REQUEST", &csr, "");
	assert_decodes(b.p, len, &csr);
}

/* Bare base64, wrapped at every column. */
static void
test_base64_columns(void **state)
{
	char text[4096], wrapped[8192];
	int n = EVP_EncodeBlock((unsigned char *)text, csr.p, (int)csr.len);

	(void)state;
	for (int column = 1; column <= 80; column++) {
		size_t len = 0;

		for (int i = 0; i < n; i++) {
			wrapped[len++] = text[i];
			if ((i + 1) % column == 0)
				wrapped[len++] = '\n';
		}
		assert_decodes(wrapped, len, &csr);
	}
	assert_decodes(text, (size_t)n, &csr);
}

static void
test_malformed(void **state)
{
	struct bytes b;
	char text[4096];
	size_t len;
	int n = EVP_EncodeBlock((unsigned char *)text, csr.p, (int)csr.len);

	(void)state;
	assert_refused("", 0, ERR_CSR_MALFORMED);
	assert_refused(" \n", 2, ERR_CSR_MALFORMED);
	assert_refused("hello, world", 12, ERR_CSR_MALFORMED);
	assert_refused("\0", 1, ERR_CSR_MALFORMED);
	assert_refused("-----BEGIN ", 11, ERR_CSR_MALFORMED);
	assert_refused("-----BEGIN CERTIFICATE REQUEST-----", 35, ERR_CSR_MALFORMED);
	assert_refused("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n", 70, ERR_CSR_MALFORMED);
	len = dress(&b, "", "CERTIFICATE REQUEST", &csr, "x");
	assert_refused(b.p, len, ERR_CSR_MALFORMED);
	b.p[len - 1] = '\0';			/* strlen + 1 bytes sent */
	assert_refused(b.p, len, ERR_CSR_MALFORMED);
	assert_refused(b.p, len - 12, ERR_CSR_MALFORMED);
	assert_refused(b.p, len / 2, ERR_CSR_MALFORMED);
	assert_refused(b.p, dress(&b, "", "CERTIFICATE", &csr, ""), ERR_CSR_MALFORMED);
	assert_refused(b.p, dress(&b, "", "PUBLIC KEY", &csr, ""), ERR_CSR_MALFORMED);
	assert_refused(b.p, dress(&b, "", "certificate request", &csr, ""), ERR_CSR_MALFORMED);
	assert_refused(b.p, dress(&b, "text ", "CERTIFICATE REQUEST", &csr, ""), ERR_CSR_MALFORMED);
	len = dress(&b, "", "CERTIFICATE REQUEST", &csr, "");
	memcpy(b.p + len - 10, "TSEUQ", 5);	/* the labels differ */
	assert_refused(b.p, len, ERR_CSR_MALFORMED);
	len = dress(&b, "", "CERTIFICATE REQUEST", &csr, "");
	b.p[100] = '!';
	assert_refused(b.p, len, ERR_CSR_MALFORMED);
	b.p[100] = '=';
	assert_refused(b.p, len, ERR_CSR_MALFORMED);
	text[n] = '=';
	assert_refused(text, (size_t)n + 1, ERR_CSR_MALFORMED);
	assert_refused(text, (size_t)n - 3, ERR_CSR_MALFORMED);
	assert_refused("MB==", 4, ERR_CSR_MALFORMED);	/* bits that must be zero */
}

/* Two requests in one body: which one is meant? */
static void
test_several(void **state)
{
	struct bytes one, two = { 0 };

	(void)state;
	(void)dress(&one, "", "CERTIFICATE REQUEST", &csr, "");
	bytes_add(&two, one.p, one.len);
	bytes_add(&two, one.p, one.len);
	assert_refused(two.p, two.len, ERR_CSR_MALFORMED);
	(void)dress(&one, "", "CERTIFICATE", &csr, "");
	bytes_add(&one, two.p, two.len / 2);
	assert_refused(one.p, one.len, ERR_CSR_MALFORMED);
}

static void
test_too_long(void **state)
{
	struct bytes big = { .len = 13000 }, b;
	size_t n;
	struct err e;
	uint8_t small[64];

	(void)state;
	assert_int_equal(pem_decode_request(csr.p, csr.len, small, sizeof(small), &n, &e), ERR_CSR_MALFORMED);
	(void)dress(&b, "", "CERTIFICATE REQUEST", &big, "");
	assert_int_equal(pem_decode_request(b.p, b.len, small, sizeof(small), &n, &e), ERR_CSR_MALFORMED);
}

/* Every way a private key is written down, as DER. */
enum { PKCS8, PKCS8_ENCRYPTED, TRADITIONAL, SHAPES };

static bool
private_der(EVP_PKEY *key, int shape, struct bytes *b)
{
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(key);
	X509_SIG *enc = PKCS8_encrypt(-1, EVP_aes_256_cbc(), "secret", 6, NULL, 0, 2048, p8);
	uint8_t *der = NULL;
	int len = shape == PKCS8 ? i2d_PKCS8_PRIV_KEY_INFO(p8, &der) : shape == PKCS8_ENCRYPTED ? i2d_X509_SIG(enc, &der) :
	    i2d_PrivateKey(key, &der);

	b->len = 0;
	if (len > 0)
		bytes_add(b, der, (size_t)len);
	OPENSSL_free(der);
	X509_SIG_free(enc);
	PKCS8_PRIV_KEY_INFO_free(p8);
	return len > 0;
}

static const char *const key_labels[] = {
	"PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY",
	"ANY PRIVATE KEY", "PGP PRIVATE KEY BLOCK"
};

static void
assert_key_refused_in_all_clothes(const struct bytes *key)
{
	struct bytes b, csr_pem;
	char text[8192];
	int n = EVP_EncodeBlock((unsigned char *)text, key->p, (int)key->len);

	assert_refused(key->p, key->len, ERR_PRIVATE_KEY);
	assert_refused(key->p, key->len - 7, ERR_PRIVATE_KEY);		/* cut off */
	assert_refused(text, (size_t)n, ERR_PRIVATE_KEY);
	assert_refused(text, (size_t)n / 2, ERR_PRIVATE_KEY);
	text[n - 8] = '!';						/* broken behind the middle */
	assert_refused(text, (size_t)n, ERR_PRIVATE_KEY);
	/* under a false label, with a request before it, behind the request's DER */
	assert_refused(b.p, dress(&b, "", "CERTIFICATE REQUEST", key, ""), ERR_PRIVATE_KEY);
	assert_refused(b.p, dress(&b, "", "SOMETHING", key, ""), ERR_PRIVATE_KEY);
	(void)dress(&csr_pem, "", "CERTIFICATE REQUEST", &csr, "");
	(void)dress(&b, "", "CERTIFICATE REQUEST", key, "");
	bytes_add(&csr_pem, b.p, b.len);
	assert_refused(csr_pem.p, csr_pem.len, ERR_PRIVATE_KEY);
	b.len = 0;
	bytes_add(&b, csr.p, csr.len);
	bytes_add(&b, key->p, key->len);
	assert_refused(b.p, b.len, ERR_PRIVATE_KEY);
	for (size_t i = 0; i < sizeof(key_labels) / sizeof(key_labels[0]); i++)
		assert_refused(b.p, dress(&b, "notes\n", key_labels[i], key, "more\n"), ERR_PRIVATE_KEY);
}

static void
test_private_keys(void **state)
{
	(void)state;
	for (int k = 0; k < MAKER_KEYS; k++)
		for (int shape = 0; shape < SHAPES; shape++) {
			struct bytes key;

			assert_true(private_der(maker_key((enum maker_key)k), shape, &key));
			assert_key_refused_in_all_clothes(&key);
		}
}

/* A key's label before, behind and inside, whole or not, is enough. */
static void
test_private_key_labels(void **state)
{
	static const char *const texts[] = {
		"-----BEGIN PRIVATE KEY-----\n",
		"-----BEGIN RSA PRIVATE KEY-----\nMIIE",
		"-----BEGIN EC PRIVATE KEY---",
		"junk -----END PRIVATE KEY-----\n",
		"\r-----BEGIN ENCRYPTED PRIVATE KEY-----\r",
	};
	struct bytes b;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_refused(texts[i], strlen(texts[i]), ERR_PRIVATE_KEY);
		assert_refused(b.p, dress(&b, texts[i], "CERTIFICATE REQUEST", &csr, ""), ERR_PRIVATE_KEY);
		assert_refused(b.p, dress(&b, "", "CERTIFICATE REQUEST", &csr, texts[i]), ERR_PRIVATE_KEY);
	}
	/* the words alone are no key: somebody may write about one */
	assert_decodes(b.p, dress(&b, "My PRIVATE KEY stays here\n", "CERTIFICATE REQUEST", &csr, ""), &csr);
}

/* Public keys, certificates and signatures are no private keys. */
static void
test_public_things_are_no_keys(void **state)
{
	struct bytes b = { 0 };
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(maker_key(MAKER_RSA), &der);

	(void)state;
	assert_int_equal(decode(der, (size_t)len, &b.len), ERR_OK);	/* csr_parse says what it is not */
	OPENSSL_free(der);
	der = NULL;
	len = i2d_PublicKey(maker_key(MAKER_RSA), &der);
	assert_int_equal(decode(der, (size_t)len, &b.len), ERR_OK);
	OPENSSL_free(der);
}

static void
test_encode_certificate(void **state)
{
	uint8_t der[200];
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(der); i++)
		der[i] = (uint8_t)(i * 37);
	for (size_t len = 1; len <= sizeof(der); len++) {
		size_t n = pem_encode_certificate(der, len, text);
		BIO *bio = BIO_new(BIO_s_mem());
		char *expected;
		long expected_len;

		assert_int_equal(n + 1, pem_certificate_bytes(len));
		assert_int_equal(strlen(text), n);
		assert_true(PEM_write_bio(bio, "CERTIFICATE", "", der, (long)len) > 0);
		expected_len = BIO_get_mem_data(bio, &expected);
		assert_int_equal(expected_len, n);
		assert_memory_equal(text, expected, n);
		BIO_free(bio);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_base64_columns),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_private_keys),
		cmocka_unit_test(test_private_key_labels),
		cmocka_unit_test(test_public_things_are_no_keys),
		cmocka_unit_test(test_encode_certificate),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
