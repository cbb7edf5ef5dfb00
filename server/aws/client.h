/*
 * AWS as one account in one region: signs a request at the moment it is sent, reads the answer, and says what the caller should do.
 * What is the client's own business stays in here: a clock that is wrong is corrected by the Date that AWS sends, once
 * an answer; credentials that ended are renewed, and whoever sends learns that they are others.  One thread.
 */
#ifndef AWS_CLIENT_H
#define AWS_CLIENT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "aws/credentials.h"
#include "aws/environment.h"
#include "aws/transport.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"

enum aws_service { AWS_IOT, AWS_STS };

/* What the answer means for the caller.  Decided by the error's code first and by the status second (aws-iot facts 1.3, 3.3). */
enum aws_outcome {
	AWS_DONE,		/* 2xx, with the body that the operation promises */
	AWS_THROTTLED,		/* slower, and again: ThrottlingException (HTTP 400), its kin, 429 */
	AWS_TRANSIENT,		/* again later; it may have taken effect: 5xx, a lost connection, an answer that is not AWS's: 3xx and 4xx without a code */
	AWS_EXISTS,		/* 409 ResourceAlreadyExistsException: compare, then it is done */
	AWS_NOT_FOUND,		/* 404 */
	AWS_CA_STATE,		/* the CA is not active (406 CertificateStateException, or its words) */
	AWS_REFUSED,		/* this request, whatever the time: the rest of 3xx and 4xx, with a code */
	AWS_DENIED,		/* 401, 403: credentials or permission; nothing will go */
	AWS_UNTRUSTED		/* the server's TLS certificate does not verify; nothing will go */
};
const char	*aws_outcome_name(enum aws_outcome o);

/* All zeroes, then filled by a maker of aws/iot.h or aws/sts.h; owned by whoever made it until it is sent. */
struct aws_request {
	enum aws_service	 service;
	const char		*operation;	/* "RegisterCertificate": for messages and counters; a constant */
	const char		*method;	/* a constant */
	struct buf		 path;		/* percent-encoded */
	struct buf		 query;		/* percent-encoded, without '?' */
	struct buf		 body;
	const char		*content_type;	/* NULL: no body; a constant */
	const char		*principal_header;	/* "x-amzn-principal", or NULL */
	char			 principal[LIMIT_ARN_BYTES + 1];
	bool			 promises_json;	/* an answer without a JSON object is no answer */
	bool			 failed;	/* a maker met something that does not fit or had no memory; sending says so */
};
void	aws_request_done(struct aws_request *r);

/* The code of a call that met the end of its credentials, of which there are new ones now: AWS_TRANSIENT, to be sent again at once. */
#define AWS_CREDENTIALS_RENEWED "CredentialsRenewed"

struct aws_reply {
	enum aws_outcome	 outcome;
	int			 status;	/* HTTP; 0: none came */
	int			 retry_after_s;	/* as the answer asks; 0: it does not */
	char			 code[LIMIT_AWS_CODE_BYTES + 1];	/* "ResourceAlreadyExistsException"; ours where AWS said nothing: "ConnectionLost" */
	char			 message[LIMIT_AWS_MESSAGE_BYTES + 1];	/* one line of printable text */
	char			 request_id[LIMIT_AWS_REQUEST_ID_BYTES + 1];
	char			 resource_id[LIMIT_AWS_NAME_BYTES + 1];	/* of a 409, or "" */
	char			 resource_arn[LIMIT_ARN_BYTES + 1];	/* of a 409, or "" */
	const cJSON		*json;		/* AWS_DONE with promises_json; lent */
	const char		*body;		/* as it came, NUL-terminated; lent */
};

/* The reply is lent for the call.  May send further requests. */
typedef void	aws_done(void *arg, const struct aws_reply *reply);

struct aws_client;

struct aws_client_options {
	const char		*profile;	/* NULL: as the environment says */
	const char		*region;	/* NULL or "": as the environment says */
	bool			 imds;
	struct transport	*transport;	/* borrowed; shared by clients of several accounts */
	const struct clock	*clock;
	bool			(*stopped)(void);	/* asked while aws_client_ask waits: true ends it.  NULL: never */
};

/* ERR_CONFIG (no region, unknown partition ...), and what environment_read and credential_source_new say. */
ERR_MUST_CHECK enum err_code	aws_client_new(const struct aws_client_options *o, struct aws_client **ret, struct err *e);
void				aws_client_free(struct aws_client *c);	/* after its calls are over or its transport is freed; takes NULL */

const char			*aws_client_region(const struct aws_client *c);
const char			*aws_client_partition(const struct aws_client *c);	/* "aws", "aws-cn", "aws-us-gov" by the region */
const char			*aws_client_endpoint(const struct aws_client *c, enum aws_service s);	/* "https://iot.eu-central-1.amazonaws.com" */
const char			*aws_client_credentials_source(const struct aws_client *c);
int64_t				 aws_client_clock_offset_s(const struct aws_client *c);	/* AWS's clock minus ours, as far as it had to be corrected */

/*
 * Makes sure that the credentials hold, and renews them in time: blocks for that as credential_source_get says.  The generation is 1 for
 * those that aws_client_new found, and another number whenever they are others than before (access key or token differ): whose they are
 * must be asked anew (GetCallerIdentity).  ERR_CONFIG: they are over and were not renewed.
 */
ERR_MUST_CHECK enum err_code	aws_client_credentials(struct aws_client *c, unsigned *ret_generation, struct err *e);

/*
 * Starts the call, with the credentials that aws_client_credentials last knew: renews none, so that none are used that the caller has
 * not seen; call that one before.  (When AWS says that they are over, they are renewed, and the call ends with AWS_CREDENTIALS_RENEWED.)
 * r is emptied, also on failure.  done is called from transport_poll, once.  ERR_NOMEM; ERR_INTERNAL: the request was badly made.
 */
ERR_MUST_CHECK enum err_code	aws_client_send(struct aws_client *c, struct aws_request *r, aws_done *done, void *arg,
				    struct err *e);

/*
 * For commands: sends, waits, and repeats throttled and transient answers with full jitter for at most patience_s (AWS SDKs' standard
 * mode), and at once, whatever its patience, those that met renewed credentials.  Keeps the credentials fresh by itself.  Calls on_reply with the last reply, whatever it is; its error is returned.  r is emptied.  ERR_DRAINING:
 * options.stopped said so.
 */
ERR_MUST_CHECK enum err_code	aws_client_ask(struct aws_client *c, struct aws_request *r, int patience_s,
				    enum err_code (*on_reply)(void *arg, const struct aws_reply *, struct err *), void *arg,
				    struct err *e);

/*
 * A reply that is no AWS_DONE as an error: ERR_PERMISSION for AWS_DENIED, ERR_NOT_FOUND, ERR_CONFLICT for AWS_EXISTS and AWS_CA_STATE, ERR_IO for
 * the rest, ERR_BUSY for AWS_THROTTLED; the text names operation, code, message and request id.
 */
enum err_code			aws_reply_fail(const struct aws_reply *r, const char *operation, struct err *e);

#endif
