/* SipHash against its authors' vectors, and against OpenSSL's at every length. */
#include "cmocka_test.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "access/siphash.h"

enum { LONGEST = 300 };

static void
test_vectors(void **state)
{
	uint8_t key[SIPHASH_KEY_BYTES], data[15];

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	/* the paper's appendix A, and the first of the reference implementation's vectors */
	assert_true(siphash(key, data, sizeof(data)) == UINT64_C(0xa129ca6149be45e5));
	assert_true(siphash(key, data, 0) == UINT64_C(0x726fdb47dd0e0e31));
}

static void
test_openssl_agrees(void **state)
{
	size_t size = 8, out_len;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end() };
	uint8_t key[SIPHASH_KEY_BYTES], data[LONGEST], out[8];

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(200 + 31 * i);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(7 + 101 * i);
	for (size_t len = 1; len <= sizeof(data); len++) {
		uint64_t n = 0;

		assert_non_null(EVP_Q_mac(NULL, "SIPHASH", NULL, NULL, params, key, sizeof(key), data, len, out, sizeof(out), &out_len));
		assert_int_equal(out_len, 8);
		for (size_t i = 0; i < 8; i++)
			n |= (uint64_t)out[i] << (8 * i);
		assert_true(siphash(key, data, len) == n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors), cmocka_unit_test(test_openssl_agrees) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
