/* What the tests of upload/step.h share: a certificate on its way, and answers of AWS made by hand. */
#ifndef TESTS_UNIT_UPLOAD_STEP_FIXTURE_H
#define TESTS_UNIT_UPLOAD_STEP_FIXTURE_H

#include "cmocka_test.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "upload/step.h"

#define OWN_ID		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER_ID	"ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define ARN(id)		"arn:aws:iot:eu-central-1:123456789012:cert/" id
#define OWN_PEM		"-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n"
#define OTHER_PEM	"-----BEGIN CERTIFICATE-----\nAAAA\nBBBC\n-----END CERTIFICATE-----\n"
#define CA_PEM		"-----BEGIN CERTIFICATE-----\nCCCC\n-----END CERTIFICATE-----\n"

/* Everything that a target can want. */
enum { WANT_THING = 1, WANT_POLICIES = 2, WANT_GROUP = 4, WANT_ALL = 7 };

struct work {
	struct config			config;		/* 160 KiB: static in the tests */
	struct target			*target;
	struct target_values		values;
	struct store_registration	registration;
	struct step_work		step;
};

/* A fresh work for [aws] with the defaults and what is wanted: two policies, a thing with a type and an attribute, a group. */
void	work_begin(struct work *w, unsigned wants, enum target_status status);

/* An answer with that outcome, and code, message and request id as AWS might give them. */
struct aws_reply	reply_of(enum aws_outcome outcome);

/* Answers AWS_DONE with that JSON (NULL: none); the verdict. */
enum step_verdict	answer_json(struct work *w, const char *json);
enum step_verdict	answer_outcome(struct work *w, enum aws_outcome outcome);

/* JSON texts, each until the next. */
const char	*json_registered(const char *id);
const char	*json_certificate(const char *id, const char *status, const char *pem);

#endif
