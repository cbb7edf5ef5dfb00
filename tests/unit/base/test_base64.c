/* Base64 in lines, against OpenSSL's encoder. */
#include "cmocka_test.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/base64.h"

enum { BYTES_MAX = 400, CANARY = 0x5a };

/* Every length over several lines, with every byte value somewhere. */
static void
check_columns(size_t columns)
{
	uint8_t in[BYTES_MAX];
	char out[2 * BYTES_MAX], flat[2 * BYTES_MAX];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 37 + 11);
	for (size_t len = 0; len <= sizeof(in); len++) {
		size_t chars = (size_t)EVP_EncodeBlock((unsigned char *)flat, in, (int)len), at = 0;
		char *end;

		memset(out, CANARY, sizeof(out));
		end = base64_put(out, in, len, columns);
		assert_int_equal(end - out, base64_bytes(len, columns));
		assert_int_equal(*end, CANARY);
		for (size_t i = 0, n; i < chars; i += n) {
			n = chars - i < columns ? chars - i : columns;
			assert_memory_equal(out + at, flat + i, n);
			assert_int_equal(out[at + n], '\n');
			at += n + 1;
		}
		assert_int_equal(at, end - out);
	}
}

static void
test_same_as_openssl(void **state)
{
	(void)state;
	check_columns(BASE64_COLUMNS);
	check_columns(4);
	check_columns(BASE64_ONE_LINE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
