#include "page.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access/access.h"
#include "base/buf.h"
#include "status.h"
#include "view.h"
#include "web/assets.h"
#include "worker.h"

static const char live_mark[] = "<!--live-->\n";	/* in web/index.html */

/* ---- HTML: nothing from a device or a person becomes markup */

static void
put_escaped(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			buf_puts(b, "&amp;");
			break;
		case '<':
			buf_puts(b, "&lt;");
			break;
		case '>':
			buf_puts(b, "&gt;");
			break;
		case '"':
			buf_puts(b, "&quot;");
			break;
		case '\'':
			buf_puts(b, "&#39;");
			break;
		default:
			buf_put(b, text, 1);
		}
	}
}

static void
put_cell(struct buf *b, const char *class, const char *text)
{
	buf_printf(b, "<td class=\"%s\">", class);
	put_escaped(b, text);
	buf_puts(b, "</td>");
}

static void
put_number_cell(struct buf *b, int64_t n)
{
	buf_printf(b, "<td class=\"n\">%lld</td>", (long long)n);
}

/* "2026-11-20T21:07:44.475245Z" as people read it. */
static void
put_time_cell(struct buf *b, const char *time)
{
	char text[20];

	(void)snprintf(text, sizeof(text), "%.19s", time);
	if (text[0] != '\0' && strlen(text) > 10)
		text[10] = ' ';
	put_cell(b, "", text);
}

static void
put_table(struct buf *b, const char *title, const char *heads)
{
	buf_printf(b, "<section><h2>%s</h2>\n<div class=\"table\"><table><thead><tr>%s</tr></thead><tbody>\n", title, heads);
}

static void
put_table_end(struct buf *b)
{
	buf_puts(b, "</tbody></table></div></section>\n");
}

static const cJSON *
member(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

/* ---- the line */

struct state {
	const char	*name, *class, *shape, *words, *says;
};

/* Shapes and words as web/js/line.js and web/lang/en.json have them: what is red, amber or green is also a square, a triangle or a circle. */
#define CIRCLE		"<circle cx=\"50\" cy=\"50\" r=\"46\"/>"
#define RING		"<circle cx=\"50\" cy=\"50\" r=\"40\"/>"
#define TRIANGLE	"<path d=\"M50 4 97 94H3Z\"/>"
#define CALL		TRIANGLE "<path class=\"mark\" d=\"M45 34H55L53 66H47ZM46 73H54V81H46Z\"/>"
#define SQUARE		"<path d=\"M7 7H93V93H7Z\"/><path class=\"mark\" d=\"M22 43H78V57H22Z\"/>"

static const struct state states[] = {
	{ "issuing", "good", CIRCLE, "Issuing", "Devices get their certificates." },
	{ "idle", "good hollow", RING, "Ready", "No device has come in the last minute." },
	{ "waiting", "warn", TRIANGLE, "Waiting for a batch", "No open batch has room. Ask the line lead to open one, or to make a new one." },
	{ "attention", "warn", CALL, "Someone is needed", "The line issues, but something needs someone." },
	{ "refusing", "bad", SQUARE, "Not issuing", "Call the engineer; the server's log says why." },
};

static const struct state *
state_of(const char *name)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].name, name) == 0)
			return &states[i];
	return &states[4];
}

static void
put_state(struct buf *b, const cJSON *status)
{
	const cJSON *line = member(status, "line"), *need;
	const struct state *s = state_of(view_text_of(line, "state"));

	buf_printf(b, "<div class=\"state %s\" role=\"status\"><svg viewBox=\"0 0 100 100\" aria-hidden=\"true\">%s</svg><div><strong>%s</strong>", s->class,
	    s->shape, s->words);
	if (cJSON_GetArraySize(member(line, "needs")) == 0 || strcmp(s->class, "warn") == 0)
		buf_printf(b, "<p>%s</p>", s->says);
	cJSON_ArrayForEach(need, member(line, "needs")) {
		buf_puts(b, "<p>");
		put_escaped(b, view_text_of(need, "detail"));
		buf_puts(b, "</p>");
	}
	buf_puts(b, "</div></div>\n");
}

static void
put_count(struct buf *b, const char *what, int64_t n)
{
	buf_printf(b, "<div><dt>%s</dt><dd>%lld</dd></div>", what, (long long)n);
}

static void
put_counts(struct buf *b, const cJSON *status)
{
	const cJSON *rate = member(status, "rate"), *totals = member(status, "totals");

	buf_puts(b, "<dl class=\"counts\">");
	put_count(b, "Devices per hour, now", view_number_of(rate, "per_hour"));
	put_count(b, "Last hour", view_number_of(rate, "last_hour"));
	put_count(b, "This shift", view_number_of(member(rate, "shift"), "issued"));
	put_count(b, "Refused this shift", view_number_of(member(rate, "shift"), "refused"));
	put_count(b, "Issued", view_number_of(totals, "issued"));
	put_count(b, "Ordered", view_number_of(totals, "quantity"));
	buf_puts(b, "</dl>\n");
}

static void
put_left(struct buf *b, const cJSON *batch)
{
	int64_t minutes = view_number_of(batch, "left_s") / 60;

	if (!cJSON_IsNumber(member(batch, "left_s")))
		buf_puts(b, "<td></td>");
	else
		buf_printf(b, "<td>%lld h %02lld min</td>", (long long)(minutes / 60), (long long)(minutes % 60));
}

static void
put_batches(struct buf *b, const cJSON *status)
{
	const cJSON *batch;

	put_table(b, "Batches", "<th scope=\"col\">Batch</th><th scope=\"col\">State</th><th scope=\"col\" class=\"n\">Issued</th>"
	    "<th scope=\"col\" class=\"n\">Ordered</th><th scope=\"col\">Progress</th><th scope=\"col\" class=\"n\">Registered</th>"
	    "<th scope=\"col\">Time to the end</th>");
	cJSON_ArrayForEach(batch, member(status, "batches")) {
		long long issued = view_number_of(batch, "issued"), quantity = view_number_of(batch, "quantity");

		buf_puts(b, "<tr>");
		put_cell(b, "mono", view_text_of(batch, "name"));
		put_cell(b, "", view_text_of(batch, "state"));
		put_number_cell(b, issued);
		put_number_cell(b, quantity);
		buf_printf(b, "<td><progress aria-label=\"Issued\" value=\"%lld\" max=\"%lld\">%lld of %lld</progress></td>", issued, quantity, issued,
		    quantity);
		put_number_cell(b, view_number_of(batch, "registered"));
		put_left(b, batch);
		buf_puts(b, "</tr>\n");
	}
	if (cJSON_GetArraySize(member(status, "batches")) == 0)
		buf_puts(b, "<tr><td colspan=\"7\">None yet. Make one with: lineca batch create NAME --quantity N</td></tr>\n");
	put_table_end(b);
}

/* What the person at the station is told for that code. */
static void
put_why_cell(struct buf *b, const char *name)
{
	struct http_refusal why;
	struct err e;

	err_clear(&e);
	e.code = ERR_INTERNAL;
	for (int code = 1; code < TALLY_CODES; code++)
		if (strcmp(err_name((enum err_code)code), name) == 0)
			e.code = (enum err_code)code;
	http_refusal_of(&e, &why);
	put_cell(b, "", why.detail);
}

static void
put_refusals(struct buf *b, const cJSON *status)
{
	const cJSON *list = member(status, "refusals"), *r;

	if (cJSON_GetArraySize(list) == 0)
		return;
	put_table(b, "Refused in the last 12 hours", "<th scope=\"col\">Why, and what to do</th><th scope=\"col\" class=\"n\">How often</th>"
	    "<th scope=\"col\">Station</th><th scope=\"col\">Last device</th><th scope=\"col\">Last time (UTC)</th>");
	cJSON_ArrayForEach(r, list) {
		buf_puts(b, "<tr>");
		put_why_cell(b, view_text_of(r, "code"));
		put_number_cell(b, view_number_of(r, "count"));
		put_cell(b, "mono", view_text_of(r, "station"));
		put_cell(b, "mono", view_text_of(r, "device_id"));
		put_time_cell(b, view_text_of(r, "last_at"));
		buf_puts(b, "</tr>\n");
	}
	put_table_end(b);
}

static void
put_last(struct buf *b, const cJSON *status)
{
	const cJSON *c;

	put_table(b, "Last devices", "<th scope=\"col\">Device</th><th scope=\"col\">Batch</th><th scope=\"col\">Issued at (UTC)</th>"
	    "<th scope=\"col\">State</th>");
	cJSON_ArrayForEach(c, member(status, "last")) {
		buf_puts(b, "<tr>");
		put_cell(b, "mono", view_text_of(c, "device_id"));
		put_cell(b, "mono", view_text_of(c, "batch"));
		put_time_cell(b, view_text_of(c, "issued_at"));
		put_cell(b, "", view_text_of(c, "state"));
		buf_puts(b, "</tr>\n");
	}
	if (cJSON_GetArraySize(member(status, "last")) == 0)
		buf_puts(b, "<tr><td colspan=\"4\">None yet.</td></tr>\n");
	put_table_end(b);
}

static void
put_live(struct buf *b, const cJSON *status)
{
	buf_puts(b, "<h1>lineca <small>");
	put_escaped(b, view_text_of(status, "version"));
	buf_printf(b, ", %.19s UTC</small></h1>\n", view_text_of(status, "now"));
	put_state(b, status);
	put_counts(b, status);
	put_batches(b, status);
	put_refusals(b, status);
	put_last(b, status);
}

/* ---- GET / */

static void
security_headers(struct http_request *req)
{
	http_reply_header(req, "Content-Security-Policy", "default-src 'self'; script-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; "
	    "form-action 'self'; frame-ancestors 'none'");
	http_reply_header(req, "Referrer-Policy", "no-referrer");
	http_reply_header(req, "Cross-Origin-Resource-Policy", "same-origin");
}

/* For who may not read: a field for a token, and nothing of the line. */
static void
page_sign_in(struct http_request *req, struct line *l, const struct asset *frame, const char *at)
{
	struct buf b = { 0 };
	size_t len = 0;
	char *text;

	buf_put(&b, frame->data, (size_t)(at - frame->data));
	buf_puts(&b, "<h1>lineca</h1>\n<form id=\"sign-in\"><label for=\"token\">Scan your badge, or type your token</label>\n"
	    "<input id=\"token\" type=\"password\" autocomplete=\"off\" autofocus required>\n<button>Sign in</button></form>\n"
	    "<noscript><p>Signing in needs JavaScript.</p></noscript>\n");
	buf_puts(&b, at + strlen(live_mark));
	text = buf_take(&b, &len);
	security_headers(req);
	access_log_seldom(req, l);
	http_reply(req, 401, frame->media_type, text, len);
}

/* The same object that programs and scripts read; the caller deletes. */
static enum err_code
read_status(struct line *l, cJSON **ret, struct err *e)
{
	struct worker *w;
	struct status s;
	enum err_code rc;
	size_t len = 0;
	char *text;

	if ((rc = worker_get(l, &w, e)) != ERR_OK || (rc = status_read(l, w->reader, &s, e)) != ERR_OK)
		return rc;
	text = status_json(l, &s, &len);
	status_done(&s);
	*ret = text != NULL ? cJSON_ParseWithLength(text, len) : NULL;
	free(text);
	return *ret != NULL ? ERR_OK : err_set(e, ERR_NOMEM, "page");
}

void
page_index(struct http_request *req, void *arg)
{
	const struct asset *frame = asset_find("/");
	const char *at = strstr(frame->data, live_mark);
	struct line *l = arg;
	cJSON *status = NULL;
	struct buf b = { 0 };
	struct err e;
	size_t len = 0;
	char *text;

	if (access_identify(req, l, &e) != ERR_OK || access_require(req, l, ACCESS_READ, &e) != ERR_OK) {
		if (e.code == ERR_TOO_MANY)
			access_refuse(req, l, &e);
		else
			page_sign_in(req, l, frame, at);
		return;
	}
	if (read_status(l, &status, &e) != ERR_OK) {
		http_reply_problem(req, &e);
		return;
	}
	buf_put(&b, frame->data, (size_t)(at - frame->data));
	put_live(&b, status);
	buf_puts(&b, at + strlen(live_mark));
	cJSON_Delete(status);
	text = buf_take(&b, &len);
	security_headers(req);
	http_reply(req, 200, frame->media_type, text, len);
}

/* ---- its files */

/* Does Accept-Encoding take gzip?  (RFC 9110, 12.5.3: a weight of 0 is a no.) */
static bool
takes_gzip(const struct http_request *req)
{
	const char *p = http_request_header(req, "Accept-Encoding");
	bool takes = false;

	while (p != NULL && *p != '\0') {
		size_t len, name;
		const char *q;

		p += strspn(p, " \t");
		len = strcspn(p, ",");
		name = strcspn(p, ",; \t");
		if (name == 4 && strncasecmp(p, "gzip", name) == 0) {
			q = memchr(p, '=', len);
			takes = q == NULL || strtod(q + 1, NULL) > 0;
		}
		p += len + (p[len] == ',');
	}
	return takes;
}

/* The file of this request: a route for each, or for each folder. */
static const struct asset *
asset_of(const struct http_request *req)
{
	const char *route = http_request_path(req);
	char path[64];
	int len = snprintf(path, sizeof(path), "%.*s%s", (int)strcspn(route, "{"), route, http_request_argument(req));

	return len > 0 && (size_t)len < sizeof(path) ? asset_find(path) : NULL;
}

void
page_asset(struct http_request *req, void *line)
{
	const struct asset *a = asset_of(req);
	const char *known = http_request_header(req, "If-None-Match");
	bool gzip = takes_gzip(req);
	char tag[80];
	struct err e;

	(void)line;
	security_headers(req);
	if (a == NULL) {
		(void)err_say(&e, ERR_NOT_FOUND, "The page has no such file.");
		http_reply_problem(req, &e);
		return;
	}
	/* each form of it has a tag of its own: a strong one speaks of bytes */
	(void)snprintf(tag, sizeof(tag), "\"%s%s\"", a->sum, gzip ? "-gzip" : "");
	http_reply_header(req, "ETag", tag);
	http_reply_header(req, "Cache-Control", "no-cache");
	http_reply_header(req, "Vary", "Accept-Encoding");
	if (known != NULL && (strstr(known, tag) != NULL || strcmp(known, "*") == 0)) {
		http_reply_static(req, 304, a->media_type, "", 0);
		return;
	}
	if (gzip) {
		http_reply_header(req, "Content-Encoding", "gzip");
		http_reply_static(req, 200, a->media_type, a->gzip, (size_t)(a->gzip_end - a->gzip));
	} else {
		http_reply_static(req, 200, a->media_type, a->data, (size_t)(a->end - a->data));
	}
}
