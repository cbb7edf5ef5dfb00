/* lineca's own door: POST /v1/enroll and /v1/enroll/BATCH (interface: Enrol). */
#ifndef DOORS_NATIVE_H
#define DOORS_NATIVE_H

#include "http/http.h"

void	native_enroll(struct http_request *req, void *line);

#endif
