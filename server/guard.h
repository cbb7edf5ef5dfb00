/*
 * When not to issue: a clock that cannot be right, a disk that is nearly full, a CA that is over, a self-check that failed.
 * An offline plant has no NTP and nobody who empties the disk.  Reading goes on through all of it.
 */
#ifndef SERVER_GUARD_H
#define SERVER_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "ca/issuer.h"

struct guard {
	const struct clock	*clock;
	const char		*home;			/* the disk that is watched */
	int64_t			 disk_reserve_bytes;
	_Atomic int64_t		 newest_issued_us;	/* of the ledger */
	_Atomic int64_t		 disk_looked_us;	/* monotonic */
	_Atomic int64_t		 disk_free_bytes;	/* as last seen; -1: could not be asked */
	atomic_bool		 halted;		/* a certificate failed its self-check */
	atomic_bool		 storage_failed;
};

/* Borrows clock and home.  newest_issued_us: 0 for an empty ledger. */
void				guard_init(struct guard *g, const struct clock *clock, const char *home,
				    int64_t disk_reserve_bytes, int64_t newest_issued_us);

/*
 * May a certificate be issued now, by this CA?  *ret_now_us is the moment to issue it at.  Any thread.
 * ERR_CLOCK, ERR_DISK_LOW, ERR_CA_EXPIRED, ERR_STORAGE, ERR_INTERNAL (halted), each with words for a technician.
 */
ERR_MUST_CHECK enum err_code	guard_check(struct guard *g, const struct ca_facts *ca, int64_t *ret_now_us, struct err *e);

/* A certificate of this time was recorded. */
void				guard_issued(struct guard *g, int64_t issued_at_us);

/* Nothing is issued any more until the server is started again. */
void				guard_halt(struct guard *g);
void				guard_storage_failed(struct guard *g);

/* Free bytes on the disk of the home; looked up at most four times a second. */
int64_t				guard_disk_free_bytes(struct guard *g);

/* When this program was built, seconds since 1970: no clock can be right that is before it. */
int64_t				guard_build_time_s(void);

#endif
