#include "db/sqlite/connection.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "db/store_internal.h"

enum {
	/*
	 * How often a waiting writer looks again.  SQLite's own handler sleeps up to 100 ms, and would miss the gaps that a
	 * command leaves between the chunks of a long list (batch.c).
	 */
	BUSY_POLL_US = 500,
	/*
	 * Pages in the log (4 KiB each) before a commit moves them into the database file.  The commit that does it takes
	 * 5 to 30 ms: with SQLite's 1000 that is more than one request in a hundred, with 4000 it is fewer, and pages that were
	 * written several times meanwhile are moved once.  The log then takes 16 MiB.
	 */
	CHECKPOINT_PAGES = 4000
};

static const struct {
	const char	*text;
	int		 role;
} statement_texts[STATEMENT_COUNT] = {
#define X(name, role_, text_) [STATEMENT_##name] = { text_, role_ },
	STATEMENT_LIST(X)
#undef X
};

/* SQLite's memory counters take a global lock at every malloc; nobody reads them. */
static void
sqlite_setup(void)
{
	/* Fails when somebody in the process has used SQLite before; then it works all the same, a little slower. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_initialize();
}

static int
busy_wait(void *arg, int count)
{
	struct connection	*c = arg;
	const struct timespec	 pause = { .tv_nsec = BUSY_POLL_US * 1000L };
	int64_t			 now_us = clock_monotonic_us();

	if (count == 0)
		c->busy_since_us = now_us;
	if (now_us - c->busy_since_us > LIMIT_STORE_WAIT_S * (int64_t)1000000)
		return 0;
	(void)nanosleep(&pause, NULL);
	return 1;
}

enum err_code
connection_fail(struct connection *c, int sqlite_rc, const char *what, struct err *e)
{
	const char	*text = c->db != NULL ? sqlite3_errmsg(c->db) : sqlite3_errstr(sqlite_rc);
	enum err_code	 code = ERR_STORAGE;

	switch (sqlite_rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = ERR_BUSY;
		break;
	case SQLITE_NOMEM:
		code = ERR_NOMEM;
		break;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
		code = ERR_INTERNAL;
		break;
	case SQLITE_NOTADB:
		code = ERR_CONFIG;
		break;
	default:
		break;
	}
	return err_set(e, code, "sqlite: %s: %s (%d)", what, text, sqlite_rc);
}

enum err_code
connection_exec(struct connection *c, const char *text, const char *what, struct err *e)
{
	int	rc;

	if ((rc = sqlite3_exec(c->db, text, NULL, NULL, NULL)) != SQLITE_OK)
		return connection_fail(c, rc, what, e);
	return ERR_OK;
}

enum err_code
connection_pragma_int(struct connection *c, const char *text, int64_t *ret, struct err *e)
{
	sqlite3_stmt	*st = NULL;
	enum err_code	 code = ERR_OK;
	int		 rc;

	if ((rc = sqlite3_prepare_v2(c->db, text, -1, &st, NULL)) != SQLITE_OK)
		return connection_fail(c, rc, text, e);
	if ((rc = sqlite3_step(st)) == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	else
		code = connection_fail(c, rc, text, e);
	(void)sqlite3_finalize(st);
	return code;
}

/* What SQLite has against a damaged or hostile file and against our own mistakes. */
static enum err_code
connection_harden(struct connection *c, struct err *e)
{
	static const struct {
		int	option, value;
	} options[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
		{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 1 },
	};
	size_t	i;
	int	rc;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if ((rc = sqlite3_db_config(c->db, options[i].option, options[i].value, NULL)) != SQLITE_OK)
			return connection_fail(c, rc, "settings", e);
	}
	if ((rc = sqlite3_busy_handler(c->db, busy_wait, c)) != SQLITE_OK)
		return connection_fail(c, rc, "busy handler", e);
	/* recursive_triggers: a REPLACE asks the delete triggers too.  secure_delete: nothing here is secret. */
	return connection_exec(c,
	    "PRAGMA synchronous = FULL;"
	    "PRAGMA recursive_triggers = ON;"
	    "PRAGMA secure_delete = OFF;"
	    "PRAGMA temp_store = MEMORY;", "settings", e);
}

static enum err_code
open_file(struct connection *c, const char *path, bool create, struct err *e)
{
	static pthread_once_t	once = PTHREAD_ONCE_INIT;
	int			flags, rc;

	(void)pthread_once(&once, sqlite_setup);
	memset(c, 0, sizeof(*c));
	/* NOMUTEX: a connection of ours belongs to one thread. */
	flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	if (create)
		flags |= SQLITE_OPEN_CREATE;
	if ((rc = sqlite3_open_v2(path, &c->db, flags, NULL)) != SQLITE_OK)
		return connection_fail(c, rc, path, e);
	return ERR_OK;
}

enum err_code
connection_open(struct connection *c, const char *path, bool create, struct err *e)
{
	enum err_code	rc;

	return (rc = open_file(c, path, create, e)) != ERR_OK ? rc : connection_harden(c, e);
}

enum err_code
connection_open_alone(struct connection *c, const char *path, struct err *e)
{
	enum err_code	rc;

	/* first of all: what hardens it reads the file already */
	if ((rc = open_file(c, path, false, e)) != ERR_OK || (rc = connection_exec(c, "PRAGMA locking_mode = EXCLUSIVE", "settings", e)) != ERR_OK)
		return rc;
	return connection_harden(c, e);
}

enum err_code
connection_extend_log(struct connection *c, int64_t log_bytes, int64_t cache_bytes, struct err *e)
{
	char	text[256];

	/*
	 * A transaction that does not fit a small cache spills its pages into the log and is then rolled back: they stay there as bytes
	 * that nobody reads, until commits write over them.
	 */
	(void)snprintf(text, sizeof(text), "PRAGMA cache_size = 50; BEGIN IMMEDIATE; CREATE TABLE log_room (room BLOB) STRICT;"
	    "INSERT INTO log_room (room) VALUES (zeroblob(%lld)); ROLLBACK; PRAGMA cache_size = -%lld;",
	    (long long)log_bytes, (long long)(cache_bytes / 1024));
	if (connection_exec(c, text, "log", e) == ERR_OK)
		return ERR_OK;
	/* no room on the disk for it: then it grows, or issuing stops at the reserve; reading must go on in any case */
	if (sqlite3_get_autocommit(c->db) == 0 && connection_exec(c, "ROLLBACK;", "log", e) != ERR_OK)
		return e->code;
	(void)snprintf(text, sizeof(text), "PRAGMA cache_size = -%lld;", (long long)(cache_bytes / 1024));
	return connection_exec(c, text, "log", e);
}

enum err_code
connection_prepare(struct connection *c, enum connection_kind kind, int64_t cache_bytes, struct err *e)
{
	char		 settings[160];
	const char	*tail;
	enum err_code	 code;
	int		 i, rc, role = kind == CONNECTION_WRITER ? FOR_WRITER : FOR_READER;

	(void)snprintf(settings, sizeof(settings), "PRAGMA cache_size = -%lld; PRAGMA wal_autocheckpoint = %d;"
	    "PRAGMA query_only = %s;", (long long)(cache_bytes / 1024 > 0 ? cache_bytes / 1024 : 2048),
	    kind == CONNECTION_WRITER ? CHECKPOINT_PAGES : 0, kind == CONNECTION_WRITER ? "OFF" : "ON");
	if ((code = connection_exec(c, settings, "settings", e)) != ERR_OK)
		return code;
	for (i = 0; i < STATEMENT_COUNT; i++) {
		if ((statement_texts[i].role & role) == 0)
			continue;
		rc = sqlite3_prepare_v3(c->db, statement_texts[i].text, -1, SQLITE_PREPARE_PERSISTENT,
		    &c->statements[i], &tail);
		if (rc == SQLITE_ERROR)
			return err_set(e, ERR_CONFIG, "sqlite: not the schema of this program: %s", sqlite3_errmsg(c->db));
		if (rc != SQLITE_OK)
			return connection_fail(c, rc, statement_texts[i].text, e);
	}
	return ERR_OK;
}

void
connection_close(struct connection *c)
{
	int	i;

	for (i = 0; i < STATEMENT_COUNT; i++) {
		(void)sqlite3_finalize(c->statements[i]);
		c->statements[i] = NULL;
	}
	(void)sqlite3_close(c->db);
	c->db = NULL;
}

static void
bind_note(struct connection *c, int rc)
{
	if (c->bind_rc == SQLITE_OK)
		c->bind_rc = rc;
}

void
bind_int(struct connection *c, enum statement s, int at, int64_t v)
{
	bind_note(c, sqlite3_bind_int64(c->statements[s], at, v));
}

void
bind_null(struct connection *c, enum statement s, int at)
{
	bind_note(c, sqlite3_bind_null(c->statements[s], at));
}

void
bind_text(struct connection *c, enum statement s, int at, const char *v)
{
	bind_note(c, sqlite3_bind_text(c->statements[s], at, v, -1, SQLITE_STATIC));
}

void
bind_blob(struct connection *c, enum statement s, int at, const void *v, size_t len)
{
	bind_note(c, sqlite3_bind_blob64(c->statements[s], at, v, len, SQLITE_STATIC));
}

enum err_code
statement_step(struct connection *c, enum statement s, bool *ret_row, struct err *e)
{
	enum err_code	code;
	int		rc = c->bind_rc;

	c->bind_rc = SQLITE_OK;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(c->statements[s]);
	if (rc == SQLITE_ROW) {
		*ret_row = true;
		return ERR_OK;
	}
	if (rc == SQLITE_DONE) {
		statement_done(c, s);
		*ret_row = false;
		return ERR_OK;
	}
	code = connection_fail(c, rc, statement_texts[s].text, e);
	statement_done(c, s);
	return code;
}

enum err_code
statement_run(struct connection *c, enum statement s, struct err *e)
{
	enum err_code	rc;
	bool		row;

	if ((rc = statement_step(c, s, &row, e)) != ERR_OK)
		return rc;
	if (row) {
		statement_done(c, s);
		return err_set(e, ERR_INTERNAL, "sqlite: %s: an unexpected row", statement_texts[s].text);
	}
	return ERR_OK;
}

void
statement_done(struct connection *c, enum statement s)
{
	(void)sqlite3_reset(c->statements[s]);
}

bool
column_text(struct connection *c, enum statement s, int at, char *out, size_t out_size)
{
	sqlite3_stmt		*st = c->statements[s];
	const unsigned char	*text = sqlite3_column_text(st, at);
	size_t			 len = (size_t)sqlite3_column_bytes(st, at);

	if (text == NULL || len >= out_size)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

bool
column_text_cut(struct connection *c, enum statement s, int at, char *out, size_t out_size)
{
	const unsigned char	*text = sqlite3_column_text(c->statements[s], at);
	size_t			 len = (size_t)sqlite3_column_bytes(c->statements[s], at);

	if (text == NULL)
		return false;
	len = text_fit((const char *)text, len, out_size - 1);
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

enum err_code
row_unreadable(struct connection *c, const char *what, int64_t id, struct err *e)
{
	if (sqlite3_errcode(c->db) == SQLITE_NOMEM)
		return err_set(e, ERR_NOMEM, "ledger: %s %lld", what, (long long)id);
	return err_set(e, ERR_STORAGE, "ledger: %s %lld cannot be read", what, (long long)id);
}

bool
column_blob(struct connection *c, enum statement s, int at, uint8_t *out, size_t len)
{
	sqlite3_stmt	*st = c->statements[s];
	const void	*blob = sqlite3_column_blob(st, at);

	if (blob == NULL || (size_t)sqlite3_column_bytes(st, at) != len)
		return false;
	memcpy(out, blob, len);
	return true;
}

int64_t
column_int(struct connection *c, enum statement s, int at)
{
	return sqlite3_column_int64(c->statements[s], at);
}

enum err_code
transaction_begin(struct connection *c, struct err *e)
{
	return statement_run(c, STATEMENT_BEGIN, e);
}

enum err_code
transaction_commit(struct connection *c, struct err *e)
{
	return statement_run(c, STATEMENT_COMMIT, e);
}

void
transaction_rollback(struct connection *c)
{
	/* After a full disk, an I/O error or no memory SQLite may have undone the transaction itself. */
	if (sqlite3_get_autocommit(c->db) == 0) {
		(void)sqlite3_step(c->statements[STATEMENT_ROLLBACK]);
		statement_done(c, STATEMENT_ROLLBACK);
	}
}

enum err_code
reading_begin(struct connection *c, struct err *e)
{
	return statement_run(c, STATEMENT_READ_BEGIN, e);
}

void
reading_end(struct connection *c)
{
	if (sqlite3_get_autocommit(c->db) == 0) {
		(void)sqlite3_step(c->statements[STATEMENT_READ_END]);
		statement_done(c, STATEMENT_READ_END);
	}
}
