#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "http/internal.h"

/* What a code is to a client.  retry_s: when trying again can help, 0: it cannot. */
struct problem {
	unsigned	 status;
	unsigned	 retry_s;
	const char	*title;
	const char	*detail;	/* where the error brings no sentence of its own */
};

/* The one place that turns codes into HTTP.  No default: a new code must be thought of here. */
static struct problem
problem_of(enum err_code code)
{
	switch (code) {
	case ERR_BAD_REQUEST:
		return (struct problem){ 400, 0, "Bad request", "The request could not be understood." };
	case ERR_CSR_MALFORMED:
		return (struct problem){ 400, 0, "CSR malformed", "The body is not one whole PKCS#10 request." };
	case ERR_CSR_SIGNATURE:
		return (struct problem){ 400, 0, "No proof of possession",
		    "The device sent no proof that it holds its key. Power-cycle it and test again; if it repeats, set it aside." };
	case ERR_PRIVATE_KEY:
		return (struct problem){ 400, 0, "Private key posted",
		    "A private key came instead of a CSR. Nothing of it was kept; treat that key as lost and make a new one in the device." };
	case ERR_KEY:
		return (struct problem){ 422, 0, "Key rejected", "The device's key is not one that this line certifies." };
	case ERR_SUBJECT:
		return (struct problem){ 422, 0, "Subject rejected", "The CSR's subject is not what this line accepts." };
	case ERR_MEDIA_TYPE:
		return (struct problem){ 415, 0, "Media type not supported", "Send the CSR as application/pkcs10." };
	case ERR_TOO_LARGE:
		return (struct problem){ 413, 0, "Body too large", "A CSR is at most 16 KiB." };
	case ERR_METHOD:
		return (struct problem){ 405, 0, "Method not allowed", "This address does not take that method." };
	case ERR_NOT_FOUND:
		return (struct problem){ 404, 0, "Not found", "There is no such thing here." };
	case ERR_UNAUTHORIZED:
		return (struct problem){ 401, 0, "Unauthorized",
		    "This needs a token: send it as Authorization: Bearer TOKEN. The engineer makes one with `lineca token create`." };
	case ERR_FORBIDDEN:
		return (struct problem){ 403, 0, "Forbidden", "Your token does not allow this. Ask the engineer for one that does." };
	case ERR_TOO_MANY:
		return (struct problem){ 429, 1, "Too many requests", "Too many requests came from here. Wait as Retry-After says, then send it again." };
	case ERR_CONFLICT:
		return (struct problem){ 409, 0, "Conflict", "That cannot be done in the present state." };
	case ERR_BATCH_NOT_FOUND:
		return (struct problem){ 404, 0, "Batch not found", "There is no batch of that name. Check the order's name at the station." };
	case ERR_BATCH_AMBIGUOUS:
		return (struct problem){ 409, 0, "Batch ambiguous", "Name the batch: POST /v1/enroll/BATCH." };
	case ERR_BATCH_CLOSED:
		return (struct problem){ 403, 0, "Batch closed", "The batch is closed. Nothing was issued; ask the line lead to open it." };
	case ERR_BATCH_WAITING:
		return (struct problem){ 403, 60, "Batch waiting", "The batch waits for approval. Nothing was issued; send the same request again later." };
	case ERR_BATCH_FULL:
		return (struct problem){ 403, 0, "Batch full",
		    "All certificates that were ordered are issued. Set the device aside and ask for a new batch." };
	case ERR_DEVICE_NOT_LISTED:
		return (struct problem){ 403, 0, "Device not listed", "The device does not belong to this batch. Check its label." };
	case ERR_DEVICE_EXISTS:
		return (struct problem){ 409, 0, "Device exists",
		    "This device id has a certificate for another key. Set the device aside: it was re-flashed, or two devices carry one label." };
	case ERR_KEY_REUSED:
		return (struct problem){ 409, 0, "Key reused",
		    "This key belongs to another device: a cloned image. Stop and tell the engineer; no device may share a key." };
	case ERR_BUSY:
		return (struct problem){ 503, 1, "Busy", "Too many requests wait for the disk. Nothing was issued; send the same request again." };
	case ERR_STORAGE:
		return (struct problem){ 503, 10, "Storage failed",
		    "The ledger could not be written. Nothing was issued; call the engineer, then send the same request again." };
	case ERR_CLOCK:
		return (struct problem){ 503, 60, "Clock invalid", "The line server's clock is wrong. Nothing was issued; call the engineer to set it." };
	case ERR_DRAINING:
		return (struct problem){ 503, 5, "Stopping", "The line server is stopping. Nothing was issued; send the same request again." };
	case ERR_DISK_LOW:
		return (struct problem){ 507, 60, "Disk low",
		    "The line server's disk is nearly full. Nothing was issued; call the engineer to make room." };
	case ERR_CA_EXPIRED:
		return (struct problem){ 503, 60, "CA expired",
		    "The issuing CA's certificate has expired or is not active. Nothing was issued; call the engineer." };
	case ERR_OK:
	case ERR_USAGE:
	case ERR_CONFIG:
	case ERR_PERMISSION:
	case ERR_IO:
	case ERR_NOMEM:
	case ERR_INTERNAL:
		break;
	}
	return (struct problem){ 500, 0, "Internal error",
	    "Something is wrong in the line server. Nothing was issued; call the engineer and name the request id." };
}

/* Which code the client reads: what is no business of its own is "internal". */
static const char *
problem_code(enum err_code code, unsigned status)
{
	return status == 500 ? "internal" : err_name(code);
}

unsigned
http_status(enum err_code code)
{
	return problem_of(code).status;
}

/* What came from outside may be no UTF-8, and JSON must be. */
static void
plain_ascii(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

void
http_refusal_of(const struct err *e, struct http_refusal *ret)
{
	struct problem p = problem_of(e->code);

	*ret = (struct http_refusal){
		.status = p.status,
		.retry_s = p.retry_s,
		.code = problem_code(e->code, p.status),
		.title = p.title,
		/* an internal error's own text never leaves */
		.detail = p.status != 500 && e->client_text[0] != '\0' ? e->client_text : p.detail,
	};
}

static char *
problem_json(const struct http_request *r, const struct err *e, size_t *ret_len)
{
	struct http_refusal p;
	char type[64];
	struct buf line = { 0 };
	cJSON *o = cJSON_CreateObject();
	char *text = NULL;

	http_refusal_of(e, &p);
	(void)snprintf(type, sizeof(type), "urn:lineca:problem:%s", p.code);
	if (cJSON_AddStringToObject(o, "type", type) != NULL &&
	    cJSON_AddStringToObject(o, "title", p.title) != NULL &&
	    cJSON_AddNumberToObject(o, "status", p.status) != NULL &&
	    cJSON_AddStringToObject(o, "detail", p.detail) != NULL &&
	    cJSON_AddStringToObject(o, "code", p.code) != NULL &&
	    cJSON_AddStringToObject(o, "request_id", r->id) != NULL)
		text = cJSON_PrintUnformatted(o);
	cJSON_Delete(o);
	if (text == NULL)
		return NULL;
	buf_puts(&line, text);
	buf_puts(&line, "\n");
	free(text);
	return buf_take(&line, ret_len);
}

/* Keeps the error for the log, and adds what every refusal of its kind says. */
static void
refusal_prepare(struct http_request *r, const struct err *e, unsigned retry_s)
{
	char retry[16];

	if (e != &r->refusal)
		r->refusal = *e;
	plain_ascii(r->refusal.client_text);
	log_mask(r->refusal.client_text);	/* a station shows it to whoever stands there */
	if (retry_s > 0 && !http_reply_has_header(r, MHD_HTTP_HEADER_RETRY_AFTER)) {
		(void)snprintf(retry, sizeof(retry), "%u", retry_s);
		http_reply_header(r, MHD_HTTP_HEADER_RETRY_AFTER, retry);
	}
	if (r->refusal.code == ERR_METHOD)
		http_reply_header(r, MHD_HTTP_HEADER_ALLOW, r->allow);
	if (r->refusal.code == ERR_UNAUTHORIZED && !http_reply_has_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE))
		http_reply_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"lineca\"");
}

void
http_reply_refusal(struct http_request *r, const struct err *e, unsigned status, const char *content_type, char *body, size_t len)
{
	refusal_prepare(r, e, problem_of(e->code).retry_s);
	http_reply(r, status, content_type, body, len);
}

void
http_reply_problem(struct http_request *r, const struct err *e)
{
	static const char no_memory[] = "{\"type\":\"urn:lineca:problem:internal\",\"title\":\"Internal error\","
	    "\"status\":500,\"detail\":\"The line server has no memory left.\",\"code\":\"internal\"}";
	struct problem p = problem_of(e->code);
	size_t len = 0;
	char *text;

	refusal_prepare(r, e, p.retry_s);
	if ((text = problem_json(r, &r->refusal, &len)) != NULL)
		http_reply(r, p.status, "application/problem+json", text, len);
	else
		http_reply_static(r, 500, "application/problem+json", no_memory, sizeof(no_memory) - 1);
}
