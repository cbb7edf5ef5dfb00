#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "aws_ca.h"
#include "aws_cmd.h"
#include "base/file.h"
#include "ca/issuer.h"
#include "issuer_load.h"
#include "table.h"
#include "verification_cert.h"
#include "view.h"

/* ---- registration-code */

enum err_code
cmd_aws_registration_code(struct cmd *c, struct err *e)
{
	const char *target = NULL, *account = NULL, *none[1];
	const struct arg_option options[] = { { "target", &target, NULL }, { "account", &account, NULL }, { 0 } };
	char code[65], where[AWS_SESSION_NAME_BYTES];
	struct aws_cmd *a;
	enum err_code rc;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return err_set(e, ERR_NOMEM, "aws");
	if ((rc = args_parse(c, options, 0, 0, none, e)) == ERR_OK &&
	    (rc = aws_cmd_open_settings(a, c, e)) == ERR_OK &&
	    (rc = aws_cmd_connect(a, target, account, e)) == ERR_OK &&
	    (rc = aws_ca_registration_code(&a->session, code, e)) == ERR_OK) {
		aws_session_name(&a->session, where);
		(void)printf("%s\n", code);
		(void)fprintf(stderr, "registration code of %s. Next, on the line:\n"
		    "  lineca ca verification-cert --code %s >proof.pem\n  lineca ca show >ca.pem\n", where, code);
	}
	aws_cmd_close(a);
	free(a);
	return rc;
}

/* ---- register-ca */

struct register_ca {
	const char	*target, *account, *ca, *ca_cert, *verification_cert;
	bool		 inactive, auto_registration, sni_only;
	struct aws_cmd	 aws;
	struct store_ca	 row;			/* with a ledger */
	char		*ca_pem, *verification_pem;
	char		 id[AWS_CA_ID_BYTES];
};

static enum err_code
check_options(const struct register_ca *rc_, struct err *e)
{
	if ((rc_->verification_cert != NULL) != (rc_->ca_cert != NULL && !rc_->sni_only))
		return err_set(e, ERR_USAGE, rc_->sni_only ? "--sni-only needs no verification certificate"
		    : "--ca-cert and --verification-cert belong together");
	if (rc_->ca_cert != NULL && rc_->ca != NULL)
		return err_set(e, ERR_USAGE, "--ca names a CA of the ledger, --ca-cert one of a file: give one of them");
	return ERR_OK;
}

/* One certificate in PEM, as it stands in a file; its DER's id for a CA. */
static enum err_code
read_pem(const char *path, bool is_ca, char **ret_pem, char id[AWS_CA_ID_BYTES], struct err *e)
{
	uint8_t der[LIMIT_CERTIFICATE_BYTES];
	struct err inner;
	char *text;
	size_t len, der_len;
	enum err_code rc;

	if ((rc = file_read(path, LIMIT_CONFIG_BYTES, &text, &len, e)) != ERR_OK)
		return rc;
	if ((rc = ca_certificate_from_pem(text, len, der, &der_len, &inner)) == ERR_OK && is_ca)
		rc = aws_ca_id(der, der_len, id, &inner);
	free(text);
	if (rc != ERR_OK)
		return err_set(e, rc, "%s: %s", path, inner.log_text);
	if ((*ret_pem = view_pem(der, der_len)) == NULL)
		return err_set(e, ERR_NOMEM, "%s", path);
	return ERR_OK;
}

static enum err_code
take_ca(struct register_ca *r, const struct cmd *c, struct err *e)
{
	enum err_code rc;

	if (r->ca_cert != NULL) {
		if ((rc = aws_cmd_open_settings(&r->aws, c, e)) != ERR_OK ||
		    (rc = read_pem(r->ca_cert, true, &r->ca_pem, r->id, e)) != ERR_OK || r->verification_cert == NULL)
			return rc;
		return read_pem(r->verification_cert, false, &r->verification_pem, NULL, e);
	}
	if ((rc = aws_cmd_open_home(&r->aws, c, e)) != ERR_OK ||
	    (rc = issuer_find(&r->aws.home, r->ca, &r->row, e)) != ERR_OK ||
	    (rc = aws_ca_id(r->row.der, r->row.der_len, r->id, e)) != ERR_OK)
		return rc;
	if ((r->ca_pem = view_pem(r->row.der, r->row.der_len)) == NULL)
		return err_set(e, ERR_NOMEM, "CA %s", r->row.name);
	return ERR_OK;
}

/* With the key at hand the proof is made here. */
static enum err_code
make_proof(struct register_ca *r, struct err *e)
{
	struct verification_cert v = { 0 };
	struct issuer *issuer = NULL;
	char code[65];
	enum err_code rc;

	if ((rc = issuer_load(&r->aws.home, &r->row, &issuer, e)) == ERR_NOT_FOUND)
		return err_set(e, rc, "the key of the CA \"%s\" is not here: make the proof on the line (`lineca ca verification-cert`), "
		    "then give --ca-cert and --verification-cert", r->row.name);
	if (rc == ERR_OK && (rc = aws_ca_registration_code(&r->aws.session, code, e)) == ERR_OK &&
	    (rc = verification_cert_make(&r->aws.home, &r->row, issuer, code, &v, e)) == ERR_OK) {
		r->verification_pem = v.pem;
		v.pem = NULL;
	}
	verification_cert_done(&v);
	issuer_free(issuer);
	return rc;
}

/* "active", "inactive", and what else there is to say */
static const char *
state_words(const struct iot_ca *ca, char out[96])
{
	(void)snprintf(out, 96, "%s%s%s", ca->active ? "active" : "inactive", ca->auto_registration ? ", auto-registration" : "",
	    ca->sni_only ? ", SNI only" : "");
	return out;
}

static enum err_code
register_ca(struct register_ca *r, struct err *e)
{
	const struct iot_ca_registration registration = {
		.ca_pem = r->ca_pem, .verification_pem = r->verification_pem, .active = !r->inactive,
		.auto_registration = r->auto_registration, .sni_only = r->sni_only
	};
	char where[AWS_SESSION_NAME_BYTES], words[96];
	struct iot_ca now;
	bool found;
	enum err_code rc;

	if ((rc = aws_ca_register(&r->aws.session, &registration, e)) != ERR_OK ||
	    (rc = aws_ca_describe(&r->aws.session, r->id, &now, &found, e)) != ERR_OK)
		return rc;
	aws_session_name(&r->aws.session, where);
	if (!found)
		return err_set(e, ERR_CONFLICT, "AWS says that this CA is registered already, and %s does not have it: another account of the region "
		    "holds it. One CA in several accounts needs --sni-only in each, or no CA in AWS at all (with_ca = no)", where);
	(void)fprintf(stderr, "the CA is registered in %s (%s): %s\n", where, state_words(&now, words), now.arn);
	return ERR_OK;
}

/* What was asked for and is not so: said, not done, for "again" changes nothing. */
static void
say_wishes(const struct register_ca *r, const struct iot_ca *there)
{
	if (r->inactive && there->active)
		(void)fprintf(stderr, "it is active all the same: `lineca aws deactivate-ca`\n");
	if (!r->inactive && !there->active)
		(void)fprintf(stderr, "it is inactive, so AWS takes no certificates of it: `lineca aws activate-ca`\n");
	if (r->auto_registration && !there->auto_registration)
		(void)fprintf(stderr, "auto-registration is off all the same: aws iot update-ca-certificate --certificate-id %s "
		    "--new-auto-registration-status ENABLE\n", there->id);
	if (r->sni_only && !there->sni_only)
		(void)fprintf(stderr, "its mode is not SNI only, and AWS does not change that: delete it in AWS and register it again\n");
}

static enum err_code
register_ca_once(struct register_ca *r, struct err *e)
{
	char where[AWS_SESSION_NAME_BYTES], words[96];
	struct iot_ca there;
	bool found;
	enum err_code rc;

	if ((rc = aws_ca_describe(&r->aws.session, r->id, &there, &found, e)) != ERR_OK)
		return rc;
	if (found) {
		aws_session_name(&r->aws.session, where);
		(void)fprintf(stderr, "the CA is registered already in %s (%s); nothing was changed: %s\n", where, state_words(&there, words), there.arn);
		say_wishes(r, &there);
		return ERR_OK;
	}
	if (r->verification_pem == NULL && !r->sni_only && (rc = make_proof(r, e)) != ERR_OK)
		return rc;
	return register_ca(r, e);
}

enum err_code
cmd_aws_register_ca(struct cmd *c, struct err *e)
{
	struct register_ca *r;
	const char *none[1];
	enum err_code rc;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return err_set(e, ERR_NOMEM, "aws");
	const struct arg_option options[] = {
		{ "target", &r->target, NULL }, { "account", &r->account, NULL }, { "ca", &r->ca, NULL },
		{ "ca-cert", &r->ca_cert, NULL }, { "verification-cert", &r->verification_cert, NULL },
		{ "inactive", NULL, &r->inactive }, { "auto-registration", NULL, &r->auto_registration },
		{ "sni-only", NULL, &r->sni_only }, { 0 }
	};
	if ((rc = args_parse(c, options, 0, 0, none, e)) == ERR_OK &&
	    (rc = check_options(r, e)) == ERR_OK &&
	    (rc = take_ca(r, c, e)) == ERR_OK &&
	    (rc = aws_cmd_connect(&r->aws, r->target, r->account, e)) == ERR_OK)
		rc = register_ca_once(r, e);
	store_ca_done(&r->row);
	free(r->ca_pem);
	free(r->verification_pem);
	aws_cmd_close(&r->aws);
	free(r);
	return rc;
}

/* ---- activate-ca, deactivate-ca */

static enum err_code
set_active(struct aws_cmd *a, const struct store_ca *ca, bool active, struct err *e)
{
	char id[AWS_CA_ID_BYTES], where[AWS_SESSION_NAME_BYTES];
	const char *word = active ? "active" : "inactive";
	struct iot_ca there;
	bool found;
	enum err_code rc;

	if ((rc = aws_ca_id(ca->der, ca->der_len, id, e)) != ERR_OK || (rc = aws_ca_describe(&a->session, id, &there, &found, e)) != ERR_OK)
		return rc;
	aws_session_name(&a->session, where);
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "the CA \"%s\" is not registered in %s: `lineca aws register-ca`", ca->name, where);
	if (there.active == active) {
		(void)fprintf(stderr, "the CA \"%s\" is %s already in %s; nothing was changed\n", ca->name, word, where);
		return ERR_OK;
	}
	if ((rc = aws_ca_set_active(&a->session, id, active, e)) == ERR_OK)
		(void)fprintf(stderr, "the CA \"%s\" is %s in %s%s\n", ca->name, word, where,
		    active ? "" : "; its device certificates stay as they are");
	return rc;
}

static enum err_code
change_ca(struct cmd *c, bool active, struct err *e)
{
	const char *target = NULL, *name = NULL, *operand;
	const struct arg_option options[] = { { "target", &target, NULL }, { "ca", &name, NULL }, { 0 } };
	struct store_ca ca = { 0 };
	struct aws_cmd *a;
	enum err_code rc;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return err_set(e, ERR_NOMEM, "aws");
	if ((rc = args_parse(c, options, 0, 1, &operand, e)) == ERR_OK &&
	    (rc = aws_cmd_open_home(a, c, e)) == ERR_OK &&
	    (rc = issuer_find(&a->home, name != NULL ? name : operand, &ca, e)) == ERR_OK &&
	    (rc = aws_cmd_connect(a, target, NULL, e)) == ERR_OK)
		rc = set_active(a, &ca, active, e);
	store_ca_done(&ca);
	aws_cmd_close(a);
	free(a);
	return rc;
}

enum err_code
cmd_aws_activate_ca(struct cmd *c, struct err *e)
{
	return change_ca(c, true, e);
}

enum err_code
cmd_aws_deactivate_ca(struct cmd *c, struct err *e)
{
	return change_ca(c, false, e);
}

/* ---- cas */

/* Beyond this many AWS is not asked further: 400 pages of 250, which take 40 s at AWS's quota. */
enum { COUNT_MAX = 100000 };

struct cas {
	struct aws_cmd	 aws;
	bool		 json;
	struct table	 table;
	int64_t		 issued, registered;	/* of the CA at hand */
	int64_t		 ca_id;
};

static enum err_code
add_batch(void *arg, const struct store_batch *b, struct err *e)
{
	struct cas *l = arg;

	(void)e;
	if (b->ca_id == l->ca_id)
		l->issued += b->issued;
	return ERR_OK;
}

static enum err_code
put_ca_json(const struct store_ca *ca, const struct cas *l, const char *id, const struct iot_ca *there, int64_t count, bool more,
    struct err *e)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, "name", ca->name);
	(void)cJSON_AddStringToObject(o, "certificate_id", id);
	(void)cJSON_AddStringToObject(o, "account", l->aws.session.identity.account);
	(void)cJSON_AddStringToObject(o, "region", aws_client_region(l->aws.session.client));
	(void)cJSON_AddStringToObject(o, "aws_state", there == NULL ? "not_registered" : there->active ? "active" : "inactive");
	(void)cJSON_AddBoolToObject(o, "auto_registration", there != NULL && there->auto_registration);
	(void)cJSON_AddBoolToObject(o, "sni_only", there != NULL && there->sni_only);
	(void)cJSON_AddNumberToObject(o, "issued", (double)l->issued);
	(void)cJSON_AddNumberToObject(o, "registered", (double)l->registered);
	(void)cJSON_AddNumberToObject(o, "aws_certificates", (double)count);
	(void)cJSON_AddBoolToObject(o, "aws_has_more", more);
	return view_put(o, e);
}

static void
put_ca_row(struct cas *l, const struct store_ca *ca, const char *id, const struct iot_ca *there, int64_t count, bool more)
{
	char where[AWS_SESSION_NAME_BYTES], text[96];

	aws_session_name(&l->aws.session, where);
	table_text(&l->table, where);
	table_text(&l->table, ca->name);
	table_text(&l->table, there == NULL ? "not registered" : state_words(there, text));
	table_number(&l->table, l->issued);
	table_number(&l->table, l->registered);
	(void)snprintf(text, sizeof(text), "%lld%s", (long long)count, more ? "+" : "");
	table_text(&l->table, text);
	table_text(&l->table, id);
}

static enum err_code
put_ca(struct cas *l, const char *name, struct err *e)
{
	const struct store_ops *ops = l->aws.home.ops;
	struct store_ca ca = { 0 };
	char id[AWS_CA_ID_BYTES];
	struct iot_ca there;
	bool found, more = false;
	int64_t count = 0;
	enum err_code rc;

	l->issued = l->registered = 0;
	if ((rc = issuer_find(&l->aws.home, name, &ca, e)) != ERR_OK)
		goto out;
	l->ca_id = ca.id;
	if ((rc = ops->batch_list(l->aws.home.reader, BATCHES_ALL, add_batch, l, e)) != ERR_OK ||
	    (rc = ops->registration_count(l->aws.home.reader, ca.id, l->aws.session.identity.account,
	    aws_client_region(l->aws.session.client), &l->registered, e)) != ERR_OK ||
	    (rc = aws_ca_id(ca.der, ca.der_len, id, e)) != ERR_OK ||
	    (rc = aws_ca_describe(&l->aws.session, id, &there, &found, e)) != ERR_OK ||
	    (found && (rc = aws_ca_count(&l->aws.session, id, COUNT_MAX, &count, &more, e)) != ERR_OK))
		goto out;
	if (l->json)
		rc = put_ca_json(&ca, l, id, found ? &there : NULL, count, more, e);
	else
		put_ca_row(l, &ca, id, found ? &there : NULL, count, more);
out:
	store_ca_done(&ca);
	return rc;
}

static enum err_code
put_cas(struct cas *l, struct err *e)
{
	struct issuer_names all;
	enum err_code rc;

	if ((rc = issuer_names_read(&l->aws.home, &all, e)) != ERR_OK)
		return rc;
	for (size_t i = 0; i < all.count && rc == ERR_OK; i++)
		rc = put_ca(l, all.names[i], e);
	return rc;
}

/* One section: the conversation begins and ends here. */
static enum err_code
put_section(struct cas *l, const char *name, struct err *e)
{
	enum err_code rc;

	if ((rc = aws_cmd_connect(&l->aws, name, NULL, e)) == ERR_OK)
		rc = put_cas(l, e);
	aws_cmd_disconnect(&l->aws);
	return rc;
}

static enum err_code
put_sections(struct cas *l, const char *only, struct err *e)
{
	const struct config *config = &l->aws.home.config;
	enum err_code rc = ERR_OK;

	if (only != NULL)
		return put_section(l, only, e);
	for (size_t i = 0; i < config->targets_count && rc == ERR_OK; i++)
		rc = put_section(l, config->targets[i].name, e);
	return rc;
}

enum err_code
cmd_aws_cas(struct cmd *c, struct err *e)
{
	static const char *const titles[] = {
		"AWS", "CA", "STATE", "ISSUED>", "REGISTERED>", "AWS HAS>", "CERTIFICATE ID (SHA-256)", NULL
	};
	const char *target = NULL, *none[1];
	struct cas *l;
	enum err_code rc;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return err_set(e, ERR_NOMEM, "aws");
	const struct arg_option options[] = { { "target", &target, NULL }, { "json", NULL, &l->json }, { 0 } };
	if ((rc = args_parse(c, options, 0, 0, none, e)) == ERR_OK && (rc = aws_cmd_open_home(&l->aws, c, e)) == ERR_OK) {
		if (!l->json)
			table_begin(&l->table, titles);
		rc = put_sections(l, target, e);
		if (!l->json)
			table_end(&l->table);
	}
	aws_cmd_close(&l->aws);
	free(l);
	return rc;
}
