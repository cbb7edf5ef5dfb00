/* Where a new batch goes in AWS: what `batch create --aws` says, checked against lineca.conf while a person is there to correct it. */
#ifndef SERVER_BATCH_AWS_H
#define SERVER_BATCH_AWS_H

#include "config.h"
#include "db/store.h"

struct batch_aws {
	const struct target	*targets[LIMIT_TARGETS];	/* lent by the configuration */
	size_t			 count;
};

/*
 * names: NAME[,NAME...], NULL: [aws].  Fills b->aws and *ret; b->name is there already.  ERR_USAGE: a section that lineca.conf does not
 * have, one that is named twice, two of the same account and region, a batch name that AWS would refuse in what a section makes
 * of it.
 */
ERR_MUST_CHECK enum err_code	batch_aws_plan(const struct config *c, const char *names, struct store_batch *b, struct batch_aws *ret,
				    struct err *e);

/* Would all of them take this device?  ERR_SUBJECT, as target_takes. */
ERR_MUST_CHECK enum err_code	batch_aws_takes(const struct batch_aws *a, const struct store_batch *b, const char *device_id,
				    struct err *e);

#endif
