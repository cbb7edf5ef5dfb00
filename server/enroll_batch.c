#include "enroll_batch.h"

#include <stdio.h>
#include <string.h>

#include "access/access.h"

struct open_batches {
	unsigned	count;
	char		name[LIMIT_NAME_BYTES + 1];
	char		list[160];
};

static enum err_code
on_open_batch(void *arg, const struct store_batch *b, struct err *e)
{
	struct open_batches *open = arg;
	size_t len = strlen(open->list);

	(void)e;
	(void)snprintf(open->name, sizeof(open->name), "%s", b->name);
	if (open->count++ < LIMIT_AMBIGUOUS_NAMES)
		(void)snprintf(open->list + len, sizeof(open->list) - len, "%s%s", len > 0 ? ", " : "", b->name);
	return ERR_OK;
}

static enum err_code
on_waiting_batch(void *arg, const struct store_batch *b, struct err *e)
{
	return b->state == BATCH_WAITING ? on_open_batch(arg, b, e) : ERR_OK;
}

static enum err_code
find_open_batch(struct line *l, struct worker *w, char out[LIMIT_NAME_BYTES + 1], struct err *e)
{
	struct open_batches open = { 0 };
	enum err_code rc;

	if ((rc = l->home->ops->batch_list(w->reader, BATCHES_OPEN, on_open_batch, &open, e)) != ERR_OK)
		return rc;
	/* the only one that could become it: its clients are told to come again, and not that there is none */
	if (open.count == 0 && (rc = l->home->ops->batch_list(w->reader, BATCHES_CURRENT, on_waiting_batch, &open, e)) != ERR_OK)
		return rc;
	if (open.count == 0)
		return err_say(e, ERR_BATCH_AMBIGUOUS, "No batch is open. Ask the line lead to open one.");
	if (open.count > 1)
		return err_say(e, ERR_BATCH_AMBIGUOUS, "%u batches are open or wait (%s): name the one you mean.", open.count, open.list);
	(void)snprintf(out, LIMIT_NAME_BYTES + 1, "%s", open.name);
	return ERR_OK;
}

static enum err_code
on_newest(void *arg, const struct store_certificate *c, struct err *e)
{
	(void)e;
	(void)snprintf(arg, LIMIT_NAME_BYTES + 1, "%s", c->batch_name);
	return ERR_OK;
}

enum err_code
enroll_batch_of_device(struct line *l, struct worker *w, const char *device_id, char out[LIMIT_NAME_BYTES + 1], struct err *e)
{
	const struct store_certificate_filter filter = { .batch_id = -1, .state = -1, .limit = 1, .device_id = device_id };

	out[0] = '\0';
	return l->home->ops->certificate_list(w->reader, &filter, on_newest, out, e);
}

/* Who renews without naming a batch means that of its newest certificate, as long as it is open; else it is as with everybody. */
static enum err_code
find_batch_of_renewal(struct http_request *req, struct line *l, struct worker *w, char out[LIMIT_NAME_BYTES + 1], struct err *e)
{
	const struct trust_peer *peer = access_peer(req, l, NULL);
	const struct store_ops *ops = l->home->ops;
	char name[LIMIT_NAME_BYTES + 1] = "";
	struct store_batch b;
	enum err_code rc;

	if (peer == NULL)
		return find_open_batch(l, w, out, e);
	if ((rc = enroll_batch_of_device(l, w, peer->common_name, name, e)) != ERR_OK)
		return rc;
	if (name[0] == '\0' || ops->batch_find(w->reader, name, &b, e) != ERR_OK || b.state != BATCH_OPEN)
		return find_open_batch(l, w, out, e);
	(void)snprintf(out, LIMIT_NAME_BYTES + 1, "%s", name);
	return ERR_OK;
}

enum err_code
enroll_batch_find(struct http_request *req, struct line *l, struct worker *w, const struct enroll_ask *ask, char out[LIMIT_NAME_BYTES + 1],
    struct err *e)
{
	const struct actor *actor = access_actor(req);
	const char *name = ask->batch;

	if (actor->batch[0] != '\0' && *name != '\0' && strcmp(name, actor->batch) != 0)
		return err_say(e, ERR_FORBIDDEN, "This token is for the batch %s, not for %s. Check the batch at the station.", actor->batch, name);
	if (*name == '\0' && actor->batch[0] == '\0')
		return ask->renew ? find_batch_of_renewal(req, l, w, out, e) : find_open_batch(l, w, out, e);
	(void)snprintf(out, LIMIT_NAME_BYTES + 1, "%s", *name != '\0' ? name : actor->batch);
	return ERR_OK;
}
