/* What the `aws` commands begin and end with: settings, the ledger if there is one, and a conversation with a target's account. */
#ifndef SERVER_AWS_CMD_H
#define SERVER_AWS_CMD_H

#include "aws_session.h"
#include "cmd.h"

struct aws_cmd {
	struct home		 home;		/* with a ledger only after aws_cmd_open_home */
	bool			 no_settings;	/* there is no lineca.conf: all defaults */
	struct target		 target;	/* a copy of the section's, with what the command line overrules */
	struct transport	*transport;
	struct aws_session	 session;
};

/* The home with its ledger.  a is all zeroes before; aws_cmd_close in any case. */
ERR_MUST_CHECK enum err_code	aws_cmd_open_home(struct aws_cmd *a, const struct cmd *c, struct err *e);

/* Only its settings, or all defaults where there is no home: the two steps that are made on a machine with a line out. */
ERR_MUST_CHECK enum err_code	aws_cmd_open_settings(struct aws_cmd *a, const struct cmd *c, struct err *e);

/*
 * After one of them.  target: the NAME of a section [aws NAME], NULL: [aws]; account: overrules the section's, NULL: as there.
 * ERR_USAGE: no such section, an account that is none; then as aws_session_open.
 */
ERR_MUST_CHECK enum err_code	aws_cmd_connect(struct aws_cmd *a, const char *target, const char *account, struct err *e);
void				aws_cmd_close(struct aws_cmd *a);
/* Ends the conversation only; another aws_cmd_connect may follow. */
void				aws_cmd_disconnect(struct aws_cmd *a);

#endif
