#include <string.h>

#include "db/sqlite/store_sqlite.h"

/* ?2 to ?12 of UPLOAD_RUN_INSERT and UPLOAD_RUN_WRITE. */
static void
run_bind(struct connection *c, enum statement s, const struct store_upload_run *run)
{
	bind_int(c, s, 2, run->started_at_us);
	bind_int(c, s, 3, run->updated_at_us);
	bind_int(c, s, 4, run->ended_at_us);
	bind_int(c, s, 5, run->pid);
	bind_int(c, s, 6, run->queued);
	bind_int(c, s, 7, run->registered);
	bind_int(c, s, 8, run->parked);
	bind_int(c, s, 9, run->calls);
	bind_int(c, s, 10, run->throttled);
	bind_text(c, s, 11, run->outcome);
	bind_int(c, s, 12, run->revoked);
}

enum err_code
sqlite_upload_run_begin(struct store *s, struct store_upload_run *run, struct err *e)
{
	struct connection	*c = &s->writer;
	enum err_code		 rc;

	run_bind(c, STATEMENT_UPLOAD_RUN_INSERT, run);
	if ((rc = statement_run(c, STATEMENT_UPLOAD_RUN_INSERT, e)) == ERR_OK)
		run->id = sqlite3_last_insert_rowid(c->db);
	return rc;
}

enum err_code
upload_run_write(struct connection *c, const struct store_upload_run *run, struct err *e)
{
	enum err_code	rc;

	bind_int(c, STATEMENT_UPLOAD_RUN_WRITE, 1, run->id);
	run_bind(c, STATEMENT_UPLOAD_RUN_WRITE, run);
	if ((rc = statement_run(c, STATEMENT_UPLOAD_RUN_WRITE, e)) == ERR_OK && sqlite3_changes(c->db) != 1)
		rc = err_set(e, ERR_INTERNAL, "upload: there is no run %lld", (long long)run->id);
	return rc;
}

enum err_code
sqlite_upload_run_newest(struct store_reader *r, struct store_upload_run *ret, struct err *e)
{
	struct connection	*c = &r->connection;
	const enum statement	 s = STATEMENT_UPLOAD_RUN_NEWEST;
	struct store_upload_run	 run;
	enum err_code		 rc;
	bool			 found;

	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	memset(&run, 0, sizeof(run));
	if (found) {
		run.id = column_int(c, s, 0);
		run.started_at_us = column_int(c, s, 1);
		run.updated_at_us = column_int(c, s, 2);
		run.ended_at_us = column_int(c, s, 3);
		run.pid = column_int(c, s, 4);
		run.queued = column_int(c, s, 5);
		run.registered = column_int(c, s, 6);
		run.parked = column_int(c, s, 7);
		run.calls = column_int(c, s, 8);
		run.throttled = column_int(c, s, 9);
		run.revoked = column_int(c, s, 11);
		if (!column_text(c, s, 10, run.outcome, sizeof(run.outcome)))
			rc = row_unreadable(c, "upload run", run.id, e);
		statement_done(c, s);
	}
	if (rc == ERR_OK)
		*ret = run;
	return rc;
}
