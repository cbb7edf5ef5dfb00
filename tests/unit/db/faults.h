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

/* The closed ledger at path is what every run begins with, until this is called for the next. */
void	fault_begin(const char *path);
/* Lays the files of the ledger back as they began, whatever the last run left there; from now on the nth call fails. */
void	fault_arm(enum fault_kind kind, bool sticky, long nth);
/* No more fails.  After a power cut there is on the disk what had been synced.  Whether one had failed. */
bool	fault_disarm(void);

/* Once a process, before SQLite is used: a group setup of cmocka. */
int	shims_install(void **state);

#endif
