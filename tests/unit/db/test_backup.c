/* A copy of a ledger in use: whole and of one moment, or not there; whatever fails, whoever else is there. */
#include "db/backup.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"
#include "ledger_file.h"

enum { ROWS = 40 };

static char	dir[32], file[96];

static void
record(struct ledger *l, unsigned n)
{
	char				name[16];
	struct store_certificate	c;

	(void)snprintf(name, sizeof(name), "dev-%u", n);
	c = ledger_certificate(1, l->ca_id, name, n + 1, 1001 + n);
	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
}

/* A closed ledger with ROWS certificates. */
static struct ledger *
ledger_filled(void)
{
	struct ledger	*l = ledger_new(&store_sqlite);

	assert_int_equal(ledger_batch(l, "lot-1", 100000), 1);
	for (unsigned n = 0; n < ROWS; n++)
		record(l, n);
	(void)snprintf(dir, sizeof(dir), "/dev/shm/lineca-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(file, sizeof(file), "%s/copy", dir);
	return l;
}

static void
done(struct ledger *l)
{
	(void)unlink(file);
	assert_int_equal(rmdir(dir), 0);	/* nothing else lies there: no part of a copy */
	ledger_remove_files(l);
	free(l);
}

static void
test_whole(void **state)
{
	struct ledger	*l = ledger_filled();
	struct backup	 b;
	struct stat	 st;
	struct err	 e;

	(void)state;
	assert_ok(backup_copy(l->path, file, 0, &b, &e));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(b.bytes, st.st_size);
	assert_int_equal(b.certificates, ROWS);
	record(l, ROWS);
	assert_int_equal(ledger_ask(file, "SELECT count(*) FROM certificate"), ROWS);
	assert_int_equal(ledger_ask(file, "SELECT issued FROM batch"), ROWS);
	/* never over another */
	assert_int_equal(backup_copy(l->path, file, 0, &b, &e), ERR_CONFLICT);
	assert_int_equal(backup_copy(l->path, dir, 0, &b, &e), ERR_CONFLICT);
	assert_int_equal(ledger_ask(file, "SELECT count(*) FROM certificate"), ROWS);
	ledger_close(l);
	done(l);
}

/* It is a ledger: with its name in the place of the old one, it goes on. */
static void
test_is_a_ledger(void **state)
{
	struct ledger	*l = ledger_filled();
	struct backup	 b;
	struct err	 e;

	(void)state;
	assert_ok(backup_copy(l->path, file, 0, &b, &e));
	record(l, ROWS);
	ledger_close(l);
	assert_int_equal(rename(file, l->path), 0);
	ledger_open(l);
	record(l, ROWS + 1);
	ledger_close(l);
	assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM certificate"), ROWS + 1);
	done(l);
}

struct load {
	struct ledger	*l;
	atomic_bool	 stop;
	atomic_uint	 recorded;
};

static void *
load_run(void *arg)
{
	struct load	*load = arg;

	for (unsigned n = ROWS; !atomic_load(&load->stop); n++) {
		record(load->l, n);
		atomic_store(&load->recorded, n + 1);
	}
	return NULL;
}

/* One moment of it, between those before and after; the writer is not stopped. */
static void
test_while_it_is_written(void **state)
{
	struct ledger	*l = ledger_filled();
	struct load	 load = { .l = l, .recorded = ROWS };
	struct backup	 b;
	struct err	 e;
	pthread_t	 thread;
	unsigned	 before, after;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, load_run, &load), 0);
	for (int i = 0; i < 20; i++) {
		while (atomic_load(&load.recorded) < ROWS + 10u * (unsigned)i)
			(void)usleep(100);
		before = atomic_load(&load.recorded);
		assert_ok(backup_copy(l->path, file, 0, &b, &e));
		after = atomic_load(&load.recorded) + 1;	/* one may be recorded and not yet counted */
		assert_in_range(b.certificates, before, after);
		assert_int_equal(ledger_ask(file, "SELECT (SELECT sum(issued) FROM batch) - (SELECT count(*) FROM certificate)"), 0);
		assert_int_equal(unlink(file), 0);
	}
	atomic_store(&load.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	ledger_close(l);
	done(l);
}

static void
test_room(void **state)
{
	struct ledger	*l = ledger_filled();
	struct backup	 b;
	struct err	 e;

	(void)state;
	assert_int_equal(backup_copy(l->path, file, INT64_MAX / 2, &b, &e), ERR_DISK_LOW);
	assert_int_equal(access(file, F_OK), -1);
	ledger_close(l);
	done(l);
}

/* Not among the files of the ledger: a name there may be a journal to SQLite, or a lock to us. */
static void
test_home(void **state)
{
	static const char *const names[] = { "lineca.db", "lineca.db-journal", "lineca.db-wal", "serve.lock", "new/", "./new", "new", "" };
	struct ledger	*l = ledger_filled();
	char		 path[300], link[96];
	struct backup	 b;
	struct err	 e;

	(void)state;
	(void)snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink(l->dir, link), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s%s", names[i][0] != '\0' ? l->dir : "", names[i][0] != '\0' ? "/" : "", names[i]);
		assert_int_equal(backup_copy(l->path, path, 0, &b, &e), ERR_USAGE);
		(void)snprintf(path, sizeof(path), "%s/%s", link, names[i]);
		assert_int_equal(backup_copy(l->path, path, 0, &b, &e), names[i][0] != '\0' ? ERR_USAGE : ERR_CONFLICT);
	}
	/* beside it, in a directory whose name begins alike, it may be */
	(void)snprintf(path, sizeof(path), "%s-beside", l->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s-beside/copy", l->dir);
	assert_ok(backup_copy(l->path, path, 0, &b, &e));
	assert_int_equal(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(unlink(link), 0);
	ledger_close(l);
	done(l);
}

static void
make(const char *name, const char *text)
{
	char	path[160];
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_non_null(f = fopen(path, "w"));
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static bool
there(const char *name)
{
	char	path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static void
take_away(const char *name)
{
	char	path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
}

static void
make_old(const char *name)
{
	const struct timespec	times[2] = { { .tv_sec = time(NULL) - 2 * 86400 }, { .tv_sec = time(NULL) - 2 * 86400 } };
	char			path[160];

	make(name, "half");
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* What a killed one left is swept a day later; what one makes now is left to it, and what is somebody else's to them. */
static void
test_leftovers(void **state)
{
	static const char *const	left[] = { ".lineca-backup-aaaaaa", ".lineca-backup-aaaaaa-wal", ".lineca-backup-gone00-journal", ".lineca-backup-X0yZ9a-shm" };
	static const char *const	others[] = { ".lineca-backup-", ".lineca-backup-notes.txt", ".lineca-backup-toolong", ".lineca-backup-aaaaaa-mine",
						    ".lineca-backup-aa aaa", "copy.part", "lineca-backup-aaaaaa" };
	struct ledger			*l = ledger_filled();
	struct backup			 b;
	struct err			 e;

	(void)state;
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		make_old(left[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		make_old(others[i]);
	make(".lineca-backup-bbbbbb", "being made");
	assert_ok(backup_copy(l->path, file, 0, &b, &e));
	assert_int_equal(b.certificates, ROWS);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		assert_false(there(left[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		take_away(others[i]);
	take_away(".lineca-backup-bbbbbb");
	ledger_close(l);
	done(l);
}

/* What is damaged is not kept as a backup. */
static void
test_damaged(void **state)
{
	struct ledger	*l = ledger_filled();
	char		 noise[4096];
	struct backup	 b;
	struct err	 e;
	int64_t		 page;
	int		 fd;

	(void)state;
	ledger_close(l);
	page = ledger_ask(l->path, "SELECT rootpage FROM sqlite_schema WHERE name = 'certificate'");
	memset(noise, 0x5a, sizeof(noise));
	assert_int_not_equal(fd = open(l->path, O_RDWR | O_CLOEXEC), -1);
	assert_int_equal(pwrite(fd, noise, sizeof(noise), (page - 1) * 4096), sizeof(noise));
	assert_int_equal(close(fd), 0);
	assert_int_equal(backup_copy(l->path, file, 0, &b, &e), ERR_STORAGE);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(truncate(l->path, 0), 0);
	assert_int_equal(backup_copy(l->path, file, 0, &b, &e), ERR_CONFIG);
	assert_int_equal(access(file, F_OK), -1);
	done(l);
}

static void
faults(enum fault_kind kind, bool sticky)
{
	struct ledger	*l = ledger_filled();
	struct backup	 b;
	struct err	 e;
	enum err_code	 rc;
	long		 nth, runs = 0;
	bool		 fired = true;

	ledger_close(l);
	fault_begin(l->path);
	for (nth = 1; fired; nth += 1 + (kind == FAULT_NOMEM ? nth / 60 : 0), runs++) {
		fault_arm(kind, sticky, nth);
		rc = backup_copy(l->path, file, 0, &b, &e);
		fired = fault_disarm();
		assert_int_equal(access(file, F_OK), rc == ERR_OK ? 0 : -1);
		if (rc == ERR_OK) {
			assert_int_equal(b.certificates, ROWS);
			assert_int_equal(ledger_ask(file, "SELECT count(*) FROM certificate"), ROWS);
			assert_int_equal(unlink(file), 0);
		} else
			assert_true(fired);
		assert_int_equal(ledger_ask(l->path, "SELECT count(*) FROM certificate"), ROWS);
	}
	assert_true(runs > 10);
	done(l);
}

static void
test_faults(void **state)
{
	(void)state;
	faults(FAULT_IOERR, false);
	faults(FAULT_IOERR, true);
	faults(FAULT_FULL, true);
	faults(FAULT_NOMEM, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_is_a_ledger),
		cmocka_unit_test(test_while_it_is_written),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_home),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, shims_install, NULL);
}
