#include "doors/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enroll.h"
#include "view.h"

static enum err_code
native_read(struct http_request *req, struct enroll_ask *ret, struct err *e)
{
	const char *batch = http_request_argument(req);

	if (strlen(batch) > LIMIT_NAME_BYTES)
		return err_set(e, ERR_BATCH_NOT_FOUND, "a batch name of %zu bytes", strlen(batch));
	(void)snprintf(ret->batch, sizeof(ret->batch), "%s", batch);
	ret->csr = http_request_body(req, &ret->csr_len);
	return ERR_OK;
}

static char *
answer_json(const struct enroll_reply *r, size_t *ret_len)
{
	const struct store_certificate *c = recorded_certificate(r->recorded);
	char *pem = view_pem(c->der, c->der_len), *body;
	cJSON *o = view_certificate(c);
	size_t chain_len;

	if (pem == NULL || cJSON_AddStringToObject(o, "certificate", pem) == NULL ||
	    cJSON_AddStringToObject(o, "chain", issuer_chain_pem(r->ca->issuer, &chain_len)) == NULL) {
		cJSON_Delete(o);
		o = NULL;
	}
	free(pem);
	if ((body = view_print(o)) != NULL)
		*ret_len = strlen(body);
	return body;
}

static void
native_answer(struct http_request *req, const struct enroll_reply *r)
{
	bool json = http_request_wants_json(req);
	size_t len = 0;
	char *body = json ? answer_json(r, &len) : enroll_pem(r, true, &len);

	http_reply(req, r->is_new ? 201 : 200, json ? "application/json" : "application/pem-certificate-chain", body, len);
}

static const struct enroll_door native = {
	.name = "v1",
	.read = native_read,
	.answer = native_answer,
};

void
native_enroll(struct http_request *req, void *line)
{
	enroll_run(req, line, &native);
}
