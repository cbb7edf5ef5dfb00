#include "db/memory/store_memory.h"

void
withdrawal_add(struct store *s, const struct store_certificate *c)
{
	s->withdrawals[s->withdrawals_n++] = (struct withdrawal){
		.cert_id = store_serial_key(c->serial), .batch_id = c->batch_id, .state = -1
	};
	batch_of(s, c->batch_id)->revoking++;
}

struct withdrawal *
withdrawal_of(struct store *s, int64_t cert_id)
{
	size_t	i;

	for (i = 0; i < s->withdrawals_n; i++) {
		if (s->withdrawals[i].cert_id == cert_id)
			return &s->withdrawals[i];
	}
	return NULL;
}

void
withdrawal_set(struct store *s, struct withdrawal *w, int state)
{
	struct store_batch	*b = batch_of(s, w->batch_id);

	b->revoking += (state == -1) - (w->state == -1);
	b->revoke_parked += (state == CERTIFICATE_PARKED) - (w->state == CERTIFICATE_PARKED);
	w->state = state;
}

bool
withdrawal_lacks(const struct store_registration *r)
{
	return r->arn[0] != '\0' && r->withdrawn_at_us == 0;
}

enum err_code
withdrawal_row(struct store *s, const struct store_registration_row *row, struct err *e)
{
	int64_t			 id = row->registration->cert_id;
	struct withdrawal	*w = withdrawal_of(s, id);
	int			 state = row->settled;
	size_t			 i;

	if (w == NULL)
		return err_set(e, ERR_INTERNAL, "registration: certificate %lld is not revoked", (long long)id);
	for (i = 0; i < s->registrations_n && state == CERTIFICATE_REVOKED; i++) {
		if (s->registrations[i].cert_id == id && withdrawal_lacks(&s->registrations[i]))
			state = CERTIFICATE_PARKED;
	}
	withdrawal_set(s, w, state);
	return ERR_OK;
}

void
withdrawal_retry(struct store *s, struct withdrawal *w)
{
	withdrawal_set(s, w, -1);
	registrations_back(s, w->cert_id);
}

int64_t
withdrawals_retry(struct store *s, int64_t batch_id)
{
	int64_t	count = 0;
	size_t	i;

	for (i = 0; i < s->withdrawals_n; i++) {
		struct withdrawal *w = &s->withdrawals[i];

		if (w->state != CERTIFICATE_PARKED || (batch_id >= 0 && w->batch_id != batch_id))
			continue;
		withdrawal_retry(s, w);
		count++;
	}
	return count;
}

enum err_code
memory_withdrawal_page(struct store_reader *r, int64_t batch_id, int64_t after_id, int64_t limit,
    enum err_code (*row)(void *, const struct store_certificate *, int64_t, struct err *), void *arg, struct err *e)
{
	struct store			*s = r->store;
	struct store_certificate	 shown;
	enum err_code			 rc = ERR_OK;
	size_t				 i;

	(void)pthread_mutex_lock(&s->mu);
	for (i = after_id > 0 ? (size_t)after_id : 0; i < s->withdrawals_n && limit > 0 && rc == ERR_OK; i++) {
		if (s->withdrawals[i].batch_id != batch_id || s->withdrawals[i].state != -1)
			continue;
		shown = row_shown(s, &row_of(s, s->withdrawals[i].cert_id)->certificate);
		rc = row(arg, &shown, (int64_t)i + 1, e);
		limit--;
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}
