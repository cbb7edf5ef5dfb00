#include "ca/serial.h"

#define UPPER_BASE	(UINT64_C(1) << 62)	/* so that the first octet is 0x40 to 0x7f: positive, 16 octets, always */
#define UPPER_END	(UINT64_C(1) << 63)
enum { STEPS_PER_US = 256 };

void
serial_source_init(struct serial_source *s, const struct clock *clk, const struct rnd *rnd, uint64_t newest_upper)
{
	s->clock = clk;
	s->rnd = rnd;
	atomic_init(&s->last, newest_upper);
}

static uint64_t
upper_of_now(const struct clock *clk)
{
	int64_t us = clk->now_us(clk);

	if (us < 0)
		us = 0;
	if (us > (int64_t)((UPPER_BASE - 1) / STEPS_PER_US))	/* the year 2540 */
		us = (int64_t)((UPPER_BASE - 1) / STEPS_PER_US);
	return UPPER_BASE + (uint64_t)us * STEPS_PER_US;
}

enum err_code
serial_next(struct serial_source *s, uint8_t out[SERIAL_BYTES], struct err *e)
{
	uint64_t now = upper_of_now(s->clock), last = atomic_load(&s->last), upper;
	enum err_code rc;

	do {
		upper = last >= now ? last + 1 : now;
		if (upper >= UPPER_END)
			return err_set(e, ERR_INTERNAL, "serial numbers are used up");
	} while (!atomic_compare_exchange_weak(&s->last, &last, upper));
	if ((rc = rnd_fill(s->rnd, out + 8, SERIAL_BYTES - 8, e)) != ERR_OK)
		return rc;
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(upper >> (56 - 8 * i));
	return ERR_OK;
}

uint64_t
serial_upper(const uint8_t serial[SERIAL_BYTES])
{
	uint64_t upper = 0;

	for (int i = 0; i < 8; i++)
		upper = upper << 8 | serial[i];
	return upper;
}
