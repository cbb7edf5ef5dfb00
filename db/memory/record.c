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

/* Why the row may not go in: ERR_OK if it may. */
static enum err_code
row_judge(struct store *s, const struct store_batch *b, struct store_record_row *row)
{
	const struct store_certificate	*new = row->certificate;
	size_t				 i;

	if (b->state != BATCH_OPEN)
		return b->state == BATCH_WAITING ? ERR_BATCH_WAITING : ERR_BATCH_CLOSED;
	if (b->issued >= b->quantity)
		return ERR_BATCH_FULL;
	/* the key it has is that of its last certificate */
	for (i = s->rows_n; i > 0; i--) {
		const struct store_certificate *c = &s->rows[i - 1]->certificate;

		if (strcmp(c->device_id, new->device_id) != 0)
			continue;
		if (memcmp(c->key_id, new->key_id, STORE_HASH_BYTES) == 0)
			return ERR_OK;
		if (!row->may_rekey || (row->renews_id != 0 && row->renews_id != store_serial_key(c->serial)))
			return ERR_DEVICE_EXISTS;
		break;
	}
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
		row->result = ERR_OK;
		return recorded_new(&known->certificate, &row->recorded, e);
	}
	if ((row->result = row_judge(s, b, row)) != ERR_OK)
		return ERR_OK;
	return row_add(s, b, row, e);
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
