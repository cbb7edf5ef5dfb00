#include "db/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "db/sqlite/store_sqlite.h"

enum { STEP_PAGES = 4096 };	/* 16 MiB */

/* The copy while it is made: FILE.part, locked by us. */
struct part {
	char	path[PATH_MAX];
	int	fd;
};

static enum err_code
file_fail(const char *path, struct err *e)
{
	int	errnum = errno;

	return err_set(e, file_err_code(errnum), "%s: %s", path, strerror(errnum));
}

static enum err_code
check_absent(const char *file, struct err *e)
{
	struct stat	st;

	if (lstat(file, &st) == 0)
		return err_set(e, ERR_CONFLICT, S_ISDIR(st.st_mode) ? "%s is a directory: name a new file in it" :
		    "%s exists already: nothing was changed. A backup is a new file", file);
	return errno == ENOENT ? ERR_OK : file_fail(file, e);
}

static enum err_code
check_room(const char *path, const char *dir, int64_t leave_free_bytes, struct err *e)
{
	struct stat	ledger, target;
	struct statvfs	vfs;
	int64_t		needed, room;

	if (stat(path, &ledger) == -1)
		return file_fail(path, e);
	if (stat(dir, &target) == -1 || statvfs(dir, &vfs) == -1)
		return file_fail(dir, e);
	needed = ledger.st_size + (ledger.st_dev == target.st_dev ? leave_free_bytes : 0);
	room = (int64_t)(vfs.f_bavail * vfs.f_frsize);
	if (room < needed)
		return err_set(e, ERR_DISK_LOW, "%s: %lld MB are free, and %lld MB are needed%s: nothing was written. Make room, or choose another disk", dir,
		    (long long)(room / 1000000), (long long)(needed / 1000000 + 1),
		    needed > ledger.st_size ? " with the reserve that issuing needs" : "");
	return ERR_OK;
}

/* What a killed process left is taken over; what a running one has is not. */
static enum err_code
part_open(struct part *p, const char *file, struct err *e)
{
	struct stat	mine, named;
	int		n = snprintf(p->path, sizeof(p->path), "%s.part", file);

	if (n < 0 || (size_t)n >= sizeof(p->path))
		return err_set(e, ERR_USAGE, "the path %.80s... is too long", file);
	if ((p->fd = open(p->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		return file_fail(p->path, e);
	if (flock(p->fd, LOCK_EX | LOCK_NB) == -1 || fstat(p->fd, &mine) == -1 || lstat(p->path, &named) == -1 ||
	    mine.st_ino != named.st_ino || mine.st_dev != named.st_dev)
		return err_set(e, ERR_CONFLICT, "%s: another backup into this file is being made", file);
	if (!S_ISREG(mine.st_mode))
		return err_set(e, ERR_CONFLICT, "%s is in the way: it is no file", p->path);
	if (fchmod(p->fd, 0600) == -1 || ftruncate(p->fd, 0) == -1)
		return file_fail(p->path, e);
	return ERR_OK;
}

/* All pages, in one moment of the ledger: the transaction keeps others' commits out of the copy, and SQLite from beginning again at each. */
static enum err_code
copy_pages(struct connection *from, struct connection *to, struct err *e)
{
	sqlite3_backup	*b;
	enum err_code	 rc;
	int64_t		 tables;
	int		 step, end;

	if ((rc = connection_exec(from, "BEGIN", "backup", e)) != ERR_OK ||
	    (rc = connection_pragma_int(from, "SELECT count(*) FROM sqlite_schema", &tables, e)) != ERR_OK)
		return rc;
	if ((b = sqlite3_backup_init(to->db, "main", from->db, "main")) == NULL)
		return connection_fail(to, sqlite3_extended_errcode(to->db), "backup", e);
	do
		step = sqlite3_backup_step(b, STEP_PAGES);
	while (step == SQLITE_OK);
	end = sqlite3_backup_finish(b);
	if (step != SQLITE_DONE)
		return err_set(e, (step & 0xff) == SQLITE_NOMEM ? ERR_NOMEM : ERR_STORAGE, "the copy could not be made: %s", sqlite3_errstr(step));
	return end == SQLITE_OK ? connection_exec(from, "COMMIT", "backup", e) : connection_fail(to, end, "backup", e);
}

static enum err_code
copy(const char *path, const char *part, struct err *e)
{
	struct connection	from = { 0 }, to = { 0 };
	enum err_code		rc;
	int64_t			version;

	/* what is copied over is a new file: nothing of it has to be taken back */
	if ((rc = connection_open(&from, path, false, e)) == ERR_OK && (rc = schema_check(&from, &version, e)) == ERR_OK &&
	    (rc = connection_open(&to, part, false, e)) == ERR_OK &&
	    (rc = connection_exec(&to, "PRAGMA journal_mode = MEMORY", "backup", e)) == ERR_OK)
		rc = copy_pages(&from, &to, e);
	connection_close(&to);
	connection_close(&from);
	return rc;
}

static int
first_word(void *arg, int n, char **values, char **names)
{
	char	*word = arg;

	(void)names;
	if (word[0] == '\0')
		(void)snprintf(word, 256, "%s", n > 0 && values[0] != NULL ? values[0] : "?");
	return 0;
}

/* Alone with the file: no shared memory is made beside it, which some disks for backups cannot do. */
static enum err_code
check_whole(const char *part, struct backup *ret, struct err *e)
{
	struct connection	c = { 0 };
	char			word[256] = "";
	enum err_code		rc;
	int64_t			version;
	int			found;

	if ((rc = connection_open(&c, part, false, e)) != ERR_OK ||
	    (rc = connection_exec(&c, "PRAGMA locking_mode = EXCLUSIVE", "backup", e)) != ERR_OK || (rc = schema_check(&c, &version, e)) != ERR_OK)
		goto out;
	if ((found = sqlite3_exec(c.db, "PRAGMA quick_check(1)", first_word, word, NULL)) != SQLITE_OK)
		rc = connection_fail(&c, found, "backup", e);
	else if (strcmp(word, "ok") != 0)
		rc = err_set(e, ERR_STORAGE, "the ledger is damaged, or the disk of the copy is: %s", strrchr(word, '\n') != NULL ? strrchr(word, '\n') + 1 : word);
	else
		rc = connection_pragma_int(&c, "SELECT count(*) FROM certificate", &ret->certificates, e);
out:
	connection_close(&c);
	return rc;
}

/* From the disk, not from what the kernel still has of it. */
static enum err_code
part_check(const struct part *p, struct backup *ret, struct err *e)
{
	struct stat	st;

	if (fsync(p->fd) == -1 || fstat(p->fd, &st) == -1)
		return file_fail(p->path, e);
	ret->bytes = st.st_size;
	(void)posix_fadvise(p->fd, 0, 0, POSIX_FADV_DONTNEED);
	return check_whole(p->path, ret, e);
}

enum err_code
backup_copy(const char *path, const char *file, int64_t leave_free_bytes, struct backup *ret, struct err *e)
{
	struct part	part = { .fd = -1 };
	char		dir[PATH_MAX];
	enum err_code	rc;

	if ((size_t)snprintf(dir, sizeof(dir), "%s", file) >= sizeof(dir))
		return err_set(e, ERR_USAGE, "the path %.80s... is too long", file);
	if ((rc = check_absent(file, e)) != ERR_OK || (rc = check_room(path, dirname(dir), leave_free_bytes, e)) != ERR_OK)
		return rc;
	if ((rc = part_open(&part, file, e)) != ERR_OK)
		goto out;
	if ((rc = copy(path, part.path, e)) == ERR_OK && (rc = part_check(&part, ret, e)) == ERR_OK)
		rc = file_publish(part.path, file, e);
	if (rc != ERR_OK)
		(void)unlink(part.path);
out:
	/* Not before SQLite has closed it: that would take its locks. */
	if (part.fd != -1)
		(void)close(part.fd);
	return rc;
}
