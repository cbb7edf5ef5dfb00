#include <string.h>

#include "db/memory/store_memory.h"

enum err_code
memory_identifiers_settle(struct store *s, int64_t max_rows, struct err *e)
{
	(void)s;
	(void)max_rows;
	(void)e;
	return ERR_OK;
}

/* The newest certificate of the device whose id begins as asked, and is the next above; NULL for none. */
static const struct store_certificate *
device_above(struct store *s, const struct search *q, const char *device_id)
{
	const struct store_certificate	*best = NULL;
	size_t				 i;
	int				 by;

	for (i = 0; i < s->rows_n; i++) {
		const struct store_certificate *c = &s->rows[i]->certificate;

		if (strncmp(c->device_id, q->text, q->len) != 0 || strcmp(c->device_id, device_id) <= 0)
			continue;
		if (best == NULL || (by = strcmp(c->device_id, best->device_id)) < 0 || by == 0)
			best = c;
	}
	return best;
}

static enum err_code
search_devices(struct store *s, struct search *q, struct err *e)
{
	const struct store_certificate	*c;
	struct store_certificate	 shown;
	const char			*last = "";
	enum err_code			 rc = ERR_OK;

	while (rc == ERR_OK && !q->more && (c = device_above(s, q, last)) != NULL) {
		last = c->device_id;
		shown = row_shown(s, c);
		rc = search_show(q, &shown, STORE_MATCH_DEVICE_ID, e);
	}
	return rc;
}

static enum err_code
search_numbers(struct store *s, struct search *q, enum store_match match, struct err *e)
{
	const struct store_certificate	*c;
	struct store_certificate	 shown;
	int64_t				 key = INT64_MAX;
	enum err_code			 rc = ERR_OK;

	while (rc == ERR_OK && !q->more && (c = row_below(s, key)) != NULL) {
		key = store_serial_key(c->serial);
		if (match == STORE_MATCH_SERIAL ? !search_begins(q, c->serial, sizeof(c->serial)) :
		    !search_begins(q, c->certificate_id, sizeof(c->certificate_id)))
			continue;
		shown = row_shown(s, c);
		rc = search_show(q, &shown, match, e);
	}
	return rc;
}

enum err_code
memory_search(struct store_reader *r, const char *text, int64_t limit,
    enum err_code (*row)(void *, const struct store_certificate *, enum store_match, struct err *), void *arg, bool *ret_more,
    struct err *e)
{
	struct store	*s = r->store;
	struct search	 q;
	enum err_code	 rc;

	(void)pthread_mutex_lock(&s->mu);
	if ((rc = search_init(&q, text, limit, row, arg, e)) == ERR_OK && (rc = search_devices(s, &q, e)) == ERR_OK &&
	    (rc = search_numbers(s, &q, STORE_MATCH_SERIAL, e)) == ERR_OK &&
	    (rc = search_numbers(s, &q, STORE_MATCH_CERTIFICATE_ID, e)) == ERR_OK)
		*ret_more = q.more;
	(void)pthread_mutex_unlock(&s->mu);
	search_done(&q);
	return rc;
}
