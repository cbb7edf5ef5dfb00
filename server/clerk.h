/*
 * The clerk: one thread for what people change while the line runs (batches, the queue, tokens' last use), with its own way into the ledger.  So a change never waits on
 * a worker that devices need, and the writer never waits for a change: between them stands SQLite's lock, as between two processes.
 */
#ifndef SERVER_CLERK_H
#define SERVER_CLERK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "db/store.h"

struct clerk;

/* What a job works with; lent for its run. */
struct clerk_desk {
	const struct store_ops	*ops;
	struct store		*store;
	struct store_reader	*reader;
};

struct clerk_job {
	void			(*run)(struct clerk_job *, const struct clerk_desk *);	/* hands itself on as its last act */
	struct clerk_job	*next;		/* the clerk's */
};

/* Opens the ledger once more and starts the thread. */
ERR_MUST_CHECK enum err_code	clerk_start(const struct store_ops *ops, const char *ledger_path, struct clerk **ret, struct err *e);

/* From now on it also makes certificate ids findable, every few seconds (store_ops.identifiers_settle).  Any thread. */
void				clerk_settles(struct clerk *c);

/* From now on it also calls keep every few seconds, and when it stops (at_end): for what is written down now and then.  Any thread, once. */
void				clerk_keeps(struct clerk *c, void (*keep)(void *arg, const struct clerk_desk *, bool at_end), void *arg);

/* Runs what was pushed, writes down what was noted, ends the thread and frees.  Nobody may push any more.  Takes NULL. */
void				clerk_stop(struct clerk *c);

/* Any thread. */
void				clerk_push(struct clerk *c, struct clerk_job *job);

/* A token was used: written down within some seconds, so that a request does not pay for it (of more than 256 tokens in that time,
 * those of the first 256).  Any thread. */
void				clerk_note_use(struct clerk *c, int64_t token_id, int64_t at_us);

#endif
