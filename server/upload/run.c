/*
 * The loop of the upload: one thread, many calls under way.
 *
 *	lane_fetch > ready (by operation) > pace, send > answer > record, together > next step, or settled
 *
 * Certificates that were revoked come first, and are looked for while the run goes: of those AWS is told.
 *
 * A task is in exactly one place: ready at its site, under way, waiting for its time, or answered.  What an answer changed is
 * recorded before the task's next call is made.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "upload/internal.h"
#include "upload/status.h"
#include "upload/stop.h"

enum {
	/* A wait for nothing in particular: signals and the deadline are looked at so often. */
	POLL_MAX_MS = 100,
	/* Answers that came within this time are recorded in one transaction. */
	GATHER_US = 4000,
	/* How often the length of the queue is looked at, and whether something was revoked. */
	COUNT_EVERY_US = 1000 * 1000,
	/* When stopping: what is under way may end for so long.  What a call did that did not end, the next run finds out. */
	DRAIN_US = 10 * 1000 * 1000
};

void
run_stop(struct run *r, const struct err *why)
{
	if (r->stop.code == ERR_OK)
		r->stop = *why;
}

/* ---- items */

static void
item_keep(struct run *r, struct item *i)
{
	i->prev = NULL;
	i->next = r->items;
	if (r->items != NULL)
		r->items->prev = i;
	r->items = i;
	i->lane->items++;
}

void
task_ready(struct task *t)
{
	task_push(&t->site->ready[t->work.withdraw ? SEND_WITHDRAWAL : step_operation(&t->work)], t);
}

/* From where an earlier run left it. */
static void
task_start(struct run *r, struct task *t)
{
	uint32_t step = step_left(&t->work);

	t->run = r;
	if (step == 0) {
		/* lineca.conf asks for less than it did */
		t->verdict = STEP_DONE;
		task_answered(r, t);
		return;
	}
	step_begin(&t->work, step);
	task_ready(t);
}

static void
item_start(struct run *r, struct item *i)
{
	item_keep(r, i);
	if (i->open == 0) {
		/* settled in every target, but not as a whole: a target was taken out of lineca.conf; or nothing of it can go */
		i->tasks[0].run = r;
		task_answered(r, &i->tasks[0]);
		return;
	}
	for (size_t n = 0; n < i->tasks_count; n++)
		if (i->tasks[n].end == TASK_OPEN)
			task_start(r, &i->tasks[n]);
}

static bool
limit_reached(const struct run *r)
{
	return r->options->limit > 0 && r->fetched >= r->options->limit;
}

/* At the end of a lane: what was given up on the way is tried again, until AWS has taken nothing for give_up_s. */
static void
next_pass(struct run *r, struct lane *l)
{
	if (l->at < l->batches_count || l->items > 0 || l->left == 0 || r->options->limit > 0)
		return;
	r->result->left -= l->left;
	lane_rewind(l);
	r->passes++;
}

/* How many more may come into the lane now; 0: none. */
static int64_t
room(const struct run *r, const struct lane *l)
{
	int64_t left = r->options->limit - r->fetched;

	if (l->items + LANE_PAGE > LANE_ITEMS_MAX || limit_reached(r))
		return 0;
	return r->options->limit > 0 && left < LANE_PAGE ? left : LANE_PAGE;
}

static void
items_start(struct run *r, struct item *i)
{
	struct item *next;

	for (; i != NULL; i = next) {
		next = i->next;
		r->fetched++;
		item_start(r, i);
	}
}

static bool
in_hand(void *arg, const uint8_t *serial)
{
	const struct run *r = arg;

	for (const struct item *i = r->items; i != NULL; i = i->next)
		if (memcmp(i->certificate.serial, serial, STORE_SERIAL_BYTES) == 0)
			return true;
	return false;
}

/*
 * What was revoked, also since: once a second, and at the end for what was on its way then.  One whose registration is in hand waits for that,
 * or AWS would say that it does not have it.
 */
static enum err_code
refill_revoked(struct run *r, struct err *e)
{
	struct item *i;
	enum err_code rc;
	int64_t max;

	for (struct lane *l = r->u->lanes; l != NULL; l = l->next) {
		while ((max = room(r, l)) > 0) {
			if ((rc = lane_fetch_revoked(l, r->u->home, max, in_hand, r, &i, e)) != ERR_OK)
				return rc;
			if (i == NULL)
				break;
			items_start(r, i);
		}
	}
	return ERR_OK;
}

static enum err_code
refill(struct run *r, struct err *e)
{
	int64_t now_us = clock_monotonic_us(), max;
	struct item *i;
	enum err_code rc;

	if (r->items == NULL || now_us - r->revoked_us >= COUNT_EVERY_US) {
		r->revoked_us = now_us;
		if ((rc = refill_revoked(r, e)) != ERR_OK)
			return rc;
	}
	for (struct lane *l = r->u->lanes; l != NULL; l = l->next) {
		next_pass(r, l);
		while (l->at < l->batches_count && (max = room(r, l)) > 0) {
			if ((rc = lane_fetch(l, r->u->home, max, &i, e)) != ERR_OK)
				return rc;
			items_start(r, i);
		}
	}
	return ERR_OK;
}

/* ---- the loop */

/* Those whose time has come are ready again.  *ret_next_us: when the next of the others is. */
static void
wake(struct run *r, int64_t now_us, int64_t *ret_next_us)
{
	struct task_queue still = { 0 };
	struct task *t;

	while ((t = task_pop(&r->waiting)) != NULL) {
		if (t->wake_us <= now_us) {
			task_ready(t);
			continue;
		}
		if (t->wake_us < *ret_next_us)
			*ret_next_us = t->wake_us;
		task_push(&still, t);
	}
	r->waiting = still;
}

static bool
has_work(const struct run *r)
{
	if (r->in_flight > 0 || r->answered.count > 0)
		return true;
	if (r->drain_us != 0)
		return false;
	for (const struct lane *l = r->u->lanes; l != NULL && !limit_reached(r); l = l->next)
		if (l->at < l->batches_count || (l->left > 0 && r->options->limit == 0))
			return true;
	return r->items != NULL;
}

/* Nothing new from here on; what is under way may end. */
static void
drain_begin(struct run *r, const char *reason)
{
	if (r->drain_us != 0)
		return;
	r->drain_us = clock_monotonic_us();
	if (reason != NULL) {
		r->result->stopped = true;
		(void)snprintf(r->result->reason, sizeof(r->result->reason), "%s", reason);
	}
}

static void
look_for_stop(struct run *r, int64_t now_us)
{
	struct err why;

	if (r->stop.code != ERR_OK)
		drain_begin(r, NULL);
	else if (stop_wanted())
		drain_begin(r, stop_reason());
	else if (now_us - r->taken_us > r->give_up_us && r->items != NULL) {
		(void)err_set(&why, ERR_IO, "AWS has taken nothing for %lld s (%s): the rest stays queued for the next run",
		    (long long)(r->give_up_us / 1000000), r->trouble[0] != '\0' ? r->trouble : "no answer");
		/* in a further pass it is some rows that do not go; else it is AWS */
		if (r->passes > 0 && r->took_any)
			drain_begin(r, NULL);
		else
			run_stop(r, &why);
	}
}

/* How long until something of our own is to be done. */
static int
pause_ms(struct run *r, int64_t now_us, int64_t next_us)
{
	int64_t wait_us = POLL_MAX_MS * 1000, us;

	if (r->answered.count > 0 && (us = r->answered_us + GATHER_US - now_us) < wait_us)
		wait_us = us;
	if (next_us - now_us < wait_us)
		wait_us = next_us - now_us;
	for (size_t i = 0; i < r->u->sites_count && r->drain_us == 0; i++) {
		struct site *s = r->u->sites[i];

		for (size_t op = 0; op < SEND_ORDER && s->in_flight < s->connections; op++)
			if (s->ready[send_order[op]].first != NULL && (us = send_wait_us(s, send_order[op], now_us)) < wait_us)
				wait_us = us;
	}
	return wait_us <= 0 ? 0 : (int)((wait_us + 999) / 1000);
}

static bool
settle_is_due(const struct run *r, int64_t now_us)
{
	return r->answered.count >= GATHER_ENOUGH || r->in_flight == 0 || now_us - r->answered_us >= GATHER_US;
}

int64_t
run_settled(const struct run *r)
{
	return r->row.registered + r->row.revoked + r->row.parked;
}

/* The line goes on issuing while we upload. */
static void
look_at_queue(struct run *r, int64_t now_us)
{
	int64_t queued, settled = run_settled(r);
	struct err ignored;

	if (now_us - r->counted_us < COUNT_EVERY_US)
		return;
	r->counted_us = now_us;
	if (upload_queued(r->u, &queued, &ignored) != ERR_OK)
		return;		/* the bar is a little old then */
	r->progress.total = settled + queued;
	if (r->options->limit > 0 && r->options->limit < r->progress.total)
		r->progress.total = r->options->limit;
}

static enum err_code
turn(struct run *r, struct err *e)
{
	int64_t now_us = clock_monotonic_us(), next_us = INT64_MAX;
	enum err_code rc;

	look_for_stop(r, now_us);
	if (r->drain_us == 0) {
		if ((rc = refill(r, e)) != ERR_OK)
			return rc;
		wake(r, now_us, &next_us);
		send_ready(r);
	}
	if (r->in_flight > 0 || r->answered.count == 0)
		if ((rc = transport_poll(r->u->transport, pause_ms(r, now_us, next_us), e)) != ERR_OK)
			return rc;
	now_us = clock_monotonic_us();
	if (r->answered.count > 0 && settle_is_due(r, now_us) && (rc = settle(r, e)) != ERR_OK)
		return rc;
	look_at_queue(r, now_us);
	if (r->progress.total < run_settled(r))
		r->progress.total = run_settled(r);
	progress_tick(&r->progress, r->row.registered + r->row.revoked, r->row.parked, now_us);
	return ERR_OK;
}

/* Before the end: what was revoked while its registration was in hand. */
static enum err_code
look_again(struct run *r, struct err *e)
{
	return r->drain_us == 0 ? refill_revoked(r, e) : ERR_OK;
}

static enum err_code
loop(struct run *r, struct err *e)
{
	enum err_code rc;

	do {
		if ((rc = turn(r, e)) != ERR_OK)
			return rc;
		/* a second signal, or a call that does not end: what it did is found out by the next run */
		if (stop_insists() || (r->drain_us != 0 && clock_monotonic_us() - r->drain_us > DRAIN_US))
			break;
		if (!has_work(r) && (rc = look_again(r, e)) != ERR_OK)
			return rc;
	} while (has_work(r));
	if (r->stop.code != ERR_OK) {
		*e = r->stop;
		return e->code;
	}
	return ERR_OK;
}

/* ---- begin and end */

static int64_t
give_up_us(const struct upload *u)
{
	int64_t most_s = 0;

	for (const struct lane *l = u->lanes; l != NULL; l = l->next)
		for (size_t i = 0; i < l->targets_count; i++)
			if (l->targets[i]->give_up_s > most_s)
				most_s = l->targets[i]->give_up_s;
	return most_s * 1000000;
}

static enum err_code
run_begin(struct run *r, struct err *e)
{
	const struct store_ops *ops = r->u->home->ops;
	int64_t now_us = clock_system.now_us(&clock_system), total = r->u->queued + r->u->revoking;

	r->row = (struct store_upload_run){ .started_at_us = now_us, .updated_at_us = now_us, .pid = getpid(), .queued = r->u->queued };
	if (r->options->limit > 0 && r->options->limit < total)
		total = r->options->limit;
	progress_begin(&r->progress, r->options->bar, total, clock_monotonic_us());
	if (r->u->set_aside_count > 0)
		(void)snprintf(r->waits, sizeof(r->waits), "%s", r->u->set_aside[0].log_text);
	r->taken_us = clock_monotonic_us();
	r->give_up_us = give_up_us(r->u);
	return ops->upload_run_begin(r->u->home->store, &r->row, e);
}

static void
say_outcome(struct run *r, enum err_code rc, const struct err *e)
{
	struct store_upload_run *row = &r->row;

	row->ended_at_us = row->updated_at_us = clock_system.now_us(&clock_system);
	if (rc != ERR_OK)
		(void)snprintf(row->outcome, sizeof(row->outcome), UPLOAD_STOPPED "%s", e->log_text);
	else if (r->result->stopped)
		(void)snprintf(row->outcome, sizeof(row->outcome), "stopped by %s", r->result->reason);
	else if (r->waits[0] != '\0')
		(void)snprintf(row->outcome, sizeof(row->outcome), UPLOAD_WAITS "%s", r->waits);
	else if (r->result->left > 0)
		(void)snprintf(row->outcome, sizeof(row->outcome), "done in part: %lld were tried and wait for the next run (%s)",
		    (long long)r->result->left, r->trouble);
	else
		(void)snprintf(row->outcome, sizeof(row->outcome), "done");
}

static enum err_code
run_end(struct run *r, enum err_code rc, struct err *e)
{
	const struct store_ops *ops = r->u->home->ops;
	struct err second;
	enum err_code end_rc;

	progress_hide(&r->progress);
	/* calls that never ended have their tasks as arguments: gone before those are */
	transport_free(r->u->transport);
	r->u->transport = NULL;
	/* what was in hand when it ended was tried too */
	for (; r->items != NULL; r->result->left++)
		item_drop(r, r->items);
	say_outcome(r, rc, e);
	end_rc = ops->registration_record(r->u->home->store, NULL, 0, &r->row, rc == ERR_OK ? e : &second);
	r->result->registered = r->row.registered;
	r->result->parked = r->row.parked;
	r->result->revoked = r->row.revoked;
	r->result->calls = r->row.calls;
	r->result->throttled = r->row.throttled;
	r->result->waits = r->waits[0] != '\0';
	r->result->elapsed_us = r->row.ended_at_us - r->row.started_at_us;
	return rc != ERR_OK ? rc : end_rc;
}

enum err_code
upload_run(struct upload *u, const struct upload_options *o, struct report *report, struct upload_result *ret, struct err *e)
{
	struct run r = { .u = u, .options = o, .report = report, .result = ret };
	enum err_code rc;

	*ret = (struct upload_result){ 0 };
	if ((rc = run_begin(&r, e)) != ERR_OK)
		return rc;
	u->ran = true;
	rc = loop(&r, e);
	return run_end(&r, rc, e);
}
