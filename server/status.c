#include "status.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "upload/status.h"
#include "view.h"

/*
 * One bad device that is tried again and again is not yet the line.  Whose device was refused is told for as long as somebody may stand there with it; that the line
 * issues nothing, only while it goes on.
 */
enum { STREAK = 5, STREAK_S = 120, STATION_S = 600, LAST_REFUSED_S = 1800, ISSUES_S = 60 };

static bool
within(const struct status *s, int64_t at_us, int64_t seconds)
{
	return at_us != 0 && s->now_us - at_us < seconds * 1000000;
}

static enum err_code
on_batch(void *arg, const struct store_batch *b, struct err *e)
{
	struct status *s = arg;
	struct store_batch *batch;

	if ((batch = reallocarray(s->batch, s->batch_count + 1, sizeof(*batch))) == NULL)
		return err_set(e, ERR_NOMEM, "status");
	s->batch = batch;
	s->batch[s->batch_count++] = *b;
	return ERR_OK;
}

static enum err_code
on_certificate(void *arg, const struct store_certificate *c, struct err *e)
{
	struct status *s = arg;

	(void)e;
	if (s->last_count < STATUS_LAST) {
		s->last[s->last_count] = *c;
		s->last[s->last_count].der = NULL;
		s->last[s->last_count++].der_len = 0;
	}
	return ERR_OK;
}

static enum err_code
on_backup(void *arg, const struct store_event *ev, struct err *e)
{
	struct status *s = arg;

	(void)e;
	s->backup_at_us = ev->at_us;
	return ERR_OK;
}

/* Open before the others; the listing has the newest first. */
static int
batch_order(const void *a, const void *b)
{
	const struct store_batch *x = a, *y = b;
	bool x_open = x->state == BATCH_OPEN, y_open = y->state == BATCH_OPEN;

	if (x_open != y_open)
		return x_open ? -1 : 1;
	return x->id < y->id ? 1 : -1;
}

static void
add_stats(const struct http_server *server, struct http_stats *sum)
{
	struct http_stats one;

	if (server == NULL)
		return;
	http_server_get_stats(server, &one);
	sum->connections += one.connections;
	sum->requests += one.requests;
	sum->refused += one.refused;
	sum->turned_away += one.turned_away;
}

enum err_code
status_read(struct line *l, struct store_reader *r, struct status *ret, struct err *e)
{
	struct store_certificate_filter newest = { .batch_id = -1, .state = -1, .limit = STATUS_LAST };
	struct status s = { 0 };
	enum err_code rc;

	s.now_us = l->clock->now_us(l->clock);
	s.ready = line_ready(l, &s.reason);
	s.streak = pulse_streak(l->pulse);
	s.shift_end_us = pulse_shift_end_us(l->pulse, s.now_us);
	s.last_issued_us = pulse_last_issued_us(l->pulse);
	s.station_count = pulse_station_streaks(l->pulse, STREAK, s.now_us - STATION_S * INT64_C(1000000), s.stations, STATUS_STATIONS);
	if ((rc = l->home->ops->batch_totals(r, &s.totals, e)) != ERR_OK ||
	    (rc = l->home->ops->batch_list(r, BATCHES_CURRENT, on_batch, &s, e)) != ERR_OK ||
	    (rc = l->home->ops->upload_run_newest(r, &s.run, e)) != ERR_OK ||
	    (rc = l->home->ops->event_list(r, 0, 1, STORE_EVENT_LEDGER, on_backup, &s, e)) != ERR_OK ||
	    (rc = l->home->ops->certificate_list(r, &newest, on_certificate, &s, e)) != ERR_OK) {
		status_done(&s);
		return rc;
	}
	if (s.batch_count > 0)
		qsort(s.batch, s.batch_count, sizeof(*s.batch), batch_order);
	s.disk_free_bytes = guard_disk_free_bytes(&l->guard);
	writer_get_stats(l->writer, &s.writer);
	add_stats(l->http, &s.http);
	add_stats(l->https, &s.http);
	*ret = s;
	return ERR_OK;
}

void
status_done(struct status *s)
{
	free(s->batch);
	s->batch = NULL;
	s->batch_count = 0;
}

static void
add_number(cJSON *o, const char *name, int64_t value)
{
	(void)cJSON_AddNumberToObject(o, name, (double)value);
}

static void
add_enrolments(cJSON *o, struct line *l)
{
	cJSON *tally = cJSON_AddObjectToObject(o, "since_start"), *refused;

	add_number(tally, "issued", (int64_t)atomic_load(&l->tally.issued));
	add_number(tally, "repeated", (int64_t)atomic_load(&l->tally.repeated));
	refused = cJSON_AddObjectToObject(tally, "refused");
	for (int code = 0; code < TALLY_CODES; code++) {
		uint64_t n = atomic_load(&l->tally.refused[code]);

		if (n > 0)
			add_number(refused, err_name((enum err_code)code), (int64_t)n);
	}
}

static void
add_cas(cJSON *o, const struct line *l)
{
	cJSON *list = cJSON_AddArrayToObject(o, "cas");

	for (size_t i = 0; i < l->cas_count; i++)
		cJSON_AddItemToArray(list, view_ca(&l->cas[i].row, &l->cas[i].facts));
}

static int64_t
file_bytes(const struct home *h, const char *name)
{
	char path[HOME_PATH_BYTES];
	struct stat st;

	return home_join(h, name, path, NULL) == ERR_OK && stat(path, &st) == 0 ? st.st_size : 0;
}

/* What the ledger takes on the disk; its log keeps the room it once took. */
static void
add_health(cJSON *o, const struct line *l, const struct status *s)
{
	cJSON *health = cJSON_AddObjectToObject(o, "health"), *database = cJSON_AddObjectToObject(health, "database");

	view_time_us(cJSON_AddObjectToObject(health, "backup"), "last_at", s->backup_at_us);
	add_number(database, "bytes", file_bytes(l->home, HOME_LEDGER));
	add_number(database, "log_bytes", file_bytes(l->home, HOME_LEDGER "-wal"));
}

/* A batch, and when it will be done at the rate of the last minutes: before the shift ends? */
static cJSON *
view_running(struct line *l, const struct status *s, const struct store_batch *b)
{
	int64_t per_hour = pulse_per_hour(l->pulse, b->name, s->now_us), left = b->quantity - b->issued;
	cJSON *o = view_batch(b);

	add_number(o, "per_hour", per_hour);
	if (per_hour > 0 && b->state == BATCH_OPEN && left > 0) {
		int64_t left_s = left * 3600 / per_hour;

		add_number(o, "left_s", left_s);
		(void)cJSON_AddBoolToObject(o, "done_this_shift", s->now_us + left_s * 1000000 <= s->shift_end_us);
	} else {
		(void)cJSON_AddNullToObject(o, "left_s");
		(void)cJSON_AddNullToObject(o, "done_this_shift");
	}
	return o;
}

/* ---- how the line is, in one word, and what needs somebody */

enum { CA_SOON_S = 30 * 86400 };	/* not so early that nobody looks at amber any more */

static cJSON *
add_need(cJSON *list, const char *what, bool bad, const char *code, const char *detail)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, "what", what);
	(void)cJSON_AddStringToObject(o, "level", bad ? "bad" : "warn");
	(void)cJSON_AddStringToObject(o, "code", code);
	(void)cJSON_AddStringToObject(o, "detail", detail);
	(void)cJSON_AddItemToArray(list, o);
	return cJSON_AddObjectToObject(o, "values");
}

static const char *
need_of(enum err_code code)
{
	return code == ERR_DISK_LOW ? "disk" : code == ERR_CLOCK ? "clock" : code == ERR_STORAGE ? "storage" : "ca";
}

static bool
all_refused(const struct status *s)
{
	return s->streak.refused >= STREAK && within(s, s->streak.last_us, STREAK_S);
}

static void
add_streak(cJSON *list, bool bad, const char *code, const char *detail, const struct pulse_streak *streak)
{
	cJSON *values = add_need(list, "devices", bad, code, detail);

	add_number(values, "n", streak->refused);
	(void)cJSON_AddStringToObject(values, "why", err_name(streak->code));
	(void)cJSON_AddStringToObject(values, "station", streak->station);
	(void)cJSON_AddStringToObject(values, "device", streak->device_id);
}

/* Nobody reads "Ready" while the devices that come are refused. */
static void
add_refused(cJSON *list, const struct status *s)
{
	if (all_refused(s)) {
		add_streak(list, true, "all_refused", "The last requests were all refused. Below stands why, and what to do.", &s->streak);
		return;
	}
	for (size_t i = 0; i < s->station_count; i++)
		add_streak(list, false, "station_refused", "One station is refused every time. Below stands which, why, and what to do.", &s->stations[i]);
	if (s->station_count == 0 && s->streak.refused > 0 && within(s, s->streak.last_us, LAST_REFUSED_S) && !within(s, s->last_issued_us, ISSUES_S))
		add_streak(list, false, "last_refused", "The last device was refused. Below stands why, and what to do.", &s->streak);
}

static void
add_upload_failed(cJSON *list, const struct store_upload_run *run)
{
	cJSON *values = add_need(list, "upload", false, "upload_failed",
	    "The last upload did not do its work, and the next one will not either before somebody has helped. The engineer runs lineca upload status.");

	view_time_us(values, "at", run->ended_at_us);
	(void)cJSON_AddStringToObject(values, "outcome", run->outcome);
}

static void
add_needs(cJSON *list, const struct line *l, const struct status *s)
{
	struct http_refusal why;
	cJSON *values;

	if (s->ready != ERR_OK) {
		http_refusal_of(&s->reason, &why);
		(void)add_need(list, need_of(s->ready), true, err_name(s->ready), why.detail);
	}
	add_refused(list, s);
	if (s->ready != ERR_DISK_LOW && s->disk_free_bytes < 2 * l->guard.disk_reserve_bytes) {
		values = add_need(list, "disk", false, "disk_soon", "The disk fills up: issuing stops when its reserve is reached. Call the engineer to make room.");
		add_number(values, "free_bytes", s->disk_free_bytes);
	}
	for (size_t i = 0; i < l->cas_count; i++) {
		int64_t left_s = l->cas[i].facts.not_after_s - s->now_us / 1000000;

		if (!l->cas[i].row.active || left_s >= CA_SOON_S || left_s <= 0)
			continue;
		values = add_need(list, "ca", false, "ca_ends", "The issuing CA ends soon. The engineer has to set up a new one.");
		(void)cJSON_AddStringToObject(values, "name", l->cas[i].row.name);
		add_number(values, "days", left_s / 86400);
	}
	if (upload_run_needs_someone(&s->run))
		add_upload_failed(list, &s->run);
	if (s->totals.parked + s->totals.revoke_parked > 0) {
		values = add_need(list, "upload", false, "upload_parked", "Certificates are parked: AWS did not take them. The upload view says why.");
		add_number(values, "parked", s->totals.parked + s->totals.revoke_parked);
	}
}

static const char *
line_state(const struct status *s, bool needs)
{
	bool room = false;

	if (s->ready != ERR_OK)
		return "refusing";
	for (size_t i = 0; i < s->batch_count; i++)
		room = room || (s->batch[i].state == BATCH_OPEN && s->batch[i].issued < s->batch[i].quantity);
	if (!room)
		return "waiting";
	if (all_refused(s))
		return "refusing";
	if (needs)
		return "attention";
	return within(s, s->last_issued_us, ISSUES_S) ? "issuing" : "idle";
}

static void
add_line(cJSON *o, struct line *l, const struct status *s)
{
	cJSON *line = cJSON_AddObjectToObject(o, "line"), *needs = cJSON_CreateArray();

	add_needs(needs, l, s);
	(void)cJSON_AddStringToObject(line, "state", line_state(s, cJSON_GetArraySize(needs) > 0));
	(void)cJSON_AddItemToObject(line, "needs", needs);
}

char *
status_json(struct line *l, const struct status *s, size_t *ret_len)
{
	cJSON *o = cJSON_CreateObject(), *part;
	char *text;

	view_time_us(o, "now", s->now_us);
	view_time_us(o, "started_at", l->started_us);
	(void)cJSON_AddStringToObject(o, "version", LINECA_VERSION);
	(void)cJSON_AddBoolToObject(o, "ready", s->ready == ERR_OK);
	if (s->ready != ERR_OK) {
		(void)cJSON_AddStringToObject(o, "reason", err_name(s->ready));
		(void)cJSON_AddStringToObject(o, "detail", s->reason.client_text);
	}
	part = cJSON_AddObjectToObject(o, "totals");
	add_number(part, "batches", s->totals.batches);
	add_number(part, "batches_open", s->totals.open);
	add_number(part, "quantity", s->totals.quantity);
	add_number(part, "issued", s->totals.issued);
	add_number(part, "registered", s->totals.registered);
	add_number(part, "parked", s->totals.parked);
	view_revoked(part, s->totals.revoked, s->totals.revoking, s->totals.revoke_parked);
	add_enrolments(o, l);
	part = cJSON_AddArrayToObject(o, "batches");
	for (size_t i = 0; i < s->batch_count; i++)
		cJSON_AddItemToArray(part, view_running(l, s, &s->batch[i]));
	part = cJSON_AddArrayToObject(o, "last");
	for (size_t i = 0; i < s->last_count; i++)
		cJSON_AddItemToArray(part, view_certificate(&s->last[i]));
	pulse_view(l->pulse, s->now_us, o);
	add_line(o, l, s);
	add_cas(o, l);
	part = cJSON_AddObjectToObject(o, "disk");
	add_number(part, "free_bytes", s->disk_free_bytes);
	add_number(part, "reserve_bytes", l->guard.disk_reserve_bytes);
	add_health(o, l, s);
	part = cJSON_AddObjectToObject(o, "writer");
	add_number(part, "rows", (int64_t)s->writer.rows);
	add_number(part, "groups", (int64_t)s->writer.groups);
	add_number(part, "commit_us", (int64_t)s->writer.commit_us);
	add_number(part, "in_use", s->writer.in_use);
	part = cJSON_AddObjectToObject(o, "http");
	add_number(part, "connections", s->http.connections);
	add_number(part, "requests", (int64_t)s->http.requests);
	add_number(part, "refused", (int64_t)s->http.refused);
	add_number(part, "turned_away", (int64_t)s->http.turned_away);
	if ((text = view_print(o)) != NULL)
		*ret_len = strlen(text);
	return text;
}
