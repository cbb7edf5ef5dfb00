/* The pace of an operation, in virtual time: alone, and against servers that count as AWS may. */
#include "cmocka_test.h"

#include <string.h>

#include "upload/pace.h"

enum {
	SECOND = 1000000,
	BEGIN = 7 * SECOND + 123457,	/* a monotonic clock that is nowhere special */
	CALLS_MAX = 700000
};

static int64_t	sent[CALLS_MAX];
static size_t	sent_count;

/* Takes whatever may go at now_us. */
static void
take_all(struct pace *p, int64_t now_us)
{
	while (pace_take(p, now_us)) {
		assert_in_range(sent_count, 0, CALLS_MAX - 1);
		sent[sent_count++] = now_us;
	}
}

/* A loop that always has work: sleeps as long as it is told, and comes late_us later. */
static void
run_loop(struct pace *p, int64_t from_us, int64_t until_us, int64_t late_us)
{
	int64_t wait_us;

	sent_count = 0;
	for (int64_t now_us = from_us; now_us < until_us; now_us += wait_us + late_us) {
		take_all(p, now_us);
		wait_us = pace_wait_us(p, now_us);
		assert_true(wait_us > 0);
	}
}

/* The most calls in any second. */
static size_t
most_in_a_second(void)
{
	size_t most = 0;

	for (size_t first = 0, i = 0; i < sent_count; i++) {
		while (sent[i] - sent[first] >= SECOND)
			first++;
		if (i - first + 1 > most)
			most = i - first + 1;
	}
	return most;
}

/* ---- alone */

static void
test_share(void **state)
{
	static const int64_t rates[] = { 1, 2, 10, 15, 60, 100, 350, 1000, 10000 };
	struct pace p;

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		int64_t wanted = rates[i] * 60 * 98 / 100;

		pace_init(&p, rates[i], BEGIN);
		run_loop(&p, BEGIN, BEGIN + 60 * SECOND, 0);
		/* the first goes at once, so one more at most; rounding of the waits up to a microsecond each: 1 % at 10000 a second */
		assert_in_range(sent_count, wanted - 1 - wanted * rates[i] / 1000000, wanted + 1);
		assert_in_range(most_in_a_second(), 1, rates[i] + 1);
		assert_int_equal(p.calls, sent_count);
		assert_int_equal(p.throttled, 0);
	}
}

static void
test_wait_is_right(void **state)
{
	struct pace p;
	int64_t now_us = BEGIN, wait_us;

	(void)state;
	pace_init(&p, 15, now_us);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(pace_wait_us(&p, now_us), 0);
		assert_true(pace_take(&p, now_us));
		wait_us = pace_wait_us(&p, now_us);
		assert_in_range(wait_us, 68025, 68029);	/* 1 / (15 * 0.98) s */
		/* not a moment too early */
		assert_false(pace_take(&p, now_us + wait_us - 3));
		now_us += wait_us;
	}
	assert_int_equal(p.calls, 1000);
}

/* No burst after a rest, however long: AWS's next second would throttle it. */
static void
test_rest_saves_nothing(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 10, BEGIN);
	run_loop(&p, BEGIN, BEGIN + SECOND, 0);
	run_loop(&p, BEGIN + 3600LL * SECOND, BEGIN + 3605LL * SECOND, 0);
	assert_in_range(most_in_a_second(), 1, 11);
	pace_init(&p, 10000, BEGIN);
	run_loop(&p, BEGIN + 3600LL * SECOND, BEGIN + 3605LL * SECOND, 0);
	assert_in_range(most_in_a_second(), 1, 10001);
}

static void
test_clock_that_stands(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 10, BEGIN);
	assert_true(pace_take(&p, BEGIN));
	for (int i = 0; i < 100; i++)
		assert_false(pace_take(&p, BEGIN - i));
	assert_int_equal(p.calls, 1);
	assert_in_range(pace_wait_us(&p, BEGIN), 102000, 102100);
}

/* The real loop polls, records and waits for disks: it comes late each time. */
static void
test_late_loop(void **state)
{
	static const int64_t rates[] = { 10, 15, 60, 100, 1000, 10000 };
	struct pace p;

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		pace_init(&p, rates[i], BEGIN);
		run_loop(&p, BEGIN, BEGIN + 60 * SECOND, 5000);
		assert_in_range(sent_count, rates[i] * 60 * 95 / 100, rates[i] * 60);
		assert_in_range(most_in_a_second(), 1, rates[i] + 1);
	}
}

/* ---- throttled */

static void
test_halves_once(void **state)
{
	struct pace p;
	double full;

	(void)state;
	pace_init(&p, 100, BEGIN);
	full = p.rate;
	assert_true(full > 97 && full <= 100);
	/* thirty calls were under way when the first refusal came */
	for (int64_t i = 0; i < 30; i++)
		pace_throttled(&p, BEGIN + i * 1000, BEGIN + 50000 + i * 1000);
	assert_true(p.rate > full * 0.49 && p.rate < full * 0.52);
	assert_int_equal(p.throttled, 30);
	/* one that was sent afterwards does count */
	pace_throttled(&p, BEGIN + 100000, BEGIN + 150000);
	assert_true(p.rate > full * 0.24 && p.rate < full * 0.27);
	assert_int_equal(p.throttled, 31);
	/* and what was saved up is gone */
	assert_false(pace_take(&p, BEGIN + 150000));
}

static void
test_floor(void **state)
{
	int64_t now_us = BEGIN;
	struct pace p;

	(void)state;
	pace_init(&p, 10, now_us);
	for (int i = 0; i < 1000; i++) {
		pace_throttled(&p, now_us, now_us + 10);
		now_us += 20;
	}
	assert_true(p.rate >= 0.1 * 0.98 * 10 && p.rate < 0.12 * 10);
	/* a service that throttles at random does not stop us: 1 call a second at the least */
	assert_in_range(pace_wait_us(&p, now_us), 1, 1100000);
}

/* Back to just below where it was throttled in ten seconds, and then slowly; never beyond the limit. */
static void
test_recovery(void **state)
{
	double before = 0, at_5 = 0, at_10 = 0, at_20 = 0;
	int64_t now_us = BEGIN;
	struct pace p;

	(void)state;
	pace_init(&p, 100, now_us);
	pace_throttled(&p, now_us, now_us);
	for (int ms = 0; ms < 120000; ms++) {
		now_us += 1000;
		(void)pace_take(&p, now_us);
		assert_true(p.rate >= before);
		assert_true(p.rate <= p.limit);
		before = p.rate;
		at_5 = ms == 5000 ? p.rate : at_5;
		at_10 = ms == 10000 ? p.rate : at_10;
		at_20 = ms == 20000 ? p.rate : at_20;
	}
	assert_true(at_5 > 70 && at_5 < 77);
	assert_true(at_10 > 92 && at_10 < 96);
	assert_true(at_20 > at_10 && at_20 <= 98);
	assert_true(before > 97.99);
}

/* A long silence after a refusal is no reason to jump over the limit either. */
static void
test_recovery_in_one_step(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 15, BEGIN);
	pace_throttled(&p, BEGIN, BEGIN);
	(void)pace_wait_us(&p, BEGIN + 3600LL * SECOND);
	assert_true(p.rate <= p.limit);
	(void)pace_wait_us(&p, BEGIN + 7200LL * SECOND);
	assert_true(p.rate <= p.limit && p.rate > p.limit * 0.99);
	run_loop(&p, BEGIN + 7200LL * SECOND, BEGIN + 7260LL * SECOND, 0);
	assert_in_range(most_in_a_second(), 1, 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share), cmocka_unit_test(test_wait_is_right), cmocka_unit_test(test_rest_saves_nothing),
		cmocka_unit_test(test_clock_that_stands), cmocka_unit_test(test_late_loop), cmocka_unit_test(test_halves_once),
		cmocka_unit_test(test_floor), cmocka_unit_test(test_recovery), cmocka_unit_test(test_recovery_in_one_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
