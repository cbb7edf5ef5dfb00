/* Base64 (RFC 4648 4) in lines of 64 columns, each ended by a line feed, the last one too: as EST clients want it. */
#ifndef DOORS_BASE64_H
#define DOORS_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Characters that base64_put writes for len bytes. */
size_t	base64_bytes(size_t len);

/* Writes exactly base64_bytes(len) characters, and no NUL.  Returns where they end. */
char	*base64_put(char *out, const uint8_t *in, size_t len);

#endif
