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
enum err_code	store_serial_missing(struct err *e);
enum err_code	store_device_missing(const char *device_id, struct err *e);
/* ERR_FORBIDDEN: what a device hears whose certificate was revoked. */
enum err_code	store_device_revoked(const char *device_id, struct err *e);

/* The events of certificate.revoke, certificate.retry and device.rework, whose object is the device. */
ERR_MUST_CHECK enum err_code	event_certificate_revoke(struct store_event *ret, const struct store_who *who,
				    const struct store_certificate *c, struct err *e);
ERR_MUST_CHECK enum err_code	event_certificate_retry(struct store_event *ret, const struct store_who *who,
				    const struct store_certificate *c, struct err *e);
ERR_MUST_CHECK enum err_code	event_device_rework(struct store_event *ret, const struct store_who *who, const char *device_id,
				    struct err *e);
/* "revoked: " and the reason, cut: why it is parked. */
void	store_revoked_reason(const char *words, char out[STORE_REASON_BYTES + 1]);

/* A search as both backends run it: what is asked for, who gets the rows, and which devices he has already. */
struct search {
	const char		 *text;
	size_t			  len;
	bool			  is_hex;	/* nothing but hexadecimal digits: it may be a serial or a certificate id */
	int64_t			  limit, n;
	char			(*devices)[LIMIT_DEVICE_ID_BYTES + 1];	/* n of them */
	enum err_code		(*row)(void *, const struct store_certificate *, enum store_match, struct err *);
	void			 *arg;
	bool			  more;		/* one beyond the limit was shown: nothing else need be looked at */
	bool			  lags;		/* not everything could be looked at */
};
/* Borrows text.  ERR_BAD_REQUEST: too short a text.  search_done also after an error. */
ERR_MUST_CHECK enum err_code	search_init(struct search *s, const char *text, int64_t limit,
				    enum err_code (*row)(void *, const struct store_certificate *, enum store_match, struct err *), void *arg,
				    struct err *e);
void		search_done(struct search *s);
/* Does the text begin the octets, in hexadecimal digits? */
bool		search_begins(const struct search *s, const uint8_t *octets, size_t n);
/* Between which numbers of so many digits (at most 16) those lie that begin with the text, or with which the text begins. */
void		search_range(const struct search *s, size_t digits, uint64_t *ret_low, uint64_t *ret_high);
/* One that matches: to the row, unless its device is there already. */
ERR_MUST_CHECK enum err_code	search_show(struct search *s, const struct store_certificate *c, enum store_match match, struct err *e);

/* "step: code: message", cut: what store_certificate.reason says of one that is parked. */
void	registration_reason(const struct store_registration *r, char out[STORE_REASON_BYTES + 1]);

/* What no row of registration_record may be, whatever the ledger holds.  ERR_INTERNAL. */
ERR_MUST_CHECK enum err_code	registration_row_check(const struct store_registration_row *row, struct err *e);

#endif
