/*
 * A conversation with the account of one target: credentials found, clock right, and the account the one that lineca.conf names.
 * Every command that speaks to AWS begins with it; nothing is written to an account before.
 */
#ifndef SERVER_AWS_SESSION_H
#define SERVER_AWS_SESSION_H

#include "aws/client.h"
#include "aws/sts.h"
#include "target.h"

enum { AWS_PATIENCE_S = 60 };	/* how long a command repeats what AWS cannot answer just now */

struct aws_session {
	const char		*account_said_by;	/* NULL: the target's section; for messages */
	int			 patience_s;	/* how long a question is repeated; 0: AWS_PATIENCE_S */
	bool			(*stopped)(void);	/* ends a question with ERR_DRAINING; NULL: nothing does */
	const struct target	*target;	/* borrowed */
	struct aws_client	*client;	/* owned */
	struct sts_identity	 identity;	/* account: of the credentials */
	unsigned		 generation;	/* of the credentials that it was asked for: aws_client_credentials */
};

/*
 * Keeps what this process holds out of core dumps and other processes' reach.  Before credentials are read.
 */
void				aws_session_protect(void);

/*
 * Opens it; borrows transport and t.  ERR_CONFIG: no account or region in lineca.conf, another account than there, credentials;
 * ERR_PERMISSION: AWS refuses them; ERR_IO: nobody answers.  s is all zeroes before, but for the first
 * three members; aws_session_close in any case.
 */
ERR_MUST_CHECK enum err_code	aws_session_open(struct aws_session *s, const struct target *t, struct transport *transport,
				    struct err *e);
void				aws_session_close(struct aws_session *s);

/*
 * Before every call that is sent by oneself (aws_client_send): the credentials hold, and if they are others than before, AWS was asked
 * whose they are.  Errors as aws_session_open.
 */
ERR_MUST_CHECK enum err_code	aws_session_check(struct aws_session *s, struct err *e);

/* aws_client_ask with the session's patience. */
ERR_MUST_CHECK enum err_code	aws_session_ask(struct aws_session *s, struct aws_request *r,
				    enum err_code (*on_reply)(void *arg, const struct aws_reply *, struct err *), void *arg,
				    struct err *e);

/* "123456789012/eu-central-1" */
enum { AWS_SESSION_NAME_BYTES = LIMIT_ACCOUNT_BYTES + 1 + LIMIT_REGION_BYTES + 1 };
void				aws_session_name(const struct aws_session *s, char out[AWS_SESSION_NAME_BYTES]);

#endif
