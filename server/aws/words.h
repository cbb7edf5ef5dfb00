/* Words as a POSIX shell has them, without a shell: blanks, two kinds of quotes, backslash (Python's shlex.split). */
#ifndef AWS_WORDS_H
#define AWS_WORDS_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Splits text, which is written over and must outlive the words.  *ret ends with NULL and is the caller's to free, not its
 * members.  ERR_CONFIG: a quote without its fellow, a backslash at the end; nothing of the text is in the error.
 */
ERR_MUST_CHECK enum err_code	words_split(char *text, char ***ret, struct err *e);

/* In place: the words with one blank between them.  false: a quote without its fellow. */
bool				words_join(char *text);

#endif
