/* In which batch a request enrolls. */
#ifndef SERVER_ENROLL_BATCH_H
#define SERVER_ENROLL_BATCH_H

#include "enroll.h"
#include "worker.h"

/*
 * The batch that was named, else the one the token is for, else for a renewal that of the device's newest certificate while it is open, else the one
 * that is open.  ERR_FORBIDDEN: the token is for another; ERR_BATCH_AMBIGUOUS: none or several are open.
 */
ERR_MUST_CHECK enum err_code	enroll_batch_find(struct http_request *req, struct line *l, struct worker *w, const struct enroll_ask *ask,
				    char out[LIMIT_NAME_BYTES + 1], struct err *e);

/* The batch of the device's newest certificate; "" if it has none. */
ERR_MUST_CHECK enum err_code	enroll_batch_of_device(struct line *l, struct worker *w, const char *device_id,
				    char out[LIMIT_NAME_BYTES + 1], struct err *e);

#endif
