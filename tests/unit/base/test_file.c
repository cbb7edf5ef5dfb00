#include "cmocka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char dir[64], path[96];

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/lineca-test-file-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/f", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static void
test_write_then_read(void **state)
{
	struct stat st;
	struct err e;
	char *data;
	size_t len;

	(void)state;
	(void)umask(0);		/* the mode is the one asked for, whatever the umask */
	assert_int_equal(file_write_new(path, 0600, "a\0b", 3, &e), ERR_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read(path, 3, &data, &len, &e), ERR_OK);
	assert_int_equal(len, 3);
	assert_memory_equal(data, "a\0b", 4);
	free(data);
	assert_int_equal(file_sync_dir(dir, &e), ERR_OK);
}

static void
test_never_over_an_existing_file(void **state)
{
	struct err e;
	char *data;
	size_t len;

	(void)state;
	assert_int_equal(file_write_new(path, 0600, "old", 3, &e), ERR_OK);
	assert_int_equal(file_write_new(path, 0600, "new", 3, &e), ERR_CONFLICT);
	assert_non_null(strstr(e.log_text, path));
	assert_int_equal(file_read(path, 100, &data, &len, &e), ERR_OK);
	assert_string_equal(data, "old");
	free(data);
}

static void
test_bounds_and_absence(void **state)
{
	char *data = NULL, joined[8];
	struct err e;
	size_t len;

	(void)state;
	assert_int_equal(file_read(path, 10, &data, &len, &e), ERR_NOT_FOUND);
	assert_int_equal(file_write_new(path, 0600, "12345", 5, &e), ERR_OK);
	assert_int_equal(file_read(path, 4, &data, &len, &e), ERR_IO);
	assert_null(data);
	assert_int_equal(file_sync_dir("/nonexistent", &e), ERR_NOT_FOUND);
	assert_int_equal(file_join(joined, sizeof(joined), "abc", "def", &e), ERR_OK);
	assert_string_equal(joined, "abc/def");
	assert_int_equal(file_join(joined, sizeof(joined), "abc", "defg", &e), ERR_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write_then_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_over_an_existing_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds_and_absence, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
