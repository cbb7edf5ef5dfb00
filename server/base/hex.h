/* Hexadecimal, lower case out, either case in.  No allocation. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes 2 * len digits and a NUL to out, which must have room for them. */
void	hex_encode(const uint8_t *in, size_t len, char *out);

/* Reads exactly 2 * len digits and then the end of the string.  False: not that; out is unspecified. */
bool	hex_decode(const char *in, uint8_t *out, size_t len);

/* Is c one of 0-9 a-f A-F? */
bool	hex_digit(char c);

#endif
