/* The inside of a run, shared by its files: run.c (the loop), send.c (calls go out and come in), settle.c (what they change). */
#ifndef UPLOAD_INTERNAL_H
#define UPLOAD_INTERNAL_H

#include "upload/progress.h"
#include "upload/upload.h"

enum { GATHER_ENOUGH = 64 };	/* answers that are recorded in one transaction at most */

struct run {
	struct upload			*u;
	const struct upload_options	*options;
	struct report			*report;
	struct progress			 progress;
	struct task_queue		 answered, waiting;
	int64_t				 answered_us;	/* when the first of them came */
	int				 in_flight;
	struct item			*items;		/* all on their way */
	int64_t				 fetched;
	int64_t				 taken_us;	/* when AWS took something last */
	bool				 took_any;
	int64_t				 give_up_us;
	int				 passes;	/* beyond the first */
	struct store_upload_run		 row;
	struct upload_result		*result;
	struct err			 stop;		/* why the run cannot go on; code ERR_OK: it can */
	char				 waits[ERR_LOG_TEXT_BYTES];	/* why some certificates cannot go in this run; "": all can */
	char				 trouble[128];	/* the last failure that may pass */
	int64_t				 counted_us;	/* when the queue was looked at last */
	int64_t				 revoked_us;	/* when revocations were looked for last; 0: not yet */
	int64_t				 drain_us;	/* when stopping began; 0: not */
};

/* The first reason why the run cannot go on is the one that is told. */
void				run_stop(struct run *r, const struct err *why);

/* Into the queue of its next call. */
void				task_ready(struct task *t);

/* Certificates that the run is done with. */
int64_t				run_settled(const struct run *r);

/* ---- send.c */

/*
 * A place of site.ready that is no operation: withdrawals.  They are UpdateCertificate too, but before all that makes something active, and
 * with a token of their own.
 */
#define SEND_WITHDRAWAL	IOT_OPERATIONS

enum { SEND_ORDER = 10 };
/* The order in which the operations of a site are served: what is nearly finished first. */
extern const enum iot_operation	send_order[SEND_ORDER];

/* How long until the site may be sent a call of that operation; 0: now. */
int64_t				send_wait_us(struct site *s, enum iot_operation op, int64_t now_us);

/* Starts every call that the paces and connections allow now. */
void				send_ready(struct run *r);

/* ---- settle.c */

/* An answer, or what stands for one, to be settled with others. */
void				task_answered(struct run *r, struct task *t);

/* Judges what was answered, records what that changed in one transaction, and moves the tasks on.  The ledger's errors. */
ERR_MUST_CHECK enum err_code	settle(struct run *r, struct err *e);
void				item_drop(struct run *r, struct item *i);

#endif
