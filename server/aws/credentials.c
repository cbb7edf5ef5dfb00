#include "aws/credentials.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/credential_internal.h"
#include "aws/environment_internal.h"
#include "aws/shared_file.h"

enum {
	RENEW_BEFORE_S = 600,	/* botocore's mandatory refresh: ten minutes */
	PRESSING_S = 120,	/* so few left: the provider gets all the time that it may have */
	EARLY_LIMIT_MS = 5 * 1000,	/* before that, nobody waits for it for long */
	PAUSE_MS = 30 * 1000
};

struct provider;

struct credential_source {
	const struct aws_environment	*env;
	struct credential_options	 o;
	const struct provider		*provider;	/* the one that applied */
	struct aws_credentials		 current;
	unsigned			 generation;
	struct credential_wait		 wait;		/* of the attempt that runs */
	/* on the monotonic clock, counted from the end of an attempt: one that hangs must not be followed by the next */
	int64_t				 early_at_us;	/* not asked again before, while they hold */
	int64_t				 demand_at_us;	/* not asked again before, when they are over by the clock or by AWS's word */
	struct err			 failure;	/* of the last attempt, if it failed */
	bool				 told;		/* to the caller of credential_source_renew */
};

bool
credential_stopped(const struct credential_wait *w, struct err *e)
{
	if (w->stopped == NULL || !w->stopped())
		return false;
	(void)err_set(e, ERR_DRAINING, "stopped while AWS credentials were waited for");
	return true;
}

/* fetch: ERR_NOT_FOUND says that it does not apply, so that the next one is asked. */
struct provider {
	enum err_code	(*fetch)(const struct credential_source *s, struct aws_credentials *ret, struct err *e);
	bool		 renews;
};

enum err_code
credential_about(const char *source, enum err_code rc, struct err *e)
{
	struct err inner;

	if (e == NULL)
		return rc;
	inner = *e;
	return err_set(e, rc, "AWS credentials, %.160s: %.150s", source, inner.log_text);
}

/* ---- environment */

static enum err_code
fetch_environment(const struct credential_source *s, struct aws_credentials *ret, struct err *e)
{
	const char *access_key = environment_variable("AWS_ACCESS_KEY_ID"), *secret_key = environment_variable("AWS_SECRET_ACCESS_KEY");
	const char *token = environment_variable("AWS_SESSION_TOKEN");
	enum err_code rc;

	if (!environment_has_keys(s->env))
		return ERR_NOT_FOUND;
	if (secret_key == NULL)
		return err_set(e, ERR_CONFIG, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is missing: set both or none");
	if (access_key == NULL)
		return err_set(e, ERR_CONFIG, "AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is missing: set both or none");
	if (token == NULL)
		token = environment_variable("AWS_SECURITY_TOKEN");	/* its old name */
	(void)snprintf(ret->source, sizeof(ret->source), "environment");
	rc = credentials_fill(ret, access_key, secret_key, token, environment_variable("AWS_CREDENTIAL_EXPIRATION"), e);
	return rc == ERR_OK ? rc : credential_about(ret->source, rc, e);
}

/* ---- a profile */

/* Keys of a profile that lineca does not follow: AWS's own command does. */
static const char *const elsewhere[] = {
	"role_arn", "source_profile", "credential_source", "web_identity_token_file", "sso_session", "sso_start_url",
	"sso_account_id", "sso_role_name", "login_session"
};

/* The first such key that the profile has, or NULL. */
static const char *
leads_elsewhere(const struct aws_environment *env)
{
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (environment_profile_get(env, elsewhere[i]) != NULL)
			return elsewhere[i];
	return NULL;
}

/*
 * A role's profile may hold keys, which are those that assume it and not those of the role: only its credential_process, if it has
 * one, gives the role's.  (AWS's command follows the role first, so that the line may stand in the same profile.)
 */
static enum err_code
refuse_elsewhere(const struct credential_source *s, struct aws_credentials *ret, struct err *e)
{
	const char *key = leads_elsewhere(s->env);
	const char *name = s->env->profile, *quote;

	(void)ret;
	if (environment_variable("AWS_WEB_IDENTITY_TOKEN_FILE") != NULL && !s->env->profile_explicit && key == NULL)
		key = "AWS_WEB_IDENTITY_TOKEN_FILE";
	if (key == NULL || environment_profile_get(s->env, "credential_process") != NULL)
		return ERR_NOT_FOUND;
	quote = strchr(name, ' ') == NULL ? "" : "'";
	/* short enough for the longest name: the command is what matters */
	return err_set(e, ERR_CONFIG, "the AWS profile needs SSO or a role (%s); write into its section of ~/.aws/config: "
	    "credential_process = aws configure export-credentials --profile %s%s%s --format process", key, quote, name, quote);
}

/* A pair from a section of one of the files. */
static enum err_code
fetch_static(const struct aws_environment *env, const struct aws_file *file, const char *section, struct aws_credentials *ret,
    struct err *e)
{
	const char *access_key = aws_file_get(file, section, "aws_access_key_id");
	const char *secret_key = aws_file_get(file, section, "aws_secret_access_key");
	const char *token = aws_file_get(file, section, "aws_session_token");
	enum err_code rc;

	if ((access_key == NULL && secret_key == NULL) || leads_elsewhere(env) != NULL)
		return ERR_NOT_FOUND;
	(void)snprintf(ret->source, sizeof(ret->source), "profile %.48s in %.120s", env->profile, aws_file_path(file));
	if (access_key == NULL || secret_key == NULL)
		return err_set(e, ERR_CONFIG, "AWS credentials, %s: %s is missing beside %s", ret->source,
		    access_key == NULL ? "aws_access_key_id" : "aws_secret_access_key",
		    access_key == NULL ? "aws_secret_access_key" : "aws_access_key_id");
	if (token == NULL)
		token = aws_file_get(file, section, "aws_security_token");	/* its old name */
	rc = credentials_fill(ret, access_key, secret_key, token, NULL, e);
	return rc == ERR_OK ? rc : credential_about(ret->source, rc, e);
}

static enum err_code
fetch_credentials_file(const struct credential_source *s, struct aws_credentials *ret, struct err *e)
{
	return fetch_static(s->env, s->env->credentials_file, s->env->profile, ret, e);
}

static enum err_code
fetch_config_file(const struct credential_source *s, struct aws_credentials *ret, struct err *e)
{
	char section[ENVIRONMENT_SECTION_BYTES];

	environment_profile_section(s->env, section);
	return fetch_static(s->env, s->env->config_file, section, ret, e);
}

static enum err_code
fetch_process(const struct credential_source *s, struct aws_credentials *ret, struct err *e)
{
	const char *command = environment_profile_get(s->env, "credential_process");
	enum err_code rc;

	if (command == NULL)
		return ERR_NOT_FOUND;
	(void)snprintf(ret->source, sizeof(ret->source), "credential_process of profile %.100s", s->env->profile);
	rc = credential_process_run(command, &s->wait, ret, e);
	return rc == ERR_OK ? rc : credential_about(ret->source, rc, e);
}

/* ---- services */

static enum err_code
fetch_container(const struct credential_source *s, struct aws_credentials *ret, struct err *e)
{
	return credential_container_get(&s->wait, ret, e);
}

static enum err_code
fetch_imds(const struct credential_source *s, struct aws_credentials *ret, struct err *e)
{
	return s->o.imds ? credential_imds_get(&s->wait, ret, e) : ERR_NOT_FOUND;
}

/* ---- the chain */

static const struct provider chain[] = {
	{ fetch_environment, false },
	{ refuse_elsewhere, false },
	{ fetch_credentials_file, false },
	{ fetch_process, true },
	{ fetch_config_file, false },
	{ fetch_container, true },
	{ fetch_imds, true }
};
enum { PROVIDERS = sizeof(chain) / sizeof(chain[0]) };

static int64_t
now_s(const struct credential_source *s)
{
	return clock_now_s(s->o.clock);
}

static bool
is_over(const struct credential_source *s, const struct aws_credentials *c)
{
	return c->expires_at_s != 0 && c->expires_at_s <= now_s(s);
}

static enum err_code
say_over(const struct aws_credentials *c, const char *way_on, struct err *e)
{
	char end[CLOCK_TEXT_BYTES];

	clock_format_s(c->expires_at_s, end);
	return err_set(e, ERR_CONFIG, "the AWS credentials (%s) ended at %s by the clock of this machine; %s", c->source, end, way_on);
}

/* Asks a provider; the current ones stay as they are unless it has others that hold. */
static enum err_code
fetch(struct credential_source *s, const struct provider *provider, struct err *e)
{
	struct aws_credentials fresh = { 0 };
	enum err_code rc = provider->fetch(s, &fresh, e);

	if (rc == ERR_OK && is_over(s, &fresh))
		rc = say_over(&fresh, "get new ones", e);
	if (rc == ERR_OK) {
		if (strcmp(fresh.access_key, s->current.access_key) != 0 || strcmp(fresh.session_token, s->current.session_token) != 0)
			s->generation++;
		s->current = fresh;
		s->provider = provider;
	}
	OPENSSL_cleanse(&fresh, sizeof(fresh));
	return rc;
}

/* e has what the last provider said: of interest only if it was asked for. */
static enum err_code
say_none(const struct credential_source *s, struct err *e)
{
	char why[128] = "";

	const char *home = environment_variable("HOME");

	if (home == NULL)
		(void)snprintf(why, sizeof(why), " (HOME is not set: no ~/.aws was looked into)");
	else if (!s->o.imds)
		(void)snprintf(why, sizeof(why), " (looked in %.80s/.aws)", home);
	else if (e != NULL)
		(void)snprintf(why, sizeof(why), " (%.100s)", e->log_text);
	return err_set(e, ERR_NOT_FOUND, "there are no AWS credentials%s%.32s: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or make a "
	    "profile with `aws configure` and name it in AWS_PROFILE%s", s->env->profile_named ? " in the profile " : "",
	    s->env->profile_named ? s->env->profile : "", why);
}

enum err_code
credential_source_new(const struct aws_environment *env, const struct credential_options *o, struct credential_source **ret,
    struct err *e)
{
	struct credential_source *s;
	enum err_code rc = ERR_NOT_FOUND;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return err_set(e, ERR_NOMEM, "no memory for AWS credentials");
	*s = (struct credential_source){ .env = env, .o = *o };
	if (s->o.pause_ms == 0)
		s->o.pause_ms = PAUSE_MS;
	s->wait = (struct credential_wait){ CREDENTIAL_PROCESS_LIMIT_MS, o->stopped };
	for (size_t i = 0; i < PROVIDERS && rc == ERR_NOT_FOUND; i++)
		rc = fetch(s, &chain[i], e);
	if (rc == ERR_NOT_FOUND)
		rc = say_none(s, e);
	if (rc != ERR_OK) {
		credential_source_free(s);
		return rc;
	}
	*ret = s;
	return ERR_OK;
}

void
credential_source_free(struct credential_source *s)
{
	if (s == NULL)
		return;
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

/* One attempt to get others; what it says stays in s->failure. */
static enum err_code
attempt(struct credential_source *s, int limit_ms)
{
	int64_t pause_us = (int64_t)s->o.pause_ms * 1000;
	enum err_code rc;

	err_clear(&s->failure);
	s->told = false;
	s->wait.limit_ms = limit_ms;
	rc = fetch(s, s->provider, &s->failure);
	s->early_at_us = clock_monotonic_us() + pause_us * 2;
	if (rc != ERR_OK && limit_ms == CREDENTIAL_PROCESS_LIMIT_MS)
		s->demand_at_us = clock_monotonic_us() + pause_us;
	return rc;
}

/* While they hold: is it time, and for how long may it take?  0: it is not. */
static int
early_limit_ms(const struct credential_source *s)
{
	int64_t left_s = s->current.expires_at_s - now_s(s);

	if (!s->provider->renews || s->current.expires_at_s == 0 || left_s <= 0 || left_s > RENEW_BEFORE_S ||
	    clock_monotonic_us() < s->early_at_us)
		return 0;
	return left_s > PRESSING_S ? EARLY_LIMIT_MS : CREDENTIAL_PROCESS_LIMIT_MS;
}

/* Of those that are over.  What failed a moment ago is not tried again for everybody who asks. */
static enum err_code
replace_over(struct credential_source *s, struct err *e)
{
	enum err_code rc;

	if (!s->provider->renews)
		return say_over(&s->current, "give new ones and start again", e);
	if (clock_monotonic_us() < s->demand_at_us && s->failure.code != ERR_OK)
		rc = s->failure.code;
	else if ((rc = attempt(s, CREDENTIAL_PROCESS_LIMIT_MS)) == ERR_OK)
		return rc;
	if (e != NULL)
		*e = s->failure;
	return rc == ERR_NOMEM || rc == ERR_DRAINING ? rc : credential_about("which are over and were not renewed", ERR_CONFIG, e);
}

enum err_code
credential_source_get(struct credential_source *s, const struct aws_credentials **ret, struct err *e)
{
	int limit_ms = early_limit_ms(s);
	enum err_code rc;

	if (limit_ms > 0)
		(void)attempt(s, limit_ms);	/* may fail: there is time to try again */
	if (is_over(s, &s->current) && (rc = replace_over(s, e)) != ERR_OK)
		return rc;
	if (e != NULL)
		err_clear(e);
	*ret = &s->current;
	return ERR_OK;
}

const struct aws_credentials *
credential_source_current(const struct credential_source *s)
{
	return &s->current;
}

unsigned
credential_source_generation(const struct credential_source *s)
{
	return s->generation;
}

bool
credential_source_renew(struct credential_source *s, struct err *e)
{
	unsigned before = s->generation;

	if (!s->provider->renews) {
		(void)err_set(e, ERR_CONFIG, "AWS says that the credentials (%s) are over: give new ones and start again",
		    s->current.source);
		return false;
	}
	if (clock_monotonic_us() >= s->demand_at_us && attempt(s, CREDENTIAL_PROCESS_LIMIT_MS) == ERR_OK) {
		s->demand_at_us = clock_monotonic_us() + (int64_t)s->o.pause_ms * 1000;
		if (s->generation != before)
			return true;
		(void)err_set(&s->failure, ERR_CONFIG, "AWS says that the credentials (%s) are over, and their provider gives the same again",
		    s->current.source);
	}
	if (s->told)
		err_clear(e);
	else
		*e = s->failure;
	s->told = true;
	return false;
}
