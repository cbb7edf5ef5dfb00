/* Files, whole and durable.  Errors carry the path and the system's words. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Reads a whole file of at most max bytes; *ret is NUL-terminated behind *ret_len bytes and the caller's to free.
 * ERR_NOT_FOUND, ERR_PERMISSION, ERR_IO (also: larger than max).
 */
ERR_MUST_CHECK enum err_code	file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct err *e);

/* Makes a new file with exactly this mode, writes and syncs it.  ERR_CONFLICT: it exists.  A half-written one is removed. */
ERR_MUST_CHECK enum err_code	file_write_new(const char *path, mode_t mode, const void *data, size_t len, struct err *e);

/*
 * Gives the finished file part its name in the same directory, never over another file, and syncs both; part is gone then.
 * ERR_CONFLICT: path exists.
 */
ERR_MUST_CHECK enum err_code	file_publish(const char *part, const char *path, struct err *e);
/* Makes the names in a directory durable. */
ERR_MUST_CHECK enum err_code	file_sync_dir(const char *path, struct err *e);

/* Is it a directory that can be read and holds nothing? */
bool				file_is_empty_dir(const char *path);

/* DIR/NAME into out; ERR_USAGE if it does not fit. */
ERR_MUST_CHECK enum err_code	file_join(char *out, size_t out_size, const char *dir, const char *name, struct err *e);

/* The error code that errno means for a file. */
enum err_code			file_err_code(int errnum);

#endif
