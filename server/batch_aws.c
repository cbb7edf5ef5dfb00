#include "batch_aws.h"

#include <stdio.h>
#include <string.h>

static const char *
section_name(const struct target *t)
{
	return t->name[0] != '\0' ? t->name : "aws";
}

/* Account and region are one place; where they are left to the environment, the profile says which. */
static bool
is_same_place(const struct target *a, const struct target *b)
{
	bool said = a->account[0] != '\0' && a->region[0] != '\0';

	return strcmp(a->account, b->account) == 0 && strcmp(a->region, b->region) == 0 &&
	    (said || strcmp(a->profile, b->profile) == 0);
}

static enum err_code
check_pairs(const struct batch_aws *a, struct err *e)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct target *t = a->targets[i], *other = a->targets[j];

			if (t == other)
				return err_set(e, ERR_USAGE, "--aws names %s twice", section_name(t));
			if (is_same_place(t, other))
				return err_set(e, ERR_USAGE, "--aws: %s and %s are the same account and region (%s, %s); name one of them",
				    section_name(other), section_name(t), t->account[0] != '\0' ? t->account : "no account said",
				    t->region[0] != '\0' ? t->region : "no region said");
		}
	return ERR_OK;
}

enum err_code
batch_aws_plan(const struct config *c, const char *names, struct store_batch *b, struct batch_aws *ret, struct err *e)
{
	struct err why = { 0 };
	enum err_code rc;

	if (names != NULL && *names == '\0')
		return err_set(e, ERR_USAGE, "--aws is empty; leave it out for the section [aws]");
	if (names != NULL && strlen(names) >= sizeof(b->aws))
		return err_set(e, ERR_USAGE, "--aws is longer than %zu characters", sizeof(b->aws) - 1);
	(void)snprintf(b->aws, sizeof(b->aws), "%s", names != NULL ? names : "");
	if (config_batch_targets(c, b->aws, ret->targets, &ret->count, &why) != ERR_OK)
		return err_set(e, ERR_USAGE, "--aws: %s", why.log_text);
	if ((rc = check_pairs(ret, e)) != ERR_OK)
		return rc;
	/* an id that any thing can have: what is refused now is the batch's name */
	if ((rc = batch_aws_takes(ret, b, "0", &why)) != ERR_OK)
		return err_set(e, ERR_USAGE, "the batch name %s does not go with lineca.conf; no batch was made. %s", b->name, why.log_text);
	return ERR_OK;
}

enum err_code
batch_aws_takes(const struct batch_aws *a, const struct store_batch *b, const char *device_id, struct err *e)
{
	enum err_code rc = ERR_OK;

	for (size_t i = 0; i < a->count && rc == ERR_OK; i++)
		rc = target_takes(a->targets[i], device_id, b->name, e);
	return rc;
}
