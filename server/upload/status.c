#include "upload/status.h"

#include <string.h>

#include "upload/step.h"
#include "upload/timer.h"
#include "view.h"

/* A list for a person: what is beyond it is counted. */
enum { LIST_MAX = 100 };

struct short_list {
	cJSON	*list;
	int64_t	 more;
};

static void
short_list_add(struct short_list *l, cJSON *o)
{
	if (cJSON_GetArraySize(l->list) < LIST_MAX) {
		(void)cJSON_AddItemToArray(l->list, o);
	} else {
		cJSON_Delete(o);
		l->more++;
	}
}

static enum err_code
on_batch(void *arg, const struct store_batch *b, struct err *e)
{
	cJSON *o = cJSON_CreateObject();

	(void)e;
	(void)cJSON_AddStringToObject(o, "batch", b->name);
	(void)cJSON_AddNumberToObject(o, "queued", (double)store_batch_queued(b));
	(void)cJSON_AddNumberToObject(o, "registered", (double)b->registered);
	(void)cJSON_AddNumberToObject(o, "parked", (double)b->parked);
	view_revoked(o, b->revoked, b->revoking, b->revoke_parked);
	short_list_add(arg, o);
	return ERR_OK;
}

enum err_code
upload_totals_read(const struct store_ops *ops, struct store_reader *r, const char *batch, struct upload_totals *ret,
    struct err *e)
{
	struct batch_totals all;
	struct store_batch b;
	enum err_code rc;

	if (batch == NULL) {
		if ((rc = ops->batch_totals(r, &all, e)) != ERR_OK)
			return rc;
		*ret = (struct upload_totals) {
			.queued = all.issued - all.registered - all.parked - all.revoked, .registered = all.registered,
			.parked = all.parked, .revoked = all.revoked, .revoking = all.revoking, .revoke_parked = all.revoke_parked
		};
		return ERR_OK;
	}
	if ((rc = ops->batch_find(r, batch, &b, e)) != ERR_OK)
		return rc;
	*ret = (struct upload_totals) {
		.queued = store_batch_queued(&b), .registered = b.registered,
		.parked = b.parked, .revoked = b.revoked, .revoking = b.revoking, .revoke_parked = b.revoke_parked
	};
	return ERR_OK;
}

static enum err_code
on_reason(void *arg, const struct store_parked_reason *p, struct err *e)
{
	cJSON *o = cJSON_CreateObject();

	(void)e;
	(void)cJSON_AddStringToObject(o, "batch", p->batch);
	(void)cJSON_AddStringToObject(o, "account", p->account);
	(void)cJSON_AddStringToObject(o, "region", p->region);
	(void)cJSON_AddStringToObject(o, "step", p->step);
	(void)cJSON_AddStringToObject(o, "code", p->code);
	(void)cJSON_AddStringToObject(o, "message", p->message);
	(void)cJSON_AddNumberToObject(o, "count", (double)p->count);
	short_list_add(arg, o);
	return ERR_OK;
}

bool
upload_run_needs_someone(const struct store_upload_run *run)
{
	static const char *const begins[] = { UPLOAD_NO_START, UPLOAD_STOPPED, UPLOAD_WAITS };

	if (run->id == 0 || run->ended_at_us == 0)
		return false;
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (strncmp(run->outcome, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

static cJSON *
view_run(const struct store_upload_run *r)
{
	cJSON *o;

	if (r->id == 0)
		return cJSON_CreateNull();
	o = cJSON_CreateObject();
	view_time_us(o, "started_at", r->started_at_us);
	view_time_us(o, "updated_at", r->updated_at_us);
	view_time_us(o, "ended_at", r->ended_at_us);
	(void)cJSON_AddNumberToObject(o, "queued", (double)r->queued);
	(void)cJSON_AddNumberToObject(o, "registered", (double)r->registered);
	(void)cJSON_AddNumberToObject(o, "parked", (double)r->parked);
	(void)cJSON_AddNumberToObject(o, "revoked", (double)r->revoked);
	(void)cJSON_AddNumberToObject(o, "calls", (double)r->calls);
	(void)cJSON_AddNumberToObject(o, "throttled", (double)r->throttled);
	(void)cJSON_AddStringToObject(o, "outcome", r->outcome);
	(void)cJSON_AddBoolToObject(o, "needs_someone", upload_run_needs_someone(r));
	return o;
}

enum err_code
upload_status_view(const struct home *h, struct store_reader *r, cJSON **ret, struct err *e)
{
	struct short_list batches = { .list = cJSON_CreateArray() }, reasons = { .list = cJSON_CreateArray() };
	cJSON *o = cJSON_CreateObject();
	struct upload_totals totals;
	struct store_upload_run run;
	enum err_code rc;
	long pid;

	if ((rc = upload_totals_read(h->ops, r, NULL, &totals, e)) != ERR_OK ||
	    (rc = h->ops->batch_list(r, BATCHES_BUSY, on_batch, &batches, e)) != ERR_OK ||
	    (rc = h->ops->parked_reasons(r, -1, on_reason, &reasons, e)) != ERR_OK ||
	    (rc = h->ops->upload_run_newest(r, &run, e)) != ERR_OK)
		goto out;
	pid = home_lock_holder(h, HOME_UPLOAD_LOCK);
	(void)cJSON_AddItemToObject(o, "running", pid != 0 ? cJSON_CreateNumber((double)pid) : cJSON_CreateNull());
	(void)cJSON_AddNumberToObject(o, "queued", (double)totals.queued);
	(void)cJSON_AddNumberToObject(o, "registered", (double)totals.registered);
	(void)cJSON_AddNumberToObject(o, "parked", (double)totals.parked);
	view_revoked(o, totals.revoked, totals.revoking, totals.revoke_parked);
	(void)cJSON_AddItemToObject(o, "last_run", view_run(&run));
	view_time_us(o, "next_run_at", upload_timer_next_us());
	(void)cJSON_AddItemToObject(o, "batches", batches.list);
	(void)cJSON_AddNumberToObject(o, "batches_more", (double)batches.more);
	(void)cJSON_AddItemToObject(o, "reasons", reasons.list);
	(void)cJSON_AddNumberToObject(o, "reasons_more", (double)reasons.more);
	*ret = o;
	return ERR_OK;
out:
	cJSON_Delete(batches.list);
	cJSON_Delete(reasons.list);
	cJSON_Delete(o);
	return rc;
}

static void
add_text(cJSON *o, const char *name, const char *text)
{
	if (*text != '\0')
		(void)cJSON_AddStringToObject(o, name, text);
	else
		(void)cJSON_AddNullToObject(o, name);
}

static enum err_code
on_registration(void *arg, const struct store_registration *r, const struct store_target *t, struct err *e)
{
	cJSON *o = cJSON_CreateObject(), *steps = cJSON_AddArrayToObject(o, "done");

	(void)e;
	for (uint32_t step = STEP_REGISTER; step <= STEP_ACTIVATE; step <<= 1)
		if ((r->done & step) != 0)
			(void)cJSON_AddItemToArray(steps, cJSON_CreateString(step_name(step)));
	(void)cJSON_AddStringToObject(o, "account", t->account);
	(void)cJSON_AddStringToObject(o, "region", t->region);
	if (r->withdrawn_at_us != 0)
		(void)cJSON_AddItemToArray(steps, cJSON_CreateString(STORE_STEP_REVOKE));
	(void)cJSON_AddStringToObject(o, "state", r->withdrawn_at_us != 0 ? "revoked" : registration_state_name(r->state));
	add_text(o, "arn", r->arn);
	add_text(o, "step", r->step);
	add_text(o, "code", r->code);
	add_text(o, "message", r->message);
	add_text(o, "request_id", r->request_id);
	(void)cJSON_AddNumberToObject(o, "failures", (double)r->attempts);
	view_time_us(o, "updated_at", r->updated_at_us);
	view_time_us(o, "revoked_at", r->withdrawn_at_us);
	(void)cJSON_AddItemToArray(arg, o);
	return ERR_OK;
}

enum err_code
upload_registrations_view(const struct store_ops *ops, struct store_reader *r, const uint8_t serial[STORE_SERIAL_BYTES],
    cJSON **ret, struct err *e)
{
	cJSON *list = cJSON_CreateArray();
	enum err_code rc;

	if ((rc = ops->registration_list(r, store_serial_key(serial), on_registration, list, e)) != ERR_OK) {
		cJSON_Delete(list);
		return rc;
	}
	*ret = list;
	return ERR_OK;
}
