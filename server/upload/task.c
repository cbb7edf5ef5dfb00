#include "upload/task.h"

#include <stdlib.h>

#include "base/hex.h"
#include "view.h"

void
task_push(struct task_queue *q, struct task *t)
{
	t->next = NULL;
	if (q->last == NULL)
		q->first = t;
	else
		q->last->next = t;
	q->last = t;
	q->count++;
}

struct task *
task_pop(struct task_queue *q)
{
	struct task *t = q->first;

	if (t == NULL)
		return NULL;
	q->first = t->next;
	if (q->first == NULL)
		q->last = NULL;
	q->count--;
	t->next = NULL;
	return t;
}

enum err_code
item_new(const struct store_certificate *c, size_t count, struct item **ret, struct err *e)
{
	struct item *i;

	if ((i = calloc(1, sizeof(*i) + count * sizeof(i->tasks[0]))) == NULL || (i->pem = view_pem(c->der, c->der_len)) == NULL) {
		item_free(i);
		return err_set(e, ERR_NOMEM, "upload: a certificate");
	}
	i->certificate = *c;
	i->certificate.der = NULL;
	hex_encode(c->serial, sizeof(c->serial), i->serial);
	hex_encode(c->certificate_id, sizeof(c->certificate_id), i->certificate_id);
	i->values = (struct target_values){ i->certificate.device_id, i->serial, i->certificate.batch_name };
	i->tasks_count = i->open = count;
	for (size_t n = 0; n < count; n++)
		i->tasks[n].item = i;
	*ret = i;
	return ERR_OK;
}

void
item_free(struct item *i)
{
	if (i == NULL)
		return;
	free(i->pem);
	free(i);
}

int
item_settled(const struct item *i)
{
	bool parked = false;

	for (size_t n = 0; n < i->tasks_count; n++) {
		if (i->tasks[n].end == TASK_OPEN || i->tasks[n].end == TASK_LEFT)
			return -1;
		parked = parked || i->tasks[n].end == TASK_PARKED;
	}
	return parked ? CERTIFICATE_PARKED : i->withdraw ? CERTIFICATE_REVOKED : CERTIFICATE_REGISTERED;
}
