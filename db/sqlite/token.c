#include <string.h>

#include "db/sqlite/store_sqlite.h"

/* The name of the batch that a token is for; "" for any. */
static enum err_code
token_batch(struct connection *c, int64_t batch_id, char out[LIMIT_NAME_BYTES + 1], struct err *e)
{
	const enum statement	s = STATEMENT_TOKEN_BATCH;
	enum err_code		rc;
	bool			found;

	out[0] = '\0';
	if (batch_id == -1)
		return ERR_OK;
	bind_int(c, s, 1, batch_id);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_INTERNAL, "token: there is no batch %lld", (long long)batch_id);
	if (!column_text(c, s, 0, out, LIMIT_NAME_BYTES + 1))
		rc = row_unreadable(c, "batch", batch_id, e);
	statement_done(c, s);
	return rc;
}

static enum err_code
token_insert(struct connection *c, const struct store_token *t, struct err *e)
{
	const enum statement	s = STATEMENT_TOKEN_INSERT;
	enum err_code		rc;

	bind_text(c, s, 1, t->name);
	bind_int(c, s, 2, t->role);
	bind_blob(c, s, 3, t->hash, sizeof(t->hash));
	if (t->batch_id != -1)
		bind_int(c, s, 4, t->batch_id);
	else
		bind_null(c, s, 4);
	bind_text(c, s, 5, t->network);
	bind_int(c, s, 6, t->created_at_us);
	bind_int(c, s, 7, t->expires_at_us);
	if ((rc = statement_run(c, s, e)) != ERR_OK)
		return rc;
	if (sqlite3_changes(c->db) == 0)
		return store_token_taken(t->name, e);
	return ERR_OK;
}

enum err_code
sqlite_token_create(struct store *s, const struct store_token *t, const struct store_who *who, struct err *e)
{
	struct connection	*c = &s->writer;
	struct store_event	 ev;
	char			 batch[LIMIT_NAME_BYTES + 1];
	enum err_code		 rc;

	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	if ((rc = token_batch(c, t->batch_id, batch, e)) == ERR_OK &&
	    (rc = event_token_create(&ev, who, t, batch, e)) == ERR_OK &&
	    (rc = token_insert(c, t, e)) == ERR_OK)
		rc = change_commit(s, &ev, e);
	transaction_rollback(c);
	return rc;
}

/* *ret_id 0: it is revoked already. */
static enum err_code
token_to_revoke(struct connection *c, const char *name, int64_t *ret_id, struct err *e)
{
	const enum statement	s = STATEMENT_TOKEN_NOW;
	enum err_code		rc;
	bool			found;

	bind_text(c, s, 1, name);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return store_token_missing(name, e);
	*ret_id = column_int(c, s, 1) == 0 ? column_int(c, s, 0) : 0;
	statement_done(c, s);
	return ERR_OK;
}

enum err_code
sqlite_token_revoke(struct store *s, const char *name, const struct store_who *who, struct err *e)
{
	struct connection	*c = &s->writer;
	const enum statement	 st = STATEMENT_TOKEN_REVOKE;
	struct store_event	 ev;
	enum err_code		 rc;
	int64_t			 id;

	if ((rc = event_make(&ev, who, "token.revoke", name, e, "%s", "")) != ERR_OK || (rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	if ((rc = token_to_revoke(c, name, &id, e)) != ERR_OK || id == 0)
		goto out;
	bind_int(c, st, 1, id);
	/* whatever the clock says, it is revoked */
	bind_int(c, st, 2, who->at_us > 0 ? who->at_us : 1);
	if ((rc = statement_run(c, st, e)) == ERR_OK)
		rc = change_commit(s, &ev, e);
out:
	transaction_rollback(c);
	return rc;
}

enum err_code
sqlite_token_used(struct store *s, const struct store_token_use *uses, size_t n, struct err *e)
{
	struct connection	*c = &s->writer;
	const enum statement	 st = STATEMENT_TOKEN_USED;
	sqlite3_int64		 changes = sqlite3_total_changes64(c->db);
	enum err_code		 rc;
	size_t			 i;

	if (n == 0)
		return ERR_OK;
	if ((rc = transaction_begin(c, e)) != ERR_OK)
		return rc;
	for (i = 0; i < n; i++) {
		bind_int(c, st, 1, uses[i].token_id);
		bind_int(c, st, 2, uses[i].at_us);
		if ((rc = statement_run(c, st, e)) != ERR_OK)
			goto out;
	}
	/* With nothing new there is nothing to sync. */
	if (sqlite3_total_changes64(c->db) != changes && (rc = files_check(&s->files, s->path, e)) == ERR_OK)
		rc = transaction_commit(c, e);
out:
	transaction_rollback(c);
	return rc;
}

static enum err_code
token_from_row(struct connection *c, enum statement s, struct store_token *t, struct err *e)
{
	memset(t, 0, sizeof(*t));
	t->id = column_int(c, s, 0);
	if (!column_text(c, s, 1, t->name, sizeof(t->name)) ||
	    !column_blob(c, s, 3, t->hash, sizeof(t->hash)) ||
	    !column_text(c, s, 5, t->batch_name, sizeof(t->batch_name)) ||
	    !column_text(c, s, 6, t->network, sizeof(t->network)))
		return row_unreadable(c, "token", t->id, e);
	t->role = (int)column_int(c, s, 2);
	t->batch_id = sqlite3_column_type(c->statements[s], 4) == SQLITE_NULL ? -1 : column_int(c, s, 4);
	t->created_at_us = column_int(c, s, 7);
	t->expires_at_us = column_int(c, s, 8);
	t->revoked_at_us = column_int(c, s, 9);
	t->last_used_at_us = column_int(c, s, 10);
	return ERR_OK;
}

/* The one row of a statement whose key is bound. */
static enum err_code
token_read(struct connection *c, enum statement s, struct store_token *ret, struct err *e)
{
	struct store_token	t;
	enum err_code		rc;
	bool			found;

	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "ledger: no such token");
	if ((rc = token_from_row(c, s, &t, e)) == ERR_OK)
		*ret = t;
	statement_done(c, s);
	return rc;
}

enum err_code
sqlite_token_find(struct store_reader *r, const uint8_t hash[STORE_HASH_BYTES], struct store_token *ret, struct err *e)
{
	bind_blob(&r->connection, STATEMENT_TOKEN_FIND, 1, hash, STORE_HASH_BYTES);
	return token_read(&r->connection, STATEMENT_TOKEN_FIND, ret, e);
}

enum err_code
sqlite_token_find_id(struct store_reader *r, int64_t id, struct store_token *ret, struct err *e)
{
	bind_int(&r->connection, STATEMENT_TOKEN_FIND_ID, 1, id);
	return token_read(&r->connection, STATEMENT_TOKEN_FIND_ID, ret, e);
}

enum err_code
sqlite_token_list(struct store_reader *r, enum err_code (*row)(void *, const struct store_token *, struct err *), void *arg,
    struct err *e)
{
	struct connection	*c = &r->connection;
	const enum statement	 s = STATEMENT_TOKEN_LIST;
	struct store_token	 t;
	enum err_code		 rc;
	bool			 found;

	for (;;) {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK || !found)
			return rc;
		if ((rc = token_from_row(c, s, &t, e)) != ERR_OK || (rc = row(arg, &t, e)) != ERR_OK)
			break;
	}
	statement_done(c, s);
	return rc;
}
