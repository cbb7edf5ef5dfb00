#include "db/sqlite/files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum err_code
files_check(struct files *f, const char *path, struct err *e)
{
	struct stat	database, log;
	char		log_path[PATH_MAX];

	(void)snprintf(log_path, sizeof(log_path), "%s-wal", path);
	if (stat(path, &database) == -1)
		return err_set(e, ERR_STORAGE, "ledger: %s: %s: the file of the running ledger is gone", path, strerror(errno));
	if (stat(log_path, &log) == -1)
		return err_set(e, ERR_STORAGE, "ledger: %s: %s: the log of the running ledger is gone", log_path, strerror(errno));
	if (f->database == 0)
		*f = (struct files){ .device = database.st_dev, .database = database.st_ino, .log = log.st_ino };
	if (database.st_dev != f->device || database.st_ino != f->database || log.st_dev != f->device || log.st_ino != f->log)
		return err_set(e, ERR_STORAGE, "ledger: %s: the file of the running ledger was replaced by another", path);
	return ERR_OK;
}
