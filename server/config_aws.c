#include "config_aws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_setting.h"

/* "account =" is empty in every home that does not upload: the check is for what is there. */
static bool
is_account(const char *text)
{
	return strlen(text) == LIMIT_ACCOUNT_BYTES && strspn(text, "0123456789") == LIMIT_ACCOUNT_BYTES;
}

static bool
is_region(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text);
}

static const char *const status_choices[] = { "active", "active_at_end", "inactive", NULL };
static const char *const exists_choices[] = { "park", "keep", NULL };

#define AT(member) offsetof(struct target, member)
#define SIZE(member) sizeof(((struct target *)NULL)->member)
#define NUMBER(name, fallback, min, max, help) SETTING_IS_NUMBER("aws", #name, AT(name), fallback, min, max, help)
#define CHOICE(name, fallback, choices, help) SETTING_IS_CHOICE("aws", #name, AT(name), fallback, choices, help)
#define TEXT(name, fallback, fits, needs, help) \
	{ "aws", #name, SETTING_TEXT, AT(name), fallback, 0, 0, NULL, SIZE(name), fits, needs, help }
#define LIST(name, member, help) { "aws", name, SETTING_LIST, AT(member), "", 0, 0, NULL, SIZE(member), NULL, NULL, help }
#define RATE(name, fallback, help) NUMBER(name, fallback, 1, 10000, help)
#define THING_NAME_NEEDS "1 to 128 of A-Z a-z 0-9 : _ - are needed"

static const struct setting target_settings[] = {
	TEXT(account, "", is_account, "an AWS account is exactly 12 digits",
	    "The AWS account, 12 digits. The upload asks AWS first whose credentials it has, and stops where they are another's."),
	TEXT(region, "", is_region, "a region is made of a-z 0-9 -, such as eu-central-1",
	    "Such as eu-central-1. Empty: as AWS_REGION or the profile says."),
	TEXT(profile, "", NULL, NULL,
	    "A profile of the AWS files (~/.aws/config) to take the credentials from. Empty: as AWS_PROFILE says."),
	CHOICE(imds, "no", setting_no_yes,
	    "yes: ask the EC2 metadata service for credentials when there are no others."),
	CHOICE(with_ca, "yes", setting_no_yes,
	    "yes: RegisterCertificate; our CA is registered in the account (`lineca aws register-ca`).\n"
	    "no: RegisterCertificateWithoutCA, for one CA and several accounts of a fleet."),
	CHOICE(status, "active", status_choices,
	    "active: a certificate is ACTIVE from its registration on; active_at_end: INACTIVE until all is attached, then ACTIVE;\n"
	    "inactive: INACTIVE, somebody else switches it on."),
	CHOICE(things, "no", setting_no_yes,
	    "yes: make a thing for each device and attach the certificate to it. Device ids that are no thing names are then\n"
	    "refused at enrolment."),
	TEXT(thing_name, "{device_id}", NULL, NULL,
	    "The thing's name. {device_id}, {serial} and {batch} stand for themselves here and in thing_attributes."),
	TEXT(thing_type, "", iot_is_thing_name, THING_NAME_NEEDS,
	    "The type of the thing; it must be there. Empty: none."),
	TEXT(thing_group, "", iot_is_thing_name, THING_NAME_NEEDS,
	    "The static thing group that the thing is put into; it must be there. Empty: none."),
	LIST("thing_attributes", thing_attributes,
	    "NAME=VALUE, NAME=VALUE: at most 3, with a thing_type at most 50. A long list goes on in the next line, indented."),
	CHOICE(thing_exists, "park", exists_choices,
	    "A thing of that name is there with another type or other attributes. park: the certificate is put aside with the reason;\n"
	    "keep: it is attached to that thing as it is."),
	LIST("policies", policies_text,
	    "NAME, NAME: the policies attached to each certificate, at most 10; they must be there."),
	RATE(rate_register_certificate, "10",
	    "Calls a second of each kind: AWS's quotas unless yours were raised. Where two sections are the same account and\n"
	    "region, the smallest counts."),
	RATE(rate_update_certificate, "10", ""),
	RATE(rate_describe_certificate, "10", ""),
	RATE(rate_create_thing, "15", ""),
	RATE(rate_describe_thing, "100", ""),
	RATE(rate_attach_thing_principal, "15", ""),
	RATE(rate_attach_policy, "15", ""),
	RATE(rate_add_thing_to_thing_group, "60", ""),
	NUMBER(connections, "32", 1, 256,
	    "Calls under way at once."),
	NUMBER(give_up_s, "300", 10, 86400,
	    "The upload ends when AWS has taken nothing for so long, in seconds; what is queued stays queued."),
};

enum { TARGET_SETTINGS = sizeof(target_settings) / sizeof(target_settings[0]) };
_Static_assert(TARGET_SETTINGS <= 32, "struct target's set has a bit for each");

bool
config_aws_is_section(const char *section)
{
	return strcmp(section, "aws") == 0 || strncmp(section, "aws ", 4) == 0;
}

static void
target_defaults(struct target *t, const char *name)
{
	struct err e = { 0 };

	memset(t, 0, sizeof(*t));
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	for (size_t i = 0; i < TARGET_SETTINGS; i++)
		if (setting_set(t, &target_settings[i], target_settings[i].fallback, false, &e) != ERR_OK)
			abort();	/* a default out of its own bounds: every test run sees it */
}

void
config_aws_defaults(struct config *c)
{
	target_defaults(&c->targets[0], "");
	c->targets_count = 1;
}

static enum err_code
target_named(struct config *c, const char *name, struct target **ret, struct err *e)
{
	for (size_t i = 1; i < c->targets_count; i++)
		if (strcmp(c->targets[i].name, name) == 0) {
			*ret = &c->targets[i];
			return ERR_OK;
		}
	if (!config_name_is_plain(name) || strcmp(name, "aws") == 0)
		return err_set(e, ERR_CONFIG, "[aws %.40s]: a name of 1 to %d of A-Za-z0-9_.- is needed, and not aws", name, LIMIT_NAME_BYTES);
	if (c->targets_count == LIMIT_TARGETS)
		return err_set(e, ERR_CONFIG, "[aws %s]: more than %d sections for AWS", name, LIMIT_TARGETS);
	*ret = &c->targets[c->targets_count++];
	target_defaults(*ret, name);
	return ERR_OK;
}

enum err_code
config_aws_set(struct config *c, const char *section, const char *name, const char *value, struct err *e)
{
	const struct setting *s = setting_find(target_settings, TARGET_SETTINGS, name);
	struct target *t = &c->targets[0];
	enum err_code rc;
	uint32_t bit;

	if (section[3] != '\0' && (rc = target_named(c, section + 4, &t, e)) != ERR_OK)
		return rc;
	if (s == NULL)
		return err_set(e, ERR_CONFIG, "[%.80s] has no setting %.40s", section, name);
	bit = UINT32_C(1) << (s - target_settings);
	rc = setting_set(t, s, value, (t->set & bit) != 0, e);
	t->set |= bit;
	return rc;
}

/* A section that makes no things has no use for how [aws] makes them, and could not say "none" to each. */
static bool
is_inherited(const struct target *t, const struct setting *s)
{
	uint32_t bit = UINT32_C(1) << (s - target_settings);
	const struct setting *things = setting_find(target_settings, TARGET_SETTINGS, "things");
	bool says_no = t->things == 0 && (t->set & UINT32_C(1) << (things - target_settings)) != 0;

	return (t->set & bit) == 0 && !(says_no && strncmp(s->name, "thing_", 6) == 0);
}

enum err_code
config_aws_finish(struct config *c, struct err *e)
{
	enum err_code rc = ERR_OK;

	for (size_t t = 1; t < c->targets_count; t++)
		for (size_t i = 0; i < TARGET_SETTINGS; i++)
			if (is_inherited(&c->targets[t], &target_settings[i]))
				setting_copy(&c->targets[t], &c->targets[0], &target_settings[i]);
	for (size_t t = 0; t < c->targets_count && rc == ERR_OK; t++)
		rc = target_check(&c->targets[t], e);
	return rc;
}

void
config_aws_put(struct buf *b)
{
	buf_puts(b, "; Where the nightly upload registers the certificates, and what it makes there. More accounts or regions: a section\n"
	    "; [aws NAME] for each, with the settings in which it differs from [aws]; the rest it has from there. A batch goes to\n"
	    "; [aws], or where `lineca batch create --aws NAME,NAME` sends it.\n"
	    "[aws]\n");
	for (size_t i = 0; i < TARGET_SETTINGS; i++)
		setting_put(b, &target_settings[i]);
}

const struct target *
config_target(const struct config *c, const char *name)
{
	if (strcmp(name, "aws") == 0)
		name = "";
	for (size_t i = 0; i < c->targets_count; i++)
		if (strcmp(c->targets[i].name, name) == 0)
			return &c->targets[i];
	return NULL;
}

enum err_code
config_batch_targets(const struct config *c, const char *batch_aws, const struct target *out[LIMIT_TARGETS], size_t *ret_count,
    struct err *e)
{
	const char *p = batch_aws;
	size_t n = 0;

	do {
		char name[LIMIT_NAME_BYTES + 1];
		size_t len = strcspn(p, ",");
		const struct target *t = NULL;

		if (len < sizeof(name)) {
			memcpy(name, p, len);
			name[len] = '\0';
			t = config_target(c, name);
		}
		if (len == 0 && *batch_aws != '\0')
			return err_set(e, ERR_CONFIG, "a name is missing before or behind a comma in %.100s", batch_aws);
		if (t == NULL)
			return err_set(e, ERR_CONFIG, "lineca.conf has no section [aws %.*s]", len < 64 ? (int)len : 64, p);
		if (n == LIMIT_TARGETS)
			return err_set(e, ERR_CONFIG, "more than %d sections for AWS", LIMIT_TARGETS);
		out[n++] = t;
		p += len;
	} while (*p++ == ',');
	*ret_count = n;
	return ERR_OK;
}
