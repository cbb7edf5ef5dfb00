#include "db/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "db/sqlite/store_sqlite.h"

enum { STEP_PAGES = 4096 };	/* 16 MiB */

/* Names of ours in the directory of the copy: nobody else's file is touched. */
#define PART_MARK ".lineca-backup-"
#define PART_RANDOM "XXXXXX"

/* What a killed backup left is removed a day later; one that is being made was written to just now. */
enum { LEFT_S = 86400 };

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

/* Is there one free space for both?  Parts of one disk may say that they are different ones. */
static bool
share_a_disk(const char *a, const char *b)
{
	struct stat	st_a, st_b;
	struct statvfs	vfs_a, vfs_b;

	if (stat(a, &st_a) == -1 || stat(b, &st_b) == -1 || statvfs(a, &vfs_a) == -1 || statvfs(b, &vfs_b) == -1)
		return true;
	return st_a.st_dev == st_b.st_dev || (vfs_a.f_blocks == vfs_b.f_blocks && vfs_a.f_bfree == vfs_b.f_bfree && vfs_a.f_frsize == vfs_b.f_frsize);
}

static enum err_code
check_room(const char *path, const char *dir, int64_t leave_free_bytes, struct err *e)
{
	char		log[PATH_MAX];
	struct stat	st;
	struct statvfs	vfs;
	int64_t		needed, room;
	bool		shared = share_a_disk(path, dir);

	if (stat(path, &st) == -1)
		return file_fail(path, e);
	needed = st.st_size;
	if ((size_t)snprintf(log, sizeof(log), "%s-wal", path) < sizeof(log) && stat(log, &st) == 0)
		needed += st.st_size;
	if (shared)
		needed += leave_free_bytes;
	if (statvfs(dir, &vfs) == -1)
		return file_fail(dir, e);
	room = (int64_t)(vfs.f_bavail * vfs.f_frsize);
	/* one that does not tell its size says so when it is full */
	if (vfs.f_blocks != 0 && room < needed)
		return err_set(e, ERR_DISK_LOW, "%s: %lld MB are free, and %lld MB are needed%s: nothing was written. Make room, or choose another disk", dir,
		    (long long)(room / 1000000), (long long)(needed / 1000000 + 1), shared ? " with the reserve that issuing needs" : "");
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

/* A name of ours: six letters or digits behind the mark, and what SQLite puts behind a name. */
static bool
is_ours(const char *name)
{
	static const char *const	ends[] = { "", "-wal", "-shm", "-journal" };
	const char			*random = name + strlen(PART_MARK);

	if (strncmp(name, PART_MARK, strlen(PART_MARK)) != 0 ||
	    strspn(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != strlen(PART_RANDOM))
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strcmp(random + strlen(PART_RANDOM), ends[i]) == 0)
			return true;
	return false;
}

/* By the clock of the disk, which wrote the time of our own part too. */
static void
sweep(const struct part *p)
{
	struct dirent	*entry;
	struct stat	mine, st;
	DIR		*d;

	if (fstat(p->fd, &mine) == -1 || (d = opendir(p->dir)) == NULL)
		return;
	while ((entry = readdir(d)) != NULL) {
		if (is_ours(entry->d_name) && fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		    mine.st_mtime - st.st_mtime > LEFT_S)
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	}
	(void)closedir(d);
}

static enum err_code
part_open(struct part *p, struct err *e)
{
	(void)snprintf(p->path, sizeof(p->path), "%s/" PART_MARK PART_RANDOM, p->dir);
	return (p->fd = mkostemp(p->path, O_CLOEXEC)) == -1 ? file_fail(p->dir, e) : ERR_OK;
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
	/* finish has left the words of either error with the copy's connection */
	if (step != SQLITE_DONE)
		end = step;
	if ((end & 0xff) == SQLITE_FULL)
		return err_set(e, ERR_DISK_LOW, "the disk of the copy is full: make room, or choose another");
	if (end != SQLITE_OK)
		return connection_fail(to, end, "backup", e);
	return connection_exec(from, "COMMIT", "backup", e);
}

static enum err_code
copy(const char *path, const char *part, struct err *e)
{
	struct connection	from = { 0 }, to = { 0 };
	enum err_code		rc;
	int64_t			version;

	/* what is copied over is a new file: nothing of it has to be taken back */
	if ((rc = connection_open(&from, path, false, e)) == ERR_OK && (rc = schema_check(&from, &version, e)) == ERR_OK &&
	    (rc = connection_open_alone(&to, part, e)) == ERR_OK &&
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

static enum err_code
check_whole(const char *part, struct backup *ret, struct err *e)
{
	struct connection	c = { 0 };
	char			word[256] = "";
	enum err_code		rc;
	int64_t			version;
	int			found;

	if ((rc = connection_open_alone(&c, part, e)) != ERR_OK || (rc = schema_check(&c, &version, e)) != ERR_OK)
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
	if ((rc = part_open(&part, e)) != ERR_OK)
		return rc;
	sweep(&part);
	if ((rc = check_room(path, part.dir, leave_free_bytes, e)) == ERR_OK && (rc = copy(path, part.path, e)) == ERR_OK &&
	    (rc = part_check(&part, ret, e)) == ERR_OK)
		rc = file_publish(part.path, part.file, e);
	if (rc != ERR_OK)
		(void)unlink(part.path);
	/* not before SQLite has closed it: that would take its locks */
	(void)close(part.fd);
	return rc;
}
