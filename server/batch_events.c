#include "batch_events.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "view.h"

enum { CHUNK = 1000 };	/* events read at a time */

struct look {
	const char	*batch;
	char		 certificate[LIMIT_NAME_BYTES + 24];	/* in the detail of what was done to a certificate of the batch: event_certificate of db/event.c */
	cJSON		*list;
	int64_t		 limit, looked, next;
};

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Is it the batch's, or may it be?  Of a device's rework the event does not say the batch. */
static bool
concerns(const struct look *look, const struct store_event *ev)
{
	if (begins(ev->action, "batch.") || begins(ev->action, "upload."))
		return strcmp(ev->object, look->batch) == 0 || ev->object[0] == '\0';
	if (begins(ev->action, "certificate."))
		return strstr(ev->detail, look->certificate) != NULL;
	return strcmp(ev->action, "device.rework") == 0;
}

static enum err_code
add(void *arg, const struct store_event *ev, struct err *e)
{
	struct look *look = arg;

	if (cJSON_GetArraySize(look->list) >= look->limit)
		return ERR_OK;	/* the rest of the chunk is for the next page */
	look->looked++;
	look->next = ev->id;
	if (concerns(look, ev) && !cJSON_AddItemToArray(look->list, view_event(ev)))
		return err_set(e, ERR_NOMEM, "events");
	return ERR_OK;
}

static enum err_code
note(void *arg, const struct store_certificate *c, struct err *e)
{
	(void)c;
	(void)e;
	*(bool *)arg = true;
	return ERR_OK;
}

/* Takes out the reworks of devices that have no certificate of the batch. */
static enum err_code
sort_out(const struct store_ops *ops, struct store_reader *r, int64_t batch_id, cJSON *list, struct err *e)
{
	enum err_code rc;

	for (cJSON *one = list->child, *next; one != NULL; one = next) {
		struct store_certificate_filter of = { .batch_id = batch_id, .device_id = view_text_of(one, "object"), .state = -1, .limit = 1 };
		bool has = false;

		next = one->next;
		if (strcmp(view_text_of(one, "action"), "device.rework") != 0)
			continue;
		if ((rc = ops->certificate_list(r, &of, note, &has, e)) != ERR_OK)
			return rc;
		if (!has)
			cJSON_Delete(cJSON_DetachItemViaPointer(list, one));
	}
	return ERR_OK;
}

enum err_code
batch_events_list(const struct store_ops *ops, struct store_reader *r, const char *batch, int64_t before, int64_t limit, cJSON *list, int64_t *ret_next,
    struct err *e)
{
	struct look look = { .batch = batch, .list = list, .limit = limit };
	struct store_batch b;
	enum err_code rc;
	bool full = false, end = false;

	if (list == NULL)
		return err_set(e, ERR_NOMEM, "events");
	if ((rc = ops->batch_find(r, batch, &b, e)) != ERR_OK)
		return rc;
	(void)snprintf(look.certificate, sizeof(look.certificate), ", batch %s, was ", b.name);
	look.next = before;
	while (!full && !end) {
		int64_t looked = look.looked;

		if ((rc = ops->event_list(r, look.next, CHUNK, NULL, add, &look, e)) != ERR_OK)
			return rc;
		full = cJSON_GetArraySize(list) >= limit || look.looked >= LIMIT_PAGE_LOOKS;
		end = look.looked - looked < CHUNK;
	}
	*ret_next = full ? look.next : 0;
	return sort_out(ops, r, b.id, list, e);
}
