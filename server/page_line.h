/*
 * The line view as the server draws it: what stands there before web/js/line.js has drawn its own, and all there is where scripts do not run.
 * The same order, words and classes as there.  Times are those of this machine's zone, as the shifts are.
 */
#ifndef SERVER_PAGE_LINE_H
#define SERVER_PAGE_LINE_H

#include <cjson/cJSON.h>

#include "i18n.h"

/* status: the object of /v1/status. */
void	page_line_put(struct buf *b, const struct i18n *w, const cJSON *status);

#endif
