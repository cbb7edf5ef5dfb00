/* A home and an environment of a test's own.  Secrets of the tests have SECRET_MARK in them, and no error text may. */
#ifndef TESTS_UNIT_AWS_HOME_H
#define TESTS_UNIT_AWS_HOME_H

#include <sys/types.h>

#include "base/err.h"

#define SECRET_MARK "Sesame"
#define SECRET "wJal" SECRET_MARK "K7MDENG/bPxRfiCY+EXAMPLEKEY"
#define TOKEN "FQoG" SECRET_MARK "//Token+=="

/* For cmocka: HOME is a new directory with an empty .aws, and no variable begins with AWS_. */
int		aws_home_setup(void **state);
int		aws_home_teardown(void **state);

/* Its path, and that of a file in .aws; static. */
const char	*aws_home(void);
const char	*aws_home_path(const char *name);

/* Writes .aws/NAME anew. */
void		aws_home_write(const char *name, mode_t mode, const char *text);

/* Fails the test if a text of the error shows a secret, or if there is none. */
void		assert_says(const struct err *e, const char *part);

#endif
