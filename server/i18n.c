#include "i18n.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "web/assets.h"

static const struct language {
	const char	*code, *tag, *path;
} languages[] = {
	{ "en", "en", "/lang/en.json" },	/* for all others too */
	{ "de", "de", "/lang/de.json" },
	{ "es", "es", "/lang/es.json" },
	{ "vi", "vi", "/lang/vi.json" },
	{ "zh", "zh-Hans", "/lang/zh.json" },
};

enum { LANGUAGES = sizeof(languages) / sizeof(languages[0]) };

/* The language of a range like "de-AT"; NULL: none of ours. */
static const struct language *
language_of(const char *range, size_t len)
{
	for (size_t i = 0; i < LANGUAGES; i++)
		if (len >= 2 && strncasecmp(range, languages[i].code, 2) == 0 && (len == 2 || range[2] == '-'))
			return &languages[i];
	return NULL;
}

/* "q=0.8" in what follows the range; 1 where it does not stand. */
static double
weight(const char *p, size_t len)
{
	const char *at = memchr(p, '=', len);
	double q = at != NULL ? strtod(at + 1, NULL) : 1;

	return q >= 0 && q <= 1 ? q : 0;
}

static const struct language *
choose(const char *p)
{
	const struct language *best = NULL, *one;
	double most = 0, q;

	while (p != NULL && *p != '\0') {
		size_t len;

		p += strspn(p, " \t,");
		len = strcspn(p, ",");
		one = language_of(p, strcspn(p, ",; \t"));
		q = one != NULL ? weight(p, len) : 0;
		/* of two that are liked alike, the one named first */
		if (q > most) {
			best = one;
			most = q;
		}
		p += len;
	}
	return best != NULL ? best : &languages[0];
}

enum err_code
i18n_open(const char *accept_language, struct i18n *ret, struct err *e)
{
	const struct language *language = choose(accept_language);
	const struct asset *a = asset_find(language->path);

	ret->tag = language->tag;
	ret->texts = a != NULL ? cJSON_ParseWithLength(a->data, (size_t)(a->end - a->data)) : NULL;
	return ret->texts != NULL ? ERR_OK : err_set(e, ERR_NOMEM, "i18n");
}

void
i18n_close(struct i18n *w)
{
	cJSON_Delete(w->texts);
	w->texts = NULL;
}

const char *
i18n_text(const struct i18n *w, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(w->texts, key));

	return text != NULL ? text : key;
}

bool
i18n_find(const struct i18n *w, const char *prefix, const char *name, const char *suffix, const char **ret)
{
	char key[96];
	int len = snprintf(key, sizeof(key), "%s.%s%s%s", prefix, name, *suffix != '\0' ? "." : "", suffix);
	const char *text = len > 0 && (size_t)len < sizeof(key) ? cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(w->texts, key)) : NULL;

	if (text == NULL)
		return false;
	*ret = text;
	return true;
}

static void
escape(struct buf *b, const char *text, size_t len)
{
	for (; len > 0; text++, len--) {
		switch (*text) {
		case '&':
			buf_puts(b, "&amp;");
			break;
		case '<':
			buf_puts(b, "&lt;");
			break;
		case '>':
			buf_puts(b, "&gt;");
			break;
		case '"':
			buf_puts(b, "&quot;");
			break;
		case '\'':
			buf_puts(b, "&#39;");
			break;
		default:
			buf_put(b, text, 1);
		}
	}
}

void
i18n_escape(struct buf *b, const char *text)
{
	escape(b, text, strlen(text));
}

void
i18n_fill(struct buf *b, const char *text, const struct i18n_value *values, size_t n)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "{"), name, i = 0;

		escape(b, text, len);
		text += len;
		if (*text == '\0')
			return;
		name = strcspn(text + 1, "}");
		while (i < n && (strlen(values[i].name) != name || strncmp(values[i].name, text + 1, name) != 0))
			i++;
		if (i == n || text[1 + name] == '\0') {
			escape(b, text++, 1);	/* no value has that name: it stays */
			continue;
		}
		i18n_escape(b, values[i].text);
		text += name + 2;
	}
}

void
i18n_put(struct buf *b, const struct i18n *w, const char *key, const struct i18n_value *values, size_t n)
{
	i18n_fill(b, i18n_text(w, key), values, n);
}
