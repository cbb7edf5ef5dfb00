#include "args.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

enum { ARGS_OPTIONS_MAX = 16 };

/* The table in getopt's form; val is the place in the table + 1. */
static void
getopt_table(const struct arg_option *options, struct option *out)
{
	int n = 0;

	for (; options[n].name != NULL && n < ARGS_OPTIONS_MAX - 2; n++)
		out[n] = (struct option){ options[n].name, options[n].value != NULL, NULL, n + 1 };
	out[n++] = (struct option){ "home", 1, NULL, 'H' };
	out[n] = (struct option){ 0 };
}

/* getopt takes "--quant" for "--quantity"; in an order, what was meant must be written. */
static enum err_code
check_written_out(const struct cmd *c, const struct option *table, struct err *e)
{
	for (int i = 1; i < c->argc && strcmp(c->argv[i], "--") != 0; i++) {
		const char *word = c->argv[i];
		size_t len = strcspn(word, "=");
		const struct option *o = table;

		if (strncmp(word, "--", 2) != 0)
			continue;
		while (o->name != NULL && (strlen(o->name) != len - 2 || strncmp(o->name, word + 2, len - 2) != 0))
			o++;
		if (o->name == NULL)
			return err_set(e, ERR_USAGE, "there is no option %.*s here", (int)len, word);
		if (o->has_arg != 0 && word[len] == '\0')
			i++;	/* the next word is its value, whatever it looks like */
	}
	return ERR_OK;
}

enum err_code
args_parse(struct cmd *c, const struct arg_option *options, int min, int max, const char **operands, struct err *e)
{
	struct option table[ARGS_OPTIONS_MAX];
	bool seen[ARGS_OPTIONS_MAX] = { false };
	enum err_code rc;
	int opt, given;

	getopt_table(options, table);
	if ((rc = check_written_out(c, table, e)) != ERR_OK)
		return rc;
	opterr = 0;
	optind = 0;	/* glibc: start anew, main has been here before */
	while ((opt = getopt_long(c->argc, c->argv, ":", table, NULL)) != -1) {
		if (opt == ':')
			return err_set(e, ERR_USAGE, "%s needs a value", c->argv[optind - 1]);
		if (opt == '?')
			return err_set(e, ERR_USAGE, "there is no option %s here", c->argv[optind - 1]);
		if (opt == 'H') {
			c->home = optarg;
			continue;
		}
		/* of two values one would be lost */
		if (options[opt - 1].value != NULL && seen[opt])
			return err_set(e, ERR_USAGE, "--%s is given twice; where several values are meant they are written as one: a,b",
			    options[opt - 1].name);
		seen[opt] = true;
		if (options[opt - 1].value != NULL)
			*options[opt - 1].value = optarg;
		else
			*options[opt - 1].flag = true;
	}
	given = c->argc - optind;
	if (given < min)
		return err_set(e, ERR_USAGE, "%s is missing", min - given == 1 ? "an argument" : "more than one argument");
	if (given > max)
		return err_set(e, ERR_USAGE, "%s is one word too many", c->argv[optind + max]);
	for (int i = 0; i < max; i++)
		operands[i] = i < given ? c->argv[optind + i] : NULL;
	return ERR_OK;
}

enum err_code
args_number(const char *option, const char *text, int64_t min, int64_t max, int64_t *ret, struct err *e)
{
	if (!number_parse(text, min, max, ret))
		return err_set(e, ERR_USAGE, "%s %.40s: a whole number from %lld to %lld is needed", option, text,
		    (long long)min, (long long)max);
	return ERR_OK;
}

enum err_code
args_name(const char *what, const char *text, struct err *e)
{
	size_t len = strlen(text);

	if (len < 1 || len > LIMIT_NAME_BYTES || text[0] == '.' || text[0] == '-' ||
	    strspn(text, NAME_CHARACTERS) != len)
		return err_set(e, ERR_USAGE, "%s \"%.80s\": 1 to %d of A-Z a-z 0-9 _ . - are needed, the first no . or -", what, text,
		    LIMIT_NAME_BYTES);
	return ERR_OK;
}

void
args_shell_word(const char *name, char out[ARGS_WORD_BYTES])
{
	char *to = out;

	if (config_name_is_plain(name)) {
		(void)snprintf(out, ARGS_WORD_BYTES, "%s", name);
		return;
	}
	*to++ = '\'';
	for (; *name != '\0' && to < out + ARGS_WORD_BYTES - 6; name++) {
		if (*name == '\'') {
			memcpy(to, "'\\''", 4);
			to += 4;
		} else
			*to++ = *name;
	}
	*to++ = '\'';
	*to = '\0';
}
