/*
 * make_ledger PATH ROWS [--batch NAME]
 *
 * Fills a ledger with plausible rows, so that the bench can ask how things are when it is large: random key ids, device
 * ids counted up, serials that grow and end in the past, 600 octets that stand for a certificate.  Makes the ledger and a CA if
 * there is none, and a batch of its own (closed at the end, so that the line's own batch stays the only open one), or
 * more rows into an open batch that is there.
 *
 * Everything goes through store_sqlite's own record, in large groups.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rnd.h"
#include "db/store.h"

enum {
	GROUP_ROWS = 4000,
	DER_BYTES = 600,
	CACHE_BYTES = 64 * 1024 * 1024
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
		if (store_sqlite.batch_create(f->store, &b, NULL, NULL, &e) != ERR_OK ||
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

int
main(int argc, char **argv)
{
	struct filler		 f = { 0 };
	struct store_config	 cf = { .cache_bytes = CACHE_BYTES };
	const char		*name = "ledger";
	char			*end;
	int64_t			 rows, start_us;

	if ((argc != 3 && argc != 5) || (argc == 5 && strcmp(argv[3], "--batch") != 0) ||
	    (rows = strtoll(argv[2], &end, 10)) < 1 || *end != '\0' || rows > LIMIT_BATCH_QUANTITY) {
		(void)fprintf(stderr, "usage: make_ledger PATH ROWS [--batch NAME]\n");
		return 2;
	}
	if (argc == 5)
		name = argv[4];
	cf.path = argv[1];
	start_us = clock_monotonic_us();
	f.now_us = clock_system.now_us(&clock_system);
	if (access(cf.path, F_OK) == -1 && store_sqlite.create(&cf, &e) != ERR_OK)
		die("create");
	if (store_sqlite.open(&cf, &f.store, &e) != ERR_OK || store_sqlite.reader_open(f.store, &f.reader, &e) != ERR_OK)
		die("open");
	batch_get(&f, name, rows);
	f.device = f.batch.issued;
	serials_start(&f, rows);
	fill(&f, rows);
	if (f.own_batch && store_sqlite.batch_set_state(f.store, name, BATCH_CLOSED, &e) != ERR_OK)
		die("close");
	if (store_sqlite.checkpoint(f.store, &e) != ERR_OK)
		die("checkpoint");
	store_sqlite.reader_close(f.reader);
	store_sqlite.close(f.store);
	(void)printf("%" PRId64 " rows into %s in %.1f s\n", rows, cf.path, (double)(clock_monotonic_us() - start_us) / 1e6);
	return 0;
}
