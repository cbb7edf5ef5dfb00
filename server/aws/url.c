#include "aws/url.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"

static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

/* Copies len bytes as the host, in lower case. */
static bool
set_host(struct url *u, const char *text, size_t len)
{
	if (len == 0 || len >= sizeof(u->host))
		return false;
	for (size_t i = 0; i < len; i++)
		u->host[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	u->host[len] = '\0';
	return true;
}

/* *at stands on the host and then behind it. */
static bool
parse_host(const char **at, struct url *u)
{
	struct in6_addr address;
	size_t len;

	u->bracketed = **at == '[';
	if (!u->bracketed) {
		len = strspn(*at, name_characters);
		if (!set_host(u, *at, len))
			return false;
		*at += len;
		return true;
	}
	len = strcspn(*at, "]");
	if ((*at)[len] != ']' || !set_host(u, *at + 1, len - 1) || inet_pton(AF_INET6, u->host, &address) != 1)
		return false;
	*at += len + 1;
	return true;
}

static bool
parse_port(const char **at, struct url *u)
{
	size_t len = strspn(*at, "0123456789");
	char digits[6];
	int64_t port;

	if (len >= sizeof(digits))
		return false;
	memcpy(digits, *at, len);
	digits[len] = '\0';
	if (!number_parse(digits, 1, 65535, &port))
		return false;
	u->port = port == (u->https ? 443 : 80) ? 0 : (int)port;
	*at += len;
	return true;
}

const char *
url_parse(const char *text, struct url *ret)
{
	const char *at;

	*ret = (struct url){ 0 };
	for (at = text; *at != '\0'; at++)
		if (*at <= ' ' || *at > '~')
			return "has a blank, a control character or a letter that is not ASCII in it";
	if (strncasecmp(text, "https://", 8) == 0)
		ret->https = true;
	else if (strncasecmp(text, "http://", 7) != 0)
		return "does not begin with https://";
	at = text + (ret->https ? 8 : 7);
	if (memchr(at, '@', strcspn(at, "/?#")) != NULL)
		return "has a user or password in it; credentials have their own settings";
	if (!parse_host(&at, ret))
		return "has no valid host name";
	if (*at == ':') {
		at++;
		if (!parse_port(&at, ret))
			return "has no valid port, which is 1 to 65535";
	}
	if (*at != '\0' && strchr("/?#", *at) == NULL)
		return "has no valid host name";
	ret->rest = at;
	return NULL;
}

bool
url_is_this_machine(const struct url *u)
{
	return strcmp(u->host, "127.0.0.1") == 0 || strcmp(u->host, "::1") == 0 || strcmp(u->host, "localhost") == 0;
}

bool
url_format(const struct url *u, char *out, size_t out_size)
{
	char port[8] = "";
	int n;

	if (u->port != 0)
		(void)snprintf(port, sizeof(port), ":%d", u->port);
	n = snprintf(out, out_size, "%s://%s%s%s%s", u->https ? "https" : "http", u->bracketed ? "[" : "", u->host,
	    u->bracketed ? "]" : "", port);
	return n > 0 && (size_t)n < out_size;
}
