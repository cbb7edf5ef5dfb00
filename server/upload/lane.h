/*
 * A lane: the batches that go to the same targets, one after the other, oldest certificate first.  Lanes run side by
 * side, so that a slow account does not hold up another.  A lane holds few certificates at a time, however long its queue is.
 */
#ifndef UPLOAD_LANE_H
#define UPLOAD_LANE_H

#include "home.h"
#include "upload/site.h"
#include "upload/task.h"

/*
 * Certificates of a lane on their way at once: enough that those which wait for a second try leave the slowest quota busy, few enough
 * to be nothing in memory (2 to 5 KiB each).
 */
enum { LANE_ITEMS_MAX = 256, LANE_PAGE = 64 };

struct lane_batch {
	int64_t		 id, ca_id, queued;
	int64_t		 revoking;	/* of its certificates that are revoked, those that AWS must hear of */
	char		 name[LIMIT_NAME_BYTES + 1];
	const char	*ca_pem;	/* borrowed */
	int64_t		 withdrawn;	/* its withdrawals up to here were read */
};

struct lane {
	char			 aws[LIMIT_PATTERN_BYTES + 1];	/* store_batch.aws, which says where it goes */
	const struct target	*targets[LIMIT_TARGETS];
	struct site		*sites[LIMIT_TARGETS];		/* borrowed; NULL: stopped, nobody answers there */
	bool			 stopped[LIMIT_TARGETS];	/* a target that cannot be reached, or whose policy or the like is missing */
	size_t			 targets_count;
	struct lane_batch	*batches;
	size_t			 batches_count, at;		/* the batch that is being read */
	int64_t			 cursor;			/* its certificates up to here were read */
	size_t			 items;				/* on their way */
	int64_t			 left;				/* certificates tried in this pass and given up for now */
	struct lane		*next;
};

/* Lanes in lists; a batch is added to the lane of its targets, which is made if it is new.  ERR_CONFIG: lineca.conf has lost a section. */
ERR_MUST_CHECK enum err_code	lane_add_batch(struct lane **lanes, const struct config *config, const struct store_batch *b,
				    const char *ca_pem, struct err *e);
void				lanes_free(struct lane *l);	/* takes NULL */

/* From the beginning again: what was left is tried once more. */
void				lane_rewind(struct lane *l);

/* Does the target at that place take certificates of this CA?  One with a stopped CA does not, unless it registers without one. */
bool				lane_target_takes(const struct lane *l, size_t at, int64_t ca_id);

/* Is there a target of the lane that takes certificates of this batch? */
bool				lane_takes_batch(const struct lane *l, const struct lane_batch *b);

/*
 * Reads up to max certificates that are revoked and AWS must hear of, in the order of their revocations; *ret NULL: there are no more for now.
 * Later ones are found by calling it again.  in_hand says of which the caller has an item: those, and what comes after them, are for later.
 */
ERR_MUST_CHECK enum err_code	lane_fetch_revoked(struct lane *l, struct home *h, int64_t max, bool (*in_hand)(void *arg, const uint8_t *serial),
				    void *arg, struct item **ret, struct err *e);

/*
 * Reads up to max certificates of the queue; *ret is their list, or NULL at the end of the lane.  Tasks begin where an earlier run left
 * them.  The items are the caller's.
 */
ERR_MUST_CHECK enum err_code	lane_fetch(struct lane *l, struct home *h, int64_t max, struct item **ret, struct err *e);

#endif
