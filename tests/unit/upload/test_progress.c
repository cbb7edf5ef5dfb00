/* What a person sees of a run: the bar, the log line every ten seconds, spans and rates. */
#include "cmocka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "upload/progress.h"

enum { SECOND = 1000000 };

/* Standard error of a test goes into a file. */
static int captured = -1, saved = -1;

static int
capture_begin(void **state)
{
	char path[] = "/tmp/lineca-test-progress-XXXXXX";

	(void)state;
	captured = mkstemp(path);
	(void)unlink(path);
	saved = dup(STDERR_FILENO);
	return captured == -1 || dup2(captured, STDERR_FILENO) == -1 ? -1 : 0;
}

static int
capture_end(void **state)
{
	(void)state;
	(void)fflush(stderr);
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	return close(captured);
}

/* What was written since the last time. */
static const char *
written(void)
{
	static char text[65536];
	off_t len;

	(void)fflush(stderr);
	len = lseek(captured, 0, SEEK_END);
	assert_in_range(len, 0, sizeof(text) - 1);
	assert_int_equal(pread(captured, text, (size_t)len, 0), len);
	text[len] = '\0';
	assert_int_equal(ftruncate(captured, 0), 0);
	(void)lseek(captured, 0, SEEK_SET);
	return text;
}

static void
assert_says(const char *text, const char *what)
{
	if (strstr(text, what) != NULL)
		return;
	(void)capture_end(NULL);	/* the failure is for the true standard error */
	fail_msg("\"%s\" does not say \"%s\"", text, what);
}

static size_t
count(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what)) != NULL) {
		n++;
		text += strlen(what);
	}
	return n;
}

static void
test_span(void **state)
{
	static const struct { int64_t s; const char *text; } cases[] = {
		{ -1, "" }, { INT64_MIN, "" }, { 0, "0 s" }, { 40, "40 s" }, { 119, "119 s" }, { 120, "2 min" }, { 149, "2 min" }, { 150, "3 min" },
		{ 1020, "17 min" }, { 7199, "120 min" }, { 7200, "2 h 0 min" }, { 10020, "2 h 47 min" }, { 360000, "100 h 0 min" },
		{ INT64_MAX, "2562047788015215 h 30 min" },
	};
	char out[PROGRESS_SPAN_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		progress_span(cases[i].s, out);
		assert_string_equal(out, cases[i].text);
	}
}

/* A line every ten seconds, whatever happens in between. */
static void
test_lines(void **state)
{
	struct progress p;
	const char *text;

	(void)state;
	progress_begin(&p, false, 1000, 5 * SECOND);
	for (int ms = 0; ms < 9999; ms += 100)
		progress_tick(&p, ms / 100, 0, 5 * SECOND + ms * 1000LL);
	assert_string_equal(written(), "");
	progress_tick(&p, 90, 10, 15 * SECOND);
	text = written();
	assert_int_equal(count(text, "\n"), 1);
	assert_says(text, "info upload registered=90 parked=10 of=1000 per_s=10.0");
	assert_says(text, "left=\"90 s\"");
	for (int s = 11; s <= 60; s++)
		progress_tick(&p, 10 * s - 10, 10, (5 + s) * (int64_t)SECOND);
	text = written();
	assert_int_equal(count(text, "\n"), 5);
	assert_int_equal(count(text, "per_s=10.0"), 5);
	progress_hide(&p);
	assert_string_equal(written(), "");
}

/* The rate is that of the last half minute: an hour's throttling is forgotten after it. */
static void
test_rate_is_recent(void **state)
{
	int64_t now_us = SECOND, n = 0;
	struct progress p;
	const char *text;

	(void)state;
	progress_begin(&p, false, 100000, now_us);
	for (int s = 0; s < 600; s++, now_us += SECOND)
		progress_tick(&p, n += 1, 0, now_us);
	assert_says(written(), "per_s=1.0");
	for (int s = 0; s < 31; s++, now_us += SECOND)
		progress_tick(&p, n += 10, 0, now_us);
	(void)written();
	for (int s = 0; s < 10; s++, now_us += SECOND)
		progress_tick(&p, n += 10, 0, now_us);
	assert_says(written(), "per_s=10.0");
	/* nothing goes any more: no rate, and no promise when it will be done */
	for (int s = 0; s < 60; s++, now_us += SECOND)
		progress_tick(&p, n, 0, now_us);
	(void)written();
	for (int s = 0; s < 10; s++, now_us += SECOND)
		progress_tick(&p, n, 0, now_us);
	text = written();
	assert_says(text, "per_s=0.0");
	assert_null(strstr(text, "left="));
}

static void
test_bar(void **state)
{
	struct progress p;
	const char *text;

	(void)state;
	progress_begin(&p, true, 48, SECOND);
	progress_tick(&p, 0, 0, SECOND + 1000);
	assert_string_equal(written(), "");
	progress_tick(&p, 10, 2, 3 * SECOND);
	text = written();
	assert_says(text, "\r\033[K[#####...............] 10/48, 2 parked, 6.0/s, left 6 s");
	assert_null(strchr(text, '\n'));
	/* four times a second at most */
	for (int ms = 0; ms < 1000; ms += 10)
		progress_tick(&p, 12, 2, 3 * SECOND + ms * 1000LL);
	assert_int_equal(count(written(), "\r"), 3);
	progress_hide(&p);
	assert_string_equal(written(), "\r\033[K");
	progress_hide(&p);
	assert_string_equal(written(), "");
	/* full, and more than full: somebody enrolled meanwhile */
	progress_tick(&p, 48, 0, 10 * SECOND);
	assert_says(written(), "[####################] 48/48");
	progress_tick(&p, 60, 0, 11 * SECOND);
	text = written();
	assert_says(text, "[####################] 60/48");
	assert_null(strstr(text, "left"));
	/* nothing to do at all */
	progress_begin(&p, true, 0, SECOND);
	progress_tick(&p, 0, 0, 2 * SECOND);
	assert_says(written(), "[####################] 0/0, 0 parked, 0.0/s");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_span),
		cmocka_unit_test_setup_teardown(test_lines, capture_begin, capture_end),
		cmocka_unit_test_setup_teardown(test_rate_is_recent, capture_begin, capture_end),
		cmocka_unit_test_setup_teardown(test_bar, capture_begin, capture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
