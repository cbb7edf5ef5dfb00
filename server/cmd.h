/* The command line: one function a command, each in cmd_NOUN.c. */
#ifndef SERVER_CMD_H
#define SERVER_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "home.h"

struct cmd {
	const char	*home;		/* path, as --home, LINECA_HOME or the default say */
	int		 argc;		/* what follows the command's words; argv[0] is the last of these */
	char		**argv;
	bool		 in_part;	/* out, with ERR_OK: not all could be done, exit 3 */
};

ERR_MUST_CHECK enum err_code	cmd_init(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_serve(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_batch_create(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_batch_list(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_batch_show(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_batch_open(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_batch_close(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_batch_quantity(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_backup(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_event_list(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_cert_list(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_cert_show(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_cert_export(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_cert_revoke(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_ca_list(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_ca_show(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_ca_verification_cert(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_upload(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_upload_status(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_upload_retry(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_aws_check(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_aws_registration_code(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_aws_register_ca(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_aws_cas(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_aws_activate_ca(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_aws_deactivate_ca(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_token_create(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_token_list(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_token_revoke(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_tls_create(struct cmd *c, struct err *e);
ERR_MUST_CHECK enum err_code	cmd_tls_show(struct cmd *c, struct err *e);

#endif
