/* Listings of certificates, as db/store.h has them: filters, order, pages, over every backend. */
#include "registrations.h"

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

/* Follows next to the end: no page may look further than it should, and what they show together is what the listing shows at once. */
static int
follow(struct ledger *l, const struct store_certificate_filter *f, int64_t looks)
{
	const struct listing		all = fixture_list(l, f);
	struct store_certificate_filter	page = *f;
	struct store_page_end		end;
	struct listing			li = { 0 };
	struct err			e;
	uint8_t				after[STORE_SERIAL_BYTES];
	int64_t				last = INT64_MAX;
	int				pages = 0, before = 0;

	page.limit = 3;
	do {
		assert_ok(l->ops->certificate_page(l->reader, &page, looks, listing_note, &li, &end, &e));
		assert_true(li.n - before <= 3);
		before = li.n;
		assert_true(++pages <= 40);
		if (end.more) {
			assert_true(store_serial_key(end.next) < last);
			last = store_serial_key(end.next);
			assert_memory_equal(end.next + 8, ledger_certificate(0, 0, "", 0, (uint64_t)last).serial + 8, 8);
			memcpy(after, end.next, sizeof(after));
			page.after = after;
		}
	} while (end.more);
	assert_int_equal(li.n, all.n);
	assert_memory_equal(li.serials, all.serials, (size_t)all.n * sizeof(all.serials[0]));
	return pages;
}

static void
revoke(struct ledger *l, uint64_t upper)
{
	const struct store_certificate	c = ledger_certificate(0, 0, "", 0, upper);
	struct err			e;

	assert_ok(l->ops->certificate_revoke(l->store, c.serial, &ledger_who, &e));
}

/* Every filter, with as few looks a page as can be and with many: nothing is lost, nothing comes twice. */
static void
test_page(void **state)
{
	static const int64_t	looks[] = { 1, 2, 3, 7, 1000 };
	struct ledger		*l = *state;
	int64_t			 batches[2], target = registration_target(l, "eu-west-1");
	size_t			 i;
	int			 by, wanted;

	fixture_fill(l, batches);
	registration_settle(l, 1001, batches[0], target, CERTIFICATE_REGISTERED);
	registration_settle(l, 1003, batches[0], target, CERTIFICATE_REGISTERED);
	registration_settle(l, 1002, batches[1], target, CERTIFICATE_PARKED);
	registration_settle(l, 1011, batches[0], target, CERTIFICATE_REGISTERED);
	registration_settle(l, 1012, batches[1], target, CERTIFICATE_REGISTERED);
	registration_settle(l, 1015, batches[0], target, CERTIFICATE_PARKED);
	registration_settle(l, 1017, batches[0], target, CERTIFICATE_PARKED);
	revoke(l, 1003);
	revoke(l, 1017);
	revoke(l, 1008);
	for (i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		for (by = 0; by < 3; by++) {
			for (wanted = -1; wanted <= CERTIFICATE_REVOKED; wanted++) {
				struct store_certificate_filter f = { .batch_id = by == 0 ? -1 : batches[by - 1], .state = wanted };

				(void)follow(l, &f, looks[i]);
				f.device_id = "dev-1";
				(void)follow(l, &f, looks[i]);
				f.device_id = NULL;
				f.since_us = 1700000000000000 + 1011;
				(void)follow(l, &f, looks[i]);
			}
		}
	}
	assert_int_equal(fixture_list(l, &(struct store_certificate_filter){ .batch_id = -1, .state = CERTIFICATE_REGISTERED }).n, 3);
	assert_int_equal(fixture_list(l, &(struct store_certificate_filter){ .batch_id = -1, .state = CERTIFICATE_PARKED }).n, 2);
	assert_int_equal(fixture_list(l, &(struct store_certificate_filter){ .batch_id = -1, .state = CERTIFICATE_REVOKED }).n, 3);
	assert_int_equal(fixture_list(l, &(struct store_certificate_filter){ .batch_id = -1, .state = CERTIFICATE_ISSUED }).n, 12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_list),
		BOTH(test_list_pages),
		BOTH(test_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
