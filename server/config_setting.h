/* What a setting of lineca.conf is, and how its text becomes a value.  Inside server/config*.c only. */
#ifndef SERVER_CONFIG_SETTING_H
#define SERVER_CONFIG_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum setting_type {
	SETTING_NUMBER,		/* int64_t within min and max */
	SETTING_CHOICE,		/* int64_t: the index of the value in choices */
	SETTING_TEXT,		/* char[size] */
	SETTING_LIST		/* the same; further lines of it in the same section are added behind a comma */
};

struct setting {
	const char		*section, *name;
	enum setting_type	 type;
	size_t			 offset;	/* into the struct that the section fills */
	const char		*fallback;
	int64_t			 min, max;
	const char *const	*choices;
	size_t			 size;		/* bytes of the member with its NUL */
	bool			(*fits)(const char *text);	/* NULL: any printable text; empty is as good as the default is */
	const char		*needs;		/* what fits wants, in words */
	const char		*help;
};

#define SETTING_IS_NUMBER(section, name, member, fallback, min, max, help) \
	{ section, name, SETTING_NUMBER, member, fallback, min, max, NULL, 0, NULL, NULL, help }
#define SETTING_IS_CHOICE(section, name, member, fallback, choices, help) \
	{ section, name, SETTING_CHOICE, member, fallback, 0, 0, choices, 0, NULL, NULL, help }

/* Writes value into the member of base.  more: a further line of a list.  ERR_CONFIG says what the setting takes. */
ERR_MUST_CHECK enum err_code	setting_set(void *base, const struct setting *s, const char *value, bool more, struct err *e);

/* SETTING_NUMBER and SETTING_CHOICE alone.  ERR_CONFIG. */
ERR_MUST_CHECK enum err_code	setting_number(const struct setting *s, const char *value, int64_t *ret, struct err *e);

/* From one struct to another of the same kind. */
void				setting_copy(void *to, const void *from, const struct setting *s);

/* The one of that name among n; NULL. */
const struct setting		*setting_find(const struct setting *settings, size_t n, const char *name);

/* The help as comment lines, then the setting at its default. */
void				setting_put(struct buf *b, const struct setting *s);

extern const char *const	setting_no_yes[];

#endif
