#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Long texts are cut between two characters, so that what is UTF-8 stays it.  One byte more than fits shows where one begins. */
__attribute__((format(printf, 2, 0))) static void
put_text(char out[ERR_LOG_TEXT_BYTES], const char *fmt, va_list ap)
{
	char wide[ERR_LOG_TEXT_BYTES + 1] = "";
	size_t len;

	(void)vsnprintf(wide, sizeof(wide), fmt, ap);
	len = text_fit(wide, strlen(wide), ERR_LOG_TEXT_BYTES - 1);
	memcpy(out, wide, len);
	out[len] = '\0';
}

enum err_code
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return code;
	e->code = code;
	e->client_text[0] = '\0';
	va_start(ap, fmt);
	put_text(e->log_text, fmt, ap);
	va_end(ap);
	return code;
}

enum err_code
err_say(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return code;
	e->code = code;
	va_start(ap, fmt);
	put_text(e->client_text, fmt, ap);
	va_end(ap);
	memcpy(e->log_text, e->client_text, sizeof(e->log_text));
	return code;
}

_Static_assert(ERR_LOG_TEXT_BYTES == ERR_CLIENT_TEXT_BYTES, "err_say copies one into the other");

const char *
err_name(enum err_code code)
{
	static const char *const names[] = {
#define X(c, n) [c] = n,
		ERR_LIST(X)
#undef X
	};

	return names[code];
}

void
err_clear(struct err *e)
{
	e->code = ERR_OK;
	e->log_text[0] = '\0';
	e->client_text[0] = '\0';
}
