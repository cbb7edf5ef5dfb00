#include "ca/verification.h"

#include <string.h>

#include "base/hex.h"
#include "ca/ossl.h"

static const struct profile verification_profile = {
	.name = "verification",
	.backdate_s = 3600,
	.validity_s = 86400,	/* it is used once, within minutes; a day lets it be carried to a machine with a line out */
};

static enum err_code
check_code(const char *code, struct err *e)
{
	size_t len = strlen(code), hex = 0;

	while (hex < len && hex_digit(code[hex]))
		hex++;
	if (len != LIMIT_REGISTRATION_CODE_BYTES || hex != len)
		return err_say(e, ERR_USAGE, "a registration code is %d hexadecimal digits, as `lineca aws registration-code` prints it; "
		    "this is %zu characters%s", LIMIT_REGISTRATION_CODE_BYTES, len, hex != len ? ", and not all of them digits" : "");
	return ERR_OK;
}

/*
 * What plan_new takes for a request: ours needs no proof of possession, its key is made here, and it is the one that may have
 * such a CN.  Borrows key and code.
 */
static enum err_code
own_request(const struct ca_key *key, const char *code, struct csr *c, struct err *e)
{
	struct hasher h = { 0 };
	enum err_code rc;

	*c = (struct csr){ .checks = CSR_ALL_CHECKS, .key_type = KEY_P256, .spki = ca_key_spki(key) };
	c->attr[SUBJECT_CN] = (struct der){ (const uint8_t *)code, strlen(code) };
	memcpy(c->device_id, code, strlen(code) + 1);
	if ((rc = spki_key_identifier(c->spki, c->subject_key_id, e)) == ERR_OK && (rc = hasher_init(&h, e)) == ERR_OK)
		rc = hasher_run(&h, DIGEST_SHA256, c->spki.p, c->spki.len, c->key_id, e);
	hasher_done(&h);
	return rc;
}

/* The plan holds copies: the key can go. */
static enum err_code
make_plan(const struct issuer *i, const char *code, struct serial_source *serials, const struct clock *clk, struct plan **ret,
    struct err *e)
{
	uint8_t serial[SERIAL_BYTES];
	struct ca_key *key = NULL;
	struct csr c;
	enum err_code rc;

	if ((rc = ca_key_generate(CA_KEY_P256, &key, e)) == ERR_OK && (rc = own_request(key, code, &c, e)) == ERR_OK &&
	    (rc = serial_next(serials, serial, e)) == ERR_OK)
		rc = plan_new(&verification_profile, i, &c, clock_now_s(clk), serial, ret, e);
	ca_key_free(key);
	return rc;
}

enum err_code
verification_issue(const struct issuer *i, const char *code, struct serial_source *serials, const struct clock *clk,
    struct issued **ret, struct err *e)
{
	struct issue_bench *bench = NULL;
	struct plan *plan = NULL;
	enum err_code rc;

	if ((rc = check_code(code, e)) != ERR_OK || (rc = make_plan(i, code, serials, clk, &plan, e)) != ERR_OK ||
	    (rc = issue_bench_new(i, 1, &bench, e)) != ERR_OK)
		goto out;
	rc = issue(bench, plan, ret, e);
out:
	issue_bench_free(bench);
	plan_free(plan);
	return rc;
}
