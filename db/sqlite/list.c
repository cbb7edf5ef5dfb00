#include <stdint.h>

#include "db/sqlite/store_sqlite.h"

static enum statement
list_choose(const struct store_certificate_filter *f)
{
	if (f->device_id != NULL)
		return STATEMENT_LIST_DEVICE;
	if (f->state == CERTIFICATE_REVOKED)
		return STATEMENT_LIST_REVOKED;
	if (f->state == CERTIFICATE_PARKED)
		return STATEMENT_LIST_PARKED;
	return f->batch_id >= 0 ? STATEMENT_LIST_BATCH : STATEMENT_LIST_ALL;
}

static bool
list_wants(const struct store_certificate_filter *f, const struct store_certificate *c)
{
	return (f->batch_id < 0 || c->batch_id == f->batch_id) &&
	    (f->state < 0 || (int)c->state == f->state) &&
	    c->issued_at_us >= f->since_us;
}

/* Without counting rows: the batches know. */
static enum err_code
any_registered(struct connection *c, int64_t batch_id, bool *ret, struct err *e)
{
	const enum statement	s = STATEMENT_REGISTERED_TOTAL;
	enum err_code		rc;
	bool			found;

	bind_int(c, s, 1, batch_id);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	*ret = found && column_int(c, s, 0) > 0;
	statement_done(c, s);
	return ERR_OK;
}

enum err_code
sqlite_certificate_list(struct store_reader *r, const struct store_certificate_filter *f,
    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct err *e)
{
	struct connection		*c = &r->connection;
	const enum statement		 s = list_choose(f);
	struct store_certificate	 cert;
	enum err_code			 rc;
	int64_t				 left = f->limit > 0 ? f->limit : INT64_MAX, prior;
	bool				 found;

	if (f->state == CERTIFICATE_ISSUED && f->device_id == NULL)
		return queue_list(r, f, row, arg, e);
	if (f->state == CERTIFICATE_REGISTERED && ((rc = any_registered(c, f->batch_id, &found, e)) != ERR_OK || !found))
		return rc;
	bind_int(c, s, 1, f->after != NULL ? store_serial_key(f->after) : INT64_MAX);
	if (s == STATEMENT_LIST_DEVICE)
		bind_text(c, s, 2, f->device_id);
	else if (s == STATEMENT_LIST_BATCH)
		bind_int(c, s, 2, f->batch_id);
	for (;;) {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK || !found)
			return rc;
		if ((rc = certificate_from_row(c, s, &cert, &prior, e)) != ERR_OK ||
		    cert.issued_at_us < f->since_us - LIST_SINCE_SLACK_US)
			break;
		if (!list_wants(f, &cert))
			continue;
		if ((rc = row(arg, &cert, e)) != ERR_OK || --left == 0)
			break;
	}
	statement_done(c, s);
	return rc;
}
