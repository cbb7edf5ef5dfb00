/*
 * Which keys are taken: "one device id per key", decided in the transaction without paying a page a row for it.
 *
 * A key is a random number.  In an index each new one dirties a page of its own, which is half of what recording costs, and
 * more the larger the ledger is.  So the newest keys are kept in memory as well as in their certificates' rows, and go into
 * the index device_key later, sorted and many to a page:
 *
 *	young -> (when full: sorted) -> settling -> device_key
 *
 * Durable is what the certificates say: whatever is in memory can be read again from the rows above settled.id, and is, at the
 * first record of a process, after every failed one, and when another process has recorded.  The answer is exact at
 * any time: a key is taken if it is in one of the three places.
 *
 * All of it inside the transaction of record, under the write lock.
 */
#ifndef DB_SQLITE_KEYS_H
#define DB_SQLITE_KEYS_H

#include "db/sqlite/connection.h"

enum { KEY_PREFIX_BYTES = 16 };		/* schema: device.key_prefix says why 16 are enough */

struct keys;

ERR_MUST_CHECK enum err_code	keys_new(struct keys **ret, struct err *e);
void				keys_free(struct keys *k);	/* takes NULL */

/* First in a transaction that will add at most n: knows what other processes did, and makes room. */
ERR_MUST_CHECK enum err_code	keys_begin(struct keys *k, struct connection *c, size_t n, struct err *e);

/* The id of the certificate by which the key became its device's; 0: the key is free. */
ERR_MUST_CHECK enum err_code	keys_owner(struct keys *k, struct connection *c, const uint8_t *key_id, int64_t *ret_id,
				    struct err *e);
ERR_MUST_CHECK enum err_code	keys_add(struct keys *k, struct connection *c, const uint8_t *key_id, int64_t id, struct err *e);

/*
 * A key that the device takes after another: straight into the index, where any process finds it.  Not among the young ones, since who reads
 * the rows above the mark again takes the first certificate of each device only.
 */
ERR_MUST_CHECK enum err_code	keys_add_next(struct connection *c, const uint8_t *key_id, int64_t id, struct err *e);

/* Last before COMMIT: moves some settling keys into the index.  issued: certificates of this transaction. */
ERR_MUST_CHECK enum err_code	keys_settle(struct keys *k, struct connection *c, size_t issued, struct err *e);

/* After a transaction that was not committed: what is in memory is read again next time. */
void				keys_forget(struct keys *k);

#endif
