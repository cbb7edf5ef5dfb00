/*
 * Serial numbers that only grow: 16 octets, positive, never the same twice.
 * The upper 8 octets are 2^62 + a number that only goes up (microseconds since 1970 times 256, or
 * one more than the last, whichever is larger); the lower 8 are random (RFC 5280 4.1.2.2;
 * CA/Browser Forum: at least 64 bits from a CSPRNG).  They grow because the index then appends instead
 * of writing a page somewhere for each row.
 */
#ifndef CA_SERIAL_H
#define CA_SERIAL_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rnd.h"

enum { SERIAL_BYTES = 16 };

struct serial_source {
	const struct clock	*clock;
	const struct rnd	*rnd;
	_Atomic uint64_t	 last;	/* the upper half of the newest serial, recorded or not */
};

/* newest_upper: the upper half of the largest serial in the ledger, 0 for none. */
void				serial_source_init(struct serial_source *s, const struct clock *clk,
				    const struct rnd *rnd, uint64_t newest_upper);

/* The next serial.  Any thread.  ERR_INTERNAL without randomness. */
ERR_MUST_CHECK enum err_code	serial_next(struct serial_source *s, uint8_t out[SERIAL_BYTES], struct err *e);

/* The upper half of a serial, which the ledger uses as its key; below 2^63. */
uint64_t			serial_upper(const uint8_t serial[SERIAL_BYTES]);

#endif
