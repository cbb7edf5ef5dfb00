#include "page.h"

#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "base/buf.h"
#include "status.h"
#include "web/assets.h"
#include "worker.h"

static const char live_mark[] = "<!--live-->\n";	/* in web/index.html */

/* Nothing from a device or a person becomes markup. */
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
put_state(struct buf *b, const struct status *s)
{
	if (s->ready != ERR_OK) {
		buf_puts(b, "<div class=\"state bad\" role=\"status\">&#9632; Not issuing<p>");
		put_escaped(b, s->reason.client_text[0] != '\0' ? s->reason.client_text : "Call the engineer; the server's log says why.");
		buf_puts(b, "</p></div>\n");
	} else if (s->batches_open == 0) {
		buf_puts(b, "<div class=\"state\" role=\"status\">&#9650; Waiting for a batch<p>No batch is open.</p></div>\n");
	} else {
		buf_puts(b, "<div class=\"state good\" role=\"status\">&#9679; Ready to issue</div>\n");
	}
}

static void
put_counts(struct buf *b, struct line *l, const struct status *s)
{
	uint64_t refused = 0;

	for (size_t i = 0; i < TALLY_CODES; i++)
		refused += atomic_load(&l->tally.refused[i]);
	buf_printf(b, "<dl class=\"counts\"><div><dt>Issued</dt><dd>%lld</dd></div><div><dt>Ordered</dt><dd>%lld</dd></div>"
	    "<div><dt>Open batches</dt><dd>%lld</dd></div><div><dt>Refused since start</dt><dd>%llu</dd></div>"
	    "<div><dt>Disk free</dt><dd>%lld MiB</dd></div></dl>\n",
	    (long long)s->issued, (long long)s->quantity, (long long)s->batches_open, (unsigned long long)refused,
	    (long long)(s->disk_free_bytes >> 20));
}

static void
put_batches(struct buf *b, const struct status *s)
{
	buf_puts(b, "<h2>Batches</h2>\n<div class=\"table\"><table><thead><tr><th>Batch</th><th>State</th><th class=\"n\">Issued</th>"
	    "<th class=\"n\">Ordered</th><th>Progress</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < s->batch_count; i++) {
		const struct store_batch *batch = &s->batch[i];

		buf_puts(b, "<tr>");
		put_cell(b, "mono", batch->name);
		put_cell(b, "", batch_state_name(batch->state));
		buf_printf(b, "<td class=\"n\">%lld</td><td class=\"n\">%lld</td>"
		    "<td><progress value=\"%lld\" max=\"%lld\">%lld of %lld</progress></td></tr>\n",
		    (long long)batch->issued, (long long)batch->quantity, (long long)batch->issued, (long long)batch->quantity,
		    (long long)batch->issued, (long long)batch->quantity);
	}
	if (s->batch_count == 0)
		buf_puts(b, "<tr><td colspan=\"5\">None yet. Make one with: lineca batch create NAME --quantity N</td></tr>\n");
	buf_puts(b, "</tbody></table></div>\n");
}

static void
put_last(struct buf *b, const struct status *s)
{
	char time[CLOCK_TEXT_BYTES];

	buf_puts(b, "<h2>Last devices</h2>\n<div class=\"table\"><table><thead><tr><th>Device</th><th>Batch</th><th>Issued at (UTC)</th>"
	    "<th>State</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < s->last_count; i++) {
		const struct store_certificate *c = &s->last[i];

		clock_format_s(c->issued_at_us / 1000000, time);
		buf_puts(b, "<tr>");
		put_cell(b, "mono", c->device_id);
		put_cell(b, "mono", c->batch_name);
		put_cell(b, "", time);
		put_cell(b, "", certificate_state_name(c->state));
		buf_puts(b, "</tr>\n");
	}
	if (s->last_count == 0)
		buf_puts(b, "<tr><td colspan=\"4\">None yet.</td></tr>\n");
	buf_puts(b, "</tbody></table></div>\n");
}

static void
put_live(struct buf *b, struct line *l, const struct status *s)
{
	char now[CLOCK_TEXT_BYTES];

	clock_format_s(s->now_us / 1000000, now);
	buf_printf(b, "<h1>lineca <small>%s, %s</small></h1>\n", LINECA_VERSION, now);
	put_state(b, s);
	put_counts(b, l, s);
	put_batches(b, s);
	put_last(b, s);
}

static void
security_headers(struct http_request *req)
{
	http_reply_header(req, "Content-Security-Policy", "default-src 'self'; base-uri 'none'; frame-ancestors 'none'");
	http_reply_header(req, "X-Content-Type-Options", "nosniff");
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
	    "<input id=\"token\" name=\"token\" type=\"password\" autocomplete=\"off\" autofocus required>\n"
	    "<button>Sign in</button>\n<p id=\"sign-in-error\" role=\"alert\"></p></form>\n");
	buf_puts(&b, at + strlen(live_mark));
	text = buf_take(&b, &len);
	security_headers(req);
	http_reply_header(req, "Cache-Control", "no-store");
	access_log_seldom(req, l);
	http_reply(req, 401, frame->media_type, text, len);
}

void
page_index(struct http_request *req, void *arg)
{
	const struct asset *frame = asset_find("/");
	const char *at = strstr(frame->data, live_mark);
	struct line *l = arg;
	struct buf b = { 0 };
	struct worker *w;
	struct status s;
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
	if (worker_get(l, &w, &e) != ERR_OK || status_read(l, w->reader, &s, &e) != ERR_OK) {
		http_reply_problem(req, &e);
		return;
	}
	buf_put(&b, frame->data, (size_t)(at - frame->data));
	put_live(&b, l, &s);
	buf_puts(&b, at + strlen(live_mark));
	status_done(&s);
	text = buf_take(&b, &len);
	security_headers(req);
	http_reply_header(req, "Cache-Control", "no-store");
	http_reply(req, 200, frame->media_type, text, len);
}

void
page_asset(struct http_request *req, void *line)
{
	const struct asset *a = asset_find(http_request_path(req));

	(void)line;
	security_headers(req);
	http_reply_header(req, "Cache-Control", "no-cache");
	http_reply_static(req, 200, a->media_type, a->data, (size_t)(a->end - a->data));
}
