#include "cmocka_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void
test_grows(void **state)
{
	struct buf b = { 0 };
	size_t len;
	char *text;

	(void)state;
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%d,", i % 10);
	buf_puts(&b, "end");
	text = buf_take(&b, &len);
	assert_int_equal(len, 20003);
	assert_int_equal(strlen(text), len);
	assert_string_equal(text + len - 5, "9,end");
	assert_null(b.data);
	free(text);
}

static void
test_empty_is_a_text(void **state)
{
	struct buf b = { 0 };
	size_t len = 7;
	char *text = buf_take(&b, &len);

	(void)state;
	assert_string_equal(text, "");
	assert_int_equal(len, 0);
	free(text);
}

static void
test_bytes_with_nul(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_put(&b, "a\0b", 3);
	assert_memory_equal(b.data, "a\0b", 4);
	buf_done(&b);
	assert_null(b.data);
}

/* What failed once stays failed: half a text is never taken for a whole one. */
static void
test_failure_sticks(void **state)
{
	struct buf b = { .failed = true };
	size_t len = 7;

	(void)state;
	buf_puts(&b, "x");
	assert_null(buf_take(&b, &len));
	assert_int_equal(len, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_empty_is_a_text),
		cmocka_unit_test(test_bytes_with_nul),
		cmocka_unit_test(test_failure_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
