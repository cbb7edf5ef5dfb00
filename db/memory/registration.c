#include <stdlib.h>
#include <string.h>

#include "db/memory/store_memory.h"

struct recorded *
row_of(struct store *s, int64_t cert_id)
{
	size_t	i;

	for (i = 0; i < s->rows_n; i++) {
		if (store_serial_key(s->rows[i]->certificate.serial) == cert_id)
			return s->rows[i];
	}
	return NULL;
}

struct store_batch *
batch_of(struct store *s, int64_t batch_id)
{
	return batch_id >= 1 && (size_t)batch_id <= s->batches_n ? &s->batches[batch_id - 1].batch : NULL;
}

void
row_settle(struct store *s, struct recorded *r, enum certificate_state state, const char *reason)
{
	struct store_certificate	*c = &r->certificate;
	struct store_batch		*b = batch_of(s, c->batch_id);
	int64_t				*held = row_revoked(s, c) ? &b->revoked : &b->parked;

	b->registered += (state == CERTIFICATE_REGISTERED) - (c->state == CERTIFICATE_REGISTERED);
	*held += (state == CERTIFICATE_PARKED) - (c->state == CERTIFICATE_PARKED);
	c->state = state;
	memcpy(c->reason, reason, strlen(reason) + 1);
}

static struct store_registration *
registration_of(struct store *s, int64_t cert_id, int64_t target_id)
{
	size_t	i;

	for (i = 0; i < s->registrations_n; i++) {
		if (s->registrations[i].cert_id == cert_id && s->registrations[i].target_id == target_id)
			return &s->registrations[i];
	}
	return NULL;
}

/* The first target, by id, that is parked. */
static const struct store_registration *
parked_of(struct store *s, int64_t cert_id)
{
	const struct store_registration	*best = NULL;
	size_t				 i;

	for (i = 0; i < s->registrations_n; i++) {
		const struct store_registration *r = &s->registrations[i];

		if (r->cert_id == cert_id && r->state == REGISTRATION_PARKED && (best == NULL || r->target_id < best->target_id))
			best = r;
	}
	return best;
}

/* What one row has changed, so that it can be taken back. */
struct undo {
	struct recorded			*certificate;
	enum certificate_state		 state;
	char				 reason[STORE_REASON_BYTES + 1];
	struct withdrawal		*withdrawal;	/* NULL: none */
	int				 withdrawal_state;
	bool				 is_new;
	struct store_registration	 before;	/* unless it is new */
};

static enum err_code
row_put(struct store *s, const struct store_registration *r, struct undo *u, struct err *e)
{
	struct store_registration	*known = registration_of(s, r->cert_id, r->target_id), *more;

	u->is_new = known == NULL;
	if (known != NULL) {
		if ((known->done & ~r->done) != 0)
			return err_set(e, ERR_INTERNAL, "registration of %lld: steps taken back", (long long)r->cert_id);
		u->before = *known;
		*known = *r;
		return ERR_OK;
	}
	if ((more = grow(s->registrations, s->registrations_n, &s->registrations_max, sizeof(*more))) == NULL)
		return err_set(e, ERR_NOMEM, "registration");
	s->registrations = more;
	s->registrations[s->registrations_n++] = *r;
	return ERR_OK;
}

static void
row_undo(struct store *s, const struct undo *u)
{
	if (u->withdrawal != NULL)
		withdrawal_set(s, u->withdrawal, u->withdrawal_state);
	row_settle(s, u->certificate, u->state, u->reason);
	if (u->is_new)
		s->registrations_n--;
	else
		*registration_of(s, u->before.cert_id, u->before.target_id) = u->before;
}

static enum err_code
row_write(struct store *s, const struct store_registration_row *row, struct undo *u, struct err *e)
{
	const struct store_registration	*r = row->registration, *why;
	char				 reason[STORE_REASON_BYTES + 1] = "";
	enum err_code			 rc;

	if ((rc = registration_row_check(row, e)) != ERR_OK)
		return rc;
	if ((u->certificate = row_of(s, r->cert_id)) == NULL || u->certificate->certificate.batch_id != row->batch_id ||
	    r->target_id < 1 || (size_t)r->target_id > s->targets_n)
		return err_set(e, ERR_INTERNAL, "registration: no certificate %lld in batch %lld, or no target %lld",
		    (long long)r->cert_id, (long long)row->batch_id, (long long)r->target_id);
	u->state = u->certificate->certificate.state;
	memcpy(u->reason, u->certificate->certificate.reason, sizeof(u->reason));
	if ((u->withdrawal = withdrawal_of(s, r->cert_id)) != NULL)
		u->withdrawal_state = u->withdrawal->state;
	if ((rc = row_put(s, r, u, e)) != ERR_OK)
		return rc;
	if (row->withdrawal) {
		if ((rc = withdrawal_row(s, row, e)) != ERR_OK)
			row_undo(s, u);
		return rc;
	}
	/* one that was revoked stays as it is, unless AWS has it now; then AWS must hear of it */
	if (u->withdrawal != NULL && r->withdrawn_at_us == 0)
		withdrawal_set(s, u->withdrawal, -1);
	if (row->settled != CERTIFICATE_REGISTERED && row_revoked(s, &u->certificate->certificate))
		return ERR_OK;
	if (row->settled == CERTIFICATE_PARKED) {
		why = r->state == REGISTRATION_PARKED ? r : parked_of(s, r->cert_id);
		registration_reason(why != NULL ? why : r, reason);
	}
	row_settle(s, u->certificate, row->settled == -1 ? CERTIFICATE_ISSUED : (enum certificate_state)row->settled, reason);
	return ERR_OK;
}

enum err_code
memory_registration_record(struct store *s, const struct store_registration_row *rows, size_t n,
    const struct store_upload_run *run, struct err *e)
{
	struct undo	*undo;
	enum err_code	 rc = ERR_OK;
	size_t		 i;

	if ((undo = calloc(n + 1, sizeof(*undo))) == NULL)
		return err_set(e, ERR_NOMEM, "registration: %zu rows", n);
	(void)pthread_mutex_lock(&s->mu);
	for (i = 0; i < n; i++) {
		if ((rc = row_write(s, &rows[i], &undo[i], e)) != ERR_OK)
			break;
	}
	if (rc == ERR_OK && run != NULL && (run->id < 1 || (size_t)run->id > s->runs_n))
		rc = err_set(e, ERR_INTERNAL, "upload: there is no run %lld", (long long)run->id);
	if (rc != ERR_OK)
		while (i-- > 0)
			row_undo(s, &undo[i]);
	else if (run != NULL)
		s->runs[run->id - 1] = *run;
	(void)pthread_mutex_unlock(&s->mu);
	free(undo);
	return rc;
}

enum err_code
memory_registration_find(struct store_reader *r, int64_t cert_id, int64_t target_id, struct store_registration *ret,
    struct err *e)
{
	const struct store_registration	*known;
	enum err_code			 rc = ERR_OK;

	(void)pthread_mutex_lock(&r->store->mu);
	if ((known = registration_of(r->store, cert_id, target_id)) != NULL)
		*ret = *known;
	else
		rc = err_set(e, ERR_NOT_FOUND, "no registration of %lld in target %lld", (long long)cert_id, (long long)target_id);
	(void)pthread_mutex_unlock(&r->store->mu);
	return rc;
}

enum err_code
memory_registration_list(struct store_reader *r, int64_t cert_id,
    enum err_code (*row)(void *, const struct store_registration *, const struct store_target *, struct err *), void *arg,
    struct err *e)
{
	struct store				*s = r->store;
	const struct store_registration		*known;
	enum err_code				 rc = ERR_OK;
	size_t					 i;

	(void)pthread_mutex_lock(&s->mu);
	for (i = 0; i < s->targets_n && rc == ERR_OK; i++) {
		if ((known = registration_of(s, cert_id, s->targets[i].id)) != NULL)
			rc = row(arg, known, &s->targets[i], e);
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

enum err_code
memory_registration_count(struct store_reader *r, int64_t ca_id, const char *account, const char *region, int64_t *ret,
    struct err *e)
{
	struct store	*s = r->store;
	size_t		 i, t;

	(void)e;
	*ret = 0;
	(void)pthread_mutex_lock(&s->mu);
	for (t = 0; t < s->targets_n; t++) {
		if (strcmp(s->targets[t].account, account) != 0 || strcmp(s->targets[t].region, region) != 0)
			continue;
		for (i = 0; i < s->registrations_n; i++) {
			const struct store_registration	*known = &s->registrations[i];

			*ret += known->target_id == s->targets[t].id && known->arn[0] != '\0' &&
			    row_of(s, known->cert_id)->certificate.ca_id == ca_id;
		}
	}
	(void)pthread_mutex_unlock(&s->mu);
	return ERR_OK;
}

/* The queued row of the batch with the lowest serial above key; NULL for none. */
static const struct store_certificate *
queued_above(struct store *s, int64_t batch_id, int64_t key)
{
	const struct store_certificate	*best = NULL;
	size_t				 i;
	int64_t				 k;

	for (i = 0; i < s->rows_n; i++) {
		const struct store_certificate *c = &s->rows[i]->certificate;

		k = store_serial_key(c->serial);
		if (c->batch_id == batch_id && c->state == CERTIFICATE_ISSUED && k > key &&
		    (best == NULL || k < store_serial_key(best->serial)))
			best = c;
	}
	return best;
}

enum err_code
memory_queue_page(struct store_reader *r, int64_t batch_id, int64_t after_id, int64_t limit,
    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct err *e)
{
	const struct store_certificate	*c;
	enum err_code			 rc = ERR_OK;

	(void)pthread_mutex_lock(&r->store->mu);
	for (; limit > 0 && rc == ERR_OK && (c = queued_above(r->store, batch_id, after_id)) != NULL; limit--) {
		after_id = store_serial_key(c->serial);
		rc = row(arg, c, e);
	}
	(void)pthread_mutex_unlock(&r->store->mu);
	return rc;
}
