#include "upload/pace.h"

/*
 * A little below the quota: AWS's clock and ours do not tick together, and a call more in one of its seconds costs half the rate
 * for some seconds, which is far more than these two in a hundred.
 */
#define PACE_SHARE		0.98
/* A bucket this deep, in seconds, makes up for a loop that came a moment late, and holds no burst worth the name. */
#define PACE_DEPTH_S		0.02
/* Never below this share of the limit: a service that throttles at random must not stop us. */
#define PACE_FLOOR		0.1
/* Back to just below where AWS throttled in ten seconds, beyond it by a hundredth of the limit each second. */
#define PACE_CLIMB_S		10.0
#define PACE_CAUTION		0.95
#define PACE_PROBE		0.01

#define US_PER_S		1e6

void
pace_init(struct pace *p, int64_t per_s, int64_t now_us)
{
	double limit = (double)per_s * PACE_SHARE;

	*p = (struct pace){ .limit = limit, .rate = limit, .ceiling = limit, .tokens = 1, .refilled_us = now_us };
}

static void
climb(struct pace *p, double elapsed_s)
{
	double careful = p->ceiling * PACE_CAUTION;

	if (p->rate < careful) {
		p->rate += elapsed_s * p->ceiling / PACE_CLIMB_S / 2;
		if (p->rate > careful)
			p->rate = careful;
	} else
		p->rate += elapsed_s * p->limit * PACE_PROBE;
	if (p->rate > p->limit)
		p->rate = p->limit;
}

static void
refill(struct pace *p, int64_t now_us)
{
	double elapsed_s = (double)(now_us - p->refilled_us) / US_PER_S, depth;

	if (elapsed_s <= 0)
		return;
	p->refilled_us = now_us;
	p->tokens += elapsed_s * p->rate;
	if (p->halved_us != 0)
		climb(p, elapsed_s);
	depth = 1 + p->rate * PACE_DEPTH_S;
	if (p->tokens > depth)
		p->tokens = depth;
}

bool
pace_take(struct pace *p, int64_t now_us)
{
	refill(p, now_us);
	if (p->tokens < 1)
		return false;
	p->tokens -= 1;
	p->calls++;
	return true;
}

int64_t
pace_wait_us(struct pace *p, int64_t now_us)
{
	refill(p, now_us);
	if (p->tokens >= 1)
		return 0;
	return (int64_t)((1 - p->tokens) / p->rate * US_PER_S) + 1;
}

void
pace_throttled(struct pace *p, int64_t sent_us, int64_t now_us)
{
	p->throttled++;
	/* what was under way when the rate was halved says nothing about the new rate */
	if (sent_us < p->halved_us)
		return;
	refill(p, now_us);
	p->ceiling = p->rate;
	p->rate /= 2;
	if (p->rate < p->limit * PACE_FLOOR)
		p->rate = p->limit * PACE_FLOOR;
	p->tokens = 0;
	p->halved_us = now_us;
}
