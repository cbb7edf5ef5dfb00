#include "cmocka_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static char captured[8192];

/* Runs a function with standard error in a pipe. */
static void
capture(void (*speak)(void))
{
	int pipe_fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
	assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
	speak();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	n = read(pipe_fds[0], captured, sizeof(captured) - 1);
	captured[n > 0 ? n : 0] = '\0';
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
	(void)close(saved);
}

static void
speak_plain(void)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "enroll");
	log_text(&l, "device", "line-1:00_4.2");
	log_text(&l, "empty", "");
	log_text(&l, "absent", NULL);
	log_number(&l, "us", -42);
	log_number(&l, "least", INT64_MIN);
	log_end(&l);
}

static void
speak_forged(void)
{
	struct log_line l;

	log_begin(&l, LOG_WARN, "enroll");
	log_text(&l, "device", "x\n2026-11-20T00:00:00Z info forged=\"yes\" \\ \x1b[31m\xff");
	log_end(&l);
}

static void
speak_long(void)
{
	static char text[2 * LIMIT_LOG_LINE_BYTES];
	struct log_line l;

	memset(text, 'y', sizeof(text) - 1);
	log_begin(&l, LOG_ERROR, "long");
	log_text(&l, "value", text);
	log_number(&l, "n", 1);
	log_end(&l);
}

static void
speak_debug(void)
{
	log_event(LOG_DEBUG, "quiet", "not said at level info");
}

static void
speak_err(void)
{
	struct err e;

	(void)err_set(&e, ERR_IO, "open \"x\": no");
	log_err(LOG_ERROR, "store", &e);
}

static void
test_line(void **state)
{
	(void)state;
	capture(speak_plain);
	/* behind the time: 2026-11-20T20:25:00.123456Z and a space */
	assert_string_equal(captured + 28, "info enroll device=line-1:00_4.2 us=-42 least=-9223372036854775808\n");
}

/* A device cannot end the line, colour the terminal or add a key. */
static void
test_outside_text_is_escaped(void **state)
{
	(void)state;
	capture(speak_forged);
	assert_string_equal(captured + 28,
	    "warn enroll device=\"x\\x0a2026-11-20T00:00:00Z info forged=\\\"yes\\\" \\\\ \\x1b[31m\\xff\"\n");
}

static void
test_long_line_is_cut(void **state)
{
	(void)state;
	capture(speak_long);
	assert_int_equal(strlen(captured), LIMIT_LOG_LINE_BYTES);
	assert_int_equal(captured[strlen(captured) - 1], '\n');
}

static void
test_levels_and_errors(void **state)
{
	(void)state;
	capture(speak_debug);
	assert_string_equal(captured, "");
	capture(speak_err);
	assert_string_equal(captured + 28, "error store code=io message=\"open \\\"x\\\": no\"\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_outside_text_is_escaped),
		cmocka_unit_test(test_long_line_is_cut),
		cmocka_unit_test(test_levels_and_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
