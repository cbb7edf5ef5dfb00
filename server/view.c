#include "view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "ca/pem.h"

void
view_time_s(cJSON *o, const char *name, int64_t s)
{
	char text[CLOCK_TEXT_BYTES];

	clock_format_s(s, text);
	(void)cJSON_AddStringToObject(o, name, text);
}

void
view_time_us(cJSON *o, const char *name, int64_t us)
{
	char text[CLOCK_TEXT_BYTES];

	if (us == 0) {
		(void)cJSON_AddNullToObject(o, name);
		return;
	}
	clock_format_us(us, text);
	(void)cJSON_AddStringToObject(o, name, text);
}

static void
view_hex(cJSON *o, const char *name, const uint8_t *bytes, size_t len)
{
	char text[2 * 32 + 1];

	hex_encode(bytes, len, text);
	(void)cJSON_AddStringToObject(o, name, text);
}

cJSON *
view_certificate(const struct store_certificate *c)
{
	cJSON *o = cJSON_CreateObject();

	view_hex(o, "serial", c->serial, sizeof(c->serial));
	(void)cJSON_AddStringToObject(o, "device_id", c->device_id);
	(void)cJSON_AddStringToObject(o, "batch", c->batch_name);
	(void)cJSON_AddStringToObject(o, "ca", c->ca_name);
	(void)cJSON_AddStringToObject(o, "profile", c->profile);
	(void)cJSON_AddStringToObject(o, "state", certificate_state_name(c->state));
	if (c->reason[0] != '\0')
		(void)cJSON_AddStringToObject(o, "reason", c->reason);
	else
		(void)cJSON_AddNullToObject(o, "reason");
	view_hex(o, "certificate_id", c->certificate_id, sizeof(c->certificate_id));
	view_hex(o, "key_id", c->key_id, sizeof(c->key_id));
	view_time_s(o, "not_before", c->not_before_s);
	view_time_s(o, "not_after", c->not_after_s);
	view_time_us(o, "issued_at", c->issued_at_us);
	if (c->revoked_at_us != 0) {
		view_time_us(o, "revoked_at", c->revoked_at_us);
		(void)cJSON_AddStringToObject(o, "revoked_by", c->revoked_by);
		(void)cJSON_AddStringToObject(o, "revoked_reason", c->revoked_reason);
	}
	return o;
}

/* The names of the sections of lineca.conf. */
static void
view_targets(cJSON *o, const struct store_batch *b)
{
	cJSON *names = cJSON_AddArrayToObject(o, "aws");
	const char *p = b->aws[0] != '\0' ? b->aws : "aws";
	char name[LIMIT_NAME_BYTES + 1];

	do {
		size_t len = strcspn(p, ",");

		(void)snprintf(name, sizeof(name), "%.*s", (int)len, p);
		(void)cJSON_AddItemToArray(names, cJSON_CreateString(name));
		p += len;
	} while (*p++ == ',');
}

void
view_revoked(cJSON *o, int64_t revoked, int64_t revoking, int64_t revoke_parked)
{
	(void)cJSON_AddNumberToObject(o, "revoked", (double)revoked);
	(void)cJSON_AddNumberToObject(o, "revoking", (double)revoking);
	(void)cJSON_AddNumberToObject(o, "revoke_parked", (double)revoke_parked);
}

cJSON *
view_batch(const struct store_batch *b)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, "name", b->name);
	(void)cJSON_AddStringToObject(o, "state", batch_state_name(b->state));
	(void)cJSON_AddNumberToObject(o, "quantity", (double)b->quantity);
	(void)cJSON_AddNumberToObject(o, "issued", (double)b->issued);
	(void)cJSON_AddNumberToObject(o, "registered", (double)b->registered);
	(void)cJSON_AddNumberToObject(o, "parked", (double)b->parked);
	view_revoked(o, b->revoked, b->revoking, b->revoke_parked);
	(void)cJSON_AddStringToObject(o, "ca", b->ca_name);
	(void)cJSON_AddStringToObject(o, "profile", b->profile);
	if (b->pattern[0] != '\0')
		(void)cJSON_AddStringToObject(o, "pattern", b->pattern);
	else
		(void)cJSON_AddNullToObject(o, "pattern");
	(void)cJSON_AddBoolToObject(o, "listed", b->listed);
	view_targets(o, b);
	view_time_us(o, "created_at", b->created_at_us);
	view_time_us(o, "last_issued_at", b->last_issued_at_us);
	return o;
}

cJSON *
view_rework(const struct store_rework *r)
{
	cJSON *o = cJSON_CreateObject();

	view_time_us(o, "allowed_at", r->allowed_at_us);
	(void)cJSON_AddStringToObject(o, "actor", r->actor);
	(void)cJSON_AddStringToObject(o, "reason", r->reason);
	return o;
}

cJSON *
view_event(const struct store_event *ev)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddNumberToObject(o, "id", (double)ev->id);
	view_time_us(o, "at", ev->at_us);
	(void)cJSON_AddStringToObject(o, "actor", ev->actor);
	(void)cJSON_AddStringToObject(o, "address", ev->address);
	(void)cJSON_AddStringToObject(o, "action", ev->action);
	(void)cJSON_AddStringToObject(o, "object", ev->object);
	(void)cJSON_AddStringToObject(o, "detail", ev->detail);
	(void)cJSON_AddStringToObject(o, "reason", ev->reason);
	return o;
}

cJSON *
view_ca(const struct store_ca *ca, const struct ca_facts *facts)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, "name", ca->name);
	(void)cJSON_AddStringToObject(o, "state", ca->active ? "active" : "inactive");
	(void)cJSON_AddStringToObject(o, "subject", facts->subject);
	(void)cJSON_AddStringToObject(o, "key", facts->key);
	view_hex(o, "serial", facts->serial, facts->serial_len);
	view_hex(o, "fingerprint", facts->fingerprint, sizeof(facts->fingerprint));
	view_hex(o, "certificate_id", facts->fingerprint, sizeof(facts->fingerprint));
	view_hex(o, "subject_key_id", facts->subject_key_id, sizeof(facts->subject_key_id));
	view_time_s(o, "not_before", facts->not_before_s);
	view_time_s(o, "not_after", facts->not_after_s);
	view_time_us(o, "created_at", ca->created_at_us);
	return o;
}

char *
view_pem(const uint8_t *der, size_t der_len)
{
	char *text = malloc(pem_certificate_bytes(der_len));

	if (text != NULL)
		(void)pem_encode_certificate(der, der_len, text);
	return text;
}

const char *
view_text_of(const cJSON *o, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

	return text != NULL ? text : "";
}

int64_t
view_number_of(const cJSON *o, const char *name)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsNumber(n) ? (int64_t)n->valuedouble : 0;
}

char *
view_print(cJSON *o)
{
	char *text = cJSON_PrintUnformatted(o), *line = NULL;
	size_t len;

	if (text != NULL && (line = realloc(text, (len = strlen(text)) + 2)) == NULL)
		free(text);
	if (line != NULL)
		memcpy(line + len, "\n", 2);
	cJSON_Delete(o);
	return line;
}

enum err_code
view_put(cJSON *o, struct err *e)
{
	char *text = view_print(o);

	if (text == NULL)
		return err_set(e, ERR_NOMEM, "no memory for a line of JSON");
	(void)fputs(text, stdout);
	free(text);
	return ferror(stdout) ? err_set(e, ERR_IO, "standard output could not be written") : ERR_OK;
}
