#include "doors/cfssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doors/json.h"
#include "enroll.h"
#include "view.h"
#include "worker.h"

static const char json_type[] = "application/json";

/* ---- refusals */

/* doc/errorcode.txt of cfssl */
enum {
	CFSSL_CSR_DECODE = 9002,
	CFSSL_CSR_BAD = 9300,		/* also: signed with another key */
	CFSSL_POLICY_REQUEST = 5300,
	CFSSL_POLICY_WHITELIST = 5500,
	CFSSL_STORE_INSERT = 11100
};

/* What cfssl would have refused itself, with 400; the message begins with its own words where it has some. */
static const struct refusal {
	enum err_code	 code;
	int		 number;
	const char	*beginning;
} refusals[] = {
	{ ERR_CSR_MALFORMED, CFSSL_CSR_DECODE, "" },
	{ ERR_CSR_SIGNATURE, CFSSL_CSR_BAD, "" },
	{ ERR_PRIVATE_KEY, CFSSL_CSR_BAD, "" },
	{ ERR_KEY, CFSSL_POLICY_REQUEST, "" },
	{ ERR_SUBJECT, CFSSL_POLICY_REQUEST, "" },
	{ ERR_BATCH_CLOSED, CFSSL_POLICY_REQUEST, "" },
	{ ERR_BATCH_FULL, CFSSL_POLICY_REQUEST, "" },
	{ ERR_BATCH_WAITING, CFSSL_POLICY_REQUEST, "" },
	{ ERR_DEVICE_NOT_LISTED, CFSSL_POLICY_WHITELIST, "" },
	{ ERR_DEVICE_EXISTS, CFSSL_STORE_INSERT, "" },
	{ ERR_KEY_REUSED, CFSSL_STORE_INSERT, "" },
	{ ERR_BATCH_NOT_FOUND, 400, "bad label: " },
	{ ERR_BATCH_AMBIGUOUS, 400, "bad label: " },
	{ ERR_UNAUTHORIZED, 400, "authentication required: " },
};

static const struct refusal *
find_refusal(enum err_code code)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].code == code)
			return &refusals[i];
	return NULL;
}

void
cfssl_refuse(struct http_request *req, const struct err *e)
{
	const struct refusal *known = find_refusal(e->code);
	const char *beginning = known != NULL ? known->beginning : "";
	struct buf b = { 0 }, message = { 0 };
	struct http_refusal r;
	size_t len = 0;
	unsigned status;
	char *body;

	http_refusal_of(e, &r);
	status = known != NULL ? 400 : r.status;
	if (e->code == ERR_UNAUTHORIZED && http_request_header(req, "Authorization") != NULL)
		beginning = "invalid token: ";
	buf_printf(&message, "%s%s", beginning, r.detail);
	buf_printf(&b, "{\"success\":false,\"result\":null,\"errors\":[{\"code\":%d,\"message\":",
	    known != NULL ? known->number : status == 500 ? 0 : (int)status);
	json_put_text(&b, message.data != NULL ? message.data : "", message.len);
	buf_puts(&b, "}],\"messages\":[]}\n");
	b.failed = b.failed || message.failed;
	buf_done(&message);
	body = buf_take(&b, &len);
	/* so Go's http.Error sends it */
	http_reply_refusal(req, e, status, "text/plain; charset=utf-8", body, len);
}

/* ---- what is not followed */

/* Was it meant to change something?  cfssl's client sends every member, most of them empty. */
static bool
is_meant(const cJSON *item)
{
	if (cJSON_IsString(item))
		return *item->valuestring != '\0';
	if (cJSON_IsArray(item))
		return item->child != NULL;
	return item != NULL && !cJSON_IsNull(item) && !cJSON_IsFalse(item);
}

/* Their names with commas between. */
static void
list_ignored(const cJSON *o, const char *profile, struct buf *b)
{
	static const char *const names[] = { "hostname", "hosts", "subject", "serial", "profile", "crl_override", "extensions", "bundle" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, names[i]);

		if (!is_meant(item) || (strcmp(names[i], "profile") == 0 && cJSON_IsString(item) && strcmp(item->valuestring, profile) == 0))
			continue;
		buf_printf(b, "%s%s", b->len > 0 ? ", " : "", names[i]);
	}
}

/* The members messages of an answer.  The request is read once more: between reading and answering nothing of it was kept. */
static void
put_messages(struct buf *b, struct http_request *req, const char *profile)
{
	struct buf ignored = { 0 }, message = { 0 };
	cJSON *o = NULL;
	size_t len;
	const uint8_t *body = http_request_body(req, &len);

	if (json_parse(body, len, &o, NULL) == ERR_OK)
		list_ignored(o, profile, &ignored);
	json_free(o);
	buf_puts(b, "\"messages\":[");
	if (ignored.len > 0) {
		buf_printf(&message, "not followed, the profile %s decides: %s", profile, ignored.data);
		buf_puts(b, "{\"code\":0,\"message\":");
		json_put_text(b, message.data != NULL ? message.data : "", message.len);
		buf_puts(b, "}");
	}
	buf_puts(b, "]");
	b->failed = b->failed || ignored.failed || message.failed;
	buf_done(&ignored);
	buf_done(&message);
}

/* ---- sign */

static enum err_code
read_label(const cJSON *o, char out[LIMIT_NAME_BYTES + 1], struct err *e)
{
	const char *label;
	enum err_code rc;

	if ((rc = json_text(o, "label", &label, e)) != ERR_OK)
		return rc;
	if (label == NULL)
		label = "";
	if (strlen(label) > LIMIT_NAME_BYTES)
		return err_set(e, ERR_BATCH_NOT_FOUND, "a label of %zu bytes", strlen(label));
	(void)snprintf(out, LIMIT_NAME_BYTES + 1, "%s", label);
	return ERR_OK;
}

static enum err_code
read_members(const cJSON *o, struct enroll_ask *ret, struct err *e)
{
	const char *csr;
	enum err_code rc;

	if ((rc = json_text(o, "certificate_request", &csr, e)) != ERR_OK ||
	    (rc = read_label(o, ret->batch, e)) != ERR_OK)
		return rc;
	if (csr == NULL)
		return err_say(e, ERR_BAD_REQUEST, "missing parameter 'certificate_request'");
	return json_keep(csr, NULL, ret, e);
}

static enum err_code
read_request(struct http_request *req, struct enroll_ask *ret, struct err *e)
{
	size_t len;
	const uint8_t *body = http_request_body(req, &len);
	cJSON *o = NULL;
	enum err_code rc;

	if (json_parse(body, len, &o, e) != ERR_OK)
		return err_say(e, ERR_BAD_REQUEST, "Unable to parse sign request");
	rc = read_members(o, ret, e);
	json_free(o);
	return rc;
}

static void
answer(struct http_request *req, const struct enroll_reply *reply)
{
	size_t len = 0;
	char *pem = enroll_pem(reply, false, &len), *body;
	struct buf b = { 0 };
	struct err e;

	if (pem == NULL) {
		(void)err_set(&e, ERR_NOMEM, "a certificate");
		cfssl_refuse(req, &e);
		return;
	}
	buf_puts(&b, "{\"success\":true,\"result\":{\"certificate\":");
	json_put_text(&b, pem, len);
	buf_puts(&b, "},\"errors\":[],");
	put_messages(&b, req, recorded_certificate(reply->recorded)->profile);
	buf_puts(&b, "}\n");
	free(pem);
	body = buf_take(&b, &len);
	http_reply(req, 200, json_type, body, len);
}

static const struct enroll_door door = {
	.name = "cfssl",
	.read = read_request,
	.answer = answer,
};

void
cfssl_sign(struct http_request *req, void *line)
{
	enroll_run(req, line, &door);
}

/* ---- info */

/* What a label leads to. */
struct subject {
	const struct line_ca	*ca;
	const struct profile	*profile;
};

struct open_batches {
	unsigned	count;
	char		name[LIMIT_NAME_BYTES + 1];
};

static enum err_code
on_open_batch(void *arg, const struct store_batch *b, struct err *e)
{
	struct open_batches *open = arg;

	(void)e;
	open->count++;
	(void)snprintf(open->name, sizeof(open->name), "%s", b->name);
	return ERR_OK;
}

/* No batch is meant: what any would get, if there is one answer to that. */
static enum err_code
find_only_ca(const struct line *l, struct subject *ret, struct err *e)
{
	const struct line_ca *only = NULL;

	for (size_t i = 0; i < l->cas_count; i++) {
		if (l->cas[i].issuer == NULL || !l->cas[i].row.active)
			continue;
		if (only != NULL)
			return err_say(e, ERR_BATCH_AMBIGUOUS, "several CAs issue here; name the batch as the label.");
		only = &l->cas[i];
	}
	if (only == NULL)
		return err_say(e, ERR_BATCH_AMBIGUOUS, "no CA is active on this line. Call the engineer.");
	*ret = (struct subject){ .ca = only, .profile = config_profile(&l->home->config, profile_default.name) };
	return ERR_OK;
}

/* The same batch as sign would choose, lent by the worker. */
static enum err_code
find_subject(struct line *l, const char *label, struct subject *ret, struct err *e)
{
	struct open_batches open = { 0 };
	struct worker *w;
	struct order *o;
	enum err_code rc;

	if ((rc = worker_get(l, &w, e)) != ERR_OK)
		return rc;
	if (*label == '\0') {
		if ((rc = l->home->ops->batch_list(w->reader, BATCHES_OPEN, on_open_batch, &open, e)) != ERR_OK)
			return rc;
		if (open.count != 1)
			return find_only_ca(l, ret, e);
		label = open.name;
	}
	if ((rc = worker_order(w, label, &o, e)) != ERR_OK)
		return rc;
	*ret = (struct subject){ .ca = o->ca, .profile = o->has_profile ? &o->profile : NULL };
	return ERR_OK;
}

/* How long, as Go writes a duration in hours; "": for ever, or nobody knows. */
static void
put_expiry(struct buf *b, const struct profile *p)
{
	buf_puts(b, "\"expiry\":\"");
	if (p != NULL && !p->no_expiry)
		buf_printf(b, "%lldh", (long long)(p->validity_s / 3600));
	buf_puts(b, "\"");
}

static void
reply_info(struct http_request *req, const struct subject *s)
{
	char *pem = view_pem(s->ca->row.der, s->ca->row.der_len), *body;
	struct buf b = { 0 };
	size_t len = 0;

	buf_puts(&b, "{\"success\":true,\"result\":{\"certificate\":");
	if (pem != NULL)
		json_put_text(&b, pem, strlen(pem) - 1);	/* without its last line feed: cfssl trims it here */
	else
		b.failed = true;
	/* RSA keys get key encipherment too; which key comes is not known here */
	buf_puts(&b, ",\"usages\":[\"digital signature\",\"client auth\"],");
	put_expiry(&b, s->profile);
	buf_puts(&b, "},\"errors\":[],\"messages\":[]}\n");
	free(pem);
	body = buf_take(&b, &len);
	http_reply(req, 200, json_type, body, len);
}

void
cfssl_info(struct http_request *req, void *line)
{
	char label[LIMIT_NAME_BYTES + 1];
	size_t len;
	const uint8_t *body = http_request_body(req, &len);
	struct subject subject = { 0 };
	cJSON *o = NULL;
	struct err e;
	enum err_code rc;

	if ((rc = json_parse(body, len, &o, &e)) == ERR_OK)
		rc = read_label(o, label, &e);
	json_free(o);
	if (rc != ERR_OK || find_subject(line, label, &subject, &e) != ERR_OK) {
		cfssl_refuse(req, &e);
		return;
	}
	reply_info(req, &subject);
}
