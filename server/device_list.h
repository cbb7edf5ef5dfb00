/* A file of device ids for a batch: one id a line, or CSV with a header. */
#ifndef SERVER_DEVICE_LIST_H
#define SERVER_DEVICE_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct device_line {
	size_t		at;		/* into text */
	uint32_t	line;		/* in the file, from 1 */
};

struct device_list {
	char			*text;	/* the ids, each with a NUL */
	size_t			 text_len, text_room;
	struct device_line	*ids;	/* sorted by strcmp, no id twice */
	size_t			 count, room;
	size_t			 next;	/* for device_list_next */
};

/*
 * Reads path ("-": standard input).  ERR_USAGE names the line and what is wrong with it: an id that no certificate could
 * have, one that stands twice, a CSV whose header has no column device_id, device, id or cn; ERR_NOT_FOUND, ERR_IO.
 * Blank lines and a byte order mark are passed over.  list is all zeroes before; device_list_done in any case.
 */
ERR_MUST_CHECK enum err_code	device_list_read(struct device_list *list, const char *path, struct err *e);
/* The same from somewhere else: one id after the other, which count as lines, then once finish.  ERR_USAGE. */
ERR_MUST_CHECK enum err_code	device_list_add(struct device_list *list, const char *id, struct err *e);
ERR_MUST_CHECK enum err_code	device_list_finish(struct device_list *list, struct err *e);
void				device_list_done(struct device_list *list);

/* The id at place i of the sorted list. */
const char			*device_list_id(const struct device_list *list, size_t i);

/* One id after the other, then NULL: the form that store_ops.batch_create takes. */
enum err_code			device_list_next(void *list, const char **ret_device, struct err *e);

#endif
