/* The report of a run as CSV and as JSON lines: quoting, files that exist, disks that are full. */
#include "cmocka_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "upload/report.h"
#include "upload/site.h"

static char folder[] = "/tmp/lineca-test-report-XXXXXX";

struct fixture {
	struct report		 report;
	struct transport	*transport;
	struct site		 site;
	struct item		*item;
	char			 prefix[128];
};

/* A client without a connection: it is asked for its region only. */
static int
setup(void **state)
{
	static const uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };
	struct store_certificate c = { .der = der, .der_len = sizeof(der), .device_id = "SN,1", .batch_name = "lot-1" };
	struct aws_client_options options = { .region = "eu-central-1", .clock = &clock_system };
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e;

	assert_non_null(f);
	assert_int_equal(setenv("HOME", folder, 1) | setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1) |
	    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1), 0);
	assert_int_equal(transport_new(1, &f->transport, &e), ERR_OK);
	options.transport = f->transport;
	assert_int_equal(aws_client_new(&options, &f->site.session.client, &e), ERR_OK);
	(void)snprintf(f->site.session.identity.account, sizeof(f->site.session.identity.account), "123456789012");
	assert_int_equal(item_new(&c, 1, &f->item, &e), ERR_OK);
	f->item->tasks[0].site = &f->site;
	(void)snprintf(f->prefix, sizeof(f->prefix), "%s/run", folder);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char path[160];

	item_free(f->item);
	transport_free(f->transport);
	aws_client_free(f->site.session.client);
	(void)snprintf(path, sizeof(path), "%s.csv", f->prefix);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s.jsonl", f->prefix);
	(void)unlink(path);
	free(f);
	return 0;
}

static const char *
file_text(const char *path)
{
	static char text[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	(void)close(fd);
	return text;
}

/* RFC 4180: the next field of a row; moves *at behind its separator. */
static const char *
csv_field(const char **at)
{
	static char field[4096];
	const char *p = *at;
	size_t n = 0;

	if (*p == '"') {
		for (p++; *p != '"' || p[1] == '"'; p++) {
			assert_true(*p != '\0');
			p += *p == '"';
			field[n++] = *p;
		}
		p++;
	} else
		for (; *p != ',' && *p != '\r'; p++) {
			assert_true(*p != '\0' && *p != '"' && *p != '\n');
			field[n++] = *p;
		}
	field[n] = '\0';
	if (*p == '\r')
		assert_int_equal(*++p, '\n');
	else
		assert_int_equal(*p, ',');
	*at = p + 1;
	return field;
}

static const char *const names[] = { "time", "batch", "device_id", "serial", "certificate_id", "account", "region", "arn", "state", "step",
    "code", "message", "request_id" };
enum { COLUMNS = sizeof(names) / sizeof(names[0]) };

#define SET(field, text)	((void)snprintf((field), sizeof(field), "%s", (text)))

/* What a spreadsheet would take for a formula has a ' before it in the CSV. */
static const char *
harmless(const char *text)
{
	static char out[2][64];
	static int turn;

	turn = !turn;
	(void)snprintf(out[turn], sizeof(out[0]), "%s%s", text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL ? "'" : "", text);
	return out[turn];
}

/* Texts with everything that means something to CSV or JSON come back from both as they were; formulas from JSON only. */
static void
test_texts(void **state)
{
	static const char *const texts[] = { "plain", "", "a,b", "say \"no\"", "\"", "\"\"", "two\nlines", "cr\r\nlf",
	    "tab\tbell\a", "back\\slash",
	    "gr\xc3\xbc\xc3\x9f", "=1+1", "+1", "-2", "@SUM(A1)", "\tx", "\rx", "=\"a\",b", "a=1", "</script>", " blanks ", "'" };
	enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };
	struct fixture *f = *state;
	struct task *t = &f->item->tasks[0];
	const char *csv, *line;
	struct err e;

	assert_int_equal(report_open(&f->report, f->prefix, &e), ERR_OK);
	for (int i = 0; i < TEXTS; i++) {
		t->end = i % 3 == 0 ? TASK_DONE : i % 3 == 1 ? TASK_PARKED : TASK_LEFT;
		SET(t->registration.message, texts[i]);
		SET(t->registration.code, texts[TEXTS - 1 - i]);
		SET(t->registration.arn, "arn:aws:iot:eu-central-1:123456789012:cert/ab");
		SET(t->registration.request_id, "=req-1");
		report_task(&f->report, t);
	}
	assert_int_equal(report_close(&f->report, &e), ERR_OK);
	csv = file_text(f->report.csv_path);
	for (int i = 0; i < COLUMNS; i++)
		assert_string_equal(csv_field(&csv), names[i]);
	for (int i = 0; i < TEXTS; i++) {
		const char *expected[COLUMNS] = { NULL, "lot-1", "SN,1", f->item->serial, f->item->certificate_id, "123456789012", "eu-central-1",
		    "arn:aws:iot:eu-central-1:123456789012:cert/ab", i % 3 == 0 ? "registered" : i % 3 == 1 ? "parked" : "queued", "",
		    harmless(texts[TEXTS - 1 - i]), harmless(texts[i]), "'=req-1" };

		for (int c = 0; c < COLUMNS; c++) {
			const char *field = csv_field(&csv);
			int64_t us;

			if (c == 0)
				assert_true(clock_parse_us(field, &us));
			else
				assert_string_equal(field, expected[c]);
		}
	}
	assert_string_equal(csv, "");
	line = file_text(f->report.jsonl_path);
	for (int i = 0; i < TEXTS; i++) {
		const char *end = strchr(line, '\n'), *stopped = NULL;
		cJSON *o = cJSON_ParseWithOpts(line, &stopped, 0);

		assert_non_null(o);
		assert_ptr_equal(stopped, end);		/* one object a line, whatever its texts hold */
		assert_int_equal(cJSON_GetArraySize(o), COLUMNS);
		for (int c = 0; c < COLUMNS; c++)
			assert_string_equal(cJSON_GetArrayItem(o, c)->string, names[c]);
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "message")), texts[i]);
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "request_id")), "=req-1");
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "code")), texts[TEXTS - 1 - i]);
		cJSON_Delete(o);
		line = end + 1;
	}
	assert_string_equal(line, "");
}

/* What was written is in the file before the run ends; nobody else can read it. */
static void
test_while_it_runs(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	struct err e;

	assert_int_equal(report_open(&f->report, f->prefix, &e), ERR_OK);
	f->item->tasks[0].end = TASK_DONE;
	report_task(&f->report, &f->item->tasks[0]);
	assert_non_null(strstr(file_text(f->report.csv_path), ",registered,"));
	assert_non_null(strstr(file_text(f->report.jsonl_path), "\"registered\""));
	assert_int_equal(stat(f->report.csv_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(report_close(&f->report, &e), ERR_OK);
}

/* An older report is never written over, and a refused one leaves its twin as it was. */
static void
test_exists(void **state)
{
	static const char *const suffixes[] = { ".csv", ".jsonl" };
	struct fixture *f = *state;
	struct err e;

	for (size_t i = 0; i < 2; i++) {
		struct report r = { 0 };
		char path[160];
		int fd;

		(void)snprintf(path, sizeof(path), "%s%s", f->prefix, suffixes[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		assert_int_equal(write(fd, "old\n", 4), 4);
		(void)close(fd);
		assert_int_equal(report_open(&r, f->prefix, &e), ERR_CONFLICT);
		assert_non_null(strstr(e.log_text, path));
		assert_int_equal(report_close(&r, &e), ERR_OK);
		assert_string_equal(file_text(path), "old\n");
		(void)unlink(path);
		(void)snprintf(path, sizeof(path), "%s%s", f->prefix, suffixes[1 - i]);
		(void)unlink(path);
	}
}

static void
test_bad_places(void **state)
{
	struct report r = { 0 };
	char longest[2000];
	struct err e;

	(void)state;
	assert_int_equal(report_open(&r, "/tmp/lineca-test-no-such-folder/run", &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.log_text, "/tmp/lineca-test-no-such-folder/run.csv"));
	assert_int_equal(report_close(&r, &e), ERR_OK);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(report_open(&r, longest, &e), ERR_USAGE);
	assert_int_equal(report_close(&r, &e), ERR_OK);
	/* a run that never came to open one */
	r = (struct report){ 0 };
	assert_int_equal(report_close(&r, &e), ERR_OK);
}

/* A full disk: the run goes on, the end says that the report is not whole, and which. */
static void
test_full_disk(void **state)
{
	struct fixture *f = *state;
	struct task *t = &f->item->tasks[0];
	struct err e;

	for (int which = 0; which < 2; which++) {
		FILE **file = which == 0 ? &f->report.csv : &f->report.jsonl;
		int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

		assert_true(full >= 0);
		assert_int_equal(report_open(&f->report, f->prefix, &e), ERR_OK);
		assert_true(dup2(full, fileno(*file)) >= 0);
		(void)close(full);
		t->end = TASK_DONE;
		for (int i = 0; i < 100; i++)
			report_task(&f->report, t);
		assert_int_equal(report_close(&f->report, &e), ERR_IO);
		assert_non_null(strstr(e.log_text, which == 0 ? "run.csv" : "run.jsonl"));
		assert_non_null(strstr(e.log_text, "upload status"));
		(void)unlink(f->report.csv_path);
		(void)unlink(f->report.jsonl_path);
		f->report = (struct report){ 0 };
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_texts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_while_it_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exists, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
	};
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	return rmdir(folder) == 0 ? failed : 1;
}
