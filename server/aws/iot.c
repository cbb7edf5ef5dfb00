#include "aws/iot.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sigv4.h"
#include "base/hex.h"

enum {
	PAGE_ROWS = 250,		/* the most that AWS gives */
	ATTRIBUTE_VALUE_BYTES = 800
};

/* Method, and whether the answer is a JSON object or empty. */
static const struct {
	const char	*name, *method;
	bool		 promises_json;
} operations[IOT_OPERATIONS] = {
	[IOT_GET_REGISTRATION_CODE] = { "GetRegistrationCode", "GET", true },
	[IOT_REGISTER_CA_CERTIFICATE] = { "RegisterCACertificate", "POST", true },
	[IOT_LIST_CA_CERTIFICATES] = { "ListCACertificates", "GET", true },
	[IOT_DESCRIBE_CA_CERTIFICATE] = { "DescribeCACertificate", "GET", true },
	[IOT_UPDATE_CA_CERTIFICATE] = { "UpdateCACertificate", "PUT", false },
	[IOT_LIST_CERTIFICATES_BY_CA] = { "ListCertificatesByCA", "GET", true },
	[IOT_REGISTER_CERTIFICATE] = { "RegisterCertificate", "POST", true },
	[IOT_REGISTER_CERTIFICATE_WITHOUT_CA] = { "RegisterCertificateWithoutCA", "POST", true },
	[IOT_DESCRIBE_CERTIFICATE] = { "DescribeCertificate", "GET", true },
	[IOT_UPDATE_CERTIFICATE] = { "UpdateCertificate", "PUT", false },
	[IOT_CREATE_THING] = { "CreateThing", "POST", true },
	[IOT_DESCRIBE_THING] = { "DescribeThing", "GET", true },
	[IOT_ATTACH_THING_PRINCIPAL] = { "AttachThingPrincipal", "PUT", false },
	[IOT_ATTACH_POLICY] = { "AttachPolicy", "PUT", false },
	[IOT_ADD_THING_TO_THING_GROUP] = { "AddThingToThingGroup", "PUT", false },
	[IOT_GET_POLICY] = { "GetPolicy", "GET", true },
	[IOT_DESCRIBE_THING_TYPE] = { "DescribeThingType", "GET", true },
	[IOT_DESCRIBE_THING_GROUP] = { "DescribeThingGroup", "GET", true },
};

const char *
iot_operation_name(enum iot_operation op)
{
	return op < IOT_OPERATIONS ? operations[op].name : "?";
}

/* ---- pieces of requests */

static void
begin(struct aws_request *r, enum iot_operation op, const char *path)
{
	r->service = AWS_IOT;
	r->operation = operations[op].name;
	r->method = operations[op].method;
	r->promises_json = operations[op].promises_json;
	buf_puts(&r->path, path);
}

/* A name as a part of the path.  "" or a dot segment would be another operation's path. */
static void
label(struct aws_request *r, const char *text)
{
	if (*text == '\0' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 || strlen(text) > LIMIT_AWS_NAME_BYTES)
		r->failed = true;
	sigv4_encode(&r->path, text);
}

/* Ids are 64 hex digits in AWS's model. */
static void
id_label(struct aws_request *r, const char *id)
{
	size_t len = strlen(id);

	for (size_t i = 0; i < len; i++)
		r->failed |= !hex_digit(id[i]);
	r->failed |= len != 64;
	label(r, id);
}

static void
query(struct aws_request *r, const char *name, const char *value)
{
	if (r->query.len > 0)
		buf_puts(&r->query, "&");
	sigv4_encode(&r->query, name);
	buf_puts(&r->query, "=");
	sigv4_encode(&r->query, value);
}

static void
query_bool(struct aws_request *r, const char *name, bool value)
{
	query(r, name, value ? "true" : "false");
}

/* Ends a maker with a body: takes json, whose members are checked by put. */
static void
finish_json(struct aws_request *r, cJSON *json)
{
	char *text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;

	if (text == NULL)
		r->failed = true;
	else
		buf_puts(&r->body, text);
	r->content_type = "application/json";
	cJSON_free(text);
	cJSON_Delete(json);
}

static void
put(struct aws_request *r, cJSON *json, const char *name, const char *value)
{
	if (cJSON_AddStringToObject(json, name, value) == NULL)
		r->failed = true;
}

static const char *
status_text(bool active)
{
	return active ? "ACTIVE" : "INACTIVE";
}

/* ---- the CA */

void
iot_get_registration_code(struct aws_request *r)
{
	begin(r, IOT_GET_REGISTRATION_CODE, "/registrationcode");
}

void
iot_register_ca_certificate(struct aws_request *r, const struct iot_ca_registration *ca)
{
	cJSON *json = cJSON_CreateObject();

	begin(r, IOT_REGISTER_CA_CERTIFICATE, "/cacertificate");
	query_bool(r, "setAsActive", ca->active);
	query_bool(r, "allowAutoRegistration", ca->auto_registration);
	put(r, json, "caCertificate", ca->ca_pem);
	/* AWS wants the proof in the default mode and none in the other */
	if (ca->sni_only)
		put(r, json, "certificateMode", "SNI_ONLY");
	else if (ca->verification_pem != NULL)
		put(r, json, "verificationCertificate", ca->verification_pem);
	else
		r->failed = true;
	finish_json(r, json);
}

void
iot_describe_ca_certificate(struct aws_request *r, const char *ca_id)
{
	begin(r, IOT_DESCRIBE_CA_CERTIFICATE, "/cacertificate/");
	id_label(r, ca_id);
}

void
iot_update_ca_certificate(struct aws_request *r, const char *ca_id, bool active)
{
	begin(r, IOT_UPDATE_CA_CERTIFICATE, "/cacertificate/");
	id_label(r, ca_id);
	query(r, "newStatus", status_text(active));
	finish_json(r, cJSON_CreateObject());	/* the operation has body members; none is set */
}

static void
query_page(struct aws_request *r, const char *marker)
{
	char rows[16];

	(void)snprintf(rows, sizeof(rows), "%d", PAGE_ROWS);
	query(r, "pageSize", rows);
	if (*marker != '\0')
		query(r, "marker", marker);
}

void
iot_list_ca_certificates(struct aws_request *r, const char *marker)
{
	begin(r, IOT_LIST_CA_CERTIFICATES, "/cacertificates");
	query_page(r, marker);
}

void
iot_list_certificates_by_ca(struct aws_request *r, const char *ca_id, const char *marker)
{
	begin(r, IOT_LIST_CERTIFICATES_BY_CA, "/certificates-by-ca/");
	id_label(r, ca_id);
	query_page(r, marker);
}

/* ---- certificates */

void
iot_register_certificate(struct aws_request *r, const char *certificate_pem, const char *ca_pem, bool active)
{
	cJSON *json = cJSON_CreateObject();

	begin(r, IOT_REGISTER_CERTIFICATE, "/certificate/register");
	put(r, json, "certificatePem", certificate_pem);
	put(r, json, "caCertificatePem", ca_pem);
	put(r, json, "status", status_text(active));
	finish_json(r, json);
}

void
iot_register_certificate_without_ca(struct aws_request *r, const char *certificate_pem, bool active)
{
	cJSON *json = cJSON_CreateObject();

	begin(r, IOT_REGISTER_CERTIFICATE_WITHOUT_CA, "/certificate/register-no-ca");
	put(r, json, "certificatePem", certificate_pem);
	put(r, json, "status", status_text(active));
	finish_json(r, json);
}

void
iot_describe_certificate(struct aws_request *r, const char *certificate_id)
{
	begin(r, IOT_DESCRIBE_CERTIFICATE, "/certificates/");
	id_label(r, certificate_id);
}

void
iot_update_certificate(struct aws_request *r, const char *certificate_id, bool active)
{
	begin(r, IOT_UPDATE_CERTIFICATE, "/certificates/");
	id_label(r, certificate_id);
	query(r, "newStatus", status_text(active));
}

void
iot_revoke_certificate(struct aws_request *r, const char *certificate_id)
{
	begin(r, IOT_UPDATE_CERTIFICATE, "/certificates/");
	id_label(r, certificate_id);
	query(r, "newStatus", "REVOKED");
}

/* ---- things, policies, groups */

static void
put_attributes(struct aws_request *r, cJSON *json, const struct iot_attribute *attributes, size_t count)
{
	cJSON *payload = cJSON_AddObjectToObject(json, "attributePayload");
	cJSON *list = payload != NULL ? cJSON_AddObjectToObject(payload, "attributes") : NULL;

	if (list == NULL)
		r->failed = true;
	for (size_t i = 0; list != NULL && i < count; i++)
		put(r, list, attributes[i].name, attributes[i].value);
}

void
iot_create_thing(struct aws_request *r, const char *thing, const char *type, const struct iot_attribute *attributes,
    size_t attributes_count)
{
	cJSON *json = cJSON_CreateObject();

	begin(r, IOT_CREATE_THING, "/things/");
	label(r, thing);
	if (type != NULL && *type != '\0')
		put(r, json, "thingTypeName", type);
	if (attributes_count > 0)
		put_attributes(r, json, attributes, attributes_count);
	finish_json(r, json);
}

void
iot_describe_thing(struct aws_request *r, const char *thing)
{
	begin(r, IOT_DESCRIBE_THING, "/things/");
	label(r, thing);
}

void
iot_attach_thing_principal(struct aws_request *r, const char *thing, const char *arn)
{
	begin(r, IOT_ATTACH_THING_PRINCIPAL, "/things/");
	label(r, thing);
	buf_puts(&r->path, "/principals");
	r->principal_header = "x-amzn-principal";
	if (*arn == '\0' || strlen(arn) > LIMIT_ARN_BYTES)
		r->failed = true;
	(void)snprintf(r->principal, sizeof(r->principal), "%s", arn);
}

void
iot_attach_policy(struct aws_request *r, const char *policy, const char *arn)
{
	cJSON *json = cJSON_CreateObject();

	begin(r, IOT_ATTACH_POLICY, "/target-policies/");
	label(r, policy);
	put(r, json, "target", arn);
	finish_json(r, json);
}

void
iot_add_thing_to_thing_group(struct aws_request *r, const char *group, const char *thing)
{
	cJSON *json = cJSON_CreateObject();

	begin(r, IOT_ADD_THING_TO_THING_GROUP, "/thing-groups/addThingToThingGroup");
	put(r, json, "thingGroupName", group);
	put(r, json, "thingName", thing);
	finish_json(r, json);
}

void
iot_get_policy(struct aws_request *r, const char *policy)
{
	begin(r, IOT_GET_POLICY, "/policies/");
	label(r, policy);
}

void
iot_describe_thing_type(struct aws_request *r, const char *type)
{
	begin(r, IOT_DESCRIBE_THING_TYPE, "/thing-types/");
	label(r, type);
}

void
iot_describe_thing_group(struct aws_request *r, const char *group)
{
	begin(r, IOT_DESCRIBE_THING_GROUP, "/thing-groups/");
	label(r, group);
}

/* ---- names */

static bool
consists_of(const char *text, const char *others, size_t least, size_t most)
{
	size_t len = strlen(text);

	if (len < least || len > most)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isascii(text[i]) || (!isalnum((unsigned char)text[i]) && strchr(others, text[i]) == NULL))
			return false;
	return true;
}

bool
iot_is_thing_name(const char *text)
{
	return consists_of(text, ":_-", 1, LIMIT_AWS_NAME_BYTES);
}

bool
iot_is_policy_name(const char *text)
{
	/* dot segments cannot be named in a path */
	return consists_of(text, "_+=,.@-", 1, LIMIT_AWS_NAME_BYTES) && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

bool
iot_is_attribute_name(const char *text)
{
	return consists_of(text, "_.,@/:#-", 1, LIMIT_AWS_NAME_BYTES);
}

bool
iot_is_attribute_value(const char *text)
{
	return consists_of(text, "_.,@/:#=[]-", 0, ATTRIBUTE_VALUE_BYTES);
}
