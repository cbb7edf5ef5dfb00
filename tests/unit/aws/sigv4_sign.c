/*
 * Signs requests for tests/system/test_sigv4.py: one JSON object a line on stdin, one a line on stdout with date, authorization
 * and the canonical request.  Bodies come in hex.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/client.h"	/* for cJSON */
#include "aws/sigv4.h"
#include "base/hex.h"

enum { HEADERS_MAX = 24 };

static const char *
text_of(const cJSON *json, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return text == NULL ? "" : text;
}

static void
copy(char *out, size_t out_size, const char *text)
{
	(void)snprintf(out, out_size, "%s", text);
}

/* [["Name", "value"], ...] */
static size_t
read_headers(const cJSON *json, struct sigv4_header headers[HEADERS_MAX])
{
	size_t count = 0;
	cJSON *pair;

	cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(json, "headers"))
		if (count < HEADERS_MAX)
			headers[count++] = (struct sigv4_header){ cJSON_GetArrayItem(pair, 0)->valuestring,
			    cJSON_GetArrayItem(pair, 1)->valuestring };
	return count;
}

static void
print_answer(const struct sigv4_request *r, const struct aws_credentials *c, int64_t now_s)
{
	char date[SIGV4_DATE_BYTES] = "", authorization[SIGV4_AUTHORIZATION_BYTES] = "", *text;
	struct buf canonical = { 0 };
	cJSON *out = cJSON_CreateObject();
	struct err e = { 0 };

	if (sigv4_sign(r, c, now_s, date, authorization, &e) != ERR_OK)
		(void)cJSON_AddStringToObject(out, "error", e.log_text);
	sigv4_canonical(r, c->session_token, date, &canonical);
	(void)cJSON_AddStringToObject(out, "date", date);
	(void)cJSON_AddStringToObject(out, "authorization", authorization);
	(void)cJSON_AddStringToObject(out, "canonical", canonical.failed ? "" : canonical.data);
	text = cJSON_PrintUnformatted(out);
	(void)puts(text == NULL ? "{}" : text);
	(void)fflush(stdout);
	free(text);
	cJSON_Delete(out);
	buf_done(&canonical);
}

static int
answer(const char *line)
{
	cJSON *in = cJSON_Parse(line);
	const char *hex = text_of(in, "body");
	size_t len = strlen(hex) / 2;
	uint8_t *body = malloc(len + 1);
	struct aws_credentials c = { 0 };
	struct sigv4_header headers[HEADERS_MAX];
	struct sigv4_request r = { text_of(in, "service"), text_of(in, "region"), text_of(in, "method"), text_of(in, "host"),
	    text_of(in, "path"), text_of(in, "query"), headers, read_headers(in, headers), body, len };
	int ok = in != NULL && body != NULL && hex_decode(hex, body, len);

	copy(c.access_key, sizeof(c.access_key), text_of(in, "access_key"));
	copy(c.secret_key, sizeof(c.secret_key), text_of(in, "secret_key"));
	copy(c.session_token, sizeof(c.session_token), text_of(in, "session_token"));
	if (ok)
		print_answer(&r, &c, (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(in, "now")));
	free(body);
	cJSON_Delete(in);
	return ok;
}

int
main(void)
{
	char *line = NULL;
	size_t room = 0;
	int ok = 1;

	while (ok && getline(&line, &room, stdin) > 0)
		ok = answer(line);
	free(line);
	return ok ? 0 : 1;
}
