#include "base/text.h"

#include <string.h>

size_t
text_fit(const char *text, size_t len, size_t max_bytes)
{
	if (len <= max_bytes)
		return len;
	/* 10xxxxxx goes on with a character of UTF-8 */
	while (max_bytes > 0 && ((unsigned char)text[max_bytes] & 0xc0) == 0x80)
		max_bytes--;
	return max_bytes;
}

/* How many octets the character of UTF-8 at p has (RFC 3629 4); 0: none is there, or one that ends or upsets a line. */
static size_t
character_len(const unsigned char *p)
{
	size_t i, len = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

	if (len == 1)
		return p[0] < 0x20 || p[0] == 0x7f ? 0 : 1;
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	/* longer than need be, a half of a pair, beyond the last, and the control characters of Latin-1 */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] >= 0x90) || (p[0] == 0xc2 && p[1] < 0xa0))
		return 0;
	return len;
}

void
text_line(const char *text, char *out, size_t out_size)
{
	size_t len = text_fit(text, strlen(text), out_size - 1), i = 0, n;

	memcpy(out, text, len);
	out[len] = '\0';
	while (i < len) {
		if ((n = character_len((const unsigned char *)out + i)) == 0) {
			out[i] = '?';
			n = 1;
		}
		i += n;
	}
}
