#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/csrs.h"

static const char end_line[] = "-----END CERTIFICATE REQUEST-----\n";

static char *
read_whole(const char *path)
{
	FILE *f;
	char *text;
	long len;

	if ((f = fopen(path, "re")) == NULL)
		err(1, "%s", path);
	if (fseek(f, 0, SEEK_END) != 0 || (len = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0)
		err(1, "%s", path);
	if ((text = malloc((size_t)len + 1)) == NULL)
		err(1, NULL);
	if (fread(text, 1, (size_t)len, f) != (size_t)len)
		errx(1, "%s: cannot be read whole", path);
	text[len] = '\0';
	(void)fclose(f);
	return text;
}

void
csrs_read(const char *path, struct csrs *ret)
{
	struct csrs c = { .text = read_whole(path) };
	size_t room = 0;
	char *end;

	for (char *p = c.text;; p = end) {
		if (c.n + 1 >= room) {
			room = room == 0 ? 1024 : 2 * room;
			if ((c.at = reallocarray(c.at, room, sizeof(*c.at))) == NULL)
				err(1, NULL);
		}
		c.at[c.n] = (size_t)(p - c.text);
		if (*p == '\0')
			break;
		if ((end = strstr(p, end_line)) == NULL)
			errx(1, "%s: request %zu has no end", path, c.n);
		end += strlen(end_line);
		c.n++;
	}
	*ret = c;
}

void
csrs_done(struct csrs *c)
{
	free(c->text);
	free(c->at);
	*c = (struct csrs){ .text = NULL };
}
