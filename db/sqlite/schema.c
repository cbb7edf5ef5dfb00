#include <stdio.h>

#include "base/embed.h"
#include "db/sqlite/store_sqlite.h"

EMBED(schema_0001, SCHEMA_DIR "/0001_ledger.sql");
EMBED(schema_0002, SCHEMA_DIR "/0002_upload.sql");
EMBED(schema_0003, SCHEMA_DIR "/0003_rights.sql");
EMBED(schema_0004, SCHEMA_DIR "/0004_rework.sql");
EMBED(schema_0005, SCHEMA_DIR "/0005_revoked.sql");
EMBED(schema_0006, SCHEMA_DIR "/0006_refusals.sql");

/* The files of db/schema in their order: the n-th leads from version n - 1 to n. */
static const char *const schemas[] = {
	schema_0001,
	schema_0002,
	schema_0003,
	schema_0004,
	schema_0005,
	schema_0006,
};

enum {
	SCHEMA_VERSION = sizeof(schemas) / sizeof(schemas[0]),
	APPLICATION_ID = 0x4c4e4341	/* "LNCA", in the header of the file: file(1) and we tell a ledger by it */
};

enum err_code
schema_check(struct connection *c, int64_t *ret_version, struct err *e)
{
	enum err_code	rc;
	int64_t		id, version;

	if ((rc = connection_pragma_int(c, "PRAGMA application_id", &id, e)) != ERR_OK ||
	    (rc = connection_pragma_int(c, "PRAGMA user_version", &version, e)) != ERR_OK)
		return rc;
	if (id != APPLICATION_ID)
		return err_set(e, ERR_CONFIG, "the database is not a ledger of this program");
	if (version < 1)
		return err_set(e, ERR_CONFIG, "the ledger was never completely made");
	if (version > SCHEMA_VERSION)
		return err_set(e, ERR_CONFIG, "the ledger is of version %lld, this program knows up to %d: use the newer program",
		    (long long)version, SCHEMA_VERSION);
	*ret_version = version;
	return ERR_OK;
}

/* A text of ours that does not fit what is there: the file only says that it is a ledger. */
static enum err_code
schema_apply(struct connection *c, const char *text, struct err *e)
{
	int	rc;

	if ((rc = sqlite3_exec(c->db, text, NULL, NULL, NULL)) == SQLITE_ERROR)
		return err_set(e, ERR_CONFIG, "sqlite: not the schema of this program: %s", sqlite3_errmsg(c->db));
	return rc == SQLITE_OK ? ERR_OK : connection_fail(c, rc, "schema", e);
}

enum err_code
schema_upgrade(struct connection *c, int64_t version, struct err *e)
{
	char		settings[96];
	enum err_code	rc;
	int64_t		v;

	if (version == SCHEMA_VERSION)
		return ERR_OK;
	if ((rc = connection_exec(c, "BEGIN IMMEDIATE", "schema", e)) != ERR_OK)
		return rc;
	for (v = version; v < SCHEMA_VERSION; v++) {
		if ((rc = schema_apply(c, schemas[v], e)) != ERR_OK)
			goto out;
	}
	(void)snprintf(settings, sizeof(settings), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
	    APPLICATION_ID, SCHEMA_VERSION);
	if ((rc = connection_exec(c, settings, "schema", e)) == ERR_OK)
		rc = connection_exec(c, "COMMIT", "schema", e);
out:
	if (sqlite3_get_autocommit(c->db) == 0)
		(void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
