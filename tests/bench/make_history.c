/*
 * make_history PATH ROWS [--lot N] [--seed S] [--until T]
 *
 * Makes the ledger of a line that has run for years (make_ledger makes the one of a busy night): ROWS certificates, one every six seconds on
 * average, the last of them at T (seconds since 1970; a minute ago without it), in lots of N (10,000) of which three are always open at a time.
 * Device ids are counted up in each lot and come in a slightly wrong order; every fourth lot has MAC addresses in their place.  A lot that is full is
 * closed, and uploaded when two more have closed: of 10,000 certificates all but one are registered and that one is parked, and stays so; of 10,000
 * one is revoked on its day, and of 20,000 one device has come back with another key.  So the last lots are queued or open, as on an evening.
 *
 * The same ROWS, N, S and T make the same rows (events have the time of their making).  The random numbers are no secrets here: what stands
 * for a certificate's DER is 600 octets that begin with its serial.  PATH may be a new home's ledger, with its CA; without one a CA is invented.
 *
 * Everything goes through store_sqlite's own functions, so every constraint and trigger of the schema was in force.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/store.h"

enum {
	WINDOW = 3,		/* open lots */
	UPLOAD_LAG = 2,		/* closed lots that wait for the night */
	GROUP_ROWS = 4000,	/* a commit */
	PAGE_ROWS = 2000,	/* a commit of the upload */
	IDENTIFIERS_ROWS = 200 * 1000,
	MIXED = 16,		/* devices that pass each other on their way to the station: a power of 2, and a lot is a multiple of it */
	MAC_EVERY = 4,
	PARKED_OF = 10000, REVOKED_OF = 10000, REWORKED_OF = 20000,
	DER_BYTES = 600,
	GAP_US = 6 * 1000 * 1000
};
static const int64_t CACHE_BYTES = 512 * 1024 * 1024;

struct lot {
	struct store_batch	batch;
	int64_t			number;		/* counts up from 0 */
	int64_t			taken;		/* rows made, recorded or not */
	uint64_t		mix;
};

struct options {
	const char	*path;
	int64_t		 rows, lot, seed, until_s;
};

struct history {
	const struct options	*options;
	struct store		*store;
	struct store_reader	*reader;
	struct lot		 open[WINDOW];
	int64_t			 closed[UPLOAD_LAG];	/* batch ids, the oldest first; 0: none yet */
	int64_t			 lots;
	int64_t			 ca_id, target_id;
	uint64_t		 random;
	int64_t			 start_us, begun;	/* rows made, recorded or not: each has a gap of its own */
	int64_t			 now_us;		/* of the row that was made last */
	/* the group that is being made */
	struct store_certificate certificates[GROUP_ROWS];
	struct store_record_row	 rows[GROUP_ROWS];
	uint8_t			 der[GROUP_ROWS][DER_BYTES];
	size_t			 n;
	int64_t			 made, parked, revoked, reworked;	/* recorded rows, or of the group */
};

/* A page of what the upload has settled. */
struct page {
	struct history			*history;
	struct store_registration	 registrations[PAGE_ROWS];
	struct store_registration_row	 rows[PAGE_ROWS];
	size_t				 n;
};

static struct err	e;

static void
check(enum err_code rc, const char *what)
{
	if (rc != ERR_OK) {
		(void)fprintf(stderr, "make_history: %s: %s\n", what, e.log_text);
		exit(1);
	}
}

/* splitmix64: enough for rows that look random, and the same ones every time */
static uint64_t
random_next(struct history *h)
{
	uint64_t z = h->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void
random_fill(struct history *h, uint8_t *out, size_t n)
{
	uint64_t	v;
	size_t		i;

	for (i = 0; i < n; i += sizeof(v)) {
		v = random_next(h);
		memcpy(out + i, &v, n - i < sizeof(v) ? n - i : sizeof(v));
	}
}

static bool
one_of(struct history *h, uint64_t n)
{
	return random_next(h) % n == 0;
}

static struct store_who
somebody(const struct history *h, const char *reason)
{
	return (struct store_who){ .actor = "token:anna", .address = "10.1.0.7", .reason = reason, .at_us = h->now_us };
}

/* ---- lots */

static enum err_code
ca_first(void *arg, const struct store_ca *ca, struct err *err)
{
	int64_t	*id = arg;

	(void)err;
	if (*id == 0)
		*id = ca->id;
	return ERR_OK;
}

static void
ca_get(struct history *h)
{
	static uint8_t	der[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };	/* stands for a certificate */
	struct store_ca	ca = { .name = "history", .key_ref = "history.key", .der = der, .der_len = sizeof(der), .created_at_us = h->now_us };

	check(store_sqlite.ca_list(h->reader, ca_first, &h->ca_id, &e), "ca");
	if (h->ca_id == 0)
		check(store_sqlite.ca_add(h->store, &ca, &h->ca_id, &e), "ca");
}

static void
lot_open(struct history *h, struct lot *lot)
{
	const struct store_who	who = somebody(h, "");
	struct store_batch	b = { .profile = "default", .ca_id = h->ca_id, .quantity = h->options->lot, .created_at_us = h->now_us };

	*lot = (struct lot){ .number = h->lots++, .mix = random_next(h) };
	(void)snprintf(b.name, sizeof(b.name), "lot-%05" PRId64, lot->number + 1);
	check(store_sqlite.batch_create(h->store, &b, NULL, NULL, &who, &e), "batch");
	check(store_sqlite.batch_find(h->reader, b.name, &lot->batch, &e), "batch");
}

/* ---- the night */

static void
registered(struct page *p, struct store_registration *r, const struct store_certificate *c)
{
	static const char	hex[] = "0123456789abcdef";
	size_t			at, i;

	r->state = REGISTRATION_DONE;
	r->done = 1;
	at = (size_t)snprintf(r->arn, sizeof(r->arn), "arn:aws:iot:eu-west-1:123456789012:cert/");
	for (i = 0; i < STORE_HASH_BYTES; i++) {
		r->arn[at++] = hex[c->certificate_id[i] >> 4];
		r->arn[at++] = hex[c->certificate_id[i] & 15];
	}
	p->rows[p->n - 1].settled = CERTIFICATE_REGISTERED;
}

static void
parked(struct page *p, struct store_registration *r)
{
	static const char *const codes[] = { "CertificateValidationException", "ResourceAlreadyExistsException", "LimitExceededException" };

	r->state = REGISTRATION_PARKED;
	r->attempts = 1;
	(void)snprintf(r->step, sizeof(r->step), "register");
	(void)snprintf(r->code, sizeof(r->code), "%s", codes[random_next(p->history) % 3]);
	(void)snprintf(r->message, sizeof(r->message), "Invented by make_history.");
	p->rows[p->n - 1].settled = CERTIFICATE_PARKED;
	p->history->parked++;
}

static enum err_code
page_add(void *arg, const struct store_certificate *c, struct err *err)
{
	struct page			*p = arg;
	struct store_registration	*r = &p->registrations[p->n];

	(void)err;
	p->rows[p->n++] = (struct store_registration_row){ .registration = r, .batch_id = c->batch_id };
	*r = (struct store_registration){ .cert_id = store_serial_key(c->serial), .target_id = p->history->target_id,
	    .updated_at_us = p->history->now_us };
	if (one_of(p->history, PARKED_OF))
		parked(p, r);
	else
		registered(p, r, c);
	return ERR_OK;
}

/* Revoked before AWS had it: AWS is asked, and says so. */
static enum err_code
page_withdraw(void *arg, const struct store_certificate *c, int64_t id, struct err *err)
{
	struct page			*p = arg;
	struct store_registration	*r = &p->registrations[p->n];

	(void)id;
	(void)err;
	p->rows[p->n++] = (struct store_registration_row){ .registration = r, .batch_id = c->batch_id, .settled = CERTIFICATE_REVOKED, .withdrawal = true };
	*r = (struct store_registration){ .cert_id = store_serial_key(c->serial), .target_id = p->history->target_id,
	    .state = REGISTRATION_DONE, .updated_at_us = p->history->now_us, .withdrawn_at_us = p->history->now_us };
	return ERR_OK;
}

static void
upload(struct history *h, int64_t batch_id)
{
	static struct page	p;

	p.history = h;
	p.n = 0;
	check(store_sqlite.withdrawal_page(h->reader, batch_id, 0, PAGE_ROWS, page_withdraw, &p, &e), "withdrawal");
	if (p.n > 0)
		check(store_sqlite.registration_record(h->store, p.rows, p.n, NULL, &e), "withdrawal");
	do {
		p.n = 0;
		check(store_sqlite.queue_page(h->reader, batch_id, 0, PAGE_ROWS, page_add, &p, &e), "queue");
		if (p.n > 0)
			check(store_sqlite.registration_record(h->store, p.rows, p.n, NULL, &e), "registration");
	} while (p.n == PAGE_ROWS);
}

/* A full lot is closed, an older one uploaded, and the next one opened. */
static void
lot_turn(struct history *h, struct lot *lot)
{
	const struct store_who	who = somebody(h, "the lot is complete");
	size_t			i;

	check(store_sqlite.batch_set_state(h->store, lot->batch.name, BATCH_CLOSED, &who, &e), "close");
	if (h->closed[0] != 0)
		upload(h, h->closed[0]);
	for (i = 0; i + 1 < UPLOAD_LAG; i++)
		h->closed[i] = h->closed[i + 1];
	h->closed[UPLOAD_LAG - 1] = lot->batch.id;
	lot_open(h, lot);
}

/* ---- the day */

static void
row_make(struct history *h, struct lot *lot, struct store_certificate *c, uint8_t *der)
{
	/* within each MIXED of them another one first: a bijection */
	const int64_t	at = lot->taken ^ (int64_t)(lot->mix & (MIXED - 1)), number = lot->number * h->options->lot + at;
	uint64_t	upper;
	int		i;

	h->now_us = h->start_us + h->begun++ * GAP_US + (int64_t)(random_next(h) % GAP_US);
	upper = ((uint64_t)1 << 62) + (uint64_t)h->now_us * 256;	/* ca/serial.h */
	for (i = 0; i < 8; i++)
		c->serial[i] = (uint8_t)(upper >> (56 - 8 * i));
	random_fill(h, c->serial + 8, 8);
	random_fill(h, c->key_id, sizeof(c->key_id));
	random_fill(h, c->certificate_id, sizeof(c->certificate_id));
	if (lot->number % MAC_EVERY == MAC_EVERY - 1)
		(void)snprintf(c->device_id, sizeof(c->device_id), "A4CF12%06" PRIX64, (uint64_t)number);
	else
		(void)snprintf(c->device_id, sizeof(c->device_id), "SN%010" PRId64, number);
	c->batch_id = lot->batch.id;
	c->ca_id = h->ca_id;
	c->issued_at_us = h->now_us;
	c->not_before_s = h->now_us / 1000000 - 3600;
	c->not_after_s = c->not_before_s + 3650 * (int64_t)86400;
	memcpy(der, c->serial, STORE_SERIAL_BYTES);
	c->der = der;
	c->der_len = DER_BYTES;
	if (++lot->taken % MIXED == 0)
		lot->mix = random_next(h);
}

/* What people do about a device that was recorded: rarely anything. */
static void
aftermath(struct history *h, const struct store_certificate *c)
{
	const struct store_who	lost = somebody(h, "lost on the way to the customer"), repaired = somebody(h, "board replaced");
	struct store_certificate again = *c;
	struct store_record_row	row = { .certificate = &again };
	uint8_t			der[DER_BYTES];
	struct lot		*lot = &h->open[0];

	if (one_of(h, REVOKED_OF)) {
		check(store_sqlite.certificate_revoke(h->store, c->serial, &lost, &e), "revoke");
		h->revoked++;
		return;
	}
	if (!one_of(h, REWORKED_OF) || lot->taken + MIXED >= h->options->lot)
		return;
	check(store_sqlite.device_rework(h->store, c->device_id, &repaired, &e), "rework");
	memcpy(der, c->der, sizeof(der));
	row_make(h, lot, &again, der);
	memcpy(again.device_id, c->device_id, sizeof(again.device_id));
	check(store_sqlite.record(h->store, &row, 1, &e), "record");
	check(row.result, "a reworked device");
	recorded_free(row.recorded);
	h->made++;
	h->reworked++;
}

static void
group_record(struct history *h)
{
	size_t	i;

	if (h->n == 0)
		return;
	check(store_sqlite.record(h->store, h->rows, h->n, &e), "record");
	for (i = 0; i < h->n; i++) {
		if (h->rows[i].result != ERR_OK || !h->rows[i].is_new) {
			(void)fprintf(stderr, "make_history: %s: %s\n", h->certificates[i].device_id,
			    h->rows[i].result == ERR_OK ? "was there already" : err_name(h->rows[i].result));
			exit(1);
		}
		recorded_free(h->rows[i].recorded);
	}
	for (i = 0; i < h->n; i++)
		aftermath(h, &h->certificates[i]);
	h->n = 0;
	if (isatty(2))
		(void)fprintf(stderr, "\r%" PRId64 " of %" PRId64 " ", h->made, h->options->rows);
}

static void
history_make(struct history *h)
{
	int64_t		identified = 0;
	struct lot	*lot;
	size_t		i;

	for (i = 0; i < GROUP_ROWS; i++) {
		random_fill(h, h->der[i], DER_BYTES);
		h->rows[i].certificate = &h->certificates[i];
	}
	for (i = 0; i < WINDOW; i++)
		lot_open(h, &h->open[i]);
	while (h->made < h->options->rows) {
		lot = &h->open[random_next(h) % WINDOW];
		row_make(h, lot, &h->certificates[h->n], h->der[h->n]);
		h->made++;
		if (++h->n == GROUP_ROWS || lot->taken == h->options->lot || h->made == h->options->rows)
			group_record(h);
		if (lot->taken == h->options->lot)
			lot_turn(h, lot);
		if (h->made - identified >= IDENTIFIERS_ROWS) {
			check(store_sqlite.identifiers_settle(h->store, IDENTIFIERS_ROWS, &e), "identifiers");
			identified = h->made;
		}
	}
	check(store_sqlite.identifiers_settle(h->store, h->options->rows, &e), "identifiers");
	if (isatty(2))
		(void)fputc('\n', stderr);
}

static bool
options_parse(int argc, char **argv, struct options *o)
{
	const struct {
		const char	*name;
		int64_t		*value;
	} numbers[] = { { "--lot", &o->lot }, { "--seed", &o->seed }, { "--until", &o->until_s } };
	char	*end;
	size_t	 k;
	int	 i;

	if (argc < 3 || (o->rows = strtoll(argv[2], &end, 10)) < 1 || *end != '\0')
		return false;
	o->path = argv[1];
	for (i = 3; i + 1 < argc; i += 2) {
		for (k = 0; k < 3 && strcmp(argv[i], numbers[k].name) != 0; k++)
			;
		if (k == 3 || (*numbers[k].value = strtoll(argv[i + 1], &end, 10)) < 1 || *end != '\0')
			return false;
	}
	return i == argc && o->lot % MIXED == 0 && o->lot <= LIMIT_BATCH_QUANTITY && o->rows <= LIMIT_BATCH_QUANTITY;
}

int
main(int argc, char **argv)
{
	static struct history	h;
	struct options		o = { .lot = 10000, .seed = 1 };
	struct store_config	cf = { .cache_bytes = CACHE_BYTES };
	const int64_t		start_us = clock_monotonic_us();

	o.until_s = clock_system.now_us(&clock_system) / 1000000 - 60;
	if (!options_parse(argc, argv, &o)) {
		(void)fprintf(stderr, "usage: make_history PATH ROWS [--lot N, a multiple of %d] [--seed S] [--until T]\n", MIXED);
		return 2;
	}
	cf.path = o.path;
	h.options = &o;
	h.random = (uint64_t)o.seed;
	if (access(cf.path, F_OK) == -1)
		check(store_sqlite.create(&cf, &e), "create");
	check(store_sqlite.open(&cf, &h.store, &e), "open");
	check(store_sqlite.reader_open(h.store, &h.reader, &e), "open");
	/* a device that comes back with the last group is a row more */
	h.now_us = h.start_us = o.until_s * 1000000 - (o.rows + WINDOW) * GAP_US;
	ca_get(&h);
	check(store_sqlite.target_get(h.store, "123456789012", "eu-west-1", &h.target_id, &e), "target");
	history_make(&h);
	check(store_sqlite.checkpoint(h.store, &e), "checkpoint");
	store_sqlite.reader_close(h.reader);
	store_sqlite.close(h.store);
	(void)printf("%" PRId64 " rows in %" PRId64 " lots into %s in %.1f s: %" PRId64 " parked, %" PRId64 " revoked, %" PRId64 " reworked\n", h.made,
	    h.lots, o.path, (double)(clock_monotonic_us() - start_us) / 1e6, h.parked, h.revoked, h.reworked);
	return 0;
}
