#include "upload/status.h"

#include "upload/step.h"
#include "upload/timer.h"
#include "view.h"

struct totalling {
	struct upload_totals	 totals;
	cJSON			*list;		/* NULL: totals only */
};

static enum err_code
on_batch(void *arg, const struct store_batch *b, struct err *e)
{
	struct totalling *t = arg;
	int64_t queued = store_batch_queued(b);
	cJSON *o;

	(void)e;
	t->totals.queued += queued;
	t->totals.registered += b->registered;
	t->totals.parked += b->parked;
	t->totals.revoked += b->revoked;
	t->totals.revoking += b->revoking;
	t->totals.revoke_parked += b->revoke_parked;
	if (t->list == NULL || (queued == 0 && b->parked == 0 && b->revoking == 0 && b->revoke_parked == 0))
		return ERR_OK;
	o = cJSON_CreateObject();
	(void)cJSON_AddStringToObject(o, "batch", b->name);
	(void)cJSON_AddNumberToObject(o, "queued", (double)queued);
	(void)cJSON_AddNumberToObject(o, "registered", (double)b->registered);
	(void)cJSON_AddNumberToObject(o, "parked", (double)b->parked);
	view_revoked(o, b->revoked, b->revoking, b->revoke_parked);
	(void)cJSON_AddItemToArray(t->list, o);
	return ERR_OK;
}

enum err_code
upload_totals_read(const struct store_ops *ops, struct store_reader *r, const char *batch, struct upload_totals *ret,
    struct err *e)
{
	struct totalling t = { .list = NULL };
	struct store_batch b;
	enum err_code rc;

	if (batch == NULL)
		rc = ops->batch_list(r, false, on_batch, &t, e);
	else if ((rc = ops->batch_find(r, batch, &b, e)) == ERR_OK)
		rc = on_batch(&t, &b, e);
	if (rc == ERR_OK)
		*ret = t.totals;
	return rc;
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
	(void)cJSON_AddItemToArray(arg, o);
	return ERR_OK;
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
	return o;
}

enum err_code
upload_status_view(const struct home *h, struct store_reader *r, cJSON **ret, struct err *e)
{
	struct totalling t = { .list = cJSON_CreateArray() };
	cJSON *o = cJSON_CreateObject(), *reasons = cJSON_CreateArray();
	struct store_upload_run run;
	enum err_code rc;
	long pid;

	if ((rc = h->ops->batch_list(r, false, on_batch, &t, e)) != ERR_OK ||
	    (rc = h->ops->parked_reasons(r, -1, on_reason, reasons, e)) != ERR_OK ||
	    (rc = h->ops->upload_run_newest(r, &run, e)) != ERR_OK)
		goto out;
	pid = home_lock_holder(h, HOME_UPLOAD_LOCK);
	(void)cJSON_AddItemToObject(o, "running", pid != 0 ? cJSON_CreateNumber((double)pid) : cJSON_CreateNull());
	(void)cJSON_AddNumberToObject(o, "queued", (double)t.totals.queued);
	(void)cJSON_AddNumberToObject(o, "registered", (double)t.totals.registered);
	(void)cJSON_AddNumberToObject(o, "parked", (double)t.totals.parked);
	view_revoked(o, t.totals.revoked, t.totals.revoking, t.totals.revoke_parked);
	(void)cJSON_AddItemToObject(o, "last_run", view_run(&run));
	view_time_us(o, "next_run_at", upload_timer_next_us());
	(void)cJSON_AddItemToObject(o, "batches", t.list);
	(void)cJSON_AddItemToObject(o, "reasons", reasons);
	*ret = o;
	return ERR_OK;
out:
	cJSON_Delete(t.list);
	cJSON_Delete(reasons);
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
