/* What each answer of AWS means: every call with every outcome, and what a success must say to be one. */
#include "step_fixture.h"

static struct work w;

static const enum step_call	calls[] = { CALL_REGISTER, CALL_DESCRIBE_CERTIFICATE, CALL_REACTIVATE, CALL_CREATE_THING, CALL_DESCRIBE_THING,
				    CALL_ATTACH_PRINCIPAL, CALL_ATTACH_POLICY, CALL_ADD_TO_GROUP, CALL_CHECK_STATUS, CALL_ACTIVATE,
				    CALL_REVOKE };
enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

static void
begin(unsigned wants, enum target_status status, enum step_call call)
{
	work_begin(&w, wants, status);
	w.step.call = call;
	if (call != CALL_REGISTER && call != CALL_DESCRIBE_CERTIFICATE)
		(void)snprintf(w.registration.arn, sizeof(w.registration.arn), "%s", ARN(OWN_ID));
}

/* ---- failures */

static enum step_verdict
verdict_of(char letter)
{
	static const char letters[] = "DMTAUPCR";	/* in the order of enum step_verdict */
	const char *at = strchr(letters, letter);

	assert_non_null(at);
	return (enum step_verdict)(at - letters);
}

static void
test_failures(void **state)
{
	static const enum aws_outcome outcomes[] = { AWS_THROTTLED, AWS_TRANSIENT, AWS_EXISTS, AWS_NOT_FOUND, AWS_CA_STATE, AWS_REFUSED,
	    AWS_DENIED, AWS_UNTRUSTED };
	/* Throttled, Again, More, Unseen, Park, stop Ca, stop Run: a letter for each outcome, a line for each call */
	static const char *const expected[CALLS] = {
		"TAMPCPRR",	/* CALL_REGISTER */
		"TAPUPPRR",	/* CALL_DESCRIBE_CERTIFICATE */
		"TAPUPPRR",	/* CALL_REACTIVATE */
		"TAMPPPRR",	/* CALL_CREATE_THING: what is not found is the thing type */
		"TAPUPPRR",	/* CALL_DESCRIBE_THING */
		"TAPUPPRR",	/* CALL_ATTACH_PRINCIPAL */
		"TAPUPPRR",	/* CALL_ATTACH_POLICY */
		"TAPUPPRR",	/* CALL_ADD_TO_GROUP */
		"TAPUPPRR",	/* CALL_CHECK_STATUS */
		"TAPUPPRR",	/* CALL_ACTIVATE */
		"TAPUPPRR",	/* CALL_REVOKE: what is not found is not there, says who knows how old it is */
	};

	(void)state;
	for (int c = 0; c < CALLS; c++) {
		for (size_t o = 0; o < sizeof(outcomes) / sizeof(outcomes[0]); o++) {
			begin(WANT_ALL, TARGET_ACTIVE_AT_END, calls[c]);
			assert_int_equal(answer_outcome(&w, outcomes[o]), verdict_of(expected[c][o]));
			assert_int_equal(w.registration.done, 0);
			assert_string_equal(w.registration.request_id, "req-1");
			assert_int_equal(w.registration.state, REGISTRATION_GOING);	/* the state is the caller's */
			if (expected[c][o] == 'M')
				continue;
			/* the same call again, should there be another try */
			assert_int_equal(w.step.call, calls[c]);
			assert_string_equal(w.registration.step, step_name(step_of_call(calls[c])));
			assert_string_equal(w.registration.code, "SomeException");
			assert_string_equal(w.registration.message, "some words");
			assert_int_equal(w.registration.attempts, 1);
			(void)answer_outcome(&w, AWS_TRANSIENT);
			assert_int_equal(w.registration.attempts, 2);
		}
	}
}

/* Without the permission to revoke, that waits for a person; with dead credentials everything does. */
static void
test_revoking_is_denied(void **state)
{
	static const struct { const char *code; enum step_verdict verdict; } denials[] = {
		{ "AccessDeniedException", STEP_PARK }, { "UnauthorizedException", STEP_PARK }, { "ExpiredTokenException", STEP_STOP_RUN },
		{ "UnrecognizedClientException", STEP_STOP_RUN }
	};
	struct aws_reply reply = { .outcome = AWS_DENIED, .status = 403, .message = "no" };

	(void)state;
	for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++) {
		(void)snprintf(reply.code, sizeof(reply.code), "%s", denials[i].code);
		begin(WANT_ALL, TARGET_ACTIVE_AT_END, CALL_REVOKE);
		assert_int_equal(step_answer(&w.step, &reply), denials[i].verdict);
		assert_string_equal(w.registration.code, denials[i].code);
		begin(WANT_ALL, TARGET_ACTIVE_AT_END, CALL_REGISTER);
		assert_int_equal(step_answer(&w.step, &reply), STEP_STOP_RUN);
	}
}

/* An id in our ARN that is not the certificate's is not asked for by us. */
static void
test_revoking_another_id(void **state)
{
	struct aws_request r = { 0 };
	struct err e;

	(void)state;
	begin(WANT_ALL, TARGET_ACTIVE_AT_END, CALL_REVOKE);
	(void)snprintf(w.registration.arn, sizeof(w.registration.arn), "arn:aws:iot:eu-central-1:123456789012:cert/%064d", 7);
	assert_int_equal(step_request(&w.step, &r, &e), ERR_CONFLICT);
	aws_request_done(&r);
}

/* Registered without a CA, there is no CA to stop for: it is this certificate's own state. */
static void
test_state_without_ca(void **state)
{
	(void)state;
	begin(0, TARGET_ACTIVE, CALL_REGISTER);
	w.step.ca_pem = NULL;
	assert_int_equal(answer_outcome(&w, AWS_CA_STATE), STEP_PARK);
	assert_string_equal(w.registration.code, "SomeException");
}

/* Messages and codes of any length are cut, not overrun. */
static void
test_long_texts(void **state)
{
	struct aws_reply r = reply_of(AWS_REFUSED);

	(void)state;
	memset(r.code, 'c', sizeof(r.code) - 1);
	memset(r.message, 'm', sizeof(r.message) - 1);
	memset(r.request_id, 'r', sizeof(r.request_id) - 1);
	begin(0, TARGET_ACTIVE, CALL_REGISTER);
	assert_int_equal(step_answer(&w.step, &r), STEP_PARK);
	assert_string_equal(w.registration.code, r.code);
	assert_string_equal(w.registration.message, r.message);
	assert_string_equal(w.registration.request_id, r.request_id);
}

/* An answer without a request id keeps the last one: it is all there is to ask AWS with. */
static void
test_request_id_kept(void **state)
{
	struct aws_reply r = reply_of(AWS_TRANSIENT);

	(void)state;
	begin(0, TARGET_ACTIVE, CALL_REGISTER);
	assert_int_equal(step_answer(&w.step, &r), STEP_AGAIN);
	r.request_id[0] = '\0';
	assert_int_equal(step_answer(&w.step, &r), STEP_AGAIN);
	assert_string_equal(w.registration.request_id, "req-1");
}

/* ---- register */

static void
test_registered(void **state)
{
	(void)state;
	begin(0, TARGET_ACTIVE, CALL_REGISTER);
	(void)answer_outcome(&w, AWS_TRANSIENT);
	assert_int_equal(answer_json(&w, json_registered(OWN_ID)), STEP_DONE);
	assert_int_equal(w.registration.done, STEP_REGISTER | STEP_ACTIVATE);
	assert_string_equal(w.registration.arn, ARN(OWN_ID));
	/* what failed before is no longer a failure; how often it did stays */
	assert_string_equal(w.registration.step, "");
	assert_string_equal(w.registration.code, "");
	assert_string_equal(w.registration.message, "");
	assert_int_equal(w.registration.attempts, 1);
}

/* It is active after its registration only where it was registered so: the bit says what AWS has. */
static void
test_registered_active(void **state)
{
	static const struct { unsigned wants; enum target_status status; bool active; } cases[] = {
		{ 0, TARGET_ACTIVE, true }, { WANT_ALL, TARGET_ACTIVE, true }, { 0, TARGET_ACTIVE_AT_END, true },
		{ WANT_POLICIES, TARGET_ACTIVE_AT_END, false }, { WANT_ALL, TARGET_ACTIVE_AT_END, false },
		{ 0, TARGET_INACTIVE, false }, { WANT_ALL, TARGET_INACTIVE, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(cases[i].wants, cases[i].status, CALL_REGISTER);
		assert_int_equal(answer_json(&w, json_registered(OWN_ID)), STEP_DONE);
		assert_int_equal(w.registration.done, STEP_REGISTER | (cases[i].active ? STEP_ACTIVATE : 0));
	}
}

/* ---- whose account it is */

#define FOREIGN_ARN	"arn:aws:iot:eu-central-1:210987654321:cert/" OWN_ID

static const char *const foreign_arns[] = {
	FOREIGN_ARN,
	"arn:aws:iot:us-east-1:123456789012:cert/" OWN_ID,
	"arn:aws-cn:iot:eu-central-1:123456789012:cert/" OWN_ID,
	"arn:aws:iot:eu-central-1:123456789012:cacert/" OWN_ID,
};
enum { FOREIGN_ARNS = sizeof(foreign_arns) / sizeof(foreign_arns[0]) };

static void
assert_another_account(enum step_verdict v, const char *arn)
{
	assert_int_equal(v, STEP_STOP_RUN);
	assert_string_equal(w.registration.code, "AnotherAccount");
	assert_string_equal(w.registration.step, "register");
	assert_non_null(strstr(w.registration.message, ARN("")));
	assert_non_null(strstr(w.registration.message, arn));
	/* what stands in another account is none of ours: neither its name nor the step is kept */
	assert_string_equal(w.registration.arn, "");
	assert_int_equal(w.registration.done, 0);
	assert_int_equal(w.registration.state, REGISTRATION_GOING);
}

static void
test_another_account(void **state)
{
	char json[1024];

	(void)state;
	for (size_t i = 0; i < FOREIGN_ARNS; i++) {
		begin(0, TARGET_ACTIVE, CALL_REGISTER);
		(void)snprintf(json, sizeof(json), "{\"certificateId\":\"" OWN_ID "\",\"certificateArn\":\"%s\"}", foreign_arns[i]);
		assert_another_account(answer_json(&w, json), foreign_arns[i]);
		begin(0, TARGET_ACTIVE, CALL_DESCRIBE_CERTIFICATE);
		(void)snprintf(json, sizeof(json), "{\"certificateDescription\":{\"certificateId\":\"" OWN_ID "\",\"certificateArn\":\"%s\","
		    "\"status\":\"ACTIVE\",\"certificatePem\":\"-----BEGIN CERTIFICATE-----AAAABBBB-----END CERTIFICATE-----\"}}", foreign_arns[i]);
		assert_another_account(answer_json(&w, json), foreign_arns[i]);
	}
}

static void
test_id_differs(void **state)
{
	(void)state;
	begin(0, TARGET_ACTIVE, CALL_REGISTER);
	assert_int_equal(answer_json(&w, json_registered(OTHER_ID)), STEP_PARK);
	assert_int_equal(w.registration.done, 0);
	assert_string_equal(w.registration.code, "CertificateIdDiffers");
	assert_non_null(strstr(w.registration.message, OTHER_ID));
	assert_non_null(strstr(w.registration.message, OWN_ID));
	/* the same when it was found there */
	begin(0, TARGET_ACTIVE, CALL_DESCRIBE_CERTIFICATE);
	assert_int_equal(answer_json(&w, json_certificate(OTHER_ID, "ACTIVE", OWN_PEM)), STEP_PARK);
	assert_string_equal(w.registration.code, "CertificateIdDiffers");
	assert_int_equal(w.registration.done, 0);
}

/* 409: by the ARN of the answer where it has one, else by our own id. */
static void
test_exists(void **state)
{
	struct aws_reply r = reply_of(AWS_EXISTS);

	(void)state;
	begin(0, TARGET_ACTIVE, CALL_REGISTER);
	assert_int_equal(step_answer(&w.step, &r), STEP_MORE);
	assert_int_equal(w.step.call, CALL_DESCRIBE_CERTIFICATE);
	assert_string_equal(w.registration.arn, "");
	begin(0, TARGET_ACTIVE, CALL_REGISTER);
	for (size_t i = 0; i < FOREIGN_ARNS; i++) {
		(void)snprintf(r.resource_arn, sizeof(r.resource_arn), "%s", foreign_arns[i]);
		begin(0, TARGET_ACTIVE, CALL_REGISTER);
		assert_int_equal(step_answer(&w.step, &r), STEP_MORE);
		assert_string_equal(w.registration.arn, "");
	}
	begin(0, TARGET_ACTIVE, CALL_REGISTER);
	(void)snprintf(r.resource_arn, sizeof(r.resource_arn), "%s", ARN(OTHER_ID));
	assert_int_equal(step_answer(&w.step, &r), STEP_MORE);
	assert_string_equal(w.registration.arn, ARN(OTHER_ID));
	/* a certificate that is not ours: nothing of it is kept */
	assert_int_equal(answer_json(&w, json_certificate(OTHER_ID, "ACTIVE", OTHER_PEM)), STEP_PARK);
	assert_string_equal(w.registration.code, "AnotherCertificate");
	assert_string_equal(w.registration.arn, "");
	assert_int_equal(w.registration.done, 0);
}

/* A name that is none of a certificate of ours is not taken over: it would go into the path of the next call. */
static void
test_exists_bad_name(void **state)
{
	static const char *const bad[] = {
		ARN("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"), ARN("FFEEDDCCBBAA99887766554433221100FFEEDDCCBBAA99887766554433221100"),
		(ARN(OWN_ID "0")), ARN("00112233"), ARN(""), ARN("x/" OWN_ID), OWN_ID, "arn:aws:iot:eu:1:cert/" OWN_ID
	};
	struct aws_reply r = reply_of(AWS_EXISTS);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(0, TARGET_ACTIVE, CALL_REGISTER);
		(void)snprintf(r.resource_arn, sizeof(r.resource_arn), "%s", bad[i]);
		assert_int_equal(step_answer(&w.step, &r), STEP_MORE);
		assert_int_equal(w.step.call, CALL_DESCRIBE_CERTIFICATE);
		assert_string_equal(w.registration.arn, "");
	}
}

/* What was met there, for each way a target wants it. */
static void
test_compared(void **state)
{
	static const struct { const char *status; enum target_status wanted; unsigned wants; enum step_verdict verdict; const char *code; }
	cases[] = {
		/* ACTIVE already: the bit says so, whatever was wanted */
		{ "ACTIVE", TARGET_ACTIVE, 0, STEP_DONE, "" },
		{ "ACTIVE", TARGET_INACTIVE, 0, STEP_DONE, "" },
		{ "ACTIVE", TARGET_ACTIVE_AT_END, WANT_ALL, STEP_DONE, "" },
		{ "INACTIVE", TARGET_ACTIVE, 0, STEP_MORE, "" },
		{ "INACTIVE", TARGET_ACTIVE, WANT_ALL, STEP_MORE, "" },
		{ "INACTIVE", TARGET_INACTIVE, 0, STEP_DONE, "" },
		{ "INACTIVE", TARGET_ACTIVE_AT_END, WANT_ALL, STEP_DONE, "" },	/* its own step makes it active */
		{ "INACTIVE", TARGET_ACTIVE_AT_END, 0, STEP_MORE, "" },		/* and there is none of that here */
		{ "PENDING_ACTIVATION", TARGET_ACTIVE, 0, STEP_MORE, "" },
		{ "PENDING_ACTIVATION", TARGET_ACTIVE_AT_END, WANT_ALL, STEP_DONE, "" },
		{ "REVOKED", TARGET_ACTIVE, 0, STEP_PARK, "Revoked" },
		{ "REVOKED", TARGET_INACTIVE, 0, STEP_PARK, "Revoked" },
		{ "REVOKED", TARGET_ACTIVE_AT_END, WANT_ALL, STEP_PARK, "Revoked" },
		{ "PENDING_TRANSFER", TARGET_ACTIVE, 0, STEP_PARK, "UnexpectedStatus" },
		{ "REGISTER_INACTIVE", TARGET_ACTIVE, 0, STEP_PARK, "UnexpectedStatus" },
		{ "SOMETHING_NEW", TARGET_INACTIVE, 0, STEP_PARK, "UnexpectedStatus" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(cases[i].wants, cases[i].wanted, CALL_DESCRIBE_CERTIFICATE);
		assert_int_equal(answer_json(&w, json_certificate(OWN_ID, cases[i].status, OWN_PEM)), cases[i].verdict);
		assert_string_equal(w.registration.code, cases[i].code);
		assert_string_equal(w.registration.arn, ARN(OWN_ID));
		if (cases[i].verdict != STEP_DONE)
			assert_int_equal(w.registration.done, 0);
		else
			assert_int_equal(w.registration.done, STEP_REGISTER | (strcmp(cases[i].status, "ACTIVE") == 0 ? STEP_ACTIVATE : 0));
		if (strcmp(cases[i].code, "UnexpectedStatus") == 0)
			assert_non_null(strstr(w.registration.message, cases[i].status));
		if (cases[i].verdict != STEP_MORE)
			continue;
		assert_int_equal(w.step.call, CALL_REACTIVATE);
		assert_int_equal(answer_json(&w, NULL), STEP_DONE);
		assert_int_equal(w.registration.done, STEP_REGISTER | STEP_ACTIVATE);
	}
}

/* AWS gives back a PEM text that may differ from ours in line ends and nothing else. */
static void
test_same_pem(void **state)
{
	static const struct { const char *pem; bool same; } cases[] = {
		{ OWN_PEM, true },
		{ "-----BEGIN CERTIFICATE-----\r\nAAAA\r\nBBBB\r\n-----END CERTIFICATE-----\r\n", true },
		{ "-----BEGIN CERTIFICATE-----\nAAAABBBB\n-----END CERTIFICATE-----", true },
		{ "\n\n-----BEGIN CERTIFICATE-----\nAAA\nABBBB\n-----END CERTIFICATE-----\n\n\n", true },
		{ OTHER_PEM, false },
		{ "", false },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\nx", false },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", false },
		{ OWN_PEM OWN_PEM, false },
		{ "-----BEGIN CERTIFICATE-----\naaaa\nBBBB\n-----END CERTIFICATE-----\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(0, TARGET_ACTIVE, CALL_DESCRIBE_CERTIFICATE);
		assert_int_equal(answer_json(&w, json_certificate(OWN_ID, "ACTIVE", cases[i].pem)), cases[i].same ? STEP_DONE : STEP_PARK);
		assert_string_equal(w.registration.arn, cases[i].same ? ARN(OWN_ID) : "");
	}
}

/* ---- answers that are none */

static void
test_no_answer(void **state)
{
	static const struct { enum step_call call; const char *json; } cases[] = {
		{ CALL_REGISTER, "{}" },
		{ CALL_REGISTER, "{\"certificateId\":\"" OWN_ID "\"}" },
		{ CALL_REGISTER, "{\"certificateArn\":\"" ARN(OWN_ID) "\"}" },
		{ CALL_REGISTER, "{\"certificateId\":\"xyz\",\"certificateArn\":\"" ARN(OWN_ID) "\"}" },
		{ CALL_REGISTER, "{\"certificateId\":\"" OWN_ID "\",\"certificateArn\":\"http://x\"}" },
		{ CALL_REGISTER, "{\"certificateId\":\"" OWN_ID "\",\"certificateArn\":\"arn:a b\"}" },
		{ CALL_REGISTER, "{\"certificateId\":7,\"certificateArn\":[]}" },
		{ CALL_DESCRIBE_CERTIFICATE, "{}" },
		{ CALL_DESCRIBE_CERTIFICATE, "{\"certificateDescription\":null}" },
		{ CALL_DESCRIBE_CERTIFICATE, "{\"certificateDescription\":{\"certificateId\":\"" OWN_ID "\",\"status\":\"ACTIVE\"}}" },
		{ CALL_CHECK_STATUS, "{}" },
		{ CALL_DESCRIBE_THING, "{}" },
		{ CALL_DESCRIBE_THING, "{\"message\":\"welcome\"}" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		begin(WANT_ALL, TARGET_ACTIVE_AT_END, cases[i / 2].call);
		w.target->thing_exists = i % 2 == 0 ? TARGET_PARK : TARGET_KEEP;
		assert_int_equal(answer_json(&w, cases[i / 2].json), STEP_AGAIN);
		assert_int_equal(w.registration.done, 0);
		assert_string_equal(w.registration.code, "UnexpectedAnswer");
		assert_int_equal(w.step.call, cases[i / 2].call);
	}
}

/* ---- thing, principal, policies, group */

static void
test_thing_exists(void **state)
{
	static const struct { const char *json; bool same; } cases[] = {
		{ "{\"thingName\":\"SN:1\",\"thingTypeName\":\"sensor\",\"attributes\":{\"lot\":\"lot-7\"}}", true },
		{ "{\"thingName\":\"SN:1\",\"thingTypeName\":\"sensor\",\"attributes\":{\"more\":\"x\",\"lot\":\"lot-7\"}}", true },
		{ "{\"thingName\":\"SN:1\",\"thingTypeName\":\"sensor\",\"attributes\":{\"lot\":\"lot-8\"}}", false },
		{ "{\"thingName\":\"SN:1\",\"thingTypeName\":\"sensor\",\"attributes\":{}}", false },
		{ "{\"thingName\":\"SN:1\",\"thingTypeName\":\"sensor\"}", false },
		{ "{\"thingName\":\"SN:1\",\"thingTypeName\":\"other\",\"attributes\":{\"lot\":\"lot-7\"}}", false },
		{ "{\"thingName\":\"SN:1\",\"attributes\":{\"lot\":\"lot-7\"}}", false },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		bool keep = i % 2 == 1, passes = keep || cases[i / 2].same;

		begin(WANT_ALL, TARGET_ACTIVE, CALL_CREATE_THING);
		w.registration.done = STEP_REGISTER;
		w.target->thing_exists = keep ? TARGET_KEEP : TARGET_PARK;
		assert_int_equal(answer_outcome(&w, AWS_EXISTS), STEP_MORE);
		assert_int_equal(w.step.call, CALL_DESCRIBE_THING);
		assert_int_equal(answer_json(&w, cases[i / 2].json), passes ? STEP_DONE : STEP_PARK);
		assert_string_equal(w.registration.code, passes ? "" : "ThingDiffers");
		assert_int_equal(w.registration.done, passes ? STEP_REGISTER | STEP_THING : STEP_REGISTER);
	}
}

static void
test_policies(void **state)
{
	(void)state;
	begin(WANT_ALL, TARGET_ACTIVE, CALL_ATTACH_POLICY);
	step_begin(&w.step, STEP_POLICY);
	assert_int_equal(answer_outcome(&w, AWS_THROTTLED), STEP_THROTTLED);
	assert_int_equal(w.step.policy, 0);
	assert_int_equal(answer_json(&w, NULL), STEP_MORE);
	assert_int_equal(w.step.policy, 1);
	assert_int_equal(w.registration.done, 0);
	/* a failure in between does not begin at the first again */
	assert_int_equal(answer_outcome(&w, AWS_TRANSIENT), STEP_AGAIN);
	assert_int_equal(w.step.policy, 1);
	assert_int_equal(answer_json(&w, NULL), STEP_DONE);
	assert_int_equal(w.registration.done, STEP_POLICY);
	/* the next certificate's step, or a later run, begins at the first */
	step_begin(&w.step, STEP_POLICY);
	assert_int_equal(w.step.policy, 0);
}

/* Answers without a body, and every step from the first to the last as a run takes them. */
static void
test_whole_way(void **state)
{
	(void)state;
	begin(WANT_ALL, TARGET_ACTIVE_AT_END, CALL_REGISTER);
	assert_int_equal(answer_json(&w, json_registered(OWN_ID)), STEP_DONE);
	for (uint32_t step; (step = step_next(w.target, w.registration.done)) != 0;) {
		uint32_t before = w.registration.done;
		enum step_verdict v;

		step_begin(&w.step, step);
		do {
			v = answer_json(&w, w.step.call == CALL_CHECK_STATUS ? json_certificate(OWN_ID, "INACTIVE", OWN_PEM) : "{}");
		} while (v == STEP_MORE);
		assert_int_equal(v, STEP_DONE);
		assert_int_equal(w.registration.done, before | step);
	}
	assert_int_equal(w.registration.done, 63);
	assert_int_equal(w.registration.attempts, 0);
}

/* ---- activate */

static void
test_activate(void **state)
{
	static const struct { const char *status; enum step_verdict verdict; const char *code; } cases[] = {
		{ "INACTIVE", STEP_MORE, "" }, { "PENDING_ACTIVATION", STEP_MORE, "" }, { "ACTIVE", STEP_DONE, "" },
		{ "REVOKED", STEP_PARK, "Revoked" }, { "PENDING_TRANSFER", STEP_PARK, "UnexpectedStatus" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(WANT_ALL, TARGET_ACTIVE_AT_END, CALL_CHECK_STATUS);
		assert_int_equal(answer_json(&w, json_certificate(OWN_ID, cases[i].status, OWN_PEM)), cases[i].verdict);
		assert_string_equal(w.registration.code, cases[i].code);
		assert_int_equal(w.step.call, cases[i].verdict == STEP_MORE ? CALL_ACTIVATE : CALL_CHECK_STATUS);
		if (cases[i].verdict == STEP_MORE) {
			assert_int_equal(answer_json(&w, NULL), STEP_DONE);
			assert_int_equal(w.registration.done, STEP_ACTIVATE);
		}
	}
}

/* Revoked between the look and a call that failed: the repeat looks again, and finds it. */
static void
test_revoked_before_the_repeat(void **state)
{
	static const enum step_call activating[] = { CALL_ACTIVATE, CALL_REACTIVATE };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (int o = 0; o < 2; o++) {
			begin(WANT_ALL, TARGET_ACTIVE_AT_END, activating[i]);
			assert_int_equal(answer_outcome(&w, o == 0 ? AWS_TRANSIENT : AWS_THROTTLED), o == 0 ? STEP_AGAIN : STEP_THROTTLED);
			step_repeat(&w.step);
			assert_int_equal(step_operation(&w.step), IOT_DESCRIBE_CERTIFICATE);
			assert_int_equal(answer_json(&w, json_certificate(OWN_ID, "REVOKED", OWN_PEM)), STEP_PARK);
			assert_string_equal(w.registration.code, "Revoked");
			assert_int_equal(w.registration.done & STEP_ACTIVATE, 0);
		}
}

/* However a call comes about, no answer that says REVOKED leads to one that activates. */
static void
test_revoked_is_never_undone(void **state)
{
	(void)state;
	for (int status = TARGET_ACTIVE; status <= TARGET_INACTIVE; status++)
		for (unsigned wants = 0; wants <= WANT_ALL; wants += WANT_ALL)
			for (int c = 0; c < 2; c++) {
				begin(wants, (enum target_status)status, c == 0 ? CALL_DESCRIBE_CERTIFICATE : CALL_CHECK_STATUS);
				assert_int_equal(answer_json(&w, json_certificate(OWN_ID, "REVOKED", OWN_PEM)), STEP_PARK);
				assert_int_not_equal(step_operation(&w.step), IOT_UPDATE_CERTIFICATE);
				assert_non_null(strstr(w.registration.message, "REVOKED"));
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_revoking_is_denied),
		cmocka_unit_test(test_revoking_another_id), cmocka_unit_test(test_state_without_ca), cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_request_id_kept),
		cmocka_unit_test(test_registered), cmocka_unit_test(test_registered_active), cmocka_unit_test(test_another_account),
		cmocka_unit_test(test_id_differs), cmocka_unit_test(test_exists), cmocka_unit_test(test_exists_bad_name),
		cmocka_unit_test(test_compared), cmocka_unit_test(test_same_pem), cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_thing_exists), cmocka_unit_test(test_policies), cmocka_unit_test(test_whole_way),
		cmocka_unit_test(test_activate), cmocka_unit_test(test_revoked_is_never_undone),
		cmocka_unit_test(test_revoked_before_the_repeat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
