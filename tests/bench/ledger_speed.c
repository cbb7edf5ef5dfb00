/*
 * ledger_speed PATH GROUP SECONDS [CACHE_MIB]
 *
 * What recording costs: rows go into the ledger at PATH, which must exist (make_ledger), GROUP in a commit, for SECONDS.
 * Prints rows/s, processor time a row (user and system, of this process), and how long one commit took: median, p99,
 * worst (a checkpoint).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/rnd.h"
#include "db/store.h"

enum { GROUP_MAX = 1024, DER_BYTES = 600, SAMPLES_MAX = 4000000 };

static struct err			e;
static const struct store_who		who = { .actor = "cli:ledger_speed", .address = "", .reason = "", .at_us = 1 };
static struct store_certificate		certificates[GROUP_MAX];
static struct store_record_row		rows[GROUP_MAX];
static uint8_t				der[DER_BYTES];
static int32_t				samples[SAMPLES_MAX];

static void
check(enum err_code rc)
{
	if (rc != ERR_OK) {
		(void)fprintf(stderr, "ledger_speed: %s\n", e.log_text);
		exit(1);
	}
}

static enum err_code
ca_note(void *arg, const struct store_ca *ca, struct err *err)
{
	(void)err;
	*(int64_t *)arg = ca->id;
	return ERR_OK;
}

static int64_t
cpu_us(void)
{
	struct rusage	ru;

	(void)getrusage(RUSAGE_SELF, &ru);
	return (int64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 + ru.ru_utime.tv_usec + ru.ru_stime.tv_usec;
}

static long
rss_kib(void)
{
	struct rusage	ru;

	(void)getrusage(RUSAGE_SELF, &ru);
	return ru.ru_maxrss;
}

static int
compare(const void *a, const void *b)
{
	const int32_t	x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static struct store_batch
batch_new(struct store *s, struct store_reader *r)
{
	struct store_batch	b = { .profile = "default", .quantity = LIMIT_BATCH_QUANTITY };

	check(store_sqlite.ca_list(r, ca_note, &b.ca_id, &e));
	b.created_at_us = clock_system.now_us(&clock_system);
	(void)snprintf(b.name, sizeof(b.name), "speed-%" PRId64, b.created_at_us);
	check(store_sqlite.batch_create(s, &b, NULL, NULL, &who, &e));
	check(store_sqlite.batch_find(r, b.name, &b, &e));
	return b;
}

static void
row_make(struct store_certificate *c, const struct store_batch *b, uint64_t serial_upper, int64_t n)
{
	int	i;

	for (i = 0; i < 8; i++)
		c->serial[i] = (uint8_t)(serial_upper >> (56 - 8 * i));
	check(rnd_fill(&rnd_system, c->key_id, sizeof(c->key_id), &e));
	memcpy(c->certificate_id, c->key_id, sizeof(c->certificate_id));
	(void)snprintf(c->device_id, sizeof(c->device_id), "%.40s-%09" PRId64, b->name, n);
	c->batch_id = b->id;
	c->ca_id = b->ca_id;
	c->issued_at_us = (int64_t)((serial_upper - ((uint64_t)1 << 62)) / 256);
	c->not_before_s = c->issued_at_us / 1000000;
	c->not_after_s = c->not_before_s + 86400;
	c->der = der;
	c->der_len = sizeof(der);
}

int
main(int argc, char **argv)
{
	struct store_config	 cf = { .cache_bytes = 16 * 1024 * 1024 };
	struct store		*s;
	struct store_reader	*r;
	struct store_batch	 b;
	int64_t			 n = 0, start_us, cpu_start_us, make_us = 0, until_us, t, us, cpu;
	uint64_t		 upper;
	size_t			 i, group, commits = 0;

	if (argc < 4 || (group = strtoul(argv[2], NULL, 10)) < 1 || group > GROUP_MAX) {
		(void)fprintf(stderr, "usage: ledger_speed PATH GROUP SECONDS [CACHE_MIB]\n");
		return 2;
	}
	cf.path = argv[1];
	if (argc > 4)
		cf.cache_bytes = strtol(argv[4], NULL, 10) * 1024 * 1024;
	check(store_sqlite.open(&cf, &s, &e));
	check(store_sqlite.checkpoint(s, &e));
	check(store_sqlite.reader_open(s, &r, &e));
	b = batch_new(s, r);
	check(store_sqlite.newest(r, &upper, &t, &e));
	if (upper == 0)
		upper = (uint64_t)1 << 62;
	for (i = 0; i < group; i++)
		rows[i].certificate = &certificates[i];

	start_us = clock_monotonic_us();
	cpu_start_us = cpu_us();
	until_us = start_us + strtol(argv[3], NULL, 10) * 1000000;
	while (clock_monotonic_us() < until_us && commits < SAMPLES_MAX) {
		t = clock_monotonic_us();
		for (i = 0; i < group; i++)
			row_make(&certificates[i], &b, upper += 256, ++n);
		us = clock_monotonic_us();
		make_us += us - t;
		check(store_sqlite.record(s, rows, group, &e));
		samples[commits++] = (int32_t)(clock_monotonic_us() - us);
		for (i = 0; i < group; i++)
			recorded_free(rows[i].recorded);
	}
	us = clock_monotonic_us() - start_us - make_us;
	cpu = cpu_us() - cpu_start_us - make_us;	/* making the rows is all processor time */
	qsort(samples, commits, sizeof(samples[0]), compare);
	(void)printf("group %4zu  rows/s %7.0f  cpu us/row %5.1f  commit us p50 %5d p99 %6d max %6d  rows %" PRId64 " rss %ld MiB\n",
	    group, (double)n * 1e6 / (double)us, (double)cpu / (double)n, (int)samples[commits / 2],
	    (int)samples[commits * 99 / 100], (int)samples[commits - 1], n, rss_kib() / 1024);
	store_sqlite.reader_close(r);
	store_sqlite.close(s);
	return 0;
}
