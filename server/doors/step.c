#include "doors/step.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "base/hex.h"
#include "doors/json.h"
#include "enroll.h"
#include "view.h"

static const char json_type[] = "application/json";
static const char pem_end[] = "-----END CERTIFICATE-----\n";

/* ---- refusals */

#define SEE_LOGS "Please see the certificate authority logs for more info."

static void
reply_error(struct http_request *req, const struct err *e, unsigned status, struct buf *message)
{
	struct buf b = { 0 };
	size_t len = 0;
	char *body;

	buf_printf(&b, "{\"status\":%u,\"message\":", status);
	json_put_text(&b, message->data != NULL ? message->data : "", message->len);
	buf_puts(&b, "}\n");
	b.failed = b.failed || message->failed;
	buf_done(message);
	body = buf_take(&b, &len);
	http_reply_refusal(req, e, status, json_type, body, len);
}

/* step-ca ends the sentence itself. */
static void
put_clause(struct buf *b, const char *beginning, const char *detail)
{
	size_t len = strlen(detail);

	buf_puts(b, beginning);
	buf_put(b, detail, len > 0 && detail[len - 1] == '.' ? len - 1 : len);
	buf_puts(b, ".");
}

void
step_refuse(struct http_request *req, const struct err *e)
{
	struct buf message = { 0 };
	struct http_refusal r;

	http_refusal_of(e, &r);
	switch (r.status) {
	case 400:
		put_clause(&message, e->code == ERR_BAD_REQUEST ? "The request could not be completed: " :
		    "The request could not be completed: invalid csr: ", r.detail);
		break;
	case 401:
		buf_printf(&message, "The request lacked necessary authorization to be completed. %s", e->client_text[0] != '\0' ? r.detail : SEE_LOGS);
		break;
	case 403:
	case 409:
	case 422:
		r.status = 403;
		put_clause(&message, "The request was forbidden by the certificate authority: ", r.detail);
		/* a request of step-ca's form cannot name one */
		if (e->code == ERR_BATCH_AMBIGUOUS)
			buf_puts(&message, " A token that is for one batch chooses it.");
		break;
	case 404:
		buf_printf(&message, "The requested resource could not be found. %s", r.detail);
		break;
	case 500:
		buf_puts(&message, "The certificate authority encountered an Internal Server Error. " SEE_LOGS);
		break;
	default:
		buf_puts(&message, r.detail);
	}
	reply_error(req, e, r.status, &message);
}

/* ---- signing */

static enum err_code
read_members(const cJSON *o, bool ott_needed, struct enroll_ask *ret, struct err *e)
{
	const char *csr, *ott;

	if (json_text(o, "csr", &csr, e) != ERR_OK || json_text(o, "ott", &ott, e) != ERR_OK)
		return err_say(e, ERR_BAD_REQUEST, "error decoding json");
	if (csr == NULL)
		return err_say(e, ERR_BAD_REQUEST, "missing csr");
	if (ott == NULL && ott_needed)
		return err_say(e, ERR_BAD_REQUEST, "missing ott");
	return json_keep(csr, ott, ret, e);
}

static enum err_code
read_request(struct http_request *req, bool ott_needed, struct enroll_ask *ret, struct err *e)
{
	size_t len;
	const uint8_t *body = http_request_body(req, &len);
	cJSON *o = NULL;
	enum err_code rc;

	if (json_parse(body, len, &o, e) != ERR_OK)
		rc = err_say(e, ERR_BAD_REQUEST, "error decoding json");
	else
		rc = read_members(o, ott_needed, ret, e);
	json_free(o);
	http_request_wipe_body(req);	/* a token may stand in it, also where it could not be read */
	return rc;
}

static enum err_code
read_with_ott(struct http_request *req, struct enroll_ask *ret, struct err *e)
{
	return read_request(req, true, ret, e);
}

static enum err_code
read_any(struct http_request *req, struct enroll_ask *ret, struct err *e)
{
	return read_request(req, false, ret, e);
}

/* The end of the certificate at pem, a text of certificates and nothing else. */
static size_t
pem_block(const char *pem)
{
	const char *end = strstr(pem, pem_end);

	return end != NULL ? (size_t)(end - pem) + sizeof(pem_end) - 1 : strlen(pem);
}

/* {"crt":leaf,"ca":its issuer,"certChain":[leaf,issuer,...]} */
static void
answer(struct http_request *req, const struct enroll_reply *reply)
{
	size_t len = 0, leaf_len;
	char *chain = enroll_pem(reply, true, &len);
	struct buf b = { 0 };
	struct err e;

	if (chain == NULL) {
		(void)err_set(&e, ERR_NOMEM, "a chain");
		step_refuse(req, &e);
		return;
	}
	leaf_len = pem_block(chain);
	buf_puts(&b, "{\"crt\":");
	json_put_text(&b, chain, leaf_len);
	buf_puts(&b, ",\"ca\":");
	json_put_text(&b, chain + leaf_len, pem_block(chain + leaf_len));
	buf_puts(&b, ",\"certChain\":[");
	for (const char *p = chain; *p != '\0'; p += pem_block(p)) {
		if (p != chain)
			buf_puts(&b, ",");
		json_put_text(&b, p, pem_block(p));
	}
	buf_puts(&b, "]}\n");
	free(chain);
	chain = buf_take(&b, &len);
	http_reply(req, 201, json_type, chain, len);
}

static const struct enroll_door door = {
	.name = "step-ca",
	.read = read_any,
	.answer = answer,
};

static const struct enroll_door door_with_ott = {
	.name = "step-ca",
	.read = read_with_ott,
	.answer = answer,
};

void
step_sign(struct http_request *req, void *arg)
{
	struct line *l = arg;
	bool may = access_require(req, l, ACCESS_ENROLL_BODY, NULL) == ERR_OK;
	/* where only certificates count an ott would not help, and access.c says what would */
	bool ott_needed = !may && access_actor(req)->by == ACTOR_OPEN && l->home->config.server_enroll != ENROLL_CERTIFICATE;

	enroll_run(req, l, ott_needed ? &door_with_ott : &door);
}

/* ---- reading */

void
step_health(struct http_request *req, void *line)
{
	static const char ok[] = "{\"status\":\"ok\"}\n";

	(void)line;
	http_reply_static(req, 200, json_type, ok, sizeof(ok) - 1);
}

void
step_version(struct http_request *req, void *line)
{
	static const char version[] = "{\"version\":\"" LINECA_VERSION "\"}\n";

	(void)line;
	http_reply_static(req, 200, json_type, version, sizeof(version) - 1);
}

static void
put_certificate(struct buf *b, const struct store_ca *ca, bool json)
{
	char *pem = view_pem(ca->der, ca->der_len);

	if (pem == NULL)
		b->failed = true;
	else if (json)
		json_put_text(b, pem, strlen(pem));
	else
		buf_puts(b, pem);
	free(pem);
}

/* Those that issue now. */
static void
put_roots(struct buf *b, const struct line *l, bool json)
{
	bool first = true;

	for (size_t i = 0; i < l->cas_count; i++) {
		if (l->cas[i].issuer == NULL || !l->cas[i].row.active)
			continue;
		if (json && !first)
			buf_puts(b, ",");
		put_certificate(b, &l->cas[i].row, json);
		first = false;
	}
}

void
step_roots(struct http_request *req, void *line)
{
	struct buf b = { 0 };
	size_t len = 0;
	char *body;

	buf_puts(&b, "{\"crts\":[");
	put_roots(&b, line, true);
	buf_puts(&b, "]}\n");
	body = buf_take(&b, &len);
	http_reply(req, 201, json_type, body, len);	/* Created: so step-ca says */
}

void
step_roots_pem(struct http_request *req, void *line)
{
	struct buf b = { 0 };
	size_t len = 0;
	char *body;

	put_roots(&b, line, false);
	body = buf_take(&b, &len);
	http_reply(req, 200, "application/x-pem-file", body, len);
}

/* A fingerprint as people write it: any letter case, dashes between. */
static bool
parse_fingerprint(const char *text, uint8_t out[32])
{
	char hex[64 + 1];
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (*text == '-')
			continue;
		if (n == sizeof(hex) - 1)
			return false;
		hex[n++] = (char)tolower((unsigned char)*text);
	}
	hex[n] = '\0';
	return hex_decode(hex, out, 32);
}

static void
refuse_root(struct http_request *req)
{
	const char *text = http_request_argument(req);
	struct buf message = { 0 };
	struct err e;

	(void)err_set(&e, ERR_NOT_FOUND, "no CA of that fingerprint");
	buf_puts(&message, "root certificate with fingerprint \"");
	for (; *text != '\0'; text++) {
		char c = (char)tolower((unsigned char)*text);

		if (c == '"' || c == '\\')
			buf_puts(&message, "\\");
		if (c != '-')
			buf_put(&message, &c, 1);
	}
	buf_puts(&message, "\" was not found");
	reply_error(req, &e, 404, &message);
}

void
step_root(struct http_request *req, void *arg)
{
	const struct line *l = arg;
	uint8_t wanted[32];
	struct buf b = { 0 };
	size_t i = l->cas_count, len = 0;
	char *body;

	if (parse_fingerprint(http_request_argument(req), wanted))
		for (i = 0; i < l->cas_count && memcmp(l->cas[i].facts.fingerprint, wanted, sizeof(wanted)) != 0; i++)
			;
	if (i == l->cas_count) {
		refuse_root(req);
		return;
	}
	buf_puts(&b, "{\"ca\":");
	put_certificate(&b, &l->cas[i].row, true);
	buf_puts(&b, "}\n");
	body = buf_take(&b, &len);
	http_reply(req, 200, json_type, body, len);
}
