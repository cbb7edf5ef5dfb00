/* What is read from a TLS server's certificate: the same as went into it. */
#include "ca_fixture.h"

#include <stdio.h>
#include <string.h>

#include "ca/pem.h"
#include "ca/tls_cert.h"
#include "ca/tls_facts.h"

enum { DAY_S = 86400, PEM_BYTES = 2 * LIMIT_CERTIFICATE_BYTES };

static struct err e;

/* A server's certificate for these names, and its CA's behind it, as PEM. */
static size_t
make_chain(const char *const *names, size_t count, int days, char out[2 * PEM_BYTES], uint8_t *der, size_t *ret_len)
{
	struct tls_cert_request req = { .names = names, .count = count, .days = days };
	struct ca_request ca_req = { .common_name = "Test server CA", .days = 3650 };
	struct clock clock = clock_fixed(FIXTURE_NOW_S * 1000000);
	struct ca_key *ca_key = NULL, *key = NULL;
	uint8_t ca[LIMIT_CERTIFICATE_BYTES];
	size_t ca_len, len;

	must(ca_key_generate(CA_KEY_P256, &ca_key, &e), &e);
	must(ca_key_generate(CA_KEY_P256, &key, &e), &e);
	must(ca_certificate_self_sign(ca_key, &ca_req, &clock, &rnd_system, ca, &ca_len, &e), &e);
	must(tls_certificate_issue(ca_key, ca, ca_len, key, &req, &clock, &rnd_system, der, ret_len, &e), &e);
	len = pem_encode_certificate(der, *ret_len, out);
	len += pem_encode_certificate(ca, ca_len, out + len);
	ca_key_free(ca_key);
	ca_key_free(key);
	return len;
}

static void
test_read(void **state)
{
	static const char *const names[] = { "line-1.example", "10.0.0.5", "fd00::5", "*.line.example" };
	uint8_t der[LIMIT_CERTIFICATE_BYTES], hash[32];
	char pem[2 * PEM_BYTES];
	struct tls_facts f;
	size_t len, pem_len;

	(void)state;
	pem_len = make_chain(names, 4, 825, pem, der, &len);
	must(tls_facts_read(pem, pem_len, &f, &e), &e);
	assert_string_equal(f.names, "line-1.example, 10.0.0.5, fd00::5, *.line.example");
	assert_int_equal(f.not_before_s, FIXTURE_NOW_S - 3600);
	assert_in_range(f.not_after_s - FIXTURE_NOW_S, 825 * DAY_S - 3600 - 1, 825 * DAY_S + 1);
	assert_int_equal(EVP_Digest(der, len, hash, NULL, EVP_sha256(), NULL), 1);
	assert_memory_equal(f.fingerprint, hash, sizeof(hash));
}

/* As many names as fit, and a mark that there are more. */
static void
test_many_names(void **state)
{
	char texts[TLS_CERT_NAMES_MAX][256], pem[2 * PEM_BYTES];
	uint8_t der[LIMIT_CERTIFICATE_BYTES];
	const char *names[TLS_CERT_NAMES_MAX];
	struct tls_facts f;
	size_t len, pem_len, whole;

	(void)state;
	for (int i = 0; i < TLS_CERT_NAMES_MAX; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "%02d-%050d.%060d.%060d.example", i, 0, 0, 0);
		names[i] = texts[i];
	}
	pem_len = make_chain(names, TLS_CERT_NAMES_MAX, 10, pem, der, &len);
	must(tls_facts_read(pem, pem_len, &f, &e), &e);
	assert_true(strlen(f.names) < sizeof(f.names));
	whole = (strlen(f.names) - strlen(", ...")) / (strlen(texts[0]) + 2) + 1;
	assert_in_range(whole, 8, TLS_CERT_NAMES_MAX - 1);
	assert_string_equal(f.names + strlen(f.names) - strlen(", ..."), ", ...");
	assert_non_null(strstr(f.names, texts[whole - 1]));
	assert_null(strstr(f.names, texts[whole]));
}

static void
test_none(void **state)
{
	static const char *const bad[] = {
		"", "hello", "-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	};
	struct tls_facts f = { .names = "untouched" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(tls_facts_read(bad[i], strlen(bad[i]), &f, &e), ERR_CONFIG);
		assert_string_equal(f.names, "untouched");
		assert_int_equal(ERR_peek_error(), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read), cmocka_unit_test(test_many_names), cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
