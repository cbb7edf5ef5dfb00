/*
 * Are the ledger's files still those that were opened?  SQLite writes on into a file that was deleted or replaced under it, and
 * what it then calls durable nobody will ever read.
 */
#ifndef DB_SQLITE_FILES_H
#define DB_SQLITE_FILES_H

#include <sys/types.h>

#include "base/err.h"

/* The database file and its log, as they were when first looked at; all zeroes before. */
struct files {
	dev_t	device;
	ino_t	database, log;
};

/*
 * The first call after the log exists notes the files at path; later ones compare.  ERR_STORAGE: deleted, replaced or out of
 * reach.  Two stat(2).
 */
ERR_MUST_CHECK enum err_code	files_check(struct files *f, const char *path, struct err *e);

/*
 * Brings to the disk what was written into the log of the database at path without a commit, so that the first commit need not.
 * Opens and closes the log: SQLite holds no locks on that file, which closing would drop.
 */
ERR_MUST_CHECK enum err_code	files_sync_log(const char *path, struct err *e);

#endif
