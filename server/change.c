/*
 * A change on its way:
 *
 *   worker   the body is JSON of the members that are known; may this role do that?   400, 403
 *   worker   suspend, push to the clerk, look away
 *   clerk    one transaction with its event; resume
 *   worker   answer with the thing as it now is
 */
#include "change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "access/token.h"
#include "base/hex.h"
#include "base/log.h"
#include "batch_order.h"
#include "doors/json.h"
#include "view.h"
#include "worker.h"

struct change {
	struct clerk_job	 job;		/* first: the clerk hands it back */
	struct http_request	*req;
	struct line		*line;
	const char		*action;	/* for the log */
	enum err_code		(*make)(struct change *, const struct clerk_desk *, struct err *);
	struct store_who	 who;
	char			 actor[STORE_ACTOR_BYTES + 1];
	/* what is asked */
	cJSON			*body;		/* owned; the texts below are lent by it */
	const char		*name;		/* of the batch; "" = all */
	const char		*state;
	int64_t			 quantity;	/* 0: not asked */
	struct batch_order	 order;		/* of a new batch */
	/* what became of it */
	enum err_code		 rc;
	struct err		 err;
	struct store_batch	 batch;
	int64_t			 count;
	cJSON			*view;		/* what is answered, where it is neither of them; owned */
};

static void
change_free(struct change *ch)
{
	batch_order_done(&ch->order);
	cJSON_Delete(ch->body);
	cJSON_Delete(ch->view);
	free(ch);
}

static void
change_refuse(struct change *ch, const struct err *e)
{
	http_reply_problem(ch->req, e);
	change_free(ch);
}

static void
change_run(struct clerk_job *job, const struct clerk_desk *desk)
{
	struct change *ch = (struct change *)(void *)job;

	ch->rc = ch->make(ch, desk, &ch->err);
	http_resume(ch->req);	/* ch may be gone from here on */
}

static void
reply_json(struct http_request *req, unsigned status, cJSON *o)
{
	char *text = view_print(o);

	http_reply(req, status, "application/json", text, text != NULL ? strlen(text) : 0);
}

static void
change_resumed(struct http_request *req, void *arg)
{
	struct change *ch = arg;
	struct log_line l;

	if (ch->rc != ERR_OK) {
		change_refuse(ch, &ch->err);
		return;
	}
	log_begin(&l, LOG_INFO, "change");
	log_text(&l, "request", http_request_id(req));
	log_text(&l, "peer", http_request_peer(req));
	log_text(&l, "who", ch->actor);
	log_text(&l, "what", ch->action);
	log_text(&l, "on", ch->name);
	log_end(&l);
	if (ch->view != NULL) {
		reply_json(req, 200, ch->view);
		ch->view = NULL;
	} else if (ch->batch.id != 0) {
		char location[32 + LIMIT_NAME_BYTES];
		bool made = http_request_route(req)->method == HTTP_POST;

		(void)snprintf(location, sizeof(location), "/v1/batches/%s", ch->batch.name);
		if (made)
			http_reply_header(req, "Location", location);
		reply_json(req, made ? 201 : 200, view_batch(&ch->batch));
	} else {
		cJSON *o = cJSON_CreateObject();

		(void)cJSON_AddNumberToObject(o, "retried", (double)ch->count);
		reply_json(req, 200, o);
	}
	change_free(ch);
}

static void
change_send(struct change *ch)
{
	const cJSON *reason = cJSON_GetObjectItemCaseSensitive(ch->body, "reason");

	/* a badge that was scanned into the wrong field is not kept for ever */
	if (cJSON_IsString(reason))
		token_mask(reason->valuestring, strlen(reason->valuestring));
	access_who(ch->req, cJSON_IsString(reason) ? reason->valuestring : "", ch->actor, &ch->who);
	ch->job.run = change_run;
	http_suspend(ch->req, change_resumed, ch);
	clerk_push(ch->line->clerk, &ch->job);
}

/* ---- the body */

struct member {
	const char	*name;
	cJSON_bool	(*is)(const cJSON *);
	const char	*what;		/* it must be, in words */
};

/* What goes into the ledger for ever, and out of it again as JSON. */
static bool
is_text(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p != '\0') {
		unsigned more = *p < 0x80 ? 0 : (*p & 0xe0) == 0xc0 ? 1 : (*p & 0xf0) == 0xe0 ? 2 : 3;

		if (*p < 0x20 || *p == 0x7f || (*p & 0xc0) == 0x80 || *p == 0xc0 || *p == 0xc1 || *p > 0xf4)
			return false;
		for (p++; more > 0; more--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

/* An object with members of these names and kinds only: a misspelt one must not be passed over. */
static enum err_code
body_check(const cJSON *body, const struct member *members, struct err *e)
{
	const cJSON *item;

	if (!cJSON_IsObject(body))
		return err_say(e, ERR_BAD_REQUEST, "A JSON object is needed as the body.");
	cJSON_ArrayForEach(item, body) {
		const struct member *m = members;

		while (m->name != NULL && strcmp(m->name, item->string) != 0)
			m++;
		if (m->name == NULL)
			return err_say(e, ERR_BAD_REQUEST, "There is no member \"%.40s\" here.", item->string);
		if (cJSON_GetObjectItemCaseSensitive(body, item->string) != item)
			return err_say(e, ERR_BAD_REQUEST, "The member \"%.40s\" is there twice.", item->string);
		if (cJSON_IsString(item) && !is_text(item->valuestring))
			return err_say(e, ERR_BAD_REQUEST, "%s: it has control characters, or is no UTF-8.", m->name);
		if (!m->is(item))
			return err_say(e, ERR_BAD_REQUEST, "%s: %s is needed.", m->name, m->what);
	}
	return ERR_OK;
}

static const char *
body_text(const cJSON *body, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, name));
}

/* A whole number of what may be ordered; 0: it is not there. */
static enum err_code
body_quantity(const cJSON *body, int64_t *ret, struct err *e)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, "quantity");

	*ret = 0;
	if (item == NULL)
		return ERR_OK;
	if (!(item->valuedouble >= 1 && item->valuedouble <= LIMIT_BATCH_QUANTITY) ||
	    (double)(int64_t)item->valuedouble < item->valuedouble)
		return err_say(e, ERR_BAD_REQUEST, "quantity: a whole number from 1 to %d is needed.", LIMIT_BATCH_QUANTITY);
	*ret = (int64_t)item->valuedouble;
	return ERR_OK;
}

/* By its commas, before it is read: 2,000,000 entries of one digit would take 150 MB.  (Those in texts count too, and are few.) */
static enum err_code
body_count(const uint8_t *body, size_t len, struct err *e)
{
	size_t commas = 0;

	for (size_t i = 0; i < len; i++)
		commas += body[i] == ',';
	if (commas <= LIMIT_CHANGE_ENTRIES)
		return ERR_OK;
	return err_say(e, ERR_BAD_REQUEST, "The body has more than %d entries. Order in several batches, or make this one on the line server: "
	    "lineca batch create NAME --quantity N --devices FILE.", LIMIT_CHANGE_ENTRIES);
}

/* Reads the body; an empty one is an empty object.  NULL: it has been refused. */
static struct change *
change_new(struct http_request *req, struct line *l, const char *action, const struct member *members)
{
	struct change *ch = calloc(1, sizeof(*ch));
	size_t len;
	const uint8_t *body = http_request_body(req, &len);
	struct err e;

	err_clear(&e);
	if (ch == NULL) {
		(void)err_set(&e, ERR_NOMEM, "change");
		http_reply_problem(req, &e);
		return NULL;
	}
	ch->req = req;
	ch->line = l;
	ch->action = action;
	ch->name = "";
	if (len == 0)
		ch->body = cJSON_CreateObject();
	if ((len > 0 && (body_count(body, len, &e) != ERR_OK || json_parse(body, len, &ch->body, &e) != ERR_OK)) ||
	    body_check(ch->body, members, &e) != ERR_OK) {
		change_refuse(ch, &e);
		return NULL;
	}
	return ch;
}

/* ---- PATCH /v1/batches/{} */

static enum err_code
make_batch_change(struct change *ch, const struct clerk_desk *d, struct err *e)
{
	enum err_code rc;

	if (ch->quantity != 0)
		rc = d->ops->batch_set_quantity(d->store, ch->name, ch->quantity, &ch->who, e);
	else
		rc = d->ops->batch_set_state(d->store, ch->name, strcmp(ch->state, "open") == 0 ? BATCH_OPEN : BATCH_CLOSED, &ch->who, e);
	return rc != ERR_OK ? rc : d->ops->batch_find(d->reader, ch->name, &ch->batch, e);
}

static enum err_code
plan_batch_change(struct change *ch, struct err *e)
{
	const char *reason = body_text(ch->body, "reason");
	enum err_code rc;

	ch->state = body_text(ch->body, "state");
	if ((rc = body_quantity(ch->body, &ch->quantity, e)) != ERR_OK)
		return rc;
	if ((ch->state != NULL) == (ch->quantity != 0))
		return err_say(e, ERR_BAD_REQUEST, "Say either state (\"open\" or \"closed\") or quantity.");
	if (ch->state != NULL && strcmp(ch->state, "open") != 0 && strcmp(ch->state, "closed") != 0)
		return err_say(e, ERR_BAD_REQUEST, "state: \"open\" or \"closed\" is needed.");
	if (ch->quantity == 0)
		return ERR_OK;
	/* what was ordered is the engineer's business */
	if ((rc = access_require(ch->req, ch->line, ACCESS_ADMIN, e)) != ERR_OK)
		return rc;
	if (reason == NULL || reason[strspn(reason, " \t")] == '\0')
		return err_say(e, ERR_BAD_REQUEST, "reason: say why the quantity changes; it is recorded.");
	return ERR_OK;
}

void
change_batch(struct http_request *req, void *line)
{
	static const struct member members[] = {
		{ "state", cJSON_IsString, "\"open\" or \"closed\"" }, { "quantity", cJSON_IsNumber, "a number" },
		{ "reason", cJSON_IsString, "a text" }, { 0 }
	};
	struct change *ch = change_new(req, line, "batch", members);
	struct err e;

	if (ch == NULL)
		return;
	ch->name = http_request_argument(req);
	ch->make = make_batch_change;
	if (plan_batch_change(ch, &e) != ERR_OK)
		change_refuse(ch, &e);
	else
		change_send(ch);
}

/* ---- POST /v1/uploads/retry */

static enum err_code
name_serial(const struct change *ch, uint8_t ret[STORE_SERIAL_BYTES], struct err *e)
{
	return hex_decode(ch->name, ret, STORE_SERIAL_BYTES) ? ERR_OK :
	    err_say(e, ERR_NOT_FOUND, "A serial has %d hexadecimal digits.", 2 * STORE_SERIAL_BYTES);
}

static enum err_code
make_retry_one(struct change *ch, const struct clerk_desk *d, struct err *e)
{
	uint8_t serial[STORE_SERIAL_BYTES];
	enum err_code rc;
	bool back;

	if ((rc = name_serial(ch, serial, e)) == ERR_OK && (rc = d->ops->certificate_retry(d->store, serial, &ch->who, &back, e)) == ERR_OK)
		ch->count = back;
	return rc;
}

static enum err_code
make_retry(struct change *ch, const struct clerk_desk *d, struct err *e)
{
	struct store_batch b;
	int64_t id = -1;
	enum err_code rc;

	if (ch->name[0] != '\0') {
		if ((rc = d->ops->batch_find(d->reader, ch->name, &b, e)) != ERR_OK)
			return rc;
		id = b.id;
	}
	return d->ops->upload_retry(d->store, id, &ch->who, &ch->count, e);
}

void
change_upload_retry(struct http_request *req, void *line)
{
	static const struct member members[] = {
		{ "batch", cJSON_IsString, "the name of a batch" }, { "serial", cJSON_IsString, "the serial of a certificate" },
		{ "reason", cJSON_IsString, "a text" }, { 0 }
	};
	struct change *ch = change_new(req, line, "upload.retry", members);
	const char *batch, *serial;
	struct err e;

	if (ch == NULL)
		return;
	batch = body_text(ch->body, "batch");
	serial = body_text(ch->body, "serial");
	if (batch != NULL && serial != NULL) {
		(void)err_say(&e, ERR_BAD_REQUEST, "Say either batch or serial, or neither: all of them.");
		change_refuse(ch, &e);
		return;
	}
	ch->name = serial != NULL ? serial : batch != NULL ? batch : "";
	ch->make = serial != NULL ? make_retry_one : make_retry;
	change_send(ch);
}

/* ---- one certificate, one device */

static const struct member reason_only[] = { { "reason", cJSON_IsString, "a text" }, { 0 } };

static enum err_code
check_reason(const struct change *ch, struct err *e)
{
	const char *reason = body_text(ch->body, "reason");

	if (reason == NULL || reason[strspn(reason, " \t")] == '\0')
		return err_say(e, ERR_BAD_REQUEST, "reason: say why; it is recorded.");
	return ERR_OK;
}

static enum err_code
make_revoke(struct change *ch, const struct clerk_desk *d, struct err *e)
{
	uint8_t serial[STORE_SERIAL_BYTES];
	struct recorded *recorded = NULL;
	enum err_code rc;

	if ((rc = name_serial(ch, serial, e)) != ERR_OK || (rc = d->ops->certificate_revoke(d->store, serial, &ch->who, e)) != ERR_OK ||
	    (rc = d->ops->recorded_find_serial(d->reader, serial, &recorded, e)) != ERR_OK)
		return rc;
	ch->view = view_certificate(recorded_certificate(recorded));
	recorded_free(recorded);
	return ERR_OK;
}

static enum err_code
make_rework(struct change *ch, const struct clerk_desk *d, struct err *e)
{
	struct store_rework rework;
	enum err_code rc;

	if ((rc = d->ops->device_rework(d->store, ch->name, &ch->who, e)) != ERR_OK ||
	    (rc = d->ops->device_rework_find(d->reader, ch->name, &rework, e)) != ERR_OK)
		return rc;
	ch->view = cJSON_CreateObject();
	(void)cJSON_AddStringToObject(ch->view, "device_id", ch->name);
	(void)cJSON_AddItemToObject(ch->view, "rework", view_rework(&rework));
	return ERR_OK;
}

static void
change_one(struct http_request *req, void *line, const char *action,
    enum err_code (*make)(struct change *, const struct clerk_desk *, struct err *))
{
	struct change *ch = change_new(req, line, action, reason_only);
	struct err e;

	if (ch == NULL)
		return;
	ch->name = http_request_argument(req);
	ch->make = make;
	if (check_reason(ch, &e) != ERR_OK)
		change_refuse(ch, &e);
	else
		change_send(ch);
}

void
change_revoke(struct http_request *req, void *line)
{
	change_one(req, line, "certificate.revoke", make_revoke);
}

void
change_rework(struct http_request *req, void *line)
{
	change_one(req, line, "device.rework", make_rework);
}

/* ---- POST /v1/batches */

static enum err_code
make_batch(struct change *ch, const struct clerk_desk *d, struct err *e)
{
	enum err_code rc;

	if ((rc = batch_order_make(&ch->order, ch->line->home, d->ops, d->store, &ch->who, e)) != ERR_OK)
		return rc;
	return d->ops->batch_find(d->reader, ch->name, &ch->batch, e);
}

static enum err_code
plan_batch(struct change *ch, struct err *e)
{
	struct batch_wish wish = {
		.name = body_text(ch->body, "name"), .pattern = body_text(ch->body, "pattern"), .profile = body_text(ch->body, "profile"),
		.ca = body_text(ch->body, "ca"), .aws = body_text(ch->body, "aws"),
		.approval = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(ch->body, "approval"))
	};
	const cJSON *devices = cJSON_GetObjectItemCaseSensitive(ch->body, "devices"), *item;
	struct worker *w;
	enum err_code rc;

	if (wish.name == NULL)
		return err_say(e, ERR_BAD_REQUEST, "name: how is the batch called?");
	if ((rc = body_quantity(ch->body, &wish.quantity, e)) != ERR_OK)
		return rc;
	if (wish.quantity == 0)
		return err_say(e, ERR_BAD_REQUEST, "quantity: how many certificates are ordered?");
	wish.listed = devices != NULL;
	cJSON_ArrayForEach(item, devices) {
		if (!cJSON_IsString(item))
			return err_say(e, ERR_BAD_REQUEST, "devices: a list of device ids is needed.");
		if ((rc = device_list_add(&ch->order.list, item->valuestring, e)) != ERR_OK)
			return rc;
	}
	if (wish.listed && (rc = device_list_finish(&ch->order.list, e)) != ERR_OK)
		return rc;
	if ((rc = worker_get(ch->line, &w, e)) != ERR_OK)
		return rc;
	ch->name = wish.name;
	return batch_order_plan(&wish, ch->line->home, w->reader, &ch->order, e);
}

/* What the command line calls wrong usage is a wrong body here: its words, without the dashes of its options and the lines of its files. */
static void
wrong_body(struct err *e)
{
	char text[ERR_LOG_TEXT_BYTES], *out = text;

	for (const char *in = e->log_text; *in != '\0' && out < text + sizeof(text) - 8; in++) {
		if (strncmp(in, "--", 2) == 0 && (in == e->log_text || in[-1] == ' ')) {
			in++;
		} else if (strncmp(in, " line ", 6) == 0) {
			out = stpcpy(out, " entry ");
			in += 5;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
	(void)err_say(e, ERR_BAD_REQUEST, "%s", text);
}

void
change_batch_create(struct http_request *req, void *line)
{
	static const struct member members[] = {
		{ "name", cJSON_IsString, "a text" }, { "quantity", cJSON_IsNumber, "a number" }, { "pattern", cJSON_IsString, "a text" },
		{ "devices", cJSON_IsArray, "a list of device ids" }, { "profile", cJSON_IsString, "a text" }, { "ca", cJSON_IsString, "a text" },
		{ "aws", cJSON_IsString, "a text" }, { "approval", cJSON_IsBool, "true or false" }, { "reason", cJSON_IsString, "a text" }, { 0 }
	};
	struct change *ch = change_new(req, line, "batch.create", members);
	struct err e;

	if (ch == NULL)
		return;
	ch->make = make_batch;
	if (plan_batch(ch, &e) != ERR_OK) {
		if (e.code == ERR_USAGE || e.code == ERR_NOT_FOUND)
			wrong_body(&e);
		change_refuse(ch, &e);
		return;
	}
	change_send(ch);
}
