#include <stdio.h>
#include <string.h>

#include "http/internal.h"

static const char *const method_names[HTTP_METHODS] = {
	[HTTP_GET] = "GET",
	[HTTP_POST] = "POST",
	[HTTP_PATCH] = "PATCH",
	[HTTP_DELETE] = "DELETE",
};

const char *
http_method_name(enum http_method m)
{
	return method_names[m];
}

/* Takes one path segment as the argument; ending is what the pattern has behind "{}". */
static bool
take_argument(const char **url, const char *ending, size_t ending_len, char *argument)
{
	size_t len = strcspn(*url, "/");

	if (len <= ending_len || len - ending_len >= HTTP_ARGUMENT_BYTES ||
	    memcmp(*url + len - ending_len, ending, ending_len) != 0)
		return false;
	memcpy(argument, *url, len - ending_len);
	argument[len - ending_len] = '\0';
	*url += len;
	return true;
}

/* Does the path fit the pattern?  argument is written only if the pattern has one. */
static bool
path_matches(const char *pattern, const char *url, char *argument)
{
	while (*pattern != '\0') {
		if (strncmp(pattern, "{}", 2) == 0) {
			size_t ending_len = strcspn(pattern + 2, "/");

			if (!take_argument(&url, pattern + 2, ending_len, argument))
				return false;
			pattern += 2 + ending_len;
		} else if (*pattern++ != *url++) {
			return false;
		}
	}
	return *url == '\0';
}

static bool
method_matches(const struct http_request *r, const struct http_route *route, const char *method)
{
	if (route->method == HTTP_GET && r->is_head)
		return true;
	return strcmp(method_names[route->method], method) == 0;
}

static void
allow_add(struct http_request *r, enum http_method method)
{
	size_t len = strlen(r->allow);

	if (strstr(r->allow, method_names[method]) != NULL)
		return;
	(void)snprintf(r->allow + len, sizeof(r->allow) - len, "%s%s%s", len > 0 ? ", " : "",
	    method_names[method], method == HTTP_GET ? ", HEAD" : "");
}

void
http_route_find(struct http_request *r, const char *url, const char *method)
{
	const struct http_config *cf = &r->server->config;
	char argument[HTTP_ARGUMENT_BYTES] = "";

	for (size_t i = 0; i < cf->routes_count; i++) {
		const struct http_route *route = &cf->routes[i];

		argument[0] = '\0';	/* a pattern that did not fit to its end may have left one */
		if (!path_matches(route->path, url, argument))
			continue;
		if (method_matches(r, route, method)) {
			r->route = route;
			r->refuse = route->refuse;
			memcpy(r->argument, argument, sizeof(argument));
			return;
		}
		allow_add(r, route->method);
		r->refuse = route->refuse;
	}
	if (r->allow[0] != '\0')
		(void)err_say(&r->refusal, ERR_METHOD, "This address takes %s, not %.16s.", r->allow, method);
	else
		(void)err_say(&r->refusal, ERR_NOT_FOUND,
		    "There is nothing at this address. Devices post their CSR to /v1/enroll/BATCH.");
}
