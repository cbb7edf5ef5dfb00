#include "access/credential.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"

bool
credential_of_header(const char *header, char out[CREDENTIAL_BYTES])
{
	const char *rest;
	char pair[CREDENTIAL_BYTES], *colon = NULL;
	size_t len;
	bool found = false;

	if (strncasecmp(header, "Bearer ", 7) == 0) {
		rest = header + 7 + strspn(header + 7, " ");
		if (strlen(rest) >= CREDENTIAL_BYTES)
			return false;
		(void)snprintf(out, CREDENTIAL_BYTES, "%s", rest);
		return true;
	}
	if (strncasecmp(header, "Basic ", 6) != 0)
		return false;
	rest = header + 6 + strspn(header + 6, " ");
	if (base64_get(rest, (uint8_t *)pair, sizeof(pair) - 1, &len)) {
		pair[len] = '\0';
		found = strlen(pair) == len && (colon = strchr(pair, ':')) != NULL;
	}
	if (found)
		(void)snprintf(out, CREDENTIAL_BYTES, "%s", colon + 1);
	explicit_bzero(pair, sizeof(pair));
	return found;
}

const char *
credential_cookie(const char *header, const char *name, size_t *ret_len)
{
	size_t len = strlen(name);

	while (*header != '\0') {
		header += strspn(header, "; \t");
		if (strncmp(header, name, len) == 0 && header[len] == '=') {
			*ret_len = strcspn(header + len + 1, "; \t");
			return header + len + 1;
		}
		header += strcspn(header, ";");
	}
	return NULL;
}

bool
credential_origin_is(const char *origin, const char *host)
{
	const char *rest = strstr(origin, "://");

	return rest != NULL && host != NULL && strcasecmp(rest + 3, host) == 0;
}

bool
credential_host_is_foreign(const char *host)
{
	size_t len, tail = strlen(".localhost");

	if (host == NULL || *host == '[')
		return false;
	len = strcspn(host, ":");
	while (len > 0 && host[len - 1] == '.')
		len--;
	if (memchr(host, '.', len) == NULL || strspn(host, "0123456789.") >= len)
		return false;
	return len < tail || strncasecmp(host + len - tail, ".localhost", tail) != 0;
}
