#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "aws_tool.h"
#include "base/clock.h"

enum { HEADERS = 16 };

struct one {
	cJSON	*out;
	int64_t	 begun_us;
	int	*left;
};

static const char *
result_name(enum transport_result r)
{
	switch (r) {
	case TRANSPORT_ANSWERED:
		return "answered";
	case TRANSPORT_NOT_SENT:
		return "not_sent";
	case TRANSPORT_LOST:
		return "lost";
	case TRANSPORT_UNTRUSTED:
		return "untrusted";
	case TRANSPORT_TOO_LARGE:
		return "too_large";
	}
	return "?";
}

static void
http_done(void *arg, const struct transport_reply *r)
{
	struct one *o = arg;

	cJSON_AddStringToObject(o->out, "result", result_name(r->result));
	cJSON_AddStringToObject(o->out, "text", r->text);
	cJSON_AddNumberToObject(o->out, "status", r->status);
	cJSON_AddNumberToObject(o->out, "body_len", (double)r->body_len);
	if (r->body_len < 4096)
		cJSON_AddStringToObject(o->out, "body", r->body);
	cJSON_AddStringToObject(o->out, "error_type", r->error_type);
	cJSON_AddStringToObject(o->out, "request_id", r->request_id);
	cJSON_AddStringToObject(o->out, "content_type", r->content_type);
	cJSON_AddStringToObject(o->out, "date", r->date);
	cJSON_AddStringToObject(o->out, "retry_after", r->retry_after);
	cJSON_AddNumberToObject(o->out, "took_ms", (double)(clock_monotonic_us() - o->begun_us) / 1000);
	--*o->left;
}

static void
http_send(struct transport *t, const cJSON *in, struct one *o)
{
	const char *headers[HEADERS + 1] = { NULL }, *body = tool_text(in, "body", NULL);
	const cJSON *h;
	size_t n = 0;
	struct transport_request r = {
		.method = tool_text(in, "method", "GET"),
		.url = tool_text(in, "url", ""),
		.headers = headers,
		.body = body,
		.body_len = body != NULL ? strlen(body) : 0,
		.has_body = body != NULL,
		.timeout_ms = tool_number(in, "timeout_ms", 0),
		.connect_timeout_ms = tool_number(in, "connect_timeout_ms", 0),
		.ca_bundle = tool_text(in, "ca_bundle", NULL),
		.no_proxy = tool_flag(in, "no_proxy"),
	};
	struct err e;
	enum err_code rc;

	cJSON_ArrayForEach(h, cJSON_GetObjectItemCaseSensitive(in, "headers"))
		if (n < HEADERS)
			headers[n++] = cJSON_GetStringValue(h);
	o->begun_us = clock_monotonic_us();
	if ((rc = transport_send(t, &r, http_done, o, &e)) == ERR_OK) {
		++*o->left;
		return;
	}
	cJSON_AddStringToObject(o->out, "err", err_name(rc));
	cJSON_AddStringToObject(o->out, "err_text", e.log_text);
}

void
tool_http(struct transport *t, const cJSON *in, cJSON *out)
{
	const cJSON *calls = cJSON_GetObjectItemCaseSensitive(in, "calls"), *call;
	cJSON *replies = cJSON_AddArrayToObject(out, "replies");
	struct one *all = calloc((size_t)cJSON_GetArraySize(calls) + 1, sizeof(*all));
	int left = 0;
	size_t i = 0;
	struct err e;

	if (all == NULL)
		abort();
	cJSON_ArrayForEach(call, calls) {
		all[i] = (struct one){ .out = cJSON_CreateObject(), .left = &left };
		cJSON_AddItemToArray(replies, all[i].out);
		http_send(t, call, &all[i]);
		i++;
	}
	while (left > 0)
		if (transport_poll(t, 1000, &e) != ERR_OK)
			abort();
	cJSON_AddNumberToObject(out, "in_flight", transport_in_flight(t));
	free(all);
}

/* ---- the wait */

static const struct transport *to_wake;	/* NULL: the signal alone */

static void
on_alarm(int number)
{
	(void)number;
	if (to_wake != NULL)
		transport_wakeup(to_wake);
}

void
tool_poll(struct transport *t, const cJSON *in, cJSON *out)
{
	const char *wake = tool_text(in, "wake", "");
	int signal_ms = tool_number(in, "signal_ms", 0);
	struct itimerval timer = { .it_value = { .tv_sec = signal_ms / 1000, .tv_usec = signal_ms % 1000 * 1000 } };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	int64_t begun_us;
	struct err e;

	to_wake = strcmp(wake, "handler") == 0 ? t : NULL;
	if (strcmp(wake, "before") == 0)
		transport_wakeup(t);
	if (sigaction(SIGALRM, &action, NULL) == -1 || setitimer(ITIMER_REAL, &timer, NULL) == -1)
		abort();
	begun_us = clock_monotonic_us();
	if (transport_poll(t, tool_number(in, "timeout_ms", 1000), &e) != ERR_OK)
		abort();
	cJSON_AddNumberToObject(out, "took_ms", (double)(clock_monotonic_us() - begun_us) / 1000);
}
