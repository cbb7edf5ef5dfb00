/* Counts of refusals, as db/store.h has them, over every backend; and on a disk that fails. */
#include "faults.h"
#include "ledger_file.h"
#include "store_fixture.h"

#define HALF	(INT64_C(12) * 3600 * 1000000)
#define BEGIN	(INT64_C(41200) * HALF)

static struct store_refusal
refusal(int64_t from_us, const char *code, const char *batch, const char *station, int64_t count)
{
	struct store_refusal	r = { .from_us = from_us, .count = count, .first_at_us = from_us + 5, .last_at_us = from_us + 5 + count };

	(void)snprintf(r.code, sizeof(r.code), "%s", code);
	(void)snprintf(r.batch, sizeof(r.batch), "%s", batch);
	(void)snprintf(r.station, sizeof(r.station), "%s", station);
	(void)snprintf(r.device_id, sizeof(r.device_id), "dev-%lld", (long long)count);
	return r;
}

struct sums {
	int64_t			rows, count;
	struct store_refusal	last;
};

static enum err_code
refusal_sum(void *arg, const struct store_refusal *r, struct err *e)
{
	struct sums	*sums = arg;

	(void)e;
	sums->rows++;
	sums->count += r->count;
	sums->last = *r;
	return ERR_OK;
}

static enum err_code
refused_sum(void *arg, const struct store_refused *r, struct err *e)
{
	struct sums	*sums = arg;

	(void)e;
	sums->rows++;
	sums->count += r->count;
	return ERR_OK;
}

static struct sums
sums_of(struct ledger *l, int64_t since_us, const char *batch)
{
	struct sums	sums = { 0 };
	struct err	e;

	assert_ok(l->ops->refusal_list(l->reader, since_us, batch, refusal_sum, &sums, &e));
	return sums;
}

static void
test_write_and_list(void **state)
{
	struct ledger			*l = *state;
	const struct store_refusal	 rows[] = { refusal(BEGIN, "key_rejected", "lot-1", "s1", 3), refusal(BEGIN, "key_rejected", "lot-2", "s1", 4),
	    refusal(BEGIN, "csr_malformed", "", "", 1), refusal(BEGIN + HALF, "key_rejected", "lot-1", "s1", 5) };
	const struct store_refused	 quarters[] = { { BEGIN, 8 }, { BEGIN + HALF, 5 } };
	struct sums			 sums = { 0 };
	struct store_refusal		 less = refusal(BEGIN, "key_rejected", "lot-1", "s1", 2), more = refusal(BEGIN, "key_rejected", "lot-1", "s1", 9);
	struct err			 e;

	assert_int_equal(sums_of(l, 0, NULL).rows, 0);
	for (int again = 0; again < 2; again++)	/* the same once more changes nothing */
		assert_ok(l->ops->refusals_write(l->store, rows, 4, quarters, 2, 0, &e));
	assert_int_equal(sums_of(l, 0, NULL).rows, 4);
	assert_int_equal(sums_of(l, 0, NULL).count, 13);
	assert_int_equal(sums_of(l, BEGIN + 1, NULL).count, 5);
	assert_int_equal(sums_of(l, 0, "lot-1").count, 8);
	assert_int_equal(sums_of(l, BEGIN + 1, "lot-2").rows, 0);
	sums = sums_of(l, 0, "lot-2");
	assert_memory_equal(&sums.last, &rows[1], sizeof(rows[1]));
	assert_ok(l->ops->refusals_write(l->store, &less, 1, quarters, 0, 0, &e));
	assert_int_equal(sums_of(l, 0, "lot-1").count, 8);
	assert_ok(l->ops->refusals_write(l->store, &more, 1, quarters, 0, 0, &e));
	assert_int_equal(sums_of(l, 0, "lot-1").count, 14);
	memset(&sums, 0, sizeof(sums));
	assert_ok(l->ops->refused_list(l->reader, BEGIN + 1, refused_sum, &sums, &e));
	assert_int_equal(sums.count, 5);
	/* what is too old goes */
	assert_ok(l->ops->refusals_write(l->store, NULL, 0, NULL, 0, BEGIN + HALF, &e));
	assert_int_equal(sums_of(l, 0, NULL).rows, 1);
	memset(&sums, 0, sizeof(sums));
	assert_ok(l->ops->refused_list(l->reader, 0, refused_sum, &sums, &e));
	assert_int_equal(sums.rows, 1);
}

/* However many are written: the ledger keeps the newest STORE_REFUSALS_MAX, by whole whiles. */
static void
test_bounded(void **state)
{
	enum { EACH = 500, WHILES = STORE_REFUSALS_MAX / EACH + 10 };
	static struct store_refusal	 rows[EACH];
	struct ledger			*l = *state;
	char				 station[16];
	struct err			 e;

	for (int w = 0; w < WHILES; w++) {
		for (int i = 0; i < EACH; i++) {
			(void)snprintf(station, sizeof(station), "s-%d", i);
			rows[i] = refusal(BEGIN + w * HALF, "key_rejected", "lot-1", station, 1);
		}
		assert_ok(l->ops->refusals_write(l->store, rows, EACH, NULL, 0, 0, &e));
	}
	assert_int_equal(sums_of(l, 0, NULL).rows, STORE_REFUSALS_MAX);
	assert_int_equal(sums_of(l, BEGIN + (WHILES - 1) * HALF, NULL).rows, EACH);
	assert_int_equal(sums_of(l, 0, NULL).rows, sums_of(l, BEGIN + 10 * HALF, NULL).rows);
}

/* All of a call or nothing of it, whatever fails; what was said to be written is; and the ledger goes on being one. */
static void
faults(enum fault_kind kind, bool sticky)
{
	struct store_certificate	 c;
	struct store_refusal		 rows[40];
	const struct store_refused	 quarter = { BEGIN, 40 };
	struct ledger			*l;
	struct sums			 sums;
	struct err			 e;
	char				 station[16];
	bool				 fired = true, said;
	long				 nth, runs = 0;

	for (int i = 0; i < 40; i++) {
		(void)snprintf(station, sizeof(station), "s-%d", i);
		rows[i] = refusal(BEGIN, "key_rejected", "lot-1", station, 1);
	}
	l = ledger_new(&store_sqlite);
	(void)ledger_batch(l, "lot-1", 10);
	ledger_close(l);
	fault_begin(l->path);
	for (nth = 1; fired; nth += 1 + (kind == FAULT_NOMEM ? nth / 25 : 0), runs++) {
		fault_arm(kind, sticky, nth);
		said = l->ops->open(&l->cf, &l->store, &e) == ERR_OK;
		if (said) {
			said = l->ops->refusals_write(l->store, rows, 40, &quarter, 1, 0, &e) == ERR_OK;
			l->ops->close(l->store);
		}
		fired = fault_disarm();
		ledger_open(l);
		sums = sums_of(l, 0, NULL);
		assert_true(sums.count == 40 || (!said && sums.count == 0));
		assert_int_equal(ledger_ask(l->path, "SELECT coalesce(sum(count), 0) FROM refused"), sums.count);
		/* it costs these rows at most: devices are served, and the same is written the next time */
		c = ledger_certificate(1, l->ca_id, "dev", 1, 1001);
		assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
		assert_ok(l->ops->refusals_write(l->store, rows, 40, &quarter, 1, 0, &e));
		assert_int_equal(sums_of(l, 0, NULL).count, 40);
		ledger_close(l);
	}
	ledger_remove_files(l);
	free(l);
	assert_true(runs > 2);
}

static void
test_faults(void **state)
{
	(void)state;
	faults(FAULT_IOERR, false);
	faults(FAULT_FULL, true);
	faults(FAULT_NOMEM, false);
	faults(FAULT_POWER, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_write_and_list),
		BOTH(test_bounded),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, shims_install, NULL);
}
