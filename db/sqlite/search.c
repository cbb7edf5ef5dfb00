/*
 * What a person looks for among all certificates: by the keys of device and certificate, and by the runs of certificate ids (schema 0004).
 * Nothing here walks further than WALK_ROWS.
 */
#include <string.h>

#include "db/sqlite/store_sqlite.h"

enum {
	/* Rows that are looked at one by one, of each kind: some milliseconds.  More of them means that identifiers_settle lags, or that one
	 * device has thousands of certificates */
	WALK_ROWS = 5000,
	PREFIX_DIGITS = 12	/* schema: identifier.prefix */
};

static enum err_code
show(struct connection *c, struct search *q, int64_t id, enum store_match match, struct err *e)
{
	const enum statement		s = STATEMENT_CERTIFICATE_FIND;
	struct store_certificate	cert;
	enum err_code			rc;
	int64_t				prior;
	bool				found;

	bind_int(c, s, 1, id);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_STORAGE, "ledger: certificate %lld is missing", (long long)id);
	/* the index knows the beginning only */
	if ((rc = certificate_from_row(c, s, &cert, &prior, e)) == ERR_OK &&
	    (match != STORE_MATCH_CERTIFICATE_ID || search_begins(q, cert.certificate_id, sizeof(cert.certificate_id))))
		rc = search_show(q, &cert, match, e);
	statement_done(c, s);
	return rc;
}

static enum err_code
search_devices(struct connection *c, struct search *q, struct err *e)
{
	const enum statement	s = STATEMENT_SEARCH_DEVICES;
	char			device_id[LIMIT_DEVICE_ID_BYTES + 1];
	enum err_code		rc;
	bool			found;

	bind_text(c, s, 1, q->text);
	while ((rc = statement_step(c, s, &found, e)) == ERR_OK && found) {
		if (!column_text(c, s, 0, device_id, sizeof(device_id)))
			rc = row_unreadable(c, "device of", column_int(c, s, 1), e);
		else if (strncmp(device_id, q->text, q->len) != 0)
			break;
		else
			rc = show(c, q, column_int(c, s, 1), STORE_MATCH_DEVICE_ID, e);
		if (rc != ERR_OK || q->more)
			break;
	}
	statement_done(c, s);
	return rc;
}

static enum err_code
search_serials(struct connection *c, struct search *q, struct err *e)
{
	const enum statement	s = STATEMENT_SEARCH_SERIALS;
	uint8_t			serial[STORE_SERIAL_BYTES];
	uint64_t		low, high;
	enum err_code		rc;
	int			i;
	bool			found;

	search_range(q, 16, &low, &high);
	if (q->len > sizeof(serial) * 2 || low > INT64_MAX)
		return ERR_OK;
	bind_int(c, s, 1, (int64_t)low);
	bind_int(c, s, 2, (int64_t)high);
	for (i = 0; (rc = statement_step(c, s, &found, e)) == ERR_OK && found; i++) {
		if (i == WALK_ROWS) {
			q->more = true;
			break;
		}
		serial_upper_write(column_int(c, s, 0), serial);
		if (!column_blob(c, s, 1, serial + 8, 8))
			rc = row_unreadable(c, "certificate", column_int(c, s, 0), e);
		else if (search_begins(q, serial, sizeof(serial)))
			rc = show(c, q, column_int(c, s, 0), STORE_MATCH_SERIAL, e);
		if (rc != ERR_OK || q->more)
			break;
	}
	statement_done(c, s);
	return rc;
}

/* Rows of s, (id, certificate_id), one by one. */
static enum err_code
search_walk(struct connection *c, enum statement s, struct search *q, struct err *e)
{
	uint8_t		certificate_id[STORE_HASH_BYTES];
	enum err_code	rc;
	int		i;
	bool		found, too_many = false;

	for (i = 0; (rc = statement_step(c, s, &found, e)) == ERR_OK && found; i++) {
		if (i == WALK_ROWS) {
			too_many = true;
			break;
		}
		if (!column_blob(c, s, 1, certificate_id, sizeof(certificate_id)))
			rc = row_unreadable(c, "certificate", column_int(c, s, 0), e);
		else if (search_begins(q, certificate_id, sizeof(certificate_id)))
			rc = show(c, q, column_int(c, s, 0), STORE_MATCH_CERTIFICATE_ID, e);
		if (rc != ERR_OK || q->more)
			break;
	}
	statement_done(c, s);
	if (too_many)
		q->lags = true;
	return rc;
}

static enum err_code
search_run(struct connection *c, int64_t run, struct search *q, int *walked, struct err *e)
{
	const enum statement	s = STATEMENT_SEARCH_RUN;
	uint64_t		low, high;
	enum err_code		rc;
	bool			found;

	search_range(q, PREFIX_DIGITS, &low, &high);
	bind_int(c, s, 1, run);
	bind_int(c, s, 2, (int64_t)low);
	bind_int(c, s, 3, (int64_t)high);
	while ((rc = statement_step(c, s, &found, e)) == ERR_OK && found) {
		if (++*walked > WALK_ROWS)
			q->more = true;
		else
			rc = show(c, q, column_int(c, s, 0), STORE_MATCH_CERTIFICATE_ID, e);
		if (rc != ERR_OK || q->more)
			break;
	}
	statement_done(c, s);
	return rc;
}

static enum err_code
search_identifiers(struct connection *c, struct search *q, struct err *e)
{
	const enum statement	s = STATEMENT_IDENTIFIED_GET;
	enum err_code		rc;
	int64_t			mark, run;
	int			walked = 0;
	bool			found;

	if (q->len > 2 * STORE_HASH_BYTES)
		return ERR_OK;
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_STORAGE, "ledger: the mark of the certificate ids is missing");
	mark = column_int(c, s, 0);
	run = column_int(c, s, 1);
	statement_done(c, s);
	bind_int(c, STATEMENT_SEARCH_UNSETTLED, 1, mark);
	bind_int(c, STATEMENT_SEARCH_UNSETTLED, 2, WALK_ROWS + 1);
	if ((rc = search_walk(c, STATEMENT_SEARCH_UNSETTLED, q, e)) != ERR_OK || q->more)
		return rc;
	bind_int(c, STATEMENT_IDENTIFIERS_LATE, 1, WALK_ROWS + 1);
	if ((rc = search_walk(c, STATEMENT_IDENTIFIERS_LATE, q, e)) != ERR_OK)
		return rc;
	for (; run >= 0 && !q->more && rc == ERR_OK; run--)
		rc = search_run(c, run, q, &walked, e);
	return rc;
}

enum err_code
sqlite_search(struct store_reader *r, const char *text, int64_t limit,
    enum err_code (*row)(void *, const struct store_certificate *, enum store_match, struct err *), void *arg, bool *ret_more,
    struct err *e)
{
	struct connection	*c = &r->connection;
	struct search		 q;
	enum err_code		 rc;

	if ((rc = search_init(&q, text, limit, row, arg, e)) != ERR_OK)
		goto out;
	if ((rc = reading_begin(c, e)) != ERR_OK)
		goto out;
	rc = search_devices(c, &q, e);
	if (rc == ERR_OK && q.is_hex && !q.more)
		rc = search_serials(c, &q, e);
	if (rc == ERR_OK && q.is_hex && !q.more)
		rc = search_identifiers(c, &q, e);
	reading_end(c);
	if (rc == ERR_OK)
		*ret_more = q.more || q.lags;
out:
	search_done(&q);
	return rc;
}
