/* The providers of credentials, as aws/credentials.h puts them in a row.  None puts a secret into an error text. */
#ifndef AWS_CREDENTIAL_INTERNAL_H
#define AWS_CREDENTIAL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/credentials.h"
#include "base/err.h"

/*
 * Fills all but the source.  token and expiration (RFC 3339) may be NULL.  ERR_CONFIG: something is missing, too long, no date,
 * or has characters that no header may have.
 */
ERR_MUST_CHECK enum err_code	credentials_fill(struct aws_credentials *c, const char *access_key, const char *secret_key,
				    const char *token, const char *expiration, struct err *e);

/*
 * From JSON: AccessKeyId, SecretAccessKey, Expiration, and the token under token_name.  With success: Code must be "Success" if
 * there is one; with version: Version must be 1.  ERR_CONFIG: not that.
 */
struct credential_json {
	const char	*token_name;
	bool		 version;
	bool		 success;
};
ERR_MUST_CHECK enum err_code	credentials_from_json(struct aws_credentials *c, const struct credential_json *shape,
				    const char *text, size_t len, struct err *e);

/* How long a provider may take.  stopped is asked several times a second, and true ends the wait: ERR_DRAINING.  NULL: never. */
struct credential_wait {
	int	  limit_ms;	/* of a credential_process; the services have limits of their own */
	bool	(*stopped)(void);
};

/* Puts what it is about before the text of an error and gives it that code, which is returned.  e may be NULL. */
enum err_code			credential_about(const char *source, enum err_code rc, struct err *e);

/* Has the wait been ended?  Then e says so. */
bool				credential_stopped(const struct credential_wait *w, struct err *e);

/*
 * Runs a command without a shell (words as in aws/words.h), for at most w->limit_ms, and reads credentials from its output;
 * what it has to say on stderr goes where ours goes.  Then its process group is killed: what it leaves running, too.  ERR_CONFIG for all that is its
 * fault; ERR_IO, ERR_NOMEM, ERR_DRAINING.
 */
enum { CREDENTIAL_PROCESS_LIMIT_MS = 30 * 1000, CREDENTIAL_PROCESS_BYTES = 64 * 1024 };
ERR_MUST_CHECK enum err_code	credential_process_run(const char *command, const struct credential_wait *w,
				    struct aws_credentials *ret, struct err *e);

/*
 * ECS, EKS and their like: what AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or ..._FULL_URI names.  ERR_NOT_FOUND: neither is set.
 * ERR_CONFIG: it may not be asked, or answers something else.  ERR_DRAINING.  Blocks for at most 8 s.
 */
ERR_MUST_CHECK enum err_code	credential_container_get(const struct credential_wait *w, struct aws_credentials *ret,
				    struct err *e);

/*
 * The role of an EC2 machine by IMDSv2.  ERR_NOT_FOUND: no such service here, no role, or AWS_EC2_METADATA_DISABLED.
 * ERR_CONFIG: it answers something else.  ERR_DRAINING.  Blocks for at most three time-outs, of a second each if AWS_METADATA_SERVICE_TIMEOUT says nothing.
 */
ERR_MUST_CHECK enum err_code	credential_imds_get(const struct credential_wait *w, struct aws_credentials *ret,
				    struct err *e);

#endif
