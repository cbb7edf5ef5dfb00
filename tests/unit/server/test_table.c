#include "cmocka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

/* What the table prints, through a file in place of standard output. */
static char *
printed(void (*fill)(struct table *))
{
	static const char *const titles[] = { "NAME", "COUNT>", "STATE", NULL };
	char path[] = "/tmp/lineca-test-table-XXXXXX";
	int fd = mkstemp(path), saved = dup(STDOUT_FILENO);
	struct table t;
	char *text;
	off_t len;

	(void)fflush(stdout);
	assert_true(dup2(fd, STDOUT_FILENO) >= 0);
	table_begin(&t, titles);
	fill(&t);
	table_end(&t);
	(void)fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	len = lseek(fd, 0, SEEK_END);
	text = calloc(1, (size_t)len + 1);
	assert_non_null(text);
	assert_int_equal(pread(fd, text, (size_t)len, 0), len);
	(void)close(fd);
	(void)close(saved);
	(void)unlink(path);
	return text;
}

static void
row(struct table *t, const char *name, int64_t count, const char *state)
{
	table_text(t, name);
	table_number(t, count);
	table_text(t, state);
}

static void
fill_few(struct table *t)
{
	row(t, "a", 5, "open");
	row(t, "longer-name", 123456, "closed");
}

static void
fill_many(struct table *t)
{
	for (int i = 0; i < 2 * TABLE_BLOCK_ROWS + 1; i++)
		row(t, i < TABLE_BLOCK_ROWS ? "x" : "wider-than-before", i, "s");
}

static void
fill_none(struct table *t)
{
	(void)t;
}

static void
test_aligned(void **state)
{
	char *text = printed(fill_few);

	(void)state;
	assert_string_equal(text,
	    "NAME          COUNT  STATE\n"
	    "a                 5  open\n"
	    "longer-name  123456  closed\n");
	free(text);
	text = printed(fill_none);
	assert_string_equal(text, "NAME  COUNT  STATE\n");
	free(text);
}

/* Millions are printed block by block: every row once, in order. */
static void
test_blocks(void **state)
{
	char *text = printed(fill_many), *line, *rest = text;
	int rows = -1;	/* the title */

	(void)state;
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		if (rows >= 0)
			assert_int_equal(strtol(line + strcspn(line, " "), NULL, 10), rows);
		rows++;
	}
	assert_int_equal(rows, 2 * TABLE_BLOCK_ROWS + 1);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_aligned), cmocka_unit_test(test_blocks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
