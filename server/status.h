/*
 * What the page shows and /v1/status says: read from rows that the transactions keep, never by counting.
 */
#ifndef SERVER_STATUS_H
#define SERVER_STATUS_H

#include "line.h"

enum {
	STATUS_LAST = 20,		/* newest certificates shown */
	STATUS_STATIONS = 3		/* stations in trouble shown */
};

struct status {
	int64_t				 now_us, shift_end_us, last_issued_us;
	enum err_code			 ready;		/* ERR_OK, or why nothing is issued */
	struct err			 reason;
	struct pulse_streak		 streak;	/* of the line */
	struct pulse_streak		 stations[STATUS_STATIONS];	/* of those that are refused every time, the latest first */
	size_t				 station_count;
	struct store_upload_run		 run;		/* the newest; id 0: there was none */
	struct batch_totals		 totals;
	struct store_batch		*batch;		/* BATCHES_CURRENT, the open ones first */
	size_t				 batch_count;
	struct store_certificate	 last[STATUS_LAST];	/* newest first; der is NULL */
	size_t				 last_count;
	int64_t				 disk_free_bytes, backup_at_us;	/* the newest; 0: none is known of */
	struct writer_stats		 writer;
	struct http_stats		 http;
};

/* Reads a moment of the ledger.  status_done afterwards. */
ERR_MUST_CHECK enum err_code	status_read(struct line *l, struct store_reader *r, struct status *ret, struct err *e);
void				status_done(struct status *s);

/* As JSON text, malloced; NULL without memory. */
char				*status_json(struct line *l, const struct status *s, size_t *ret_len);

#endif
