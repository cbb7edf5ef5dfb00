#include "cmocka_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/credential_internal.h"
#include "aws_home.h"
#include "base/clock.h"
#include "base/file.h"

#define ANSWER "{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\",\"SecretAccessKey\":\"" SECRET "\""

/* A shell script in the home that the command line names; static. */
static const char *
script(const char *text)
{
	static char command[256];
	char whole[4096];

	(void)snprintf(whole, sizeof(whole), "#!/bin/sh\n%s\n", text);
	aws_home_write("script", 0700, whole);
	(void)snprintf(command, sizeof(command), "%s", aws_home_path("script"));
	return command;
}

static void
refused(const char *command, int limit_ms, const char *says)
{
	struct aws_credentials c = { 0 };
	struct err e = { 0 };

	assert_int_equal(credential_process_run(command, &(struct credential_wait){ .limit_ms = limit_ms }, &c, &e), ERR_CONFIG);
	assert_says(&e, says);
}

static struct aws_credentials
run_ok(const char *command)
{
	struct aws_credentials c = { 0 };
	struct err e = { 0 };

	if (credential_process_run(command, &(struct credential_wait){ .limit_ms = 10000 }, &c, &e) != ERR_OK)
		fail_msg("%s", e.log_text);
	return c;
}

static void
test_answers(void **state)
{
	struct aws_credentials c = run_ok(script("echo '" ANSWER "}'"));
	int64_t expires_us;

	(void)state;
	assert_string_equal(c.access_key, "AKIDPROCESS");
	assert_string_equal(c.secret_key, SECRET);
	assert_string_equal(c.session_token, "");
	assert_int_equal(c.expires_at_s, 0);
	c = run_ok(script("echo '" ANSWER ",\"SessionToken\":\"" TOKEN "\",\"Expiration\":\"2026-11-20T20:25:00+01:00\",\"AccountId\":\"1\"}'"));
	assert_string_equal(c.session_token, TOKEN);
	assert_true(clock_parse_us("2026-11-20T19:25:00Z", &expires_us));
	assert_int_equal(c.expires_at_s, expires_us / 1000000);
}

/* Words, no shell; stdin empty; nothing open but the three; signals as they should be; a group of its own. */
static void
test_how_it_is_run(void **state)
{
	static const char expected[] = "3\na b\nc;$HOME\nd e\n\n0\n";
	char command[400], *data, *signals;
	struct aws_credentials c;
	struct err e;
	size_t len;
	int fd = open("/dev/null", O_RDONLY);	/* not CLOEXEC: it must be closed all the same */

	(void)state;
	assert_int_equal(dup2(fd, 77), 77);
	assert_ptr_not_equal(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	(void)snprintf(command, sizeof(command), "%s 'a b' \"c;$HOME\" d\\ e", script(
	    "printf '%s\\n' \"$#\" \"$1\" \"$2\" \"$3\" \"$(cat)\" \"$(ls /proc/$$/fd | grep -c 77)\" "
	    "\"$(grep SigIgn /proc/$$/status | tr -d '\\t')\" > \"$HOME/seen\"\necho '" ANSWER "}'"));
	c = run_ok(command);
	assert_string_equal(c.access_key, "AKIDPROCESS");
	(void)snprintf(command, sizeof(command), "%s/seen", aws_home());
	assert_int_equal(file_read(command, 1000, &data, &len, &e), ERR_OK);
	signals = strstr(data, "SigIgn:");
	if (strncmp(data, expected, strlen(expected)) != 0 || signals == NULL)
		fail_msg("%s", data);
	/* glibc leaves two of its own, 32 and 33, ignored */
	assert_int_equal(strtoull(signals + strlen("SigIgn:"), NULL, 16) & (1U << (SIGPIPE - 1)), 0);
	free(data);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)close(77);
	(void)close(fd);
}

static void
test_bad_answers(void **state)
{
	static const struct {
		const char	*script, *says;
	} cases[] = {
		{ "true", "no JSON object" },
		{ "echo " SECRET, "no JSON object" },
		{ "echo '[\"" SECRET "\"]'", "no JSON object" },
		{ "echo '{\"Version\":2,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"" SECRET "\"}'", "\"Version\": 1" },
		{ "echo '{\"Version\":\"1\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"" SECRET "\"}'", "\"Version\": 1" },
		{ "echo '{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"" SECRET "\"}'", "\"Version\": 1" },
		{ "echo '{\"Version\":1,\"SecretAccessKey\":\"" SECRET "\"}'", "access key id is missing" },
		{ "echo '{\"Version\":1,\"AccessKeyId\":\"" SECRET "\"}'", "secret access key is missing" },
		{ "echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":7}'", "secret access key is missing" },
		{ "echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"" SECRET "\\r\\nX: y\"}'", "secret access key has a blank" },
		{ "echo '" ANSWER ",\"SessionToken\":\"" TOKEN "\\n\"}'", "session token has a blank" },
		{ "echo '" ANSWER ",\"Expiration\":\"" SECRET "\"}'", "expiration is no moment" },
		{ "echo '" ANSWER "}'; exit 3", "exit code 3" },
		{ "echo '" ANSWER "}'; echo " SECRET " >&2; exit 255", "exit code 255" },
		{ "echo '" ANSWER "}'; kill -9 $$", "signal 9" },
		{ "head -c 70000 /dev/zero | tr '\\0' x; echo " SECRET, "more than 65536" },
		{ "head -c 200 /dev/zero | tr '\\0' x | sed 's|.*|{\"Version\":1,\"AccessKeyId\":\"&\",\"SecretAccessKey\":\"" SECRET "\"}|'",
		    "access key id is longer than 128" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused(script(cases[i].script), 10000, cases[i].says);
}

static void
test_cannot_start(void **state)
{
	(void)state;
	refused("", 1000, "empty");
	refused("''", 1000, "empty");
	refused("/nonexistent/program --secret " SECRET, 1000, "cannot start /nonexistent/program: No such file");
	refused("'unclosed " SECRET, 1000, "quote");
	aws_home_write("script", 0600, "");
	refused(aws_home_path("script"), 1000, "Permission denied");
}

/* Processes of that group. */
static bool
group_lives(pid_t group)
{
	return kill(-group, 0) == 0 || errno != ESRCH;
}

/* The group that the script noted in ~/pid has nobody in it any more. */
static void
check_group_gone(void)
{
	char path[200], *data;
	struct err e;
	pid_t group;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/pid", aws_home());
	assert_int_equal(file_read(path, 100, &data, &len, &e), ERR_OK);
	group = (pid_t)strtol(data, NULL, 10);
	free(data);
	assert_true(group > 1);
	/* what it had started is nobody's child of ours: its end may take a moment to be noticed */
	for (int i = 0; i < 200 && group_lives(group); i++)
		(void)usleep(10 * 1000);
	assert_false(group_lives(group));
}

static void
check_killed(const char *text)
{
	int64_t begin = clock_monotonic_us();

	refused(script(text), 700, "did not end within 1 s");
	assert_in_range(clock_monotonic_us() - begin, 600 * 1000, 5000 * 1000);
	check_group_gone();
}

static void
test_time_limit(void **state)
{
	(void)state;
	check_killed("echo $$ >\"$HOME/pid\"; sleep 60");
	check_killed("echo $$ >\"$HOME/pid\"; trap '' TERM INT HUP; sleep 61 & sleep 62");
	check_killed("echo $$ >\"$HOME/pid\"; echo '" ANSWER "}'; exec >&-; sleep 63");	/* its stdout is closed, it goes on */
	check_killed("echo $$ >\"$HOME/pid\"; while :; do :; done");
}

static bool
stop_after_some(void)
{
	static int questions;

	return ++questions > 20;
}

static void
test_stopped(void **state)
{
	const struct credential_wait w = { .limit_ms = 30000, .stopped = stop_after_some };
	int64_t begin = clock_monotonic_us();
	struct aws_credentials c = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(credential_process_run(script("echo $$ >\"$HOME/pid\"; trap '' TERM; sleep 60"), &w, &c, &e), ERR_DRAINING);
	assert_says(&e, "stopped");
	assert_in_range(clock_monotonic_us() - begin, 0, 5000 * 1000);
	check_group_gone();
}

/* It ends well and leaves something behind, which may keep its stdout: its end counts, and nothing stays. */
static void
test_what_it_leaves_behind(void **state)
{
	static const char *const scripts[] = {
		"echo $$ >\"$HOME/pid\"; sleep 60 & echo '" ANSWER "}'",
		"echo $$ >\"$HOME/pid\"; sleep 60 >/dev/null 2>&1 </dev/null & echo '" ANSWER "}'",
		"echo $$ >\"$HOME/pid\"; (trap '' TERM HUP; while sleep 60; do :; done) & exec printf '%s' '" ANSWER "}'",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		int64_t begin = clock_monotonic_us();
		struct aws_credentials c = run_ok(script(scripts[i]));

		assert_string_equal(c.access_key, "AKIDPROCESS");
		assert_in_range(clock_monotonic_us() - begin, 0, 5000 * 1000);
		check_group_gone();
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, aws_home_setup, aws_home_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_answers),
		TEST(test_how_it_is_run),
		TEST(test_bad_answers),
		TEST(test_cannot_start),
		TEST(test_time_limit),
		TEST(test_stopped),
		TEST(test_what_it_leaves_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
