#include "db/sqlite/store_sqlite.h"

static enum err_code
verification_judge(struct connection *c, int64_t ca_id, int64_t id, struct err *e)
{
	enum err_code	rc;
	bool		found;

	bind_int(c, STATEMENT_VERIFICATION_CA, 1, ca_id);
	if ((rc = statement_step(c, STATEMENT_VERIFICATION_CA, &found, e)) != ERR_OK)
		return rc;
	statement_done(c, STATEMENT_VERIFICATION_CA);
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "verification: there is no CA %lld", (long long)ca_id);
	bind_int(c, STATEMENT_VERIFICATION_TAKEN, 1, id);
	if ((rc = statement_step(c, STATEMENT_VERIFICATION_TAKEN, &found, e)) != ERR_OK)
		return rc;
	statement_done(c, STATEMENT_VERIFICATION_TAKEN);
	if (found)
		return err_set(e, ERR_CONFLICT, "verification: serial %lld is taken", (long long)id);
	return ERR_OK;
}

enum err_code
sqlite_verification_record(struct store *s, int64_t ca_id, const uint8_t serial[STORE_SERIAL_BYTES], const uint8_t *der,
    size_t der_len, int64_t issued_at_us, struct err *e)
{
	struct connection	*c = &s->writer;
	const enum statement	 st = STATEMENT_VERIFICATION_INSERT;
	enum err_code		 rc;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	if ((rc = verification_judge(c, ca_id, store_serial_key(serial), e)) != ERR_OK)
		goto out;
	bind_int(c, st, 1, store_serial_key(serial));
	bind_blob(c, st, 2, serial + 8, 8);
	bind_int(c, st, 3, ca_id);
	bind_blob(c, st, 4, der, der_len);
	bind_int(c, st, 5, issued_at_us);
	if ((rc = statement_run(c, st, e)) != ERR_OK || (rc = files_check(&s->files, s->path, e)) != ERR_OK)
		goto out;
	rc = transaction_commit(c, e);
out:
	transaction_rollback(c);
	return rc;
}
