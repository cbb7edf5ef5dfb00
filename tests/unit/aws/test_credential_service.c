#include "cmocka_test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/credential_internal.h"
#include "aws_home.h"
#include "base/clock.h"
#include "http_fixture.h"

#define ANSWER "{\"AccessKeyId\":\"ASIASERVICE\",\"SecretAccessKey\":\"" SECRET "\",\"Token\":\"" TOKEN \
	"\",\"Expiration\":\"2026-11-21T05:00:00Z\""
#define ROLE "/latest/meta-data/iam/security-credentials/"

static struct http_fixture http;
static const struct credential_wait patient;	/* nobody stops */
static const struct http_route none[] = { { 0 } };

static void
set(const char *name, const char *value)
{
	assert_int_equal(setenv(name, value, 1), 0);
}

static void
set_url(const char *name, const char *path)
{
	char url[256];

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", http.port, path);
	set(name, url);
}

/* A proxy that is not there: whoever used it would get nothing. */
static int
setup(void **state)
{
	if (aws_home_setup(state) != 0)
		return -1;
	set("http_proxy", "http://127.0.0.1:1");
	set("all_proxy", "http://127.0.0.1:1");
	http_start(&http, none);
	return 0;
}

static int
teardown(void **state)
{
	http_stop(&http);
	(void)unsetenv("http_proxy");
	(void)unsetenv("all_proxy");
	return aws_home_teardown(state);
}

static void
container_refused(enum err_code code, const char *says)
{
	struct aws_credentials c = { 0 };
	struct err e = { 0 };

	assert_int_equal(credential_container_get(&patient, &c, &e), code);
	if (code != ERR_NOT_FOUND)
		assert_says(&e, says);
}

static void
test_container(void **state)
{
	static const struct http_route routes[] = { { "GET", "/creds?id=7", 200, ANSWER "}" }, { 0 } };
	struct aws_credentials c = { 0 };
	struct err e = { 0 };
	int64_t expires_us;

	(void)state;
	container_refused(ERR_NOT_FOUND, "");
	http_routes(&http, routes);
	set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "/creds?id=7");
	assert_int_equal(credential_container_get(&patient, &c, &e), ERR_OK);
	assert_string_equal(c.access_key, "ASIASERVICE");
	assert_string_equal(c.secret_key, SECRET);
	assert_string_equal(c.session_token, TOKEN);
	assert_true(clock_parse_us("2026-11-21T05:00:00Z", &expires_us));
	assert_int_equal(c.expires_at_s, expires_us / 1000000);
	assert_string_equal(c.source, "container service at 127.0.0.1");
	assert_true(http_asked(&http, 0, "Accept: application/json"));
	assert_int_equal(http_count(&http), 1);
}

/* The token's file is read each time, and goes before the variable. */
static void
test_container_authorization(void **state)
{
	static const struct http_route routes[] = { { "GET", "/creds", 200, ANSWER "}" }, { 0 } };
	struct aws_credentials c = { 0 };
	struct err e = { 0 };

	(void)state;
	http_routes(&http, routes);
	set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "/creds");
	set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic " TOKEN);
	assert_int_equal(credential_container_get(&patient, &c, &e), ERR_OK);
	assert_true(http_asked(&http, 0, "Authorization: Basic " TOKEN));
	set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", aws_home_path("token"));
	aws_home_write("token", 0600, "first");
	assert_int_equal(credential_container_get(&patient, &c, &e), ERR_OK);
	assert_true(http_asked(&http, 1, "Authorization: first"));
	aws_home_write("token", 0600, "second");
	assert_int_equal(credential_container_get(&patient, &c, &e), ERR_OK);
	assert_true(http_asked(&http, 2, "Authorization: second"));

	aws_home_write("token", 0600, TOKEN "\n");
	container_refused(ERR_CONFIG, "line end");
	aws_home_write("token", 0600, TOKEN "\rX-Evil: 1");
	container_refused(ERR_CONFIG, "line end");
	set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nonexistent/token");
	container_refused(ERR_CONFIG, "names /nonexistent/token, which cannot be read");
	assert_int_equal(unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), 0);
	set("AWS_CONTAINER_AUTHORIZATION_TOKEN", TOKEN "\r\nX-Evil: 1");
	container_refused(ERR_CONFIG, "AWS_CONTAINER_AUTHORIZATION_TOKEN has a line end");
	assert_int_equal(http_count(&http), 3);
}

static void
test_container_hosts(void **state)
{
	static const char *const bad[] = {
		"http://10.0.0.1/x", "http://169.254.170.3/x", "http://127.0.0.1.evil/x", "http://localhost.evil/", "http://[fd00:ec2::24]/x",
		"http://iot.amazonaws.com/"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad[i]);
		container_refused(ERR_CONFIG, "allowed are https, and http to");
	}
	set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1@evil/" SECRET);
	container_refused(ERR_CONFIG, "user or password");
	set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/x\r\n" SECRET);
	container_refused(ERR_CONFIG, "blank");
	set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil/" SECRET);		/* goes before the other */
	container_refused(ERR_CONFIG, "begins with /");
	set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x y" SECRET);
	container_refused(ERR_CONFIG, "begins with /");
}

static void
test_container_bad_answers(void **state)
{
	static const struct {
		struct http_route	 routes[2];
		const char		*says;
	} cases[] = {
		{ { { "GET", "/creds", 200, SECRET } }, "no JSON object" },
		{ { { "GET", "/creds", 200, "" } }, "no JSON object" },
		{ { { "GET", "/creds", 200, "{\"AccessKeyId\":\"A\"}" } }, "secret access key is missing" },
		{ { { "GET", "/creds", 200, "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"" SECRET "\",\"Expiration\":\"" SECRET "\"}" } },
		    "expiration" },
		{ { { "GET", "/creds", 403, SECRET } }, "HTTP 403" },
		{ { { "GET", "/creds", 302, SECRET } }, "HTTP 302" },
		{ { { "GET", "/other", 200, ANSWER "}" } }, "HTTP 404" },
	};

	(void)state;
	set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "/creds");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		http_routes(&http, cases[i].routes);
		container_refused(ERR_CONFIG, cases[i].says);
		assert_int_equal(http_count(&http), 1);
	}
}

/* What a second try may mend is tried three times; a service that hangs is left. */
static void
test_container_tries(void **state)
{
	static const struct http_route failing[] = { { "GET", "/creds", 500, SECRET }, { 0 } };
	static const struct http_route cut[] = { { "GET", "/creds", 0, "" }, { 0 } };
	static const struct http_route hangs[] = { { "GET", "/creds", -1, "" }, { 0 } };
	int64_t begin;

	(void)state;
	set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "/creds");
	http_routes(&http, failing);
	container_refused(ERR_CONFIG, "HTTP 500");
	assert_int_equal(http_count(&http), 3);
	http_routes(&http, cut);
	container_refused(ERR_CONFIG, "no answer in 3 tries");
	http_routes(&http, hangs);
	begin = clock_monotonic_us();
	container_refused(ERR_CONFIG, "no answer in 3 tries");
	assert_in_range(clock_monotonic_us() - begin, 7 * 1000 * 1000, 10 * 1000 * 1000);
}

/* ---- IMDSv2 */

static void
imds_refused(enum err_code code, const char *says)
{
	struct aws_credentials c = { 0 };
	struct err e = { 0 };

	assert_int_equal(credential_imds_get(&patient, &c, &e), code);
	assert_says(&e, says);
}

static void
test_imds(void **state)
{
	static const struct http_route routes[] = { { "PUT", "/latest/api/token", 200, "IMDS" TOKEN }, { "GET", ROLE, 200, "line-role\n" },
	    { "GET", ROLE "line-role", 200, ANSWER ",\"Code\":\"Success\"}" }, { 0 } };
	struct aws_credentials c = { 0 };
	struct err e = { 0 };

	(void)state;
	http_routes(&http, routes);
	set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", "/");
	if (credential_imds_get(&patient, &c, &e) != ERR_OK)
		fail_msg("%s", e.log_text);
	assert_string_equal(c.access_key, "ASIASERVICE");
	assert_string_equal(c.session_token, TOKEN);
	assert_string_equal(c.source, "EC2 role line-role");
	assert_int_equal(http_count(&http), 3);
	assert_true(http_asked(&http, 0, "x-aws-ec2-metadata-token-ttl-seconds: 21600"));
	assert_true(http_asked(&http, 0, "Content-Length: 0"));
	assert_true(http_asked(&http, 1, "x-aws-ec2-metadata-token: IMDS" TOKEN));
	assert_true(http_asked(&http, 2, "x-aws-ec2-metadata-token: IMDS" TOKEN));
	set("AWS_EC2_METADATA_DISABLED", "TRUE");
	imds_refused(ERR_NOT_FOUND, "AWS_EC2_METADATA_DISABLED");
	assert_int_equal(http_count(&http), 3);
}

#define HAS_TOKEN { "PUT", "/latest/api/token", 200, "tok" }

static void
test_imds_bad_answers(void **state)
{
	static const struct {
		struct http_route	 routes[4];
		enum err_code		 code;
		const char		*says;
	} cases[] = {
		{ { { "PUT", "/latest/api/token", 200, "" } }, ERR_CONFIG, "no token" },
		{ { { "PUT", "/latest/api/token", 200, SECRET "\r\nX-Evil: 1" } }, ERR_CONFIG, "no token" },
		{ { { "PUT", "/latest/api/token", 403, SECRET } }, ERR_CONFIG, "HTTP 403 to PUT" },
		{ { HAS_TOKEN }, ERR_NOT_FOUND, "no role" },
		{ { HAS_TOKEN, { "GET", ROLE, 200, "" } }, ERR_CONFIG, "no role" },
		{ { HAS_TOKEN, { "GET", ROLE, 200, "<html>" SECRET } }, ERR_CONFIG, "no role" },
		{ { HAS_TOKEN, { "GET", ROLE, 200, "../../" SECRET } }, ERR_CONFIG, "no role" },
		{ { HAS_TOKEN, { "GET", ROLE, 200, "r" }, { "GET", ROLE "r", 200, SECRET } }, ERR_CONFIG, "no JSON object" },
		{ { HAS_TOKEN, { "GET", ROLE, 200, "r" }, { "GET", ROLE "r", 200, "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}" } }, ERR_CONFIG,
		    "not \"Success\" but AssumeRoleUnauthorizedAccess" },
		{ { HAS_TOKEN, { "GET", ROLE, 200, "r" }, { "GET", ROLE "r", 200, ANSWER ",\"Code\":\"/" SECRET "\"}" } }, ERR_CONFIG,
		    "something else" },
		{ { HAS_TOKEN, { "GET", ROLE, 200, "r" }, { "GET", ROLE "r", 500, SECRET } }, ERR_CONFIG, "HTTP 500 to GET" },
	};

	(void)state;
	set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		http_routes(&http, cases[i].routes);
		imds_refused(cases[i].code, cases[i].says);
	}
}

static void
test_imds_is_not_there(void **state)
{
	static const struct http_route hangs[] = { { "PUT", "/latest/api/token", -1, "" }, { 0 } };
	int64_t begin = clock_monotonic_us();

	(void)state;
	set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", "");
	http_routes(&http, hangs);
	imds_refused(ERR_NOT_FOUND, "no EC2 metadata service answers at http://127.0.0.1:");
	assert_in_range(clock_monotonic_us() - begin, 900 * 1000, 2500 * 1000);
	set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
	imds_refused(ERR_NOT_FOUND, "no EC2 metadata service answers at http://127.0.0.1:1");
	set("AWS_METADATA_SERVICE_TIMEOUT", "0.5");
	imds_refused(ERR_CONFIG, "AWS_METADATA_SERVICE_TIMEOUT");
	set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://u:" SECRET_MARK "@h");
	imds_refused(ERR_CONFIG, "user or password");
	set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://h/latest");
	imds_refused(ERR_CONFIG, "path");
}

/* After some questions. */
static int stops_in;

static bool
stop_soon(void)
{
	return stops_in-- <= 0;
}

/* A service that does not answer is not waited for any more. */
static void
test_stopped(void **state)
{
	static const struct http_route silent[] = { { "GET", "/creds", -1, "" }, { "PUT", "/latest/api/token", -1, "" }, { 0 } };
	static const struct credential_wait impatient = { .stopped = stop_soon };
	int64_t begin_us = clock_monotonic_us();
	struct aws_credentials c = { 0 };
	struct err e = { 0 };

	(void)state;
	http_routes(&http, silent);
	set_url("AWS_CONTAINER_CREDENTIALS_FULL_URI", "/creds");
	stops_in = 3;
	assert_int_equal(credential_container_get(&impatient, &c, &e), ERR_DRAINING);
	assert_says(&e, "stopped");
	set_url("AWS_EC2_METADATA_SERVICE_ENDPOINT", "");
	set("AWS_METADATA_SERVICE_TIMEOUT", "60");
	stops_in = 3;
	assert_int_equal(credential_imds_get(&impatient, &c, &e), ERR_DRAINING);
	/* the pause between two tries, too */
	set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/creds");
	stops_in = 4;
	assert_int_equal(credential_container_get(&impatient, &c, &e), ERR_DRAINING);
	assert_in_range(clock_monotonic_us() - begin_us, 0, 2500 * 1000);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_container),
		TEST(test_container_authorization),
		TEST(test_container_hosts),
		TEST(test_container_bad_answers),
		TEST(test_container_tries),
		TEST(test_imds),
		TEST(test_imds_bad_answers),
		TEST(test_imds_is_not_there),
		TEST(test_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
