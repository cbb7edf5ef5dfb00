/* What the tests of the upload's side share: registrations that are easily written. */
#ifndef TESTS_UNIT_DB_REGISTRATIONS_H
#define TESTS_UNIT_DB_REGISTRATIONS_H

#include "store_fixture.h"

/* A registration with a text in every place. */
static inline struct store_registration
registration_make(uint64_t cert_id, int64_t target_id, enum registration_state state, uint32_t done)
{
	struct store_registration	r = { .cert_id = (int64_t)cert_id, .target_id = target_id, .state = state, .done = done,
					    .attempts = 2, .updated_at_us = 1700000000000777 };

	(void)snprintf(r.arn, sizeof(r.arn), "arn:aws:iot:eu-west-1:123456789012:cert/%u", (unsigned)cert_id);
	(void)snprintf(r.request_id, sizeof(r.request_id), "req-%u", (unsigned)cert_id);
	if (state == REGISTRATION_PARKED) {
		(void)snprintf(r.step, sizeof(r.step), "register");
		(void)snprintf(r.code, sizeof(r.code), "CertificateValidationException");
		(void)snprintf(r.message, sizeof(r.message), "no CA for %u", (unsigned)cert_id);
	}
	return r;
}

static inline enum err_code
registration_put(struct ledger *l, const struct store_registration *r, int64_t batch_id, int settled)
{
	const struct store_registration_row	row = { .registration = r, .batch_id = batch_id, .settled = settled };
	struct err				e;

	return l->ops->registration_record(l->store, &row, 1, NULL, &e);
}

/* One certificate of one target, settled at once. */
static inline void
registration_settle(struct ledger *l, uint64_t cert_id, int64_t batch_id, int64_t target_id, int settled)
{
	struct store_registration	r = registration_make(cert_id, target_id,
					    settled == CERTIFICATE_PARKED ? REGISTRATION_PARKED : REGISTRATION_DONE, 1);

	assert_ok(registration_put(l, &r, batch_id, settled));
}

static inline int64_t
registration_target(struct ledger *l, const char *region)
{
	struct err	e;
	int64_t		id = -1;

	assert_ok(l->ops->target_get(l->store, "123456789012", region, &id, &e));
	return id;
}

static inline void
assert_counts(struct ledger *l, const char *name, int64_t issued, int64_t registered, int64_t parked)
{
	struct store_batch	b;
	struct err		e;

	assert_ok(l->ops->batch_find(l->reader, name, &b, &e));
	assert_int_equal(b.issued, issued);
	assert_int_equal(b.registered, registered);
	assert_int_equal(b.parked, parked);
}

static inline int
count_state(struct ledger *l, int64_t batch_id, enum certificate_state state)
{
	struct store_certificate_filter	f = { .batch_id = batch_id, .state = (int)state };

	return fixture_list(l, &f).n;
}

static inline struct listing
queue_page(struct ledger *l, int64_t batch_id, int64_t after_id, int64_t limit)
{
	struct listing	li = { 0 };
	struct err	e;
	int		i;

	assert_ok(l->ops->queue_page(l->reader, batch_id, after_id, limit, listing_note, &li, &e));
	for (i = 1; i < li.n; i++)
		assert_true(li.serials[i] > li.serials[i - 1]);	/* oldest first */
	return li;
}

#endif
