/* A batch to be made: what somebody wishes, checked against the home, and recorded.  The command line and POST /v1/batches share it. */
#ifndef SERVER_BATCH_ORDER_H
#define SERVER_BATCH_ORDER_H

#include "batch_aws.h"
#include "device_list.h"
#include "home.h"

struct batch_wish {
	const char	*name;
	int64_t		 quantity;	/* 1 to LIMIT_BATCH_QUANTITY */
	const char	*pattern, *profile, *ca, *aws;	/* NULL: any device id, "default", the only one, [aws] */
	bool		 listed;	/* only the devices of the order's list, which is filled before */
	bool		 approval;	/* it waits until somebody opens it */
	const char	*list_name;	/* for messages: "labels.csv, line"; NULL: "devices, entry" */
};

struct batch_order {
	struct store_batch	 batch;
	struct batch_aws	 goes_to;
	struct device_list	 list;
};

/*
 * Checks the wish and makes a row of it.  order is all zeroes before but for its list.  ERR_USAGE: what is wrong with the wish; ERR_NOT_FOUND, ERR_CONFLICT: its CA is not
 * there or inactive.
 */
ERR_MUST_CHECK enum err_code	batch_order_plan(const struct batch_wish *wish, const struct home *h, struct store_reader *reader,
				    struct batch_order *order, struct err *e);

/* Records it, as store_ops.batch_create, under the home's lock that lets one at a time.  ERR_CONFLICT also: another is being made now. */
ERR_MUST_CHECK enum err_code	batch_order_make(struct batch_order *order, const struct home *h, const struct store_ops *ops, struct store *store,
				    const struct store_who *who, struct err *e);
void				batch_order_done(struct batch_order *order);

#endif
