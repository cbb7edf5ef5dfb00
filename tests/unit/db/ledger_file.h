/* The ledger as a file: what the tests ask it behind the program's back. */
#ifndef TESTS_UNIT_DB_LEDGER_FILE_H
#define TESTS_UNIT_DB_LEDGER_FILE_H

#include <sqlite3.h>

#include "ledger.h"

/* The number that a query gives. */
static inline int64_t
ledger_ask(const char *path, const char *text)
{
	sqlite3		*db = NULL;
	sqlite3_stmt	*st = NULL;
	int64_t		 n;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

/* Runs text on a connection of its own, as a person with sqlite3(1) would. */
static inline int
ledger_run(const char *path, const char *text)
{
	sqlite3	*db = NULL;
	int	 rc;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON;", NULL, NULL, NULL), SQLITE_OK);
	rc = sqlite3_exec(db, text, NULL, NULL, NULL);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return rc;
}

/* A text file; the caller frees. */
static inline char *
ledger_read_text(const char *path)
{
	FILE	*f = fopen(path, "r");
	char	*text = calloc(1, 64 * 1024);

	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, 64 * 1024 - 1, f) < 64 * 1024 - 1);
	assert_int_equal(fclose(f), 0);
	return text;
}

#ifdef SCHEMA_DIR
/* A ledger as version 1 of the program made it, with the CA 'plant', and the rows that text adds. */
static inline void
ledger_version_1(const char *path, const char *text)
{
	char	*schema = ledger_read_text(SCHEMA_DIR "/0001_ledger.sql");

	assert_int_equal(ledger_run(path, "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL"), SQLITE_OK);
	assert_int_equal(ledger_run(path, schema), SQLITE_OK);
	free(schema);
	assert_int_equal(ledger_run(path, "PRAGMA application_id = 0x4c4e4341; PRAGMA user_version = 1;"
	    "INSERT INTO ca (name, active, key_ref, der, created_at_us) VALUES ('plant', 1, 'ca.key', x'3000', 0)"), SQLITE_OK);
	assert_int_equal(ledger_run(path, text), SQLITE_OK);
}

/* The same as version 2 left it. */
static inline void
ledger_version_2(const char *path, const char *text)
{
	char	*schema = ledger_read_text(SCHEMA_DIR "/0002_upload.sql");

	ledger_version_1(path, "");
	assert_int_equal(ledger_run(path, schema), SQLITE_OK);
	free(schema);
	assert_int_equal(ledger_run(path, "PRAGMA user_version = 2"), SQLITE_OK);
	assert_int_equal(ledger_run(path, text), SQLITE_OK);
}

/* The same as version 3 left it. */
static inline void
ledger_version_3(const char *path, const char *text)
{
	char	*schema = ledger_read_text(SCHEMA_DIR "/0003_rights.sql");

	ledger_version_2(path, "");
	assert_int_equal(ledger_run(path, schema), SQLITE_OK);
	free(schema);
	assert_int_equal(ledger_run(path, "PRAGMA user_version = 3"), SQLITE_OK);
	assert_int_equal(ledger_run(path, text), SQLITE_OK);
}
#endif

#endif
