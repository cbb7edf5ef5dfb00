#include <string.h>

#include "db/memory/store_memory.h"

static const struct revocation *
revocation_of(struct store *s, const struct store_certificate *c)
{
	size_t	i;

	for (i = 0; i < s->revocations_n; i++) {
		if (s->revocations[i].cert_id == store_serial_key(c->serial))
			return &s->revocations[i];
	}
	return NULL;
}

bool
row_revoked(struct store *s, const struct store_certificate *c)
{
	return revocation_of(s, c) != NULL;
}

struct store_certificate
row_shown(struct store *s, const struct store_certificate *c)
{
	const struct revocation		*r = revocation_of(s, c);
	struct store_certificate	 shown = *c;

	if (r != NULL) {
		shown.state = CERTIFICATE_REVOKED;
		shown.reason[0] = '\0';
		shown.revoked_at_us = r->at_us;
		memcpy(shown.revoked_by, r->actor, sizeof(shown.revoked_by));
		memcpy(shown.revoked_reason, r->reason, sizeof(shown.revoked_reason));
	}
	return shown;
}

static enum err_code
revoke(struct store *s, struct recorded *known, const struct store_who *who, struct err *e)
{
	struct store_certificate	*c = &known->certificate;
	struct revocation		*more, *r;
	struct withdrawal		*told;
	struct store_event		 ev;
	char				 reason[STORE_REASON_BYTES + 1];
	enum err_code			 rc;

	if ((rc = event_certificate_revoke(&ev, who, c, e)) != ERR_OK || (rc = event_room(s, e)) != ERR_OK)
		return rc;
	if ((more = grow(s->revocations, s->revocations_n, &s->revocations_max, sizeof(*more))) == NULL)
		return err_set(e, ERR_NOMEM, "revocation");
	s->revocations = more;
	if ((told = grow(s->withdrawals, s->withdrawals_n, &s->withdrawals_max, sizeof(*told))) == NULL)
		return err_set(e, ERR_NOMEM, "revocation");
	s->withdrawals = told;
	if (c->state != CERTIFICATE_REGISTERED) {
		store_revoked_reason(ev.reason, reason);
		row_settle(s, known, CERTIFICATE_PARKED, reason);
		batch_of(s, c->batch_id)->parked--;
		batch_of(s, c->batch_id)->revoked++;
	}
	withdrawal_add(s, c);
	r = &s->revocations[s->revocations_n++];
	*r = (struct revocation){ .cert_id = store_serial_key(c->serial), .at_us = ev.at_us };
	memcpy(r->actor, ev.actor, sizeof(r->actor));
	memcpy(r->reason, ev.reason, sizeof(r->reason));
	event_add(s, &ev);
	return ERR_OK;
}

enum err_code
memory_certificate_revoke(struct store *s, const uint8_t serial[STORE_SERIAL_BYTES], const struct store_who *who, struct err *e)
{
	struct recorded	*known;
	enum err_code	 rc = ERR_OK;

	(void)pthread_mutex_lock(&s->mu);
	if ((known = row_of(s, store_serial_key(serial))) == NULL || memcmp(known->certificate.serial, serial, STORE_SERIAL_BYTES) != 0)
		rc = store_serial_missing(e);
	else if (!row_revoked(s, &known->certificate))
		rc = revoke(s, known, who, e);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

/* ---- another key ------------------------------------------------------------------------------- */

struct leave *
leave_of(struct store *s, const char *device_id)
{
	size_t	i;

	for (i = 0; i < s->leaves_n; i++) {
		if (s->leaves[i].used_cert_id == 0 && strcmp(s->leaves[i].device_id, device_id) == 0)
			return &s->leaves[i];
	}
	return NULL;
}

static bool
device_known(struct store *s, const char *device_id)
{
	size_t	i;

	for (i = 0; i < s->rows_n; i++) {
		if (strcmp(s->rows[i]->certificate.device_id, device_id) == 0)
			return true;
	}
	return false;
}

static enum err_code
leave_add(struct store *s, const char *device_id, const struct store_who *who, struct err *e)
{
	struct leave		*more, *l;
	struct store_event	 ev;
	enum err_code		 rc;

	if ((rc = event_device_rework(&ev, who, device_id, e)) != ERR_OK || (rc = event_room(s, e)) != ERR_OK)
		return rc;
	if ((more = grow(s->leaves, s->leaves_n, &s->leaves_max, sizeof(*more))) == NULL)
		return err_set(e, ERR_NOMEM, "rework");
	s->leaves = more;
	l = &s->leaves[s->leaves_n++];
	*l = (struct leave){ .rework = { .allowed_at_us = ev.at_us } };
	memcpy(l->device_id, device_id, strlen(device_id) + 1);
	memcpy(l->rework.actor, ev.actor, sizeof(l->rework.actor));
	memcpy(l->rework.reason, ev.reason, sizeof(l->rework.reason));
	event_add(s, &ev);
	return ERR_OK;
}

enum err_code
memory_device_rework(struct store *s, const char *device_id, const struct store_who *who, struct err *e)
{
	enum err_code	rc = ERR_OK;

	(void)pthread_mutex_lock(&s->mu);
	if (!device_known(s, device_id))
		rc = store_device_missing(device_id, e);
	else if (leave_of(s, device_id) == NULL)
		rc = leave_add(s, device_id, who, e);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

enum err_code
memory_device_rework_find(struct store_reader *r, const char *device_id, struct store_rework *ret, struct err *e)
{
	const struct leave	*l;
	enum err_code		 rc = ERR_OK;

	(void)pthread_mutex_lock(&r->store->mu);
	if ((l = leave_of(r->store, device_id)) != NULL)
		*ret = l->rework;
	else
		rc = err_set(e, ERR_NOT_FOUND, "device %.64s has no leave for another key", device_id);
	(void)pthread_mutex_unlock(&r->store->mu);
	return rc;
}
