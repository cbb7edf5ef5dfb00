#include "access/token.h"

#include <string.h>

#include "access/secret.h"

enum { PREFIX_BYTES = TOKEN_TEXT_BYTES - SECRET_TEXT_BYTES };

static const char *const prefixes[ROLES] = {
	[ROLE_ENROLL] = "lce", [ROLE_VIEWER] = "lcv", [ROLE_TECHNICIAN] = "lct", [ROLE_ADMIN] = "lca",
};

enum err_code
token_make(enum role r, const struct rnd *rnd, char out[TOKEN_TEXT_BYTES + 1], struct err *e)
{
	char text[SECRET_TEXT_BYTES + 1];
	enum err_code rc;

	if ((unsigned)r >= ROLES || prefixes[r] == NULL)
		return err_set(e, ERR_INTERNAL, "a token for role %d", (int)r);
	if ((rc = secret_make(rnd, text, e)) != ERR_OK)
		return rc;
	memcpy(out, prefixes[r], PREFIX_BYTES);
	memcpy(out + PREFIX_BYTES, text, sizeof(text));
	secret_wipe(text, sizeof(text));
	return ERR_OK;
}

/* What a scanner, a shell or an editor leaves around a text. */
static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
has_form(const char text[TOKEN_TEXT_BYTES])
{
	bool known = false;

	for (unsigned r = 0; r < ROLES; r++)
		known = known || (prefixes[r] != NULL && memcmp(text, prefixes[r], PREFIX_BYTES) == 0);
	return known && secret_is_text(text + PREFIX_BYTES, SECRET_TEXT_BYTES);
}

bool
token_hash(const char *shown, size_t len, uint8_t out[TOKEN_HASH_BYTES])
{
	char text[TOKEN_TEXT_BYTES];
	bool ok;

	for (; len > 0 && is_space(shown[0]); len--)
		shown++;
	for (; len > 0 && is_space(shown[len - 1]);)
		len--;
	if (len != sizeof(text))
		return false;
	for (size_t i = 0; i < len; i++)
		text[i] = shown[i] >= 'A' && shown[i] <= 'Z' ? (char)(shown[i] - 'A' + 'a') : shown[i];
	ok = has_form(text) && secret_hash(text, sizeof(text), out);
	secret_wipe(text, sizeof(text));
	return ok;
}

/* A token that was cut at its end is still a secret. */
enum { MASKED_LEAST = 40 };

static bool
is_base32hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'v') || (c >= 'A' && c <= 'V');
}

void
token_mask(char *text, size_t len)
{
	for (size_t i = 0; i + 3 + MASKED_LEAST <= len; i++) {
		size_t end = i + 3;

		if ((text[i] | 0x20) != 'l' || (text[i + 1] | 0x20) != 'c' || strchr("evtaEVTA", text[i + 2]) == NULL || text[i + 2] == '\0')
			continue;
		while (end < len && is_base32hex(text[end]))
			end++;
		if (end - i - 3 >= MASKED_LEAST)
			memset(text + i + 3, '*', end - i - 3);
	}
}
