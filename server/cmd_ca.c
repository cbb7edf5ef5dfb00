#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "base/hex.h"
#include "issuer_load.h"
#include "table.h"
#include "verification_cert.h"
#include "view.h"

/* Words about a CA that is over or will be soon: "valid", "ends in 12 days", "expired". */
static void
validity_words(const struct ca_facts *f, char *out, size_t size)
{
	int64_t now = clock_now_s(&clock_system), days = (f->not_after_s - now) / 86400;

	if (now >= f->not_after_s)
		(void)snprintf(out, size, "expired: issues nothing any more");
	else if (now < f->not_before_s)
		(void)snprintf(out, size, "not valid yet: check the clock");
	else
		(void)snprintf(out, size, "ends in %lld days%s", (long long)days,
		    days < 365 ? ": set up a new CA; no certificate outlives this one" : "");
}

static enum err_code
print_json(const struct store_ca *ca, const struct ca_facts *f, struct err *e)
{
	char *pem = view_pem(ca->der, ca->der_len);
	cJSON *o;

	if (pem == NULL)
		return err_set(e, ERR_NOMEM, "ca");
	o = view_ca(ca, f);
	(void)cJSON_AddStringToObject(o, "certificate", pem);
	free(pem);
	return view_put(o, e);
}

static enum err_code
list_json(void *arg, const struct store_ca *ca, struct err *e)
{
	struct ca_facts f;
	enum err_code rc;

	(void)arg;
	if ((rc = ca_facts_read(ca->der, ca->der_len, &f, e)) != ERR_OK)
		return rc;
	return print_json(ca, &f, e);
}

static enum err_code
list_row(void *table, const struct store_ca *ca, struct err *e)
{
	char id[2 * STORE_HASH_BYTES + 1], ends[CLOCK_TEXT_BYTES], words[96];
	struct ca_facts f;
	enum err_code rc;

	if ((rc = ca_facts_read(ca->der, ca->der_len, &f, e)) != ERR_OK)
		return rc;
	hex_encode(f.fingerprint, sizeof(f.fingerprint), id);
	clock_format_s(f.not_after_s, ends);
	validity_words(&f, words, sizeof(words));
	table_text(table, ca->name);
	table_text(table, ca->active ? "active" : "inactive");
	table_text(table, f.key);
	table_text(table, ends);
	table_text(table, id);
	table_text(table, words);
	return ERR_OK;
}

enum err_code
cmd_ca_list(struct cmd *c, struct err *e)
{
	static const char *const titles[] = { "CA", "STATE", "KEY", "NOT AFTER", "CERTIFICATE ID (SHA-256)", "VALIDITY", NULL };
	bool json = false;
	const struct arg_option options[] = { { "json", NULL, &json }, { 0 } };
	const char *none[1];
	struct home h = { 0 };
	struct table table;
	enum err_code rc;

	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&h, c->home, e)) == ERR_OK) {
		if (json) {
			rc = h.ops->ca_list(h.reader, list_json, NULL, e);
		} else {
			table_begin(&table, titles);
			rc = h.ops->ca_list(h.reader, list_row, &table, e);
			table_end(&table);
		}
	}
	home_close(&h);
	return rc;
}

/* ---- show */

/* Pairs of digits with colons, as openssl prints a fingerprint: people compare it by eye. */
static void
print_fingerprint(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		(void)printf("%02X%s", bytes[i], i + 1 < len ? ":" : "\n");
}

static void
print_ca(const struct store_ca *ca, const struct ca_facts *f, const char *pem)
{
	char serial[2 * sizeof(f->serial) + 1], id[2 * sizeof(f->fingerprint) + 1];
	char begins[CLOCK_TEXT_BYTES], ends[CLOCK_TEXT_BYTES], words[96];

	hex_encode(f->serial, f->serial_len, serial);
	hex_encode(f->fingerprint, sizeof(f->fingerprint), id);
	clock_format_s(f->not_before_s, begins);
	clock_format_s(f->not_after_s, ends);
	validity_words(f, words, sizeof(words));
	(void)printf("ca              %s\nstate           %s\nsubject         %s\nkey             %s\nserial          %s\n",
	    ca->name, ca->active ? "active" : "inactive", f->subject, f->key, serial);
	(void)printf("certificate id  %s\nfingerprint     ", id);
	print_fingerprint(f->fingerprint, sizeof(f->fingerprint));
	(void)printf("not before      %s\nnot after       %s\nvalidity        %s\n\n%s", begins, ends, words, pem);
}

static enum err_code
show(const struct store_ca *ca, bool json, struct err *e)
{
	struct ca_facts f;
	enum err_code rc;
	char *pem;

	if ((rc = ca_facts_read(ca->der, ca->der_len, &f, e)) != ERR_OK)
		return rc;
	if (json)
		return print_json(ca, &f, e);
	if ((pem = view_pem(ca->der, ca->der_len)) == NULL)
		return err_set(e, ERR_NOMEM, "ca show");
	print_ca(ca, &f, pem);
	free(pem);
	return ERR_OK;
}

enum err_code
cmd_ca_show(struct cmd *c, struct err *e)
{
	bool json = false;
	const struct arg_option options[] = { { "json", NULL, &json }, { 0 } };
	struct store_ca ca = { 0 };
	struct home h = { 0 };
	const char *name;
	enum err_code rc;

	if ((rc = args_parse(c, options, 0, 1, &name, e)) != ERR_OK)
		return rc;
	if ((rc = home_open(&h, c->home, e)) == ERR_OK && (rc = issuer_find(&h, name, &ca, e)) == ERR_OK)
		rc = show(&ca, json, e);
	store_ca_done(&ca);
	home_close(&h);
	return rc;
}

/* ---- verification-cert */

/* Standard output has the certificate and nothing else: it is a file on its way to another machine. */
static void
print_verification(const struct store_ca *ca, const struct verification_cert *v)
{
	char serial[2 * sizeof(v->serial) + 1], ends[CLOCK_TEXT_BYTES];

	hex_encode(v->serial, sizeof(v->serial), serial);
	clock_format_s(v->not_after_s, ends);
	(void)fputs(v->pem, stdout);
	(void)fprintf(stderr, "verification certificate of the CA %s, serial %s, valid until %s\n"
	    "It proves to the AWS account of this code that the CA's key is here; its own key is thrown away.\n"
	    "next, within a day, on a machine that reaches AWS: lineca aws register-ca --ca-cert F --verification-cert F\n"
	    "(--ca-cert: what `lineca ca show` prints; --verification-cert: what standard output got; without a home there: --account ID)\n",
	    ca->name, serial, ends);
}

enum err_code
cmd_ca_verification_cert(struct cmd *c, struct err *e)
{
	const char *code = NULL, *name = NULL, *none[1];
	const struct arg_option options[] = { { "code", &code, NULL }, { "ca", &name, NULL }, { 0 } };
	struct verification_cert v = { 0 };
	struct issuer *issuer = NULL;
	struct store_ca ca = { 0 };
	struct home h = { 0 };
	enum err_code rc;

	if ((rc = args_parse(c, options, 0, 0, none, e)) != ERR_OK)
		return rc;
	if (code == NULL)
		return err_set(e, ERR_USAGE, "--code is missing: the account's registration code, `lineca aws registration-code` prints it");
	if ((rc = home_open(&h, c->home, e)) == ERR_OK && (rc = issuer_find(&h, name, &ca, e)) == ERR_OK &&
	    (rc = issuer_load(&h, &ca, &issuer, e)) == ERR_OK &&
	    (rc = verification_cert_make(&h, &ca, issuer, code, &v, e)) == ERR_OK)
		print_verification(&ca, &v);
	verification_cert_done(&v);
	issuer_free(issuer);
	store_ca_done(&ca);
	home_close(&h);
	return rc;
}
