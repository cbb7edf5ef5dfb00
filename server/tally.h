/* What the enrolments of this run came to, counted by outcome.  Lock-free; for the status page. */
#ifndef SERVER_TALLY_H
#define SERVER_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

enum { TALLY_CODES = ERR_INTERNAL + 1 };	/* ERR_INTERNAL is the last of the list */

struct tally {
	_Atomic uint64_t	issued;		/* 201 */
	_Atomic uint64_t	repeated;	/* 200 */
	_Atomic uint64_t	refused[TALLY_CODES];	/* by code */
};

#endif
