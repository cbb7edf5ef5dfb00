/* STS: who are we?  GetCallerIdentity needs no permission and proves clock, credentials and account in one request. */
#ifndef AWS_STS_H
#define AWS_STS_H

#include "aws/client.h"

/* POST / Action=GetCallerIdentity&Version=2011-06-15, answered in XML. */
void	sts_get_caller_identity(struct aws_request *r);

struct sts_identity {
	char	account[LIMIT_ACCOUNT_BYTES + 1];
	char	arn[LIMIT_ARN_BYTES + 1];
};
/* false: no such answer. */
bool	sts_identity_read(const struct aws_reply *reply, struct sts_identity *ret);

#endif
