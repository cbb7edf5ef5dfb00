/* What registration_record writes, settles and refuses, as db/store.h has it, over every backend. */
#include "registrations.h"

enum { TARGETS_BYTES = 256 };

static void
assert_same(const struct store_registration *a, const struct store_registration *b)
{
	assert_int_equal(a->cert_id, b->cert_id);
	assert_int_equal(a->target_id, b->target_id);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->done, b->done);
	assert_int_equal(a->attempts, b->attempts);
	assert_string_equal(a->arn, b->arn);
	assert_string_equal(a->step, b->step);
	assert_string_equal(a->code, b->code);
	assert_string_equal(a->message, b->message);
	assert_string_equal(a->request_id, b->request_id);
	assert_int_equal(a->updated_at_us, b->updated_at_us);
}

static void
test_steps(void **state)
{
	struct ledger			*l = *state;
	struct store_registration	 r, got;
	struct err			 e;
	int64_t				 batches[2], target = registration_target(l, "eu-west-1");

	fixture_fill(l, batches);
	memset(&got, 0x55, sizeof(got));
	r = got;
	assert_int_equal(l->ops->registration_find(l->reader, 1001, target, &got, &e), ERR_NOT_FOUND);
	assert_memory_equal(&got, &r, sizeof(r));

	/* the first step, the second, and the end */
	r = registration_make(1001, target, REGISTRATION_GOING, 1);
	assert_ok(registration_put(l, &r, batches[0], -1));
	assert_ok(l->ops->registration_find(l->reader, 1001, target, &got, &e));
	assert_same(&got, &r);
	assert_int_equal(count_state(l, -1, CERTIFICATE_ISSUED), 20);
	assert_counts(l, "lot-1", 10, 0, 0);
	r.done = 0x80000001u;
	r.attempts = 9;
	r.arn[0] = '\0';
	(void)snprintf(r.message, sizeof(r.message), "%0*d", LIMIT_AWS_MESSAGE_BYTES, 7);
	r.updated_at_us++;
	assert_ok(registration_put(l, &r, batches[0], -1));
	assert_ok(l->ops->registration_find(l->reader, 1001, target, &got, &e));
	assert_same(&got, &r);
	r.state = REGISTRATION_DONE;
	assert_ok(registration_put(l, &r, batches[0], CERTIFICATE_REGISTERED));
	assert_ok(registration_put(l, &r, batches[0], CERTIFICATE_REGISTERED));	/* counts once */
	assert_counts(l, "lot-1", 10, 1, 0);
	assert_counts(l, "lot-2", 10, 0, 0);
	assert_int_equal(count_state(l, -1, CERTIFICATE_ISSUED), 19);
	assert_int_equal(count_state(l, -1, CERTIFICATE_REGISTERED), 1);
	assert_int_equal(l->ops->registration_find(l->reader, 1002, target, &got, &e), ERR_NOT_FOUND);
}

struct seen {
	enum certificate_state	state;
	char			reason[STORE_REASON_BYTES + 1];
	int			n;
};

static enum err_code
note_seen(void *arg, const struct store_certificate *c, struct err *e)
{
	struct seen	*s = arg;

	(void)e;
	s->state = c->state;
	memcpy(s->reason, c->reason, sizeof(s->reason));
	s->n++;
	return ERR_OK;
}

static struct seen
look(struct ledger *l, const char *device)
{
	const struct store_certificate_filter	f = { .batch_id = -1, .state = -1, .device_id = device };
	struct seen				s = { 0 };
	struct err				e;

	assert_ok(l->ops->certificate_list(l->reader, &f, note_seen, &s, &e));
	assert_int_equal(s.n, 1);
	return s;
}

/* Every way between queued, registered and parked; the counters follow. */
static void
test_settled(void **state)
{
	static const int		 ways[] = { CERTIFICATE_PARKED, CERTIFICATE_PARKED, -1, -1, CERTIFICATE_REGISTERED, -1,
					    CERTIFICATE_REGISTERED, CERTIFICATE_PARKED, CERTIFICATE_REGISTERED };
	struct ledger			*l = *state;
	struct store_registration	 r;
	int64_t				 batches[2], target = registration_target(l, "eu-west-1");
	struct seen			 s;
	size_t				 i;

	fixture_fill(l, batches);
	registration_settle(l, 1005, batches[0], target, CERTIFICATE_REGISTERED);
	registration_settle(l, 1007, batches[0], target, CERTIFICATE_PARKED);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		r = registration_make(1003, target, ways[i] == CERTIFICATE_PARKED ? REGISTRATION_PARKED :
		    ways[i] == -1 ? REGISTRATION_GOING : REGISTRATION_DONE, 1);
		assert_ok(registration_put(l, &r, batches[0], ways[i]));
		assert_counts(l, "lot-1", 10, 1 + (ways[i] == CERTIFICATE_REGISTERED), 1 + (ways[i] == CERTIFICATE_PARKED));
		s = look(l, "dev-3");
		assert_int_equal(s.state, ways[i] == -1 ? CERTIFICATE_ISSUED : (enum certificate_state)ways[i]);
		assert_string_equal(s.reason, ways[i] == CERTIFICATE_PARKED ?
		    "register: CertificateValidationException: no CA for 1003" : "");
		assert_int_equal(count_state(l, -1, CERTIFICATE_ISSUED), 18 - (ways[i] != -1));
		assert_int_equal(count_state(l, batches[0], CERTIFICATE_ISSUED), 8 - (ways[i] != -1));
		assert_int_equal(count_state(l, batches[0], CERTIFICATE_PARKED), 1 + (ways[i] == CERTIFICATE_PARKED));
		assert_int_equal(count_state(l, batches[0], CERTIFICATE_REGISTERED), 1 + (ways[i] == CERTIFICATE_REGISTERED));
	}
	assert_counts(l, "lot-2", 10, 0, 0);
}

/* A long reason is cut between two characters. */
static void
test_reason_cut(void **state)
{
	struct ledger			*l = *state;
	struct store_registration	 r, got;
	struct err			 e;
	int64_t				 batches[2], target = registration_target(l, "eu-west-1");
	struct seen			 s;
	size_t				 i, len;

	fixture_fill(l, batches);
	r = registration_make(1003, target, REGISTRATION_PARKED, 0);
	for (i = 0; i + 2 < sizeof(r.message); i += 2)
		memcpy(r.message + i, "\xc3\xa4", 3);
	assert_ok(registration_put(l, &r, batches[0], CERTIFICATE_PARKED));
	s = look(l, "dev-3");
	len = strlen(s.reason);
	assert_true(len == STORE_REASON_BYTES || len == STORE_REASON_BYTES - 1);
	assert_memory_equal(s.reason + len - 2, "\xc3\xa4", 2);
	r.message[0] = r.step[0] = '\0';
	assert_ok(registration_put(l, &r, batches[0], CERTIFICATE_PARKED));
	assert_string_equal(look(l, "dev-3").reason, "CertificateValidationException");
	assert_ok(l->ops->registration_find(l->reader, 1003, target, &got, &e));
	assert_string_equal(got.message, "");
}

static enum err_code
note_target(void *arg, const struct store_registration *r, const struct store_target *t, struct err *e)
{
	char	*text = arg;
	size_t	 len = strlen(text);

	(void)e;
	assert_int_equal(r->target_id, t->id);
	(void)snprintf(text + len, TARGETS_BYTES - len, "%s/%s %s ", t->account, t->region, registration_state_name(r->state));
	return ERR_OK;
}

static enum err_code
refuse_target(void *arg, const struct store_registration *r, const struct store_target *t, struct err *e)
{
	(void)r;
	(void)t;
	++*(int *)arg;
	return err_set(e, ERR_IO, "enough");
}

static void
test_targets(void **state)
{
	struct ledger				*l = *state;
	struct store_registration		 a, b;
	const struct store_registration_row	 rows[2] = {
		{ .registration = &a, .settled = -1 }, { .registration = &b, .settled = CERTIFICATE_PARKED }
	};
	struct store_registration_row		 both[2];
	struct err				 e;
	char					 text[TARGETS_BYTES] = "";
	int64_t					 batches[2], west = registration_target(l, "eu-west-1"), other = 0,
						    east = registration_target(l, "us-east-1");
	int					 calls = 0;

	assert_true(east != west);
	assert_int_equal(registration_target(l, "eu-west-1"), west);
	assert_ok(l->ops->target_get(l->store, "210987654321", "eu-west-1", &other, &e));
	assert_true(other != west && other != east);
	assert_int_equal(l->ops->target_get(l->store, "", "eu-west-1", &other, &e), ERR_INTERNAL);
	fixture_fill(l, batches);

	/* parked in the first target, well in the second: the reason is that of the first */
	memcpy(both, rows, sizeof(rows));
	both[0].batch_id = both[1].batch_id = batches[0];
	a = registration_make(1003, west, REGISTRATION_PARKED, 0);
	b = registration_make(1003, east, REGISTRATION_DONE, 3);
	assert_ok(l->ops->registration_record(l->store, both, 2, NULL, &e));
	assert_string_equal(look(l, "dev-3").reason, "register: CertificateValidationException: no CA for 1003");
	assert_counts(l, "lot-1", 10, 0, 1);
	assert_ok(l->ops->registration_list(l->reader, 1003, note_target, text, &e));
	assert_string_equal(text, "123456789012/eu-west-1 parked 123456789012/us-east-1 done ");
	assert_int_equal(l->ops->registration_list(l->reader, 1003, refuse_target, &calls, &e), ERR_IO);
	assert_int_equal(calls, 1);
	text[0] = '\0';
	assert_ok(l->ops->registration_list(l->reader, 1004, note_target, text, &e));
	assert_string_equal(text, "");

	/* of two rows for one certificate the later says what it is */
	a = registration_make(1003, west, REGISTRATION_DONE, 7);
	both[0].settled = CERTIFICATE_REGISTERED;
	both[1].settled = -1;
	assert_ok(l->ops->registration_record(l->store, both, 2, NULL, &e));
	assert_counts(l, "lot-1", 10, 0, 0);
	assert_int_equal(look(l, "dev-3").state, CERTIFICATE_ISSUED);
}

/* Whatever is wrong with one row: nothing has changed. */
static void
test_refused(void **state)
{
	struct ledger			*l = *state;
	struct store_upload_run		 run = { .started_at_us = 5, .pid = 7 }, got_run;
	struct store_registration	 good, bad, got;
	struct store_registration_row	 rows[2];
	struct err			 e;
	int64_t				 batches[2], target = registration_target(l, "eu-west-1");
	int				 i;

	fixture_fill(l, batches);
	assert_ok(l->ops->upload_run_begin(l->store, &run, &e));
	bad = registration_make(1001, target, REGISTRATION_GOING, 6);
	assert_ok(registration_put(l, &bad, batches[0], -1));
	for (i = 0; i < 8; i++) {
		good = registration_make(1003, target, REGISTRATION_DONE, 1);
		bad = registration_make(1001, target, REGISTRATION_DONE, 7);
		rows[0] = (struct store_registration_row){ .registration = &good, .batch_id = batches[0], .settled = CERTIFICATE_REGISTERED };
		rows[1] = (struct store_registration_row){ .registration = &bad, .batch_id = batches[0], .settled = CERTIFICATE_REGISTERED };
		run.calls = 99;
		run.id = 1;
		if (i == 0)
			bad.cert_id = 5;		/* no such certificate */
		else if (i == 1)
			bad.target_id = target + 1;
		else if (i == 2)
			rows[1].batch_id = batches[1];	/* not its batch */
		else if (i == 3)
			bad.done = 5;			/* a step taken back */
		else if (i == 4)
			rows[1].settled = CERTIFICATE_REVOKED;
		else if (i == 5)
			bad.state = REGISTRATION_GOING;	/* and yet registered */
		else if (i == 6)
			run.id = 2;			/* no such run */
		else
			rows[1].settled = -7;
		assert_int_equal(l->ops->registration_record(l->store, rows, 2, &run, &e), ERR_INTERNAL);
		assert_counts(l, "lot-1", 10, 0, 0);
		assert_int_equal(l->ops->registration_find(l->reader, 1003, target, &got, &e), ERR_NOT_FOUND);
		assert_ok(l->ops->registration_find(l->reader, 1001, target, &got, &e));
		assert_int_equal(got.done, 6);
		assert_ok(l->ops->upload_run_newest(l->reader, &got_run, &e));
		assert_int_equal(got_run.calls, 0);
		assert_int_equal(count_state(l, -1, CERTIFICATE_ISSUED), 20);
	}
	rows[1].settled = CERTIFICATE_REGISTERED;
	assert_ok(l->ops->registration_record(l->store, rows, 2, &run, &e));
	assert_counts(l, "lot-1", 10, 2, 0);
	assert_ok(l->ops->upload_run_newest(l->reader, &got_run, &e));
	assert_int_equal(got_run.calls, 99);
	run.calls = 100;
	assert_ok(l->ops->registration_record(l->store, NULL, 0, &run, &e));
	assert_ok(l->ops->upload_run_newest(l->reader, &got_run, &e));
	assert_int_equal(got_run.calls, 100);
}

/* What a step has written is there for the next process. */
static void
test_durable(void **state)
{
	struct ledger			*l = *state;
	struct store_registration	 r, got;
	struct store_upload_run		 run = { .started_at_us = 5, .pid = 7 }, got_run;
	struct err			 e;
	int64_t				 batches[2], target = registration_target(l, "eu-west-1");
	const uint8_t			 serial[STORE_SERIAL_BYTES] = { 0, 0, 0, 0, 0, 0, 9 }, der[3] = { 0x30, 1, 2 };
	uint64_t			 upper;
	int64_t				 us;

	fixture_fill(l, batches);
	assert_ok(l->ops->upload_run_begin(l->store, &run, &e));
	r = registration_make(1001, target, REGISTRATION_PARKED, 6);
	assert_ok(registration_put(l, &r, batches[0], CERTIFICATE_PARKED));
	assert_ok(l->ops->verification_record(l->store, l->ca_id, serial, der, sizeof(der), 77, &e));
	ledger_close(l);
	ledger_open(l);
	assert_ok(l->ops->registration_find(l->reader, 1001, target, &got, &e));
	assert_same(&got, &r);
	assert_counts(l, "lot-1", 10, 0, 1);
	assert_int_equal(registration_target(l, "eu-west-1"), target);
	assert_ok(l->ops->upload_run_newest(l->reader, &got_run, &e));
	assert_int_equal(got_run.id, run.id);
	assert_ok(l->ops->newest(l->reader, &upper, &us, &e));
	assert_int_equal(upper, 9 * 256);
	assert_int_equal(us, 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_steps),
		BOTH(test_settled),
		BOTH(test_reason_cut),
		BOTH(test_targets),
		BOTH(test_refused),
		cmocka_unit_test_setup_teardown(test_durable, fixture_setup_sqlite, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
