/* The bag of certificates, opened by OpenSSL, which has no part in making it. */
#include "ca_fixture.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/pkcs7.h>

#include "ca/certs_only.h"
#include "cert_maker.h"

static struct err e;

static struct bytes certificates[4];

static void
make_certificates(void)
{
	/* from the largest to the smallest: sorted by DER, as a SET would be, they would stand otherwise */
	static const enum maker_key keys[] = { MAKER_RSA, MAKER_P384, MAKER_P256, MAKER_P256_OTHER };

	for (size_t i = 0; i < 4; i++) {
		char cn[16];
		X509 *x;

		(void)snprintf(cn, sizeof(cn), "ca-%zu", i);
		x = make_certificate(&(struct cert_recipe){ .cn = cn, .key = maker_key(keys[i]), .not_before_s = FIXTURE_NOW_S,
		    .not_after_s = FIXTURE_NOW_S + 86400, .extensions = CERT_CA_EXTENSIONS });
		certificate_der(x, &certificates[i]);
		X509_free(x);
	}
}

static void
assert_holds(const uint8_t *der, size_t len, size_t n)
{
	const uint8_t *p = der;
	PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)len);

	assert_non_null(p7);
	assert_ptr_equal(p, der + len);
	assert_true(PKCS7_type_is_signed(p7));
	assert_int_equal(ASN1_INTEGER_get(p7->d.sign->version), 1);
	assert_int_equal(sk_X509_ALGOR_num(p7->d.sign->md_algs), 0);
	assert_int_equal(OBJ_obj2nid(p7->d.sign->contents->type), NID_pkcs7_data);
	assert_null(p7->d.sign->contents->d.data);
	assert_int_equal(sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info), 0);
	assert_null(p7->d.sign->crl);
	assert_int_equal(sk_X509_num(p7->d.sign->cert), n);
	for (size_t i = 0; i < n; i++) {
		struct bytes found;

		certificate_der(sk_X509_value(p7->d.sign->cert, (int)i), &found);
		assert_int_equal(found.len, certificates[i].len);
		assert_memory_equal(found.p, certificates[i].p, found.len);
	}
	PKCS7_free(p7);
}

static void
test_in_order(void **state)
{
	(void)state;
	make_certificates();
	for (size_t n = 1; n <= 4; n++) {
		struct certs_only_part parts[4];
		uint8_t *der = NULL;
		size_t len = 0;

		for (size_t i = 0; i < n; i++)
			parts[i] = (struct certs_only_part){ certificates[i].p, certificates[i].len };
		must(certs_only_encode(parts, n, &der, &len, &e), &e);
		assert_true(der_check((struct der){ der, len }));	/* definite and shortest lengths all the way down */
		assert_holds(der, len, n);
		free(der);
	}
}

/* Every length of header, to the byte. */
static void
test_lengths(void **state)
{
	static const size_t lengths[] = { 1, 60, 100, 110, 127, 128, 200, 230, 255, 256, 65400, 65535, 65536, 70000 };
	static uint8_t part[70000];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct certs_only_part one = { part, lengths[i] };
		uint8_t *der = NULL, tag;
		struct der bag, skipped, found;
		size_t len = 0;

		must(certs_only_encode(&one, 1, &der, &len, &e), &e);
		bag = (struct der){ der, len };
		assert_true(der_take(&bag, DER_SEQUENCE, &bag) && der_next(&bag, &tag, &skipped) &&
		    der_take(&bag, DER_CONTEXT_0, &bag) && der_take(&bag, DER_SEQUENCE, &bag) && der_next(&bag, &tag, &skipped) &&
		    der_next(&bag, &tag, &skipped) && der_next(&bag, &tag, &skipped) && der_take(&bag, DER_CONTEXT_0, &found));
		assert_int_equal(found.len, lengths[i]);
		assert_true(DER_IS(bag, "\x31\x00"));
		free(der);
	}
}

/* Against a bag that OpenSSL made: the same bytes, as long as the certificates are few enough not to need sorting. */
static void
test_same_as_openssl(void **state)
{
	PKCS7 *p7 = PKCS7_new();
	const uint8_t *p = certificates[0].p;
	X509 *x = d2i_X509(NULL, &p, (long)certificates[0].len);
	struct certs_only_part part = { certificates[0].p, certificates[0].len };
	uint8_t *theirs = NULL, *ours = NULL;
	size_t len = 0;
	int n;

	(void)state;
	assert_int_equal(PKCS7_set_type(p7, NID_pkcs7_signed), 1);
	assert_int_equal(PKCS7_content_new(p7, NID_pkcs7_data), 1);
	ASN1_OCTET_STRING_free(p7->d.sign->contents->d.data);
	p7->d.sign->contents->d.data = NULL;
	assert_int_equal(PKCS7_add_certificate(p7, x), 1);
	n = i2d_PKCS7(p7, &theirs);
	must(certs_only_encode(&part, 1, &ours, &len, &e), &e);
	assert_int_equal(n, len);
	assert_memory_equal(ours, theirs, len);
	OPENSSL_free(theirs);
	free(ours);
	X509_free(x);
	PKCS7_free(p7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_same_as_openssl),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	maker_done();
	return rc;
}
