/* What must be there in an account before certificates go to a target: its policies, its thing type, its thing group. */
#ifndef SERVER_AWS_NEEDED_H
#define SERVER_AWS_NEEDED_H

#include "aws_session.h"

struct aws_needed {
	const char		*kind, *name;	/* "policy"; lent by the target */
	enum iot_operation	 operation;	/* that looks for it */
	void			(*make)(struct aws_request *, const char *);
};

enum { AWS_NEEDED_MAX = LIMIT_POLICIES + 2 };

/* All that a target needs; how many. */
size_t				aws_needed_of(const struct target *t, struct aws_needed out[AWS_NEEDED_MAX]);

/* Is it there?  Errors of aws_session_ask and aws_reply_fail. */
ERR_MUST_CHECK enum err_code	aws_needed_find(struct aws_session *s, const struct aws_needed *n, bool *ret_found, struct err *e);

#endif
