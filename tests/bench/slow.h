/*
 * Slow senders: so many connections that send one byte a second, each, and begin anew when the server cuts them.  They ask
 * nothing that is ever answered; who is kept waiting by them is measured elsewhere.
 */
#ifndef BENCH_SLOW_H
#define BENCH_SLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/wire.h"

/* What comes byte by byte; all before it comes at once. */
enum slow_part { SLOW_HEAD, SLOW_BODY, SLOW_HANDSHAKE };

bool	slow_part_find(const char *name, enum slow_part *ret);	/* head, body, handshake */

struct slow_target {
	struct wire_target	 wire;
	const char		*path;		/* of a route that takes a body */
	enum slow_part		 part;
	unsigned		 connections;
	unsigned		 seconds;
};

struct slow_result {
	size_t	bytes;		/* sent one by one */
	size_t	cut;		/* connections that the server has ended */
	int64_t	cut_us;		/* their lives together */
};

/* Writes a line to standard output when all are connected and have sent their first byte. */
void	slow_run(const struct slow_target *t, struct slow_result *ret);

#endif
