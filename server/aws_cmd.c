#include "aws_cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

enum { AWS_CMD_CONNECTIONS = 4 };

enum err_code
aws_cmd_open_home(struct aws_cmd *a, const struct cmd *c, struct err *e)
{
	aws_session_protect();
	return home_open(&a->home, c->home, e);
}

enum err_code
aws_cmd_open_settings(struct aws_cmd *a, const struct cmd *c, struct err *e)
{
	char path[HOME_PATH_BYTES];
	enum err_code rc;

	aws_session_protect();
	if ((rc = file_join(path, sizeof(path), c->home, HOME_CONFIG, e)) != ERR_OK)
		return rc;
	if ((rc = config_load(path, &a->home.config, e)) == ERR_NOT_FOUND) {
		config_defaults(&a->home.config);
		a->no_settings = true;
		rc = ERR_OK;
	}
	return rc;
}

enum err_code
aws_cmd_connect(struct aws_cmd *a, const char *target, const char *account, struct err *e)
{
	const struct target *t = config_target(&a->home.config, target != NULL ? target : "");
	enum err_code rc;

	if (t == NULL)
		return err_set(e, ERR_USAGE, "lineca.conf has no section [aws %.64s]", target);
	a->target = *t;
	if (account != NULL) {
		if (strlen(account) != LIMIT_ACCOUNT_BYTES || strspn(account, "0123456789") != LIMIT_ACCOUNT_BYTES)
			return err_set(e, ERR_USAGE, "--account: the 12 digits of an AWS account are needed");
		(void)snprintf(a->target.account, sizeof(a->target.account), "%s", account);
		a->session.account_said_by = "--account";
	}
	if (a->no_settings && a->target.account[0] == '\0')
		return err_set(e, ERR_USAGE, "there is no lineca.conf here that names the account: say it with --account");
	if ((rc = transport_new(AWS_CMD_CONNECTIONS, &a->transport, e)) != ERR_OK)
		return rc;
	return aws_session_open(&a->session, &a->target, a->transport, e);
}

void
aws_cmd_disconnect(struct aws_cmd *a)
{
	transport_free(a->transport);
	a->transport = NULL;
	aws_session_close(&a->session);
	a->session = (struct aws_session){ 0 };
}

void
aws_cmd_close(struct aws_cmd *a)
{
	aws_cmd_disconnect(a);
	home_close(&a->home);
}
