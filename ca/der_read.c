#include "ca/der.h"

#include <string.h>

#include "base/limits.h"

enum {
	TAG_CONSTRUCTED = 0x20,
	TAG_CLASS = 0xc0,
	TAG_NUMBER = 0x1f
};

/* Length octets behind the tag at p[1]; false if not definite, shortest and at most 2^24 - 1. */
static bool
read_length(const struct der *in, size_t *ret_header, size_t *ret_len)
{
	size_t n, len = 0;

	if (in->len < 2)
		return false;
	if (in->p[1] < 0x80) {
		*ret_header = 2;
		*ret_len = in->p[1];
		return true;
	}
	n = in->p[1] & 0x7f;
	if (n == 0 || n > 3 || in->len < 2 + n || in->p[2] == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		len = len << 8 | in->p[2 + i];
	if (len < 0x80)
		return false;
	*ret_header = 2 + n;
	*ret_len = len;
	return true;
}

bool
der_next(struct der *in, uint8_t *ret_tag, struct der *ret_content)
{
	struct der content;
	size_t header, len;

	if (!read_length(in, &header, &len) || (in->p[0] & TAG_NUMBER) == TAG_NUMBER || len > in->len - header)
		return false;
	*ret_tag = in->p[0];
	content = (struct der){ in->p + header, len };
	in->p += header + len;
	in->len -= header + len;
	*ret_content = content;		/* last: it may be in itself */
	return true;
}

bool
der_take(struct der *in, uint8_t tag, struct der *ret_content)
{
	uint8_t found;

	return der_peek(in, tag) && der_next(in, &found, ret_content);
}

bool
der_take_element(struct der *in, uint8_t tag, struct der *ret_element)
{
	const uint8_t *start = in->p;
	struct der content;

	if (!der_take(in, tag, &content))
		return false;
	*ret_element = (struct der){ start, (size_t)(in->p - start) };
	return true;
}

bool
der_peek(const struct der *in, uint8_t tag)
{
	return in->len > 0 && in->p[0] == tag;
}

bool
der_take_octet_bits(struct der *in, struct der *ret_octets)
{
	struct der content, rest = *in;

	if (!der_take(&rest, DER_BIT_STRING, &content) || content.len < 1 || content.p[0] != 0)
		return false;
	*ret_octets = (struct der){ content.p + 1, content.len - 1 };
	*in = rest;
	return true;
}

static bool
integer_ok(struct der c)
{
	if (c.len == 0)
		return false;
	return c.len == 1 || !((c.p[0] == 0x00 && c.p[1] < 0x80) || (c.p[0] == 0xff && c.p[1] >= 0x80));
}

bool
der_take_unsigned(struct der *in, struct der *ret_magnitude)
{
	struct der c, rest = *in;

	if (!der_take(&rest, DER_INTEGER, &c) || !integer_ok(c) || c.p[0] >= 0x80)
		return false;
	if (c.p[0] == 0) {
		c.p++;
		c.len--;
	}
	*ret_magnitude = c;
	*in = rest;
	return true;
}

bool
der_oid_ok(struct der c)
{
	bool first = true;	/* of the octets of one arc */

	if (c.len == 0 || c.p[c.len - 1] >= 0x80)
		return false;
	for (size_t i = 0; i < c.len; i++) {
		if (first && c.p[i] == 0x80)
			return false;
		first = c.p[i] < 0x80;
	}
	return true;
}

static bool
bits_ok(struct der c)
{
	unsigned unused;

	if (c.len == 0 || (unused = c.p[0]) > 7)
		return false;
	if (c.len == 1)
		return unused == 0;
	return (c.p[c.len - 1] & ((1u << unused) - 1)) == 0;
}

static bool
primitive_ok(uint8_t tag, struct der c)
{
	switch (tag) {
	case DER_BOOLEAN:
		return c.len == 1 && (c.p[0] == 0x00 || c.p[0] == 0xff);
	case DER_INTEGER:
		return integer_ok(c);
	case DER_BIT_STRING:
		return bits_ok(c);
	case DER_NULL:
		return c.len == 0;
	case DER_OID:
		return der_oid_ok(c);
	case DER_BMP_STRING:
		return c.len % 2 == 0;
	case DER_UNIVERSAL_STRING:
		return c.len % 4 == 0;
	case 0x00:			/* end of contents: BER only */
	case DER_SEQUENCE & ~TAG_CONSTRUCTED:
	case DER_SET & ~TAG_CONSTRUCTED:
		return false;
	default:
		return true;		/* other strings, times: their content is judged where it is used */
	}
}

/* One element off the front, looked into.  Universal types other than SEQUENCE and SET are primitive in DER. */
static bool
check_next(struct der *in, unsigned depth)
{
	struct der content;
	uint8_t tag;

	if (depth == 0 || !der_next(in, &tag, &content))
		return false;
	if ((tag & TAG_CONSTRUCTED) == 0)
		return primitive_ok(tag, content);
	if ((tag & TAG_CLASS) == 0 && tag != DER_SEQUENCE && tag != DER_SET)
		return false;
	while (content.len > 0)
		if (!check_next(&content, depth - 1))
			return false;
	return true;
}

bool
der_check(struct der element)
{
	return check_next(&element, LIMIT_DER_DEPTH) && element.len == 0;
}

bool
der_equal(struct der a, const void *bytes, size_t len)
{
	return a.len == len && (len == 0 || memcmp(a.p, bytes, len) == 0);
}
