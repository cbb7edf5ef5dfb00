/*
 * The n-th thing that can fail fails: writes, syncs and opens of files by a VFS laid over SQLite's own, and SQLite's memory.  Or the
 * power is cut there: then only what was synced is still on the disk.
 */
#ifndef TESTS_UNIT_DB_FAULTS_H
#define TESTS_UNIT_DB_FAULTS_H

#include <stdbool.h>

#include "ledger.h"

enum fault_kind { FAULT_IOERR, FAULT_FULL, FAULT_NOMEM, FAULT_POWER };

/* One countdown for all hooks: the call that brings it to 0 fails; sticky: all after it too. */
struct fault {
	bool		armed, sticky, fired;
	enum fault_kind	kind;
	long		left;
};
extern struct fault	fault;

/* What would be on the disk after a power cut: the database and its log as they were when last synced. */
enum { DISK_BYTES = 1024 * 1024 };
struct disk {
	const char	*suffix;
	bool		 exists;
	long		 len;
	char		 bytes[DISK_BYTES];
};
extern struct disk	disks[2];

/* Notes the file at path as synced. */
void	disk_read(struct disk *d, const char *path);
/* The files of the ledger at path become what was synced. */
void	disks_write(const char *path);

/* Once a process, before SQLite is used: a group setup of cmocka. */
int	shims_install(void **state);

#endif
