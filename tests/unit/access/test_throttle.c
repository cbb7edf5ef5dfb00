/* Throttles in virtual time, against what the rate says and against a plain model of the table. */
#include "cmocka_test.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/throttle.h"

enum { KEYS = THROTTLE_KEYS_MIN, THREADS = 4 };

#define SECOND		INT64_C(1000000)
#define MINUTE		(60 * SECOND)
#define BEGIN		(INT64_C(7) * SECOND + 123457)	/* a monotonic clock that is nowhere special */
#define THIRTY_YEARS	(INT64_C(30) * 366 * 86400 * SECOND)

static struct throttle *
make(size_t keys, int64_t per_minute, int64_t burst)
{
	struct throttle_rate rates[THROTTLES];
	struct throttle *t = NULL;
	struct err e;

	for (size_t i = 0; i < THROTTLES; i++)
		rates[i] = (struct throttle_rate){ per_minute, burst };
	assert_int_equal(throttle_new(rates, keys, &rnd_system, &t, &e), ERR_OK);
	return t;
}

static int64_t
take(struct throttle *t, uint32_t key, int64_t now_us)
{
	return throttle_take(t, THROTTLE_ADDRESS, &key, sizeof(key), now_us);
}

static int64_t
look(struct throttle *t, uint32_t key, int64_t now_us)
{
	return throttle_look(t, THROTTLE_ADDRESS, &key, sizeof(key), now_us);
}

/* ---- rates */

/* Who asks as soon as he may gets the burst, and then each at the very microsecond that the rate says. */
static void
check_exact(int64_t per_minute, int64_t burst, int64_t begin_us, int64_t count)
{
	struct throttle *t = make(KEYS, per_minute, burst);
	int64_t now = begin_us;

	for (int64_t n = 0; n < count; n++) {
		int64_t late = n < burst ? 0 : n - burst + 1;
		int64_t expected = begin_us + (late * MINUTE + per_minute - 1) / per_minute, wait;

		if ((wait = take(t, 1, now)) > 0) {
			assert_int_equal(look(t, 1, now), wait);
			/* not a moment too early */
			assert_int_equal(take(t, 1, now + wait - 1), 1);
			now += wait;
			assert_int_equal(look(t, 1, now), 0);
			assert_int_equal(take(t, 1, now), 0);
		}
		assert_int_equal(now, expected);
	}
	throttle_free(t);
}

static void
test_exact(void **state)
{
	static const int64_t rates[] = { 1, 7, 10, 59, 60, 61, 600, 7001, 59999, 60000, 1000003 };
	static const int64_t bursts[] = { 2, 3, 20, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		for (size_t k = 0; k < sizeof(bursts) / sizeof(bursts[0]); k++) {
			check_exact(rates[i], bursts[k], BEGIN, 5000);
			check_exact(rates[i], bursts[k], THIRTY_YEARS, 2000);
		}
	check_exact(7, 5, BEGIN, 300000);	/* a month */
	check_exact(THROTTLE_PER_MINUTE_MAX, 2, BEGIN, 1000);
	check_exact(1, THROTTLE_BURST_MAX, THIRTY_YEARS, 3);
}

/* Without a burst whoever comes late pays from then on: the next is never sooner than the rate, nor later than a microsecond more. */
static void
test_burst_of_one(void **state)
{
	static const int64_t rates[] = { 1, 7, 60, 7001, 60000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct throttle *t = make(KEYS, rates[i], 1);
		int64_t now = BEGIN;

		for (int n = 0; n < 1000; n++) {
			int64_t wait;

			assert_int_equal(take(t, 1, now), 0);
			wait = take(t, 1, now);
			assert_in_range(wait, (MINUTE + rates[i] - 1) / rates[i], MINUTE / rates[i] + 1);
			now += wait;
		}
		throttle_free(t);
	}
}

/* In any span of time there are at most burst + span * rate of them, whatever the pattern of asking. */
static void
test_never_more(void **state)
{
	enum { RATE = 97, BURST = 13, ASKED = 20000 };
	static int64_t granted[ASKED];
	struct throttle *t = make(KEYS, RATE, BURST);
	unsigned seed = 4711;
	int64_t now = BEGIN;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < ASKED; i++) {
		seed = seed * 1103515245 + 12345;
		now += seed >> 16 & 1 ? (int64_t)(seed % 1000) : (int64_t)(seed % (20 * SECOND / 16));
		if (take(t, 1, now) == 0)
			granted[n++] = now;
	}
	assert_true(n > 1000 && n < ASKED);
	for (size_t first = 0; first < n; first++)
		for (size_t last = first; last < n && last < first + 300; last++)
			assert_true((int64_t)(last - first + 1) <= BURST + (granted[last] - granted[first]) * RATE / MINUTE + 1);
	throttle_free(t);
}

/* A rest gives the burst back, and nothing above it. */
static void
test_rest(void **state)
{
	struct throttle *t = make(KEYS, 60, 5);
	int64_t now = BEGIN;

	(void)state;
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 5; i++)
			assert_int_equal(take(t, 1, now), 0);
		assert_int_equal(take(t, 1, now), SECOND);
		/* a look and a refusal cost nothing */
		for (int i = 0; i < 50; i++) {
			assert_int_equal(look(t, 1, now), SECOND);
			assert_int_equal(take(t, 1, now), SECOND);
		}
		assert_int_equal(take(t, 1, now + SECOND), 0);
		now += (round % 7 + 6) * SECOND;
	}
	throttle_free(t);
}

static void
test_clock_that_goes_back(void **state)
{
	struct throttle *t = make(KEYS, 60, 2);

	(void)state;
	assert_int_equal(take(t, 1, BEGIN), 0);
	/* the second of the burst is his at BEGIN */
	assert_int_equal(take(t, 1, BEGIN - 100), 100);
	assert_int_equal(take(t, 1, BEGIN), 0);
	assert_int_equal(take(t, 1, BEGIN - 100), SECOND + 100);
	assert_int_equal(take(t, 1, BEGIN), SECOND);
	throttle_free(t);
}

static void
test_no_limit(void **state)
{
	struct throttle *t = make(KEYS, 0, 0);

	(void)state;
	for (int i = 0; i < 100000; i++) {
		assert_int_equal(take(t, 1, BEGIN), 0);
		assert_int_equal(look(t, 1, BEGIN), 0);
	}
	throttle_free(t);
}

/* ---- keys and kinds */

static void
test_keys_apart(void **state)
{
	struct throttle *t = make(KEYS, 1, 1);
	char text[] = "10.1.2.3", longer[300];

	(void)state;
	assert_int_equal(throttle_take(t, THROTTLE_TOKEN, text, 8, BEGIN), 0);
	assert_int_equal(throttle_take(t, THROTTLE_TOKEN, text, 8, BEGIN), MINUTE);
	assert_int_equal(throttle_take(t, THROTTLE_TOKEN, text, 7, BEGIN), 0);
	assert_int_equal(throttle_take(t, THROTTLE_TOKEN, text, 9, BEGIN), 0);
	assert_int_equal(throttle_take(t, THROTTLE_TOKEN, "", 0, BEGIN), 0);
	assert_int_equal(throttle_take(t, THROTTLE_TOKEN, "", 0, BEGIN), MINUTE);
	text[7] = '4';
	assert_int_equal(throttle_take(t, THROTTLE_TOKEN, text, 8, BEGIN), 0);
	memset(longer, 'x', sizeof(longer));
	assert_int_equal(throttle_take(t, THROTTLE_TOKEN, longer, sizeof(longer), BEGIN), 0);
	longer[299] = 'y';
	assert_int_equal(throttle_take(t, THROTTLE_TOKEN, longer, sizeof(longer), BEGIN), 0);
	throttle_free(t);
}

static void
test_kinds_apart(void **state)
{
	struct throttle_rate rates[THROTTLES];
	struct throttle *t = NULL;
	uint32_t key = 1;
	struct err e;

	(void)state;
	for (int i = 0; i < THROTTLES; i++)
		rates[i] = (struct throttle_rate){ 10 * (i + 1), i + 1 };
	assert_int_equal(throttle_new(rates, KEYS, &rnd_system, &t, &e), ERR_OK);
	for (int i = 0; i < THROTTLES; i++) {
		for (int n = 0; n <= i; n++)
			assert_int_equal(throttle_take(t, (enum throttle_kind)i, &key, sizeof(key), BEGIN), 0);
		assert_int_equal(throttle_take(t, (enum throttle_kind)i, &key, sizeof(key), BEGIN), MINUTE / (10 * (i + 1)));
	}
	/* a flood of one kind makes no other forget */
	for (key = 2; key < 100000; key++)
		(void)throttle_take(t, THROTTLE_REPEAT, &key, sizeof(key), BEGIN);
	key = 1;
	for (int i = 0; i < THROTTLES; i++)
		if (i != THROTTLE_REPEAT)
			assert_int_equal(throttle_look(t, (enum throttle_kind)i, &key, sizeof(key), BEGIN), MINUTE / (10 * (i + 1)));
	throttle_free(t);
}

/* ---- a table that is full */

static void
test_guilty_stay(void **state)
{
	struct throttle *t = make(KEYS, 60, 10);
	int64_t owed[KEYS];

	(void)state;
	/* all have used up their burst, the later ones asked later and owe longer */
	for (uint32_t key = 0; key < KEYS; key++) {
		for (int i = 0; i < 10; i++)
			assert_int_equal(take(t, key, BEGIN + key), 0);
		owed[key] = look(t, key, BEGIN + KEYS);
		assert_true(owed[key] > 0);
	}
	for (uint32_t key = 1000; key < 101000; key++)
		assert_int_equal(take(t, key, BEGIN + KEYS), 0);
	/* a newcomer got the place of the one that owed least, and the next newcomer his */
	for (uint32_t key = 1; key < KEYS; key++)
		assert_int_equal(look(t, key, BEGIN + KEYS), owed[key]);
	assert_int_equal(look(t, 0, BEGIN + KEYS), 0);
	/* a newcomer that goes on asking is held as anybody is */
	for (int i = 0; i < 10; i++)
		assert_int_equal(take(t, 7, BEGIN + 60 * MINUTE), 0);
	assert_int_equal(take(t, 7, BEGIN + 60 * MINUTE), SECOND);
	throttle_free(t);
}

struct model {
	uint32_t	key;
	int64_t		due;	/* in microseconds * RATE: whole numbers */
};

/* The same with a list that is walked: who is in the table, who goes, who waits how long. */
static void
test_model(void **state)
{
	enum { RATE = 7, BURST = 4, ROUNDS = 200000 };
	struct throttle *t = make(KEYS, RATE, BURST);
	struct model all[KEYS];
	size_t count = 0, refused = 0, forgot = 0;
	unsigned seed = 99;
	int64_t now = BEGIN;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		int64_t expected = 0, due, ahead;
		size_t at = 0, least = 0;
		uint32_t key;

		seed = seed * 1664525 + 1013904223;
		now += 1 + (seed >> 8) % 200003;
		seed = seed * 1664525 + 1013904223;
		/* few of many keys come again and again */
		key = (seed >> 8) % 3 == 0 ? (seed >> 12) % 1000 : (seed >> 12) % 60;
		for (size_t i = 0; i < count; i++)
			least = all[i].due < all[least].due ? i : least;
		while (at < count && all[at].key != key)
			at++;
		due = at < count && all[at].due > now * RATE ? all[at].due : now * RATE;
		ahead = due - (BURST - 1) * MINUTE - now * RATE;
		if (ahead > 0)
			expected = (ahead + RATE - 1) / RATE;
		assert_int_equal(look(t, key, now), expected);
		assert_int_equal(take(t, key, now), expected);
		refused += expected > 0;
		if (expected > 0)
			continue;
		if (at == count && count == KEYS) {
			forgot += all[least].due > now * RATE;
			at = least;
		} else if (at == count)
			count++;
		all[at] = (struct model){ key, due + MINUTE };
	}
	/* all of it happened */
	assert_true(refused > 1000);
	assert_true(forgot > 1000);
	throttle_free(t);
}

/* ---- making */

static enum err_code
fill_fails(const struct rnd *r, uint8_t *out, size_t len)
{
	(void)r;
	(void)out;
	(void)len;
	return ERR_INTERNAL;
}

static void
test_bounds(void **state)
{
	static const struct throttle_rate bad[] = {
		{ -1, 1 }, { 1, 0 }, { 1, -1 }, { THROTTLE_PER_MINUTE_MAX + 1, 1 }, { 1, THROTTLE_BURST_MAX + 1 }, { INT64_MAX, INT64_MAX }
	};
	const struct rnd fails = { .fill = fill_fails };
	struct throttle_rate rates[THROTTLES];
	struct throttle *t = NULL;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (size_t kind = 0; kind < THROTTLES; kind++) {
			for (size_t k = 0; k < THROTTLES; k++)
				rates[k] = (struct throttle_rate){ 60, 10 };
			rates[kind] = bad[i];
			assert_int_equal(throttle_new(rates, KEYS, &rnd_system, &t, &e), ERR_INTERNAL);
			assert_null(t);
			rates[kind] = rates[(kind + 1) % THROTTLES];
		}
	assert_int_equal(throttle_new(rates, KEYS - 1, &rnd_system, &t, &e), ERR_INTERNAL);
	assert_int_equal(throttle_new(rates, SIZE_MAX, &rnd_system, &t, &e), ERR_INTERNAL);
	assert_int_equal(throttle_new(rates, KEYS, &fails, &t, &e), ERR_INTERNAL);
	assert_null(t);
	throttle_free(NULL);
	assert_int_equal(throttle_new(rates, KEYS + 1, &rnd_system, &t, &e), ERR_OK);
	throttle_free(t);
}

/* ---- threads */

struct asker {
	struct throttle	*t;
	int64_t		 granted;
};

static void *
ask_all(void *arg)
{
	struct asker *a = arg;

	for (int i = 0; i < 200; i++)
		for (uint32_t key = 0; key < 200; key++)
			a->granted += throttle_take(a->t, key % 2 ? THROTTLE_TOKEN : THROTTLE_ADDRESS, &key, sizeof(key), BEGIN) == 0;
	return NULL;
}

/* All ask for the same keys in the same moment: each key gives its burst once. */
static void
test_threads(void **state)
{
	struct throttle *t = make(256, 1, 50);
	struct asker askers[THREADS];
	pthread_t threads[THREADS];
	int64_t granted = 0;

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){ .t = t };
		assert_int_equal(pthread_create(&threads[i], NULL, ask_all, &askers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		granted += askers[i].granted;
	}
	assert_int_equal(granted, 200 * 50);
	throttle_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact), cmocka_unit_test(test_burst_of_one), cmocka_unit_test(test_never_more), cmocka_unit_test(test_rest),
		cmocka_unit_test(test_clock_that_goes_back), cmocka_unit_test(test_no_limit), cmocka_unit_test(test_keys_apart),
		cmocka_unit_test(test_kinds_apart), cmocka_unit_test(test_guilty_stay), cmocka_unit_test(test_model),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
