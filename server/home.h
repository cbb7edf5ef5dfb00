/* The home: one directory with lineca.conf, lineca.db, ca/ and the lock of the server. */
#ifndef SERVER_HOME_H
#define SERVER_HOME_H

#include "base/err.h"
#include "config.h"
#include "db/store.h"

enum {
	HOME_PATH_BYTES = 1024,
	HOME_LOG_BYTES = 16 << 20	/* as long as the log gets between two checkpoints */
};

#define HOME_DEFAULT "/var/lib/lineca"
#define HOME_CONFIG "lineca.conf"
#define HOME_LEDGER "lineca.db"
#define HOME_CA "ca"
#define HOME_SERVE_LOCK "serve.lock"		/* held while a server runs on this home */
#define HOME_BATCH_LOCK "batch.lock"		/* held while a batch is being made */
#define HOME_UPLOAD_LOCK "upload.lock"		/* held while an upload runs */
#define HOME_REPORTS "reports"			/* of uploads */

struct home {
	char			 path[HOME_PATH_BYTES];
	struct config		 config;
	const struct store_ops	*ops;
	struct store		*store;
	struct store_reader	*reader;
};

/*
 * Opens what `lineca init` made: settings, ledger, one reader.  ERR_NOT_FOUND says how to make one; ERR_CONFIG,
 * ERR_PERMISSION, ERR_STORAGE.  h is all zeroes before; home_close afterwards in any case.
 */
ERR_MUST_CHECK enum err_code	home_open(struct home *h, const char *path, struct err *e);
void				home_close(struct home *h);

/* A path as lineca.conf may have it: an absolute one as it is, others below the home. */
ERR_MUST_CHECK enum err_code	home_resolve(const struct home *h, const char *path, char out[HOME_PATH_BYTES], struct err *e);

/* PATH/NAME of the home. */
ERR_MUST_CHECK enum err_code	home_join(const struct home *h, const char *name, char out[HOME_PATH_BYTES], struct err *e);

/*
 * Takes a lock file of the home for this process and writes its pid into it.  *ret_fd is closed to give the lock back;
 * the system does that too when the process dies.  ERR_CONFLICT: who has it.
 */
ERR_MUST_CHECK enum err_code	home_lock(const struct home *h, const char *name, const char *what, int *ret_fd, struct err *e);

/*
 * A file or directory that was made in the home becomes its owner's: a command that root ran once must not lock the server's own user
 * out the next night.
 */
void				home_give(const struct home *h, int fd);

/* The process that holds a lock of the home now, without taking it; 0: nobody does. */
long				home_lock_holder(const struct home *h, const char *name);

#endif
