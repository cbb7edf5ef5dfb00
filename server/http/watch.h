/*
 * The watch: one thread that cuts connections which let others wait too long, and wakes requests that are held back.  libmicrohttpd itself only
 * knows a time without a single byte, which who sends a byte a second never meets.
 */
#ifndef HTTP_WATCH_H
#define HTTP_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct watch;

/* A connection under watch. */
struct watch_entry {
	int			 fd;
	_Atomic int64_t		 deadline_us;	/* monotonic; INT64_MAX: none */
	_Atomic bool		 tell;		/* a client that waits for an answer is told why its connection ends */
	struct watch_entry	*next, **at;	/* the watch's */
};

/* Something to wake. */
struct watch_hold {
	int64_t			 due_us;
	void			(*wake)(struct watch_hold *);	/* on the watch's thread; the hold may be gone when it returns */
	struct watch_hold	*next;
};

/* tell is what a connection is sent before it is cut, NULL: nothing (TLS). */
ERR_MUST_CHECK enum err_code	watch_start(const char *tell, struct watch **ret, struct err *e);
void				watch_stop(struct watch *w);	/* every entry removed, every hold woken before.  Takes NULL */

/* From add to remove the descriptor stays open: remove first, then close.  Any thread. */
void				watch_add(struct watch *w, struct watch_entry *entry);
void				watch_remove(struct watch *w, struct watch_entry *entry);

/* Wakes hold after so many microseconds; at once when watch_release_all was called.  Any thread. */
void				watch_hold(struct watch *w, struct watch_hold *hold, int64_t us);
/* Wakes all, now and from now on: the server stops. */
void				watch_release_all(struct watch *w);

/* A connection that was turned away: its end is put off a moment, so that who comes back at once is slowed down too.  Closes fd. */
void				watch_close_later(struct watch *w, int fd);

#endif
