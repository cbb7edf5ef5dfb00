#include "cmocka_test.h"

#include <string.h>

#include "base/limits.h"
#include "guard.h"

#define DAY_S INT64_C(86400)

struct fixture {
	struct clock	clock;
	struct guard	guard;
	struct ca_facts	ca;
	int64_t		now_us;
	struct err	e;
};

static struct fixture f;

static int
setup(void **state)
{
	int64_t build_s = guard_build_time_s();

	(void)state;
	f.clock = clock_fixed((build_s + 100 * DAY_S) * 1000000);
	f.ca = (struct ca_facts){ .not_before_s = build_s + 50 * DAY_S, .not_after_s = build_s + 200 * DAY_S };
	guard_init(&f.guard, &f.clock, "/", 1, 0);
	return 0;
}

static void
move_to_day(int64_t day)
{
	f.clock.fixed_us = (guard_build_time_s() + day * DAY_S) * 1000000;
}

static void
expect(enum err_code code, const char *words)
{
	err_clear(&f.e);
	assert_int_equal(guard_check(&f.guard, &f.ca, &f.now_us, &f.e), code);
	if (words != NULL && strstr(f.e.client_text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", f.e.client_text, words);
}

static void
test_clock(void **state)
{
	(void)state;
	expect(ERR_OK, NULL);
	assert_int_equal(f.now_us, f.clock.fixed_us);
	move_to_day(49);
	expect(ERR_CLOCK, "the CA's certificate begins");
	move_to_day(-1);
	expect(ERR_CLOCK, "this program was built");
	move_to_day(200);
	expect(ERR_CA_EXPIRED, "ended at");
	move_to_day(199);
	expect(ERR_OK, NULL);
}

static void
test_clock_behind_the_newest(void **state)
{
	(void)state;
	guard_issued(&f.guard, f.clock.fixed_us);
	expect(ERR_OK, NULL);
	/* a small step back is NTP at work */
	f.clock.fixed_us -= LIMIT_CLOCK_STEP_BACK_S * INT64_C(1000000);
	expect(ERR_OK, NULL);
	f.clock.fixed_us -= 1;
	expect(ERR_CLOCK, "the newest certificate was issued");
	/* an older certificate recorded later does not turn the mark back */
	guard_issued(&f.guard, 5);
	expect(ERR_CLOCK, "the newest certificate was issued");
}

static void
test_disk(void **state)
{
	struct guard full;

	(void)state;
	guard_init(&full, &f.clock, "/", INT64_MAX, 0);
	f.guard = full;
	expect(ERR_DISK_LOW, "MiB free");
	guard_init(&full, &f.clock, "/nonexistent", 1, 0);
	f.guard = full;
	expect(ERR_DISK_LOW, "0 MiB free");
}

static void
test_halted(void **state)
{
	(void)state;
	guard_halt(&f.guard);
	expect(ERR_INTERNAL, NULL);
	assert_string_equal(f.e.client_text, "");
	(void)setup(NULL);
	guard_storage_failed(&f.guard);
	expect(ERR_STORAGE, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_clock, setup),
		cmocka_unit_test_setup(test_clock_behind_the_newest, setup),
		cmocka_unit_test_setup(test_disk, setup),
		cmocka_unit_test_setup(test_halted, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
