/* Events, for the tests that look at what a change wrote down. */
#ifndef TESTS_UNIT_DB_EVENTS_H
#define TESTS_UNIT_DB_EVENTS_H

#include "ledger.h"

/* Events as a listing shows them, newest first. */
struct events {
	int			n, stop_after;	/* 0: never */
	struct store_event	event[32];
};

static inline enum err_code
events_note(void *arg, const struct store_event *ev, struct err *e)
{
	struct events	*evs = arg;

	assert_true(evs->n < 32);
	evs->event[evs->n++] = *ev;
	if (evs->n == evs->stop_after)
		return err_set(e, ERR_IO, "the reader has gone");
	return ERR_OK;
}

static inline struct events
events_list(struct ledger *l, int64_t before, int64_t limit)
{
	struct events	evs = { 0 };
	struct err	e;
	int		i;

	assert_ok(l->ops->event_list(l->reader, before, limit, NULL, events_note, &evs, &e));
	for (i = 1; i < evs.n; i++)
		assert_true(evs.event[i].id < evs.event[i - 1].id);
	return evs;
}

/* The newest event, in words: "batch.open lot-1: closed -> open". */
static inline void
assert_newest_event(struct ledger *l, const char *words)
{
	struct events	evs = events_list(l, 0, 1);
	char		got[512];

	assert_int_equal(evs.n, 1);
	(void)snprintf(got, sizeof(got), "%s %s: %s", evs.event[0].action, evs.event[0].object, evs.event[0].detail);
	assert_string_equal(got, words);
	assert_string_equal(evs.event[0].actor, ledger_who.actor);
	assert_int_equal(evs.event[0].at_us, ledger_who.at_us);
}

static inline int
events_count(struct ledger *l)
{
	return events_list(l, 0, 0).n;
}

#endif
