#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum err_code
home_join(const struct home *h, const char *name, char out[HOME_PATH_BYTES], struct err *e)
{
	return file_join(out, HOME_PATH_BYTES, h->path, name, e);
}

enum err_code
home_resolve(const struct home *h, const char *path, char out[HOME_PATH_BYTES], struct err *e)
{
	if (path[0] != '/')
		return home_join(h, path, out, e);
	if (strlen(path) >= HOME_PATH_BYTES)
		return err_set(e, ERR_USAGE, "the path %.80s... is too long", path);
	(void)snprintf(out, HOME_PATH_BYTES, "%s", path);
	return ERR_OK;
}

static enum err_code
home_open_ledger(struct home *h, struct err *e)
{
	char path[HOME_PATH_BYTES];
	struct store_config cf = {
		.path = path, .cache_bytes = h->config.commit_cache_mib << 20, .log_bytes = HOME_LOG_BYTES
	};
	struct err why;
	enum err_code rc;

	if ((rc = home_join(h, HOME_LEDGER, path, e)) != ERR_OK)
		return rc;
	rc = h->ops->open(&cf, &h->store, &why);
	if (rc != ERR_OK && (access(path, R_OK | W_OK) == -1 || access(h->path, W_OK) == -1) && errno == EACCES)
		return err_set(e, ERR_PERMISSION, "%s may not be written by this user: run lineca as the user who owns it", path);
	if (rc == ERR_STORAGE || (rc == ERR_CONFIG && access(path, F_OK) == -1))
		return err_set(e, rc, "%s: %s. If it is lost or damaged, go back to a backup: README, \"Operate it\"", path, why.log_text);
	if (rc != ERR_OK)
		return err_set(e, rc, "%s: %s", path, why.log_text);
	return h->ops->reader_open(h->store, &h->reader, e);
}

enum err_code
home_open(struct home *h, const char *path, struct err *e)
{
	char file[HOME_PATH_BYTES];
	enum err_code rc;

	if (strlen(path) >= sizeof(h->path) - 64)
		return err_set(e, ERR_USAGE, "the home's path is too long: %.80s...", path);
	(void)snprintf(h->path, sizeof(h->path), "%s", path);
	h->ops = &store_sqlite;
	if ((rc = home_join(h, HOME_CONFIG, file, e)) != ERR_OK)
		return rc;
	if ((rc = config_load(file, &h->config, e)) == ERR_NOT_FOUND && access(path, F_OK) == 0 && !file_is_empty_dir(path))
		return err_set(e, ERR_NOT_FOUND, "%s is missing: restore it from the backup (an empty one means the defaults)", file);
	if (rc == ERR_NOT_FOUND)
		return err_set(e, ERR_NOT_FOUND, "there is no home at %s: make one with `lineca --home %s init`", path, path);
	if (rc == ERR_PERMISSION)
		return err_set(e, rc, "the home %s may not be read by this user: run lineca as the user who owns it", path);
	if (rc != ERR_OK)
		return rc;
	return home_open_ledger(h, e);
}

void
home_close(struct home *h)
{
	if (h->ops == NULL)
		return;
	h->ops->reader_close(h->reader);
	h->ops->close(h->store);
	h->reader = NULL;
	h->store = NULL;
}

/* The whole file, for its open file description: not lost when another part of the process closes the file, as POSIX's own are. */
static struct flock
whole_file(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

/* The pid that the holder wrote, for the message; 0 if it cannot be read. */
static long
lock_pid(int fd)
{
	char text[32] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	return strtol(text, NULL, 10);
}

long
home_lock_holder(const struct home *h, const char *name)
{
	struct flock lock = whole_file();
	char path[HOME_PATH_BYTES];
	struct err e;
	long pid = 0;
	int fd;

	if (home_join(h, name, path, &e) != ERR_OK || (fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return 0;
	if (fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		pid = lock_pid(fd);
	(void)close(fd);
	return pid;
}

void
home_give(const struct home *h, int fd)
{
	struct stat st;

	if (geteuid() == 0 && stat(h->path, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == -1)
		return;		/* then the owner hears of it when he comes */
}

enum err_code
home_lock(const struct home *h, const char *name, const char *what, int *ret_fd, struct err *e)
{
	struct flock lock = whole_file();
	char path[HOME_PATH_BYTES], pid[32];
	enum err_code rc;
	int fd, len;

	if ((rc = home_join(h, name, path, e)) != ERR_OK)
		return rc;
	if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1)
		return err_set(e, file_err_code(errno), "open %s: %s", path, strerror(errno));
	home_give(h, fd);
	if (fcntl(fd, F_OFD_SETLK, &lock) == -1) {
		if (errno == EAGAIN || errno == EACCES)
			rc = err_set(e, ERR_CONFLICT, "%s already runs on the home %s (process %ld)", what, h->path, lock_pid(fd));
		else
			rc = err_set(e, ERR_IO, "lock %s: %s", path, strerror(errno));
		(void)close(fd);
		return rc;
	}
	len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == -1 || pwrite(fd, pid, (size_t)len, 0) != len) {
		rc = err_set(e, ERR_IO, "write %s: %s", path, strerror(errno));
		(void)close(fd);
		return rc;
	}
	*ret_fd = fd;
	return ERR_OK;
}
