#include "cmocka_test.h"

#include <time.h>

#include "base/clock.h"

static void
test_format(void **state)
{
	char text[CLOCK_TEXT_BYTES];

	(void)state;
	clock_format_s(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	clock_format_s(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59Z");
	clock_format_s(253402300799, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	clock_format_us(INT64_C(1795206300123456), text);
	assert_string_equal(text, "2026-11-20T20:25:00.123456Z");
	clock_format_us(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
}

/* Every day of four centuries against the C library. */
static void
test_civil_agrees(void **state)
{
	(void)state;
	for (int64_t s = INT64_C(-2208988800); s < INT64_C(10413792000); s += 86400 - 1) {
		time_t t = (time_t)s;
		struct civil c = clock_civil(s);
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		assert_int_equal(c.year, tm.tm_year + 1900);
		assert_int_equal(c.month, tm.tm_mon + 1);
		assert_int_equal(c.day, tm.tm_mday);
		assert_int_equal(c.hour * 3600 + c.minute * 60 + c.second, tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec);
		assert_int_equal(clock_from_civil(&c), s);
	}
}

static void
test_parse(void **state)
{
	static const struct { const char *text; int64_t us; } good[] = {
		{ "1970-01-01", 0 },
		{ "2026-11-20T20:25:00Z", INT64_C(1795206300000000) },
		{ "2026-11-20T20:25:00.5Z", INT64_C(1795206300500000) },
		{ "2026-11-20T20:25:00.1234567891Z", INT64_C(1795206300123456) },
		{ "2026-11-20T21:25:00+01:00", INT64_C(1795206300000000) },
		{ "2026-11-20T12:25:00-08:00", INT64_C(1795206300000000) },
		{ "2024-02-29", INT64_C(1709164800000000) },
	};
	static const char *const bad[] = {
		"", "2026", "2026-11", "2026-11-20T", "2026-11-20 20:25:00Z", "2026-11-20T20:25:00", "2026-11-20T20:25Z",
		"2026-02-30", "2025-02-29", "2026-13-01", "2026-00-10", "2026-11-20T24:00:00Z", "2026-11-20T20:60:00Z",
		"2026-11-20T20:25:00Zx", "2026-11-20T20:25:00.Z", "2026-11-20T20:25:00+1:00", "yesterday", "2026-11-20x",
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(clock_parse_us(good[i].text, &us));
		assert_int_equal(us, good[i].us);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		us = 7;
		assert_false(clock_parse_us(bad[i], &us));
		assert_int_equal(us, 7);
	}
}

static void
test_clocks(void **state)
{
	struct clock fixed = clock_fixed(5000001);
	int64_t before = clock_monotonic_us();

	(void)state;
	assert_int_equal(fixed.now_us(&fixed), 5000001);
	assert_int_equal(clock_now_s(&fixed), 5);
	assert_true(clock_monotonic_us() >= before);
	assert_true(clock_now_s(&clock_system) > INT64_C(1700000000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_civil_agrees),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
