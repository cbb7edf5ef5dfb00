/*
 * One line an event on standard error, key=value:
 *
 *     2026-11-20T20:25:00.123456Z info enroll request=5f... device=line-1:0042 status=201 total_us=812
 *
 * Each line is one write(2), so lines of several threads never mix.  Values from outside are quoted and escaped when
 * they are anything but plain: a device cannot forge a line.  Never given a key or a CSR.  When standard error cannot take a
 * line at once, the line is dropped, and the next that can be written is followed by how many were.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Lines below this level are not written.  Set once, before threads start. */
void	log_set_level(enum log_level level);

/*
 * What makes secrets unreadable in a line, in place, before it is written: somebody scans a badge into the wrong field.  Set once, before threads start.  log_mask does the same
 * for texts that go elsewhere.
 */
void	log_set_mask(void (*mask)(char *text, size_t len));
void	log_mask(char *text);

struct log_line {
	enum log_level	level;
	size_t		len;
	char		text[LIMIT_LOG_LINE_BYTES];
};

void	log_begin(struct log_line *l, enum log_level level, const char *event);
void	log_text(struct log_line *l, const char *key, const char *value);	/* escaped; "" and NULL are left out */
void	log_number(struct log_line *l, const char *key, int64_t value);
void	log_end(struct log_line *l);						/* writes it */

/* An event with one text; and an event that an error ended. */
void	log_event(enum log_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void	log_err(enum log_level level, const char *event, const struct err *e);

#endif
