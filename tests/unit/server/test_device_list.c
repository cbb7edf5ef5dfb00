#include "cmocka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device_list.h"

static enum err_code
read_text(const char *text, size_t len, struct device_list *list, struct err *e)
{
	char path[64] = "/tmp/lineca-test-list-XXXXXX";
	enum err_code rc;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	(void)close(fd);
	*list = (struct device_list){ 0 };
	rc = device_list_read(list, path, e);
	(void)unlink(path);
	return rc;
}

static void
expect(const char *text, const char *const *ids)
{
	struct device_list list;
	const char *id;
	struct err e;
	size_t n;

	err_clear(&e);
	if (read_text(text, strlen(text), &list, &e) != ERR_OK)
		fail_msg("%s: %s", text, e.log_text);
	for (n = 0; ids[n] != NULL; n++) {
		assert_int_equal(device_list_next(&list, &id, &e), ERR_OK);
		assert_string_equal(id, ids[n]);
	}
	assert_int_equal(list.count, n);
	assert_int_equal(device_list_next(&list, &id, &e), ERR_OK);
	assert_null(id);
	device_list_done(&list);
}

static void
test_forms(void **state)
{
	static const char *const abc[] = { "a-1", "b-2", "c:3", NULL };

	(void)state;
	expect("c:3\na-1\nb-2\n", abc);
	expect("c:3\r\n\r\na-1\r\n b-2 ", abc);
	expect("\xef\xbb\xbf" "b-2\na-1\nc:3", abc);
	expect("device_id\nb-2\na-1\nc:3\n", abc);
	expect("device_id,colour\nb-2,red\na-1,\nc:3\n", abc);
	expect("colour;Device;x\nred;b-2;1\n\"re;d\";a-1;2\n\"re\"\"d\";\"c:3\";3\n", abc);
	expect("colour\tCN\nred\tb-2\nred\ta-1\nred\tc:3\n", abc);
}

static void
test_bad_lines_are_named(void **state)
{
	static const struct { const char *text, *expected; } bad[] = {
		{ "", "lists no device" },
		{ "\n\n", "lists no device" },
		{ "device_id\n", "lists no device" },
		{ "a-1\nb 2\nc-3\n", "line 2: \"b 2\" can be no device id" },
		{ "a-1\nb-2\na-1\n", "line 3: a-1 stands on line 1 already" },
		{ "colour,size\nred,1\n", "has no column device_id, device, id or cn" },
		{ "colour,device_id\nred,a-1\nblue\n", "line 3: it has no column 2" },
		{ "a-1\n0123456789012345678901234567890123456789012345678901234567890123456789\n", "line 2" },
		{ "a-1\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", "registration code" },
	};
	struct device_list list;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_text(bad[i].text, strlen(bad[i].text), &list, &e), ERR_USAGE);
		if (strstr(e.log_text, bad[i].expected) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", e.log_text, bad[i].expected);
		assert_non_null(strstr(e.log_text, "no batch was made"));
		device_list_done(&list);
	}
	assert_int_equal(read_text("a\0b\n", 4, &list, &e), ERR_USAGE);
	assert_non_null(strstr(e.log_text, "line 1"));
	device_list_done(&list);
	assert_int_equal(device_list_read(&list, "/nonexistent/list", &e), ERR_NOT_FOUND);
}

/* A hundred thousand ids backwards come out sorted, and the last of them is found twice. */
static void
test_many(void **state)
{
	enum { MANY = 100000, LINE = 16 };
	char *text = malloc((MANY + 1) * LINE + 1);
	struct device_list list;
	struct err e;
	size_t len = 0;

	(void)state;
	assert_non_null(text);
	for (int i = MANY; i > 0; i--)
		len += (size_t)snprintf(text + len, LINE, "dev-%08d\n", i);
	assert_int_equal(read_text(text, len, &list, &e), ERR_OK);
	assert_int_equal(list.count, MANY);
	for (size_t i = 1; i < list.count; i++)
		assert_true(strcmp(device_list_id(&list, i - 1), device_list_id(&list, i)) < 0);
	device_list_done(&list);
	len += (size_t)snprintf(text + len, LINE, "dev-%08d\n", MANY);
	assert_int_equal(read_text(text, len, &list, &e), ERR_USAGE);
	assert_non_null(strstr(e.log_text, "line 100001: dev-00100000 stands on line 1 already"));
	device_list_done(&list);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_bad_lines_are_named),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
