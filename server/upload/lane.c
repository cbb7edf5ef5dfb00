#include "upload/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err_code
lane_new(struct lane **lanes, const struct config *config, const char *aws, struct lane **ret, struct err *e)
{
	struct lane *l, **end = lanes;
	enum err_code rc;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return err_set(e, ERR_NOMEM, "upload");
	(void)snprintf(l->aws, sizeof(l->aws), "%s", aws);
	if ((rc = config_batch_targets(config, aws, l->targets, &l->targets_count, e)) != ERR_OK) {
		free(l);
		return rc;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = *ret = l;
	return ERR_OK;
}

enum err_code
lane_add_batch(struct lane **lanes, const struct config *config, const struct store_batch *b, const char *ca_pem, struct err *e)
{
	struct lane *l = *lanes;
	struct lane_batch *more;
	enum err_code rc;

	while (l != NULL && strcmp(l->aws, b->aws) != 0)
		l = l->next;
	if (l == NULL && (rc = lane_new(lanes, config, b->aws, &l, e)) != ERR_OK)
		return rc;
	if ((more = reallocarray(l->batches, l->batches_count + 1, sizeof(*more))) == NULL)
		return err_set(e, ERR_NOMEM, "upload: %zu batches", l->batches_count + 1);
	l->batches = more;
	more += l->batches_count++;
	*more = (struct lane_batch){ .id = b->id, .ca_id = b->ca_id, .queued = store_batch_queued(b), .revoking = b->revoking,
		.ca_pem = ca_pem };
	(void)snprintf(more->name, sizeof(more->name), "%s", b->name);
	return ERR_OK;
}

void
lanes_free(struct lane *l)
{
	while (l != NULL) {
		struct lane *next = l->next;

		free(l->batches);
		free(l);
		l = next;
	}
}

void
lane_rewind(struct lane *l)
{
	l->at = 0;
	l->cursor = 0;
	l->left = 0;
	for (size_t i = 0; i < l->batches_count; i++)
		l->batches[i].withdrawn = 0;
}

bool
lane_target_takes(const struct lane *l, size_t at, int64_t ca_id)
{
	return !l->stopped[at] && (l->targets[at]->with_ca == 0 || site_takes_ca(l->sites[at], ca_id));
}

bool
lane_takes_batch(const struct lane *l, const struct lane_batch *b)
{
	for (size_t i = 0; i < l->targets_count; i++)
		if (lane_target_takes(l, i, b->ca_id))
			return true;
	return false;
}

/* ---- reading the queue */

struct fetching {
	struct lane	*lane;
	struct item	*first, *last;
	/* of withdrawals */
	struct lane_batch	*batch;
	bool			(*in_hand)(void *arg, const uint8_t *serial);
	void			*arg;
	bool			 met;	/* one that is in hand */
};

static enum err_code
on_queued(void *arg, const struct store_certificate *c, struct err *e)
{
	struct fetching *f = arg;
	struct item *i;
	enum err_code rc;

	if ((rc = item_new(c, f->lane->targets_count, &i, e)) != ERR_OK)
		return rc;
	i->lane = f->lane;
	i->withdraw = f->batch != NULL;
	if (f->last == NULL)
		f->first = i;
	else
		f->last->next = i;
	f->last = i;
	return ERR_OK;
}

/* The task as an earlier run left it, or new. */
static enum err_code
task_prepare(struct task *t, struct home *h, const struct lane *l, const struct lane_batch *b, size_t at, struct err *e)
{
	struct store_registration *r = &t->registration;
	struct item *i = t->item;
	int64_t id = store_serial_key(i->certificate.serial);
	enum err_code rc;

	if (l->sites[at] == NULL) {
		t->end = TASK_LEFT;	/* nobody answers there tonight */
		i->open--;
		return ERR_OK;
	}
	t->site = l->sites[at];
	t->work = (struct step_work){
		.target = l->targets[at], .values = &i->values, .certificate_pem = i->pem,
		.ca_pem = l->targets[at]->with_ca != 0 ? b->ca_pem : NULL,
		.certificate_id = i->certificate_id, .arn_prefix = t->site->arn_prefix, .registration = r, .withdraw = i->withdraw
	};
	if ((rc = h->ops->registration_find(h->reader, id, t->site->target_id, r, e)) == ERR_NOT_FOUND) {
		*r = (struct store_registration){ .cert_id = id, .target_id = t->site->target_id };
		rc = ERR_OK;
	}
	if (i->withdraw) {
		t->end = r->withdrawn_at_us != 0 ? TASK_DONE : TASK_OPEN;
		r->state = t->end == TASK_DONE ? REGISTRATION_DONE : REGISTRATION_GOING;
		if (t->end == TASK_DONE)
			i->open--;
		return rc;
	}
	/* only the registration needs the CA: what is half done goes on, where another target of the batch goes on at all */
	if (rc == ERR_OK && r->state == REGISTRATION_GOING && !lane_target_takes(l, at, b->ca_id) &&
	    (l->stopped[at] || (r->done & STEP_REGISTER) == 0))
		t->end = TASK_LEFT;
	else if (r->state == REGISTRATION_DONE)
		t->end = TASK_DONE;
	else if (r->state == REGISTRATION_PARKED)
		t->end = TASK_PARKED;
	if (t->end != TASK_OPEN)
		i->open--;
	return rc;
}

static enum err_code
items_prepare(struct item *first, struct home *h, const struct lane *l, const struct lane_batch *b, struct err *e)
{
	enum err_code rc = ERR_OK;

	for (struct item *i = first; i != NULL && rc == ERR_OK; i = i->next)
		for (size_t n = 0; n < i->tasks_count && rc == ERR_OK; n++)
			rc = task_prepare(&i->tasks[n], h, l, b, n, e);
	return rc;
}

static void
items_free(struct item *i)
{
	while (i != NULL) {
		struct item *next = i->next;

		item_free(i);
		i = next;
	}
}

enum err_code
lane_fetch(struct lane *l, struct home *h, int64_t max, struct item **ret, struct err *e)
{
	struct fetching f = { .lane = l };
	enum err_code rc;

	*ret = NULL;
	while (l->at < l->batches_count) {
		const struct lane_batch *b = &l->batches[l->at];

		/* what had nothing queued is here for its withdrawals: nobody asked whether its CA is taken */
		if (b->queued > 0 && lane_takes_batch(l, b) &&
		    (rc = h->ops->queue_page(h->reader, b->id, l->cursor, max, on_queued, &f, e)) != ERR_OK)
			goto fail;
		if (f.first != NULL) {
			l->cursor = store_serial_key(f.last->certificate.serial);
			if ((rc = items_prepare(f.first, h, l, b, e)) != ERR_OK)
				goto fail;
			*ret = f.first;
			return ERR_OK;
		}
		l->at++;
		l->cursor = 0;
	}
	return ERR_OK;
fail:
	items_free(f.first);
	return rc;
}

/* Does anybody answer, in any target? */
static bool
lane_has_site(const struct lane *l)
{
	for (size_t i = 0; i < l->targets_count; i++)
		if (l->sites[i] != NULL)
			return true;
	return false;
}

static enum err_code
on_revoked(void *arg, const struct store_certificate *c, int64_t id, struct err *e)
{
	struct fetching *f = arg;
	enum err_code rc;

	f->met = f->met || f->in_hand(f->arg, c->serial);
	if (f->met)
		return ERR_OK;
	if ((rc = on_queued(f, c, e)) == ERR_OK)
		f->batch->withdrawn = id;
	return rc;
}

enum err_code
lane_fetch_revoked(struct lane *l, struct home *h, int64_t max, bool (*in_hand)(void *, const uint8_t *), void *arg, struct item **ret,
    struct err *e)
{
	struct fetching f = { .lane = l, .in_hand = in_hand, .arg = arg };
	enum err_code rc = ERR_OK;

	*ret = NULL;
	for (size_t i = 0; i < l->batches_count && rc == ERR_OK && f.first == NULL && lane_has_site(l); i++) {
		f.batch = &l->batches[i];
		f.met = false;
		if ((rc = h->ops->withdrawal_page(h->reader, f.batch->id, f.batch->withdrawn, max, on_revoked, &f, e)) == ERR_OK)
			rc = items_prepare(f.first, h, l, f.batch, e);
	}
	if (rc == ERR_OK)
		*ret = f.first;
	else
		items_free(f.first);
	return rc;
}
