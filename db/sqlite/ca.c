#include <stdlib.h>
#include <string.h>

#include "db/sqlite/store_sqlite.h"

enum err_code
sqlite_ca_add(struct store *s, const struct store_ca *ca, int64_t *ret_id, struct err *e)
{
	struct connection	*c = &s->writer;
	const enum statement	 st = STATEMENT_CA_INSERT;
	enum err_code		 rc;

	bind_text(c, st, 1, ca->name);
	bind_int(c, st, 2, ca->active);
	bind_text(c, st, 3, ca->key_ref);
	bind_blob(c, st, 4, ca->der, ca->der_len);
	bind_int(c, st, 5, ca->created_at_us);
	if ((rc = statement_run(c, st, e)) != ERR_OK)
		return rc;
	if (sqlite3_changes(c->db) == 0)
		return err_say(e, ERR_CONFLICT, "There is a CA named %s already.", ca->name);
	*ret_id = sqlite3_last_insert_rowid(c->db);
	return ERR_OK;
}

/* der is lent by the statement. */
static enum err_code
ca_from_row(struct connection *c, enum statement s, struct store_ca *out, const void **ret_der, struct err *e)
{
	memset(out, 0, sizeof(*out));
	out->id = column_int(c, s, 0);
	out->active = column_int(c, s, 2) != 0;
	out->created_at_us = column_int(c, s, 5);
	if (!column_text(c, s, 1, out->name, sizeof(out->name)) ||
	    !column_text(c, s, 3, out->key_ref, sizeof(out->key_ref)) ||
	    (*ret_der = sqlite3_column_blob(c->statements[s], 4)) == NULL)
		return err_set(e, ERR_STORAGE, "ledger: CA %lld cannot be read", (long long)out->id);
	out->der_len = (size_t)sqlite3_column_bytes(c->statements[s], 4);
	return ERR_OK;
}

static enum err_code
ca_copy_row(struct connection *c, enum statement s, struct store_ca *ret, struct err *e)
{
	struct store_ca	ca;
	const void	*der;
	enum err_code	 rc;

	if ((rc = ca_from_row(c, s, &ca, &der, e)) != ERR_OK)
		return rc;
	if ((ca.der = malloc(ca.der_len)) == NULL)
		return err_set(e, ERR_NOMEM, "CA %s", ca.name);
	memcpy(ca.der, der, ca.der_len);
	*ret = ca;
	return ERR_OK;
}

enum err_code
sqlite_ca_find(struct store_reader *r, const char *name, struct store_ca *ret, struct err *e)
{
	struct connection	*c = &r->connection;
	const enum statement	 s = STATEMENT_CA_FIND;
	enum err_code		 rc;
	bool			 found;

	bind_text(c, s, 1, name);
	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_say(e, ERR_NOT_FOUND, "There is no CA named %s.", name);
	rc = ca_copy_row(c, s, ret, e);
	statement_done(c, s);
	return rc;
}

enum err_code
sqlite_ca_list(struct store_reader *r, enum err_code (*row)(void *, const struct store_ca *, struct err *), void *arg,
    struct err *e)
{
	struct connection	*c = &r->connection;
	const enum statement	 s = STATEMENT_CA_LIST;
	struct store_ca		 ca;
	enum err_code		 rc;
	bool			 found;

	for (;;) {
		if ((rc = statement_step(c, s, &found, e)) != ERR_OK || !found)
			return rc;
		if ((rc = ca_copy_row(c, s, &ca, e)) != ERR_OK)
			break;
		rc = row(arg, &ca, e);
		store_ca_done(&ca);
		if (rc != ERR_OK)
			break;
	}
	statement_done(c, s);
	return rc;
}
