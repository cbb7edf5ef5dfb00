/* The pace against servers that count calls: a token bucket, windows of one second, and a quota lower than the configured one. */
#include "cmocka_test.h"

#include <stdlib.h>

#include "upload/pace.h"

enum { SECOND = 1000000, RING = 65536 };

enum counting { BUCKET, WINDOWS };

struct server {
	enum counting	counting;
	double		rate, left;
	int64_t		then_us;
};

static bool
server_takes(struct server *s, int64_t now_us)
{
	if (s->counting == WINDOWS) {
		if (now_us / SECOND != s->then_us / SECOND)
			s->left = s->rate;
	} else {
		s->left += (double)(now_us - s->then_us) / SECOND * s->rate;
		if (s->left > s->rate)
			s->left = s->rate;
	}
	s->then_us = now_us;
	if (s->left < 1)
		return false;
	s->left -= 1;
	return true;
}

/* A call on its way; ordered by arrival, which the jitter may exchange only with a neighbour. */
struct flight {
	int64_t	sent_us, arrive_us, answer_us;
	bool	throttled;
};

struct simulation {
	struct server	server;
	struct pace	pace;
	int64_t		latency_us, jitter_us;
	int64_t		taken, throttled;	/* in the time that counts */
	uint64_t	noise;			/* the same in every run */
	struct flight	ring[RING];
	size_t		first, arrived, last;	/* [first, arrived) wait for their answer, [arrived, last) for their arrival */
};

static int64_t
jittered(struct simulation *s)
{
	s->noise = s->noise * 6364136223846793005u + 1442695040888963407u;	/* Knuth's MMIX */
	return s->latency_us / 2 + (s->jitter_us > 0 ? (int64_t)(s->noise >> 33) % s->jitter_us : 0);
}

/* A connection keeps its order: nobody overtakes. */
static void
send_one(struct simulation *s, int64_t now_us)
{
	struct flight *f = &s->ring[s->last % RING], *before = s->last > 0 ? &s->ring[(s->last - 1) % RING] : NULL;

	assert_true(s->last - s->first < RING);
	f->sent_us = now_us;
	f->arrive_us = now_us + jittered(s);
	if (before != NULL && f->arrive_us < before->arrive_us)
		f->arrive_us = before->arrive_us;
	s->last++;
}

static void
turn(struct simulation *s, int64_t now_us, bool counts)
{
	struct flight *f;

	for (; s->arrived < s->last && (f = &s->ring[s->arrived % RING])->arrive_us <= now_us; s->arrived++) {
		f->throttled = !server_takes(&s->server, f->arrive_us);
		f->answer_us = f->arrive_us + s->latency_us / 2;
		if (counts)
			*(f->throttled ? &s->throttled : &s->taken) += 1;
	}
	for (; s->first < s->arrived && (f = &s->ring[s->first % RING])->answer_us <= now_us; s->first++)
		if (f->throttled)
			pace_throttled(&s->pace, f->sent_us, now_us);
	while (pace_take(&s->pace, now_us))
		send_one(s, now_us);
}

/* Used: the share of what the server would have taken; throttled: of all calls. */
static void
simulate(enum counting counting, int64_t configured, double real, int64_t jitter_us, double used_min, double throttled_max)
{
	enum { WARM_S = 10, COUNTED_S = 120 };
	struct simulation *s = calloc(1, sizeof(*s));
	double used, throttled;

	assert_non_null(s);
	s->server = (struct server){ counting, real, real, 0 };
	s->latency_us = 50000;
	s->jitter_us = jitter_us;
	pace_init(&s->pace, configured, 0);
	for (int64_t now_us = 333; now_us < (WARM_S + COUNTED_S) * (int64_t)SECOND; now_us += 500)
		turn(s, now_us, now_us >= WARM_S * (int64_t)SECOND);
	used = (double)s->taken / (real * COUNTED_S);
	throttled = (double)s->throttled / (double)(s->taken + s->throttled);
	print_message("%s, configured %lld, real %.0f, jitter %lld us: used %.1f %%, throttled %.2f %%\n",
	    counting == BUCKET ? "bucket" : "windows", (long long)configured, real, (long long)jitter_us, used * 100, throttled * 100);
	free(s);
	assert_true(used >= used_min);
	assert_true(throttled <= throttled_max);
}

static const int64_t rates[] = { 10, 15, 60, 100, 1000, 10000 };
enum { RATES = sizeof(rates) / sizeof(rates[0]) };

static void
test_bucket(void **state)
{
	(void)state;
	for (int i = 0; i < RATES; i++) {
		simulate(BUCKET, rates[i], (double)rates[i], 0, 0.95, 0.02);
		simulate(BUCKET, rates[i], (double)rates[i], 20000, 0.95, 0.02);
	}
}

static void
test_windows(void **state)
{
	(void)state;
	for (int i = 0; i < RATES; i++) {
		simulate(WINDOWS, rates[i], (double)rates[i], 0, 0.95, 0.02);
		simulate(WINDOWS, rates[i], (double)rates[i], 20000, 0.95, 0.02);
	}
}

/* Somebody else uses half of the account's quota, or lineca.conf promises what AWS never granted. */
static void
test_half_the_quota(void **state)
{
	(void)state;
	for (int i = 0; i < RATES; i++) {
		simulate(BUCKET, rates[i], (double)rates[i] / 2, 5000, 0.75, 0.10);
		simulate(WINDOWS, rates[i], (double)rates[i] / 2, 5000, 0.75, 0.10);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket), cmocka_unit_test(test_windows), cmocka_unit_test(test_half_the_quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
