/* The readers of aws/iot.h and aws/sts.h: what AWS promises is taken, anything else is no such answer. */
#include <stdio.h>
#include <string.h>

#include "aws/iot.h"
#include "aws/sts.h"
#include "cmocka_test.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UPPER "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"
#define ARN "arn:aws:iot:eu-central-1:123456789012:cert/" ID

/* A reply with this body; NULL where it is no JSON, which the readers must bear too. */
static struct aws_reply
reply_of(const char *body)
{
	return (struct aws_reply){ .outcome = AWS_DONE, .json = cJSON_Parse(body), .body = body };
}

static void
drop(struct aws_reply *r)
{
	cJSON_Delete((cJSON *)(uintptr_t)r->json);
}

static void
test_registration_code(void **state)
{
	static const char *const bad[] = { "{}", "{\"registrationCode\":null}", "{\"registrationCode\":64}", "{\"registrationCode\":\"\"}",
	    "{\"registrationCode\":\"" ID "0\"}", "{\"registrationCode\":\"g123\"}", "{\"registrationCode\":[\"" ID "\"]}", "no JSON" };
	struct aws_reply r = reply_of("{\"registrationCode\":\"" UPPER "\"}");
	char code[65];

	(void)state;
	assert_true(iot_registration_code_read(&r, code));
	assert_string_equal(code, UPPER);	/* it becomes a CN: as it comes */
	drop(&r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r = reply_of(bad[i]);
		assert_false(iot_registration_code_read(&r, code));
		drop(&r);
	}
}

static void
test_registered(void **state)
{
	static const char *const bad[] = { "{}", "{\"certificateId\":\"" ID "\"}", "{\"certificateArn\":\"" ARN "\"}",
	    "{\"certificateId\":\"\",\"certificateArn\":\"" ARN "\"}", "{\"certificateId\":1,\"certificateArn\":2}",
	    "{\"certificateId\":\"" ID "\",\"certificateArn\":\"x\"}", "{\"certificateId\":\"" ID "\",\"certificateArn\":\"arn:a b\"}",
	    "{\"certificateId\":\"" ID "\",\"certificateArn\":\"arn:a\\nX: y\"}", "{\"certificateId\":\"xyz\",\"certificateArn\":\"" ARN "\"}",
	    "{\"certificateId\":\"" ID ID "\",\"certificateArn\":\"" ARN "\"}",
	    "{\"certificateId\":\"" ID "\",\"certificateArn\":\"" ARN ARN ARN "\"}", "no JSON" };
	struct aws_reply r = reply_of("{\"certificateId\":\"" UPPER "\",\"certificateArn\":\"" ARN "\",\"more\":[]}");
	char id[65], arn[LIMIT_ARN_BYTES + 1];

	(void)state;
	assert_true(iot_registered_read(&r, id, arn));
	assert_string_equal(id, ID);
	assert_string_equal(arn, ARN);
	drop(&r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r = reply_of(bad[i]);
		assert_false(iot_registered_read(&r, id, arn));
		drop(&r);
	}
}

static void
test_ca(void **state)
{
	struct aws_reply r = reply_of("{\"certificateDescription\":{\"certificateId\":\"" ID "\",\"certificateArn\":\"" ARN
	    "\",\"status\":\"ACTIVE\",\"autoRegistrationStatus\":\"ENABLE\",\"certificateMode\":\"SNI_ONLY\"}}");
	struct iot_ca ca;

	(void)state;
	assert_true(iot_ca_read(&r, &ca));
	assert_true(ca.active && ca.auto_registration && ca.sni_only);
	assert_string_equal(ca.id, ID);
	drop(&r);
	r = reply_of("{\"certificateDescription\":{\"certificateId\":\"" ID "\",\"certificateArn\":\"" ARN "\",\"status\":\"INACTIVE\"}}");
	assert_true(iot_ca_read(&r, &ca));
	assert_false(ca.active || ca.auto_registration || ca.sni_only);
	drop(&r);
	r = reply_of("{\"certificateDescription\":{\"certificateId\":\"" ID "\",\"certificateArn\":\"" ARN "\"}}");
	assert_false(iot_ca_read(&r, &ca));
	drop(&r);
	r = reply_of("{\"certificateDescription\":\"x\"}");
	assert_false(iot_ca_read(&r, &ca));
	drop(&r);
}

static void
test_certificate(void **state)
{
	static const struct {
		const char			*text;
		enum iot_certificate_status	 status;
	} cases[] = { { "ACTIVE", IOT_ACTIVE }, { "INACTIVE", IOT_INACTIVE }, { "REVOKED", IOT_REVOKED },
	    { "PENDING_ACTIVATION", IOT_PENDING_ACTIVATION }, { "PENDING_TRANSFER", IOT_OTHER_STATUS }, { "active", IOT_OTHER_STATUS } };
	struct iot_certificate c;
	struct aws_reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char body[1024];

		(void)snprintf(body, sizeof(body), "{\"certificateDescription\":{\"certificateId\":\"%s\",\"certificateArn\":\"%s\","
		    "\"status\":\"%s\",\"certificatePem\":\"PEM\\n\",\"creationDate\":1.5}}", ID, ARN, cases[i].text);
		r = reply_of(body);
		assert_true(iot_certificate_read(&r, &c));
		assert_int_equal(c.status, cases[i].status);
		assert_string_equal(c.status_text, cases[i].text);
		assert_string_equal(c.pem, "PEM\n");
		drop(&r);
	}
	r = reply_of("{\"certificateDescription\":{\"certificateId\":\"" ID "\",\"certificateArn\":\"" ARN "\",\"status\":\"ACTIVE\"}}");
	assert_false(iot_certificate_read(&r, &c));
	drop(&r);
	r = reply_of("[]");
	assert_false(iot_certificate_read(&r, &c));
	drop(&r);
}

static void
count_row(void *arg, const struct iot_listed *row)
{
	assert_string_equal(row->id, ID);
	++*(int *)arg;
}

static void
test_page(void **state)
{
	static const char *const bad[] = { "{}", "{\"certificates\":null}", "{\"certificates\":{}}", "{\"certificates\":[1]}",
	    "{\"certificates\":[{\"certificateId\":\"x\",\"certificateArn\":\"a\",\"status\":\"s\"}]}",
	    "{\"certificates\":[{\"certificateId\":\"" ID "\",\"certificateArn\":\"a\"}]}", "no JSON" };
	struct aws_reply r = reply_of("{\"certificates\":[{\"certificateId\":\"" ID "\",\"certificateArn\":\"" ARN "\",\"status\":\"ACTIVE\"},"
	    "{\"certificateId\":\"" ID "\",\"certificateArn\":\"" ARN "\",\"status\":\"INACTIVE\"}],\"nextMarker\":\"a+/=\"}");
	char marker[IOT_MARKER_BYTES], body[1200];
	int64_t count;
	int rows = 0;

	(void)state;
	assert_true(iot_page_read(&r, count_row, &rows, &count, marker));
	assert_int_equal(rows, 2);
	assert_int_equal(count, 2);
	assert_string_equal(marker, "a+/=");
	assert_true(iot_page_read(&r, NULL, NULL, &count, marker));
	drop(&r);
	r = reply_of("{\"certificates\":[],\"nextMarker\":null}");
	assert_true(iot_page_read(&r, count_row, &rows, &count, marker));
	assert_int_equal(count, 0);
	assert_string_equal(marker, "");
	drop(&r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r = reply_of(bad[i]);
		assert_false(iot_page_read(&r, NULL, NULL, &count, marker));
		drop(&r);
	}
	for (int len = 1024; len <= 1025; len++) {
		(void)snprintf(body, sizeof(body), "{\"certificates\":[],\"nextMarker\":\"%0*d\"}", len, 0);
		r = reply_of(body);
		assert_int_equal(iot_page_read(&r, NULL, NULL, &count, marker), len == 1024);
		drop(&r);
	}
}

static void
test_thing(void **state)
{
	const struct iot_attribute one[] = { { "a", "1" }, { "b", "" } }, other[] = { { "a", "2" } }, more[] = { { "c", "3" } };
	struct aws_reply r = reply_of("{\"thingName\":\"t\",\"thingTypeName\":\"type\",\"attributes\":{\"a\":\"1\",\"b\":\"\",\"x\":\"y\"}}");

	(void)state;
	assert_true(iot_thing_read(&r));
	assert_true(iot_thing_matches(&r, "type", one, 2));
	assert_true(iot_thing_matches(&r, NULL, one, 1));
	assert_true(iot_thing_matches(&r, "", NULL, 0));
	assert_false(iot_thing_matches(&r, "Type", one, 2));
	assert_false(iot_thing_matches(&r, "type", other, 1));
	assert_false(iot_thing_matches(&r, "type", more, 1));
	drop(&r);
	r = reply_of("{\"thingName\":\"t\"}");
	assert_false(iot_thing_matches(&r, "type", NULL, 0));
	assert_false(iot_thing_matches(&r, NULL, one, 1));
	assert_true(iot_thing_matches(&r, NULL, NULL, 0));
	drop(&r);
	r = reply_of("{}");
	assert_false(iot_thing_read(&r));
	drop(&r);
}

static void
test_identity(void **state)
{
	static const char *const bad[] = { "", "{}", "<Account>123456789012</Account>", "<Account>12345678901</Account><Arn>arn:a</Arn>",
	    "<Account>1234567890123</Account><Arn>arn:a</Arn>", "<Account>12345678901x</Account><Arn>arn:a</Arn>",
	    "<Account>123456789012</Account><Arn>me</Arn>", "<Account>123456789012</Account><Arn>arn:" };
	struct aws_reply r = { .outcome = AWS_DONE, .body = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
	    "<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/line</Arn><UserId>A</UserId><Account>123456789012</Account>"
	    "</GetCallerIdentityResult></GetCallerIdentityResponse>" };
	struct sts_identity who;

	(void)state;
	assert_true(sts_identity_read(&r, &who));
	assert_string_equal(who.account, "123456789012");
	assert_string_equal(who.arn, "arn:aws:iam::123456789012:user/line");
	r.outcome = AWS_DENIED;
	assert_false(sts_identity_read(&r, &who));
	r.outcome = AWS_DONE;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r.body = bad[i];
		assert_false(sts_identity_read(&r, &who));
	}
}

static void
test_names(void **state)
{
	char long_name[200];

	(void)state;
	memset(long_name, 'a', sizeof(long_name));
	long_name[129] = '\0';
	assert_false(iot_is_thing_name(long_name) || iot_is_policy_name(long_name) || iot_is_attribute_name(long_name));
	long_name[128] = '\0';
	assert_true(iot_is_thing_name(long_name) && iot_is_policy_name(long_name) && iot_is_attribute_name(long_name));
	assert_true(iot_is_thing_name("aa:bb_C-9"));
	assert_false(iot_is_thing_name("") || iot_is_thing_name("a b") || iot_is_thing_name("a.b") || iot_is_thing_name("a/b"));
	assert_false(iot_is_thing_name("\xc3\xa9") || iot_is_thing_name("a\n") || iot_is_thing_name("a+b"));
	assert_true(iot_is_policy_name("a+=,.@-_9"));
	assert_false(iot_is_policy_name("") || iot_is_policy_name("a:b") || iot_is_policy_name("a/b") || iot_is_policy_name(".."));
	assert_true(iot_is_attribute_name("a_.,@/:#-"));
	assert_false(iot_is_attribute_name("") || iot_is_attribute_name("a=b") || iot_is_attribute_name("a b"));
	assert_true(iot_is_attribute_value("") && iot_is_attribute_value("a_.,@/:#=[]-"));
	assert_false(iot_is_attribute_value("a b") || iot_is_attribute_value("\xc3\xa9"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registration_code),
		cmocka_unit_test(test_registered),
		cmocka_unit_test(test_ca),
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_thing),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
