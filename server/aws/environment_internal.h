/* What the providers of credentials ask of the environment beside what aws/environment.h has for all. */
#ifndef AWS_ENVIRONMENT_INTERNAL_H
#define AWS_ENVIRONMENT_INTERNAL_H

#include "aws/environment.h"

enum { ENVIRONMENT_SECTION_BYTES = LIMIT_AWS_NAME_BYTES + 16 };

/* An environment variable; NULL also when it is empty.  Lent. */
const char	*environment_variable(const char *name);

/* Are there keys in the environment, or half of a pair, and do they count? */
bool		 environment_has_keys(const struct aws_environment *env);

/* The section of the profile in the config file: "profile line"; "default" where it is written so. */
void		 environment_profile_section(const struct aws_environment *env, char section[ENVIRONMENT_SECTION_BYTES]);

/* A key of the profile, in the credentials file or else in the config file; NULL also when it is empty.  Lent. */
const char	*environment_profile_get(const struct aws_environment *env, const char *key);

#endif
