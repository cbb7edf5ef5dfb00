/*
 * When to stop: SIGTERM, SIGINT, SIGHUP, or the deadline.  One a process: signals are the process's.  Any of its functions is cheap
 * enough to be asked in every turn of a loop.
 */
#ifndef UPLOAD_STOP_H
#define UPLOAD_STOP_H

#include <stdbool.h>
#include <stdint.h>

/* From now on; deadline_us on the wall clock, 0: none. */
void		 stop_watch(int64_t deadline_us);

/* "a signal", "the deadline"; NULL: go on. */
const char	*stop_reason(void);
bool		 stop_wanted(void);

/* A second signal: whoever sent it does not want to wait. */
bool		 stop_insists(void);

#endif
