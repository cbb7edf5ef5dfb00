#include "config_setting.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"

const char *const setting_no_yes[] = { "no", "yes", NULL };

static enum err_code
parse_number(const struct setting *s, const char *value, int64_t *ret, struct err *e)
{
	if (!number_parse(value, s->min, s->max, ret))
		return err_set(e, ERR_CONFIG, "%s = %.40s: a whole number from %lld to %lld is needed", s->name, value,
		    (long long)s->min, (long long)s->max);
	return ERR_OK;
}

static enum err_code
parse_choice(const struct setting *s, const char *value, int64_t *ret, struct err *e)
{
	char list[128] = "";

	for (int64_t i = 0; s->choices[i] != NULL; i++) {
		size_t len = strlen(list);

		if (strcmp(s->choices[i], value) == 0) {
			*ret = i;
			return ERR_OK;
		}
		(void)snprintf(list + len, sizeof(list) - len, "%s%s", i > 0 ? ", " : "", s->choices[i]);
	}
	return err_set(e, ERR_CONFIG, "%s = %.40s: one of %s is needed", s->name, value, list);
}

enum err_code
setting_number(const struct setting *s, const char *value, int64_t *ret, struct err *e)
{
	return s->type == SETTING_NUMBER ? parse_number(s, value, ret, e) : parse_choice(s, value, ret, e);
}

static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static enum err_code
set_text(char *field, const struct setting *s, const char *value, bool more, struct err *e)
{
	size_t len = more ? strlen(field) : 0;
	/* "a," and "b", "a" and "b": one comma either way */
	const char *comma = len > 0 && field[len - 1] != ',' && *value != '\0' && *value != ',' ? ", " : "";
	bool may_be_empty = *s->fallback == '\0';

	if (!is_printable(value) || (s->fits != NULL && !(*value == '\0' && may_be_empty) && !s->fits(value)))
		return err_set(e, ERR_CONFIG, "%s = %.80s: %s", s->name, value,
		    s->needs != NULL ? s->needs : "it has characters that cannot be printed");
	if (len + strlen(comma) + strlen(value) >= s->size)
		return err_set(e, ERR_CONFIG, "%s: longer than %zu bytes", s->name, s->size - 1);
	(void)snprintf(field + len, s->size - len, "%s%s", comma, value);
	return ERR_OK;
}

enum err_code
setting_set(void *base, const struct setting *s, const char *value, bool more, struct err *e)
{
	char *field = (char *)base + s->offset;
	enum err_code rc;
	int64_t n = 0;

	if (s->type == SETTING_TEXT || s->type == SETTING_LIST)
		return set_text(field, s, value, more && s->type == SETTING_LIST, e);
	if ((rc = setting_number(s, value, &n, e)) == ERR_OK)
		memcpy(field, &n, sizeof(n));
	return rc;
}

void
setting_copy(void *to, const void *from, const struct setting *s)
{
	size_t size = s->type == SETTING_TEXT || s->type == SETTING_LIST ? s->size : sizeof(int64_t);

	memcpy((char *)to + s->offset, (const char *)from + s->offset, size);
}

const struct setting *
setting_find(const struct setting *settings, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

void
setting_put(struct buf *b, const struct setting *s)
{
	const char *line = s->help;

	while (*line != '\0') {
		size_t len = strcspn(line, "\n");

		buf_printf(b, "; %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
	buf_printf(b, *s->fallback != '\0' ? "%s = %s\n\n" : "%s =%s\n\n", s->name, s->fallback);
}
