/* Looking for one device among ten million, and taking lists away: GET routes of viewers. */
#ifndef SERVER_FINDING_H
#define SERVER_FINDING_H

#include <cjson/cJSON.h>

#include "home.h"
#include "http/http.h"

void	finding_search(struct http_request *req, void *line);	/* /v1/search */
void	finding_device(struct http_request *req, void *line);	/* /v1/devices/{id} */
void	finding_csv(struct http_request *req, void *line);	/* /v1/batches/{name}/devices.csv */
void	finding_report(struct http_request *req, void *line);	/* /v1/uploads/reports/{name} */

/* The newest reports of the home, as an array of name and bytes; NULL: no memory. */
cJSON	*finding_reports(const struct home *h);

#endif
