#include "aws/credential_internal.h"

#include <openssl/crypto.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/environment_internal.h"
#include "aws/transport.h"
#include "aws/url.h"
#include "base/file.h"
#include "base/number.h"

enum {
	CONTAINER_TIMEOUT_MS = 2000,	/* botocore: 2 s, three tries, 1 s between them */
	CONTAINER_TRIES = 3,
	CONTAINER_PAUSE_MS = 1000,
	IMDS_TIMEOUT_S = 1,
	SERVICE_URL_BYTES = 2048,
	ANSWER_BYTES = 64 * 1024,
	HEADER_BYTES = AWS_TOKEN_BYTES + 64,
	LOOK_MS = 100		/* how often `stopped` is asked */
};

static const struct credential_json container_shape = { .token_name = "Token" };
static const struct credential_json imds_shape = { .token_name = "Token", .success = true };

/* ---- one question, and its answer */

struct answer {
	bool			 came;
	enum transport_result	 result;
	int			 status;
	char			*body;		/* ANSWER_BYTES + 1; NUL-terminated */
	size_t			 len;
};

static void
answer_done(struct answer *a)
{
	if (a->body != NULL)
		OPENSSL_cleanse(a->body, ANSWER_BYTES + 1);
	free(a->body);
	*a = (struct answer){ 0 };
}

/* The reply is lent, and may be a secret. */
static void
keep(void *arg, const struct transport_reply *reply)
{
	struct answer *a = arg;

	a->came = true;
	a->result = reply->result;
	a->status = reply->status;
	if (reply->body_len > ANSWER_BYTES) {
		a->result = TRANSPORT_TOO_LARGE;
		return;
	}
	a->len = reply->body_len;
	memcpy(a->body, reply->body, reply->body_len);
	a->body[a->len] = '\0';
}

/*
 * On a transport of its own: whoever needs credentials may stand in a callback of the shared one, and waiting on
 * that would call the others' callbacks from within.
 */
static enum err_code
ask(const struct transport_request *request, const struct credential_wait *w, struct answer *a, struct err *e)
{
	struct transport *t = NULL;
	enum err_code rc;

	*a = (struct answer){ 0 };
	if ((a->body = malloc(ANSWER_BYTES + 1)) == NULL)
		return err_set(e, ERR_NOMEM, "no memory for AWS credentials");
	a->body[0] = '\0';
	if ((rc = transport_new(1, &t, e)) == ERR_OK)
		rc = transport_send(t, request, keep, a, e);
	while (rc == ERR_OK && !a->came)
		rc = credential_stopped(w, e) ? ERR_DRAINING : transport_poll(t, LOOK_MS, e);
	transport_free(t);
	return rc;
}

/* ---- container */

struct container {
	char	url[SERVICE_URL_BYTES];
	char	place[URL_HOST_BYTES + 16];	/* for people: the path of the URL may be a secret */
	char	authorization[HEADER_BYTES];	/* "Authorization: ...", or "" */
};

static bool
is_clean(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

/* Plain http goes only where no wire is. */
static bool
http_allowed(const struct url *u)
{
	return url_is_this_machine(u) || strcmp(u->host, "169.254.170.2") == 0 || strcmp(u->host, "169.254.170.23") == 0 ||
	    strcmp(u->host, "fd00:ec2::23") == 0;
}

static enum err_code
find_relative(const char *path, struct container *c, struct err *e)
{
	if (path[0] != '/' || !is_clean(path) || strlen(path) > SERVICE_URL_BYTES / 2)
		return err_set(e, ERR_CONFIG, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path that begins with /");
	(void)snprintf(c->url, sizeof(c->url), "http://169.254.170.2%s", path);
	(void)snprintf(c->place, sizeof(c->place), "169.254.170.2");
	return ERR_OK;
}

static enum err_code
find_full(const char *text, struct container *c, struct err *e)
{
	const char *wrong;
	struct url u;

	if ((wrong = url_parse(text, &u)) != NULL)
		return err_set(e, ERR_CONFIG, "AWS_CONTAINER_CREDENTIALS_FULL_URI %s", wrong);
	if (!u.https && !http_allowed(&u))
		return err_set(e, ERR_CONFIG, "AWS_CONTAINER_CREDENTIALS_FULL_URI is http to %.100s; allowed are https, and http to "
		    "localhost, 127.0.0.1, [::1], 169.254.170.2, 169.254.170.23, [fd00:ec2::23]", u.host);
	if (strlen(text) >= sizeof(c->url))
		return err_set(e, ERR_CONFIG, "AWS_CONTAINER_CREDENTIALS_FULL_URI is longer than %d bytes", SERVICE_URL_BYTES - 1);
	(void)snprintf(c->url, sizeof(c->url), "%s", text);
	(void)snprintf(c->place, sizeof(c->place), "%s", u.host);
	return ERR_OK;
}

static enum err_code
put_authorization(const char *setting, const char *token, char out[HEADER_BYTES], struct err *e)
{
	int n;

	if (strpbrk(token, "\r\n") != NULL)
		return err_set(e, ERR_CONFIG, "%s has a line end in it, which would begin another header: write it without one", setting);
	n = snprintf(out, HEADER_BYTES, "Authorization: %s", token);
	return n > 0 && n < HEADER_BYTES ? ERR_OK :
	    err_set(e, ERR_CONFIG, "%s is longer than %d bytes", setting, AWS_TOKEN_BYTES);
}

/* From the file each time: it is exchanged while the program runs. */
static enum err_code
read_authorization(char out[HEADER_BYTES], struct err *e)
{
	const char *path = environment_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = environment_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	char *data = NULL;
	enum err_code rc;
	size_t len;

	out[0] = '\0';
	if (path == NULL)
		return token == NULL ? ERR_OK : put_authorization("AWS_CONTAINER_AUTHORIZATION_TOKEN", token, out, e);
	if (file_read(path, AWS_TOKEN_BYTES, &data, &len, e) != ERR_OK)
		return err_set(e, ERR_CONFIG, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names %.200s, which cannot be read or is larger than %d bytes",
		    path, AWS_TOKEN_BYTES);
	if (memchr(data, '\0', len) != NULL)
		rc = err_set(e, ERR_CONFIG, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names %.200s, which is no text", path);
	else
		rc = put_authorization("the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", data, out, e);
	OPENSSL_cleanse(data, len);
	free(data);
	return rc;
}

static enum err_code
find_container(struct container *c, struct err *e)
{
	const char *relative = environment_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = environment_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	enum err_code rc;

	if (relative == NULL && full == NULL)
		return ERR_NOT_FOUND;
	if ((rc = relative != NULL ? find_relative(relative, c, e) : find_full(full, c, e)) != ERR_OK)
		return rc;
	return read_authorization(c->authorization, e);
}

/* Nothing came, or something that a second try may mend. */
static bool
try_again(const struct answer *a)
{
	return a->result == TRANSPORT_NOT_SENT || a->result == TRANSPORT_LOST || (a->result == TRANSPORT_ANSWERED && a->status >= 500);
}

static enum err_code
ask_container(const struct container *c, const struct credential_wait *w, struct answer *a, struct err *e)
{
	const char *headers[] = { "Accept: application/json", c->authorization[0] != '\0' ? c->authorization : NULL, NULL };
	struct transport_request request = { .method = "GET", .url = c->url, .headers = headers, .timeout_ms = CONTAINER_TIMEOUT_MS,
	    .connect_timeout_ms = CONTAINER_TIMEOUT_MS, .no_proxy = true };
	enum err_code rc;

	for (int try = 1;; try++) {
		if ((rc = ask(&request, w, a, e)) != ERR_OK || !try_again(a) || try == CONTAINER_TRIES)
			return rc;
		answer_done(a);
		for (int ms = 0; ms < CONTAINER_PAUSE_MS && !credential_stopped(w, e); ms += LOOK_MS)
			(void)poll(NULL, 0, LOOK_MS);
	}
}

enum err_code
credential_container_get(const struct credential_wait *w, struct aws_credentials *ret, struct err *e)
{
	struct container c = { 0 };
	struct answer a = { 0 };
	enum err_code rc;

	if ((rc = find_container(&c, e)) != ERR_OK)
		goto out;
	(void)snprintf(ret->source, sizeof(ret->source), "container service at %.100s", c.place);
	if ((rc = ask_container(&c, w, &a, e)) != ERR_OK)
		goto out;
	if (a.result == TRANSPORT_UNTRUSTED)
		rc = err_set(e, ERR_CONFIG, "AWS credentials, %s: its certificate does not verify", ret->source);
	else if (a.result != TRANSPORT_ANSWERED)
		rc = err_set(e, ERR_CONFIG, "AWS credentials, %s: no answer in %d tries", ret->source, CONTAINER_TRIES);
	else if (a.status != 200)
		rc = err_set(e, ERR_CONFIG, "AWS credentials, %s: it answers HTTP %d", ret->source, a.status);
	else if ((rc = credentials_from_json(ret, &container_shape, a.body, a.len, e)) != ERR_OK)
		rc = credential_about(ret->source, rc, e);
out:
	answer_done(&a);
	OPENSSL_cleanse(&c, sizeof(c));
	return rc;
}

/* ---- IMDSv2 */

struct imds {
	char	base[SERVICE_URL_BYTES / 4];
	char	token[HEADER_BYTES];		/* "x-aws-ec2-metadata-token: ..." */
	char	role[LIMIT_AWS_NAME_BYTES + 1];
	const struct credential_wait *wait;
	int	timeout_ms;
};

static enum err_code
find_imds(struct imds *m, struct err *e)
{
	const char *endpoint = environment_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT"), *wrong = NULL;
	const char *mode = environment_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	const char *timeout = environment_variable("AWS_METADATA_SERVICE_TIMEOUT");
	int64_t seconds = IMDS_TIMEOUT_S;
	struct url u;

	if (endpoint == NULL)
		endpoint = mode != NULL && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
	if ((wrong = url_parse(endpoint, &u)) != NULL)
		return err_set(e, ERR_CONFIG, "AWS_EC2_METADATA_SERVICE_ENDPOINT %s", wrong);
	if ((u.rest[0] != '\0' && strcmp(u.rest, "/") != 0) || !url_format(&u, m->base, sizeof(m->base)))
		return err_set(e, ERR_CONFIG, "AWS_EC2_METADATA_SERVICE_ENDPOINT has a path or a query behind the host");
	if (timeout != NULL && !number_parse(timeout, 1, 60, &seconds))
		return err_set(e, ERR_CONFIG, "AWS_METADATA_SERVICE_TIMEOUT is no number of seconds from 1 to 60");
	m->timeout_ms = (int)seconds * 1000;
	return ERR_OK;
}

/* One question; a line of text or JSON in a->body. */
static enum err_code
ask_imds(const struct imds *m, const char *method, const char *path, const char *header, struct answer *a, struct err *e)
{
	const char *headers[] = { header, NULL };
	char url[SERVICE_URL_BYTES];
	struct transport_request request = { .method = method, .url = url, .headers = headers, .timeout_ms = m->timeout_ms,
	    .connect_timeout_ms = m->timeout_ms, .no_proxy = true };
	enum err_code rc;

	(void)snprintf(url, sizeof(url), "%s/latest/%s", m->base, path);
	if ((rc = ask(&request, m->wait, a, e)) != ERR_OK)
		return rc;
	if (a->result != TRANSPORT_ANSWERED)
		return err_set(e, ERR_NOT_FOUND, "no EC2 metadata service answers at %.100s", m->base);
	if (a->status == 404)
		return err_set(e, ERR_NOT_FOUND, "the EC2 metadata service knows no role of this machine: attach one to it");
	if (a->status != 200)
		return err_set(e, ERR_CONFIG, "the EC2 metadata service answers HTTP %d to %s", a->status, method);
	return ERR_OK;
}

static enum err_code
get_token(struct imds *m, struct err *e)
{
	struct answer a = { 0 };
	enum err_code rc;

	rc = ask_imds(m, "PUT", "api/token", "x-aws-ec2-metadata-token-ttl-seconds: 21600", &a, e);
	if (rc == ERR_OK && (a.len == 0 || a.len > AWS_TOKEN_BYTES || strlen(a.body) != a.len || !is_clean(a.body)))
		rc = err_set(e, ERR_CONFIG, "the EC2 metadata service answers with something that is no token");
	if (rc == ERR_OK)
		(void)snprintf(m->token, sizeof(m->token), "x-aws-ec2-metadata-token: %.*s", AWS_TOKEN_BYTES, a.body);
	answer_done(&a);
	return rc;
}

static enum err_code
get_role(struct imds *m, struct err *e)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-";
	struct answer a = { 0 };
	enum err_code rc;
	size_t len;

	if ((rc = ask_imds(m, "GET", "meta-data/iam/security-credentials/", m->token, &a, e)) == ERR_OK) {
		len = strspn(a.body, allowed);
		if (len == 0 || len >= sizeof(m->role) || (a.body[len] != '\0' && strchr("\r\n", a.body[len]) == NULL))
			rc = err_set(e, ERR_CONFIG, "the EC2 metadata service answers with something that is no role");
		else
			(void)snprintf(m->role, sizeof(m->role), "%.*s", (int)len, a.body);
	}
	answer_done(&a);
	return rc;
}

static enum err_code
get_credentials(const struct imds *m, struct aws_credentials *ret, struct err *e)
{
	struct answer a = { 0 };
	char path[256];
	enum err_code rc;

	(void)snprintf(path, sizeof(path), "meta-data/iam/security-credentials/%s", m->role);
	(void)snprintf(ret->source, sizeof(ret->source), "EC2 role %s", m->role);
	if ((rc = ask_imds(m, "GET", path, m->token, &a, e)) == ERR_OK &&
	    (rc = credentials_from_json(ret, &imds_shape, a.body, a.len, e)) != ERR_OK)
		rc = credential_about(ret->source, rc, e);
	answer_done(&a);
	return rc;
}

enum err_code
credential_imds_get(const struct credential_wait *w, struct aws_credentials *ret, struct err *e)
{
	const char *disabled = environment_variable("AWS_EC2_METADATA_DISABLED");
	struct imds m = { .wait = w };
	enum err_code rc;

	if (disabled != NULL && strcasecmp(disabled, "true") == 0)
		return err_set(e, ERR_NOT_FOUND, "AWS_EC2_METADATA_DISABLED is set");
	if ((rc = find_imds(&m, e)) == ERR_OK && (rc = get_token(&m, e)) == ERR_OK && (rc = get_role(&m, e)) == ERR_OK)
		rc = get_credentials(&m, ret, e);
	OPENSSL_cleanse(&m, sizeof(m));
	return rc;
}
