/* GET / and its files: the status page, rendered here so that it is whole without script. */
#ifndef SERVER_PAGE_H
#define SERVER_PAGE_H

#include "http/http.h"

void	page_index(struct http_request *req, void *line);
void	page_asset(struct http_request *req, void *line);	/* the path is looked up among the embedded files */

#endif
