#include "aws/error.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"

enum {
	RETRY_AFTER_MAX_S = 3600
};

/*
 * What the codes mean.  Those of AWS IoT's model, those that AWS's front sends undeclared, and the throttling codes of AWS's SDKs.
 * LimitExceededException is throttling to the SDKs and final to IoT (410).  By strcmp's order.
 */
static const struct {
	const char	*code;
	enum aws_outcome outcome;
} codes[] = {
	{ "AccessDenied", AWS_DENIED },
	{ "AccessDeniedException", AWS_DENIED },
	{ "AuthFailure", AWS_DENIED },
	{ "BandwidthLimitExceeded", AWS_THROTTLED },
	{ "CertificateConflictException", AWS_REFUSED },
	{ "CertificateStateException", AWS_REFUSED },		/* AWS_CA_STATE where a CA is meant: is_ca_state */
	{ "CertificateValidationException", AWS_REFUSED },
	{ "ConflictException", AWS_REFUSED },
	{ "ConflictingResourceUpdateException", AWS_TRANSIENT },	/* two updates at once */
	{ "DeleteConflictException", AWS_REFUSED },
	{ "EC2ThrottledException", AWS_THROTTLED },
	{ "ExpiredToken", AWS_DENIED },
	{ "ExpiredTokenException", AWS_DENIED },
	{ "IncompleteSignature", AWS_DENIED },
	{ "IncompleteSignatureException", AWS_DENIED },
	{ "InternalError", AWS_TRANSIENT },
	{ "InternalException", AWS_TRANSIENT },
	{ "InternalFailure", AWS_TRANSIENT },
	{ "InternalFailureException", AWS_TRANSIENT },
	{ "InternalServerError", AWS_TRANSIENT },
	{ "InternalServerException", AWS_TRANSIENT },
	{ "InternalServiceError", AWS_TRANSIENT },
	{ "InvalidAccessKeyId", AWS_DENIED },
	{ "InvalidClientTokenId", AWS_DENIED },
	{ "InvalidRequestException", AWS_REFUSED },
	{ "InvalidSignatureException", AWS_DENIED },
	{ "InvalidToken", AWS_DENIED },
	{ "LimitExceededException", AWS_REFUSED },
	{ "MalformedPolicyException", AWS_REFUSED },
	{ "MissingAuthenticationToken", AWS_DENIED },
	{ "MissingAuthenticationTokenException", AWS_DENIED },
	{ "NotAuthorized", AWS_DENIED },
	{ "OptInRequired", AWS_DENIED },
	{ "PriorRequestNotComplete", AWS_THROTTLED },
	{ "ProvisionedThroughputExceededException", AWS_THROTTLED },
	{ "RegionDisabledException", AWS_DENIED },
	{ "RegistrationCodeValidationException", AWS_REFUSED },
	{ "RequestExpired", AWS_DENIED },
	{ "RequestInTheFuture", AWS_DENIED },
	{ "RequestLimitExceeded", AWS_THROTTLED },
	{ "RequestThrottled", AWS_THROTTLED },
	{ "RequestThrottledException", AWS_THROTTLED },
	{ "RequestTimeTooSkewed", AWS_DENIED },
	{ "RequestTimeout", AWS_TRANSIENT },
	{ "RequestTimeoutException", AWS_TRANSIENT },
	{ "ResourceAlreadyExistsException", AWS_EXISTS },
	{ "ResourceNotFoundException", AWS_NOT_FOUND },
	{ "ResourceRegistrationFailureException", AWS_REFUSED },
	{ "ServiceFailureException", AWS_TRANSIENT },
	{ "ServiceUnavailable", AWS_TRANSIENT },
	{ "ServiceUnavailableException", AWS_TRANSIENT },
	{ "SignatureDoesNotMatch", AWS_DENIED },
	{ "SlowDown", AWS_THROTTLED },
	{ "SqlParseException", AWS_REFUSED },
	{ "SubscriptionRequiredException", AWS_DENIED },
	{ "ThrottledException", AWS_THROTTLED },
	{ "Throttling", AWS_THROTTLED },
	{ "ThrottlingException", AWS_THROTTLED },
	{ "TokenRefreshRequired", AWS_DENIED },
	{ "TooManyRequestsException", AWS_THROTTLED },
	{ "TransactionInProgressException", AWS_THROTTLED },
	{ "TransferAlreadyCompletedException", AWS_REFUSED },
	{ "TransferConflictException", AWS_REFUSED },
	{ "UnauthorizedException", AWS_DENIED },
	{ "UnknownOperationException", AWS_REFUSED },		/* 404, but nothing that could be there */
	{ "UnrecognizedClientException", AWS_DENIED },
	{ "ValidationError", AWS_REFUSED },
	{ "ValidationException", AWS_REFUSED },
	{ "VersionConflictException", AWS_REFUSED },
	{ "VersionsLimitExceededException", AWS_REFUSED },
};

bool
aws_error_outcome(const char *code, enum aws_outcome *ret)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(code, codes[i].code) == 0) {
			*ret = codes[i].outcome;
			return true;
		}
	return false;
}

static bool
is_one_of(const char *code, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(code, *list) == 0)
			return true;
	return false;
}

bool
aws_error_is_clock(const char *code)
{
	static const char *const list[] = { "AuthFailure", "InvalidSignatureException", "RequestExpired", "RequestInTheFuture",
	    "RequestTimeTooSkewed", "SignatureDoesNotMatch", NULL };

	return is_one_of(code, list);
}

bool
aws_error_is_expired(const char *code)
{
	static const char *const list[] = { "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", NULL };

	return is_one_of(code, list);
}

/* Where AWS names no error that is known here. */
static enum aws_outcome
outcome_of_status(int status)
{
	if (status >= 200 && status < 300)
		return AWS_DONE;
	switch (status) {
	case 401:
	case 403:
		return AWS_DENIED;
	case 404:
		return AWS_NOT_FOUND;
	case 408:
	case 425:
		return AWS_TRANSIENT;
	case 429:
		return AWS_THROTTLED;
	default:
		return status >= 300 && status < 500 ? AWS_REFUSED : AWS_TRANSIENT;
	}
}

/* "The CA is not active" comes as 406 or, in words, with another code (aws-iot facts 2, "Inactive CA"). */
static bool
is_ca_state(const struct aws_request *r, const struct aws_reply *reply)
{
	if (strcmp(r->operation, "RegisterCertificate") != 0)
		return false;
	if (strcmp(reply->code, "CertificateStateException") == 0)
		return true;
	return reply->outcome == AWS_REFUSED && strcasestr(reply->message, "CA certificate") != NULL &&
	    (strcasestr(reply->message, "not active") != NULL || strcasestr(reply->message, "inactive") != NULL);
}

/* "com.amazonaws.iot#ThrottlingException:http://..." is ThrottlingException (botocore parsers.py). */
static void
copy_code(char out[LIMIT_AWS_CODE_BYTES + 1], const char *text)
{
	size_t len = strcspn(text, ":"), used = 0;
	const char *hash = memrchr(text, '#', len);

	if (hash != NULL) {
		len -= (size_t)(hash + 1 - text);
		text = hash + 1;
	}
	for (size_t i = 0; i < len && used < LIMIT_AWS_CODE_BYTES; i++) {
		unsigned char c = (unsigned char)text[i];

		if (isalnum(c) || strchr("._-", c) != NULL)
			out[used++] = (char)c;
		else if (!isspace(c))
			out[used++] = '_';
	}
	out[used] = '\0';
}

static const char *
json_text(const cJSON *json, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return text != NULL ? text : "";
}

static void
copy_json(char *out, size_t size, const cJSON *json, const char *name)
{
	const char *text = json_text(json, name);

	if (*text != '\0')
		aws_error_line(out, size, text, strlen(text));
}

static void
read_json_error(const cJSON *json, struct aws_reply *ret)
{
	static const char *const names[] = { "code", "Code", "__type" };

	for (size_t i = 0; ret->code[0] == '\0' && i < sizeof(names) / sizeof(names[0]); i++)
		copy_code(ret->code, json_text(json, names[i]));
	copy_json(ret->message, sizeof(ret->message), json, *json_text(json, "message") != '\0' ? "message" : "Message");
	copy_json(ret->resource_id, sizeof(ret->resource_id), json, "resourceId");
	copy_json(ret->resource_arn, sizeof(ret->resource_arn), json, "resourceArn");
}

/* STS answers in XML; what stands between AWS and us, in HTML or in words. */
static void
read_other_error(const char *body, struct aws_reply *ret)
{
	char code[LIMIT_AWS_CODE_BYTES + 1];

	if (ret->code[0] == '\0' && strstr(body, "<Error") != NULL && aws_error_xml(body, "Code", code, sizeof(code)))
		copy_code(ret->code, code);
	if (ret->request_id[0] == '\0')
		(void)aws_error_xml(body, "RequestId", ret->request_id, sizeof(ret->request_id));
	if (!aws_error_xml(body, "Message", ret->message, sizeof(ret->message)) &&
	    !aws_error_xml(body, "title", ret->message, sizeof(ret->message)) && *body != '<')
		aws_error_line(ret->message, sizeof(ret->message), body, strlen(body));
}

/* A refused signature comes with all that was signed, the session token too: nothing of that goes into logs and reports. */
static void
drop_echo(char *message)
{
	static const char *const marks[] = { "The Canonical String", "The String-to-Sign", "x-amz-security-token", "Authorization=", "Signature=" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		char *at = strcasestr(message, marks[i]);

		if (at == NULL)
			continue;
		while (at > message && at[-1] == ' ')
			at--;
		*at = '\0';
	}
}

/*
 * AWS names its errors; who answers with 3xx or 4xx and names none is something on the way: a proxy, a portal, a firewall.  That says nothing
 * of the request, and passes.  401 and 403 are AWS's word where its request id stands by: to go on would be of no use.
 */
static bool
is_foreign(const struct transport_reply *in, const struct aws_reply *reply)
{
	if (reply->code[0] != '\0' || in->status >= 500 || in->status == 429)
		return false;
	return (in->status != 401 && in->status != 403) || reply->request_id[0] == '\0';
}

static void
say_foreign(const struct transport_reply *in, struct aws_reply *ret)
{
	const char *hint = in->status == 407 ? "; a proxy wants a user and a password: see https_proxy" : "";
	char words[sizeof(ret->message)], type[64];

	ret->outcome = AWS_TRANSIENT;
	aws_error_line(words, sizeof(words), ret->message, strlen(ret->message));
	aws_error_line(type, sizeof(type), in->content_type, strlen(in->content_type));
	(void)snprintf(ret->message, sizeof(ret->message), "HTTP %d (%s) without an error code: not AWS answered, but something on the way"
	    "%s", in->status, type[0] != '\0' ? type : "no Content-Type", hint);
	if (words[0] != '\0') {
		size_t len = strlen(ret->message);

		(void)snprintf(ret->message + len, sizeof(ret->message) - len, ": ");
		len = strlen(ret->message);
		aws_error_line(ret->message + len, sizeof(ret->message) - len, words, strlen(words));
	}
}

static void
read_error(const struct transport_reply *in, const struct aws_request *r, const cJSON *json, struct aws_reply *ret)
{
	copy_code(ret->code, in->error_type);
	if (json != NULL)
		read_json_error(json, ret);
	else
		read_other_error(in->body, ret);
	if (!aws_error_outcome(ret->code, &ret->outcome))
		ret->outcome = outcome_of_status(in->status);
	drop_echo(ret->message);
	if (is_foreign(in, ret))
		say_foreign(in, ret);
	else if (is_ca_state(r, ret))
		ret->outcome = AWS_CA_STATE;
	if (ret->code[0] == '\0')
		(void)snprintf(ret->code, sizeof(ret->code), "Http%d", in->status);
	if (ret->message[0] == '\0')
		(void)snprintf(ret->message, sizeof(ret->message), "HTTP %d without a message", in->status);
}

/* Is it what the operation promises?  A captive portal's page with status 200 is not. */
static bool
is_promised(const struct transport_reply *in, const struct aws_request *r, const cJSON *json)
{
	char root[64];

	if (r->service == AWS_STS) {
		(void)snprintf(root, sizeof(root), "<%.48sResponse", r->operation);
		return strstr(in->body, root) != NULL;
	}
	if (json != NULL)
		return true;
	/* nothing at all is what anybody may say: AWS's request id stands by its own */
	return !r->promises_json && in->request_id[0] != '\0' && in->body[strspn(in->body, " \t\r\n")] == '\0';
}

static void
read_answer(const struct transport_reply *in, const struct aws_request *r, const cJSON *json, struct aws_reply *ret)
{
	ret->status = in->status;
	if (in->status < 200 || in->status >= 300) {
		read_error(in, r, json, ret);
	} else if (!is_promised(in, r, json)) {
		ret->outcome = AWS_TRANSIENT;
		(void)snprintf(ret->code, sizeof(ret->code), "AnswerNotAws");
		(void)snprintf(ret->message, sizeof(ret->message), "HTTP %d with %zu bytes that are no answer to %s", in->status,
		    in->body_len, r->operation);
	}
}

/* No answer: our own words. */
static void
read_failure(const struct transport_reply *in, struct aws_reply *ret)
{
	static const struct {
		enum aws_outcome outcome;
		const char	*code;
	} failures[] = {
		[TRANSPORT_NOT_SENT] = { AWS_TRANSIENT, "NotConnected" },
		[TRANSPORT_LOST] = { AWS_TRANSIENT, "ConnectionLost" },
		[TRANSPORT_UNTRUSTED] = { AWS_UNTRUSTED, "ServerNotTrusted" },
		[TRANSPORT_TOO_LARGE] = { AWS_TRANSIENT, "AnswerTooLarge" },
	};

	ret->outcome = failures[in->result].outcome;
	(void)snprintf(ret->code, sizeof(ret->code), "%s", failures[in->result].code);
	aws_error_line(ret->message, sizeof(ret->message), in->text, strlen(in->text));
}

cJSON *
aws_error_read(const struct transport_reply *in, const struct aws_request *r, struct aws_reply *ret)
{
	const char *end = NULL;
	cJSON *json;
	int64_t s;

	*ret = (struct aws_reply){ .outcome = AWS_DONE, .body = in->body };
	if (in->result != TRANSPORT_ANSWERED) {
		read_failure(in, ret);
		return NULL;
	}
	aws_error_line(ret->request_id, sizeof(ret->request_id), in->request_id, strlen(in->request_id));
	if (number_parse(in->retry_after, 0, RETRY_AFTER_MAX_S, &s))
		ret->retry_after_s = (int)s;
	json = cJSON_ParseWithLengthOpts(in->body, in->body_len, &end, false);
	if (json != NULL && (!cJSON_IsObject(json) || end[strspn(end, " \t\r\n")] != '\0')) {
		cJSON_Delete(json);
		json = NULL;
	}
	read_answer(in, r, json, ret);
	if (ret->outcome == AWS_DONE && r->promises_json)
		ret->json = json;
	return json;
}
