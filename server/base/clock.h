/*
 * Time as an input: nobody else in the program asks the system for it.
 * Wall time is microseconds since 1970-01-01T00:00:00Z; durations are measured
 * on the monotonic clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock {
	int64_t	(*now_us)(const struct clock *);
	int64_t	fixed_us;	/* what the fixed clock of a test answers */
};

extern const struct clock clock_system;	/* the wall clock of the machine */

/* A clock that stands still at now_us; tests move fixed_us. */
struct clock	clock_fixed(int64_t now_us);

/* Wall time in whole seconds. */
int64_t		clock_now_s(const struct clock *c);

/* Microseconds since some moment in the past; never goes back.  Any thread. */
int64_t		clock_monotonic_us(void);

/* The same, some milliseconds behind, for next to nothing: for deadlines of seconds. */
int64_t		clock_monotonic_coarse_us(void);

enum { CLOCK_TEXT_BYTES = 32 };

/* RFC 3339 in UTC, whole seconds: "2026-11-20T20:25:00Z".  out has CLOCK_TEXT_BYTES.  Years 0000 to 9999. */
void		clock_format_s(int64_t s, char *out);

/* RFC 3339 in UTC with six decimals: "2026-11-20T20:25:00.123456Z". */
void		clock_format_us(int64_t us, char *out);

/*
 * Reads "2026-11-20", "2026-11-20T20:25:00Z" or with an offset or decimals
 * (cut to microseconds).  False: not such a text, or no such date.
 */
bool		clock_parse_us(const char *text, int64_t *ret_us);

/* The civil date of a moment: proleptic Gregorian, UTC. */
struct civil {
	int	year, month, day, hour, minute, second;
};
struct civil	clock_civil(int64_t s);
int64_t		clock_from_civil(const struct civil *c);

#endif
