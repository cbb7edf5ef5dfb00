/* Revoked certificates until AWS has heard of them: what waits, what is settled, what is counted.  Over every backend. */
#include "events.h"
#include "registrations.h"

/* The memory's serials and the ledger's are one: dev-1 is 1001, ... of fixture_fill's two lots by turns. */
static void
revoke(struct ledger *l, uint64_t id)
{
	struct store_certificate	c = ledger_certificate(1, 1, "", 0, id);
	struct err			e;

	assert_ok(l->ops->certificate_revoke(l->store, c.serial, &ledger_who, &e));
}

struct page {
	int64_t	serials[16], ids[16];
	int	n;
};

static enum err_code
note(void *arg, const struct store_certificate *c, int64_t id, struct err *e)
{
	struct page	*p = arg;

	(void)e;
	assert_int_equal(c->state, CERTIFICATE_REVOKED);
	assert_true(p->n == 0 || id > p->ids[p->n - 1]);
	p->serials[p->n] = store_serial_key(c->serial);
	p->ids[p->n++] = id;
	return ERR_OK;
}

static enum err_code
refuse(void *arg, const struct store_certificate *c, int64_t id, struct err *e)
{
	(void)arg;
	(void)c;
	(void)id;
	return err_set(e, ERR_IO, "enough");
}

static struct page
page(struct ledger *l, int64_t batch_id, int64_t after_id, int64_t limit)
{
	struct page	p = { .n = 0 };
	struct err	e;

	assert_ok(l->ops->withdrawal_page(l->reader, batch_id, after_id, limit, note, &p, &e));
	return p;
}

static void
assert_revoked(struct ledger *l, const char *name, int64_t revoked, int64_t revoking, int64_t revoke_parked)
{
	struct store_batch	b;
	struct err		e;

	assert_ok(l->ops->batch_find(l->reader, name, &b, &e));
	assert_int_equal(b.revoked, revoked);
	assert_int_equal(b.revoking, revoking);
	assert_int_equal(b.revoke_parked, revoke_parked);
}

static enum err_code
withdraw(struct ledger *l, uint64_t id, int64_t batch_id, int64_t target_id, enum registration_state state, int settled)
{
	struct store_registration	r = registration_make(id, target_id, state, 1);
	struct store_registration_row	row = { .registration = &r, .batch_id = batch_id, .settled = settled, .withdrawal = true };
	struct err			e;

	r.withdrawn_at_us = state == REGISTRATION_DONE ? 1700000000000999 : 0;
	return l->ops->registration_record(l->store, &row, 1, NULL, &e);
}

/* In the order of revoking, by batch, from where one left off. */
static void
test_page(void **state)
{
	struct ledger	*l = *state;
	struct page	 p;
	struct err	 e;
	int64_t		 batches[2];

	fixture_fill(l, batches);
	assert_int_equal(page(l, batches[0], 0, 10).n, 0);
	revoke(l, 1005);
	revoke(l, 1001);
	revoke(l, 1002);
	revoke(l, 1003);
	p = page(l, batches[0], 0, 10);
	assert_int_equal(p.n, 3);
	assert_int_equal(p.serials[0], 1005);
	assert_int_equal(p.serials[1], 1001);
	assert_int_equal(p.serials[2], 1003);
	assert_int_equal(page(l, batches[0], 0, 2).n, 2);
	assert_int_equal(page(l, batches[0], p.ids[0], 10).serials[0], 1001);
	assert_int_equal(page(l, batches[0], p.ids[2], 10).n, 0);
	assert_int_equal(page(l, batches[1], 0, 10).serials[0], 1002);
	assert_int_equal(l->ops->withdrawal_page(l->reader, batches[0], 0, 10, refuse, NULL, &e), ERR_IO);
	assert_revoked(l, "lot-1", 3, 3, 0);
	assert_revoked(l, "lot-2", 1, 1, 0);
}

static void
test_settle(void **state)
{
	struct ledger			*l = *state;
	struct store_registration	 r;
	struct err			 e;
	int64_t				 batches[2], west = registration_target(l, "eu-west-1"), east = registration_target(l, "us-east-1");

	fixture_fill(l, batches);
	registration_settle(l, 1001, batches[0], west, CERTIFICATE_REGISTERED);
	registration_settle(l, 1001, batches[0], east, CERTIFICATE_REGISTERED);
	assert_int_equal(withdraw(l, 1001, batches[0], west, REGISTRATION_DONE, -1), ERR_INTERNAL);	/* is not revoked */
	revoke(l, 1001);
	revoke(l, 1003);
	assert_counts(l, "lot-1", 10, 1, 0);
	assert_revoked(l, "lot-1", 1, 2, 0);
	assert_int_equal(withdraw(l, 1001, batches[0], west, REGISTRATION_DONE, -1), ERR_OK);
	assert_revoked(l, "lot-1", 1, 2, 0);
	assert_ok(l->ops->registration_find(l->reader, 1001, west, &r, &e));
	assert_int_equal(r.withdrawn_at_us, 1700000000000999);
	assert_ok(l->ops->registration_find(l->reader, 1001, east, &r, &e));
	assert_int_equal(r.withdrawn_at_us, 0);
	/* what no row of the two may be */
	assert_int_equal(withdraw(l, 1001, batches[0], east, REGISTRATION_DONE, CERTIFICATE_REGISTERED), ERR_INTERNAL);
	assert_int_equal(withdraw(l, 1001, batches[0], east, REGISTRATION_GOING, CERTIFICATE_REVOKED), ERR_INTERNAL);
	assert_int_equal(withdraw(l, 1001, batches[0], east, REGISTRATION_DONE, CERTIFICATE_REVOKED), ERR_OK);
	assert_revoked(l, "lot-1", 1, 1, 0);
	assert_counts(l, "lot-1", 10, 1, 0);
	/* never registered: AWS has none */
	assert_int_equal(withdraw(l, 1003, batches[0], west, REGISTRATION_DONE, CERTIFICATE_REVOKED), ERR_OK);
	assert_revoked(l, "lot-1", 1, 0, 0);
	assert_int_equal(page(l, batches[0], 0, 10).n, 0);
}

/* Parked, and back; done where it is not done everywhere; and taken by AWS after that. */
static void
test_parked(void **state)
{
	struct ledger	*l = *state;
	struct err	 e;
	int64_t		 batches[2], count, west = registration_target(l, "eu-west-1"), east = registration_target(l, "us-east-1");

	fixture_fill(l, batches);
	registration_settle(l, 1001, batches[0], west, CERTIFICATE_REGISTERED);
	registration_settle(l, 1001, batches[0], east, CERTIFICATE_REGISTERED);
	revoke(l, 1001);
	assert_int_equal(withdraw(l, 1001, batches[0], west, REGISTRATION_PARKED, CERTIFICATE_PARKED), ERR_OK);
	assert_revoked(l, "lot-1", 0, 0, 1);
	assert_counts(l, "lot-1", 10, 1, 0);
	assert_ok(l->ops->upload_retry(l->store, batches[1], &ledger_who, &count, &e));
	assert_int_equal(count, 0);
	assert_ok(l->ops->upload_retry(l->store, batches[0], &ledger_who, &count, &e));
	assert_int_equal(count, 1);
	assert_revoked(l, "lot-1", 0, 1, 0);
	/* nobody asked in the east */
	assert_int_equal(withdraw(l, 1001, batches[0], west, REGISTRATION_DONE, CERTIFICATE_REVOKED), ERR_OK);
	assert_revoked(l, "lot-1", 0, 0, 1);
	assert_int_equal(withdraw(l, 1001, batches[0], east, REGISTRATION_DONE, CERTIFICATE_REVOKED), ERR_OK);
	assert_revoked(l, "lot-1", 0, 0, 0);
	/* of one that AWS did not have it is heard that it has: it is told again */
	revoke(l, 1003);
	assert_int_equal(withdraw(l, 1003, batches[0], west, REGISTRATION_DONE, CERTIFICATE_REVOKED), ERR_OK);
	registration_settle(l, 1003, batches[0], east, CERTIFICATE_REGISTERED);
	assert_revoked(l, "lot-1", 0, 1, 0);
	assert_counts(l, "lot-1", 10, 2, 0);
}

/* One of two that are parked is tried again, once. */
static void
test_retry_one(void **state)
{
	struct ledger			*l = *state;
	struct store_certificate	 c = ledger_certificate(1, 1, "", 0, 1001);
	struct store_registration	 r;
	struct err			 e;
	int64_t				 batches[2], west = registration_target(l, "eu-west-1");
	bool				 back = false;
	uint64_t			 id;

	fixture_fill(l, batches);
	for (id = 1001; id <= 1003; id += 2) {
		registration_settle(l, id, batches[0], west, CERTIFICATE_REGISTERED);
		revoke(l, id);
		assert_int_equal(withdraw(l, id, batches[0], west, REGISTRATION_PARKED, CERTIFICATE_PARKED), ERR_OK);
	}
	assert_revoked(l, "lot-1", 0, 0, 2);
	assert_ok(l->ops->certificate_retry(l->store, c.serial, &ledger_who, &back, &e));
	assert_true(back);
	assert_revoked(l, "lot-1", 0, 1, 1);
	assert_newest_event(l, "certificate.retry dev-1: serial 00000000000003e93738393a3b3c3d3e, batch lot-1, was revoked");
	assert_ok(l->ops->registration_find(l->reader, 1001, west, &r, &e));
	assert_int_equal(r.state, REGISTRATION_GOING);
	assert_ok(l->ops->registration_find(l->reader, 1003, west, &r, &e));
	assert_int_equal(r.state, REGISTRATION_PARKED);
	assert_ok(l->ops->certificate_retry(l->store, c.serial, &ledger_who, &back, &e));
	assert_false(back);
	assert_int_equal(withdraw(l, 1001, batches[0], west, REGISTRATION_DONE, CERTIFICATE_REVOKED), ERR_OK);
	assert_revoked(l, "lot-1", 0, 0, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { BOTH(test_page), BOTH(test_settle), BOTH(test_parked), BOTH(test_retry_one) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
