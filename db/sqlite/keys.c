#include "db/sqlite/keys.h"

#include <stdlib.h>
#include <string.h>

enum {
	/*
	 * Keys in memory: two sets of these, 24 octets and two slots of 4 each: 4 MiB.  More of them share a page of the index
	 * (at 1,000,000 rows about six), but are also more rows to read at the start.
	 */
	SET_KEYS = 64 * 1024,
	SET_SLOTS = 2 * SET_KEYS,	/* a power of two */
	/* Keys that settle in one transaction: neighbours, so that they share pages; few, so that nobody waits for it */
	SETTLE_KEYS = 64
};

struct key {
	uint8_t	prefix[KEY_PREFIX_BYTES];
	int64_t	id;			/* certificate.id */
};

struct key_set {
	struct key	keys[SET_KEYS];
	uint32_t	n;
	uint32_t	slots[SET_SLOTS];	/* index + 1 into keys; 0 = empty; linear probing */
	int64_t		max_id;
};

struct keys {
	struct key_set	*young;
	struct key_set	*settling;	/* sorted; keys[0..settled) are in the index */
	uint32_t	 settled;
	int64_t		 floor_id;	/* young keys are of certificates above this; others go straight into the index */
	size_t		 owed;		/* keys to settle, so that settling ends before young is full */
	bool		 loaded;
	int64_t		 data_version;	/* changes when another connection commits */
	/* certificates in all batches, and in the open ones: change when another connection records */
	int64_t		 issued_total, issued_open;
	int64_t		 switches;	/* changes when a batch is opened or closed */
};

static uint32_t
slot_of(const uint8_t *prefix)
{
	uint32_t	h;

	/* The prefix is a piece of a SHA-256: any four octets of it are a good hash. */
	memcpy(&h, prefix, sizeof(h));
	return h & (SET_SLOTS - 1);
}

static const struct key *
set_find(const struct key_set *set, const uint8_t *prefix)
{
	uint32_t	i;

	for (i = slot_of(prefix); set->slots[i] != 0; i = (i + 1) & (SET_SLOTS - 1)) {
		const struct key *key = &set->keys[set->slots[i] - 1];

		if (memcmp(key->prefix, prefix, KEY_PREFIX_BYTES) == 0)
			return key;
	}
	return NULL;
}

static void
set_index(struct key_set *set, uint32_t at)
{
	uint32_t	i;

	for (i = slot_of(set->keys[at].prefix); set->slots[i] != 0; i = (i + 1) & (SET_SLOTS - 1))
		;
	set->slots[i] = at + 1;
}

static void
set_add(struct key_set *set, const uint8_t *prefix, int64_t id)
{
	memcpy(set->keys[set->n].prefix, prefix, KEY_PREFIX_BYTES);
	set->keys[set->n].id = id;
	set_index(set, set->n++);
	if (id > set->max_id)
		set->max_id = id;
}

static void
set_clear(struct key_set *set)
{
	set->n = 0;
	set->max_id = 0;
	memset(set->slots, 0, sizeof(set->slots));
}

static int
key_compare(const void *a, const void *b)
{
	return memcmp(((const struct key *)a)->prefix, ((const struct key *)b)->prefix, KEY_PREFIX_BYTES);
}

static void
set_sort(struct key_set *set)
{
	uint32_t	i;

	qsort(set->keys, set->n, sizeof(set->keys[0]), key_compare);
	memset(set->slots, 0, sizeof(set->slots));
	for (i = 0; i < set->n; i++)
		set_index(set, i);
}

enum err_code
keys_new(struct keys **ret, struct err *e)
{
	struct keys	*k;

	if ((k = calloc(1, sizeof(*k))) == NULL ||
	    (k->young = calloc(1, sizeof(*k->young))) == NULL ||
	    (k->settling = calloc(1, sizeof(*k->settling))) == NULL) {
		keys_free(k);
		return err_set(e, ERR_NOMEM, "keys");
	}
	*ret = k;
	return ERR_OK;
}

void
keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	free(k->young);
	free(k->settling);
	free(k);
}

void
keys_forget(struct keys *k)
{
	k->loaded = false;
}

static enum err_code
read_int(struct connection *c, enum statement s, int64_t *ret, struct err *e)
{
	enum err_code	rc;
	bool		found;

	if ((rc = statement_step(c, s, &found, e)) != ERR_OK)
		return rc;
	if (!found)
		return err_set(e, ERR_STORAGE, "ledger: a row that is always there is missing");
	*ret = column_int(c, s, 0);
	statement_done(c, s);
	return ERR_OK;
}

/* Into the index.  A key that is there already must be the same certificate's: a transaction that was done twice. */
static enum err_code
key_insert(struct connection *c, const struct key *key, struct err *e)
{
	const enum statement	s = STATEMENT_KEY_INSERT;
	enum err_code		rc;
	int64_t			owner;

	bind_blob(c, s, 1, key->prefix, KEY_PREFIX_BYTES);
	bind_int(c, s, 2, key->id);
	if ((rc = statement_run(c, s, e)) != ERR_OK || sqlite3_changes(c->db) == 1)
		return rc;
	bind_blob(c, STATEMENT_KEY_FIND, 1, key->prefix, KEY_PREFIX_BYTES);
	if ((rc = read_int(c, STATEMENT_KEY_FIND, &owner, e)) == ERR_OK && owner != key->id)
		rc = err_set(e, ERR_STORAGE, "ledger: certificates %lld and %lld of two devices have one key",
		    (long long)owner, (long long)key->id);
	return rc;
}

/* At most max of those that settle; at the end of the set the mark moves, and the set is free. */
static enum err_code
settle_some(struct keys *k, struct connection *c, size_t max, struct err *e)
{
	enum err_code	rc;

	if (k->settling->n == 0)
		return ERR_OK;
	for (; k->settled < k->settling->n && max > 0; max--) {
		if ((rc = key_insert(c, &k->settling->keys[k->settled++], e)) != ERR_OK)
			return rc;
	}
	if (k->settled < k->settling->n)
		return ERR_OK;
	bind_int(c, STATEMENT_SETTLED_SET, 1, k->settling->max_id);
	if ((rc = statement_run(c, STATEMENT_SETTLED_SET, e)) != ERR_OK)
		return rc;
	set_clear(k->settling);
	k->settled = 0;
	k->owed = 0;
	return ERR_OK;
}

/* Young keys begin to settle; what still settles is brought to its end first. */
static enum err_code
turn_over(struct keys *k, struct connection *c, struct err *e)
{
	struct key_set	*empty;
	enum err_code	 rc;

	if ((rc = settle_some(k, c, SIZE_MAX, e)) != ERR_OK)
		return rc;
	empty = k->settling;
	k->settling = k->young;
	k->young = empty;
	set_sort(k->settling);
	k->floor_id = k->settling->max_id;
	return ERR_OK;
}

static enum err_code
open_read(struct connection *c, int64_t *ret_switches, int64_t *ret_issued, struct err *e)
{
	enum err_code	rc;

	if ((rc = read_int(c, STATEMENT_SWITCHES, ret_switches, e)) != ERR_OK)
		return rc;
	return read_int(c, STATEMENT_ISSUED_OPEN, ret_issued, e);
}

/* From the certificates above the mark, oldest first. */
static enum err_code
keys_load(struct keys *k, struct connection *c, struct err *e)
{
	const enum statement	s = STATEMENT_KEYS_UNSETTLED;
	uint8_t			key_id[32];
	enum err_code		rc;
	bool			found;

	set_clear(k->young);
	set_clear(k->settling);
	k->settled = 0;
	k->owed = 0;
	if ((rc = read_int(c, STATEMENT_SETTLED_GET, &k->floor_id, e)) != ERR_OK ||
	    (rc = read_int(c, STATEMENT_ISSUED_TOTAL, &k->issued_total, e)) != ERR_OK ||
	    (rc = open_read(c, &k->switches, &k->issued_open, e)) != ERR_OK)
		return rc;
	bind_int(c, s, 1, k->floor_id);
	while ((rc = statement_step(c, s, &found, e)) == ERR_OK && found) {
		if (!column_blob(c, s, 1, key_id, sizeof(key_id)))
			rc = err_set(e, ERR_STORAGE, "ledger: a certificate's key cannot be read");
		else if (k->young->n == SET_KEYS)
			rc = turn_over(k, c, e);
		if (rc != ERR_OK)
			break;
		set_add(k->young, key_id, column_int(c, s, 0));
	}
	statement_done(c, s);
	if (rc == ERR_OK)
		k->loaded = true;
	return rc;
}

/*
 * Somebody else committed: certificates too?  issued never goes down, so equal sums say no.  That of the open batches will do while
 * these are the same ones; it is what the line reads after each commit of the upload.
 */
static enum err_code
keys_compare(struct keys *k, struct connection *c, struct err *e)
{
	enum err_code	rc;
	int64_t		switches, issued_open, issued_total;

	if ((rc = open_read(c, &switches, &issued_open, e)) != ERR_OK)
		return rc;
	if (switches == k->switches) {
		k->loaded = issued_open == k->issued_open;
		return ERR_OK;
	}
	if ((rc = read_int(c, STATEMENT_ISSUED_TOTAL, &issued_total, e)) != ERR_OK)
		return rc;
	k->loaded = issued_total == k->issued_total;
	k->switches = switches;
	k->issued_open = issued_open;
	return ERR_OK;
}

enum err_code
keys_begin(struct keys *k, struct connection *c, size_t n, struct err *e)
{
	enum err_code	rc;
	int64_t		version;

	if ((rc = read_int(c, STATEMENT_DATA_VERSION, &version, e)) != ERR_OK)
		return rc;
	if (k->loaded && version != k->data_version && (rc = keys_compare(k, c, e)) != ERR_OK)
		return rc;
	if (!k->loaded && (rc = keys_load(k, c, e)) != ERR_OK)
		return rc;
	k->data_version = version;
	if (k->young->n + n > SET_KEYS && k->young->n > 0)
		return turn_over(k, c, e);
	return ERR_OK;
}

enum err_code
keys_owner(struct keys *k, struct connection *c, const uint8_t *key_id, int64_t *ret_id, struct err *e)
{
	const struct key	*key;
	enum err_code		 rc;
	bool			 found;

	if ((key = set_find(k->young, key_id)) != NULL || (key = set_find(k->settling, key_id)) != NULL) {
		*ret_id = key->id;
		return ERR_OK;
	}
	bind_blob(c, STATEMENT_KEY_FIND, 1, key_id, KEY_PREFIX_BYTES);
	if ((rc = statement_step(c, STATEMENT_KEY_FIND, &found, e)) != ERR_OK)
		return rc;
	*ret_id = found ? column_int(c, STATEMENT_KEY_FIND, 0) : 0;
	if (found)
		statement_done(c, STATEMENT_KEY_FIND);
	return ERR_OK;
}

enum err_code
keys_add(struct keys *k, struct connection *c, const uint8_t *key_id, int64_t id, struct err *e)
{
	struct key	key = { .id = id };

	/*
	 * A serial that was overtaken by those whose keys settle already would not be read again from the rows above the mark:
	 * its key goes straight into the index.  So does what a huge group has no room for.
	 */
	if (id <= k->floor_id || k->young->n == SET_KEYS) {
		memcpy(key.prefix, key_id, KEY_PREFIX_BYTES);
		return key_insert(c, &key, e);
	}
	set_add(k->young, key_id, id);
	return ERR_OK;
}

enum err_code
keys_add_next(struct connection *c, const uint8_t *key_id, int64_t id, struct err *e)
{
	struct key	key = { .id = id };

	memcpy(key.prefix, key_id, KEY_PREFIX_BYTES);
	return key_insert(c, &key, e);
}

enum err_code
keys_settle(struct keys *k, struct connection *c, size_t issued, struct err *e)
{
	k->issued_total += (int64_t)issued;
	k->issued_open += (int64_t)issued;
	if (k->settling->n == 0)
		return ERR_OK;
	/* A quarter faster than keys come in, so that settling has ended when young is full. */
	k->owed += issued + (issued + 3) / 4;
	if (k->owed < SETTLE_KEYS)
		return ERR_OK;
	issued = k->owed;
	k->owed = 0;
	return settle_some(k, c, issued, e);
}
