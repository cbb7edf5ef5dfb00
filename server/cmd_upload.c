#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "base/hex.h"
#include "base/number.h"
#include "cmd_who.h"
#include "table.h"
#include "upload/progress.h"
#include "upload/status.h"
#include "upload/stop.h"
#include "upload/upload.h"
#include "view.h"

/* ---- upload */

struct upload_args {
	const char	*batch, *limit, *deadline, *report;
	bool		 dry_run;
};

/* "06:00": the next time it is that late here, or a moment in RFC 3339. */
static enum err_code
deadline_parse(const char *text, int64_t now_us, int64_t *ret_us, struct err *e)
{
	time_t now = (time_t)(now_us / 1000000), at;
	int64_t hour, minute;
	char part[3] = { 0 };
	struct tm tm;

	if (clock_parse_us(text, ret_us)) {
		if (*ret_us <= now_us)
			return err_set(e, ERR_USAGE, "--deadline %s is over already", text);
		return ERR_OK;
	}
	if (strlen(text) != 5 || text[2] != ':')
		return err_set(e, ERR_USAGE,
		    "--deadline %.40s: a time as 06:00 (of this machine's time zone) or as 2026-11-20T06:00:00Z is needed", text);
	memcpy(part, text, 2);
	if (!number_parse(part, 0, 23, &hour) || !number_parse(text + 3, 0, 59, &minute) || localtime_r(&now, &tm) == NULL)
		return err_set(e, ERR_USAGE, "--deadline %.40s: hours 00 to 23 and minutes 00 to 59", text);
	/* the same time of day, and the day's own rule of summer time: mktime changes what it is given */
	for (int day = 0; day < 2; day++) {
		struct tm try = { .tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday + day, .tm_hour = (int)hour,
			.tm_min = (int)minute, .tm_isdst = -1 };

		if ((at = mktime(&try)) > now)
			break;
	}
	*ret_us = (int64_t)at * 1000000;
	return ERR_OK;
}

static enum err_code
options_parse(const struct upload_args *a, struct upload_options *o, int64_t *ret_deadline_us, struct err *e)
{
	enum err_code rc = ERR_OK;

	*ret_deadline_us = 0;
	*o = (struct upload_options){ .bar = isatty(STDERR_FILENO) == 1 };
	if (a->limit != NULL)
		rc = args_number("--limit", a->limit, 1, INT64_MAX, &o->limit, e);
	if (rc == ERR_OK && a->deadline != NULL)
		rc = deadline_parse(a->deadline, clock_system.now_us(&clock_system), ret_deadline_us, e);
	return rc;
}

/* ---- what it would do */

static void
print_target(const struct target *t, const struct site *s, bool stopped)
{
	uint32_t needed = step_planned(t);
	char where[AWS_SESSION_NAME_BYTES + TARGET_HEAD_BYTES];

	if (s != NULL)
		aws_session_name(&s->session, where);
	else
		(void)target_head(t, where);
	(void)printf("  to %s:", where);
	for (uint32_t step = STEP_REGISTER; step <= STEP_ACTIVATE; step <<= 1)
		if ((needed & step) != 0)
			(void)printf(" %s", step_name(step));
	(void)printf(", at most %lld a second%s\n", (long long)step_slowest_rate(t), stopped ? "; CANNOT GO NOW" : "");
}

/* What waits whatever the limit, because no target of its batch takes it, or not all do. */
static bool
goes_whole(const struct lane *l, const struct lane_batch *b)
{
	for (size_t i = 0; i < l->targets_count; i++)
		if (!lane_target_takes(l, i, b->ca_id))
			return false;
	return true;
}

static void
print_lane(const struct lane *l, int64_t *ret_going, int64_t *ret_rate)
{
	for (size_t b = 0; b < l->batches_count; b++) {
		const struct lane_batch *batch = &l->batches[b];

		if (batch->revoking > 0)
			(void)printf("batch %s: %lld to be revoked\n", batch->name, (long long)batch->revoking);
		(void)printf("batch %s: %lld queued%s\n", batch->name, (long long)batch->queued,
		    !lane_takes_batch(l, batch) ? "; CANNOT GO NOW" : !goes_whole(l, batch) ? "; can go only in part" : "");
		if (goes_whole(l, batch))
			*ret_going += batch->queued;
		for (size_t i = 0; i < l->targets_count; i++)
			print_target(l->targets[i], l->sites[i], !lane_target_takes(l, i, batch->ca_id));
	}
	for (size_t i = 0; i < l->targets_count; i++)
		if (step_slowest_rate(l->targets[i]) < *ret_rate)
			*ret_rate = step_slowest_rate(l->targets[i]);
}

static void
print_plan(struct cmd *c, const struct upload *u, const struct upload_options *o)
{
	int64_t going = 0, waiting, rate = INT64_MAX;
	char span[PROGRESS_SPAN_BYTES];

	for (const struct lane *l = u->lanes; l != NULL; l = l->next)
		print_lane(l, &going, &rate);
	waiting = u->queued - going;
	if (o->limit > 0 && o->limit < going)
		going = o->limit;
	progress_span(going / rate, span);
	if (u->revoking > 0)
		(void)printf("AWS would be told first that %lld certificate%s revoked\n", (long long)u->revoking,
		    u->revoking == 1 ? " is" : "s are");
	(void)printf("%lld certificate%s would go, in about %s", (long long)going, going == 1 ? "" : "s", span);
	if (waiting > 0)
		(void)printf("; %lld would wait", (long long)waiting);
	(void)printf("; nothing was changed\n");
	c->in_part = waiting > 0;
}

/* ---- the run */

static void
print_result(const struct upload_result *r, const struct report *report)
{
	char span[PROGRESS_SPAN_BYTES];

	progress_span(r->elapsed_us / 1000000, span);
	if (r->revoked + r->revoking > 0)
		(void)fprintf(stderr, "%lld revoked at AWS, %lld still to be, %lld parked\n", (long long)r->revoked, (long long)r->revoking,
		    (long long)r->revoke_parked);
	(void)fprintf(stderr, "%lld registered, %lld parked, %lld still queued; %lld calls, %lld throttled, in %s%s%s\n",
	    (long long)r->registered, (long long)r->parked, (long long)r->queued, (long long)r->calls, (long long)r->throttled, span,
	    r->stopped ? "; stopped by " : "", r->reason);
	if (r->parked > 0 || r->revoke_parked > 0)
		(void)fprintf(stderr, "why rows are parked: `lineca upload status`; when mended: `lineca upload retry`\n");
	(void)fprintf(stderr, "report: %s, and .jsonl beside it\n", report->csv_path);
}

static enum err_code
run(struct cmd *c, struct upload *u, const struct upload_args *a, const struct upload_options *o, struct err *e)
{
	struct report report = { 0 };
	struct upload_totals totals = { 0 };
	struct upload_result result;
	enum err_code rc, close_rc;
	struct err second;

	rc = a->report != NULL ? report_open(&report, a->report, e) : report_open_in_home(&report, u->home, e);
	if (rc == ERR_OK) {
		rc = upload_run(u, o, &report, &result, e);
		if (upload_totals_read(u->home->ops, u->home->reader, a->batch, &totals, &second) == ERR_OK) {
			result.queued = totals.queued;
			result.revoking = totals.revoking;
			result.revoke_parked = totals.revoke_parked;
		}
		print_result(&result, &report);
		/* what was asked for is not all done: --limit asks for no more than that */
		c->in_part = result.parked > 0 || totals.revoke_parked > u->revoke_parked || result.left > 0 || result.waits || result.stopped;
	}
	close_rc = report_close(&report, rc == ERR_OK ? e : &second);
	return rc != ERR_OK ? rc : close_rc;
}

/* An empty queue is not the same as all well. */
static enum err_code
say_nothing(struct home *h, const char *batch, struct err *e)
{
	struct upload_totals totals;
	enum err_code rc;

	if ((rc = upload_totals_read(h->ops, h->reader, batch, &totals, e)) != ERR_OK)
		return rc;
	(void)fprintf(stderr, "nothing is queued%s%s\n", batch != NULL ? " in the batch " : "", batch != NULL ? batch : "");
	totals.parked += totals.revoke_parked;
	if (totals.parked > 0)
		(void)fprintf(stderr, "%lld %s parked: `lineca upload status` says why\n", (long long)totals.parked, totals.parked == 1 ? "is" : "are");
	return ERR_OK;
}

/* A night that could not even begin is told in the morning too. */
static void
say_failure(struct upload *u, const struct err *why)
{
	if (!u->ran)
		upload_note_failure(u, why);
	if (why->code == ERR_PERMISSION || why->code == ERR_IO || why->code == ERR_CONFIG)
		(void)fprintf(stderr, "what to do: `lineca aws check` looks at everything the upload needs\n");
}

enum err_code
cmd_upload(struct cmd *c, struct err *e)
{
	struct upload_args a = { 0 };
	const struct arg_option options[] = {
		{ "batch", &a.batch, NULL }, { "limit", &a.limit, NULL }, { "deadline", &a.deadline, NULL },
		{ "report", &a.report, NULL }, { "dry-run", NULL, &a.dry_run }, { 0 }
	};
	struct upload_options o;
	struct upload u = { 0 };
	struct home h = { 0 };
	const char *none[1];
	int64_t deadline_us;
	enum err_code rc;
	int lock_fd = -1;

	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK || (rc = options_parse(&a, &o, &deadline_us, e)) != ERR_OK)
		return rc;
	aws_session_protect();
	stop_watch(deadline_us);
	if ((rc = home_open(&h, c->home, e)) != ERR_OK ||
	    (rc = home_lock(&h, HOME_UPLOAD_LOCK, "another upload", &lock_fd, e)) != ERR_OK ||
	    (rc = upload_open(&u, &h, a.batch, e)) != ERR_OK)
		goto out;
	if (u.queued + u.revoking == 0)
		rc = say_nothing(&h, a.batch, e);
	else if (a.dry_run)
		print_plan(c, &u, &o);
	else
		rc = run(c, &u, &a, &o, e);
out:
	if (rc != ERR_OK && rc != ERR_DRAINING && u.queued + u.revoking > 0 && !a.dry_run)
		say_failure(&u, e);
	if (rc == ERR_DRAINING) {
		(void)fprintf(stderr, "stopped by %s before anything was done; everything stays queued\n", stop_reason());
		c->in_part = true;
		rc = ERR_OK;
	}
	upload_close(&u);
	if (lock_fd != -1)
		(void)close(lock_fd);
	home_close(&h);
	return rc;
}

/* ---- status */

static void
print_last_run(const cJSON *run, bool running)
{
	if (!cJSON_IsObject(run)) {
		(void)printf("last run    none yet\n");
		return;
	}
	(void)printf("%-11s %.19sZ%s%.19s%s: %lld registered, %lld parked of %lld, %lld revoked; %lld calls, %lld throttled\n",
	    running ? "this run" : "last run", view_text_of(run, "started_at"), view_text_of(run, "ended_at")[0] != '\0' ? " to " : "",
	    view_text_of(run, "ended_at"), view_text_of(run, "ended_at")[0] != '\0' ? "Z" : "", (long long)view_number_of(run, "registered"),
	    (long long)view_number_of(run, "parked"), (long long)view_number_of(run, "queued"), (long long)view_number_of(run, "revoked"),
	    (long long)view_number_of(run, "calls"), (long long)view_number_of(run, "throttled"));
	if (view_text_of(run, "outcome")[0] != '\0')
		(void)printf("outcome     %s\n", view_text_of(run, "outcome"));
	else if (!running)
		(void)printf("outcome     killed before it could say; the next run goes on where it was\n");
}

static void
print_more(const cJSON *o, const char *name)
{
	if (view_number_of(o, name) > 0)
		(void)printf("and %lld more\n", (long long)view_number_of(o, name));
}

static void
print_status(const cJSON *o)
{
	static const char *const batch_titles[] = { "BATCH", "QUEUED>", "REGISTERED>", "PARKED>", "TO REVOKE>", NULL };
	static const char *const reason_titles[] = { "PARKED>", "BATCH", "AWS", "STEP", "CODE", "MESSAGE", NULL };
	bool running = cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(o, "running"));
	char where[64];
	const cJSON *i;
	struct table t;

	(void)printf("queued      %lld\nregistered  %lld\nparked      %lld\nrevoked     %lld\n", (long long)view_number_of(o, "queued"),
	    (long long)view_number_of(o, "registered"), (long long)view_number_of(o, "parked"), (long long)view_number_of(o, "revoked"));
	(void)printf("to revoke   %lld at AWS, %lld parked\n", (long long)view_number_of(o, "revoking"),
	    (long long)view_number_of(o, "revoke_parked"));
	if (running)
		(void)printf("running     process %lld\n", (long long)view_number_of(o, "running"));
	print_last_run(cJSON_GetObjectItemCaseSensitive(o, "last_run"), running);
	if (view_text_of(o, "next_run_at")[0] != '\0')
		(void)printf("next run    %.19sZ\n", view_text_of(o, "next_run_at"));
	if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(o, "batches")) > 0) {
		(void)printf("\n");
		table_begin(&t, batch_titles);
		cJSON_ArrayForEach(i, cJSON_GetObjectItemCaseSensitive(o, "batches")) {
			table_text(&t, view_text_of(i, "batch"));
			table_number(&t, view_number_of(i, "queued"));
			table_number(&t, view_number_of(i, "registered"));
			table_number(&t, view_number_of(i, "parked"));
			table_number(&t, view_number_of(i, "revoking") + view_number_of(i, "revoke_parked"));
		}
		table_end(&t);
		print_more(o, "batches_more");
	}
	if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(o, "reasons")) == 0)
		return;
	(void)printf("\n");
	table_begin(&t, reason_titles);
	cJSON_ArrayForEach(i, cJSON_GetObjectItemCaseSensitive(o, "reasons")) {
		(void)snprintf(where, sizeof(where), "%s/%s", view_text_of(i, "account"), view_text_of(i, "region"));
		table_number(&t, view_number_of(i, "count"));
		table_text(&t, view_text_of(i, "batch"));
		table_text(&t, where);
		table_text(&t, view_text_of(i, "step"));
		table_text(&t, view_text_of(i, "code"));
		table_text(&t, view_text_of(i, "message"));
	}
	table_end(&t);
	print_more(o, "reasons_more");
	(void)printf("\nWhich devices: `lineca cert list --state parked`. When the reason is mended: `lineca upload retry`, then "
	    "`lineca upload`.\n");
}

enum err_code
cmd_upload_status(struct cmd *c, struct err *e)
{
	bool json = false;
	const struct arg_option options[] = { { "json", NULL, &json }, { 0 } };
	struct home h = { 0 };
	const char *none[1];
	cJSON *o = NULL;
	enum err_code rc;

	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&h, c->home, e)) == ERR_OK && (rc = upload_status_view(&h, h.reader, &o, e)) == ERR_OK) {
		if (json) {
			rc = view_put(o, e);
			o = NULL;
		} else
			print_status(o);
	}
	cJSON_Delete(o);
	home_close(&h);
	return rc;
}

/* ---- retry */

static enum err_code
retry_one(struct home *h, const char *text, const struct store_who *who, int64_t *ret_count, struct err *e)
{
	uint8_t serial[STORE_SERIAL_BYTES];
	enum err_code rc;
	bool back;

	if (!hex_decode(text, serial, sizeof(serial)))
		return err_set(e, ERR_USAGE, "--serial %.80s: %d hexadecimal digits are needed; `lineca cert list --state parked` has them", text,
		    2 * STORE_SERIAL_BYTES);
	if ((rc = h->ops->certificate_retry(h->store, serial, who, &back, e)) == ERR_NOT_FOUND)
		return err_set(e, rc, "no certificate has the serial %s", text);
	if (rc == ERR_OK)
		*ret_count = back;
	return rc;
}

enum err_code
cmd_upload_retry(struct cmd *c, struct err *e)
{
	const char *batch = NULL, *serial = NULL, *none[1];
	const struct arg_option options[] = { { "batch", &batch, NULL }, { "serial", &serial, NULL }, { 0 } };
	struct store_batch b = { .id = -1 };
	char actor[STORE_ACTOR_BYTES + 1];
	struct store_who who;
	struct home h = { 0 };
	enum err_code rc;
	int64_t count = 0;

	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK)
		return rc;
	if (batch != NULL && serial != NULL)
		return err_set(e, ERR_USAGE, "--batch or --serial: one of them");
	if ((rc = home_open(&h, c->home, e)) != ERR_OK ||
	    (batch != NULL && (rc = h.ops->batch_find(h.reader, batch, &b, e)) != ERR_OK))
		goto out;
	cmd_who(&who, actor);
	if (serial != NULL)
		rc = retry_one(&h, serial, &who, &count, e);
	else
		rc = h.ops->upload_retry(h.store, b.id, &who, &count, e);
	if (serial != NULL && rc != ERR_OK)
		goto out;	/* nothing was begun */
	(void)fprintf(stderr, "%lld certificate%s back in the queue%s\n", (long long)count, count == 1 ? " is" : "s are",
	    count > 0 ? " for the next `lineca upload`" : "");
out:
	home_close(&h);
	return rc;
}
