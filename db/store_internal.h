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

/*
 * The event of a change: object may be "" (all), the format gives the detail.  Texts too long are cut, and what does not belong into one line
 * of UTF-8 becomes '?': a person reads it, in a terminal too.  ERR_INTERNAL: who has no actor, or one longer than STORE_ACTOR_BYTES.
 */
ERR_MUST_CHECK enum err_code	event_make(struct store_event *ret, const struct store_who *who, const char *action, const char *object,
				    struct err *e, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The events that both backends word alike: batch.create, batch.open or batch.close, batch.quantity, token.create. */
ERR_MUST_CHECK enum err_code	event_batch_create(struct store_event *ret, const struct store_who *who, const struct store_batch *b,
				    struct err *e);
ERR_MUST_CHECK enum err_code	event_batch_state(struct store_event *ret, const struct store_who *who, const char *name,
				    enum batch_state from, enum batch_state to, struct err *e);
ERR_MUST_CHECK enum err_code	event_batch_quantity(struct store_event *ret, const struct store_who *who, const char *name,
				    int64_t from, int64_t to, struct err *e);
ERR_MUST_CHECK enum err_code	event_token_create(struct store_event *ret, const struct store_who *who, const struct store_token *t,
				    const char *batch_name, struct err *e);

/* May the quantity become that?  ERR_CONFLICT, as batch_set_quantity. */
ERR_MUST_CHECK enum err_code	store_quantity_check(const char *name, int64_t from, int64_t to, struct err *e);

/* What every backend says of a name: ERR_BATCH_NOT_FOUND, ERR_CONFLICT, ERR_NOT_FOUND. */
enum err_code	store_batch_missing(const char *name, struct err *e);
enum err_code	store_token_taken(const char *name, struct err *e);
enum err_code	store_token_missing(const char *name, struct err *e);

/* "step: code: message", cut: what store_certificate.reason says of one that is parked. */
void	registration_reason(const struct store_registration *r, char out[STORE_REASON_BYTES + 1]);

/* What no row of registration_record may be, whatever the ledger holds.  ERR_INTERNAL. */
ERR_MUST_CHECK enum err_code	registration_row_check(const struct store_registration_row *row, struct err *e);

#endif
