#include <stdio.h>

#include "upload/internal.h"

const enum iot_operation send_order[SEND_ORDER] = {
	SEND_WITHDRAWAL, IOT_UPDATE_CERTIFICATE, IOT_ADD_THING_TO_THING_GROUP, IOT_ATTACH_POLICY, IOT_ATTACH_THING_PRINCIPAL, IOT_DESCRIBE_THING,
	IOT_CREATE_THING, IOT_DESCRIBE_CERTIFICATE, IOT_REGISTER_CERTIFICATE, IOT_REGISTER_CERTIFICATE_WITHOUT_CA
};

static void
on_answer(void *arg, const struct aws_reply *reply)
{
	struct task *t = arg;
	struct run *r = t->run;
	enum iot_operation op = step_operation(&t->work);
	int64_t now_us = clock_monotonic_us();

	r->in_flight--;
	t->site->in_flight--;
	t->verdict = step_answer(&t->work, reply);
	/* a call within a step changes nothing yet: only what is decided counts as taken */
	if (t->verdict == STEP_DONE || t->verdict == STEP_PARK) {
		r->taken_us = t->site->taken_us = now_us;
		r->took_any = true;
	} else if (t->verdict != STEP_MORE)
		(void)snprintf(r->trouble, sizeof(r->trouble), "%s: %.80s", iot_operation_name(op), reply->code);
	if (t->verdict == STEP_THROTTLED) {
		pace_throttled(&t->site->paces[op], t->sent_us, now_us);
		r->row.throttled++;
	}
	if (t->verdict == STEP_STOP_RUN) {
		struct err why;

		if (reply->outcome == AWS_DONE)
			(void)err_set(&why, ERR_CONFIG, "%s: %s", iot_operation_name(op), t->registration.message);
		else
			(void)aws_reply_fail(reply, iot_operation_name(op), &why);
		run_stop(r, &why);
	}
	task_answered(r, t);
}

/* This certificate cannot even be asked for. */
static void
task_unaskable(struct run *r, struct task *t, const char *code, const struct err *why)
{
	struct store_registration *reg = &t->registration;
	const char *todo = why->code != ERR_SUBJECT ? ""
	    : "; change thing_name or thing_attributes in lineca.conf (thing_name = {serial} fits every device), then lineca upload retry";

	(void)snprintf(reg->step, sizeof(reg->step), "%s", step_name(step_of_call(t->work.call)));
	(void)snprintf(reg->code, sizeof(reg->code), "%s", code);
	(void)snprintf(reg->message, sizeof(reg->message), "%.150s%s", why->log_text, todo);
	t->verdict = STEP_PARK;
	task_answered(r, t);
}

static void
task_send(struct run *r, struct task *t)
{
	struct aws_request request = { 0 };
	struct err e;
	enum err_code rc;

	t->run = r;
	t->sent_us = clock_monotonic_us();
	if ((rc = step_request(&t->work, &request, &e)) != ERR_OK) {
		aws_request_done(&request);
		task_unaskable(r, t, e.code == ERR_CONFLICT ? "CertificateIdDiffers" : "ThingName", &e);
		return;
	}
	rc = aws_client_send(t->site->session.client, &request, on_answer, t, &e);
	if (rc == ERR_INTERNAL) {
		task_unaskable(r, t, "RequestNotMade", &e);
		return;
	}
	if (rc != ERR_OK) {
		run_stop(r, &e);
		task_ready(t);
		return;
	}
	r->in_flight++;
	t->site->in_flight++;
	r->row.calls++;
}

/* Its target was stopped meanwhile; or its CA, then what is not registered yet stays in the queue. */
static bool
task_is_stopped(const struct task *t)
{
	if (t->work.withdraw)
		return false;
	if (t->item->lane->stopped[t - t->item->tasks])
		return true;
	return t->work.call == CALL_REGISTER && t->work.ca_pem != NULL && !site_takes_ca(t->site, t->item->certificate.ca_id);
}

/*
 * A look at the status before a certificate is made active is worth little when it is old.  So it is made only when that call can follow at
 * once: it takes the tokens of both, and the call that follows needs none.
 */
int64_t
send_wait_us(struct site *s, enum iot_operation op, int64_t now_us)
{
	int64_t own_us, second_us;

	if (op == IOT_UPDATE_CERTIFICATE)
		return 0;
	if (op == SEND_WITHDRAWAL)
		return pace_wait_us(&s->paces[IOT_UPDATE_CERTIFICATE], now_us);
	own_us = pace_wait_us(&s->paces[op], now_us);
	if (op != IOT_DESCRIBE_CERTIFICATE)
		return own_us;
	second_us = pace_wait_us(&s->paces[IOT_UPDATE_CERTIFICATE], now_us);
	return own_us > second_us ? own_us : second_us;
}

static bool
send_take(struct site *s, enum iot_operation op, int64_t now_us)
{
	if (send_wait_us(s, op, now_us) > 0)
		return false;
	if (op == IOT_UPDATE_CERTIFICATE)
		return true;
	if (op == SEND_WITHDRAWAL)
		return pace_take(&s->paces[IOT_UPDATE_CERTIFICATE], now_us);
	return pace_take(&s->paces[op], now_us) &&
	    (op != IOT_DESCRIBE_CERTIFICATE || pace_take(&s->paces[IOT_UPDATE_CERTIFICATE], now_us));
}

static void
send_operation(struct run *r, struct site *s, enum iot_operation op)
{
	struct task_queue *q = &s->ready[op];
	struct err e;
	enum err_code rc;

	while (q->first != NULL && r->stop.code == ERR_OK) {
		if (task_is_stopped(q->first)) {
			struct task *t = task_pop(q);

			t->verdict = STEP_STOP_CA;
			task_answered(r, t);
			continue;
		}
		if ((rc = aws_session_check(&s->session, &e)) != ERR_OK) {
			/* stop_wanted is seen by the loop */
			if (rc != ERR_DRAINING)
				run_stop(r, &e);
			return;
		}
		if (s->in_flight >= s->connections || !send_take(s, op, clock_monotonic_us()))
			return;
		task_send(r, task_pop(q));
	}
}

void
send_ready(struct run *r)
{
	for (size_t i = 0; i < r->u->sites_count; i++)
		for (size_t op = 0; op < SEND_ORDER; op++)
			send_operation(r, r->u->sites[i], send_order[op]);
}
