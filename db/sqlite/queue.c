/*
 * What is queued for AWS IoT.  There is no index over it: a mark a batch says where its queue begins (schema 0002), and rows are read
 * from there on.  Settled ones above the mark are passed over, 20 octets each.
 */
#include <stdlib.h>

#include "db/sqlite/store_sqlite.h"

enum {
	/* Rows that the mark passes in one transaction: under a millisecond of the line's time, when an old row went back and is settled again */
	ADVANCE_ROWS = 4000
};

enum err_code
queue_advance(struct connection *c, int64_t batch_id, struct err *e)
{
	const enum statement	s = STATEMENT_QUEUE_WALK;
	enum err_code		rc = ERR_OK;
	int64_t			mark = 0;
	int			i;
	bool			found;

	bind_int(c, s, 1, batch_id);
	for (i = 0; i < ADVANCE_ROWS; i++) {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
			return rc;
		if (!found || column_int(c, s, 1) == OUTBOX_QUEUED)
			break;
		mark = column_int(c, s, 0);
	}
	statement_done(c, s);
	if (mark == 0)
		return ERR_OK;
	bind_int(c, STATEMENT_QUEUE_SET, 1, batch_id);
	bind_int(c, STATEMENT_QUEUE_SET, 2, mark);
	return statement_run(c, STATEMENT_QUEUE_SET, e);
}

enum err_code
sqlite_queue_page(struct store_reader *r, int64_t batch_id, int64_t after_id, int64_t limit,
    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct err *e)
{
	struct connection		*c = &r->connection;
	const enum statement		 s = STATEMENT_QUEUE_PAGE;
	struct store_certificate	 cert;
	enum err_code			 rc;
	int64_t				 prior;
	bool				 found;

	bind_int(c, s, 1, batch_id);
	bind_int(c, s, 2, after_id);
	bind_int(c, s, 3, limit);
	for (;;) {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK || !found)
			return rc;
		if ((rc = certificate_from_row(c, s, &cert, &prior, e)) != ERR_OK || (rc = row(arg, &cert, e)) != ERR_OK)
			break;
	}
	statement_done(c, s);
	return rc;
}

/* ---- newest first, over several batches: each has its place, the newest of these is next ------------------- */

struct place {
	int64_t	batch_id, queue_after;
	int64_t	id;			/* the batch's newest queued certificate that was not listed yet; 0: none left */
};

struct places {
	struct place	*place;
	size_t		 n, max;
};

static enum err_code
place_move(struct connection *c, struct place *p, int64_t below_id, struct err *e)
{
	const enum statement	s = STATEMENT_QUEUE_BELOW;
	enum err_code		rc;
	bool			found;

	bind_int(c, s, 1, p->batch_id);
	bind_int(c, s, 2, below_id);
	bind_int(c, s, 3, p->queue_after);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	p->id = found ? column_int(c, s, 0) : 0;
	statement_done(c, s);
	return ERR_OK;
}

static enum err_code
places_read(struct connection *c, struct places *ps, int64_t batch_id, struct err *e)
{
	const enum statement	 s = STATEMENT_QUEUE_BATCHES;
	struct place		*more;
	size_t			 max;
	enum err_code		 rc;
	bool			 found;

	bind_int(c, s, 1, batch_id);
	while ((rc = statement_step(c, s, &found, e)) == ERR_OK && found) {
		if (ps->n == ps->max) {
			max = ps->max == 0 ? 16 : ps->max * 2;
			if ((more = reallocarray(ps->place, max, sizeof(*more))) == NULL) {
				statement_done(c, s);
				return err_set(e, ERR_NOMEM, "list: %zu batches", max);
			}
			ps->place = more;
			ps->max = max;
		}
		ps->place[ps->n++] = (struct place){ .batch_id = column_int(c, s, 0), .queue_after = column_int(c, s, 1) };
	}
	return rc;
}

static struct place *
places_newest(struct places *ps)
{
	struct place	*best = NULL;
	size_t		 i;

	for (i = 0; i < ps->n; i++) {
		if (ps->place[i].id != 0 && (best == NULL || ps->place[i].id > best->id))
			best = &ps->place[i];
	}
	return best;
}

/* One certificate to the row function.  *ret_end: nothing older can be wanted. */
static enum err_code
queued_show(struct connection *c, int64_t id, int64_t since_us,
    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, int64_t *left, bool *ret_end,
    struct err *e)
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
	if ((rc = certificate_from_row(c, s, &cert, &prior, e)) == ERR_OK) {
		if (cert.issued_at_us >= since_us) {
			rc = row(arg, &cert, e);
			--*left;
		}
		*ret_end = *left == 0 || cert.issued_at_us < since_us - LIST_SINCE_SLACK_US;
	}
	statement_done(c, s);
	return rc;
}

enum err_code
queue_list(struct store_reader *r, const struct store_certificate_filter *f,
    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct err *e)
{
	struct connection	*c = &r->connection;
	struct places		 ps = { 0 };
	struct place		*p;
	enum err_code		 rc;
	int64_t			 left = f->limit > 0 ? f->limit : INT64_MAX;
	size_t			 i;
	bool			 end = false;

	if ((rc = reading_begin(c, e)) != ERR_OK)
		return rc;
	if ((rc = places_read(c, &ps, f->batch_id, e)) != ERR_OK)
		goto out;
	for (i = 0; i < ps.n; i++) {
		if ((rc = place_move(c, &ps.place[i], f->after != NULL ? store_serial_key(f->after) : INT64_MAX, e)) != ERR_OK)
			goto out;
	}
	while (!end && (p = places_newest(&ps)) != NULL) {
		if ((rc = queued_show(c, p->id, f->since_us, row, arg, &left, &end, e)) != ERR_OK ||
		    (rc = place_move(c, p, p->id, e)) != ERR_OK)
			goto out;
	}
out:
	free(ps.place);
	reading_end(c);
	return rc;
}
