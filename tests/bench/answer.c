#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/bench/answer.h"

enum { STATUS_LINE_BYTES = 12 };	/* "HTTP/1.1 201" */

static bool
line_is(const char *line, const char *end, const char *name, const char **ret_value)
{
	size_t n = strlen(name);

	if ((size_t)(end - line) < n || strncasecmp(line, name, n) != 0)
		return false;
	for (line += n; line < end && *line == ' '; line++)
		continue;
	*ret_value = line;
	return true;
}

enum answer_state
answer_parse(const char *buf, size_t len, struct answer *ret)
{
	struct answer a = { .status = 0 };
	const char *end, *line, *next, *value;
	long body_len = -1;

	if ((end = memmem(buf, len, "\r\n\r\n", 4)) == NULL)
		return ANSWER_PART;
	if (end - buf < STATUS_LINE_BYTES || memcmp(buf, "HTTP/1.1 ", 9) != 0)
		return ANSWER_BROKEN;
	a.status = (int)strtol(buf + 9, NULL, 10);
	for (line = memmem(buf, len, "\r\n", 2); line < end; line = next) {
		line += 2;
		next = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
		if (line_is(line, next, "content-length:", &value))
			body_len = strtol(value, NULL, 10);
		else if (line_is(line, next, "connection:", &value))
			a.last = strncasecmp(value, "close", 5) == 0;
	}
	if (body_len < 0)
		return ANSWER_BROKEN;
	a.body = end + 4;
	a.body_len = (size_t)body_len;
	if (len - (size_t)(a.body - buf) < a.body_len)
		return ANSWER_PART;
	*ret = a;
	return ANSWER_WHOLE;
}
