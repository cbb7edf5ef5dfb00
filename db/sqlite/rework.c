/* What a person decides about one certificate or device: it is revoked, or may take another key. */
#include <string.h>

#include "db/sqlite/store_sqlite.h"

enum err_code
revocation_find(struct connection *c, int64_t cert_id, bool *ret, struct err *e)
{
	enum err_code	rc;
	bool		found;

	bind_int(c, STATEMENT_REVOCATION_FIND, 1, cert_id);
	if ((rc = statement_step(c, STATEMENT_REVOCATION_FIND, &found, e)) != ERR_OK)
		return rc;
	if (found)
		statement_done(c, STATEMENT_REVOCATION_FIND);
	*ret = found;
	return ERR_OK;
}

enum err_code
certificate_now(struct connection *c, const uint8_t serial[STORE_SERIAL_BYTES], struct store_certificate *ret, struct err *e)
{
	const enum statement	s = STATEMENT_CERTIFICATE_FIND;
	enum err_code		rc;
	int64_t			prior;
	bool			found;

	bind_int(c, s, 1, store_serial_key(serial));
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return store_serial_missing(e);
	if ((rc = certificate_from_row(c, s, ret, &prior, e)) == ERR_OK && memcmp(ret->serial, serial, sizeof(ret->serial)) != 0)
		rc = store_serial_missing(e);
	statement_done(c, s);
	return rc;
}

/* Out of the queue, and with its reason, so that the upload does not register it. */
static enum err_code
revoked_park(struct connection *c, const struct store_certificate *cert, const struct store_event *ev, struct err *e)
{
	const enum statement	s = STATEMENT_REVOCATION_PARK;
	char			reason[STORE_REASON_BYTES + 1];
	enum err_code		rc;

	if (cert->state == CERTIFICATE_REGISTERED)
		return ERR_OK;
	store_revoked_reason(ev->reason, reason);
	bind_int(c, s, 1, cert->batch_id);
	bind_int(c, s, 2, store_serial_key(cert->serial));
	bind_text(c, s, 3, reason);
	if ((rc = statement_run(c, s, e)) != ERR_OK ||
	    (rc = batch_count(c, cert->batch_id, 0, -(cert->state == CERTIFICATE_PARKED), 1, e)) != ERR_OK)
		return rc;
	return queue_advance(c, cert->batch_id, e);
}

static enum err_code
revocation_write(struct connection *c, const struct store_certificate *cert, const struct store_event *ev, struct err *e)
{
	const enum statement	s = STATEMENT_REVOCATION_INSERT;

	bind_int(c, s, 1, store_serial_key(cert->serial));
	bind_int(c, s, 2, ev->at_us);
	bind_text(c, s, 3, ev->actor);
	bind_text(c, s, 4, ev->reason);
	return statement_run(c, s, e);
}

enum err_code
sqlite_certificate_revoke(struct store *s, const uint8_t serial[STORE_SERIAL_BYTES], const struct store_who *who, struct err *e)
{
	struct connection		*c = &s->writer;
	struct store_certificate	 cert;
	struct store_event		 ev;
	enum err_code			 rc;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	if ((rc = certificate_now(c, serial, &cert, e)) != ERR_OK || cert.state == CERTIFICATE_REVOKED)
		goto out;
	if ((rc = event_certificate_revoke(&ev, who, &cert, e)) == ERR_OK && (rc = revoked_park(c, &cert, &ev, e)) == ERR_OK &&
	    (rc = revocation_write(c, &cert, &ev, e)) == ERR_OK)
		rc = change_commit(s, &ev, e);
out:
	transaction_rollback(c);
	return rc;
}

/* ---- another key ------------------------------------------------------------------------------- */

enum err_code
rework_find(struct connection *c, const char *device_id, int64_t *ret_id, struct err *e)
{
	const enum statement	s = STATEMENT_REWORK_FIND;
	enum err_code		rc;
	bool			found;

	bind_text(c, s, 1, device_id);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	*ret_id = found ? column_int(c, s, 0) : 0;
	if (found)
		statement_done(c, s);
	return ERR_OK;
}

enum err_code
rework_use(struct connection *c, int64_t rework_id, int64_t cert_id, struct err *e)
{
	bind_int(c, STATEMENT_REWORK_USE, 1, rework_id);
	bind_int(c, STATEMENT_REWORK_USE, 2, cert_id);
	return statement_run(c, STATEMENT_REWORK_USE, e);
}

static enum err_code
rework_write(struct connection *c, const char *device_id, const struct store_event *ev, struct err *e)
{
	const enum statement	s = STATEMENT_REWORK_INSERT;

	bind_text(c, s, 1, device_id);
	bind_int(c, s, 2, ev->at_us);
	bind_text(c, s, 3, ev->actor);
	bind_text(c, s, 4, ev->reason);
	return statement_run(c, s, e);
}

enum err_code
sqlite_device_rework(struct store *s, const char *device_id, const struct store_who *who, struct err *e)
{
	static const uint8_t	 no_key[STORE_HASH_BYTES];
	struct connection	*c = &s->writer;
	struct device_row	 device;
	struct store_event	 ev;
	enum err_code		 rc;
	int64_t			 known;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	if ((rc = device_read(c, device_id, no_key, &device, e)) != ERR_OK)
		goto out;
	if (!device.found) {
		rc = store_device_missing(device_id, e);
		goto out;
	}
	if ((rc = rework_find(c, device_id, &known, e)) != ERR_OK || known != 0)
		goto out;
	if ((rc = event_device_rework(&ev, who, device_id, e)) == ERR_OK && (rc = rework_write(c, device_id, &ev, e)) == ERR_OK)
		rc = change_commit(s, &ev, e);
out:
	transaction_rollback(c);
	return rc;
}

enum err_code
sqlite_device_rework_find(struct store_reader *r, const char *device_id, struct store_rework *ret, struct err *e)
{
	struct connection	*c = &r->connection;
	const enum statement	 s = STATEMENT_REWORK_FIND;
	struct store_rework	 got = { 0 };
	enum err_code		 rc;
	bool			 found;

	bind_text(c, s, 1, device_id);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "ledger: device %.64s has no leave for another key", device_id);
	got.allowed_at_us = column_int(c, s, 1);
	if (!column_text_cut(c, s, 2, got.actor, sizeof(got.actor)) || !column_text_cut(c, s, 3, got.reason, sizeof(got.reason)))
		rc = row_unreadable(c, "rework", column_int(c, s, 0), e);
	else
		*ret = got;
	statement_done(c, s);
	return rc;
}
