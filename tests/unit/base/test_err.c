#include "cmocka_test.h"

#include <string.h>

#include "base/err.h"

static void
test_set(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(err_say(&e, ERR_KEY, "too %s", "short"), ERR_KEY);
	assert_int_equal(e.code, ERR_KEY);
	assert_string_equal(e.client_text, "too short");
	assert_string_equal(e.log_text, "too short");
	/* what is for the log only leaves nothing of an earlier sentence for the client */
	assert_int_equal(err_set(&e, ERR_IO, "open /secret/path: %d", 13), ERR_IO);
	assert_string_equal(e.client_text, "");
	assert_string_equal(e.log_text, "open /secret/path: 13");
	assert_int_equal(err_set(NULL, ERR_NOMEM, "x"), ERR_NOMEM);
	assert_int_equal(err_say(NULL, ERR_NOMEM, "x"), ERR_NOMEM);
	err_clear(&e);
	assert_int_equal(e.code, ERR_OK);
}

static void
test_long_text_is_cut(void **state)
{
	char text[2000];
	struct err e;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_say(&e, ERR_IO, "%s", text);
	assert_int_equal(strlen(e.log_text), ERR_LOG_TEXT_BYTES - 1);
	assert_int_equal(strlen(e.client_text), ERR_CLIENT_TEXT_BYTES - 1);
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	(void)err_set(&e, ERR_IO, "%s", text);		/* not in the middle of a character */
	assert_int_equal(strlen(e.log_text), ERR_LOG_TEXT_BYTES - 2);
	assert_memory_equal(e.log_text, text, ERR_LOG_TEXT_BYTES - 2);
}

/* Names are what clients and logs are matched by: each code has one of its own. */
static void
test_names_differ(void **state)
{
	(void)state;
	for (int a = ERR_OK; a <= ERR_INTERNAL; a++) {
		assert_non_null(err_name((enum err_code)a));
		for (int b = ERR_OK; b < a; b++)
			assert_string_not_equal(err_name((enum err_code)a), err_name((enum err_code)b));
	}
	assert_string_equal(err_name(ERR_CSR_SIGNATURE), "csr_signature_invalid");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_names_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
