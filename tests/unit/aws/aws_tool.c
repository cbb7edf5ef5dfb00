/*
 * aws_tool: server/aws on a pipe.  Each line of stdin is an object, each line of stdout its answer.
 *
 *	{"do": "request", "operation": O, ...}		what the maker of O makes
 *	{"do": "call", "calls": [{"operation": O, ...}]}	aws_client_send for all at once; replies in the order of calls
 *	{"do": "ask", "operation": O, "patience_s": N, ...}	aws_client_ask
 *	{"do": "client"}				region, endpoints ...
 *	{"do": "credentials"}				aws_client_credentials
 *	{"do": "http", "calls": [{"method", "url", ...}]}	the transport alone
 *	{"do": "poll", "timeout_ms": N, "signal_ms": N, "wake": "before" | "handler"}
 *	{"do": "new", "connections": N, "profile", "region"}	begins anew; the default is 4 connections and the environment
 */
#include "aws_tool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/iot.h"
#include "aws/sts.h"

struct tool {
	struct transport	*transport;
	struct aws_client	*client;
	char			 profile[128], region[64];
};

const char *
tool_text(const cJSON *in, const char *name, const char *fallback)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(in, name));

	return text != NULL ? text : fallback;
}

int
tool_number(const cJSON *in, const char *name, int fallback)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(in, name);

	return cJSON_IsNumber(n) ? n->valueint : fallback;
}

bool
tool_flag(const cJSON *in, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(in, name));
}

static void
put_err(cJSON *out, enum err_code rc, const struct err *e)
{
	cJSON_AddStringToObject(out, "err", err_name(rc));
	cJSON_AddStringToObject(out, "err_text", rc != ERR_OK ? e->log_text : "");
}

static void
put_buf(cJSON *out, const char *name, const struct buf *b)
{
	cJSON_AddStringToObject(out, name, b->data != NULL ? b->data : "");
}

static void
do_request(const cJSON *in, cJSON *out)
{
	struct aws_request r = { 0 };

	tool_make(in, &r);
	cJSON_AddStringToObject(out, "service", r.service == AWS_STS ? "sts" : "iot");
	cJSON_AddStringToObject(out, "operation", r.operation);
	cJSON_AddStringToObject(out, "method", r.method);
	put_buf(out, "path", &r.path);
	put_buf(out, "query", &r.query);
	put_buf(out, "body", &r.body);
	if (r.content_type != NULL)
		cJSON_AddStringToObject(out, "content_type", r.content_type);
	if (r.principal_header != NULL) {
		cJSON_AddStringToObject(out, "principal_header", r.principal_header);
		cJSON_AddStringToObject(out, "principal", r.principal);
	}
	cJSON_AddBoolToObject(out, "promises_json", r.promises_json);
	cJSON_AddBoolToObject(out, "failed", r.failed);
	aws_request_done(&r);
}

/* ---- the client */

struct answer {
	const cJSON	*in;
	cJSON		*out;
	int		*left;
};

static void
put_reply(const cJSON *in, const struct aws_reply *r, cJSON *out)
{
	cJSON_AddStringToObject(out, "outcome", aws_outcome_name(r->outcome));
	cJSON_AddNumberToObject(out, "status", r->status);
	cJSON_AddNumberToObject(out, "retry_after_s", r->retry_after_s);
	cJSON_AddStringToObject(out, "code", r->code);
	cJSON_AddStringToObject(out, "message", r->message);
	cJSON_AddStringToObject(out, "request_id", r->request_id);
	cJSON_AddStringToObject(out, "resource_id", r->resource_id);
	cJSON_AddStringToObject(out, "resource_arn", r->resource_arn);
	if (r->json != NULL)
		cJSON_AddItemToObject(out, "json", cJSON_Duplicate(r->json, true));
	if (r->outcome == AWS_DONE)
		tool_read(in, r, out);
}

static void
call_done(void *arg, const struct aws_reply *r)
{
	struct answer *a = arg;

	put_reply(a->in, r, a->out);
	--*a->left;
}

static void
do_call(struct tool *t, const cJSON *in, cJSON *out)
{
	const cJSON *calls = cJSON_GetObjectItemCaseSensitive(in, "calls"), *one;
	cJSON *replies = cJSON_AddArrayToObject(out, "replies");
	size_t count = (size_t)cJSON_GetArraySize(calls), i = 0;
	struct answer *answers = calloc(count + 1, sizeof(*answers));
	int left = 0;

	if (answers == NULL)
		abort();
	cJSON_ArrayForEach(one, calls) {
		struct aws_request r = { 0 };
		struct err e;
		enum err_code rc;

		answers[i] = (struct answer){ one, cJSON_CreateObject(), &left };
		cJSON_AddItemToArray(replies, answers[i].out);
		tool_make(one, &r);
		if ((rc = aws_client_send(t->client, &r, call_done, &answers[i], &e)) == ERR_OK)
			left++;
		else
			put_err(answers[i].out, rc, &e);
		i++;
	}
	while (left > 0) {
		struct err e;

		if (transport_poll(t->transport, 1000, &e) != ERR_OK)
			abort();
	}
	free(answers);
}

static enum err_code
ask_done(void *arg, const struct aws_reply *r, struct err *e)
{
	struct answer *a = arg;

	put_reply(a->in, r, a->out);
	return r->outcome == AWS_DONE ? ERR_OK : aws_reply_fail(r, tool_text(a->in, "operation", "?"), e);
}

static void
do_ask(struct tool *t, const cJSON *in, cJSON *out)
{
	struct answer a = { in, out, NULL };
	struct aws_request r = { 0 };
	int64_t begun_us = clock_monotonic_us();
	struct err e;
	enum err_code rc;

	tool_make(in, &r);
	rc = aws_client_ask(t->client, &r, tool_number(in, "patience_s", 0), ask_done, &a, &e);
	put_err(out, rc, &e);
	cJSON_AddNumberToObject(out, "took_ms", (double)(clock_monotonic_us() - begun_us) / 1000);
}

static void
do_client(const struct tool *t, cJSON *out)
{
	cJSON_AddStringToObject(out, "region", aws_client_region(t->client));
	cJSON_AddStringToObject(out, "partition", aws_client_partition(t->client));
	cJSON_AddStringToObject(out, "iot", aws_client_endpoint(t->client, AWS_IOT));
	cJSON_AddStringToObject(out, "sts", aws_client_endpoint(t->client, AWS_STS));
	cJSON_AddStringToObject(out, "source", aws_client_credentials_source(t->client));
	cJSON_AddNumberToObject(out, "offset_s", (double)aws_client_clock_offset_s(t->client));
}

static void
do_credentials(struct tool *t, cJSON *out)
{
	unsigned generation = 0;
	struct err e;
	enum err_code rc = aws_client_credentials(t->client, &generation, &e);

	cJSON_AddNumberToObject(out, "generation", generation);
	put_err(out, rc, &e);
}

static enum err_code
need_client(struct tool *t, struct err *e)
{
	struct aws_client_options o = {
		.profile = t->profile[0] != '\0' ? t->profile : NULL,
		.region = t->region,
		.transport = t->transport,
		.clock = &clock_system,
	};

	return t->client != NULL ? ERR_OK : aws_client_new(&o, &t->client, e);
}

/* ---- the loop */

static void
begin_anew(struct tool *t, const cJSON *in)
{
	struct err e;

	transport_free(t->transport);
	aws_client_free(t->client);
	*t = (struct tool){ 0 };
	(void)snprintf(t->profile, sizeof(t->profile), "%s", tool_text(in, "profile", ""));
	(void)snprintf(t->region, sizeof(t->region), "%s", tool_text(in, "region", ""));
	if (transport_new(tool_number(in, "connections", 4), &t->transport, &e) != ERR_OK)
		abort();
}

static void
dispatch(struct tool *t, const cJSON *in, cJSON *out)
{
	const char *what = tool_text(in, "do", "");
	enum err_code rc;
	struct err e;

	if (strcmp(what, "request") == 0) {
		do_request(in, out);
	} else if (strcmp(what, "http") == 0) {
		tool_http(t->transport, in, out);
	} else if (strcmp(what, "poll") == 0) {
		tool_poll(t->transport, in, out);
	} else if (strcmp(what, "new") == 0) {
		begin_anew(t, in);
	} else if ((rc = need_client(t, &e)) != ERR_OK) {
		put_err(out, rc, &e);
	} else if (strcmp(what, "call") == 0) {
		do_call(t, in, out);
	} else if (strcmp(what, "ask") == 0) {
		do_ask(t, in, out);
	} else if (strcmp(what, "credentials") == 0) {
		do_credentials(t, out);
	} else if (strcmp(what, "client") == 0) {
		do_client(t, out);
	} else {
		(void)fprintf(stderr, "aws_tool: do \"%s\"?\n", what);
		exit(2);
	}
}

int
main(void)
{
	struct tool t = { 0 };
	char *line = NULL;
	size_t room = 0;

	begin_anew(&t, NULL);
	while (getline(&line, &room, stdin) > 0) {
		cJSON *in = cJSON_Parse(line), *out = cJSON_CreateObject();
		char *text;

		dispatch(&t, in, out);
		if ((text = cJSON_PrintUnformatted(out)) == NULL || printf("%s\n", text) < 0 || fflush(stdout) != 0)
			abort();
		cJSON_free(text);
		cJSON_Delete(in);
		cJSON_Delete(out);
	}
	free(line);
	transport_free(t.transport);
	aws_client_free(t.client);
	return 0;
}
