#include "cmocka_test.h"

#include "base/number.h"

static void
test_numbers(void **state)
{
	int64_t n = 7;

	(void)state;
	assert_true(number_parse("0", 0, 10, &n));
	assert_int_equal(n, 0);
	assert_true(number_parse("-9223372036854775808", INT64_MIN, INT64_MAX, &n));
	assert_int_equal(n, INT64_MIN);
	assert_true(number_parse("9223372036854775807", INT64_MIN, INT64_MAX, &n));
	assert_int_equal(n, INT64_MAX);
}

static void
test_nothing_else(void **state)
{
	static const char *const bad[] = {
		"", "-", " 5", "5 ", "+5", "5x", "0x5", "--5", "1e3", "11", "-1", "9223372036854775808", "99999999999999999999"
	};
	int64_t n = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(number_parse(bad[i], 0, 10, &n));
	assert_int_equal(n, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_numbers), cmocka_unit_test(test_nothing_else) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
