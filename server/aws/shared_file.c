#include "aws/shared_file.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/words.h"
#include "base/file.h"

static const char blanks[] = " \t\r\v\f";

struct entry {
	const char	*section;	/* normalised: words joined by one blank, without quotes */
	const char	*block;		/* the key that a nested block stands under, or NULL */
	const char	*key;		/* lower case; NULL: only says that there is such a section */
	char		*value;
};

/* Everything points into text, so that wiping it wipes all. */
struct aws_file {
	char		*path;
	char		*text;
	size_t		 text_len;
	struct entry	*entries;
	size_t		 count, room;
};

/* What a line means depends on those before it. */
struct parser {
	struct aws_file	*file;
	const char	*section;	/* NULL: before the first */
	const char	*key;		/* the last key of the section, or NULL */
	size_t		 value_at;	/* its entry */
	bool		 nests;		/* it had no value: what is indented below it is a block */
	size_t		 indent;	/* of that key or section */
	int		 line;
};

static void
trim_end(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && strchr(blanks, text[len - 1]) != NULL)
		len--;
	text[len] = '\0';
}

static char *
trim(char *text)
{
	text += strspn(text, blanks);
	trim_end(text);
	return text;
}

static void
lower_case(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

static enum err_code
bad_line(const struct parser *p, const char *what, struct err *e)
{
	return err_set(e, ERR_CONFIG, "%s line %d: %s", p->file->path, p->line, what);
}

static enum err_code
add_entry(struct aws_file *f, const char *section, const char *block, const char *key, char *value, struct err *e)
{
	if (f->count == f->room) {
		size_t room = f->room == 0 ? 32 : 2 * f->room;
		struct entry *entries = reallocarray(f->entries, room, sizeof(*entries));

		if (entries == NULL)
			return err_set(e, ERR_NOMEM, "read %s: no memory", f->path);
		f->entries = entries;
		f->room = room;
	}
	f->entries[f->count++] = (struct entry){ section, block, key, value };
	return ERR_OK;
}

/* `[profile "my line"]`: words as a shell has them. */
static enum err_code
parse_section(struct parser *p, char *text, struct err *e)
{
	char *end = strchr(text, ']');
	const char *rest = end == NULL ? NULL : end + 1 + strspn(end + 1, blanks);

	if (end == NULL || (*rest != '\0' && *rest != '#' && *rest != ';'))
		return bad_line(p, "a section is written [name]", e);
	*end = '\0';
	if (!words_join(text + 1) || text[1] == '\0')
		return bad_line(p, "the name of the section is empty or has a quote without its fellow", e);
	p->section = text + 1;
	p->key = NULL;
	return add_entry(p->file, p->section, NULL, NULL, NULL, e);
}

/* Blank and '#' or ';' end a value, but not a command, in which they are words (as botocore has it). */
static void
cut_comment(const char *key, char *value)
{
	if (strcmp(key, "credential_process") == 0)
		return;
	for (char *p = value; *p != '\0'; p++) {
		if ((*p == '#' || *p == ';') && (p == value || strchr(blanks, p[-1]) != NULL)) {
			*p = '\0';
			break;
		}
	}
	trim_end(value);
}

/* "key = value" in place; NULL in *ret_value: no separator, or no key. */
static char *
split_pair(char *text, const char *separators, char **ret_value)
{
	char *separator = text + strcspn(text, separators);

	*ret_value = NULL;
	if (*separator == '\0' || separator == text)
		return NULL;
	*separator = '\0';
	trim_end(text);
	lower_case(text);
	*ret_value = trim(separator + 1);
	cut_comment(text, *ret_value);
	return text;
}

static enum err_code
parse_key(struct parser *p, char *text, struct err *e)
{
	char *key, *value;

	if (p->section == NULL)
		return bad_line(p, "before the first [section]", e);
	if ((key = split_pair(text, "=:", &value)) == NULL)
		return bad_line(p, "neither [section] nor key = value", e);
	p->key = key;
	p->nests = *value == '\0';
	p->value_at = p->file->count;
	return add_entry(p->file, p->section, NULL, key, value, e);
}

/* An indented line: a key of a block, or one more line of the value above, which ends before this line begins. */
static enum err_code
parse_indented(struct parser *p, char *text, struct err *e)
{
	char *key, *value, *end;

	if (p->nests) {
		if ((key = split_pair(text, "=", &value)) == NULL)
			return bad_line(p, "below a key without a value, and not key = value", e);
		return add_entry(p->file, p->section, p->key, key, value, e);
	}
	end = p->file->entries[p->value_at].value;
	end += strlen(end);
	*end = '\n';
	memmove(end + 1, text, strlen(text) + 1);
	return ERR_OK;
}

static enum err_code
parse_line(struct parser *p, char *line, struct err *e)
{
	size_t indent = strspn(line, blanks);
	char *text = trim(line);

	if (*text == '\0' || *text == '#' || *text == ';')
		return ERR_OK;
	if (p->key != NULL && indent > p->indent)
		return parse_indented(p, text, e);
	p->indent = indent;
	return *text == '[' ? parse_section(p, text, e) : parse_key(p, text, e);
}

static enum err_code
parse(struct aws_file *f, struct err *e)
{
	struct parser p = { .file = f };
	char *line = f->text, *next;
	enum err_code rc = ERR_OK;

	if (memchr(f->text, '\0', f->text_len) != NULL)
		return err_set(e, ERR_CONFIG, "%s: not a text file", f->path);
	if (strncmp(line, "\xef\xbb\xbf", 3) == 0)	/* a byte order mark, as some editors leave it */
		line += 3;
	for (; line != NULL && rc == ERR_OK; line = next) {
		p.line++;
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		rc = parse_line(&p, line, e);
	}
	return rc;
}

enum err_code
aws_file_read(const char *path, struct aws_file **ret, struct err *e)
{
	struct aws_file *f = NULL;
	enum err_code rc;

	if ((f = calloc(1, sizeof(*f))) == NULL || (f->path = strdup(path)) == NULL) {
		rc = err_set(e, ERR_NOMEM, "read %s: no memory", path);
		goto out;
	}
	if ((rc = file_read(path, LIMIT_CONFIG_BYTES, &f->text, &f->text_len, e)) != ERR_OK)
		goto out;
	if ((rc = parse(f, e)) != ERR_OK)
		goto out;
	*ret = f;
	f = NULL;
out:
	aws_file_free(f);
	return rc;
}

void
aws_file_free(struct aws_file *f)
{
	if (f == NULL)
		return;
	if (f->text != NULL)
		OPENSSL_cleanse(f->text, f->text_len);
	free(f->text);
	free(f->entries);
	free(f->path);
	free(f);
}

const char *
aws_file_path(const struct aws_file *f)
{
	return f == NULL ? "" : f->path;
}

bool
aws_file_has_section(const struct aws_file *f, const char *section)
{
	for (size_t i = 0; f != NULL && i < f->count; i++)
		if (strcmp(f->entries[i].section, section) == 0)
			return true;
	return false;
}

static bool
is_key(const struct entry *entry, const char *key)
{
	size_t block;

	if (entry->key == NULL)
		return false;
	if (entry->block == NULL)
		return strcmp(entry->key, key) == 0;
	block = strlen(entry->block);
	return strncmp(entry->block, key, block) == 0 && key[block] == '.' && strcmp(entry->key, key + block + 1) == 0;
}

/* A key that stands twice: the later one counts. */
const char *
aws_file_get(const struct aws_file *f, const char *section, const char *key)
{
	for (size_t i = f == NULL ? 0 : f->count; i > 0; i--)
		if (is_key(&f->entries[i - 1], key) && strcmp(f->entries[i - 1].section, section) == 0)
			return f->entries[i - 1].value;
	return NULL;
}
