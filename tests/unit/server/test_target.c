/* Templates of thing names and attributes, and what a section of lineca.conf may say together. */
#include "cmocka_test.h"

#include <stdio.h>
#include <string.h>

#include "config.h"

static const struct target_values values = { "SN:1", "4a00", "lot-7" };

/* [aws] with things = yes. */
static struct target
with_things(void)
{
	static struct config c;

	config_defaults(&c);
	c.targets[0].things = 1;
	return c.targets[0];
}

static void
set(char *field, size_t size, const char *text)
{
	assert_true(strlen(text) < size);
	(void)snprintf(field, size, "%s", text);
}
#define SET(field, text) set((field), sizeof(field), (text))

static void
test_thing_name(void **state)
{
	static const struct { const char *template, *expected; } good[] = {
		{ "{device_id}", "SN:1" }, { "{serial}", "4a00" }, { "x_{batch}-{device_id}:{serial}", "x_lot-7-SN:1:4a00" },
		{ "{device_id}{device_id}", "SN:1SN:1" },
	};
	char out[LIMIT_AWS_NAME_BYTES + 1];
	struct target t = with_things();
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		SET(t.thing_name, good[i].template);
		assert_int_equal(target_check(&t, &e), ERR_OK);
		assert_int_equal(target_thing_name(&t, &values, out, &e), ERR_OK);
		assert_string_equal(out, good[i].expected);
		assert_int_equal(target_takes(&t, values.device_id, values.batch, &e), ERR_OK);
	}
}

static void
test_thing_name_refused(void **state)
{
	struct target_values v = values;
	char out[LIMIT_AWS_NAME_BYTES + 1], id[LIMIT_DEVICE_ID_BYTES + 1];
	struct target t = with_things();
	struct err e;

	(void)state;
	v.device_id = "SN.1";
	assert_int_equal(target_thing_name(&t, &v, out, &e), ERR_SUBJECT);
	assert_non_null(strstr(e.client_text, "SN.1"));
	assert_non_null(strstr(e.client_text, "Correct"));
	assert_int_equal(target_takes(&t, "SN.1", "lot", &e), ERR_SUBJECT);
	t.things = 0;
	assert_int_equal(target_takes(&t, "SN.1", "lot", &e), ERR_OK);
	t.things = 1;
	/* the batch's name at fault, not the device's id */
	SET(t.thing_name, "{batch}-{device_id}");
	assert_int_equal(target_takes(&t, "SN1", "lot.7", &e), ERR_SUBJECT);
	assert_non_null(strstr(e.client_text, "lot.7-SN1"));
	/* only the serial counts */
	SET(t.thing_name, "{serial}");
	assert_int_equal(target_takes(&t, "SN.1", "lot.7", &e), ERR_OK);
	/* 64 + 1 + 64 is one too many, 64 + 64 is not */
	memset(id, 'a', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	v = (struct target_values){ id, "00", id };
	SET(t.thing_name, "{batch}{device_id}");
	assert_int_equal(target_thing_name(&t, &v, out, &e), ERR_OK);
	assert_int_equal(strlen(out), LIMIT_AWS_NAME_BYTES);
	SET(t.thing_name, "{batch}-{device_id}");
	assert_int_equal(target_thing_name(&t, &v, out, &e), ERR_SUBJECT);
	assert_non_null(strstr(e.client_text, "too long"));
}

static void
test_thing_name_templates_refused(void **state)
{
	static const char *const bad[] = {
		"", "pump", "{batch}", "{device}", "{device_id", "device_id}", "{device_id}}", "{{device_id}", "{Device_id}{serial}",
		"{device_id} ", "a.{device_id}", "{device_id}/{serial}", "{serial}{}", "\xc3\xa4{serial}"
	};
	struct target t = with_things();
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		SET(t.thing_name, bad[i]);
		if (target_check(&t, &e) != ERR_CONFIG || strstr(e.log_text, "[aws] thing_name = ") == NULL)
			fail_msg("\"%s\": %s", bad[i], e.log_text);
	}
}

static void
test_attributes(void **state)
{
	struct iot_attribute out[TARGET_ATTRIBUTES];
	struct target_values v = values;
	struct target t = with_things();
	struct err e;
	size_t n = 99;

	(void)state;
	assert_int_equal(target_thing_attributes(&t, &values, out, &n, &e), ERR_OK);
	assert_int_equal(n, 0);
	SET(t.thing_attributes, " sn = {device_id}, lot=no/{batch}=[1] ,,key:1={serial}");
	assert_int_equal(target_check(&t, &e), ERR_OK);
	assert_int_equal(target_thing_attributes(&t, &values, out, &n, &e), ERR_OK);
	assert_int_equal(n, 3);
	assert_string_equal(out[0].name, "sn");
	assert_string_equal(out[0].value, "SN:1");
	assert_string_equal(out[1].name, "lot");
	assert_string_equal(out[1].value, "no/lot-7=[1]");
	assert_string_equal(out[2].name, "key:1");
	assert_string_equal(out[2].value, "4a00");
	/* no device id and no batch name has such a character; should one ever, AWS is not asked */
	v.batch = "a b";
	assert_int_equal(target_thing_attributes(&t, &v, out, &n, &e), ERR_SUBJECT);
	assert_non_null(strstr(e.client_text, "lot"));
	assert_int_equal(target_takes(&t, "SN1", "a b", &e), ERR_SUBJECT);
}

static void
test_attributes_refused(void **state)
{
	static const char *const bad[] = {
		"sn", "sn=", "=x", "sn={devid}", "sn=a b", "a b=c", "sn=1,sn=2", "sn={", "a=\xc3\xa4",
	};
	char many[TARGET_TEXT_BYTES] = "";
	struct target t = with_things();
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		SET(t.thing_attributes, bad[i]);
		if (target_check(&t, &e) != ERR_CONFIG || strstr(e.log_text, "[aws] thing_attributes: ") == NULL)
			fail_msg("\"%s\": %s", bad[i], e.log_text);
	}
	/* 3 without a type, 50 with one */
	SET(t.thing_attributes, "a=1,b=2,c=3,d=4");
	assert_int_equal(target_check(&t, &e), ERR_CONFIG);
	assert_non_null(strstr(e.log_text, "more than 3"));
	SET(t.thing_type, "pump");
	assert_int_equal(target_check(&t, &e), ERR_OK);
	for (size_t i = 0; i <= TARGET_ATTRIBUTES; i++) {
		assert_int_equal(target_check(&t, &e), ERR_OK);
		(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "a%zu=%zu,", i, i);
		SET(t.thing_attributes, many);
	}
	assert_int_equal(target_check(&t, &e), ERR_CONFIG);
	assert_non_null(strstr(e.log_text, "more than 50"));
	/* values up to 800 */
	(void)snprintf(many, sizeof(many), "a=%0800d", 1);
	SET(t.thing_attributes, many);
	assert_int_equal(target_check(&t, &e), ERR_OK);
	(void)snprintf(many, sizeof(many), "a=%0801d", 1);
	SET(t.thing_attributes, many);
	assert_int_equal(target_check(&t, &e), ERR_CONFIG);
}

static void
test_policies(void **state)
{
	static const char *const bad[] = { "a/b", "a,b,a", "a,b c", "\xc3\xa4" };
	char many[TARGET_TEXT_BYTES] = "";
	struct target t = with_things();
	struct err e;

	(void)state;
	t.things = 0;
	SET(t.policies_text, "a, B_+=.@- ,c");
	assert_int_equal(target_check(&t, &e), ERR_OK);	/* without things too */
	assert_int_equal(t.policies_count, 3);
	assert_string_equal(t.policies[1], "B_+=.@-");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		SET(t.policies_text, bad[i]);
		assert_int_equal(target_check(&t, &e), ERR_CONFIG);
	}
	for (int i = 0; i <= LIMIT_POLICIES; i++)
		(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "p%d,", i);
	SET(t.policies_text, many);
	assert_int_equal(target_check(&t, &e), ERR_CONFIG);
	assert_non_null(strstr(e.log_text, "more than 10"));
	(void)snprintf(many, sizeof(many), "%0128d", 1);
	SET(t.policies_text, many);
	assert_int_equal(target_check(&t, &e), ERR_OK);
	assert_string_equal(t.policies[0], many);
	(void)snprintf(many, sizeof(many), "%0129d", 1);
	SET(t.policies_text, many);
	assert_int_equal(target_check(&t, &e), ERR_CONFIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thing_name),
		cmocka_unit_test(test_thing_name_refused),
		cmocka_unit_test(test_thing_name_templates_refused),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_attributes_refused),
		cmocka_unit_test(test_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
