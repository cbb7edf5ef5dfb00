#include "doors/est.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ca/certs_only.h"
#include "ca/csrattrs.h"
#include "base/base64.h"
#include "enroll.h"
#include "worker.h"

/*
 * What clients compare, letter by letter: libest the beginning of the first for an issued certificate; BouncyCastle the whole of the second for the
 * CA's, which therefore has no smime-type.
 */
#define CERTIFICATE_TYPE "application/pkcs7-mime; smime-type=certs-only"
static const char certificate_type[] = CERTIFICATE_TYPE;
static const char cacerts_type[] = "application/pkcs7-mime";
static const char csrattrs_type[] = "application/csrattrs";
static const char text_type[] = "text/plain; charset=utf-8";

/* ---- whom we talk to */

static bool
sends(struct http_request *req, const char *header)
{
	return http_request_header(req, header) != NULL;
}

/*
 * Of two kinds of client that read base64 only one can be served by one text: those built on OpenSSL's BIO_f_base64 (libest) lose long lines without an end;
 * strongSwan (5.9) takes no line ends.  RFC 8951 wants both to be taken.  Lines are for everybody but who looks like strongSwan, which says nothing at all
 * about itself.
 */
static bool
wants_one_line(struct http_request *req)
{
	return !sends(req, "User-Agent") && !sends(req, "Accept") && !sends(req, "Accept-Encoding") && !sends(req, "Connection");
}

/*
 * BouncyCastle (1.72) goes on after a challenge and after 202 without having read the body, and then gives up because of what it has not read.  A program
 * that says neither who it is nor what it can read has nobody to show a sentence to: it is told by the status alone what it has to do.
 */
static bool
wants_no_words(struct http_request *req, unsigned status)
{
	return (status == 202 || (status == 401 && !sends(req, "Authorization"))) && !sends(req, "User-Agent") && !sends(req, "Accept");
}

/* ---- refusals */

/* The statuses that RFC 7030 clients expect; est.h says why. */
static unsigned
est_status(enum err_code code, unsigned status)
{
	if (code == ERR_BATCH_WAITING)
		return 202;
	if (code == ERR_BATCH_AMBIGUOUS)
		return 404;
	switch (status) {
	case 409:
		return 403;
	case 422:
		return 400;
	case 507:
		return 503;
	default:
		return status;
	}
}

/*
 * WWW-Authenticate: EST clients have a user name and a password (RFC 7030 3.2.3).  The realm is named after the host that the client asked for; of a Host
 * header with other characters only what is before them is told.
 */
static void
ask_for_password(struct http_request *req)
{
	static const char host_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_[]";
	enum { HOST_BYTES = 100 };
	const char *host = http_request_header(req, "Host");
	size_t len = host != NULL ? strspn(host, host_characters) : 0;
	char value[HOST_BYTES + 40];

	(void)snprintf(value, sizeof(value), "Basic realm=\"estserver%s%.*s\"", len > 0 ? "@" : "",
	    (int)(len < HOST_BYTES ? len : HOST_BYTES), len > 0 ? host : "");
	http_reply_header(req, "WWW-Authenticate", value);
}

/* One line of printable ASCII: what came from outside (a label) may stand in the sentence. */
static void
reply_refusal(struct http_request *req, const struct err *e, unsigned status, const char *detail)
{
	struct buf b = { 0 };
	size_t len = 0;
	char *body;

	if (wants_no_words(req, status))
		buf_puts(&b, "");
	else
		buf_printf(&b, "%u %s\n", status, detail);
	if ((body = buf_take(&b, &len)) != NULL)
		for (size_t i = 0; i + 1 < len; i++)
			if (body[i] < 0x20 || body[i] > 0x7e)
				body[i] = '?';
	http_reply_refusal(req, e, status, text_type, body, len);
}

void
est_refuse(struct http_request *req, const struct err *e)
{
	struct http_refusal r;

	http_refusal_of(e, &r);
	if (e->code == ERR_UNAUTHORIZED) {
		ask_for_password(req);
		if (e->client_text[0] == '\0')
			r.detail = "This needs a token: send it as the password of HTTP Basic authentication, with any user name.";
	}
	reply_refusal(req, e, est_status(e->code, r.status), r.detail);
}

/* RFC 7030 4.3: nobody has to have it. */
void
est_fullcmc(struct http_request *req, void *line)
{
	struct err e;

	(void)line;
	(void)err_say(&e, ERR_NOT_FOUND, "Full CMC is not offered here. Post a PKCS#10 request to simpleenroll.");
	reply_refusal(req, &e, 501, e.client_text);
}

/* ---- answers */

/* 200 with DER in base64. */
static void
reply_der(struct http_request *req, const char *type, const uint8_t *der, size_t der_len)
{
	size_t columns = wants_one_line(req) ? BASE64_ONE_LINE : BASE64_COLUMNS, len = base64_bytes(der_len, columns);
	char *body = malloc(len);
	struct err e;

	if (body == NULL) {
		(void)err_set(&e, ERR_NOMEM, "a body of %zu bytes", len);
		est_refuse(req, &e);
		return;
	}
	(void)base64_put(body, der, der_len, columns);
	/* RFC 8951 has no use for it; RFC 7030 wants it, and older clients look for it */
	http_reply_header(req, "Content-Transfer-Encoding", "base64");
	http_reply(req, 200, type, body, len);
}

/* The batch behind the label; *ret_given is false without a label. */
static enum err_code
find_label(struct http_request *req, struct line *l, struct store_batch *ret, bool *ret_given, struct err *e)
{
	const char *label = http_request_argument(req);
	struct worker *w;
	enum err_code rc;

	if (*label != '\0' &&
	    ((rc = worker_get(l, &w, e)) != ERR_OK || (rc = l->home->ops->batch_find(w->reader, label, ret, e)) != ERR_OK))
		return rc;
	*ret_given = *label != '\0';
	return ERR_OK;
}

/*
 * Certificates by which a device can check those that come from here.  A batch's CA is told also when it is no longer active: what it
 * issued is still out there.
 */
static enum err_code
collect_cas(struct http_request *req, const struct line *l, const struct store_batch *batch, struct certs_only_part parts[LIMIT_CAS],
    size_t *ret_count, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < l->cas_count; i++) {
		const struct line_ca *ca = &l->cas[i];

		if (batch != NULL ? ca->row.id == batch->ca_id : ca->issuer != NULL && ca->row.active)
			parts[n++] = (struct certs_only_part){ ca->row.der, ca->row.der_len };
	}
	if (n == 0 && batch != NULL)
		return err_set(e, ERR_INTERNAL, "request %s: batch %s: no such CA as %s here", http_request_id(req), batch->name, batch->ca_name);
	if (n == 0)
		return err_say(e, ERR_NOT_FOUND, "No CA is active on this line. Call the engineer.");
	*ret_count = n;
	return ERR_OK;
}

void
est_cacerts(struct http_request *req, void *arg)
{
	struct line *l = arg;
	struct certs_only_part parts[LIMIT_CAS];
	struct store_batch batch;
	uint8_t *der = NULL;
	size_t n, len;
	bool given;
	struct err e;

	if (find_label(req, l, &batch, &given, &e) != ERR_OK ||
	    collect_cas(req, l, given ? &batch : NULL, parts, &n, &e) != ERR_OK ||
	    certs_only_encode(parts, n, &der, &len, &e) != ERR_OK) {
		est_refuse(req, &e);
		return;
	}
	reply_der(req, cacerts_type, der, len);
	free(der);
}

/* The same for every batch: each profile takes it.  The label is only looked up, so that a wrong one is found out early. */
void
est_csrattrs(struct http_request *req, void *arg)
{
	struct store_batch batch;
	const uint8_t *der;
	size_t len;
	bool given;
	struct err e;

	if (find_label(req, arg, &batch, &given, &e) != ERR_OK) {
		est_refuse(req, &e);
		return;
	}
	der = csrattrs_der(&len);
	reply_der(req, csrattrs_type, der, len);
}

/* ---- enrolling */

/* The label is the batch; the body goes to enroll.c as it came: pem_decode_request takes every form that EST clients send. */
static enum err_code
read_request(struct http_request *req, struct enroll_ask *ret, struct err *e)
{
	const char *label = http_request_argument(req);
	size_t len = strlen(label);

	if (len > LIMIT_NAME_BYTES)
		return err_set(e, ERR_BATCH_NOT_FOUND, "a label of %zu bytes", len);
	memcpy(ret->batch, label, len + 1);
	ret->csr = http_request_body(req, &ret->csr_len);
	return ERR_OK;
}

static enum err_code
read_renewal(struct http_request *req, struct enroll_ask *ret, struct err *e)
{
	ret->renew = true;
	return read_request(req, ret, e);
}

static enum err_code
read_keygen(struct http_request *req, struct enroll_ask *ret, struct err *e)
{
	ret->keygen = true;
	return read_request(req, ret, e);
}

/* Only the issued certificate: some clients refuse a bag with more in it, and cacerts has the rest. */
static enum err_code
certificate_bag(const struct enroll_reply *reply, uint8_t **ret, size_t *ret_len, struct err *e)
{
	const struct store_certificate *c = recorded_certificate(reply->recorded);

	return certs_only_encode(&(struct certs_only_part){ c->der, c->der_len }, 1, ret, ret_len, e);
}

/* 200, whether the certificate is new or was there: EST knows no other. */
static void
answer_certificate(struct http_request *req, const struct enroll_reply *reply)
{
	uint8_t *bag = NULL;
	size_t len;
	struct err e;

	if (certificate_bag(reply, &bag, &len, &e) != ERR_OK) {
		est_refuse(req, &e);
		return;
	}
	reply_der(req, certificate_type, bag, len);
	free(bag);
}

/* Base64 has no "-": the boundary cannot stand in a part. */
#define BOUNDARY "est-key-and-certificate"
#define PART(type) "--" BOUNDARY "\r\nContent-Type: " type "\r\nContent-Transfer-Encoding: base64\r\n\r\n"

static const char key_begin[] = PART("application/pkcs8");
static const char certificate_begin[] = "\r\n" PART(CERTIFICATE_TYPE);
static const char parts_end[] = "\r\n--" BOUNDARY "--\r\n";

static char *
put_text(char *out, const char *text)
{
	size_t len = strlen(text);

	memcpy(out, text, len);
	return out + len;
}

/* RFC 7030 4.4.2: the key in the clear (TLS hides it), then the certificate.  The key is written once, to where it is sent from and wiped. */
static void
answer_key(struct http_request *req, const struct enroll_reply *reply)
{
	uint8_t *bag = NULL;
	size_t bag_len, len;
	char *body, *p;
	struct err e;

	if (certificate_bag(reply, &bag, &bag_len, &e) != ERR_OK) {
		est_refuse(req, &e);
		return;
	}
	len = strlen(key_begin) + base64_bytes(reply->key_len, BASE64_COLUMNS) + strlen(certificate_begin) +
	    base64_bytes(bag_len, BASE64_COLUMNS) + strlen(parts_end);
	if ((body = malloc(len)) == NULL) {
		free(bag);
		(void)err_set(&e, ERR_NOMEM, "a body of %zu bytes", len);
		est_refuse(req, &e);
		return;
	}
	p = put_text(body, key_begin);
	p = base64_put(p, reply->key, reply->key_len, BASE64_COLUMNS);
	p = put_text(p, certificate_begin);
	p = base64_put(p, bag, bag_len, BASE64_COLUMNS);
	(void)put_text(p, parts_end);
	free(bag);
	http_reply_secret(req, 200, "multipart/mixed; boundary=" BOUNDARY, body, len);
}

static const struct enroll_door enroll_door = {
	.name = "est",
	.read = read_request,
	.answer = answer_certificate,
};

static const struct enroll_door renewal_door = {
	.name = "est-renewal",
	.read = read_renewal,
	.answer = answer_certificate,
};

static const struct enroll_door keygen_door = {
	.name = "est-keygen",
	.read = read_keygen,
	.answer = answer_key,
};

void
est_simpleenroll(struct http_request *req, void *line)
{
	enroll_run(req, line, &enroll_door);
}

void
est_simplereenroll(struct http_request *req, void *line)
{
	enroll_run(req, line, &renewal_door);
}

void
est_serverkeygen(struct http_request *req, void *line)
{
	enroll_run(req, line, &keygen_door);
}
