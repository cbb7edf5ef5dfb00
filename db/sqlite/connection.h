/*
 * One SQLite connection of ours: opened with every safety on, its statements prepared.  Belongs to one thread
 * at a time.  The rest of this folder speaks to SQLite through it.
 */
#ifndef DB_SQLITE_CONNECTION_H
#define DB_SQLITE_CONNECTION_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "db/sqlite/statements.h"

struct connection {
	sqlite3		*db;
	sqlite3_stmt	*statements[STATEMENT_COUNT];
	int		 bind_rc;	/* the first error of a bind since the last step */
	int64_t		 busy_since_us;
};

enum connection_kind { CONNECTION_WRITER, CONNECTION_READER };

/* Opens the file, which must exist, and hardens the connection.  Nothing of its content is believed yet. */
ERR_MUST_CHECK enum err_code	connection_open(struct connection *c, const char *path, bool create, struct err *e);

/* The same for a file that nobody else has: no memory is shared with others, which not every disk can do. */
ERR_MUST_CHECK enum err_code	connection_open_alone(struct connection *c, const char *path, struct err *e);
/* For a ledger whose schema was checked: the settings that need it, and the statements.  ERR_CONFIG: not that schema. */
ERR_MUST_CHECK enum err_code	connection_prepare(struct connection *c, enum connection_kind kind, int64_t cache_bytes,
				    struct err *e);
void				connection_close(struct connection *c);	/* also of a zeroed or half-opened one */

/* SQLite's answer as an error: BUSY, NOMEM, a constraint that should have held (ERR_INTERNAL), the rest ERR_STORAGE. */
enum err_code			connection_fail(struct connection *c, int sqlite_rc, const char *what, struct err *e);

/*
 * Writes the log once to about log_bytes, the length it will have, so that no commit has to make the file longer: a sync that does not costs half.
 * Only when the log is empty.  Leaves cache_bytes of page cache.
 */
ERR_MUST_CHECK enum err_code	connection_extend_log(struct connection *c, int64_t log_bytes, int64_t cache_bytes,
				    struct err *e);

/* Runs fixed text; for settings and schemas only. */
ERR_MUST_CHECK enum err_code	connection_exec(struct connection *c, const char *text, const char *what, struct err *e);
ERR_MUST_CHECK enum err_code	connection_pragma_int(struct connection *c, const char *text, int64_t *ret, struct err *e);

/*
 * Positions as in statements.h.  An error of a bind is kept and comes out of the next step.  Text and blob are borrowed until
 * the statement is done.
 */
void				bind_int(struct connection *c, enum statement s, int at, int64_t v);
void				bind_null(struct connection *c, enum statement s, int at);
void				bind_text(struct connection *c, enum statement s, int at, const char *v);
void				bind_blob(struct connection *c, enum statement s, int at, const void *v, size_t len);

/* One row (*ret_row true) or the end.  After the end and after an error the statement is done. */
ERR_MUST_CHECK enum err_code	statement_step(struct connection *c, enum statement s, bool *ret_row, struct err *e);

/* Runs one that gives no rows, to its end. */
ERR_MUST_CHECK enum err_code	statement_run(struct connection *c, enum statement s, struct err *e);
void				statement_done(struct connection *c, enum statement s);

/* Columns of the row at hand; false: not what the schema promises (a damaged file), or no memory. */
bool				column_text(struct connection *c, enum statement s, int at, char *out, size_t out_size);
/* The same, cut between two characters where it is longer. */
bool				column_text_cut(struct connection *c, enum statement s, int at, char *out, size_t out_size);
bool				column_blob(struct connection *c, enum statement s, int at, uint8_t *out, size_t len);
int64_t				column_int(struct connection *c, enum statement s, int at);
/* What to say after one of them was false: ERR_NOMEM or ERR_STORAGE. */
enum err_code			row_unreadable(struct connection *c, const char *what, int64_t id, struct err *e);

ERR_MUST_CHECK enum err_code	transaction_begin(struct connection *c, struct err *e);
ERR_MUST_CHECK enum err_code	transaction_commit(struct connection *c, struct err *e);
/* Undoes what is open, if SQLite has not done so already. */
void				transaction_rollback(struct connection *c);

/* For a reader: several statements that see one moment. */
ERR_MUST_CHECK enum err_code	reading_begin(struct connection *c, struct err *e);
void				reading_end(struct connection *c);

#endif
