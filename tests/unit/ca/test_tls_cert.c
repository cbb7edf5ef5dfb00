/* The server's own certificate, read and verified by OpenSSL: by every name it was made for, and by no other. */
#include "ca_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "ca/tls_cert.h"

enum { DAY_S = 86400 };

static struct err e;

/* A CA for servers, and a key of the server's. */
struct shop {
	struct clock	 clock;
	struct ca_key	*ca_key, *server_key;
	uint8_t		 ca[LIMIT_CERTIFICATE_BYTES], der[LIMIT_CERTIFICATE_BYTES];
	size_t		 ca_len, len;
};

static void
shop_init(struct shop *s, enum ca_key_alg ca_alg, enum ca_key_alg server_alg)
{
	struct ca_request req = { .common_name = "Test server CA", .days = 3650 };

	memset(s, 0, sizeof(*s));
	s->clock = clock_fixed(FIXTURE_NOW_S * 1000000);
	must(ca_key_generate(ca_alg, &s->ca_key, &e), &e);
	must(ca_key_generate(server_alg, &s->server_key, &e), &e);
	must(ca_certificate_self_sign(s->ca_key, &req, &s->clock, &rnd_system, s->ca, &s->ca_len, &e), &e);
}

static void
shop_done(struct shop *s)
{
	ca_key_free(s->ca_key);
	ca_key_free(s->server_key);
}

static enum err_code
issue_for(struct shop *s, const char *const *names, size_t count, int days)
{
	struct tls_cert_request req = { .names = names, .count = count, .days = days };

	err_clear(&e);
	return tls_certificate_issue(s->ca_key, s->ca, s->ca_len, s->server_key, &req, &s->clock, &rnd_system, s->der, &s->len, &e);
}

static X509 *
parse(const uint8_t *der, size_t len)
{
	const uint8_t *p = der;
	X509 *x = d2i_X509(NULL, &p, (long)len);

	assert_non_null(x);
	assert_ptr_equal(p, der + len);
	return x;
}

/* As a careful client: -x509_strict -purpose sslserver, and by this host or address if there is one.  The error, or X509_V_OK. */
static int
verify_error(const struct shop *s, const char *host, const char *ip, int purpose)
{
	X509 *ca = parse(s->ca, s->ca_len), *cert = parse(s->der, s->len);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int error;

	assert_int_equal(X509_STORE_add_cert(store, ca), 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, cert, NULL), 1);
	param = X509_STORE_CTX_get0_param(ctx);
	(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
	(void)X509_VERIFY_PARAM_set_purpose(param, purpose);
	X509_VERIFY_PARAM_set_time(param, (time_t)clock_now_s(&s->clock));
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	if (host != NULL)
		assert_int_equal(X509_VERIFY_PARAM_set1_host(param, host, 0), 1);
	if (ip != NULL)
		assert_int_equal(X509_VERIFY_PARAM_set1_ip_asc(param, ip), 1);
	error = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(ca);
	X509_free(cert);
	ERR_clear_error();
	return error;
}

static void
assert_verifies(const struct shop *s, const char *host, const char *ip)
{
	int error = verify_error(s, host, ip, X509_PURPOSE_SSL_SERVER);

	if (error != X509_V_OK)
		fail_msg("%s: %s", host != NULL ? host : ip, X509_verify_cert_error_string(error));
}

static const char *const names[] = { "line4.plant.example", "10.0.0.7", "fd00::7", "LINE4", "*.fixtures.example",
	"::ffff:10.0.0.8" };
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static void
test_every_kind_of_key(void **state)
{
	static const enum ca_key_alg algs[] = { CA_KEY_P256, CA_KEY_P384, CA_KEY_RSA2048 };
	enum { ALGS = sizeof(algs) / sizeof(algs[0]) };

	(void)state;
	for (size_t i = 0; i < ALGS * ALGS; i++) {
		enum ca_key_alg server_alg = algs[i % ALGS];
		struct shop s;
		X509 *x;

		shop_init(&s, algs[i / ALGS], server_alg);
		must(issue_for(&s, names, NAMES, 365), &e);
		assert_verifies(&s, "line4.plant.example", NULL);
		assert_verifies(&s, "line4", NULL);
		assert_verifies(&s, "f17.fixtures.example", NULL);
		assert_verifies(&s, NULL, "10.0.0.7");
		assert_verifies(&s, NULL, "fd00:0:0:0:0:0:0:7");
		assert_verifies(&s, NULL, "::ffff:10.0.0.8");
		assert_int_equal(verify_error(&s, "line5.plant.example", NULL, X509_PURPOSE_SSL_SERVER), X509_V_ERR_HOSTNAME_MISMATCH);
		assert_int_equal(verify_error(&s, "fixtures.example", NULL, X509_PURPOSE_SSL_SERVER), X509_V_ERR_HOSTNAME_MISMATCH);
		assert_int_equal(verify_error(&s, NULL, "10.0.0.8", X509_PURPOSE_SSL_SERVER), X509_V_ERR_IP_ADDRESS_MISMATCH);
		assert_int_equal(verify_error(&s, NULL, NULL, X509_PURPOSE_SSL_CLIENT), X509_V_ERR_INVALID_PURPOSE);

		x = parse(s.der, s.len);
		assert_int_equal(X509_get_version(x), X509_VERSION_3);
		assert_int_equal(X509_check_ca(x), 0);
		assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_SERVER);
		assert_int_equal(X509_get_key_usage(x),
		    KU_DIGITAL_SIGNATURE | (server_alg == CA_KEY_RSA2048 ? KU_KEY_ENCIPHERMENT : 0));
		assert_int_equal(X509_get_ext_count(x), 6);
		assert_int_equal(ERR_peek_error(), 0);
		X509_free(x);
		shop_done(&s);
	}
}

static void
test_fields(void **state)
{
	struct ca_facts ca;
	struct shop s;
	struct der spki;
	uint8_t *key = NULL;
	char cn[128];
	X509 *x;
	int n;

	(void)state;
	shop_init(&s, CA_KEY_P256, CA_KEY_P256);
	must(issue_for(&s, names, NAMES, 365), &e);
	must(ca_facts_read(s.ca, s.ca_len, &ca, &e), &e);
	x = parse(s.der, s.len);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(x)), 1);
	assert_int_equal(X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn, sizeof(cn)), strlen(names[0]));
	assert_string_equal(cn, names[0]);
	assert_int_equal(X509_cmp_time(X509_get0_notBefore(x), &(time_t){ FIXTURE_NOW_S - 3600 - 1 }), 1);
	assert_int_equal(X509_cmp_time(X509_get0_notBefore(x), &(time_t){ FIXTURE_NOW_S - 3600 }), -1);
	assert_int_equal(X509_cmp_time(X509_get0_notAfter(x), &(time_t){ FIXTURE_NOW_S + 365 * DAY_S - 1 }), 1);
	assert_int_equal(X509_cmp_time(X509_get0_notAfter(x), &(time_t){ FIXTURE_NOW_S + 365 * DAY_S }), -1);
	assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(x)), SERIAL_BYTES);
	assert_memory_equal(ASN1_STRING_get0_data(X509_get0_authority_key_id(x)), ca.subject_key_id, SUBJECT_KEY_ID_BYTES);
	spki = ca_key_spki(s.server_key);
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
	assert_int_equal(n, spki.len);
	assert_memory_equal(key, spki.p, spki.len);
	OPENSSL_free(key);
	X509_free(x);
	shop_done(&s);
}

/* A first name too long for a CN: no subject, and then the SAN is critical (RFC 5280 4.2.1.6), which -x509_strict asks for. */
static void
test_long_first_name(void **state)
{
	static const char *const long_name[] = { "a-line-server-with-a-very-long-name.in-a-very-long-zone.of-a-plant.example" };
	struct shop s;
	X509 *x;
	int at;

	(void)state;
	shop_init(&s, CA_KEY_P256, CA_KEY_P256);
	must(issue_for(&s, long_name, 1, 365), &e);
	assert_verifies(&s, long_name[0], NULL);
	x = parse(s.der, s.len);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(x)), 0);
	at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
	assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(x, at)), 1);
	X509_free(x);
	shop_done(&s);
}

static void
test_names(void **state)
{
	static const char *const good[] = {
		"a", "localhost", "line-4", "4line.example", "xn--mller-kva.example", "*.plant.example", "0.0.0.0",
		"255.255.255.255", "::", "::1",
		"1.2.3.4.example", "a123456789012345678901234567890123456789012345678901234567890-2.example"
	};
	static const char *const bad[] = {
		"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a_b", "a b", "m\xc3\xbcller.example", "*", "*.", "*.example", "a.*.example",
		"**.plant.example", "f*.plant.example", "*.*.example", "10.0.0.256", "10.0.0", "1", "10.0.0.7:8443", "010.0.0.1", "[::1]",
		"fe80::1%eth0", "::1::",
		"https://line4", "line4:8443", "line4/", "a\n", "\x1b[2J",
		"a123456789012345678901234567890123456789012345678901234567890-23.example"
	};
	char longest[255];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		must(tls_cert_name_check(good[i], &e), &e);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_clear(&e);
		if (tls_cert_name_check(bad[i], &e) != ERR_USAGE)
			fail_msg("%s is taken", bad[i]);
		assert_non_null(strstr(e.client_text, "is no name of a server"));
		for (const char *c = e.client_text; *c != '\0'; c++)
			assert_in_range(*c, 0x20, 0x7e);
	}
	for (size_t i = 0; i < sizeof(longest) - 1; i++)
		longest[i] = i % 50 == 49 ? '.' : 'a';
	longest[253] = '\0';
	must(tls_cert_name_check(longest, &e), &e);
	longest[253] = 'a';
	longest[254] = '\0';
	assert_int_equal(tls_cert_name_check(longest, &e), ERR_USAGE);
}

static void
test_refusals(void **state)
{
	static const char *const with_a_bad_one[] = { "line4", "10.0.0.256" };
	const char *many[TLS_CERT_NAMES_MAX + 1];
	char long_name[254];
	struct shop s, other;

	(void)state;
	shop_init(&s, CA_KEY_P256, CA_KEY_RSA4096);
	for (size_t i = 0; i < sizeof(long_name) - 1; i++)
		long_name[i] = i % 50 == 49 ? '.' : 'a';
	long_name[sizeof(long_name) - 1] = '\0';
	for (size_t i = 0; i <= TLS_CERT_NAMES_MAX; i++)
		many[i] = "line4";
	assert_int_equal(issue_for(&s, names, 0, 365), ERR_USAGE);
	assert_int_equal(issue_for(&s, many, TLS_CERT_NAMES_MAX + 1, 365), ERR_USAGE);
	must(issue_for(&s, many, TLS_CERT_NAMES_MAX, 365), &e);
	assert_int_equal(issue_for(&s, with_a_bad_one, 2, 365), ERR_USAGE);
	assert_non_null(strstr(e.client_text, "10.0.0.256"));
	assert_int_equal(issue_for(&s, names, 1, 0), ERR_USAGE);
	assert_int_equal(issue_for(&s, names, 1, 36501), ERR_USAGE);

	/* one after the other, until they do not fit; nothing between is an internal error */
	for (size_t i = 0; i < TLS_CERT_NAMES_MAX; i++)
		many[i] = long_name;
	for (size_t n = 1; n <= TLS_CERT_NAMES_MAX; n++) {
		enum err_code rc = issue_for(&s, many, n, 365);

		assert_true(rc == ERR_OK || rc == ERR_USAGE);
		assert_int_equal(rc == ERR_USAGE, n > 10);
	}

	/* another CA's key */
	shop_init(&other, CA_KEY_P256, CA_KEY_P256);
	ca_key_free(s.ca_key);
	s.ca_key = other.ca_key;
	other.ca_key = NULL;
	assert_int_equal(issue_for(&s, names, 1, 365), ERR_CONFIG);
	shop_done(&other);
	shop_done(&s);
}

static void
test_time_of_the_ca(void **state)
{
	struct ca_facts ca;
	struct shop s;
	X509 *x, *y;

	(void)state;
	shop_init(&s, CA_KEY_P256, CA_KEY_P256);
	must(ca_facts_read(s.ca, s.ca_len, &ca, &e), &e);
	y = parse(s.ca, s.ca_len);
	must(issue_for(&s, names, 1, 36500), &e);	/* longer than the CA: cut */
	x = parse(s.der, s.len);
	assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(x), X509_get0_notAfter(y)), 0);
	X509_free(x);
	s.clock.fixed_us = ca.not_before_s * 1000000;
	must(issue_for(&s, names, 1, 1), &e);
	x = parse(s.der, s.len);
	assert_int_equal(ASN1_TIME_compare(X509_get0_notBefore(x), X509_get0_notBefore(y)), 0);
	X509_free(x);
	s.clock.fixed_us = (ca.not_after_s + 1) * 1000000;
	assert_int_equal(issue_for(&s, names, 1, 1), ERR_CA_EXPIRED);
	s.clock.fixed_us = (ca.not_before_s - 1) * 1000000;
	assert_int_equal(issue_for(&s, names, 1, 1), ERR_CLOCK);
	X509_free(y);
	shop_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_key),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_long_first_name),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_time_of_the_ca),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
