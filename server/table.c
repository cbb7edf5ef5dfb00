#include "table.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool
right_aligned(const struct table *t, size_t column)
{
	const char *title = t->titles[column];

	return title[strlen(title) - 1] == '>';
}

static size_t
title_len(const struct table *t, size_t column)
{
	return strlen(t->titles[column]) - (right_aligned(t, column) ? 1 : 0);
}

static void
print_cell(const struct table *t, size_t column, const char *text, size_t len)
{
	int pad = t->widths[column] > len ? (int)(t->widths[column] - len) : 0;
	bool last = column + 1 == t->columns;

	if (right_aligned(t, column))
		(void)printf("%*s%.*s%s", pad, "", (int)len, text, last ? "\n" : "  ");
	else
		(void)printf("%.*s%*s%s", (int)len, text, last ? 0 : pad, "", last ? "\n" : "  ");
}

static void
print_block(struct table *t)
{
	const char *cell = t->cells.data;

	if (t->printed == 0)
		for (size_t i = 0; i < t->columns; i++)
			print_cell(t, i, t->titles[i], title_len(t, i));
	for (size_t row = t->printed; cell != NULL && row < t->rows; row++) {
		for (size_t i = 0; i < t->columns; i++) {
			print_cell(t, i, cell, strlen(cell));
			cell += strlen(cell) + 1;
		}
	}
	t->printed = t->rows;
	t->cells.len = 0;
}

void
table_begin(struct table *t, const char *const *titles)
{
	*t = (struct table){ .titles = titles };
	while (titles[t->columns] != NULL && t->columns < TABLE_COLUMNS_MAX) {
		t->widths[t->columns] = title_len(t, t->columns);
		t->columns++;
	}
}

void
table_text(struct table *t, const char *text)
{
	size_t len = strlen(text);

	if (t->printed == 0 && len > t->widths[t->column])
		t->widths[t->column] = len;
	buf_put(&t->cells, text, len + 1);
	if (++t->column < t->columns)
		return;
	t->column = 0;
	if (++t->rows - t->printed == TABLE_BLOCK_ROWS)
		print_block(t);
}

void
table_number(struct table *t, int64_t n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%lld", (long long)n);
	table_text(t, text);
}

void
table_end(struct table *t)
{
	print_block(t);
	buf_done(&t->cells);
}
