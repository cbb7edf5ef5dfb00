#include "aws/credential_internal.h"

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* Printable and without blanks: it becomes part of a header. */
static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static enum err_code
fill_text(char *out, size_t out_size, const char *what, const char *text, struct err *e)
{
	size_t len = strlen(text);

	if (len >= out_size)
		return err_set(e, ERR_CONFIG, "the %s is longer than %zu bytes", what, out_size - 1);
	if (!is_plain(text))
		return err_set(e, ERR_CONFIG, "the %s has a blank, a line end or another character that it cannot have", what);
	memcpy(out, text, len + 1);
	return ERR_OK;
}

enum err_code
credentials_fill(struct aws_credentials *c, const char *access_key, const char *secret_key, const char *token,
    const char *expiration, struct err *e)
{
	int64_t expires_at_us = 0;
	enum err_code rc;

	if (access_key == NULL || access_key[0] == '\0')
		return err_set(e, ERR_CONFIG, "the access key id is missing");
	if (secret_key == NULL || secret_key[0] == '\0')
		return err_set(e, ERR_CONFIG, "the secret access key is missing");
	if (expiration != NULL && expiration[0] != '\0' && !clock_parse_us(expiration, &expires_at_us))
		return err_set(e, ERR_CONFIG, "the expiration is no moment like 2026-11-20T20:25:00Z");
	if ((rc = fill_text(c->access_key, sizeof(c->access_key), "access key id", access_key, e)) != ERR_OK ||
	    (rc = fill_text(c->secret_key, sizeof(c->secret_key), "secret access key", secret_key, e)) != ERR_OK ||
	    (rc = fill_text(c->session_token, sizeof(c->session_token), "session token", token == NULL ? "" : token, e)) != ERR_OK)
		return rc;
	c->expires_at_s = expires_at_us / 1000000;
	return ERR_OK;
}

/* cJSON has copied the texts: they are wiped before it frees them. */
static void
wipe_json(cJSON *json)
{
	cJSON *item;

	cJSON_ArrayForEach(item, json)
		if (cJSON_IsString(item))
			OPENSSL_cleanse(item->valuestring, strlen(item->valuestring));
	cJSON_Delete(json);
}

static const char *
string_of(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

/* A word of the answer that may be shown: AWS's codes are letters. */
static bool
is_code(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	return text != NULL && text[0] != '\0' && strlen(text) <= 40 && text[strspn(text, letters)] == '\0';
}

static enum err_code
check_shape(const cJSON *json, const struct credential_json *shape, struct err *e)
{
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(json, "Version");
	const char *code = string_of(json, "Code");

	if (!cJSON_IsObject(json))
		return err_set(e, ERR_CONFIG, "the answer is no JSON object");
	if (shape->version && (!cJSON_IsNumber(version) || version->valuedouble < 1 || version->valuedouble > 1))
		return err_set(e, ERR_CONFIG, "the answer lacks \"Version\": 1");
	if (shape->success && code != NULL && strcmp(code, "Success") != 0)
		return err_set(e, ERR_CONFIG, "the answer is not \"Success\" but %s", is_code(code) ? code : "something else");
	return ERR_OK;
}

enum err_code
credentials_from_json(struct aws_credentials *c, const struct credential_json *shape, const char *text, size_t len,
    struct err *e)
{
	cJSON *json = cJSON_ParseWithLength(text, len);
	enum err_code rc;

	if ((rc = check_shape(json, shape, e)) == ERR_OK)
		rc = credentials_fill(c, string_of(json, "AccessKeyId"), string_of(json, "SecretAccessKey"),
		    string_of(json, shape->token_name), string_of(json, "Expiration"), e);
	wipe_json(json);
	return rc;
}
