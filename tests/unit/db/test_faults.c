/*
 * The n-th thing that can fail fails, with n counted up until a run comes through clean: writes, syncs and opens of files
 * by a VFS laid over SQLite's own, and SQLite's memory.  What is asserted is the promise, not the error code: after reopening
 *   - every row that was reported recorded is there, octet for octet;
 *   - the counters, the outbox and the rows agree;
 *   - the ledger works.
 * The same after a power cut at the n-th call: then only what was synced is still on the disk.
 */
#include "ledger.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <unistd.h>

enum fault { FAULT_IOERR, FAULT_FULL, FAULT_NOMEM, FAULT_POWER };

/* One countdown for all hooks: the call that brings it to 0 fails; sticky: all after it too. */
static struct {
	bool		armed, sticky, fired;
	enum fault	kind;
	long		left;
} fault;

static bool
fault_now(bool memory)
{
	if (!fault.armed || memory != (fault.kind == FAULT_NOMEM))
		return false;
	if (fault.fired)
		return fault.sticky;
	if (--fault.left > 0)
		return false;
	fault.fired = true;
	return true;
}

/* ---- what would be on the disk after a power cut: each file as it was when it was last synced ------------ */

enum { DISK_BYTES = 1024 * 1024 };

static struct disk {
	const char	*suffix;
	bool		 exists;
	long		 len;
	char		 bytes[DISK_BYTES];
} disks[] = { { .suffix = "" }, { .suffix = "-wal" } };

static void
disks_write(const char *path)
{
	char	name[128];
	FILE	*f;
	size_t	 i;

	(void)snprintf(name, sizeof(name), "%s-shm", path);
	(void)remove(name);
	for (i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, disks[i].suffix);
		(void)remove(name);
		if (!disks[i].exists)
			continue;
		assert_non_null(f = fopen(name, "w"));
		assert_int_equal(fwrite(disks[i].bytes, 1, (size_t)disks[i].len, f), disks[i].len);
		assert_int_equal(fclose(f), 0);
	}
}

static void
disk_read(struct disk *d, const char *path)
{
	FILE	*f = fopen(path, "r");

	d->exists = f != NULL;
	if (f == NULL)
		return;
	d->len = (long)fread(d->bytes, 1, sizeof(d->bytes), f);
	assert_true(d->len < DISK_BYTES);
	assert_int_equal(fclose(f), 0);
}

static void
disk_sync(struct disk *d, sqlite3_file *real)
{
	sqlite3_int64	size;

	assert_int_equal(real->pMethods->xFileSize(real, &size), SQLITE_OK);
	assert_true(size < DISK_BYTES);
	assert_int_equal(real->pMethods->xRead(real, d->bytes, (int)size, 0), SQLITE_OK);
	d->len = (long)size;
	d->exists = true;
}

/* ---- the VFS ------------------------------------------------------------------------------------- */

struct shim_file {
	sqlite3_file	 base;
	struct disk	*disk;		/* NULL: of no interest */
	sqlite3_file	*real;		/* lies behind this */
};

static sqlite3_vfs	*real_vfs;
static sqlite3_vfs	 shim_vfs;

#define REAL(f)	(((struct shim_file *)(void *)(f))->real)

static int
shim_close(sqlite3_file *f)
{
	return REAL(f)->pMethods->xClose(REAL(f));
}

static int
shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return REAL(f)->pMethods->xRead(REAL(f), p, n, at);
}

static int
shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	if (fault_now(false)) {
		/* half of it gets there, as on a real disk */
		(void)REAL(f)->pMethods->xWrite(REAL(f), p, n / 2, at);
		return fault.kind == FAULT_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	}
	return REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
}

static int
shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return fault_now(false) ? SQLITE_IOERR_TRUNCATE : REAL(f)->pMethods->xTruncate(REAL(f), size);
}

static int
shim_sync(sqlite3_file *f, int flags)
{
	struct disk	*d = ((struct shim_file *)(void *)f)->disk;
	int		 rc;

	if (fault_now(false))
		return SQLITE_IOERR_FSYNC;
	if ((rc = REAL(f)->pMethods->xSync(REAL(f), flags)) == SQLITE_OK && d != NULL && fault.kind == FAULT_POWER)
		disk_sync(d, REAL(f));
	return rc;
}

static int
shim_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return REAL(f)->pMethods->xFileSize(REAL(f), ret);
}

static int
shim_lock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xLock(REAL(f), level);
}

static int
shim_unlock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xUnlock(REAL(f), level);
}

static int
shim_reserved(sqlite3_file *f, int *ret)
{
	return REAL(f)->pMethods->xCheckReservedLock(REAL(f), ret);
}

static int
shim_control(sqlite3_file *f, int op, void *arg)
{
	return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int
shim_sector(sqlite3_file *f)
{
	return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int
shim_characteristics(sqlite3_file *f)
{
	return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

static int
shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
	if (extend && fault_now(false))
		return SQLITE_IOERR_SHMMAP;
	return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, ret);
}

static int
shim_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return REAL(f)->pMethods->xShmLock(REAL(f), at, n, flags);
}

static void
shim_shm_barrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int
shim_shm_unmap(sqlite3_file *f, int del)
{
	return REAL(f)->pMethods->xShmUnmap(REAL(f), del);
}

static const sqlite3_io_methods shim_methods = {
	.iVersion = 2,
	.xClose = shim_close,
	.xRead = shim_read,
	.xWrite = shim_write,
	.xTruncate = shim_truncate,
	.xSync = shim_sync,
	.xFileSize = shim_size,
	.xLock = shim_lock,
	.xUnlock = shim_unlock,
	.xCheckReservedLock = shim_reserved,
	.xFileControl = shim_control,
	.xSectorSize = shim_sector,
	.xDeviceCharacteristics = shim_characteristics,
	.xShmMap = shim_shm_map,
	.xShmLock = shim_shm_lock,
	.xShmBarrier = shim_shm_barrier,
	.xShmUnmap = shim_shm_unmap,
};

static int
shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
	struct shim_file	*sf = (struct shim_file *)(void *)f;
	int			 rc;

	(void)vfs;
	f->pMethods = NULL;
	sf->disk = (flags & SQLITE_OPEN_MAIN_DB) != 0 ? &disks[0] : (flags & SQLITE_OPEN_WAL) != 0 ? &disks[1] : NULL;
	sf->real = (sqlite3_file *)(void *)(sf + 1);
	if (fault_now(false))
		return SQLITE_CANTOPEN;
	if ((rc = real_vfs->xOpen(real_vfs, name, sf->real, flags, ret_flags)) == SQLITE_OK)
		f->pMethods = &shim_methods;
	return rc;
}

/* ---- the memory ---------------------------------------------------------------------------------- */

static sqlite3_mem_methods	real_mem;

static void *
shim_malloc(int n)
{
	return fault_now(true) ? NULL : real_mem.xMalloc(n);
}

static void *
shim_realloc(void *p, int n)
{
	return fault_now(true) ? NULL : real_mem.xRealloc(p, n);
}

/* ---- the play ------------------------------------------------------------------------------------ */

enum { ROUNDS = 3, ROWS = 4, TOTAL = ROUNDS * ROWS };

struct play {
	struct ledger			 l;
	int64_t				 batch;
	struct store_certificate	 certificates[TOTAL];
	bool				 reported[TOTAL];	/* record said: recorded */
};

/* Rows of one group: three new devices and the first of them again. */
static void
play_init(struct play *p)
{
	char	name[16];
	int	i;

	for (i = 0; i < TOTAL; i++) {
		int n = i % ROWS == ROWS - 1 ? i - (ROWS - 1) : i;

		(void)snprintf(name, sizeof(name), "dev-%d", n);
		p->certificates[i] = ledger_certificate(p->batch, p->l.ca_id, name, (unsigned)n + 1, 1000 + (uint64_t)i);
	}
}

/* Opens, records in groups, checkpoints, reads and closes; gives up where the program would. */
static void
play_run(struct play *p)
{
	struct store_record_row	 rows[ROWS];
	struct store_batch	 b;
	struct recorded		*found;
	struct err		 e;
	enum err_code		 rc;
	int			 round, i;

	if (p->l.ops->open(&p->l.cf, &p->l.store, &e) != ERR_OK)
		return;
	for (round = 0; round < ROUNDS; round++) {
		memset(rows, 0, sizeof(rows));
		for (i = 0; i < ROWS; i++)
			rows[i].certificate = &p->certificates[round * ROWS + i];
		rc = p->l.ops->record(p->l.store, rows, ROWS, &e);
		for (i = 0; i < ROWS; i++) {
			assert_int_equal(rows[i].result, rc);	/* nothing else is wrong with these rows */
			assert_int_equal(rows[i].recorded != NULL, rc == ERR_OK);
			p->reported[round * ROWS + i] = rc == ERR_OK;
			recorded_free(rows[i].recorded);
		}
		if (rc == ERR_STORAGE)
			break;
		if (round == 1 && p->l.ops->checkpoint(p->l.store, &e) == ERR_STORAGE)
			break;
	}
	if (p->l.ops->reader_open(p->l.store, &p->l.reader, &e) == ERR_OK) {
		if (p->l.ops->batch_find(p->l.reader, "lot-1", &b, &e) == ERR_OK)
			assert_true(b.issued <= TOTAL);
		if (p->l.ops->recorded_find(p->l.reader, p->batch, "dev-0", p->certificates[0].key_id, &found, &e) == ERR_OK)
			recorded_free(found);
	}
	ledger_close(&p->l);
}

static enum err_code
count_row(void *arg, const struct store_certificate *c, struct err *e)
{
	(void)c;
	(void)e;
	++*(int *)arg;
	return ERR_OK;
}

/* A ledger after whatever happened to it. */
static void
play_check(struct play *p)
{
	const struct store_certificate_filter	 all = { .batch_id = -1, .state = -1 };
	const struct store_certificate_filter	 of_batch = { .batch_id = p->batch, .state = -1 };
	struct store_certificate		 fresh;
	struct store_batch			 b;
	struct recorded				*found;
	struct err				 e;
	int					 i, n_all = 0, n_batch = 0, n_found = 0;
	enum err_code				 rc;
	bool					 is_new;

	ledger_open(&p->l);
	for (i = 0; i < TOTAL; i++) {
		const struct store_certificate	*c = &p->certificates[i];

		found = NULL;
		rc = p->l.ops->recorded_find(p->l.reader, p->batch, c->device_id, c->key_id, &found, &e);
		if (rc == ERR_OK && i % ROWS != ROWS - 1) {
			n_found++;
			assert_memory_equal(recorded_certificate(found)->serial, c->serial, STORE_SERIAL_BYTES);
			assert_memory_equal(recorded_certificate(found)->der, c->der, c->der_len);
		}
		if (p->reported[i])
			assert_int_equal(rc, ERR_OK);
		else
			assert_true(rc == ERR_OK || rc == ERR_NOT_FOUND);	/* of a failed COMMIT nobody knows */
		recorded_free(found);
	}
	assert_ok(p->l.ops->certificate_list(p->l.reader, &all, count_row, &n_all, &e));
	assert_ok(p->l.ops->certificate_list(p->l.reader, &of_batch, count_row, &n_batch, &e));
	assert_ok(p->l.ops->batch_find(p->l.reader, "lot-1", &b, &e));
	assert_int_equal(n_all, n_found);
	assert_int_equal(n_batch, n_found);
	assert_int_equal(b.issued, n_found);
	assert_int_equal(n_found % (ROWS - 1), 0);	/* groups are whole */
	/* it still takes rows, and still knows its keys */
	fresh = ledger_certificate(p->batch, p->l.ca_id, "dev-new", 500, 5000);
	assert_int_equal(ledger_try(&p->l, &fresh, &is_new), ERR_OK);
	assert_true(is_new);
	for (i = 0; i < TOTAL; i++) {
		if (!p->reported[i])
			continue;
		fresh = ledger_certificate(p->batch, p->l.ca_id, "dev-clone", 0, 6000);
		memcpy(fresh.key_id, p->certificates[i].key_id, sizeof(fresh.key_id));
		assert_int_equal(ledger_try(&p->l, &fresh, NULL), ERR_KEY_REUSED);
	}
	ledger_close(&p->l);
}

static void
faults(enum fault kind, bool sticky)
{
	struct play	p;
	struct ledger	*l;
	long		 nth, runs = 0;
	bool		 fired = true;

	/* Memory is asked for thousands of times, most of them while statements are prepared: there the steps grow. */
	for (nth = 1; fired; nth += 1 + (kind == FAULT_NOMEM ? nth / 60 : 0), runs++) {
		l = ledger_new(&store_sqlite);
		memset(&p, 0, sizeof(p));
		p.batch = ledger_batch(l, "lot-1", 1000);
		p.l = *l;
		ledger_close(&p.l);
		play_init(&p);

		fault.left = nth;
		fault.kind = kind;
		fault.sticky = sticky;
		fault.fired = false;
		disk_read(&disks[0], p.l.path);
		disks[1].exists = false;
		fault.armed = true;
		play_run(&p);
		fault.armed = false;
		fired = fault.fired;
		if (kind == FAULT_POWER && fired)
			disks_write(p.l.path);

		play_check(&p);
		if (!fired)
			assert_true(p.reported[0] && p.reported[TOTAL - 1]);	/* the clean run */
		ledger_remove_files(&p.l);
		free(l);
	}
	assert_true(runs > 20);		/* the hooks were reached */
}

static void
test_ioerr_once(void **state)
{
	(void)state;
	faults(FAULT_IOERR, false);
}

static void
test_ioerr_from_then_on(void **state)
{
	(void)state;
	faults(FAULT_IOERR, true);
}

static void
test_full_once(void **state)
{
	(void)state;
	faults(FAULT_FULL, false);
}

static void
test_full_from_then_on(void **state)
{
	(void)state;
	faults(FAULT_FULL, true);
}

static void
test_nomem_once(void **state)
{
	(void)state;
	faults(FAULT_NOMEM, false);
}

static void
test_power_cut(void **state)
{
	(void)state;
	faults(FAULT_POWER, true);
}

/* Making a ledger leaves a whole one or none. */
static void
test_create(void **state)
{
	struct ledger	l;
	struct err	e;
	enum err_code	rc;
	long		nth;
	bool		fired = true;

	(void)state;
	for (nth = 1; fired; nth++) {
		memset(&l, 0, sizeof(l));
		l.ops = &store_sqlite;
		ledger_scratch(&l);
		fault.left = nth;
		fault.kind = FAULT_IOERR;
		fault.sticky = false;
		fault.fired = false;
		fault.armed = true;
		rc = l.ops->create(&l.cf, &e);
		fault.armed = false;
		fired = fault.fired;
		assert_int_equal(rc == ERR_OK, access(l.path, F_OK) == 0);
		if (rc != ERR_OK)
			assert_ok(l.ops->create(&l.cf, &e));
		else
			assert_int_equal(l.ops->create(&l.cf, &e), ERR_CONFLICT);
		ledger_open(&l);
		ledger_close(&l);
		ledger_remove_files(&l);
	}
	assert_true(nth > 5);
}

static int
shims_install(void **state)
{
	sqlite3_mem_methods	mem;

	(void)state;
	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_mem) != SQLITE_OK)
		return -1;
	mem = real_mem;
	mem.xMalloc = shim_malloc;
	mem.xRealloc = shim_realloc;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &mem) != SQLITE_OK || sqlite3_initialize() != SQLITE_OK)
		return -1;
	real_vfs = sqlite3_vfs_find(NULL);
	shim_vfs = *real_vfs;
	shim_vfs.zName = "shim";
	shim_vfs.szOsFile = (int)sizeof(struct shim_file) + real_vfs->szOsFile;
	shim_vfs.xOpen = shim_open;
	return sqlite3_vfs_register(&shim_vfs, 1) == SQLITE_OK ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ioerr_once),
		cmocka_unit_test(test_ioerr_from_then_on),
		cmocka_unit_test(test_full_once),
		cmocka_unit_test(test_full_from_then_on),
		cmocka_unit_test(test_nomem_once),
		cmocka_unit_test(test_power_cut),
		cmocka_unit_test(test_create),
	};

	return cmocka_run_group_tests(tests, shims_install, NULL);
}
