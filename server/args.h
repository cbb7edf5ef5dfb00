/* Options and operands of one command. */
#ifndef SERVER_ARGS_H
#define SERVER_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cmd.h"

/* "--name VALUE" when value is set, "--name" when flag is; a table ends with a NULL name. */
struct arg_option {
	const char	*name;
	const char	**value;
	bool		*flag;
};

/*
 * Reads options and operands in any order, an option with a value once; --home is taken everywhere.  operands gets the operands, at least
 * min and at most max of them; the others are NULL.  ERR_USAGE in words; "help COMMAND" says the rest.
 */
ERR_MUST_CHECK enum err_code	args_parse(struct cmd *c, const struct arg_option *options, int min, int max,
				    const char **operands, struct err *e);

/* A whole number within bounds.  ERR_USAGE naming the option. */
ERR_MUST_CHECK enum err_code	args_number(const char *option, const char *text, int64_t min, int64_t max, int64_t *ret,
				    struct err *e);

/* A name of 1 to LIMIT_NAME_BYTES of A-Za-z0-9_.- that can stand in a URL.  ERR_USAGE. */
ERR_MUST_CHECK enum err_code	args_name(const char *what, const char *text, struct err *e);

/* A name of at most LIMIT_NAME_BYTES as a shell takes it: plain, or in quotes.  For commands that messages suggest. */
enum { ARGS_WORD_BYTES = 4 * LIMIT_NAME_BYTES + 3 };
void				args_shell_word(const char *name, char out[ARGS_WORD_BYTES]);

#endif
