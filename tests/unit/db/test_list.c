/* Listings of certificates, as db/store.h has them: filters, order, pages, over every backend. */
#include "store_fixture.h"

static void
test_list(void **state)
{
	struct ledger			*l = *state;
	struct store_certificate_filter	 f = fixture_any;
	struct listing			 li;
	int64_t				 batches[2];
	struct err			 e;

	assert_int_equal(fixture_list(l, &f).n, 0);
	fixture_fill(l, batches);
	li = fixture_list(l, &f);
	assert_int_equal(li.n, 20);
	assert_int_equal(li.serials[0], 1020);
	assert_int_equal(li.serials[19], 1001);

	f.batch_id = batches[1];
	li = fixture_list(l, &f);
	assert_int_equal(li.n, 10);
	assert_int_equal(li.serials[0], 1020);
	assert_int_equal(li.serials[9], 1002);
	f.batch_id = batches[1] + 50;
	assert_int_equal(fixture_list(l, &f).n, 0);

	f = fixture_any;
	f.device_id = "dev-1";
	li = fixture_list(l, &f);
	assert_int_equal(li.n, 2);
	assert_int_equal(li.serials[0], 1002);
	assert_int_equal(li.serials[1], 1001);
	f.batch_id = batches[0];
	li = fixture_list(l, &f);
	assert_int_equal(li.n, 1);
	assert_int_equal(li.serials[0], 1001);
	f.device_id = "dev";	/* exact */
	assert_int_equal(fixture_list(l, &f).n, 0);

	f = fixture_any;
	f.state = CERTIFICATE_ISSUED;
	assert_int_equal(fixture_list(l, &f).n, 20);
	f.state = CERTIFICATE_REGISTERED;
	assert_int_equal(fixture_list(l, &f).n, 0);
	f.state = CERTIFICATE_PARKED;
	assert_int_equal(fixture_list(l, &f).n, 0);
	f.state = CERTIFICATE_REVOKED;
	assert_int_equal(fixture_list(l, &f).n, 0);

	f = fixture_any;
	f.since_us = 1700000000000000 + 1015;
	assert_int_equal(fixture_list(l, &f).n, 6);

	f = fixture_any;
	li = (struct listing){ .stop_after = 3 };
	assert_int_equal(l->ops->certificate_list(l->reader, &f, listing_note, &li, &e), ERR_IO);
	assert_int_equal(li.n, 3);
	assert_int_equal(fixture_list(l, &f).n, 20);	/* and the reader is fit for the next */
}

static void
test_list_pages(void **state)
{
	struct ledger			*l = *state;
	struct store_certificate_filter	 f;
	struct store_certificate	 after;
	struct listing			 li;
	int64_t				 batches[2];
	int				 by_batch, seen;
	uint64_t			 last;

	fixture_fill(l, batches);
	for (by_batch = 0; by_batch < 2; by_batch++) {
		f = fixture_any;
		f.limit = 3;
		f.batch_id = by_batch ? batches[0] : -1;
		seen = 0;
		last = 2000;
		do {
			li = fixture_list(l, &f);
			assert_true(li.n <= 3);
			if (li.n > 0) {
				assert_true(li.serials[0] < last);
				last = li.serials[li.n - 1];
				after = ledger_certificate(0, 0, "", 0, last);
				f.after = after.serial;
			}
			seen += li.n;
		} while (li.n > 0);
		assert_int_equal(seen, by_batch ? 10 : 20);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_list),
		BOTH(test_list_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
