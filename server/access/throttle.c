#include "access/throttle.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "access/siphash.h"

#define MINUTE_US INT64_C(60000000)

/*
 * A moment or a span to the fraction: us + part / per_minute microseconds, 0 <= part < per_minute.  So that a rate of 7 a minute is
 * exactly that after a year, too.
 */
struct moment {
	int64_t	us, part;
};

/* A key that was seen.  due is when all it has taken is paid for: its theoretical arrival time. */
struct place {
	uint64_t	hash;
	struct moment	due;
	uint32_t	heap_at;	/* where heap names this place */
	uint32_t	next;		/* of the same chain, as place + 1; 0: the last */
};

/* The keys of one kind: chains find them, a heap with the least due at its top knows whom to forget. */
struct keys {
	pthread_mutex_t		 mu;
	struct throttle_rate	 rate;
	struct moment		 step;		/* what one costs */
	struct moment		 slack;		/* how far ahead of now due may be */
	struct place		*places;
	uint32_t		*heap;
	uint32_t		*chains;	/* place + 1, by hash; 0: empty */
	uint32_t		 count, room;
	uint64_t		 chain_mask;
};

struct throttle {
	uint8_t		hash_key[SIPHASH_KEY_BYTES];
	size_t		made;			/* of kinds, so many are */
	struct keys	kinds[THROTTLES];
};

/* ---- moments */

static struct moment
add(struct moment a, struct moment b, int64_t per_minute)
{
	struct moment sum = { a.us + b.us, a.part + b.part };

	if (sum.part >= per_minute) {
		sum.part -= per_minute;
		sum.us++;
	}
	return sum;
}

static bool
is_before(struct moment a, struct moment b)
{
	return a.us != b.us ? a.us < b.us : a.part < b.part;
}

/* Microseconds from now_us until due - slack, rounded up; 0 or less: it is over. */
static int64_t
until(const struct keys *k, struct moment due, int64_t now_us)
{
	int64_t us = due.us - k->slack.us, part = due.part - k->slack.part;

	/* part lies between -per_minute and per_minute: all of it is less than one microsecond */
	return us + (part > 0) - now_us;
}

/* ---- the heap */

static void
heap_put(struct keys *k, uint32_t at, uint32_t place)
{
	k->heap[at] = place;
	k->places[place].heap_at = at;
}

static bool
heap_less(const struct keys *k, uint32_t a, uint32_t b)
{
	return is_before(k->places[k->heap[a]].due, k->places[k->heap[b]].due);
}

static void
heap_swap(struct keys *k, uint32_t a, uint32_t b)
{
	uint32_t place = k->heap[a];

	heap_put(k, a, k->heap[b]);
	heap_put(k, b, place);
}

static void
heap_up(struct keys *k, uint32_t at)
{
	for (; at > 0 && heap_less(k, at, (at - 1) / 2); at = (at - 1) / 2)
		heap_swap(k, at, (at - 1) / 2);
}

static void
heap_down(struct keys *k, uint32_t at)
{
	for (;;) {
		uint32_t left = 2 * at + 1, least = at;

		if (left < k->count && heap_less(k, left, least))
			least = left;
		if (left + 1 < k->count && heap_less(k, left + 1, least))
			least = left + 1;
		if (least == at)
			return;
		heap_swap(k, at, least);
		at = least;
	}
}

/* ---- the chains */

static uint32_t *
chain_of(const struct keys *k, uint64_t hash)
{
	return &k->chains[hash & k->chain_mask];
}

static struct place *
find(const struct keys *k, uint64_t hash)
{
	for (uint32_t i = *chain_of(k, hash); i != 0; i = k->places[i - 1].next)
		if (k->places[i - 1].hash == hash)
			return &k->places[i - 1];
	return NULL;
}

static void
chain_in(struct keys *k, uint32_t place)
{
	uint32_t *head = chain_of(k, k->places[place].hash);

	k->places[place].next = *head;
	*head = place + 1;
}

static void
chain_out(struct keys *k, uint32_t place)
{
	uint32_t *link = chain_of(k, k->places[place].hash);

	while (*link != place + 1)
		link = &k->places[*link - 1].next;
	*link = k->places[place].next;
}

/* A new key: in a place that is free, or in that of the key which is least behind. */
static void
remember(struct keys *k, uint64_t hash, struct moment due)
{
	uint32_t place;

	if (k->count < k->room) {
		place = k->count++;
		heap_put(k, place, place);
	} else {
		place = k->heap[0];
		chain_out(k, place);
	}
	k->places[place].hash = hash;
	k->places[place].due = due;
	chain_in(k, place);
	heap_up(k, k->places[place].heap_at);
	heap_down(k, k->places[place].heap_at);
}

/* ---- a kind */

static void
keys_done(struct keys *k)
{
	free(k->places);
	free(k->heap);
	free(k->chains);
	(void)pthread_mutex_destroy(&k->mu);
}

static enum err_code
keys_init(struct keys *k, const struct throttle_rate *rate, size_t room, struct err *e)
{
	int64_t slack;
	size_t chains = 1;

	if (rate->per_minute < 0 || rate->per_minute > THROTTLE_PER_MINUTE_MAX ||
	    (rate->per_minute > 0 && (rate->burst < 1 || rate->burst > THROTTLE_BURST_MAX)))
		return err_set(e, ERR_INTERNAL, "a throttle of %lld a minute, %lld at once", (long long)rate->per_minute,
		    (long long)rate->burst);
	*k = (struct keys){ .rate = *rate };
	(void)pthread_mutex_init(&k->mu, NULL);
	if (rate->per_minute == 0)
		return ERR_OK;		/* nothing to remember */
	while (chains < room)
		chains *= 2;
	slack = (rate->burst - 1) * MINUTE_US;
	k->step = (struct moment){ MINUTE_US / rate->per_minute, MINUTE_US % rate->per_minute };
	k->slack = (struct moment){ slack / rate->per_minute, slack % rate->per_minute };
	k->room = (uint32_t)room;
	k->chain_mask = chains - 1;
	k->places = calloc(room, sizeof(*k->places));
	k->heap = calloc(room, sizeof(*k->heap));
	k->chains = calloc(chains, sizeof(*k->chains));
	if (k->places != NULL && k->heap != NULL && k->chains != NULL)
		return ERR_OK;
	keys_done(k);
	return err_set(e, ERR_NOMEM, "a throttle of %zu keys", room);
}

static int64_t
take(struct keys *k, uint64_t hash, int64_t now_us, bool count)
{
	struct moment due = { now_us, 0 };
	struct place *p;
	int64_t wait_us;

	if ((p = find(k, hash)) != NULL && is_before(due, p->due))
		due = p->due;
	if ((wait_us = until(k, due, now_us)) > 0)
		return wait_us;
	if (!count)
		return 0;
	due = add(due, k->step, k->rate.per_minute);
	if (p == NULL) {
		remember(k, hash, due);
	} else {
		p->due = due;		/* it only grows */
		heap_down(k, p->heap_at);
	}
	return 0;
}

static int64_t
ask(struct throttle *t, enum throttle_kind kind, const void *key, size_t len, int64_t now_us, bool count)
{
	struct keys *k = &t->kinds[kind];
	int64_t wait_us;
	uint64_t hash;

	if (k->rate.per_minute == 0)
		return 0;
	hash = siphash(t->hash_key, key, len);
	(void)pthread_mutex_lock(&k->mu);
	wait_us = take(k, hash, now_us, count);
	(void)pthread_mutex_unlock(&k->mu);
	return wait_us;
}

/* ---- for everybody */

enum err_code
throttle_new(const struct throttle_rate rates[THROTTLES], size_t keys, const struct rnd *rnd, struct throttle **ret, struct err *e)
{
	struct throttle *t = NULL;
	enum err_code rc;

	if (keys < THROTTLE_KEYS_MIN || keys > UINT32_MAX / 4)
		return err_set(e, ERR_INTERNAL, "a throttle of %zu keys", keys);
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return err_set(e, ERR_NOMEM, "throttle");
	if ((rc = rnd_fill(rnd, t->hash_key, sizeof(t->hash_key), e)) != ERR_OK)
		goto out;
	for (; t->made < THROTTLES; t->made++)
		if ((rc = keys_init(&t->kinds[t->made], &rates[t->made], keys, e)) != ERR_OK)
			goto out;
	*ret = t;
	t = NULL;
out:
	throttle_free(t);
	return rc;
}

void
throttle_free(struct throttle *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->made; i++)
		keys_done(&t->kinds[i]);
	free(t);
}

int64_t
throttle_take(struct throttle *t, enum throttle_kind kind, const void *key, size_t len, int64_t now_us)
{
	return ask(t, kind, key, len, now_us, true);
}

int64_t
throttle_look(struct throttle *t, enum throttle_kind kind, const void *key, size_t len, int64_t now_us)
{
	return ask(t, kind, key, len, now_us, false);
}
