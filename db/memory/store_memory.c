/*
 * The fake: the same contract, kept in lists under one mutex.  For tests: simple before quick.  Rows are kept in the order of
 * recording; listings look for the next lower serial.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "db/memory/store_memory.h"

void *
grow(void *array, size_t n, size_t *max, size_t size)
{
	void	*more = array;

	if (n == *max && (more = reallocarray(array, *max == 0 ? 16 : *max * 2, size)) != NULL)
		*max = *max == 0 ? 16 : *max * 2;
	return more;
}

static enum err_code
memory_create(const struct store_config *cf, struct err *e)
{
	(void)cf;
	(void)e;
	return ERR_OK;
}

static enum err_code
memory_open(const struct store_config *cf, struct store **ret, struct err *e)
{
	struct store	*s;

	(void)cf;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return err_set(e, ERR_NOMEM, "store");
	if (pthread_mutex_init(&s->mu, NULL) != 0) {
		free(s);
		return err_set(e, ERR_NOMEM, "store");
	}
	*ret = s;
	return ERR_OK;
}

static void
memory_close(struct store *s)
{
	size_t	i;

	if (s == NULL)
		return;
	for (i = 0; i < s->cas_n; i++)
		store_ca_done(&s->cas[i]);
	for (i = 0; i < s->batches_n; i++)
		free(s->batches[i].devices);
	for (i = 0; i < s->rows_n; i++)
		recorded_free(s->rows[i]);
	free(s->cas);
	free(s->batches);
	free(s->rows);
	free(s->registrations);
	free(s->targets);
	free(s->runs);
	free(s->verifications);
	free(s->revocations);
	free(s->withdrawals);
	free(s->leaves);
	free(s->tokens);
	free(s->events);
	free(s->refusals);
	free(s->refused);
	(void)pthread_mutex_destroy(&s->mu);
	free(s);
}

static enum err_code
memory_reader_open(struct store *s, struct store_reader **ret, struct err *e)
{
	struct store_reader	*r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return err_set(e, ERR_NOMEM, "reader");
	r->store = s;
	*ret = r;
	return ERR_OK;
}

static void
memory_reader_close(struct store_reader *r)
{
	free(r);
}

static struct store_ca *
ca_by_name(struct store *s, const char *name)
{
	size_t	i;

	for (i = 0; i < s->cas_n; i++) {
		if (strcmp(s->cas[i].name, name) == 0)
			return &s->cas[i];
	}
	return NULL;
}

static struct batch_entry *
batch_by_name(struct store *s, const char *name)
{
	size_t	i;

	for (i = 0; i < s->batches_n; i++) {
		if (strcmp(s->batches[i].batch.name, name) == 0)
			return &s->batches[i];
	}
	return NULL;
}

static enum err_code
ca_copy(const struct store_ca *from, struct store_ca *ret, struct err *e)
{
	uint8_t	*der;

	if ((der = malloc(from->der_len)) == NULL)
		return err_set(e, ERR_NOMEM, "CA %s", from->name);
	memcpy(der, from->der, from->der_len);
	*ret = *from;
	ret->der = der;
	return ERR_OK;
}

/* ---- the other changes --------------------------------------------------------------------------- */

static enum err_code
memory_ca_add(struct store *s, const struct store_ca *ca, int64_t *ret_id, struct err *e)
{
	struct store_ca	*more, copy;
	enum err_code	 rc;

	(void)pthread_mutex_lock(&s->mu);
	if (ca_by_name(s, ca->name) != NULL)
		rc = err_say(e, ERR_CONFLICT, "There is a CA named %s already.", ca->name);
	else if ((more = reallocarray(s->cas, s->cas_n + 1, sizeof(*more))) == NULL)
		rc = err_set(e, ERR_NOMEM, "CA %s", ca->name);
	else {
		s->cas = more;
		if ((rc = ca_copy(ca, &copy, e)) == ERR_OK) {
			copy.id = (int64_t)s->cas_n + 1;
			s->cas[s->cas_n++] = copy;
			*ret_id = copy.id;
		}
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

static enum err_code
devices_read(struct batch_entry *be, enum err_code (*next)(void *, const char **, struct err *), void *arg, struct err *e)
{
	char		(*more)[LIMIT_DEVICE_ID_BYTES + 1];
	const char	 *id;
	enum err_code	  rc;
	size_t		  len;

	for (;;) {
		if ((rc = next(arg, &id, e)) != ERR_OK || id == NULL)
			return rc;
		if ((len = strlen(id)) == 0 || len > LIMIT_DEVICE_ID_BYTES ||
		    (be->devices_n > 0 && strcmp(be->devices[be->devices_n - 1], id) >= 0))
			return err_set(e, ERR_INTERNAL, "device list: not in order");
		if ((more = grow(be->devices, be->devices_n, &be->devices_max, sizeof(*more))) == NULL)
			return err_set(e, ERR_NOMEM, "device list");
		be->devices = more;
		memcpy(be->devices[be->devices_n++], id, len + 1);
	}
}

static enum err_code
memory_batch_create(struct store *s, const struct store_batch *b,
    enum err_code (*next)(void *, const char **, struct err *), void *arg, const struct store_who *who, struct err *e)
{
	struct batch_entry	 be = { .batch = *b }, *more;
	struct store_event	 ev;
	enum err_code		 rc;

	if ((rc = event_batch_create(&ev, who, b, e)) == ERR_OK && b->listed)
		rc = devices_read(&be, next, arg, e);
	(void)pthread_mutex_lock(&s->mu);
	if (rc != ERR_OK || (rc = event_room(s, e)) != ERR_OK)
		;
	else if (batch_by_name(s, b->name) != NULL)
		rc = err_say(e, ERR_CONFLICT, "There is a batch named %s already, and an order never changes: choose another name.", b->name);
	else if (b->ca_id < 1 || (size_t)b->ca_id > s->cas_n || b->quantity < 1)
		rc = err_set(e, ERR_INTERNAL, "batch %s: no such CA, or no quantity", b->name);
	else if ((more = reallocarray(s->batches, s->batches_n + 1, sizeof(*more))) == NULL)
		rc = err_set(e, ERR_NOMEM, "batch %s", b->name);
	else {
		s->batches = more;
		be.batch.id = (int64_t)s->batches_n + 1;
		memcpy(be.batch.ca_name, s->cas[b->ca_id - 1].name, sizeof(be.batch.ca_name));
		be.batch.state = b->state == BATCH_WAITING ? BATCH_WAITING : BATCH_OPEN;
		be.batch.issued = be.batch.registered = be.batch.parked = be.batch.revoked = be.batch.last_issued_at_us = 0;
		be.batch.revoking = be.batch.revoke_parked = 0;
		s->batches[s->batches_n++] = be;
		be.devices = NULL;	/* moved */
		event_add(s, &ev);
	}
	(void)pthread_mutex_unlock(&s->mu);
	free(be.devices);
	return rc;
}

static enum err_code
memory_batch_set_state(struct store *s, const char *name, enum batch_state state, const struct store_who *who, struct err *e)
{
	struct batch_entry	*be;
	struct store_event	 ev;
	enum err_code		 rc = ERR_OK;

	if (state != BATCH_OPEN && state != BATCH_CLOSED)
		return err_set(e, ERR_INTERNAL, "batch %s: no state to set: %d", name, (int)state);
	(void)pthread_mutex_lock(&s->mu);
	if ((be = batch_by_name(s, name)) == NULL)
		rc = store_batch_missing(name, e);
	else if (be->batch.state != state &&
	    (rc = event_batch_state(&ev, who, name, be->batch.state, state, e)) == ERR_OK && (rc = event_room(s, e)) == ERR_OK) {
		be->batch.state = state;
		event_add(s, &ev);
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

static enum err_code
memory_batch_set_quantity(struct store *s, const char *name, int64_t quantity, const struct store_who *who, struct err *e)
{
	struct batch_entry	*be;
	struct store_event	 ev;
	enum err_code		 rc = ERR_OK;

	(void)pthread_mutex_lock(&s->mu);
	if ((be = batch_by_name(s, name)) == NULL)
		rc = store_batch_missing(name, e);
	else if (be->batch.quantity != quantity &&
	    (rc = store_quantity_check(name, be->batch.quantity, quantity, e)) == ERR_OK &&
	    (rc = event_batch_quantity(&ev, who, name, be->batch.quantity, quantity, e)) == ERR_OK &&
	    (rc = event_room(s, e)) == ERR_OK) {
		be->batch.quantity = quantity;
		event_add(s, &ev);
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

static enum err_code
memory_checkpoint(struct store *s, struct err *e)
{
	(void)s;
	(void)e;
	return ERR_OK;
}

/* ---- reading ------------------------------------------------------------------------------------- */

static enum err_code
memory_ca_find(struct store_reader *r, const char *name, struct store_ca *ret, struct err *e)
{
	struct store	*s = r->store;
	struct store_ca	*ca;
	enum err_code	 rc;

	(void)pthread_mutex_lock(&s->mu);
	if ((ca = ca_by_name(s, name)) != NULL)
		rc = ca_copy(ca, ret, e);
	else
		rc = err_say(e, ERR_NOT_FOUND, "There is no CA named %s.", name);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

static enum err_code
memory_ca_list(struct store_reader *r, enum err_code (*row)(void *, const struct store_ca *, struct err *), void *arg,
    struct err *e)
{
	struct store	*s = r->store;
	enum err_code	 rc = ERR_OK;
	size_t		 i;

	(void)pthread_mutex_lock(&s->mu);
	for (i = 0; i < s->cas_n && rc == ERR_OK; i++)
		rc = row(arg, &s->cas[i], e);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

static enum err_code
memory_batch_find(struct store_reader *r, const char *name, struct store_batch *ret, struct err *e)
{
	struct store		*s = r->store;
	struct batch_entry	*be;
	enum err_code		 rc = ERR_OK;

	(void)pthread_mutex_lock(&s->mu);
	if ((be = batch_by_name(s, name)) != NULL)
		*ret = be->batch;
	else
		rc = store_batch_missing(name, e);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

static enum err_code
memory_batch_list(struct store_reader *r, enum batch_which which,
    enum err_code (*row)(void *, const struct store_batch *, struct err *), void *arg, struct err *e)
{
	struct store			*s = r->store;
	const struct store_batch	*b;
	enum err_code			 rc = ERR_OK;
	size_t				 i;
	int				 closed = 0;

	(void)pthread_mutex_lock(&s->mu);
	for (i = 0; i < s->batches_n && rc == ERR_OK; i++) {
		b = &s->batches[which == BATCHES_CURRENT ? s->batches_n - 1 - i : i].batch;
		if ((which == BATCHES_OPEN && b->state != BATCH_OPEN) ||
		    (which == BATCHES_CURRENT && b->state == BATCH_CLOSED && closed++ >= STORE_CLOSED_MAX) ||
		    (which == BATCHES_BUSY && store_batch_queued(b) + b->parked + b->revoking + b->revoke_parked == 0))
			continue;
		rc = row(arg, b, e);
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

static enum err_code
memory_batch_totals(struct store_reader *r, struct batch_totals *ret, struct err *e)
{
	struct store			*s = r->store;
	const struct store_batch	*b;

	(void)e;
	*ret = (struct batch_totals) { 0 };
	(void)pthread_mutex_lock(&s->mu);
	for (size_t i = 0; i < s->batches_n; i++) {
		b = &s->batches[i].batch;
		ret->batches++;
		ret->open += b->state == BATCH_OPEN;
		ret->quantity += b->quantity;
		ret->issued += b->issued;
		ret->registered += b->registered;
		ret->parked += b->parked;
		ret->revoked += b->revoked;
		ret->revoking += b->revoking;
		ret->revoke_parked += b->revoke_parked;
	}
	(void)pthread_mutex_unlock(&s->mu);
	return ERR_OK;
}

static int
device_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static enum err_code
memory_batch_lists_device(struct store_reader *r, int64_t batch_id, const char *device_id, bool *ret, struct err *e)
{
	struct store		*s = r->store;
	struct batch_entry	*be;

	(void)e;
	(void)pthread_mutex_lock(&s->mu);
	*ret = false;
	if (batch_id >= 1 && (size_t)batch_id <= s->batches_n) {
		be = &s->batches[batch_id - 1];
		*ret = be->devices_n > 0 && bsearch(device_id, be->devices, be->devices_n, sizeof(be->devices[0]),
		    device_compare) != NULL;
	}
	(void)pthread_mutex_unlock(&s->mu);
	return ERR_OK;
}

static enum err_code
memory_recorded_find(struct store_reader *r, int64_t batch_id, const char *device_id,
    const uint8_t key_id[STORE_HASH_BYTES], struct recorded **ret, struct err *e)
{
	struct store	*s = r->store;
	struct recorded	*known;
	enum err_code	 rc;

	(void)pthread_mutex_lock(&s->mu);
	if ((known = row_find(s, batch_id, device_id, key_id)) != NULL && row_revoked(s, &known->certificate))
		rc = store_device_revoked(device_id, e);
	else if (known != NULL)
		rc = recorded_new(&known->certificate, ret, e);
	else
		rc = err_set(e, ERR_NOT_FOUND, "no certificate of device %s in this batch", device_id);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

static enum err_code
memory_recorded_find_serial(struct store_reader *r, const uint8_t serial[STORE_SERIAL_BYTES], struct recorded **ret,
    struct err *e)
{
	struct store			*s = r->store;
	struct store_certificate	 c;
	enum err_code			 rc = ERR_NOT_FOUND;
	size_t				 i;

	(void)pthread_mutex_lock(&s->mu);
	for (i = 0; i < s->rows_n && rc == ERR_NOT_FOUND; i++) {
		c = row_shown(s, &s->rows[i]->certificate);
		if (memcmp(c.serial, serial, STORE_SERIAL_BYTES) == 0)
			rc = recorded_new(&c, ret, e);
	}
	if (rc == ERR_NOT_FOUND)
		rc = err_set(e, ERR_NOT_FOUND, "no such serial");
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

/* The row with the highest serial below key; NULL for none. */
const struct store_certificate *
row_below(struct store *s, int64_t key)
{
	const struct store_certificate	*best = NULL;
	int64_t				 k, best_key = 0;
	size_t				 i;

	for (i = 0; i < s->rows_n; i++) {
		k = store_serial_key(s->rows[i]->certificate.serial);
		if (k < key && (best == NULL || k > best_key)) {
			best = &s->rows[i]->certificate;
			best_key = k;
		}
	}
	return best;
}

static enum err_code
memory_certificate_page(struct store_reader *r, const struct store_certificate_filter *f, int64_t looks,
    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct store_page_end *ret, struct err *e)
{
	struct store			*s = r->store;
	const struct store_certificate	*below = NULL;
	struct store_page_end		 end = { 0 };
	struct store_certificate	 c;
	int64_t				 key = f->after != NULL ? store_serial_key(f->after) : INT64_MAX, n = 0;
	enum err_code			 rc = ERR_OK;

	(void)pthread_mutex_lock(&s->mu);
	while (rc == ERR_OK && looks-- > 0 && (f->limit <= 0 || n < f->limit) && (below = row_below(s, key)) != NULL) {
		c = row_shown(s, below);
		key = store_serial_key(c.serial);
		memcpy(end.next, c.serial, sizeof(end.next));
		if ((f->batch_id >= 0 && c.batch_id != f->batch_id) || (f->state >= 0 && (int)c.state != f->state) ||
		    (f->device_id != NULL && strcmp(c.device_id, f->device_id) != 0) || c.issued_at_us < f->since_us)
			continue;
		rc = row(arg, &c, e);
		n++;
	}
	(void)pthread_mutex_unlock(&s->mu);
	end.more = below != NULL;
	if (rc == ERR_OK)
		*ret = end;
	return rc;
}

static enum err_code
memory_certificate_list(struct store_reader *r, const struct store_certificate_filter *f,
    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct err *e)
{
	struct store_page_end	end;

	return memory_certificate_page(r, f, INT64_MAX, row, arg, &end, e);
}

static enum err_code
memory_newest(struct store_reader *r, uint64_t *ret_serial_upper, int64_t *ret_issued_at_us, struct err *e)
{
	const struct store_certificate	*c;
	const struct verification	*v;
	size_t				 i;

	(void)e;
	(void)pthread_mutex_lock(&r->store->mu);
	c = row_below(r->store, INT64_MAX);
	*ret_serial_upper = c != NULL ? (uint64_t)store_serial_key(c->serial) : 0;
	*ret_issued_at_us = c != NULL ? c->issued_at_us : 0;
	for (i = 0; i < r->store->verifications_n; i++) {
		v = &r->store->verifications[i];
		if ((uint64_t)v->id > *ret_serial_upper) {
			*ret_serial_upper = (uint64_t)v->id;
			*ret_issued_at_us = v->issued_at_us;
		}
	}
	(void)pthread_mutex_unlock(&r->store->mu);
	return ERR_OK;
}

const struct store_ops store_memory = {
	.create = memory_create,
	.open = memory_open,
	.close = memory_close,
	.reader_open = memory_reader_open,
	.reader_close = memory_reader_close,
	.record = memory_record,
	.ca_add = memory_ca_add,
	.batch_create = memory_batch_create,
	.batch_set_state = memory_batch_set_state,
	.batch_set_quantity = memory_batch_set_quantity,
	.token_create = memory_token_create,
	.token_revoke = memory_token_revoke,
	.token_used = memory_token_used,
	.refusals_write = memory_refusals_write,
	.checkpoint = memory_checkpoint,
	.ca_find = memory_ca_find,
	.ca_list = memory_ca_list,
	.batch_find = memory_batch_find,
	.batch_list = memory_batch_list,
	.batch_totals = memory_batch_totals,
	.batch_lists_device = memory_batch_lists_device,
	.token_find = memory_token_find,
	.token_find_id = memory_token_find_id,
	.token_list = memory_token_list,
	.event_list = memory_event_list,
	.backup_record = memory_backup_record,
	.refusal_list = memory_refusal_list,
	.refused_list = memory_refused_list,
	.recorded_find = memory_recorded_find,
	.recorded_find_serial = memory_recorded_find_serial,
	.certificate_list = memory_certificate_list,
	.certificate_page = memory_certificate_page,
	.certificate_revoke = memory_certificate_revoke,
	.device_rework = memory_device_rework,
	.device_rework_find = memory_device_rework_find,
	.identifiers_settle = memory_identifiers_settle,
	.search = memory_search,
	.verification_record = memory_verification_record,
	.target_get = memory_target_get,
	.registration_record = memory_registration_record,
	.upload_run_begin = memory_upload_run_begin,
	.upload_retry = memory_upload_retry,
	.certificate_retry = memory_certificate_retry,
	.queue_page = memory_queue_page,
	.withdrawal_page = memory_withdrawal_page,
	.registration_find = memory_registration_find,
	.registration_list = memory_registration_list,
	.registration_count = memory_registration_count,
	.parked_reasons = memory_parked_reasons,
	.upload_run_newest = memory_upload_run_newest,
	.newest = memory_newest,
};
