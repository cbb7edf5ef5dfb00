/* What a person sees while the upload runs: a bar on a terminal, or a log line every ten seconds. */
#ifndef UPLOAD_PROGRESS_H
#define UPLOAD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum { PROGRESS_SAMPLES = 32 };	/* seconds over which the rate is taken */

struct progress {
	bool	bar;
	bool	drawn;			/* a bar stands on the line */
	int64_t	total;			/* certificates to do */
	int64_t	said_us, begun_us;	/* monotonic */
	struct {
		int64_t	at_us, settled;
	}	samples[PROGRESS_SAMPLES];	/* one a second, a ring */
	int	samples_count;
};

void	progress_begin(struct progress *p, bool bar, int64_t total, int64_t now_us);

/* Says how far it is, if it is time to; often enough is several times a second. */
void	progress_tick(struct progress *p, int64_t registered, int64_t parked, int64_t now_us);

/* Takes the bar away, before something else is written to the terminal; the next tick draws it again. */
void	progress_hide(struct progress *p);

/* "2 h 47 min", "17 min", "40 s"; "" for less than nothing */
enum { PROGRESS_SPAN_BYTES = 32 };
void	progress_span(int64_t s, char out[PROGRESS_SPAN_BYTES]);

#endif
