#include "cmocka_test.h"

#include "base/hex.h"

static void
test_both_ways(void **state)
{
	uint8_t in[256], out[256];
	char text[513];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	hex_encode(in, sizeof(in), text);
	assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f", 32);
	assert_true(hex_decode(text, out, sizeof(out)));
	assert_memory_equal(in, out, sizeof(in));
	assert_true(hex_decode("AbCd", out, 2));
	assert_int_equal(out[0], 0xab);
	assert_int_equal(out[1], 0xcd);
}

static void
test_only_exactly(void **state)
{
	uint8_t out[2];

	(void)state;
	assert_false(hex_decode("", out, 2));
	assert_false(hex_decode("abc", out, 2));
	assert_false(hex_decode("abcde", out, 2));
	assert_false(hex_decode("abcg", out, 2));
	assert_false(hex_decode("ab d", out, 2));
	assert_true(hex_digit('F'));
	assert_false(hex_digit('g'));
	assert_false(hex_digit('\0'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_both_ways), cmocka_unit_test(test_only_exactly) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
