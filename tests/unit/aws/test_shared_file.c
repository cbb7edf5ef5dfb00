#include "cmocka_test.h"

#include <string.h>

#include "aws/shared_file.h"
#include "aws_home.h"

static struct aws_file *
read_text(const char *text)
{
	struct aws_file *f = NULL;
	struct err e = { 0 };

	aws_home_write("config", 0600, text);
	if (aws_file_read(aws_home_path("config"), &f, &e) != ERR_OK)
		fail_msg("%s", e.log_text);
	return f;
}

static void
check(const struct aws_file *f, const char *section, const char *key, const char *expected)
{
	const char *value = aws_file_get(f, section, key);

	if (expected == NULL)
		assert_null(value);
	else {
		assert_non_null(value);
		assert_string_equal(value, expected);
	}
}

static void
test_plain(void **state)
{
	struct aws_file *f = read_text("# a comment\n; another\n\n[default]\nregion=eu-central-1\nAWS_Access_Key_Id = AKID = x\n"
	    "  # indented comment\n[profile line]  # why\nregion = us-east-1 # here\nempty =\ncolon: v\ndup = 1\ndup = 2\n[default]\nmore = m;n");

	(void)state;
	check(f, "default", "region", "eu-central-1");
	check(f, "default", "aws_access_key_id", "AKID = x");
	check(f, "default", "more", "m;n");		/* a section that stands twice is one */
	check(f, "profile line", "region", "us-east-1");
	check(f, "profile line", "empty", "");
	check(f, "profile line", "colon", "v");
	check(f, "profile line", "dup", "2");
	check(f, "profile line", "aws_access_key_id", NULL);
	check(f, "line", "region", NULL);
	check(f, "default", "regio", NULL);
	assert_true(aws_file_has_section(f, "profile line"));
	assert_false(aws_file_has_section(f, "line"));
	assert_string_equal(aws_file_path(f), aws_home_path("config"));
	aws_file_free(f);
	aws_file_free(NULL);
	assert_null(aws_file_get(NULL, "default", "region"));
	assert_false(aws_file_has_section(NULL, "default"));
}

static void
test_windows(void **state)
{
	struct aws_file *f = read_text("\xef\xbb\xbf[default]\r\nregion = eu-west-1\r\n\r\n[profile \"my line\"]\r\nregion=x \t\r\n"
	    "[profile   'a  b']\r\nregion=y");

	(void)state;
	check(f, "default", "region", "eu-west-1");
	check(f, "profile my line", "region", "x");
	check(f, "profile a  b", "region", "y");
	aws_file_free(f);
}

static void
test_nested(void **state)
{
	struct aws_file *f = read_text("[services plant]\niot =\n  endpoint_url = https://a:1\n\n  other = 2\nsts = \n\tEndpoint_URL = https://b\n"
	    "plain = 3\n[profile p]\n  a = 1\n  b = 2\ncommand = run\n   --more\n\n   'x y'\n  c = 4\n");

	(void)state;
	check(f, "services plant", "iot.endpoint_url", "https://a:1");
	check(f, "services plant", "iot.other", "2");
	check(f, "services plant", "sts.endpoint_url", "https://b");
	check(f, "services plant", "endpoint_url", NULL);
	check(f, "services plant", "iot", "");
	check(f, "services plant", "plain", "3");
	/* keys that all are indented are keys; what is indented deeper goes on with the value */
	check(f, "profile p", "a", "1");
	check(f, "profile p", "b", "2");
	check(f, "profile p", "command", "run\n--more\n'x y'\nc = 4");
	aws_file_free(f);
}

static void
test_command_keeps_its_marks(void **state)
{
	struct aws_file *f = read_text("[default]\ncredential_process = run # ; x\n");

	(void)state;
	check(f, "default", "credential_process", "run # ; x");
	aws_file_free(f);
}

static void
test_refused(void **state)
{
	static const struct {
		const char	*text, *says;
	} cases[] = {
		{ "key = " SECRET "\n[x]\n", "line 1: before the first" },
		{ "[x]\n\n" SECRET "\n", "line 3: neither [section] nor key = value" },
		{ "[x\nk = " SECRET "\n", "line 1: a section is written [name]" },
		{ "[x] " SECRET "\n", "line 1: a section is written [name]" },
		{ "[]\n", "line 1: the name of the section" },
		{ "[profile \"" SECRET "]\n", "line 1: the name of the section" },
		{ "[x]\n= " SECRET "\n", "line 2: neither" },
		{ "[x]\niot =\n  " SECRET "\n", "line 3" },
	};
	struct aws_file *f = NULL;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		aws_home_write("config", 0600, cases[i].text);
		assert_int_equal(aws_file_read(aws_home_path("config"), &f, &e), ERR_CONFIG);
		assert_says(&e, cases[i].says);
		assert_says(&e, aws_home_path("config"));
		assert_null(f);
	}
	assert_int_equal(aws_file_read("/nonexistent/x", &f, &e), ERR_NOT_FOUND);
}

static void
test_not_text_and_too_large(void **state)
{
	static char large[LIMIT_CONFIG_BYTES + 2];
	struct aws_file *f = NULL;
	struct err e;

	(void)state;
	memset(large, '#', sizeof(large) - 1);
	aws_home_write("config", 0600, large);
	assert_int_equal(aws_file_read(aws_home_path("config"), &f, &e), ERR_IO);
	assert_says(&e, "larger than");
	large[LIMIT_CONFIG_BYTES] = '\0';
	aws_home_write("config", 0600, large);
	assert_int_equal(aws_file_read(aws_home_path("config"), &f, &e), ERR_OK);
	aws_file_free(f);
	f = NULL;
	assert_int_equal(aws_file_read("/proc/self/environ", &f, &e), ERR_CONFIG);
	assert_says(&e, "not a text file");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, aws_home_setup, aws_home_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_plain),
		TEST(test_windows),
		TEST(test_nested),
		TEST(test_command_keeps_its_marks),
		TEST(test_refused),
		TEST(test_not_text_and_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
