#include "aws_home.h"

#include "cmocka_test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char home[64];

static void
clear_environment(void)
{
	char name[128];
	size_t i = 0;

	while (environ[i] != NULL) {
		size_t len = strcspn(environ[i], "=");

		if (strncmp(environ[i], "AWS_", 4) != 0 || len >= sizeof(name)) {
			i++;
			continue;
		}
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, environ[i]);
		assert_int_equal(unsetenv(name), 0);	/* moves the rest up */
	}
}

int
aws_home_setup(void **state)
{
	char dir[80];

	(void)state;
	clear_environment();
	(void)snprintf(home, sizeof(home), "/tmp/lineca-test-aws-XXXXXX");
	if (mkdtemp(home) == NULL)
		return -1;
	(void)snprintf(dir, sizeof(dir), "%s/.aws", home);
	return mkdir(dir, 0700) == 0 ? setenv("HOME", home, 1) : -1;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
aws_home_teardown(void **state)
{
	(void)state;
	clear_environment();
	return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
aws_home(void)
{
	return home;
}

const char *
aws_home_path(const char *name)
{
	static char path[160];

	(void)snprintf(path, sizeof(path), "%s/.aws/%s", home, name);
	return path;
}

void
aws_home_write(const char *name, mode_t mode, const char *text)
{
	struct err e;

	(void)unlink(aws_home_path(name));
	assert_int_equal(file_write_new(aws_home_path(name), mode, text, strlen(text), &e), ERR_OK);
}

void
assert_says(const struct err *e, const char *part)
{
	if (strstr(e->log_text, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, e->log_text);
	if (strstr(e->log_text, SECRET_MARK) != NULL || strstr(e->client_text, SECRET_MARK) != NULL)
		fail_msg("a secret is in \"%s\"", e->log_text);
	/* nothing was cut: the sentence says what to do at its end */
	assert_true(strlen(e->log_text) < ERR_LOG_TEXT_BYTES - 1);
}
