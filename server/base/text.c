#include "base/text.h"

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
