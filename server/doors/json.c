#include "doors/json.h"

#include <stdlib.h>
#include <string.h>

static bool
is_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p == end;
}

enum err_code
json_parse(const uint8_t *body, size_t len, cJSON **ret, struct err *e)
{
	static const char nul[] = "\\u0000";
	const char *text = (const char *)body, *end = NULL;
	cJSON *o = NULL;

	if (len > 0 && (memchr(text, '\0', len) != NULL || memmem(text, len, nul, sizeof(nul) - 1) != NULL))
		return err_say(e, ERR_BAD_REQUEST, "The body has a NUL, which no name and no text can have. Send it without.");
	if (len > 0)
		o = cJSON_ParseWithLengthOpts(text, len, &end, false);
	if (!cJSON_IsObject(o) || !is_blank(end, text + len)) {
		json_free(o);
		return err_say(e, ERR_BAD_REQUEST, "One JSON object is needed as the body.");
	}
	*ret = o;
	return ERR_OK;
}

static void
wipe(cJSON *o)
{
	for (; o != NULL; o = o->next) {
		if (o->valuestring != NULL)
			explicit_bzero(o->valuestring, strlen(o->valuestring));
		wipe(o->child);
	}
}

void
json_free(cJSON *o)
{
	wipe(o);
	cJSON_Delete(o);
}

enum err_code
json_text(const cJSON *o, const char *name, const char **ret, struct err *e)
{
	const cJSON *item, *found = NULL;

	cJSON_ArrayForEach(item, o) {
		if (strcmp(item->string, name) != 0)
			continue;
		/* which of the two another program would take nobody knows */
		if (found != NULL)
			return err_say(e, ERR_BAD_REQUEST, "%s: it is there twice.", name);
		found = item;
	}
	if (found != NULL && !cJSON_IsString(found) && !cJSON_IsNull(found))
		return err_say(e, ERR_BAD_REQUEST, "%s: a text is needed.", name);
	*ret = cJSON_GetStringValue(found);
	if (*ret != NULL && **ret == '\0')
		*ret = NULL;
	return ERR_OK;
}

enum err_code
json_keep(const char *csr, const char *token, struct enroll_ask *ret, struct err *e)
{
	size_t csr_len = strlen(csr), token_len = token != NULL ? strlen(token) : 0;
	char *owned = malloc(csr_len + token_len + 1);

	if (owned == NULL)
		return err_set(e, ERR_NOMEM, "a request of %zu bytes", csr_len);
	/* no NUL between them: the whole is one string to whoever wipes it */
	memcpy(owned, csr, csr_len);
	if (token != NULL)
		memcpy(owned + csr_len, token, token_len);
	owned[csr_len + token_len] = '\0';
	ret->owned = owned;
	ret->csr = (const uint8_t *)owned;
	ret->csr_len = csr_len;
	ret->token = token != NULL ? owned + csr_len : NULL;
	return ERR_OK;
}

static void
put_character(struct buf *b, char c)
{
	switch (c) {
	case '"':
		buf_puts(b, "\\\"");
		break;
	case '\\':
		buf_puts(b, "\\\\");
		break;
	case '\n':
		buf_puts(b, "\\n");
		break;
	case '\r':
		buf_puts(b, "\\r");
		break;
	case '\t':
		buf_puts(b, "\\t");
		break;
	case '<':
	case '>':
	case '&':
		buf_printf(b, "\\u%04x", (unsigned)c);
		break;
	default:
		if ((unsigned char)c > 0x7f)
			buf_puts(b, "?");
		else if ((unsigned char)c < 0x20)
			buf_printf(b, "\\u%04x", (unsigned)c);
		else
			buf_put(b, &c, 1);
	}
}

void
json_put_text(struct buf *b, const char *text, size_t len)
{
	buf_puts(b, "\"");
	for (size_t i = 0; i < len; i++) {
		/* runs of plain characters at once: a PEM block is little else */
		size_t plain = i;

		while (plain < len && (unsigned char)text[plain] >= 0x20 && (unsigned char)text[plain] <= 0x7f &&
		    strchr("\"\\<>&", text[plain]) == NULL)
			plain++;
		buf_put(b, text + i, plain - i);
		if ((i = plain) < len)
			put_character(b, text[i]);
	}
	buf_puts(b, "\"");
}
