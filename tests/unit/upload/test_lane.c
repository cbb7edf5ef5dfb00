/* Lanes over a ledger in memory: pages, rows that an earlier run left, CAs that are stopped, targets that lineca.conf lost. */
#include "unit/db/ledger.h"

#include "upload/lane.h"

enum { MANY = 200 };

struct fixture {
	struct ledger	*ledger;
	struct home	 home;
	struct config	*config;	/* that of the home, with [aws], [aws eu], [aws us] */
	struct site	 sites[3];	/* in that order */
	struct lane	*lanes;
	int64_t		 lot_1, lot_2;
	uint64_t	 serial;	/* of the newest */
};

static void
named_target(struct config *c, const char *name)
{
	struct target *t = &c->targets[c->targets_count++];

	*t = c->targets[0];
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
}

static int
setup(void **state)
{
	static const char *const regions[] = { "eu-central-1", "eu-west-1", "us-east-1" };
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e;

	assert_non_null(f);
	f->ledger = ledger_new(&store_memory);
	f->home.ops = f->ledger->ops;
	f->home.store = f->ledger->store;
	f->home.reader = f->ledger->reader;
	f->config = &f->home.config;
	config_defaults(f->config);
	named_target(f->config, "eu");
	named_target(f->config, "us");
	for (int i = 0; i < 3; i++)
		assert_ok(f->ledger->ops->target_get(f->ledger->store, "123456789012", regions[i], &f->sites[i].target_id, &e));
	f->lot_1 = ledger_batch(f->ledger, "lot-1", 1000);
	f->lot_2 = ledger_batch(f->ledger, "lot-2", 1000);
	f->serial = 1000;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	lanes_free(f->lanes);
	ledger_free(f->ledger);
	free(f);
	return 0;
}

/* n certificates of a batch; their keys follow the ones before. */
static void
issue(struct fixture *f, int64_t batch_id, int n)
{
	for (int i = 0; i < n; i++) {
		struct store_certificate c;
		char device[32];

		f->serial++;
		(void)snprintf(device, sizeof(device), "dev-%llu", (unsigned long long)f->serial);
		c = ledger_certificate(batch_id, f->ledger->ca_id, device, (unsigned)f->serial, f->serial);
		assert_ok(ledger_try(f->ledger, &c, NULL));
	}
}

/* The batch as it is now, into the lane that aws says; every target of the lane gets its site. */
static struct lane *
add(struct fixture *f, const char *name, const char *aws)
{
	struct store_batch b;
	struct lane *l;
	struct err e;

	assert_ok(f->ledger->ops->batch_find(f->ledger->reader, name, &b, &e));
	(void)snprintf(b.aws, sizeof(b.aws), "%s", aws);
	assert_ok(lane_add_batch(&f->lanes, f->config, &b, "the CA's PEM", &e));
	for (l = f->lanes; strcmp(l->aws, aws) != 0; l = l->next)
		;
	for (size_t i = 0; i < l->targets_count; i++)
		l->sites[i] = &f->sites[l->targets[i] - f->config->targets];
	return l;
}

static struct item *
fetch(struct fixture *f, struct lane *l, int64_t max)
{
	struct item *first;
	struct err e;

	assert_ok(lane_fetch(l, &f->home, max, &first, &e));
	return first;
}

/* Frees a page; the number of its items, which must follow the serial *from. */
static int
take_page(struct item *i, int64_t *from)
{
	int n = 0;

	while (i != NULL) {
		struct item *next = i->next;

		assert_int_equal(store_serial_key(i->certificate.serial), ++*from);
		item_free(i);
		i = next;
		n++;
	}
	return n;
}

static void
free_page(struct item *i)
{
	while (i != NULL) {
		struct item *next = i->next;

		item_free(i);
		i = next;
	}
}

static void
record(struct fixture *f, uint64_t serial, int64_t target_id, enum registration_state state, uint32_t done, int settled)
{
	struct store_registration r = { .cert_id = (int64_t)serial, .target_id = target_id, .state = state, .done = done, .arn = "arn:x" };
	struct store_registration_row row = { .registration = &r, .batch_id = f->lot_1, .settled = settled };
	struct err e;

	assert_ok(f->ledger->ops->registration_record(f->ledger->store, &row, 1, NULL, &e));
}

static void
test_pages(void **state)
{
	struct fixture *f = *state;
	int64_t from = 1000;
	struct lane *l;
	int n, pages = 0;

	issue(f, f->lot_1, MANY);
	issue(f, f->lot_2, 3);
	l = add(f, "lot-1", "");
	assert_ptr_equal(add(f, "lot-2", ""), l);
	assert_int_equal(l->batches_count, 2);
	assert_int_equal(l->batches[0].queued, MANY);
	assert_int_equal(l->targets_count, 1);
	/* oldest first, a batch after the other, each certificate once; a page never mixes batches */
	while ((n = take_page(fetch(f, l, LANE_PAGE), &from)) > 0) {
		assert_int_equal(n, pages < 3 ? LANE_PAGE : pages == 3 ? MANY - 3 * LANE_PAGE : 3);
		pages++;
	}
	assert_int_equal(pages, 5);
	assert_int_equal(from, 1000 + MANY + 3);
	assert_null(fetch(f, l, LANE_PAGE));
	assert_int_equal(l->at, l->batches_count);
}

static void
test_work_of_a_task(void **state)
{
	struct fixture *f = *state;
	struct lane *l;
	struct item *i;

	issue(f, f->lot_1, 1);
	f->config->targets[2].with_ca = 0;
	l = add(f, "lot-1", "eu,us");
	i = fetch(f, l, 1);
	assert_int_equal(i->tasks_count, 2);
	assert_int_equal(i->open, 2);
	assert_ptr_equal(i->lane, l);
	assert_string_equal(i->tasks[0].work.target->name, "eu");
	assert_string_equal(i->tasks[0].work.ca_pem, "the CA's PEM");
	assert_string_equal(i->tasks[1].work.target->name, "us");
	assert_null(i->tasks[1].work.ca_pem);
	assert_ptr_equal(i->tasks[1].site, &f->sites[2]);
	assert_ptr_equal(i->tasks[1].work.registration, &i->tasks[1].registration);
	assert_int_equal(i->tasks[1].registration.cert_id, 1001);
	assert_int_equal(i->tasks[1].registration.target_id, f->sites[2].target_id);
	assert_ptr_equal(i->tasks[0].work.certificate_pem, i->pem);
	assert_ptr_equal(i->tasks[0].work.values, &i->values);
	item_free(i);
}

/* What an earlier run recorded is where this one goes on, target by target. */
static void
test_resume(void **state)
{
	struct fixture *f = *state;
	struct lane *l;
	struct item *i;

	issue(f, f->lot_1, 3);
	record(f, 1001, f->sites[1].target_id, REGISTRATION_GOING, STEP_REGISTER | STEP_THING, -1);
	record(f, 1002, f->sites[1].target_id, REGISTRATION_DONE, STEP_REGISTER, -1);
	record(f, 1002, f->sites[2].target_id, REGISTRATION_PARKED, 0, -1);
	l = add(f, "lot-1", "eu,us");
	i = fetch(f, l, 10);
	assert_int_equal(i->tasks[0].end, TASK_OPEN);
	assert_int_equal(i->tasks[0].registration.done, STEP_REGISTER | STEP_THING);
	assert_string_equal(i->tasks[0].registration.arn, "arn:x");
	assert_int_equal(i->tasks[1].registration.done, 0);
	assert_int_equal(i->open, 2);
	/* settled in both, but not as a whole: killed between the two */
	assert_int_equal(i->next->open, 0);
	assert_int_equal(i->next->tasks[0].end, TASK_DONE);
	assert_int_equal(i->next->tasks[1].end, TASK_PARKED);
	assert_int_equal(item_settled(i->next), CERTIFICATE_PARKED);
	/* nothing was recorded */
	assert_int_equal(i->next->next->open, 2);
	assert_null(i->next->next->next);
	free_page(i);
}

/* What is settled as a whole is not read at all. */
static void
test_settled_is_not_read(void **state)
{
	struct fixture *f = *state;
	struct lane *l;
	struct item *i;

	issue(f, f->lot_1, 3);
	record(f, 1001, f->sites[0].target_id, REGISTRATION_DONE, STEP_REGISTER, CERTIFICATE_REGISTERED);
	record(f, 1003, f->sites[0].target_id, REGISTRATION_PARKED, 0, CERTIFICATE_PARKED);
	l = add(f, "lot-1", "");
	assert_int_equal(l->batches[0].queued, 1);
	i = fetch(f, l, 10);
	assert_int_equal(store_serial_key(i->certificate.serial), 1002);
	assert_null(i->next);
	item_free(i);
	assert_null(fetch(f, l, 10));
}

/* A target was taken out of a batch's list: what is done in the one that stays settles it. */
static void
test_target_removed(void **state)
{
	struct fixture *f = *state;
	struct store_batch b;
	struct lane *l;
	struct item *i;
	struct err e;

	issue(f, f->lot_1, 1);
	record(f, 1001, f->sites[1].target_id, REGISTRATION_DONE, STEP_REGISTER, -1);
	l = add(f, "lot-1", "eu");
	i = fetch(f, l, 10);
	assert_int_equal(i->open, 0);
	assert_int_equal(item_settled(i), CERTIFICATE_REGISTERED);
	item_free(i);
	/* a section that lineca.conf lost: named, and no lane */
	assert_ok(f->ledger->ops->batch_find(f->ledger->reader, "lot-1", &b, &e));
	(void)snprintf(b.aws, sizeof(b.aws), "eu,gone");
	assert_int_equal(lane_add_batch(&f->lanes, f->config, &b, "pem", &e), ERR_CONFIG);
	assert_non_null(strstr(e.log_text, "gone"));
	assert_null(f->lanes->next);
}

static void
test_stopped_ca(void **state)
{
	struct fixture *f = *state;
	struct lane *l;
	struct item *i;

	issue(f, f->lot_1, 2);
	record(f, 1001, f->sites[1].target_id, REGISTRATION_GOING, 0, -1);	/* tried, in vain */
	l = add(f, "lot-1", "eu,us");
	site_stop_ca(&f->sites[1], f->ledger->ca_id);
	assert_true(lane_takes_batch(l, &l->batches[0]));
	i = fetch(f, l, 10);
	for (struct item *at = i; at != NULL; at = at->next) {
		assert_int_equal(at->tasks[0].end, TASK_LEFT);
		assert_int_equal(at->tasks[1].end, TASK_OPEN);
		assert_int_equal(at->open, 1);
		assert_int_equal(item_settled(at), -1);
	}
	free_page(i);
	/* the other one too: the batch is passed over, its queue unread */
	site_stop_ca(&f->sites[2], f->ledger->ca_id);
	l->at = 0;
	l->cursor = 0;
	assert_false(lane_takes_batch(l, &l->batches[0]));
	assert_null(fetch(f, l, 10));
	assert_int_equal(l->at, 1);
	/* without a CA nobody asks for it */
	f->config->targets[2].with_ca = 0;
	assert_true(lane_takes_batch(l, &l->batches[0]));
	/* unless the target itself is not complete */
	l->stopped[1] = true;
	assert_false(lane_takes_batch(l, &l->batches[0]));
}

/* Only the registration needs the CA: what is registered goes on without it, but not where the target itself is stopped. */
static void
test_half_done_with_stopped_ca(void **state)
{
	struct fixture *f = *state;
	struct lane *l;
	struct item *i;

	issue(f, f->lot_1, 2);
	record(f, 1001, f->sites[1].target_id, REGISTRATION_GOING, STEP_REGISTER, -1);
	l = add(f, "lot-1", "eu,us");
	site_stop_ca(&f->sites[1], f->ledger->ca_id);
	i = fetch(f, l, 10);
	assert_int_equal(i->tasks[0].end, TASK_OPEN);
	assert_int_equal(i->tasks[0].registration.done, STEP_REGISTER);
	assert_int_equal(i->open, 2);
	assert_int_equal(i->next->tasks[0].end, TASK_LEFT);
	assert_int_equal(i->next->open, 1);
	free_page(i);
	lane_rewind(l);
	l->stopped[0] = true;
	i = fetch(f, l, 10);
	assert_int_equal(i->tasks[0].end, TASK_LEFT);
	assert_int_equal(i->next->tasks[0].end, TASK_LEFT);
	assert_int_equal(i->open, 1);
	free_page(i);
}

/* Nobody answers at one of the targets: the rows go to the other and stay queued as a whole. */
static void
test_site_that_does_not_answer(void **state)
{
	struct fixture *f = *state;
	struct lane *l;
	struct item *i;

	issue(f, f->lot_1, 2);
	l = add(f, "lot-1", "eu,us");
	l->sites[0] = NULL;
	l->stopped[0] = true;
	assert_false(lane_target_takes(l, 0, f->ledger->ca_id));
	assert_true(lane_target_takes(l, 1, f->ledger->ca_id));
	i = fetch(f, l, 10);
	for (struct item *at = i; at != NULL; at = at->next) {
		assert_int_equal(at->tasks[0].end, TASK_LEFT);
		assert_null(at->tasks[0].site);
		assert_int_equal(at->tasks[1].end, TASK_OPEN);
		assert_int_equal(at->open, 1);
		at->tasks[1].end = TASK_DONE;
		assert_int_equal(item_settled(at), -1);
	}
	free_page(i);
	/* nor at the other: nothing is read, whether the target needs a CA or not */
	l->sites[1] = NULL;
	l->stopped[1] = true;
	f->config->targets[2].with_ca = 0;
	lane_rewind(l);
	assert_false(lane_takes_batch(l, &l->batches[0]));
	assert_null(fetch(f, l, 10));
}

/* ARNs are compared with what the site says of its account. */
static void
test_arn_prefix(void **state)
{
	struct fixture *f = *state;
	struct lane *l;
	struct item *i;

	issue(f, f->lot_1, 1);
	l = add(f, "lot-1", "eu,us");
	i = fetch(f, l, 1);
	assert_ptr_equal(i->tasks[0].work.arn_prefix, f->sites[1].arn_prefix);
	assert_ptr_equal(i->tasks[1].work.arn_prefix, f->sites[2].arn_prefix);
	free_page(i);
}

static void
test_lanes_by_targets(void **state)
{
	struct fixture *f = *state;
	struct lane *first, *second;

	issue(f, f->lot_1, 1);
	issue(f, f->lot_2, 1);
	first = add(f, "lot-1", "eu");
	second = add(f, "lot-2", "us,eu");
	assert_ptr_equal(f->lanes, first);
	assert_ptr_equal(first->next, second);
	assert_null(second->next);
	assert_int_equal(second->targets_count, 2);
	assert_string_equal(second->targets[0]->name, "us");
	assert_string_equal(second->batches[0].name, "lot-2");
	lanes_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_work_of_a_task, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settled_is_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_target_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_ca, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_done_with_stopped_ca, setup, teardown),
		cmocka_unit_test_setup_teardown(test_site_that_does_not_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_arn_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lanes_by_targets, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
