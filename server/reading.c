#include "reading.h"

#include <stdlib.h>
#include <string.h>

#include "batch_events.h"
#include "base/buf.h"
#include "base/hex.h"
#include "base/number.h"
#include "finding.h"
#include "status.h"
#include "upload/status.h"
#include "view.h"
#include "worker.h"

static const char json_type[] = "application/json";
static const char pem_type[] = "application/x-pem-file";

static void
reply_text(struct http_request *req, const char *type, char *text)
{
	http_reply(req, 200, type, text, text != NULL ? strlen(text) : 0);
}

void
reading_chain(struct http_request *req, void *arg)
{
	const struct line *l = arg;
	struct buf b = { 0 };
	size_t len = 0;

	for (size_t i = 0; i < l->cas_count; i++) {
		const char *pem;

		if (l->cas[i].issuer == NULL || !l->cas[i].row.active)
			continue;
		pem = issuer_chain_pem(l->cas[i].issuer, &len);
		buf_put(&b, pem, len);
	}
	reply_text(req, pem_type, buf_take(&b, &len));
}

void
reading_status(struct http_request *req, void *arg)
{
	struct line *l = arg;
	struct status s;
	struct worker *w;
	struct err e;
	size_t len = 0;
	char *text;

	if (worker_get(l, &w, &e) != ERR_OK || status_read(l, w->reader, &s, &e) != ERR_OK) {
		http_reply_problem(req, &e);
		return;
	}
	text = status_json(l, &s, &len);
	status_done(&s);
	http_reply(req, 200, json_type, text, len);
}

static enum err_code
add_batch(void *list, const struct store_batch *b, struct err *e)
{
	if (!cJSON_AddItemToArray(list, view_batch(b)))
		return err_set(e, ERR_NOMEM, "batches");
	return ERR_OK;
}

void
reading_batches(struct http_request *req, void *arg)
{
	struct line *l = arg;
	cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "batches");
	struct worker *w;
	struct err e;

	if (worker_get(l, &w, &e) != ERR_OK ||
	    l->home->ops->batch_list(w->reader, BATCHES_ALL, add_batch, list, &e) != ERR_OK) {
		cJSON_Delete(o);
		http_reply_problem(req, &e);
		return;
	}
	reply_text(req, json_type, view_print(o));
}

void
reading_batch(struct http_request *req, void *arg)
{
	struct line *l = arg;
	struct store_batch b;
	cJSON *o = NULL;
	struct worker *w;
	struct err e;

	if (worker_get(l, &w, &e) != ERR_OK ||
	    l->home->ops->batch_find(w->reader, http_request_argument(req), &b, &e) != ERR_OK ||
	    pulse_view_batch(l->pulse, l->home->ops, w->reader, b.name, l->clock->now_us(l->clock), o = view_batch(&b), &e) != ERR_OK) {
		cJSON_Delete(o);
		http_reply_problem(req, &e);
		return;
	}
	reply_text(req, json_type, view_print(o));
}

/* ---- certificates */

/* The queries of a listing, checked. */
struct query {
	struct store_certificate_filter	filter;
	uint8_t				after[STORE_SERIAL_BYTES];
	uint8_t				serial[STORE_SERIAL_BYTES];
	bool				by_serial;
};

static enum err_code
query_serial(struct http_request *req, const char *name, uint8_t out[STORE_SERIAL_BYTES], bool *ret_given, struct err *e)
{
	const char *text = http_request_query(req, name);

	*ret_given = text != NULL && *text != '\0';
	if (*ret_given && !hex_decode(text, out, STORE_SERIAL_BYTES))
		return err_say(e, ERR_BAD_REQUEST, "%s: a serial of %d hexadecimal digits is needed.", name, 2 * STORE_SERIAL_BYTES);
	return ERR_OK;
}

static enum err_code
query_limit(struct http_request *req, int64_t *ret, struct err *e)
{
	const char *text = http_request_query(req, "limit");

	*ret = 100;
	if (text == NULL || *text == '\0')
		return ERR_OK;
	if (!number_parse(text, 1, LIMIT_PAGE_ROWS, ret))
		return err_say(e, ERR_BAD_REQUEST, "limit: a number from 1 to %d is needed.", LIMIT_PAGE_ROWS);
	return ERR_OK;
}

static enum err_code
query_batch(struct http_request *req, struct line *l, struct worker *w, int64_t *ret_id, struct err *e)
{
	const char *name = http_request_query(req, "batch");
	struct store_batch b;
	enum err_code rc;

	*ret_id = -1;
	if (name == NULL || *name == '\0')
		return ERR_OK;
	if ((rc = l->home->ops->batch_find(w->reader, name, &b, e)) != ERR_OK)
		return rc;
	*ret_id = b.id;
	return ERR_OK;
}

static enum err_code
query_state(struct http_request *req, int *ret, struct err *e)
{
	const char *name = http_request_query(req, "state");
	enum certificate_state state;

	*ret = -1;
	if (name == NULL || *name == '\0')
		return ERR_OK;
	if (!certificate_state_parse(name, &state))
		return err_say(e, ERR_BAD_REQUEST, "state: issued, registered, parked or revoked is needed.");
	*ret = (int)state;
	return ERR_OK;
}

static enum err_code
query_read(struct http_request *req, struct line *l, struct worker *w, struct query *q, struct err *e)
{
	const char *text;
	bool after;
	enum err_code rc;

	*q = (struct query){ 0 };
	if ((rc = query_limit(req, &q->filter.limit, e)) != ERR_OK ||
	    (rc = query_state(req, &q->filter.state, e)) != ERR_OK ||
	    (rc = query_serial(req, "after", q->after, &after, e)) != ERR_OK ||
	    (rc = query_serial(req, "serial", q->serial, &q->by_serial, e)) != ERR_OK ||
	    (rc = query_batch(req, l, w, &q->filter.batch_id, e)) != ERR_OK)
		return rc;
	if (after)
		q->filter.after = q->after;
	if ((text = http_request_query(req, "device")) != NULL && *text != '\0')
		q->filter.device_id = text;
	/* what a scanner reads: a serial or a device id */
	if ((text = http_request_query(req, "q")) != NULL && *text != '\0') {
		q->by_serial = hex_decode(text, q->serial, sizeof(q->serial));
		if (!q->by_serial)
			q->filter.device_id = text;
	}
	return ERR_OK;
}

static enum err_code
add_certificate(void *list, const struct store_certificate *c, struct err *e)
{
	if (!cJSON_AddItemToArray(list, view_certificate(c)))
		return err_set(e, ERR_NOMEM, "certificates");
	return ERR_OK;
}

static enum err_code
list_certificates(struct line *l, struct worker *w, const struct query *q, cJSON *list, struct store_page_end *ret, struct err *e)
{
	struct recorded *recorded = NULL;
	enum err_code rc;

	if (!q->by_serial)
		return l->home->ops->certificate_page(w->reader, &q->filter, LIMIT_PAGE_LOOKS, add_certificate, list, ret, e);
	*ret = (struct store_page_end){ 0 };
	rc = l->home->ops->recorded_find_serial(w->reader, q->serial, &recorded, e);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = add_certificate(list, recorded_certificate(recorded), e);
	recorded_free(recorded);
	return rc;
}

void
reading_certificates(struct http_request *req, void *arg)
{
	cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "certificates");
	char next[2 * STORE_SERIAL_BYTES + 1];
	struct store_page_end end;
	struct line *l = arg;
	struct worker *w;
	struct query q;
	struct err e;

	if (worker_get(l, &w, &e) != ERR_OK || query_read(req, l, w, &q, &e) != ERR_OK ||
	    list_certificates(l, w, &q, list, &end, &e) != ERR_OK) {
		cJSON_Delete(o);
		http_reply_problem(req, &e);
		return;
	}
	if (end.more) {
		hex_encode(end.next, sizeof(end.next), next);
		(void)cJSON_AddStringToObject(o, "next", next);
	} else {
		(void)cJSON_AddNullToObject(o, "next");
	}
	reply_text(req, json_type, view_print(o));
}

/* The certificate of the path; the caller frees. */
static enum err_code
find_certificate(struct http_request *req, struct line *l, struct worker *w, struct recorded **ret, struct err *e)
{
	uint8_t serial[STORE_SERIAL_BYTES];

	if (!hex_decode(http_request_argument(req), serial, sizeof(serial)))
		return err_say(e, ERR_NOT_FOUND, "A serial has %d hexadecimal digits.", 2 * STORE_SERIAL_BYTES);
	return l->home->ops->recorded_find_serial(w->reader, serial, ret, e);
}

void
reading_certificate(struct http_request *req, void *arg)
{
	struct recorded *recorded = NULL;
	cJSON *o, *registrations;
	struct line *l = arg;
	struct worker *w;
	struct err e;

	if (worker_get(l, &w, &e) != ERR_OK || find_certificate(req, l, w, &recorded, &e) != ERR_OK ||
	    upload_registrations_view(l->home->ops, w->reader, recorded_certificate(recorded)->serial, &registrations, &e) != ERR_OK) {
		recorded_free(recorded);
		http_reply_problem(req, &e);
		return;
	}
	o = view_certificate(recorded_certificate(recorded));
	(void)cJSON_AddItemToObject(o, "registrations", registrations);
	recorded_free(recorded);
	reply_text(req, json_type, view_print(o));
}

void
reading_certificate_pem(struct http_request *req, void *arg)
{
	const struct store_certificate *c;
	struct recorded *recorded = NULL;
	struct line *l = arg;
	struct worker *w;
	struct err e;
	char *text;

	if (worker_get(l, &w, &e) != ERR_OK || find_certificate(req, l, w, &recorded, &e) != ERR_OK) {
		http_reply_problem(req, &e);
		return;
	}
	c = recorded_certificate(recorded);
	text = view_pem(c->der, c->der_len);
	recorded_free(recorded);
	reply_text(req, pem_type, text);
}

/* ---- the upload */

/* Every parked certificate is looked at for its reason. */
static enum err_code
make_uploads(void *line, char **ret, struct err *e)
{
	struct line *l = line;
	struct worker *w;
	enum err_code rc;
	cJSON *o;

	if ((rc = worker_get(l, &w, e)) != ERR_OK || (rc = upload_status_view(l->home, w->reader, &o, e)) != ERR_OK)
		return rc;
	(void)cJSON_AddItemToObject(o, "reports", finding_reports(l->home));
	*ret = view_print(o);
	return ERR_OK;
}

void
reading_uploads(struct http_request *req, void *arg)
{
	struct line *l = arg;
	struct err e;
	char *text;

	if (kept_get(&l->uploads, make_uploads, l, &text, &e) != ERR_OK) {
		http_reply_problem(req, &e);
		return;
	}
	reply_text(req, json_type, text);
}

/* ---- who changed what */

struct events {
	cJSON	*list;
	int64_t	 rows, last;
};

static enum err_code
add_event(void *arg, const struct store_event *ev, struct err *e)
{
	struct events *events = arg;

	if (!cJSON_AddItemToArray(events->list, view_event(ev)))
		return err_set(e, ERR_NOMEM, "events");
	events->last = ev->id;
	events->rows++;
	return ERR_OK;
}

static enum err_code
query_before(struct http_request *req, int64_t *ret, struct err *e)
{
	const char *text = http_request_query(req, "before");

	*ret = 0;
	if (text != NULL && *text != '\0' && !number_parse(text, 1, INT64_MAX, ret))
		return err_say(e, ERR_BAD_REQUEST, "before: the id of an event is needed.");
	return ERR_OK;
}

static enum err_code
list_events(struct line *l, struct store_reader *r, struct http_request *req, struct events *events, int64_t *ret_next, struct err *e)
{
	const char *object = http_request_query(req, "object"), *batch = http_request_query(req, "batch");
	int64_t limit, before;
	enum err_code rc;

	if ((rc = query_limit(req, &limit, e)) != ERR_OK || (rc = query_before(req, &before, e)) != ERR_OK)
		return rc;
	if (batch != NULL && *batch != '\0')
		return batch_events_list(l->home->ops, r, batch, before, limit, events->list, ret_next, e);
	if (object != NULL && *object == '\0')
		object = NULL;
	if ((rc = l->home->ops->event_list(r, before, limit, object, add_event, events, e)) == ERR_OK)
		*ret_next = events->rows == limit ? events->last : 0;
	return rc;
}

void
reading_events(struct http_request *req, void *arg)
{
	cJSON *o = cJSON_CreateObject();
	struct events events = { .list = cJSON_AddArrayToObject(o, "events") };
	struct line *l = arg;
	struct worker *w;
	int64_t next = 0;
	struct err e;

	if (worker_get(l, &w, &e) != ERR_OK || list_events(l, w->reader, req, &events, &next, &e) != ERR_OK) {
		cJSON_Delete(o);
		http_reply_problem(req, &e);
		return;
	}
	if (next != 0)
		(void)cJSON_AddNumberToObject(o, "next", (double)next);
	else
		(void)cJSON_AddNullToObject(o, "next");
	reply_text(req, json_type, view_print(o));
}

/* ---- what there is to ask */

void
reading_openapi(struct http_request *req, void *arg)
{
	const struct line *l = arg;

	http_reply_static(req, 200, json_type, l->openapi, l->openapi_len);
}

/* ---- health */

void
reading_healthz(struct http_request *req, void *line)
{
	(void)line;
	http_reply_static(req, 200, "text/plain", "ok\n", 3);
}

void
reading_readyz(struct http_request *req, void *line)
{
	struct err e;

	if (line_ready(line, &e) != ERR_OK)
		http_reply_problem(req, &e);
	else
		http_reply_static(req, 200, "text/plain", "ready\n", 6);
}
