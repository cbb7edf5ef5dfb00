/* The sections [aws] and [aws NAME] while lineca.conf is read.  Inside server/config*.c only. */
#ifndef SERVER_CONFIG_AWS_H
#define SERVER_CONFIG_AWS_H

#include <stdbool.h>

#include "base/buf.h"
#include "config.h"

/* "aws" or "aws NAME"? */
bool				config_aws_is_section(const char *section);

/* All defaults: targets[0] alone. */
void				config_aws_defaults(struct config *c);

/* One line of such a section.  ERR_CONFIG. */
ERR_MUST_CHECK enum err_code	config_aws_set(struct config *c, const char *section, const char *name, const char *value,
				    struct err *e);

/* After the last line: what [aws NAME] does not say it has from [aws]; then all are checked.  ERR_CONFIG. */
ERR_MUST_CHECK enum err_code	config_aws_finish(struct config *c, struct err *e);

/* [aws] as init writes it. */
void				config_aws_put(struct buf *b);

#endif
