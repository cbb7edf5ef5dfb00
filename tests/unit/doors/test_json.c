/* What the JSON doors read and write: bodies of all kinds, texts as Go's encoder has them, and where secrets go. */
#include "cmocka_test.h"

#include <stdlib.h>
#include <string.h>

#include "doors/json.h"

static enum err_code
parse(const char *text, cJSON **ret)
{
	struct err e;

	return json_parse((const uint8_t *)text, strlen(text), ret, &e);
}

static void
test_bodies(void **state)
{
	static const char *const good[] = { "{}", " \r\n\t{\"a\":1}\n \t\r\n", "{\"a\":{\"b\":[1,2,{}]}}", "{\"a\":\"\\u0041\"}" };
	static const char *const bad[] = {
		"", " ", "null", "[]", "\"a\"", "1", "{", "{}{}", "{} x", "{\"a\"}", "{\"a\":1,}", "{'a':1}", "{\"a\":\"\\u0000b\"}", "\xef\xbb\xbf",
	};
	cJSON *o = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse(good[i], &o), ERR_OK);
		json_free(o);
	}
	o = NULL;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i], &o), ERR_BAD_REQUEST);
		assert_null(o);
	}
	assert_int_equal(json_parse((const uint8_t *)"{\"a\":\"b\0\"}", 10, &o, NULL), ERR_BAD_REQUEST);
	json_free(NULL);
}

/* Every shorter beginning of a good body is refused, and nothing behind its end is read: it lies at the end of its memory. */
static void
test_cut_bodies(void **state)
{
	static const char whole[] = "{\"csr\":\"-----BEGIN\\nx\",\"ott\":\"\\u0041\\\\\",\"n\":[1.5e3,true,null,{\"a\":{}}]}";

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		uint8_t *body = malloc(len);
		cJSON *o = NULL;
		struct err e;

		assert_true(body != NULL || len == 0);
		if (len > 0)
			memcpy(body, whole, len);
		assert_int_equal(json_parse(body, len, &o, &e), len == sizeof(whole) - 1 ? ERR_OK : ERR_BAD_REQUEST);
		json_free(o);
		free(body);
	}
}

/* Nested as deeply as a body has room for: refused by the parser's own limit, not by the end of the stack. */
static void
test_deep_bodies(void **state)
{
	enum { DEPTH = 60000 };
	static char body[DEPTH + 16];
	cJSON *o = NULL;

	(void)state;
	memcpy(body, "{\"a\":", 5);
	memset(body + 5, '[', DEPTH);
	assert_int_equal(parse(body, &o), ERR_BAD_REQUEST);
	assert_null(o);
}

static void
test_texts(void **state)
{
	const char *text = "untouched";
	cJSON *o = NULL;
	struct err e;

	(void)state;
	assert_int_equal(parse("{\"a\":\"b\",\"empty\":\"\",\"null\":null,\"n\":1,\"l\":[],\"two\":\"x\",\"two\":\"y\",\"A\":\"upper\"}", &o), ERR_OK);
	assert_int_equal(json_text(o, "n", &text, &e), ERR_BAD_REQUEST);
	assert_int_equal(json_text(o, "l", &text, &e), ERR_BAD_REQUEST);
	assert_int_equal(json_text(o, "two", &text, &e), ERR_BAD_REQUEST);
	assert_string_equal(text, "untouched");
	assert_int_equal(json_text(o, "a", &text, &e), ERR_OK);
	assert_string_equal(text, "b");
	assert_int_equal(json_text(o, "empty", &text, &e), ERR_OK);
	assert_null(text);
	assert_int_equal(json_text(o, "null", &text, &e), ERR_OK);
	assert_null(text);
	assert_int_equal(json_text(o, "absent", &text, &e), ERR_OK);
	assert_null(text);
	json_free(o);
}

/* One string, so that whoever wipes it with strlen wipes the token too. */
static void
test_kept(void **state)
{
	struct enroll_ask ask = { .csr_len = 99 };
	struct err e;

	(void)state;
	assert_int_equal(json_keep("the csr", "the token", &ask, &e), ERR_OK);
	assert_string_equal(ask.owned, "the csrthe token");
	assert_ptr_equal(ask.csr, ask.owned);
	assert_int_equal(ask.csr_len, 7);
	assert_string_equal(ask.token, "the token");
	free(ask.owned);
	assert_int_equal(json_keep("the csr", NULL, &ask, &e), ERR_OK);
	assert_string_equal(ask.owned, "the csr");
	assert_int_equal(ask.csr_len, 7);
	assert_null(ask.token);
	free(ask.owned);
}

static void
check_written(const char *text, size_t len, const char *expected)
{
	struct buf b = { 0 };

	json_put_text(&b, text, len);
	assert_false(b.failed);
	assert_string_equal(b.data, expected);
	buf_done(&b);
}

/* What json.Marshal of Go writes for the same. */
static void
test_written(void **state)
{
	(void)state;
	check_written("", 0, "\"\"");
	check_written("plain / text'", 13, "\"plain / text'\"");
	check_written("a\nb\r\tc", 6, "\"a\\nb\\r\\tc\"");
	check_written("<a href=\"x\">&\\", 14, "\"\\u003ca href=\\\"x\\\"\\u003e\\u0026\\\\\"");
	check_written("\x01\x1f\x7f", 3, "\"\\u0001\\u001f\x7f\"");
	check_written("a\0b", 3, "\"a\\u0000b\"");
	check_written("\xc3\xa4\xff", 3, "\"???\"");
	check_written("ends here", 4, "\"ends\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_cut_bodies),
		cmocka_unit_test(test_deep_bodies),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
