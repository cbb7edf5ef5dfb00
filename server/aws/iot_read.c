#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "aws/iot.h"
#include "base/hex.h"

/* The text member name of json; NULL: there is none. */
static const char *
text_of(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static bool
text_is(const cJSON *json, const char *name, const char *value)
{
	const char *text = text_of(json, name);

	return text != NULL && strcmp(text, value) == 0;
}

static bool
copy_text(const cJSON *json, const char *name, char *out, size_t size)
{
	const char *text = text_of(json, name);

	if (text == NULL || *text == '\0' || strlen(text) >= size)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

static bool
is_sha256(const char *text)
{
	size_t n = 0;

	while (n < 64 && hex_digit(text[n]))
		n++;
	return n == 64 && text[n] == '\0';
}

/* A certificate id, in lower case as ours are. */
static bool
copy_id(const cJSON *json, const char *name, char id[65])
{
	if (!copy_text(json, name, id, 65) || !is_sha256(id))
		return false;
	for (char *p = id; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return true;
}

/* It goes into headers, files and the database: printable, without blanks. */
static bool
copy_arn(const cJSON *json, const char *name, char arn[LIMIT_ARN_BYTES + 1])
{
	if (!copy_text(json, name, arn, LIMIT_ARN_BYTES + 1) || strncmp(arn, "arn:", 4) != 0)
		return false;
	for (const char *p = arn; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return true;
}

bool
iot_registration_code_read(const struct aws_reply *reply, char code[65])
{
	/* as it comes: it becomes a CN, and AWS compares it */
	return copy_text(reply->json, "registrationCode", code, 65) && is_sha256(code);
}

bool
iot_ca_read(const struct aws_reply *reply, struct iot_ca *ret)
{
	const cJSON *d = cJSON_GetObjectItemCaseSensitive(reply->json, "certificateDescription");
	struct iot_ca ca = { 0 };

	if (!copy_id(d, "certificateId", ca.id) || !copy_arn(d, "certificateArn", ca.arn) || text_of(d, "status") == NULL)
		return false;
	ca.active = text_is(d, "status", "ACTIVE");
	ca.auto_registration = text_is(d, "autoRegistrationStatus", "ENABLE");
	ca.sni_only = text_is(d, "certificateMode", "SNI_ONLY");
	*ret = ca;
	return true;
}

bool
iot_page_read(const struct aws_reply *reply, void (*row)(void *arg, const struct iot_listed *), void *arg, int64_t *ret_count,
    char marker[IOT_MARKER_BYTES])
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(reply->json, "certificates"), *item;
	const char *next = text_of(reply->json, "nextMarker");
	int64_t count = 0;

	if (!cJSON_IsArray(list) || (next != NULL && strlen(next) >= IOT_MARKER_BYTES))
		return false;
	cJSON_ArrayForEach(item, list) {
		struct iot_listed one = {
			.id = text_of(item, "certificateId"),
			.arn = text_of(item, "certificateArn"),
			.status = text_of(item, "status"),
		};

		if (one.id == NULL || one.arn == NULL || one.status == NULL || !is_sha256(one.id))
			return false;
		if (row != NULL)
			row(arg, &one);
		count++;
	}
	*ret_count = count;
	(void)snprintf(marker, IOT_MARKER_BYTES, "%s", next != NULL ? next : "");
	return true;
}

bool
iot_registered_read(const struct aws_reply *reply, char id[65], char arn[LIMIT_ARN_BYTES + 1])
{
	return copy_id(reply->json, "certificateId", id) && copy_arn(reply->json, "certificateArn", arn);
}

static enum iot_certificate_status
status_of(const char *text)
{
	static const struct {
		const char			*text;
		enum iot_certificate_status	 status;
	} known[] = {
		{ "ACTIVE", IOT_ACTIVE },
		{ "INACTIVE", IOT_INACTIVE },
		{ "REVOKED", IOT_REVOKED },
		{ "PENDING_ACTIVATION", IOT_PENDING_ACTIVATION },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(text, known[i].text) == 0)
			return known[i].status;
	return IOT_OTHER_STATUS;
}

bool
iot_certificate_read(const struct aws_reply *reply, struct iot_certificate *ret)
{
	const cJSON *d = cJSON_GetObjectItemCaseSensitive(reply->json, "certificateDescription");
	struct iot_certificate c = { .pem = text_of(d, "certificatePem") };

	if (!copy_id(d, "certificateId", c.id) || !copy_arn(d, "certificateArn", c.arn) || c.pem == NULL ||
	    !copy_text(d, "status", c.status_text, sizeof(c.status_text)))
		return false;
	c.status = status_of(c.status_text);
	*ret = c;
	return true;
}

bool
iot_thing_read(const struct aws_reply *reply)
{
	return text_of(reply->json, "thingName") != NULL;
}

bool
iot_thing_matches(const struct aws_reply *reply, const char *type, const struct iot_attribute *attributes,
    size_t attributes_count)
{
	const cJSON *have = cJSON_GetObjectItemCaseSensitive(reply->json, "attributes");

	if (type != NULL && *type != '\0' && !text_is(reply->json, "thingTypeName", type))
		return false;
	for (size_t i = 0; i < attributes_count; i++)
		if (!text_is(have, attributes[i].name, attributes[i].value))
			return false;
	return true;
}
