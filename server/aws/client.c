#include "aws/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/client_internal.h"
#include "aws/endpoint.h"
#include "aws/error.h"
#include "aws/sigv4.h"
#include "base/log.h"

enum {
	SKEW_S = 4 * 60,	/* AWS takes 5 minutes */
	HEADERS_MAX = 8
};

/* One call, from aws_client_send until its done. */
struct call {
	struct call		 *next, **link;	/* all calls of the client */
	struct aws_client	 *client;
	struct aws_request	  request;
	aws_done		 *done;
	void			 *arg;
	int64_t			  signed_us;		/* on the monotonic clock */
	int64_t			  offset_s;		/* of AWS's clock, as it was signed with */
	unsigned		  generation;		/* of the credentials that it was signed with */
	bool			  clock_tried;
};

struct aws_client {
	struct aws_environment	  env;
	struct credential_source *source;
	struct transport	 *transport;
	const struct clock	 *clock;
	const char		 *partition;
	char			  region[LIMIT_REGION_BYTES + 1];
	struct aws_endpoint	  endpoints[2];	/* by enum aws_service */
	int64_t			  offset_s;
	bool			  clock_said;
	struct call		 *calls;
	bool			(*stopped)(void);
};

void
aws_request_done(struct aws_request *r)
{
	buf_done(&r->path);
	buf_done(&r->query);
	buf_done(&r->body);
	*r = (struct aws_request){ 0 };
}

/* ---- a client */

static enum err_code
client_init(struct aws_client *c, const struct aws_client_options *o, struct err *e)
{
	const struct credential_options credentials = { .clock = o->clock, .imds = o->imds, .stopped = o->stopped };
	enum err_code rc;

	c->transport = o->transport;
	c->clock = o->clock;
	c->stopped = o->stopped;
	if ((rc = environment_read(o->profile, &c->env, e)) != ERR_OK)
		return rc;
	(void)snprintf(c->region, sizeof(c->region), "%s", o->region != NULL && *o->region != '\0' ? o->region : c->env.region);
	if ((rc = endpoint_partition(c->region, &c->partition, e)) != ERR_OK ||
	    (rc = endpoint_make(AWS_IOT, c->region, c->partition, c->env.iot_url, &c->endpoints[AWS_IOT], e)) != ERR_OK ||
	    (rc = endpoint_make(AWS_STS, c->region, c->partition, c->env.sts_url, &c->endpoints[AWS_STS], e)) != ERR_OK ||
	    (rc = credential_source_new(&c->env, &credentials, &c->source, e)) != ERR_OK)
		return rc;
	return ERR_OK;
}

enum err_code
aws_client_new(const struct aws_client_options *o, struct aws_client **ret, struct err *e)
{
	struct aws_client *c = calloc(1, sizeof(*c));
	enum err_code rc;

	if (c == NULL)
		return err_set(e, ERR_NOMEM, "no memory for AWS");
	if ((rc = client_init(c, o, e)) == ERR_OK) {
		*ret = c;
		c = NULL;
	}
	aws_client_free(c);
	return rc;
}

static void
call_free(struct call *call)
{
	*call->link = call->next;
	if (call->next != NULL)
		call->next->link = call->link;
	aws_request_done(&call->request);
	free(call);
}

void
aws_client_free(struct aws_client *c)
{
	if (c == NULL)
		return;
	while (c->calls != NULL)
		call_free(c->calls);
	credential_source_free(c->source);
	environment_done(&c->env);
	free(c);
}

const char *
aws_client_region(const struct aws_client *c)
{
	return c->region;
}

const char *
aws_client_partition(const struct aws_client *c)
{
	return c->partition;
}

const char *
aws_client_endpoint(const struct aws_client *c, enum aws_service s)
{
	return c->endpoints[s].base;
}

const char *
aws_client_credentials_source(const struct aws_client *c)
{
	return credential_source_current(c->source)->source;
}

struct transport *
aws_client_transport(const struct aws_client *c)
{
	return c->transport;
}

bool
aws_client_stopped(const struct aws_client *c)
{
	return c->stopped != NULL && c->stopped();
}

int64_t
aws_client_clock_offset_s(const struct aws_client *c)
{
	return c->offset_s;
}

/* ---- sending */

static void	answered(void *arg, const struct transport_reply *in);

/* The texts of a request as they are signed and sent. */
struct outgoing {
	struct buf	 url;
	struct buf	 lines[HEADERS_MAX];	/* "Name: value" */
	size_t		 count;
	char		 date[SIGV4_DATE_BYTES];
	char		 authorization[SIGV4_AUTHORIZATION_BYTES];
};

static void
outgoing_done(struct outgoing *o)
{
	for (size_t i = 0; i < o->count; i++) {
		if (o->lines[i].data != NULL)
			explicit_bzero(o->lines[i].data, o->lines[i].len);	/* the session token */
		buf_done(&o->lines[i]);
	}
	buf_done(&o->url);
}

static void
header(struct outgoing *o, const char *name, const char *value)
{
	if (value != NULL && *value != '\0')
		buf_printf(&o->lines[o->count++], "%s: %s", name, value);
}

static enum err_code
sign(struct call *call, const struct aws_credentials *cred, struct outgoing *o, struct err *e)
{
	const struct aws_client *c = call->client;
	const struct aws_request *r = &call->request;
	struct sigv4_header headers[2];
	struct sigv4_request s = {
		.service = r->service == AWS_STS ? "sts" : "iot",
		.region = c->region,
		.method = r->method,
		.host = c->endpoints[r->service].host,
		.path = r->path.data,
		.query = r->query.data != NULL ? r->query.data : "",
		.headers = headers,
		.body = r->body.data != NULL ? r->body.data : "",
		.body_len = r->body.len,
	};

	if (r->content_type != NULL)
		headers[s.headers_count++] = (struct sigv4_header){ "content-type", r->content_type };
	if (r->principal_header != NULL)
		headers[s.headers_count++] = (struct sigv4_header){ r->principal_header, r->principal };
	call->offset_s = c->offset_s;
	call->signed_us = clock_monotonic_us();
	call->generation = credential_source_generation(c->source);
	return sigv4_sign(&s, cred, clock_now_s(c->clock) + c->offset_s, o->date, o->authorization, e);
}

static enum err_code
hand_over(struct call *call, const struct outgoing *o, struct err *e)
{
	const char *lines[HEADERS_MAX + 1] = { NULL };
	const struct aws_client *c = call->client;
	struct transport_request t = {
		.method = call->request.method,
		.url = o->url.data,
		.headers = lines,
		.body = call->request.body.data,
		.body_len = call->request.body.len,
		.has_body = call->request.content_type != NULL,
		.ca_bundle = c->env.ca_bundle,
	};

	for (size_t i = 0; i < o->count; i++) {
		if (o->lines[i].failed)
			return err_set(e, ERR_NOMEM, "no memory for a request to AWS");
		lines[i] = o->lines[i].data;
	}
	return transport_send(c->transport, &t, answered, call, e);
}

/* Path, query and headers are signed and sent from the same bytes. */
static enum err_code
send_signed(struct call *call, const struct aws_credentials *cred, struct err *e)
{
	const struct aws_request *r = &call->request;
	const struct aws_endpoint *to = &call->client->endpoints[r->service];
	struct outgoing o = { 0 };
	enum err_code rc;

	buf_printf(&o.url, "%s%s%s%s", to->base, r->path.data, r->query.len > 0 ? "?" : "", r->query.len > 0 ? r->query.data : "");
	if (o.url.failed) {
		rc = err_set(e, ERR_NOMEM, "no memory for a request to AWS");
		goto out;
	}
	if ((rc = sign(call, cred, &o, e)) != ERR_OK)
		goto out;
	header(&o, "Host", to->host);
	header(&o, "Content-Type", r->content_type);
	header(&o, r->principal_header, r->principal_header != NULL ? r->principal : NULL);
	header(&o, "X-Amz-Date", o.date);
	header(&o, "X-Amz-Security-Token", cred->session_token);
	header(&o, "Authorization", o.authorization);
	rc = hand_over(call, &o, e);
out:
	outgoing_done(&o);
	return rc;
}

enum err_code
aws_client_credentials(struct aws_client *c, unsigned *ret_generation, struct err *e)
{
	const struct aws_credentials *cred;
	enum err_code rc;

	if ((rc = credential_source_get(c->source, &cred, e)) == ERR_OK)
		*ret_generation = credential_source_generation(c->source);
	return rc;
}

/* Never with credentials that the caller could not look at first: nothing is renewed here. */
static enum err_code
start(struct call *call, struct err *e)
{
	return send_signed(call, credential_source_current(call->client->source), e);
}

/* A call that could not be sent any more after its aws_client_send said yes. */
static void
end_unsent(struct call *call, const struct err *e)
{
	struct aws_reply reply = { .outcome = AWS_TRANSIENT, .body = "" };

	(void)snprintf(reply.code, sizeof(reply.code), "NotSent");
	aws_error_line(reply.message, sizeof(reply.message), e->log_text, strlen(e->log_text));
	call->done(call->arg, &reply);
	call_free(call);
}

static void
start_again(struct call *call)
{
	struct err e;

	if (start(call, &e) != ERR_OK)
		end_unsent(call, &e);
}

static bool
is_well_made(const struct aws_request *r)
{
	return !r->failed && !r->path.failed && !r->query.failed && !r->body.failed && r->path.len > 0 && r->path.data[0] == '/';
}

enum err_code
aws_client_send(struct aws_client *c, struct aws_request *r, aws_done *done, void *arg, struct err *e)
{
	struct call *call;
	enum err_code rc;

	if (!is_well_made(r)) {
		rc = err_set(e, ERR_INTERNAL, "%s: the request does not fit, or there was no memory for it", r->operation);
		aws_request_done(r);
		return rc;
	}
	if ((call = calloc(1, sizeof(*call))) == NULL) {
		aws_request_done(r);
		return err_set(e, ERR_NOMEM, "no memory for a request to AWS");
	}
	call->client = c;
	call->request = *r;
	*r = (struct aws_request){ 0 };	/* moved into call */
	call->done = done;
	call->arg = arg;
	call->link = &c->calls;
	if ((call->next = c->calls) != NULL)
		call->next->link = &call->next;
	c->calls = call;
	if ((rc = start(call, e)) != ERR_OK)
		call_free(call);
	return rc;
}

static void
nobody(void *arg, const struct aws_reply *reply)
{
	(void)arg;
	(void)reply;
}

void
aws_client_forget(struct aws_client *c, const void *arg)
{
	for (struct call *call = c->calls; call != NULL; call = call->next)
		if (call->arg == arg)
			call->done = nobody;
}

/* ---- the answer */

/* "Mon, 23 Nov 2026 03:17:22 GMT" (RFC 9110 5.6.7).  false: not that. */
static bool
date_parse(const char *text, int64_t *ret_s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct civil d = { 0 };
	char month[4], zone[4];
	const char *at;

	if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %3[A-Z]", &d.day, month, &d.year, &d.hour, &d.minute, &d.second,
	    zone) != 7 || strcmp(zone, "GMT") != 0 || strlen(month) != 3 || (at = strstr(months, month)) == NULL ||
	    (at - months) % 3 != 0 || d.year < 1970 || d.day < 1 || d.day > 31 || d.hour > 23 || d.minute > 59 || d.second > 60)
		return false;
	d.month = (int)(at - months) / 3 + 1;
	*ret_s = clock_from_civil(&d);
	return true;
}

static void
say_clock(struct aws_client *c)
{
	int64_t minutes = ((c->offset_s < 0 ? -c->offset_s : c->offset_s) + 30) / 60;

	if (!c->clock_said)
		log_event(LOG_WARN, "aws", "the clock of this machine is %lld minutes %s AWS's: set it; until then requests are signed "
		    "by AWS's clock", (long long)minutes, c->offset_s > 0 ? "behind" : "ahead of");
	c->clock_said = true;
}

/*
 * Was it refused because of the time?  Then the offset is right afterwards, and the call worth another try: either the clock was
 * wrong when it was signed, or it waited too long for a connection.
 */
static bool
clock_helps(struct call *call, const struct transport_reply *in, const struct aws_reply *reply)
{
	struct aws_client *c = call->client;
	int64_t aws_s, off_s;

	if (call->clock_tried || !aws_error_is_clock(reply->code))
		return false;
	call->clock_tried = true;
	if (clock_monotonic_us() - call->signed_us > (int64_t)SKEW_S * 1000000)
		return true;
	if (!date_parse(in->date, &aws_s))
		return false;
	off_s = aws_s - clock_now_s(c->clock);
	if (off_s - call->offset_s >= -SKEW_S && off_s - call->offset_s <= SKEW_S)
		return false;
	c->offset_s = off_s;
	say_clock(c);
	return true;
}

/* There are others since it was signed. */
static bool
is_outdated(const struct call *call)
{
	return call->generation != credential_source_generation(call->client->source);
}

/* The call comes again from its owner: the credentials may be another account's now, and only he knows what may go there. */
static void
leave_to_caller(struct aws_reply *reply, const char *code, const char *message)
{
	reply->outcome = AWS_TRANSIENT;
	reply->retry_after_s = 0;
	(void)snprintf(reply->code, sizeof(reply->code), "%s", code);
	(void)snprintf(reply->message, sizeof(reply->message), "%s", message);
}

static void
say_renewed(struct aws_reply *reply)
{
	leave_to_caller(reply, AWS_CREDENTIALS_RENEWED, "the credentials were over and are renewed; asked again");
}

/* The credentials are over: are there others by now, or can the provider give some? */
static void
renew(const struct call *call, struct aws_reply *reply)
{
	struct err e;

	if (is_outdated(call) || credential_source_renew(call->client->source, &e))
		say_renewed(reply);
	else if (e.code == ERR_DRAINING)
		leave_to_caller(reply, "Stopped", "stopped while new credentials were waited for");
	else if (e.code != ERR_OK)
		log_err(LOG_WARN, "aws", &e);
}

static void
answered(void *arg, const struct transport_reply *in)
{
	struct call *call = arg;
	struct aws_reply reply;
	cJSON *json = aws_error_read(in, &call->request, &reply);
	bool again = clock_helps(call, in, &reply);

	if (again && !is_outdated(call)) {
		start_again(call);
	} else {
		if (again)
			say_renewed(&reply);
		else if (aws_error_is_expired(reply.code))
			renew(call, &reply);
		call->done(call->arg, &reply);
		call_free(call);
	}
	cJSON_Delete(json);
}
