/* Answers that are kept for as long as they are dear. */
#include "cmocka_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kept.h"

struct maker {
	atomic_int	made;
	atomic_bool	fails;
	atomic_int	takes_us;
	struct kept	kept;
};

static enum err_code
make(void *arg, char **ret, struct err *e)
{
	struct maker *m = arg;
	char text[32];

	(void)usleep((useconds_t)atomic_load(&m->takes_us));
	if (atomic_load(&m->fails))
		return err_set(e, ERR_STORAGE, "no");
	(void)snprintf(text, sizeof(text), "answer %d", atomic_fetch_add(&m->made, 1) + 1);
	*ret = strdup(text);
	return *ret != NULL ? ERR_OK : err_set(e, ERR_NOMEM, "text");
}

static int
begin(void **state)
{
	struct maker *m = calloc(1, sizeof(*m));

	kept_init(&m->kept);
	*state = m;
	return 0;
}

static int
end(void **state)
{
	struct maker *m = *state;

	kept_done(&m->kept);
	free(m);
	return 0;
}

static void
assert_answer(struct maker *m, const char *wanted)
{
	struct err e;
	char *text;

	assert_int_equal(kept_get(&m->kept, make, m, &text, &e), ERR_OK);
	assert_string_equal(text, wanted);
	free(text);
}

/* The answer took 50 ms: for a second it is the answer, whoever asks, and then it is made again. */
static void
test_dear(void **state)
{
	struct maker *m = *state;

	atomic_store(&m->takes_us, 50000);
	for (int i = 0; i < 1000; i++)
		assert_answer(m, "answer 1");
	m->kept.made_us -= 20 * m->kept.cost_us;
	assert_answer(m, "answer 2");
}

/* What costs nothing is new each time. */
static void
test_cheap(void **state)
{
	struct maker *m = *state;
	char wanted[32];

	for (int i = 1; i < 20; i++) {
		(void)snprintf(wanted, sizeof(wanted), "answer %d", i);
		assert_answer(m, wanted);
		m->kept.made_us -= 20 * m->kept.cost_us;
	}
}

/* A failure is told and not kept; the next one asks again. */
static void
test_failure(void **state)
{
	struct maker *m = *state;
	struct err e;
	char *text;

	atomic_store(&m->fails, true);
	assert_int_equal(kept_get(&m->kept, make, m, &text, &e), ERR_STORAGE);
	assert_int_equal(kept_get(&m->kept, make, m, &text, &e), ERR_STORAGE);
	atomic_store(&m->fails, false);
	atomic_store(&m->takes_us, 50000);
	assert_answer(m, "answer 1");
	/* a later failure neither: the old answer is too old to be given */
	m->kept.made_us -= 20 * m->kept.cost_us;
	atomic_store(&m->fails, true);
	assert_int_equal(kept_get(&m->kept, make, m, &text, &e), ERR_STORAGE);
	atomic_store(&m->fails, false);
	assert_answer(m, "answer 2");
}

static void *
ask_often(void *arg)
{
	struct maker *m = arg;
	struct err e;
	char *text;

	for (int i = 0; i < 200; i++) {
		if (kept_get(&m->kept, make, m, &text, &e) != ERR_OK || strncmp(text, "answer ", 7) != 0)
			return m;
		free(text);
	}
	return NULL;
}

/* Nobody waits for who makes it: an old answer is given meanwhile.  Before the first there is none, and each makes its own. */
static void
test_many(void **state)
{
	enum { ASKERS = 8 };
	struct maker *m = *state;
	pthread_t threads[ASKERS];
	void *bad;

	atomic_store(&m->takes_us, 20000);
	for (int i = 0; i < ASKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, m), 0);
	for (int i = 0; i < ASKERS; i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
	assert_in_range(atomic_load(&m->made), 1, ASKERS * 200 / 4);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_dear, begin, end),
		cmocka_unit_test_setup_teardown(test_cheap, begin, end),
		cmocka_unit_test_setup_teardown(test_failure, begin, end),
		cmocka_unit_test_setup_teardown(test_many, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
