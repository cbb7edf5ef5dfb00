/*
 * A target: an AWS account and region, and what is to be made there for each certificate.  A section [aws] or [aws NAME]
 * of lineca.conf; [aws NAME] has what [aws] says wherever it says nothing itself.  A batch goes to [aws], or to those it names.
 */
#ifndef SERVER_TARGET_H
#define SERVER_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/iot.h"
#include "base/err.h"
#include "base/limits.h"

enum {
	TARGET_ATTRIBUTES = 50,		/* AWS IoT: searchable attributes of a thing with a type; 3 without */
	TARGET_TEXT_BYTES = 4096	/* a list setting as it stands in the file */
};

enum target_status { TARGET_ACTIVE, TARGET_ACTIVE_AT_END, TARGET_INACTIVE };
enum target_existing { TARGET_PARK, TARGET_KEEP };

struct target {
	char		name[LIMIT_NAME_BYTES + 1];		/* "" = [aws] itself */
	char		account[LIMIT_ACCOUNT_BYTES + 1];	/* "" = not said yet */
	char		region[LIMIT_REGION_BYTES + 1];		/* "" = as the environment says */
	char		profile[LIMIT_AWS_NAME_BYTES + 1];	/* "" = as the environment says */
	int64_t		imds;			/* ask the EC2 metadata service for credentials */
	int64_t		with_ca;		/* RegisterCertificate with our CA; 0: RegisterCertificateWithoutCA */
	int64_t		status;			/* enum target_status */
	int64_t		things;			/* make a thing for each device and attach the certificate to it */
	char		thing_name[LIMIT_AWS_NAME_BYTES + 1];	/* template: {device_id} {serial} {batch} */
	char		thing_type[LIMIT_AWS_NAME_BYTES + 1];	/* "" = none */
	char		thing_group[LIMIT_AWS_NAME_BYTES + 1];	/* "" = none */
	char		thing_attributes[TARGET_TEXT_BYTES];	/* as in the file: name=template, name=template */
	int64_t		thing_exists;		/* enum target_existing: a thing of that name that is otherwise made */
	char		policies_text[TARGET_TEXT_BYTES];	/* as in the file: name, name */
	char		policies[LIMIT_POLICIES][LIMIT_AWS_NAME_BYTES + 1];	/* from policies_text */
	size_t		policies_count;
	/* calls a second that this account and region allow; AWS's quotas unless said otherwise */
	int64_t		rate_register_certificate, rate_update_certificate, rate_describe_certificate, rate_create_thing, rate_describe_thing,
			rate_attach_thing_principal, rate_attach_policy, rate_add_thing_to_thing_group;
	int64_t		connections;		/* calls under way at once */
	int64_t		give_up_s;		/* a run ends when AWS has taken nothing for so long */
	uint32_t	set;			/* which settings the section itself has: inheritance */
};

/* The values that a template can name; all borrowed. */
struct target_values {
	const char	*device_id, *serial, *batch;
};

/* The thing of a device.  ERR_SUBJECT: that is no thing name, said so that a technician knows what to do. */
ERR_MUST_CHECK enum err_code	target_thing_name(const struct target *t, const struct target_values *v,
				    char out[LIMIT_AWS_NAME_BYTES + 1], struct err *e);

/* The attributes of a thing.  ERR_SUBJECT: a value that AWS would refuse. */
ERR_MUST_CHECK enum err_code	target_thing_attributes(const struct target *t, const struct target_values *v,
				    struct iot_attribute out[TARGET_ATTRIBUTES], size_t *ret_count, struct err *e);

/*
 * Will AWS take the thing of this device of this batch, as far as that can be known before there is a serial?  Without things always.
 * Fast: at enrolment.  ERR_SUBJECT.
 */
ERR_MUST_CHECK enum err_code	target_takes(const struct target *t, const char *device_id, const char *batch, struct err *e);

/* The head of its section, for messages: "[aws]" or "[aws NAME]".  Returns out. */
enum { TARGET_HEAD_BYTES = LIMIT_NAME_BYTES + 8 };
const char			*target_head(const struct target *t, char out[TARGET_HEAD_BYTES]);

/* Checks what no single setting can know, and fills policies.  ERR_CONFIG. */
ERR_MUST_CHECK enum err_code	target_check(struct target *t, struct err *e);

#endif
