#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "base/file.h"
#include "ca/pem.h"
#include "guard.h"

/*
 * A home is made in a directory beside it and renamed into place at the end: killed half-way, there is no home.
 * What a killed init left is swept by the next one; the lock on the directory tells the dead from the living.
 */
#define STAGING_MARK ".init-"
#define CA_KEY_FILE "ca-1.key"
#define CA_CERTIFICATE_FILE "ca-1.crt"

struct init {
	const char	*home;
	char		 staging[HOME_PATH_BYTES];
	int		 staging_fd;
	const char	*ca_name;
	enum ca_key_alg	 alg;
	int64_t		 days;
};

static enum err_code
parse_arguments(struct cmd *c, struct init *in, struct err *e)
{
	const char *key = "p256", *days = "3650";
	const struct arg_option options[] = {
		{ "ca-name", &in->ca_name, NULL }, { "key", &key, NULL }, { "days", &days, NULL }, { 0 }
	};
	const char *none[1];
	enum err_code rc;

	in->ca_name = "lineca-ca";
	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK ||
	    (rc = ca_key_alg_parse(key, &in->alg, e)) != ERR_OK ||
	    (rc = args_number("--days", days, 1, 36500, &in->days, e)) != ERR_OK)
		return rc;
	if (*in->ca_name == '\0' || strlen(in->ca_name) > LIMIT_NAME_BYTES)
		return err_set(e, ERR_USAGE, "--ca-name: 1 to %d characters are needed", LIMIT_NAME_BYTES);
	in->home = c->home;
	return ERR_OK;
}

static enum err_code
check_absent(const struct init *in, struct err *e)
{
	struct stat st;

	if (lstat(in->home, &st) == -1) {
		int errnum = errno;

		return errnum == ENOENT ? ERR_OK : err_set(e, file_err_code(errnum), "%s: %s", in->home, strerror(errnum));
	}
	/* an empty directory may wait for its home: systemd makes such a one */
	if (file_is_empty_dir(in->home))
		return ERR_OK;
	return err_set(e, ERR_CONFLICT, "%s exists already: nothing was changed. Choose another directory with --home", in->home);
}

/* Removes a directory of ours: files, and one level of directories. */
static void
remove_tree(int parent_fd, const char *name, int depth)
{
	struct dirent *entry;
	DIR *d;
	int fd;

	if ((fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return;
	if ((d = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return;
	}
	while ((entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(d), entry->d_name, 0) == -1 && depth > 0)
			remove_tree(dirfd(d), entry->d_name, depth - 1);
	}
	(void)closedir(d);
	(void)unlinkat(parent_fd, name, AT_REMOVEDIR);
}

/* Was it left by an init that is no more? */
static bool
is_stale(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool stale;

	if (fd == -1)
		return false;
	stale = flock(fd, LOCK_EX | LOCK_NB) == 0;
	(void)close(fd);
	return stale;
}

static void
sweep_stale(const char *parent, const char *base)
{
	char prefix[NAME_MAX + 1];
	struct dirent *entry;
	DIR *d;

	(void)snprintf(prefix, sizeof(prefix), ".%s" STAGING_MARK, base);
	if ((d = opendir(parent)) == NULL)
		return;
	while ((entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && is_stale(dirfd(d), entry->d_name))
			remove_tree(dirfd(d), entry->d_name, 1);
	(void)closedir(d);
}

/* PARENT/.BASE.init-XXXXXX, locked. */
static enum err_code
make_staging(struct init *in, struct err *e)
{
	char for_dir[HOME_PATH_BYTES], for_base[HOME_PATH_BYTES];
	const char *parent, *base;
	int n;

	if (strlen(in->home) >= HOME_PATH_BYTES - 64)
		return err_set(e, ERR_USAGE, "the home's path is too long: %.80s...", in->home);
	(void)snprintf(for_dir, sizeof(for_dir), "%s", in->home);
	(void)snprintf(for_base, sizeof(for_base), "%s", in->home);
	parent = dirname(for_dir);
	base = basename(for_base);
	sweep_stale(parent, base);
	n = snprintf(in->staging, sizeof(in->staging), "%s/.%s" STAGING_MARK "XXXXXX", parent, base);
	if (n < 0 || (size_t)n >= sizeof(in->staging))
		return err_set(e, ERR_USAGE, "the home's path is too long: %.80s...", in->home);
	if (mkdtemp(in->staging) == NULL) {
		int errnum = errno;

		in->staging[0] = '\0';
		return err_set(e, file_err_code(errnum), "%s: %s%s", parent, strerror(errnum),
		    errnum == ENOENT ? " (make this directory first)" : "");
	}
	in->staging_fd = open(in->staging, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (in->staging_fd == -1 || flock(in->staging_fd, LOCK_EX | LOCK_NB) == -1)
		return err_set(e, ERR_IO, "%s: %s", in->staging, strerror(errno));
	return ERR_OK;
}

static enum err_code
write_config(const struct init *in, struct err *e)
{
	char path[HOME_PATH_BYTES];
	enum err_code rc;
	size_t len;
	char *text;

	if ((rc = file_join(path, sizeof(path), in->staging, HOME_CONFIG, e)) != ERR_OK)
		return rc;
	if ((text = config_text(&len)) == NULL)
		return err_set(e, ERR_NOMEM, "configuration");
	rc = file_write_new(path, 0600, text, len, e);
	free(text);
	return rc;
}

/* The CA's key and certificate as files below ca/. */
static enum err_code
write_ca(const struct init *in, uint8_t *der, size_t *ret_len, struct err *e)
{
	struct ca_request request = { .common_name = in->ca_name, .days = (int)in->days };
	char dir[HOME_PATH_BYTES], path[HOME_PATH_BYTES], pem[2 * LIMIT_CERTIFICATE_BYTES];
	struct ca_key *key = NULL;
	enum err_code rc;

	if ((rc = file_join(dir, sizeof(dir), in->staging, HOME_CA, e)) != ERR_OK ||
	    (rc = ca_key_generate(in->alg, &key, e)) != ERR_OK ||
	    (rc = ca_certificate_self_sign(key, &request, &clock_system, &rnd_system, der, ret_len, e)) != ERR_OK)
		goto out;
	if (mkdir(dir, 0700) == -1) {
		rc = err_set(e, file_err_code(errno), "%s: %s", dir, strerror(errno));
		goto out;
	}
	if ((rc = file_join(path, sizeof(path), dir, CA_KEY_FILE, e)) != ERR_OK ||
	    (rc = ca_key_save(key, path, e)) != ERR_OK ||
	    (rc = file_join(path, sizeof(path), dir, CA_CERTIFICATE_FILE, e)) != ERR_OK ||
	    (rc = file_write_new(path, 0644, pem, pem_encode_certificate(der, *ret_len, pem), e)) != ERR_OK)
		goto out;
	rc = file_sync_dir(dir, e);
out:
	ca_key_free(key);
	return rc;
}

static enum err_code
write_ledger(const struct init *in, uint8_t *der, size_t der_len, struct err *e)
{
	const struct store_ops *ops = &store_sqlite;
	struct store_ca ca = { .active = true, .der = der, .der_len = der_len, .created_at_us = clock_system.now_us(&clock_system) };
	char path[HOME_PATH_BYTES];
	struct store_config cf = { .path = path, .cache_bytes = 1 << 20 };
	struct store *store = NULL;
	enum err_code rc;
	int64_t id;

	(void)snprintf(ca.name, sizeof(ca.name), "%s", in->ca_name);
	(void)snprintf(ca.key_ref, sizeof(ca.key_ref), "%s", CA_KEY_FILE);
	if ((rc = file_join(path, sizeof(path), in->staging, HOME_LEDGER, e)) != ERR_OK ||
	    (rc = ops->create(&cf, e)) != ERR_OK ||
	    (rc = ops->open(&cf, &store, e)) != ERR_OK)
		return rc;
	if ((rc = ops->ca_add(store, &ca, &id, e)) == ERR_OK)
		rc = ops->checkpoint(store, e);
	ops->close(store);
	return rc;
}

static enum err_code
move_into_place(const struct init *in, struct err *e)
{
	char for_dir[HOME_PATH_BYTES];
	enum err_code rc;

	if ((rc = file_sync_dir(in->staging, e)) != ERR_OK)
		return rc;
	/* rename(2) replaces an empty directory and nothing else */
	if (rename(in->staging, in->home) == -1)
		return err_set(e, errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR ? ERR_CONFLICT : file_err_code(errno),
		    "%s: %s; nothing was changed", in->home, strerror(errno));
	(void)snprintf(for_dir, sizeof(for_dir), "%s", in->home);
	return file_sync_dir(dirname(for_dir), e);
}

static enum err_code
make_home(struct init *in, struct err *e)
{
	uint8_t der[LIMIT_CERTIFICATE_BYTES];
	size_t der_len;
	enum err_code rc;

	if (clock_now_s(&clock_system) < guard_build_time_s())
		return err_set(e, ERR_CLOCK, "the clock of this machine is behind the day this program was built: set it first, "
		    "a CA's certificate would begin in the past");
	if ((rc = check_absent(in, e)) != ERR_OK ||
	    (rc = make_staging(in, e)) != ERR_OK ||
	    (rc = write_config(in, e)) != ERR_OK ||
	    (rc = write_ca(in, der, &der_len, e)) != ERR_OK ||
	    (rc = write_ledger(in, der, der_len, e)) != ERR_OK)
		return rc;
	return move_into_place(in, e);
}

enum err_code
cmd_init(struct cmd *c, struct err *e)
{
	struct init in = { .staging_fd = -1 };
	enum err_code rc;

	if ((rc = parse_arguments(c, &in, e)) != ERR_OK)
		return rc;
	rc = make_home(&in, e);
	if (rc != ERR_OK && in.staging[0] != '\0')
		remove_tree(AT_FDCWD, in.staging, 1);
	if (in.staging_fd != -1)
		(void)close(in.staging_fd);
	if (rc == ERR_OK)
		(void)fprintf(stderr, "%s is made, with the issuing CA \"%s\" (%s, %lld days).\n"
		    "Next: lineca --home %s batch create NAME --quantity N\n"
		    "      lineca --home %s serve\n",
		    in.home, in.ca_name, ca_key_alg_name(in.alg), (long long)in.days, in.home, in.home);
	return rc;
}
