#include "guard.h"

#include <sys/statvfs.h>

#include "base/limits.h"

enum { DISK_LOOK_EVERY_US = 250 * 1000 };

void
guard_init(struct guard *g, const struct clock *clock, const char *home, int64_t disk_reserve_bytes,
    int64_t newest_issued_us)
{
	g->clock = clock;
	g->home = home;
	g->disk_reserve_bytes = disk_reserve_bytes;
	atomic_init(&g->newest_issued_us, newest_issued_us);
	atomic_init(&g->disk_looked_us, INT64_MIN / 2);
	atomic_init(&g->disk_free_bytes, -1);
	atomic_init(&g->halted, false);
	atomic_init(&g->storage_failed, false);
}

int64_t
guard_build_time_s(void)
{
	return LINECA_BUILD_TIME;
}

int64_t
guard_disk_free_bytes(struct guard *g)
{
	int64_t now = clock_monotonic_us();
	int64_t looked = atomic_load_explicit(&g->disk_looked_us, memory_order_acquire);
	struct statvfs vfs;

	/* one of the threads that find it old looks; the others use what there is, except at the very first time */
	if (now - looked < DISK_LOOK_EVERY_US)
		return atomic_load(&g->disk_free_bytes);
	if (statvfs(g->home, &vfs) == 0)
		atomic_store(&g->disk_free_bytes, (int64_t)(vfs.f_bavail * vfs.f_frsize));
	else
		atomic_store(&g->disk_free_bytes, -1);
	atomic_store_explicit(&g->disk_looked_us, now, memory_order_release);
	return atomic_load(&g->disk_free_bytes);
}

static enum err_code
check_clock(struct guard *g, const struct ca_facts *ca, int64_t now_us, struct err *e)
{
	int64_t now_s = now_us / 1000000, newest_us = atomic_load(&g->newest_issued_us);
	char now[CLOCK_TEXT_BYTES], then[CLOCK_TEXT_BYTES];
	const char *what;

	if (now_s < guard_build_time_s()) {
		what = "this program was built";
		clock_format_s(guard_build_time_s(), then);
	} else if (now_us + LIMIT_CLOCK_STEP_BACK_S * INT64_C(1000000) < newest_us) {
		what = "the newest certificate was issued";
		clock_format_s(newest_us / 1000000, then);
	} else if (now_s < ca->not_before_s) {
		what = "the CA's certificate begins";
		clock_format_s(ca->not_before_s, then);
	} else {
		return ERR_OK;
	}
	clock_format_s(now_s, now);
	return err_say(e, ERR_CLOCK, "The line server's clock says %s, but %s at %s. Nothing was issued; set the clock and try again.",
	    now, what, then);
}

enum err_code
guard_check(struct guard *g, const struct ca_facts *ca, int64_t *ret_now_us, struct err *e)
{
	int64_t now_us = g->clock->now_us(g->clock), free_bytes;
	char then[CLOCK_TEXT_BYTES];
	enum err_code rc;

	if (atomic_load_explicit(&g->halted, memory_order_relaxed))
		return err_set(e, ERR_INTERNAL, "issuing has stopped: a certificate differed from its plan; see the log");
	if (atomic_load_explicit(&g->storage_failed, memory_order_relaxed))
		return err_set(e, ERR_STORAGE, "the ledger failed; the server is stopping");
	if ((rc = check_clock(g, ca, now_us, e)) != ERR_OK)
		return rc;
	if (now_us / 1000000 >= ca->not_after_s) {
		clock_format_s(ca->not_after_s, then);
		return err_say(e, ERR_CA_EXPIRED,
		    "The issuing CA's certificate ended at %s. Nothing was issued; the engineer must set up a new CA.", then);
	}
	free_bytes = guard_disk_free_bytes(g);
	if (free_bytes < g->disk_reserve_bytes)
		return err_say(e, ERR_DISK_LOW,
		    "The line server's disk has %lld MiB free and needs %lld MiB. Nothing was issued; make room and try again.",
		    (long long)(free_bytes >= 0 ? free_bytes >> 20 : 0), (long long)(g->disk_reserve_bytes >> 20));
	*ret_now_us = now_us;
	return ERR_OK;
}

void
guard_issued(struct guard *g, int64_t issued_at_us)
{
	int64_t newest = atomic_load_explicit(&g->newest_issued_us, memory_order_relaxed);

	while (newest < issued_at_us &&
	    !atomic_compare_exchange_weak(&g->newest_issued_us, &newest, issued_at_us))
		;
}

void
guard_halt(struct guard *g)
{
	atomic_store(&g->halted, true);
}

void
guard_storage_failed(struct guard *g)
{
	atomic_store(&g->storage_failed, true);
}
