/* What waits for a person: why, and back into the queue. */
#include <stdlib.h>
#include <string.h>

#include "db/sqlite/store_sqlite.h"

enum {
	/* Certificates a transaction: 7 ms in which the line waits for the write lock (measured, 20,000 in 190 ms) */
	RETRY_ROWS = 1000
};

struct parked {
	int64_t	batch_id, cert_id;
};

static enum err_code
parked_read(struct connection *c, int64_t batch_id, int64_t after_id, struct parked *parked, size_t *ret_n, struct err *e)
{
	const enum statement	s = STATEMENT_PARKED_CHUNK;
	enum err_code		rc;
	bool			found;

	*ret_n = 0;
	bind_int(c, s, 1, batch_id);
	bind_int(c, s, 2, after_id);
	bind_int(c, s, 3, RETRY_ROWS);
	while ((rc = statement_step(c, s, &found, e)) == ERR_OK && found)
		parked[(*ret_n)++] = (struct parked){ .batch_id = column_int(c, s, 0), .cert_id = column_int(c, s, 1) };
	return rc;
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

/* What was asked for, and how many that meant then. */
static enum err_code
retry_event(struct connection *c, int64_t batch_id, const struct store_who *who, struct err *e)
{
	const enum statement	s = batch_id < 0 ? STATEMENT_PARKED_TOTAL : STATEMENT_PARKED_OF_BATCH;
	struct store_event	ev;
	char			name[LIMIT_NAME_BYTES + 1] = "";
	int64_t			count;
	enum err_code		rc;
	bool			found;

	if (batch_id >= 0)
		bind_int(c, s, 1, batch_id);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_INTERNAL, "retry: there is no batch %lld", (long long)batch_id);
	count = column_int(c, s, batch_id < 0 ? 0 : 1);
	if (batch_id >= 0 && !column_text(c, s, 0, name, sizeof(name)))
		rc = row_unreadable(c, "batch", batch_id, e);
	statement_done(c, s);
	if (rc != ERR_OK || (rc = event_make(&ev, who, "upload.retry", name, e, "%lld parked", (long long)count)) != ERR_OK)
		return rc;
	return event_write(c, &ev, e);
}

/*
 * One transaction: the next RETRY_ROWS above *after_id.  The first is told who asked for it, and has the withdrawals too: they are
 * few, each a person's word.
 */
static enum err_code
retry_chunk(struct store *s, int64_t batch_id, const struct store_who *who, int64_t *after_id, struct parked *parked,
    size_t *ret_n, int64_t *ret_withdrawals, struct err *e)
{
	struct connection	*c = &s->writer;
	enum err_code		 rc;
	size_t			 i;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	*ret_withdrawals = 0;
	if ((who != NULL && ((rc = retry_event(c, batch_id, who, e)) != ERR_OK ||
	    (rc = withdrawals_back(c, batch_id, ret_withdrawals, e)) != ERR_OK)) ||
	    (rc = parked_read(c, batch_id, *after_id, parked, ret_n, e)) != ERR_OK)
		goto out;
	for (i = 0; i < *ret_n; i++) {
		if ((rc = parked_back(c, &parked[i], e)) != ERR_OK)
			goto out;
	}
	if ((rc = files_check(&s->files, s->path, e)) == ERR_OK && (rc = transaction_commit(c, e)) == ERR_OK && *ret_n > 0)
		*after_id = parked[*ret_n - 1].cert_id;
out:
	transaction_rollback(c);
	return rc;
}

enum err_code
sqlite_upload_retry(struct store *s, int64_t batch_id, const struct store_who *who, int64_t *ret_count, struct err *e)
{
	struct parked	*parked;
	enum err_code	 rc;
	int64_t		 after_id = 0, withdrawals;
	size_t		 n = 0;
	bool		 begun = false;

	*ret_count = 0;
	if ((parked = calloc(RETRY_ROWS, sizeof(*parked))) == NULL)
		return err_set(e, ERR_NOMEM, "retry");
	do {
		if ((rc = retry_chunk(s, batch_id, begun ? NULL : who, &after_id, parked, &n, &withdrawals, e)) != ERR_OK)
			break;
		begun = true;
		*ret_count += (int64_t)n + withdrawals;
		if (n == RETRY_ROWS)
			chunk_pause();
	} while (n == RETRY_ROWS);
	free(parked);
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
