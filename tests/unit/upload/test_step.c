/* Which steps a certificate needs, in which order, and what each asks of AWS. */
#include "step_fixture.h"

static struct work w;

static const uint32_t in_order[] = { STEP_REGISTER, STEP_THING, STEP_PRINCIPAL, STEP_POLICY, STEP_GROUP, STEP_ACTIVATE };
enum { STEPS = sizeof(in_order) / sizeof(in_order[0]) };

/* What a person is told, and what is looked for. */
static void
test_needed(void **state)
{
	static const struct { unsigned wants; enum target_status status; uint32_t planned; } cases[] = {
		{ 0, TARGET_ACTIVE, STEP_REGISTER },
		{ 0, TARGET_INACTIVE, STEP_REGISTER },
		{ 0, TARGET_ACTIVE_AT_END, STEP_REGISTER },	/* nothing to wait for */
		{ WANT_THING, TARGET_ACTIVE, STEP_REGISTER | STEP_THING | STEP_PRINCIPAL },
		{ WANT_POLICIES, TARGET_ACTIVE, STEP_REGISTER | STEP_POLICY },
		{ WANT_POLICIES, TARGET_INACTIVE, STEP_REGISTER | STEP_POLICY },
		{ WANT_POLICIES, TARGET_ACTIVE_AT_END, STEP_REGISTER | STEP_POLICY | STEP_ACTIVATE },
		{ WANT_THING, TARGET_ACTIVE_AT_END, STEP_REGISTER | STEP_THING | STEP_PRINCIPAL | STEP_ACTIVATE },
		{ WANT_THING | WANT_GROUP, TARGET_ACTIVE, STEP_REGISTER | STEP_THING | STEP_PRINCIPAL | STEP_GROUP },
		{ WANT_ALL, TARGET_ACTIVE, 31 },
		{ WANT_ALL, TARGET_ACTIVE_AT_END, 63 },
		{ WANT_ALL, TARGET_INACTIVE, 31 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		work_begin(&w, cases[i].wants, cases[i].status);
		assert_int_equal(step_planned(w.target), cases[i].planned);
		/* active it must be in the end, whichever step makes it so; and never where it is to stay inactive */
		assert_int_equal(step_needed(w.target), cases[i].planned | (cases[i].status != TARGET_INACTIVE ? STEP_ACTIVATE : 0u));
	}
}

/* Whatever is done, the next is the first of the order that is needed and not done. */
static void
test_next(void **state)
{
	(void)state;
	for (unsigned wants = 0; wants <= WANT_ALL; wants++) {
		if ((wants & WANT_GROUP) != 0 && (wants & WANT_THING) == 0)
			continue;	/* target_check refuses it */
		for (int status = TARGET_ACTIVE; status <= TARGET_INACTIVE; status++) {
			work_begin(&w, wants, (enum target_status)status);
			for (uint32_t done = 0; done < 64; done++) {
				uint32_t expected = 0;

				for (int i = STEPS - 1; i >= 0; i--)
					if ((step_needed(w.target) & in_order[i]) != 0 && (done & in_order[i]) == 0)
						expected = in_order[i];
				assert_int_equal(step_next(w.target, done), expected);
			}
			/* bits that a later program may set are no steps of ours */
			assert_int_equal(step_next(w.target, 0xffffffc0u | 63), 0);
		}
	}
}

/* Registered inactive under other settings: whatever lineca.conf says now, what must be active is made so; what need not be, is not. */
static void
test_settings_changed(void **state)
{
	(void)state;
	work_begin(&w, 0, TARGET_ACTIVE_AT_END);	/* the policies were taken out */
	assert_int_equal(step_next(w.target, STEP_REGISTER), STEP_ACTIVATE);
	work_begin(&w, WANT_POLICIES, TARGET_ACTIVE);	/* status = active */
	assert_int_equal(step_next(w.target, STEP_REGISTER), STEP_POLICY);
	assert_int_equal(step_next(w.target, STEP_REGISTER | STEP_POLICY), STEP_ACTIVATE);
	assert_int_equal(step_next(w.target, STEP_REGISTER | STEP_POLICY | STEP_ACTIVATE), 0);
	work_begin(&w, WANT_POLICIES, TARGET_INACTIVE);
	assert_int_equal(step_next(w.target, STEP_REGISTER | STEP_POLICY), 0);
}

static void
test_names(void **state)
{
	static const char *const names[STEPS] = { "register", "thing", "principal", "policy", "group", "activate" };

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		assert_int_equal(in_order[i], 1 << i);	/* they stand in ledgers */
		assert_string_equal(step_name(in_order[i]), names[i]);
		assert_true(strlen(names[i]) <= LIMIT_STEP_BYTES);
		work_begin(&w, WANT_ALL, TARGET_ACTIVE_AT_END);
		step_begin(&w.step, in_order[i]);
		assert_int_equal(step_of_call(w.step.call), in_order[i]);
	}
	assert_string_equal(step_name(0), "");
	assert_string_equal(step_name(STEP_REVOKE), STORE_STEP_REVOKE);	/* no registration needs it */
	assert_string_equal(step_name(STEP_REVOKE << 1), "");
}

static void
test_slowest_rate(void **state)
{
	(void)state;
	work_begin(&w, 0, TARGET_ACTIVE);
	assert_int_equal(step_slowest_rate(w.target), 10);
	w.target->rate_register_certificate = 100;
	w.target->rate_update_certificate = 1;	/* nothing is updated where the registration makes it active */
	assert_int_equal(step_slowest_rate(w.target), 100);
	work_begin(&w, WANT_ALL, TARGET_ACTIVE_AT_END);
	w.target->rate_register_certificate = 100;
	w.target->rate_update_certificate = 90;
	w.target->rate_create_thing = 80;
	w.target->rate_attach_thing_principal = 70;
	w.target->rate_add_thing_to_thing_group = 60;
	w.target->rate_attach_policy = 100;	/* two policies: 50 certificates */
	assert_int_equal(step_slowest_rate(w.target), 50);
	w.target->rate_attach_policy = 1;
	assert_int_equal(step_slowest_rate(w.target), 1);	/* never 0: it is divided by */
	w.target->rate_attach_policy = 1000;
	assert_int_equal(step_slowest_rate(w.target), 60);
	w.target->rate_add_thing_to_thing_group = 1000;
	assert_int_equal(step_slowest_rate(w.target), 70);
	w.target->rate_attach_thing_principal = 1000;
	assert_int_equal(step_slowest_rate(w.target), 80);
	w.target->rate_create_thing = 1000;
	assert_int_equal(step_slowest_rate(w.target), 90);
}

/* ---- requests */

/* The request of the call at hand. */
static struct aws_request
request(void)
{
	struct aws_request r = { 0 };
	struct err e;

	assert_int_equal(step_request(&w.step, &r, &e), ERR_OK);
	assert_false(r.failed);
	assert_string_equal(r.operation, iot_operation_name(step_operation(&w.step)));
	return r;
}

static void
assert_body(const struct aws_request *r, const char *name, const char *value)
{
	cJSON *o = cJSON_Parse(r->body.data);

	assert_non_null(o);
	assert_non_null(cJSON_GetObjectItemCaseSensitive(o, name));
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name)), value);
	cJSON_Delete(o);
}

/* Active from the first moment only where nothing is to be waited for. */
static void
test_register_status(void **state)
{
	static const struct { unsigned wants; enum target_status status; const char *text; } cases[] = {
		{ 0, TARGET_ACTIVE, "ACTIVE" }, { WANT_ALL, TARGET_ACTIVE, "ACTIVE" },
		{ 0, TARGET_ACTIVE_AT_END, "ACTIVE" }, { WANT_POLICIES, TARGET_ACTIVE_AT_END, "INACTIVE" },
		{ WANT_ALL, TARGET_ACTIVE_AT_END, "INACTIVE" },
		{ 0, TARGET_INACTIVE, "INACTIVE" }, { WANT_ALL, TARGET_INACTIVE, "INACTIVE" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aws_request r;

		work_begin(&w, cases[i].wants, cases[i].status);
		r = request();
		assert_string_equal(r.operation, "RegisterCertificate");
		assert_string_equal(r.path.data, "/certificate/register");
		assert_body(&r, "status", cases[i].text);
		assert_body(&r, "certificatePem", OWN_PEM);
		assert_body(&r, "caCertificatePem", CA_PEM);
		aws_request_done(&r);
		w.step.ca_pem = NULL;
		r = request();
		assert_string_equal(r.operation, "RegisterCertificateWithoutCA");
		assert_body(&r, "status", cases[i].text);
		assert_null(strstr(r.body.data, "caCertificatePem"));
		aws_request_done(&r);
	}
}

static void
test_requests(void **state)
{
	static const struct { enum step_call call; size_t policy; const char *operation, *path; } cases[] = {
		{ CALL_DESCRIBE_CERTIFICATE, 0, "DescribeCertificate", "/certificates/" OWN_ID },
		{ CALL_CHECK_STATUS, 0, "DescribeCertificate", "/certificates/" OWN_ID },
		{ CALL_REACTIVATE, 0, "UpdateCertificate", "/certificates/" OWN_ID },
		{ CALL_ACTIVATE, 0, "UpdateCertificate", "/certificates/" OWN_ID },
		{ CALL_CREATE_THING, 0, "CreateThing", "/things/SN%3A1" },
		{ CALL_DESCRIBE_THING, 0, "DescribeThing", "/things/SN%3A1" },
		{ CALL_ATTACH_PRINCIPAL, 0, "AttachThingPrincipal", "/things/SN%3A1/principals" },
		{ CALL_ATTACH_POLICY, 0, "AttachPolicy", "/target-policies/first" },
		{ CALL_ATTACH_POLICY, 1, "AttachPolicy", "/target-policies/second" },
		{ CALL_ADD_TO_GROUP, 0, "AddThingToThingGroup", "/thing-groups/addThingToThingGroup" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aws_request r;

		work_begin(&w, WANT_ALL, TARGET_ACTIVE_AT_END);
		(void)snprintf(w.registration.arn, sizeof(w.registration.arn), "%s", ARN(OWN_ID));
		w.step.call = cases[i].call;
		w.step.policy = cases[i].policy;
		r = request();
		assert_string_equal(r.operation, cases[i].operation);
		assert_string_equal(r.path.data, cases[i].path);
		if (cases[i].call == CALL_REACTIVATE || cases[i].call == CALL_ACTIVATE)
			assert_string_equal(r.query.data, "newStatus=ACTIVE");
		if (cases[i].call == CALL_ATTACH_PRINCIPAL)
			assert_string_equal(r.principal, ARN(OWN_ID));
		if (cases[i].call == CALL_ATTACH_POLICY)
			assert_body(&r, "target", ARN(OWN_ID));
		if (cases[i].call == CALL_CREATE_THING)
			assert_body(&r, "thingTypeName", "sensor");
		if (cases[i].call == CALL_ADD_TO_GROUP) {
			assert_body(&r, "thingGroupName", "line-1");
			assert_body(&r, "thingName", "SN:1");
		}
		aws_request_done(&r);
	}
}

/* The id that AWS gave is asked for, not ours, once there is one. */
static void
test_request_by_known_arn(void **state)
{
	struct aws_request r;

	(void)state;
	work_begin(&w, 0, TARGET_ACTIVE);
	w.step.call = CALL_DESCRIBE_CERTIFICATE;
	(void)snprintf(w.registration.arn, sizeof(w.registration.arn), "%s", ARN(OTHER_ID));
	r = request();
	assert_string_equal(r.path.data, "/certificates/" OTHER_ID);
	aws_request_done(&r);
	/* an ARN that is none of a certificate */
	(void)snprintf(w.registration.arn, sizeof(w.registration.arn), "arn:aws:iot:eu-central-1:123456789012:thing/x");
	r = request();
	assert_string_equal(r.path.data, "/certificates/" OWN_ID);
	aws_request_done(&r);
}

/* A call that is repeated is the same, but for what makes a certificate active: its status must have been looked at just before. */
static void
test_repeat(void **state)
{
	static const struct { enum step_call call, repeated; } cases[] = {
		{ CALL_REGISTER, CALL_REGISTER },
		{ CALL_DESCRIBE_CERTIFICATE, CALL_DESCRIBE_CERTIFICATE },
		{ CALL_REACTIVATE, CALL_DESCRIBE_CERTIFICATE },
		{ CALL_CREATE_THING, CALL_CREATE_THING },
		{ CALL_DESCRIBE_THING, CALL_DESCRIBE_THING },
		{ CALL_ATTACH_PRINCIPAL, CALL_ATTACH_PRINCIPAL },
		{ CALL_ATTACH_POLICY, CALL_ATTACH_POLICY },
		{ CALL_ADD_TO_GROUP, CALL_ADD_TO_GROUP },
		{ CALL_CHECK_STATUS, CALL_CHECK_STATUS },
		{ CALL_ACTIVATE, CALL_CHECK_STATUS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		work_begin(&w, WANT_ALL, TARGET_ACTIVE_AT_END);
		w.step.call = cases[i].call;
		w.step.policy = 1;
		step_repeat(&w.step);
		assert_int_equal(w.step.call, cases[i].repeated);
		assert_int_equal(step_of_call(w.step.call), step_of_call(cases[i].call));
		assert_int_equal(w.step.policy, 1);	/* what was attached need not be again */
	}
}

/* A device id that is no thing name, and an attribute that AWS would refuse. */
static void
test_request_refused(void **state)
{
	static const enum step_call calls[] = { CALL_CREATE_THING, CALL_DESCRIBE_THING, CALL_ATTACH_PRINCIPAL, CALL_ADD_TO_GROUP };
	struct aws_request r = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		work_begin(&w, WANT_ALL, TARGET_ACTIVE);
		w.values.device_id = "SN.1";
		w.step.call = calls[i];
		assert_int_equal(step_request(&w.step, &r, &e), ERR_SUBJECT);
		assert_non_null(strstr(e.client_text, "SN.1"));
		aws_request_done(&r);
	}
	work_begin(&w, WANT_ALL, TARGET_ACTIVE);
	w.values.batch = "lot 7";
	w.step.call = CALL_CREATE_THING;
	assert_int_equal(step_request(&w.step, &r, &e), ERR_SUBJECT);
	aws_request_done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needed), cmocka_unit_test(test_next), cmocka_unit_test(test_settings_changed),
		cmocka_unit_test(test_names), cmocka_unit_test(test_slowest_rate),
		cmocka_unit_test(test_register_status), cmocka_unit_test(test_requests), cmocka_unit_test(test_request_by_known_arn),
		cmocka_unit_test(test_repeat), cmocka_unit_test(test_request_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
