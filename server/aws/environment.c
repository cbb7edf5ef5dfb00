#include "aws/environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/environment_internal.h"
#include "aws/shared_file.h"
#include "aws/url.h"
#include "base/file.h"

const char *
environment_variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

bool
environment_has_keys(const struct aws_environment *env)
{
	return !env->profile_explicit &&
	    (environment_variable("AWS_ACCESS_KEY_ID") != NULL || environment_variable("AWS_SECRET_ACCESS_KEY") != NULL);
}

void
environment_profile_section(const struct aws_environment *env, char section[ENVIRONMENT_SECTION_BYTES])
{
	(void)snprintf(section, ENVIRONMENT_SECTION_BYTES, "profile %s", env->profile);
	/* only default may stand without the word */
	if (strcmp(env->profile, "default") == 0 && !aws_file_has_section(env->config_file, section))
		(void)snprintf(section, ENVIRONMENT_SECTION_BYTES, "default");
}

static const char *
config_get(const struct aws_environment *env, const char *key)
{
	char section[ENVIRONMENT_SECTION_BYTES];

	environment_profile_section(env, section);
	return aws_file_get(env->config_file, section, key);
}

const char *
environment_profile_get(const struct aws_environment *env, const char *key)
{
	const char *value = aws_file_get(env->credentials_file, env->profile, key);

	if (value == NULL)
		value = config_get(env, key);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* ---- the two files */

/* Where a file is: "" = nowhere, for there is no home.  A leading ~/ is the home, as botocore has it. */
static enum err_code
expand(const char *setting, const char *path, char out[AWS_PATH_BYTES], struct err *e)
{
	const char *home = environment_variable("HOME");
	int n;

	out[0] = '\0';
	if (strncmp(path, "~/", 2) != 0)
		n = snprintf(out, AWS_PATH_BYTES, "%s", path);
	else if (home != NULL)
		n = snprintf(out, AWS_PATH_BYTES, "%s/%s", home, path + 2);
	else
		return err_set(e, ERR_CONFIG, "%s begins with ~/ and HOME is not set: set HOME, or write the whole path", setting);
	if (n < 0 || n >= AWS_PATH_BYTES)
		return err_set(e, ERR_CONFIG, "%s: the path is longer than %d bytes", setting, AWS_PATH_BYTES - 1);
	return ERR_OK;
}

static enum err_code
find_file(const char *variable, const char *usual, char out[AWS_PATH_BYTES], struct err *e)
{
	const char *path = environment_variable(variable);

	out[0] = '\0';
	if (path == NULL && environment_variable("HOME") == NULL)
		return ERR_OK;
	return expand(variable, path != NULL ? path : usual, out, e);
}

/* A file that is not there is none, as AWS's own tools have it: also when a variable names it. */
static enum err_code
read_file(const char *path, struct aws_file **ret, mode_t *ret_mode, struct err *e)
{
	struct stat st;
	enum err_code rc;

	if (path[0] == '\0')
		return ERR_OK;
	if (stat(path, &st) == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			return ERR_OK;
		return err_set(e, file_err_code(errno), "open %s: %s", path, strerror(errno));
	}
	if ((rc = aws_file_read(path, ret, e)) == ERR_OK)
		*ret_mode = st.st_mode;
	return rc;
}

static enum err_code
read_credentials_file(struct aws_environment *env, struct err *e)
{
	char path[AWS_PATH_BYTES];
	mode_t mode = 0;
	enum err_code rc;

	if ((rc = find_file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", path, e)) != ERR_OK)
		return rc;
	rc = read_file(path, &env->credentials_file, &mode, e);
	if (rc == ERR_PERMISSION && environment_has_keys(env))
		return ERR_OK;		/* a service's own user need not be able to read it */
	if (rc != ERR_OK)
		return rc;
	if ((mode & 077) != 0 && !environment_has_keys(env) && aws_file_has_section(env->credentials_file, env->profile))
		return err_set(e, ERR_PERMISSION, "run: chmod 600 %s (it holds AWS keys and others may use it: mode %03o)", path,
		    (unsigned)mode & 0777);
	return ERR_OK;
}

static enum err_code
read_config_file(struct aws_environment *env, struct err *e)
{
	char path[AWS_PATH_BYTES];
	mode_t mode;
	enum err_code rc;

	if ((rc = find_file("AWS_CONFIG_FILE", "~/.aws/config", path, e)) != ERR_OK)
		return rc;
	return read_file(path, &env->config_file, &mode, e);
}

/* ---- the profile */

static enum err_code
choose_profile(struct aws_environment *env, const char *argument, struct err *e)
{
	const char *name = argument != NULL && argument[0] != '\0' ? argument : NULL;

	env->profile_explicit = name != NULL;
	if (name == NULL)
		name = environment_variable("AWS_PROFILE");
	if (name == NULL)
		name = environment_variable("AWS_DEFAULT_PROFILE");
	env->profile_named = name != NULL;
	if (name == NULL)
		name = "default";
	if (strlen(name) >= sizeof(env->profile))
		return err_set(e, ERR_CONFIG, "the name of the AWS profile is longer than %zu bytes", sizeof(env->profile) - 1);
	(void)snprintf(env->profile, sizeof(env->profile), "%s", name);
	return ERR_OK;
}

static enum err_code
check_profile(const struct aws_environment *env, struct err *e)
{
	char section[ENVIRONMENT_SECTION_BYTES];
	const char *config = aws_file_path(env->config_file);

	environment_profile_section(env, section);
	if (!env->profile_named || aws_file_has_section(env->credentials_file, env->profile) ||
	    aws_file_has_section(env->config_file, section))
		return ERR_OK;
	if (aws_file_has_section(env->config_file, env->profile))
		return err_set(e, ERR_CONFIG, "%.200s: write [profile %.64s] where it says [%.64s]", config, env->profile, env->profile);
	if (environment_variable("HOME") == NULL && env->credentials_file == NULL && env->config_file == NULL)
		return err_set(e, ERR_CONFIG, "the AWS profile %.64s cannot be looked up: HOME is not set; set HOME, or "
		    "AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE", env->profile);
	return err_set(e, ERR_CONFIG, "there is no AWS profile %.64s in %.50s or %.50s; make it with: aws configure --profile %.64s",
	    env->profile, env->credentials_file == NULL ? "~/.aws/credentials" : aws_file_path(env->credentials_file),
	    env->config_file == NULL ? "~/.aws/config" : config, env->profile);
}

/* ---- region, CA bundle */

static enum err_code
choose_region(struct aws_environment *env, struct err *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const char *region = environment_variable("AWS_REGION");

	if (region == NULL)
		region = environment_variable("AWS_DEFAULT_REGION");
	if (region == NULL)
		region = environment_profile_get(env, "region");
	if (region == NULL)
		return ERR_OK;
	if (strlen(region) >= sizeof(env->region) || region[strspn(region, allowed)] != '\0')
		return err_set(e, ERR_CONFIG, "AWS_REGION, AWS_DEFAULT_REGION or the profile's region is no region: "
		    "write one like eu-central-1");
	(void)snprintf(env->region, sizeof(env->region), "%s", region);
	return ERR_OK;
}

static enum err_code
choose_ca_bundle(struct aws_environment *env, struct err *e)
{
	const char *setting = "AWS_CA_BUNDLE", *path = environment_variable(setting);
	enum err_code rc;

	if (path == NULL) {
		setting = "the profile's ca_bundle";
		path = environment_profile_get(env, "ca_bundle");
	}
	if (path == NULL)
		return ERR_OK;
	if ((rc = expand(setting, path, env->ca_bundle, e)) != ERR_OK)
		return rc;
	if (access(env->ca_bundle, R_OK) == -1)
		return err_set(e, ERR_CONFIG, "%s names %.200s: %s", setting, env->ca_bundle, strerror(errno));
	return ERR_OK;
}

/* ---- endpoints */

struct endpoint {
	const char	*setting;	/* for people */
	const char	*url;		/* NULL: AWS's own */
};

static bool
endpoints_ignored(const struct aws_environment *env)
{
	const char *value = environment_variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");

	if (value == NULL)
		value = environment_profile_get(env, "ignore_configured_endpoint_urls");
	return value != NULL && strcasecmp(value, "true") == 0;
}

/* The profile's `services = x`, and in [services x] the block of the service. */
static const char *
services_get(const struct aws_environment *env, const char *key)
{
	const char *services = environment_profile_get(env, "services"), *value;
	char section[ENVIRONMENT_SECTION_BYTES];

	if (services == NULL || strlen(services) > LIMIT_AWS_NAME_BYTES)
		return NULL;
	(void)snprintf(section, sizeof(section), "services %s", services);
	value = aws_file_get(env->config_file, section, key);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

static struct endpoint
find_endpoint(const struct aws_environment *env, const char *variable, const char *key)
{
	struct endpoint found = { variable, environment_variable(variable) };

	if (endpoints_ignored(env))
		return (struct endpoint){ "", NULL };
	if (found.url == NULL)
		found = (struct endpoint){ "AWS_ENDPOINT_URL", environment_variable("AWS_ENDPOINT_URL") };
	if (found.url == NULL)
		found = (struct endpoint){ "endpoint_url of the profile's services", services_get(env, key) };
	if (found.url == NULL)
		found = (struct endpoint){ "the profile's endpoint_url", environment_profile_get(env, "endpoint_url") };
	return found;
}

static enum err_code
choose_endpoint(const struct aws_environment *env, const char *variable, const char *key, char out[AWS_URL_BYTES],
    struct err *e)
{
	struct endpoint found = find_endpoint(env, variable, key);
	const char *wrong;
	struct url url;

	if (found.url == NULL)
		return ERR_OK;
	if ((wrong = url_parse(found.url, &url)) != NULL)
		return err_set(e, ERR_CONFIG, "%s %s; write it like https://host:8443", found.setting, wrong);
	if (url.rest[0] != '\0' && strcmp(url.rest, "/") != 0)
		return err_set(e, ERR_CONFIG, "%s has a path or a query behind the host; write it like https://host:8443",
		    found.setting);
	if (!url.https && !url_is_this_machine(&url))
		return err_set(e, ERR_CONFIG, "%s is http to %.100s; http goes only to 127.0.0.1, [::1] and localhost: write https",
		    found.setting, url.host);
	if (!url_format(&url, out, AWS_URL_BYTES))
		return err_set(e, ERR_CONFIG, "%s is longer than %d bytes", found.setting, AWS_URL_BYTES - 1);
	return ERR_OK;
}

enum err_code
environment_read(const char *profile, struct aws_environment *env, struct err *e)
{
	enum err_code rc;

	if ((rc = choose_profile(env, profile, e)) != ERR_OK || (rc = read_config_file(env, e)) != ERR_OK ||
	    (rc = read_credentials_file(env, e)) != ERR_OK || (rc = check_profile(env, e)) != ERR_OK ||
	    (rc = choose_region(env, e)) != ERR_OK || (rc = choose_ca_bundle(env, e)) != ERR_OK)
		return rc;
	if ((rc = choose_endpoint(env, "AWS_ENDPOINT_URL_IOT", "iot.endpoint_url", env->iot_url, e)) != ERR_OK)
		return rc;
	return choose_endpoint(env, "AWS_ENDPOINT_URL_STS", "sts.endpoint_url", env->sts_url, e);
}

void
environment_done(struct aws_environment *env)
{
	aws_file_free(env->credentials_file);
	aws_file_free(env->config_file);
	*env = (struct aws_environment){ 0 };
}
