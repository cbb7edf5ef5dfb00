#include "access/credential.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 4, padded or not; the whole text.  False: not that, or too long for out (with its NUL). */
static bool
base64_decode(const char *text, char *out, size_t out_size)
{
	size_t len = strlen(text), n = 0;
	uint32_t bits = 0;
	unsigned count = 0;

	while (len > 0 && text[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		int value = base64_value(text[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		if ((count += 6) < 8)
			continue;
		count -= 8;
		if (n + 1 >= out_size)
			return false;
		out[n++] = (char)(bits >> count & 0xff);
	}
	out[n] = '\0';
	return strlen(out) == n;
}

bool
credential_of_header(const char *header, char out[CREDENTIAL_BYTES])
{
	const char *rest;
	char pair[CREDENTIAL_BYTES], *colon;
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
	if (base64_decode(rest, pair, sizeof(pair)) && (colon = strchr(pair, ':')) != NULL) {
		(void)snprintf(out, CREDENTIAL_BYTES, "%s", colon + 1);
		found = true;
	}
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
