#include <string.h>

#include "db/sqlite/store_sqlite.h"

/* The columns of CERTIFICATE_COLUMNS (statements.h). */
enum {
	COL_ID, COL_SERIAL_LOWER, COL_DEVICE_ID, COL_KEY_ID, COL_CERTIFICATE_ID, COL_BATCH_ID, COL_CA_ID,
	COL_NOT_BEFORE, COL_NOT_AFTER, COL_ISSUED_AT, COL_DER, COL_STATE, COL_BATCH_NAME, COL_CA_NAME, COL_PROFILE,
	COL_PRIOR_ID, COL_REASON, COL_REVOKED_AT, COL_REVOKED_BY, COL_REVOKED_REASON
};

void
serial_upper_write(int64_t id, uint8_t *out)
{
	int	i;

	for (i = 7; i >= 0; i--) {
		out[i] = (uint8_t)(id & 0xff);
		id >>= 8;
	}
}

enum err_code
certificate_from_row(struct connection *c, enum statement s, struct store_certificate *out, int64_t *ret_prior,
    struct err *e)
{
	static const enum certificate_state	states[] = { CERTIFICATE_ISSUED, CERTIFICATE_REGISTERED, CERTIFICATE_PARKED };
	int64_t					id = column_int(c, s, COL_ID), state = column_int(c, s, COL_STATE);

	memset(out, 0, sizeof(*out));
	serial_upper_write(id, out->serial);
	if (!column_blob(c, s, COL_SERIAL_LOWER, out->serial + 8, 8) ||
	    !column_text(c, s, COL_DEVICE_ID, out->device_id, sizeof(out->device_id)) ||
	    !column_blob(c, s, COL_KEY_ID, out->key_id, sizeof(out->key_id)) ||
	    !column_blob(c, s, COL_CERTIFICATE_ID, out->certificate_id, sizeof(out->certificate_id)) ||
	    !column_text(c, s, COL_BATCH_NAME, out->batch_name, sizeof(out->batch_name)) ||
	    !column_text(c, s, COL_CA_NAME, out->ca_name, sizeof(out->ca_name)) ||
	    !column_text(c, s, COL_PROFILE, out->profile, sizeof(out->profile)) ||
	    state < 0 || state >= (int64_t)(sizeof(states) / sizeof(states[0])) ||
	    (out->der = sqlite3_column_blob(c->statements[s], COL_DER)) == NULL)
		return row_unreadable(c, "certificate", id, e);
	if (sqlite3_column_type(c->statements[s], COL_REASON) != SQLITE_NULL &&
	    !column_text_cut(c, s, COL_REASON, out->reason, sizeof(out->reason)))
		return row_unreadable(c, "certificate", id, e);
	out->revoked_at_us = column_int(c, s, COL_REVOKED_AT);
	if (!column_text_cut(c, s, COL_REVOKED_BY, out->revoked_by, sizeof(out->revoked_by)) ||
	    !column_text_cut(c, s, COL_REVOKED_REASON, out->revoked_reason, sizeof(out->revoked_reason)))
		return row_unreadable(c, "certificate", id, e);
	out->der_len = (size_t)sqlite3_column_bytes(c->statements[s], COL_DER);
	out->batch_id = column_int(c, s, COL_BATCH_ID);
	out->ca_id = column_int(c, s, COL_CA_ID);
	out->not_before_s = column_int(c, s, COL_NOT_BEFORE);
	out->not_after_s = column_int(c, s, COL_NOT_AFTER);
	out->issued_at_us = column_int(c, s, COL_ISSUED_AT);
	out->state = states[state];
	if (out->revoked_at_us != 0) {
		out->state = CERTIFICATE_REVOKED;
		out->reason[0] = '\0';
	}
	*ret_prior = column_int(c, s, COL_PRIOR_ID);	/* NULL reads as 0 */
	return ERR_OK;
}

enum err_code
device_read(struct connection *c, const char *device_id, const uint8_t key_id[STORE_HASH_BYTES], struct device_row *ret,
    struct err *e)
{
	const enum statement	s = STATEMENT_DEVICE_FIND;
	uint8_t			prefix[16];
	enum err_code		rc;

	memset(ret, 0, sizeof(*ret));
	bind_text(c, s, 1, device_id);
	if ((rc = statement_step(c, s, &ret->found, e)) != ERR_OK || !ret->found)
		return rc;
	if (column_blob(c, s, 0, prefix, sizeof(prefix)))
		ret->same_key = memcmp(prefix, key_id, sizeof(prefix)) == 0;
	else
		rc = err_set(e, ERR_STORAGE, "ledger: device %s cannot be read", device_id);
	ret->newest_id = column_int(c, s, 1);
	statement_done(c, s);
	return rc;
}

enum err_code
chain_read(struct connection *c, int64_t id, int64_t batch_id, const uint8_t key_id[STORE_HASH_BYTES],
    struct chain *ret, struct err *e)
{
	const enum statement		s = STATEMENT_CERTIFICATE_FIND;
	const int64_t			newest_id = id;
	struct store_certificate	cert;
	enum err_code			rc = ERR_OK;
	int64_t				prior = 0;
	bool				found, revoked;

	memset(ret, 0, sizeof(*ret));
	for (; id != 0 && rc == ERR_OK; id = prior) {
		bind_int(c, s, 1, id);
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
			break;
		if (!found) {
			rc = err_set(e, ERR_STORAGE, "ledger: certificate %lld is missing", (long long)id);
			break;
		}
		if ((rc = certificate_from_row(c, s, &cert, &prior, e)) == ERR_OK) {
			revoked = cert.state == CERTIFICATE_REVOKED;
			ret->newest_revoked = ret->newest_revoked || (revoked && id == newest_id);
			if (memcmp(cert.key_id, key_id, sizeof(cert.key_id)) == 0) {
				ret->key_revoked = ret->key_revoked || revoked;
				if (cert.batch_id == batch_id && ret->recorded == NULL)
					rc = recorded_new(&cert, &ret->recorded, e);
			}
		}
		statement_done(c, s);
	}
	if (rc != ERR_OK) {
		recorded_free(ret->recorded);
		ret->recorded = NULL;
	}
	return rc;
}

enum err_code
sqlite_recorded_find(struct store_reader *r, int64_t batch_id, const char *device_id,
    const uint8_t key_id[STORE_HASH_BYTES], struct recorded **ret, struct err *e)
{
	struct connection	*c = &r->connection;
	struct device_row	 device;
	struct chain		 chain = { 0 };
	enum err_code		 rc;

	if ((rc = device_read(c, device_id, key_id, &device, e)) != ERR_OK)
		return rc;
	/* also with a key that it had before */
	if (device.found &&
	    (rc = chain_read(c, device.newest_id, batch_id, key_id, &chain, e)) != ERR_OK)
		return rc;
	if (chain.recorded == NULL)
		return err_set(e, ERR_NOT_FOUND, "ledger: no certificate of device %s in this batch", device_id);
	if (chain.recorded->certificate.state == CERTIFICATE_REVOKED) {
		recorded_free(chain.recorded);
		return store_device_revoked(device_id, e);
	}
	*ret = chain.recorded;
	return ERR_OK;
}

enum err_code
sqlite_recorded_find_serial(struct store_reader *r, const uint8_t serial[STORE_SERIAL_BYTES], struct recorded **ret,
    struct err *e)
{
	struct connection		*c = &r->connection;
	const enum statement		 s = STATEMENT_CERTIFICATE_FIND;
	struct store_certificate	 cert;
	enum err_code			 rc;
	int64_t				 prior;
	bool				 found;

	bind_int(c, s, 1, store_serial_key(serial));
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "ledger: no such serial");
	if ((rc = certificate_from_row(c, s, &cert, &prior, e)) == ERR_OK) {
		if (memcmp(cert.serial, serial, sizeof(cert.serial)) != 0)
			rc = err_set(e, ERR_NOT_FOUND, "ledger: no such serial");
		else
			rc = recorded_new(&cert, ret, e);
	}
	statement_done(c, s);
	return rc;
}

enum err_code
sqlite_newest(struct store_reader *r, uint64_t *ret_serial_upper, int64_t *ret_issued_at_us, struct err *e)
{
	struct connection	*c = &r->connection;
	const enum statement	 s = STATEMENT_CERTIFICATE_NEWEST;
	enum err_code		 rc;
	bool			 found;

	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	*ret_serial_upper = found ? (uint64_t)column_int(c, s, 0) : 0;
	*ret_issued_at_us = found ? column_int(c, s, 1) : 0;
	statement_done(c, s);
	return ERR_OK;
}
