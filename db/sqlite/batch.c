#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db/sqlite/store_sqlite.h"

/* schema: batch.state.  One that waits is closed, and batch.waits. */
enum { STATE_OPEN = 0, STATE_CLOSED = 1, STATE_LOADING = 2 };

static enum batch_state
batch_state_of(int64_t state, int64_t waits)
{
	return state == STATE_OPEN ? BATCH_OPEN : waits != 0 ? BATCH_WAITING : BATCH_CLOSED;
}

/* The line gets the write lock between two chunks: its busy handler looks every half millisecond (connection.c). */
void
chunk_pause(void)
{
	const struct timespec	pause = { .tv_nsec = 3 * 1000 * 1000L };

	(void)nanosleep(&pause, NULL);
}

/* Takes one batch that was never loaded to its end away, a chunk a transaction. */
static enum err_code
sweep_one(struct connection *c, int64_t id, struct err *e)
{
	enum err_code	rc;
	bool		more = true;

	while (more) {
		if ((rc = transaction_begin(c, e)) != ERR_OK)
			return rc;
		bind_int(c, STATEMENT_BATCH_DEVICE_SWEEP, 1, id);
		bind_int(c, STATEMENT_BATCH_DEVICE_SWEEP, 2, LIMIT_LIST_CHUNK_ROWS - 1);
		if ((rc = statement_run(c, STATEMENT_BATCH_DEVICE_SWEEP, e)) != ERR_OK)
			goto out;
		more = sqlite3_changes(c->db) > 0;
		if (!more) {
			bind_int(c, STATEMENT_BATCH_SWEEP, 1, id);
			if ((rc = statement_run(c, STATEMENT_BATCH_SWEEP, e)) != ERR_OK)
				goto out;
		}
		if ((rc = transaction_commit(c, e)) != ERR_OK)
			goto out;
		if (more)
			chunk_pause();
	}
	return ERR_OK;
out:
	transaction_rollback(c);
	return rc;
}

static enum err_code
sweep(struct connection *c, struct err *e)
{
	enum err_code	rc;
	int64_t		id;
	bool		found;

	for (;;) {
		if ((rc = statement_step(c, STATEMENT_BATCH_LOADING, &found, e)) != ERR_OK || !found)
			return rc;
		id = column_int(c, STATEMENT_BATCH_LOADING, 0);
		statement_done(c, STATEMENT_BATCH_LOADING);
		if ((rc = sweep_one(c, id, e)) != ERR_OK)
			return rc;
	}
}

static enum err_code
batch_insert(struct connection *c, const struct store_batch *b, int64_t *ret_id, struct err *e)
{
	const enum statement	s = STATEMENT_BATCH_INSERT;
	enum err_code		rc;

	bind_text(c, s, 1, b->name);
	bind_int(c, s, 2, b->ca_id);
	bind_text(c, s, 3, b->profile);
	bind_text(c, s, 4, b->pattern);
	bind_int(c, s, 5, b->listed);
	bind_int(c, s, 6, b->created_at_us);
	bind_int(c, s, 7, b->listed ? STATE_LOADING : b->state == BATCH_WAITING ? STATE_CLOSED : STATE_OPEN);
	bind_int(c, s, 8, b->quantity);
	bind_text(c, s, 9, b->aws);
	bind_int(c, s, 10, b->state == BATCH_WAITING);
	if ((rc = statement_run(c, s, e)) != ERR_OK)
		return rc;
	if (sqlite3_changes(c->db) == 0)
		return err_say(e, ERR_CONFLICT, "There is a batch named %s already, and an order never changes: choose another name.", b->name);
	*ret_id = sqlite3_last_insert_rowid(c->db);
	return ERR_OK;
}

struct chunk {
	char	ids[LIMIT_LIST_CHUNK_ROWS][LIMIT_DEVICE_ID_BYTES + 1];
	int	n;
};

/* Fills the chunk before the write lock is taken: reading a file may be slow. */
static enum err_code
chunk_fill(struct chunk *ch, enum err_code (*next)(void *, const char **, struct err *), void *arg, struct err *e)
{
	const char	*id;
	enum err_code	 rc;
	size_t		 len;

	for (ch->n = 0; ch->n < LIMIT_LIST_CHUNK_ROWS; ch->n++) {
		if ((rc = next(arg, &id, e)) != ERR_OK)
			return rc;
		if (id == NULL)
			break;
		if ((len = strlen(id)) == 0 || len > LIMIT_DEVICE_ID_BYTES)
			return err_set(e, ERR_INTERNAL, "device list: an id of %zu bytes", len);
		memcpy(ch->ids[ch->n], id, len + 1);
	}
	return ERR_OK;
}

static enum err_code
chunk_insert(struct connection *c, int64_t batch_id, const struct chunk *ch, struct err *e)
{
	const enum statement	s = STATEMENT_BATCH_DEVICE_INSERT;
	enum err_code		rc;
	int			i;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	for (i = 0; i < ch->n; i++) {
		bind_int(c, s, 1, batch_id);
		bind_text(c, s, 2, ch->ids[i]);
		if ((rc = statement_run(c, s, e)) != ERR_OK)
			goto out;
	}
	rc = transaction_commit(c, e);
out:
	transaction_rollback(c);
	return rc;
}

/* The list is complete: the batch is seen from now on. */
static enum err_code
batch_loaded(struct store *s, int64_t batch_id, const struct store_event *ev, struct err *e)
{
	struct connection	*c = &s->writer;
	enum err_code		 rc;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	bind_int(c, STATEMENT_BATCH_LOADED, 1, batch_id);
	if ((rc = statement_run(c, STATEMENT_BATCH_LOADED, e)) == ERR_OK && sqlite3_changes(c->db) != 1)
		rc = err_set(e, ERR_INTERNAL, "batch %lld vanished while its list was read", (long long)batch_id);
	if (rc == ERR_OK)
		rc = change_commit(s, ev, e);
	transaction_rollback(c);
	return rc;
}

static enum err_code
list_load(struct connection *c, int64_t batch_id, enum err_code (*next)(void *, const char **, struct err *), void *arg,
    struct err *e)
{
	struct chunk	*ch;
	enum err_code	 rc;

	if ((ch = malloc(sizeof(*ch))) == NULL)
		return err_set(e, ERR_NOMEM, "device list: %zu bytes", sizeof(*ch));
	do {
		if ((rc = chunk_fill(ch, next, arg, e)) != ERR_OK || (rc = chunk_insert(c, batch_id, ch, e)) != ERR_OK)
			goto out;
		if (ch->n == LIMIT_LIST_CHUNK_ROWS)
			chunk_pause();
	} while (ch->n == LIMIT_LIST_CHUNK_ROWS);
out:
	free(ch);
	return rc;
}

enum err_code
sqlite_batch_create(struct store *s, const struct store_batch *b,
    enum err_code (*next)(void *, const char **, struct err *), void *arg, const struct store_who *who, struct err *e)
{
	struct connection	*c = &s->writer;
	struct store_event	 ev;
	struct err		 ignored;
	enum err_code		 rc;
	int64_t			 id;

	if ((rc = event_batch_create(&ev, who, b, e)) != ERR_OK || (rc = sweep(c, e)) != ERR_OK ||
	    (rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	if ((rc = batch_insert(c, b, &id, e)) == ERR_OK)
		rc = b->listed ? transaction_commit(c, e) : change_commit(s, &ev, e);
	transaction_rollback(c);
	if (rc != ERR_OK || !b->listed)
		return rc;
	/* If even the sweep fails, the batch stays unseen until the next batch_create. */
	if ((rc = list_load(c, id, next, arg, e)) != ERR_OK || (rc = batch_loaded(s, id, &ev, e)) != ERR_OK)
		(void)(sweep_one(c, id, &ignored) == ERR_OK);
	return rc;
}

/* A batch as it is under the write lock. */
struct batch_now {
	int64_t			id;
	enum batch_state	state;
	int64_t			quantity;
};

static enum err_code
batch_now(struct connection *c, const char *name, struct batch_now *ret, struct err *e)
{
	const enum statement	s = STATEMENT_BATCH_NOW;
	enum err_code		rc;
	bool			found;

	bind_text(c, s, 1, name);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return store_batch_missing(name, e);
	ret->id = column_int(c, s, 0);
	ret->state = batch_state_of(column_int(c, s, 1), column_int(c, s, 2));
	ret->quantity = column_int(c, s, 3);
	statement_done(c, s);
	return ERR_OK;
}

enum err_code
sqlite_batch_set_state(struct store *s, const char *name, enum batch_state state, const struct store_who *who, struct err *e)
{
	struct connection	*c = &s->writer;
	const enum statement	 st = STATEMENT_BATCH_SET_STATE;
	struct store_event	 ev;
	struct batch_now	 now;
	enum err_code		 rc;

	if (state != BATCH_OPEN && state != BATCH_CLOSED)
		return err_set(e, ERR_INTERNAL, "batch %s: no state to set: %d", name, (int)state);
	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	if ((rc = batch_now(c, name, &now, e)) != ERR_OK || now.state == state ||
	    (rc = event_batch_state(&ev, who, name, now.state, state, e)) != ERR_OK)
		goto out;
	bind_int(c, st, 1, now.id);
	bind_int(c, st, 2, state == BATCH_OPEN ? STATE_OPEN : STATE_CLOSED);
	if ((rc = statement_run(c, st, e)) == ERR_OK)
		rc = change_commit(s, &ev, e);
out:
	transaction_rollback(c);
	return rc;
}

enum err_code
sqlite_batch_set_quantity(struct store *s, const char *name, int64_t quantity, const struct store_who *who, struct err *e)
{
	struct connection	*c = &s->writer;
	const enum statement	 st = STATEMENT_BATCH_SET_QUANTITY;
	struct store_event	 ev;
	struct batch_now	 now;
	enum err_code		 rc;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	if ((rc = batch_now(c, name, &now, e)) != ERR_OK || now.quantity == quantity ||
	    (rc = store_quantity_check(name, now.quantity, quantity, e)) != ERR_OK ||
	    (rc = event_batch_quantity(&ev, who, name, now.quantity, quantity, e)) != ERR_OK)
		goto out;
	bind_int(c, st, 1, now.id);
	bind_int(c, st, 2, quantity);
	if ((rc = statement_run(c, st, e)) == ERR_OK)
		rc = change_commit(s, &ev, e);
out:
	transaction_rollback(c);
	return rc;
}

static enum err_code
batch_from_row(struct connection *c, enum statement s, struct store_batch *b, struct err *e)
{
	memset(b, 0, sizeof(*b));
	b->id = column_int(c, s, 0);
	if (!column_text(c, s, 1, b->name, sizeof(b->name)) ||
	    !column_text(c, s, 3, b->ca_name, sizeof(b->ca_name)) ||
	    !column_text(c, s, 4, b->profile, sizeof(b->profile)) ||
	    !column_text(c, s, 5, b->pattern, sizeof(b->pattern)) ||
	    !column_text(c, s, 14, b->aws, sizeof(b->aws)))
		return err_set(e, ERR_STORAGE, "ledger: batch %lld cannot be read", (long long)b->id);
	b->ca_id = column_int(c, s, 2);
	b->listed = column_int(c, s, 6) != 0;
	b->created_at_us = column_int(c, s, 7);
	b->state = batch_state_of(column_int(c, s, 8), column_int(c, s, 15));
	b->quantity = column_int(c, s, 9);
	b->issued = column_int(c, s, 10);
	b->registered = column_int(c, s, 11);
	b->parked = column_int(c, s, 12);
	b->last_issued_at_us = column_int(c, s, 13);
	b->revoked = column_int(c, s, 16);
	b->revoking = column_int(c, s, 17);
	b->revoke_parked = column_int(c, s, 18);
	return ERR_OK;
}

enum err_code
sqlite_batch_find(struct store_reader *r, const char *name, struct store_batch *ret, struct err *e)
{
	struct connection	*c = &r->connection;
	struct store_batch	 b;
	enum err_code		 rc;
	bool			 found;

	bind_text(c, STATEMENT_BATCH_FIND, 1, name);
	if ((rc = statement_step(c, STATEMENT_BATCH_FIND, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return store_batch_missing(name, e);
	if ((rc = batch_from_row(c, STATEMENT_BATCH_FIND, &b, e)) == ERR_OK)
		*ret = b;
	statement_done(c, STATEMENT_BATCH_FIND);
	return rc;
}

enum err_code
sqlite_batch_list(struct store_reader *r, enum batch_which which,
    enum err_code (*row)(void *, const struct store_batch *, struct err *), void *arg, struct err *e)
{
	static const enum statement of[] = {
		[BATCHES_ALL] = STATEMENT_BATCH_LIST,
		[BATCHES_OPEN] = STATEMENT_BATCH_LIST_OPEN,
		[BATCHES_CURRENT] = STATEMENT_BATCH_LIST_CURRENT,
		[BATCHES_BUSY] = STATEMENT_BATCH_LIST_BUSY
	};
	struct connection	*c = &r->connection;
	const enum statement	 s = of[which];
	struct store_batch	 b;
	enum err_code		 rc;
	bool			 found;

	if (which == BATCHES_CURRENT)
		bind_int(c, s, 1, STORE_CLOSED_MAX);
	for (;;) {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK || !found)
			return rc;
		if ((rc = batch_from_row(c, s, &b, e)) != ERR_OK || (rc = row(arg, &b, e)) != ERR_OK)
			break;
	}
	statement_done(c, s);
	return rc;
}

enum err_code
sqlite_batch_totals(struct store_reader *r, struct batch_totals *ret, struct err *e)
{
	struct connection	*c = &r->connection;
	const enum statement	 s = STATEMENT_BATCH_TOTALS;
	enum err_code		 rc;
	bool			 found;

	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	*ret = (struct batch_totals) {
		.batches = column_int(c, s, 0), .open = column_int(c, s, 1), .quantity = column_int(c, s, 2), .issued = column_int(c, s, 3),
		.registered = column_int(c, s, 4), .parked = column_int(c, s, 5), .revoked = column_int(c, s, 6),
		.revoking = column_int(c, s, 7), .revoke_parked = column_int(c, s, 8)
	};
	statement_done(c, s);
	return ERR_OK;
}

enum err_code
sqlite_batch_lists_device(struct store_reader *r, int64_t batch_id, const char *device_id, bool *ret, struct err *e)
{
	struct connection	*c = &r->connection;
	enum err_code		 rc;
	bool			 found;

	bind_int(c, STATEMENT_BATCH_DEVICE_FIND, 1, batch_id);
	bind_text(c, STATEMENT_BATCH_DEVICE_FIND, 2, device_id);
	if ((rc = statement_step(c, STATEMENT_BATCH_DEVICE_FIND, &found, e)) != ERR_OK)
		return rc;
	if (found)
		statement_done(c, STATEMENT_BATCH_DEVICE_FIND);
	*ret = found;
	return ERR_OK;
}
