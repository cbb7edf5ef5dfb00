/* What waits for a person: why, and back into the queue. */
#include <stdlib.h>
#include <string.h>

#include "db/sqlite/store_sqlite.h"

enum {
	/* Certificates a transaction: 7 ms in which the line waits for the write lock (measured, 20,000 in 190 ms) */
	RETRY_ROWS = 1000,
	/* and rows that are looked at for them, most of which may be another batch's: 3 ms (measured, 200,000 in 131 ms) */
	RETRY_LOOKS = 5000
};

struct parked {
	int64_t	batch_id, cert_id;
};

/* What is asked for, and how far it has come. */
struct retry {
	int64_t		 batch_id;	/* -1: all */
	int64_t		 after_id;	/* looked at */
	bool		 ended;
	struct parked	 parked[RETRY_ROWS];	/* of one transaction */
	size_t		 n;
};

/* Of the rows above *after_id: those that go back, and *after_id the last that was looked at. */
static enum err_code
parked_read(struct connection *c, struct retry *r, int64_t *after_id, bool *ret_ended, struct err *e)
{
	const enum statement	s = STATEMENT_PARKED_CHUNK;
	enum err_code		rc;
	int			looks;
	bool			found;

	bind_int(c, s, 1, r->batch_id);
	bind_int(c, s, 2, *after_id);
	for (looks = 0; looks < RETRY_LOOKS && r->n < RETRY_ROWS; looks++) {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
			return rc;
		if ((*ret_ended = !found))
			return ERR_OK;
		*after_id = column_int(c, s, 0);
		if (column_int(c, s, 2) != 0)
			r->parked[r->n++] = (struct parked){ .batch_id = column_int(c, s, 1), .cert_id = *after_id };
	}
	statement_done(c, s);
	return ERR_OK;
}

static enum err_code
parked_back(struct connection *c, const struct parked *p, struct err *e)
{
	enum err_code	rc;

	bind_int(c, STATEMENT_PARKED_REGISTRATION_BACK, 1, p->cert_id);
	bind_int(c, STATEMENT_PARKED_OUTBOX_BACK, 1, p->batch_id);
	bind_int(c, STATEMENT_PARKED_OUTBOX_BACK, 2, p->cert_id);
	if ((rc = statement_run(c, STATEMENT_PARKED_REGISTRATION_BACK, e)) != ERR_OK ||
	    (rc = statement_run(c, STATEMENT_PARKED_OUTBOX_BACK, e)) != ERR_OK)
		return rc;
	return batch_count(c, p->batch_id, 0, -1, 0, e);
}

struct parked_counts {
	char	name[LIMIT_NAME_BYTES + 1];	/* of the batch; "" = all */
	int64_t	parked, withdrawals;
};

static enum err_code
counts_read(struct connection *c, int64_t batch_id, struct parked_counts *ret, struct err *e)
{
	const enum statement	s = batch_id < 0 ? STATEMENT_PARKED_TOTAL : STATEMENT_PARKED_OF_BATCH;
	enum err_code		rc;
	bool			found;

	bind_int(c, s, 1, batch_id);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_INTERNAL, "retry: there is no batch %lld", (long long)batch_id);
	ret->parked = column_int(c, s, 1);
	ret->withdrawals = column_int(c, s, 2);
	if (!column_text(c, s, 0, ret->name, sizeof(ret->name)))
		rc = row_unreadable(c, "batch", batch_id, e);
	statement_done(c, s);
	return rc;
}

/* What was asked for, and how many that meant then.  The withdrawals go with it: they are few, each a person's word. */
static enum err_code
retry_begin(struct connection *c, const struct retry *r, const struct store_who *who, const struct parked_counts *counts, int64_t *ret_withdrawals,
    struct err *e)
{
	struct store_event	ev;
	enum err_code		rc;

	if ((rc = event_make(&ev, who, "upload.retry", counts->name, e, "%lld parked", (long long)(counts->parked + counts->withdrawals))) != ERR_OK ||
	    (rc = event_write(c, &ev, e)) != ERR_OK || counts->withdrawals == 0)
		return rc;
	return withdrawals_back(c, r->batch_id, ret_withdrawals, e);
}

/* One transaction: of the next RETRY_LOOKS rows those that go back.  The first is told who asked for it. */
static enum err_code
retry_chunk(struct store *s, struct retry *r, const struct store_who *who, int64_t *ret_withdrawals, struct err *e)
{
	struct connection	*c = &s->writer;
	struct parked_counts	 counts;
	enum err_code		 rc;
	int64_t			 after_id = r->after_id;
	size_t			 i;
	bool			 ended = true;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	r->n = 0;
	*ret_withdrawals = 0;
	if ((rc = counts_read(c, r->batch_id, &counts, e)) != ERR_OK ||
	    (who != NULL && (rc = retry_begin(c, r, who, &counts, ret_withdrawals, e)) != ERR_OK) ||
	    (counts.parked > 0 && (rc = parked_read(c, r, &after_id, &ended, e)) != ERR_OK))
		goto out;
	for (i = 0; i < r->n; i++) {
		if ((rc = parked_back(c, &r->parked[i], e)) != ERR_OK)
			goto out;
	}
	/* where nothing was found nothing is written */
	if ((who != NULL || r->n > 0) && ((rc = files_check(&s->files, s->path, e)) != ERR_OK || (rc = transaction_commit(c, e)) != ERR_OK))
		goto out;
	r->after_id = after_id;
	r->ended = ended || counts.parked <= (int64_t)r->n;
out:
	transaction_rollback(c);
	return rc;
}

enum err_code
sqlite_upload_retry(struct store *s, int64_t batch_id, const struct store_who *who, int64_t *ret_count, struct err *e)
{
	struct retry	*r;
	enum err_code	 rc;
	int64_t		 withdrawals;

	*ret_count = 0;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return err_set(e, ERR_NOMEM, "retry");
	r->batch_id = batch_id;
	while ((rc = retry_chunk(s, r, who, &withdrawals, e)) == ERR_OK) {
		who = NULL;
		*ret_count += (int64_t)r->n + withdrawals;
		if (r->ended)
			break;
		chunk_pause();
	}
	free(r);
	return rc;
}

enum err_code
sqlite_certificate_retry(struct store *s, const uint8_t serial[STORE_SERIAL_BYTES], const struct store_who *who, bool *ret_back,
    struct err *e)
{
	struct connection		*c = &s->writer;
	struct store_certificate	 cert;
	struct store_event		 ev;
	enum err_code			 rc;
	bool				 back;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	if ((rc = certificate_now(c, serial, &cert, e)) != ERR_OK)
		goto out;
	if ((back = cert.state == CERTIFICATE_PARKED))
		rc = parked_back(c, &(struct parked){ .batch_id = cert.batch_id, .cert_id = store_serial_key(serial) }, e);
	else
		rc = withdrawal_back(c, store_serial_key(serial), &back, e);
	if (rc == ERR_OK && back && (rc = event_certificate_retry(&ev, who, &cert, e)) == ERR_OK)
		rc = change_commit(s, &ev, e);
	if (rc == ERR_OK)
		*ret_back = back;
out:
	transaction_rollback(c);
	return rc;
}

enum err_code
sqlite_parked_reasons(struct store_reader *r, int64_t batch_id,
    enum err_code (*row)(void *, const struct store_parked_reason *, struct err *), void *arg, struct err *e)
{
	struct connection		*c = &r->connection;
	const enum statement		 s = STATEMENT_PARKED_REASONS;
	struct store_parked_reason	 p;
	enum err_code			 rc;
	bool				 found;

	bind_int(c, s, 1, batch_id);
	for (;;) {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK || !found)
			return rc;
		memset(&p, 0, sizeof(p));
		if (!column_text(c, s, 0, p.batch, sizeof(p.batch)) || !column_text(c, s, 1, p.step, sizeof(p.step)) ||
		    !column_text(c, s, 2, p.code, sizeof(p.code)) || !column_text_cut(c, s, 3, p.message, sizeof(p.message)) ||
		    !column_text(c, s, 4, p.account, sizeof(p.account)) || !column_text(c, s, 5, p.region, sizeof(p.region)))
			rc = row_unreadable(c, "reason of", column_int(c, s, 7), e);
		p.count = column_int(c, s, 6);
		if (rc != ERR_OK || (rc = row(arg, &p, e)) != ERR_OK)
			break;
	}
	statement_done(c, s);
	return rc;
}
