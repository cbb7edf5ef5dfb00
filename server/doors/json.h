/*
 * What the doors share that speak JSON: reading a small object, whose texts may be secrets, and writing texts as Go's encoder writes them, byte
 * for byte.
 */
#ifndef DOORS_JSON_H
#define DOORS_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "enroll.h"

/*
 * A body that is one JSON object and nothing else but white space.  ERR_BAD_REQUEST: it is not, or has a NUL, also an escaped one, which would hide what
 * stands behind it.  json_free afterwards.
 */
ERR_MUST_CHECK enum err_code	json_parse(const uint8_t *body, size_t len, cJSON **ret, struct err *e);
void				json_free(cJSON *o);	/* wipes the texts; takes NULL */

/* The member's text, lent by o; NULL: it is absent, null or empty.  ERR_BAD_REQUEST: it is no text, or there are two of that name. */
ERR_MUST_CHECK enum err_code	json_text(const cJSON *o, const char *name, const char **ret, struct err *e);

/* Copies both into ret->owned, the one piece of memory that enroll.c wipes; ret->csr, csr_len and token (NULL: none) lie in it. */
ERR_MUST_CHECK enum err_code	json_keep(const char *csr, const char *token, struct enroll_ask *ret, struct err *e);

/*
 * The text in quotes, escaped as Go's json.Marshal does: also < > and &, so that a browser sees no markup.  What is no ASCII becomes "?": it came from outside, and may
 * be no UTF-8.
 */
void				json_put_text(struct buf *b, const char *text, size_t len);

#endif
