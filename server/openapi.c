#include "openapi.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/role.h"
#include "view.h"
#include "web/assets.h"

/*
 * What may be shown for a right: names of securitySchemes, those joined by + together; "": nothing (the line may be open for it, or the token stands in the body).
 */
enum { WAYS_MAX = 5 };

static const char *const ways[ACCESSES][WAYS_MAX + 1] = {
	[ACCESS_ANYONE] = { NULL },
	[ACCESS_ENROLL] = { "bearer", "basic", "certificate", "cookie+csrf", "", NULL },
	[ACCESS_ENROLL_BODY] = { "", "bearer", "basic", "certificate", "cookie+csrf", NULL },
	[ACCESS_RENEW] = { "certificate", "bearer", "basic", "cookie+csrf", "", NULL },
	[ACCESS_READ] = { "bearer", "basic", "cookie", "", NULL },
	[ACCESS_CHANGE] = { "bearer", "basic", "cookie+csrf", NULL },
	[ACCESS_ADMIN] = { "bearer", "basic", "cookie+csrf", NULL },
	[ACCESS_SIGN_IN] = { "", "bearer", "basic", NULL },
};

static enum err_code
no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "openapi.json");
}

/* "/v1/batches/{name}" is the route "/v1/batches/{}". */
static bool
path_is(const char *path, const char *route)
{
	for (; *path != '\0' && *path == *route; path++, route++)
		if (*path == '{')
			path += strcspn(path, "}") - 1;
	return *path == '\0' && *route == '\0';
}

static void
method_key(enum http_method m, char out[16])
{
	size_t i = 0;

	for (const char *p = http_method_name(m); *p != '\0' && i < 15; p++)
		out[i++] = (char)tolower((unsigned char)*p);
	out[i] = '\0';
}

static cJSON *
find_operation(const cJSON *paths, const struct http_route *r)
{
	char method[16];
	const cJSON *path;

	method_key(r->method, method);
	cJSON_ArrayForEach(path, paths)
		if (path_is(path->string, r->path))
			return cJSON_GetObjectItemCaseSensitive(path, method);
	return NULL;
}

/* ---- what the table says */

static bool
add_way(cJSON *security, const char *way)
{
	cJSON *o = cJSON_CreateObject();
	char name[32];

	if (!cJSON_AddItemToArray(security, o)) {
		cJSON_Delete(o);
		return false;
	}
	while (*way != '\0') {
		size_t len = strcspn(way, "+");

		(void)snprintf(name, sizeof(name), "%.*s", (int)len, way);
		if (cJSON_AddArrayToObject(o, name) == NULL)
			return false;
		way += len + (way[len] == '+');
	}
	return true;
}

static enum err_code
add_access(cJSON *op, enum access a, struct err *e)
{
	cJSON *roles, *security;

	/* no way at all means that nothing is needed */
	if (a != ACCESS_ANYONE && ways[a][0] == NULL)
		return err_set(e, ERR_INTERNAL, "openapi.c does not know how to show the right %s", access_name(a));
	if (cJSON_AddStringToObject(op, "x-lineca-access", access_name(a)) == NULL ||
	    (roles = cJSON_AddArrayToObject(op, "x-lineca-roles")) == NULL ||
	    (security = cJSON_AddArrayToObject(op, "security")) == NULL)
		return no_memory(e);
	for (unsigned r = ROLE_NONE; r < ROLES; r++)
		if (role_may((enum role)r, a) && !cJSON_AddItemToArray(roles, cJSON_CreateString(role_name((enum role)r))))
			return no_memory(e);
	for (size_t i = 0; ways[a][i] != NULL; i++)
		if (!add_way(security, ways[a][i]))
			return no_memory(e);
	return ERR_OK;
}

/* The first type is described by hand; the others take the same. */
static enum err_code
add_media_types(cJSON *content, const struct http_route *r, struct err *e)
{
	const cJSON *first = content->child;

	if (r->media_types == NULL)
		return ERR_OK;
	if (first == NULL || first->next != NULL || strcmp(first->string, r->media_types[0]) != 0)
		return err_set(e, ERR_INTERNAL, "openapi.json: %s %s takes %s first, and only that is to be described", http_method_name(r->method), r->path,
		    r->media_types[0]);
	for (size_t i = 1; r->media_types[i] != NULL; i++) {
		cJSON *copy = cJSON_Duplicate(first, true);

		if (!cJSON_AddItemToObject(content, r->media_types[i], copy)) {
			cJSON_Delete(copy);
			return no_memory(e);
		}
	}
	return ERR_OK;
}

static enum err_code
add_body(cJSON *op, const struct http_route *r, struct err *e)
{
	cJSON *body = cJSON_GetObjectItemCaseSensitive(op, "requestBody");
	cJSON *content = cJSON_GetObjectItemCaseSensitive(body, "content");

	if ((r->body_max > 0) != cJSON_IsObject(content))
		return err_set(e, ERR_INTERNAL, "openapi.json: %s %s reads %zu bytes of a body, and that is %s", http_method_name(r->method), r->path,
		    r->body_max, body != NULL ? "described" : "not described");
	if (r->body_max == 0)
		return ERR_OK;
	if (cJSON_AddNumberToObject(body, "x-lineca-max-bytes", (double)r->body_max) == NULL)
		return no_memory(e);
	return add_media_types(content, r, e);
}

static enum err_code
add_route(const cJSON *paths, const struct http_route *r, struct err *e)
{
	cJSON *op = find_operation(paths, r);
	enum err_code rc;

	if (op == NULL)
		return err_set(e, ERR_INTERNAL, "openapi.json does not describe %s %s", http_method_name(r->method), r->path);
	if (cJSON_HasObjectItem(op, "x-lineca-access"))
		return err_set(e, ERR_INTERNAL, "%s %s stands twice in the table of routes, or its rights in openapi.json", http_method_name(r->method), r->path);
	if ((rc = add_access(op, (enum access)r->access, e)) != ERR_OK)
		return rc;
	return add_body(op, r, e);
}

/* An operation that no route has given its rights to is not there. */
static enum err_code
check_operations(const cJSON *paths, struct err *e)
{
	const cJSON *path, *op;

	cJSON_ArrayForEach(path, paths)
		cJSON_ArrayForEach(op, path)
			if (cJSON_HasObjectItem(op, "responses") && !cJSON_HasObjectItem(op, "x-lineca-access"))
				return err_set(e, ERR_INTERNAL, "openapi.json describes %s %s, and there is no such route", op->string, path->string);
	return ERR_OK;
}

static enum err_code
merge(cJSON *doc, const struct http_route *routes, size_t count, struct err *e)
{
	const cJSON *paths = cJSON_GetObjectItemCaseSensitive(doc, "paths");
	cJSON *info = cJSON_GetObjectItemCaseSensitive(doc, "info"), *version = cJSON_CreateString(LINECA_VERSION);
	enum err_code rc;

	if (!cJSON_ReplaceItemInObjectCaseSensitive(info, "version", version)) {
		cJSON_Delete(version);
		return err_set(e, ERR_INTERNAL, "openapi.json is no JSON, or has no info.version");
	}
	for (size_t i = 0; i < count; i++)
		if ((rc = add_route(paths, &routes[i], e)) != ERR_OK)
			return rc;
	return check_operations(paths, e);
}

enum err_code
openapi_new(const struct http_route *routes, size_t count, char **ret, size_t *ret_len, struct err *e)
{
	const struct asset *a = asset_find("/openapi.json");
	cJSON *doc = cJSON_ParseWithLength(a->data, (size_t)(a->end - a->data));
	enum err_code rc = merge(doc, routes, count, e);
	char *text;

	if (rc != ERR_OK) {
		cJSON_Delete(doc);
		return rc;
	}
	if ((text = view_print(doc)) == NULL)
		return no_memory(e);
	*ret = text;
	*ret_len = strlen(text);
	return ERR_OK;
}
