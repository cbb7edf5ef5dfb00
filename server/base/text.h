/* Texts that are cut, or cleaned. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* How much of a UTF-8 text of len bytes to keep where max_bytes are allowed: cut between two characters (RFC 3629 3).  Any thread. */
size_t	text_fit(const char *text, size_t len, size_t max_bytes);

/*
 * A copy that is one line of UTF-8, whatever came: cut to fit, and what is no character or a control character (also those of Latin-1) becomes '?'.
 */
void	text_line(const char *text, char *out, size_t out_size);

#endif
