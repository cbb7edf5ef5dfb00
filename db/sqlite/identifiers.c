/*
 * The way from certificate ids to certificates (schema 0004), made behind the line's back.  Certificates above the mark are searched one by
 * one; when enough have come together they go, sorted, into the run that is being filled, and the mark moves up.
 *
 * In numbers: a run of 64 Ki certificates has some 400 pages, so the 1024 of a transaction dirty a few hundred of them: a third of a page a
 * certificate, once, where an index over all would dirty one each.  10,000,000 certificates are 153 runs.
 */
#include <stdlib.h>
#include <string.h>

#include "db/sqlite/store_sqlite.h"

enum {
	RUN_ROWS = 64 * 1024,
	/* Certificates a transaction: some milliseconds in which the line waits for the write lock */
	SETTLE_ROWS = 1024,
	/* The newest stay: a serial that was given to one of several workers may still be on its way, and would come late */
	KEEP_ROWS = 256
};

struct identifier {
	int64_t	prefix, cert_id;
	bool	late;
};

struct mark {
	int64_t	cert_id, run, rows;
};

/* What is to be done next. */
struct chunk {
	struct mark		mark;
	struct identifier	ids[2 * SETTLE_ROWS];
	size_t			n;
};

static int64_t
prefix_of(const uint8_t certificate_id[STORE_HASH_BYTES])
{
	int64_t	prefix = 0;
	int	i;

	for (i = 0; i < 6; i++)
		prefix = prefix << 8 | certificate_id[i];
	return prefix;
}

static enum err_code
mark_read(struct connection *c, struct mark *ret, struct err *e)
{
	const enum statement	s = STATEMENT_IDENTIFIED_GET;
	enum err_code		rc;
	bool			found;

	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_STORAGE, "ledger: the mark of the certificate ids is missing");
	*ret = (struct mark){ .cert_id = column_int(c, s, 0), .run = column_int(c, s, 1), .rows = column_int(c, s, 2) };
	statement_done(c, s);
	return ERR_OK;
}

/* Up to max more, of s; then how many there are beyond.  Bound, but for the last place: how many rows to read. */
static enum err_code
chunk_add(struct connection *c, enum statement s, struct chunk *ch, size_t max, size_t *ret_beyond, struct err *e)
{
	uint8_t		certificate_id[STORE_HASH_BYTES];
	enum err_code	rc;
	size_t		n;
	bool		found;

	*ret_beyond = 0;
	for (n = 0; (rc = statement_step(c, s, &found, e)) == ERR_OK && found; n++) {
		if (n >= max) {
			++*ret_beyond;
			continue;
		}
		if (!column_blob(c, s, 1, certificate_id, sizeof(certificate_id))) {
			rc = row_unreadable(c, "certificate", column_int(c, s, 0), e);
			statement_done(c, s);
			return rc;
		}
		ch->ids[ch->n++] = (struct identifier){ .prefix = prefix_of(certificate_id), .cert_id = column_int(c, s, 0),
		    .late = s == STATEMENT_IDENTIFIERS_LATE };
	}
	return rc;
}

/* At most max (and as many late ones); n is 0 while too few have come together. */
static enum err_code
chunk_read(struct connection *c, size_t max, struct chunk *ch, struct err *e)
{
	enum err_code	rc;
	size_t		beyond, late;

	ch->n = 0;
	if ((rc = mark_read(c, &ch->mark, e)) != ERR_OK)
		return rc;
	bind_int(c, STATEMENT_IDENTIFIERS_ABOVE, 1, ch->mark.cert_id);
	bind_int(c, STATEMENT_IDENTIFIERS_ABOVE, 2, (int64_t)(max + KEEP_ROWS));
	if ((rc = chunk_add(c, STATEMENT_IDENTIFIERS_ABOVE, ch, max, &beyond, e)) != ERR_OK)
		return rc;
	if (beyond < KEEP_ROWS)
		ch->n = 0;
	else
		ch->mark.cert_id = ch->ids[ch->n - 1].cert_id;
	late = ch->n;
	bind_int(c, STATEMENT_IDENTIFIERS_LATE, 1, SETTLE_ROWS);
	if ((rc = chunk_add(c, STATEMENT_IDENTIFIERS_LATE, ch, max, &beyond, e)) != ERR_OK)
		return rc;
	if (late == 0 && ch->n < KEEP_ROWS)
		ch->n = 0;	/* a few late ones are found as they are */
	return ERR_OK;
}

static int
identifier_compare(const void *a, const void *b)
{
	const struct identifier	*x = a, *y = b;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	return (x->cert_id > y->cert_id) - (x->cert_id < y->cert_id);
}

static enum err_code
chunk_write(struct connection *c, struct chunk *ch, struct err *e)
{
	const enum statement	s = STATEMENT_IDENTIFIER_INSERT, done = STATEMENT_IDENTIFIER_LATE_DONE;
	enum err_code		rc;
	size_t			i;

	qsort(ch->ids, ch->n, sizeof(ch->ids[0]), identifier_compare);
	if (ch->mark.rows >= RUN_ROWS) {
		ch->mark.run++;
		ch->mark.rows = 0;
	}
	for (i = 0; i < ch->n; i++) {
		bind_int(c, s, 1, ch->mark.run);
		bind_int(c, s, 2, ch->ids[i].prefix);
		bind_int(c, s, 3, ch->ids[i].cert_id);
		if ((rc = statement_run(c, s, e)) != ERR_OK)
			return rc;
		if (!ch->ids[i].late)
			continue;
		bind_int(c, done, 1, ch->ids[i].cert_id);
		if ((rc = statement_run(c, done, e)) != ERR_OK)
			return rc;
	}
	bind_int(c, STATEMENT_IDENTIFIED_SET, 1, ch->mark.cert_id);
	bind_int(c, STATEMENT_IDENTIFIED_SET, 2, ch->mark.run);
	bind_int(c, STATEMENT_IDENTIFIED_SET, 3, ch->mark.rows + (int64_t)ch->n);
	return statement_run(c, STATEMENT_IDENTIFIED_SET, e);
}

/* One transaction.  Read under the write lock: what comes in between would be passed over by the mark. */
static enum err_code
chunk_settle(struct store *s, size_t max, struct chunk *ch, struct err *e)
{
	struct connection	*c = &s->writer;
	enum err_code		 rc;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	if ((rc = chunk_read(c, max, ch, e)) == ERR_OK && ch->n > 0 && (rc = chunk_write(c, ch, e)) == ERR_OK &&
	    (rc = files_check(&s->files, s->path, e)) == ERR_OK)
		rc = transaction_commit(c, e);
	transaction_rollback(c);
	return rc;
}

enum err_code
sqlite_identifiers_settle(struct store *s, int64_t max_rows, struct err *e)
{
	struct chunk	*ch;
	enum err_code	 rc = ERR_OK;
	size_t		 max;

	if ((ch = malloc(sizeof(*ch))) == NULL)
		return err_set(e, ERR_NOMEM, "identifiers");
	while (max_rows > 0) {
		max = max_rows < SETTLE_ROWS ? (size_t)max_rows : SETTLE_ROWS;
		/* a look first: an idle line is not kept from its lock */
		if ((rc = chunk_read(&s->writer, max, ch, e)) != ERR_OK || ch->n == 0 ||
		    (rc = chunk_settle(s, max, ch, e)) != ERR_OK || ch->n == 0)
			break;
		max_rows -= (int64_t)ch->n;
		if (max_rows > 0)
			chunk_pause();
	}
	free(ch);
	return rc;
}
