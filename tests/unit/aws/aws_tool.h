/* server/aws on a pipe, for tests in Python: a JSON object a line in, one out.  aws_tool.c says which. */
#ifndef TESTS_UNIT_AWS_AWS_TOOL_H
#define TESTS_UNIT_AWS_AWS_TOOL_H

#include "aws/client.h"
#include "aws/transport.h"

/* The text member of an object; the fallback if it is not there. */
const char	*tool_text(const cJSON *in, const char *name, const char *fallback);
int		 tool_number(const cJSON *in, const char *name, int fallback);
bool		 tool_flag(const cJSON *in, const char *name);

/* Fills r by the maker that in's "operation" names, with the members botocore has for it.  Ends the program for an unknown one. */
void		 tool_make(const cJSON *in, struct aws_request *r);

/* What the reader of in's "operation" finds in the reply, into out: "read" true or false, and the members. */
void		 tool_read(const cJSON *in, const struct aws_reply *reply, cJSON *out);

/* "do": "http".  in's "calls" at once; their replies in the order of calls. */
void		 tool_http(struct transport *t, const cJSON *in, cJSON *out);

/* "do": "poll" */
void		 tool_poll(struct transport *t, const cJSON *in, cJSON *out);

#endif
