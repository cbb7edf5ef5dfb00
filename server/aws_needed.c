#include "aws_needed.h"

size_t
aws_needed_of(const struct target *t, struct aws_needed out[AWS_NEEDED_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < t->policies_count; i++)
		out[n++] = (struct aws_needed){ "policy", t->policies[i], IOT_GET_POLICY, iot_get_policy };
	if (t->thing_type[0] != '\0')
		out[n++] = (struct aws_needed){ "thing type", t->thing_type, IOT_DESCRIBE_THING_TYPE, iot_describe_thing_type };
	if (t->thing_group[0] != '\0')
		out[n++] = (struct aws_needed){ "thing group", t->thing_group, IOT_DESCRIBE_THING_GROUP, iot_describe_thing_group };
	return n;
}

struct question {
	const struct aws_needed	*needed;
	bool			*found;
};

static enum err_code
on_answer(void *arg, const struct aws_reply *reply, struct err *e)
{
	struct question *q = arg;

	*q->found = reply->outcome == AWS_DONE;
	return *q->found || reply->outcome == AWS_NOT_FOUND ? ERR_OK
	    : aws_reply_fail(reply, iot_operation_name(q->needed->operation), e);
}

enum err_code
aws_needed_find(struct aws_session *s, const struct aws_needed *n, bool *ret_found, struct err *e)
{
	struct question q = { n, ret_found };
	struct aws_request r = { 0 };

	n->make(&r, n->name);
	return aws_session_ask(s, &r, on_answer, &q, e);
}
