/* The memory backend's own. */
#ifndef DB_MEMORY_STORE_MEMORY_H
#define DB_MEMORY_STORE_MEMORY_H

#include <pthread.h>

#include "db/store_internal.h"

struct verification {
	int64_t	id, ca_id, issued_at_us;
};

struct revocation {
	int64_t	cert_id, at_us;
	char	actor[STORE_ACTOR_BYTES + 1];
	char	reason[STORE_NOTE_BYTES + 1];
};

struct withdrawal {
	int64_t	cert_id, batch_id;
	int	state;		/* as certificate.settled of its rows: -1 waits, CERTIFICATE_REVOKED, CERTIFICATE_PARKED */
};

struct leave {
	char			device_id[LIMIT_DEVICE_ID_BYTES + 1];
	struct store_rework	rework;
	int64_t			used_cert_id;	/* 0: not yet */
};

struct batch_entry {
	struct store_batch	  batch;
	char			(*devices)[LIMIT_DEVICE_ID_BYTES + 1];
	size_t			  devices_n, devices_max;
};

struct store {
	pthread_mutex_t		 mu;		/* guards what follows */
	struct store_ca		*cas;
	size_t			 cas_n;
	struct batch_entry	*batches;
	size_t			 batches_n;
	struct recorded		**rows;		/* their state is that of AWS; row_shown says what was revoked */
	size_t			 rows_n, rows_max;
	struct store_registration	*registrations;	/* in the order of their making */
	size_t			 registrations_n, registrations_max;
	struct store_target	*targets;	/* ids are places + 1; so are those of runs */
	size_t			 targets_n, targets_max;
	struct store_upload_run	*runs;
	size_t			 runs_n, runs_max;
	struct verification	*verifications;
	size_t			 verifications_n, verifications_max;
	struct revocation	*revocations;
	size_t			 revocations_n, revocations_max;
	struct withdrawal	*withdrawals;	/* ids are places + 1 */
	size_t			 withdrawals_n, withdrawals_max;
	struct leave		*leaves;
	size_t			 leaves_n, leaves_max;
	struct store_token	*tokens;	/* ids are places + 1; so are those of events */
	size_t			 tokens_n, tokens_max;
	struct store_refusal	*refusals;	/* in the order of their making */
	size_t			 refusals_n, refusals_max;
	struct store_refused	*refused;
	size_t			 refused_n, refused_max;
	struct store_event	*events;
	size_t			 events_n, events_max;
};

struct store_reader {
	struct store	*store;
};

/* store_memory.c: the array with room for one more than n; NULL without memory, and the old one is as it was */
void	*grow(void *array, size_t n, size_t *max, size_t size);
/* The row with the highest serial below key; NULL for none. */
const struct store_certificate	*row_below(struct store *s, int64_t key);

/* record.c */
struct recorded	*row_find(struct store *s, int64_t batch_id, const char *device_id, const uint8_t *key_id);
enum err_code	memory_record(struct store *s, struct store_record_row *rows, size_t n, struct err *e);

/* rework.c */
bool			 row_revoked(struct store *s, const struct store_certificate *c);
/* The certificate as it is shown; its der is still the row's. */
struct store_certificate row_shown(struct store *s, const struct store_certificate *c);
/* The leave that the device has not used yet; NULL: none. */
struct leave		*leave_of(struct store *s, const char *device_id);
enum err_code	memory_certificate_revoke(struct store *s, const uint8_t serial[STORE_SERIAL_BYTES], const struct store_who *who,
		    struct err *e);
enum err_code	memory_device_rework(struct store *s, const char *device_id, const struct store_who *who, struct err *e);
enum err_code	memory_device_rework_find(struct store_reader *r, const char *device_id, struct store_rework *ret, struct err *e);

/* withdrawal.c */

/* One that waits; there is room for it (grow). */
void			 withdrawal_add(struct store *s, const struct store_certificate *c);
struct withdrawal	*withdrawal_of(struct store *s, int64_t cert_id);	/* NULL: none */
/* Its batch counts with it. */
void			 withdrawal_set(struct store *s, struct withdrawal *w, int state);
/* AWS has the certificate there, and has not heard that it is revoked. */
bool			 withdrawal_lacks(const struct store_registration *r);
/* What a row of registration_record makes of its withdrawal.  ERR_INTERNAL: there is none. */
ERR_MUST_CHECK enum err_code	withdrawal_row(struct store *s, const struct store_registration_row *row, struct err *e);
/* Those of a batch (-1: of all) that are parked wait again. */
int64_t			 withdrawals_retry(struct store *s, int64_t batch_id);
/* It waits again. */
void			 withdrawal_retry(struct store *s, struct withdrawal *w);
enum err_code	memory_withdrawal_page(struct store_reader *r, int64_t batch_id, int64_t after_id, int64_t limit,
		    enum err_code (*row)(void *, const struct store_certificate *, int64_t, struct err *), void *arg, struct err *e);

/* search.c */
enum err_code	memory_identifiers_settle(struct store *s, int64_t max_rows, struct err *e);
enum err_code	memory_search(struct store_reader *r, const char *text, int64_t limit,
		    enum err_code (*row)(void *, const struct store_certificate *, enum store_match, struct err *), void *arg,
		    bool *ret_more, struct err *e);

/* event.c: a change first makes room for its event, so that the event then cannot fail */
ERR_MUST_CHECK enum err_code	event_room(struct store *s, struct err *e);
void		event_add(struct store *s, const struct store_event *ev);
enum err_code	memory_backup_record(struct store *s, const char *detail, const struct store_who *who, struct err *e);
enum err_code	memory_event_list(struct store_reader *r, int64_t before, int64_t limit, const char *object,
		    enum err_code (*row)(void *, const struct store_event *, struct err *), void *arg, struct err *e);

/* token.c */
enum err_code	memory_token_create(struct store *s, const struct store_token *t, const struct store_who *who, struct err *e);
enum err_code	memory_token_revoke(struct store *s, const char *name, const struct store_who *who, struct err *e);
enum err_code	memory_token_used(struct store *s, const struct store_token_use *uses, size_t n, struct err *e);
enum err_code	memory_token_find(struct store_reader *r, const uint8_t hash[STORE_HASH_BYTES], struct store_token *ret,
		    struct err *e);
enum err_code	memory_token_find_id(struct store_reader *r, int64_t id, struct store_token *ret, struct err *e);
enum err_code	memory_token_list(struct store_reader *r,
		    enum err_code (*row)(void *, const struct store_token *, struct err *), void *arg, struct err *e);

/* refusals.c */
enum err_code	memory_refusals_write(struct store *s, const struct store_refusal *rows, size_t n, const struct store_refused *quarters,
		    size_t quarters_n, int64_t since_us, struct err *e);
enum err_code	memory_refusal_list(struct store_reader *r, int64_t since_us, const char *batch,
		    enum err_code (*row)(void *, const struct store_refusal *, struct err *), void *arg, struct err *e);
enum err_code	memory_refused_list(struct store_reader *r, int64_t since_us,
		    enum err_code (*row)(void *, const struct store_refused *, struct err *), void *arg, struct err *e);

/* registration.c, parked.c, upload.c */
struct recorded		*row_of(struct store *s, int64_t cert_id);		/* NULL: none */
struct store_batch	*batch_of(struct store *s, int64_t batch_id);		/* NULL: none */
struct verification	*verification_find(struct store *s, int64_t id);	/* NULL: none */
/* What the certificate is from now on; its batch counts with it. */
void	row_settle(struct store *s, struct recorded *r, enum certificate_state state, const char *reason);

enum err_code	memory_verification_record(struct store *s, int64_t ca_id,
		    const uint8_t serial[STORE_SERIAL_BYTES], const uint8_t *der, size_t der_len,
		    int64_t issued_at_us, struct err *e);
enum err_code	memory_target_get(struct store *s, const char *account, const char *region, int64_t *ret_id, struct err *e);
enum err_code	memory_registration_record(struct store *s, const struct store_registration_row *rows,
		    size_t n, const struct store_upload_run *run,
		    struct err *e);
enum err_code	memory_upload_run_begin(struct store *s, struct store_upload_run *run, struct err *e);
enum err_code	memory_upload_retry(struct store *s, int64_t batch_id, const struct store_who *who, int64_t *ret_count,
		    struct err *e);
enum err_code	memory_queue_page(struct store_reader *r, int64_t batch_id, int64_t after_id, int64_t limit,
		    enum err_code (*row)(void *, const struct store_certificate *, struct err *), void *arg, struct err *e);
enum err_code	memory_registration_find(struct store_reader *r, int64_t cert_id, int64_t target_id,
		    struct store_registration *ret, struct err *e);
enum err_code	memory_registration_count(struct store_reader *r, int64_t ca_id, const char *account, const char *region,
		    int64_t *ret, struct err *e);
enum err_code	memory_registration_list(struct store_reader *r, int64_t cert_id,
		    enum err_code (*row)(void *, const struct store_registration *, const struct store_target *, struct err *), void *arg,
		    struct err *e);
/* Parked registrations of a certificate go on. */
void		registrations_back(struct store *s, int64_t cert_id);
enum err_code	memory_certificate_retry(struct store *s, const uint8_t serial[STORE_SERIAL_BYTES], const struct store_who *who,
		    bool *ret_back, struct err *e);
enum err_code	memory_parked_reasons(struct store_reader *r, int64_t batch_id,
		    enum err_code (*row)(void *, const struct store_parked_reason *, struct err *), void *arg, struct err *e);
enum err_code	memory_upload_run_newest(struct store_reader *r, struct store_upload_run *ret, struct err *e);

#endif
