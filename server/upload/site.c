#include "upload/site.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "args.h"
#include "ca/issuer.h"
#include "upload/stop.h"

/* Which setting paces which operation. */
static int64_t
rate_of(const struct target *t, enum iot_operation op)
{
	switch (op) {
	case IOT_REGISTER_CERTIFICATE:
	case IOT_REGISTER_CERTIFICATE_WITHOUT_CA:
		return t->rate_register_certificate;
	case IOT_UPDATE_CERTIFICATE:
		return t->rate_update_certificate;
	case IOT_CREATE_THING:
		return t->rate_create_thing;
	case IOT_DESCRIBE_THING:
		return t->rate_describe_thing;
	case IOT_ATTACH_THING_PRINCIPAL:
		return t->rate_attach_thing_principal;
	case IOT_ATTACH_POLICY:
		return t->rate_attach_policy;
	case IOT_ADD_THING_TO_THING_GROUP:
		return t->rate_add_thing_to_thing_group;
	case IOT_DESCRIBE_CERTIFICATE:
	case IOT_GET_REGISTRATION_CODE:
	case IOT_REGISTER_CA_CERTIFICATE:
	case IOT_LIST_CA_CERTIFICATES:
	case IOT_DESCRIBE_CA_CERTIFICATE:
	case IOT_UPDATE_CA_CERTIFICATE:
	case IOT_LIST_CERTIFICATES_BY_CA:
	case IOT_GET_POLICY:
	case IOT_DESCRIBE_THING_TYPE:
	case IOT_DESCRIBE_THING_GROUP:
	case IOT_OPERATIONS:
		break;
	}
	return t->rate_describe_certificate;
}

enum err_code
site_open(struct site *s, struct home *h, const struct target *t, struct transport *transport, int patience_s, struct err *e)
{
	int64_t now_us = clock_monotonic_us();
	enum err_code rc;

	s->session.stopped = stop_wanted;
	s->session.patience_s = patience_s;
	if ((rc = aws_session_open(&s->session, t, transport, e)) != ERR_OK ||
	    (rc = h->ops->target_get(h->store, s->session.identity.account, aws_client_region(s->session.client), &s->target_id, e)) != ERR_OK)
		return rc;
	(void)snprintf(s->arn_prefix, sizeof(s->arn_prefix), "arn:%s:iot:%s:%s:cert/", aws_client_partition(s->session.client),
	    aws_client_region(s->session.client), s->session.identity.account);
	s->connections = t->connections;
	s->taken_us = now_us;
	for (int op = 0; op < IOT_OPERATIONS; op++)
		pace_init(&s->paces[op], rate_of(t, (enum iot_operation)op), now_us);
	return ERR_OK;
}

void
site_close(struct site *s)
{
	aws_session_close(&s->session);
}

void
site_take_rates(struct site *s, const struct target *t)
{
	int64_t now_us = clock_monotonic_us();
	struct pace p;

	for (int op = 0; op < IOT_OPERATIONS; op++) {
		pace_init(&p, rate_of(t, (enum iot_operation)op), now_us);
		if (p.limit < s->paces[op].limit)
			s->paces[op] = p;
	}
}

/* ---- the CA */

static struct site_ca *
find_ca(struct site *s, int64_t ca_id)
{
	for (size_t i = 0; i < s->cas_count; i++)
		if (s->cas[i].ca_id == ca_id)
			return &s->cas[i];
	return NULL;
}

bool
site_takes_ca(const struct site *s, int64_t ca_id)
{
	for (size_t i = 0; i < s->cas_count; i++)
		if (s->cas[i].ca_id == ca_id)
			return !s->cas[i].stopped;
	return true;
}

void
site_stop_ca(struct site *s, int64_t ca_id)
{
	struct site_ca *ca = find_ca(s, ca_id);

	if (ca == NULL && s->cas_count < LIMIT_CAS)
		*(ca = &s->cas[s->cas_count++]) = (struct site_ca){ .ca_id = ca_id };
	if (ca != NULL)
		ca->stopped = true;
}

struct ca_question {
	struct site		*site;
	const struct store_ca	*ca;
};

static enum err_code
on_ca(void *arg, const struct aws_reply *reply, struct err *e)
{
	struct ca_question *q = arg;
	const char *section = q->site->session.target->name, *option = *section != '\0' ? " --target " : "";
	char where[AWS_SESSION_NAME_BYTES], word[ARGS_WORD_BYTES];
	struct iot_ca found;

	aws_session_name(&q->site->session, where);
	args_shell_word(q->ca->name, word);
	if (reply->outcome == AWS_NOT_FOUND)
		return err_set(e, ERR_CONFLICT, "the CA %s is not registered in %s, so its certificates wait: `lineca aws register-ca --ca %s%s%s`",
		    q->ca->name, where, word, option, section);
	if (reply->outcome != AWS_DONE)
		return aws_reply_fail(reply, "DescribeCACertificate", e);
	if (!iot_ca_read(reply, &found))
		return err_set(e, ERR_IO, "DescribeCACertificate: AWS answered something else");
	if (!found.active)
		return err_set(e, ERR_CONFLICT, "the CA %s is inactive in %s, so its certificates wait: `lineca aws activate-ca %s%s%s`",
		    q->ca->name, where, word, option, section);
	return ERR_OK;
}

enum err_code
site_check_ca(struct site *s, const struct store_ca *ca, struct err *e)
{
	struct ca_question q = { s, ca };
	struct aws_request r = { 0 };
	char id[2 * STORE_HASH_BYTES + 1];
	struct ca_facts facts;
	enum err_code rc;

	if (find_ca(s, ca->id) != NULL)
		return ERR_OK;		/* asked, and said if it is stopped */
	if ((rc = ca_facts_read(ca->der, ca->der_len, &facts, e)) != ERR_OK)
		return rc;
	hex_encode(facts.fingerprint, sizeof(facts.fingerprint), id);
	iot_describe_ca_certificate(&r, id);
	rc = aws_session_ask(&s->session, &r, on_ca, &q, e);
	if ((rc == ERR_OK || rc == ERR_CONFLICT) && s->cas_count < LIMIT_CAS)
		s->cas[s->cas_count++] = (struct site_ca){ ca->id, rc == ERR_CONFLICT };
	return rc;
}

/* ---- what the target needs there */

struct thing_question {
	const struct site	*site;
	const char		*kind, *name, *operation;
};

static enum err_code
on_needed(void *arg, const struct aws_reply *reply, struct err *e)
{
	struct thing_question *q = arg;
	char where[AWS_SESSION_NAME_BYTES];

	aws_session_name(&q->site->session, where);
	if (reply->outcome == AWS_NOT_FOUND)
		return err_set(e, ERR_CONFLICT, "the %s %s is not in %s: make it there, or change lineca.conf", q->kind, q->name, where);
	if (reply->outcome != AWS_DONE)
		return aws_reply_fail(reply, q->operation, e);
	return ERR_OK;
}

static enum err_code
check_needed(struct site *s, enum iot_operation op, void (*make)(struct aws_request *, const char *), const char *kind,
    const char *name, struct err *e)
{
	struct thing_question q = { s, kind, name, iot_operation_name(op) };
	struct aws_request r = { 0 };

	make(&r, name);
	return aws_session_ask(&s->session, &r, on_needed, &q, e);
}

enum err_code
site_check_target(struct site *s, const struct target *t, struct err *e)
{
	enum err_code rc = ERR_OK;

	for (size_t i = 0; i < t->policies_count && rc == ERR_OK; i++)
		rc = check_needed(s, IOT_GET_POLICY, iot_get_policy, "policy", t->policies[i], e);
	if (rc == ERR_OK && t->thing_type[0] != '\0')
		rc = check_needed(s, IOT_DESCRIBE_THING_TYPE, iot_describe_thing_type, "thing type", t->thing_type, e);
	if (rc == ERR_OK && t->thing_group[0] != '\0')
		rc = check_needed(s, IOT_DESCRIBE_THING_GROUP, iot_describe_thing_group, "thing group", t->thing_group, e);
	return rc;
}
