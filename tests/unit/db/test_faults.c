/*
 * The n-th thing that can fail fails, with n counted up until a run comes through clean: writes, syncs and opens of files
 * by a VFS laid over SQLite's own, and SQLite's memory.  What is asserted is the promise, not the error code: after reopening
 *   - every row that was reported recorded is there, octet for octet;
 *   - the counters, the outbox and the rows agree;
 *   - the ledger works.
 * The same after a power cut at the n-th call: then only what was synced is still on the disk.
 */
#include "faults.h"

#include <unistd.h>

/* ---- the play ------------------------------------------------------------------------------------ */

enum { ROUNDS = 3, ROWS = 4, TOTAL = ROUNDS * ROWS };

struct play {
	struct ledger			 l;
	int64_t				 batch;
	struct store_certificate	 certificates[TOTAL];
	bool				 reported[TOTAL];	/* record said: recorded */
};

/* A ledger with a batch, closed; and rows of one group: three new devices and the first of them again. */
static void
play_init(struct play *p, struct ledger *l)
{
	char	name[16];
	int	i;

	memset(p, 0, sizeof(*p));
	p->batch = ledger_batch(l, "lot-1", 1000);
	p->l = *l;
	ledger_close(&p->l);
	for (i = 0; i < TOTAL; i++) {
		int n = i % ROWS == ROWS - 1 ? i - (ROWS - 1) : i;

		(void)snprintf(name, sizeof(name), "dev-%d", n);
		p->certificates[i] = ledger_certificate(p->batch, p->l.ca_id, name, (unsigned)n + 1, 1000 + (uint64_t)i);
	}
}

/* Opens, records in groups, checkpoints, reads and closes; gives up where the program would. */
static void
play_run(struct play *p)
{
	struct store_record_row	 rows[ROWS];
	struct store_batch	 b;
	struct recorded		*found;
	struct err		 e;
	enum err_code		 rc;
	int			 round, i;

	if (p->l.ops->open(&p->l.cf, &p->l.store, &e) != ERR_OK)
		return;
	for (round = 0; round < ROUNDS; round++) {
		memset(rows, 0, sizeof(rows));
		for (i = 0; i < ROWS; i++)
			rows[i].certificate = &p->certificates[round * ROWS + i];
		rc = p->l.ops->record(p->l.store, rows, ROWS, &e);
		for (i = 0; i < ROWS; i++) {
			assert_int_equal(rows[i].result, rc);	/* nothing else is wrong with these rows */
			assert_int_equal(rows[i].recorded != NULL, rc == ERR_OK);
			p->reported[round * ROWS + i] = rc == ERR_OK;
			recorded_free(rows[i].recorded);
		}
		if (rc == ERR_STORAGE)
			break;
		if (round == 1 && p->l.ops->checkpoint(p->l.store, &e) == ERR_STORAGE)
			break;
	}
	if (p->l.ops->reader_open(p->l.store, &p->l.reader, &e) == ERR_OK) {
		if (p->l.ops->batch_find(p->l.reader, "lot-1", &b, &e) == ERR_OK)
			assert_true(b.issued <= TOTAL);
		if (p->l.ops->recorded_find(p->l.reader, p->batch, "dev-0", p->certificates[0].key_id, &found, &e) == ERR_OK)
			recorded_free(found);
	}
	ledger_close(&p->l);
}

static enum err_code
count_row(void *arg, const struct store_certificate *c, struct err *e)
{
	(void)c;
	(void)e;
	++*(int *)arg;
	return ERR_OK;
}

/* A ledger after whatever happened to it. */
static void
play_check(struct play *p)
{
	const struct store_certificate_filter	 all = { .batch_id = -1, .state = -1 };
	const struct store_certificate_filter	 of_batch = { .batch_id = p->batch, .state = -1 };
	struct store_certificate		 fresh;
	struct store_batch			 b;
	struct recorded				*found;
	struct err				 e;
	int					 i, n_all = 0, n_batch = 0, n_found = 0;
	enum err_code				 rc;
	bool					 is_new;

	ledger_open(&p->l);
	for (i = 0; i < TOTAL; i++) {
		const struct store_certificate	*c = &p->certificates[i];

		found = NULL;
		rc = p->l.ops->recorded_find(p->l.reader, p->batch, c->device_id, c->key_id, &found, &e);
		if (rc == ERR_OK && i % ROWS != ROWS - 1) {
			n_found++;
			assert_memory_equal(recorded_certificate(found)->serial, c->serial, STORE_SERIAL_BYTES);
			assert_memory_equal(recorded_certificate(found)->der, c->der, c->der_len);
		}
		if (p->reported[i])
			assert_int_equal(rc, ERR_OK);
		else
			assert_true(rc == ERR_OK || rc == ERR_NOT_FOUND);	/* of a failed COMMIT nobody knows */
		recorded_free(found);
	}
	assert_ok(p->l.ops->certificate_list(p->l.reader, &all, count_row, &n_all, &e));
	assert_ok(p->l.ops->certificate_list(p->l.reader, &of_batch, count_row, &n_batch, &e));
	assert_ok(p->l.ops->batch_find(p->l.reader, "lot-1", &b, &e));
	assert_int_equal(n_all, n_found);
	assert_int_equal(n_batch, n_found);
	assert_int_equal(b.issued, n_found);
	assert_int_equal(n_found % (ROWS - 1), 0);	/* groups are whole */
	/* it still takes rows, and still knows its keys */
	fresh = ledger_certificate(p->batch, p->l.ca_id, "dev-new", 500, 5000);
	assert_int_equal(ledger_try(&p->l, &fresh, &is_new), ERR_OK);
	assert_true(is_new);
	for (i = 0; i < TOTAL; i++) {
		if (!p->reported[i])
			continue;
		fresh = ledger_certificate(p->batch, p->l.ca_id, "dev-clone", 0, 6000);
		memcpy(fresh.key_id, p->certificates[i].key_id, sizeof(fresh.key_id));
		assert_int_equal(ledger_try(&p->l, &fresh, NULL), ERR_KEY_REUSED);
	}
	ledger_close(&p->l);
}

static void
faults(enum fault_kind kind, bool sticky)
{
	struct play	p;
	struct ledger	*l = ledger_new(&store_sqlite);
	long		nth, runs = 0;
	bool		fired = true;

	play_init(&p, l);
	fault_begin(p.l.path);
	/* Memory is asked for thousands of times, most of them while statements are prepared: there the steps grow. */
	for (nth = 1; fired; nth += 1 + (kind == FAULT_NOMEM ? nth / 60 : 0), runs++) {
		memset(p.reported, 0, sizeof(p.reported));
		fault_arm(kind, sticky, nth);
		play_run(&p);
		fired = fault_disarm();
		play_check(&p);
		if (!fired)
			assert_true(p.reported[0] && p.reported[TOTAL - 1]);	/* the clean run */
	}
	ledger_remove_files(&p.l);
	free(l);
	assert_true(runs > 20);		/* the hooks were reached */
}

static void
test_ioerr_once(void **state)
{
	(void)state;
	faults(FAULT_IOERR, false);
}

static void
test_ioerr_from_then_on(void **state)
{
	(void)state;
	faults(FAULT_IOERR, true);
}

static void
test_full_once(void **state)
{
	(void)state;
	faults(FAULT_FULL, false);
}

static void
test_full_from_then_on(void **state)
{
	(void)state;
	faults(FAULT_FULL, true);
}

static void
test_nomem_once(void **state)
{
	(void)state;
	faults(FAULT_NOMEM, false);
}

static void
test_power_cut(void **state)
{
	(void)state;
	faults(FAULT_POWER, true);
}

/* Making a ledger leaves a whole one or none. */
static void
test_create(void **state)
{
	struct ledger	l;
	struct err	e;
	enum err_code	rc;
	long		nth;
	bool		fired = true;

	(void)state;
	for (nth = 1; fired; nth++) {
		memset(&l, 0, sizeof(l));
		l.ops = &store_sqlite;
		ledger_scratch(&l);
		fault.left = nth;
		fault.kind = FAULT_IOERR;
		fault.sticky = false;
		fault.fired = false;
		fault.armed = true;
		rc = l.ops->create(&l.cf, &e);
		fault.armed = false;
		fired = fault.fired;
		assert_int_equal(rc == ERR_OK, access(l.path, F_OK) == 0);
		if (rc != ERR_OK)
			assert_ok(l.ops->create(&l.cf, &e));
		else
			assert_int_equal(l.ops->create(&l.cf, &e), ERR_CONFLICT);
		ledger_open(&l);
		ledger_close(&l);
		ledger_remove_files(&l);
	}
	assert_true(nth > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ioerr_once),
		cmocka_unit_test(test_ioerr_from_then_on),
		cmocka_unit_test(test_full_once),
		cmocka_unit_test(test_full_from_then_on),
		cmocka_unit_test(test_nomem_once),
		cmocka_unit_test(test_power_cut),
		cmocka_unit_test(test_create),
	};

	return cmocka_run_group_tests(tests, shims_install, NULL);
}
