/* Parked certificates: their reasons, and the way back; runs of the upload; verification certificates.  Over every backend. */
#include "events.h"
#include "registrations.h"

enum { REASONS_BYTES = 4096 };

static enum err_code
note_reason(void *arg, const struct store_parked_reason *p, struct err *e)
{
	char	*text = arg;
	size_t	 len = strlen(text);

	(void)e;
	(void)snprintf(text + len, REASONS_BYTES - len, "%s %s %s '%s' %s/%s %d\n", p->batch, p->step, p->code, p->message, p->account, p->region,
	    (int)p->count);
	return ERR_OK;
}

static enum err_code
refuse_reason(void *arg, const struct store_parked_reason *p, struct err *e)
{
	(void)p;
	++*(int *)arg;
	return err_set(e, ERR_IO, "enough");
}

static void
assert_reasons(struct ledger *l, int64_t batch_id, const char *want)
{
	char		text[REASONS_BYTES] = "";
	struct err	e;

	assert_ok(l->ops->parked_reasons(l->reader, batch_id, note_reason, text, &e));
	assert_string_equal(text, want);
}

#define R1	" register CertificateValidationException "
static void
test_reasons(void **state)
{
	struct ledger			*l = *state;
	struct store_registration	 r;
	struct err			 e;
	int64_t				 batches[2], west = registration_target(l, "eu-west-1"), east = registration_target(l, "us-east-1");
	int				 calls = 0;

	assert_reasons(l, -1, "");
	fixture_fill(l, batches);
	registration_settle(l, 1001, batches[0], west, CERTIFICATE_REGISTERED);
	registration_settle(l, 1005, batches[0], west, CERTIFICATE_PARKED);
	registration_settle(l, 1003, batches[0], west, CERTIFICATE_PARKED);
	registration_settle(l, 1002, batches[1], west, CERTIFICATE_PARKED);
	assert_reasons(l, -1, "lot-1" R1 "'no CA for 1005' 123456789012/eu-west-1 2\n"
	    "lot-2" R1 "'no CA for 1002' 123456789012/eu-west-1 1\n");
	/* another step, and the same in two targets */
	r = registration_make(1003, east, REGISTRATION_PARKED, 0);
	assert_ok(registration_put(l, &r, batches[0], CERTIFICATE_PARKED));
	r = registration_make(1004, west, REGISTRATION_PARKED, 1);
	(void)snprintf(r.step, sizeof(r.step), "thing");
	assert_ok(registration_put(l, &r, batches[1], CERTIFICATE_PARKED));
	/* parked in one target, still going in another: is not parked as a whole */
	r = registration_make(1007, west, REGISTRATION_PARKED, 0);
	assert_ok(registration_put(l, &r, batches[0], -1));
	assert_reasons(l, batches[0], "lot-1" R1 "'no CA for 1005' 123456789012/eu-west-1 2\n"
	    "lot-1" R1 "'no CA for 1003' 123456789012/us-east-1 1\n");
	assert_reasons(l, batches[1], "lot-2" R1 "'no CA for 1002' 123456789012/eu-west-1 1\n"
	    "lot-2 thing CertificateValidationException 'no CA for 1004' 123456789012/eu-west-1 1\n");
	assert_reasons(l, batches[1] + 9, "");
	assert_int_equal(l->ops->parked_reasons(l->reader, -1, refuse_reason, &calls, &e), ERR_IO);
	assert_int_equal(calls, 1);
	/* parked by a row that went well itself, with no target parked: no target, the reason as the message */
	r = registration_make(1010, west, REGISTRATION_DONE, 1);
	(void)snprintf(r.message, sizeof(r.message), "stopped by hand");
	assert_ok(registration_put(l, &r, batches[1], CERTIFICATE_PARKED));
	assert_reasons(l, batches[1], "lot-2   'stopped by hand' / 1\n"
	    "lot-2" R1 "'no CA for 1002' 123456789012/eu-west-1 1\n"
	    "lot-2 thing CertificateValidationException 'no CA for 1004' 123456789012/eu-west-1 1\n");
}

static void
test_retry(void **state)
{
	struct ledger			*l = *state;
	struct store_registration	 r, got;
	struct err			 e;
	int64_t				 batches[2], west = registration_target(l, "eu-west-1"), east = registration_target(l, "us-east-1");
	int64_t				 count = -1;
	uint64_t			 i;

	assert_ok(l->ops->upload_retry(l->store, -1, &ledger_who, &count, &e));
	assert_int_equal(count, 0);
	fixture_fill(l, batches);
	for (i = 1001; i <= 1010; i++)
		registration_settle(l, i, batches[(i + 1) % 2], west, i < 1005 ? CERTIFICATE_PARKED : CERTIFICATE_REGISTERED);
	r = registration_make(1001, east, REGISTRATION_DONE, 3);
	assert_ok(registration_put(l, &r, batches[0], CERTIFICATE_PARKED));
	r = registration_make(1001, west, REGISTRATION_PARKED, 5);
	assert_ok(registration_put(l, &r, batches[0], CERTIFICATE_PARKED));
	assert_counts(l, "lot-1", 10, 3, 2);
	assert_counts(l, "lot-2", 10, 3, 2);
	assert_int_equal(queue_page(l, batches[0], 0, 100).serials[0], 1011);

	assert_ok(l->ops->upload_retry(l->store, batches[0], &ledger_who, &count, &e));
	assert_int_equal(count, 2);
	assert_counts(l, "lot-1", 10, 3, 0);
	assert_counts(l, "lot-2", 10, 3, 2);	/* the other batch is left alone */
	assert_int_equal(count_state(l, -1, CERTIFICATE_PARKED), 2);
	assert_int_equal(queue_page(l, batches[0], 0, 100).n, 7);
	assert_int_equal(queue_page(l, batches[0], 0, 100).serials[0], 1001);
	assert_int_equal(queue_page(l, batches[1], 0, 100).serials[0], 1012);
	assert_ok(l->ops->registration_find(l->reader, 1001, west, &got, &e));
	assert_int_equal(got.state, REGISTRATION_GOING);
	assert_int_equal(got.done, 5);
	assert_int_equal(got.attempts, 2);
	assert_string_equal(got.code, "CertificateValidationException");	/* the last failure stays to be read */
	assert_ok(l->ops->registration_find(l->reader, 1001, east, &got, &e));
	assert_int_equal(got.state, REGISTRATION_DONE);
	assert_ok(l->ops->registration_find(l->reader, 1002, west, &got, &e));
	assert_int_equal(got.state, REGISTRATION_PARKED);

	assert_ok(l->ops->upload_retry(l->store, -1, &ledger_who, &count, &e));
	assert_int_equal(count, 2);
	assert_ok(l->ops->upload_retry(l->store, -1, &ledger_who, &count, &e));
	assert_int_equal(count, 0);
	assert_counts(l, "lot-2", 10, 3, 0);
	/* and what went back can be registered */
	registration_settle(l, 1002, batches[1], west, CERTIFICATE_REGISTERED);
	assert_counts(l, "lot-2", 10, 4, 0);
	assert_int_equal(queue_page(l, batches[1], 0, 100).serials[0], 1004);
}

static enum err_code
retry_one(struct ledger *l, uint64_t id, bool *ret_back)
{
	struct store_certificate	c = ledger_certificate(1, 1, "", 0, id);
	struct err			e;

	return l->ops->certificate_retry(l->store, c.serial, &ledger_who, ret_back, &e);
}

/* One of several, in both targets; the others stay where they are. */
static void
test_retry_one(void **state)
{
	struct ledger			*l = *state;
	struct store_registration	 r, got;
	struct err			 e;
	int64_t				 batches[2], west = registration_target(l, "eu-west-1"), east = registration_target(l, "us-east-1");
	bool				 back = false;
	int				 before;

	fixture_fill(l, batches);
	before = events_count(l);
	registration_settle(l, 1001, batches[0], west, CERTIFICATE_PARKED);
	registration_settle(l, 1003, batches[0], west, CERTIFICATE_PARKED);
	registration_settle(l, 1005, batches[0], west, CERTIFICATE_REGISTERED);
	r = registration_make(1001, east, REGISTRATION_PARKED, 1);
	assert_ok(registration_put(l, &r, batches[0], CERTIFICATE_PARKED));
	assert_ok(retry_one(l, 1001, &back));
	assert_true(back);
	assert_counts(l, "lot-1", 10, 1, 1);
	assert_int_equal(queue_page(l, batches[0], 0, 100).serials[0], 1001);
	assert_ok(l->ops->registration_find(l->reader, 1001, west, &got, &e));
	assert_int_equal(got.state, REGISTRATION_GOING);
	assert_ok(l->ops->registration_find(l->reader, 1001, east, &got, &e));
	assert_int_equal(got.state, REGISTRATION_GOING);
	assert_int_equal(got.done, 1);
	assert_ok(l->ops->registration_find(l->reader, 1003, west, &got, &e));
	assert_int_equal(got.state, REGISTRATION_PARKED);
	assert_newest_event(l, "certificate.retry dev-1: serial 00000000000003e93738393a3b3c3d3e, batch lot-1, was parked");
	/* what is not parked: nothing happens, and nobody is said to have done it */
	assert_ok(retry_one(l, 1001, &back));
	assert_false(back);
	back = true;
	assert_ok(retry_one(l, 1005, &back));
	assert_false(back);
	assert_int_equal(events_count(l), before + 1);
	back = true;
	assert_int_equal(retry_one(l, 999999, &back), ERR_NOT_FOUND);
	assert_true(back);
	assert_counts(l, "lot-1", 10, 1, 1);
	registration_settle(l, 1001, batches[0], west, CERTIFICATE_REGISTERED);
	assert_counts(l, "lot-1", 10, 2, 1);
}

static void
test_run(void **state)
{
	struct ledger		*l = *state;
	struct store_upload_run	 run = { .started_at_us = 11, .updated_at_us = 12, .pid = 14, .queued = 15 }, next = { .pid = 3 }, got;
	struct err		 e;

	memset(&got, 0x55, sizeof(got));
	assert_ok(l->ops->upload_run_newest(l->reader, &got, &e));
	assert_int_equal(got.id, 0);
	assert_int_equal(got.started_at_us, 0);
	assert_string_equal(got.outcome, "");
	assert_ok(l->ops->upload_run_begin(l->store, &run, &e));
	assert_true(run.id > 0);
	run.updated_at_us = 21;
	run.ended_at_us = 22;
	run.queued = 23;
	run.registered = 24;
	run.parked = 25;
	run.calls = 26;
	run.throttled = 27;
	(void)snprintf(run.outcome, sizeof(run.outcome), "done");
	assert_ok(l->ops->registration_record(l->store, NULL, 0, &run, &e));
	assert_ok(l->ops->upload_run_newest(l->reader, &got, &e));
	assert_int_equal(got.id, run.id);
	assert_int_equal(got.started_at_us, 11);
	assert_int_equal(got.updated_at_us, 21);
	assert_int_equal(got.ended_at_us, 22);
	assert_int_equal(got.pid, 14);
	assert_int_equal(got.queued, 23);
	assert_int_equal(got.registered, 24);
	assert_int_equal(got.parked, 25);
	assert_int_equal(got.calls, 26);
	assert_int_equal(got.throttled, 27);
	assert_string_equal(got.outcome, "done");
	assert_ok(l->ops->upload_run_begin(l->store, &next, &e));
	assert_true(next.id > run.id);
	assert_ok(l->ops->upload_run_newest(l->reader, &got, &e));
	assert_int_equal(got.pid, 3);
}

static void
serial_of(uint64_t upper, uint8_t out[STORE_SERIAL_BYTES])
{
	const struct store_certificate	c = ledger_certificate(0, 0, "", 0, upper);

	memcpy(out, c.serial, STORE_SERIAL_BYTES);
}

static void
test_verification(void **state)
{
	struct ledger			*l = *state;
	const uint8_t			 der[4] = { 0x30, 2, 5, 0 };
	struct store_certificate	 c, d;
	struct store_record_row		 rows[2] = { { .certificate = &c }, { .certificate = &d } };
	struct err			 e;
	uint8_t				 serial[STORE_SERIAL_BYTES];
	int64_t				 batches[2], us;
	uint64_t			 upper;

	fixture_fill(l, batches);
	serial_of(1020, serial);	/* a certificate's */
	assert_int_equal(l->ops->verification_record(l->store, l->ca_id, serial, der, sizeof(der), 5, &e), ERR_CONFLICT);
	serial_of(1030, serial);
	assert_int_equal(l->ops->verification_record(l->store, l->ca_id + 1, serial, der, sizeof(der), 5, &e), ERR_NOT_FOUND);
	assert_ok(l->ops->newest(l->reader, &upper, &us, &e));
	assert_int_equal(upper, 1020);
	assert_ok(l->ops->verification_record(l->store, l->ca_id, serial, der, sizeof(der), 5, &e));
	assert_int_equal(l->ops->verification_record(l->store, l->ca_id, serial, der, sizeof(der), 5, &e), ERR_CONFLICT);
	assert_ok(l->ops->newest(l->reader, &upper, &us, &e));
	assert_int_equal(upper, 1030);
	assert_int_equal(us, 5);
	assert_int_equal(fixture_list(l, &fixture_any).n, 20);	/* no device's */

	/* its serial is no certificate's, those on either side are */
	c = ledger_certificate(batches[0], l->ca_id, "dev-29", 29, 1029);
	d = ledger_certificate(batches[0], l->ca_id, "dev-30", 30, 1030);
	assert_int_equal(l->ops->record(l->store, rows, 2, &e), ERR_INTERNAL);
	assert_int_equal(fixture_list(l, &fixture_any).n, 20);
	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	c = ledger_certificate(batches[0], l->ca_id, "dev-31", 31, 1031);
	assert_int_equal(ledger_try(l, &c, NULL), ERR_OK);
	assert_ok(l->ops->newest(l->reader, &upper, &us, &e));
	assert_int_equal(upper, 1031);
	assert_int_equal(us, 1700000000000000 + 1031);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_reasons),
		BOTH(test_retry),
		BOTH(test_retry_one),
		BOTH(test_run),
		BOTH(test_verification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
