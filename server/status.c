#include "status.h"

#include <stdlib.h>
#include <string.h>

#include "view.h"

/* Batches beyond the open ones are shown as far as there is room on a page. */
enum { STATUS_BATCHES = 50 };

static enum err_code
on_batch(void *arg, const struct store_batch *b, struct err *e)
{
	struct status *s = arg;
	struct store_batch *batch;

	s->batches++;
	s->batches_open += b->state == BATCH_OPEN;
	s->quantity += b->quantity;
	s->issued += b->issued;
	s->registered += b->registered;
	s->parked += b->parked;
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

/* Open before closed, newer before older. */
static int
batch_order(const void *a, const void *b)
{
	const struct store_batch *x = a, *y = b;

	if (x->state != y->state)
		return x->state == BATCH_OPEN ? -1 : 1;
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
	if ((rc = l->home->ops->batch_list(r, false, on_batch, &s, e)) != ERR_OK ||
	    (rc = l->home->ops->certificate_list(r, &newest, on_certificate, &s, e)) != ERR_OK) {
		status_done(&s);
		return rc;
	}
	if (s.batch_count > 0)
		qsort(s.batch, s.batch_count, sizeof(*s.batch), batch_order);
	if (s.batch_count > STATUS_BATCHES && (size_t)s.batches_open < s.batch_count)
		s.batch_count = s.batches_open > STATUS_BATCHES ? (size_t)s.batches_open : STATUS_BATCHES;
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
	add_number(part, "batches", s->batches);
	add_number(part, "batches_open", s->batches_open);
	add_number(part, "quantity", s->quantity);
	add_number(part, "issued", s->issued);
	add_number(part, "registered", s->registered);
	add_number(part, "parked", s->parked);
	add_enrolments(o, l);
	part = cJSON_AddArrayToObject(o, "batches");
	for (size_t i = 0; i < s->batch_count; i++)
		cJSON_AddItemToArray(part, view_batch(&s->batch[i]));
	part = cJSON_AddArrayToObject(o, "last");
	for (size_t i = 0; i < s->last_count; i++)
		cJSON_AddItemToArray(part, view_certificate(&s->last[i]));
	add_cas(o, l);
	part = cJSON_AddObjectToObject(o, "disk");
	add_number(part, "free_bytes", s->disk_free_bytes);
	add_number(part, "reserve_bytes", l->guard.disk_reserve_bytes);
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
