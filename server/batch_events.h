/* Who did what to a batch: to itself, to the certificates of its devices and to the devices. */
#ifndef SERVER_BATCH_EVENTS_H
#define SERVER_BATCH_EVENTS_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/err.h"
#include "db/store.h"

/*
 * Adds at most limit events (view_event) to the list, newest first, from below the id before (0: from the newest).  At most LIMIT_PAGE_LOOKS of the ledger's events
 * are looked at: *ret_next is where the next page goes on, 0 at the end.  ERR_BATCH_NOT_FOUND, ERR_NOMEM, those of reading.
 */
ERR_MUST_CHECK enum err_code	batch_events_list(const struct store_ops *ops, struct store_reader *r, const char *batch, int64_t before, int64_t limit,
				    cJSON *list, int64_t *ret_next, struct err *e);

#endif
