/*
 * How far a certificate has come with AWS IoT: what the upload records, so that it can be stopped and repeated anywhere (P5).
 *
 * A certificate is queued (CERTIFICATE_ISSUED) until all its targets are settled; then it is registered, or parked with a reason.
 * The ledger knows no operation of AWS: which bit of `done` means what is the upload's business (server/upload/step.h).
 *
 * A certificate that is revoked is withdrawn: AWS is told in every target.  That waits (batch.revoking) until all of them have said that
 * they have it as revoked, or do not have it; or it is parked (batch.revoke_parked).
 */
#ifndef DB_REGISTRATION_H
#define DB_REGISTRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

/* The step that tells AWS that a certificate is revoked. */
#define STORE_STEP_REVOKE		"revoke"

/* Why a withdrawal is parked, where AWS has the certificate and no section of lineca.conf leads there. */
#define STORE_CODE_NO_SECTION		"NoSection"
#define STORE_MESSAGE_NO_SECTION	"AWS has it, and no section of lineca.conf for its batch leads to this account and region: write one, " \
					"or revoke it there yourself"

/* An AWS account and region that certificates are registered in. */
struct store_target {
	int64_t	id;
	char	account[LIMIT_ACCOUNT_BYTES + 1];
	char	region[LIMIT_REGION_BYTES + 1];
};

enum registration_state { REGISTRATION_GOING, REGISTRATION_DONE, REGISTRATION_PARKED };
const char	*registration_state_name(enum registration_state s);	/* "going", "done", "parked" */

/* One certificate in one target. */
struct store_registration {
	int64_t			cert_id;	/* upper half of the serial: store_serial_key */
	int64_t			target_id;
	enum registration_state	state;
	uint32_t		done;		/* the steps that AWS has confirmed, as bits */
	int64_t			attempts;	/* calls that failed, ever */
	char			arn[LIMIT_ARN_BYTES + 1];		/* as AWS answered; "" = not registered yet */
	/* the last answer that was a failure, or "" */
	char			step[LIMIT_STEP_BYTES + 1];		/* "register", "thing", ... */
	char			code[LIMIT_AWS_CODE_BYTES + 1];		/* "CertificateValidationException" */
	char			message[LIMIT_AWS_MESSAGE_BYTES + 1];	/* cut where it is longer */
	char			request_id[LIMIT_AWS_REQUEST_ID_BYTES + 1];	/* of the last answer */
	int64_t			updated_at_us;
	int64_t			withdrawn_at_us;	/* AWS has it as revoked, or does not have it, since then; 0: not that we know */
};

/* What a step has changed, for store_ops.registration_record. */
struct store_registration_row {
	const struct store_registration	*registration;	/* borrowed for the call */
	int64_t				 batch_id;	/* of the certificate */
	/* What the certificate as a whole is from now on: -1 still queued, or CERTIFICATE_REGISTERED, CERTIFICATE_PARKED. */
	int				 settled;
	/* Of a revoked certificate: settled is what its withdrawal is, -1 waits still, or CERTIFICATE_REVOKED (everywhere), CERTIFICATE_PARKED. */
	bool				 withdrawal;
};

/* One run of the upload.  The newest is what `upload status` shows. */
struct store_upload_run {
	int64_t	id;			/* 0: none yet */
	int64_t	started_at_us, updated_at_us;
	int64_t	ended_at_us;		/* 0: goes on, or was killed */
	int64_t	pid;
	int64_t	queued;			/* certificates it found */
	int64_t	registered, parked;	/* certificates it settled */
	int64_t	revoked;		/* certificates it told AWS to revoke, everywhere */
	int64_t	calls, throttled;	/* to AWS */
	char	outcome[LIMIT_AWS_MESSAGE_BYTES + 1];	/* how it ended, in words; "" until then */
};

/* Why rows are parked, grouped: one a batch, step, code and target. */
struct store_parked_reason {
	char	batch[LIMIT_NAME_BYTES + 1];
	char	step[LIMIT_STEP_BYTES + 1], code[LIMIT_AWS_CODE_BYTES + 1];
	char	message[LIMIT_AWS_MESSAGE_BYTES + 1];	/* of one of them */
	char	account[LIMIT_ACCOUNT_BYTES + 1], region[LIMIT_REGION_BYTES + 1];
	int64_t	count;
};

#endif
