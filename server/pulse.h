/*
 * What has happened on the line lately: the last enrolments, refusals by reason and station, how many in each minute.  Kept in memory, so that showing it costs the
 * ledger nothing; the counts of the last hours are read from it once, at the start.  What was refused is written down now and then (pulse_keep), in nobody's way.  Any
 * thread.  Texts of devices are made one line of UTF-8 each.
 */
#ifndef SERVER_PULSE_H
#define SERVER_PULSE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "db/store.h"

enum {
	PULSE_RECENT = 30,		/* enrolments shown */
	PULSE_SET_ASIDE = 1000,		/* refusals that are found by their device, the last */
	PULSE_STATIONS = 64,		/* with a streak of their own, the last that were refused */
	PULSE_QUARTERS = 48,		/* of an hour: twelve hours */
	PULSE_STATION_BYTES = STORE_STATION_BYTES,
	PULSE_KEEP_S = 10		/* so much of what was refused a crash may lose */
};

enum pulse_outcome { PULSE_ISSUED, PULSE_REPEATED, PULSE_REFUSED };

/* One enrolment that was answered; texts are lent for the call. */
struct pulse_event {
	int64_t			 at_us;		/* wall */
	enum pulse_outcome	 outcome;
	enum err_code		 code;		/* PULSE_REFUSED */
	const char		*device_id, *batch, *station, *door;	/* "" = not known */
	const char		*serial;	/* hex; NULL: none */
};

struct pulse;

/* shifts: "06:00,14:00,22:00", when shifts begin, in this machine's time zone. */
ERR_MUST_CHECK enum err_code	pulse_new(const char *shifts, struct pulse **ret, struct err *e);
void				pulse_free(struct pulse *p);	/* takes NULL */

/* A list of times of day as pulse_new takes it? */
bool				pulse_shifts_fit(const char *text);

/* Fills in the hours before now from the ledger: what was issued, and what was refused and written down.  Before the first note. */
ERR_MUST_CHECK enum err_code	pulse_recall(struct pulse *p, const struct store_ops *ops, struct store_reader *r, int64_t now_us, struct err *e);

void				pulse_note(struct pulse *p, const struct pulse_event *ev);

/*
 * Writes down what was refused since the last time, in one transaction, if there is anything and the last time was PULSE_KEEP_S ago, or it is the end.  A failure is logged
 * once and tried again the next time.  One thread (the clerk).
 */
void				pulse_keep(struct pulse *p, const struct store_ops *ops, struct store *s, int64_t now_us, bool at_end);

/* What was refused in a batch in the last REFUSAL_DAYS days, by reason and station: "refusals", added to o. */
ERR_MUST_CHECK enum err_code	pulse_view_batch(struct pulse *p, const struct store_ops *ops, struct store_reader *r, const char *batch, int64_t now_us,
				    cJSON *o, struct err *e);

/* Grows with each note. */
uint64_t			pulse_count(struct pulse *p);

/* When the last certificate was issued, wall; 0: none that is remembered. */
int64_t				pulse_last_issued_us(struct pulse *p);

/* How many enrolments were refused since the last one that was not, when the last was, why, and which. */
struct pulse_streak {
	int64_t		 refused;	/* 0: the last one was not */
	int64_t		 last_us;	/* wall */
	enum err_code	 code;
	char		 station[PULSE_STATION_BYTES + 1], device_id[LIMIT_DEVICE_ID_BYTES + 1];	/* of the last */
};
struct pulse_streak		pulse_streak(struct pulse *p);

/* The stations of which at least so many enrolments in a row were refused, the last of them after since_us; how many were put into out, the latest first. */
size_t				pulse_station_streaks(struct pulse *p, int64_t at_least, int64_t since_us, struct pulse_streak *out, size_t max);

/* What was refused of one device, of the last PULSE_SET_ASIDE refusals since the start: "refusals", the newest first, added to o.  How many. */
size_t				pulse_view_device(struct pulse *p, const char *device_id, cJSON *o);

/* When the shift of that moment ends, wall. */
int64_t				pulse_shift_end_us(struct pulse *p, int64_t at_us);

/* Certificates an hour, from the last ten minutes: of a batch, NULL: of all. */
int64_t				pulse_per_hour(struct pulse *p, const char *batch, int64_t now_us);

/* "rate", "recent" and "refusals" of /v1/status, added to o. */
void				pulse_view(struct pulse *p, int64_t now_us, cJSON *o);

#endif
