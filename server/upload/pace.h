/*
 * The pace of one operation in one account and region: a token bucket that gives calls out evenly, halves its rate when AWS
 * throttles, and comes back slowly.  AWS counts calls by operation, account and region (aws-iot facts 1.2).
 */
#ifndef UPLOAD_PACE_H
#define UPLOAD_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
	double	limit;		/* calls a second that are allowed at most */
	double	rate;		/* ... that go now */
	double	ceiling;	/* the rate at which AWS throttled last; limit until it did */
	double	tokens;
	int64_t	refilled_us;	/* monotonic */
	int64_t	halved_us;	/* when the rate was halved last; 0: never */
	int64_t	calls, throttled;	/* ever */
};

/* per_s: the quota. */
void	pace_init(struct pace *p, int64_t per_s, int64_t now_us);

/* May a call start now?  Takes its token if so. */
bool	pace_take(struct pace *p, int64_t now_us);

/* Microseconds until pace_take will say yes; 0: now. */
int64_t	pace_wait_us(struct pace *p, int64_t now_us);

/* AWS throttled a call that was sent at sent_us. */
void	pace_throttled(struct pace *p, int64_t sent_us, int64_t now_us);

#endif
