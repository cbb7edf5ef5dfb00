#include "aws/words.h"

#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\r\n\v\f";

/* Within quotes: true with *in behind the closing one. */
static bool
read_quoted(const char **in, char **out)
{
	const char *p = *in;
	char quote = *p++;

	for (; *p != quote; p++) {
		/* in double quotes a backslash means itself unless it stands before one of these */
		if (quote == '"' && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		if (*p == '\0')
			return false;
		*(*out)++ = *p;
	}
	*in = p + 1;
	return true;
}

/* Reads a word from *in, which stands at its first byte, to *out, which is never ahead; ends neither. */
static bool
read_word(const char **in, char **out)
{
	while (**in != '\0' && strchr(blanks, **in) == NULL) {
		if (**in == '\'' || **in == '"') {
			if (!read_quoted(in, out))
				return false;
			continue;
		}
		if (**in == '\\' && *++(*in) == '\0')
			return false;
		*(*out)++ = *(*in)++;
	}
	return true;
}

enum err_code
words_split(char *text, char ***ret, struct err *e)
{
	const char *in = text;
	char *out = text, **words;
	size_t count = 0;

	/* a word and its blank are two bytes */
	if ((words = calloc(strlen(text) / 2 + 2, sizeof(*words))) == NULL)
		return err_set(e, ERR_NOMEM, "no memory for a command");
	for (in += strspn(in, blanks); *in != '\0';) {
		words[count++] = out;
		if (!read_word(&in, &out)) {
			free(words);
			return err_set(e, ERR_CONFIG, "a quote without its fellow, or a backslash at the end");
		}
		in += strspn(in, blanks);	/* before the word is ended, which may be on the blank */
		*out++ = '\0';
	}
	*ret = words;
	return ERR_OK;
}

bool
words_join(char *text)
{
	const char *in = text;
	char *out = text;

	for (in += strspn(in, blanks); *in != '\0';) {
		if (out != text)
			*out++ = ' ';
		if (!read_word(&in, &out))
			return false;
		in += strspn(in, blanks);
	}
	*out = '\0';
	return true;
}
