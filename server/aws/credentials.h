/*
 * AWS credentials: where they come from, in AWS's own order, and until when they hold.
 *
 *	environment > shared credentials file > credential_process > config file > container > IMDSv2 (only when switched on)
 *
 * (botocore/credentials.py; AWS SDKs and Tools Reference Guide, "Standardized credential providers".)  A profile that needs
 * SSO or the assumption of a role is refused with a way out: credential_process, which may stand in that same profile.
 *
 * Secrets: never in a log, an error text, a core dump; wiped when freed.
 */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/environment.h"
#include "base/clock.h"
#include "base/err.h"

enum { AWS_KEY_BYTES = 128, AWS_TOKEN_BYTES = 8192 };

struct aws_credentials {
	char	access_key[AWS_KEY_BYTES + 1];
	char	secret_key[AWS_KEY_BYTES + 1];
	char	session_token[AWS_TOKEN_BYTES + 1];	/* "" = none */
	int64_t	expires_at_s;				/* 0 = never */
	char	source[192];	/* for people: "environment", "profile line in /home/x/.aws/credentials"; never a secret */
};

struct credential_source;

struct credential_options {
	const struct clock	*clock;		/* borrowed */
	bool			 imds;		/* ask the EC2 metadata service when nothing else has any (on a factory host it would hang) */
	bool			(*stopped)(void);	/* asked while a provider is waited for: true ends that.  NULL: never */
	int			 pause_ms;	/* between two attempts when they are over; 0: half a minute.  Twice that while they hold */
};

/*
 * Finds out which provider applies and reads it once.  Borrows env, which must outlive it; o is copied.  What asks over HTTP
 * does it on a transport of its own: who needs credentials may stand in a callback of the shared one.
 * ERR_NOT_FOUND: nobody has any, and how to give some.  ERR_CONFIG: half a pair, a profile that does not exist, one that needs SSO or a
 * role, a credential_process that failed, credentials that are over.  ERR_PERMISSION: a file that others may read, with the chmod to do.
 * ERR_DRAINING: options.stopped said so.
 */
ERR_MUST_CHECK enum err_code	credential_source_new(const struct aws_environment *env, const struct credential_options *o,
				    struct credential_source **ret, struct err *e);
void				credential_source_free(struct credential_source *s);	/* wipes; takes NULL */

/*
 * Credentials that hold for at least the next ten minutes if the provider can renew them; renews when fewer are left.  Blocks
 * for that: a credential_process 5 s, and 30 s when fewer than two minutes are left; a container 8 s.  When renewing fails, the old ones
 * while they hold, and another attempt a minute after the end of that one.  When they are over and that fails, it fails for half a minute
 * without another attempt.  Lent until the next call.  ERR_CONFIG when they are over and cannot be renewed.  ERR_DRAINING: they are over,
 * and options.stopped ended the attempt.
 */
ERR_MUST_CHECK enum err_code	credential_source_get(struct credential_source *s, const struct aws_credentials **ret,
				    struct err *e);

/* What there is, over or not; never blocks.  Lent until the next call that may renew. */
const struct aws_credentials	*credential_source_current(const struct credential_source *s);

/* 1 for the first ones; another number whenever access key or token are others than before. */
unsigned			 credential_source_generation(const struct credential_source *s);

/*
 * AWS said that they are over, whatever they say themselves: ask the provider anew.  false: it can give no others, or was asked
 * for that reason less than options.pause_ms ago; e is then clear, for what it said was told already.  ERR_DRAINING in e: as above.
 */
bool				 credential_source_renew(struct credential_source *s, struct err *e);

#endif
