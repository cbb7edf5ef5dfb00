/*
 * A closed loop: so many kept connections, each with one request on the way and the next one as soon as it is answered.
 * One thread with epoll, because it shares the cores with the server it measures.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "tests/bench/dialect.h"

enum {
	LOAD_STATUS_MAX = 600,
	LOAD_SAMPLE = 100,	/* answers that are remembered, to ask again */
	LOAD_ANSWER_BYTES = 16384,
	LOAD_QUIET_MS = 30000	/* no answer for so long: the server is stuck */
};

struct load_target {
	const char	*host, *port;	/* numeric address */
	unsigned	 connections;
};

struct load_result {
	int64_t		 elapsed_us;
	int64_t		 driver_cpu_us;
	uint32_t	*latency_us;	/* owned: of every request, sorted */
	size_t		 n;
	size_t		 good;		/* the status of a new certificate, and one in the body */
	size_t		 by_status[LOAD_STATUS_MAX];
	size_t		 reconnects;
	size_t		 samples;	/* LOAD_SAMPLE, or n if that is less */
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
