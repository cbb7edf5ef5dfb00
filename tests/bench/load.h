/*
 * A closed loop: so many connections, each with one request on the way and the next one as soon as it is answered; kept, or
 * made anew for each request.  One thread with epoll, because it shares the cores with the server it measures.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "tests/bench/dialect.h"
#include "tests/bench/process.h"
#include "tests/bench/wire.h"

enum {
	LOAD_STATUS_MAX = 600,
	LOAD_SAMPLE = 100,	/* answers that are remembered, to ask again */
	LOAD_ANSWER_BYTES = 16384,
	LOAD_QUIET_MS = 30000	/* no answer for so long: the server is stuck */
};

struct load_target {
	struct wire_target	 wire;
	unsigned		 connections;
	bool			 fresh;		/* every request on a connection of its own, which counts into its time */
	size_t			 total;		/* so many requests, the same ones again and again; 0: each once */
	unsigned		 limit_s;	/* none is begun after so long; 0: no limit */
	pid_t			 server;	/* whose use is looked up before and after; 0: not told */
	size_t			 mark;		/* when was the so many-th answered?  0: nobody asks */
};

struct load_result {
	int64_t		 elapsed_us;
	int64_t		 driver_cpu_us;
	struct process_use before, after;	/* of the server, without the making of kept connections */
	uint32_t	*latency_us;	/* owned: of every request, sorted */
	size_t		 n;		/* requests that were answered */
	int64_t		 mark_us;	/* 0: there were not so many */
	size_t		 good;		/* the status of a new certificate, and one in the body */
	size_t		 by_status[LOAD_STATUS_MAX];
	size_t		 reconnects;
	size_t		 samples;	/* LOAD_SAMPLE, or n if that is less; 0 when requests come again */
	uint64_t	 sample_hash[LOAD_SAMPLE];	/* of the body of request i * n / samples */
};

void	load_run(const struct load_target *t, const struct dialect *d, const struct requests *r, struct load_result *ret);
void	load_result_done(struct load_result *r);

/*
 * Puts the sampled requests a second time and counts those that get the bytes they got the first time, with the status
 * of a repeated request: all first->samples of them, when the server keeps its word.
 */
size_t	load_ask_again(const struct load_target *t, const struct dialect *d, const struct requests *r,
	    const struct load_result *first);

#endif
