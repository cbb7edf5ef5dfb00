/* Aligned columns for people, or JSON lines for programs, on standard output. */
#ifndef SERVER_TABLE_H
#define SERVER_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { TABLE_COLUMNS_MAX = 12, TABLE_BLOCK_ROWS = 1000 };

/*
 * Rows are gathered and printed in blocks, the widths taken from the first: a list of millions is printed while it is read.
 * A column whose title ends with '>' is aligned to the right.
 */
struct table {
	const char	*const *titles;		/* NULL-terminated */
	size_t		 columns, column;	/* how many, and the next */
	size_t		 widths[TABLE_COLUMNS_MAX];
	size_t		 rows, printed;
	struct buf	 cells;			/* NUL-terminated texts, row after row */
};

void	table_begin(struct table *t, const char *const *titles);
void	table_text(struct table *t, const char *text);
void	table_number(struct table *t, int64_t n);
void	table_end(struct table *t);	/* prints what is left and frees */

#endif
