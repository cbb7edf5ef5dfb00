/*
 * What was refused, counted by reason, batch and station for each half day: the one at hand and the one before it are in memory, all of a month in the ledger.
 * Bounded whatever comes: when a half day has REFUSAL_KEYS different ones, the others count in one row for each reason.  Locked by its owner (pulse.c).
 */
#ifndef SERVER_REFUSALS_H
#define SERVER_REFUSALS_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "db/store.h"
#include "tally.h"

enum {
	REFUSAL_KEYS = 128,			/* a line has a few stations and a few batches a day */
	REFUSAL_ROWS = REFUSAL_KEYS + TALLY_CODES,
	REFUSAL_GROUPS = 50,			/* reasons and stations shown, and one more for each reason */
	REFUSAL_DAYS = 31
};

struct refusal {
	struct store_refusal	row;
	enum err_code		code;
	char			asked[LIMIT_NAME_BYTES + 1];	/* for the last one: row.batch, or what there is not */
	uint64_t		changed;			/* stamp of the last change */
};

struct refusals {
	struct {
		int64_t		from_us;
		size_t		n;
		struct refusal	rows[REFUSAL_ROWS];
	} halves[2];
};

/* Rows as they are shown: by reason and station. */
struct refusal_groups {
	size_t			n;
	struct store_refusal	rows[REFUSAL_GROUPS + TALLY_CODES];
};

/* When the half day of a moment begins. */
int64_t		refusals_half_us(int64_t at_us);

/* one: what a single refusal is, its count 1, its times the moment; from_us is found out.  Texts are clean (text_line). */
void		refusals_note(struct refusals *r, const struct store_refusal *one, enum err_code code, uint64_t stamp);

/* A row of the ledger, when the server starts.  Another half day than the two before the end of until_us's, or a reason that is none: it is left out. */
void		refusals_recall(struct refusals *r, const struct store_refusal *row, int64_t until_us);

/* Adds what happened after since_us, in a batch or in all (NULL). */
void		refusals_group(const struct refusals *r, int64_t since_us, const char *batch, struct refusal_groups *groups);
void		refusals_group_add(struct refusal_groups *groups, const struct store_refusal *row, const char *batch);

/* The groups, the latest first, as the array "refusals" of o. */
void		refusals_view(struct refusal_groups *groups, cJSON *o);

/* Copies what has changed after a stamp: at most 2 * REFUSAL_ROWS. */
size_t		refusals_changed(const struct refusals *r, uint64_t since, struct store_refusal *out);

#endif
