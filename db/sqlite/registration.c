#include <string.h>

#include "db/sqlite/store_sqlite.h"

enum {
	COL_CERT_ID, COL_TARGET_ID, COL_STATE, COL_DONE, COL_ATTEMPTS, COL_ARN, COL_STEP, COL_CODE, COL_MESSAGE, COL_REQUEST_ID,
	COL_UPDATED_AT, COL_WITHDRAWN_AT, COL_ACCOUNT, COL_REGION
};

enum err_code
batch_count(struct connection *c, int64_t batch_id, int registered, int parked, int revoked, struct err *e)
{
	const enum statement	s = STATEMENT_BATCH_COUNT;

	bind_int(c, s, 1, batch_id);
	bind_int(c, s, 2, registered);
	bind_int(c, s, 3, parked);
	bind_int(c, s, 4, revoked);
	return statement_run(c, s, e);
}

static enum err_code
registration_write(struct connection *c, const struct store_registration *r, struct err *e)
{
	const enum statement	s = STATEMENT_REGISTRATION_WRITE;

	bind_int(c, s, 1, r->cert_id);
	bind_int(c, s, 2, r->target_id);
	bind_int(c, s, 3, r->state);
	bind_int(c, s, 4, r->done);
	bind_int(c, s, 5, r->attempts);
	bind_text(c, s, 6, r->arn);
	bind_text(c, s, 7, r->step);
	bind_text(c, s, 8, r->code);
	bind_text(c, s, 9, r->message);
	bind_text(c, s, 10, r->request_id);
	bind_int(c, s, 11, r->updated_at_us);
	return statement_run(c, s, e);	/* keys that do not exist and steps taken back: the schema's constraints */
}

/* Why the certificate is parked: by this registration, or by one in another target when this one went well. */
static enum err_code
reason_find(struct connection *c, const struct store_registration *r, char out[STORE_REASON_BYTES + 1], struct err *e)
{
	const enum statement		s = STATEMENT_REGISTRATION_PARKED;
	struct store_registration	other;
	enum err_code			rc;
	bool				found;

	if (r->state != REGISTRATION_PARKED) {
		bind_int(c, s, 1, r->cert_id);
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
			return rc;
		if (found) {
			if (!column_text(c, s, 0, other.step, sizeof(other.step)) ||
			    !column_text(c, s, 1, other.code, sizeof(other.code)) ||
			    !column_text(c, s, 2, other.message, sizeof(other.message)))
				rc = err_set(e, ERR_STORAGE, "ledger: registration of %lld cannot be read", (long long)r->cert_id);
			else
				registration_reason(&other, out);
			statement_done(c, s);
			return rc;
		}
	}
	registration_reason(r, out);
	return ERR_OK;
}

static enum err_code
outbox_state(struct connection *c, const struct store_registration_row *row, int64_t *ret, struct err *e)
{
	const enum statement	s = STATEMENT_OUTBOX_STATE;
	enum err_code		rc;
	bool			found;

	bind_int(c, s, 1, row->batch_id);
	bind_int(c, s, 2, row->registration->cert_id);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_INTERNAL, "registration: certificate %lld is not of batch %lld",
		    (long long)row->registration->cert_id, (long long)row->batch_id);
	*ret = column_int(c, s, 0);
	statement_done(c, s);
	return ERR_OK;
}

static enum err_code
settle_write(struct connection *c, const struct store_registration_row *row, int64_t now, struct err *e)
{
	const enum statement	s = STATEMENT_OUTBOX_SETTLE;
	char			reason[STORE_REASON_BYTES + 1];
	enum err_code		rc;

	if (now == OUTBOX_PARKED && (rc = reason_find(c, row->registration, reason, e)) != ERR_OK)
		return rc;
	bind_int(c, s, 1, row->batch_id);
	bind_int(c, s, 2, row->registration->cert_id);
	bind_int(c, s, 3, now);
	if (now == OUTBOX_PARKED)
		bind_text(c, s, 4, reason);
	else
		bind_null(c, s, 4);
	return statement_run(c, s, e);
}

/* What the row makes of the certificate.  One that was revoked stays as it is, unless AWS has it now; then AWS must hear of it. */
static enum err_code
settle(struct connection *c, const struct store_registration_row *row, struct err *e)
{
	const struct store_registration	*r = row->registration;
	int64_t				 now = row->settled == -1 ? OUTBOX_QUEUED : row->settled == CERTIFICATE_REGISTERED ? OUTBOX_REGISTERED
					     : OUTBOX_PARKED;
	enum err_code			 rc;
	int64_t				 was;
	bool				 revoked = false;

	if ((rc = outbox_state(c, row, &was, e)) != ERR_OK)
		return rc;
	/* what is queued is not revoked (schema 0004): the upload's ordinary rows need not ask */
	if (was != OUTBOX_QUEUED && ((rc = revocation_find(c, r->cert_id, &revoked, e)) != ERR_OK ||
	    (revoked && (rc = withdrawal_again(c, r, e)) != ERR_OK)))
		return rc;
	if ((revoked && now != OUTBOX_REGISTERED) || (was == now && now != OUTBOX_PARKED))
		return ERR_OK;
	if ((rc = settle_write(c, row, now, e)) != ERR_OK || was == now)
		return rc;
	return batch_count(c, row->batch_id, (now == OUTBOX_REGISTERED) - (was == OUTBOX_REGISTERED),
	    (now == OUTBOX_PARKED) - (was == OUTBOX_PARKED && !revoked), -(was == OUTBOX_PARKED && revoked), e);
}

static enum err_code
rows_write(struct connection *c, const struct store_registration_row *rows, size_t n, struct err *e)
{
	enum err_code	rc;
	size_t		i;

	for (i = 0; i < n; i++) {
		if ((rc = registration_row_check(&rows[i], e)) != ERR_OK ||
		    (rc = registration_write(c, rows[i].registration, e)) != ERR_OK ||
		    (rc = rows[i].withdrawal ? withdrawal_settle(c, &rows[i], e) : settle(c, &rows[i], e)) != ERR_OK)
			return rc;
	}
	for (i = 0; i < n; i++) {
		/* once for neighbours of one batch: the mark finds all that is settled by now */
		if ((i == 0 || rows[i].batch_id != rows[i - 1].batch_id) &&
		    (rc = queue_advance(c, rows[i].batch_id, e)) != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

enum err_code
sqlite_registration_record(struct store *s, const struct store_registration_row *rows, size_t n,
    const struct store_upload_run *run, struct err *e)
{
	struct connection	*c = &s->writer;
	enum err_code		 rc;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	if ((rc = rows_write(c, rows, n, e)) != ERR_OK || (run != NULL && (rc = upload_run_write(c, run, e)) != ERR_OK) ||
	    (rc = files_check(&s->files, s->path, e)) != ERR_OK)
		goto out;
	rc = transaction_commit(c, e);
out:
	transaction_rollback(c);
	return rc;
}

static enum err_code
registration_from_row(struct connection *c, enum statement s, struct store_registration *r, struct err *e)
{
	int64_t	state = column_int(c, s, COL_STATE);

	memset(r, 0, sizeof(*r));
	r->cert_id = column_int(c, s, COL_CERT_ID);
	r->target_id = column_int(c, s, COL_TARGET_ID);
	if (state < REGISTRATION_GOING || state > REGISTRATION_PARKED ||
	    !column_text(c, s, COL_ARN, r->arn, sizeof(r->arn)) ||
	    !column_text(c, s, COL_STEP, r->step, sizeof(r->step)) ||
	    !column_text(c, s, COL_CODE, r->code, sizeof(r->code)) ||
	    !column_text(c, s, COL_MESSAGE, r->message, sizeof(r->message)) ||
	    !column_text(c, s, COL_REQUEST_ID, r->request_id, sizeof(r->request_id)))
		return row_unreadable(c, "registration", r->cert_id, e);
	r->state = (enum registration_state)state;
	r->done = (uint32_t)column_int(c, s, COL_DONE);
	r->attempts = column_int(c, s, COL_ATTEMPTS);
	r->updated_at_us = column_int(c, s, COL_UPDATED_AT);
	r->withdrawn_at_us = column_int(c, s, COL_WITHDRAWN_AT);
	return ERR_OK;
}

enum err_code
sqlite_registration_find(struct store_reader *r, int64_t cert_id, int64_t target_id, struct store_registration *ret,
    struct err *e)
{
	struct connection		*c = &r->connection;
	const enum statement		 s = STATEMENT_REGISTRATION_FIND;
	struct store_registration	 got;
	enum err_code			 rc;
	bool				 found;

	bind_int(c, s, 1, cert_id);
	bind_int(c, s, 2, target_id);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "ledger: no registration of %lld in target %lld", (long long)cert_id,
		    (long long)target_id);
	if ((rc = registration_from_row(c, s, &got, e)) == ERR_OK)
		*ret = got;
	statement_done(c, s);
	return rc;
}

enum err_code
sqlite_registration_list(struct store_reader *r, int64_t cert_id,
    enum err_code (*row)(void *, const struct store_registration *, const struct store_target *, struct err *), void *arg,
    struct err *e)
{
	struct connection		*c = &r->connection;
	const enum statement		 s = STATEMENT_REGISTRATION_LIST;
	struct store_registration	 got;
	struct store_target		 target;
	enum err_code			 rc;
	bool				 found;

	bind_int(c, s, 1, cert_id);
	for (;;) {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK || !found)
			return rc;
		if ((rc = registration_from_row(c, s, &got, e)) != ERR_OK)
			break;
		target.id = got.target_id;
		if (!column_text(c, s, COL_ACCOUNT, target.account, sizeof(target.account)) ||
		    !column_text(c, s, COL_REGION, target.region, sizeof(target.region)))
			rc = row_unreadable(c, "target", target.id, e);
		if (rc != ERR_OK || (rc = row(arg, &got, &target, e)) != ERR_OK)
			break;
	}
	statement_done(c, s);
	return rc;
}

enum err_code
sqlite_registration_count(struct store_reader *r, int64_t ca_id, const char *account, const char *region, int64_t *ret,
    struct err *e)
{
	struct connection	*c = &r->connection;
	const enum statement	 s = STATEMENT_REGISTRATION_COUNT;
	enum err_code		 rc;
	bool			 found;

	bind_int(c, s, 1, ca_id);
	bind_text(c, s, 2, account);
	bind_text(c, s, 3, region);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	*ret = found ? column_int(c, s, 0) : 0;
	if (found)
		statement_done(c, s);
	return ERR_OK;
}
