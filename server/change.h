/* What people change over HTTP while the line runs; each is recorded with who and when.  Handlers of routes. */
#ifndef SERVER_CHANGE_H
#define SERVER_CHANGE_H

#include "http/http.h"

void	change_batch_create(struct http_request *req, void *line);	/* POST /v1/batches */
void	change_batch(struct http_request *req, void *line);		/* PATCH /v1/batches/{} */
void	change_upload_retry(struct http_request *req, void *line);	/* POST /v1/uploads/retry */

void	change_revoke(struct http_request *req, void *line);		/* POST /v1/certificates/{}/revoke */
void	change_rework(struct http_request *req, void *line);		/* POST /v1/devices/{}/rework */

#endif
