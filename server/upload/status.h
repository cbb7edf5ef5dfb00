/* Where the upload stands, read from the ledger at any time, while a run goes too.  Any thread with its own reader. */
#ifndef UPLOAD_STATUS_H
#define UPLOAD_STATUS_H

#include <cjson/cJSON.h>

#include "home.h"

/* How the outcome of a run begins that the next one will not mend by itself. */
#define UPLOAD_NO_START	"could not start: "
#define UPLOAD_STOPPED	"stopped: "
#define UPLOAD_WAITS	"done in part, the rest waits: "

/* Did this run end so?  A deadline, a SIGTERM and a passing trouble need nobody; nor does a run that goes on or was killed: the next one takes it up. */
bool				upload_run_needs_someone(const struct store_upload_run *run);

struct upload_totals {
	int64_t	queued, registered, parked, revoked;
	int64_t	revoking, revoke_parked;	/* revocations that AWS must hear of: waiting for the upload, or for a person */
};

/* Of all batches, or of the one named (NULL: all).  ERR_BATCH_NOT_FOUND. */
ERR_MUST_CHECK enum err_code	upload_totals_read(const struct store_ops *ops, struct store_reader *r, const char *batch,
				    struct upload_totals *ret, struct err *e);

/*
 * The whole as one object: running (null or the process), queued, registered, parked, revoked, revoking, revoke_parked, last_run,
 * next_run_at, batches that have something to do, reasons of what is parked; a hundred of each at most, and how many more there are.  The caller's: cJSON_Delete.  h for the lock and ops; r for the reading thread.
 */
ERR_MUST_CHECK enum err_code	upload_status_view(const struct home *h, struct store_reader *r, cJSON **ret, struct err *e);

/*
 * How far one certificate is, a registration a target, as an array: account, region, state, arn, steps done, and the last failure.  The
 * caller's: cJSON_Delete.
 */
ERR_MUST_CHECK enum err_code	upload_registrations_view(const struct store_ops *ops, struct store_reader *r,
				    const uint8_t serial[STORE_SERIAL_BYTES], cJSON **ret, struct err *e);

#endif
