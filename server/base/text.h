/* Texts that are cut. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* How much of a UTF-8 text of len bytes to keep where max_bytes are allowed: cut between two characters (RFC 3629 3).  Any thread. */
size_t	text_fit(const char *text, size_t len, size_t max_bytes);

#endif
