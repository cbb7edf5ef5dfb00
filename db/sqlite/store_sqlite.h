/* The SQLite backend's own: one writing connection a store, one connection a reader.  One file a noun implements the table. */
#ifndef DB_SQLITE_STORE_SQLITE_H
#define DB_SQLITE_STORE_SQLITE_H

#include "db/sqlite/connection.h"
#include "db/sqlite/files.h"
#include "db/sqlite/keys.h"
#include "db/store_internal.h"

struct tally;

/* schema: outbox.state */
enum { OUTBOX_QUEUED, OUTBOX_REGISTERED, OUTBOX_PARKED };

struct store {
	struct connection	 writer;
	char			*path;
	int64_t			 cache_bytes;
	int64_t			 log_bytes;
	struct files		 files;
	struct keys		*keys;
	/* record.c: what a group does to each batch; kept from call to call for its memory */
	struct tally		*tallies;
	size_t			 tally_n, tally_max;
};

struct store_reader {
	struct connection	 connection;
};

/* schema.c */

/* ERR_CONFIG: the file is not a ledger, was half made, or belongs to a newer program. */
ERR_MUST_CHECK enum err_code	schema_check(struct connection *c, int64_t *ret_version, struct err *e);
/* From version to the newest, in one transaction. */
ERR_MUST_CHECK enum err_code	schema_upgrade(struct connection *c, int64_t version, struct err *e);

/* record.c */

/* What record needs to know is read now, so that the first row does not wait for it. */
ERR_MUST_CHECK enum err_code	record_prepare(struct store *s, struct err *e);
enum err_code	sqlite_record(struct store *s, struct store_record_row *rows, size_t n, struct err *e);

/* read.c */

/* The upper half of the serial that has this id. */
void	serial_upper_write(int64_t id, uint8_t *out);

/*
 * The certificate of the row at hand.  out->der is lent by the statement.  ERR_STORAGE: the row is not what the schema
 * promises.  *ret_prior is 0 for none.
 */
ERR_MUST_CHECK enum err_code	certificate_from_row(struct connection *c, enum statement s, struct store_certificate *out,
				    int64_t *ret_prior, struct err *e);
struct device_row {
	bool	found, same_key;
	int64_t	newest_id;
};
ERR_MUST_CHECK enum err_code	device_read(struct connection *c, const char *device_id, const uint8_t key_id[STORE_HASH_BYTES],
				    struct device_row *ret, struct err *e);
/* What the certificates of a device say of a key. */
struct chain {
	struct recorded	*recorded;	/* the one of that batch and key, revoked or not; NULL: none; the caller frees */
	bool		 key_revoked;	/* one of that key is */
	bool		 newest_revoked;
};
/* From the newest, id, back to the device's first. */
ERR_MUST_CHECK enum err_code	chain_read(struct connection *c, int64_t id, int64_t batch_id,
				    const uint8_t key_id[STORE_HASH_BYTES], struct chain *ret, struct err *e);
enum err_code	sqlite_recorded_find(struct store_reader *r, int64_t batch_id, const char *device_id,
		    const uint8_t key_id[STORE_HASH_BYTES], struct recorded **ret, struct err *e);
enum err_code	sqlite_recorded_find_serial(struct store_reader *r, const uint8_t serial[STORE_SERIAL_BYTES],
		    struct recorded **ret, struct err *e);
enum err_code	sqlite_newest(struct store_reader *r, uint64_t *ret_serial_upper, int64_t *ret_issued_at_us, struct err *e);

/* list.c */

/*
 * How far the order of issue may differ from the order of serials: the time between signing and recording, and a
 * step back of the clock that was let pass (LIMIT_CLOCK_STEP_BACK_S); an hour is far above both.  Lets a listing
 * with since_us end there, instead of walking through all that is older.
 */
#define LIST_SINCE_SLACK_US	(3600 * (int64_t)1000000)
enum err_code	sqlite_certificate_list(struct store_reader *r, const struct store_certificate_filter *f,
		    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct err *e);
enum err_code	sqlite_certificate_page(struct store_reader *r, const struct store_certificate_filter *f, int64_t looks,
		    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg,
		    struct store_page_end *ret, struct err *e);

/* ca.c */
enum err_code	sqlite_ca_add(struct store *s, const struct store_ca *ca, int64_t *ret_id, struct err *e);
enum err_code	sqlite_ca_find(struct store_reader *r, const char *name, struct store_ca *ret, struct err *e);
enum err_code	sqlite_ca_list(struct store_reader *r, enum err_code (*row)(void *, const struct store_ca *, struct err *),
		    void *arg, struct err *e);

/* batch.c */

/* Between two transactions of many: lets the line have the write lock. */
void	chunk_pause(void);
enum err_code	sqlite_batch_create(struct store *s, const struct store_batch *b,
		    enum err_code (*next)(void *, const char **, struct err *), void *arg, const struct store_who *who,
		    struct err *e);
enum err_code	sqlite_batch_set_state(struct store *s, const char *name, enum batch_state state, const struct store_who *who,
		    struct err *e);
enum err_code	sqlite_batch_set_quantity(struct store *s, const char *name, int64_t quantity, const struct store_who *who,
		    struct err *e);
enum err_code	sqlite_batch_find(struct store_reader *r, const char *name, struct store_batch *ret, struct err *e);
enum err_code	sqlite_batch_list(struct store_reader *r, enum batch_which which,
		    enum err_code (*row)(void *, const struct store_batch *, struct err *), void *arg, struct err *e);
enum err_code	sqlite_batch_totals(struct store_reader *r, struct batch_totals *ret, struct err *e);
enum err_code	sqlite_batch_lists_device(struct store_reader *r, int64_t batch_id, const char *device_id, bool *ret,
		    struct err *e);

/* token.c */
enum err_code	sqlite_token_create(struct store *s, const struct store_token *t, const struct store_who *who, struct err *e);
enum err_code	sqlite_token_revoke(struct store *s, const char *name, const struct store_who *who, struct err *e);
enum err_code	sqlite_token_used(struct store *s, const struct store_token_use *uses, size_t n, struct err *e);
enum err_code	sqlite_token_find(struct store_reader *r, const uint8_t hash[STORE_HASH_BYTES], struct store_token *ret,
		    struct err *e);
enum err_code	sqlite_token_find_id(struct store_reader *r, int64_t id, struct store_token *ret, struct err *e);
enum err_code	sqlite_token_list(struct store_reader *r,
		    enum err_code (*row)(void *, const struct store_token *, struct err *), void *arg, struct err *e);

/* event.c */

/* Inside the transaction of the change. */
ERR_MUST_CHECK enum err_code	event_write(struct connection *c, const struct store_event *ev, struct err *e);
/* The end of a person's change: its event, then COMMIT. */
ERR_MUST_CHECK enum err_code	change_commit(struct store *s, const struct store_event *ev, struct err *e);
enum err_code	sqlite_backup_record(struct store *s, const char *detail, const struct store_who *who, struct err *e);
enum err_code	sqlite_event_list(struct store_reader *r, int64_t before, int64_t limit, const char *object,
		    enum err_code (*row)(void *, const struct store_event *, struct err *), void *arg, struct err *e);

/* refusals.c */
enum err_code	sqlite_refusals_write(struct store *s, const struct store_refusal *rows, size_t n, const struct store_refused *quarters,
		    size_t quarters_n, int64_t since_us, struct err *e);
enum err_code	sqlite_refusal_list(struct store_reader *r, int64_t since_us, const char *batch,
		    enum err_code (*row)(void *, const struct store_refusal *, struct err *), void *arg, struct err *e);
enum err_code	sqlite_refused_list(struct store_reader *r, int64_t since_us,
		    enum err_code (*row)(void *, const struct store_refused *, struct err *), void *arg, struct err *e);

/* rework.c */

/* The certificate as it is under the write lock; ret->der is not to be used.  ERR_NOT_FOUND.  Inside a transaction. */
ERR_MUST_CHECK enum err_code	certificate_now(struct connection *c, const uint8_t serial[STORE_SERIAL_BYTES], struct store_certificate *ret,
				    struct err *e);
/* Was the certificate revoked? */
ERR_MUST_CHECK enum err_code	revocation_find(struct connection *c, int64_t cert_id, bool *ret, struct err *e);
/* The leave that the device has not used yet; 0: none. */
ERR_MUST_CHECK enum err_code	rework_find(struct connection *c, const char *device_id, int64_t *ret_id, struct err *e);
/* Inside the transaction that records the certificate. */
ERR_MUST_CHECK enum err_code	rework_use(struct connection *c, int64_t rework_id, int64_t cert_id, struct err *e);
enum err_code	sqlite_certificate_revoke(struct store *s, const uint8_t serial[STORE_SERIAL_BYTES], const struct store_who *who,
		    struct err *e);
enum err_code	sqlite_device_rework(struct store *s, const char *device_id, const struct store_who *who, struct err *e);
enum err_code	sqlite_device_rework_find(struct store_reader *r, const char *device_id, struct store_rework *ret, struct err *e);

/* identifiers.c */
enum err_code	sqlite_identifiers_settle(struct store *s, int64_t max_rows, struct err *e);

/* search.c */
enum err_code	sqlite_search(struct store_reader *r, const char *text, int64_t limit,
		    enum err_code (*row)(void *, const struct store_certificate *, enum store_match, struct err *), void *arg,
		    bool *ret_more, struct err *e);

/* queue.c */

/* Moves the batch's mark up behind what is settled, as far as one transaction should.  Inside a transaction. */
ERR_MUST_CHECK enum err_code	queue_advance(struct connection *c, int64_t batch_id, struct err *e);
enum err_code	sqlite_queue_page(struct store_reader *r, int64_t batch_id, int64_t after_id, int64_t limit,
		    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct err *e);

/* registration.c */
enum err_code	sqlite_registration_record(struct store *s, const struct store_registration_row *rows,
		    size_t n, const struct store_upload_run *run,
		    struct err *e);
enum err_code	sqlite_registration_find(struct store_reader *r, int64_t cert_id, int64_t target_id,
		    struct store_registration *ret, struct err *e);
enum err_code	sqlite_registration_count(struct store_reader *r, int64_t ca_id, const char *account, const char *region,
		    int64_t *ret, struct err *e);
enum err_code	sqlite_registration_list(struct store_reader *r, int64_t cert_id,
		    enum err_code (*row)(void *, const struct store_registration *, const struct store_target *, struct err *), void *arg,
		    struct err *e);

/* Adds to the batch's counts.  Inside a transaction. */
ERR_MUST_CHECK enum err_code	batch_count(struct connection *c, int64_t batch_id, int registered, int parked, int revoked, struct err *e);

/* withdrawal.c: inside a transaction, after the registration was written */
ERR_MUST_CHECK enum err_code	withdrawal_settle(struct connection *c, const struct store_registration_row *row, struct err *e);
/* The certificate is revoked, and AWS may have taken it there just now: it is to hear of it, unless it has. */
ERR_MUST_CHECK enum err_code	withdrawal_again(struct connection *c, const struct store_registration *r, struct err *e);
/* Those of a batch (-1: of all) that are parked wait again. */
ERR_MUST_CHECK enum err_code	withdrawals_back(struct connection *c, int64_t batch_id, int64_t *ret_count, struct err *e);
/* That of one certificate; *ret_back: it was parked. */
ERR_MUST_CHECK enum err_code	withdrawal_back(struct connection *c, int64_t cert_id, bool *ret_back, struct err *e);
enum err_code	sqlite_withdrawal_page(struct store_reader *r, int64_t batch_id, int64_t after_id, int64_t limit,
		    enum err_code (*row)(void *, const struct store_certificate *, int64_t, struct err *), void *arg, struct err *e);

/* parked.c */
enum err_code	sqlite_upload_retry(struct store *s, int64_t batch_id, const struct store_who *who, int64_t *ret_count,
		    struct err *e);
enum err_code	sqlite_certificate_retry(struct store *s, const uint8_t serial[STORE_SERIAL_BYTES], const struct store_who *who,
		    bool *ret_back, struct err *e);
enum err_code	sqlite_parked_reasons(struct store_reader *r, int64_t batch_id,
		    enum err_code (*row)(void *, const struct store_parked_reason *, struct err *), void *arg, struct err *e);

/* target.c */
enum err_code	sqlite_target_get(struct store *s, const char *account, const char *region, int64_t *ret_id, struct err *e);

/* upload_run.c */

/* All members of a run that is there (ERR_INTERNAL).  Inside a transaction. */
ERR_MUST_CHECK enum err_code	upload_run_write(struct connection *c, const struct store_upload_run *run, struct err *e);
enum err_code	sqlite_upload_run_begin(struct store *s, struct store_upload_run *run, struct err *e);
enum err_code	sqlite_upload_run_newest(struct store_reader *r, struct store_upload_run *ret, struct err *e);

/* verification.c */
enum err_code	sqlite_verification_record(struct store *s, int64_t ca_id,
		    const uint8_t serial[STORE_SERIAL_BYTES], const uint8_t *der, size_t der_len,
		    int64_t issued_at_us, struct err *e);

#endif
