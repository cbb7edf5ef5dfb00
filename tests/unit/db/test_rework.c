/* Certificates that are revoked, and devices that may take another key once, as db/store.h has it, over every backend. */
#include "events.h"
#include "registrations.h"

struct lots {
	struct ledger	*l;
	int64_t		 id[2];
	uint64_t	 serial;	/* counts up with every request */
};

static struct lots
lots_new(struct ledger *l)
{
	struct lots	lots = { .l = l, .serial = 1000 };

	lots.id[0] = ledger_batch(l, "lot-1", 100);
	lots.id[1] = ledger_batch(l, "lot-2", 100);
	return lots;
}

enum ask { KEEP, REKEY };

/* What the request is answered with; the serial of it in *ret_serial, 0: none. */
static enum err_code
ask(struct lots *lots, int lot, const char *device, unsigned key, enum ask how, uint64_t *ret_serial)
{
	struct store_certificate	c = ledger_certificate(lots->id[lot], lots->l->ca_id, device, key, ++lots->serial);
	struct store_record_row		row = { .certificate = &c, .may_rekey = how == REKEY };
	struct err			e;

	c.revoked_at_us = 5;	/* what the asker has there does not matter */
	assert_ok(lots->l->ops->record(lots->l->store, &row, 1, &e));
	assert_int_equal(row.recorded != NULL, row.result == ERR_OK);
	if (ret_serial != NULL)
		*ret_serial = row.result == ERR_OK ? (uint64_t)store_serial_key(recorded_certificate(row.recorded)->serial) : 0;
	if (row.result == ERR_OK) {
		assert_int_equal(recorded_certificate(row.recorded)->revoked_at_us, 0);
		assert_int_equal(recorded_certificate(row.recorded)->state, CERTIFICATE_ISSUED);
	}
	recorded_free(row.recorded);
	return row.result;
}

static uint64_t
issue(struct lots *lots, int lot, const char *device, unsigned key, enum ask how)
{
	uint64_t	serial;

	assert_int_equal(ask(lots, lot, device, key, how, &serial), ERR_OK);
	assert_int_equal(serial, lots->serial);
	return serial;
}

static enum err_code
revoke_why(struct ledger *l, uint64_t serial, const char *why)
{
	const struct store_certificate	c = ledger_certificate(1, 1, "", 0, serial);
	struct store_who		who = ledger_who;
	struct err			e;

	who.reason = why;
	return l->ops->certificate_revoke(l->store, c.serial, &who, &e);
}

static void
revoke(struct ledger *l, uint64_t serial)
{
	assert_ok(revoke_why(l, serial, "the label was wrong"));
}

static enum err_code
rework(struct ledger *l, const char *device)
{
	struct store_who	who = ledger_who;
	struct err		e;

	who.reason = "board replaced";
	return l->ops->device_rework(l->store, device, &who, &e);
}

static bool
may_rework(struct ledger *l, const char *device)
{
	struct store_rework	r;
	struct err		e;
	enum err_code		rc = l->ops->device_rework_find(l->reader, device, &r, &e);

	if (rc == ERR_NOT_FOUND)
		return false;
	assert_int_equal(rc, ERR_OK);
	assert_string_equal(r.actor, ledger_who.actor);
	assert_string_equal(r.reason, "board replaced");
	assert_int_equal(r.allowed_at_us, ledger_who.at_us);
	return true;
}

static void
assert_state(struct ledger *l, uint64_t serial, enum certificate_state state)
{
	const struct store_certificate	 c = ledger_certificate(1, 1, "", 0, serial);
	const struct store_certificate	*got;
	struct recorded			*found = NULL;
	struct err			 e;

	assert_ok(l->ops->recorded_find_serial(l->reader, c.serial, &found, &e));
	got = recorded_certificate(found);
	assert_int_equal(got->state, state);
	assert_int_equal(got->revoked_at_us, state == CERTIFICATE_REVOKED ? ledger_who.at_us : 0);
	assert_string_equal(got->revoked_by, state == CERTIFICATE_REVOKED ? ledger_who.actor : "");
	assert_string_equal(got->revoked_reason, state == CERTIFICATE_REVOKED ? "the label was wrong" : "");
	recorded_free(found);
}

/* Revoked once, seen as such everywhere, with one event; not the wrong one. */
static void
test_revoke(void **state)
{
	struct lots			 lots = lots_new(*state);
	struct ledger			*l = lots.l;
	struct store_certificate	 c;
	struct listing			 li;
	struct store_certificate_filter	 f = fixture_any;
	struct recorded			*found = NULL;
	struct err			 e;
	uint64_t			 first = issue(&lots, 0, "dev-1", 1, KEEP), second = issue(&lots, 0, "dev-2", 2, KEEP);
	int				 before = events_count(l);

	revoke(l, first);
	assert_newest_event(l, "certificate.revoke dev-1: serial 00000000000003e9373839"
	    "3a3b3c3d3e, batch lot-1, was issued");
	assert_ok(revoke_why(l, first, "again, and for another reason"));
	assert_int_equal(events_count(l), before + 1);
	assert_state(l, first, CERTIFICATE_REVOKED);
	assert_state(l, second, CERTIFICATE_ISSUED);
	f.state = CERTIFICATE_REVOKED;
	li = fixture_list(l, &f);
	assert_int_equal(li.n, 1);
	assert_int_equal(li.serials[0], first);
	f.batch_id = lots.id[1];
	assert_int_equal(fixture_list(l, &f).n, 0);
	f = fixture_any;
	assert_int_equal(fixture_list(l, &f).n, 2);
	f.device_id = "dev-1";
	assert_int_equal(fixture_list(l, &f).n, 1);
	assert_int_equal(count_state(l, lots.id[0], CERTIFICATE_PARKED), 0);
	assert_int_equal(count_state(l, lots.id[0], CERTIFICATE_ISSUED), 1);
	/* no such serial: none at all, and one whose lower half is another */
	assert_int_equal(revoke_why(l, 77, ""), ERR_NOT_FOUND);
	c = ledger_certificate(1, 1, "", 0, second);
	c.serial[15] ^= 1;
	assert_int_equal(l->ops->certificate_revoke(l->store, c.serial, &ledger_who, &e), ERR_NOT_FOUND);
	assert_true(e.client_text[0] != '\0');
	assert_state(l, second, CERTIFICATE_ISSUED);
	assert_int_equal(events_count(l), before + 1);
	/* it is not answered again */
	c = ledger_certificate(lots.id[0], l->ca_id, "dev-1", 1, 1);
	assert_int_equal(l->ops->recorded_find(l->reader, lots.id[0], "dev-1", c.key_id, &found, &e), ERR_FORBIDDEN);
	assert_string_equal(e.client_text, "The certificate of device dev-1 was revoked. Set it aside.");
	assert_null(found);
	assert_int_equal(ask(&lots, 0, "dev-1", 1, KEEP, NULL), ERR_FORBIDDEN);
	assert_int_equal(ask(&lots, 0, "dev-1", 1, REKEY, NULL), ERR_FORBIDDEN);
	assert_int_equal(ask(&lots, 1, "dev-1", 1, KEEP, NULL), ERR_FORBIDDEN);	/* nor the key certified in another batch */
	assert_int_equal(ask(&lots, 0, "dev-1", 3, KEEP, NULL), ERR_FORBIDDEN);
	assert_int_equal(ask(&lots, 0, "dev-1", 3, REKEY, NULL), ERR_FORBIDDEN);	/* what it shows is worth nothing */
	assert_int_equal(ask(&lots, 0, "clone", 1, KEEP, NULL), ERR_KEY_REUSED);	/* and the key stays taken */
	assert_int_equal(ask(&lots, 0, "dev-2", 2, KEEP, NULL), ERR_OK);
	assert_counts(l, "lot-1", 2, 0, 0);
	assert_counts(l, "lot-2", 0, 0, 0);
}

/* A device with several certificates: each is revoked by itself, and the state of the batch comes first. */
static void
test_revoke_one_of_many(void **state)
{
	struct lots	lots = lots_new(*state);
	struct ledger	*l = lots.l;
	struct err	e;
	uint64_t	first, second, third, got;

	first = issue(&lots, 0, "dev-1", 1, KEEP);
	second = issue(&lots, 1, "dev-1", 1, KEEP);
	revoke(l, first);
	assert_int_equal(ask(&lots, 0, "dev-1", 1, KEEP, NULL), ERR_FORBIDDEN);
	assert_int_equal(ask(&lots, 1, "dev-1", 1, KEEP, &got), ERR_OK);	/* that one was not revoked */
	assert_int_equal(got, second);
	third = issue(&lots, 0, "dev-1", 2, REKEY);
	assert_int_equal(ask(&lots, 0, "dev-1", 2, KEEP, &got), ERR_OK);
	assert_int_equal(got, third);
	revoke(l, second);	/* an older one with another key: the present one is as it was */
	assert_int_equal(ask(&lots, 0, "dev-1", 2, KEEP, &got), ERR_OK);
	assert_int_equal(got, third);
	(void)issue(&lots, 1, "dev-1", 2, KEEP);
	lots.id[1] = ledger_batch(l, "lot-3", 5);
	assert_int_equal(ask(&lots, 1, "dev-1", 1, REKEY, NULL), ERR_FORBIDDEN);	/* back to a key that was revoked */
	assert_ok(l->ops->batch_set_state(l->store, "lot-3", BATCH_CLOSED, &ledger_who, &e));
	assert_int_equal(ask(&lots, 1, "dev-1", 1, REKEY, NULL), ERR_BATCH_CLOSED);
	assert_ok(l->ops->batch_set_state(l->store, "lot-1", BATCH_CLOSED, &ledger_who, &e));
	assert_int_equal(ask(&lots, 0, "dev-1", 1, KEEP, NULL), ERR_FORBIDDEN);	/* what is recorded comes before that */
	assert_int_equal(ask(&lots, 0, "dev-1", 2, KEEP, &got), ERR_OK);
	assert_int_equal(got, third);
}

/* Once, for another key; what was used is used, by whatever way the key came. */
static void
test_rework(void **state)
{
	struct lots	lots = lots_new(*state);
	struct ledger	*l = lots.l;
	uint64_t	first, second, got;
	int		before;

	assert_int_equal(rework(l, "dev-1"), ERR_NOT_FOUND);
	first = issue(&lots, 0, "dev-1", 1, KEEP);
	(void)issue(&lots, 0, "dev-9", 9, KEEP);
	assert_false(may_rework(l, "dev-1"));
	before = events_count(l);
	assert_ok(rework(l, "dev-1"));
	assert_newest_event(l, "device.rework dev-1: another key, once");
	assert_ok(rework(l, "dev-1"));
	assert_int_equal(events_count(l), before + 1);
	assert_true(may_rework(l, "dev-1"));
	assert_false(may_rework(l, "dev-9"));
	/* what does not give it another key does not use it: its own, another's, a batch that has no room */
	assert_int_equal(ask(&lots, 0, "dev-1", 1, KEEP, &got), ERR_OK);
	assert_int_equal(got, first);
	(void)issue(&lots, 1, "dev-1", 1, KEEP);
	assert_int_equal(ask(&lots, 0, "dev-1", 9, KEEP, NULL), ERR_KEY_REUSED);
	assert_int_equal(ask(&lots, 0, "dev-9", 8, KEEP, NULL), ERR_DEVICE_EXISTS);
	assert_true(may_rework(l, "dev-1"));
	second = issue(&lots, 0, "dev-1", 2, KEEP);
	assert_false(may_rework(l, "dev-1"));
	assert_int_equal(ask(&lots, 0, "dev-1", 2, KEEP, &got), ERR_OK);	/* repeated */
	assert_int_equal(got, second);
	assert_int_equal(ask(&lots, 0, "dev-1", 1, KEEP, &got), ERR_OK);
	assert_int_equal(got, first);
	assert_int_equal(ask(&lots, 0, "dev-1", 3, KEEP, NULL), ERR_DEVICE_EXISTS);
	/* a second leave; a renewal uses it too */
	assert_ok(rework(l, "dev-1"));
	assert_int_equal(events_count(l), before + 2);
	(void)issue(&lots, 0, "dev-1", 3, REKEY);
	assert_false(may_rework(l, "dev-1"));
	assert_int_equal(ask(&lots, 0, "clone", 3, KEEP, NULL), ERR_KEY_REUSED);
	assert_int_equal(ask(&lots, 0, "clone", 2, KEEP, NULL), ERR_KEY_REUSED);
	assert_counts(l, "lot-1", 4, 0, 0);
	assert_counts(l, "lot-2", 1, 0, 0);
}

/* After a revocation another key, not the old one. */
static void
test_rework_revoked(void **state)
{
	struct lots	lots = lots_new(*state);
	struct ledger	*l = lots.l;
	uint64_t	first, got;

	first = issue(&lots, 0, "dev-1", 1, KEEP);
	assert_ok(rework(l, "dev-1"));
	revoke(l, first);
	assert_true(may_rework(l, "dev-1"));
	assert_int_equal(ask(&lots, 0, "dev-1", 1, KEEP, NULL), ERR_FORBIDDEN);
	assert_int_equal(ask(&lots, 1, "dev-1", 1, KEEP, NULL), ERR_FORBIDDEN);
	assert_true(may_rework(l, "dev-1"));
	(void)issue(&lots, 0, "dev-1", 2, KEEP);
	assert_int_equal(ask(&lots, 0, "dev-1", 2, KEEP, &got), ERR_OK);
	assert_int_equal(ask(&lots, 0, "dev-1", 1, KEEP, NULL), ERR_FORBIDDEN);
	assert_state(l, first, CERTIFICATE_REVOKED);
	assert_state(l, got, CERTIFICATE_ISSUED);
	(void)issue(&lots, 1, "dev-1", 2, KEEP);
	assert_counts(l, "lot-1", 2, 0, 0);
}

/* A leave is used in the transaction: rows of one group see it, and a group that fails gives it back. */
static void
test_rework_group(void **state)
{
	enum { N = 3 };
	static const enum err_code	results[N] = { ERR_OK, ERR_OK, ERR_DEVICE_EXISTS };
	struct lots			lots = lots_new(*state);
	struct ledger			*l = lots.l;
	struct store_certificate	c[N];
	struct store_record_row		rows[N];
	struct err			e;
	unsigned			i, turn;

	(void)issue(&lots, 0, "dev-1", 1, KEEP);
	assert_ok(rework(l, "dev-1"));
	for (turn = 0; turn < 2; turn++) {
		memset(rows, 0, sizeof(rows));
		for (i = 0; i < N; i++) {
			c[i] = ledger_certificate(lots.id[0], l->ca_id, i == 0 ? "dev-2" : "dev-1", 20 + i, 2000 + i);
			rows[i].certificate = &c[i];
		}
		if (turn == 0) {
			memcpy(c[0].serial, c[1].serial, 8);	/* a serial twice */
			assert_int_equal(l->ops->record(l->store, rows, N, &e), ERR_INTERNAL);
			assert_true(may_rework(l, "dev-1"));
			continue;
		}
		assert_ok(l->ops->record(l->store, rows, N, &e));
		for (i = 0; i < N; i++) {
			assert_int_equal(rows[i].result, results[i]);
			recorded_free(rows[i].recorded);
		}
	}
	assert_false(may_rework(l, "dev-1"));
	assert_counts(l, "lot-1", 3, 0, 0);
}

enum step { REGISTER, PARK, GOING, REVOKE, RETRY, STEPS };

static void
play(struct ledger *l, enum step step, uint64_t serial, int64_t batch, int64_t target)
{
	struct store_registration	r;
	struct err			e;
	int64_t				count;

	switch (step) {
	case REGISTER:
		registration_settle(l, serial, batch, target, CERTIFICATE_REGISTERED);
		break;
	case PARK:
		registration_settle(l, serial, batch, target, CERTIFICATE_PARKED);
		break;
	case GOING:
		r = registration_make(serial, target, REGISTRATION_GOING, 1);
		assert_ok(registration_put(l, &r, batch, -1));
		break;
	case REVOKE:
		revoke(l, serial);
		break;
	case RETRY:
	case STEPS:
		assert_ok(l->ops->upload_retry(l->store, -1, &ledger_who, &count, &e));
		break;
	}
}

/* Is REVOKE one of the events of that order? */
static bool
has_revoke(int order, int length)
{
	for (; length > 0; length--, order /= STEPS) {
		if (order % STEPS == REVOKE)
			return true;
	}
	return false;
}

/* Every order of four events, a revocation among them: the counts are right, and what is revoked is never queued. */
static void
test_orders(void **state)
{
	enum { LENGTH = 4, ORDERS = 625 };
	struct lots			lots = lots_new(*state);
	struct ledger			*l = lots.l;
	struct store_batch		b;
	struct store_certificate_filter	f = fixture_any;
	struct err			e;
	char				name[24];
	int64_t				target = registration_target(l, "eu-west-1");
	uint64_t			serial;
	int				order, i, rest;
	bool				revoked;

	for (order = 0; order < ORDERS; order++) {
		if (!has_revoke(order, LENGTH))
			continue;	/* test_registration */
		(void)snprintf(name, sizeof(name), "lot-o%d", order);
		lots.id[0] = ledger_batch(l, name, 5);
		serial = issue(&lots, 0, name, 100 + (unsigned)order, KEEP);
		revoked = false;
		for (i = 0, rest = order; i < LENGTH; i++, rest /= STEPS) {
			play(l, (enum step)(rest % STEPS), serial, lots.id[0], target);
			revoked = revoked || rest % STEPS == REVOKE;
			assert_ok(l->ops->batch_find(l->reader, name, &b, &e));
			assert_int_equal(b.issued, 1);
			assert_true(b.registered >= 0 && b.parked >= 0 && b.revoked >= 0 && b.registered + b.parked + b.revoked <= 1);
			assert_int_equal(b.revoking, revoked);
			f.batch_id = lots.id[0];
			f.state = CERTIFICATE_REVOKED;
			assert_int_equal(fixture_list(l, &f).n, revoked);
			assert_int_equal(queue_page(l, lots.id[0], 0, 10).n, store_batch_queued(&b));
			assert_int_equal(count_state(l, lots.id[0], CERTIFICATE_ISSUED), store_batch_queued(&b));
			if (revoked) {
				assert_int_equal(store_batch_queued(&b), 0);
				assert_int_equal(b.parked, 0);
				assert_int_equal(count_state(l, lots.id[0], CERTIFICATE_PARKED), 0);
				continue;
			}
			assert_int_equal(count_state(l, lots.id[0], CERTIFICATE_REGISTERED), b.registered);
			assert_int_equal(count_state(l, lots.id[0], CERTIFICATE_PARKED), b.parked);
		}
	}
}

static enum err_code
note_reason(void *arg, const struct store_parked_reason *p, struct err *e)
{
	char	*words = arg;
	size_t	 len = strlen(words);

	(void)e;
	(void)snprintf(words + len, 512 - len, "%s %s %d: %s; ", p->step, p->code, (int)p->count, p->message);
	return ERR_OK;
}

/* What is revoked is not parked: no reason speaks of it, no retry takes it or counts it. */
static void
test_parked(void **state)
{
	struct lots	lots = lots_new(*state);
	struct ledger	*l = lots.l;
	struct err	e;
	char		words[512] = "";
	int64_t		count, target = registration_target(l, "eu-west-1");
	uint64_t	first = issue(&lots, 0, "dev-1", 1, KEEP), second = issue(&lots, 0, "dev-2", 2, KEEP);
	uint64_t	third = issue(&lots, 0, "dev-3", 3, KEEP), fourth = issue(&lots, 0, "dev-4", 4, KEEP);

	registration_settle(l, second, lots.id[0], target, CERTIFICATE_PARKED);
	registration_settle(l, third, lots.id[0], target, CERTIFICATE_PARKED);
	registration_settle(l, fourth, lots.id[0], target, CERTIFICATE_REGISTERED);
	revoke(l, first);
	revoke(l, second);
	revoke(l, fourth);
	assert_counts(l, "lot-1", 4, 1, 1);
	assert_ok(l->ops->parked_reasons(l->reader, lots.id[0], note_reason, words, &e));
	assert_string_equal(words, "register CertificateValidationException 1: no CA for 1003; ");
	assert_ok(l->ops->upload_retry(l->store, lots.id[0], &ledger_who, &count, &e));
	assert_int_equal(count, 1);
	assert_newest_event(l, "upload.retry lot-1: 1 parked");
	assert_counts(l, "lot-1", 4, 1, 0);
	assert_int_equal(queue_page(l, lots.id[0], 0, 10).n, 1);
	assert_ok(l->ops->upload_retry(l->store, -1, &ledger_who, &count, &e));
	assert_int_equal(count, 0);
	assert_newest_event(l, "upload.retry : 0 parked");
}

/* Events of one device, and of a batch. */
static void
test_events_of(void **state)
{
	struct lots	lots = lots_new(*state);
	struct ledger	*l = lots.l;
	struct events	evs = { 0 };
	struct err	e;
	uint64_t	first = issue(&lots, 0, "dev-1", 1, KEEP);

	revoke(l, first);
	assert_ok(rework(l, "dev-1"));
	assert_ok(l->ops->event_list(l->reader, 0, 0, "dev-1", events_note, &evs, &e));
	assert_int_equal(evs.n, 2);
	assert_string_equal(evs.event[0].action, "device.rework");
	assert_string_equal(evs.event[0].reason, "board replaced");
	assert_string_equal(evs.event[1].action, "certificate.revoke");
	evs.n = 0;
	assert_ok(l->ops->event_list(l->reader, evs.event[0].id, 1, "dev-1", events_note, &evs, &e));
	assert_int_equal(evs.n, 1);
	assert_string_equal(evs.event[0].action, "certificate.revoke");
	evs.n = 0;
	assert_ok(l->ops->event_list(l->reader, 0, 1, "lot-2", events_note, &evs, &e));
	assert_int_equal(evs.n, 1);
	assert_string_equal(evs.event[0].action, "batch.create");
	evs.n = 0;
	assert_ok(l->ops->event_list(l->reader, 0, 0, "dev", events_note, &evs, &e));
	assert_int_equal(evs.n, 0);
}

/* The next process, and one beside, know of both. */
static void
test_restart(void **state)
{
	struct lots	lots = lots_new(*state), beside;
	struct ledger	other = *lots.l;
	struct err	e;
	uint64_t	first = issue(&lots, 0, "dev-1", 1, KEEP);

	(void)issue(&lots, 0, "dev-2", 2, KEEP);
	assert_ok(other.ops->open(&other.cf, &other.store, &e));
	assert_ok(other.ops->reader_open(other.store, &other.reader, &e));
	beside = lots;
	beside.l = &other;
	beside.serial = 5000;
	revoke(&other, first);
	assert_ok(rework(&other, "dev-2"));
	assert_int_equal(ask(&lots, 0, "dev-1", 1, KEEP, NULL), ERR_FORBIDDEN);
	(void)issue(&lots, 0, "dev-2", 22, KEEP);
	assert_int_equal(ask(&beside, 0, "dev-2", 23, KEEP, NULL), ERR_DEVICE_EXISTS);
	ledger_close(&other);
	ledger_close(lots.l);
	ledger_open(lots.l);
	assert_state(lots.l, first, CERTIFICATE_REVOKED);
	assert_int_equal(ask(&lots, 0, "dev-1", 1, KEEP, NULL), ERR_FORBIDDEN);
	assert_int_equal(ask(&lots, 0, "clone", 22, KEEP, NULL), ERR_KEY_REUSED);
	assert_false(may_rework(lots.l, "dev-2"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_revoke),
		BOTH(test_revoke_one_of_many),
		BOTH(test_rework),
		BOTH(test_rework_revoked),
		BOTH(test_rework_group),
		BOTH(test_orders),
		BOTH(test_parked),
		BOTH(test_events_of),
		cmocka_unit_test_setup_teardown(test_restart, fixture_setup_sqlite, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
