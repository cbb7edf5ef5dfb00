/* What has happened lately, in virtual time: quarters, rates, shifts, refusals that are bounded whatever comes, and what is written down of them. */
#include "cmocka_test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db/ledger.h"
#include "pulse.h"
#include "refusals.h"
#include "view.h"

#define SECOND	INT64_C(1000000)
#define MINUTE	(60 * SECOND)
#define HOUR	(60 * MINUTE)
#define BEGIN	INT64_C(1780056000000000)	/* 2026-05-29T12:00:00Z: a half day begins, and a quarter */

enum { THREADS = 4, NOTES = 2000 };

static struct ledger *ledger;

static struct pulse *
pulse_make(void)
{
	struct pulse *p = NULL;
	struct err e;

	assert_int_equal(pulse_new("06:00,14:00,22:00", &p, &e), ERR_OK);
	return p;
}

static int
setup(void **state)
{
	ledger = ledger_new(&store_memory);
	*state = pulse_make();
	return 0;
}

static int
teardown(void **state)
{
	pulse_free(*state);
	ledger_free(ledger);
	return 0;
}

static void
issued(struct pulse *p, int64_t at_us, const char *batch)
{
	pulse_note(p, &(struct pulse_event){ .at_us = at_us, .outcome = PULSE_ISSUED, .device_id = "dev", .batch = batch, .station = "s", .door = "native",
		.serial = "0a" });
}

static void
refused(struct pulse *p, int64_t at_us, enum err_code code, const char *batch, const char *station)
{
	pulse_note(p, &(struct pulse_event){ .at_us = at_us, .outcome = PULSE_REFUSED, .code = code, .device_id = "dev", .batch = batch, .station = station,
		.door = "native" });
}

static cJSON *
shown(struct pulse *p, int64_t now_us)
{
	cJSON *o = cJSON_CreateObject();

	pulse_view(p, now_us, o);
	return o;
}

static const cJSON *
member(const cJSON *o, const char *a, const char *b)
{
	return cJSON_GetObjectItem(cJSON_GetObjectItem(o, a), b);
}

static int64_t
sum_of(const cJSON *list, const char *name)
{
	const cJSON *item;
	int64_t sum = 0;

	cJSON_ArrayForEach(item, list)
		sum += view_number_of(item, name);
	return sum;
}

static void
test_quarters_roll_over(void **state)
{
	struct pulse *p = *state;
	const cJSON *quarters;
	cJSON *o;

	for (int q = 0; q < 3 * PULSE_QUARTERS; q++) {
		issued(p, BEGIN + q * 15 * MINUTE, "lot");
		issued(p, BEGIN + q * 15 * MINUTE + 15 * MINUTE - 1, "lot");
	}
	o = shown(p, BEGIN + (3 * PULSE_QUARTERS - 1) * 15 * MINUTE);
	quarters = member(o, "rate", "quarters");
	assert_int_equal(cJSON_GetArraySize(quarters), PULSE_QUARTERS);
	for (int q = 0; q < PULSE_QUARTERS; q++)
		assert_int_equal(view_number_of(cJSON_GetArrayItem(quarters, q), "issued"), 2);
	cJSON_Delete(o);
	/* a day on nothing of it is there */
	o = shown(p, BEGIN + 3 * 24 * HOUR);
	assert_int_equal(sum_of(member(o, "rate", "quarters"), "issued"), 0);
	cJSON_Delete(o);
}

static void
test_rate(void **state)
{
	struct pulse *p = *state;

	for (int i = 0; i < 100; i++) {
		issued(p, BEGIN + i * 6 * SECOND, i % 4 == 0 ? "one" : "two");
		assert_true(pulse_count(p) == (uint64_t)i + 1);
	}
	assert_int_equal(pulse_per_hour(p, NULL, BEGIN + 9 * MINUTE), 600);
	assert_int_equal(pulse_per_hour(p, "one", BEGIN + 9 * MINUTE), 150);
	assert_int_equal(pulse_per_hour(p, "two", BEGIN + 9 * MINUTE), 450);
	assert_int_equal(pulse_per_hour(p, "none", BEGIN + 9 * MINUTE), 0);
	assert_int_equal(pulse_per_hour(p, NULL, BEGIN + 14 * MINUTE), 300);
	assert_int_equal(pulse_per_hour(p, NULL, BEGIN + HOUR), 0);
	assert_int_equal(pulse_last_issued_us(p), BEGIN + 99 * 6 * SECOND);
}

/* More batches than have a rate: those used last have it. */
static void
test_batches_that_were_not_used_make_room(void **state)
{
	struct pulse *p = *state;
	char name[16];

	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "lot-%d", i);
		issued(p, BEGIN + i * SECOND, name);
	}
	assert_int_equal(pulse_per_hour(p, "lot-199", BEGIN + 200 * SECOND), 6);
	assert_int_equal(pulse_per_hour(p, "lot-150", BEGIN + 200 * SECOND), 6);
	assert_int_equal(pulse_per_hour(p, "lot-0", BEGIN + 200 * SECOND), 0);
}

static void
test_clock_that_is_set_back(void **state)
{
	struct pulse *p = *state;
	cJSON *o;

	issued(p, BEGIN + 30 * 24 * HOUR, "lot");
	refused(p, BEGIN + 30 * 24 * HOUR, ERR_KEY, "lot", "s1");
	for (int i = 0; i < 5; i++)
		issued(p, BEGIN, "lot");
	refused(p, BEGIN, ERR_KEY, "lot", "s1");
	o = shown(p, BEGIN);
	assert_int_equal(sum_of(member(o, "rate", "quarters"), "issued"), 5);
	assert_int_equal(sum_of(member(o, "rate", "quarters"), "refused"), 1);
	assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(o, "refusals")) == 1);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(o, "recent")), 8);
	cJSON_Delete(o);
}

static void
test_shifts(void **state)
{
	struct pulse *p = *state;
	int64_t six = BEGIN - 6 * HOUR;
	cJSON *o;

	/* main sets TZ=UTC */
	issued(p, six - SECOND, "lot");
	issued(p, six, "lot");
	issued(p, six + 8 * HOUR - SECOND, "lot");
	refused(p, six + 8 * HOUR - SECOND, ERR_KEY, "lot", "s");
	o = shown(p, six + 8 * HOUR - SECOND);
	assert_int_equal(view_number_of(member(o, "rate", "shift"), "issued"), 2);
	assert_int_equal(view_number_of(member(o, "rate", "shift"), "refused"), 1);
	assert_string_equal(view_text_of(member(o, "rate", "shift"), "from"), "2026-05-29T06:00:00.000000Z");
	cJSON_Delete(o);
	o = shown(p, six + 8 * HOUR);
	assert_int_equal(view_number_of(member(o, "rate", "shift"), "issued"), 0);
	assert_string_equal(view_text_of(member(o, "rate", "shift"), "from"), "2026-05-29T14:00:00.000000Z");
	cJSON_Delete(o);
	/* behind midnight it is that of the evening before */
	o = shown(p, six + 20 * HOUR);
	assert_string_equal(view_text_of(member(o, "rate", "shift"), "from"), "2026-05-29T22:00:00.000000Z");
	cJSON_Delete(o);
}

static void
test_shifts_that_are_none(void **state)
{
	static const char *const none[] = { "", "6:00", "25:00", "06:60", "06:00,", "06:00,05:00", "06:00,06:00", "06:00 14:00",
		"00:00,01:00,02:00,03:00,04:00,05:00,06:00,07:00,08:00" };

	(void)state;
	assert_true(pulse_shifts_fit("06:00") && pulse_shifts_fit("00:00,01:00,02:00,03:00,04:00,05:00,06:00,23:59"));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(pulse_shifts_fit(none[i]), i == 4);	/* a comma at the end is let pass */
}

/* ---- refusals */

/* Stations without end: none of the real ones is lost, and what is over counts with its reason. */
static void
test_keys_are_bounded(void **state)
{
	enum { INVENTED = 5000 };
	struct pulse *p = *state;
	const cJSON *list, *item;
	char name[32];
	cJSON *o;
	int64_t sum = 0, real = 0;

	for (int i = 0; i < 10; i++)
		refused(p, BEGIN + i, ERR_KEY, "lot", "real");
	for (int i = 0; i < INVENTED; i++) {
		(void)snprintf(name, sizeof(name), "fake-%d", i);
		refused(p, BEGIN + 20 + i, ERR_UNAUTHORIZED, "lot", name);
		refused(p, BEGIN + 20 + i, ERR_BATCH_NOT_FOUND, name, "real");
	}
	o = shown(p, BEGIN + MINUTE);
	list = cJSON_GetObjectItem(o, "refusals");
	assert_true(cJSON_GetArraySize(list) <= REFUSAL_GROUPS + TALLY_CODES);
	cJSON_ArrayForEach(item, list) {
		sum += view_number_of(item, "count");
		if (strcmp(view_text_of(item, "station"), "real") == 0)
			real += view_number_of(item, "count");
	}
	assert_int_equal(sum, 10 + 2 * INVENTED);
	assert_int_equal(real, 10 + INVENTED);
	cJSON_Delete(o);
	o = cJSON_CreateObject();
	{
		struct err e;

		assert_int_equal(pulse_view_batch(p, ledger->ops, ledger->reader, "lot", BEGIN + MINUTE, o, &e), ERR_OK);
	}
	assert_true(sum_of(cJSON_GetObjectItem(o, "refusals"), "count") >= 10);
	cJSON_Delete(o);
}

static void
test_texts_are_one_line(void **state)
{
	struct pulse *p = *state;
	char *text, longest[300];
	cJSON *o;
	size_t len = 0;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	refused(p, BEGIN, ERR_KEY, "a\ndata: {}\n\n", "\xff\xc0\x80\x1b[2J");
	refused(p, BEGIN, ERR_KEY, longest, longest);
	refused(p, BEGIN, ERR_KEY, "\xe2\x82", "\xc2\x85");
	o = shown(p, BEGIN);
	text = view_print(o);
	assert_non_null(text);
	len = strlen(text);
	for (size_t i = 0; i + 1 < len; i++)
		assert_true((unsigned char)text[i] >= 0x20 && (unsigned char)text[i] < 0x7f);
	assert_non_null(strstr(text, "a?data: {}??"));
	assert_null(strstr(text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
	free(text);
}

/* ---- written down */

static int writes;
static enum err_code write_code;

static enum err_code
counted_write(struct store *s, const struct store_refusal *rows, size_t n, const struct store_refused *quarters, size_t quarters_n, int64_t since_us,
    struct err *e)
{
	writes++;
	if (write_code != ERR_OK)
		return err_set(e, write_code, "told to fail");
	return store_memory.refusals_write(s, rows, n, quarters, quarters_n, since_us, e);
}

static void
test_written_down_and_read_back(void **state)
{
	struct pulse *p = *state, *again;
	struct store_ops ops = store_memory;
	cJSON *a, *b;
	struct err e;
	char *x, *y;

	ops.refusals_write = counted_write;
	writes = 0;
	write_code = ERR_OK;
	pulse_keep(p, &ops, ledger->store, BEGIN, true);
	assert_int_equal(writes, 0);		/* nothing was refused */
	issued(p, BEGIN, "");
	pulse_keep(p, &ops, ledger->store, BEGIN, true);
	assert_int_equal(writes, 0);
	for (int i = 0; i < 7; i++)
		refused(p, BEGIN + i * MINUTE, i % 2 == 0 ? ERR_KEY : ERR_CSR_MALFORMED, "lot", "station-7");
	pulse_keep(p, &ops, ledger->store, BEGIN + HOUR, false);
	assert_int_equal(writes, 1);
	refused(p, BEGIN + 20 * MINUTE, ERR_KEY, "lot", "station-7");
	pulse_keep(p, &ops, ledger->store, BEGIN + HOUR, false);
	assert_int_equal(writes, 1);		/* not so soon again */
	write_code = ERR_STORAGE;
	pulse_keep(p, &ops, ledger->store, BEGIN + HOUR, true);
	pulse_keep(p, &ops, ledger->store, BEGIN + HOUR, true);
	assert_int_equal(writes, 3);
	write_code = ERR_OK;
	pulse_keep(p, &ops, ledger->store, BEGIN + HOUR, true);
	pulse_keep(p, &ops, ledger->store, BEGIN + HOUR, true);
	assert_int_equal(writes, 4);		/* what failed was tried again; what is written is not */

	again = pulse_make();
	assert_int_equal(pulse_recall(again, ledger->ops, ledger->reader, BEGIN + HOUR, &e), ERR_OK);
	a = shown(p, BEGIN + HOUR);
	b = shown(again, BEGIN + HOUR);
	x = cJSON_PrintUnformatted(cJSON_GetObjectItem(a, "refusals"));
	y = cJSON_PrintUnformatted(cJSON_GetObjectItem(b, "refusals"));
	assert_string_equal(x, y);
	assert_non_null(strstr(x, "\"count\":5"));
	assert_int_equal(sum_of(member(b, "rate", "quarters"), "refused"), 8);
	free(x);
	free(y);
	cJSON_Delete(a);
	cJSON_Delete(b);
	/* ten days on the batch has them, and the line does not show them any more */
	b = shown(again, BEGIN + 10 * 24 * HOUR);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(b, "refusals")), 0);
	assert_int_equal(pulse_view_batch(again, ledger->ops, ledger->reader, "lot", BEGIN + 10 * 24 * HOUR, b, &e), ERR_OK);
	cJSON_Delete(b);
	pulse_free(again);
	again = pulse_make();
	assert_int_equal(pulse_recall(again, ledger->ops, ledger->reader, BEGIN + 10 * 24 * HOUR, &e), ERR_OK);
	b = cJSON_CreateObject();
	assert_int_equal(pulse_view_batch(again, ledger->ops, ledger->reader, "lot", BEGIN + 10 * 24 * HOUR, b, &e), ERR_OK);
	assert_int_equal(sum_of(cJSON_GetObjectItem(b, "refusals"), "count"), 8);
	cJSON_Delete(b);
	b = cJSON_CreateObject();
	assert_int_equal(pulse_view_batch(again, ledger->ops, ledger->reader, "lot", BEGIN + 40 * 24 * HOUR, b, &e), ERR_OK);
	assert_int_equal(sum_of(cJSON_GetObjectItem(b, "refusals"), "count"), 0);
	cJSON_Delete(b);
	pulse_free(again);
}

/* ---- threads */

static void *
noter(void *arg)
{
	struct pulse *p = arg;

	for (int i = 0; i < NOTES; i++) {
		issued(p, BEGIN + i * SECOND, "lot");
		refused(p, BEGIN + i * SECOND, ERR_KEY, "lot", "s");
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct pulse *p = *state;
	pthread_t threads[THREADS];
	cJSON *o;

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, noter, p), 0);
	for (int i = 0; i < 50; i++) {
		cJSON_Delete(shown(p, BEGIN + NOTES * SECOND));
		pulse_keep(p, ledger->ops, ledger->store, BEGIN + NOTES * SECOND, true);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(pulse_count(p) == (uint64_t)2 * THREADS * NOTES);
	o = shown(p, BEGIN + NOTES * SECOND);
	assert_int_equal(sum_of(cJSON_GetObjectItem(o, "refusals"), "count"), THREADS * NOTES);
	cJSON_Delete(o);
}

/* How many in a row, until one is not refused. */
static void
test_streak(void **state)
{
	struct pulse *p = *state;

	assert_int_equal(pulse_streak(p).refused, 0);
	issued(p, BEGIN, "lot");
	refused(p, BEGIN + SECOND, ERR_DEVICE_EXISTS, "lot", "s");
	refused(p, BEGIN + 2 * SECOND, ERR_CSR_SIGNATURE, "lot", "s");
	assert_int_equal(pulse_streak(p).refused, 2);
	assert_int_equal(pulse_streak(p).code, ERR_CSR_SIGNATURE);
	assert_int_equal(pulse_streak(p).last_us, BEGIN + 2 * SECOND);
	/* a device that asks again is answered: the line works */
	pulse_note(p, &(struct pulse_event){ .at_us = BEGIN + 3 * SECOND, .outcome = PULSE_REPEATED, .device_id = "dev", .batch = "lot", .station = "s",
		.door = "native", .serial = "0a" });
	assert_int_equal(pulse_streak(p).refused, 0);
}

/* The line's streak ends with any certificate, a station's with one of its own. */
static void
test_streaks_of_stations(void **state)
{
	struct pulse_streak found[3];
	struct pulse *p = *state;

	for (int i = 1; i <= 3; i++) {
		refused(p, BEGIN + i * SECOND, ERR_KEY, "lot", "bad");
		issued(p, BEGIN + i * SECOND, "lot");
	}
	assert_int_equal(pulse_station_streaks(p, 4, 0, found, 3), 0);
	assert_int_equal(pulse_station_streaks(p, 3, 0, found, 3), 1);
	assert_string_equal(found[0].station, "bad");
	assert_int_equal(found[0].code, ERR_KEY);
	assert_int_equal(pulse_station_streaks(p, 3, BEGIN + 3 * SECOND, found, 3), 0);	/* too long ago */
	pulse_note(p, &(struct pulse_event){ .at_us = BEGIN + 4 * SECOND, .outcome = PULSE_ISSUED, .device_id = "dev", .batch = "lot", .station = "bad",
		.door = "native", .serial = "0a" });
	assert_int_equal(pulse_station_streaks(p, 1, 0, found, 3), 0);
	/* more stations than there is room: the one that was refused longest ago goes, the latest come first */
	for (int i = 0; i <= PULSE_STATIONS; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "s%d", i);
		refused(p, BEGIN + (10 + i) * SECOND, ERR_KEY, "lot", name);
	}
	refused(p, BEGIN + 100 * SECOND, ERR_KEY, "lot", "s0");
	assert_int_equal(pulse_station_streaks(p, 1, 0, found, 3), 3);
	assert_string_equal(found[0].station, "s0");
	assert_int_equal(found[0].refused, 1);
	assert_string_equal(found[1].station, "s64");
}

/* A refused device is found by its id, as long as a thousand others were not refused since. */
static void
test_refused_device(void **state)
{
	struct pulse *p = *state;
	struct pulse_event ev = { .outcome = PULSE_REFUSED, .code = ERR_DEVICE_NOT_LISTED, .batch = "lot", .station = "s", .door = "native" };
	cJSON *o = cJSON_CreateObject();

	for (int i = 0; i <= PULSE_SET_ASIDE; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "d%d", i);
		ev.device_id = id;
		ev.at_us = BEGIN + i;
		pulse_note(p, &ev);
	}
	assert_int_equal(pulse_view_device(p, "d0", o), 0);
	cJSON_Delete(o);
	o = cJSON_CreateObject();
	assert_int_equal(pulse_view_device(p, "d1", o), 1);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(o, "refusals"), 0), "code")), "device_not_listed");
	cJSON_Delete(o);
}

/* 06:00, 14:00, 22:00: the end is the next one's begin, tomorrow's after the last. */
static void
test_shift_ends(void **state)
{
	const int64_t hour = 3600 * SECOND, day = BEGIN / (24 * hour) * (24 * hour);
	struct pulse *p = *state;

	assert_true(pulse_shift_end_us(p, day + 5 * hour) == day + 6 * hour);
	assert_true(pulse_shift_end_us(p, day + 6 * hour) == day + 14 * hour);
	assert_true(pulse_shift_end_us(p, day + 23 * hour) == day + 30 * hour);
}

#define PULSE(test)	cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PULSE(test_streak), PULSE(test_streaks_of_stations), PULSE(test_refused_device), PULSE(test_shift_ends),
		PULSE(test_quarters_roll_over), PULSE(test_rate), PULSE(test_batches_that_were_not_used_make_room), PULSE(test_clock_that_is_set_back),
		PULSE(test_shifts), PULSE(test_shifts_that_are_none), PULSE(test_keys_are_bounded), PULSE(test_texts_are_one_line),
		PULSE(test_written_down_and_read_back), PULSE(test_threads),
	};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
