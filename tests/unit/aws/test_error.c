/* What AWS's answers mean: a table of everything that is known to come, and of what should not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/error.h"
#include "aws/iot.h"
#include "cmocka_test.h"

static const struct aws_request
    REGISTER = { .operation = "RegisterCertificate", .promises_json = true },
    ATTACH = { .operation = "AttachPolicy" },
    IDENTITY = { .service = AWS_STS, .operation = "GetCallerIdentity" };

/* As an answer of AWS comes; NULL and 0 where a member is left out. */
struct answer {
	const struct aws_request	*request;	/* NULL: ATTACH */
	int				 status;
	const char			*type;		/* x-amzn-ErrorType */
	const char			*body;
	enum aws_outcome		 outcome;
	const char			*code, *message;
};

#define FOREIGN(status, type) "HTTP " status " (" type ") without an error code: not AWS answered, but something on the way"

static const struct answer answers[] = {
	/* the declared errors of the operations that we call (aws-iot facts 1) */
	{ NULL, 400, "ThrottlingException", "{\"message\":\"Rate exceeded\"}", AWS_THROTTLED, "ThrottlingException", "Rate exceeded" },
	{ NULL, 400, "InvalidRequestException", "{\"message\":\"m\"}", AWS_REFUSED, "InvalidRequestException", "m" },
	{ NULL, 400, "CertificateValidationException", "{\"message\":\"m\"}", AWS_REFUSED, "CertificateValidationException", "m" },
	{ NULL, 400, "RegistrationCodeValidationException", "{}", AWS_REFUSED, "RegistrationCodeValidationException", NULL },
	{ NULL, 400, "MalformedPolicyException", "{}", AWS_REFUSED, "MalformedPolicyException", NULL },
	{ NULL, 400, "ResourceRegistrationFailureException", "{}", AWS_REFUSED, "ResourceRegistrationFailureException", NULL },
	{ NULL, 400, "SqlParseException", "{}", AWS_REFUSED, "SqlParseException", NULL },
	{ NULL, 401, "UnauthorizedException", "{\"message\":\"m\"}", AWS_DENIED, "UnauthorizedException", "m" },
	{ NULL, 404, "ResourceNotFoundException", "{\"message\":\"m\"}", AWS_NOT_FOUND, "ResourceNotFoundException", "m" },
	{ &REGISTER, 406, "CertificateStateException", "{\"message\":\"m\"}", AWS_CA_STATE, "CertificateStateException", "m" },
	{ NULL, 406, "CertificateStateException", "{\"message\":\"m\"}", AWS_REFUSED, "CertificateStateException", "m" },
	{ NULL, 409, "ResourceAlreadyExistsException", "{\"message\":\"m\"}", AWS_EXISTS, "ResourceAlreadyExistsException", "m" },
	{ NULL, 409, "CertificateConflictException", "{\"message\":\"m\"}", AWS_REFUSED, "CertificateConflictException", "m" },
	{ NULL, 409, "ConflictingResourceUpdateException", "{}", AWS_TRANSIENT, "ConflictingResourceUpdateException", NULL },
	{ NULL, 409, "VersionConflictException", "{}", AWS_REFUSED, "VersionConflictException", NULL },
	{ NULL, 409, "VersionsLimitExceededException", "{}", AWS_REFUSED, "VersionsLimitExceededException", NULL },
	{ NULL, 409, "DeleteConflictException", "{}", AWS_REFUSED, "DeleteConflictException", NULL },
	{ NULL, 409, "ConflictException", "{}", AWS_REFUSED, "ConflictException", NULL },
	{ NULL, 410, "LimitExceededException", "{\"message\":\"m\"}", AWS_REFUSED, "LimitExceededException", "m" },
	{ NULL, 500, "InternalFailureException", "{\"message\":\"m\"}", AWS_TRANSIENT, "InternalFailureException", "m" },
	{ NULL, 500, "InternalException", "{}", AWS_TRANSIENT, "InternalException", NULL },
	{ NULL, 503, "ServiceUnavailableException", "{\"message\":\"m\"}", AWS_TRANSIENT, "ServiceUnavailableException", "m" },

	/* the code decides, whatever the status */
	{ NULL, 500, "ThrottlingException", "{}", AWS_THROTTLED, "ThrottlingException", NULL },
	{ NULL, 503, "SlowDown", "{}", AWS_THROTTLED, "SlowDown", NULL },
	{ NULL, 400, "ServiceUnavailableException", "{}", AWS_TRANSIENT, "ServiceUnavailableException", NULL },
	{ NULL, 400, "ResourceNotFoundException", "{}", AWS_NOT_FOUND, "ResourceNotFoundException", NULL },
	{ NULL, 400, "LimitExceededException", "{}", AWS_REFUSED, "LimitExceededException", NULL },
	{ NULL, 400, "ExpiredTokenException", "{}", AWS_DENIED, "ExpiredTokenException", NULL },
	{ NULL, 404, "UnknownOperationException", "{}", AWS_REFUSED, "UnknownOperationException", NULL },
	{ NULL, 403, "ThrottlingException", "{}", AWS_THROTTLED, "ThrottlingException", NULL },

	/* undeclared, but real (1.3), and the throttling codes of the SDKs (3.3) */
	{ NULL, 403, "AccessDeniedException", "{\"Message\":\"User: x\"}", AWS_DENIED, "AccessDeniedException", "User: x" },
	{ NULL, 403, "UnrecognizedClientException", "{\"message\":\"m\"}", AWS_DENIED, "UnrecognizedClientException", "m" },
	{ NULL, 403, "InvalidSignatureException", "{}", AWS_DENIED, "InvalidSignatureException", NULL },
	{ NULL, 403, "SignatureDoesNotMatch", "{}", AWS_DENIED, "SignatureDoesNotMatch", NULL },
	{ NULL, 403, "SignatureDoesNotMatch", "{\"message\":\"Check it. The Canonical String for this request should have been 'POST\\n/\\n"
	    "x-amz-security-token:T0kEn'\"}", AWS_DENIED, "SignatureDoesNotMatch", "Check it." },
	{ NULL, 403, "A", "{\"message\":\"X-AMZ-Security-Token: T0kEn\"}", AWS_DENIED, "A", "HTTP 403 without a message" },
	{ NULL, 403, "ExpiredTokenException", "{}", AWS_DENIED, "ExpiredTokenException", NULL },
	{ NULL, 403, "MissingAuthenticationTokenException", "{}", AWS_DENIED, "MissingAuthenticationTokenException", NULL },
	{ NULL, 403, "IncompleteSignatureException", "{}", AWS_DENIED, "IncompleteSignatureException", NULL },
	{ NULL, 403, "ForbiddenException", "{\"message\":null}", AWS_DENIED, "ForbiddenException", NULL },
	{ NULL, 403, NULL, "{\"message\":\"Forbidden\"}", AWS_TRANSIENT, "Http403", FOREIGN("403", "no Content-Type") ": Forbidden" },
	{ NULL, 400, "Throttling", "{}", AWS_THROTTLED, "Throttling", NULL },
	{ NULL, 400, "ThrottledException", "{}", AWS_THROTTLED, "ThrottledException", NULL },
	{ NULL, 400, "RequestThrottled", "{}", AWS_THROTTLED, "RequestThrottled", NULL },
	{ NULL, 400, "RequestThrottledException", "{}", AWS_THROTTLED, "RequestThrottledException", NULL },
	{ NULL, 429, "TooManyRequestsException", "{}", AWS_THROTTLED, "TooManyRequestsException", NULL },
	{ NULL, 400, "RequestLimitExceeded", "{}", AWS_THROTTLED, "RequestLimitExceeded", NULL },
	{ NULL, 400, "BandwidthLimitExceeded", "{}", AWS_THROTTLED, "BandwidthLimitExceeded", NULL },
	{ NULL, 400, "EC2ThrottledException", "{}", AWS_THROTTLED, "EC2ThrottledException", NULL },
	{ NULL, 400, "RequestTimeout", "{}", AWS_TRANSIENT, "RequestTimeout", NULL },
	{ NULL, 400, "RequestTimeoutException", "{}", AWS_TRANSIENT, "RequestTimeoutException", NULL },
	{ NULL, 400, "SomethingNewException", "{\"message\":\"m\"}", AWS_REFUSED, "SomethingNewException", "m" },
	{ NULL, 404, "SomethingNewException", "{\"message\":\"m\"}", AWS_NOT_FOUND, "SomethingNewException", "m" },
	{ NULL, 500, "SomethingNewException", "{\"message\":\"m\"}", AWS_TRANSIENT, "SomethingNewException", "m" },

	/* an inactive CA, in words */
	{ &REGISTER, 400, "InvalidRequestException", "{\"message\":\"CA certificate associated to the device certificate is not active\"}",
	    AWS_CA_STATE, "InvalidRequestException", "CA certificate associated to the device certificate is not active" },
	{ &REGISTER, 400, "CertificateValidationException", "{\"message\":\"the ca certificate is INACTIVE\"}", AWS_CA_STATE,
	    "CertificateValidationException", NULL },
	{ NULL, 400, "InvalidRequestException", "{\"message\":\"CA certificate is not active\"}", AWS_REFUSED, NULL, NULL },
	{ &REGISTER, 400, "ThrottlingException", "{\"message\":\"CA certificate is not active\"}", AWS_THROTTLED, NULL, NULL },
	{ &REGISTER, 400, "InvalidRequestException", "{\"message\":\"CA certificate is not PEM\"}", AWS_REFUSED, NULL, NULL },

	/* where the code stands */
	{ NULL, 400, "ThrottlingException:http://internal.amazon.com/coral/com.amazon.coral.availability/", "{}", AWS_THROTTLED,
	    "ThrottlingException", NULL },
	{ NULL, 400, "com.amazonaws.iot#ThrottlingException:http://x#y", "{}", AWS_THROTTLED, "ThrottlingException", NULL },
	{ NULL, 400, " ThrottlingException ", "{}", AWS_THROTTLED, "ThrottlingException", NULL },
	{ NULL, 400, NULL, "{\"code\":\"ThrottlingException\"}", AWS_THROTTLED, "ThrottlingException", NULL },
	{ NULL, 400, NULL, "{\"Code\":\"ThrottlingException\"}", AWS_THROTTLED, "ThrottlingException", NULL },
	{ NULL, 400, NULL, "{\"__type\":\"com.amazon.coral.availability#ThrottlingException\",\"message\":\"m\"}", AWS_THROTTLED,
	    "ThrottlingException", "m" },
	{ NULL, 400, "InvalidRequestException", "{\"code\":\"ThrottlingException\"}", AWS_REFUSED, "InvalidRequestException", NULL },
	{ NULL, 400, NULL, "{\"code\":400,\"__type\":\"ThrottlingException\"}", AWS_THROTTLED, "ThrottlingException", NULL },
	{ NULL, 400, "#:", "{\"code\":\"Throttling\"}", AWS_THROTTLED, "Throttling", NULL },
	{ NULL, 400, "a\"b<c>\x01\xff", "{}", AWS_REFUSED, "a_b_c___", NULL },

	/* bodies that are nobody's */
	{ NULL, 400, NULL, "[]", AWS_TRANSIENT, "Http400", FOREIGN("400", "no Content-Type") ": []" },
	{ NULL, 400, NULL, "{\"message\":", AWS_TRANSIENT, "Http400", NULL },
	{ NULL, 400, NULL, "{\"message\":{\"a\":1}}", AWS_TRANSIENT, "Http400", FOREIGN("400", "no Content-Type") },
	{ NULL, 400, "ThrottlingException", "not JSON", AWS_THROTTLED, "ThrottlingException", "not JSON" },
	{ NULL, 502, NULL, "<html>\r\n<head><title>502 Bad Gateway</title></head></html>", AWS_TRANSIENT, "Http502", "502 Bad Gateway" },
	{ NULL, 503, NULL, "<!DOCTYPE html><p>x", AWS_TRANSIENT, "Http503", "HTTP 503 without a message" },
	{ NULL, 404, NULL, "<html><title>Not Found</title>", AWS_TRANSIENT, "Http404", FOREIGN("404", "no Content-Type") ": Not Found" },
	{ NULL, 403, NULL, "<html><title>Blocked by the firewall</title>", AWS_TRANSIENT, "Http403",
	    FOREIGN("403", "no Content-Type") ": Blocked by the firewall" },
	{ &REGISTER, 302, NULL, "", AWS_TRANSIENT, "Http302", FOREIGN("302", "no Content-Type") },
	{ &REGISTER, 451, NULL, "<html><title>CA certificate is not active</title>", AWS_TRANSIENT, "Http451", NULL },
	{ NULL, 407, NULL, "", AWS_TRANSIENT, "Http407", FOREIGN("407", "no Content-Type") "; a proxy wants a user and a password: see "
	    "https_proxy" },
	{ &IDENTITY, 403, NULL, "<ErrorResponse><RequestId>r-9</RequestId></ErrorResponse>", AWS_DENIED, "Http403", NULL },
	{ NULL, 200, NULL, "<html><title>Log in</title></html>", AWS_TRANSIENT, "AnswerNotAws", NULL },
	{ &REGISTER, 200, NULL, "<html><title>Log in</title></html>", AWS_TRANSIENT, "AnswerNotAws", NULL },
	{ &REGISTER, 200, NULL, "", AWS_TRANSIENT, "AnswerNotAws", NULL },
	{ &REGISTER, 200, NULL, "[{}]", AWS_TRANSIENT, "AnswerNotAws", NULL },
	{ &REGISTER, 200, NULL, "{\"certificateId\":\"a", AWS_TRANSIENT, "AnswerNotAws", NULL },
	{ &REGISTER, 200, NULL, "{}<html>", AWS_TRANSIENT, "AnswerNotAws", NULL },
	{ &REGISTER, 200, NULL, "\"a\"", AWS_TRANSIENT, "AnswerNotAws", NULL },

	/* as promised */
	{ &REGISTER, 200, NULL, " {\"certificateId\":\"a\"}\n", AWS_DONE, "", "" },
	{ &REGISTER, 201, NULL, "{}", AWS_DONE, "", "" },
	{ NULL, 200, NULL, "{}", AWS_DONE, "", "" },

	/* STS in XML */
	{ &IDENTITY, 200, NULL, "<GetCallerIdentityResponse xmlns=\"x\"><GetCallerIdentityResult/></GetCallerIdentityResponse>", AWS_DONE,
	    "", "" },
	{ &IDENTITY, 200, NULL, "<html></html>", AWS_TRANSIENT, "AnswerNotAws", NULL },
	{ &IDENTITY, 200, NULL, "{}", AWS_TRANSIENT, "AnswerNotAws", NULL },
	{ &IDENTITY, 403, NULL, "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>The security token "
	    "included in the request is invalid &amp; &lt;old&gt;.</Message></Error><RequestId>r-9</RequestId></ErrorResponse>",
	    AWS_DENIED, "InvalidClientTokenId", "The security token included in the request is invalid & <old>." },
	{ &IDENTITY, 403, NULL, "<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>", AWS_DENIED, "ExpiredToken", NULL },
	{ &IDENTITY, 400, NULL, "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>",
	    AWS_THROTTLED, "Throttling", "Rate exceeded" },
	{ &IDENTITY, 503, NULL, "<ErrorResponse><Error><Code>ServiceUnavailable", AWS_TRANSIENT, "Http503", NULL },

	/* messages that would do something to a terminal, a log or a line */
	{ NULL, 400, "A", "{\"message\":\"a\\r\\nb\\tc\\u0000\"}", AWS_REFUSED, "A", "a b c" },
	{ NULL, 400, "A", "{\"message\":\"\\u001b[31mred\\u0007\"}", AWS_REFUSED, "A", "[31mred" },
	{ NULL, 400, "A", "{\"message\":\"  a   b  \"}", AWS_REFUSED, "A", "a b" },
	{ NULL, 400, "A", "{\"message\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}", AWS_REFUSED, "A", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ NULL, 400, "A", "{\"message\":\"\xff\xfe\xc3(\xed\xa0\x80\"}", AWS_REFUSED, "A", "???\050???" },
	{ NULL, 400, "A", "{\"message\":\"\xe2\x80\xaexe.cod\"}", AWS_REFUSED, "A", "?xe.cod" },
	{ NULL, 400, "A", "\xff\xfe\x00", AWS_REFUSED, "A", "??" },
	{ NULL, 400, "A", "{\"message\":\"\xc2\x9b" "31mred\"}", AWS_REFUSED, "A", "31mred" },
};

static cJSON *
read_it(const struct answer *a, struct aws_reply *ret)
{
	const struct transport_reply in = {
		.result = TRANSPORT_ANSWERED,
		.text = "",
		.status = a->status,
		.body = a->body != NULL ? a->body : "",
		.body_len = a->body != NULL ? strlen(a->body) : 0,
		.error_type = a->type != NULL ? a->type : "",
		.request_id = "",
		.content_type = "",
		.date = "",
		.retry_after = "",
	};

	return aws_error_read(&in, a->request != NULL ? a->request : &ATTACH, ret);
}

static void
test_answers(void **state)
{
	(void)state;
	assert_true(sizeof(answers) / sizeof(answers[0]) >= 60);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct answer *a = &answers[i];
		struct aws_reply r;
		cJSON *json = read_it(a, &r);

		if (r.outcome != a->outcome || r.status != a->status || (a->code != NULL && strcmp(r.code, a->code) != 0) ||
		    (a->message != NULL && strcmp(r.message, a->message) != 0) ||
		    (r.outcome != AWS_DONE && (r.code[0] == '\0' || r.message[0] == '\0')))
			fail_msg("%d %s %s: got %s, code \"%s\", message \"%s\"", a->status, a->type != NULL ? a->type : "-", a->body,
			    aws_outcome_name(r.outcome), r.code, r.message);
		assert_int_equal(r.json != NULL, r.outcome == AWS_DONE && a->request == &REGISTER);
		cJSON_Delete(json);
	}
}

static enum aws_outcome
wanted(int status, const char *request_id)
{
	if (status == 429)
		return AWS_THROTTLED;
	return (status == 401 || status == 403) && *request_id != '\0' ? AWS_DENIED : AWS_TRANSIENT;
}

/* AWS says what is wrong; who says nothing is somebody else. */
static void
check_status(int status, const char *request_id)
{
	const struct transport_reply in = { .result = TRANSPORT_ANSWERED, .text = "", .status = status, .body = "", .error_type = "",
	    .request_id = request_id, .content_type = "text/x", .date = "", .retry_after = "" };
	char code[16];
	struct aws_reply r;

	cJSON_Delete(aws_error_read(&in, &ATTACH, &r));
	(void)snprintf(code, sizeof(code), "Http%d", status);
	assert_int_equal(r.outcome, wanted(status, request_id));
	assert_string_equal(r.code, code);
	assert_true(strstr(r.message, code + 4) != NULL);
	assert_int_equal(strstr(r.message, "(text/x) without an error code: not AWS") != NULL,
	    status < 500 && r.outcome == AWS_TRANSIENT);
}

static void
test_every_status_without_a_body(void **state)
{
	(void)state;
	for (int status = 300; status < 600; status++) {
		check_status(status, "");
		check_status(status, "r-1");
	}
}

/* What promises no body is done only if AWS said so: an empty 200 may be anybody's. */
static void
test_empty_answers(void **state)
{
	static const char *const bodies[] = { "", " \r\n" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct transport_reply in = { .result = TRANSPORT_ANSWERED, .text = "", .status = i < 2 ? 200 : 204,
		    .body = bodies[i % 2], .body_len = strlen(bodies[i % 2]), .error_type = "", .request_id = "", .content_type = "",
		    .date = "", .retry_after = "" };
		struct transport_reply aws = in;
		struct aws_reply r;

		assert_null(aws_error_read(&in, &ATTACH, &r));
		assert_int_equal(r.outcome, AWS_TRANSIENT);
		assert_string_equal(r.code, "AnswerNotAws");
		aws.request_id = "r-1";
		assert_null(aws_error_read(&aws, &ATTACH, &r));
		assert_int_equal(r.outcome, AWS_DONE);
		assert_null(aws_error_read(&aws, &REGISTER, &r));
		assert_int_equal(r.outcome, AWS_TRANSIENT);
	}
}

static void
test_details_of_a_conflict(void **state)
{
	struct answer a = { .status = 409, .type = "ResourceAlreadyExistsException", .body =
	    "{\"message\":\"m\",\"resourceId\":\"0123\",\"resourceArn\":\"arn:aws:iot:x:1:cert/0123\"}" };
	struct aws_reply r;

	(void)state;
	cJSON_Delete(read_it(&a, &r));
	assert_string_equal(r.resource_id, "0123");
	assert_string_equal(r.resource_arn, "arn:aws:iot:x:1:cert/0123");
	a.body = "{\"message\":\"m\",\"resourceId\":17,\"resourceArn\":null}";
	cJSON_Delete(read_it(&a, &r));
	assert_string_equal(r.resource_id, "");
	assert_string_equal(r.resource_arn, "");
}

static void
test_long_texts_are_cut(void **state)
{
	struct buf b = { 0 };
	struct answer a = { .status = 400 };
	struct aws_reply r;
	char type[300];

	(void)state;
	buf_puts(&b, "{\"message\":\"");
	for (int i = 0; i < 300000; i++)
		buf_puts(&b, "\xe2\x82\xac");
	buf_puts(&b, "\"}");
	memset(type, 'a', sizeof(type) - 1);
	type[sizeof(type) - 1] = '\0';
	a.body = b.data;
	a.type = type;
	cJSON_Delete(read_it(&a, &r));
	assert_int_equal(strlen(r.message), LIMIT_AWS_MESSAGE_BYTES / 3 * 3);	/* no character in halves */
	assert_int_equal(strlen(r.code), LIMIT_AWS_CODE_BYTES);
	buf_done(&b);
}

static void
test_deep_json(void **state)
{
	struct buf b = { 0 };
	struct answer a = { .request = &REGISTER, .status = 200 };
	struct aws_reply r;

	(void)state;
	for (int i = 0; i < 300000; i++)
		buf_puts(&b, i == 0 ? "{\"a\":" : "[");
	a.body = b.data;
	assert_null(read_it(&a, &r));
	assert_int_equal(r.outcome, AWS_TRANSIENT);
	buf_done(&b);
}

static void
test_no_answer(void **state)
{
	static const struct {
		enum transport_result	 result;
		enum aws_outcome	 outcome;
		const char		*code;
	} cases[] = {
		{ TRANSPORT_NOT_SENT, AWS_TRANSIENT, "NotConnected" },
		{ TRANSPORT_LOST, AWS_TRANSIENT, "ConnectionLost" },
		{ TRANSPORT_UNTRUSTED, AWS_UNTRUSTED, "ServerNotTrusted" },
		{ TRANSPORT_TOO_LARGE, AWS_TRANSIENT, "AnswerTooLarge" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* also with half of a good answer there */
		const struct transport_reply in = { .result = cases[i].result, .text = "curl's\nwords", .status = 0, .body = "{}",
		    .body_len = 2, .error_type = "", .request_id = "", .content_type = "", .date = "", .retry_after = "" };
		struct aws_reply r;

		assert_null(aws_error_read(&in, &REGISTER, &r));
		assert_int_equal(r.outcome, cases[i].outcome);
		assert_int_equal(r.status, 0);
		assert_string_equal(r.code, cases[i].code);
		assert_string_equal(r.message, "curl's words");
	}
}

static void
test_retry_after(void **state)
{
	static const struct {
		const char	*text;
		int		 s;
	} cases[] = { { "7", 7 }, { "0", 0 }, { "3600", 3600 }, { "3601", 0 }, { "-1", 0 }, { "", 0 }, { "soon", 0 },
	    { "Wed, 21 Oct 2026 07:28:00 GMT", 0 }, { "99999999999999999999", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct transport_reply in = { .result = TRANSPORT_ANSWERED, .text = "", .status = 429, .body = "",
		    .error_type = "", .request_id = "id-\n1", .content_type = "", .date = "", .retry_after = cases[i].text };
		struct aws_reply r;

		cJSON_Delete(aws_error_read(&in, &REGISTER, &r));
		assert_int_equal(r.retry_after_s, cases[i].s);
		assert_string_equal(r.request_id, "id- 1");
	}
}

static void
test_as_an_error(void **state)
{
	static const struct {
		enum aws_outcome outcome;
		enum err_code	 code;
	} cases[] = {
		{ AWS_THROTTLED, ERR_BUSY }, { AWS_TRANSIENT, ERR_IO }, { AWS_EXISTS, ERR_CONFLICT }, { AWS_NOT_FOUND, ERR_NOT_FOUND },
		{ AWS_CA_STATE, ERR_CONFLICT }, { AWS_REFUSED, ERR_IO }, { AWS_DENIED, ERR_PERMISSION }, { AWS_UNTRUSTED, ERR_IO },
	};
	struct aws_reply r = { .code = "SomeException", .request_id = "r-1" };
	struct err e;

	(void)state;
	memset(r.message, 'm', sizeof(r.message) - 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		r.outcome = cases[i].outcome;
		assert_int_equal(aws_reply_fail(&r, "CreateThing", &e), cases[i].code);
		assert_int_equal(e.code, cases[i].code);
		assert_true(strstr(e.log_text, "CreateThing: SomeException: mmm") == e.log_text);
		/* a server that is not trusted gave no id; what to do then stands there in whole */
		assert_true(strstr(e.log_text, r.outcome == AWS_UNTRUSTED ? "the clock must be right" : "(request id r-1)") != NULL);
	}
}

/* Wherever the cut falls: no character in halves. */
static void
test_cut_between_characters(void **state)
{
	struct aws_reply r = { .outcome = AWS_REFUSED, .code = "X", .request_id = "r-1" };
	char again[sizeof(((struct err *)0)->log_text)];
	struct err e;

	(void)state;
	for (size_t pad = 0; pad < 4; pad++) {
		r.message[0] = '\0';
		memset(r.message, 'm', pad);
		for (size_t i = pad; i + 2 < sizeof(r.message); i += 2)
			memcpy(r.message + i, "\xc3\xa9", 3);
		(void)aws_reply_fail(&r, "CreateThing", &e);
		aws_error_line(again, sizeof(again), e.log_text, strlen(e.log_text));	/* halves become '?' */
		assert_string_equal(e.log_text, again);
		assert_null(strchr(again, '?'));
	}
}

static void
test_xml(void **state)
{
	char out[8];

	(void)state;
	assert_true(aws_error_xml("<a><b>x</b></a>", "b", out, sizeof(out)));
	assert_string_equal(out, "x");
	assert_true(aws_error_xml("<b>&lt;&amp;lt;&quot;&apos;&x</b>", "b", out, sizeof(out)));
	assert_string_equal(out, "<&lt;\"'");
	assert_true(aws_error_xml("<b></b>", "b", out, sizeof(out)));
	assert_string_equal(out, "");
	assert_false(aws_error_xml("<b>x", "b", out, sizeof(out)));
	assert_false(aws_error_xml("</b>x<b>", "b", out, sizeof(out)));
	assert_false(aws_error_xml("", "b", out, sizeof(out)));
	assert_true(aws_error_xml("<b>0123456789</b>", "b", out, sizeof(out)));
	assert_string_equal(out, "0123456");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_every_status_without_a_body),
		cmocka_unit_test(test_empty_answers),
		cmocka_unit_test(test_details_of_a_conflict),
		cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_deep_json),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_as_an_error),
		cmocka_unit_test(test_cut_between_characters),
		cmocka_unit_test(test_xml),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
