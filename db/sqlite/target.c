#include "db/sqlite/store_sqlite.h"

enum err_code
sqlite_target_get(struct store *s, const char *account, const char *region, int64_t *ret_id, struct err *e)
{
	struct connection	*c = &s->writer;
	enum err_code		 rc;
	bool			 found;

	bind_text(c, STATEMENT_TARGET_FIND, 1, account);
	bind_text(c, STATEMENT_TARGET_FIND, 2, region);
	if ((rc = statement_step(c, STATEMENT_TARGET_FIND, &found, e)) != ERR_OK)
		return rc;
	if (found) {
		*ret_id = column_int(c, STATEMENT_TARGET_FIND, 0);
		statement_done(c, STATEMENT_TARGET_FIND);
		return ERR_OK;
	}
	bind_text(c, STATEMENT_TARGET_INSERT, 1, account);
	bind_text(c, STATEMENT_TARGET_INSERT, 2, region);
	if ((rc = statement_run(c, STATEMENT_TARGET_INSERT, e)) == ERR_OK)
		*ret_id = sqlite3_last_insert_rowid(c->db);
	return rc;
}
