#include "ca_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static enum err_code
no_random(const struct rnd *r, uint8_t *out, size_t len)
{
	(void)r, (void)out, (void)len;
	return ERR_INTERNAL;
}

static void
test_form(void **state)
{
	struct clock clk = clock_fixed(FIXTURE_NOW_S * 1000000);
	uint8_t a[SERIAL_BYTES], b[SERIAL_BYTES];
	struct serial_source s;
	struct err e;

	(void)state;
	serial_source_init(&s, &clk, &rnd_system, 0);
	must(serial_next(&s, a, &e), &e);
	must(serial_next(&s, b, &e), &e);
	assert_int_equal(serial_upper(a), (UINT64_C(1) << 62) + (uint64_t)clk.fixed_us * 256);
	assert_int_equal(serial_upper(b), serial_upper(a) + 1);		/* the clock stands still */
	assert_true(a[0] >= 0x40 && a[0] < 0x80);
	assert_true(memcmp(a + 8, b + 8, 8) != 0);
}

/* A clock that goes back, and a ledger that is ahead of the clock: upwards all the same. */
static void
test_only_up(void **state)
{
	struct clock clk = clock_fixed(FIXTURE_NOW_S * 1000000);
	uint8_t a[SERIAL_BYTES], b[SERIAL_BYTES];
	struct serial_source s;
	struct err e;

	(void)state;
	serial_source_init(&s, &clk, &rnd_system, 0);
	must(serial_next(&s, a, &e), &e);
	clk.fixed_us = -5;
	must(serial_next(&s, b, &e), &e);
	assert_true(serial_upper(b) > serial_upper(a));
	serial_source_init(&s, &clk, &rnd_system, serial_upper(b) + 1000);
	must(serial_next(&s, a, &e), &e);
	assert_int_equal(serial_upper(a), serial_upper(b) + 1001);
	clk.fixed_us = INT64_MAX;
	must(serial_next(&s, b, &e), &e);
	assert_true(serial_upper(b) > serial_upper(a));
	assert_true(b[0] < 0x80);
}

static void
test_end_and_no_randomness(void **state)
{
	const struct rnd none = { .fill = no_random };
	uint8_t a[SERIAL_BYTES];
	struct serial_source s;
	struct err e;

	(void)state;
	serial_source_init(&s, &clock_system, &rnd_system, (UINT64_C(1) << 63) - 1);
	assert_int_equal(serial_next(&s, a, &e), ERR_INTERNAL);
	serial_source_init(&s, &clock_system, &none, 0);
	assert_int_equal(serial_next(&s, a, &e), ERR_INTERNAL);
}

enum { THREADS = 4, SERIALS_EACH = 20000 };

struct drawer {
	pthread_t		 thread;
	struct serial_source	*source;
	uint64_t		 upper[SERIALS_EACH];
	bool			 ok;
};

static void *
draw(void *arg)
{
	struct drawer *d = arg;
	uint8_t serial[SERIAL_BYTES];

	d->ok = true;
	for (int i = 0; i < SERIALS_EACH; i++) {
		d->ok = d->ok && serial_next(d->source, serial, NULL) == ERR_OK;
		d->upper[i] = serial_upper(serial);
		d->ok = d->ok && (i == 0 || d->upper[i] > d->upper[i - 1]);
	}
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
test_threads_draw_distinct(void **state)
{
	static struct drawer drawers[THREADS];
	static uint64_t all[THREADS * SERIALS_EACH];
	struct clock clk = clock_fixed(FIXTURE_NOW_S * 1000000);
	struct serial_source s;

	(void)state;
	serial_source_init(&s, &clk, &rnd_system, 0);
	for (int t = 0; t < THREADS; t++) {
		drawers[t].source = &s;
		assert_int_equal(pthread_create(&drawers[t].thread, NULL, draw, &drawers[t]), 0);
	}
	for (int t = 0; t < THREADS; t++) {
		assert_int_equal(pthread_join(drawers[t].thread, NULL), 0);
		assert_true(drawers[t].ok);
		memcpy(all + t * SERIALS_EACH, drawers[t].upper, sizeof(drawers[t].upper));
	}
	qsort(all, THREADS * SERIALS_EACH, sizeof(all[0]), compare);
	for (size_t i = 1; i < THREADS * SERIALS_EACH; i++)
		assert_int_equal(all[i], all[i - 1] + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_only_up),
		cmocka_unit_test(test_end_and_no_randomness),
		cmocka_unit_test(test_threads_draw_distinct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
