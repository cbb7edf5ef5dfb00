#include "db/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "db/sqlite/store_sqlite.h"

enum { STEP_PAGES = 4096 };	/* 16 MiB */

/* Names of ours in the directory of the copy: nobody else's file is touched. */
#define PART_MARK ".lineca-backup-"
#define PART_RANDOM "XXXXXX"

/* The copy while it is made: locked, so that a later backup tells what is made from what a killed one left. */
struct part {
	char	dir[PATH_MAX];		/* as the kernel names it, so that SQLite takes no name for an URI */
	char	path[PATH_MAX + 64], file[PATH_MAX + 256];
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

/* Where the copy goes: never into the home, whose files have names that mean something, to SQLite too. */
static enum err_code
place(struct part *p, const char *path, const char *file, struct err *e)
{
	char	copy[PATH_MAX], home[PATH_MAX];
	size_t	len;

	if (*file == '\0' || (size_t)snprintf(copy, sizeof(copy), "%s", file) >= sizeof(copy))
		return err_set(e, ERR_USAGE, "\"%.80s\" is no name for a file", file);
	if (realpath(dirname(copy), p->dir) == NULL)
		return file_fail(copy, e);
	(void)snprintf(copy, sizeof(copy), "%s", path);
	if (realpath(dirname(copy), home) == NULL)
		return file_fail(copy, e);
	len = strlen(home);
	if (strncmp(p->dir, home, len) == 0 && (p->dir[len] == '/' || p->dir[len] == '\0'))
		return err_set(e, ERR_USAGE, "%s lies in the home itself: name a file elsewhere, best on another disk", file);
	(void)snprintf(copy, sizeof(copy), "%s", file);
	if ((size_t)snprintf(p->file, sizeof(p->file), "%s/%s", p->dir, basename(copy)) >= sizeof(p->file))
		return err_set(e, ERR_USAGE, "the path %.80s... is too long", file);
	return check_absent(p->file, e);
}

/* Is it, or does it belong to, a copy that is being made? */
static bool
is_made_now(int dir_fd, const char *name)
{
	char	part[sizeof(PART_MARK PART_RANDOM)];
	int	fd;
	bool	locked;

	(void)snprintf(part, sizeof(part), "%.*s", (int)sizeof(part) - 1, name);
	if ((fd = openat(dir_fd, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) == -1)
		return errno != ENOENT;
	locked = flock(fd, LOCK_EX | LOCK_NB) == -1;
	(void)close(fd);
	return locked;
}

static void
sweep(const char *dir)
{
	struct dirent	*entry;
	DIR		*d;

	if ((d = opendir(dir)) == NULL)
		return;
	while ((entry = readdir(d)) != NULL) {
		if (strncmp(entry->d_name, PART_MARK, strlen(PART_MARK)) == 0 && !is_made_now(dirfd(d), entry->d_name))
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	}
	(void)closedir(d);
}

static enum err_code
part_open(struct part *p, struct err *e)
{
	struct stat	st;

	do {
		if (p->fd != -1)
			(void)close(p->fd);
		(void)snprintf(p->path, sizeof(p->path), "%s/" PART_MARK PART_RANDOM, p->dir);
		if ((p->fd = mkostemp(p->path, O_CLOEXEC)) == -1)
			return file_fail(p->dir, e);
		if (flock(p->fd, LOCK_EX) == -1 || fstat(p->fd, &st) == -1)
			return file_fail(p->path, e);
	} while (st.st_nlink == 0);	/* swept before it was locked */
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
	enum err_code	rc;

	if ((rc = place(&part, path, file, e)) != ERR_OK)
		return rc;
	sweep(part.dir);
	if ((rc = check_room(path, part.dir, leave_free_bytes, e)) != ERR_OK)
		return rc;
	if ((rc = part_open(&part, e)) == ERR_OK && (rc = copy(path, part.path, e)) == ERR_OK && (rc = part_check(&part, ret, e)) == ERR_OK)
		rc = file_publish(part.path, part.file, e);
	if (rc != ERR_OK && part.fd != -1)
		(void)unlink(part.path);
	/* Not before SQLite has closed it: that would take its locks. */
	if (part.fd != -1)
		(void)close(part.fd);
	return rc;
}
