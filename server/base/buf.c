#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for len more bytes and a NUL. */
static bool
buf_grow(struct buf *b, size_t len)
{
	size_t room = b->room == 0 ? 512 : b->room;
	char *data;

	if (b->failed)
		return false;
	while (room - b->len <= len) {
		if (room > (size_t)-1 / 2) {
			b->failed = true;
			return false;
		}
		room *= 2;
	}
	if (room == b->room)
		return true;
	if ((data = realloc(b->data, room)) == NULL) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->room = room;
	return true;
}

void
buf_put(struct buf *b, const void *data, size_t len)
{
	if (!buf_grow(b, len))
		return;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_puts(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		b->failed = true;
	else if (buf_grow(b, (size_t)n)) {
		(void)vsnprintf(b->data + b->len, b->room - b->len, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

char *
buf_take(struct buf *b, size_t *ret_len)
{
	char *data = NULL;

	buf_put(b, "", 0);	/* an empty text is a text too */
	if (!b->failed) {
		data = b->data;
		*ret_len = b->len;
		b->data = NULL;
	}
	buf_done(b);
	return data;
}

void
buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}
