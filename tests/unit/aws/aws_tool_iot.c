#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/iot.h"
#include "aws/sts.h"
#include "aws_tool.h"

enum { ATTRIBUTES = 64 };

static bool
is(const cJSON *in, const char *name, const char *value)
{
	return strcmp(tool_text(in, name, ""), value) == 0;
}

static size_t
attributes_of(const cJSON *in, struct iot_attribute *out)
{
	const cJSON *payload = cJSON_GetObjectItemCaseSensitive(in, "attributePayload"), *a;
	size_t n = 0;

	cJSON_ArrayForEach(a, cJSON_GetObjectItemCaseSensitive(payload, "attributes")) {
		if (n == ATTRIBUTES)
			break;
		(void)snprintf(out[n].name, sizeof(out[n].name), "%s", a->string);
		(void)snprintf(out[n].value, sizeof(out[n].value), "%s", a->valuestring);
		n++;
	}
	return n;
}

static void
make_thing(const cJSON *in, struct aws_request *r)
{
	struct iot_attribute *list = calloc(ATTRIBUTES, sizeof(*list));

	if (list == NULL)
		abort();
	iot_create_thing(r, tool_text(in, "thingName", ""), tool_text(in, "thingTypeName", NULL), list, attributes_of(in, list));
	free(list);
}

static void
make_ca_registration(const cJSON *in, struct aws_request *r)
{
	const struct iot_ca_registration ca = {
		.ca_pem = tool_text(in, "caCertificate", ""),
		.verification_pem = tool_text(in, "verificationCertificate", NULL),
		.active = tool_flag(in, "setAsActive"),
		.auto_registration = tool_flag(in, "allowAutoRegistration"),
		.sni_only = is(in, "certificateMode", "SNI_ONLY"),
	};

	iot_register_ca_certificate(r, &ca);
}

/* The enumeration's own name decides, so that a wrong table shows. */
static enum iot_operation
operation_of(const char *name)
{
	for (int op = 0; op < IOT_OPERATIONS; op++)
		if (strcmp(iot_operation_name((enum iot_operation)op), name) == 0)
			return (enum iot_operation)op;
	(void)fprintf(stderr, "aws_tool: operation \"%s\"?\n", name);
	exit(2);
}

static void
make_certificate_request(enum iot_operation op, const cJSON *in, struct aws_request *r)
{
	const char *id = tool_text(in, "certificateId", ""), *ca_id = tool_text(in, "caCertificateId", id);
	bool active = is(in, "newStatus", "ACTIVE") || is(in, "status", "ACTIVE");

	if (op == IOT_DESCRIBE_CA_CERTIFICATE)
		iot_describe_ca_certificate(r, ca_id);
	else if (op == IOT_UPDATE_CA_CERTIFICATE)
		iot_update_ca_certificate(r, ca_id, active);
	else if (op == IOT_LIST_CERTIFICATES_BY_CA)
		iot_list_certificates_by_ca(r, ca_id, tool_text(in, "marker", ""));
	else if (op == IOT_LIST_CA_CERTIFICATES)
		iot_list_ca_certificates(r, tool_text(in, "marker", ""));
	else if (op == IOT_REGISTER_CERTIFICATE)
		iot_register_certificate(r, tool_text(in, "certificatePem", ""), tool_text(in, "caCertificatePem", ""), active);
	else if (op == IOT_REGISTER_CERTIFICATE_WITHOUT_CA)
		iot_register_certificate_without_ca(r, tool_text(in, "certificatePem", ""), active);
	else if (op == IOT_DESCRIBE_CERTIFICATE)
		iot_describe_certificate(r, id);
	else if (op == IOT_UPDATE_CERTIFICATE)
		iot_update_certificate(r, id, active);
	else if (op == IOT_REGISTER_CA_CERTIFICATE)
		make_ca_registration(in, r);
	else
		iot_get_registration_code(r);
}

void
tool_make(const cJSON *in, struct aws_request *r)
{
	const char *name = tool_text(in, "operation", ""), *thing = tool_text(in, "thingName", "");
	const char *policy = tool_text(in, "policyName", ""), *group = tool_text(in, "thingGroupName", "");
	enum iot_operation op;

	if (strcmp(name, "GetCallerIdentity") == 0) {
		sts_get_caller_identity(r);
		return;
	}
	op = operation_of(name);
	if (op == IOT_CREATE_THING)
		make_thing(in, r);
	else if (op == IOT_DESCRIBE_THING)
		iot_describe_thing(r, thing);
	else if (op == IOT_ATTACH_THING_PRINCIPAL)
		iot_attach_thing_principal(r, thing, tool_text(in, "principal", ""));
	else if (op == IOT_ATTACH_POLICY)
		iot_attach_policy(r, policy, tool_text(in, "target", ""));
	else if (op == IOT_ADD_THING_TO_THING_GROUP)
		iot_add_thing_to_thing_group(r, group, thing);
	else if (op == IOT_GET_POLICY)
		iot_get_policy(r, policy);
	else if (op == IOT_DESCRIBE_THING_TYPE)
		iot_describe_thing_type(r, tool_text(in, "thingTypeName", ""));
	else if (op == IOT_DESCRIBE_THING_GROUP)
		iot_describe_thing_group(r, group);
	else
		make_certificate_request(op, in, r);
}

/* ---- readers */

static void
take_row(void *arg, const struct iot_listed *row)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "id", row->id);
	cJSON_AddStringToObject(item, "arn", row->arn);
	cJSON_AddStringToObject(item, "status", row->status);
	cJSON_AddItemToArray(arg, item);
}

static bool
read_page(const struct aws_reply *reply, cJSON *out)
{
	char marker[IOT_MARKER_BYTES];
	int64_t count = 0;
	bool ok = iot_page_read(reply, take_row, cJSON_AddArrayToObject(out, "rows"), &count, marker);

	cJSON_AddNumberToObject(out, "count", (double)count);
	cJSON_AddStringToObject(out, "marker", ok ? marker : "");
	return ok;
}

static bool
read_certificate(const struct aws_reply *reply, cJSON *out)
{
	struct iot_certificate c;

	if (!iot_certificate_read(reply, &c))
		return false;
	cJSON_AddStringToObject(out, "id", c.id);
	cJSON_AddStringToObject(out, "arn", c.arn);
	cJSON_AddNumberToObject(out, "certificate_status", c.status);
	cJSON_AddStringToObject(out, "status_text", c.status_text);
	cJSON_AddStringToObject(out, "pem", c.pem);
	return true;
}

static bool
read_ca(const struct aws_reply *reply, cJSON *out)
{
	struct iot_ca ca;

	if (!iot_ca_read(reply, &ca))
		return false;
	cJSON_AddStringToObject(out, "id", ca.id);
	cJSON_AddStringToObject(out, "arn", ca.arn);
	cJSON_AddBoolToObject(out, "active", ca.active);
	cJSON_AddBoolToObject(out, "auto_registration", ca.auto_registration);
	cJSON_AddBoolToObject(out, "sni_only", ca.sni_only);
	return true;
}

static bool
read_identity(const struct aws_reply *reply, cJSON *out)
{
	struct sts_identity who;

	if (!sts_identity_read(reply, &who))
		return false;
	cJSON_AddStringToObject(out, "account", who.account);
	cJSON_AddStringToObject(out, "arn", who.arn);
	return true;
}

static bool
read_registered(const struct aws_reply *reply, cJSON *out)
{
	char id[65], arn[LIMIT_ARN_BYTES + 1];

	if (!iot_registered_read(reply, id, arn))
		return false;
	cJSON_AddStringToObject(out, "id", id);
	cJSON_AddStringToObject(out, "arn", arn);
	return true;
}

static bool
read_thing(const cJSON *in, const struct aws_reply *reply)
{
	struct iot_attribute *list = calloc(ATTRIBUTES, sizeof(*list));
	bool ok;

	if (list == NULL)
		abort();
	ok = iot_thing_matches(reply, tool_text(in, "thingTypeName", NULL), list, attributes_of(in, list));
	free(list);
	return ok;
}

void
tool_read(const cJSON *in, const struct aws_reply *reply, cJSON *out)
{
	const char *name = tool_text(in, "operation", "");
	char code[65];
	bool ok = true;

	if (strcmp(name, "GetCallerIdentity") == 0)
		ok = read_identity(reply, out);
	else if (strcmp(name, "GetRegistrationCode") == 0 && (ok = iot_registration_code_read(reply, code)))
		cJSON_AddStringToObject(out, "registration_code", code);
	else if (strcmp(name, "DescribeCACertificate") == 0)
		ok = read_ca(reply, out);
	else if (strcmp(name, "DescribeCertificate") == 0)
		ok = read_certificate(reply, out);
	else if (strncmp(name, "List", 4) == 0)
		ok = read_page(reply, out);
	else if (strncmp(name, "Register", 8) == 0)
		ok = read_registered(reply, out);
	else if (strcmp(name, "DescribeThing") == 0)
		ok = read_thing(in, reply);
	cJSON_AddBoolToObject(out, "read", ok);
}
