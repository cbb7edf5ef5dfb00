#include <string.h>

#include "ca/ossl.h"

enum {
	CA_NAME_BYTES_MAX = 64,		/* RFC 5280 ub-common-name */
	CA_DAYS_MAX = 36500,
	CA_BACKDATE_S = 3600,
	DAY_S = 86400
};

static enum err_code
check_request(const struct ca_request *req, struct err *e)
{
	size_t len = strlen(req->common_name);

	if (len < 1 || len > CA_NAME_BYTES_MAX)
		return err_say(e, ERR_USAGE, "a CA's name must have 1 to %d characters", CA_NAME_BYTES_MAX);
	for (size_t i = 0; i < len; i++)
		if (req->common_name[i] < 0x20 || req->common_name[i] > 0x7e)
			return err_say(e, ERR_USAGE, "a CA's name must be printable ASCII; character %zu is not", i + 1);
	if (req->days < 1 || req->days > CA_DAYS_MAX)
		return err_say(e, ERR_USAGE, "a CA's validity must be 1 to %d days", CA_DAYS_MAX);
	return ERR_OK;
}

enum err_code
spki_key_identifier(struct der spki, uint8_t out[SUBJECT_KEY_ID_BYTES], struct err *e)
{
	struct hasher h = { 0 };
	struct der alg, bits;
	enum err_code rc;

	if (!der_take(&spki, DER_SEQUENCE, &spki) || !der_take(&spki, DER_SEQUENCE, &alg) ||
	    !der_take_octet_bits(&spki, &bits))
		return err_set(e, ERR_INTERNAL, "a SubjectPublicKeyInfo of our own is broken");
	if ((rc = hasher_init(&h, e)) == ERR_OK)
		rc = hasher_run(&h, DIGEST_SHA1, bits.p, bits.len, out, e);
	hasher_done(&h);
	return rc;
}

static enum err_code
sign(const struct ca_key *k, const struct ca_plan *plan, uint8_t *der, size_t *ret_len, struct err *e)
{
	uint8_t sig[LIMIT_SIGNATURE_BYTES], out[LIMIT_CERTIFICATE_BYTES];
	struct ca_signer *s = NULL;
	struct tbs tbs;
	struct der cert;
	size_t sig_len;
	enum err_code rc;

	if ((rc = tbs_build_ca(&tbs, plan, e)) != ERR_OK || (rc = ca_signer_new(k, &s, e)) != ERR_OK ||
	    (rc = ca_signer_sign(s, &tbs, sig, &sig_len, e)) != ERR_OK ||
	    (rc = tbs_assemble(&tbs, ca_key_algorithm(k), sig, sig_len, out, &cert, e)) != ERR_OK)
		goto out;
	memcpy(der, cert.p, cert.len);
	*ret_len = cert.len;
out:
	ca_signer_free(s);
	return rc;
}

enum err_code
ca_certificate_self_sign(const struct ca_key *k, const struct ca_request *req, const struct clock *clk,
    const struct rnd *rnd, uint8_t *der, size_t *ret_len, struct err *e)
{
	struct ca_plan plan = { .common_name = req->common_name, .key = k };
	struct serial_source serials;
	int64_t now_s = clock_now_s(clk);
	enum err_code rc;

	if ((rc = check_request(req, e)) != ERR_OK)
		return rc;
	plan.not_before_s = now_s - CA_BACKDATE_S;
	plan.not_after_s = now_s + (int64_t)req->days * DAY_S;
	serial_source_init(&serials, clk, rnd, 0);
	if ((rc = serial_next(&serials, plan.serial, e)) != ERR_OK ||
	    (rc = spki_key_identifier(ca_key_spki(k), plan.subject_key_id, e)) != ERR_OK)
		return rc;
	return sign(k, &plan, der, ret_len, e);
}
