#include "finding.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/access.h"
#include "base/buf.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/number.h"
#include "http/pieces.h"
#include "upload/status.h"
#include "view.h"
#include "worker.h"

enum {
	SEARCH_ROWS = 20,
	SEARCH_ROWS_MAX = 100,
	CSV_PAGE_ROWS = 500,		/* a few milliseconds of a worker */
	DEVICE_CERTIFICATES = 100,
	DEVICE_EVENTS = 100,
	REPORTS_SHOWN = 40
};

static void
reply_json(struct http_request *req, cJSON *o)
{
	char *text = view_print(o);

	http_reply(req, 200, "application/json", text, text != NULL ? strlen(text) : 0);
}

/* ---- search */

static enum err_code
add_found(void *list, const struct store_certificate *c, enum store_match match, struct err *e)
{
	cJSON *o = view_certificate(c);

	if (cJSON_AddStringToObject(o, "matched", store_match_name(match)) == NULL || !cJSON_AddItemToArray(list, o)) {
		cJSON_Delete(o);
		return err_set(e, ERR_NOMEM, "search");
	}
	return ERR_OK;
}

/* What a scanner gives may have a blank or a line end around it. */
static void
trim(const char *text, char *out, size_t out_size)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	(void)snprintf(out, out_size, "%s", text);
	for (len = strlen(out); len > 0 && strchr(" \t\r\n", out[len - 1]) != NULL; len--)
		out[len - 1] = '\0';
}

void
finding_search(struct http_request *req, void *line)
{
	const char *asked = http_request_query(req, "q"), *limit_text = http_request_query(req, "limit");
	cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "found");
	int64_t limit = SEARCH_ROWS;
	struct line *l = line;
	char text[128] = "";
	struct worker *w;
	struct err e;
	bool more;

	err_clear(&e);
	trim(asked != NULL ? asked : "", text, sizeof(text));
	if (limit_text != NULL && *limit_text != '\0' && !number_parse(limit_text, 1, SEARCH_ROWS_MAX, &limit))
		(void)err_say(&e, ERR_BAD_REQUEST, "limit: a number from 1 to %d is needed.", SEARCH_ROWS_MAX);
	else if (strlen(text) < STORE_SEARCH_MIN_BYTES)
		(void)err_say(&e, ERR_BAD_REQUEST, "q: at least %d characters of a device id, a serial or a certificate id are needed.",
		    STORE_SEARCH_MIN_BYTES);
	if (e.code != ERR_OK || worker_get(l, &w, &e) != ERR_OK ||
	    l->home->ops->search(w->reader, text, limit, add_found, list, &more, &e) != ERR_OK) {
		cJSON_Delete(o);
		http_reply_problem(req, &e);
		return;
	}
	(void)cJSON_AddBoolToObject(o, "more", more);
	(void)pulse_view_device(l->pulse, text, o);
	reply_json(req, o);
}

/* ---- one device */

struct history {
	struct line		*line;
	struct worker		*worker;
	cJSON			*list;
	bool			 more;		/* certificates than are in the list */
};

/* A listing's row may not use the reader it came from: the registrations are asked for afterwards. */
static enum err_code
add_certificate(void *arg, const struct store_certificate *c, struct err *e)
{
	struct history *h = arg;

	if ((h->more = cJSON_GetArraySize(h->list) == DEVICE_CERTIFICATES))
		return ERR_OK;
	if (!cJSON_AddItemToArray(h->list, view_certificate(c)))
		return err_set(e, ERR_NOMEM, "device");
	return ERR_OK;
}

static enum err_code
add_registrations(struct history *h, struct err *e)
{
	cJSON *item, *registrations;
	uint8_t serial[STORE_SERIAL_BYTES];
	enum err_code rc;

	cJSON_ArrayForEach(item, h->list) {
		if (!hex_decode(view_text_of(item, "serial"), serial, sizeof(serial)))
			continue;
		if ((rc = upload_registrations_view(h->line->home->ops, h->worker->reader, serial, &registrations, e)) != ERR_OK)
			return rc;
		(void)cJSON_AddItemToObject(item, "registrations", registrations);
	}
	return ERR_OK;
}

/* A batch or a token may have the device's name. */
static bool
is_about_device(const char *action)
{
	return strncmp(action, "device.", strlen("device.")) == 0 || strncmp(action, "certificate.", strlen("certificate.")) == 0;
}

static enum err_code
add_event(void *list, const struct store_event *ev, struct err *e)
{
	if (is_about_device(ev->action) && cJSON_GetArraySize(list) < DEVICE_EVENTS && !cJSON_AddItemToArray(list, view_event(ev)))
		return err_set(e, ERR_NOMEM, "device");
	return ERR_OK;
}

static enum err_code
add_rework(struct history *h, const char *device, cJSON *o, struct err *e)
{
	struct store_rework rework;
	enum err_code rc = h->line->home->ops->device_rework_find(h->worker->reader, device, &rework, e);

	if (rc == ERR_NOT_FOUND) {
		(void)cJSON_AddNullToObject(o, "rework");
		return ERR_OK;
	}
	if (rc == ERR_OK)
		(void)cJSON_AddItemToObject(o, "rework", view_rework(&rework));
	return rc;
}

static enum err_code
read_device(struct history *h, const char *device, cJSON *o, struct err *e)
{
	const struct store_certificate_filter filter = { .batch_id = -1, .state = -1, .device_id = device, .limit = DEVICE_CERTIFICATES + 1 };
	const struct store_ops *ops = h->line->home->ops;
	enum err_code rc;

	(void)cJSON_AddStringToObject(o, "device_id", device);
	h->list = cJSON_AddArrayToObject(o, "certificates");
	if ((rc = worker_get(h->line, &h->worker, e)) != ERR_OK ||
	    (rc = ops->certificate_list(h->worker->reader, &filter, add_certificate, h, e)) != ERR_OK)
		return rc;
	(void)cJSON_AddBoolToObject(o, "more", h->more);
	/* who has a refused device in his hand looks for why */
	if (pulse_view_device(h->line->pulse, device, o) == 0 && cJSON_GetArraySize(h->list) == 0)
		return err_say(e, ERR_NOT_FOUND, "No certificate was issued for the device %.64s.", device);
	if ((rc = add_registrations(h, e)) != ERR_OK ||
	    (rc = ops->event_list(h->worker->reader, 0, 0, device, add_event, cJSON_AddArrayToObject(o, "events"), e)) != ERR_OK)
		return rc;
	return add_rework(h, device, o, e);
}

void
finding_device(struct http_request *req, void *line)
{
	struct history h = { .line = line };
	cJSON *o = cJSON_CreateObject();
	struct err e;

	if (read_device(&h, http_request_argument(req), o, &e) != ERR_OK) {
		cJSON_Delete(o);
		http_reply_problem(req, &e);
		return;
	}
	reply_json(req, o);
}

/* ---- what is taken away in pieces */

/* Who signs out, or whose token is revoked, is given no more of what he began to take. */
static enum err_code
still_may(struct line *l, const struct access_right *right, struct worker **ret, struct err *e)
{
	enum err_code rc = worker_get(l, ret, e);

	if (rc != ERR_OK || access_right_lives(right, l, (*ret)->reader))
		return rc;
	return err_set(e, ERR_UNAUTHORIZED, "cut: the session or token that asked for it is over");
}

/* ---- a batch's devices */

struct csv {
	struct line	*line;
	struct access_right right;
	int64_t		 batch_id;
	bool		 begun, over;
	uint8_t		 after[STORE_SERIAL_BYTES];
	struct buf	 page;
	int64_t		 rows;
};

static enum err_code
csv_row(void *arg, const struct store_certificate *c, struct err *e)
{
	char serial[2 * STORE_SERIAL_BYTES + 1], id[2 * STORE_HASH_BYTES + 1], at[CLOCK_TEXT_BYTES];
	struct csv *csv = arg;

	(void)e;
	hex_encode(c->serial, sizeof(c->serial), serial);
	hex_encode(c->certificate_id, sizeof(c->certificate_id), id);
	clock_format_us(c->issued_at_us, at);
	/* a device id has no character that CSV would have to quote */
	buf_printf(&csv->page, "%s,%s,%s,%s,%s\r\n", c->device_id, serial, certificate_state_name(c->state), id, at);
	memcpy(csv->after, c->serial, sizeof(csv->after));
	csv->rows++;
	return ERR_OK;
}

static char *
csv_more(void *arg, size_t *ret_len)
{
	struct csv *csv = arg;
	struct store_certificate_filter filter = { .batch_id = csv->batch_id, .state = -1, .limit = CSV_PAGE_ROWS };
	struct worker *w;
	struct err e;
	char *text;

	if (csv->over)
		return NULL;
	if (csv->begun)
		filter.after = csv->after;
	else
		buf_puts(&csv->page, "device_id,serial,state,certificate_id,issued_at\r\n");
	csv->begun = true;
	csv->rows = 0;
	if (still_may(csv->line, &csv->right, &w, &e) != ERR_OK ||
	    csv->line->home->ops->certificate_list(w->reader, &filter, csv_row, csv, &e) != ERR_OK) {
		log_err(e.code == ERR_UNAUTHORIZED ? LOG_INFO : LOG_ERROR, "csv", &e);
		http_pieces_cut();	/* half a list must not look like a whole one */
		csv->over = true;
		return NULL;
	}
	csv->over = csv->rows < CSV_PAGE_ROWS;
	if (csv->rows == 0 && filter.after != NULL)
		return NULL;
	if ((text = buf_take(&csv->page, ret_len)) == NULL) {
		log_event(LOG_ERROR, "csv", "no memory for a page of a list, which was cut");
		http_pieces_cut();
		csv->over = true;
	}
	return text;
}

static void
csv_free(void *arg)
{
	struct csv *csv = arg;
	size_t len;

	free(buf_take(&csv->page, &len));
	free(csv);
}

void
finding_csv(struct http_request *req, void *line)
{
	struct line *l = line;
	struct store_batch b;
	struct csv *csv = NULL;
	struct worker *w;
	struct err e;
	char name[64 + LIMIT_NAME_BYTES];

	if (worker_get(l, &w, &e) != ERR_OK ||
	    l->home->ops->batch_find(w->reader, http_request_argument(req), &b, &e) != ERR_OK ||
	    ((csv = calloc(1, sizeof(*csv))) == NULL && err_set(&e, ERR_NOMEM, "csv") != ERR_OK)) {
		http_reply_problem(req, &e);
		return;
	}
	csv->line = l;
	csv->right = access_right_of(req, l);
	csv->batch_id = b.id;
	(void)snprintf(name, sizeof(name), "attachment; filename=\"%s.csv\"", b.name);
	http_reply_header(req, "Content-Disposition", name);
	http_reply_pieces(req, "text/csv; charset=utf-8", csv_more, csv_free, csv);
}

/* ---- reports of the upload */

static bool
is_report(const char *name)
{
	size_t len = strlen(name);

	return strncmp(name, "upload-", 7) == 0 && strspn(name, "abcdefghijklmnopqrstuvwxyzTZ0123456789.-") == len && strstr(name, "..") == NULL &&
	    ((len > 4 && strcmp(name + len - 4, ".csv") == 0) || (len > 6 && strcmp(name + len - 6, ".jsonl") == 0));
}

struct report_file {
	struct line	*line;
	struct access_right right;
	int		 fd;
};

static char *
report_more(void *arg, size_t *ret_len)
{
	enum { PIECE_BYTES = 64 * 1024 };
	struct report_file *f = arg;
	char *piece = NULL;
	struct worker *w;
	ssize_t n = -1;
	struct err e;

	if (still_may(f->line, &f->right, &w, &e) != ERR_OK)
		log_err(e.code == ERR_UNAUTHORIZED ? LOG_INFO : LOG_ERROR, "report", &e);
	else if ((piece = malloc(PIECE_BYTES)) != NULL)
		n = read(f->fd, piece, PIECE_BYTES);
	if (n > 0) {
		*ret_len = (size_t)n;
		return piece;
	}
	if (n < 0)
		http_pieces_cut();
	free(piece);
	return NULL;
}

static void
report_free(void *arg)
{
	struct report_file *f = arg;

	(void)close(f->fd);
	free(f);
}

void
finding_report(struct http_request *req, void *line)
{
	const char *name = http_request_argument(req);
	char path[HOME_PATH_BYTES], file[64 + 256];
	struct line *l = line;
	struct report_file *f = NULL;
	struct err e;

	err_clear(&e);
	(void)snprintf(file, sizeof(file), HOME_REPORTS "/%.200s", name);
	if (!is_report(name))
		(void)err_say(&e, ERR_NOT_FOUND, "There is no report of that name; /v1/uploads lists them.");
	else if (home_join(l->home, file, path, &e) == ERR_OK && (f = malloc(sizeof(*f))) == NULL)
		(void)err_set(&e, ERR_NOMEM, "report");
	else if (e.code == ERR_OK && (f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		(void)err_say(&e, ERR_NOT_FOUND, "There is no report of that name; /v1/uploads lists them.");
	if (e.code != ERR_OK) {
		free(f);
		http_reply_problem(req, &e);
		return;
	}
	f->line = l;
	f->right = access_right_of(req, l);
	(void)snprintf(file, sizeof(file), "attachment; filename=\"%.150s\"", name);
	http_reply_header(req, "Content-Disposition", file);
	http_reply_pieces(req, strstr(name, ".csv") != NULL ? "text/csv; charset=utf-8" : "application/jsonl", report_more, report_free, f);
}

static int
only_reports(const struct dirent *d)
{
	return is_report(d->d_name);
}

cJSON *
finding_reports(const struct home *h)
{
	char folder[HOME_PATH_BYTES], path[HOME_PATH_BYTES + 256];
	cJSON *list = cJSON_CreateArray();
	struct dirent **names = NULL;
	struct stat st;
	struct err e;
	int n;

	if (home_join(h, HOME_REPORTS, folder, &e) != ERR_OK || (n = scandir(folder, &names, only_reports, alphasort)) < 0)
		return list;
	/* the names have the time in them: the last are the newest */
	for (int i = n - 1; i >= 0; i--) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		if (n - 1 - i < REPORTS_SHOWN && stat(path, &st) == 0) {
			cJSON *o = cJSON_CreateObject();

			(void)cJSON_AddStringToObject(o, "name", names[i]->d_name);
			(void)cJSON_AddNumberToObject(o, "bytes", (double)st.st_size);
			(void)cJSON_AddItemToArray(list, o);
		}
		free(names[i]);
	}
	free(names);
	return list;
}
