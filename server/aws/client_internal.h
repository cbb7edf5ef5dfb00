/* What aws/ask.c needs of aws/client.c beside the public functions. */
#ifndef AWS_CLIENT_INTERNAL_H
#define AWS_CLIENT_INTERNAL_H

#include "aws/client.h"

struct transport	*aws_client_transport(const struct aws_client *c);

/* Has the user of the client had enough? */
bool			 aws_client_stopped(const struct aws_client *c);

/* The calls with this arg end without telling anybody. */
void			 aws_client_forget(struct aws_client *c, const void *arg);

#endif
