#include "page_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "view.h"

enum { TIME_BYTES = 32, LAST_SHOWN = 20 };

/* ---- texts */

static const cJSON *
member(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

static void
put(struct buf *b, const struct i18n *w, const char *key)
{
	i18n_put(b, w, key, NULL, 0);
}

static void
put_heading(struct buf *b, const struct i18n *w, const char *class, const char *key)
{
	buf_printf(b, "<section class=\"panel%s\"><h2>", class);
	put(b, w, key);
	buf_puts(b, "</h2>");
}

/* A number for a {name}; the text lies in out. */
static const char *
digits(char out[24], int64_t n)
{
	(void)snprintf(out, 24, "%" PRId64, n);
	return out;
}

enum form { DAY, MINUTE, SECOND, DAY_MINUTE, DAY_SECOND, DAY_SECOND_ZONE };

static void
local_time(enum form form, int64_t at_us, char out[TIME_BYTES])
{
	time_t at = (time_t)(at_us / 1000000);
	struct tm tm;
	size_t len = 0;

	if (localtime_r(&at, &tm) != NULL) {
		switch (form) {
		case DAY:
			len = strftime(out, TIME_BYTES, "%F", &tm);
			break;
		case MINUTE:
			len = strftime(out, TIME_BYTES, "%R", &tm);
			break;
		case SECOND:
			len = strftime(out, TIME_BYTES, "%T", &tm);
			break;
		case DAY_MINUTE:
			len = strftime(out, TIME_BYTES, "%F %R", &tm);
			break;
		case DAY_SECOND:
			len = strftime(out, TIME_BYTES, "%F %T", &tm);
			break;
		case DAY_SECOND_ZONE:
			len = strftime(out, TIME_BYTES, "%F %T %Z", &tm);
			break;
		}
	}
	if (len == 0)
		out[0] = '\0';
}

/* The time that a text of ours says, the day only where it is not today; "-" for none. */
static void
moment(const cJSON *status, const char *text, char out[TIME_BYTES])
{
	char today[TIME_BYTES], day[TIME_BYTES];
	int64_t at_us, now_us;

	(void)snprintf(out, TIME_BYTES, "-");
	if (!clock_parse_us(text, &at_us) || !clock_parse_us(view_text_of(status, "now"), &now_us))
		return;
	local_time(DAY, now_us, today);
	local_time(DAY, at_us, day);
	local_time(strcmp(today, day) == 0 ? SECOND : DAY_SECOND, at_us, out);
}

/* What the person at the station is told for a code: its title, or what to do. */
static const char *
of_code(const struct i18n *w, const char *code, const char *what)
{
	const char *text = strcmp(what, "title") == 0 ? code : "";

	(void)i18n_find(w, "code", code, what, &text);
	return text;
}

/* ---- how it is */

struct state {
	const char	*name, *class, *shape;
};

/* Shapes as web/js/line.js has them: what is red, amber or green is also a square, a triangle or a circle. */
#define CIRCLE		"<circle cx=\"50\" cy=\"50\" r=\"46\"/>"
#define RING		"<circle cx=\"50\" cy=\"50\" r=\"40\"/>"
#define TRIANGLE	"<path d=\"M50 4 97 94H3Z\"/>"
#define CALL		TRIANGLE "<path class=\"mark\" d=\"M45 34H55L53 66H47ZM46 73H54V81H46Z\"/>"
#define SQUARE		"<path d=\"M7 7H93V93H7Z\"/><path class=\"mark\" d=\"M22 43H78V57H22Z\"/>"

static const struct state states[] = {
	{ "issuing", "good", CIRCLE },
	{ "idle", "good hollow", RING },
	{ "waiting", "warn", TRIANGLE },
	{ "attention", "warn", CALL },
	{ "refusing", "bad", SQUARE },
};

static const struct state *
state_of(const char *name)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].name, name) == 0)
			return &states[i];
	return &states[4];
}

/* "81 GB", as web/js/format.js writes it. */
static void
size_text(double n, char out[24])
{
	static const char *const units[] = { "byte", "kB", "MB", "GB", "TB" };
	size_t i = 0;

	for (; n >= 1000 && i < 4; i++)
		n /= 1000;
	(void)snprintf(out, 24, n < 10 && i > 0 ? "%.1f %s" : "%.0f %s", n, units[i]);
}

/* The text of a need, with its values in words. */
static void
put_need_text(struct buf *b, const struct i18n *w, const cJSON *status, const cJSON *need)
{
	const cJSON *v = member(need, "values");
	const char *code = view_text_of(need, "code"), *why = view_text_of(v, "why"), *text = view_text_of(need, "detail");
	char n[24], parked[24], left[24], days[32], at[TIME_BYTES];
	const struct i18n_value values[] = {
		{ "n", digits(n, view_number_of(v, "n")) },
		{ "parked", digits(parked, view_number_of(v, "parked")) },
		{ "free_bytes", left }, { "days", days }, { "at", at }, { "name", view_text_of(v, "name") },
		{ "why", of_code(w, why, "title") },
		/* which of AWS's troubles it was the upload view sorts out */
		{ "do", *why != '\0' ? of_code(w, why, "do") : i18n_text(w, "aws.other.do") },
	};

	size_text((double)view_number_of(v, "free_bytes"), left);
	(void)snprintf(days, sizeof(days), "%" PRId64 " d", view_number_of(v, "days"));
	moment(status, view_text_of(v, "at"), at);
	if (!i18n_find(w, "need", code, "", &text))
		(void)i18n_find(w, "code", code, "do", &text);
	i18n_fill(b, text, values, sizeof(values) / sizeof(values[0]));
}

/* The device that was refused, and where. */
static void
put_where(struct buf *b, const cJSON *values)
{
	const char *device = view_text_of(values, "device"), *station = view_text_of(values, "station");

	if (*device == '\0' && *station == '\0')
		return;
	buf_puts(b, " <span class=\"mono\">(");
	i18n_escape(b, device);
	buf_puts(b, *device != '\0' && *station != '\0' ? " · " : "");
	i18n_escape(b, station);
	buf_puts(b, ")</span>");
}

static void
put_state(struct buf *b, const struct i18n *w, const cJSON *status)
{
	const cJSON *needs = member(member(status, "line"), "needs"), *need;
	const struct state *s = state_of(view_text_of(member(status, "line"), "state"));
	const char *words = s->name;

	buf_printf(b, "<div class=\"state %s\" role=\"status\"><svg viewBox=\"0 0 100 100\" aria-hidden=\"true\" class=\"shape\">%s</svg><div><strong>", s->class, s->shape);
	(void)i18n_find(w, "state", s->name, "", &words);
	i18n_escape(b, words);
	buf_puts(b, "</strong>");
	/* what comes when it refuses is why */
	if ((strcmp(s->name, "refusing") != 0 || cJSON_GetArraySize(needs) == 0) && i18n_find(w, "state", s->name, "do", &words)) {
		buf_puts(b, "<p>");
		i18n_escape(b, words);
		buf_puts(b, "</p>");
	}
	cJSON_ArrayForEach(need, needs) {
		const char *what = view_text_of(need, "what");

		(void)i18n_find(w, "what", what, "", &what);
		buf_puts(b, "<p><b>");
		i18n_escape(b, what);
		buf_puts(b, "</b> ");
		put_need_text(b, w, status, need);
		put_where(b, member(need, "values"));
		buf_puts(b, "</p>");
	}
	buf_puts(b, "</div></div>\n");
}

/* ---- counts */

static void
put_count(struct buf *b, const struct i18n *w, const char *key, int64_t n, const char *note, const struct i18n_value *value)
{
	buf_puts(b, "<div><dt>");
	put(b, w, key);
	buf_printf(b, "</dt><dd>%" PRId64, n);
	if (note != NULL) {
		buf_puts(b, "<small>");
		i18n_put(b, w, note, value, value != NULL);
		buf_puts(b, "</small>");
	}
	buf_puts(b, "</dd></div>");
}

static void
put_counts(struct buf *b, const struct i18n *w, const cJSON *status)
{
	const cJSON *rate = member(status, "rate"), *shift = member(rate, "shift");
	char since[TIME_BYTES] = "-";
	const struct i18n_value value = { "time", since };
	int64_t from_us;

	if (clock_parse_us(view_text_of(shift, "from"), &from_us))
		local_time(MINUTE, from_us, since);
	buf_puts(b, "<dl class=\"counts\">");
	put_count(b, w, "rate.now", view_number_of(rate, "per_hour"), "rate.per_hour", NULL);
	put_count(b, w, "rate.hour", view_number_of(rate, "last_hour"), NULL, NULL);
	put_count(b, w, "rate.shift", view_number_of(shift, "issued"), "rate.since", &value);
	put_count(b, w, "rate.refused", view_number_of(shift, "refused"), "rate.since", &value);
	buf_puts(b, "</dl>\n");
}

/* ---- open batches */

static void
put_left(struct buf *b, const struct i18n *w, const cJSON *status, const cJSON *batch)
{
	int64_t left_s = view_number_of(batch, "left_s"), now_us = 0;
	char rate[24], duration[48], at[TIME_BYTES];
	const struct i18n_value values[] = { { "rate", digits(rate, view_number_of(batch, "per_hour")) }, { "time", duration }, { "at", at } };

	if (view_number_of(batch, "issued") >= view_number_of(batch, "quantity")) {
		put(b, w, "batch.complete");
		return;
	}
	if (!cJSON_IsNumber(member(batch, "left_s")) || !clock_parse_us(view_text_of(status, "now"), &now_us)) {
		put(b, w, "batch.no_rate");
		return;
	}
	if (left_s < 3600)
		(void)snprintf(duration, sizeof(duration), "%" PRId64 " min", left_s / 60);
	else if (left_s < 48 * 3600)
		(void)snprintf(duration, sizeof(duration), "%" PRId64 " h %" PRId64 " min", left_s / 3600, left_s / 60 % 60);
	else
		(void)snprintf(duration, sizeof(duration), "%" PRId64 " d", left_s / 86400);
	local_time(left_s < 20 * 3600 ? MINUTE : DAY_MINUTE, now_us + left_s * 1000000, at);
	i18n_put(b, w, "batch.left", values, 3);
	if (cJSON_IsBool(member(batch, "done_this_shift"))) {
		buf_puts(b, " · ");
		put(b, w, cJSON_IsTrue(member(batch, "done_this_shift")) ? "batch.this_shift" : "batch.not_this_shift");
	}
}

static void
put_meter(struct buf *b, const struct i18n *w, const char *class, const char *label, int64_t value, int64_t max, const char *key,
    const struct i18n_value *values, size_t n)
{
	buf_printf(b, "<div class=\"meter %s\"><span class=\"meter-text\">", class);
	i18n_put(b, w, key, values, n);
	buf_puts(b, "</span><progress aria-label=\"");
	put(b, w, label);
	buf_printf(b, "\" value=\"%" PRId64 "\" max=\"%" PRId64 "\"></progress></div>", value < max ? value : max, max > 0 ? max : 1);
}

static void
put_batch(struct buf *b, const struct i18n *w, const cJSON *status, const cJSON *batch)
{
	int64_t issued = view_number_of(batch, "issued"), quantity = view_number_of(batch, "quantity"), parked = view_number_of(batch, "parked");
	int64_t registered = view_number_of(batch, "registered");
	char texts[4][24], percent[24];
	const struct i18n_value values[] = {
		{ "issued", digits(texts[0], issued) }, { "quantity", digits(texts[1], quantity) }, { "percent", percent },
		{ "registered", digits(texts[2], registered) }, { "parked", digits(texts[3], parked) },
	};

	(void)snprintf(percent, sizeof(percent), "%" PRId64 " %%", quantity > 0 ? 100 * issued / quantity : 0);
	buf_puts(b, "<li class=\"batch\"><div class=\"batch-head\"><b class=\"mono\">");
	i18n_escape(b, view_text_of(batch, "name"));
	buf_puts(b, "</b>");
	if (strcmp(view_text_of(batch, "state"), "waiting") == 0) {
		buf_puts(b, "<span class=\"badge\">");
		put(b, w, "batch.state.waiting");
	} else {
		buf_puts(b, "<span>");
		put_left(b, w, status, batch);
	}
	buf_puts(b, "</span></div>");
	put_meter(b, w, "", "batch.issued_of", issued, quantity, "batch.issued_words", values, 5);
	put_meter(b, w, "second", "batch.registered_of", registered, issued, "batch.registered_words", values, 5);
	if (parked > 0) {
		buf_puts(b, "<p class=\"error\">");
		i18n_put(b, w, "batch.parked_words", values, 5);
		buf_puts(b, "</p>");
	}
	buf_puts(b, "</li>\n");
}

static void
put_batches(struct buf *b, const struct i18n *w, const cJSON *status)
{
	enum { SHOWN = 12 };
	const cJSON *batch;
	char more[24];
	const struct i18n_value value = { "n", more };
	int n = 0;

	put_heading(b, w, "", "line.batches");
	buf_puts(b, "<ul class=\"cards\">");
	cJSON_ArrayForEach(batch, member(status, "batches"))
		if (strcmp(view_text_of(batch, "state"), "closed") != 0 && n++ < SHOWN)
			put_batch(b, w, status, batch);
	buf_puts(b, "</ul>");
	if (n == 0 || n > SHOWN) {
		(void)digits(more, n - SHOWN);
		buf_puts(b, "<p>");
		i18n_put(b, w, n == 0 ? "line.no_batch" : "line.more", &value, 1);
		buf_puts(b, "</p>");
	}
	buf_puts(b, "</section>\n");
}

/* ---- the last hours, one row an hour, where no chart can be drawn */

enum { HOUR = 4 };	/* quarters */

static void
put_hours(struct buf *b, const struct i18n *w, const cJSON *status)
{
	const cJSON *quarters = member(member(status, "rate"), "quarters");
	char from[TIME_BYTES];
	int64_t at_us;

	buf_puts(b, "<noscript>");
	put_heading(b, w, "", "chart.title");
	buf_puts(b, "<div class=\"table\"><table><thead><tr><th scope=\"col\">");
	put(b, w, "chart.from");
	buf_puts(b, "</th><th scope=\"col\" class=\"n\">");
	put(b, w, "outcome.issued");
	buf_puts(b, "</th><th scope=\"col\" class=\"n\">");
	put(b, w, "outcome.refused");
	buf_puts(b, "</th></tr></thead><tbody>");
	for (int i = cJSON_GetArraySize(quarters) - HOUR; i >= 0; i -= HOUR) {
		int64_t issued = 0, refused = 0;

		for (int q = i; q < i + HOUR; q++) {
			issued += view_number_of(cJSON_GetArrayItem(quarters, q), "issued");
			refused += view_number_of(cJSON_GetArrayItem(quarters, q), "refused");
		}
		if (!clock_parse_us(view_text_of(cJSON_GetArrayItem(quarters, i), "from"), &at_us))
			continue;
		local_time(MINUTE, at_us, from);
		buf_printf(b, "<tr><th scope=\"row\">%s</th><td class=\"n\">%" PRId64 "</td><td class=\"n\">%" PRId64 "</td></tr>", from, issued, refused);
	}
	buf_puts(b, "</tbody></table></div></section></noscript>\n");
}

/* ---- refusals, by reason; the stations of each */

static int64_t
count_of_code(const cJSON *from, const char *code)
{
	int64_t sum = 0;

	for (; from != NULL; from = from->next)
		if (strcmp(view_text_of(from, "code"), code) == 0)
			sum += view_number_of(from, "count");
	return sum;
}

static void
put_station(struct buf *b, const struct i18n *w, const cJSON *status, const cJSON *r)
{
	const char *station = view_text_of(r, "station"), *device = view_text_of(r, "device_id");
	char count[24], last[TIME_BYTES];
	const struct i18n_value values[] = {
		{ "station", *station != '\0' ? station : i18n_text(w, "refusal.several") }, { "n", digits(count, view_number_of(r, "count")) }, { "time", last },
	};

	moment(status, view_text_of(r, "last_at"), last);
	buf_puts(b, "<li>");
	i18n_put(b, w, "refusal.station", values, 3);
	if (*device != '\0') {
		buf_puts(b, " · <span class=\"mono\">");
		i18n_escape(b, device);
		buf_puts(b, "</span>");
	}
	buf_puts(b, "</li>");
}

static void
put_reason(struct buf *b, const struct i18n *w, const cJSON *status, const cJSON *first)
{
	const char *code = view_text_of(first, "code");
	char times[24];
	const struct i18n_value value = { "n", digits(times, count_of_code(first, code)) };

	buf_puts(b, "<li class=\"refusal\"><p><b>");
	i18n_escape(b, of_code(w, code, "title"));
	buf_puts(b, "</b> <span class=\"times\">");
	i18n_put(b, w, "refusal.times", &value, 1);
	buf_puts(b, "</span></p><p>");
	i18n_escape(b, of_code(w, code, "do"));
	buf_puts(b, "</p><ul class=\"stations\">");
	for (const cJSON *r = first; r != NULL; r = r->next)
		if (strcmp(view_text_of(r, "code"), code) == 0)
			put_station(b, w, status, r);
	buf_puts(b, "</ul></li>\n");
}

/* Was the reason of r named before it? */
static bool
is_named(const cJSON *list, const cJSON *r)
{
	const cJSON *one = list->child;

	while (one != r && strcmp(view_text_of(one, "code"), view_text_of(r, "code")) != 0)
		one = one->next;
	return one != r;
}

static void
put_refusals(struct buf *b, const struct i18n *w, const cJSON *status)
{
	const cJSON *list = member(status, "refusals"), *r;

	put_heading(b, w, "", "line.refusals");
	if (cJSON_GetArraySize(list) == 0) {
		buf_puts(b, "<p>");
		put(b, w, "refusal.none");
		buf_puts(b, "</p>");
	}
	buf_puts(b, "<ul class=\"refusals\">");
	cJSON_ArrayForEach(r, list)
		if (!is_named(list, r))
			put_reason(b, w, status, r);
	buf_puts(b, "</ul></section>\n");
}

/* ---- the last devices */

static void
put_device(struct buf *b, const struct i18n *w, const cJSON *status, const char *at, const char *outcome, const cJSON *of)
{
	const char *device = view_text_of(of, "device_id"), *words = outcome;
	char time[TIME_BYTES];

	(void)i18n_find(w, "outcome", outcome, "", &words);
	if (strcmp(outcome, "refused") == 0)
		words = of_code(w, view_text_of(of, "code"), "title");
	moment(status, at, time);
	buf_puts(b, "<tr><th scope=\"row\"><span class=\"mono\">");
	i18n_escape(b, *device != '\0' ? device : "–");
	buf_puts(b, "</span><small>");
	i18n_escape(b, view_text_of(of, "batch"));
	buf_printf(b, "</small></th><td class=\"%s\"><span aria-hidden=\"true\" class=\"mark\">%s</span>", outcome,
	    strcmp(outcome, "refused") == 0 ? "✕ " : strcmp(outcome, "issued") == 0 ? "✓ " : "↻ ");
	i18n_escape(b, words);
	buf_puts(b, "<small>");
	i18n_escape(b, view_text_of(of, "station"));
	buf_printf(b, "</small></td><td class=\"time\">%s</td></tr>\n", time);
}

static bool
has_serial(const cJSON *list, const char *serial)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, list)
		if (strcmp(view_text_of(one, "serial"), serial) == 0)
			return true;
	return false;
}

/* What has happened since the start, then what the ledger says of the time before. */
static void
put_last(struct buf *b, const struct i18n *w, const cJSON *status)
{
	const cJSON *recent = member(status, "recent"), *one;
	int n = 0;

	put_heading(b, w, " last", "line.last");
	buf_puts(b, "<div class=\"table\"><table><thead><tr><th scope=\"col\">");
	put(b, w, "device.id");
	buf_puts(b, "</th><th scope=\"col\">");
	put(b, w, "line.result");
	buf_puts(b, "</th><th scope=\"col\">");
	put(b, w, "line.time");
	buf_puts(b, "</th></tr></thead><tbody>");
	cJSON_ArrayForEach(one, recent)
		if (n++ < LAST_SHOWN)
			put_device(b, w, status, view_text_of(one, "at"), view_text_of(one, "outcome"), one);
	cJSON_ArrayForEach(one, member(status, "last"))
		if (!has_serial(recent, view_text_of(one, "serial")) && n++ < LAST_SHOWN)
			put_device(b, w, status, view_text_of(one, "issued_at"), "issued", one);
	if (n == 0) {
		buf_puts(b, "<tr><td colspan=\"3\" class=\"none\">");
		put(b, w, "none");
		buf_puts(b, "</td></tr>");
	}
	buf_puts(b, "</tbody></table></div></section>\n");
}

void
page_line_put(struct buf *b, const struct i18n *w, const cJSON *status)
{
	char now[TIME_BYTES] = "";
	int64_t now_us;

	if (clock_parse_us(view_text_of(status, "now"), &now_us))
		local_time(DAY_SECOND_ZONE, now_us, now);
	buf_puts(b, "<div class=\"line\"><h1 class=\"unseen\">");
	put(b, w, "view.line");
	buf_puts(b, "</h1>\n");
	put_state(b, w, status);
	put_counts(b, w, status);
	buf_puts(b, "<div class=\"columns\"><div>");
	put_batches(b, w, status);
	put_hours(b, w, status);
	buf_puts(b, "</div><div>");
	put_refusals(b, w, status);
	put_last(b, w, status);
	buf_puts(b, "</div></div></div>\n<noscript><p>lineca ");
	i18n_escape(b, view_text_of(status, "version"));
	buf_printf(b, " · %s</p></noscript>\n", now);
}
