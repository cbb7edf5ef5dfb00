/*
 * What the environment and AWS's two shared files say about an account: profile, region, endpoints, CA bundle.
 * (AWS SDKs and Tools Reference Guide; names in aws-iot facts 3.5.)  Read once; immutable afterwards.
 */
#ifndef AWS_ENVIRONMENT_H
#define AWS_ENVIRONMENT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/limits.h"

enum { AWS_URL_BYTES = 512, AWS_PATH_BYTES = 1024 };

struct aws_file;	/* a shared file, parsed: sections, keys, values */

struct aws_environment {
	char		 profile[LIMIT_AWS_NAME_BYTES + 1];	/* "default" if none was chosen */
	bool		 profile_named;				/* by an argument, AWS_PROFILE or AWS_DEFAULT_PROFILE: it must exist */
	bool		 profile_explicit;			/* by the argument: credentials in the environment do not count then */
	char		 region[LIMIT_REGION_BYTES + 1];	/* AWS_REGION, AWS_DEFAULT_REGION, the profile's; "" = nobody says */
	char		 iot_url[AWS_URL_BYTES];		/* AWS_ENDPOINT_URL_IOT, AWS_ENDPOINT_URL, the profile's; "" = AWS's own */
	char		 sts_url[AWS_URL_BYTES];		/* AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, the profile's; "" = AWS's own */
	char		 ca_bundle[AWS_PATH_BYTES];		/* AWS_CA_BUNDLE, the profile's; "" = the system's */
	struct aws_file	*credentials_file;			/* NULL: not there */
	struct aws_file	*config_file;				/* NULL: not there */
};

/*
 * profile: as lineca.conf says, or NULL.  ERR_CONFIG: a file that cannot be parsed (file and line), a named profile that is in
 * neither file, an endpoint that is no URL or is plain http to anywhere but this machine.  ERR_PERMISSION: the credentials file may be read by
 * others (mode & 077), with the chmod to do.  env is all zeroes before; environment_done in any case.
 */
ERR_MUST_CHECK enum err_code	environment_read(const char *profile, struct aws_environment *env, struct err *e);
void				environment_done(struct aws_environment *env);	/* wipes what the files held */

/*
 * The value of a key in a section ("default", "line", "profile line"); NULL: not there.  Lent.  In aws/shared_file.c.
 */
const char			*aws_file_get(const struct aws_file *f, const char *section, const char *key);

#endif
