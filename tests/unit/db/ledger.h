/* What the tests of this folder share: a scratch ledger and plausible rows. */
#ifndef TESTS_UNIT_DB_LEDGER_H
#define TESTS_UNIT_DB_LEDGER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "db/store.h"

#define assert_ok(call)	assert_int_equal((call), ERR_OK)

/* Who makes the changes of a test. */
static const struct store_who	ledger_who = { .actor = "cli:tester", .address = "", .reason = "", .at_us = 1700000000000001 };

struct ledger {
	const struct store_ops	*ops;
	char			 dir[64];
	char			 path[96];
	struct store_config	 cf;
	struct store		*store;
	struct store_reader	*reader;
	int64_t			 ca_id;
};

/* A certificate whose key and hash come from its numbers; der is borrowed from a static text. */
static inline struct store_certificate
ledger_certificate(int64_t batch_id, int64_t ca_id, const char *device, unsigned key, uint64_t serial_upper)
{
	static const uint8_t		der[600] = { 0x30, 0x82, 0x02, 0x54 };
	struct store_certificate	c;
	unsigned			i;

	memset(&c, 0, sizeof(c));
	for (i = 0; i < 8; i++) {
		c.serial[i] = (uint8_t)(serial_upper >> (56 - 8 * i));
		c.serial[8 + i] = (uint8_t)(serial_upper * 31 + i);
	}
	(void)snprintf(c.device_id, sizeof(c.device_id), "%s", device);
	for (i = 0; i < STORE_HASH_BYTES; i++) {
		c.key_id[i] = (uint8_t)((key * 2654435761u) >> (i % 4 * 8));
		c.certificate_id[i] = (uint8_t)(serial_upper + i);
	}
	c.batch_id = batch_id;
	c.ca_id = ca_id;
	c.not_before_s = 1700000000;
	c.not_after_s = 2000000000;
	c.issued_at_us = 1700000000000000 + (int64_t)serial_upper;
	c.der = der;
	c.der_len = sizeof(der);
	return c;
}

/* Records one row; the recorded one, if any, is the caller's. */
static inline struct store_record_row
ledger_record(struct ledger *l, const struct store_certificate *c)
{
	struct store_record_row	row = { .certificate = c };
	struct err		e;

	assert_ok(l->ops->record(l->store, &row, 1, &e));
	return row;
}

/* The same, for when only the result matters. */
static inline enum err_code
ledger_try(struct ledger *l, const struct store_certificate *c, bool *ret_new)
{
	struct store_record_row	row = ledger_record(l, c);

	if (ret_new != NULL)
		*ret_new = row.is_new;
	recorded_free(row.recorded);
	return row.result;
}

static inline int64_t
ledger_batch(struct ledger *l, const char *name, int64_t quantity)
{
	struct store_batch	b, found;
	struct err		e;

	memset(&b, 0, sizeof(b));
	(void)snprintf(b.name, sizeof(b.name), "%s", name);
	(void)snprintf(b.profile, sizeof(b.profile), "default");
	b.ca_id = l->ca_id;
	b.quantity = quantity;
	b.created_at_us = 1700000000000000;
	assert_ok(l->ops->batch_create(l->store, &b, NULL, NULL, &ledger_who, &e));
	assert_ok(l->ops->batch_find(l->reader, name, &found, &e));
	return found.id;
}

static inline int64_t
ledger_ca(struct ledger *l, const char *name)
{
	static uint8_t	der[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };
	struct store_ca	ca = { .active = true, .key_ref = "ca.key", .der = der, .der_len = sizeof(der),
			    .created_at_us = 1700000000000000 };
	struct err	e;
	int64_t		id;

	(void)snprintf(ca.name, sizeof(ca.name), "%s", name);
	assert_ok(l->ops->ca_add(l->store, &ca, &id, &e));
	return id;
}

static inline void
ledger_scratch(struct ledger *l)
{
	/* In memory: what a power cut takes, faults.h makes by itself, and thousands of ledgers need no disk's syncs. */
	(void)snprintf(l->dir, sizeof(l->dir), "/dev/shm/lineca-test-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	(void)snprintf(l->path, sizeof(l->path), "%s/lineca.db", l->dir);
	l->cf.path = l->path;
	l->cf.cache_bytes = 4 * 1024 * 1024;
}

static inline void
ledger_open(struct ledger *l)
{
	struct err	e;

	assert_ok(l->ops->open(&l->cf, &l->store, &e));
	assert_ok(l->ops->reader_open(l->store, &l->reader, &e));
}

static inline void
ledger_close(struct ledger *l)
{
	l->ops->reader_close(l->reader);
	l->ops->close(l->store);
	l->reader = NULL;
	l->store = NULL;
}

/* A new ledger with one CA. */
static inline struct ledger *
ledger_new(const struct store_ops *ops)
{
	struct ledger	*l = calloc(1, sizeof(*l));
	struct err	 e;

	assert_non_null(l);
	l->ops = ops;
	ledger_scratch(l);
	assert_ok(ops->create(&l->cf, &e));
	ledger_open(l);
	l->ca_id = ledger_ca(l, "plant");
	return l;
}

static inline void
ledger_remove_files(struct ledger *l)
{
	static const char *const	suffixes[] = { "", "-wal", "-shm", "-journal", ".part", ".part-wal", ".part-shm",
					    ".part-journal" };
	char				path[128];
	size_t				i;

	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", l->path, suffixes[i]);
		(void)remove(path);
	}
	assert_int_equal(remove(l->dir), 0);	/* nothing else was left */
}

static inline void
ledger_free(struct ledger *l)
{
	ledger_close(l);
	ledger_remove_files(l);
	free(l);
}

#endif
