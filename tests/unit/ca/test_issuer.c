#include "ca_fixture.h"

#include <string.h>

static struct err e;

static void
make_ca(enum ca_key_alg alg, const char *name, int days, struct ca_key **ret_key, uint8_t *der, size_t *ret_len)
{
	struct ca_request req = { .common_name = name, .days = days };
	struct clock clk = clock_fixed(FIXTURE_NOW_S * 1000000);

	must(ca_key_generate(alg, ret_key, &e), &e);
	must(ca_certificate_self_sign(*ret_key, &req, &clk, &rnd_system, der, ret_len, &e), &e);
}

static void
test_facts(void **state)
{
	uint8_t der[LIMIT_CERTIFICATE_BYTES], md[EVP_MAX_MD_SIZE];
	struct ca_key *k = NULL;
	struct ca_facts f;
	size_t len = 0;

	(void)state;
	make_ca(CA_KEY_P256, "Plant 1, line \"A\"", 3650, &k, der, &len);
	must(ca_facts_read(der, len, &f, &e), &e);
	assert_string_equal(f.common_name, "Plant 1, line \"A\"");
	assert_string_equal(f.subject, "CN=Plant 1\\, line \\\"A\\\"");
	assert_string_equal(f.key, "EC P-256");
	assert_int_equal(f.serial_len, SERIAL_BYTES);
	assert_int_equal(f.not_before_s, FIXTURE_NOW_S - 3600);
	assert_int_equal(f.not_after_s, FIXTURE_NOW_S + INT64_C(3650) * 86400);
	assert_int_equal(EVP_Digest(der, len, md, NULL, EVP_sha256(), NULL), 1);
	assert_memory_equal(f.fingerprint, md, sizeof(f.fingerprint));
	ca_key_free(k);
}

static void
test_self_signed(void **state)
{
	static const struct { enum ca_key_alg alg; int nid; const char *text; } kinds[] = {
		{ CA_KEY_P256, NID_ecdsa_with_SHA256, "EC P-256" }, { CA_KEY_P384, NID_ecdsa_with_SHA384, "EC P-384" },
		{ CA_KEY_RSA2048, NID_sha256WithRSAEncryption, "RSA 2048" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint8_t der[LIMIT_CERTIFICATE_BYTES], md[EVP_MAX_MD_SIZE];
		const uint8_t *p = der;
		struct ca_key *k = NULL;
		struct ca_facts facts;
		size_t len = 0;
		X509 *x;

		make_ca(kinds[i].alg, "Test CA", 1, &k, der, &len);
		x = d2i_X509(NULL, &p, (long)len);
		assert_non_null(x);
		assert_ptr_equal(p, der + len);
		assert_int_equal(X509_verify(x, X509_get0_pubkey(x)), 1);
		assert_int_equal(X509_get_signature_nid(x), kinds[i].nid);
		assert_int_equal(X509_check_ca(x), 1);
		assert_int_equal(X509_get_pathlen(x), 0);
		assert_int_equal(X509_get_key_usage(x), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
		assert_int_equal(X509_get_ext_count(x), 3);
		assert_true(X509_EXTENSION_get_critical(X509_get_ext(x, X509_get_ext_by_NID(x, NID_basic_constraints, -1))));
		assert_true(X509_EXTENSION_get_critical(X509_get_ext(x, X509_get_ext_by_NID(x, NID_key_usage, -1))));
		assert_int_equal(X509_pubkey_digest(x, EVP_sha1(), md, NULL), 1);
		assert_memory_equal(ASN1_STRING_get0_data(X509_get0_subject_key_id(x)), md, 20);
		must(ca_facts_read(der, len, &facts, &e), &e);
		assert_string_equal(facts.key, kinds[i].text);
		X509_free(x);
		ca_key_free(k);
	}
}

static void
test_bad_requests(void **state)
{
	char name[80];
	const struct ca_request bad[] = { { "", 1 }, { "a\nb", 1 }, { "\xc3\xa4", 1 }, { "ok", 0 }, { "ok", -1 }, { "ok", 36501 },
		{ name, 1 } };
	struct clock clk = clock_fixed(FIXTURE_NOW_S * 1000000);
	uint8_t der[LIMIT_CERTIFICATE_BYTES];
	struct ca_key *k = NULL;
	size_t len = 0;

	(void)state;
	memset(name, 'n', 65);
	name[65] = '\0';
	must(ca_key_generate(CA_KEY_P256, &k, &e), &e);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ca_certificate_self_sign(k, &bad[i], &clk, &rnd_system, der, &len, &e), ERR_USAGE);
	assert_int_equal(len, 0);
	name[64] = '\0';
	must(ca_certificate_self_sign(k, &bad[6], &clk, &rnd_system, der, &len, &e), &e);
	ca_key_free(k);
}

static void
test_key_of_another(void **state)
{
	uint8_t der[LIMIT_CERTIFICATE_BYTES];
	struct ca_key *k = NULL, *other = NULL;
	struct issuer *i = NULL;
	size_t len = 0;

	(void)state;
	make_ca(CA_KEY_P256, "Test CA", 1, &k, der, &len);
	must(ca_key_generate(CA_KEY_P256, &other, &e), &e);
	assert_int_equal(issuer_new(der, len, other, &i, &e), ERR_CONFIG);	/* and other is gone */
	assert_null(i);
	must(issuer_new(der, len, k, &i, &e), &e);
	issuer_free(i);
}

static void
test_chain(void **state)
{
	struct fixture f;
	const char *text;
	size_t len;
	BIO *mem;
	X509 *x;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	text = issuer_chain_pem(f.issuer, &len);
	assert_int_equal(strlen(text), len);
	mem = BIO_new_mem_buf(text, (int)len);
	x = PEM_read_bio_X509(mem, NULL, NULL, NULL);
	assert_non_null(x);
	X509_free(x);
	assert_null(PEM_read_bio_X509(mem, NULL, NULL, NULL));
	ERR_clear_error();
	BIO_free(mem);
	fixture_done(&f);
}

struct ca_shape {
	const char	*what;
	long		 version;
	const char	*basic_constraints, *key_usage, *ski;	/* NULL: left out */
	enum err_code	 code;
};

static size_t
make_shape(const struct ca_shape *s, uint8_t *der)
{
	X509 *x = X509_new();
	X509V3_CTX ctx;
	int len;
	const struct { int nid; const char *value; } ext[] = {
		{ NID_basic_constraints, s->basic_constraints }, { NID_key_usage, s->key_usage },
		{ NID_subject_key_identifier, s->ski }
	};

	assert_int_equal(X509_set_version(x, s->version), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const uint8_t *)"x", -1, -1,
	    0), 1);
	assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(x)), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 1000);
	assert_int_equal(X509_set_pubkey(x, maker_key(MAKER_P256)), 1);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	for (size_t i = 0; i < 3; i++)
		if (ext[i].value != NULL) {
			X509_EXTENSION *made = X509V3_EXT_conf_nid(NULL, &ctx, ext[i].nid, ext[i].value);

			assert_non_null(made);
			assert_int_equal(X509_add_ext(x, made, -1), 1);
			X509_EXTENSION_free(made);
		}
	assert_true(X509_sign(x, maker_key(MAKER_P256), EVP_sha256()) > 0);
	len = i2d_X509(x, NULL);
	assert_true(len > 0 && len <= LIMIT_CERTIFICATE_BYTES);
	len = i2d_X509(x, &der);
	X509_free(x);
	return (size_t)len;
}

static void
test_not_a_ca(void **state)
{
	static const struct ca_shape shapes[] = {
		{ "good", X509_VERSION_3, "critical,CA:TRUE", "critical,keyCertSign", "hash", ERR_OK },
		{ "with pathlen", X509_VERSION_3, "critical,CA:TRUE,pathlen:3", "keyCertSign,cRLSign", "hash", ERR_OK },
		{ "v1", X509_VERSION_1, NULL, NULL, NULL, ERR_CONFIG },
		{ "no basicConstraints", X509_VERSION_3, NULL, "critical,keyCertSign", "hash", ERR_CONFIG },
		{ "not critical", X509_VERSION_3, "CA:TRUE", "critical,keyCertSign", "hash", ERR_CONFIG },
		{ "CA:FALSE", X509_VERSION_3, "critical,CA:FALSE", "critical,keyCertSign", "hash", ERR_CONFIG },
		{ "no keyUsage", X509_VERSION_3, "critical,CA:TRUE", NULL, "hash", ERR_CONFIG },
		{ "no keyCertSign", X509_VERSION_3, "critical,CA:TRUE", "critical,cRLSign", "hash", ERR_CONFIG },
		{ "no SKI", X509_VERSION_3, "critical,CA:TRUE", "critical,keyCertSign", NULL, ERR_CONFIG },
		{ "short SKI", X509_VERSION_3, "critical,CA:TRUE", "critical,keyCertSign", "0102", ERR_CONFIG },
	};
	uint8_t der[LIMIT_CERTIFICATE_BYTES + 1];
	struct ca_facts f;

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		size_t len = make_shape(&shapes[i], der);

		if (ca_facts_read(der, len, &f, &e) != shapes[i].code)
			fail_msg("%s: %s", shapes[i].what, e.log_text);
		assert_int_equal(ERR_peek_error(), 0);
		der[len] = 0;
		assert_int_equal(ca_facts_read(der, len + 1, &f, &e), ERR_CONFIG);
		assert_int_equal(ca_facts_read(der, len - 1, &f, &e), ERR_CONFIG);
	}
	assert_int_equal(ca_facts_read(der, 0, &f, &e), ERR_CONFIG);
	maker_done();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_self_signed),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_key_of_another),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_not_a_ca),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
