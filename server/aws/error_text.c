#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "aws/error.h"

/* The length of the well-formed UTF-8 character at s (RFC 3629 4), its code point in *ret; 0: there is none. */
static size_t
utf8_character(const unsigned char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	uint32_t c;

	if (n == 0 || n > len)
		return 0;
	c = n == 1 ? s[0] : s[0] & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fU);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return n;
}

static bool
is_blank(uint32_t c)
{
	return c <= ' ' || (c >= 0x7f && c <= 0xa0) || c == 0x2028 || c == 0x2029;
}

/* Marks that turn the order of a line around, or are not seen at all. */
static bool
is_trickery(uint32_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

void
aws_error_line(char *out, size_t size, const char *text, size_t len)
{
	size_t used = 0;
	bool gap = false;

	for (size_t i = 0; i < len;) {
		const char *from = text + i;
		uint32_t c = 0;
		size_t n = utf8_character((const unsigned char *)from, len - i, &c);

		i += n > 0 ? n : 1;
		if (n > 0 && is_blank(c)) {
			gap = used > 0;
			continue;
		}
		if (n == 0 || is_trickery(c)) {
			from = "?";
			n = 1;
		}
		if (used + gap + n >= size)
			break;
		if (gap)
			out[used++] = ' ';
		gap = false;
		memcpy(out + used, from, n);
		used += n;
	}
	out[used] = '\0';
}

/* The five entities of XML; others stay as they are. */
static size_t
unescape(char *text)
{
	static const struct {
		const char	*name;
		char		 c;
	} entities[] = { { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&apos;", '\'' }, { "&#39;", '\'' }, { "&amp;", '&' } };
	size_t used = 0;

	for (const char *p = text; *p != '\0';) {
		size_t n = 1;
		char c = *p;

		for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
			if (strncmp(p, entities[i].name, strlen(entities[i].name)) == 0) {
				n = strlen(entities[i].name);
				c = entities[i].c;
				break;
			}
		text[used++] = c;
		p += n;
	}
	text[used] = '\0';
	return used;
}

bool
aws_error_xml(const char *xml, const char *tag, char *out, size_t size)
{
	char open[64], close[64], text[2048];
	const char *begin, *end;
	size_t len;

	(void)snprintf(open, sizeof(open), "<%s>", tag);
	(void)snprintf(close, sizeof(close), "</%s>", tag);
	if ((begin = strstr(xml, open)) == NULL)
		return false;
	begin += strlen(open);
	if ((end = strstr(begin, close)) == NULL)
		return false;
	if ((len = (size_t)(end - begin)) >= sizeof(text))
		len = sizeof(text) - 1;
	memcpy(text, begin, len);
	text[len] = '\0';
	aws_error_line(out, size, text, unescape(text));
	return true;
}
