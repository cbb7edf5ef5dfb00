/*
 * GET / and its files: the page.  What it shows first is drawn here (page_line.h), in the reader's language, so that the line view is whole without script; web/app.js then takes over.
 */
#ifndef SERVER_PAGE_H
#define SERVER_PAGE_H

#include "http/http.h"

void	page_index(struct http_request *req, void *line);
void	page_asset(struct http_request *req, void *line);	/* the path is looked up among the embedded files */

#endif
