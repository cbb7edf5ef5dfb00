#include "ca/der.h"

#include <string.h>

#include "base/clock.h"

void
der_writer_init(struct der_writer *w, uint8_t *buf, size_t len)
{
	*w = (struct der_writer){ .start = buf, .p = buf + len, .end = buf + len };
}

size_t
der_mark(const struct der_writer *w)
{
	return (size_t)(w->end - w->p);
}

/* Room for len more bytes, or NULL once the buffer was too small. */
static uint8_t *
claim(struct der_writer *w, size_t len)
{
	if (w->full || len > (size_t)(w->p - w->start)) {
		w->full = true;
		return NULL;
	}
	w->p -= len;
	return w->p;
}

void
der_put(struct der_writer *w, const void *bytes, size_t len)
{
	uint8_t *p = claim(w, len);

	if (p != NULL && len > 0)
		memcpy(p, bytes, len);
}

static void
put_octet(struct der_writer *w, uint8_t octet)
{
	uint8_t *p = claim(w, 1);

	if (p != NULL)
		*p = octet;
}

static void
put_header(struct der_writer *w, uint8_t tag, size_t len)
{
	uint8_t octets = 0;

	if (len < 0x80) {
		put_octet(w, (uint8_t)len);
	} else {
		for (; len > 0; len >>= 8, octets++)
			put_octet(w, (uint8_t)(len & 0xff));
		put_octet(w, (uint8_t)(0x80 | octets));
	}
	put_octet(w, tag);
}

void
der_wrap(struct der_writer *w, uint8_t tag, size_t mark)
{
	put_header(w, tag, der_mark(w) - mark);
}

void
der_put_element(struct der_writer *w, uint8_t tag, const void *content, size_t len)
{
	der_put(w, content, len);
	put_header(w, tag, len);
}

void
der_put_octet_bits(struct der_writer *w, const void *bytes, size_t len)
{
	der_put(w, bytes, len);
	put_octet(w, 0);
	put_header(w, DER_BIT_STRING, len + 1);
}

void
der_put_unsigned(struct der_writer *w, const uint8_t *magnitude, size_t len)
{
	size_t mark = der_mark(w);

	for (; len > 0 && magnitude[0] == 0; len--)
		magnitude++;
	der_put(w, magnitude, len);
	if (len == 0 || magnitude[0] >= 0x80)
		put_octet(w, 0);
	der_wrap(w, DER_INTEGER, mark);
}

static void
put_two_digits(struct der_writer *w, int value)
{
	uint8_t *p = claim(w, 2);

	if (p != NULL) {
		p[0] = (uint8_t)('0' + value / 10 % 10);
		p[1] = (uint8_t)('0' + value % 10);
	}
}

void
der_put_time(struct der_writer *w, int64_t s)
{
	struct civil c = clock_civil(s);
	bool utc_time = c.year >= 1950 && c.year < 2050;
	size_t mark = der_mark(w);

	put_octet(w, 'Z');
	put_two_digits(w, c.second);
	put_two_digits(w, c.minute);
	put_two_digits(w, c.hour);
	put_two_digits(w, c.day);
	put_two_digits(w, c.month);
	put_two_digits(w, c.year % 100);
	if (!utc_time)
		put_two_digits(w, c.year / 100);
	der_wrap(w, utc_time ? DER_UTC_TIME : DER_GENERALIZED_TIME, mark);
}
