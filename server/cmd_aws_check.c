/* `aws check`: everything that the upload will need, asked for without a change anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "aws_ca.h"
#include "aws_cmd.h"
#include "aws_needed.h"
#include "issuer_load.h"
#include "table.h"
#include "upload/step.h"
#include "view.h"

struct checks {
	struct aws_cmd	 aws;
	bool		 json;
	struct table	 table;
	const char	*section;	/* "[aws]" */
	int		 done, failed;
	struct err	*e;		/* the output's own failure */
	enum err_code	 rc;
};

/* Somebody waits for the answer; what AWS cannot say in this time is worth a line of its own. */
enum { CHECK_PATIENCE_S = 10 };

enum check_state { CHECK_OK, CHECK_FAILED, CHECK_UNTESTED };

static const char *const state_names[] = { "ok", "FAILED", "not tested" };

/* One line: what was looked at, what was found, what to do. */
static void
put_check(struct checks *k, const char *check, enum check_state state, const char *found, const char *todo)
{
	char text[2 * LIMIT_AWS_MESSAGE_BYTES];
	cJSON *o;

	k->done++;
	k->failed += state == CHECK_FAILED;
	if (!k->json) {
		table_text(&k->table, k->section);
		table_text(&k->table, check);
		table_text(&k->table, state_names[state]);
		(void)snprintf(text, sizeof(text), "%s%s%s", found, *todo != '\0' ? ": " : "", todo);
		table_text(&k->table, text);
		return;
	}
	o = cJSON_CreateObject();
	(void)cJSON_AddStringToObject(o, "section", k->section);
	(void)cJSON_AddStringToObject(o, "check", check);
	(void)cJSON_AddStringToObject(o, "state", state_names[state]);
	(void)cJSON_AddStringToObject(o, "found", found);
	(void)cJSON_AddStringToObject(o, "todo", todo);
	if (k->rc == ERR_OK)
		k->rc = view_put(o, k->e);
	else
		cJSON_Delete(o);
}

/* What to do about a question that could not be asked. */
static void
put_failure(struct checks *k, const char *check, const struct err *why)
{
	const char *todo = "";

	if (why->code == ERR_PERMISSION)
		todo = "allow it for these credentials: deploy/aws/upload-policy.json";
	else if (strstr(why->log_text, "AWS_CA_BUNDLE") == NULL && (why->code == ERR_IO || why->code == ERR_BUSY))
		todo = "look at the network, the proxy (https_proxy) and AWS_ENDPOINT_URL";
	put_check(k, check, CHECK_FAILED, why->log_text, todo);
}

/* ---- who we are */

/* false: nothing more can be asked. */
static bool
check_identity(struct checks *k, const char *name)
{
	struct err e;
	enum err_code rc = aws_cmd_connect(&k->aws, name, NULL, &e);
	const struct aws_session *s = &k->aws.session;
	char text[256];
	int64_t offset_s;

	if (s->client == NULL) {
		put_check(k, "credentials", CHECK_FAILED, e.log_text, "");
		return false;
	}
	put_check(k, "credentials", CHECK_OK, aws_client_credentials_source(s->client), "");
	if (rc != ERR_OK) {
		if (rc == ERR_PERMISSION)
			put_check(k, "account", CHECK_FAILED, e.log_text, "check the access key, its secret and, if there is one, the session token");
		else
			put_failure(k, "account", &e);
		return false;
	}
	(void)snprintf(text, sizeof(text), "%s, as %.180s", s->identity.account, s->identity.arn);
	put_check(k, "account", CHECK_OK, text, "");
	if ((offset_s = aws_client_clock_offset_s(s->client)) == 0) {
		put_check(k, "clock", CHECK_OK, "within what AWS allows", "");
		return true;
	}
	(void)snprintf(text, sizeof(text), "this machine is %lld s %s AWS's clock", (long long)(offset_s > 0 ? offset_s : -offset_s),
	    offset_s > 0 ? "behind" : "ahead of");
	put_check(k, "clock", CHECK_FAILED, text, "set the clock: certificates carry its time; calls to AWS are corrected meanwhile");
	return true;
}

static enum err_code
on_list(void *arg, const struct aws_reply *reply, struct err *e)
{
	char marker[IOT_MARKER_BYTES];
	int64_t count;

	(void)arg;
	if (reply->outcome != AWS_DONE)
		return aws_reply_fail(reply, "ListCACertificates", e);
	if (!iot_page_read(reply, NULL, NULL, &count, marker))
		return err_set(e, ERR_IO, "the endpoint answers, but not as AWS IoT");
	return ERR_OK;
}

/* false: whoever answers there is not AWS IoT, so there is no need to ask it more. */
static bool
check_endpoint(struct checks *k)
{
	struct aws_request r = { 0 };
	char text[AWS_URL_BYTES + 16];
	struct err e;
	enum err_code rc;

	iot_list_ca_certificates(&r, "");
	if ((rc = aws_session_ask(&k->aws.session, &r, on_list, NULL, &e)) != ERR_OK) {
		put_failure(k, "endpoint", &e);
		return rc == ERR_PERMISSION;
	}
	(void)snprintf(text, sizeof(text), "%s", aws_client_endpoint(k->aws.session.client, AWS_IOT));
	put_check(k, "endpoint", CHECK_OK, text, "");
	return true;
}

/* ---- what must be there */

static void
check_ca(struct checks *k, const char *name)
{
	char id[AWS_CA_ID_BYTES], check[LIMIT_NAME_BYTES + 8], todo[ARGS_WORD_BYTES + LIMIT_NAME_BYTES + 64], word[ARGS_WORD_BYTES];
	const char *section = k->aws.target.name, *option = *section != '\0' ? " --target " : "";
	struct store_ca ca = { 0 };
	struct iot_ca there;
	struct err why;
	bool found;

	(void)snprintf(check, sizeof(check), "CA %s", name);
	args_shell_word(name, word);
	if (issuer_find(&k->aws.home, name, &ca, &why) != ERR_OK || aws_ca_id(ca.der, ca.der_len, id, &why) != ERR_OK ||
	    aws_ca_describe(&k->aws.session, id, &there, &found, &why) != ERR_OK) {
		put_failure(k, check, &why);
	} else if (!found) {
		(void)snprintf(todo, sizeof(todo), "lineca aws register-ca --ca %s%s%s", word, option, section);
		put_check(k, check, CHECK_FAILED, "not registered", todo);
	} else if (!there.active) {
		(void)snprintf(todo, sizeof(todo), "lineca aws activate-ca %s%s%s", word, option, section);
		put_check(k, check, CHECK_FAILED, "registered, inactive", todo);
	} else
		put_check(k, check, CHECK_OK, "registered, active", "");
	store_ca_done(&ca);
}

static void
check_cas(struct checks *k)
{
	struct issuer_names all;
	struct err why;

	if (issuer_names_read(&k->aws.home, &all, &why) != ERR_OK)
		put_check(k, "CA", CHECK_FAILED, why.log_text, "");
	else
		for (size_t i = 0; i < all.count; i++)
			check_ca(k, all.names[i]);
}

static void
check_needed(struct checks *k, const struct aws_needed *n)
{
	char check[LIMIT_AWS_NAME_BYTES + 16];
	struct err e;
	bool found;

	(void)snprintf(check, sizeof(check), "%s %s", n->kind, n->name);
	if (aws_needed_find(&k->aws.session, n, &found, &e) != ERR_OK)
		put_failure(k, check, &e);
	else if (!found)
		put_check(k, check, CHECK_FAILED, "not there", "make it in AWS, or correct its name in lineca.conf");
	else
		put_check(k, check, CHECK_OK, "there", "");
}

static void
check_target(struct checks *k)
{
	struct aws_needed needed[AWS_NEEDED_MAX];
	size_t count = aws_needed_of(&k->aws.target, needed);

	for (size_t i = 0; i < count; i++)
		check_needed(k, &needed[i]);
}

/* ---- permissions */

/*
 * AWS asks whether a call is allowed before it looks at what it says.  So a call that cannot succeed, for a certificate that cannot
 * exist, tells whether the real one would be let through.
 */
#define NO_CERTIFICATE	"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
#define NO_ID		"0000000000000000000000000000000000000000000000000000000000000000"
#define NO_THING	"lineca-check-no-such-thing"

struct permission {
	enum aws_outcome	outcome;
	char			text[LIMIT_AWS_MESSAGE_BYTES + 1];
};

static enum err_code
on_probe(void *arg, const struct aws_reply *reply, struct err *e)
{
	struct permission *p = arg;

	(void)e;
	p->outcome = reply->outcome;
	(void)snprintf(p->text, sizeof(p->text), "%s", reply->message);
	return ERR_OK;
}

static void
probe(struct checks *k, enum iot_operation op, struct aws_request *r)
{
	struct permission p = { 0 };
	char check[64];
	struct err e;

	(void)snprintf(check, sizeof(check), "iot:%s", iot_operation_name(op));
	if (aws_session_ask(&k->aws.session, r, on_probe, &p, &e) != ERR_OK)
		put_failure(k, check, &e);
	else if (p.outcome == AWS_DENIED)
		put_check(k, check, CHECK_FAILED, p.text, "allow it for these credentials: deploy/aws/upload-policy.json");
	else if (p.outcome == AWS_THROTTLED || p.outcome == AWS_TRANSIENT || p.outcome == AWS_UNTRUSTED)
		put_check(k, check, CHECK_UNTESTED, p.text, "");
	else
		put_check(k, check, CHECK_OK, "allowed", "");
}

static void
check_permissions(struct checks *k)
{
	const struct target *t = &k->aws.target;
	uint32_t needed = step_needed(t);
	struct aws_request r = { 0 };
	char no_arn[LIMIT_ARN_BYTES + 1];

	(void)snprintf(no_arn, sizeof(no_arn), "arn:%s:iot:%s:%s:cert/" NO_ID, aws_client_partition(k->aws.session.client),
	    aws_client_region(k->aws.session.client), k->aws.session.identity.account);
	if (t->with_ca != 0)
		iot_register_certificate(&r, NO_CERTIFICATE, NO_CERTIFICATE, true);
	else
		iot_register_certificate_without_ca(&r, NO_CERTIFICATE, true);
	probe(k, t->with_ca != 0 ? IOT_REGISTER_CERTIFICATE : IOT_REGISTER_CERTIFICATE_WITHOUT_CA, &r);
	iot_describe_certificate(&r, NO_ID);
	probe(k, IOT_DESCRIBE_CERTIFICATE, &r);
	if (t->status != TARGET_INACTIVE) {
		iot_update_certificate(&r, NO_ID, false);
		probe(k, IOT_UPDATE_CERTIFICATE, &r);
	}
	if ((needed & STEP_THING) != 0) {
		put_check(k, "iot:CreateThing", CHECK_UNTESTED, "only a thing that is made would tell", "");
		iot_describe_thing(&r, NO_THING);
		probe(k, IOT_DESCRIBE_THING, &r);
		iot_attach_thing_principal(&r, NO_THING, no_arn);
		probe(k, IOT_ATTACH_THING_PRINCIPAL, &r);
	}
	if ((needed & STEP_POLICY) != 0) {
		iot_attach_policy(&r, t->policies[0], no_arn);
		probe(k, IOT_ATTACH_POLICY, &r);
	}
	if ((needed & STEP_GROUP) != 0) {
		iot_add_thing_to_thing_group(&r, t->thing_group, NO_THING);
		probe(k, IOT_ADD_THING_TO_THING_GROUP, &r);
	}
}

/* ---- all of it */

static void
check_section(struct checks *k, const char *name)
{
	char head[TARGET_HEAD_BYTES];

	k->section = target_head(config_target(&k->aws.home.config, name), head);
	k->aws.session.patience_s = CHECK_PATIENCE_S;
	if (check_identity(k, name) && check_endpoint(k)) {
		if (k->aws.target.with_ca != 0)
			check_cas(k);
		check_target(k);
		check_permissions(k);
	}
	k->section = NULL;
	aws_cmd_disconnect(&k->aws);
}

/* Does every batch with something to upload go to sections that are there? */
static enum err_code
check_batch(void *arg, const struct store_batch *b, struct err *e)
{
	const struct target *targets[LIMIT_TARGETS];
	char check[LIMIT_NAME_BYTES + 8];
	struct checks *k = arg;
	struct err why;
	size_t count;

	(void)e;
	if (store_batch_queued(b) == 0 || config_batch_targets(&k->aws.home.config, b->aws, targets, &count, &why) == ERR_OK)
		return ERR_OK;
	(void)snprintf(check, sizeof(check), "batch %s", b->name);
	put_check(k, check, CHECK_FAILED, why.log_text, "write the section again");
	return ERR_OK;
}

enum err_code
cmd_aws_check(struct cmd *c, struct err *e)
{
	static const char *const titles[] = { "SECTION", "CHECK", "STATE", "FOUND, AND WHAT TO DO", NULL };
	const char *target = NULL, *none[1];
	struct checks *k;
	enum err_code rc;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return err_set(e, ERR_NOMEM, "aws");
	const struct arg_option options[] = { { "target", &target, NULL }, { "json", NULL, &k->json }, { 0 } };
	k->e = e;
	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK || (rc = aws_cmd_open_home(&k->aws, c, e)) != ERR_OK)
		goto out;
	if (target != NULL && config_target(&k->aws.home.config, target) == NULL) {
		rc = err_set(e, ERR_USAGE, "lineca.conf has no section [aws %.64s]", target);
		goto out;
	}
	if (!k->json)
		table_begin(&k->table, titles);
	for (size_t i = 0; i < k->aws.home.config.targets_count; i++)
		if (target == NULL || &k->aws.home.config.targets[i] == config_target(&k->aws.home.config, target))
			check_section(k, k->aws.home.config.targets[i].name);
	k->section = "";
	if (target == NULL)
		rc = k->aws.home.ops->batch_list(k->aws.home.reader, BATCHES_ALL, check_batch, k, e);
	if (!k->json)
		table_end(&k->table);
	if (rc == ERR_OK)
		rc = k->rc;
	if (rc == ERR_OK && k->failed > 0)
		rc = err_set(e, ERR_IO, "%d of %d checks failed", k->failed, k->done);
out:
	aws_cmd_close(&k->aws);
	free(k);
	return rc;
}
