#include "ca/trust.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ca/ossl.h"

enum {
	/* 112 bits (SSL_CTX_set_security_level(3) describes the levels): RSA of 2048 bits, no SHA-1 signature */
	SECURITY_LEVEL = 2,
	/* far above any certificate; keeps the length within OpenSSL's types */
	LINK_BYTES_MAX = 64 * 1024
};

struct trust {
	X509_STORE	*store;		/* only read once filled; OpenSSL locks it by itself */
};

enum err_code
trust_new(struct trust **ret, struct err *e)
{
	struct trust *t = NULL;
	enum err_code rc = ERR_OK;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return err_set(e, ERR_NOMEM, "trust");
	if ((t->store = X509_STORE_new()) == NULL) {
		rc = ossl_fail(e, ERR_NOMEM, "a store of CAs");
		goto out;
	}
	*ret = t;
	t = NULL;
out:
	trust_free(t);
	return rc;
}

void
trust_free(struct trust *t)
{
	if (t == NULL)
		return;
	X509_STORE_free(t->store);
	free(t);
}

/* One whole certificate. */
static X509 *
read_certificate(const uint8_t *der, size_t len)
{
	const uint8_t *p = der;
	X509 *cert = len > LINK_BYTES_MAX ? NULL : d2i_X509(NULL, &p, (long)len);

	if (cert != NULL && p != der + len) {
		X509_free(cert);
		cert = NULL;
	}
	return cert;
}

static enum err_code
add(struct trust *t, X509 *cert, struct err *e)
{
	char name[128] = "";

	if (!ossl_name_text(X509_get_subject_name(cert), name, sizeof(name)))
		(void)snprintf(name, sizeof(name), "(unreadable)");
	/* 1: basicConstraints CA:TRUE, and keyCertSign where there is a keyUsage.  Reads the extensions, before threads share them. */
	if (X509_check_ca(cert) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_CONFIG, "%s: this is no CA's certificate (no basicConstraints CA:TRUE, or no keyCertSign)", name);
	}
	if (X509_STORE_add_cert(t->store, cert) != 1)
		return ossl_fail(e, ERR_INTERNAL, "adding a CA's certificate");
	return ERR_OK;
}

enum err_code
trust_add(struct trust *t, const uint8_t *der, size_t len, struct err *e)
{
	X509 *cert = read_certificate(der, len);
	enum err_code rc;

	if (cert == NULL)
		return ossl_fail(e, ERR_CONFIG, "not one X.509 certificate in DER");
	rc = add(t, cert, e);
	X509_free(cert);
	return rc;
}

/* Nothing more, rather than something broken? */
static bool
at_end_of_pem(void)
{
	unsigned long last = ERR_peek_last_error();

	return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

enum err_code
trust_add_pem(struct trust *t, const char *text, size_t len, struct err *e)
{
	char no_password[] = "";	/* an encrypted block is passed over or refused, not asked about on a terminal */
	BIO *in = len <= INT32_MAX ? BIO_new_mem_buf(text, (int)len) : NULL;
	enum err_code rc = ERR_OK;
	size_t found = 0;
	X509 *cert;

	if (in == NULL)
		return ossl_fail(e, ERR_NOMEM, "certificates of CAs");
	while (rc == ERR_OK && (cert = PEM_read_bio_X509(in, NULL, NULL, no_password)) != NULL) {
		rc = add(t, cert, e);
		X509_free(cert);
		found++;
	}
	if (rc == ERR_OK && !at_end_of_pem())
		rc = ossl_fail(e, ERR_CONFIG, "a certificate in PEM that cannot be read");
	else if (rc == ERR_OK && found == 0)
		rc = err_set(e, ERR_CONFIG, "no certificate in PEM");
	ERR_clear_error();
	BIO_free(in);
	return rc;
}

/* The sentence for the client.  at 0: the leaf. */
static enum err_code
refuse(int error, int at, X509 *cert, struct err *e)
{
	const char *whose = at == 0 ? "The client certificate" : "A CA certificate above the client certificate";
	char when[CLOCK_TEXT_BYTES] = "an unknown time";
	int64_t s;

	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		if (cert != NULL && ossl_time_s(X509_get0_notAfter(cert), &s))
			clock_format_s(s, when);
		return err_say(e, ERR_UNAUTHORIZED, "%s has expired (at %s); give the device a new one.", whose, when);
	case X509_V_ERR_CERT_NOT_YET_VALID:
		if (cert != NULL && ossl_time_s(X509_get0_notBefore(cert), &s))
			clock_format_s(s, when);
		return err_say(e, ERR_UNAUTHORIZED, "%s is not valid yet (from %s on); check the clock of the line server.", whose, when);
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return err_say(e, ERR_UNAUTHORIZED, "The client certificate is not from a CA that this server believes; "
		    "use one of a CA that it is set up with, and send the certificates between them along.");
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return err_say(e, ERR_UNAUTHORIZED, "%s is not signed by the CA that it names.", whose);
	case X509_V_ERR_INVALID_PURPOSE:
		return err_say(e, ERR_UNAUTHORIZED, "%s is not for TLS clients (keyUsage, or extKeyUsage without clientAuth).", whose);
	default:
		return err_say(e, ERR_UNAUTHORIZED, "%s is not accepted: %s.", whose, X509_verify_cert_error_string(error));
	}
}

/* "" unless the subject has this attribute once, and it could be a device id. */
static void
device_name(const X509_NAME *subject, int nid, char out[LIMIT_DEVICE_ID_BYTES + 1])
{
	int at = X509_NAME_get_index_by_NID(subject, nid, -1), len;
	unsigned char *text = NULL;

	out[0] = '\0';
	if (at < 0 || X509_NAME_get_index_by_NID(subject, nid, at) >= 0)
		return;
	len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len > 0 && device_id_check((const char *)text, (size_t)len, NULL) == ERR_OK) {
		memcpy(out, text, (size_t)len);
		out[len] = '\0';
	}
	OPENSSL_free(text);
}

static enum err_code
describe(X509 *leaf, X509 *anchor, struct trust_peer *p, struct err *e)
{
	const X509_NAME *subject = X509_get_subject_name(leaf);

	device_name(subject, NID_commonName, p->common_name);
	device_name(subject, NID_serialNumber, p->serial_number);
	if (!ossl_name_text(subject, p->name, sizeof(p->name)))
		(void)snprintf(p->name, sizeof(p->name), "(unreadable)");
	p->serial_len = (size_t)ASN1_STRING_length(X509_get0_serialNumber(leaf));
	if (p->serial_len > sizeof(p->serial))
		p->serial_len = 0;	/* RFC 5280 4.1.2.2 has 20 octets at most */
	memcpy(p->serial, ASN1_STRING_get0_data(X509_get0_serialNumber(leaf)), p->serial_len);
	if (!ossl_time_s(X509_get0_notAfter(leaf), &p->not_after_s))
		return ossl_fail(e, ERR_INTERNAL, "the notAfter of a verified certificate");
	if (X509_digest(leaf, EVP_sha256(), p->certificate_id, NULL) != 1 || X509_digest(anchor, EVP_sha256(), p->anchor, NULL) != 1)
		return ossl_fail(e, ERR_INTERNAL, "SHA-256 of a client certificate");
	return ERR_OK;
}

static bool
set_rules(X509_STORE_CTX *ctx, int64_t now_s)
{
	X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_time(rules, (time_t)now_s);
	X509_VERIFY_PARAM_set_depth(rules, LIMIT_CHAIN_LINKS);
	X509_VERIFY_PARAM_set_auth_level(rules, SECURITY_LEVEL);
	return X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
	    X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_CLIENT) == 1;
}

static enum err_code
verify(const struct trust *t, X509 *leaf, STACK_OF(X509) *others, int64_t now_s, struct trust_peer *ret, struct err *e)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	struct trust_peer p = { .name = "" };
	STACK_OF(X509) *path;
	enum err_code rc;

	if (ctx == NULL || X509_STORE_CTX_init(ctx, t->store, leaf, others) != 1 || !set_rules(ctx, now_s)) {
		rc = ossl_fail(e, ERR_NOMEM, "preparing to verify a client certificate");
		goto out;
	}
	if (X509_verify_cert(ctx) != 1) {
		int error = X509_STORE_CTX_get_error(ctx);

		rc = error == X509_V_ERR_OUT_OF_MEM ? err_set(e, ERR_NOMEM, "verifying a client certificate") :
		    refuse(error, X509_STORE_CTX_get_error_depth(ctx), X509_STORE_CTX_get_current_cert(ctx), e);
		goto out;
	}
	path = X509_STORE_CTX_get0_chain(ctx);
	if ((rc = describe(leaf, sk_X509_value(path, sk_X509_num(path) - 1), &p, e)) == ERR_OK)
		*ret = p;
out:
	X509_STORE_CTX_free(ctx);
	return rc;
}

/* What the client sent beside its leaf.  A certificate that cannot be read is as if it had not been sent. */
static STACK_OF(X509) *
read_others(const struct trust_link *chain, size_t n)
{
	STACK_OF(X509) *others = sk_X509_new_null();

	for (size_t i = 1; others != NULL && i < n && i < LIMIT_CHAIN_LINKS; i++) {
		X509 *cert = read_certificate(chain[i].der, chain[i].len);

		if (cert != NULL && sk_X509_push(others, cert) == 0)
			X509_free(cert);
	}
	return others;
}

enum err_code
trust_verify(const struct trust *t, const struct trust_link *chain, size_t n, int64_t now_s, struct trust_peer *ret, struct err *e)
{
	STACK_OF(X509) *others = NULL;
	X509 *leaf = NULL;
	enum err_code rc;

	if (n == 0)
		return err_say(e, ERR_UNAUTHORIZED, "No client certificate was sent.");
	if ((leaf = read_certificate(chain[0].der, chain[0].len)) == NULL) {
		rc = err_say(e, ERR_UNAUTHORIZED, "The client certificate cannot be read: it is not one X.509 certificate in DER.");
		goto out;
	}
	/* With X509_V_FLAG_PARTIAL_CHAIN a CA of the set, sent as the leaf, would lead to itself. */
	if ((X509_get_extension_flags(leaf) & EXFLAG_CA) != 0) {
		rc = err_say(e, ERR_UNAUTHORIZED, "The client certificate is one of a CA; a device needs one of its own.");
		goto out;
	}
	if ((others = read_others(chain, n)) == NULL) {
		rc = err_set(e, ERR_NOMEM, "a client's chain");
		goto out;
	}
	rc = verify(t, leaf, others, now_s, ret, e);
out:
	ERR_clear_error();	/* also after success: OpenSSL leaves the reasons of ways that it tried in vain */
	sk_X509_pop_free(others, X509_free);
	X509_free(leaf);
	return rc;
}
