#include "aws/sts.h"

#include <string.h>

#include "aws/error.h"

void
sts_get_caller_identity(struct aws_request *r)
{
	r->service = AWS_STS;
	r->operation = "GetCallerIdentity";
	r->method = "POST";
	r->content_type = "application/x-www-form-urlencoded; charset=utf-8";
	buf_puts(&r->path, "/");
	buf_puts(&r->body, "Action=GetCallerIdentity&Version=2011-06-15");
}

bool
sts_identity_read(const struct aws_reply *reply, struct sts_identity *ret)
{
	struct sts_identity who = { 0 };
	char account[32];	/* longer than an account, so that a longer text is not cut to one */

	if (reply->outcome != AWS_DONE || !aws_error_xml(reply->body, "Account", account, sizeof(account)) ||
	    !aws_error_xml(reply->body, "Arn", who.arn, sizeof(who.arn)))
		return false;
	if (strlen(account) != LIMIT_ACCOUNT_BYTES || account[strspn(account, "0123456789")] != '\0' ||
	    strncmp(who.arn, "arn:", 4) != 0)
		return false;
	memcpy(who.account, account, sizeof(who.account));
	*ret = who;
	return true;
}
