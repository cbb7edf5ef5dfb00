#include "db/sqlite/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
log_path_of(const char *path, char out[PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, "%s-wal", path);
}

enum err_code
files_sync_log(const char *path, struct err *e)
{
	char	log_path[PATH_MAX];
	int	fd, synced;

	log_path_of(path, log_path);
	if ((fd = open(log_path, O_RDONLY | O_CLOEXEC)) == -1)
		return err_set(e, ERR_STORAGE, "ledger: %s: %s", log_path, strerror(errno));
	if ((synced = fdatasync(fd)) == -1)
		(void)err_set(e, ERR_STORAGE, "ledger: %s: %s", log_path, strerror(errno));
	(void)close(fd);
	return synced == -1 ? e->code : ERR_OK;
}

enum err_code
files_check(struct files *f, const char *path, struct err *e)
{
	struct stat	database, log;
	char		log_path[PATH_MAX];

	log_path_of(path, log_path);
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
