#include "doors/base64.h"

size_t
base64_bytes(size_t len, size_t columns)
{
	size_t chars = (len + 2) / 3 * 4;

	return chars + chars / columns + (chars % columns != 0);
}

/* Four characters for one to three bytes. */
static char *
put_group(char *out, const uint8_t *in, size_t n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t group = (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0) | (n > 2 ? in[2] : 0);

	*out++ = alphabet[group >> 18];
	*out++ = alphabet[group >> 12 & 63];
	*out++ = n > 1 ? alphabet[group >> 6 & 63] : '=';
	*out++ = n > 2 ? alphabet[group & 63] : '=';
	return out;
}

char *
base64_put(char *out, const uint8_t *in, size_t len, size_t columns)
{
	size_t column = 0;

	for (size_t i = 0; i < len; i += 3) {
		out = put_group(out, in + i, len - i);
		if ((column += 4) == columns) {
			*out++ = '\n';
			column = 0;
		}
	}
	if (column > 0)
		*out++ = '\n';
	return out;
}
