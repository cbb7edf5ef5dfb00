/* Randomness as an input, so that a test can choose it. */
#ifndef BASE_RND_H
#define BASE_RND_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct rnd {
	/* Fills out with len unpredictable bytes, or returns ERR_INTERNAL.  Any thread. */
	enum err_code	(*fill)(const struct rnd *, uint8_t *out, size_t len);
};

extern const struct rnd rnd_system;	/* getrandom(2) */

ERR_MUST_CHECK enum err_code	rnd_fill(const struct rnd *r, uint8_t *out, size_t len, struct err *e);

/* A number from 0 to max; max itself where there is no randomness: for waits, where the longest is right too. */
int64_t				rnd_up_to(const struct rnd *r, int64_t max);

#endif
