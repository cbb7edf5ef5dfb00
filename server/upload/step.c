#include "upload/step.h"

#include <stdio.h>
#include <string.h>

static const struct {
	uint32_t	step;
	const char	*name;
	enum step_call	call;		/* its first */
} steps[] = {
	/* in the order they are taken */
	{ STEP_REGISTER, "register", CALL_REGISTER },
	{ STEP_THING, "thing", CALL_CREATE_THING },
	{ STEP_PRINCIPAL, "principal", CALL_ATTACH_PRINCIPAL },
	{ STEP_POLICY, "policy", CALL_ATTACH_POLICY },
	{ STEP_GROUP, "group", CALL_ADD_TO_GROUP },
	{ STEP_ACTIVATE, "activate", CALL_CHECK_STATUS },
	{ STEP_REVOKE, STORE_STEP_REVOKE, CALL_REVOKE },
};

enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

const char *
step_name(uint32_t step)
{
	for (size_t i = 0; i < STEPS; i++)
		if (steps[i].step == step)
			return steps[i].name;
	return "";
}

uint32_t
step_needed(const struct target *t)
{
	uint32_t needed = STEP_REGISTER;

	if (t->things != 0)
		needed |= STEP_THING | STEP_PRINCIPAL;
	if (t->policies_count > 0)
		needed |= STEP_POLICY;
	if (t->thing_group[0] != '\0')
		needed |= STEP_GROUP;
	/* done with the registration where that makes it ACTIVE; whatever lineca.conf said then, now it must be */
	if (t->status != TARGET_INACTIVE)
		needed |= STEP_ACTIVATE;
	return needed;
}

/* Active from the first moment?  Not while something is still to be attached. */
static bool
registers_active(const struct target *t)
{
	uint32_t to_attach = step_needed(t) & ~(uint32_t)(STEP_REGISTER | STEP_ACTIVATE);

	return t->status == TARGET_ACTIVE || (t->status == TARGET_ACTIVE_AT_END && to_attach == 0);
}

uint32_t
step_planned(const struct target *t)
{
	return registers_active(t) ? step_needed(t) & ~(uint32_t)STEP_ACTIVATE : step_needed(t);
}

uint32_t
step_next(const struct target *t, uint32_t done)
{
	uint32_t missing = step_needed(t) & ~done;

	for (size_t i = 0; i < STEPS; i++)
		if ((missing & steps[i].step) != 0)
			return steps[i].step;
	return 0;
}

uint32_t
step_left(const struct step_work *w)
{
	if (w->withdraw)
		return w->registration->withdrawn_at_us == 0 ? STEP_REVOKE : 0;
	return step_next(w->target, w->registration->done);
}

static int64_t
lower(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
step_slowest_rate(const struct target *t)
{
	uint32_t needed = step_planned(t);
	int64_t rate = t->rate_register_certificate;

	if ((needed & STEP_THING) != 0)
		rate = lower(rate, lower(t->rate_create_thing, t->rate_attach_thing_principal));
	if ((needed & STEP_POLICY) != 0)
		rate = lower(rate, t->rate_attach_policy / (int64_t)t->policies_count);
	if ((needed & STEP_GROUP) != 0)
		rate = lower(rate, t->rate_add_thing_to_thing_group);
	if ((needed & STEP_ACTIVATE) != 0)
		rate = lower(rate, t->rate_update_certificate);
	return rate > 0 ? rate : 1;
}

uint32_t
step_of_call(enum step_call call)
{
	switch (call) {
	case CALL_REGISTER:
	case CALL_DESCRIBE_CERTIFICATE:
	case CALL_REACTIVATE:
		return STEP_REGISTER;
	case CALL_CREATE_THING:
	case CALL_DESCRIBE_THING:
		return STEP_THING;
	case CALL_ATTACH_PRINCIPAL:
		return STEP_PRINCIPAL;
	case CALL_ATTACH_POLICY:
		return STEP_POLICY;
	case CALL_ADD_TO_GROUP:
		return STEP_GROUP;
	case CALL_REVOKE:
		return STEP_REVOKE;
	case CALL_CHECK_STATUS:
	case CALL_ACTIVATE:
		break;
	}
	return STEP_ACTIVATE;
}

void
step_begin(struct step_work *w, uint32_t step)
{
	w->policy = 0;
	for (size_t i = 0; i < STEPS; i++)
		if (steps[i].step == step)
			w->call = steps[i].call;
}

void
step_repeat(struct step_work *w)
{
	if (w->call == CALL_ACTIVATE)
		w->call = CALL_CHECK_STATUS;
	else if (w->call == CALL_REACTIVATE)
		w->call = CALL_DESCRIBE_CERTIFICATE;
}

enum iot_operation
step_operation(const struct step_work *w)
{
	switch (w->call) {
	case CALL_REGISTER:
		return w->ca_pem != NULL ? IOT_REGISTER_CERTIFICATE : IOT_REGISTER_CERTIFICATE_WITHOUT_CA;
	case CALL_DESCRIBE_CERTIFICATE:
	case CALL_CHECK_STATUS:
		return IOT_DESCRIBE_CERTIFICATE;
	case CALL_CREATE_THING:
		return IOT_CREATE_THING;
	case CALL_DESCRIBE_THING:
		return IOT_DESCRIBE_THING;
	case CALL_ATTACH_PRINCIPAL:
		return IOT_ATTACH_THING_PRINCIPAL;
	case CALL_ATTACH_POLICY:
		return IOT_ATTACH_POLICY;
	case CALL_ADD_TO_GROUP:
		return IOT_ADD_THING_TO_THING_GROUP;
	case CALL_REACTIVATE:
	case CALL_ACTIVATE:
	case CALL_REVOKE:
		break;
	}
	return IOT_UPDATE_CERTIFICATE;
}

/* ---- requests */

static enum err_code
create_thing(const struct step_work *w, const char *thing, struct aws_request *r, struct err *e)
{
	struct iot_attribute attributes[TARGET_ATTRIBUTES];
	size_t count;
	enum err_code rc;

	if ((rc = target_thing_attributes(w->target, w->values, attributes, &count, e)) == ERR_OK)
		iot_create_thing(r, thing, w->target->thing_type, attributes, count);
	return rc;
}

/* Those that name the thing. */
static enum err_code
thing_request(const struct step_work *w, struct aws_request *r, struct err *e)
{
	char thing[LIMIT_AWS_NAME_BYTES + 1];
	enum err_code rc;

	if ((rc = target_thing_name(w->target, w->values, thing, e)) != ERR_OK)
		return rc;
	if (w->call == CALL_CREATE_THING)
		return create_thing(w, thing, r, e);
	if (w->call == CALL_DESCRIBE_THING)
		iot_describe_thing(r, thing);
	else if (w->call == CALL_ATTACH_PRINCIPAL)
		iot_attach_thing_principal(r, thing, w->registration->arn);
	else
		iot_add_thing_to_thing_group(r, w->target->thing_group, thing);
	return ERR_OK;
}

/* The id in our own ARN: .../cert/ID */
static const char *
registered_id(const struct step_work *w)
{
	const char *slash = strrchr(w->registration->arn, '/');

	return slash != NULL && strlen(slash + 1) == 64 ? slash + 1 : w->certificate_id;
}

enum err_code
step_request(const struct step_work *w, struct aws_request *r, struct err *e)
{
	switch (w->call) {
	case CALL_REGISTER:
		if (w->ca_pem != NULL)
			iot_register_certificate(r, w->certificate_pem, w->ca_pem, registers_active(w->target));
		else
			iot_register_certificate_without_ca(r, w->certificate_pem, registers_active(w->target));
		break;
	case CALL_DESCRIBE_CERTIFICATE:
	case CALL_CHECK_STATUS:
		iot_describe_certificate(r, registered_id(w));
		break;
	case CALL_REACTIVATE:
	case CALL_ACTIVATE:
		iot_update_certificate(r, registered_id(w), true);
		break;
	case CALL_REVOKE:
		/* what AWS calls by another id may be somebody else's */
		if (strcmp(registered_id(w), w->certificate_id) != 0)
			return err_set(e, ERR_CONFLICT, "AWS has it as %.64s, which is not its id: look there which certificate that is,"
			    " and revoke it by hand if it is this one", registered_id(w));
		iot_revoke_certificate(r, w->certificate_id);
		break;
	case CALL_ATTACH_POLICY:
		iot_attach_policy(r, w->target->policies[w->policy], w->registration->arn);
		break;
	case CALL_CREATE_THING:
	case CALL_DESCRIBE_THING:
	case CALL_ATTACH_PRINCIPAL:
	case CALL_ADD_TO_GROUP:
		return thing_request(w, r, e);
	}
	return ERR_OK;
}

/* ---- answers */

static void
note_failure(struct step_work *w, const char *code, const char *message)
{
	struct store_registration *r = w->registration;

	(void)snprintf(r->step, sizeof(r->step), "%s", step_name(step_of_call(w->call)));
	(void)snprintf(r->code, sizeof(r->code), "%s", code);
	(void)snprintf(r->message, sizeof(r->message), "%s", message);
	r->attempts++;
}

static enum step_verdict
park(struct step_work *w, const char *code, const char *message)
{
	note_failure(w, code, message);
	return STEP_PARK;
}

static enum step_verdict
step_done(struct step_work *w)
{
	struct store_registration *r = w->registration;

	if (w->call != CALL_REVOKE)
		r->done |= step_of_call(w->call);
	r->step[0] = r->code[0] = r->message[0] = '\0';
	return STEP_DONE;
}

/* Registered, and AWS has it ACTIVE: nothing is left to be switched on. */
static enum step_verdict
registered_active(struct step_work *w)
{
	w->registration->done |= STEP_ACTIVATE;
	return step_done(w);
}

/* arn:PARTITION:iot:REGION:ACCOUNT:cert/ and 64 hex digits, of the account that we speak to. */
static bool
arn_is_ours(const struct step_work *w, const char *arn)
{
	size_t len = strlen(w->arn_prefix);

	return strncmp(arn, w->arn_prefix, len) == 0 && strlen(arn + len) == 64 && strspn(arn + len, "0123456789abcdef") == 64;
}

/* What we wrote came to somebody else: nothing more may be written. */
static enum step_verdict
another_account(struct step_work *w, const char *arn)
{
	char text[LIMIT_AWS_MESSAGE_BYTES + 1];

	(void)snprintf(text, sizeof(text), "AWS answered with %.180s, which is not of %s: the credentials are another account's", arn, w->arn_prefix);
	note_failure(w, "AnotherAccount", text);
	return STEP_STOP_RUN;
}

/* An answer that says "done" and does not say what the operation promises: the call is repeated, which is safe. */
static enum step_verdict
no_answer(struct step_work *w)
{
	note_failure(w, "UnexpectedAnswer", "AWS answered something that is not the answer to this call");
	return STEP_AGAIN;
}

static enum step_verdict
id_differs(struct step_work *w, const char *id)
{
	char text[LIMIT_AWS_MESSAGE_BYTES + 1];

	(void)snprintf(text, sizeof(text), "AWS calls this certificate %s, the ledger %s: tell the engineer, nothing was attached to it",
	    id, w->certificate_id);
	return park(w, "CertificateIdDiffers", text);
}

static enum step_verdict
registered(struct step_work *w, const struct aws_reply *reply)
{
	char id[65], arn[LIMIT_ARN_BYTES + 1];

	if (!iot_registered_read(reply, id, arn))
		return no_answer(w);
	if (!arn_is_ours(w, arn))
		return another_account(w, arn);
	(void)snprintf(w->registration->arn, sizeof(w->registration->arn), "%s", arn);
	if (strcmp(id, w->certificate_id) != 0)
		return id_differs(w, id);
	return registers_active(w->target) ? registered_active(w) : step_done(w);
}

/* Two PEM texts of one certificate may differ in white space only. */
static bool
same_pem(const char *a, const char *b)
{
	for (;;) {
		a += strspn(a, " \t\r\n");
		b += strspn(b, " \t\r\n");
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
		a++;
		b++;
	}
}

static enum step_verdict
status_forbids(struct step_work *w, const struct iot_certificate *c)
{
	char text[LIMIT_AWS_MESSAGE_BYTES + 1];

	if (c->status == IOT_REVOKED)
		return park(w, "Revoked", "AWS has this certificate as REVOKED, which the upload never undoes: "
		    "nothing is to be done, this device stays out");
	(void)snprintf(text, sizeof(text), "AWS has this certificate as %s; only a person can judge that: look at it in the console",
	    c->status_text);
	return park(w, "UnexpectedStatus", text);
}

/* The certificate was there before this call: our own, when an answer was lost or JITR came first.  Compare. */
static enum step_verdict
compared(struct step_work *w, const struct aws_reply *reply)
{
	struct iot_certificate c;

	if (!iot_certificate_read(reply, &c))
		return no_answer(w);
	if (!same_pem(c.pem, w->certificate_pem)) {
		w->registration->arn[0] = '\0';
		return park(w, "AnotherCertificate", "AWS has another certificate under this id; nothing was changed there");
	}
	if (!arn_is_ours(w, c.arn))
		return another_account(w, c.arn);
	(void)snprintf(w->registration->arn, sizeof(w->registration->arn), "%s", c.arn);
	if (strcmp(c.id, w->certificate_id) != 0)
		return id_differs(w, c.id);
	switch (c.status) {
	case IOT_ACTIVE:
		return registered_active(w);
	case IOT_INACTIVE:
	case IOT_PENDING_ACTIVATION:
		if (registers_active(w->target)) {
			w->call = CALL_REACTIVATE;
			return STEP_MORE;
		}
		break;
	case IOT_REVOKED:
	case IOT_OTHER_STATUS:
		return status_forbids(w, &c);
	}
	return step_done(w);
}

/* Before it is made active: it was registered inactive, and time has passed since. */
static enum step_verdict
status_checked(struct step_work *w, const struct aws_reply *reply)
{
	struct iot_certificate c;

	if (!iot_certificate_read(reply, &c))
		return no_answer(w);
	if (c.status == IOT_REVOKED || c.status == IOT_OTHER_STATUS)
		return status_forbids(w, &c);
	if (c.status == IOT_ACTIVE)
		return step_done(w);
	w->call = CALL_ACTIVATE;
	return STEP_MORE;
}

static enum step_verdict
thing_compared(struct step_work *w, const struct aws_reply *reply)
{
	struct iot_attribute attributes[TARGET_ATTRIBUTES];
	struct err e;
	size_t count;

	if (!iot_thing_read(reply))
		return no_answer(w);
	if (target_thing_attributes(w->target, w->values, attributes, &count, &e) != ERR_OK)
		return park(w, "ThingName", e.client_text);
	if (w->target->thing_exists == TARGET_KEEP || iot_thing_matches(reply, w->target->thing_type, attributes, count))
		return step_done(w);
	return park(w, "ThingDiffers", "a thing of this name exists with another type or other attributes: change it (aws iot update-thing) or "
	    "delete it, or set thing_exists = keep; then lineca upload retry");
}

static enum step_verdict
done(struct step_work *w, const struct aws_reply *reply)
{
	switch (w->call) {
	case CALL_REGISTER:
		return registered(w, reply);
	case CALL_DESCRIBE_CERTIFICATE:
		return compared(w, reply);
	case CALL_DESCRIBE_THING:
		return thing_compared(w, reply);
	case CALL_CHECK_STATUS:
		return status_checked(w, reply);
	case CALL_ATTACH_POLICY:
		if (++w->policy < w->target->policies_count)
			return STEP_MORE;
		break;
	case CALL_REACTIVATE:
		return registered_active(w);
	case CALL_CREATE_THING:
	case CALL_ATTACH_PRINCIPAL:
	case CALL_ADD_TO_GROUP:
	case CALL_ACTIVATE:
	case CALL_REVOKE:
		break;
	}
	return step_done(w);
}

/* "Exists already". */
static enum step_verdict
exists(struct step_work *w, const struct aws_reply *reply)
{
	if (w->call == CALL_CREATE_THING) {
		w->call = CALL_DESCRIBE_THING;
		return STEP_MORE;
	}
	if (w->call == CALL_REGISTER) {
		/* where AWS names it, by that name; else by ours, which compared() then checks */
		if (arn_is_ours(w, reply->resource_arn))
			(void)snprintf(w->registration->arn, sizeof(w->registration->arn), "%s", reply->resource_arn);
		w->call = CALL_DESCRIBE_CERTIFICATE;
		return STEP_MORE;
	}
	return park(w, reply->code, reply->message);
}

/* Nothing of that name: either too early to be seen, or it was never there. */
static enum step_verdict
not_found(struct step_work *w, const struct aws_reply *reply)
{
	note_failure(w, reply->code, reply->message);
	return w->call == CALL_REGISTER || w->call == CALL_CREATE_THING ? STEP_PARK : STEP_UNSEEN;
}

/* Of the call, not of the credentials: those would fail for every call. */
static bool
is_missing_permission(const char *code)
{
	static const char *const codes[] = { "AccessDenied", "AccessDeniedException", "ForbiddenException", "UnauthorizedException" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(codes[i], code) == 0)
			return true;
	}
	return false;
}

enum step_verdict
step_answer(struct step_work *w, const struct aws_reply *reply)
{
	if (reply->request_id[0] != '\0')
		(void)snprintf(w->registration->request_id, sizeof(w->registration->request_id), "%s", reply->request_id);
	switch (reply->outcome) {
	case AWS_DONE:
		return done(w, reply);
	case AWS_EXISTS:
		return exists(w, reply);
	case AWS_NOT_FOUND:
		return not_found(w, reply);
	case AWS_THROTTLED:
		note_failure(w, reply->code, reply->message);
		return STEP_THROTTLED;
	case AWS_TRANSIENT:
		note_failure(w, reply->code, reply->message);
		return STEP_AGAIN;
	case AWS_CA_STATE:
		note_failure(w, reply->code, reply->message);
		/* without a CA it can only be the certificate itself */
		return w->call == CALL_REGISTER && w->ca_pem != NULL ? STEP_STOP_CA : STEP_PARK;
	case AWS_REFUSED:
		return park(w, reply->code, reply->message);
	case AWS_DENIED:
		/* a policy that lets us register and not revoke must not keep everything else from AWS, night after night */
		if (w->call == CALL_REVOKE && is_missing_permission(reply->code))
			return park(w, reply->code, reply->message);
		break;
	case AWS_UNTRUSTED:
		break;
	}
	note_failure(w, reply->code, reply->message);
	return STEP_STOP_RUN;
}
