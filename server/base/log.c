#include "base/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static enum log_level log_least = LOG_INFO;
static void (*secret_mask)(char *text, size_t len);
static atomic_uint log_lost;	/* lines since the last that could be written */

void
log_set_level(enum log_level level)
{
	log_least = level;
}

static const char *
level_name(enum log_level level)
{
	switch (level) {
	case LOG_DEBUG:
		return "debug";
	case LOG_INFO:
		return "info";
	case LOG_WARN:
		return "warn";
	case LOG_ERROR:
		return "error";
	}
	return "?";
}

/* Appends what fits; one byte is kept for the newline. */
static void
put(struct log_line *l, const char *text, size_t len)
{
	size_t room = sizeof(l->text) - 1 - l->len;

	if (len > room)
		len = room;
	memcpy(l->text + l->len, text, len);
	l->len += len;
}

static void
put_text(struct log_line *l, const char *text)
{
	put(l, text, strlen(text));
}

void
log_begin(struct log_line *l, enum log_level level, const char *event)
{
	char now[CLOCK_TEXT_BYTES];

	l->level = level;
	l->len = 0;
	clock_format_us(clock_system.now_us(&clock_system), now);
	put_text(l, now);
	put(l, " ", 1);
	put_text(l, level_name(level));
	put(l, " ", 1);
	put_text(l, event);
}

/* May c stand in a value without quotes? */
static bool
plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("_.:/-+,@%", c) != NULL);
}

static void
put_escaped(struct log_line *l, const char *value)
{
	char hex[8];

	put(l, "\"", 1);
	for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\') {
			char two[2] = { '\\', (char)*p };

			put(l, two, 2);
		} else if (*p >= 0x20 && *p < 0x7f) {
			put(l, (const char *)p, 1);
		} else {
			(void)snprintf(hex, sizeof(hex), "\\x%02x", *p);
			put(l, hex, 4);
		}
	}
	put(l, "\"", 1);
}

void
log_text(struct log_line *l, const char *key, const char *value)
{
	const unsigned char *p = (const unsigned char *)value;

	if (value == NULL || *value == '\0')
		return;
	put(l, " ", 1);
	put_text(l, key);
	put(l, "=", 1);
	while (plain(*p))
		p++;
	if (*p == '\0')
		put_text(l, value);
	else
		put_escaped(l, value);
}

void
log_number(struct log_line *l, const char *key, int64_t value)
{
	char digits[24], *p = digits + sizeof(digits);
	uint64_t rest = value < 0 ? (uint64_t)-(value + 1) + 1 : (uint64_t)value;

	put(l, " ", 1);
	put_text(l, key);
	put(l, "=", 1);
	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		*--p = '-';
	put(l, p, (size_t)(digits + sizeof(digits) - p));
}

/* A line must never wait for its reader: a stalled journal would stop the factory's line. */
static bool
log_ready(void)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&fd, 1, 0) == 1;
}

static void
log_say_lost(void)
{
	unsigned lost = atomic_exchange(&log_lost, 0);
	struct log_line l;

	if (lost == 0)
		return;
	log_begin(&l, LOG_WARN, "log");
	log_number(&l, "lost_lines", lost);
	log_end(&l);
}

void
log_end(struct log_line *l)
{
	if (l->level < log_least)
		return;
	if (secret_mask != NULL)
		secret_mask(l->text, l->len);
	l->text[l->len++] = '\n';
	if (!log_ready()) {
		atomic_fetch_add(&log_lost, 1);
		return;
	}
	/* nothing can be said about a log that cannot be written */
	if (write(STDERR_FILENO, l->text, l->len) < 0)
		return;
	if (atomic_load_explicit(&log_lost, memory_order_relaxed) > 0)
		log_say_lost();
}

void
log_set_mask(void (*mask)(char *text, size_t len))
{
	secret_mask = mask;
}

void
log_mask(char *text)
{
	if (secret_mask != NULL)
		secret_mask(text, strlen(text));
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	char text[LIMIT_LOG_LINE_BYTES];
	struct log_line l;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_begin(&l, level, event);
	log_text(&l, "message", text);
	log_end(&l);
}

void
log_err(enum log_level level, const char *event, const struct err *e)
{
	struct log_line l;

	log_begin(&l, level, event);
	log_text(&l, "code", err_name(e->code));
	log_text(&l, "message", e->log_text);
	log_end(&l);
}
