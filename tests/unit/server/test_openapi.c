/* The document and the table of routes: what one has and the other lacks is found out, whichever it is. */
#include "cmocka_test.h"

#include <stdlib.h>
#include <string.h>

#include "access/role.h"
#include "openapi.h"
#include "routes.h"
#include "view.h"

/* A copy of the table that a test may spoil; one place more than there are routes. */
static struct http_route *
copy_routes(void)
{
	struct http_route *copy = calloc(routes_count + 1, sizeof(*copy));

	assert_non_null(copy);
	memcpy(copy, routes, routes_count * sizeof(*copy));
	return copy;
}

static struct http_route *
find_route(struct http_route *table, enum http_method method, const char *path)
{
	for (size_t i = 0; i < routes_count; i++)
		if (table[i].method == method && strcmp(table[i].path, path) == 0)
			return &table[i];
	fail_msg("no route %s", path);
	return NULL;
}

/* ERR_INTERNAL, and the log text names what it is about. */
static void
refused(const struct http_route *table, size_t count, const char *named)
{
	char *text = NULL;
	struct err e;
	size_t len;

	assert_int_equal(openapi_new(table, count, &text, &len, &e), ERR_INTERNAL);
	assert_null(text);
	if (strstr(e.log_text, named) == NULL)
		fail_msg("\"%s\" does not name %s", e.log_text, named);
}

static cJSON *
document(void)
{
	char *text = NULL;
	size_t len = 0;
	struct err e;
	cJSON *doc;

	if (openapi_new(routes, routes_count, &text, &len, &e) != ERR_OK)
		fail_msg("%s", e.log_text);
	assert_int_equal(len, strlen(text));
	assert_int_equal(text[len - 1], '\n');
	doc = cJSON_Parse(text);
	assert_non_null(doc);
	free(text);
	return doc;
}

static const cJSON *
operation(const cJSON *doc, const char *path, const char *method)
{
	const cJSON *paths = cJSON_GetObjectItemCaseSensitive(doc, "paths");
	const cJSON *op = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(paths, path), method);

	assert_non_null(op);
	return op;
}

static void
test_all_routes(void **state)
{
	cJSON *doc = document();
	const cJSON *path, *op;
	size_t found = 0;

	(void)state;
	cJSON_ArrayForEach(path, cJSON_GetObjectItemCaseSensitive(doc, "paths"))
		cJSON_ArrayForEach(op, path)
			found += cJSON_HasObjectItem(op, "x-lineca-access") ? 1 : 0;
	assert_int_equal(found, routes_count);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(doc, "info"), "version")),
	    LINECA_VERSION);
	cJSON_Delete(doc);
}

static void
check_json(const cJSON *o, const char *name, const char *expected)
{
	char *text = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(o, name));

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void
test_rights(void **state)
{
	cJSON *doc = document();
	const cJSON *op = operation(doc, "/v1/batches/{name}", "patch");

	(void)state;
	check_json(op, "x-lineca-access", "\"change\"");
	check_json(op, "x-lineca-roles", "[\"technician\",\"admin\"]");
	check_json(op, "security", "[{\"bearer\":[]},{\"basic\":[]},{\"cookie\":[],\"csrf\":[]}]");
	op = operation(doc, "/healthz", "get");
	check_json(op, "x-lineca-access", "\"anyone\"");
	check_json(op, "x-lineca-roles", "[\"nobody\",\"enroll\",\"viewer\",\"technician\",\"admin\"]");
	check_json(op, "security", "[]");
	op = operation(doc, "/v1/certificates/{serial}.pem", "get");
	check_json(op, "security", "[{\"bearer\":[]},{\"basic\":[]},{\"cookie\":[]},{}]");
	cJSON_Delete(doc);
}

/* The media types and the size of a body are the table's; the types are all described as the first is. */
static void
test_bodies(void **state)
{
	cJSON *doc = document();
	const cJSON *body = cJSON_GetObjectItemCaseSensitive(operation(doc, "/v1/enroll/{batch}", "post"), "requestBody");
	const cJSON *content = cJSON_GetObjectItemCaseSensitive(body, "content");

	(void)state;
	check_json(body, "x-lineca-max-bytes", "16384");
	assert_int_equal(cJSON_GetArraySize(content), 4);
	assert_true(cJSON_HasObjectItem(content, "text/plain"));
	assert_true(cJSON_Compare(content->child, content->child->next, true));
	cJSON_Delete(doc);
}

static void
test_route_without_description(void **state)
{
	struct http_route *table = copy_routes();

	(void)state;
	table[routes_count] = table[0];
	table[routes_count].path = "/v1/nothing/{}";
	refused(table, routes_count + 1, "/v1/nothing/{}");
	/* a method that its path has not */
	table[routes_count].path = "/healthz";
	table[routes_count].method = HTTP_DELETE;
	refused(table, routes_count + 1, "DELETE /healthz");
	/* an ending that is not described is another path */
	table[routes_count].path = "/v1/batches/{}.pem";
	table[routes_count].method = HTTP_GET;
	refused(table, routes_count + 1, "/v1/batches/{}.pem");
	/* the same twice */
	table[routes_count] = table[1];
	refused(table, routes_count + 1, "twice");
	free(table);
}

static void
test_description_without_route(void **state)
{
	struct http_route *table = copy_routes(), *r = find_route(table, HTTP_POST, "/v1/uploads/retry");

	(void)state;
	*r = table[routes_count - 1];
	refused(table, routes_count - 1, "post /v1/uploads/retry");
	free(table);
}

static void
test_bodies_that_differ(void **state)
{
	static const char *const other[] = { "text/csv", NULL };
	struct http_route *table = copy_routes(), *r = find_route(table, HTTP_POST, "/v1/batches");

	(void)state;
	r->media_types = other;
	refused(table, routes_count, "text/csv");
	r->body_max = 0;
	refused(table, routes_count, "POST /v1/batches");
	free(table);
	table = copy_routes();
	find_route(table, HTTP_GET, "/v1/status")->body_max = 10;
	refused(table, routes_count, "GET /v1/status");
	free(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_routes),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_route_without_description),
		cmocka_unit_test(test_description_without_route),
		cmocka_unit_test(test_bodies_that_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
