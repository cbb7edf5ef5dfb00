#include <string.h>

#include "db/sqlite/store_sqlite.h"

enum err_code
event_write(struct connection *c, const struct store_event *ev, struct err *e)
{
	const enum statement	s = STATEMENT_EVENT_INSERT;

	bind_int(c, s, 1, ev->at_us);
	bind_text(c, s, 2, ev->actor);
	bind_text(c, s, 3, ev->address);
	bind_text(c, s, 4, ev->action);
	bind_text(c, s, 5, ev->object);
	bind_text(c, s, 6, ev->detail);
	bind_text(c, s, 7, ev->reason);
	return statement_run(c, s, e);
}

enum err_code
change_commit(struct store *s, const struct store_event *ev, struct err *e)
{
	enum err_code	rc;

	if ((rc = event_write(&s->writer, ev, e)) != ERR_OK || (rc = files_check(&s->files, s->path, e)) != ERR_OK)
		return rc;
	return transaction_commit(&s->writer, e);
}

enum err_code
sqlite_backup_record(struct store *s, const char *detail, const struct store_who *who, struct err *e)
{
	struct store_event	ev;
	enum err_code		rc;

	if ((rc = event_make(&ev, who, "ledger.backup", STORE_EVENT_LEDGER, e, "%s", detail)) != ERR_OK ||
	    (rc = transaction_begin(&s->writer, e)) != ERR_OK)
		return rc;
	rc = change_commit(s, &ev, e);
	transaction_rollback(&s->writer);
	return rc;
}

static enum err_code
event_from_row(struct connection *c, enum statement s, struct store_event *ret, struct err *e)
{
	memset(ret, 0, sizeof(*ret));
	ret->id = column_int(c, s, 0);
	ret->at_us = column_int(c, s, 1);
	if (!column_text_cut(c, s, 2, ret->actor, sizeof(ret->actor)) ||
	    !column_text_cut(c, s, 3, ret->address, sizeof(ret->address)) ||
	    !column_text_cut(c, s, 4, ret->action, sizeof(ret->action)) ||
	    !column_text_cut(c, s, 5, ret->object, sizeof(ret->object)) ||
	    !column_text_cut(c, s, 6, ret->detail, sizeof(ret->detail)) ||
	    !column_text_cut(c, s, 7, ret->reason, sizeof(ret->reason)))
		return row_unreadable(c, "event", ret->id, e);
	return ERR_OK;
}

enum err_code
sqlite_event_list(struct store_reader *r, int64_t before, int64_t limit, const char *object,
    enum err_code (*row)(void *, const struct store_event *, struct err *), void *arg, struct err *e)
{
	struct connection	*c = &r->connection;
	const enum statement	 s = object != NULL ? STATEMENT_EVENT_LIST_OBJECT : STATEMENT_EVENT_LIST;
	struct store_event	 ev;
	enum err_code		 rc;
	bool			 found;

	bind_int(c, s, 1, before > 0 ? before : INT64_MAX);
	bind_int(c, s, 2, limit > 0 ? limit : -1);
	if (object != NULL)
		bind_text(c, s, 3, object);
	for (;;) {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK || !found)
			return rc;
		if ((rc = event_from_row(c, s, &ev, e)) != ERR_OK || (rc = row(arg, &ev, e)) != ERR_OK)
			break;
	}
	statement_done(c, s);
	return rc;
}
