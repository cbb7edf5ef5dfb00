#include "cmocka_test.h"

#include <string.h>

#include "aws/url.h"
#include "aws_home.h"

static void
check(const char *text, const char *formatted, const char *rest)
{
	char out[128];
	struct url u;

	assert_null(url_parse(text, &u));
	assert_true(url_format(&u, out, sizeof(out)));
	assert_string_equal(out, formatted);
	assert_string_equal(u.rest, rest);
}

static void
test_good(void **state)
{
	(void)state;
	check("https://Iot.EU-Central-1.amazonaws.com", "https://iot.eu-central-1.amazonaws.com", "");
	check("HTTPS://host:443/", "https://host", "/");
	check("http://host:80", "http://host", "");
	check("http://host:443", "http://host:443", "");
	check("https://host:8443/a?b#c", "https://host:8443", "/a?b#c");
	check("https://host?x@y", "https://host", "?x@y");
	check("http://[::1]:18100", "http://[::1]:18100", "");
	check("https://[FD00:ec2::23]/x", "https://[fd00:ec2::23]", "/x");
}

static void
test_bad(void **state)
{
	static const char *const bad[] = {
		"", "host", "ftp://host", "https:/host", "https://", "https:///x", "https://:80", "https://h:0", "https://h:65536",
		"https://h:", "https://h:1x", "https://h:123456", "https://user:" SECRET "@h", "https://u@h/", "https://h h", "https://h\r\nX: y",
		"https://h\\@evil", "https://[::1", "https://[]", "https://[::1]x", "https://[zz]", "https://h\xc3\xa4", "https://h%41",
		"http://127.0.0.1@evil", "https://[::1]:99999999"
	};
	struct url u;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *wrong = url_parse(bad[i], &u);

		if (wrong == NULL)
			fail_msg("%s was taken", bad[i]);
		assert_null(strstr(wrong, SECRET_MARK));
	}
}

static void
test_this_machine(void **state)
{
	static const struct {
		const char	*text;
		bool		 here;
	} cases[] = {
		{ "http://127.0.0.1:1", true }, { "http://localhost", true }, { "http://LOCALHOST", true }, { "http://[::1]", true },
		{ "http://127.0.0.1.evil.com", false }, { "http://localhost.evil.com", false }, { "http://10.0.0.1", false },
		{ "http://0.0.0.0", false }
	};
	struct url u;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(url_parse(cases[i].text, &u));
		assert_int_equal(url_is_this_machine(&u), cases[i].here);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
