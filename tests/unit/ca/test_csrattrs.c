/* What an EST server would like to see, decoded by OpenSSL's ASN.1. */
#include "ca_fixture.h"

#include <string.h>

#include <openssl/asn1t.h>

#include "ca/csrattrs.h"

/* SEQUENCE OF ANY */
static STACK_OF(ASN1_TYPE) *
decode(const uint8_t *der, size_t len)
{
	const uint8_t *p = der;
	STACK_OF(ASN1_TYPE) *all = d2i_ASN1_SEQUENCE_ANY(NULL, &p, (long)len);

	assert_non_null(all);
	assert_ptr_equal(p, der + len);
	return all;
}

static void
free_all(STACK_OF(ASN1_TYPE) *all)
{
	sk_ASN1_TYPE_pop_free(all, ASN1_TYPE_free);
}

static void
test_decoded(void **state)
{
	size_t len;
	const uint8_t *der = csrattrs_der(&len), *p;
	STACK_OF(ASN1_TYPE) *all = decode(der, len), *values;
	X509_ATTRIBUTE *key;
	ASN1_TYPE *t;
	uint8_t *again = NULL;

	(void)state;
	assert_int_equal(sk_ASN1_TYPE_num(all), 2);

	/* an Attribute: SEQUENCE { type, SET OF values } */
	t = sk_ASN1_TYPE_value(all, 0);
	assert_int_equal(ASN1_TYPE_get(t), V_ASN1_SEQUENCE);
	p = t->value.sequence->data;
	key = d2i_X509_ATTRIBUTE(NULL, &p, t->value.sequence->length);
	assert_non_null(key);
	assert_int_equal(OBJ_obj2nid(X509_ATTRIBUTE_get0_object(key)), NID_X9_62_id_ecPublicKey);
	assert_int_equal(X509_ATTRIBUTE_count(key), 1);
	assert_int_equal(OBJ_obj2nid(X509_ATTRIBUTE_get0_data(key, 0, V_ASN1_OBJECT, NULL)), NID_X9_62_prime256v1);
	X509_ATTRIBUTE_free(key);

	/* and an OID */
	t = sk_ASN1_TYPE_value(all, 1);
	assert_int_equal(ASN1_TYPE_get(t), V_ASN1_OBJECT);
	assert_int_equal(OBJ_obj2nid(t->value.object), NID_ecdsa_with_SHA256);

	/* the same bytes when OpenSSL encodes it */
	values = all;
	assert_int_equal(i2d_ASN1_SEQUENCE_ANY(values, &again), len);
	assert_memory_equal(again, der, len);
	OPENSSL_free(again);
	free_all(all);
}

/* A request made after it is accepted. */
static void
test_a_request_after_it(void **state)
{
	struct fixture f;
	struct bytes der;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	make_csr(&(struct recipe){ .key = maker_key(MAKER_P256), .signing = { .md = "SHA256" } }, &der);
	assert_int_equal(fixture_judge(&f, &der), ERR_OK);
	fixture_done(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decoded),
		cmocka_unit_test(test_a_request_after_it),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	maker_done();
	return rc;
}
