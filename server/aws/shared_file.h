/*
 * AWS's shared credentials and config files, as botocore reads them: sections, keys, and blocks of keys nested one deep.
 * (AWS SDKs and Tools Reference Guide, "Shared config and credentials files"; botocore/configloader.py.)
 *
 * The getter is aws_file_get in aws/environment.h.  The key of a nested block is written "iot.endpoint_url".
 */
#ifndef AWS_SHARED_FILE_H
#define AWS_SHARED_FILE_H

#include <stdbool.h>

#include "aws/environment.h"
#include "base/err.h"

/*
 * Reads at most LIMIT_CONFIG_BYTES.  ERR_CONFIG: cannot be parsed, with file and line and nothing of what stands there, for it may
 * be a secret.  ERR_NOT_FOUND, ERR_PERMISSION, ERR_IO.
 */
ERR_MUST_CHECK enum err_code	aws_file_read(const char *path, struct aws_file **ret, struct err *e);
void				aws_file_free(struct aws_file *f);	/* wipes; takes NULL */

/* f may be NULL for both: a file that is not there has nothing. */
const char			*aws_file_path(const struct aws_file *f);
bool				aws_file_has_section(const struct aws_file *f, const char *section);

#endif
