#include "step_fixture.h"

#include <stdlib.h>

#define SET(field, text)	((void)snprintf((field), sizeof(field), "%s", (text)))

void
work_begin(struct work *w, unsigned wants, enum target_status status)
{
	struct target *t;
	struct err e;

	memset(w, 0, sizeof(*w));
	config_defaults(&w->config);
	w->target = t = &w->config.targets[0];
	t->status = (int64_t)status;
	if ((wants & WANT_THING) != 0) {
		t->things = 1;
		SET(t->thing_type, "sensor");
		SET(t->thing_attributes, "lot={batch}");
	}
	if ((wants & WANT_POLICIES) != 0)
		SET(t->policies_text, "first, second");
	if ((wants & WANT_GROUP) != 0)
		SET(t->thing_group, "line-1");
	assert_int_equal(target_check(t, &e), ERR_OK);
	w->values = (struct target_values){ "SN:1", "4a00", "lot-7" };
	w->step = (struct step_work){
		.target = t, .values = &w->values, .certificate_pem = OWN_PEM, .ca_pem = CA_PEM, .certificate_id = OWN_ID,
		.arn_prefix = ARN(""), .registration = &w->registration
	};
	step_begin(&w->step, STEP_REGISTER);
}

struct aws_reply
reply_of(enum aws_outcome outcome)
{
	struct aws_reply r = { .outcome = outcome, .status = outcome == AWS_DONE ? 200 : 400 };

	SET(r.request_id, "req-1");
	if (outcome != AWS_DONE) {
		SET(r.code, "SomeException");
		SET(r.message, "some words");
	}
	return r;
}

enum step_verdict
answer_json(struct work *w, const char *json)
{
	struct aws_reply r = reply_of(AWS_DONE);
	cJSON *o = json != NULL ? cJSON_Parse(json) : NULL;
	enum step_verdict v;

	assert_true(json == NULL || o != NULL);
	r.json = o;
	r.body = json;
	v = step_answer(&w->step, &r);
	cJSON_Delete(o);
	return v;
}

enum step_verdict
answer_outcome(struct work *w, enum aws_outcome outcome)
{
	struct aws_reply r = reply_of(outcome);

	return step_answer(&w->step, &r);
}

const char *
json_registered(const char *id)
{
	static char text[512];

	(void)snprintf(text, sizeof(text), "{\"certificateId\":\"%s\",\"certificateArn\":\"" ARN("%s") "\"}", id, id);
	return text;
}

const char *
json_certificate(const char *id, const char *status, const char *pem)
{
	static char text[1024];
	cJSON *whole = cJSON_CreateObject(), *d = cJSON_AddObjectToObject(whole, "certificateDescription");
	char arn[256];

	(void)snprintf(arn, sizeof(arn), ARN("%s"), id);
	(void)cJSON_AddStringToObject(d, "certificateId", id);
	(void)cJSON_AddStringToObject(d, "certificateArn", arn);
	(void)cJSON_AddStringToObject(d, "status", status);
	(void)cJSON_AddStringToObject(d, "certificatePem", pem);
	assert_true(cJSON_PrintPreallocated(whole, text, sizeof(text), 0));
	cJSON_Delete(whole);
	return text;
}
