/*
 * Open pages: each holds a stream of GET /v1/live and reads all that comes, and asks by itself what web/app.js and its views ask, as often and with a
 * browser's headers: who is signed in, whether a quiet server lives, and what the view it shows polls.  One thread with epoll that looks at nothing but
 * lengths: it shares the cores with the line that is measured, and real browsers would not.
 */
#ifndef BENCH_VIEWERS_H
#define BENCH_VIEWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/wire.h"

enum viewers_view { VIEWERS_LINE, VIEWERS_UPLOAD, VIEWERS_BATCH };

bool	viewers_view_find(const char *name, enum viewers_view *ret);	/* line, upload, batch */

struct viewers_target {
	struct wire_target	 wire;
	unsigned		 pages;
	enum viewers_view	 view;
	const char		*batch;		/* which the batch view shows */
};

struct viewers_result {
	int64_t	elapsed_us, cpu_us;	/* from when all were open; of this process */
	size_t	events;			/* snapshots that came, on all pages */
	size_t	asked;			/* requests besides the streams */
	size_t	late;			/* of them: asked because nothing had come for two seconds */
	size_t	bytes;			/* that came, heads and all */
};

/*
 * Writes a line to standard output when every page has had its first snapshot, and goes on until standard input ends.  Ends the program when a
 * stream breaks off, or anything is answered with another status than 200.
 */
void	viewers_run(const struct viewers_target *t, struct viewers_result *ret);

#endif
