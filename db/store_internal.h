/* For the backends and the writer: how a struct recorded is made.  Nobody outside db/ includes this. */
#ifndef DB_STORE_INTERNAL_H
#define DB_STORE_INTERNAL_H

#include "db/store.h"

struct recorded {
	struct store_certificate	 certificate;	/* its der points to the one below */
	uint8_t				*der;
};

/* A copy of c and its der.  Only for a row that is durable, or is being made so by the transaction at hand.  ERR_NOMEM. */
ERR_MUST_CHECK enum err_code	recorded_new(const struct store_certificate *c, struct recorded **ret, struct err *e);

/* All rows of a failed call say the same, and own nothing. */
void	store_record_rows_fail(struct store_record_row *rows, size_t n, enum err_code code);

/* The sentence for the client that belongs to row->result; for anything but ERR_OK. */
void	store_record_row_say(const struct store_record_row *row, struct err *e);

/* "step: code: message", cut: what store_certificate.reason says of one that is parked. */
void	registration_reason(const struct store_registration *r, char out[STORE_REASON_BYTES + 1]);

/* What no row of registration_record may be, whatever the ledger holds.  ERR_INTERNAL. */
ERR_MUST_CHECK enum err_code	registration_row_check(const struct store_registration_row *row, struct err *e);

#endif
