#include "upload/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "upload/site.h"
#include "view.h"

/* The columns, in order; the JSON members have the same names. */
enum {
	COLUMN_TIME, COLUMN_BATCH, COLUMN_DEVICE, COLUMN_SERIAL, COLUMN_CERTIFICATE_ID, COLUMN_ACCOUNT, COLUMN_REGION, COLUMN_ARN,
	COLUMN_STATE, COLUMN_STEP, COLUMN_CODE, COLUMN_MESSAGE, COLUMN_REQUEST_ID,
	COLUMNS
};

static const char *const column_names[COLUMNS] = {
	"time", "batch", "device_id", "serial", "certificate_id", "account", "region", "arn",
	"state", "step", "code", "message", "request_id"
};

static enum err_code
open_one(const char *prefix, const char *suffix, char *path, size_t path_size, FILE **ret, struct err *e)
{
	int fd;

	if ((size_t)snprintf(path, path_size, "%s%s", prefix, suffix) >= path_size)
		return err_set(e, ERR_USAGE, "the report's path is too long: %.80s...", prefix);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1)
		return err_set(e, file_err_code(errno), "%s: %s", path, strerror(errno));
	if ((*ret = fdopen(fd, "w")) == NULL) {
		(void)close(fd);
		return err_set(e, ERR_NOMEM, "%s", path);
	}
	/* whole lines, at once: who follows the file sees them, and a kill leaves no half one behind */
	(void)setvbuf(*ret, NULL, _IOLBF, 0);
	return ERR_OK;
}

/* AWS's words may be what a spreadsheet takes for a formula.  (Names of ours that begin so stay as they are: programs look for them.) */
static bool
is_formula(const char *text)
{
	return text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
}

/* Quoted where RFC 4180 asks for it. */
static void
put_csv(FILE *f, const char *before, const char *text)
{
	if (text[strcspn(text, ",\"\r\n")] == '\0') {
		(void)fprintf(f, "%s%s", before, text);
		return;
	}
	(void)fprintf(f, "\"%s", before);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			(void)fputc('"', f);
		(void)fputc(*text, f);
	}
	(void)fputc('"', f);
}

static void
put_row(FILE *f, const char *const values[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++) {
		bool is_foreign = i == COLUMN_CODE || i == COLUMN_MESSAGE || i == COLUMN_REQUEST_ID;

		put_csv(f, is_foreign && is_formula(values[i]) ? "'" : "", values[i]);
		(void)fputs(i + 1 < COLUMNS ? "," : "\r\n", f);
	}
}

/* HOME/reports/upload-20261120T020000Z-PID */
static enum err_code
own_prefix(const struct home *h, char out[HOME_PATH_BYTES], struct err *e)
{
	struct civil c = clock_civil(clock_now_s(&clock_system));
	char dir[HOME_PATH_BYTES], name[64];
	enum err_code rc;
	int fd;

	if ((rc = home_join(h, HOME_REPORTS, dir, e)) != ERR_OK)
		return rc;
	if ((mkdir(dir, 0700) == -1 && errno != EEXIST) || (fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return err_set(e, file_err_code(errno), "%s: %s", dir, strerror(errno));
	home_give(h, fd);
	(void)close(fd);
	(void)snprintf(name, sizeof(name), "upload-%04d%02d%02dT%02d%02d%02dZ-%ld", c.year, c.month, c.day, c.hour, c.minute, c.second,
	    (long)getpid());
	return file_join(out, HOME_PATH_BYTES, dir, name, e);
}

enum err_code
report_open(struct report *r, const char *prefix, struct err *e)
{
	enum err_code rc;

	if ((rc = open_one(prefix, ".csv", r->csv_path, sizeof(r->csv_path), &r->csv, e)) != ERR_OK ||
	    (rc = open_one(prefix, ".jsonl", r->jsonl_path, sizeof(r->jsonl_path), &r->jsonl, e)) != ERR_OK)
		goto out;
	put_row(r->csv, column_names);
out:
	/* half a report is in the way of the next */
	if (rc != ERR_OK && r->csv != NULL) {
		(void)fclose(r->csv);
		(void)unlink(r->csv_path);
		r->csv = NULL;
	}
	return rc;
}

enum err_code
report_open_in_home(struct report *r, const struct home *h, struct err *e)
{
	char prefix[HOME_PATH_BYTES];
	enum err_code rc;

	if ((rc = own_prefix(h, prefix, e)) != ERR_OK || (rc = report_open(r, prefix, e)) != ERR_OK)
		return rc;
	home_give(h, fileno(r->csv));
	home_give(h, fileno(r->jsonl));
	return ERR_OK;
}

static const char *
state_word(const struct task *t)
{
	return t->end == TASK_DONE ? t->work.withdraw ? "revoked" : "registered" : t->end == TASK_PARKED ? "parked" : "queued";
}

void
report_task(struct report *r, const struct task *t)
{
	const struct store_registration *reg = &t->registration;
	char now[CLOCK_TEXT_BYTES];
	const char *values[COLUMNS] = {
		[COLUMN_TIME] = now,
		[COLUMN_BATCH] = t->item->certificate.batch_name,
		[COLUMN_DEVICE] = t->item->certificate.device_id,
		[COLUMN_SERIAL] = t->item->serial,
		[COLUMN_CERTIFICATE_ID] = t->item->certificate_id,
		[COLUMN_ACCOUNT] = t->site->session.identity.account,
		[COLUMN_REGION] = aws_client_region(t->site->session.client),
		[COLUMN_ARN] = reg->arn,
		[COLUMN_STATE] = state_word(t),
		[COLUMN_STEP] = reg->step,
		[COLUMN_CODE] = reg->code,
		[COLUMN_MESSAGE] = reg->message,
		[COLUMN_REQUEST_ID] = reg->request_id,
	};
	cJSON *o = cJSON_CreateObject();
	char *line;

	clock_format_us(clock_system.now_us(&clock_system), now);
	put_row(r->csv, values);
	for (int i = 0; i < COLUMNS; i++)
		(void)cJSON_AddStringToObject(o, column_names[i], values[i]);
	line = view_print(o);
	if (line == NULL || fputs(line, r->jsonl) == EOF)
		r->failed = true;
	cJSON_free(line);
}

static enum err_code
close_one(FILE **f, const char *path, struct err *e)
{
	bool bad = *f != NULL && (ferror(*f) || fflush(*f) != 0 || fsync(fileno(*f)) == -1);

	if (*f != NULL && fclose(*f) != 0)
		bad = true;
	*f = NULL;
	return bad ? err_set(e, ERR_IO, "the report %s could not be written whole; the ledger has everything: `lineca upload status`", path)
		   : ERR_OK;
}

enum err_code
report_close(struct report *r, struct err *e)
{
	enum err_code csv = close_one(&r->csv, r->csv_path, e), jsonl;
	struct err second;

	jsonl = close_one(&r->jsonl, r->jsonl_path, csv == ERR_OK ? e : &second);
	if (csv == ERR_OK && jsonl == ERR_OK && r->failed)
		jsonl = err_set(e, ERR_IO, "the report %s lacks rows; the ledger has everything: `lineca upload status`", r->jsonl_path);
	return csv != ERR_OK ? csv : jsonl;
}
