/*
 * How often: a rate and a burst for each of many keys (addresses, tokens, requests), in tables of fixed size.  Leaky buckets as the virtual scheduling
 * algorithm has them (ITU-T I.371): one time a key, so that nothing has to be refilled.  Any thread.
 */
#ifndef ACCESS_THROTTLE_H
#define ACCESS_THROTTLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rnd.h"

struct throttle;

enum { THROTTLE_KEYS_MIN = 64, THROTTLE_PER_MINUTE_MAX = 60 * 1000 * 1000, THROTTLE_BURST_MAX = 1000 * 1000 };

/* Kinds have separate rates and tables: a flood of one kind never makes another forget. */
enum throttle_kind { THROTTLE_ADDRESS, THROTTLE_TOKEN, THROTTLE_REPEAT, THROTTLE_WRONG_TOKEN, THROTTLE_LOG, THROTTLES };

struct throttle_rate {
	int64_t	per_minute;	/* 0: no limit */
	int64_t	burst;		/* so many at once, at least 1 */
};

/*
 * keys: places for each kind (at least 64); when they are full, the key that is least behind is forgotten.  A rate is at most THROTTLE_PER_MINUTE_MAX with a burst of
 * THROTTLE_BURST_MAX.  ERR_INTERNAL: one is out of these bounds.
 */
ERR_MUST_CHECK enum err_code	throttle_new(const struct throttle_rate rates[THROTTLES], size_t keys, const struct rnd *rnd,
				    struct throttle **ret, struct err *e);
void				throttle_free(struct throttle *t);	/* takes NULL */

/*
 * Counts one of that kind and key (any bytes).  0: it is within the rate.  Otherwise the microseconds until one would be, and nothing was counted.
 * now_us: monotonic; threads may come a little out of order.
 */
int64_t				throttle_take(struct throttle *t, enum throttle_kind kind, const void *key, size_t len, int64_t now_us);

/* The same look without counting. */
int64_t				throttle_look(struct throttle *t, enum throttle_kind kind, const void *key, size_t len, int64_t now_us);

#endif
