/* Certificates that are revoked here, until AWS has heard of it everywhere. */
#include "db/sqlite/store_sqlite.h"

/* schema: withdrawal.state */
enum { WITHDRAWAL_WAITS, WITHDRAWAL_DONE, WITHDRAWAL_PARKED };

/* What withdrawal_page reads beyond certificate_from_row. */
enum { COL_WITHDRAWAL_ID = 20 };

enum err_code
withdrawal_settle(struct connection *c, const struct store_registration_row *row, struct err *e)
{
	const struct store_registration	*r = row->registration;
	enum err_code			 rc;

	if (r->withdrawn_at_us != 0) {
		bind_int(c, STATEMENT_WITHDRAWN_INSERT, 1, r->cert_id);
		bind_int(c, STATEMENT_WITHDRAWN_INSERT, 2, r->target_id);
		bind_int(c, STATEMENT_WITHDRAWN_INSERT, 3, r->withdrawn_at_us);
		if ((rc = statement_run(c, STATEMENT_WITHDRAWN_INSERT, e)) != ERR_OK)
			return rc;
	}
	bind_int(c, STATEMENT_WITHDRAWAL_SETTLE, 1, r->cert_id);
	bind_int(c, STATEMENT_WITHDRAWAL_SETTLE, 2, row->settled == -1 ? WITHDRAWAL_WAITS
	    : row->settled == CERTIFICATE_REVOKED ? WITHDRAWAL_DONE : WITHDRAWAL_PARKED);
	if ((rc = statement_run(c, STATEMENT_WITHDRAWAL_SETTLE, e)) == ERR_OK && sqlite3_changes(c->db) != 1)
		rc = err_set(e, ERR_INTERNAL, "registration: certificate %lld is not revoked", (long long)r->cert_id);
	return rc;
}

enum err_code
withdrawal_again(struct connection *c, const struct store_registration *r, struct err *e)
{
	bind_int(c, STATEMENT_WITHDRAWAL_AGAIN, 1, r->cert_id);
	bind_int(c, STATEMENT_WITHDRAWAL_AGAIN, 2, r->target_id);
	return statement_run(c, STATEMENT_WITHDRAWAL_AGAIN, e);
}

enum err_code
withdrawals_back(struct connection *c, int64_t batch_id, int64_t *ret_count, struct err *e)
{
	enum err_code	rc;

	bind_int(c, STATEMENT_WITHDRAWAL_REGISTRATIONS_BACK, 1, batch_id);
	bind_int(c, STATEMENT_WITHDRAWALS_BACK, 1, batch_id);
	if ((rc = statement_run(c, STATEMENT_WITHDRAWAL_REGISTRATIONS_BACK, e)) != ERR_OK ||
	    (rc = statement_run(c, STATEMENT_WITHDRAWALS_BACK, e)) != ERR_OK)
		return rc;
	*ret_count = sqlite3_changes(c->db);
	return ERR_OK;
}

enum err_code
withdrawal_back(struct connection *c, int64_t cert_id, bool *ret_back, struct err *e)
{
	enum err_code	rc;

	bind_int(c, STATEMENT_WITHDRAWAL_BACK, 1, cert_id);
	if ((rc = statement_run(c, STATEMENT_WITHDRAWAL_BACK, e)) != ERR_OK)
		return rc;
	if ((*ret_back = sqlite3_changes(c->db) > 0)) {
		bind_int(c, STATEMENT_PARKED_REGISTRATION_BACK, 1, cert_id);
		rc = statement_run(c, STATEMENT_PARKED_REGISTRATION_BACK, e);
	}
	return rc;
}

enum err_code
sqlite_withdrawal_page(struct store_reader *r, int64_t batch_id, int64_t after_id, int64_t limit,
    enum err_code (*row)(void *, const struct store_certificate *, int64_t, struct err *), void *arg, struct err *e)
{
	struct connection		*c = &r->connection;
	const enum statement		 s = STATEMENT_WITHDRAWAL_PAGE;
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
		if ((rc = certificate_from_row(c, s, &cert, &prior, e)) != ERR_OK ||
		    (rc = row(arg, &cert, column_int(c, s, COL_WITHDRAWAL_ID), e)) != ERR_OK)
			break;
	}
	statement_done(c, s);
	return rc;
}
