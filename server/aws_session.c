#include "aws_session.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/clock.h"

void
aws_session_protect(void)
{
	const struct rlimit none = { 0 };

	/* If either fails, the other still holds; a system without both has no secrets to lose. */
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static enum err_code
on_identity(void *arg, const struct aws_reply *reply, struct err *e)
{
	struct aws_session *s = arg;

	if (reply->outcome != AWS_DONE)
		return aws_reply_fail(reply, "GetCallerIdentity", e);
	if (!sts_identity_read(reply, &s->identity))
		return err_set(e, ERR_IO, "GetCallerIdentity: AWS STS answered something else; is the endpoint %s right?",
		    aws_client_endpoint(s->client, AWS_STS));
	return ERR_OK;
}

static enum err_code
check_account(const struct aws_session *s, struct err *e)
{
	char head[TARGET_HEAD_BYTES];
	const struct target *t = s->target;

	if (t->account[0] == '\0')
		return err_set(e, ERR_CONFIG, "%s in lineca.conf names no account; the credentials (%s) belong to %s: "
		    "if that is the right one, write account = %s there", target_head(t, head), aws_client_credentials_source(s->client),
		    s->identity.account, s->identity.account);
	if (strcmp(t->account, s->identity.account) != 0)
		return err_set(e, ERR_CONFIG, "the credentials (%s) belong to account %s, but %s says %s: nothing was done; use those of the "
		    "right account (AWS_PROFILE), or correct it", aws_client_credentials_source(s->client), s->identity.account,
		    s->account_said_by != NULL ? s->account_said_by : target_head(t, head), t->account);
	return ERR_OK;
}

enum err_code
aws_session_ask(struct aws_session *s, struct aws_request *r,
    enum err_code (*on_reply)(void *arg, const struct aws_reply *, struct err *), void *arg, struct err *e)
{
	return aws_client_ask(s->client, r, s->patience_s > 0 ? s->patience_s : AWS_PATIENCE_S, on_reply, arg, e);
}

enum err_code
aws_session_check(struct aws_session *s, struct err *e)
{
	unsigned generation;
	enum err_code rc;

	/* again, should they have changed while AWS was asked */
	while ((rc = aws_client_credentials(s->client, &generation, e)) == ERR_OK && generation != s->generation) {
		struct aws_request request = { 0 };

		sts_get_caller_identity(&request);
		if ((rc = aws_session_ask(s, &request, on_identity, s, e)) != ERR_OK || (rc = check_account(s, e)) != ERR_OK)
			return rc;
		s->generation = generation;
	}
	return rc;
}

enum err_code
aws_session_open(struct aws_session *s, const struct target *t, struct transport *transport, struct err *e)
{
	const struct aws_client_options options = {
		.profile = t->profile[0] != '\0' ? t->profile : NULL, .region = t->region, .imds = t->imds != 0,
		.transport = transport, .clock = &clock_system, .stopped = s->stopped
	};
	enum err_code rc;

	s->target = t;
	if ((rc = aws_client_new(&options, &s->client, e)) != ERR_OK)
		return rc;
	return aws_session_check(s, e);
}

void
aws_session_close(struct aws_session *s)
{
	aws_client_free(s->client);
	s->client = NULL;
}

void
aws_session_name(const struct aws_session *s, char out[AWS_SESSION_NAME_BYTES])
{
	(void)snprintf(out, AWS_SESSION_NAME_BYTES, "%s/%s", s->identity.account, aws_client_region(s->client));
}
