/* A copy of the ledger to another disk, and the note of it that the health view shows. */
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "cmd_who.h"
#include "db/backup.h"

static enum err_code
record(struct home *h, const char *file, const struct backup *b, const struct store_who *who, struct err *e)
{
	char detail[STORE_NOTE_BYTES + 1], *whole = realpath(file, NULL);
	enum err_code rc;

	(void)snprintf(detail, sizeof(detail), "%lld certificates, %lld bytes: %s", (long long)b->certificates, (long long)b->bytes, whole != NULL ? whole : file);
	free(whole);
	if ((rc = h->ops->backup_record(h->store, detail, who, e)) != ERR_OK) {
		struct err why = *e;

		return err_set(e, rc, "%s is whole, but could not be noted in the ledger, so the page does not know of it: %s", file, why.log_text);
	}
	return ERR_OK;
}

enum err_code
cmd_backup(struct cmd *c, struct err *e)
{
	const struct arg_option options[] = { { 0 } };
	char actor[STORE_ACTOR_BYTES + 1], ledger[HOME_PATH_BYTES];
	struct backup b = { 0 };
	struct store_who who;
	struct home h = { 0 };
	const char *file;
	enum err_code rc;

	if ((rc = args_parse(c, options, 1, 1, &file, e)) != ERR_OK)
		return rc;
	cmd_who(&who, actor);
	if ((rc = home_open(&h, c->home, e)) == ERR_OK && (rc = home_join(&h, HOME_LEDGER, ledger, e)) == ERR_OK &&
	    (rc = backup_copy(ledger, file, h.config.guard_disk_reserve_mib << 20, &b, e)) == ERR_OK &&
	    (rc = record(&h, file, &b, &who, e)) == ERR_OK)
		(void)fprintf(stderr, "%s has the ledger with %lld certificates, read again and sound. Settings and the CA's key are not in it:\n"
		    "keep a copy of %s/" HOME_CONFIG ", ca/ and tls/ apart, in a safe place\n", file, (long long)b.certificates, h.path);
	home_close(&h);
	return rc;
}
