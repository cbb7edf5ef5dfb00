#include "cmocka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "config.h"

static char path[64];

/* Loads text as a configuration file. */
static enum err_code
load(const char *text, struct config *c, struct err *e)
{
	enum err_code rc;
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/lineca-test-config-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
	rc = config_load(path, c, e);
	(void)unlink(path);
	return rc;
}

/* The file that init writes says exactly what holds without a file. */
static void
test_written_file_is_the_defaults(void **state)
{
	struct config defaults, loaded;
	struct err e;
	size_t len;
	char *text = config_text(&len);

	(void)state;
	config_defaults(&defaults);
	assert_int_equal(load(text, &loaded, &e), ERR_OK);
	assert_int_not_equal(loaded.targets[0].set, 0);	/* [aws] says it all, */
	loaded.targets[0].set = 0;			/* and nothing new */
	assert_memory_equal(&defaults, &loaded, sizeof(defaults));
	assert_string_equal(loaded.server_listen, "127.0.0.1:8080");
	assert_int_equal(loaded.profiles[0].validity_s, INT64_C(3650) * 86400);
	assert_int_equal(loaded.profiles[0].backdate_s, 3600);
	free(text);
}

static void
test_values(void **state)
{
	struct config c;
	struct err e;

	(void)state;
	assert_int_equal(load("enroll = open\n[commit]\nqueue = 7 ; a word\n[profile ieee]\nno_expiry = yes\nmay_outlive_ca = yes\n"
	    "[profile default]\nvalidity_days = 30\nbackdate_minutes = 0\n[server]\nlisten = [::1]:9\n", &c, &e), ERR_OK);
	assert_int_equal(c.server_enroll, ENROLL_OPEN);
	assert_int_equal(c.commit_queue, 7);
	assert_string_equal(c.server_listen, "[::1]:9");
	assert_non_null(config_profile(&c, "ieee"));
	assert_true(config_profile(&c, "ieee")->no_expiry);
	assert_int_equal(config_profile(&c, "default")->validity_s, 30 * 86400);
	assert_null(config_profile(&c, "absent"));
}

static void
test_errors_name_the_line(void **state)
{
	static const struct { const char *text, *expected; } bad[] = {
		{ "[server]\nlisten = here\n", "line 2" },
		{ "[server]\nlisten = 127.0.0.1:99999\n", "ADDRESS:PORT" },
		{ "[server]\nlisten = ::1:80\n", "ADDRESS:PORT" },
		{ "[server]\n\nenroll = yes\n", "line 3: enroll = yes: one of loopback, open" },
		{ "[commit]\nqueue = 0\n", "a whole number from 1 to 65536" },
		{ "[commit]\nqueue = 12x\n", "12x" },
		{ "[commit]\nqueue =\n", "queue" },
		{ "[server]\nlisten =\n", "ADDRESS:PORT" },
		{ "[commit]\nnonsense = 1\n", "no setting nonsense" },
		{ "[nowhere]\nqueue = 1\n", "queue stands in [nowhere], and there is no such section" },
		{ "[profile x/y]\nvalidity_days = 1\n", "[profile x/y]" },
		{ "[profile p]\nfoo = 1\n", "[profile p] has no setting foo" },
		{ "[profile p]\nno_expiry = yes\n", "needs may_outlive_ca" },
		{ "[commit]\ngroup_max = 4\ngroup_enough = 5\n", "group_enough = 5 is more than group_max = 4" },
		{ "this is not a setting\n", "line 1" },
	};
	struct config c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(load(bad[i].text, &c, &e), ERR_CONFIG);
		if (strstr(e.log_text, bad[i].expected) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", e.log_text, bad[i].expected);
		assert_non_null(strstr(e.log_text, path));
	}
	assert_int_equal(config_load("/nonexistent/lineca.conf", &c, &e), ERR_NOT_FOUND);
}

/* ---- [aws] */

static void
test_aws_defaults(void **state)
{
	struct config c;
	struct err e;
	const struct target *t;

	(void)state;
	assert_int_equal(load("", &c, &e), ERR_OK);
	assert_int_equal(c.targets_count, 1);
	t = config_target(&c, "");
	assert_ptr_equal(t, &c.targets[0]);
	assert_ptr_equal(t, config_target(&c, "aws"));
	assert_null(config_target(&c, "eu"));
	assert_string_equal(t->name, "");
	assert_string_equal(t->account, "");
	assert_string_equal(t->thing_name, "{device_id}");
	assert_int_equal(t->with_ca, 1);
	assert_int_equal(t->imds, 0);
	assert_int_equal(t->things, 0);
	assert_int_equal(t->status, TARGET_ACTIVE);
	assert_int_equal(t->thing_exists, TARGET_PARK);
	assert_int_equal(t->policies_count, 0);
	assert_int_equal(t->rate_register_certificate, 10);
	assert_int_equal(t->rate_update_certificate, 10);
	assert_int_equal(t->rate_describe_certificate, 10);
	assert_int_equal(t->rate_create_thing, 15);
	assert_int_equal(t->rate_describe_thing, 100);
	assert_int_equal(t->rate_attach_thing_principal, 15);
	assert_int_equal(t->rate_attach_policy, 15);
	assert_int_equal(t->rate_add_thing_to_thing_group, 60);
	assert_int_equal(t->connections, 32);
	assert_int_equal(t->give_up_s, 300);
}

/* A section has what [aws] says wherever it says nothing, and [aws] may come last. */
static void
test_aws_inherits(void **state)
{
	struct config c;
	struct err e;
	const struct target *t;

	(void)state;
	assert_int_equal(load("[aws eu]\nregion = eu-central-1\nstatus = inactive\npolicies = p3\naccount =\n"
	    "[aws bare]\nthings = no\n"
	    "[aws]\naccount = 123456789012\nregion = us-east-1\nthings = yes\nthing_type = pump\nthing_group = g\npolicies = p1, p2\n"
	    "status = active_at_end\nrate_create_thing = 7\nthing_exists = keep\n"
	    "[aws eu]\nconnections = 3\n", &c, &e), ERR_OK);
	assert_int_equal(c.targets_count, 3);
	t = config_target(&c, "eu");
	assert_string_equal(t->name, "eu");
	assert_string_equal(t->account, "");	/* said, as empty */
	assert_string_equal(t->region, "eu-central-1");
	assert_int_equal(t->status, TARGET_INACTIVE);
	assert_int_equal(t->policies_count, 1);
	assert_string_equal(t->policies[0], "p3");
	assert_string_equal(t->thing_type, "pump");
	assert_int_equal(t->things, 1);
	assert_int_equal(t->thing_exists, TARGET_KEEP);
	assert_int_equal(t->rate_create_thing, 7);
	assert_int_equal(t->connections, 3);
	assert_int_equal(config_target(&c, "aws")->connections, 32);
	/* one that makes no things has nothing of how [aws] makes them */
	t = config_target(&c, "bare");
	assert_string_equal(t->account, "123456789012");
	assert_string_equal(t->thing_type, "");
	assert_string_equal(t->thing_group, "");
	assert_int_equal(t->policies_count, 2);
	assert_string_equal(t->policies[1], "p2");
}

static void
test_aws_lists(void **state)
{
	char text[8192] = "[aws]\npolicies = p0", want[16];
	struct config c;
	struct err e;

	(void)state;
	for (int i = 1; i < LIMIT_POLICIES; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), i % 2 ? ",\n   p%d" : "\n   p%d", i);
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
	    "\n[aws eu]\npolicies = other\npolicies = more\n[aws none]\npolicies =\n");
	assert_int_equal(load(text, &c, &e), ERR_OK);
	assert_int_equal(c.targets[0].policies_count, LIMIT_POLICIES);
	for (int i = 0; i < LIMIT_POLICIES; i++) {
		(void)snprintf(want, sizeof(want), "p%d", i);
		assert_string_equal(c.targets[0].policies[i], want);
	}
	assert_int_equal(config_target(&c, "eu")->policies_count, 2);
	assert_int_equal(config_target(&c, "none")->policies_count, 0);
	/* a list may be empty, and full */
	(void)snprintf(text, sizeof(text), "[aws]\nthing_attributes =");
	for (int i = 0; i < 40; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "\n  %0120d = y,", i);
	assert_int_equal(load(text, &c, &e), ERR_CONFIG);
	assert_non_null(strstr(e.log_text, "thing_attributes: longer than 4095"));
}

static void
test_aws_errors(void **state)
{
	static const struct { const char *text, *expected; } bad[] = {
		{ "[aws]\naccount = 12345678901\n", "line 2: account = 12345678901: an AWS account is exactly 12 digits" },
		{ "[aws]\naccount = 12345678901x\n", "12 digits" },
		{ "[aws]\nregion = EU\n", "region = EU" },
		{ "[aws]\nregion = abcdefghijklmnopqrstuvwxyz-abcdefgh\n", "region: longer than 32" },
		{ "[aws]\nstatus = on\n", "one of active, active_at_end, inactive" },
		{ "[aws]\nwith_ca = 1\n", "one of no, yes" },
		{ "[aws]\nrate_create_thing = 0\n", "from 1 to 10000" },
		{ "[aws]\nconnections = 257\n", "from 1 to 256" },
		{ "[aws]\ngive_up_s = 9\n", "from 10 to 86400" },
		{ "[aws]\ncolour = red\n", "[aws] has no setting colour" },
		{ "[aws eu]\ncolour = red\n", "[aws eu] has no setting colour" },
		{ "[aws a/b]\nregion = x\n", "[aws a/b]" },
		{ "[aws aws]\nregion = x\n", "[aws aws]" },
		{ "[aws ]\nregion = x\n", "[aws ]" },
		{ "[awsx]\nregion = x\n", "no such section" },
		{ "[aws eu]\nthing_group = g\n", "[aws eu] thing_group needs things = yes" },
		{ "[aws]\nthing_type = t\n", "[aws] thing_type needs things = yes" },
		{ "[aws]\nthing_name = x{serial}\n", "thing_name needs things = yes" },
		{ "[aws]\nthing_exists = keep\n", "thing_exists needs things = yes" },
		{ "[aws]\nthings = yes\nthing_type = a.b\n", "thing_type = a.b: 1 to 128" },
		{ "[aws]\nthings = yes\nthing_name =\n", "all devices would be one thing" },
		{ "[aws]\npolicies = a b\n", "policies: a b" },
		{ "[aws]\npolicies = a\tb\n", "characters that cannot be printed" },
	};
	char text[1024];
	struct config c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (load(bad[i].text, &c, &e) != ERR_CONFIG)
			fail_msg("\"%s\" is taken", bad[i].text);
		if (strstr(e.log_text, bad[i].expected) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", e.log_text, bad[i].expected);
	}
	/* inih would take the end of a long line for another line */
	(void)snprintf(text, sizeof(text), "[aws]\npolicies = %0200d\n", 1);
	assert_int_equal(load(text, &c, &e), ERR_CONFIG);
	assert_non_null(strstr(e.log_text, "line 2: longer than 198"));
	for (int i = 0, n = 0; i < LIMIT_TARGETS; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "[aws x%d]\nregion = x\n", i);
	assert_int_equal(load(text, &c, &e), ERR_CONFIG);
	assert_non_null(strstr(e.log_text, "more than 16 sections"));
}

static void
test_batch_targets(void **state)
{
	const struct target *out[LIMIT_TARGETS];
	char many[256] = "a";
	struct config c;
	struct err e;
	size_t n = 99;

	(void)state;
	assert_int_equal(load("[aws a]\nregion = x\n[aws b]\nregion = y\n", &c, &e), ERR_OK);
	assert_int_equal(config_batch_targets(&c, "", out, &n, &e), ERR_OK);
	assert_int_equal(n, 1);
	assert_ptr_equal(out[0], &c.targets[0]);
	assert_int_equal(config_batch_targets(&c, "b,aws,a", out, &n, &e), ERR_OK);
	assert_int_equal(n, 3);
	assert_string_equal(out[0]->name, "b");
	assert_string_equal(out[1]->name, "");
	assert_string_equal(out[2]->name, "a");
	assert_int_equal(config_batch_targets(&c, "a,gone", out, &n, &e), ERR_CONFIG);
	assert_non_null(strstr(e.log_text, "[aws gone]"));
	assert_int_equal(config_batch_targets(&c, "a,", out, &n, &e), ERR_CONFIG);
	assert_int_equal(config_batch_targets(&c, ",a", out, &n, &e), ERR_CONFIG);
	for (int i = 0; i < LIMIT_TARGETS; i++)
		(void)snprintf(many + strlen(many), sizeof(many) - strlen(many), ",a");
	assert_int_equal(config_batch_targets(&c, many, out, &n, &e), ERR_CONFIG);
}

static void
test_loopback(void **state)
{
	(void)state;
	assert_true(config_is_loopback("127.0.0.1"));
	assert_true(config_is_loopback("127.9.9.9"));
	assert_true(config_is_loopback("::1"));
	assert_false(config_is_loopback("0.0.0.0"));
	assert_false(config_is_loopback("::"));
	assert_false(config_is_loopback("192.168.0.1"));
	assert_false(config_is_loopback("::ffff:127.0.0.1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_file_is_the_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_errors_name_the_line),
		cmocka_unit_test(test_aws_defaults),
		cmocka_unit_test(test_aws_inherits),
		cmocka_unit_test(test_aws_lists),
		cmocka_unit_test(test_aws_errors),
		cmocka_unit_test(test_batch_targets),
		cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
