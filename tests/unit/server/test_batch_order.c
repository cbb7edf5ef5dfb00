/* An order for a batch: what is refused before anything is recorded, and what is recorded, over a ledger on disk. */
#include "cmocka_test.h"

#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "batch_order.h"
#include "db/ledger.h"

static struct ledger *ledger;
static struct home *home;
static struct err err;

static int
setup(void **state)
{
	(void)state;
	ledger = ledger_new(&store_sqlite);
	assert_non_null(home = calloc(1, sizeof(*home)));
	home->ops = ledger->ops;
	home->store = ledger->store;
	home->reader = ledger->reader;
	(void)snprintf(home->path, sizeof(home->path), "%s", ledger->dir);
	config_defaults(&home->config);
	return 0;
}

static int
teardown(void **state)
{
	char path[HOME_PATH_BYTES];
	struct err e;

	(void)state;
	assert_int_equal(home_join(home, HOME_BATCH_LOCK, path, &e), ERR_OK);
	(void)unlink(path);
	free(home);
	ledger_free(ledger);
	return 0;
}

static struct batch_wish
wish(const char *name)
{
	return (struct batch_wish){ .name = name, .quantity = 100 };
}

static void
list(struct batch_order *o, const char *const *ids)
{
	struct err e;

	if (*ids == NULL)
		return;
	for (; *ids != NULL; ids++)
		assert_int_equal(device_list_add(&o->list, *ids, &e), ERR_OK);
	assert_int_equal(device_list_finish(&o->list, &e), ERR_OK);
}

static enum err_code
plan_list(const struct batch_wish *w, const char *const *ids)
{
	struct batch_order *o = calloc(1, sizeof(*o));
	enum err_code rc;

	assert_non_null(o);
	list(o, ids);
	err_clear(&err);
	rc = batch_order_plan(w, home, ledger->reader, o, &err);
	batch_order_done(o);
	free(o);
	return rc;
}

static enum err_code
plan(const struct batch_wish *w)
{
	static const char *const none[] = { NULL };

	return plan_list(w, none);
}

/* Refused, in these words among others. */
static void
refuse(const struct batch_wish *w, enum err_code rc, const char *words)
{
	assert_int_equal(plan(w), rc);
	if (strstr(err.log_text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.log_text, words);
}

/* Planned and made; false: err says why not. */
static bool
make(const struct batch_wish *w, const char *const *ids)
{
	static const char *const none[] = { NULL };
	struct batch_order *o = calloc(1, sizeof(*o));
	bool made;

	assert_non_null(o);
	list(o, ids != NULL ? ids : none);
	err_clear(&err);
	made = batch_order_plan(w, home, ledger->reader, o, &err) == ERR_OK &&
	    batch_order_make(o, home, ledger->ops, ledger->store, &ledger_who, &err) == ERR_OK;
	batch_order_done(o);
	free(o);
	return made;
}

static struct store_batch
find(const char *name)
{
	struct store_batch b;
	struct err e;

	memset(&b, 0, sizeof(b));
	assert_int_equal(ledger->ops->batch_find(ledger->reader, name, &b, &e), ERR_OK);
	return b;
}

static bool
exists(const char *name)
{
	struct store_batch b;
	struct err e;

	return ledger->ops->batch_find(ledger->reader, name, &b, &e) == ERR_OK;
}

static bool
lists(const char *name, const char *device)
{
	struct err e;
	bool there;

	assert_int_equal(ledger->ops->batch_lists_device(ledger->reader, find(name).id, device, &there, &e), ERR_OK);
	return there;
}

static void
add_ca(const char *name, bool active)
{
	uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, 0x06 };
	struct store_ca ca = { .active = active, .key_ref = "k", .der = der, .der_len = sizeof(der), .created_at_us = 1 };
	struct err e;
	int64_t id;

	(void)snprintf(ca.name, sizeof(ca.name), "%s", name);
	assert_int_equal(ledger->ops->ca_add(ledger->store, &ca, &id, &e), ERR_OK);
}

/* ---- what is made */

static void
test_plain(void **state)
{
	struct batch_wish w = wish("lot-1");
	int64_t begin_us = clock_system.now_us(&clock_system);
	struct store_batch b;

	(void)state;
	assert_true(make(&w, NULL));
	b = find("lot-1");
	assert_int_equal(b.quantity, 100);
	assert_int_equal(b.ca_id, ledger->ca_id);
	assert_string_equal(b.profile, "default");
	assert_string_equal(b.pattern, "");
	assert_string_equal(b.aws, "");
	assert_false(b.listed);
	assert_int_equal(b.state, BATCH_OPEN);
	assert_in_range(b.created_at_us, begin_us, clock_system.now_us(&clock_system));
}

static void
test_all_of_it(void **state)
{
	static const char *const ids[] = { "SN00000002", "SN00000001", NULL };
	struct batch_wish w = wish("lot-1");
	struct store_batch b;

	(void)state;
	w.pattern = "SN[0-9]{8}";
	w.profile = "default";
	w.ca = "plant";
	w.aws = "aws";
	w.listed = true;
	w.approval = true;
	w.quantity = LIMIT_BATCH_QUANTITY;
	assert_true(make(&w, ids));
	b = find("lot-1");
	assert_int_equal(b.quantity, LIMIT_BATCH_QUANTITY);
	assert_string_equal(b.pattern, "SN[0-9]{8}");
	assert_string_equal(b.aws, "aws");
	assert_true(b.listed);
	assert_int_equal(b.state, BATCH_WAITING);
	assert_true(lists("lot-1", "SN00000001"));
	assert_true(lists("lot-1", "SN00000002"));
	assert_false(lists("lot-1", "SN00000003"));
}

/* To plan is to look: nothing is there before it was made, and a plan that was refused leaves nothing behind. */
static void
test_plan_changes_nothing(void **state)
{
	static const char *const ids[] = { "dev-1", "dev-2", NULL };
	struct batch_wish w = wish("lot-1");

	(void)state;
	assert_int_equal(plan(&w), ERR_OK);
	assert_false(exists("lot-1"));
	w.listed = true;
	w.pattern = "dev-1";
	assert_false(make(&w, ids));
	assert_false(exists("lot-1"));
	w.pattern = NULL;
	assert_true(make(&w, ids));
}

/* ---- names */

static void
test_name(void **state)
{
	static const char *const bad[] = { "", ".", "..", ".lot", "-lot", "lot 1", "lot/1", "lot\n", "l\xc3\xb6t", "lot%31", "lot?", "lot:1" };
	char longest[LIMIT_NAME_BYTES + 2];
	struct batch_wish w;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w = wish(bad[i]);
		refuse(&w, ERR_USAGE, "the batch name");
	}
	memset(longest, 'a', sizeof(longest));
	longest[LIMIT_NAME_BYTES + 1] = '\0';
	w = wish(longest);
	refuse(&w, ERR_USAGE, "the batch name");
	longest[LIMIT_NAME_BYTES] = '\0';
	assert_true(make(&w, NULL));
	assert_string_equal(find(longest).name, longest);
}

static void
test_name_taken(void **state)
{
	struct batch_wish w = wish("lot-1");

	(void)state;
	assert_true(make(&w, NULL));
	w.quantity = 5;
	assert_false(make(&w, NULL));
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_non_null(strstr(err.log_text, "lot-1"));
	assert_int_equal(find("lot-1").quantity, 100);
}

/* ---- CA and profile */

static void
test_ca(void **state)
{
	struct batch_wish w = wish("lot-1");

	(void)state;
	w.ca = "nowhere";
	refuse(&w, ERR_NOT_FOUND, "\"nowhere\"");
	add_ca("old", false);
	w.ca = "old";
	refuse(&w, ERR_CONFLICT, "\"old\" is inactive");
	/* an inactive one makes nothing ambiguous */
	w.ca = NULL;
	assert_int_equal(plan(&w), ERR_OK);
	add_ca("new", true);
	refuse(&w, ERR_USAGE, "2 CAs are active: choose one with --ca");
	w.ca = "new";
	assert_true(make(&w, NULL));
	assert_int_not_equal(find("lot-1").ca_id, ledger->ca_id);
	w = wish("lot-2");
	w.ca = "plant";
	assert_true(make(&w, NULL));
	assert_int_equal(find("lot-2").ca_id, ledger->ca_id);
	w.ca = "";
	refuse(&w, ERR_NOT_FOUND, "\"\"");
}

/* Nothing can be chosen where none is active: that is a state of the home, and no fault of the command. */
static void
test_no_active_ca(void **state)
{
	struct batch_wish w = wish("lot-1");
	struct store_config cf;
	struct store_reader *reader = NULL;
	struct store *store = NULL;
	struct batch_order *o = calloc(1, sizeof(*o));
	char path[128];
	enum err_code rc;

	(void)state;
	assert_non_null(o);
	(void)snprintf(path, sizeof(path), "%s/other.db", ledger->dir);
	cf = (struct store_config){ .path = path, .cache_bytes = 1 << 20 };
	assert_int_equal(ledger->ops->create(&cf, &err), ERR_OK);
	assert_int_equal(ledger->ops->open(&cf, &store, &err), ERR_OK);
	assert_int_equal(ledger->ops->reader_open(store, &reader, &err), ERR_OK);
	rc = batch_order_plan(&w, home, reader, o, &err);
	batch_order_done(o);
	free(o);
	ledger->ops->reader_close(reader);
	ledger->ops->close(store);
	assert_int_equal(unlink(path), 0);
	assert_true(rc == ERR_NOT_FOUND || rc == ERR_CONFLICT);
	assert_null(strstr(err.log_text, "choose one"));
}

static void
test_profile(void **state)
{
	struct batch_wish w = wish("lot-1");
	char longest[300];

	(void)state;
	w.profile = "nowhere";
	refuse(&w, ERR_USAGE, "[profile nowhere]");
	memset(longest, 'p', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	w.profile = longest;
	refuse(&w, ERR_USAGE, "[profile ppp");
}

/* ---- pattern and list */

static void
test_pattern(void **state)
{
	static const char *const bad[] = { "SN[0-9", "a)|(b", "(a)\\1", "a{1000}{1000}{1000}", "*a)" };
	char longest[LIMIT_PATTERN_BYTES + 2];
	struct batch_wish w = wish("lot-1");

	(void)state;
	w.pattern = "";
	refuse(&w, ERR_USAGE, "--pattern is empty");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		w.pattern = bad[i];
		refuse(&w, ERR_USAGE, "the pattern");
	}
	memset(longest, 'a', sizeof(longest));
	longest[LIMIT_PATTERN_BYTES + 1] = '\0';
	w.pattern = longest;
	refuse(&w, ERR_USAGE, "longer than");
	longest[LIMIT_PATTERN_BYTES] = '\0';
	assert_true(make(&w, NULL));
	assert_string_equal(find("lot-1").pattern, longest);
}

/* A listed device that the pattern keeps out could never be issued: it is named, with its place in the list. */
static void
test_pattern_and_list(void **state)
{
	static const char *const ids[] = { "SN3", "SN1", "TN2", NULL }, *const longer[] = { "SN1", "SN12", NULL };
	struct batch_wish w = wish("lot-1");

	(void)state;
	w.listed = true;
	w.pattern = "SN[0-9]";
	assert_int_equal(plan_list(&w, ids), ERR_USAGE);
	assert_non_null(strstr(err.log_text, "devices, entry 3: TN2 does not fit the pattern"));
	w.list_name = "labels.csv, line";
	assert_int_equal(plan_list(&w, ids), ERR_USAGE);
	assert_non_null(strstr(err.log_text, "labels.csv, line 3: TN2"));
	/* the whole of an id must fit, also to each side of a "|" */
	assert_int_equal(plan_list(&w, longer), ERR_USAGE);
	assert_non_null(strstr(err.log_text, "SN12"));
	w.pattern = "SN1|SN";
	assert_int_equal(plan_list(&w, longer), ERR_USAGE);
	assert_non_null(strstr(err.log_text, "SN12"));
	w.pattern = "SN1|SN12";
	assert_int_equal(plan_list(&w, longer), ERR_OK);
}

static void
test_empty_list(void **state)
{
	struct batch_wish w = wish("lot-1");

	(void)state;
	w.listed = true;
	refuse(&w, ERR_USAGE, "devices, entry: it lists no device");
	w.list_name = "labels.csv, line";
	refuse(&w, ERR_USAGE, "labels.csv, line: it lists no device");
}

/* ---- AWS */

static void
test_aws(void **state)
{
	struct batch_wish w = wish("lot-1");

	(void)state;
	w.aws = "";
	refuse(&w, ERR_USAGE, "--aws is empty");
	w.aws = "nowhere";
	refuse(&w, ERR_USAGE, "nowhere");
	w.aws = "aws,aws";
	refuse(&w, ERR_USAGE, "twice");
}

/* Where things are made a device id must do as a thing's name; a listed one that does not is named before anything is made. */
static void
test_things(void **state)
{
	static const char *const ids[] = { "dev-1", "dev.2", NULL };
	struct batch_wish w = wish("lot-1");

	(void)state;
	w.listed = true;
	assert_int_equal(plan_list(&w, ids), ERR_OK);
	home->config.targets[0].things = true;
	assert_int_equal(plan_list(&w, ids), ERR_USAGE);
	assert_non_null(strstr(err.log_text, "devices, entry 2: "));
	assert_non_null(strstr(err.log_text, "dev.2"));
	assert_non_null(strstr(err.log_text, "No batch was made."));
	assert_false(make(&w, ids));
	assert_false(exists("lot-1"));
}

/* ---- one at a time */

static void
test_lock(void **state)
{
	struct batch_wish w = wish("lot-1");
	int fd = -1, again = -1;
	struct err e;

	(void)state;
	assert_int_equal(home_lock(home, HOME_BATCH_LOCK, "the test", &fd, &e), ERR_OK);
	assert_int_equal(plan(&w), ERR_OK);	/* to look needs no lock */
	assert_false(make(&w, NULL));
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_non_null(strstr(err.log_text, "another batch create"));
	assert_false(exists("lot-1"));
	(void)close(fd);
	assert_true(make(&w, NULL));
	/* given back, also after one that failed */
	assert_false(make(&w, NULL));
	assert_int_equal(home_lock(home, HOME_BATCH_LOCK, "the test", &again, &e), ERR_OK);
	(void)close(again);
}

#define ORDER(test)	cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ORDER(test_plain), ORDER(test_all_of_it), ORDER(test_plan_changes_nothing), ORDER(test_name), ORDER(test_name_taken),
		ORDER(test_ca), ORDER(test_no_active_ca), ORDER(test_profile), ORDER(test_pattern), ORDER(test_pattern_and_list),
		ORDER(test_empty_list), ORDER(test_aws), ORDER(test_things), ORDER(test_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
