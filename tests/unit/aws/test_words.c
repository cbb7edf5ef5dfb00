#include "cmocka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/words.h"
#include "aws_home.h"

/* The words of a text between bars, as Python's shlex.split has them. */
static void
check(const char *text, const char *expected)
{
	char *copy = strdup(text), **words, joined[256] = "";
	struct err e;

	assert_int_equal(words_split(copy, &words, &e), ERR_OK);
	for (size_t i = 0; words[i] != NULL; i++) {
		size_t len = strlen(joined);

		(void)snprintf(joined + len, sizeof(joined) - len, "%s|", words[i]);
	}
	assert_string_equal(joined, expected);
	free(words);
	free(copy);
}

static void
test_words(void **state)
{
	(void)state;
	check("", "");
	check(" \t\n", "");
	check("a", "a|");
	check("  /bin/x --profile  y\t--z ", "/bin/x|--profile|y|--z|");
	check("a 'b c' \"d e\"f", "a|b c|d ef|");
	check("'' \"\" x", "||x|");
	check("a\\ b \\'c \\\\", "a b|'c|\\|");
	check("'a\\b' \"a\\b\\\"\\\\c\"", "a\\b|a\\b\"\\c|");
	check("$(id) `id` ; a|b >x *", "$(id)|`id`|;|a|b|>x|*|");	/* nothing is special but quotes */
	check("a\nb", "a|b|");
	check("# no comment", "#|no|comment|");
}

static void
test_refused(void **state)
{
	static const char *const bad[] = { "a 'b", "a \"b", "a\\", "\"" SECRET "\\", "'" SECRET, "\"\\\"" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *copy = strdup(bad[i]), **words;

		assert_int_equal(words_split(copy, &words, &e), ERR_CONFIG);
		assert_says(&e, "quote");
		free(copy);
	}
}

static void
test_join(void **state)
{
	char profile[] = " profile  \"my line\" ", open[] = "profile 'x", plain[] = "x";

	(void)state;
	assert_true(words_join(profile));
	assert_string_equal(profile, "profile my line");
	assert_false(words_join(open));
	assert_true(words_join(plain));
	assert_string_equal(plain, "x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
