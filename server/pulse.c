#include "pulse.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include "refusals.h"
#include "view.h"

enum {
	MINUTES = 60,			/* kept one by one */
	RATE_MINUTES = 10,		/* what "an hour" is reckoned from */
	BATCHES = 64,			/* with a rate of their own, the last used */
	SHIFTS_MAX = 8,
	RECALL_ROWS = 200000		/* more are not read at the start: the oldest quarters then count too little */
};
static const int64_t minute_us = INT64_C(60) * 1000000, quarter_us = INT64_C(15) * 60 * 1000000;

/* Counts by slices of time: the slice of a moment is its number since 1970, its place that modulo the length. */
struct slices {
	int64_t	slice;		/* which one a place holds */
	int64_t	issued, refused;
	uint64_t	changed;	/* pulse.count when refused grew last */
};

struct noted {
	int64_t			 at_us;
	enum pulse_outcome	 outcome;
	enum err_code		 code;
	char			 device_id[LIMIT_DEVICE_ID_BYTES + 1], batch[LIMIT_NAME_BYTES + 1], station[PULSE_STATION_BYTES + 1];
	char			 door[16], serial[2 * STORE_SERIAL_BYTES + 1];
};

struct batch_rate {
	char		name[LIMIT_NAME_BYTES + 1];
	int64_t		used_us;
	struct slices	minutes[RATE_MINUTES + 1];
};

/* Places in an array that the newest goes round in. */
struct ring {
	size_t	next, count;
};

struct pulse {
	pthread_mutex_t		mu;		/* protects all below */
	uint64_t		count;
	int64_t			last_issued_us;
	struct slices		minutes[MINUTES + 1], quarters[PULSE_QUARTERS + 1];
	struct noted		recent[PULSE_RECENT];
	struct ring		recent_ring;
	struct pulse_streak	streak, stations[PULSE_STATIONS];	/* a station's refused is 0: a free place */
	struct noted		aside[PULSE_SET_ASIDE];	/* what was refused */
	struct ring		aside_ring;
	struct refusals		refusals;
	struct batch_rate	batches[BATCHES];
	int			shift_s[SHIFTS_MAX];	/* of the day, growing */
	size_t			shifts;
	int64_t			shift_from_us, shift_issued, shift_refused;
	uint64_t		kept_count;	/* what of count is written down */
	/* pulse_keep's own: */
	int64_t			kept_us;	/* monotonic */
	bool			keep_fails;
};

/* ---- shifts */

static bool
shifts_parse(const char *text, int out[SHIFTS_MAX], size_t *ret_n)
{
	size_t n = 0;

	while (*text != '\0') {
		char part[8];
		int64_t hour, minute;
		size_t len = strcspn(text, ",");

		if (len != 5 || text[2] != ':' || n == SHIFTS_MAX)
			return false;
		(void)snprintf(part, sizeof(part), "%.2s", text);
		if (!number_parse(part, 0, 23, &hour))
			return false;
		(void)snprintf(part, sizeof(part), "%.2s", text + 3);
		if (!number_parse(part, 0, 59, &minute))
			return false;
		out[n++] = (int)(hour * 3600 + minute * 60);
		if (n > 1 && out[n - 1] <= out[n - 2])
			return false;
		text += len + (text[len] == ',');
	}
	*ret_n = n;
	return n > 0;
}

bool
pulse_shifts_fit(const char *text)
{
	int out[SHIFTS_MAX];
	size_t n;

	return shifts_parse(text, out, &n);
}

/* A time of that day, so many days later. */
static time_t
shift_time(const struct tm *of, int days, int second)
{
	struct tm day = *of;

	day.tm_mday += days;
	day.tm_hour = second / 3600;
	day.tm_min = second / 60 % 60;
	day.tm_sec = 0;
	day.tm_isdst = -1;
	return mktime(&day);
}

/* When the shift of that moment began. */
static int64_t
shift_begin_us(const struct pulse *p, int64_t at_us)
{
	time_t at = (time_t)(at_us / 1000000), begin = 0;
	struct tm day;

	if (localtime_r(&at, &day) == NULL)
		return 0;
	/* yesterday's last one, or today's */
	for (int back = 1; back >= 0; back--) {
		for (size_t i = 0; i < p->shifts; i++) {
			time_t t;

			if ((t = shift_time(&day, -back, p->shift_s[i])) <= at)
				begin = t;
		}
	}
	return (int64_t)begin * 1000000;
}

int64_t
pulse_shift_end_us(struct pulse *p, int64_t at_us)
{
	time_t at = (time_t)(at_us / 1000000);
	struct tm day;

	if (localtime_r(&at, &day) == NULL)
		return at_us;
	/* today's next one, or tomorrow's first; shifts never change after the start */
	for (int ahead = 0; ahead <= 1; ahead++) {
		for (size_t i = 0; i < p->shifts; i++) {
			time_t t;

			if ((t = shift_time(&day, ahead, p->shift_s[i])) > at)
				return (int64_t)t * 1000000;
		}
	}
	return at_us;
}

/* ---- counting; with the lock */

static struct slices *
slice_at(struct slices *ring, size_t n, int64_t slice)
{
	struct slices *s = &ring[(uint64_t)slice % n];

	if (s->slice != slice)
		*s = (struct slices){ .slice = slice };
	return s;
}

static int64_t
sum_issued(const struct slices *ring, size_t n, int64_t from_slice)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (ring[i].slice >= from_slice)
			sum += ring[i].issued;
	return sum;
}

static struct batch_rate *
batch_rate(struct pulse *p, const char *name, int64_t at_us)
{
	struct batch_rate *oldest = &p->batches[0];

	for (size_t i = 0; i < BATCHES; i++) {
		if (strcmp(p->batches[i].name, name) == 0)
			return &p->batches[i];
		if (p->batches[i].used_us < oldest->used_us)
			oldest = &p->batches[i];
	}
	*oldest = (struct batch_rate){ .used_us = at_us };
	(void)snprintf(oldest->name, sizeof(oldest->name), "%s", name);
	return oldest;
}

static void
count_issued(struct pulse *p, const char *batch, int64_t at_us)
{
	struct batch_rate *b;

	slice_at(p->minutes, MINUTES + 1, at_us / minute_us)->issued++;
	slice_at(p->quarters, PULSE_QUARTERS + 1, at_us / quarter_us)->issued++;
	if (at_us > p->last_issued_us)
		p->last_issued_us = at_us;
	if (*batch == '\0')
		return;
	b = batch_rate(p, batch, at_us);
	b->used_us = at_us;
	slice_at(b->minutes, RATE_MINUTES + 1, at_us / minute_us)->issued++;
}

static void
shift_turn(struct pulse *p, int64_t at_us)
{
	int64_t from_us;

	/* looked at once a minute: a date costs more than a count */
	if (p->shift_from_us != 0 && at_us / minute_us == p->minutes[(uint64_t)(at_us / minute_us) % (MINUTES + 1)].slice)
		return;
	if ((from_us = shift_begin_us(p, at_us)) == p->shift_from_us)
		return;
	p->shift_from_us = from_us;
	p->shift_issued = p->shift_refused = 0;
}

/* Whatever a device calls itself, its batch or its station: one line of UTF-8, no longer than there is room. */
static void
keep(struct noted *k, const struct pulse_event *ev)
{
	*k = (struct noted){ .at_us = ev->at_us, .outcome = ev->outcome, .code = ev->code };
	text_line(ev->device_id, k->device_id, sizeof(k->device_id));
	text_line(ev->batch, k->batch, sizeof(k->batch));
	text_line(ev->station, k->station, sizeof(k->station));
	text_line(ev->door, k->door, sizeof(k->door));
	(void)snprintf(k->serial, sizeof(k->serial), "%s", ev->serial != NULL ? ev->serial : "");
}

static void
count_refused(struct pulse *p, const struct noted *k)
{
	struct slices *quarter = slice_at(p->quarters, PULSE_QUARTERS + 1, k->at_us / quarter_us);
	struct store_refusal one = { .count = 1, .first_at_us = k->at_us, .last_at_us = k->at_us };

	slice_at(p->minutes, MINUTES + 1, k->at_us / minute_us)->refused++;
	quarter->refused++;
	quarter->changed = p->count;
	p->shift_refused++;
	memcpy(one.batch, k->batch, sizeof(one.batch));
	memcpy(one.station, k->station, sizeof(one.station));
	memcpy(one.device_id, k->device_id, sizeof(one.device_id));
	refusals_note(&p->refusals, &one, k->code, p->count);
}

static void
streak_goes_on(struct pulse_streak *s, const struct noted *k)
{
	s->refused++;
	s->last_us = k->at_us;
	s->code = k->code;
	memcpy(s->station, k->station, sizeof(s->station));
	memcpy(s->device_id, k->device_id, sizeof(s->device_id));
}

/* The streak of a station; a refused one that has none takes a free place, or that of the one that was refused longest ago. */
static struct pulse_streak *
station_streak(struct pulse *p, const struct noted *k)
{
	struct pulse_streak *oldest = &p->stations[0];

	for (size_t i = 0; i < PULSE_STATIONS; i++) {
		struct pulse_streak *s = &p->stations[i];

		if (s->refused > 0 && strcmp(s->station, k->station) == 0)
			return s;
		if (oldest->refused > 0 && (s->refused == 0 || s->last_us < oldest->last_us))
			oldest = s;
	}
	if (k->outcome != PULSE_REFUSED)
		return NULL;
	oldest->refused = 0;
	return oldest;
}

static void
count_streaks(struct pulse *p, const struct noted *k)
{
	struct pulse_streak *station = *k->station != '\0' ? station_streak(p, k) : NULL;

	if (k->outcome != PULSE_REFUSED) {
		p->streak.refused = 0;
		if (station != NULL)
			station->refused = 0;
		return;
	}
	streak_goes_on(&p->streak, k);
	if (station != NULL)
		streak_goes_on(station, k);
}

/* The place for one more. */
static size_t
ring_put(struct ring *r, size_t places)
{
	size_t at = r->next;

	r->next = (at + 1) % places;
	if (r->count < places)
		r->count++;
	return at;
}

/* The place of the nth newest, from 1. */
static size_t
ring_nth(const struct ring *r, size_t places, size_t n)
{
	return (r->next + places - n) % places;
}

void
pulse_note(struct pulse *p, const struct pulse_event *ev)
{
	struct noted *k;

	(void)pthread_mutex_lock(&p->mu);
	p->count++;
	k = &p->recent[ring_put(&p->recent_ring, PULSE_RECENT)];
	keep(k, ev);
	shift_turn(p, k->at_us);
	count_streaks(p, k);
	if (k->outcome == PULSE_ISSUED) {
		count_issued(p, k->batch, k->at_us);
		p->shift_issued++;
	} else if (k->outcome == PULSE_REFUSED) {
		count_refused(p, k);
		if (*k->device_id != '\0')
			p->aside[ring_put(&p->aside_ring, PULSE_SET_ASIDE)] = *k;
	}
	(void)pthread_mutex_unlock(&p->mu);
}

/* ---- making */

enum err_code
pulse_new(const char *shifts, struct pulse **ret, struct err *e)
{
	struct pulse *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return err_set(e, ERR_NOMEM, "pulse");
	if (!shifts_parse(shifts, p->shift_s, &p->shifts)) {
		free(p);
		return err_set(e, ERR_CONFIG, "shifts: times as 06:00,14:00,22:00 are needed, the earlier first, at most %d", SHIFTS_MAX);
	}
	(void)pthread_mutex_init(&p->mu, NULL);
	*ret = p;
	return ERR_OK;
}

void
pulse_free(struct pulse *p)
{
	if (p == NULL)
		return;
	(void)pthread_mutex_destroy(&p->mu);
	free(p);
}

static enum err_code
recall_one(void *arg, const struct store_certificate *c, struct err *e)
{
	struct pulse *p = arg;

	(void)e;
	count_issued(p, c->batch_name, c->issued_at_us);
	if (c->issued_at_us >= p->shift_from_us)
		p->shift_issued++;
	return ERR_OK;
}

struct recall {
	struct pulse	*pulse;
	int64_t		 now_us;
};

static enum err_code
recall_refusal(void *arg, const struct store_refusal *row, struct err *e)
{
	struct recall *recall = arg;

	(void)e;
	refusals_recall(&recall->pulse->refusals, row, recall->now_us);
	return ERR_OK;
}

/* What a quarter has belongs to the shift in which it began. */
static enum err_code
recall_refused(void *arg, const struct store_refused *row, struct err *e)
{
	struct recall *recall = arg;
	struct pulse *p = recall->pulse;

	(void)e;
	/* the clock was set back since then */
	if (row->from_us > recall->now_us)
		return ERR_OK;
	if (row->from_us / quarter_us > recall->now_us / quarter_us - PULSE_QUARTERS)
		slice_at(p->quarters, PULSE_QUARTERS + 1, row->from_us / quarter_us)->refused = row->count;
	if (row->from_us >= p->shift_from_us)
		p->shift_refused += row->count;
	return ERR_OK;
}

enum err_code
pulse_recall(struct pulse *p, const struct store_ops *ops, struct store_reader *r, int64_t now_us, struct err *e)
{
	struct store_certificate_filter filter = {
		.batch_id = -1, .state = -1, .since_us = (now_us / quarter_us - PULSE_QUARTERS + 1) * quarter_us, .limit = RECALL_ROWS
	};
	struct recall recall = { p, now_us };
	enum err_code rc;

	p->shift_from_us = shift_begin_us(p, now_us);
	if (p->shift_from_us < filter.since_us)
		filter.since_us = p->shift_from_us;
	if ((rc = ops->refusal_list(r, now_us - 2 * PULSE_QUARTERS * quarter_us, NULL, recall_refusal, &recall, e)) != ERR_OK ||
	    (rc = ops->refused_list(r, filter.since_us, recall_refused, &recall, e)) != ERR_OK)
		return rc;
	return ops->certificate_list(r, &filter, recall_one, p, e);
}

/* ---- writing down */

struct keeping {
	size_t			n, quarters_n;
	struct store_refusal	rows[2 * REFUSAL_ROWS];
	struct store_refused	quarters[PULSE_QUARTERS + 1];
};

/* Copies what has changed; what count it is. */
static uint64_t
take_changed(struct pulse *p, struct keeping *k)
{
	uint64_t count;

	(void)pthread_mutex_lock(&p->mu);
	count = p->count;
	k->n = refusals_changed(&p->refusals, p->kept_count, k->rows);
	k->quarters_n = 0;
	for (size_t i = 0; i <= PULSE_QUARTERS; i++)
		if (p->quarters[i].refused > 0 && p->quarters[i].changed > p->kept_count)
			k->quarters[k->quarters_n++] = (struct store_refused){ p->quarters[i].slice * quarter_us, p->quarters[i].refused };
	(void)pthread_mutex_unlock(&p->mu);
	return count;
}

void
pulse_keep(struct pulse *p, const struct store_ops *ops, struct store *s, int64_t now_us, bool at_end)
{
	int64_t at_us = clock_monotonic_us();
	enum err_code rc = ERR_OK;
	struct keeping *k;
	struct err e;
	uint64_t count;

	if (!at_end && p->kept_us != 0 && at_us - p->kept_us < PULSE_KEEP_S * INT64_C(1000000))
		return;
	if ((k = malloc(sizeof(*k))) == NULL)
		return;
	count = take_changed(p, k);
	if (k->n > 0 || k->quarters_n > 0) {
		p->kept_us = at_us;
		rc = ops->refusals_write(s, k->rows, k->n, k->quarters, k->quarters_n, refusals_half_us(now_us - REFUSAL_DAYS * 96 * quarter_us), &e);
	}
	free(k);
	/* they only count what was refused: nobody is kept waiting for them, and they are tried again */
	if (rc != ERR_OK && !p->keep_fails)
		log_err(LOG_WARN, "refusals", &e);
	p->keep_fails = rc != ERR_OK;
	if (rc != ERR_OK)
		return;
	(void)pthread_mutex_lock(&p->mu);
	p->kept_count = count;
	(void)pthread_mutex_unlock(&p->mu);
}

/* ---- reading */

uint64_t
pulse_count(struct pulse *p)
{
	uint64_t count;

	(void)pthread_mutex_lock(&p->mu);
	count = p->count;
	(void)pthread_mutex_unlock(&p->mu);
	return count;
}

int64_t
pulse_last_issued_us(struct pulse *p)
{
	int64_t at_us;

	(void)pthread_mutex_lock(&p->mu);
	at_us = p->last_issued_us;
	(void)pthread_mutex_unlock(&p->mu);
	return at_us;
}

struct pulse_streak
pulse_streak(struct pulse *p)
{
	struct pulse_streak streak;

	(void)pthread_mutex_lock(&p->mu);
	streak = p->streak;
	(void)pthread_mutex_unlock(&p->mu);
	return streak;
}

static int
later_first(const void *a, const void *b)
{
	const struct pulse_streak *x = a, *y = b;

	return x->last_us < y->last_us ? 1 : x->last_us > y->last_us ? -1 : 0;
}

size_t
pulse_station_streaks(struct pulse *p, int64_t at_least, int64_t since_us, struct pulse_streak *out, size_t max)
{
	struct pulse_streak found[PULSE_STATIONS];
	size_t n = 0;

	(void)pthread_mutex_lock(&p->mu);
	for (size_t i = 0; i < PULSE_STATIONS; i++)
		if (p->stations[i].refused >= at_least && p->stations[i].last_us > since_us)
			found[n++] = p->stations[i];
	(void)pthread_mutex_unlock(&p->mu);
	qsort(found, n, sizeof(*found), later_first);
	if (n > max)
		n = max;
	memcpy(out, found, n * sizeof(*found));
	return n;
}

int64_t
pulse_per_hour(struct pulse *p, const char *batch, int64_t now_us)
{
	int64_t from = now_us / minute_us - RATE_MINUTES + 1, sum = 0;

	(void)pthread_mutex_lock(&p->mu);
	if (batch == NULL)
		sum = sum_issued(p->minutes, MINUTES + 1, from);
	for (size_t i = 0; batch != NULL && i < BATCHES; i++)
		if (strcmp(p->batches[i].name, batch) == 0)
			sum = sum_issued(p->batches[i].minutes, RATE_MINUTES + 1, from);
	(void)pthread_mutex_unlock(&p->mu);
	return sum * 60 / RATE_MINUTES;
}

static void
text_or_null(cJSON *o, const char *name, const char *text)
{
	if (text != NULL && *text != '\0')
		(void)cJSON_AddStringToObject(o, name, text);
	else
		(void)cJSON_AddNullToObject(o, name);
}

static cJSON *
view_noted(const struct noted *k)
{
	static const char *const outcomes[] = { "issued", "repeated", "refused" };
	cJSON *o = cJSON_CreateObject();

	view_time_us(o, "at", k->at_us);
	(void)cJSON_AddStringToObject(o, "outcome", outcomes[k->outcome]);
	text_or_null(o, "code", k->outcome == PULSE_REFUSED ? err_name(k->code) : NULL);
	(void)cJSON_AddStringToObject(o, "device_id", k->device_id);
	(void)cJSON_AddStringToObject(o, "batch", k->batch);
	(void)cJSON_AddStringToObject(o, "station", k->station);
	(void)cJSON_AddStringToObject(o, "door", k->door);
	text_or_null(o, "serial", k->serial);
	return o;
}

static void
view_rate(struct pulse *p, int64_t now_us, cJSON *o)
{
	int64_t minute = now_us / minute_us, quarter = now_us / quarter_us;
	cJSON *rate = cJSON_AddObjectToObject(o, "rate"), *part, *list;

	(void)cJSON_AddNumberToObject(rate, "last_minute", (double)sum_issued(p->minutes, MINUTES + 1, minute - 1));
	(void)cJSON_AddNumberToObject(rate, "last_hour", (double)sum_issued(p->minutes, MINUTES + 1, minute - MINUTES + 1));
	(void)cJSON_AddNumberToObject(rate, "per_hour", (double)(sum_issued(p->minutes, MINUTES + 1, minute - RATE_MINUTES + 1) * 60 / RATE_MINUTES));
	part = cJSON_AddObjectToObject(rate, "shift");
	view_time_us(part, "from", p->shift_from_us);
	view_time_us(part, "until", pulse_shift_end_us(p, now_us));
	(void)cJSON_AddNumberToObject(part, "issued", (double)p->shift_issued);
	(void)cJSON_AddNumberToObject(part, "refused", (double)p->shift_refused);
	list = cJSON_AddArrayToObject(rate, "quarters");
	for (int64_t q = quarter - PULSE_QUARTERS + 1; q <= quarter; q++) {
		const struct slices *s = &p->quarters[(uint64_t)q % (PULSE_QUARTERS + 1)];

		part = cJSON_CreateObject();
		view_time_us(part, "from", q * quarter_us);
		(void)cJSON_AddNumberToObject(part, "issued", (double)(s->slice == q ? s->issued : 0));
		(void)cJSON_AddNumberToObject(part, "refused", (double)(s->slice == q ? s->refused : 0));
		(void)cJSON_AddItemToArray(list, part);
	}
	list = cJSON_AddArrayToObject(o, "recent");
	for (size_t n = 1; n <= p->recent_ring.count; n++) {
		part = view_noted(&p->recent[ring_nth(&p->recent_ring, PULSE_RECENT, n)]);
		(void)cJSON_AddItemToArray(list, part);
	}
}

static void
view_refusals(struct pulse *p, int64_t now_us, cJSON *o)
{
	struct refusal_groups groups = { .n = 0 };

	refusals_group(&p->refusals, now_us - PULSE_QUARTERS * quarter_us, NULL, &groups);
	refusals_view(&groups, o);
}

void
pulse_view(struct pulse *p, int64_t now_us, cJSON *o)
{
	(void)pthread_mutex_lock(&p->mu);
	shift_turn(p, now_us);
	view_rate(p, now_us, o);
	view_refusals(p, now_us, o);
	(void)pthread_mutex_unlock(&p->mu);
}

size_t
pulse_view_device(struct pulse *p, const char *device_id, cJSON *o)
{
	enum { SHOWN = 20 };
	cJSON *list = cJSON_AddArrayToObject(o, "refusals");
	size_t n = 0;

	(void)pthread_mutex_lock(&p->mu);
	for (size_t i = 1; i <= p->aside_ring.count && n < SHOWN; i++) {
		const struct noted *k = &p->aside[ring_nth(&p->aside_ring, PULSE_SET_ASIDE, i)];

		if (strcmp(k->device_id, device_id) == 0 && cJSON_AddItemToArray(list, view_noted(k)))
			n++;
	}
	(void)pthread_mutex_unlock(&p->mu);
	return n;
}

struct of_batch {
	struct refusal_groups	*groups;
	int64_t			 held_us[2];	/* half days that were in memory */
};

static enum err_code
add_refusal(void *arg, const struct store_refusal *row, struct err *e)
{
	struct of_batch *b = arg;

	(void)e;
	if (row->from_us != b->held_us[0] && row->from_us != b->held_us[1])
		refusals_group_add(b->groups, row, row->batch);
	return ERR_OK;
}

enum err_code
pulse_view_batch(struct pulse *p, const struct store_ops *ops, struct store_reader *r, const char *batch, int64_t now_us, cJSON *o, struct err *e)
{
	int64_t since_us = refusals_half_us(now_us - REFUSAL_DAYS * 96 * quarter_us);
	struct refusal_groups groups = { .n = 0 };
	struct of_batch b = { .groups = &groups, .held_us = { -1, -1 } };
	enum err_code rc;

	(void)pthread_mutex_lock(&p->mu);
	refusals_group(&p->refusals, since_us, batch, &groups);
	for (size_t i = 0; i < 2; i++)
		if (p->refusals.halves[i].n > 0)
			b.held_us[i] = p->refusals.halves[i].from_us;
	(void)pthread_mutex_unlock(&p->mu);
	if ((rc = ops->refusal_list(r, since_us, batch, add_refusal, &b, e)) == ERR_OK)
		refusals_view(&groups, o);
	return rc;
}
