#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "base/hex.h"
#include "cmd_who.h"
#include "table.h"
#include "upload/status.h"
#include "view.h"

/* ---- list */

enum { LIST_COLUMNS = 6 };	/* and the reason, where all are parked */

struct list {
	const char			*batch, *device, *state, *since, *limit;
	bool				 json;
	struct store_certificate_filter	 filter;
};

static enum err_code
plan_list(struct list *l, struct home *h, struct err *e)
{
	enum certificate_state state;
	struct store_batch b;
	enum err_code rc;

	l->filter = (struct store_certificate_filter){ .batch_id = -1, .state = -1, .device_id = l->device };
	if (l->batch != NULL) {
		if ((rc = h->ops->batch_find(h->reader, l->batch, &b, e)) != ERR_OK)
			return rc;
		l->filter.batch_id = b.id;
	}
	if (l->state != NULL) {
		if (!certificate_state_parse(strcmp(l->state, "queued") == 0 ? "issued" : l->state, &state))
			return err_set(e, ERR_USAGE, "--state %.40s: issued (queued for AWS), registered, parked or revoked is needed", l->state);
		l->filter.state = (int)state;
	}
	if (l->since != NULL && !clock_parse_us(l->since, &l->filter.since_us))
		return err_set(e, ERR_USAGE, "--since %.40s: a time such as 2026-11-20 or 2026-11-20T06:00:00Z is needed", l->since);
	if (l->limit != NULL)
		return args_number("--limit", l->limit, 1, INT64_MAX, &l->filter.limit, e);
	return ERR_OK;
}

static enum err_code
print_json(void *arg, const struct store_certificate *c, struct err *e)
{
	(void)arg;
	return view_put(view_certificate(c), e);
}

static enum err_code
print_row(void *arg, const struct store_certificate *c, struct err *e)
{
	char serial[2 * STORE_SERIAL_BYTES + 1], issued[CLOCK_TEXT_BYTES], ends[CLOCK_TEXT_BYTES];
	struct table *table = arg;

	hex_encode(c->serial, sizeof(c->serial), serial);
	clock_format_s(c->issued_at_us / 1000000, issued);
	clock_format_s(c->not_after_s, ends);
	table_text(table, serial);
	table_text(table, c->device_id);
	table_text(table, c->batch_name);
	table_text(table, certificate_state_name(c->state));
	table_text(table, issued);
	table_text(table, ends);
	if (table->columns > LIST_COLUMNS)
		table_text(table, c->reason);
	return ferror(stdout) ? err_set(e, ERR_IO, "standard output could not be written") : ERR_OK;
}

enum err_code
cmd_cert_list(struct cmd *c, struct err *e)
{
	static const char *const titles[] = { "SERIAL", "DEVICE", "BATCH", "STATE", "ISSUED AT", "NOT AFTER", NULL };
	static const char *const parked_titles[] = { "SERIAL", "DEVICE", "BATCH", "STATE", "ISSUED AT", "NOT AFTER", "REASON", NULL };
	struct list l = { 0 };
	const struct arg_option options[] = {
		{ "batch", &l.batch, NULL }, { "device", &l.device, NULL }, { "state", &l.state, NULL },
		{ "since", &l.since, NULL }, { "limit", &l.limit, NULL }, { "json", NULL, &l.json }, { 0 }
	};
	const char *none[1];
	struct home h = { 0 };
	struct table table;
	enum err_code rc;

	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&h, c->home, e)) == ERR_OK && (rc = plan_list(&l, &h, e)) == ERR_OK) {
		if (l.json) {
			rc = h.ops->certificate_list(h.reader, &l.filter, print_json, NULL, e);
		} else {
			table_begin(&table, l.filter.state == CERTIFICATE_PARKED ? parked_titles : titles);
			rc = h.ops->certificate_list(h.reader, &l.filter, print_row, &table, e);
			table_end(&table);
		}
	}
	home_close(&h);
	return rc;
}

/* ---- show, export */

static enum err_code
find(struct home *h, const char *text, struct recorded **ret, struct err *e)
{
	uint8_t serial[STORE_SERIAL_BYTES];
	enum err_code rc;

	if (!hex_decode(text, serial, sizeof(serial)))
		return err_set(e, ERR_USAGE, "%.80s: a serial of %d hexadecimal digits is needed; `lineca cert list --device ID` finds it", text, 2 * STORE_SERIAL_BYTES);
	if ((rc = h->ops->recorded_find_serial(h->reader, serial, ret, e)) == ERR_NOT_FOUND)
		return err_set(e, rc, "no certificate has the serial %s", text);
	return rc;
}

static void
print_certificate(const struct store_certificate *c)
{
	char serial[2 * STORE_SERIAL_BYTES + 1], id[2 * STORE_HASH_BYTES + 1], key[2 * STORE_HASH_BYTES + 1];
	char issued[CLOCK_TEXT_BYTES], begins[CLOCK_TEXT_BYTES], ends[CLOCK_TEXT_BYTES];

	hex_encode(c->serial, sizeof(c->serial), serial);
	hex_encode(c->certificate_id, sizeof(c->certificate_id), id);
	hex_encode(c->key_id, sizeof(c->key_id), key);
	clock_format_us(c->issued_at_us, issued);
	clock_format_s(c->not_before_s, begins);
	clock_format_s(c->not_after_s, ends);
	(void)printf("serial          %s\ndevice          %s\nbatch           %s\nca              %s\nprofile         %s\nstate           %s\n",
	    serial, c->device_id, c->batch_name, c->ca_name, c->profile, certificate_state_name(c->state));
	(void)printf("certificate id  %s\nkey id          %s\nissued at       %s\nnot before      %s\nnot after       %s\n",
	    id, key, issued, begins, ends);
	if (c->revoked_at_us != 0) {
		clock_format_us(c->revoked_at_us, issued);
		(void)printf("revoked at      %s\nrevoked by      %s\nbecause         %s\n", issued, c->revoked_by, c->revoked_reason);
	}
}

/* How far it is in each account and region. */
static void
print_registrations(const cJSON *list)
{
	const cJSON *r, *step;

	cJSON_ArrayForEach(r, list) {
		(void)printf("\naws             %s/%s: %s\n", view_text_of(r, "account"), view_text_of(r, "region"), view_text_of(r, "state"));
		(void)printf("arn             %s\ndone           ", view_text_of(r, "arn"));
		cJSON_ArrayForEach(step, cJSON_GetObjectItemCaseSensitive(r, "done"))
			(void)printf(" %s", cJSON_GetStringValue(step));
		(void)printf("\nrequest id      %s\n", view_text_of(r, "request_id"));
		if (*view_text_of(r, "revoked_at") != '\0')
			(void)printf("revoked at AWS  %s%s%s\n", view_text_of(r, "revoked_at"), *view_text_of(r, "message") != '\0' ? ": " : "",
			    view_text_of(r, "message"));
		else if (*view_text_of(r, "code") != '\0')
			(void)printf("refused         %s: %s: %s\n", view_text_of(r, "step"), view_text_of(r, "code"), view_text_of(r, "message"));
	}
}

static enum err_code
show(struct home *h, const struct store_certificate *c, bool json, struct err *e)
{
	cJSON *list, *o;
	enum err_code rc;

	if ((rc = upload_registrations_view(h->ops, h->reader, c->serial, &list, e)) != ERR_OK)
		return rc;
	if (json) {
		o = view_certificate(c);
		(void)cJSON_AddItemToObject(o, "registrations", list);
		return view_put(o, e);
	}
	print_certificate(c);
	print_registrations(list);
	cJSON_Delete(list);
	return ERR_OK;
}

enum err_code
cmd_cert_show(struct cmd *c, struct err *e)
{
	bool json = false;
	const struct arg_option options[] = { { "json", NULL, &json }, { 0 } };
	struct recorded *recorded = NULL;
	struct home h = { 0 };
	const char *serial;
	enum err_code rc;

	if ((rc = args_parse(c, options, 1, 1, &serial, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&h, c->home, e)) == ERR_OK && (rc = find(&h, serial, &recorded, e)) == ERR_OK)
		rc = show(&h, recorded_certificate(recorded), json, e);
	recorded_free(recorded);
	home_close(&h);
	return rc;
}

static enum err_code
print_chain(struct home *h, const char *ca_name, struct err *e)
{
	struct store_ca ca;
	enum err_code rc;
	char *pem;

	if ((rc = h->ops->ca_find(h->reader, ca_name, &ca, e)) != ERR_OK)
		return rc;
	if ((pem = view_pem(ca.der, ca.der_len)) == NULL)
		rc = err_set(e, ERR_NOMEM, "chain");
	else
		(void)fputs(pem, stdout);
	free(pem);
	store_ca_done(&ca);
	return rc;
}

enum err_code
cmd_cert_export(struct cmd *c, struct err *e)
{
	bool chain = false;
	const struct arg_option options[] = { { "chain", NULL, &chain }, { 0 } };
	const struct store_certificate *certificate;
	struct recorded *recorded = NULL;
	struct home h = { 0 };
	const char *serial;
	char *pem = NULL;
	enum err_code rc;

	if ((rc = args_parse(c, options, 1, 1, &serial, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&h, c->home, e)) != ERR_OK || (rc = find(&h, serial, &recorded, e)) != ERR_OK)
		goto out;
	certificate = recorded_certificate(recorded);
	if ((pem = view_pem(certificate->der, certificate->der_len)) == NULL) {
		rc = err_set(e, ERR_NOMEM, "cert export");
		goto out;
	}
	(void)fputs(pem, stdout);
	if (chain)
		rc = print_chain(&h, certificate->ca_name, e);
out:
	free(pem);
	recorded_free(recorded);
	home_close(&h);
	return rc;
}

/* ---- revoke */

enum err_code
cmd_cert_revoke(struct cmd *c, struct err *e)
{
	const char *serial, *reason = NULL;
	const struct arg_option options[] = { { "reason", &reason, NULL }, { 0 } };
	const struct store_certificate *certificate;
	struct recorded *recorded = NULL;
	char actor[STORE_ACTOR_BYTES + 1];
	struct store_who who;
	struct home h = { 0 };
	enum err_code rc;

	if ((rc = args_parse(c, options, 1, 1, &serial, e)) != ERR_OK)
		return rc;
	if (reason == NULL || reason[strspn(reason, " \t")] == '\0')
		return err_set(e, ERR_USAGE, "--reason is missing: why is it revoked? It is kept with the change");
	if (strlen(reason) > STORE_NOTE_BYTES)
		return err_set(e, ERR_USAGE, "--reason is longer than %d bytes", STORE_NOTE_BYTES);
	cmd_who(&who, actor);
	who.reason = reason;
	if ((rc = home_open(&h, c->home, e)) != ERR_OK || (rc = find(&h, serial, &recorded, e)) != ERR_OK)
		goto out;
	certificate = recorded_certificate(recorded);
	if (certificate->state == CERTIFICATE_REVOKED) {
		rc = err_set(e, ERR_CONFLICT, "%s of device %s is revoked already, by %s: %s", serial, certificate->device_id,
		    certificate->revoked_by, certificate->revoked_reason);
		goto out;
	}
	if ((rc = h.ops->certificate_revoke(h.store, certificate->serial, &who, e)) == ERR_OK)
		(void)fprintf(stderr, "the certificate of device %s is revoked; the next `lineca upload` tells AWS\n", certificate->device_id);
out:
	recorded_free(recorded);
	home_close(&h);
	return rc;
}
