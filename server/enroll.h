/* THE use case: a CSR in, a certificate out.  Handlers of POST /v1/enroll and POST /v1/enroll/{batch}. */
#ifndef SERVER_ENROLL_H
#define SERVER_ENROLL_H

#include "http/http.h"
#include "line.h"

void	enroll_handle(struct http_request *req, void *line);

#endif
