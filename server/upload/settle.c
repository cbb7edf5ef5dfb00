#include <stdio.h>

#include "base/log.h"
#include "base/rnd.h"
#include "upload/internal.h"

enum {
	/* Tries of one call before the row is left for the next pass: 0.5 s, doubled, at most 20 s: about two minutes. */
	AGAIN_TRIES = 10,
	AGAIN_FIRST_US = 500 * 1000,
	AGAIN_MOST_US = 20 * 1000 * 1000,
	/* A site that has taken nothing for so long is down; another must not wait for it. */
	DOWN_US = 10 * 1000 * 1000,
	/* What was just made should be visible in seconds (aws-iot facts 3.2). */
	UNSEEN_TRIES = 6,
	UNSEEN_LEAST_US = 1000 * 1000,
	UNSEEN_MORE_US = 2 * 1000 * 1000,
	/* A certificate that AWS took longer ago, and does not have, is not there: somebody has deleted it. */
	UNSEEN_NEW_US = 60 * 1000 * 1000
};

void
item_drop(struct run *r, struct item *i)
{
	if (i->prev != NULL)
		i->prev->next = i->next;
	else
		r->items = i->next;
	if (i->next != NULL)
		i->next->prev = i->prev;
	i->lane->items--;
	item_free(i);
}

void
task_answered(struct run *r, struct task *t)
{
	if (r->answered.count == 0)
		r->answered_us = clock_monotonic_us();
	task_push(&r->answered, t);
}

static void
task_finish(struct task *t, enum task_end end)
{
	t->end = end;
	t->item->open--;
}

/* ---- waiting */

static void
task_wait(struct run *r, struct task *t, int64_t span_us)
{
	t->wake_us = clock_monotonic_us() + span_us;
	task_push(&r->waiting, t);
}

/* ---- what an answer means for the task */

/* Said once a run, and what is told of it in the morning. */
static void
run_waits(struct run *r, const char *why)
{
	(void)snprintf(r->waits, sizeof(r->waits), "%s", why);
	progress_hide(&r->progress);
	log_event(LOG_WARN, "upload", "%s", why);
}

static void
ca_stopped(struct run *r, struct task *t)
{
	char where[AWS_SESSION_NAME_BYTES], why[ERR_LOG_TEXT_BYTES];

	if (!t->item->lane->stopped[t - t->item->tasks] && site_takes_ca(t->site, t->item->certificate.ca_id)) {
		aws_session_name(&t->site->session, where);
		site_stop_ca(t->site, t->item->certificate.ca_id);
		(void)snprintf(why, sizeof(why), "%s takes no certificates of the CA %s (%s), so they wait: look with `lineca aws cas`", where,
		    t->item->certificate.ca_name, t->registration.code);
		run_waits(r, why);
	}
	task_finish(t, TASK_LEFT);
}

static void
failed_once_more(struct task *t, int64_t now_us)
{
	if (t->failing != t->verdict)
		t->tries = 0;	/* in another way: counted anew */
	t->failing = t->verdict;
	if (t->tries++ == 0)
		t->failing_us = now_us;
}

/*
 * Is there no use in keeping it in hand?  Not while the site takes nothing from anybody: then it is not the row's fault, and the whole run
 * waits (give_up_s).  But where the other sites of the row are done with it, its place is theirs.
 */
static bool
gives_up(const struct task *t, int64_t now_us)
{
	if (t->item->tasks_count > 1 && t->item->open == 1 && now_us - t->site->taken_us > DOWN_US)
		return true;
	return t->tries >= AGAIN_TRIES && t->site->taken_us > t->failing_us;
}

/* The call failed in a way that may pass. */
static bool
again(struct run *r, struct task *t)
{
	int64_t span_us = AGAIN_FIRST_US, now_us = clock_monotonic_us();

	failed_once_more(t, now_us);
	if (gives_up(t, now_us)) {
		task_finish(t, TASK_LEFT);
		t->item->given_up = true;
		return true;
	}
	step_repeat(&t->work);
	for (int i = 1; i < t->tries && span_us < AGAIN_MOST_US; i++)
		span_us *= 2;
	/* full jitter (AWS SDKs' standard mode): so that a crowd does not come back as one */
	task_wait(r, t, rnd_up_to(&rnd_system, span_us < AGAIN_MOST_US ? span_us : AGAIN_MOST_US));
	return false;
}

static void
task_park(struct task *t)
{
	t->registration.state = REGISTRATION_PARKED;
	task_finish(t, TASK_PARKED);
}

/* The policy, type or group that the target needs is gone: not this certificate's fault, so its whole target waits, and it is said once. */
static bool
target_is_gone(struct run *r, struct task *t)
{
	bool *stopped = &t->item->lane->stopped[t - t->item->tasks];
	struct err why;

	if (!*stopped && site_check_target(t->site, t->work.target, &why) == ERR_CONFLICT) {
		*stopped = true;
		run_waits(r, why.log_text);
	}
	return *stopped;
}

/* AWS has it as revoked, or does not have it: of that the registration keeps the answer. */
static bool
withdrawn(struct run *r, struct task *t)
{
	struct store_registration *reg = &t->registration;

	/* "there is none" is an answer too */
	r->taken_us = t->site->taken_us = clock_monotonic_us();
	r->took_any = true;
	reg->withdrawn_at_us = clock_system.now_us(&clock_system);
	reg->state = REGISTRATION_DONE;
	if (t->verdict == STEP_UNSEEN)
		(void)snprintf(reg->message, sizeof(reg->message), "AWS does not have this certificate: there is nothing to revoke");
	task_finish(t, TASK_DONE);
	return true;
}

/* What was just made is not to be seen yet; or it never will be. */
static bool
unseen(struct run *r, struct task *t)
{
	failed_once_more(t, clock_monotonic_us());
	if (t->work.withdraw && (t->registration.arn[0] == '\0' || t->tries >= UNSEEN_TRIES ||
	    clock_system.now_us(&clock_system) - t->registration.updated_at_us > UNSEEN_NEW_US))
		return withdrawn(r, t);
	if (t->tries >= UNSEEN_TRIES) {
		if (target_is_gone(r, t)) {
			task_finish(t, TASK_LEFT);
			return false;
		}
		task_park(t);
		return true;
	}
	step_repeat(&t->work);
	task_wait(r, t, UNSEEN_LEAST_US + rnd_up_to(&rnd_system, UNSEEN_MORE_US));
	return false;
}

/* Moves the task on; true: its registration must be recorded first. */
static bool
task_judge(struct run *r, struct task *t)
{
	switch (t->verdict) {
	case STEP_DONE:
		t->tries = 0;
		if (t->work.withdraw)
			return withdrawn(r, t);
		if (step_left(&t->work) == 0) {
			t->registration.state = REGISTRATION_DONE;
			task_finish(t, TASK_DONE);
		}
		return true;
	case STEP_PARK:
		task_park(t);
		return true;
	case STEP_MORE:
		/* the look before an activation says nothing about the activation, which is what may keep failing */
		if (t->work.call != CALL_ACTIVATE && t->work.call != CALL_REACTIVATE)
			t->tries = 0;
		task_ready(t);
		return false;
	case STEP_THROTTLED:
		step_repeat(&t->work);
		task_ready(t);
		return false;
	case STEP_AGAIN:
		return again(r, t);
	case STEP_UNSEEN:
		return unseen(r, t);
	case STEP_STOP_CA:
		ca_stopped(r, t);
		return false;
	case STEP_STOP_RUN:
		task_finish(t, TASK_LEFT);
		return false;
	}
	return false;
}

/* ---- recording */

/* The certificate is settled in all its targets, or cannot go on: out of the run. */
static void
item_settle(struct run *r, struct item *i)
{
	if (i->given_up) {
		r->result->left++;
		i->lane->left++;
	}
	item_drop(r, i);
}

/* After its registration is durable. */
static void
task_recorded(struct run *r, struct task *t)
{
	if (t->end != TASK_OPEN) {
		report_task(r->report, t);
		return;
	}
	step_begin(&t->work, step_left(&t->work));
	task_ready(t);
}

static void
count_settled(struct run *r, const struct item *i)
{
	if (i->open != 0)
		return;
	if (item_settled(i) == CERTIFICATE_REGISTERED)
		r->row.registered++;
	else if (item_settled(i) == CERTIFICATE_REVOKED)
		r->row.revoked++;
	else if (item_settled(i) == CERTIFICATE_PARKED)
		r->row.parked++;
}

/* What is in the rows, durable, in one transaction; then the tasks go on. */
static enum err_code
record(struct run *r, struct task *const *tasks, size_t n, struct err *e)
{
	struct store_registration_row rows[GATHER_ENOUGH];
	const struct store_ops *ops = r->u->home->ops;
	int64_t now_us = clock_system.now_us(&clock_system);
	enum err_code rc;

	if (n == 0)
		return ERR_OK;
	for (size_t i = 0; i < n; i++) {
		struct item *item = tasks[i]->item;

		tasks[i]->registration.updated_at_us = now_us;
		rows[i] = (struct store_registration_row){
			&tasks[i]->registration, item->certificate.batch_id, item->open == 0 ? item_settled(item) : -1, item->withdraw
		};
	}
	r->row.updated_at_us = now_us;
	if ((rc = ops->registration_record(r->u->home->store, rows, n, &r->row, e)) != ERR_OK)
		return rc;
	for (size_t i = 0; i < n; i++)
		task_recorded(r, tasks[i]);
	return ERR_OK;
}

/* Two tasks of one item may be answered together: it is dropped once, after both. */
static void
drop_settled(struct run *r, struct task *const *tasks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct item *item = tasks[i]->item;
		bool again_later = false;

		for (size_t later = i + 1; later < n; later++)
			again_later = again_later || tasks[later]->item == item;
		if (!again_later && item->open == 0)
			item_settle(r, item);
	}
}

enum err_code
settle(struct run *r, struct err *e)
{
	struct task *all[GATHER_ENOUGH], *changed[GATHER_ENOUGH];
	enum err_code rc;
	struct task *t;

	while (r->answered.count > 0) {
		const struct store_upload_run before = r->row;
		size_t n = 0, n_changed = 0;

		while (n < GATHER_ENOUGH && (t = task_pop(&r->answered)) != NULL) {
			bool was_open = t->end == TASK_OPEN;

			/* an item that came settled in all its parts only needs its whole recorded */
			if (was_open ? task_judge(r, t) : item_settled(t->item) >= 0)
				changed[n_changed++] = t;
			if (t->end != TASK_OPEN)
				count_settled(r, t->item);
			all[n++] = t;
		}
		if ((rc = record(r, changed, n_changed, e)) != ERR_OK) {
			/* what is not in the ledger did not happen */
			r->row.registered = before.registered;
			r->row.parked = before.parked;
			r->row.revoked = before.revoked;
			return rc;
		}
		drop_settled(r, all, n);
	}
	return ERR_OK;
}
