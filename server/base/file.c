#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum err_code
file_err_code(int errnum)
{
	switch (errnum) {
	case ENOENT:
		return ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_PERMISSION;
	case EEXIST:
		return ERR_CONFLICT;
	case ENOMEM:
		return ERR_NOMEM;
	default:
		return ERR_IO;
	}
}

static enum err_code
file_err(struct err *e, const char *what, const char *path)
{
	int errnum = errno;

	return err_set(e, file_err_code(errnum), "%s %s: %s", what, path, strerror(errnum));
}

/* Fills data up to len or the end of the file. */
static bool
read_fully(int fd, char *data, size_t len, size_t *ret_len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, data + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	*ret_len = got;
	return true;
}

enum err_code
file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct err *e)
{
	char *data = NULL;
	size_t len = 0;
	enum err_code rc;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return file_err(e, "open", path);
	/* one byte more than allowed, to see that there is more */
	if ((data = malloc(max + 2)) == NULL) {
		rc = err_set(e, ERR_NOMEM, "read %s: no memory for %zu bytes", path, max);
		goto out;
	}
	if (!read_fully(fd, data, max + 1, &len)) {
		rc = file_err(e, "read", path);
		goto out;
	}
	if (len > max) {
		rc = err_set(e, ERR_IO, "read %s: larger than %zu bytes", path, max);
		goto out;
	}
	data[len] = '\0';
	*ret = data;
	*ret_len = len;
	data = NULL;
	rc = ERR_OK;
out:
	free(data);
	(void)close(fd);
	return rc;
}

static bool
write_fully(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

enum err_code
file_write_new(const char *path, mode_t mode, const void *data, size_t len, struct err *e)
{
	enum err_code rc = ERR_OK;
	int fd;

	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)) == -1)
		return file_err(e, "create", path);
	/* fchmod: the umask may have taken more than the caller wanted */
	if (fchmod(fd, mode) == -1 || !write_fully(fd, data, len) || fsync(fd) == -1)
		rc = file_err(e, "write", path);
	if (close(fd) == -1 && rc == ERR_OK)
		rc = file_err(e, "close", path);
	if (rc != ERR_OK)
		(void)unlink(path);
	return rc;
}

enum err_code
file_sync_dir(const char *path, struct err *e)
{
	enum err_code rc = ERR_OK;
	int fd;

	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return file_err(e, "open", path);
	/* where a directory cannot be synced, its names are as durable as they get */
	if (fsync(fd) == -1 && errno != EINVAL && errno != ENOTSUP)
		rc = file_err(e, "sync", path);
	(void)close(fd);
	return rc;
}

static enum err_code
sync_file(const char *path, struct err *e)
{
	enum err_code rc = ERR_OK;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return file_err(e, "open", path);
	if (fsync(fd) == -1)
		rc = file_err(e, "sync", path);
	(void)close(fd);
	return rc;
}

/* Not every file system can do it: NFS knows no such rename, others no link; where there is neither, a look before must do. */
static bool
rename_new(const char *part, const char *path)
{
	struct stat st;

	if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	if (link(part, path) == 0) {
		(void)unlink(part);
		return true;
	}
	if (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP)
		return false;
	if (lstat(path, &st) == 0) {
		errno = EEXIST;
		return false;
	}
	return errno == ENOENT && rename(part, path) == 0;
}

enum err_code
file_publish(const char *part, const char *path, struct err *e)
{
	char dir[PATH_MAX];
	enum err_code rc;

	if ((size_t)snprintf(dir, sizeof(dir), "%s", path) >= sizeof(dir))
		return err_set(e, ERR_USAGE, "the path %.80s... is too long", path);
	if ((rc = sync_file(part, e)) != ERR_OK)
		return rc;
	if (!rename_new(part, path))
		return file_err(e, "create", path);
	return file_sync_dir(dirname(dir), e);
}

bool
file_is_empty_dir(const char *path)
{
	struct dirent *entry;
	bool empty = true;
	DIR *d;

	if ((d = opendir(path)) == NULL)
		return false;
	while ((entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			empty = false;
	(void)closedir(d);
	return empty;
}

enum err_code
file_join(char *out, size_t out_size, const char *dir, const char *name, struct err *e)
{
	int n = snprintf(out, out_size, "%s/%s", dir, name);

	if (n < 0 || (size_t)n >= out_size)
		return err_set(e, ERR_USAGE, "the path %.80s.../%.80s is too long", dir, name);
	return ERR_OK;
}
