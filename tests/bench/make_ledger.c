/*
 * make_ledger PATH ROWS [--batch NAME] [--register N] [--parked N] [--rate R]
 *
 * Fills a ledger with plausible rows, so that the bench can ask how things are when it is large: random key ids, device
 * ids counted up, serials that grow and end in the past, 600 octets that stand for a certificate.  Makes the ledger and a CA if
 * there is none, and a batch of its own (closed at the end, so that the line's own batch stays the only open one), or
 * more rows into an open batch that is there.
 *
 * --register then registers the N oldest queued certificates of the batch, and --parked parks the next N, as the upload would, a
 * target's answer invented; 100 of them a commit, or with --rate one a commit and at most R commits a second.  ROWS may then be 0.
 *
 * Everything goes through store_sqlite's own record and registration_record.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rnd.h"
#include "db/store.h"

enum {
	GROUP_ROWS = 4000,
	DER_BYTES = 600,
	CACHE_BYTES = 64 * 1024 * 1024,
	SETTLE_ROWS = 100
};

struct filler {
	struct store		*store;
	struct store_reader	*reader;
	struct store_batch	 batch;
	bool			 own_batch;	/* made here */
	uint64_t		 serial_upper;	/* the last one used */
	int64_t			 device;	/* the last number used */
	int64_t			 now_us;
};

static struct err	e;
static const struct store_who	who = { .actor = "cli:make_ledger", .address = "", .reason = "", .at_us = 1 };

static void
die(const char *what)
{
	(void)fprintf(stderr, "make_ledger: %s: %s\n", what, e.log_text);
	exit(1);
}

static enum err_code
ca_first(void *arg, const struct store_ca *ca, struct err *err)
{
	int64_t	*id = arg;

	(void)err;
	if (*id == 0)
		*id = ca->id;
	return ERR_OK;
}

static int64_t
ca_get(struct filler *f)
{
	static uint8_t	der[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };	/* stands for a certificate */
	struct store_ca	ca = { .name = "bench", .key_ref = "bench.key", .der = der, .der_len = sizeof(der) };
	int64_t		id = 0;

	if (store_sqlite.ca_list(f->reader, ca_first, &id, &e) != ERR_OK)
		die("ca");
	ca.created_at_us = f->now_us;
	if (id == 0 && store_sqlite.ca_add(f->store, &ca, &id, &e) != ERR_OK)
		die("ca");
	return id;
}

/* The batch of that name if it is there and has room, a new one otherwise. */
static void
batch_get(struct filler *f, const char *name, int64_t rows)
{
	struct store_batch	b;

	if (store_sqlite.batch_find(f->reader, name, &b, &e) == ERR_OK) {
		if (b.quantity - b.issued < rows) {
			(void)fprintf(stderr, "make_ledger: batch %s has room for %" PRId64 " rows only\n", name,
			    b.quantity - b.issued);
			exit(1);
		}
	} else {
		memset(&b, 0, sizeof(b));
		(void)snprintf(b.name, sizeof(b.name), "%s", name);
		(void)snprintf(b.profile, sizeof(b.profile), "default");
		b.ca_id = ca_get(f);
		b.quantity = rows;
		b.created_at_us = f->now_us;
		if (store_sqlite.batch_create(f->store, &b, NULL, NULL, &who, &e) != ERR_OK ||
		    store_sqlite.batch_find(f->reader, name, &b, &e) != ERR_OK)
			die("batch");
		f->own_batch = true;
	}
	f->batch = b;
}

/*
 * Serials as ca/serial.h makes them, one a millisecond, the last a minute ago; behind those that are there if that
 * leaves no room.
 */
static void
serials_start(struct filler *f, int64_t rows)
{
	uint64_t	newest, first;
	int64_t		newest_us;

	if (store_sqlite.newest(f->reader, &newest, &newest_us, &e) != ERR_OK)
		die("newest");
	first = ((uint64_t)1 << 62) + (uint64_t)(f->now_us - 60 * 1000000 - rows * 1000) * 256;
	f->serial_upper = newest > first ? newest : first;
}

static void
row_make(struct filler *f, struct store_certificate *c, const uint8_t *random, const uint8_t *der)
{
	int	i;

	f->serial_upper += 256 * 1000;
	for (i = 0; i < 8; i++)
		c->serial[i] = (uint8_t)(f->serial_upper >> (56 - 8 * i));
	memcpy(c->serial + 8, random, 8);
	memcpy(c->key_id, random + 8, STORE_HASH_BYTES);
	memcpy(c->certificate_id, random + 40, STORE_HASH_BYTES);
	(void)snprintf(c->device_id, sizeof(c->device_id), "%.40s-%09" PRId64, f->batch.name, ++f->device);
	c->batch_id = f->batch.id;
	c->ca_id = f->batch.ca_id;
	c->issued_at_us = (int64_t)((f->serial_upper - ((uint64_t)1 << 62)) / 256);
	c->not_before_s = c->issued_at_us / 1000000 - 3600;
	c->not_after_s = c->not_before_s + 3650 * (int64_t)86400;
	c->der = der;
	c->der_len = DER_BYTES;
}

static void
fill(struct filler *f, int64_t rows)
{
	static struct store_certificate	certificates[GROUP_ROWS];
	static struct store_record_row	group[GROUP_ROWS];
	static uint8_t			random[GROUP_ROWS][72], der[GROUP_ROWS][DER_BYTES];
	int64_t				done = 0;
	size_t				i, n;

	if (rnd_fill(&rnd_system, &der[0][0], sizeof(der), &e) != ERR_OK)
		die("random");
	for (i = 0; i < GROUP_ROWS; i++)
		group[i].certificate = &certificates[i];
	while (done < rows) {
		n = rows - done < GROUP_ROWS ? (size_t)(rows - done) : GROUP_ROWS;
		if (rnd_fill(&rnd_system, &random[0][0], sizeof(random), &e) != ERR_OK)
			die("random");
		for (i = 0; i < n; i++)
			row_make(f, &certificates[i], random[i], der[i]);
		if (store_sqlite.record(f->store, group, n, &e) != ERR_OK)
			die("record");
		for (i = 0; i < n; i++) {
			if (group[i].result != ERR_OK || !group[i].is_new) {
				(void)fprintf(stderr, "make_ledger: %s: %s\n", certificates[i].device_id,
				    group[i].result == ERR_OK ? "was there already" : err_name(group[i].result));
				exit(1);
			}
			recorded_free(group[i].recorded);
		}
		done += (int64_t)n;
		if (isatty(2))
			(void)fprintf(stderr, "\r%" PRId64 " of %" PRId64 " ", done, rows);
	}
	if (isatty(2))
		(void)fputc('\n', stderr);
}

/* ---- what the upload would make of them ------------------------------------------------------------------ */

struct page {
	struct store_registration	registrations[SETTLE_ROWS];
	struct store_registration_row	rows[SETTLE_ROWS];
	size_t				n;
	int				settled;
	int64_t				target_id;
};

static enum err_code
page_add(void *arg, const struct store_certificate *c, struct err *err)
{
	static const char		hex[] = "0123456789abcdef";
	struct page			*p = arg;
	struct store_registration	*r = &p->registrations[p->n];
	size_t				 at, i;

	(void)err;
	memset(r, 0, sizeof(*r));
	r->cert_id = store_serial_key(c->serial);
	r->target_id = p->target_id;
	r->updated_at_us = c->issued_at_us;
	if (p->settled == CERTIFICATE_PARKED) {
		r->state = REGISTRATION_PARKED;
		r->attempts = 1;
		(void)snprintf(r->step, sizeof(r->step), "register");
		(void)snprintf(r->code, sizeof(r->code), "CertificateValidationException");
		(void)snprintf(r->message, sizeof(r->message), "Invented by make_ledger.");
	} else {
		r->state = REGISTRATION_DONE;
		r->done = 1;
		at = (size_t)snprintf(r->arn, sizeof(r->arn), "arn:aws:iot:eu-west-1:123456789012:cert/");
		for (i = 0; i < STORE_HASH_BYTES; i++) {
			r->arn[at++] = hex[c->certificate_id[i] >> 4];
			r->arn[at++] = hex[c->certificate_id[i] & 15];
		}
	}
	p->rows[p->n++] = (struct store_registration_row){ .registration = r, .batch_id = c->batch_id, .settled = p->settled };
	return ERR_OK;
}

/* At most rate commits a second of one row each; 0: as fast as it goes, many rows a commit. */
static void
settle(struct filler *f, int settled, int64_t rows, int64_t rate)
{
	static struct page	p;
	const int64_t		start_us = clock_monotonic_us();
	struct timespec		pause = { 0 };
	int64_t			done = 0, max, busy_us = 0, commits = 0, t, wait_us;

	p.settled = settled;
	if (store_sqlite.target_get(f->store, "123456789012", "eu-west-1", &p.target_id, &e) != ERR_OK)
		die("target");
	while (done < rows) {
		max = rate > 0 ? 1 : rows - done < SETTLE_ROWS ? rows - done : SETTLE_ROWS;
		p.n = 0;
		if (store_sqlite.queue_page(f->reader, f->batch.id, 0, max, page_add, &p, &e) != ERR_OK)
			die("queue");
		if (p.n == 0)
			break;
		t = clock_monotonic_us();
		if (store_sqlite.registration_record(f->store, p.rows, p.n, NULL, &e) != ERR_OK)
			die("registration");
		busy_us += clock_monotonic_us() - t;
		commits++;
		done += (int64_t)p.n;
		if (rate > 0 && (wait_us = start_us + commits * 1000000 / rate - clock_monotonic_us()) > 0) {
			pause.tv_sec = wait_us / 1000000;
			pause.tv_nsec = wait_us % 1000000 * 1000;
			(void)nanosleep(&pause, NULL);
		}
	}
	if (commits > 0)
		(void)printf("%" PRId64 " rows %s in %.1f s, %.0f us a commit of %.0f rows\n", done,
		    certificate_state_name((enum certificate_state)settled), (double)(clock_monotonic_us() - start_us) / 1e6,
		    (double)busy_us / (double)commits, (double)done / (double)commits);
}

struct options {
	const char	*name;
	int64_t		 rows, registered, parked, rate;
};

static bool
options_parse(int argc, char **argv, struct options *o)
{
	const struct {
		const char	*name;
		int64_t		*value;
	} numbers[] = { { "--register", &o->registered }, { "--parked", &o->parked }, { "--rate", &o->rate } };
	char	*end;
	size_t	 k;
	int	 i;

	if (argc < 3 || (o->rows = strtoll(argv[2], &end, 10)) < 0 || *end != '\0' || o->rows > LIMIT_BATCH_QUANTITY)
		return false;
	for (i = 3; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--batch") == 0) {
			o->name = argv[i + 1];
			continue;
		}
		for (k = 0; k < 3 && strcmp(argv[i], numbers[k].name) != 0; k++)
			;
		if (k == 3 || (*numbers[k].value = strtoll(argv[i + 1], &end, 10)) < 0 || *end != '\0')
			return false;
	}
	return i == argc && (o->rows > 0 || o->registered + o->parked > 0);
}

int
main(int argc, char **argv)
{
	struct filler		 f = { 0 };
	struct store_config	 cf = { .cache_bytes = CACHE_BYTES };
	struct options		 o = { .name = "ledger" };
	int64_t			 start_us;

	if (!options_parse(argc, argv, &o)) {
		(void)fprintf(stderr, "usage: make_ledger PATH ROWS [--batch NAME] [--register N] [--parked N] [--rate R]\n");
		return 2;
	}
	cf.path = argv[1];
	start_us = clock_monotonic_us();
	f.now_us = clock_system.now_us(&clock_system);
	if (access(cf.path, F_OK) == -1 && store_sqlite.create(&cf, &e) != ERR_OK)
		die("create");
	if (store_sqlite.open(&cf, &f.store, &e) != ERR_OK || store_sqlite.reader_open(f.store, &f.reader, &e) != ERR_OK)
		die("open");
	batch_get(&f, o.name, o.rows);
	f.device = f.batch.issued;
	serials_start(&f, o.rows);
	fill(&f, o.rows);
	if (f.own_batch && store_sqlite.batch_set_state(f.store, o.name, BATCH_CLOSED, &who, &e) != ERR_OK)
		die("close");
	settle(&f, CERTIFICATE_REGISTERED, o.registered, o.rate);
	settle(&f, CERTIFICATE_PARKED, o.parked, o.rate);
	if (store_sqlite.checkpoint(f.store, &e) != ERR_OK)
		die("checkpoint");
	store_sqlite.reader_close(f.reader);
	store_sqlite.close(f.store);
	(void)printf("%" PRId64 " rows into %s in %.1f s\n", o.rows, cf.path, (double)(clock_monotonic_us() - start_us) / 1e6);
	return 0;
}
