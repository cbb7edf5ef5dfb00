#include "cmocka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "aws/client.h"	/* for cJSON */
#include "aws/sigv4.h"
#include "aws/url.h"
#include "aws_home.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"

/* The Host header of a URL and what follows it, cut in two at the '?'. */
struct target {
	char	host[300], path[1024], query[1024];
};

static void
read_target(const char *text, struct target *t)
{
	struct url u;
	const char *mark;

	assert_null(url_parse(text, &u));
	assert_true(url_format(&u, t->host, sizeof(t->host)));
	memmove(t->host, strstr(t->host, "//") + 2, strlen(strstr(t->host, "//") + 2) + 1);
	mark = strchr(u.rest, '?');
	(void)snprintf(t->path, sizeof(t->path), "%.*s", (int)(mark == NULL ? strlen(u.rest) : (size_t)(mark - u.rest)), u.rest);
	(void)snprintf(t->query, sizeof(t->query), "%s", mark == NULL ? "" : mark + 1);
}

static const char *
text_of(const cJSON *json, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return text == NULL ? "" : text;
}

/* "20261120T030000Z" */
static int64_t
seconds_of(const char *date)
{
	struct civil c;

	assert_int_equal(sscanf(date, "%4d%2d%2dT%2d%2d%2dZ", &c.year, &c.month, &c.day, &c.hour, &c.minute, &c.second), 6);
	return clock_from_civil(&c);
}

static void
check_canonical(const cJSON *vector, const struct sigv4_request *r)
{
	struct buf canonical = { 0 };
	uint8_t hash[32];
	char hex[65];

	sigv4_canonical(r, text_of(vector, "session_token"), text_of(vector, "x_amz_date"), &canonical);
	assert_false(canonical.failed);
	assert_string_equal(canonical.data, text_of(vector, "canonical_request"));
	assert_int_equal(EVP_Digest(canonical.data, canonical.len, hash, NULL, EVP_sha256(), NULL), 1);
	hex_encode(hash, sizeof(hash), hex);
	assert_string_equal(hex, text_of(vector, "canonical_request_sha256"));
	buf_done(&canonical);
}

static void
check_vector(const cJSON *all, const cJSON *vector)
{
	char date[SIGV4_DATE_BYTES], authorization[SIGV4_AUTHORIZATION_BYTES];
	struct aws_credentials c = { 0 };
	struct sigv4_header headers[8];
	struct sigv4_request r = { .headers = headers };
	struct target t;
	struct err e;
	cJSON *header;

	read_target(text_of(vector, "url"), &t);
	cJSON_ArrayForEach(header, cJSON_GetObjectItemCaseSensitive(vector, "headers"))
		headers[r.headers_count++] = (struct sigv4_header){ header->string, header->valuestring };
	r.service = text_of(vector, "service");
	r.region = text_of(vector, "region");
	r.method = text_of(vector, "method");
	r.host = t.host;
	r.path = t.path;
	r.query = t.query;
	r.body = text_of(vector, "body");
	r.body_len = strlen(r.body);
	(void)snprintf(c.access_key, sizeof(c.access_key), "%s", text_of(all, "access_key"));
	(void)snprintf(c.secret_key, sizeof(c.secret_key), "%s", text_of(all, "secret_key"));
	(void)snprintf(c.session_token, sizeof(c.session_token), "%s", text_of(vector, "session_token"));

	check_canonical(vector, &r);
	assert_int_equal(sigv4_sign(&r, &c, seconds_of(text_of(vector, "x_amz_date")), date, authorization, &e), ERR_OK);
	assert_string_equal(date, text_of(vector, "x_amz_date"));
	assert_string_equal(authorization, text_of(vector, "authorization"));
}

static void
test_vectors(void **state)
{
	cJSON *all, *vector;
	struct err e;
	char *data;
	size_t len;
	int count = 0;

	(void)state;
	assert_int_equal(file_read(SIGV4_VECTORS, 1024 * 1024, &data, &len, &e), ERR_OK);
	all = cJSON_ParseWithLength(data, len);
	assert_non_null(all);
	cJSON_ArrayForEach(vector, cJSON_GetObjectItemCaseSensitive(all, "vectors")) {
		print_message("%s\n", text_of(vector, "name"));
		check_vector(all, vector);
		count++;
	}
	assert_int_equal(count, 11);
	cJSON_Delete(all);
	free(data);
}

static void
check_canonical_line(const char *path, const char *query, const char *expected)
{
	struct sigv4_request r = { "iot", "x", "GET", "h", path, query, NULL, 0, NULL, 0 };
	struct buf canonical = { 0 };

	sigv4_canonical(&r, "", "20261120T030000Z", &canonical);
	assert_false(canonical.failed);
	if (strncmp(canonical.data, expected, strlen(expected)) != 0)
		fail_msg("%s ? %s gives %s", path, query, canonical.data);
	buf_done(&canonical);
}

static void
test_paths_and_queries(void **state)
{
	(void)state;
	check_canonical_line("", "", "GET\n/\n\nhost:");
	check_canonical_line("/", "", "GET\n/\n\nhost:");
	check_canonical_line("/a/./b/../c//d/", "", "GET\n/a/c/d/\n\nhost:");
	check_canonical_line("/../..", "", "GET\n/\n\nhost:");
	check_canonical_line("/a%2Fb", "", "GET\n/a%252Fb\n\nhost:");
	/* by name and then by value; '=' is behind '-' in ASCII and decides nothing */
	check_canonical_line("/", "a-b=1&a=2&a=10&a", "GET\n/\na=&a=10&a=2&a-b=1\nhost:");
	check_canonical_line("/", "x=1=2&&", "GET\n/\n=&=&x=1=2\nhost:");
}

static void
test_headers(void **state)
{
	const struct sigv4_header headers[] = { { "X-B", "  two   words\t here " }, { "x-a", "1" }, { "X-b", "more" } };
	struct sigv4_request r = { "iot", "x", "GET", "h:1", "/", "", headers, 3, NULL, 0 };
	struct buf canonical = { 0 };

	(void)state;
	sigv4_canonical(&r, "tok", "20261120T030000Z", &canonical);
	assert_string_equal(canonical.data, "GET\n/\n\nhost:h:1\nx-a:1\nx-amz-date:20261120T030000Z\nx-amz-security-token:tok\n"
	    "x-b:two words here,more\n\nhost;x-a;x-amz-date;x-amz-security-token;x-b\n"
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	buf_done(&canonical);
}

/* What does not fit is refused, not cut. */
static void
test_too_much(void **state)
{
	struct sigv4_header headers[40];
	struct sigv4_request r = { "iot", "x", "GET", "h", "/", "", headers, 40, NULL, 0 };
	struct aws_credentials c = { .access_key = "AKID", .secret_key = SECRET, .session_token = TOKEN };
	char date[SIGV4_DATE_BYTES], authorization[SIGV4_AUTHORIZATION_BYTES], region[200], name[800];
	struct err e;

	(void)state;
	for (size_t i = 0; i < 40; i++)
		headers[i] = (struct sigv4_header){ "x-a", "1" };
	assert_int_equal(sigv4_sign(&r, &c, 0, date, authorization, &e), ERR_INTERNAL);
	assert_says(&e, "more than 32 headers");

	memset(region, 'r', sizeof(region));
	region[sizeof(region) - 1] = '\0';
	r.headers_count = 0;
	r.region = region;
	assert_int_equal(sigv4_sign(&r, &c, 0, date, authorization, &e), ERR_INTERNAL);
	assert_says(&e, "too long");

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	r.region = "x";
	r.headers_count = 1;
	headers[0].name = name;
	assert_int_equal(sigv4_sign(&r, &c, 0, date, authorization, &e), ERR_INTERNAL);
	assert_says(&e, "longer than");

	r.headers_count = 0;
	assert_int_equal(sigv4_sign(&r, &c, INT64_C(253402300800), date, authorization, &e), ERR_INTERNAL);
	assert_says(&e, "year");
	assert_int_equal(sigv4_sign(&r, &c, -1, date, authorization, &e), ERR_INTERNAL);
	assert_int_equal(sigv4_sign(&r, &c, INT64_C(253402300799), date, authorization, &e), ERR_OK);
	assert_string_equal(date, "99991231T235959Z");
	assert_int_equal(sigv4_sign(&r, &c, 0, date, authorization, &e), ERR_OK);
	assert_string_equal(date, "19700101T000000Z");
}

static void
test_encode(void **state)
{
	struct buf out = { 0 };

	(void)state;
	sigv4_encode(&out, "aZ09-_.~ :/+=@%,\xc3\xa4\x7f");
	assert_string_equal(out.data, "aZ09-_.~%20%3A%2F%2B%3D%40%25%2C%C3%A4%7F");
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_paths_and_queries),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
