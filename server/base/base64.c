#include "base/base64.h"

#include <string.h>

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

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
base64_get(const char *text, uint8_t *out, size_t room, size_t *ret_len)
{
	size_t len = strlen(text), n = 0;
	uint32_t bits = 0;
	unsigned count = 0;

	while (len > 0 && text[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		int value = value_of(text[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		if ((count += 6) < 8)
			continue;
		count -= 8;
		if (n == room)
			return false;
		out[n++] = (uint8_t)(bits >> count);
	}
	*ret_len = n;
	return true;
}
