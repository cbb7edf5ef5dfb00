/*
 * A site: one account and region during a run.  The conversation with it, the pace of each operation there (AWS counts by
 * account and region, whatever section of lineca.conf a call came from), and which of our CAs it takes certificates of.
 */
#ifndef UPLOAD_SITE_H
#define UPLOAD_SITE_H

#include "aws_session.h"
#include "base/limits.h"
#include "db/store.h"
#include "home.h"
#include "upload/pace.h"
#include "upload/task.h"

/* A CA of ours as the site has it; asked once a run, not once a device. */
struct site_ca {
	int64_t	ca_id;
	bool	stopped;	/* takes no certificates of it; said so already */
};

struct site {
	struct aws_session	 session;
	int64_t			 target_id;	/* in the ledger */
	char			 arn_prefix[LIMIT_ARN_BYTES + 1];	/* of its certificates */
	int64_t			 connections;
	int			 in_flight;
	int64_t			 taken_us;	/* when AWS took something here last; monotonic */
	struct pace		 paces[IOT_OPERATIONS];
	struct task_queue	 ready[IOT_OPERATIONS + 1];	/* by operation, and SEND_WITHDRAWAL */
	struct site_ca		 cas[LIMIT_CAS];
	size_t			 cas_count;
};

/*
 * Opens it and takes the target's rates; asks AWS for at most patience_s.  s is all zeroes before; site_close in any case.  Errors of
 * aws_session_open and the ledger's.
 */
ERR_MUST_CHECK enum err_code	site_open(struct site *s, struct home *h, const struct target *t, struct transport *transport,
				    int patience_s, struct err *e);
void				site_close(struct site *s);

/* Another section for the same account and region: the smaller rates count. */
void				site_take_rates(struct site *s, const struct target *t);

/*
 * Asks whether the site takes certificates of that CA; ca_pem's id is the fingerprint.  ERR_CONFLICT: it is not registered there or not
 * active, and what to do; the CA is stopped then.  Other errors as aws_client_ask.
 */
ERR_MUST_CHECK enum err_code	site_check_ca(struct site *s, const struct store_ca *ca, struct err *e);
void				site_stop_ca(struct site *s, int64_t ca_id);
bool				site_takes_ca(const struct site *s, int64_t ca_id);

/* Are the policies, the thing type and the thing group of the target there?  ERR_CONFLICT: which is not. */
ERR_MUST_CHECK enum err_code	site_check_target(struct site *s, const struct target *t, struct err *e);

#endif
