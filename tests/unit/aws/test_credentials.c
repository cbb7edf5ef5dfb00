#include "cmocka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/credentials.h"
#include "aws/environment.h"
#include "aws_home.h"
#include "base/clock.h"
#include "http_fixture.h"

#define KEYS(id) "aws_access_key_id = " id "\naws_secret_access_key = " SECRET "\n"
#define ANSWER(id, end) "{\"Version\":1,\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"" SECRET "\",\"Token\":\"" TOKEN \
	"\",\"SessionToken\":\"" TOKEN "\",\"Expiration\":\"" end "\"}"

#define LONGEST "l0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" \
	"012345678901234567890123456"

enum { PAUSE_MS = 300 };	/* between two attempts */

/* 2026-11-20T20:00:00Z */
static const int64_t evening_s = 1795204800;

static struct aws_environment env;
static struct clock clk;
static struct credential_source *source;

static void
set(const char *name, const char *value)
{
	assert_int_equal(setenv(name, value, 1), 0);
}

static int
setup(void **state)
{
	clk = clock_fixed(evening_s * 1000000);
	return aws_home_setup(state);
}

static void
close_source(void)
{
	credential_source_free(source);
	source = NULL;
	environment_done(&env);
}

static int
teardown(void **state)
{
	close_source();
	return aws_home_teardown(state);
}

static enum err_code
open_source(const char *profile, bool imds, struct err *e)
{
	const struct credential_options o = { .clock = &clk, .imds = imds, .pause_ms = PAUSE_MS };
	enum err_code rc;

	close_source();
	if ((rc = environment_read(profile, &env, e)) != ERR_OK)
		return rc;
	return credential_source_new(&env, &o, &source, e);
}

static void
refused(const char *profile, enum err_code code, const char *says)
{
	struct err e = { 0 };

	assert_int_equal(open_source(profile, false, &e), code);
	assert_says(&e, says);
	assert_null(source);
}

static const struct aws_credentials *
get_ok(void)
{
	const struct aws_credentials *c = NULL;
	struct err e = { 0 };

	if (credential_source_get(source, &c, &e) != ERR_OK)
		fail_msg("%s", e.log_text);
	assert_int_equal(e.code, ERR_OK);
	return c;
}

/* Opens and compares. */
static void
check(const char *profile, bool imds, const char *access_key, const char *from)
{
	const struct aws_credentials *c;
	struct err e = { 0 };

	if (open_source(profile, imds, &e) != ERR_OK)
		fail_msg("%s", e.log_text);
	c = get_ok();
	assert_string_equal(c->access_key, access_key);
	assert_string_equal(c->secret_key, SECRET);
	if (strstr(c->source, from) == NULL)
		fail_msg("source %s", c->source);
	assert_null(strstr(c->source, SECRET_MARK));
}

/* Makes .aws/give, which answers with credentials and counts its runs in .aws/runs. */
static void
write_process(const char *access_key, const char *end)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "#!/bin/sh\necho run >>\"$HOME/.aws/runs\"\necho '{\"Version\":1,\"AccessKeyId\":\"%s\","
	    "\"SecretAccessKey\":\"" SECRET "\",\"SessionToken\":\"" TOKEN "\",\"Expiration\":\"%s\"}'\n", access_key, end);
	aws_home_write("give", 0700, text);
}

static int
runs(void)
{
	char line[16];
	FILE *f = fopen(aws_home_path("runs"), "r");
	int n = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		n++;
	if (f != NULL)
		(void)fclose(f);
	return n;
}

static void
test_nobody_has_any(void **state)
{
	(void)state;
	refused(NULL, ERR_NOT_FOUND, "there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
	aws_home_write("config", 0600, "[profile p]\nregion = x-1\n");
	refused("p", ERR_NOT_FOUND, "no AWS credentials in the profile p: set");
	assert_int_equal(unsetenv("HOME"), 0);
	refused(NULL, ERR_NOT_FOUND, "HOME is not set");
}

static void
test_environment(void **state)
{
	const struct aws_credentials *c;
	struct err e = { 0 };

	(void)state;
	set("AWS_ACCESS_KEY_ID", "AKIDENV");
	refused(NULL, ERR_CONFIG, "AWS_SECRET_ACCESS_KEY is missing");
	set("AWS_SECRET_ACCESS_KEY", SECRET);
	check(NULL, false, "AKIDENV", "environment");
	assert_string_equal(get_ok()->session_token, "");
	set("AWS_SECURITY_TOKEN", "old");
	check(NULL, false, "AKIDENV", "environment");
	assert_string_equal(get_ok()->session_token, "old");
	set("AWS_SESSION_TOKEN", TOKEN);
	set("AWS_CREDENTIAL_EXPIRATION", "2026-11-20T20:05:00Z");
	check(NULL, false, "AKIDENV", "environment");
	c = get_ok();		/* fewer than ten minutes, and nobody to ask */
	assert_string_equal(c->session_token, TOKEN);
	assert_int_equal(c->expires_at_s, evening_s + 300);
	assert_false(credential_source_renew(source, &e));
	assert_says(&e, "give new ones and start again");
	clk.fixed_us += 300 * INT64_C(1000000);
	assert_int_equal(credential_source_get(source, &c, &e), ERR_CONFIG);
	assert_says(&e, "(environment) ended at 2026-11-20T20:05:00Z");
	refused(NULL, ERR_CONFIG, "ended at 2026-11-20T20:05:00Z");
	set("AWS_CREDENTIAL_EXPIRATION", SECRET);
	refused(NULL, ERR_CONFIG, "environment: the expiration is no moment");
	assert_int_equal(unsetenv("AWS_CREDENTIAL_EXPIRATION"), 0);
	set("AWS_SESSION_TOKEN", TOKEN "\r\nX: 1");
	refused(NULL, ERR_CONFIG, "environment: the session token has a blank");
	set("AWS_SESSION_TOKEN", "");
	set("AWS_SECRET_ACCESS_KEY", SECRET " ");
	refused(NULL, ERR_CONFIG, "the secret access key has a blank");
	assert_int_equal(unsetenv("AWS_ACCESS_KEY_ID"), 0);
	refused(NULL, ERR_CONFIG, "AWS_ACCESS_KEY_ID is missing");
}

/* Each takes the place of the next; a profile that is named by an argument takes that of the environment. */
static void
test_order(void **state)
{
	char config[512];

	(void)state;
	write_process("AKIDPROCESS", "2026-11-21T05:00:00Z");
	set("AWS_ACCESS_KEY_ID", "AKIDENV");
	set("AWS_SECRET_ACCESS_KEY", SECRET);
	aws_home_write("credentials", 0600, "[default]\n" KEYS("AKIDSHARED"));
	(void)snprintf(config, sizeof(config), "[default]\ncredential_process = %s\n" KEYS("AKIDCONFIG"), aws_home_path("give"));
	aws_home_write("config", 0600, config);
	set("AWS_PROFILE", "default");
	check(NULL, false, "AKIDENV", "environment");
	check("default", false, "AKIDSHARED", "profile default in ");
	check("default", false, "AKIDSHARED", aws_home_path("credentials"));
	assert_int_equal(unsetenv("AWS_ACCESS_KEY_ID"), 0);
	assert_int_equal(unsetenv("AWS_SECRET_ACCESS_KEY"), 0);
	check(NULL, false, "AKIDSHARED", "profile default in ");
	assert_int_equal(runs(), 0);
	aws_home_write("credentials", 0600, "[other]\n" KEYS("AKIDOTHER"));
	check(NULL, false, "AKIDPROCESS", "credential_process of profile default");
	aws_home_write("config", 0600, "[default]\n" KEYS("AKIDCONFIG") "aws_session_token = " TOKEN "\n");
	check(NULL, false, "AKIDCONFIG", aws_home_path("config"));
	assert_string_equal(get_ok()->session_token, TOKEN);
}

static void
test_half_a_pair(void **state)
{
	(void)state;
	aws_home_write("credentials", 0600, "[default]\naws_access_key_id = AKID\n");
	refused(NULL, ERR_CONFIG, "aws_secret_access_key is missing beside aws_access_key_id");
	aws_home_write("credentials", 0600, "[default]\naws_secret_access_key = " SECRET "\n");
	refused(NULL, ERR_CONFIG, "aws_access_key_id is missing beside aws_secret_access_key");
	aws_home_write("credentials", 0600, "[default]\naws_access_key_id = AKID\naws_secret_access_key = " SECRET " x\n");
	refused(NULL, ERR_CONFIG, "credentials: the secret access key has a blank");
	aws_home_write("credentials", 0600, "[default]\naws_access_key_id =\naws_secret_access_key = " SECRET "\n");
	refused(NULL, ERR_CONFIG, "the access key id is missing");
}

static void
test_elsewhere(void **state)
{
	static const char *const keys[] = { "role_arn", "source_profile", "credential_source", "web_identity_token_file", "sso_session",
	    "sso_start_url", "sso_account_id", "sso_role_name", "login_session" };
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		(void)snprintf(text, sizeof(text), "[profile plant]\n%s = x" SECRET "\n" KEYS("AKIDSOURCE"), keys[i]);
		aws_home_write("config", 0600, text);
		refused("plant", ERR_CONFIG, "credential_process = aws configure export-credentials --profile plant --format process");
		refused("plant", ERR_CONFIG, keys[i]);
	}
	/* the longest name, and one with a blank, whole */
	(void)snprintf(text, sizeof(text), "[profile %s]\nweb_identity_token_file = x\n", LONGEST);
	aws_home_write("config", 0600, text);
	refused(LONGEST, ERR_CONFIG, "--profile " LONGEST " --format process");
	aws_home_write("config", 0600, "[profile \"my line\"]\nsso_session = x\n");
	refused("my line", ERR_CONFIG, "--profile 'my line' --format process");
	/* the same profile with that line: neither its keys nor those of the credentials file, which are the source's */
	write_process("ASIAROLE", "2026-11-21T05:00:00Z");
	aws_home_write("credentials", 0600, "[plant]\n" KEYS("AKIDSOURCE"));
	(void)snprintf(text, sizeof(text), "[profile plant]\nrole_arn = x\n" KEYS("AKIDSOURCE") "credential_process = %s\n",
	    aws_home_path("give"));
	aws_home_write("config", 0600, text);
	check("plant", false, "ASIAROLE", "credential_process of profile plant");
	set("AWS_WEB_IDENTITY_TOKEN_FILE", "/x");
	check("plant", false, "ASIAROLE", "credential_process of profile plant");
	refused(NULL, ERR_CONFIG, "AWS_WEB_IDENTITY_TOKEN_FILE");
}

static void
test_process_fails(void **state)
{
	(void)state;
	aws_home_write("config", 0600, "[default]\ncredential_process = /bin/sh -c 'echo " SECRET "; exit 7'\n");
	refused(NULL, ERR_CONFIG, "credential_process of profile default: credential_process ended with exit code 7");
	aws_home_write("config", 0600, "[default]\ncredential_process = /bin/echo '" ANSWER("A", "2026-11-20T19:59:59Z") "'\n");
	refused(NULL, ERR_CONFIG, "(credential_process of profile default) ended at 2026-11-20T19:59:59Z");
}

static void
open_process(void)
{
	char text[256];
	struct err e = { 0 };

	(void)snprintf(text, sizeof(text), "[default]\ncredential_process = %s\n", aws_home_path("give"));
	aws_home_write("config", 0600, text);
	assert_int_equal(open_source(NULL, false, &e), ERR_OK);
	assert_int_equal(runs(), 1);
}

static void
pass_s(int64_t s)
{
	clk.fixed_us += s * 1000000;
}

static void
pause_over(void)
{
	(void)usleep((2 * PAUSE_MS + 10) * 1000);
}

static void
test_renewal(void **state)
{
	const struct aws_credentials *c;
	struct err e = { 0 };

	(void)state;
	write_process("ASIA1", "2026-11-20T21:00:00Z");
	open_process();
	assert_string_equal(get_ok()->access_key, "ASIA1");
	pass_s(3000 - 1);		/* ten minutes and a second are left */
	assert_string_equal(get_ok()->access_key, "ASIA1");
	assert_int_equal(runs(), 1);
	write_process("ASIA2", "2026-11-20T22:00:00Z");
	pass_s(1);
	assert_string_equal(get_ok()->access_key, "ASIA2");
	assert_string_equal(get_ok()->access_key, "ASIA2");
	assert_int_equal(runs(), 2);

	/* it fails now: the old ones serve until they end, and it is asked again after a pause */
	aws_home_write("give", 0700, "#!/bin/sh\necho run >>\"$HOME/.aws/runs\"\necho " SECRET "\n");
	pass_s(3900);
	assert_string_equal(get_ok()->access_key, "ASIA2");
	assert_string_equal(get_ok()->access_key, "ASIA2");
	assert_int_equal(runs(), 2);	/* the last attempt is no pause ago, whatever the wall clock says */
	pause_over();
	assert_string_equal(get_ok()->access_key, "ASIA2");
	assert_string_equal(get_ok()->access_key, "ASIA2");
	assert_int_equal(runs(), 3);
	pause_over();
	assert_string_equal(get_ok()->access_key, "ASIA2");
	assert_int_equal(runs(), 4);
	pass_s(300);
	assert_int_equal(credential_source_get(source, &c, &e), ERR_CONFIG);
	assert_says(&e, "which are over and were not renewed");
	assert_says(&e, "no JSON object");
	assert_int_equal(runs(), 5);
	write_process("ASIA3", "2026-11-20T23:00:00Z");
	assert_int_equal(credential_source_get(source, &c, &e), ERR_CONFIG);	/* not asked for everybody who wants some */
	assert_says(&e, "no JSON object");
	pause_over();
	write_process("ASIA3", "2026-11-20T23:00:00Z");
	assert_string_equal(get_ok()->access_key, "ASIA3");
}

/* It hangs: nobody waits for long while the old ones hold, and not again at once; only what ends soon is worth half a minute. */
static void
test_slow_renewal(void **state)
{
	int64_t begin_us;

	(void)state;
	write_process("ASIA1", "2026-11-20T20:05:00Z");
	open_process();
	aws_home_write("give", 0700, "#!/bin/sh\necho run >>\"$HOME/.aws/runs\"\nexec sleep 60\n");
	begin_us = clock_monotonic_us();
	assert_string_equal(get_ok()->access_key, "ASIA1");
	assert_in_range(clock_monotonic_us() - begin_us, 4900 * 1000, 15000 * 1000);
	assert_int_equal(runs(), 2);
	assert_string_equal(get_ok()->access_key, "ASIA1");
	assert_int_equal(runs(), 2);
}

/* AWS said so. */
static void
test_renew_on_demand(void **state)
{
	struct err e = { 0 };

	(void)state;
	write_process("ASIA1", "2026-11-21T05:00:00Z");
	open_process();
	assert_int_equal(credential_source_generation(source), 1);
	write_process("ASIA2", "2026-11-21T05:00:00Z");
	assert_true(credential_source_renew(source, &e));
	assert_string_equal(get_ok()->access_key, "ASIA2");
	assert_int_equal(credential_source_generation(source), 2);
	pause_over();
	assert_false(credential_source_renew(source, &e));	/* the same again are no others */
	assert_says(&e, "gives the same again");
	pause_over();
	aws_home_write("give", 0700, "#!/bin/sh\necho run >>\"$HOME/.aws/runs\"\nexit 1\n");
	assert_false(credential_source_renew(source, &e));
	assert_says(&e, "exit code 1");
	assert_int_equal(runs(), 4);
	assert_false(credential_source_renew(source, &e));	/* not asked again so soon */
	assert_int_equal(e.code, ERR_OK);
	assert_int_equal(runs(), 4);
	assert_string_equal(get_ok()->access_key, "ASIA2");
	pause_over();
	write_process("ASIA3", "2026-11-20T05:00:00Z");		/* new ones that are over are none */
	assert_false(credential_source_renew(source, &e));
	assert_string_equal(get_ok()->access_key, "ASIA2");
	assert_int_equal(credential_source_generation(source), 2);
}

/* Without an end they are never asked for again. */
static void
test_no_end(void **state)
{
	(void)state;
	write_process("ASIA1", "");
	open_process();
	pass_s(INT64_C(10) * 365 * 86400);
	assert_string_equal(get_ok()->access_key, "ASIA1");
	assert_int_equal(runs(), 1);
}

static void
test_services(void **state)
{
	static const struct http_route routes[] = { { "GET", "/creds", 200, ANSWER("ASIACONTAINER", "2026-11-21T05:00:00Z") },
	    { "PUT", "/latest/api/token", 200, "tok" }, { "GET", "/latest/meta-data/iam/security-credentials/", 200, "r" },
	    { "GET", "/latest/meta-data/iam/security-credentials/r", 200, ANSWER("ASIAEC2", "2026-11-21T05:00:00Z") }, { 0 } };
	struct http_fixture http;
	struct err e = { 0 };
	char url[64];

	(void)state;
	http_start(&http, routes);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", http.port);
	set("AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
	refused(NULL, ERR_NOT_FOUND, "no AWS credentials");	/* not switched on: not asked */
	assert_int_equal(http_count(&http), 0);
	check(NULL, true, "ASIAEC2", "EC2 role r");
	set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
	assert_int_equal(open_source(NULL, true, &e), ERR_NOT_FOUND);
	assert_says(&e, "(no EC2 metadata service answers at http://127.0.0.1:1)");
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/creds", http.port);
	set("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
	check(NULL, true, "ASIACONTAINER", "container service at 127.0.0.1");
	aws_home_write("config", 0600, "[default]\n" KEYS("AKIDCONFIG"));
	check(NULL, true, "AKIDCONFIG", "profile default");
	http_stop(&http);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_nobody_has_any),
		TEST(test_environment),
		TEST(test_order),
		TEST(test_half_a_pair),
		TEST(test_elsewhere),
		TEST(test_process_fails),
		TEST(test_renewal),
		TEST(test_slow_renewal),
		TEST(test_renew_on_demand),
		TEST(test_no_end),
		TEST(test_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
