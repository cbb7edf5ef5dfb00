#include "upload/site.h"

#include <stdio.h>

#include "args.h"
#include "aws_ca.h"
#include "aws_needed.h"
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

/* What is wrong with the CA there, and what to do; ERR_OK: nothing. */
static enum err_code
judge_ca(const struct site *s, const struct store_ca *ca, const struct iot_ca *there, bool found, struct err *e)
{
	const char *section = s->session.target->name, *option = *section != '\0' ? " --target " : "";
	char where[AWS_SESSION_NAME_BYTES], word[ARGS_WORD_BYTES];

	aws_session_name(&s->session, where);
	args_shell_word(ca->name, word);
	if (!found)
		return err_set(e, ERR_CONFLICT, "the CA %s is not registered in %s, so its certificates wait: `lineca aws register-ca --ca %s%s%s`",
		    ca->name, where, word, option, section);
	if (!there->active)
		return err_set(e, ERR_CONFLICT, "the CA %s is inactive in %s, so its certificates wait: `lineca aws activate-ca %s%s%s`",
		    ca->name, where, word, option, section);
	return ERR_OK;
}

enum err_code
site_check_ca(struct site *s, const struct store_ca *ca, struct err *e)
{
	char id[AWS_CA_ID_BYTES];
	struct iot_ca there;
	bool found;
	enum err_code rc;

	if (find_ca(s, ca->id) != NULL)
		return ERR_OK;		/* asked, and said if it is stopped */
	if ((rc = aws_ca_id(ca->der, ca->der_len, id, e)) != ERR_OK ||
	    (rc = aws_ca_describe(&s->session, id, &there, &found, e)) != ERR_OK)
		return rc;
	rc = judge_ca(s, ca, &there, found, e);
	if (s->cas_count < LIMIT_CAS)
		s->cas[s->cas_count++] = (struct site_ca){ ca->id, rc == ERR_CONFLICT };
	return rc;
}

/* ---- what the target needs there */

enum err_code
site_check_target(struct site *s, const struct target *t, struct err *e)
{
	struct aws_needed needed[AWS_NEEDED_MAX];
	size_t count = aws_needed_of(t, needed);
	char where[AWS_SESSION_NAME_BYTES];
	enum err_code rc;
	bool found;

	for (size_t i = 0; i < count; i++) {
		if ((rc = aws_needed_find(&s->session, &needed[i], &found, e)) != ERR_OK)
			return rc;
		if (found)
			continue;
		aws_session_name(&s->session, where);
		return err_set(e, ERR_CONFLICT, "the %s %s is not in %s: make it there, or change lineca.conf", needed[i].kind, needed[i].name,
		    where);
	}
	return ERR_OK;
}
