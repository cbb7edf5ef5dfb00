#include "device_list.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/limits.h"
#include "ca/csr.h"

/* How the lines are read; decided by the first. */
struct format {
	bool	decided;
	char	separator;	/* '\0': one id a line */
	size_t	column;
};

static bool
is_id_title(const char *title)
{
	return strcasecmp(title, "device_id") == 0 || strcasecmp(title, "device") == 0 ||
	    strcasecmp(title, "id") == 0 || strcasecmp(title, "cn") == 0;
}

static char *
trim(char *text)
{
	size_t len;

	while (*text == ' ' || *text == '\t')
		text++;
	len = strlen(text);
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		text[--len] = '\0';
	return text;
}

/*
 * Takes the next field off *rest (RFC 4180: quotes around a field, doubled inside), NULL after the last.
 * The field is cut out of the line in place.
 */
static char *
take_field(char **rest, char separator)
{
	char *field = *rest, *in, *out;
	bool quoted;

	if (field == NULL)
		return NULL;
	in = out = field = trim(field);
	quoted = *in == '"';
	if (quoted)
		in++;
	for (; *in != '\0' && (quoted || *in != separator); in++) {
		if (quoted && *in == '"' && in[1] != '"') {
			quoted = false;
			continue;
		}
		if (quoted && *in == '"')
			in++;
		*out++ = *in;
	}
	*rest = *in == '\0' ? NULL : in + 1;
	*out = '\0';
	return trim(field);
}

/* A first line with a separator, or that is itself a title, is a header. */
static enum err_code
read_header(struct format *f, char *line, bool *ret_is_header, struct err *e)
{
	char titles[200], *rest = line, *title;
	static const char separators[] = ",;\t";

	f->decided = true;
	for (const char *s = separators; *s != '\0' && f->separator == '\0'; s++)
		if (strchr(line, *s) != NULL)
			f->separator = *s;
	if (f->separator == '\0') {
		*ret_is_header = is_id_title(trim(line));
		return ERR_OK;
	}
	*ret_is_header = true;
	(void)snprintf(titles, sizeof(titles), "%s", line);
	for (f->column = 0; (title = take_field(&rest, f->separator)) != NULL; f->column++)
		if (is_id_title(title))
			return ERR_OK;
	return err_set(e, ERR_USAGE, "line 1: the header \"%.150s\" has no column device_id, device, id or cn", titles);
}

static enum err_code
add_id(struct device_list *l, const char *id, uint32_t line, struct err *e)
{
	size_t len = strlen(id);

	if (l->text_room - l->text_len <= len) {
		size_t room = l->text_room == 0 ? 64 * 1024 : 2 * l->text_room;
		char *text = realloc(l->text, room);

		if (text == NULL)
			return err_set(e, ERR_NOMEM, "device list: line %u", line);
		l->text = text;
		l->text_room = room;
	}
	if (l->count == l->room) {
		size_t room = l->room == 0 ? 4096 : 2 * l->room;
		struct device_line *ids = reallocarray(l->ids, room, sizeof(*ids));

		if (ids == NULL)
			return err_set(e, ERR_NOMEM, "device list: line %u", line);
		l->ids = ids;
		l->room = room;
	}
	l->ids[l->count++] = (struct device_line){ l->text_len, line };
	memcpy(l->text + l->text_len, id, len + 1);
	l->text_len += len + 1;
	return ERR_OK;
}

/* One line without its end. */
static enum err_code
read_line(struct device_list *l, struct format *f, char *line, uint32_t number, struct err *e)
{
	char *rest = line, *id = NULL;
	bool is_header;
	struct err why;
	enum err_code rc;

	if (*trim(line) == '\0')
		return ERR_OK;
	if (!f->decided) {
		if ((rc = read_header(f, line, &is_header, e)) != ERR_OK || is_header)
			return rc;
	}
	if (f->separator == '\0')
		id = trim(line);
	else
		for (size_t i = 0; i <= f->column; i++)
			id = take_field(&rest, f->separator);
	if (id == NULL)
		return err_set(e, ERR_USAGE, "line %u: it has no column %zu", number, f->column + 1);
	if (device_id_check(id, strlen(id), &why) != ERR_OK)
		return err_set(e, ERR_USAGE, "line %u: \"%.80s\" can be no device id: %s", number, id, why.log_text);
	return add_id(l, id, number, e);
}

static enum err_code
read_lines(struct device_list *l, FILE *file, struct err *e)
{
	struct format f = { 0 };
	char *line = NULL, *text;
	size_t room = 0;
	uint32_t number = 0;
	enum err_code rc = ERR_OK;
	ssize_t len;

	while (rc == ERR_OK && (len = getline(&line, &room, file)) != -1) {
		number++;
		text = line;
		if (len > LIMIT_LIST_LINE_BYTES || strlen(line) != (size_t)len) {
			rc = err_set(e, ERR_USAGE, "line %u: longer than %d bytes, or not text", number, LIMIT_LIST_LINE_BYTES);
			break;
		}
		text[strcspn(text, "\r\n")] = '\0';
		if (number == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
			text += 3;
		rc = read_line(l, &f, text, number, e);
	}
	if (rc == ERR_OK && ferror(file))
		rc = err_set(e, ERR_IO, "after line %u: %s", number, strerror(errno));
	free(line);
	return rc;
}

static int
compare_ids(const void *a, const void *b, void *text)
{
	const struct device_line *x = a, *y = b;
	int order = strcmp((const char *)text + x->at, (const char *)text + y->at);

	if (order != 0)
		return order;
	return x->line < y->line ? -1 : 1;
}

static enum err_code
sort_unique(struct device_list *l, struct err *e)
{
	if (l->count == 0)
		return err_set(e, ERR_USAGE, "it lists no device");
	qsort_r(l->ids, l->count, sizeof(*l->ids), compare_ids, l->text);
	for (size_t i = 1; i < l->count; i++)
		if (strcmp(device_list_id(l, i - 1), device_list_id(l, i)) == 0)
			return err_set(e, ERR_USAGE, "line %u: %s stands on line %u already", l->ids[i].line,
			    device_list_id(l, i), l->ids[i - 1].line);
	return ERR_OK;
}

enum err_code
device_list_read(struct device_list *list, const char *path, struct err *e)
{
	bool from_stdin = strcmp(path, "-") == 0;
	FILE *file = from_stdin ? stdin : fopen(path, "re");
	struct err why;
	enum err_code rc;

	if (file == NULL)
		return err_set(e, file_err_code(errno), "open %s: %s", path, strerror(errno));
	if ((rc = read_lines(list, file, &why)) != ERR_OK || (rc = sort_unique(list, &why)) != ERR_OK)
		rc = err_set(e, rc, "%s, %s; no batch was made", from_stdin ? "standard input" : path, why.log_text);
	if (!from_stdin)
		(void)fclose(file);
	return rc;
}

enum err_code
device_list_add(struct device_list *l, const char *id, struct err *e)
{
	struct err why;

	if (device_id_check(id, strlen(id), &why) != ERR_OK)
		return err_set(e, ERR_USAGE, "devices, entry %zu: \"%.80s\" can be no device id: %s", l->count + 1, id, why.log_text);
	return add_id(l, id, (uint32_t)l->count + 1, e);
}

enum err_code
device_list_finish(struct device_list *l, struct err *e)
{
	struct err why;
	enum err_code rc;

	if ((rc = sort_unique(l, &why)) != ERR_OK)
		return err_set(e, rc, "devices, %s; no batch was made", why.log_text);
	return ERR_OK;
}

void
device_list_done(struct device_list *list)
{
	free(list->text);
	free(list->ids);
	*list = (struct device_list){ 0 };
}

const char *
device_list_id(const struct device_list *list, size_t i)
{
	return list->text + list->ids[i].at;
}

enum err_code
device_list_next(void *arg, const char **ret_device, struct err *e)
{
	struct device_list *l = arg;

	(void)e;
	*ret_device = l->next < l->count ? device_list_id(l, l->next++) : NULL;
	return ERR_OK;
}
