#include "cmocka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "config.h"

static char path[64];

/* Loads text as a configuration file. */
static enum err_code
load(const char *text, struct config *c, struct err *e)
{
	enum err_code rc;
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/lineca-test-config-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
	rc = config_load(path, c, e);
	(void)unlink(path);
	return rc;
}

/* The file that init writes says exactly what holds without a file. */
static void
test_written_file_is_the_defaults(void **state)
{
	struct config defaults, loaded;
	struct err e;
	size_t len;
	char *text = config_text(&len);

	(void)state;
	config_defaults(&defaults);
	assert_int_equal(load(text, &loaded, &e), ERR_OK);
	assert_memory_equal(&defaults, &loaded, sizeof(defaults));
	assert_string_equal(loaded.server_listen, "127.0.0.1:8080");
	assert_int_equal(loaded.profiles[0].validity_s, INT64_C(3650) * 86400);
	assert_int_equal(loaded.profiles[0].backdate_s, 3600);
	free(text);
}

static void
test_values(void **state)
{
	struct config c;
	struct err e;

	(void)state;
	assert_int_equal(load("enroll = open\n[commit]\nqueue = 7 ; a word\n[profile ieee]\nno_expiry = yes\nmay_outlive_ca = yes\n"
	    "[profile default]\nvalidity_days = 30\nbackdate_minutes = 0\n[server]\nlisten = [::1]:9\n", &c, &e), ERR_OK);
	assert_int_equal(c.server_enroll, ENROLL_OPEN);
	assert_int_equal(c.commit_queue, 7);
	assert_string_equal(c.server_listen, "[::1]:9");
	assert_non_null(config_profile(&c, "ieee"));
	assert_true(config_profile(&c, "ieee")->no_expiry);
	assert_int_equal(config_profile(&c, "default")->validity_s, 30 * 86400);
	assert_null(config_profile(&c, "absent"));
}

static void
test_errors_name_the_line(void **state)
{
	static const struct { const char *text, *expected; } bad[] = {
		{ "[server]\nlisten = here\n", "line 2" },
		{ "[server]\nlisten = 127.0.0.1:99999\n", "ADDRESS:PORT" },
		{ "[server]\nlisten = ::1:80\n", "ADDRESS:PORT" },
		{ "[server]\n\nenroll = yes\n", "line 3: enroll = yes: one of loopback, open" },
		{ "[commit]\nqueue = 0\n", "a whole number from 1 to 65536" },
		{ "[commit]\nqueue = 12x\n", "12x" },
		{ "[commit]\nqueue =\n", "queue" },
		{ "[commit]\nnonsense = 1\n", "no setting nonsense" },
		{ "[nowhere]\nqueue = 1\n", "queue stands in [nowhere], and there is no such section" },
		{ "[profile x/y]\nvalidity_days = 1\n", "[profile x/y]" },
		{ "[profile p]\nfoo = 1\n", "[profile p] has no setting foo" },
		{ "[profile p]\nno_expiry = yes\n", "needs may_outlive_ca" },
		{ "[commit]\ngroup_max = 4\ngroup_enough = 5\n", "group_enough = 5 is more than group_max = 4" },
		{ "this is not a setting\n", "line 1" },
	};
	struct config c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(load(bad[i].text, &c, &e), ERR_CONFIG);
		if (strstr(e.log_text, bad[i].expected) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", e.log_text, bad[i].expected);
		assert_non_null(strstr(e.log_text, path));
	}
	assert_int_equal(config_load("/nonexistent/lineca.conf", &c, &e), ERR_NOT_FOUND);
}

static void
test_loopback(void **state)
{
	(void)state;
	assert_true(config_is_loopback("127.0.0.1"));
	assert_true(config_is_loopback("127.9.9.9"));
	assert_true(config_is_loopback("::1"));
	assert_false(config_is_loopback("0.0.0.0"));
	assert_false(config_is_loopback("::"));
	assert_false(config_is_loopback("192.168.0.1"));
	assert_false(config_is_loopback("::ffff:127.0.0.1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_file_is_the_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors_name_the_line),
		cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
