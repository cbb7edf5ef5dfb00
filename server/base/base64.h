/* Base64 (RFC 4648 4). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In lines, each ended by a line feed, the last one too.  Characters in a line: a multiple of four. */
#define BASE64_COLUMNS	((size_t)64)
#define BASE64_ONE_LINE	(SIZE_MAX / 4 * 4)

/* Characters that base64_put writes for len bytes. */
size_t	base64_bytes(size_t len, size_t columns);

/* Writes exactly base64_bytes(len, columns) characters, and no NUL.  Returns where they end. */
char	*base64_put(char *out, const uint8_t *in, size_t len, size_t columns);

/* The whole text, without lines, padded or not.  False: something else in it, or more than room bytes. */
bool	base64_get(const char *text, uint8_t *out, size_t room, size_t *ret_len);

#endif
