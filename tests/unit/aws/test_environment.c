#include "cmocka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/environment.h"
#include "aws_home.h"

static void
set(const char *name, const char *value)
{
	assert_int_equal(setenv(name, value, 1), 0);
}

/* Reads, and leaves what was read to the caller. */
static struct aws_environment
read_ok(const char *profile)
{
	struct aws_environment env = { 0 };
	struct err e = { 0 };

	if (environment_read(profile, &env, &e) != ERR_OK)
		fail_msg("%s", e.log_text);
	return env;
}

static void
refused(const char *profile, enum err_code code, const char *says)
{
	struct aws_environment env = { 0 };
	struct err e = { 0 };

	assert_int_equal(environment_read(profile, &env, &e), code);
	assert_says(&e, says);
	environment_done(&env);
}

static void
test_nothing(void **state)
{
	struct aws_environment env = read_ok(NULL);

	(void)state;
	assert_string_equal(env.profile, "default");
	assert_false(env.profile_named);
	assert_false(env.profile_explicit);
	assert_string_equal(env.region, "");
	assert_string_equal(env.iot_url, "");
	assert_string_equal(env.sts_url, "");
	assert_string_equal(env.ca_bundle, "");
	assert_null(env.credentials_file);
	assert_null(env.config_file);
	environment_done(&env);
	environment_done(&env);
}

static void
test_profile(void **state)
{
	struct aws_environment env;

	(void)state;
	aws_home_write("config", 0600, "[default]\nregion=a-1\n[profile one]\nregion=one-1\n[profile two]\nregion = two-1\n[three]\nregion=x\n");
	aws_home_write("credentials", 0600, "[four]\nregion = four-1\n[one]\nregion = first-1\n");
	set("AWS_DEFAULT_PROFILE", "one");
	env = read_ok(NULL);
	assert_string_equal(env.region, "first-1");	/* the credentials file is asked first */
	assert_true(env.profile_named);
	assert_false(env.profile_explicit);
	environment_done(&env);
	set("AWS_PROFILE", "two");
	env = read_ok(NULL);
	assert_string_equal(env.region, "two-1");
	environment_done(&env);
	env = read_ok("four");
	assert_string_equal(env.profile, "four");
	assert_string_equal(env.region, "four-1");
	assert_true(env.profile_explicit);
	environment_done(&env);
	env = read_ok("default");
	assert_string_equal(env.region, "a-1");
	environment_done(&env);

	refused("three", ERR_CONFIG, "write [profile three] where it says [three]");
	refused("five", ERR_CONFIG, "there is no AWS profile five");
	refused("five", ERR_CONFIG, "aws configure --profile five");
	set("AWS_PROFILE", "six");
	refused(NULL, ERR_CONFIG, "there is no AWS profile six");
	refused("x1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
	    "123456789012345678901234567890", ERR_CONFIG, "longer than 128");
}

/* [profile default] goes before [default], as in AWS's SDKs. */
static void
test_default_twice(void **state)
{
	struct aws_environment env;

	(void)state;
	aws_home_write("config", 0600, "[default]\nregion=plain-1\n[profile default]\nregion=long-1\n");
	env = read_ok(NULL);
	assert_string_equal(env.region, "long-1");
	environment_done(&env);
}

static void
test_region(void **state)
{
	struct aws_environment env;

	(void)state;
	aws_home_write("config", 0600, "[default]\nregion=c-1\n");
	set("AWS_DEFAULT_REGION", "b-1");
	env = read_ok(NULL);
	assert_string_equal(env.region, "b-1");
	environment_done(&env);
	set("AWS_REGION", "a-1");
	env = read_ok(NULL);
	assert_string_equal(env.region, "a-1");
	environment_done(&env);
	set("AWS_REGION", "evil.com/" SECRET);
	refused(NULL, ERR_CONFIG, "no region");
	set("AWS_REGION", "a123456789012345678901234567890123");
	refused(NULL, ERR_CONFIG, "no region");
}

static void
test_files_elsewhere(void **state)
{
	struct aws_environment env;
	char path[256];

	(void)state;
	aws_home_write("other-config", 0600, "[profile p]\nregion=o-1\n");
	aws_home_write("other-credentials", 0600, "[p]\naws_access_key_id = A\n");
	set("AWS_CONFIG_FILE", aws_home_path("other-config"));
	set("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/other-credentials");
	env = read_ok("p");
	assert_string_equal(env.region, "o-1");
	assert_string_equal(aws_file_get(env.credentials_file, "p", "aws_access_key_id"), "A");
	environment_done(&env);
	set("AWS_CONFIG_FILE", "/dev/null");
	set("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/file");
	env = read_ok(NULL);
	assert_null(env.credentials_file);
	environment_done(&env);
	(void)snprintf(path, sizeof(path), "%s", aws_home());
	set("AWS_CONFIG_FILE", path);
	refused(NULL, ERR_IO, "directory");
	aws_home_write("other-config", 0600, "[default]\n" SECRET "\n");
	set("AWS_CONFIG_FILE", aws_home_path("other-config"));
	refused(NULL, ERR_CONFIG, "other-config line 2");
}

static void
test_no_home(void **state)
{
	struct aws_environment env;

	(void)state;
	assert_int_equal(unsetenv("HOME"), 0);
	env = read_ok(NULL);
	assert_null(env.config_file);
	environment_done(&env);
	refused("p", ERR_CONFIG, "HOME is not set");
	set("AWS_CONFIG_FILE", "~/x");
	refused(NULL, ERR_CONFIG, "AWS_CONFIG_FILE begins with ~/ and HOME is not set");
}

/* Only where it would be used. */
static void
test_others_may_read(void **state)
{
	struct aws_environment env;
	static const mode_t open[] = { 0640, 0604, 0620, 0644, 0666, 0601 };

	(void)state;
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		aws_home_write("credentials", open[i], "[default]\naws_access_key_id = A\naws_secret_access_key = " SECRET "\n");
		refused(NULL, ERR_PERMISSION, "run: chmod 600 ");
		refused(NULL, ERR_PERMISSION, aws_home_path("credentials"));
	}
	set("AWS_ACCESS_KEY_ID", "A");
	set("AWS_SECRET_ACCESS_KEY", SECRET);
	env = read_ok(NULL);
	environment_done(&env);
	refused("default", ERR_PERMISSION, "chmod 600");	/* an explicit profile: keys in the environment do not count */
	assert_int_equal(unsetenv("AWS_ACCESS_KEY_ID"), 0);
	assert_int_equal(unsetenv("AWS_SECRET_ACCESS_KEY"), 0);
	aws_home_write("config", 0644, "[profile p]\ncredential_process = x\n");
	env = read_ok("p");
	environment_done(&env);
	aws_home_write("credentials", 0600, "[default]\n");
	env = read_ok(NULL);
	environment_done(&env);
}

static void
test_ca_bundle(void **state)
{
	struct aws_environment env;

	(void)state;
	aws_home_write("bundle", 0644, "x");
	aws_home_write("config", 0600, "[default]\nca_bundle = ~/.aws/bundle\n");
	env = read_ok(NULL);
	assert_string_equal(env.ca_bundle, aws_home_path("bundle"));
	environment_done(&env);
	set("AWS_CA_BUNDLE", "/nonexistent/bundle");
	refused(NULL, ERR_CONFIG, "AWS_CA_BUNDLE names /nonexistent/bundle: No such file");
}

/* The four places of an endpoint, each going before the next. */
static void
test_endpoints(void **state)
{
	struct aws_environment env;

	(void)state;
	aws_home_write("config", 0600, "[default]\nendpoint_url = https://profile\n");
	env = read_ok(NULL);
	assert_string_equal(env.iot_url, "https://profile");
	assert_string_equal(env.sts_url, "https://profile");
	environment_done(&env);
	aws_home_write("config", 0600, "[default]\nservices = plant\nendpoint_url = https://profile\n[services plant]\niot =\n"
	    "  endpoint_url = https://services:8443/\n");
	env = read_ok(NULL);
	assert_string_equal(env.iot_url, "https://services:8443");
	assert_string_equal(env.sts_url, "https://profile");
	environment_done(&env);
	set("AWS_ENDPOINT_URL", "http://localhost:1");
	env = read_ok(NULL);
	assert_string_equal(env.iot_url, "http://localhost:1");
	assert_string_equal(env.sts_url, "http://localhost:1");
	environment_done(&env);
	set("AWS_ENDPOINT_URL_STS", "http://[::1]:2");
	set("AWS_ENDPOINT_URL_IOT", "http://127.0.0.1:3/");
	env = read_ok(NULL);
	assert_string_equal(env.iot_url, "http://127.0.0.1:3");
	assert_string_equal(env.sts_url, "http://[::1]:2");
	environment_done(&env);
	set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True");
	env = read_ok(NULL);
	assert_string_equal(env.iot_url, "");
	assert_string_equal(env.sts_url, "");
	environment_done(&env);
	assert_int_equal(unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), 0);
	aws_home_write("config", 0600, "[default]\nignore_configured_endpoint_urls = true\n");
	env = read_ok(NULL);
	assert_string_equal(env.iot_url, "");
	environment_done(&env);
}

static void
test_endpoints_refused(void **state)
{
	static const struct {
		const char	*url, *says;
	} cases[] = {
		{ "iot.eu-central-1.amazonaws.com", "does not begin with https://" },
		{ "http://iot.eu-central-1.amazonaws.com", "http goes only to" },
		{ "http://127.0.0.1.evil", "http goes only to" },
		{ "https://u:" SECRET_MARK "@host", "user or password" },
		{ "https://host/path", "path or a query" },
		{ "https://host/?a=" SECRET, "path or a query" },
		{ "https://host?a=" SECRET, "path or a query" },
		{ "https://host/#" SECRET, "path or a query" },
		{ "https://ho st", "blank" },
		{ "https://host:0", "port" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set("AWS_ENDPOINT_URL_IOT", cases[i].url);
		refused(NULL, ERR_CONFIG, cases[i].says);
		refused(NULL, ERR_CONFIG, "AWS_ENDPOINT_URL_IOT");
	}
	assert_int_equal(unsetenv("AWS_ENDPOINT_URL_IOT"), 0);
	aws_home_write("config", 0600, "[default]\nendpoint_url = http://u:" SECRET_MARK "@host\n");
	refused(NULL, ERR_CONFIG, "the profile's endpoint_url has a user or password");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, aws_home_setup, aws_home_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing),
		TEST(test_profile),
		TEST(test_default_twice),
		TEST(test_region),
		TEST(test_files_elsewhere),
		TEST(test_no_home),
		TEST(test_others_may_read),
		TEST(test_ca_bundle),
		TEST(test_endpoints),
		TEST(test_endpoints_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
