/*
 * An answer that many ask for and that costs more the more there is: it is kept for twenty times as long as it took to make, so that
 * however many ask, it takes a twentieth of one core at most.  What is made in no time is as good as new.
 */
#ifndef SERVER_KEPT_H
#define SERVER_KEPT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct kept {
	pthread_mutex_t	 mu;		/* protects the rest; nobody holds it while something is made */
	char		*text;		/* NULL: none yet */
	int64_t		 made_us;	/* monotonic */
	int64_t		 cost_us;
	bool		 making;
};

void	kept_init(struct kept *k);
void	kept_done(struct kept *k);

/*
 * The text as it is kept, or as make makes it now: malloced, NUL-terminated, NULL without memory.  While one thread makes it anew, the others
 * get the old one.  *ret is the caller's: free.  Errors: ERR_NOMEM, and those of make, which keep nothing.  Any thread.
 */
ERR_MUST_CHECK enum err_code	kept_get(struct kept *k, enum err_code (*make)(void *arg, char **ret, struct err *), void *arg, char **ret,
				    struct err *e);

#endif
