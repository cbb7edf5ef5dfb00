/* A copy of a ledger that is in use.  What such a copy is to the ledger's own events: store_ops.backup_record. */
#ifndef DB_BACKUP_H
#define DB_BACKUP_H

#include <stdint.h>

#include "base/err.h"

struct backup {
	int64_t	bytes;			/* of the file */
	int64_t	certificates;		/* rows that were counted in it */
};

/*
 * Copies the SQLite ledger at path, as it is at one moment, into the new file: read again from the disk and checked, synced, readable for its
 * owner alone, and under its name only when it is whole.  A server may run meanwhile; its log grows until the copy is made.
 * leave_free_bytes stay free where the file shares the ledger's disk.  What a killed backup left in its directory is removed a day later.  One thread.
 * ERR_USAGE: no name for a file, or one in the ledger's own directory; ERR_CONFLICT: the file exists; ERR_NOT_FOUND, ERR_PERMISSION: its directory; ERR_DISK_LOW: no room for it;
 * ERR_BUSY: try again; ERR_IO; ERR_STORAGE: the ledger, or its copy, is damaged; ERR_CONFIG: it is no ledger of this program; ERR_NOMEM.
 */
ERR_MUST_CHECK enum err_code	backup_copy(const char *path, const char *file, int64_t leave_free_bytes, struct backup *ret, struct err *e);

#endif
