/* A row is decided against what is there and what the rows before it added. */
#include <string.h>

#include "db/memory/store_memory.h"

struct recorded *
row_find(struct store *s, int64_t batch_id, const char *device_id, const uint8_t *key_id)
{
	size_t	i;

	for (i = 0; i < s->rows_n; i++) {
		const struct store_certificate *c = &s->rows[i]->certificate;

		if (c->batch_id == batch_id && memcmp(c->key_id, key_id, STORE_HASH_BYTES) == 0 &&
		    strcmp(c->device_id, device_id) == 0)
			return s->rows[i];
	}
	return NULL;
}

/* Was a certificate of the device with that key revoked? */
static bool
key_revoked(struct store *s, const struct store_certificate *new)
{
	size_t	i;

	for (i = 0; i < s->rows_n; i++) {
		const struct store_certificate *c = &s->rows[i]->certificate;

		if (strcmp(c->device_id, new->device_id) == 0 && memcmp(c->key_id, new->key_id, STORE_HASH_BYTES) == 0 && row_revoked(s, c))
			return true;
	}
	return false;
}

/* May the device have another certificate?  *ret_leave: the leave that this uses, or NULL. */
static enum err_code
device_judge(struct store *s, struct store_record_row *row, struct leave **ret_leave)
{
	const struct store_certificate	*new = row->certificate, *newest = NULL;
	size_t				 i;

	*ret_leave = NULL;
	for (i = s->rows_n; i > 0 && newest == NULL; i--) {
		if (strcmp(s->rows[i - 1]->certificate.device_id, new->device_id) == 0)
			newest = &s->rows[i - 1]->certificate;
	}
	if (newest == NULL)
		return ERR_OK;
	if (key_revoked(s, new))
		return ERR_FORBIDDEN;
	/* the key it has is that of its last certificate */
	if (memcmp(newest->key_id, new->key_id, STORE_HASH_BYTES) == 0 || (*ret_leave = leave_of(s, new->device_id)) != NULL)
		return ERR_OK;
	if (row_revoked(s, newest))
		return ERR_FORBIDDEN;
	if (!row->may_rekey || (row->renews_id != 0 && row->renews_id != store_serial_key(newest->serial)))
		return ERR_DEVICE_EXISTS;
	return ERR_OK;
}

/* Why the row may not go in: ERR_OK if it may. */
static enum err_code
row_judge(struct store *s, const struct store_batch *b, struct store_record_row *row, struct leave **ret_leave)
{
	const struct store_certificate	*new = row->certificate;
	enum err_code			 rc;
	size_t				 i;

	if (b->state != BATCH_OPEN)
		return b->state == BATCH_WAITING ? ERR_BATCH_WAITING : ERR_BATCH_CLOSED;
	if (b->issued >= b->quantity)
		return ERR_BATCH_FULL;
	if ((rc = device_judge(s, row, ret_leave)) != ERR_OK)
		return rc;
	for (i = 0; i < s->rows_n; i++) {
		const struct store_certificate *c = &s->rows[i]->certificate;

		if (memcmp(c->key_id, new->key_id, STORE_HASH_BYTES) == 0 && strcmp(c->device_id, new->device_id) != 0) {
			memcpy(row->other, c->device_id, sizeof(row->other));
			return ERR_KEY_REUSED;
		}
	}
	return ERR_OK;
}

static enum err_code
row_add(struct store *s, struct store_batch *b, struct store_record_row *row, struct err *e)
{
	struct store_certificate	 full = *row->certificate;
	struct recorded			*kept = NULL, **rows;
	size_t				 i;
	enum err_code			 rc;

	for (i = 0; i < s->rows_n; i++) {
		if (store_serial_key(s->rows[i]->certificate.serial) == store_serial_key(full.serial))
			return err_set(e, ERR_INTERNAL, "record: a serial that is there already");
	}
	if (verification_find(s, store_serial_key(full.serial)) != NULL)
		return err_set(e, ERR_INTERNAL, "record: a serial that is there already");
	full.state = CERTIFICATE_ISSUED;
	full.reason[0] = '\0';
	full.revoked_at_us = 0;
	full.revoked_by[0] = full.revoked_reason[0] = '\0';
	memcpy(full.batch_name, b->name, sizeof(full.batch_name));
	memcpy(full.ca_name, b->ca_name, sizeof(full.ca_name));
	memcpy(full.profile, b->profile, sizeof(full.profile));
	if ((rows = grow(s->rows, s->rows_n, &s->rows_max, sizeof(struct recorded *))) == NULL)
		return err_set(e, ERR_NOMEM, "record");
	s->rows = rows;
	if ((rc = recorded_new(&full, &kept, e)) != ERR_OK)
		return rc;
	if ((rc = recorded_new(&full, &row->recorded, e)) != ERR_OK) {
		recorded_free(kept);
		return rc;
	}
	s->rows[s->rows_n++] = kept;
	b->issued++;
	row->is_new = true;
	return ERR_OK;
}

static enum err_code
row_record(struct store *s, struct store_record_row *row, struct err *e)
{
	const struct store_certificate	*c = row->certificate;
	struct store_batch		*b = NULL;
	struct recorded			*known;
	struct leave			*leave = NULL;
	enum err_code			 rc;
	size_t				 i;

	for (i = 0; i < s->batches_n; i++) {
		if (s->batches[i].batch.id == c->batch_id)
			b = &s->batches[i].batch;
	}
	if (b == NULL) {
		row->result = ERR_BATCH_NOT_FOUND;
		return ERR_OK;
	}
	if ((known = row_find(s, c->batch_id, c->device_id, c->key_id)) != NULL) {
		row->result = row_revoked(s, &known->certificate) ? ERR_FORBIDDEN : ERR_OK;
		if (row->result != ERR_OK)
			return ERR_OK;
		return recorded_new(&known->certificate, &row->recorded, e);
	}
	if ((row->result = row_judge(s, b, row, &leave)) != ERR_OK)
		return ERR_OK;
	if ((rc = row_add(s, b, row, e)) == ERR_OK && leave != NULL)
		leave->used_cert_id = store_serial_key(c->serial);
	return rc;
}

/* All or none: the rows that went in last go out again. */
static void
rows_undo(struct store *s, size_t rows_before)
{
	size_t	i;

	while (s->rows_n > rows_before) {
		struct recorded *r = s->rows[--s->rows_n];

		for (i = 0; i < s->batches_n; i++) {
			if (s->batches[i].batch.id == r->certificate.batch_id)
				s->batches[i].batch.issued--;
		}
		for (i = 0; i < s->leaves_n; i++) {
			if (s->leaves[i].used_cert_id == store_serial_key(r->certificate.serial))
				s->leaves[i].used_cert_id = 0;
		}
		recorded_free(r);
	}
}

static void
batches_touch(struct store *s, size_t rows_before)
{
	size_t	i, k;

	for (i = rows_before; i < s->rows_n; i++) {
		const struct store_certificate *c = &s->rows[i]->certificate;

		for (k = 0; k < s->batches_n; k++) {
			struct store_batch *b = &s->batches[k].batch;

			if (b->id == c->batch_id && b->last_issued_at_us < c->issued_at_us)
				b->last_issued_at_us = c->issued_at_us;
		}
	}
}

enum err_code
memory_record(struct store *s, struct store_record_row *rows, size_t n, struct err *e)
{
	enum err_code	rc = ERR_OK;
	size_t		i, before;

	for (i = 0; i < n; i++)
		rows[i].recorded = NULL;
	store_record_rows_fail(rows, n, ERR_INTERNAL);
	(void)pthread_mutex_lock(&s->mu);
	before = s->rows_n;
	for (i = 0; i < n && rc == ERR_OK; i++)
		rc = row_record(s, &rows[i], e);
	if (rc != ERR_OK) {
		rows_undo(s, before);
		store_record_rows_fail(rows, n, rc);
	} else
		batches_touch(s, before);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}
