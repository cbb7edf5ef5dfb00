/*
 * What one HTTP worker thread has for itself: OpenSSL contexts, a reader of the ledger, the orders it has met.  Nothing in
 * it is shared, so nothing in it is locked.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <regex.h>

#include "ca/issue.h"
#include "ca/profile.h"
#include "line.h"

/* The part of a batch that never changes, ready for use.  Whether it is open and has room, only the transaction knows. */
struct order {
	struct store_batch	 batch;
	const struct line_ca	*ca;
	bool			 has_profile;	/* false: lineca.conf has lost it; only what is recorded is answered */
	struct profile		 profile;
	bool			 has_pattern;
	regex_t			 pattern;	/* anchored */
	bool			 has_targets;	/* false: lineca.conf has lost a section that the batch names; as without has_profile */
	struct target		*things;	/* own copies of the targets that make things; NULL: none does */
	size_t			 things_count;
	struct order		*next;
};

enum { WORKER_ORDERS_MAX = 64 };	/* more batches than a line works on in an hour */

struct worker {
	struct line		*line;
	struct pop		*pop;
	struct store_reader	*reader;
	struct issue_bench	*benches[LIMIT_CAS];	/* by the CA's place in line->cas; NULL: it does not issue */
	struct order		*orders;		/* the last used first */
	struct worker		*next;
	uint8_t			 der[LIMIT_CSR_BYTES];
};

/* Makes count workers for as many threads.  Before the first request; line_free frees them. */
ERR_MUST_CHECK enum err_code	workers_prepare(struct line *l, unsigned count, struct err *e);

/* The calling thread's worker: one of the prepared, its own from the first call on. */
ERR_MUST_CHECK enum err_code	worker_get(struct line *l, struct worker **ret, struct err *e);
void				worker_free(struct worker *w);	/* takes NULL */

/* The means to issue for a CA.  ERR_CA_EXPIRED: this CA has no key here or is not active. */
ERR_MUST_CHECK enum err_code	worker_bench(struct worker *w, const struct line_ca *ca, struct issue_bench **ret, struct err *e);

/* The order of that name; valid until the next call.  ERR_BATCH_NOT_FOUND; ERR_INTERNAL: its CA is unknown here. */
ERR_MUST_CHECK enum err_code	worker_order(struct worker *w, const char *name, struct order **ret, struct err *e);

/* POSIX extended expression that must fit the whole text.  ERR_USAGE, with the library's words.  regfree afterwards. */
ERR_MUST_CHECK enum err_code	pattern_compile(const char *pattern, regex_t *ret, struct err *e);

#endif
