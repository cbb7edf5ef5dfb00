/*
 * One group of rows, one transaction.  Optimistic: only a key or a device id that is taken asks for more.  The write
 * lock is held from BEGIN on, so what is read here stays true until COMMIT.
 */
#include <stdlib.h>
#include <string.h>

#include "db/sqlite/store_sqlite.h"

/* A batch as this group finds and leaves it. */
struct tally {
	int64_t	batch_id;
	bool	found, open, waits;
	int64_t	room;			/* certificates it may still issue, those of this group taken off */
	int64_t	issued;			/* by this group */
	int64_t	last_issued_at_us;
	int64_t	verification_id;	/* the newest serial of a verification certificate */
	char	batch_name[LIMIT_NAME_BYTES + 1], ca_name[LIMIT_NAME_BYTES + 1], profile[LIMIT_NAME_BYTES + 1];
};

static enum err_code
tally_read(struct connection *c, int64_t batch_id, struct tally *t, struct err *e)
{
	const enum statement	s = STATEMENT_BATCH_ROOM;
	enum err_code		rc;

	memset(t, 0, sizeof(*t));
	t->batch_id = batch_id;
	bind_int(c, s, 1, batch_id);
	if ((rc = statement_step(c, s, &t->found, e)) != ERR_OK || !t->found)
		return rc;
	t->open = column_int(c, s, 0) == 0;
	t->room = column_int(c, s, 1) - column_int(c, s, 2);
	t->verification_id = column_int(c, s, 6);
	t->waits = column_int(c, s, 7) != 0;
	if (!column_text(c, s, 3, t->batch_name, sizeof(t->batch_name)) ||
	    !column_text(c, s, 4, t->ca_name, sizeof(t->ca_name)) ||
	    !column_text(c, s, 5, t->profile, sizeof(t->profile)))
		rc = err_set(e, ERR_STORAGE, "ledger: batch %lld cannot be read", (long long)batch_id);
	statement_done(c, s);
	return rc;
}

static enum err_code
tally_get(struct store *s, int64_t batch_id, struct tally **ret, struct err *e)
{
	struct tally	*more;
	size_t		 i, max;
	enum err_code	 rc;

	for (i = s->tally_n; i > 0; i--) {
		if (s->tallies[i - 1].batch_id == batch_id) {
			*ret = &s->tallies[i - 1];
			return ERR_OK;
		}
	}
	if (s->tally_n == s->tally_max) {
		max = s->tally_max == 0 ? 8 : s->tally_max * 2;
		if ((more = reallocarray(s->tallies, max, sizeof(*more))) == NULL)
			return err_set(e, ERR_NOMEM, "record: %zu batches", max);
		s->tallies = more;
		s->tally_max = max;
	}
	if ((rc = tally_read(&s->writer, batch_id, &s->tallies[s->tally_n], e)) != ERR_OK)
		return rc;
	*ret = &s->tallies[s->tally_n++];
	return ERR_OK;
}

static enum err_code
device_insert(struct connection *c, const struct store_certificate *cert, bool *ret_inserted, struct err *e)
{
	const enum statement	s = STATEMENT_DEVICE_INSERT;
	enum err_code		rc;

	bind_text(c, s, 1, cert->device_id);
	bind_blob(c, s, 2, cert->key_id, KEY_PREFIX_BYTES);
	bind_int(c, s, 3, store_serial_key(cert->serial));
	if ((rc = statement_run(c, s, e)) == ERR_OK)
		*ret_inserted = sqlite3_changes(c->db) == 1;
	return rc;
}

static enum err_code
certificate_insert(struct connection *c, const struct store_certificate *cert, int64_t prior_id, struct err *e)
{
	enum statement	s = STATEMENT_CERTIFICATE_INSERT;
	enum err_code	rc;

	bind_int(c, s, 1, store_serial_key(cert->serial));
	bind_blob(c, s, 2, cert->serial + 8, 8);
	bind_int(c, s, 3, cert->batch_id);
	bind_int(c, s, 4, cert->ca_id);
	bind_text(c, s, 5, cert->device_id);
	bind_blob(c, s, 6, cert->key_id, STORE_HASH_BYTES);
	bind_blob(c, s, 7, cert->certificate_id, STORE_HASH_BYTES);
	bind_int(c, s, 8, cert->not_before_s);
	bind_int(c, s, 9, cert->not_after_s);
	bind_int(c, s, 10, cert->issued_at_us);
	bind_blob(c, s, 11, cert->der, cert->der_len);
	if (prior_id != 0)
		bind_int(c, s, 12, prior_id);
	else
		bind_null(c, s, 12);
	if ((rc = statement_run(c, s, e)) != ERR_OK)
		return rc;
	s = STATEMENT_OUTBOX_INSERT;
	bind_int(c, s, 1, cert->batch_id);
	bind_int(c, s, 2, store_serial_key(cert->serial));
	return statement_run(c, s, e);
}

/* A serial is given once; those of verification certificates are in another table. */
static enum err_code
serial_check(struct connection *c, int64_t id, const struct tally *t, struct err *e)
{
	enum err_code	rc;
	bool		found;

	if (id > t->verification_id)
		return ERR_OK;
	bind_int(c, STATEMENT_VERIFICATION_FIND, 1, id);
	if ((rc = statement_step(c, STATEMENT_VERIFICATION_FIND, &found, e)) != ERR_OK || !found)
		return rc;
	statement_done(c, STATEMENT_VERIFICATION_FIND);
	return err_set(e, ERR_INTERNAL, "ledger: serial %lld is that of a verification certificate", (long long)id);
}

/* Inserts the certificate of a device whose row is in place, and takes it off the batch's room. */
static enum err_code
record_new(struct store *s, struct store_record_row *row, struct tally *t, int64_t prior_id, struct err *e)
{
	struct store_certificate	full = *row->certificate;
	enum err_code			rc;

	if ((rc = serial_check(&s->writer, store_serial_key(full.serial), t, e)) != ERR_OK ||
	    (rc = certificate_insert(&s->writer, &full, prior_id, e)) != ERR_OK)
		return rc;
	full.state = CERTIFICATE_ISSUED;
	full.reason[0] = '\0';
	full.revoked_at_us = 0;
	full.revoked_by[0] = full.revoked_reason[0] = '\0';
	memcpy(full.batch_name, t->batch_name, sizeof(full.batch_name));
	memcpy(full.ca_name, t->ca_name, sizeof(full.ca_name));
	memcpy(full.profile, t->profile, sizeof(full.profile));
	/* Made now, so that after COMMIT nothing can fail any more. */
	if ((rc = recorded_new(&full, &row->recorded, e)) != ERR_OK)
		return rc;
	t->room--;
	t->issued++;
	if (full.issued_at_us > t->last_issued_at_us)
		t->last_issued_at_us = full.issued_at_us;
	row->result = ERR_OK;
	row->is_new = true;
	return ERR_OK;
}

/* Whose is the key that came with the certificate owner?  The row's device's own, or the row is refused for it. */
static enum err_code
record_key_check(struct store *s, struct store_record_row *row, int64_t owner, struct err *e)
{
	struct connection	*c = &s->writer;
	const enum statement	 st = STATEMENT_CERTIFICATE_DEVICE;
	enum err_code		 rc;
	bool			 found;

	bind_int(c, st, 1, owner);
	if ((rc = statement_step(c, st, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_STORAGE, "ledger: certificate %lld is missing", (long long)owner);
	if (!column_text(c, st, 0, row->other, sizeof(row->other)))
		rc = err_set(e, ERR_STORAGE, "ledger: a device id cannot be read");
	statement_done(c, st);
	if (strcmp(row->other, row->certificate->device_id) == 0) {
		row->other[0] = '\0';
		row->result = ERR_OK;
	} else
		row->result = ERR_KEY_REUSED;
	return rc;
}

/* The next certificate of a device that has one: for another batch, or with another key. */
static enum err_code
record_next(struct store *s, struct store_record_row *row, struct tally *t, const struct device_row *device, int64_t key_owner,
    struct err *e)
{
	const struct store_certificate	*cert = row->certificate;
	struct connection		*c = &s->writer;
	const enum statement		 st = STATEMENT_DEVICE_NEXT;
	const int64_t			 id = store_serial_key(cert->serial);
	enum err_code			 rc;

	/* First the certificate: the schema lets a device have no key but that of its newest. */
	if ((rc = record_new(s, row, t, device->newest_id, e)) != ERR_OK)
		return rc;
	bind_text(c, st, 1, cert->device_id);
	bind_int(c, st, 2, id);
	bind_blob(c, st, 3, cert->key_id, KEY_PREFIX_BYTES);
	if ((rc = statement_run(c, st, e)) != ERR_OK || key_owner != 0)
		return rc;
	return keys_add_next(c, cert->key_id, id, e);
}

/* May the device, in an open batch with room, have a next certificate?  *ret_rework: the leave that this uses, 0: none. */
static enum err_code
record_may(struct store *s, struct store_record_row *row, const struct device_row *device, const struct chain *chain,
    int64_t *ret_rework, struct err *e)
{
	enum err_code	rc;

	*ret_rework = 0;
	row->result = chain->key_revoked ? ERR_FORBIDDEN : ERR_OK;
	if (chain->key_revoked || device->same_key)
		return ERR_OK;
	if ((rc = rework_find(&s->writer, row->certificate->device_id, ret_rework, e)) != ERR_OK || *ret_rework != 0)
		return rc;
	if (chain->newest_revoked)
		row->result = ERR_FORBIDDEN;
	else if (!row->may_rekey || (row->renews_id != 0 && row->renews_id != device->newest_id))
		row->result = ERR_DEVICE_EXISTS;
	return ERR_OK;
}

/* The row could not simply go in: is it there already, or why not?  key_owner as keys_owner says. */
static enum err_code
record_look(struct store *s, struct store_record_row *row, struct tally *t, int64_t key_owner, struct err *e)
{
	const struct store_certificate	*cert = row->certificate;
	struct connection		*c = &s->writer;
	struct device_row		 device;
	struct chain			 chain = { 0 };
	enum err_code			 rc;
	int64_t				 rework = 0;

	if ((rc = device_read(c, cert->device_id, cert->key_id, &device, e)) != ERR_OK)
		return rc;
	if (device.found && (rc = chain_read(c, device.newest_id, cert->batch_id, cert->key_id, &chain, e)) != ERR_OK)
		return rc;
	if (chain.recorded != NULL) {
		row->result = chain.recorded->certificate.state == CERTIFICATE_REVOKED ? ERR_FORBIDDEN : ERR_OK;
		if (row->result == ERR_OK)
			row->recorded = chain.recorded;
		else
			recorded_free(chain.recorded);
		return ERR_OK;
	}
	if (!t->open || t->room <= 0) {
		row->result = t->open ? ERR_BATCH_FULL : t->waits ? ERR_BATCH_WAITING : ERR_BATCH_CLOSED;
		return ERR_OK;
	}
	if (device.found && ((rc = record_may(s, row, &device, &chain, &rework, e)) != ERR_OK || row->result != ERR_OK))
		return rc;
	if (!device.same_key && key_owner != 0) {
		if ((rc = record_key_check(s, row, key_owner, e)) != ERR_OK || row->result != ERR_OK)
			return rc;
	}
	if (!device.found)
		return err_set(e, ERR_STORAGE, "ledger: device %s of certificate %lld is missing", cert->device_id, (long long)key_owner);
	if ((rc = record_next(s, row, t, &device, key_owner, e)) != ERR_OK || rework == 0)
		return rc;
	return rework_use(c, rework, store_serial_key(cert->serial), e);
}

/* An error ends the whole group; what concerns this row alone goes into row->result. */
static enum err_code
record_row(struct store *s, struct store_record_row *row, struct err *e)
{
	const struct store_certificate	*cert = row->certificate;
	struct tally			*t;
	enum err_code			 rc;
	int64_t				 key_owner;
	bool				 inserted;

	if ((rc = tally_get(s, cert->batch_id, &t, e)) != ERR_OK)
		return rc;
	if (!t->found) {
		row->result = ERR_BATCH_NOT_FOUND;
		return ERR_OK;
	}
	if ((rc = keys_owner(s->keys, &s->writer, cert->key_id, &key_owner, e)) != ERR_OK)
		return rc;
	if (key_owner != 0 || !t->open || t->room <= 0)
		return record_look(s, row, t, key_owner, e);
	if ((rc = device_insert(&s->writer, cert, &inserted, e)) != ERR_OK)
		return rc;
	if (!inserted)
		return record_look(s, row, t, 0, e);
	if ((rc = keys_add(s->keys, &s->writer, cert->key_id, store_serial_key(cert->serial), e)) != ERR_OK)
		return rc;
	return record_new(s, row, t, 0, e);
}

/*
 * Reads a new row back through the tree it went into, before COMMIT: a bug, here or below, is then a failed group and not
 * a certificate that nobody can find again.  All rows: the page is in the cache, it costs about a microsecond.
 */
static enum err_code
record_check(struct connection *c, const struct store_certificate *cert, struct err *e)
{
	const enum statement	 s = STATEMENT_CERTIFICATE_CHECK;
	sqlite3_stmt		*st = c->statements[s];
	uint8_t			 key_id[STORE_HASH_BYTES], certificate_id[STORE_HASH_BYTES];
	char			 device_id[LIMIT_DEVICE_ID_BYTES + 1];
	const void		*der;
	enum err_code		 rc;
	bool			 found, same;

	bind_int(c, s, 1, store_serial_key(cert->serial));
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	same = found && column_text(c, s, 0, device_id, sizeof(device_id)) &&
	    column_blob(c, s, 1, key_id, sizeof(key_id)) &&
	    column_blob(c, s, 2, certificate_id, sizeof(certificate_id)) &&
	    (der = sqlite3_column_blob(st, 3)) != NULL &&
	    (size_t)sqlite3_column_bytes(st, 3) == cert->der_len &&
	    memcmp(der, cert->der, cert->der_len) == 0 &&
	    memcmp(key_id, cert->key_id, sizeof(key_id)) == 0 &&
	    memcmp(certificate_id, cert->certificate_id, sizeof(certificate_id)) == 0 &&
	    strcmp(device_id, cert->device_id) == 0;
	statement_done(c, s);
	if (!same)
		return err_set(e, ERR_STORAGE, "ledger: the row of device %s reads back differently", cert->device_id);
	return ERR_OK;
}

static enum err_code
record_debit(struct connection *c, const struct tally *t, struct err *e)
{
	const enum statement	s = STATEMENT_BATCH_DEBIT;
	enum err_code		rc;

	if (t->issued == 0)
		return ERR_OK;
	bind_int(c, s, 1, t->batch_id);
	bind_int(c, s, 2, t->issued);
	bind_int(c, s, 3, t->last_issued_at_us);
	if ((rc = statement_run(c, s, e)) != ERR_OK)
		return rc;
	if (sqlite3_changes(c->db) != 1)
		return err_set(e, ERR_INTERNAL, "ledger: batch %lld changed under the write lock", (long long)t->batch_id);
	return ERR_OK;
}

/* All that stands between the inserts and the promise. */
static enum err_code
record_finish(struct store *s, const struct store_record_row *rows, size_t n, struct err *e)
{
	enum err_code	rc;
	size_t		i, issued = 0;

	for (i = 0; i < s->tally_n; i++) {
		if ((rc = record_debit(&s->writer, &s->tallies[i], e)) != ERR_OK)
			return rc;
		issued += (size_t)s->tallies[i].issued;
	}
	if ((rc = keys_settle(s->keys, &s->writer, issued, e)) != ERR_OK)
		return rc;
	for (i = 0; i < n; i++) {
		if (rows[i].is_new && (rc = record_check(&s->writer, rows[i].certificate, e)) != ERR_OK)
			return rc;
	}
	if ((rc = files_check(&s->files, s->path, e)) != ERR_OK)
		return rc;
	return transaction_commit(&s->writer, e);
}

enum err_code
record_prepare(struct store *s, struct err *e)
{
	enum err_code	rc;

	if ((rc = transaction_begin(&s->writer, e)) != ERR_OK)
		return rc;
	if ((rc = keys_begin(s->keys, &s->writer, 0, e)) == ERR_OK)
		rc = transaction_commit(&s->writer, e);
	transaction_rollback(&s->writer);
	if (rc != ERR_OK)
		keys_forget(s->keys);
	return rc;
}

enum err_code
sqlite_record(struct store *s, struct store_record_row *rows, size_t n, struct err *e)
{
	enum err_code	rc;
	sqlite3_int64	changes = sqlite3_total_changes64(s->writer.db);
	size_t		i;

	for (i = 0; i < n; i++)
		rows[i].recorded = NULL;
	store_record_rows_fail(rows, n, ERR_INTERNAL);	/* until each has its own result */
	s->tally_n = 0;
	if ((rc = transaction_begin(&s->writer, e)) != ERR_OK ||
	    (rc = keys_begin(s->keys, &s->writer, n, e)) != ERR_OK)
		goto out;
	for (i = 0; i < n; i++) {
		if ((rc = record_row(s, &rows[i], e)) != ERR_OK)
			goto out;
	}
	/* With nothing new there is nothing to sync: the transaction is only let go. */
	if (sqlite3_total_changes64(s->writer.db) != changes)
		rc = record_finish(s, rows, n, e);
out:
	transaction_rollback(&s->writer);
	if (rc != ERR_OK) {
		keys_forget(s->keys);
		store_record_rows_fail(rows, n, rc);
	}
	return rc;
}
