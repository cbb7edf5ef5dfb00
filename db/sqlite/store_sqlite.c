/* Making, opening and closing a ledger; the table of functions. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "db/sqlite/store_sqlite.h"

/*
 * What lies in the file before its schema: 4 KiB pages are what disks and kernels write whole; WAL is a property of the
 * file and stays.
 */
static enum err_code
ledger_fill(const char *path, struct err *e)
{
	struct connection	c;
	enum err_code		rc;

	rc = connection_open(&c, path, true, e);
	if (rc == ERR_OK)
		rc = connection_exec(&c, "PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE;", "create", e);
	if (rc == ERR_OK)
		rc = schema_upgrade(&c, 0, e);
	if (rc == ERR_OK)
		rc = connection_exec(&c, "PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE);", "create", e);
	connection_close(&c);
	return rc;
}

static enum err_code
sqlite_create(const struct store_config *cf, struct err *e)
{
	char		*part = NULL;
	enum err_code	 rc;
	mode_t		 mask;
	int		 fd;

	if (access(cf->path, F_OK) == 0)
		return err_say(e, ERR_CONFLICT, "There is a ledger already.");
	if (asprintf(&part, "%s.part", cf->path) == -1)
		return err_set(e, ERR_NOMEM, "create");
	/* What a killed process left.  The name "part" is never opened as a ledger. */
	(void)unlink(part);
	mask = umask(077);	/* for the file and for those SQLite puts beside it */
	if ((fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1)
		rc = err_set(e, ERR_STORAGE, "%s: %s", part, strerror(errno));
	else {
		(void)close(fd);
		if ((rc = ledger_fill(part, e)) == ERR_OK && (rc = file_publish(part, cf->path, e)) == ERR_CONFLICT)
			rc = err_say(e, ERR_CONFLICT, "There is a ledger already.");
		(void)unlink(part);
	}
	(void)umask(mask);
	free(part);
	return rc;
}

static void
sqlite_close(struct store *s)
{
	if (s == NULL)
		return;
	connection_close(&s->writer);
	keys_free(s->keys);
	free(s->tallies);
	free(s->path);
	free(s);
}

static enum err_code
sqlite_open(const struct store_config *cf, struct store **ret, struct err *e)
{
	struct store	*s;
	enum err_code	 rc;
	int64_t		 version;

	if (access(cf->path, F_OK) == -1)
		return err_set(e, ERR_CONFIG, "%s", errno == ENOENT ? "there is no such ledger" : strerror(errno));
	if ((s = calloc(1, sizeof(*s))) == NULL || (s->path = strdup(cf->path)) == NULL) {
		rc = err_set(e, ERR_NOMEM, "open");
		goto out;
	}
	s->cache_bytes = cf->cache_bytes;
	s->log_bytes = cf->log_bytes;
	if ((rc = keys_new(&s->keys, e)) != ERR_OK ||
	    (rc = connection_open(&s->writer, s->path, false, e)) != ERR_OK ||
	    (rc = schema_check(&s->writer, &version, e)) != ERR_OK ||
	    (rc = schema_upgrade(&s->writer, version, e)) != ERR_OK ||
	    (rc = connection_prepare(&s->writer, CONNECTION_WRITER, s->cache_bytes, e)) != ERR_OK)
		goto out;
	*ret = s;
	s = NULL;
out:
	sqlite_close(s);
	return rc;
}

static void
sqlite_reader_close(struct store_reader *r)
{
	if (r == NULL)
		return;
	connection_close(&r->connection);
	free(r);
}

static enum err_code
sqlite_reader_open(struct store *s, struct store_reader **ret, struct err *e)
{
	struct store_reader	*r;
	enum err_code		 rc;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return err_set(e, ERR_NOMEM, "reader");
	if ((rc = connection_open(&r->connection, s->path, false, e)) != ERR_OK ||
	    (rc = connection_prepare(&r->connection, CONNECTION_READER, 0, e)) != ERR_OK)
		goto out;
	*ret = r;
	r = NULL;
out:
	sqlite_reader_close(r);
	return rc;
}

/* Called at the start of who records: the place for all that the first row would have to wait for. */
static enum err_code
sqlite_checkpoint(struct store *s, struct err *e)
{
	enum err_code	code;
	int		rc;

	if ((code = record_prepare(s, e)) != ERR_OK)
		return code;
	if ((rc = sqlite3_wal_checkpoint_v2(s->writer.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL)) != SQLITE_OK)
		return connection_fail(&s->writer, rc, "checkpoint", e);
	if ((code = files_check(&s->files, s->path, e)) != ERR_OK)
		return code;
	if (s->log_bytes == 0)
		return ERR_OK;
	if ((code = connection_extend_log(&s->writer, s->log_bytes, s->cache_bytes, e)) != ERR_OK)
		return code;
	return files_sync_log(s->path, e);
}

const struct store_ops store_sqlite = {
	.create = sqlite_create,
	.open = sqlite_open,
	.close = sqlite_close,
	.reader_open = sqlite_reader_open,
	.reader_close = sqlite_reader_close,
	.record = sqlite_record,
	.ca_add = sqlite_ca_add,
	.batch_create = sqlite_batch_create,
	.batch_set_state = sqlite_batch_set_state,
	.batch_set_quantity = sqlite_batch_set_quantity,
	.token_create = sqlite_token_create,
	.token_revoke = sqlite_token_revoke,
	.token_used = sqlite_token_used,
	.refusals_write = sqlite_refusals_write,
	.checkpoint = sqlite_checkpoint,
	.ca_find = sqlite_ca_find,
	.ca_list = sqlite_ca_list,
	.batch_find = sqlite_batch_find,
	.batch_list = sqlite_batch_list,
	.batch_totals = sqlite_batch_totals,
	.batch_lists_device = sqlite_batch_lists_device,
	.token_find = sqlite_token_find,
	.token_find_id = sqlite_token_find_id,
	.token_list = sqlite_token_list,
	.event_list = sqlite_event_list,
	.backup_record = sqlite_backup_record,
	.refusal_list = sqlite_refusal_list,
	.refused_list = sqlite_refused_list,
	.recorded_find = sqlite_recorded_find,
	.recorded_find_serial = sqlite_recorded_find_serial,
	.certificate_list = sqlite_certificate_list,
	.certificate_page = sqlite_certificate_page,
	.certificate_revoke = sqlite_certificate_revoke,
	.device_rework = sqlite_device_rework,
	.device_rework_find = sqlite_device_rework_find,
	.identifiers_settle = sqlite_identifiers_settle,
	.search = sqlite_search,
	.verification_record = sqlite_verification_record,
	.target_get = sqlite_target_get,
	.registration_record = sqlite_registration_record,
	.upload_run_begin = sqlite_upload_run_begin,
	.upload_retry = sqlite_upload_retry,
	.certificate_retry = sqlite_certificate_retry,
	.queue_page = sqlite_queue_page,
	.withdrawal_page = sqlite_withdrawal_page,
	.registration_find = sqlite_registration_find,
	.registration_list = sqlite_registration_list,
	.registration_count = sqlite_registration_count,
	.parked_reasons = sqlite_parked_reasons,
	.upload_run_newest = sqlite_upload_run_newest,
	.newest = sqlite_newest,
};
