#include "page.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access/access.h"
#include "base/buf.h"
#include "page_line.h"
#include "status.h"
#include "web/assets.h"
#include "i18n.h"
#include "worker.h"

/* In web/index.html. */
static const char language_mark[] = "lang=\"en\"";
static const char live_mark[] = "<!--live-->\n";

/* ---- GET / */

static void
security_headers(struct http_request *req)
{
	http_reply_header(req, "Content-Security-Policy", "default-src 'self'; script-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; "
	    "form-action 'self'; frame-ancestors 'none'");
	http_reply_header(req, "Referrer-Policy", "no-referrer");
	http_reply_header(req, "Cross-Origin-Resource-Policy", "same-origin");
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

/* For who may not read: a field for a token, and nothing of the line. */
static void
put_sign_in(struct buf *b, const struct i18n *w)
{
	buf_puts(b, "<h1>lineca</h1>\n<form id=\"sign-in\"><label for=\"token\">");
	i18n_put(b, w, "sign_in.label", NULL, 0);
	buf_puts(b, "</label>\n<input id=\"token\" type=\"password\" autocomplete=\"off\" autofocus required>\n<button>");
	i18n_put(b, w, "sign_in", NULL, 0);
	buf_puts(b, "</button></form>\n<noscript><p>");
	i18n_put(b, w, "sign_in.script", NULL, 0);
	buf_puts(b, "</p></noscript>\n");
}

/* The frame of web/index.html around how the line is (status), or around the way in (NULL). */
static enum err_code
reply_page(struct http_request *req, unsigned http_status, const cJSON *status, struct err *e)
{
	const struct asset *frame = asset_find("/");
	const char *language = strstr(frame->data, language_mark), *at = strstr(language, live_mark);
	struct i18n w = { 0 };
	struct buf b = { 0 };
	size_t len = 0;
	char *text;

	if (i18n_open(http_request_header(req, "Accept-Language"), &w, e) != ERR_OK)
		return e->code;
	buf_put(&b, frame->data, (size_t)(language - frame->data));
	buf_printf(&b, "lang=\"%s\"", w.tag);
	language += strlen(language_mark);
	buf_put(&b, language, (size_t)(at - language));
	if (status != NULL)
		page_line_put(&b, &w, status);
	else
		put_sign_in(&b, &w);
	buf_puts(&b, at + strlen(live_mark));
	i18n_close(&w);
	text = buf_take(&b, &len);
	security_headers(req);
	http_reply_header(req, "Vary", "Accept-Language");
	http_reply(req, http_status, frame->media_type, text, len);
	return ERR_OK;
}

void
page_index(struct http_request *req, void *arg)
{
	struct line *l = arg;
	cJSON *status = NULL;
	struct err e;

	if (access_identify(req, l, &e) != ERR_OK || access_require(req, l, ACCESS_READ, &e) != ERR_OK) {
		if (e.code == ERR_TOO_MANY) {
			access_refuse(req, l, &e);
			return;
		}
		access_log_seldom(req, l);
		if (reply_page(req, 401, NULL, &e) != ERR_OK)
			http_reply_problem(req, &e);
		return;
	}
	if (read_status(l, &status, &e) != ERR_OK || reply_page(req, 200, status, &e) != ERR_OK)
		http_reply_problem(req, &e);
	cJSON_Delete(status);
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
