#include <string.h>

#include "db/memory/store_memory.h"

enum err_code
event_room(struct store *s, struct err *e)
{
	struct store_event	*more;

	if ((more = grow(s->events, s->events_n, &s->events_max, sizeof(*more))) == NULL)
		return err_set(e, ERR_NOMEM, "event");
	s->events = more;
	return ERR_OK;
}

void
event_add(struct store *s, const struct store_event *ev)
{
	s->events[s->events_n] = *ev;
	s->events[s->events_n].id = (int64_t)s->events_n + 1;
	s->events_n++;
}

enum err_code
memory_backup_record(struct store *s, const char *detail, const struct store_who *who, struct err *e)
{
	struct store_event	ev;
	enum err_code		rc;

	if ((rc = event_make(&ev, who, "ledger.backup", STORE_EVENT_LEDGER, e, "%s", detail)) != ERR_OK)
		return rc;
	(void)pthread_mutex_lock(&s->mu);
	if ((rc = event_room(s, e)) == ERR_OK)
		event_add(s, &ev);
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}

enum err_code
memory_event_list(struct store_reader *r, int64_t before, int64_t limit, const char *object,
    enum err_code (*row)(void *, const struct store_event *, struct err *), void *arg, struct err *e)
{
	struct store	*s = r->store;
	enum err_code	 rc = ERR_OK;
	size_t		 i;
	int64_t		 n = 0;

	(void)pthread_mutex_lock(&s->mu);
	for (i = s->events_n; i > 0 && rc == ERR_OK && (limit <= 0 || n < limit); i--) {
		if ((before > 0 && s->events[i - 1].id >= before) || (object != NULL && strcmp(s->events[i - 1].object, object) != 0))
			continue;
		rc = row(arg, &s->events[i - 1], e);
		n++;
	}
	(void)pthread_mutex_unlock(&s->mu);
	return rc;
}
