/* What was refused: counts in a few rows, none of which anything else in the ledger depends on. */
#include <string.h>

#include "db/sqlite/store_sqlite.h"

static enum err_code
refusal_write(struct connection *c, const struct store_refusal *r, struct err *e)
{
	const enum statement	s = STATEMENT_REFUSAL_WRITE;

	bind_int(c, s, 1, r->from_us);
	bind_text(c, s, 2, r->code);
	bind_text(c, s, 3, r->batch);
	bind_text(c, s, 4, r->station);
	bind_int(c, s, 5, r->count);
	bind_int(c, s, 6, r->first_at_us);
	bind_int(c, s, 7, r->last_at_us);
	bind_text(c, s, 8, r->device_id);
	return statement_run(c, s, e);
}

static enum err_code
refused_write(struct connection *c, const struct store_refused *r, struct err *e)
{
	const enum statement	s = STATEMENT_REFUSED_WRITE;

	bind_int(c, s, 1, r->from_us);
	bind_int(c, s, 2, r->count);
	return statement_run(c, s, e);
}

/* What is too old, and what is too much. */
static enum err_code
refusals_sweep(struct connection *c, int64_t since_us, struct err *e)
{
	enum err_code	rc;

	bind_int(c, STATEMENT_REFUSAL_SWEEP, 1, since_us);
	bind_int(c, STATEMENT_REFUSAL_SWEEP, 2, STORE_REFUSALS_MAX);
	if ((rc = statement_run(c, STATEMENT_REFUSAL_SWEEP, e)) != ERR_OK)
		return rc;
	bind_int(c, STATEMENT_REFUSED_SWEEP, 1, since_us);
	bind_int(c, STATEMENT_REFUSED_SWEEP, 2, STORE_REFUSALS_MAX);
	return statement_run(c, STATEMENT_REFUSED_SWEEP, e);
}

enum err_code
sqlite_refusals_write(struct store *s, const struct store_refusal *rows, size_t n, const struct store_refused *quarters, size_t quarters_n,
    int64_t since_us, struct err *e)
{
	struct connection	*c = &s->writer;
	enum err_code		 rc;
	size_t			 i;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	for (i = 0; i < n && rc == ERR_OK; i++)
		rc = refusal_write(c, &rows[i], e);
	for (i = 0; i < quarters_n && rc == ERR_OK; i++)
		rc = refused_write(c, &quarters[i], e);
	if (rc == ERR_OK && (rc = refusals_sweep(c, since_us, e)) == ERR_OK && (rc = files_check(&s->files, s->path, e)) == ERR_OK)
		rc = transaction_commit(c, e);
	transaction_rollback(c);
	return rc;
}

static enum err_code
refusal_from_row(struct connection *c, enum statement s, struct store_refusal *ret, struct err *e)
{
	memset(ret, 0, sizeof(*ret));
	ret->from_us = column_int(c, s, 0);
	if (!column_text_cut(c, s, 1, ret->code, sizeof(ret->code)) ||
	    !column_text_cut(c, s, 2, ret->batch, sizeof(ret->batch)) ||
	    !column_text_cut(c, s, 3, ret->station, sizeof(ret->station)) ||
	    !column_text_cut(c, s, 7, ret->device_id, sizeof(ret->device_id)))
		return row_unreadable(c, "refusal", ret->from_us, e);
	ret->count = column_int(c, s, 4);
	ret->first_at_us = column_int(c, s, 5);
	ret->last_at_us = column_int(c, s, 6);
	return ERR_OK;
}

enum err_code
sqlite_refusal_list(struct store_reader *r, int64_t since_us, const char *batch,
    enum err_code (*row)(void *, const struct store_refusal *, struct err *), void *arg, struct err *e)
{
	struct connection	*c = &r->connection;
	const enum statement	 s = batch != NULL ? STATEMENT_REFUSAL_LIST_BATCH : STATEMENT_REFUSAL_LIST;
	struct store_refusal	 one;
	enum err_code		 rc;
	bool			 found;

	bind_int(c, s, 1, since_us);
	if (batch != NULL)
		bind_text(c, s, 2, batch);
	for (;;) {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK || !found)
			return rc;
		if ((rc = refusal_from_row(c, s, &one, e)) != ERR_OK || (rc = row(arg, &one, e)) != ERR_OK)
			break;
	}
	statement_done(c, s);
	return rc;
}

enum err_code
sqlite_refused_list(struct store_reader *r, int64_t since_us,
    enum err_code (*row)(void *, const struct store_refused *, struct err *), void *arg, struct err *e)
{
	struct connection	*c = &r->connection;
	const enum statement	 s = STATEMENT_REFUSED_LIST;
	struct store_refused	 one;
	enum err_code		 rc;
	bool			 found;

	bind_int(c, s, 1, since_us);
	for (;;) {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK || !found)
			return rc;
		one = (struct store_refused){ column_int(c, s, 0), column_int(c, s, 1) };
		if ((rc = row(arg, &one, e)) != ERR_OK)
			break;
	}
	statement_done(c, s);
	return rc;
}
