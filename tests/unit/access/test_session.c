/* Sessions in virtual time. */
#include "cmocka_test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/session.h"

enum { SECOND = 1000000, THREADS = 4, ROUNDS = 2000 };

#define IDLE_US		(INT64_C(900) * SECOND)
#define LONGEST_US	(INT64_C(36000) * SECOND)
#define BEGIN		INT64_C(777123456)

struct text {
	char	cookie[SESSION_TEXT_BYTES + 1], csrf[SESSION_TEXT_BYTES + 1];
};

static int
setup(void **state)
{
	struct sessions *s = NULL;
	struct err e;

	assert_int_equal(sessions_new(IDLE_US, LONGEST_US, &rnd_system, &s, &e), ERR_OK);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	sessions_free(*state);
	return 0;
}

static struct text
begin(struct sessions *s, int64_t token_id, int64_t now_us)
{
	struct text t;
	struct err e;

	assert_int_equal(session_begin(s, token_id, now_us, t.cookie, t.csrf, &e), ERR_OK);
	return t;
}

/* The token's id; 0: there is no such session. */
static int64_t
find(struct sessions *s, const char *cookie, int64_t now_us)
{
	int64_t id = 0;
	struct err e;

	err_clear(&e);
	if (session_find(s, cookie, strlen(cookie), now_us, &id, NULL, &e) == ERR_OK)
		return id;
	assert_int_equal(e.code, ERR_UNAUTHORIZED);
	assert_non_null(strstr(e.client_text, "sign in"));
	assert_int_equal(id, 0);
	return 0;
}

static void
test_begin_and_find(void **state)
{
	char csrf[SESSION_TEXT_BYTES + 1] = "";
	struct text a = begin(*state, 5, BEGIN), b = begin(*state, 5, BEGIN), c = begin(*state, 6, BEGIN);
	int64_t id = 0;
	struct err e;

	assert_int_equal(strlen(a.cookie), SESSION_TEXT_BYTES);
	assert_int_equal(strlen(a.csrf), SESSION_TEXT_BYTES);
	assert_string_not_equal(a.cookie, a.csrf);
	assert_string_not_equal(a.cookie, b.cookie);
	assert_string_not_equal(a.csrf, b.csrf);
	assert_int_equal(session_find(*state, a.cookie, SESSION_TEXT_BYTES, BEGIN, &id, csrf, &e), ERR_OK);
	assert_int_equal(id, 5);
	assert_string_equal(csrf, a.csrf);
	assert_int_equal(session_find(*state, c.cookie, SESSION_TEXT_BYTES, BEGIN, &id, csrf, &e), ERR_OK);
	assert_int_equal(id, 6);
	assert_string_equal(csrf, c.csrf);
	/* what the page knows is no cookie */
	assert_int_equal(find(*state, a.csrf, BEGIN), 0);
}

static void
test_idle(void **state)
{
	struct text used = begin(*state, 1, BEGIN), idle = begin(*state, 2, BEGIN);
	int64_t now = BEGIN;

	for (int i = 0; i < 10; i++) {
		now += IDLE_US;
		assert_int_equal(find(*state, used.cookie, now), 1);
		if (i == 0)
			assert_int_equal(find(*state, idle.cookie, now), 2);
	}
	assert_int_equal(find(*state, idle.cookie, now), 0);
	/* an end is for ever, also for a clock that is behind */
	assert_int_equal(find(*state, idle.cookie, BEGIN), 0);
	assert_int_equal(find(*state, used.cookie, now + IDLE_US + 1), 0);
}

static void
test_longest(void **state)
{
	struct text t = begin(*state, 1, BEGIN);

	for (int64_t now = BEGIN; now <= BEGIN + LONGEST_US; now += IDLE_US / 2)
		assert_int_equal(find(*state, t.cookie, now), 1);
	assert_int_equal(find(*state, t.cookie, BEGIN + LONGEST_US), 1);
	assert_int_equal(find(*state, t.cookie, BEGIN + LONGEST_US + 1), 0);
	assert_int_equal(find(*state, t.cookie, BEGIN), 0);
}

/* A thread that looked at its clock earlier comes later: nobody's time goes back. */
static void
test_earlier_clock(void **state)
{
	struct text t = begin(*state, 1, BEGIN);

	assert_int_equal(find(*state, t.cookie, BEGIN + 100), 1);
	assert_int_equal(find(*state, t.cookie, BEGIN - 100), 1);
	assert_int_equal(find(*state, t.cookie, BEGIN + 100 + IDLE_US), 1);
}

static void
test_end(void **state)
{
	struct text a = begin(*state, 1, BEGIN), b = begin(*state, 1, BEGIN);

	session_end(*state, a.cookie, strlen(a.cookie));
	assert_int_equal(find(*state, a.cookie, BEGIN), 0);
	assert_int_equal(find(*state, b.cookie, BEGIN), 1);
	session_end(*state, a.cookie, strlen(a.cookie));
	session_end(*state, "", 0);
	session_end(*state, NULL, 0);
	session_end(*state, b.cookie, strlen(b.cookie) - 1);
	session_end(*state, b.csrf, strlen(b.csrf));
	assert_int_equal(find(*state, b.cookie, BEGIN), 1);
}

/* When all places are taken, who was idle longest goes: not who began first. */
static void
test_eviction(void **state)
{
	static struct text all[SESSIONS_MAX];
	struct text more;

	for (int i = 0; i < SESSIONS_MAX; i++)
		all[i] = begin(*state, 100 + i, BEGIN + i);
	assert_int_equal(find(*state, all[0].cookie, BEGIN + SESSIONS_MAX), 100);
	more = begin(*state, 7, BEGIN + SESSIONS_MAX);
	assert_int_equal(find(*state, more.cookie, BEGIN + SESSIONS_MAX), 7);
	assert_int_equal(find(*state, all[1].cookie, BEGIN + SESSIONS_MAX), 0);
	for (int i = 0; i < SESSIONS_MAX; i++)
		if (i != 1)
			assert_int_equal(find(*state, all[i].cookie, BEGIN + SESSIONS_MAX), 100 + i);
}

/* One that is over gives its place before one that lives, however long that was idle. */
static void
test_over_goes_first(void **state)
{
	static struct text all[SESSIONS_MAX];
	int64_t step = IDLE_US / 2, now;

	all[0] = begin(*state, 1, BEGIN);
	for (now = BEGIN; now < BEGIN + LONGEST_US - step; now += step)
		assert_int_equal(find(*state, all[0].cookie, now), 1);
	for (int i = 1; i < SESSIONS_MAX; i++)
		all[i] = begin(*state, i, now);
	now = BEGIN + LONGEST_US;
	assert_int_equal(find(*state, all[0].cookie, now), 1);
	(void)begin(*state, 5000, now + 1);
	assert_int_equal(find(*state, all[0].cookie, now), 0);
	for (int i = 1; i < SESSIONS_MAX; i++)
		assert_int_equal(find(*state, all[i].cookie, now + 1), i);
}

/* Whoever signs in a thousand times with one token has as many sessions as a token may have, his last ones, and nobody else is signed out. */
static void
test_one_token(void **state)
{
	enum { TIMES = SESSIONS_MAX + 100, OTHERS = 20 };
	static struct text mine[TIMES];
	struct text others[OTHERS];
	int64_t now = BEGIN + OTHERS + TIMES;

	for (int i = 0; i < OTHERS; i++)
		others[i] = begin(*state, 100 + i, BEGIN + i);
	for (int i = 0; i < TIMES; i++)
		mine[i] = begin(*state, 7, BEGIN + OTHERS + i);
	for (int i = 0; i < OTHERS; i++)
		assert_int_equal(find(*state, others[i].cookie, now), 100 + i);
	for (int i = 0; i < TIMES; i++)
		assert_int_equal(find(*state, mine[i].cookie, now + i), i < TIMES - SESSIONS_PER_TOKEN ? 0 : 7);
	/* the one that was used stays, the idlest goes; one that ended leaves its place */
	assert_int_equal(find(*state, mine[TIMES - SESSIONS_PER_TOKEN].cookie, now + TIMES), 7);
	(void)begin(*state, 7, now + TIMES);
	assert_int_equal(find(*state, mine[TIMES - SESSIONS_PER_TOKEN].cookie, now + TIMES), 7);
	assert_int_equal(find(*state, mine[TIMES - SESSIONS_PER_TOKEN + 1].cookie, now + TIMES), 0);
	session_end(*state, mine[TIMES - 1].cookie, SESSION_TEXT_BYTES);
	(void)begin(*state, 7, now + TIMES);
	assert_int_equal(find(*state, mine[TIMES - SESSIONS_PER_TOKEN + 2].cookie, now + TIMES), 7);
}

static void
test_wrong_cookies(void **state)
{
	struct text t = begin(*state, 1, BEGIN);
	char wrong[SESSION_TEXT_BYTES + 1], *large;
	int64_t id = 0;
	struct err e;

	for (size_t len = 0; len < SESSION_TEXT_BYTES; len++) {
		char *exact = malloc(len + 1);	/* no NUL behind it */

		assert_non_null(exact);
		memcpy(exact, t.cookie, len);
		exact[len] = 'x';
		assert_int_equal(session_find(*state, exact, len, BEGIN, &id, NULL, &e), ERR_UNAUTHORIZED);
		assert_int_equal(session_find(*state, exact, len + 1, BEGIN, &id, NULL, &e), ERR_UNAUTHORIZED);
		free(exact);
	}
	assert_int_equal(session_find(*state, NULL, 0, BEGIN, &id, NULL, &e), ERR_UNAUTHORIZED);
	assert_int_equal(session_find(*state, t.cookie, SESSION_TEXT_BYTES + 1, BEGIN, &id, NULL, &e), ERR_UNAUTHORIZED);
	for (size_t i = 0; i < SESSION_TEXT_BYTES; i++) {
		for (int c = 1; c < 256; c++) {
			if ((char)c == t.cookie[i])
				continue;
			memcpy(wrong, t.cookie, sizeof(wrong));
			wrong[i] = (char)c;
			assert_int_equal(session_find(*state, wrong, SESSION_TEXT_BYTES, BEGIN, &id, NULL, &e), ERR_UNAUTHORIZED);
		}
	}
	assert_non_null(large = calloc(1, 1 << 20));
	assert_int_equal(session_find(*state, large, 1 << 20, BEGIN, &id, NULL, &e), ERR_UNAUTHORIZED);
	assert_int_equal(session_find(*state, large, SESSION_TEXT_BYTES, BEGIN, &id, NULL, &e), ERR_UNAUTHORIZED);
	free(large);
	assert_int_equal(id, 0);
	assert_int_equal(find(*state, t.cookie, BEGIN), 1);
}

static enum err_code
fill_fails(const struct rnd *r, uint8_t *out, size_t len)
{
	(void)r;
	(void)out;
	(void)len;
	return ERR_INTERNAL;
}

static void
test_no_randomness(void **state)
{
	const struct rnd fails = { .fill = fill_fails };
	struct sessions *s = NULL;
	struct text t = { "cookie", "csrf" };
	struct err e;

	(void)state;
	assert_int_equal(sessions_new(IDLE_US, LONGEST_US, &fails, &s, &e), ERR_OK);
	assert_int_equal(session_begin(s, 1, BEGIN, t.cookie, t.csrf, &e), ERR_INTERNAL);
	assert_string_equal(t.cookie, "cookie");
	assert_string_equal(t.csrf, "csrf");
	sessions_free(s);
	sessions_free(NULL);
}

/* ---- threads */

static void *
come_and_go(void *s)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct text t = begin(s, 42, BEGIN + i);

		if (find(s, t.cookie, BEGIN + i) != 42)
			return "a session was lost";
		session_end(s, t.cookie, SESSION_TEXT_BYTES);
		if (find(s, t.cookie, BEGIN + i) != 0)
			return "a session came back";
	}
	return NULL;
}

static void
test_threads(void **state)
{
	pthread_t threads[THREADS];
	struct text stays = begin(*state, 9, BEGIN);

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, *state), 0);
	for (int i = 0; i < THREADS; i++) {
		void *wrong;

		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	assert_int_equal(find(*state, stays.cookie, BEGIN), 9);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_begin_and_find), TEST(test_idle), TEST(test_longest), TEST(test_earlier_clock), TEST(test_end), TEST(test_eviction),
		TEST(test_over_goes_first), TEST(test_one_token), TEST(test_wrong_cookies), TEST(test_no_randomness), TEST(test_threads),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
