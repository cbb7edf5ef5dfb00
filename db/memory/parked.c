#include <stdlib.h>
#include <string.h>

#include "db/memory/store_memory.h"

/* What was asked for, and how many that meant then. */
static enum err_code
retry_event(struct store *s, int64_t batch_id, const struct store_who *who, struct err *e)
{
	const struct store_batch	*b = NULL;
	struct store_event		 ev;
	int64_t				 count = 0;
	size_t				 i;
	enum err_code			 rc;

	if (batch_id >= 0 && (b = batch_of(s, batch_id)) == NULL)
		return err_set(e, ERR_INTERNAL, "retry: there is no batch %lld", (long long)batch_id);
	for (i = 0; i < s->batches_n; i++) {
		if (b == NULL || b == &s->batches[i].batch)
			count += s->batches[i].batch.parked + s->batches[i].batch.revoke_parked;
	}
	if ((rc = event_make(&ev, who, "upload.retry", b != NULL ? b->name : "", e, "%lld parked", (long long)count)) != ERR_OK ||
	    (rc = event_room(s, e)) != ERR_OK)
		return rc;
	event_add(s, &ev);
	return ERR_OK;
}

void
registrations_back(struct store *s, int64_t cert_id)
{
	size_t	i;

	for (i = 0; i < s->registrations_n; i++) {
		if (s->registrations[i].cert_id == cert_id && s->registrations[i].state == REGISTRATION_PARKED)
			s->registrations[i].state = REGISTRATION_GOING;
	}
}

static void
parked_back(struct store *s, struct recorded *r)
{
	row_settle(s, r, CERTIFICATE_ISSUED, "");
	registrations_back(s, store_serial_key(r->certificate.serial));
}

enum err_code
memory_upload_retry(struct store *s, int64_t batch_id, const struct store_who *who, int64_t *ret_count, struct err *e)
{
	enum err_code	rc;
	size_t		i;

	*ret_count = 0;
	(void)pthread_mutex_lock(&s->mu);
	if ((rc = retry_event(s, batch_id, who, e)) != ERR_OK)
		goto out;
	*ret_count = withdrawals_retry(s, batch_id);
	for (i = 0; i < s->rows_n; i++) {
		const struct store_certificate	*c = &s->rows[i]->certificate;

		if (c->state != CERTIFICATE_PARKED || (batch_id >= 0 && c->batch_id != batch_id) || row_revoked(s, c))
			continue;
		parked_back(s, s->rows[i]);
		++*ret_count;
	}
out:
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

static enum err_code
retry_one(struct store *s, struct recorded *known, const struct store_who *who, bool *ret_back, struct err *e)
{
	struct withdrawal	*w = withdrawal_of(s, store_serial_key(known->certificate.serial));
	struct store_certificate shown = row_shown(s, &known->certificate);
	struct store_event	 ev;
	enum err_code		 rc;

	if (shown.state != CERTIFICATE_PARKED && (w == NULL || w->state != CERTIFICATE_PARKED)) {
		*ret_back = false;
		return ERR_OK;
	}
	if ((rc = event_certificate_retry(&ev, who, &shown, e)) != ERR_OK || (rc = event_room(s, e)) != ERR_OK)
		return rc;
	event_add(s, &ev);
	if (shown.state == CERTIFICATE_PARKED)
		parked_back(s, known);
	else
		withdrawal_retry(s, w);
	*ret_back = true;
	return ERR_OK;
}

enum err_code
memory_certificate_retry(struct store *s, const uint8_t serial[STORE_SERIAL_BYTES], const struct store_who *who, bool *ret_back,
    struct err *e)
{
	struct recorded	*known;
	enum err_code	 rc;

	(void)pthread_mutex_lock(&s->mu);
	if ((known = row_of(s, store_serial_key(serial))) == NULL || memcmp(known->certificate.serial, serial, STORE_SERIAL_BYTES) != 0)
		rc = store_serial_missing(e);
	else
		rc = retry_one(s, known, who, ret_back, e);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

/* A reason and the batch, target and certificate that order it. */
struct tally {
	struct store_parked_reason	reason;
	int64_t				batch_id, target_id, newest_id;
};

struct tallies {
	struct tally	*tally;
	size_t		 n, max;
};

/* r and t: NULL when no registration is the reason. */
static enum err_code
tally_add(struct tallies *ts, const struct store_certificate *c, const struct store_registration *r,
    const struct store_target *t, struct err *e)
{
	const char	*code = r != NULL ? r->code : "";
	struct tally	*more, *known = NULL;
	size_t		 i;
	int64_t		 id = store_serial_key(c->serial);

	for (i = 0; i < ts->n && known == NULL; i++) {
		more = &ts->tally[i];
		if (more->batch_id == c->batch_id && more->target_id == (t != NULL ? t->id : 0) &&
		    strcmp(more->reason.step, r != NULL ? r->step : "") == 0 && strcmp(more->reason.code, code) == 0)
			known = more;
	}
	if (known == NULL) {
		if ((more = grow(ts->tally, ts->n, &ts->max, sizeof(*more))) == NULL)
			return err_set(e, ERR_NOMEM, "parked");
		ts->tally = more;
		known = &ts->tally[ts->n++];
		memset(known, 0, sizeof(*known));
		known->batch_id = c->batch_id;
		memcpy(known->reason.batch, c->batch_name, sizeof(known->reason.batch));
		memcpy(known->reason.code, code, strlen(code) + 1);
		if (r != NULL) {
			known->target_id = t->id;
			memcpy(known->reason.step, r->step, sizeof(r->step));
			memcpy(known->reason.account, t->account, sizeof(t->account));
			memcpy(known->reason.region, t->region, sizeof(t->region));
		}
	}
	known->reason.count++;
	if (id > known->newest_id) {
		known->newest_id = id;
		memset(known->reason.message, 0, sizeof(known->reason.message));
		if (r != NULL)
			memcpy(known->reason.message, r->message, sizeof(r->message));
		else
			memcpy(known->reason.message, c->reason, sizeof(c->reason));
	}
	return ERR_OK;
}

static enum err_code
tally_certificate(struct store *s, struct tallies *ts, const struct store_certificate *c, struct err *e)
{
	enum err_code	rc = ERR_OK;
	size_t		i;
	bool		any = false;

	for (i = 0; i < s->registrations_n && rc == ERR_OK; i++) {
		const struct store_registration *r = &s->registrations[i];

		if (r->cert_id != store_serial_key(c->serial) || r->state != REGISTRATION_PARKED)
			continue;
		any = true;
		rc = tally_add(ts, c, r, &s->targets[r->target_id - 1], e);
	}
	return rc == ERR_OK && !any ? tally_add(ts, c, NULL, NULL, e) : rc;
}

/* Where AWS has not taken the word that it is revoked. */
static enum err_code
tally_withdrawal(struct store *s, struct tallies *ts, const struct withdrawal *w, struct err *e)
{
	enum err_code	rc = ERR_OK;
	size_t		i;

	for (i = 0; i < s->registrations_n && rc == ERR_OK; i++) {
		struct store_registration r = s->registrations[i];

		if (r.cert_id != w->cert_id || r.withdrawn_at_us != 0 || (r.state != REGISTRATION_PARKED && r.arn[0] == '\0'))
			continue;
		memcpy(r.step, STORE_STEP_REVOKE, sizeof(STORE_STEP_REVOKE));
		if (r.state != REGISTRATION_PARKED) {
			memcpy(r.code, STORE_CODE_NO_SECTION, sizeof(STORE_CODE_NO_SECTION));
			memcpy(r.message, STORE_MESSAGE_NO_SECTION, sizeof(STORE_MESSAGE_NO_SECTION));
		}
		rc = tally_add(ts, &row_of(s, w->cert_id)->certificate, &r, &s->targets[r.target_id - 1], e);
	}
	return rc;
}

static int
tally_compare(const void *a, const void *b)
{
	const struct tally	*x = a, *y = b;
	int			 by;

	if (x->reason.count != y->reason.count)
		return x->reason.count > y->reason.count ? -1 : 1;
	if (x->batch_id != y->batch_id)
		return x->batch_id < y->batch_id ? -1 : 1;
	if ((by = strcmp(x->reason.step, y->reason.step)) != 0 || (by = strcmp(x->reason.code, y->reason.code)) != 0)
		return by;
	return (x->target_id > y->target_id) - (x->target_id < y->target_id);
}

enum err_code
memory_parked_reasons(struct store_reader *r, int64_t batch_id,
    enum err_code (*row)(void *, const struct store_parked_reason *, struct err *), void *arg, struct err *e)
{
	struct store	*s = r->store;
	struct tallies	 ts = { 0 };
	enum err_code	 rc = ERR_OK;
	size_t		 i;

	(void)pthread_mutex_lock(&s->mu);
	for (i = 0; i < s->rows_n && rc == ERR_OK; i++) {
		const struct store_certificate *c = &s->rows[i]->certificate;

		if (c->state == CERTIFICATE_PARKED && (batch_id < 0 || c->batch_id == batch_id) && !row_revoked(s, c))
			rc = tally_certificate(s, &ts, c, e);
	}
	for (i = 0; i < s->withdrawals_n && rc == ERR_OK; i++) {
		const struct withdrawal *w = &s->withdrawals[i];

		if (w->state == CERTIFICATE_PARKED && (batch_id < 0 || w->batch_id == batch_id))
			rc = tally_withdrawal(s, &ts, w, e);
	}
	if (ts.n > 0)
		qsort(ts.tally, ts.n, sizeof(ts.tally[0]), tally_compare);
	for (i = 0; i < ts.n && rc == ERR_OK; i++)
		rc = row(arg, &ts.tally[i].reason, e);
	(void)pthread_mutex_unlock(&s->mu);
	free(ts.tally);
	return rc;
}
