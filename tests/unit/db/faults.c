/* The hooks: a VFS laid over SQLite's own, and SQLite's memory. */
#include "faults.h"

#include <unistd.h>

#include <sqlite3.h>

struct fault fault;

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

struct disk {
	const char	*suffix;
	bool		 exists;
	long		 len;
	char		 bytes[DISK_BYTES];
};

static struct disk	disks[] = { { .suffix = "" }, { .suffix = "-wal" } };
static struct disk	began;		/* the ledger before the run */
static char		ledger_path[128];

static void
disk_read(struct disk *d, const char *path)
{
	FILE	*f = fopen(path, "r");

	assert_non_null(f);
	d->exists = true;
	d->len = (long)fread(d->bytes, 1, sizeof(d->bytes), f);
	assert_true(d->len < DISK_BYTES);
	assert_int_equal(fclose(f), 0);
}

/* The files of the ledger become what is on the disks. */
static void
disks_write(void)
{
	char	name[sizeof(ledger_path) + 8];
	FILE	*f;
	size_t	 i;

	(void)snprintf(name, sizeof(name), "%s-shm", ledger_path);
	(void)remove(name);
	for (i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", ledger_path, disks[i].suffix);
		(void)remove(name);
		if (!disks[i].exists)
			continue;
		assert_non_null(f = fopen(name, "w"));
		assert_int_equal(fwrite(disks[i].bytes, 1, (size_t)disks[i].len, f), disks[i].len);
		assert_int_equal(fclose(f), 0);
	}
}

void
fault_begin(const char *path)
{
	(void)snprintf(ledger_path, sizeof(ledger_path), "%s-wal", path);
	assert_int_not_equal(access(ledger_path, F_OK), 0);	/* all of it is in the one file */
	(void)snprintf(ledger_path, sizeof(ledger_path), "%s", path);
	disk_read(&began, path);
}

void
fault_arm(enum fault_kind kind, bool sticky, long nth)
{
	memcpy(disks[0].bytes, began.bytes, (size_t)began.len);
	disks[0].len = began.len;
	disks[0].exists = true;
	disks[1].exists = false;
	disks_write();
	fault = (struct fault){ .armed = true, .left = nth, .kind = kind, .sticky = sticky };
}

bool
fault_disarm(void)
{
	fault.armed = false;
	if (fault.kind == FAULT_POWER && fault.fired)
		disks_write();
	return fault.fired;
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

int
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
