/*
 * The ledger: what was ordered and what was issued.  Knows no X.509 beyond "DER with these columns".
 *
 * A backend is a const table of functions; this header is its contract, and tests/unit/db runs the same tests
 * over every backend.  Texts are UTF-8 and NUL-terminated; times are microseconds (_us) or seconds (_s) since 1970, UTC.
 * On failure nothing has changed and no ret_ parameter was written, unless said otherwise.
 *
 * Errors of every function: ERR_STORAGE (disk, I/O, corruption), ERR_BUSY (another process held the database longer than
 * LIMIT_STORE_WAIT_S), ERR_NOMEM; further ones are named.
 *
 * Threads: a struct store may be shared; each thread that reads brings its own struct store_reader.  store_record and
 * the changing functions may be called by one thread at a time a struct store.  Several may be open on one ledger, in one
 * process or in many: the running server has one for what devices are given (the writer's) and one for what people change (the clerk's).
 */
#ifndef DB_STORE_H
#define DB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "db/registration.h"

enum {
	STORE_SERIAL_BYTES = 16,
	STORE_HASH_BYTES = 32,
	/* "step: code: message" of a parked certificate, cut to this; all of it is in its registrations */
	STORE_REASON_BYTES = 191
};

struct store;
struct store_reader;

/* ---- who did it ---------------------------------------------------------------------------------- */

/*
 * A person who changes something; recorded with the change, in its transaction.  What does not belong into one line of UTF-8 is kept as '?'.
 * An actor that is empty or too long: ERR_INTERNAL from each change.
 */
struct store_who {
	const char	*actor;		/* "token:anna", "cli:root"; 1 to STORE_ACTOR_BYTES */
	const char	*address;	/* where the request came from; "" on the command line */
	const char	*reason;	/* the person's own words, "" = none; longer than STORE_NOTE_BYTES is cut */
	int64_t		 at_us;
};

enum { STORE_ACTOR_BYTES = 80, STORE_ADDRESS_BYTES = 63, STORE_ACTION_BYTES = 31, STORE_NOTE_BYTES = 255 };

#define STORE_EVENT_LEDGER "the ledger"	/* no batch, token or device has a name with a space */

/* One change by a person, as the ledger keeps it for ever. */
struct store_event {
	int64_t	id;		/* counts up */
	int64_t	at_us;
	char	actor[STORE_ACTOR_BYTES + 1];
	char	address[STORE_ADDRESS_BYTES + 1];
	char	action[STORE_ACTION_BYTES + 1];	/* "batch.create", "batch.open", "batch.close", "batch.quantity", "upload.retry",
						 * "token.create", "token.revoke", "certificate.revoke", "certificate.retry",
						 * "device.rework", "ledger.backup" */
	char	object[LIMIT_NAME_BYTES + 1];	/* the batch's or token's name, the device's id; "" = all; STORE_EVENT_LEDGER */
	char	detail[STORE_NOTE_BYTES + 1];	/* "quantity 100 -> 200"; never a secret */
	char	reason[STORE_NOTE_BYTES + 1];
};

/* ---- tokens -------------------------------------------------------------------------------------- */

/* The right to do something, for who can show the token.  The token itself is nowhere, only its hash. */
struct store_token {
	int64_t	id;
	char	name[LIMIT_NAME_BYTES + 1];	/* never given twice: events speak of it */
	int	role;				/* enum role (server/access/role.h), 1 to 4; the ledger keeps the number */
	uint8_t	hash[STORE_HASH_BYTES];		/* SHA-256 of the token */
	int64_t	batch_id;			/* -1: any batch */
	char	batch_name[LIMIT_NAME_BYTES + 1];	/* read only; "" = any */
	char	network[LIMIT_NETWORK_BYTES + 1];	/* "10.1.0.0/16": requests come from there; "" = from anywhere */
	int64_t	created_at_us;
	int64_t	expires_at_us, revoked_at_us, last_used_at_us;	/* 0: never, not, not yet */
};

struct store_token_use {
	int64_t	token_id, at_us;
};

/* ---- refusals ------------------------------------------------------------------------------------ */

enum {
	STORE_CODE_BYTES = 31,
	STORE_STATION_BYTES = 64,
	STORE_REFUSALS_MAX = 20000	/* rows that are kept; the oldest go first */
};

/* How often something was refused for one reason, in one batch and at one station, in a while that begins at from_us. */
struct store_refusal {
	int64_t	from_us;
	char	code[STORE_CODE_BYTES + 1];		/* err_name */
	char	batch[LIMIT_NAME_BYTES + 1];		/* "": none, or one that does not exist */
	char	station[STORE_STATION_BYTES + 1];	/* "": several */
	int64_t	count, first_at_us, last_at_us;
	char	device_id[LIMIT_DEVICE_ID_BYTES + 1];	/* the last one; "" = not known */
};

/* How often in all in the quarter of an hour that begins at from_us. */
struct store_refused {
	int64_t	from_us, count;
};

/* ---- certification authorities ------------------------------------------------------------------- */

struct store_ca {
	int64_t	id;
	char	name[LIMIT_NAME_BYTES + 1];
	bool	active;				/* an inactive CA issues nothing */
	char	key_ref[256];			/* file name below the home's ca/; never the key itself */
	uint8_t	*der;				/* of its certificate; owned: store_ca_done frees it */
	size_t	der_len;
	int64_t	created_at_us;
};
void	store_ca_done(struct store_ca *ca);

/* ---- batches ------------------------------------------------------------------------------------- */

enum batch_state { BATCH_OPEN, BATCH_CLOSED, BATCH_WAITING /* for approval: to be opened for the first time */ };
const char	*batch_state_name(enum batch_state s);		/* "open", "closed", "waiting" */

/* Which batches a listing is of. */
enum batch_which {
	BATCHES_ALL,		/* by id */
	BATCHES_OPEN,		/* in BATCH_OPEN, by id; found without a walk through the others */
	BATCHES_CURRENT,	/* the newest first: those that are not closed, and the STORE_CLOSED_MAX newest of the closed ones */
	BATCHES_BUSY		/* by id: those with something that is queued, parked or to be withdrawn */
};
enum { STORE_CLOSED_MAX = 50 };

/* Over all batches. */
struct batch_totals {
	int64_t	batches, open, quantity, issued, registered, parked, revoked, revoking, revoke_parked;
};

struct store_batch {
	/* the order: never changes after it was made */
	int64_t			id;
	char			name[LIMIT_NAME_BYTES + 1];
	int64_t			ca_id;
	char			ca_name[LIMIT_NAME_BYTES + 1];
	char			profile[LIMIT_NAME_BYTES + 1];
	char			pattern[LIMIT_PATTERN_BYTES + 1];	/* "" = any device id */
	char			aws[LIMIT_PATTERN_BYTES + 1];	/* names of the [aws NAME] sections it goes to, commas between; "" = [aws] */
	bool			listed;			/* only devices on its list */
	int64_t			created_at_us;
	/* what has become of it */
	enum batch_state	state;
	int64_t			quantity;
	/* issued = queued + registered + parked (waits for a person) + revoked (before AWS took it): db/schema/0005_revoked.sql */
	int64_t			issued, registered, parked, revoked;
	int64_t			revoking, revoke_parked;	/* revocations that wait for the upload, and for a person */
	int64_t			last_issued_at_us;	/* 0 = none yet */
};

/* Certificates that wait for AWS: issued, and neither registered nor parked nor revoked. */
int64_t	store_batch_queued(const struct store_batch *b);

/* ---- certificates -------------------------------------------------------------------------------- */

enum certificate_state { CERTIFICATE_ISSUED, CERTIFICATE_REGISTERED, CERTIFICATE_PARKED, CERTIFICATE_REVOKED };
const char	*certificate_state_name(enum certificate_state s);	/* "issued" (queued for AWS), "registered", ... */
bool		 certificate_state_parse(const char *name, enum certificate_state *ret);

/* What the ledger keeps of one certificate.  A row to record borrows der; a row read owns nothing: see each function. */
struct store_certificate {
	uint8_t			serial[STORE_SERIAL_BYTES];	/* grows; its upper 8 octets are the ledger's key */
	char			device_id[LIMIT_DEVICE_ID_BYTES + 1];
	uint8_t			key_id[STORE_HASH_BYTES];	/* SHA-256 of the SubjectPublicKeyInfo */
	uint8_t			certificate_id[STORE_HASH_BYTES];	/* SHA-256 of der */
	int64_t			batch_id, ca_id;
	int64_t			not_before_s, not_after_s;
	int64_t			issued_at_us;
	const uint8_t		*der;
	size_t			der_len;
	/* read only: filled in by find and list, ignored by record */
	enum certificate_state	state;
	char			batch_name[LIMIT_NAME_BYTES + 1];
	char			ca_name[LIMIT_NAME_BYTES + 1];
	char			profile[LIMIT_NAME_BYTES + 1];
	char			reason[STORE_REASON_BYTES + 1];	/* parked: why, in short; else "" */
	int64_t			revoked_at_us;			/* revoked: when, by whom, why; else 0 and "" */
	char			revoked_by[STORE_ACTOR_BYTES + 1];
	char			revoked_reason[STORE_NOTE_BYTES + 1];
};

/* A person's leave for a device to take another key, once. */
struct store_rework {
	int64_t	allowed_at_us;
	char	actor[STORE_ACTOR_BYTES + 1];
	char	reason[STORE_NOTE_BYTES + 1];
};

/* What of a certificate a search has met. */
enum store_match { STORE_MATCH_DEVICE_ID, STORE_MATCH_SERIAL, STORE_MATCH_CERTIFICATE_ID };
const char	*store_match_name(enum store_match m);		/* "device_id", "serial", "certificate_id" */
enum { STORE_SEARCH_MIN_BYTES = 2 };	/* shorter texts find nothing in particular */

/*
 * A certificate whose row is durable.  Only db/ can make one, and the HTTP reply takes nothing else: so nothing
 * leaves the process before it is recorded.  Owns a copy of the row and its der.
 */
struct recorded;
const struct store_certificate	*recorded_certificate(const struct recorded *r);
void				 recorded_free(struct recorded *r);	/* takes NULL */

/* One row for store_record, and what became of it. */
struct store_record_row {
	const struct store_certificate	*certificate;	/* in; borrowed until store_record returns */
	/*
	 * in: who asks has shown the device's present certificate, and may give it another key: a new key that belongs to nobody is then
	 * recorded as the device's next, in place of ERR_DEVICE_EXISTS.  The old key stays the device's for ever.
	 */
	bool				 may_rekey;
	int64_t				 renews_id;	/* in, with may_rekey: the certificate that was shown (store_serial_key), which must be the
							 * device's newest, else ERR_DEVICE_EXISTS; 0: none was */
	/* out: */
	enum err_code			 result;
	bool				 is_new;	/* ERR_OK only: recorded now, or was there already */
	struct recorded			*recorded;	/* ERR_OK only; the caller's to free */
	char				 other[LIMIT_DEVICE_ID_BYTES + 1];	/* ERR_KEY_REUSED: the device id that has the key */
};

/* The upper half of a serial, big-endian: the key of a certificate's row, and cert_id of its registrations.  Below 2^63. */
int64_t	store_serial_key(const uint8_t serial[STORE_SERIAL_BYTES]);

struct store_certificate_filter {
	int64_t			 batch_id;	/* -1: any */
	const char		*device_id;	/* NULL: any; exact */
	int			 state;		/* enum certificate_state, -1: any */
	int64_t			 since_us;	/* issued at or after; 0: any.  The listing ends an hour before it: issue and serials
						 * go the same way but for the few seconds a clock may step back */
	const uint8_t		*after;		/* serial: only older ones than this; NULL: from the newest */
	int64_t			 limit;		/* at most so many rows; 0: all */
};

/* Where a page ended. */
struct store_page_end {
	bool	more;				/* there may be older ones that the filter takes */
	uint8_t	next[STORE_SERIAL_BYTES];	/* with more: the last that was looked at, listed or not; after of the next page */
};

/* ---- opening ------------------------------------------------------------------------------------- */

struct store_config {
	const char	*path;		/* of the database file */
	int64_t		 cache_bytes;	/* page cache of the writing connection */
	int64_t		 log_bytes;	/* checkpoint makes the log this long at once, so that commits need not; 0: it grows */
};

struct store_ops {
	/* A new, empty ledger at path, synced.  ERR_CONFLICT if a file is there. */
	enum err_code	(*create)(const struct store_config *, struct err *);
	/*
	 * Opens an existing ledger for reading and writing, and brings an older schema up to date in one transaction.
	 * ERR_CONFIG: not a ledger of this program, or one of a newer program.
	 */
	enum err_code	(*open)(const struct store_config *, struct store **ret, struct err *);
	void		(*close)(struct store *);				/* takes NULL; readers are closed before */
	enum err_code	(*reader_open)(struct store *, struct store_reader **ret, struct err *);
	void		(*reader_close)(struct store_reader *);			/* takes NULL */

	/* ---- changing: one thread */

	/*
	 * Records n rows in one transaction and returns when it is durable: all that have result ERR_OK, or, if this returns
	 * anything but ERR_OK, none (each result then says the same).  Per row, decided here and by constraints:
	 *   ERR_OK, is_new		recorded, its outbox row and its batch's count with it
	 *   ERR_OK, !is_new		device, key and batch had a certificate: recorded is that one (also with a key the device had before)
	 *   ERR_DEVICE_EXISTS		the device id has a certificate for another key (in any batch), and not may_rekey
	 *   ERR_KEY_REUSED		the key belongs to another device id (in any batch)
	 *   ERR_BATCH_CLOSED, ERR_BATCH_WAITING, ERR_BATCH_FULL, ERR_BATCH_NOT_FOUND
	 *   ERR_FORBIDDEN		the certificate to answer was revoked; or one for this key, or the device's newest, and a new one is asked for
	 * device_rework lets one row pass that has another key, as may_rekey does, also after a revocation; a key whose certificate was
	 * revoked stays refused.  The leave is used by whatever gives the device another key.  The same device and key in another batch is a new certificate of that batch.  A full or closed batch still answers what it
	 * has recorded.  Rows of one call see the rows before them.  Where several apply: what is recorded already (revoked or not), then
	 * what is wrong with the batch, then ERR_FORBIDDEN, then ERR_DEVICE_EXISTS, then ERR_KEY_REUSED.
	 * ERR_INTERNAL for the whole call: a serial whose upper half is in the ledger already, verification_record's too.
	 * ERR_STORAGE means the state of the disk is unknown: the caller answers and exits.
	 */
	enum err_code	(*record)(struct store *, struct store_record_row *rows, size_t n, struct err *);

	/* ERR_CONFLICT: the name is taken.  *ret_id is its id. */
	enum err_code	(*ca_add)(struct store *, const struct store_ca *, int64_t *ret_id, struct err *);

	/*
	 * A new batch, open, or in BATCH_WAITING if its state says so.  Uses name, ca_id, profile, pattern, aws, quantity, listed,
	 * created_at_us, state.  ERR_CONFLICT: the name is taken.  Its event is recorded in the transaction that makes it seen.
	 * With listed, next is called for one device id after the other (NULL = the end; an error ends it all: the batch is then
	 * not there).  The ids come sorted (strcmp) and without repeats.  They go in by LIMIT_LIST_CHUNK_ROWS a transaction, so that a
	 * line that issues meanwhile never waits long; the batch can be seen and used only when all are in.  What a killed process
	 * left behind is swept by the next batch_create, under the caller's lock that lets only one run at a time.
	 */
	enum err_code	(*batch_create)(struct store *, const struct store_batch *,
			    enum err_code (*next)(void *arg, const char **ret_device, struct err *), void *arg,
			    const struct store_who *, struct err *);
	/*
	 * BATCH_OPEN or BATCH_CLOSED, else ERR_INTERNAL.  ERR_BATCH_NOT_FOUND.  Setting the state it has is no error, and no event.  Opening
	 * one that waits is its approval; closing one is the refusal of it.
	 */
	enum err_code	(*batch_set_state)(struct store *, const char *name, enum batch_state, const struct store_who *, struct err *);
	/*
	 * Raises the quantity.  ERR_BATCH_NOT_FOUND; ERR_CONFLICT: it is less than the present one (an order is never made smaller: close it),
	 * or above LIMIT_BATCH_QUANTITY.  The present quantity is no error, and no event.
	 */
	enum err_code	(*batch_set_quantity)(struct store *, const char *name, int64_t quantity, const struct store_who *, struct err *);

	/*
	 * Uses name, role, hash, batch_id, network, created_at_us, expires_at_us.  ERR_CONFLICT: the name was given before, also if revoked.
	 * ERR_INTERNAL: no name, no such role or batch, or the hash is another token's.
	 */
	enum err_code	(*token_create)(struct store *, const struct store_token *, const struct store_who *, struct err *);
	/* ERR_NOT_FOUND.  Revoking again is no error, and no event. */
	enum err_code	(*token_revoke)(struct store *, const char *name, const struct store_who *, struct err *);
	/* Notes when tokens were used last, in one transaction; an older time changes nothing, an unknown id neither. */
	enum err_code	(*token_used)(struct store *, const struct store_token_use *uses, size_t n, struct err *);
	/*
	 * Writes counts of refusals as they now are, in one transaction, and forgets those of whiles that begin before since_us, and the oldest above
	 * STORE_REFUSALS_MAX.  A count that is there already (the same while, code, batch and station) never goes down: the same may be written again.
	 */
	enum err_code	(*refusals_write)(struct store *, const struct store_refusal *rows, size_t n, const struct store_refused *quarters,
			    size_t quarters_n, int64_t since_us, struct err *);
	/*
	 * The certificate is revoked from now on.  One that is queued for AWS or parked is batch.revoked, so that the upload does not register
	 * it, and upload_retry never takes it back; one that is registered stays that to the counts.  In any case it is to be
	 * withdrawn (batch.revoking).  The event's object is the device's id.  ERR_NOT_FOUND.  Again: no error, no event, and the first reason
	 * stays.
	 */
	enum err_code	(*certificate_revoke)(struct store *, const uint8_t serial[STORE_SERIAL_BYTES], const struct store_who *,
			    struct err *);
	/*
	 * The device's next request with another key is accepted, once (see record).  ERR_NOT_FOUND: no such device.  While a leave is unused,
	 * another is no error, no event, and the first stays.
	 */
	enum err_code	(*device_rework)(struct store *, const char *device_id, const struct store_who *, struct err *);
	/* That a copy of the ledger, as it was at who's at_us, went to a file: an event about STORE_EVENT_LEDGER; detail says what is in it, and where. */
	enum err_code	(*backup_record)(struct store *, const char *detail, const struct store_who *, struct err *);
	/*
	 * Makes certificate ids findable: at most max_rows certificates into the index that search uses, in short transactions with
	 * a pause between.  For a thread that is in nobody's way, every few seconds: nothing is done until some hundreds have come together, and what is
	 * not in the index yet search reads one by one.
	 */
	enum err_code	(*identifiers_settle)(struct store *, int64_t max_rows, struct err *);
	/*
	 * Records a certificate that is no device's: the one that proves to AWS IoT that this CA is ours (RegisterCACertificate).  So
	 * its serial is never given again, and who audits the CA finds all it ever signed.  Durable on return; nothing of the
	 * certificate may leave the process before.  ERR_NOT_FOUND: no such ca_id; ERR_CONFLICT: the serial is taken.
	 */
	enum err_code	(*verification_record)(struct store *, int64_t ca_id, const uint8_t serial[STORE_SERIAL_BYTES],
			    const uint8_t *der, size_t der_len, int64_t issued_at_us, struct err *);

	/* ---- changing, by the upload: one thread, and one process at a time (HOME_UPLOAD_LOCK) */

	/* The target of that account and region, made if it is new.  ERR_INTERNAL: one of them is empty or too long. */
	enum err_code	(*target_get)(struct store *, const char *account, const char *region, int64_t *ret_id, struct err *);
	/*
	 * Writes n registrations as they now are (new or not) and what they settle, in one transaction, durable on return.  In the order
	 * of rows: of two rows for one certificate the later says what it is.  The batches' counts follow; a certificate that is
	 * settled already as the row says counts once; one that was revoked meanwhile never goes back into the queue, and what AWS has taken of
	 * it is withdrawn, again if need be.  A withdrawal that is said to be done but is not, for AWS has the certificate in a target that is
	 * not among those asked, is parked.  A parked certificate's reason is that of its row, or of its first parked
	 * target where the row itself went well.  run, if not NULL, is written with them, all its members; n may then be 0.
	 * ERR_INTERNAL: a certificate, target or run that does not exist, a batch that is not the certificate's, steps taken back (done
	 * only gains bits), a certificate registered by a registration that is not done, a withdrawal of what is not revoked.
	 */
	enum err_code	(*registration_record)(struct store *, const struct store_registration_row *rows, size_t n,
			    const struct store_upload_run *run, struct err *);
	/* A new run; its id into run->id. */
	enum err_code	(*upload_run_begin)(struct store *, struct store_upload_run *run, struct err *);
	/*
	 * Parked certificates of a batch (-1: of all; never those that were revoked) back into the queue, their parked registrations back to "going" with what is
	 * done kept, in short transactions with a pause between, however many of other batches lie between.  Parked withdrawals wait again too, all in the first of them.  *ret_count: how many, also when it fails half way.  The event is recorded
	 * first, with what was asked for.  ERR_INTERNAL: no such batch.
	 */
	enum err_code	(*upload_retry)(struct store *, int64_t batch_id, const struct store_who *, int64_t *ret_count, struct err *);
	/*
	 * The same for one certificate, in one transaction: if it is parked, or was revoked and its withdrawal is parked.  *ret_back: it was; else
	 * there is no event.  The event's object is the device's id.  ERR_NOT_FOUND.
	 */
	enum err_code	(*certificate_retry)(struct store *, const uint8_t serial[STORE_SERIAL_BYTES], const struct store_who *,
			    bool *ret_back, struct err *);

	/*
	 * Everything in the log into the database file, synced.  At start, before the first request: what a killed process wrote
	 * may be readable without being durable, and what record has to know is read now, not while the first device waits.
	 */
	enum err_code	(*checkpoint)(struct store *, struct err *);

	/*
	 * ---- reading: any thread, each with its own reader; a listing is one consistent moment.  The row functions do not
	 * use the reader that calls them.  While a listing runs the log cannot be emptied: long ones go by pages (limit, after).
	 */

	/* ERR_NOT_FOUND.  ret is the caller's: store_ca_done. */
	enum err_code	(*ca_find)(struct store_reader *, const char *name, struct store_ca *ret, struct err *);
	/* Calls row for each, by id; an error from row ends the listing and is returned.  ca is lent for the call. */
	enum err_code	(*ca_list)(struct store_reader *,
			    enum err_code (*row)(void *arg, const struct store_ca *, struct err *), void *arg, struct err *);

	/* ERR_BATCH_NOT_FOUND. */
	enum err_code	(*batch_find)(struct store_reader *, const char *name, struct store_batch *ret, struct err *);
	enum err_code	(*batch_list)(struct store_reader *, enum batch_which which,
			    enum err_code (*row)(void *arg, const struct store_batch *, struct err *), void *arg, struct err *);
	/* The sums of the batches' own counts: no certificate is looked at. */
	enum err_code	(*batch_totals)(struct store_reader *, struct batch_totals *ret, struct err *);
	/* Is the device on the list of the batch? */
	enum err_code	(*batch_lists_device)(struct store_reader *, int64_t batch_id, const char *device_id,
			    bool *ret, struct err *);

	/* ERR_NOT_FOUND.  Revoked and expired ones are found too: the caller judges. */
	enum err_code	(*token_find)(struct store_reader *, const uint8_t hash[STORE_HASH_BYTES], struct store_token *ret, struct err *);
	enum err_code	(*token_find_id)(struct store_reader *, int64_t id, struct store_token *ret, struct err *);
	/* By id, all of them. */
	enum err_code	(*token_list)(struct store_reader *,
			    enum err_code (*row)(void *arg, const struct store_token *, struct err *), void *arg, struct err *);
	/*
	 * Newest first: those with an id below before (0: from the newest), at most limit (0: all), about object (NULL: any).  A batch and a device
	 * may have one name: the action says which is meant.
	 */
	enum err_code	(*event_list)(struct store_reader *, int64_t before, int64_t limit, const char *object,
			    enum err_code (*row)(void *arg, const struct store_event *, struct err *), void *arg, struct err *);

	/* Of whiles that begin at since_us or later: of a batch, or of all (NULL) by from_us. */
	enum err_code	(*refusal_list)(struct store_reader *, int64_t since_us, const char *batch,
			    enum err_code (*row)(void *arg, const struct store_refusal *, struct err *), void *arg, struct err *);
	enum err_code	(*refused_list)(struct store_reader *, int64_t since_us,
			    enum err_code (*row)(void *arg, const struct store_refused *, struct err *), void *arg, struct err *);

	/* The certificate that record would answer with !is_new.  ERR_NOT_FOUND; ERR_FORBIDDEN: it was revoked. */
	enum err_code	(*recorded_find)(struct store_reader *, int64_t batch_id, const char *device_id,
			    const uint8_t key_id[STORE_HASH_BYTES], struct recorded **ret, struct err *);
	/* ERR_NOT_FOUND. */
	enum err_code	(*recorded_find_serial)(struct store_reader *, const uint8_t serial[STORE_SERIAL_BYTES],
			    struct recorded **ret, struct err *);

	/* ERR_NOT_FOUND: there is no leave for this device, or it was used.  A device that does not exist has none. */
	enum err_code	(*device_rework_find)(struct store_reader *, const char *device_id, struct store_rework *ret, struct err *);
	/*
	 * What a person has scanned or begun to type: the beginning or whole of a device id (as it is written), of a serial or of a certificate id
	 * (hexadecimal, any case).  First devices by their id, each with its newest certificate; then certificates by their serial, newest
	 * first; then by their certificate id; each device once, limit (at least 1) of them.  *ret_more: there are others, or not everything
	 * could be looked at in a short time (identifiers_settle lags).  Flat at any size.  ERR_BAD_REQUEST: shorter than STORE_SEARCH_MIN_BYTES.
	 */
	enum err_code	(*search)(struct store_reader *, const char *text, int64_t limit,
			    enum err_code (*row)(void *arg, const struct store_certificate *c, enum store_match, struct err *), void *arg,
			    bool *ret_more, struct err *);

	/*
	 * Newest first; filters that are NULL or negative do not filter.  c is lent for the call.  Pages by key, flat at any size; but with a
	 * state it goes on until it has limit rows of it, past whatever lies between: for who has the time.
	 */
	enum err_code	(*certificate_list)(struct store_reader *, const struct store_certificate_filter *,
			    enum err_code (*row)(void *arg, const struct store_certificate *c, struct err *), void *arg, struct err *);
	/*
	 * The same for who must not be kept: looks at no more than looks rows (at least 1), wanted or not, and a few a batch.  So a page may be short
	 * or empty, and not be the last: who follows ret->next until !ret->more has all.  What is not there at all is said at once.
	 */
	enum err_code	(*certificate_page)(struct store_reader *, const struct store_certificate_filter *, int64_t looks,
			    enum err_code (*row)(void *arg, const struct store_certificate *c, struct err *), void *arg,
			    struct store_page_end *ret, struct err *);

	/*
	 * Queued certificates of a batch with a key (store_serial_key) above after_id, oldest first, at most limit of them.  Found without a
	 * walk through those that were settled before the oldest queued one; nothing queued is found at once.  c is lent for the call.
	 */
	enum err_code	(*queue_page)(struct store_reader *, int64_t batch_id, int64_t after_id, int64_t limit,
			    enum err_code (*row)(void *arg, const struct store_certificate *c, struct err *), void *arg, struct err *);
	/*
	 * Revoked certificates of a batch that AWS must hear of, in the order of their revocations, with the number of that: those above
	 * after_id, at most limit of them.  Found without a walk, as few as there are.  c is lent for the call.
	 */
	enum err_code	(*withdrawal_page)(struct store_reader *, int64_t batch_id, int64_t after_id, int64_t limit,
			    enum err_code (*row)(void *arg, const struct store_certificate *c, int64_t id, struct err *), void *arg, struct err *);
	/* ERR_NOT_FOUND: nothing was recorded for this certificate and target yet. */
	enum err_code	(*registration_find)(struct store_reader *, int64_t cert_id, int64_t target_id,
			    struct store_registration *ret, struct err *);
	/* All of one certificate, by target. */
	enum err_code	(*registration_list)(struct store_reader *, int64_t cert_id,
			    enum err_code (*row)(void *arg, const struct store_registration *, const struct store_target *, struct err *),
			    void *arg, struct err *);
	/*
	 * Certificates of a CA that the account and region has as far as we know: those whose registration has an ARN.  Walks the
	 * registrations of the target: for a person who compares, not for a page.
	 */
	enum err_code	(*registration_count)(struct store_reader *, int64_t ca_id, const char *account, const char *region,
			    int64_t *ret, struct err *);
	/*
	 * Reasons of what is parked in a batch (-1: in all), the most frequent first; the message is that of the newest.  A certificate that
	 * is parked in two targets counts in both; one that has no parked registration shows its reason as the message, without a target.
	 * Those that were revoked are not among them, but withdrawals that are parked are, by what their registrations say.
	 */
	enum err_code	(*parked_reasons)(struct store_reader *, int64_t batch_id,
			    enum err_code (*row)(void *arg, const struct store_parked_reason *, struct err *), void *arg, struct err *);
	/* The run that began last; all of ret is 0 if there was none. */
	enum err_code	(*upload_run_newest)(struct store_reader *, struct store_upload_run *ret, struct err *);

	/* The newest certificate's serial (upper half; also that of verification_record) and time of issue; 0 for an empty ledger. */
	enum err_code	(*newest)(struct store_reader *, uint64_t *ret_serial_upper, int64_t *ret_issued_at_us, struct err *);
};

extern const struct store_ops store_sqlite;	/* db/sqlite */
extern const struct store_ops store_memory;	/* db/memory: the fake of the tests; the path is ignored */

#endif
