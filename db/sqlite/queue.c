/*
 * What is queued for AWS IoT.  There is no index over it: a mark a batch says where its queue begins (schema 0002), and rows are read
 * from there on.  Settled ones above the mark are passed over, 20 octets each.
 */
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
