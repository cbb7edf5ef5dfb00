/*
 * The nightly upload: every queued certificate to the targets of its batch, each step recorded before the next (P5); before them, the word
 * that a certificate is revoked, to the same.
 *
 *	upload_open	what is queued, where it goes, whether AWS will take it: no change anywhere
 *	upload_run	the calls, until the queue is empty or something says stop
 *
 * One process at a time (HOME_UPLOAD_LOCK), one thread.
 */
#ifndef UPLOAD_UPLOAD_H
#define UPLOAD_UPLOAD_H

#include "home.h"
#include "upload/lane.h"
#include "upload/report.h"

struct upload_ca {
	struct store_ca	 row;
	char		*pem;
};

enum { UPLOAD_SET_ASIDE_MAX = 16 };

struct upload {
	struct home		*home;		/* borrowed */
	struct transport	*transport;
	struct site		*sites[LIMIT_TARGETS];
	size_t			 sites_count;
	struct site		*site_of_target[LIMIT_TARGETS];	/* by the target's place in the configuration; borrowed from sites, or NULL */
	bool			 asked[LIMIT_TARGETS];
	struct lane		*lanes;
	struct upload_ca	 cas[LIMIT_CAS];
	size_t			 cas_count;
	int64_t			 queued;	/* certificates that wait, of the batches asked for */
	int64_t			 revoking;	/* of those that are revoked, those that AWS must hear of */
	int64_t			 revoke_parked;	/* of those, before the run, the ones that wait for a person */
	struct err		 set_aside[UPLOAD_SET_ASIDE_MAX];	/* why some of them cannot go now */
	bool			 ran;		/* upload_run was begun, and the ledger knows of it */
	size_t			 set_aside_count;	/* 0: all can; may be more than are kept */
};

/*
 * Looks what is queued (batch NULL: in all) and asks AWS, once each: whose account, the CA active, policies there.  With nothing
 * queued and nothing revoked AWS is not asked at all.  What cannot go is said on standard error and set aside, the rest can run.
 * ERR_BATCH_NOT_FOUND; ERR_CONFLICT, ERR_IO: nothing of it can go, and why; ERR_DRAINING: stop_wanted; ERR_CONFIG, ERR_PERMISSION, ERR_IO of
 * the session.
 * u is all zeroes before; upload_close in any case.
 */
ERR_MUST_CHECK enum err_code	upload_open(struct upload *u, struct home *h, const char *batch, struct err *e);
void				upload_close(struct upload *u);

/* A run that ended before it began, for `upload status`; best effort: the ledger may be what failed. */
void				upload_note_failure(struct upload *u, const struct err *why);

/* Certificates of the batches of u that wait now, revoked ones too: the line may have issued more since. */
ERR_MUST_CHECK enum err_code	upload_queued(const struct upload *u, int64_t *ret, struct err *e);

struct upload_options {
	int64_t		 limit;		/* at most so many certificates; 0: all */
	bool		 bar;		/* a progress bar on standard error, else a log line every ten seconds */
};

struct upload_result {
	int64_t	registered, parked;	/* certificates that this run settled */
	int64_t	revoked;		/* AWS has them as revoked now, or does not have them */
	int64_t	left;			/* tried, and still queued */
	int64_t	queued, revoking, revoke_parked;	/* what waits now, of the batches asked for */
	int64_t	calls, throttled;
	int64_t	elapsed_us;
	bool	waits;			/* some could not be tried: a CA or an account that does not take them */
	bool	stopped;		/* by the deadline or a signal, before the queue was empty */
	char	reason[128];		/* of the stop */
};

/*
 * Runs until the queue is empty, the limit is reached, stop_wanted (upload/stop.h) says so, or nothing can go on.  ret is written in any
 * case.  ERR_PERMISSION: AWS said 401 or 403; ERR_IO: AWS took nothing for give_up_s, or is not who it says; ERR_STORAGE: the ledger
 * failed.  Whatever was recorded stays; the next run goes on there.
 */
ERR_MUST_CHECK enum err_code	upload_run(struct upload *u, const struct upload_options *o, struct report *report,
				    struct upload_result *ret, struct err *e);

#endif
