/*
 * The steps of one certificate in one target, and what each answer of AWS means for them.  No state but the
 * caller's, no waiting, no ledger: what may be repeated and what is final is decided here and nowhere else.
 *
 *	register > thing > principal > policy > group > activate
 *
 * and, alone, for a certificate that was revoked here: revoke, which is no bit of done but a time (store_registration.withdrawn_at_us).
 *
 * Every step may be repeated (P5): a call whose answer was lost is sent again, and "it exists already" is success after comparing.
 */
#ifndef UPLOAD_STEP_H
#define UPLOAD_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/iot.h"
#include "db/registration.h"
#include "target.h"

/* Bits of store_registration.done: never renumbered, they stand in ledgers. */
enum {
	STEP_REGISTER = 1,
	STEP_THING = 2,
	STEP_PRINCIPAL = 4,
	STEP_POLICY = 8,
	STEP_GROUP = 16,
	STEP_ACTIVATE = 32,
	STEP_REVOKE = 64	/* in no ledger */
};
const char	*step_name(uint32_t step);

/* The steps that a certificate needs in a target. */
uint32_t	 step_needed(const struct target *t);
/* The same without what the registration itself does: what a person is told. */
uint32_t	 step_planned(const struct target *t);
/* The first that is needed and not done; 0: all are. */
uint32_t	 step_next(const struct target *t, uint32_t done);
/* The operation of a step that is the slowest by the target's rates: its calls a second. */
int64_t		 step_slowest_rate(const struct target *t);

/* A step is one call, or a few. */
enum step_call {
	CALL_REGISTER,
	CALL_DESCRIBE_CERTIFICATE,	/* register met a certificate that is there already: is it ours? */
	CALL_REACTIVATE,		/* ... it is, and inactive */
	CALL_CREATE_THING,
	CALL_DESCRIBE_THING,		/* there is a thing of that name: is it as ours would be? */
	CALL_ATTACH_PRINCIPAL,
	CALL_ATTACH_POLICY,		/* one policy after the other */
	CALL_ADD_TO_GROUP,
	CALL_CHECK_STATUS,		/* has somebody revoked it since? */
	CALL_ACTIVATE,
	CALL_REVOKE
};

/* One certificate in one target, on its way. */
struct step_work {
	const struct target		*target;
	const struct target_values	*values;
	const char			*certificate_pem, *ca_pem;	/* ca_pem NULL: registered without a CA */
	const char			*certificate_id;		/* 64 hex digits, as the ledger has it */
	const char			*arn_prefix;			/* of certificates in the account: "arn:aws:iot:REGION:ACCOUNT:cert/" */
	struct store_registration	*registration;			/* arn, done and the last failure are written here */
	enum step_call			 call;
	size_t				 policy;		/* the next to attach */
	bool				 withdraw;		/* it is revoked: that is all that is to be done */
};

/* What the answer means for the work. */
enum step_verdict {
	STEP_DONE,		/* registration changed: record it before the next step */
	STEP_MORE,		/* another call within the step; nothing to record */
	STEP_THROTTLED,		/* the same call, slower */
	STEP_AGAIN,		/* the same call, later */
	STEP_UNSEEN,		/* the same call, later: what was just made is not visible everywhere yet; or (revoke) there is nothing */
	STEP_PARK,		/* this certificate cannot go on: a person must look */
	STEP_STOP_CA,		/* the CA takes no certificates: nothing of it can go on */
	STEP_STOP_RUN		/* nothing at all can go on */
};

/* The first step that is left to do; 0: none is. */
uint32_t		 step_left(const struct step_work *w);

/* Begins the step (one bit) of w. */
void			 step_begin(struct step_work *w, uint32_t step);
/*
 * Before a call is repeated: what makes a certificate active goes back to the look at its status, which must be fresh.  AWS has no
 * "activate unless revoked"; the moment between look and call is all that is left of the race.
 */
void			 step_repeat(struct step_work *w);
uint32_t		 step_of_call(enum step_call call);
enum iot_operation	 step_operation(const struct step_work *w);

/* The request of w->call into r, which is all zeroes.  ERR_SUBJECT: a thing name or attribute that AWS would refuse. */
ERR_MUST_CHECK enum err_code	step_request(const struct step_work *w, struct aws_request *r, struct err *e);

/* Reads the answer to w->call; for anything but STEP_DONE and STEP_MORE the registration has the failure's code, message and request id. */
enum step_verdict	 step_answer(struct step_work *w, const struct aws_reply *reply);

#endif
