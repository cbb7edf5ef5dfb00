#include "upload/upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "upload/status.h"
#include "view.h"

/* ---- what is queued */

static enum err_code
on_ca(void *arg, const struct store_ca *ca, struct err *e)
{
	struct upload *u = arg;
	struct upload_ca *own = &u->cas[u->cas_count];

	if (u->cas_count == LIMIT_CAS)
		return err_set(e, ERR_CONFIG, "more than %d CAs", LIMIT_CAS);
	own->row = *ca;
	if ((own->row.der = malloc(ca->der_len)) == NULL || (own->pem = view_pem(ca->der, ca->der_len)) == NULL) {
		store_ca_done(&own->row);
		return err_set(e, ERR_NOMEM, "CA %s", ca->name);
	}
	memcpy(own->row.der, ca->der, ca->der_len);
	u->cas_count++;
	return ERR_OK;
}

static const struct upload_ca *
ca_by_id(const struct upload *u, int64_t id)
{
	for (size_t i = 0; i < u->cas_count; i++)
		if (u->cas[i].row.id == id)
			return &u->cas[i];
	return NULL;
}

/* What cannot go now is said, and lets the others go on. */
static void
set_aside(struct upload *u, const struct err *why)
{
	if (u->set_aside_count < UPLOAD_SET_ASIDE_MAX)
		u->set_aside[u->set_aside_count] = *why;
	u->set_aside_count++;
}

/* The same for an answer that may be a reason: ERR_CONFLICT is one, any other failure ends it all. */
static enum err_code
set_aside_if(struct upload *u, enum err_code rc, const struct err *why, struct err *e)
{
	if (rc == ERR_CONFLICT) {
		set_aside(u, why);
		return ERR_OK;
	}
	if (rc != ERR_OK)
		*e = *why;
	return rc;
}

/* why: which section is gone */
static enum err_code
set_waiting(const struct store_batch *b, struct err *why)
{
	struct err inner = *why;

	return err_set(why, ERR_CONFLICT, "the batch %s goes to %s and waits: %s; write the section again", b->name, b->aws, inner.log_text);
}

static enum err_code
on_batch(void *arg, const struct store_batch *b, struct err *e)
{
	struct upload *u = arg;
	const struct upload_ca *ca = ca_by_id(u, b->ca_id);
	int64_t queued = store_batch_queued(b);
	struct err why;
	enum err_code rc;

	u->revoke_parked += b->revoke_parked;
	if (queued == 0 && b->revoking == 0)
		return ERR_OK;
	if (ca == NULL)
		return err_set(e, ERR_INTERNAL, "batch %s has an unknown CA", b->name);
	u->queued += queued;
	u->revoking += b->revoking;
	if ((rc = lane_add_batch(&u->lanes, &u->home->config, b, ca->pem, &why)) == ERR_CONFIG)
		rc = set_waiting(b, &why);
	return set_aside_if(u, rc, &why, e);
}

static enum err_code
find_queued(struct upload *u, const char *batch, struct err *e)
{
	const struct store_ops *ops = u->home->ops;
	struct store_batch b;
	enum err_code rc;

	if ((rc = ops->ca_list(u->home->reader, on_ca, u, e)) != ERR_OK)
		return rc;
	if (batch == NULL)
		return ops->batch_list(u->home->reader, BATCHES_ALL, on_batch, u, e);
	if ((rc = ops->batch_find(u->home->reader, batch, &b, e)) != ERR_OK)
		return rc;
	return on_batch(u, &b, e);
}

/* ---- where it goes */

/* A new conversation for the target; or the one there is, where another section is the same account and region. */
static enum err_code
site_new(struct upload *u, const struct target *t, int patience_s, struct site **ret, struct err *e)
{
	struct site *s;
	enum err_code rc;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return err_set(e, ERR_NOMEM, "upload");
	if ((rc = site_open(s, u->home, t, u->transport, patience_s, e)) != ERR_OK)
		goto out;
	for (size_t i = 0; i < u->sites_count; i++) {
		if (u->sites[i]->target_id == s->target_id) {
			site_take_rates(u->sites[i], t);
			*ret = u->sites[i];
			goto out;
		}
	}
	*ret = u->sites[u->sites_count++] = s;
	s = NULL;
out:
	if (s != NULL)
		site_close(s);
	free(s);
	return rc;
}

/* The site of a target; *ret NULL: nobody answers there, which is said once and lets the others go on. */
static enum err_code
site_of(struct upload *u, const struct target *t, int patience_s, struct site **ret, struct err *e)
{
	size_t at = (size_t)(t - u->home->config.targets);
	char head[TARGET_HEAD_BYTES];
	struct err why, named;
	enum err_code rc;

	if (!u->asked[at]) {
		rc = site_new(u, t, patience_s, &u->site_of_target[at], &why);
		if (rc != ERR_OK)
			(void)err_set(&named, rc, "%s: %s", target_head(t, head), why.log_text);
		if (rc != ERR_OK && rc != ERR_IO && rc != ERR_BUSY) {
			*e = rc == ERR_DRAINING ? why : named;
			return rc;
		}
		if (rc != ERR_OK)
			set_aside(u, &named);
		u->asked[at] = true;
	}
	*ret = u->site_of_target[at];
	return ERR_OK;
}

/* `batch create` refuses it; lineca.conf or the environment may have changed since. */
static enum err_code
check_distinct(const struct lane *l, size_t at, struct err *e)
{
	char where[AWS_SESSION_NAME_BYTES], one[TARGET_HEAD_BYTES], other[TARGET_HEAD_BYTES];

	for (size_t i = 0; i < at; i++) {
		if (l->sites[at] == NULL || l->sites[i] != l->sites[at])
			continue;
		aws_session_name(&l->sites[at]->session, where);
		return err_set(e, ERR_CONFIG, "the batch %s goes to %s and %s, which are both %s: correct lineca.conf", l->batches[0].name,
		    target_head(l->targets[i], one), target_head(l->targets[at], other), where);
	}
	return ERR_OK;
}

/*
 * A link that comes up a little late is not a lost night: the only site is waited for as long as a run waits for AWS.  Where there are
 * several, the others should not wait for one.
 */
static int
patience_s(const struct upload *u)
{
	const struct lane *l = u->lanes;

	if (l == NULL || l->next != NULL || l->targets_count != 1)
		return AWS_PATIENCE_S;
	return (int)l->targets[0]->give_up_s;
}

static enum err_code
open_sites(struct upload *u, struct err *e)
{
	enum err_code rc;

	for (struct lane *l = u->lanes; l != NULL; l = l->next) {
		for (size_t i = 0; i < l->targets_count; i++) {
			if ((rc = site_of(u, l->targets[i], patience_s(u), &l->sites[i], e)) != ERR_OK ||
			    (rc = check_distinct(l, i, e)) != ERR_OK)
				return rc;
			l->stopped[i] = l->sites[i] == NULL;
		}
	}
	return ERR_OK;
}

/* ---- whether AWS will take it */

/* Withdrawals need neither a CA nor a policy. */
static bool
lane_has_queued(const struct lane *l)
{
	for (size_t b = 0; b < l->batches_count; b++)
		if (l->batches[b].queued > 0)
			return true;
	return false;
}

static bool
lane_can_withdraw(const struct lane *l)
{
	int64_t revoking = 0;
	bool any = false;

	for (size_t b = 0; b < l->batches_count; b++)
		revoking += l->batches[b].revoking;
	for (size_t i = 0; i < l->targets_count; i++)
		any = any || l->sites[i] != NULL;
	return any && revoking > 0;
}

static enum err_code
check_lane(struct upload *u, struct lane *l, struct err *e)
{
	struct err why = { 0 };
	enum err_code rc;

	for (size_t i = 0; i < l->targets_count; i++) {
		if (l->sites[i] == NULL || !lane_has_queued(l))
			continue;
		rc = site_check_target(l->sites[i], l->targets[i], &why);
		l->stopped[i] = rc == ERR_CONFLICT;
		if ((rc = set_aside_if(u, rc, &why, e)) != ERR_OK)
			return rc;
		for (size_t b = 0; b < l->batches_count && l->targets[i]->with_ca != 0; b++) {
			if (l->batches[b].queued == 0)
				continue;
			rc = site_check_ca(l->sites[i], &ca_by_id(u, l->batches[b].ca_id)->row, &why);
			if ((rc = set_aside_if(u, rc, &why, e)) != ERR_OK)
				return rc;
		}
	}
	return ERR_OK;
}

static enum err_code
check_lanes(struct upload *u, struct err *e)
{
	bool any = false;
	enum err_code rc;

	for (struct lane *l = u->lanes; l != NULL; l = l->next) {
		if ((rc = check_lane(u, l, e)) != ERR_OK)
			return rc;
		for (size_t b = 0; b < l->batches_count; b++)
			any = any || lane_takes_batch(l, &l->batches[b]);
		any = any || lane_can_withdraw(l);
	}
	if (!any)
		return err_set(e, u->set_aside[0].code, "nothing can be uploaded: %s%s", u->set_aside[0].log_text,
		    u->set_aside_count > 1 ? "; and more, which `lineca aws check` lists" : "");
	for (size_t i = 0; i < u->set_aside_count && i < UPLOAD_SET_ASIDE_MAX; i++)
		log_event(LOG_WARN, "upload", "%s", u->set_aside[i].log_text);
	return ERR_OK;
}

/* Of all sites together: one that hangs must not hold the places of another. */
static int
all_connections(const struct config *c)
{
	int64_t sum = 0;

	for (size_t i = 0; i < c->targets_count; i++)
		sum += c->targets[i].connections;
	return (int)sum;
}

enum err_code
upload_open(struct upload *u, struct home *h, const char *batch, struct err *e)
{
	enum err_code rc;

	u->home = h;
	if ((rc = find_queued(u, batch, e)) != ERR_OK || u->queued + u->revoking == 0 ||
	    (rc = transport_new(all_connections(&h->config), &u->transport, e)) != ERR_OK ||
	    (rc = open_sites(u, e)) != ERR_OK)
		return rc;
	return check_lanes(u, e);
}

void
upload_note_failure(struct upload *u, const struct err *why)
{
	const struct store_ops *ops = u->home->ops;
	int64_t now_us = clock_system.now_us(&clock_system);
	struct store_upload_run row = {
		.started_at_us = now_us, .updated_at_us = now_us, .ended_at_us = now_us, .pid = getpid(), .queued = u->queued
	};
	struct err ignored;

	(void)snprintf(row.outcome, sizeof(row.outcome), UPLOAD_NO_START "%s", why->log_text);
	if (ops->upload_run_begin(u->home->store, &row, &ignored) == ERR_OK)
		(void)(ops->registration_record(u->home->store, NULL, 0, &row, &ignored) == ERR_OK);
}

enum err_code
upload_queued(const struct upload *u, int64_t *ret, struct err *e)
{
	struct store_batch b;
	int64_t sum = 0;
	enum err_code rc;

	for (const struct lane *l = u->lanes; l != NULL; l = l->next) {
		for (size_t i = 0; i < l->batches_count; i++) {
			if ((rc = u->home->ops->batch_find(u->home->reader, l->batches[i].name, &b, e)) != ERR_OK)
				return rc;
			sum += store_batch_queued(&b) + b.revoking;
		}
	}
	*ret = sum;
	return ERR_OK;
}

void
upload_close(struct upload *u)
{
	transport_free(u->transport);
	for (size_t i = 0; i < u->sites_count; i++) {
		site_close(u->sites[i]);
		free(u->sites[i]);
	}
	lanes_free(u->lanes);
	for (size_t i = 0; i < u->cas_count; i++) {
		store_ca_done(&u->cas[i].row);
		free(u->cas[i].pem);
	}
	*u = (struct upload){ 0 };
}
