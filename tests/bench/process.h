/* What a process has used, seen from outside. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct process_use {
	int64_t	cpu_us;			/* user and system, of all its threads, also those that ended */
	int64_t	rss_kib, rss_peak_kib;	/* resident now, and at most so far */
};

void	process_use_get(pid_t pid, struct process_use *ret);

#endif
