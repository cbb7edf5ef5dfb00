#include "ca/tls_cert.h"

#include <arpa/inet.h>
#include <string.h>

#include "ca/ossl.h"
#include "ca/serial.h"

enum {
	SERVER_DAYS_MAX = 36500,
	SERVER_BACKDATE_S = 3600,
	DAY_S = 86400,
	COMMON_NAME_BYTES_MAX = 64,	/* RFC 5280 ub-common-name */
	DNS_NAME_BYTES_MAX = 253,	/* RFC 1123 2.1, RFC 1035 2.3.4 */
	DNS_LABEL_BYTES_MAX = 63,
	/* what the certificate holds besides names, keys and signature; each alternative name has a header of at most 3 bytes */
	FRAME_BYTES = 400,
	NAME_HEADER_BYTES = 3
};

size_t
tls_cert_address(const char *name, uint8_t out[16])
{
	if (inet_pton(AF_INET, name, out) == 1)
		return 4;
	return inet_pton(AF_INET6, name, out) == 1 ? 16 : 0;
}

static bool
letter_or_digit(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Letters, digits and hyphens, none of those at an end; RFC 1123 2.1.  *ret_numeric: nothing but digits. */
static bool
label_ok(const char *label, size_t len, bool *ret_numeric)
{
	size_t digits = 0;

	if (len < 1 || len > DNS_LABEL_BYTES_MAX || label[0] == '-' || label[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!letter_or_digit(label[i]) && label[i] != '-')
			return false;
		digits += label[i] >= '0' && label[i] <= '9';
	}
	*ret_numeric = digits == len;
	return true;
}

/* The last label is not a number: 10.0.0.256 is an address with a mistake in it, not a name. */
static bool
dns_name_ok(const char *name)
{
	bool wildcard = strncmp(name, "*.", 2) == 0, numeric = false;
	size_t labels = 0;

	if (strlen(name) > DNS_NAME_BYTES_MAX)
		return false;
	for (const char *label = wildcard ? name + 2 : name, *end; label != NULL; label = *end == '.' ? end + 1 : NULL, labels++) {
		end = strchrnul(label, '.');
		if (!label_ok(label, (size_t)(end - label), &numeric))
			return false;
	}
	return !numeric && (!wildcard || labels >= 2);
}

/* For a message: what was typed, but nothing that moves the cursor. */
static void
printable(const char *name, char *out, size_t out_size)
{
	size_t i;

	for (i = 0; i + 1 < out_size && name[i] != '\0'; i++)
		out[i] = name[i] >= 0x20 && name[i] < 0x7f ? name[i] : '?';
	out[i] = '\0';
}

enum err_code
tls_cert_name_check(const char *name, struct err *e)
{
	uint8_t address[16];
	char text[65];

	if (tls_cert_address(name, address) > 0 || dns_name_ok(name))
		return ERR_OK;
	printable(name, text, sizeof(text));
	return err_say(e, ERR_USAGE, "\"%s\" is no name of a server; give a DNS name (letters, digits, hyphens, dots; non-ASCII ones in "
	    "their xn-- form; *.example.com for all of a domain), an IPv4 address or an IPv6 address without brackets and zone", text);
}

static enum err_code
check_request(const struct tls_cert_request *req, struct err *e)
{
	enum err_code rc;

	if (req->count < 1 || req->count > TLS_CERT_NAMES_MAX)
		return err_say(e, ERR_USAGE, "a server's certificate has 1 to %d names; these are %zu", TLS_CERT_NAMES_MAX, req->count);
	for (size_t i = 0; i < req->count; i++)
		if ((rc = tls_cert_name_check(req->names[i], e)) != ERR_OK)
			return rc;
	if (req->days < 1 || req->days > SERVER_DAYS_MAX)
		return err_say(e, ERR_USAGE, "a server certificate's validity must be 1 to %d days", SERVER_DAYS_MAX);
	return ERR_OK;
}

/* Long names of an RSA-4096 key under a CA with another do not fit where 16 short ones do. */
static enum err_code
check_size(const struct server_plan *p, struct err *e)
{
	size_t names = p->common_name == NULL ? 0 : strlen(p->common_name);

	for (size_t i = 0; i < p->names_count; i++)
		names += NAME_HEADER_BYTES + strlen(p->names[i]);
	if (FRAME_BYTES + names + p->issuer_name.len + ca_key_spki(p->key).len + LIMIT_SIGNATURE_BYTES > LIMIT_CERTIFICATE_BYTES)
		return err_say(e, ERR_USAGE, "the server's names are too long for one certificate: %zu bytes together; give fewer", names);
	return ERR_OK;
}

static enum err_code
plan_times(struct server_plan *p, const struct ca_facts *ca, int days, int64_t now_s, struct err *e)
{
	if (now_s < ca->not_before_s)
		return err_set(e, ERR_CLOCK, "the clock (%lld) is before the notBefore (%lld) of the CA for the server's certificate",
		    (long long)now_s, (long long)ca->not_before_s);
	if (now_s > ca->not_after_s)
		return err_set(e, ERR_CA_EXPIRED, "the notAfter (%lld) of the CA for the server's certificate has passed (%lld)",
		    (long long)ca->not_after_s, (long long)now_s);
	p->not_before_s = now_s - SERVER_BACKDATE_S;
	if (p->not_before_s < ca->not_before_s)
		p->not_before_s = ca->not_before_s;
	p->not_after_s = now_s + (int64_t)days * DAY_S;
	if (p->not_after_s > ca->not_after_s)
		p->not_after_s = ca->not_after_s;
	return ERR_OK;
}

/* Signs the plan; a certificate whose signature OpenSSL does not verify never leaves. */
static enum err_code
sign(const struct ca_key *ca_key, const struct server_plan *p, uint8_t *der, size_t *ret_len, struct err *e)
{
	uint8_t sig[LIMIT_SIGNATURE_BYTES], out[LIMIT_CERTIFICATE_BYTES];
	struct der cert, ca_spki = ca_key_spki(ca_key);
	const uint8_t *spki = ca_spki.p;
	struct ca_signer *s = NULL;
	EVP_PKEY *ca_public = NULL;
	struct tbs tbs;
	size_t sig_len;
	enum err_code rc;

	if ((ca_public = d2i_PUBKEY(NULL, &spki, (long)ca_spki.len)) == NULL) {
		rc = ossl_fail(e, ERR_INTERNAL, "reading the CA's public key");
		goto out;
	}
	if ((rc = tbs_build_server(&tbs, p, e)) != ERR_OK || (rc = ca_signer_new(ca_key, &s, e)) != ERR_OK ||
	    (rc = ca_signer_sign(s, &tbs, sig, &sig_len, e)) != ERR_OK ||
	    (rc = tbs_assemble(&tbs, p->issuer_alg, sig, sig_len, out, &cert, e)) != ERR_OK ||
	    (rc = selfcheck_signature(cert, ca_public, e)) != ERR_OK)
		goto out;
	memcpy(der, cert.p, cert.len);
	*ret_len = cert.len;
out:
	ca_signer_free(s);
	EVP_PKEY_free(ca_public);
	return rc;
}

enum err_code
tls_certificate_issue(const struct ca_key *ca_key, const uint8_t *ca_der, size_t ca_len, const struct ca_key *server_key,
    const struct tls_cert_request *req, const struct clock *clk, const struct rnd *rnd, uint8_t *der, size_t *ret_len,
    struct err *e)
{
	struct server_plan p = { .issuer_alg = ca_key_algorithm(ca_key), .key = server_key };
	struct serial_source serials;
	struct ca_facts ca;
	struct der ca_spki;
	enum err_code rc;

	if ((rc = check_request(req, e)) != ERR_OK || (rc = ca_facts_read(ca_der, ca_len, &ca, e)) != ERR_OK)
		return rc;
	if (!certificate_find_parts((struct der){ ca_der, ca_len }, &p.issuer_name, &ca_spki))
		return err_set(e, ERR_CONFIG, "the CA certificate is not strict DER");
	p.names = req->names;
	p.names_count = req->count;
	p.common_name = strlen(req->names[0]) <= COMMON_NAME_BYTES_MAX ? req->names[0] : NULL;
	memcpy(p.authority_key_id, ca.subject_key_id, sizeof(p.authority_key_id));
	serial_source_init(&serials, clk, rnd, 0);
	if ((rc = ca_key_check(ca_key, ca_spki, e)) != ERR_OK || (rc = check_size(&p, e)) != ERR_OK ||
	    (rc = plan_times(&p, &ca, req->days, clock_now_s(clk), e)) != ERR_OK ||
	    (rc = serial_next(&serials, p.serial, e)) != ERR_OK ||
	    (rc = spki_key_identifier(ca_key_spki(server_key), p.subject_key_id, e)) != ERR_OK)
		return rc;
	return sign(ca_key, &p, der, ret_len, e);
}
