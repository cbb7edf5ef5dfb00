#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "db/store_internal.h"

enum err_code
search_init(struct search *s, const char *text, int64_t limit,
    enum err_code (*row)(void *, const struct store_certificate *, enum store_match, struct err *), void *arg, struct err *e)
{
	size_t	i;

	*s = (struct search){ .text = text, .len = strlen(text), .limit = limit, .row = row, .arg = arg };
	if (s->len < STORE_SEARCH_MIN_BYTES)
		return err_say(e, ERR_BAD_REQUEST, "A search needs at least %d characters.", STORE_SEARCH_MIN_BYTES);
	if (limit < 1 || limit > LIMIT_PAGE_ROWS)
		return err_set(e, ERR_INTERNAL, "search: a limit of %lld", (long long)limit);
	for (i = 0; i < s->len && hex_digit(text[i]); i++)
		;
	s->is_hex = i == s->len;
	if ((s->devices = calloc((size_t)limit, sizeof(*s->devices))) == NULL)
		return err_set(e, ERR_NOMEM, "search");
	return ERR_OK;
}

void
search_done(struct search *s)
{
	free(s->devices);
	s->devices = NULL;
}

static unsigned
digit_value(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

bool
search_begins(const struct search *s, const uint8_t *octets, size_t n)
{
	size_t	i;

	if (!s->is_hex || s->len > 2 * n)
		return false;
	for (i = 0; i < s->len; i++) {
		if (digit_value(s->text[i]) != (unsigned)(i % 2 == 0 ? octets[i / 2] >> 4 : octets[i / 2] & 0xf))
			return false;
	}
	return true;
}

void
search_range(const struct search *s, size_t digits, uint64_t *ret_low, uint64_t *ret_high)
{
	uint64_t	low = 0, high = 0;
	size_t		i;

	for (i = 0; i < digits; i++) {
		low = low << 4 | (i < s->len ? digit_value(s->text[i]) : 0);
		high = high << 4 | (i < s->len ? digit_value(s->text[i]) : 0xf);
	}
	*ret_low = low;
	*ret_high = high;
}

enum err_code
search_show(struct search *s, const struct store_certificate *c, enum store_match match, struct err *e)
{
	int64_t	i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->devices[i], c->device_id) == 0)
			return ERR_OK;
	}
	if (s->n == s->limit) {
		s->more = true;
		return ERR_OK;
	}
	memcpy(s->devices[s->n++], c->device_id, sizeof(c->device_id));
	return s->row(s->arg, c, match, e);
}
