/* The page's texts in one of its languages, from the same files that web/js/i18n.js reads (web/lang). */
#ifndef SERVER_I18N_H
#define SERVER_I18N_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Everything is the request's own; one thread. */
struct i18n {
	void		*texts;		/* cJSON */
	const char	*tag;		/* of the language, as HTML has it: "en", "zh-Hans" */
};

/* {name} in a text. */
struct i18n_value {
	const char	*name, *text;
};

/*
 * The language of ours that Accept-Language (RFC 9110, 12.5.4; NULL: the header is absent) likes best, English where it names none of them.
 * ERR_NOMEM; i18n_close afterwards in any case.
 */
ERR_MUST_CHECK enum err_code	i18n_open(const char *accept_language, struct i18n *ret, struct err *e);
void				i18n_close(struct i18n *w);		/* also of a zeroed one */

/* The text of a key, lent until i18n_close; the key where there is none. */
const char			*i18n_text(const struct i18n *w, const char *key);
/* Is there a text PREFIX.NAME.SUFFIX (suffix "": PREFIX.NAME)?  *ret is lent as above. */
bool				i18n_find(const struct i18n *w, const char *prefix, const char *name, const char *suffix, const char **ret);

/* Puts a text as HTML, whoever it comes from: nothing of it becomes markup. */
void				i18n_escape(struct buf *b, const char *text);
/* Puts the text of a key as HTML, with the n values in place of their {names}. */
void				i18n_put(struct buf *b, const struct i18n *w, const char *key, const struct i18n_value *values, size_t n);
/* The same for a text that i18n_find gave. */
void				i18n_fill(struct buf *b, const char *text, const struct i18n_value *values, size_t n);

#endif
