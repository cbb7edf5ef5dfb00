/*
 * The group commit: one thread that takes every row that waits and makes the lot durable with one sync.
 *
 *     worker:  writer_reserve -> parse, plan, sign -> suspend -> writer_push -> (touches nothing)
 *     writer:  record the group -> done(arg) for each, its last act
 *
 * A reserved place means that push cannot fail, so a suspended connection always comes back.
 * The writer lingers up to linger_us for a fuller group: until three quarters of the places that were in use at once lately are
 * pushed, or group_enough are.  One station, or two, are never kept waiting.
 */
#ifndef DB_WRITER_H
#define DB_WRITER_H

#include <stdint.h>

#include "base/err.h"
#include "db/store.h"

struct writer;

struct writer_config {
	unsigned	queue_max;	/* places: rows being prepared or waiting; more is ERR_BUSY */
	unsigned	group_max;	/* rows in one commit */
	unsigned	group_enough;	/* rows that end the lingering */
	int64_t		linger_us;
	/* Called once, on the writer's thread, when the store answered ERR_STORAGE; afterwards every push gets it too. */
	void		(*storage_failed)(void *arg, const struct err *);
	void		*arg;
};

/* One row on its way.  Lives in the request; belongs to the writer from push until done is called. */
struct writer_item {
	struct store_record_row	 row;		/* row.certificate set by the pusher */
	void			(*done)(struct writer_item *);	/* on the writer's thread; nothing may be touched after it handed on */
	struct writer_item	*next;		/* the writer's */
	struct err		 err;		/* out: when row.result is not ERR_OK */
	int64_t			 commit_us;	/* out: duration of the group's commit, for the log */
};

struct writer_stats {
	uint64_t	rows, groups, commit_us;	/* since the start */
	unsigned	in_use;				/* places now */
};

/* Starts the thread.  Borrows store, which must outlive it. */
ERR_MUST_CHECK enum err_code	writer_start(const struct store_ops *ops, struct store *store, const struct writer_config *,
				    struct writer **ret, struct err *e);

/* Records everything that was pushed, then ends the thread and frees.  Nobody may hold a place any more.  Takes NULL. */
void				writer_stop(struct writer *w);

/* A place in the queue.  ERR_BUSY: none free.  Any thread. */
ERR_MUST_CHECK enum err_code	writer_reserve(struct writer *w, struct err *e);
void				writer_unreserve(struct writer *w);	/* gives an unused place back */

/* Hands over an item for which a place is reserved; the place is free again when done has been called. */
void				writer_push(struct writer *w, struct writer_item *item);

void				writer_get_stats(struct writer *w, struct writer_stats *ret);

#endif
