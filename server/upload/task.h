/*
 * A task: one certificate in one target, with its place in the run.  An item: the certificate with its tasks; it is settled when all
 * of them are.
 */
#ifndef UPLOAD_TASK_H
#define UPLOAD_TASK_H

#include "db/store.h"
#include "upload/step.h"

struct site;
struct lane;
struct item;
struct run;

enum task_end {
	TASK_OPEN,
	TASK_DONE,
	TASK_PARKED,
	TASK_LEFT	/* stays queued for the next run */
};

struct task {
	struct item			*item;
	struct site			*site;
	struct step_work		 work;
	struct store_registration	 registration;
	enum step_verdict		 verdict;	/* of the newest answer */
	enum task_end			 end;
	enum step_verdict		 failing;	/* how the call at hand fails, if tries > 0 */
	int				 tries;		/* so often in this way */
	int64_t				 failing_us;	/* since when; monotonic */
	int64_t				 sent_us;	/* monotonic */
	int64_t				 wake_us;	/* waits until then */
	struct run			*run;		/* whose it is: for the answer's way back */
	struct task			*next;
};

/* First in, first out; a task is in at most one. */
struct task_queue {
	struct task	*first, *last;
	size_t		 count;
};
void		 task_push(struct task_queue *q, struct task *t);
struct task	*task_pop(struct task_queue *q);	/* NULL: empty */

struct item {
	struct store_certificate	 certificate;	/* its der is not kept */
	char				 serial[2 * STORE_SERIAL_BYTES + 1];
	char				 certificate_id[2 * STORE_HASH_BYTES + 1];
	char				*pem;
	struct target_values		 values;
	struct lane			*lane;
	size_t				 open;		/* tasks that have not ended */
	bool				 given_up;	/* one of them for now, for it kept failing */
	bool				 withdraw;	/* it is revoked: its tasks tell AWS so, and nothing else */
	size_t				 tasks_count;
	struct item			*next, *prev;	/* among those of a fetch, then of the run */
	struct task			 tasks[];
};

/* A copy of c for count targets.  The tasks are the caller's to fill in.  ERR_NOMEM. */
ERR_MUST_CHECK enum err_code	item_new(const struct store_certificate *c, size_t count, struct item **ret, struct err *e);
void				item_free(struct item *i);	/* takes NULL */

/*
 * What the certificate as a whole is now: -1 still queued, CERTIFICATE_REGISTERED (with withdraw CERTIFICATE_REVOKED) or
 * CERTIFICATE_PARKED.
 */
int				item_settled(const struct item *i);

#endif
