#include <stdlib.h>
#include <string.h>

#include "ca/ossl.h"
#include "ca/pem.h"

static enum err_code
not_a_ca(struct err *e, const char *why)
{
	return ossl_fail(e, ERR_CONFIG, why);
}

/* The first CN, as printable ASCII with ? for the rest; "" without one. */
static void
common_name(const X509_NAME *name, char *out, size_t out_size)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	const ASN1_STRING *s = at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
	size_t len = s == NULL ? 0 : (size_t)ASN1_STRING_length(s);

	if (len > out_size - 1)
		len = out_size - 1;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = ASN1_STRING_get0_data(s)[i];

		out[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	out[len] = '\0';
}

static void
key_text(const EVP_PKEY *key, char *out, size_t out_size)
{
	char group[24] = "";

	if (EVP_PKEY_is_a(key, "RSA")) {
		(void)snprintf(out, out_size, "RSA %d", EVP_PKEY_get_bits(key));
	} else if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1) {
		const char *nist = EC_curve_nid2nist(OBJ_sn2nid(group));

		(void)snprintf(out, out_size, "EC %s", nist != NULL ? nist : group);
	} else {
		(void)snprintf(out, out_size, "%s", EVP_PKEY_get0_type_name(key));
	}
}

/* May this certificate issue?  RFC 5280 4.2.1.9, 4.2.1.3, 4.2.1.2 */
static enum err_code
check_ca(X509 *cert, struct err *e)
{
	BASIC_CONSTRAINTS *bc;
	int critical = -1;
	bool is_ca;

	if (X509_get_version(cert) != X509_VERSION_3)
		return not_a_ca(e, "the CA certificate is not X.509 v3");
	bc = X509_get_ext_d2i(cert, NID_basic_constraints, &critical, NULL);
	is_ca = bc != NULL && bc->ca && critical == 1;
	BASIC_CONSTRAINTS_free(bc);
	if (!is_ca)
		return not_a_ca(e, "the CA certificate has no critical basicConstraints with CA:TRUE");
	if ((X509_get_extension_flags(cert) & (EXFLAG_INVALID | EXFLAG_KUSAGE)) != EXFLAG_KUSAGE ||
	    (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) == 0)
		return not_a_ca(e, "the CA certificate has no keyUsage with keyCertSign, or a broken extension");
	if (X509_get0_subject_key_id(cert) == NULL ||
	    ASN1_STRING_length(X509_get0_subject_key_id(cert)) != SUBJECT_KEY_ID_BYTES)
		return not_a_ca(e, "the CA certificate has no subjectKeyIdentifier of 20 bytes");
	return ERR_OK;
}

static enum err_code
fill_facts(X509 *cert, struct ca_facts *f, struct err *e)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	EVP_PKEY *key = X509_get0_pubkey(cert);
	unsigned len = 0;

	if (ASN1_STRING_length(serial) > (int)sizeof(f->serial) || ASN1_STRING_type(serial) != V_ASN1_INTEGER)
		return not_a_ca(e, "the CA certificate's serial number is negative or longer than 20 bytes");
	f->serial_len = (size_t)ASN1_STRING_length(serial);
	memcpy(f->serial, ASN1_STRING_get0_data(serial), f->serial_len);
	memcpy(f->subject_key_id, ASN1_STRING_get0_data(X509_get0_subject_key_id(cert)), sizeof(f->subject_key_id));
	if (key == NULL)
		return not_a_ca(e, "the CA certificate's public key cannot be read");
	key_text(key, f->key, sizeof(f->key));
	common_name(X509_get_subject_name(cert), f->common_name, sizeof(f->common_name));
	if (!ossl_name_text(X509_get_subject_name(cert), f->subject, sizeof(f->subject)) ||
	    !ossl_time_s(X509_get0_notBefore(cert), &f->not_before_s) || !ossl_time_s(X509_get0_notAfter(cert), &f->not_after_s))
		return not_a_ca(e, "the CA certificate's subject or validity cannot be read");
	if (X509_digest(cert, EVP_sha256(), f->fingerprint, &len) != 1)
		return ossl_fail(e, ERR_INTERNAL, "SHA-256 of the CA certificate");
	return ERR_OK;
}

enum err_code
ca_facts_read(const uint8_t *der, size_t len, struct ca_facts *ret, struct err *e)
{
	struct ca_facts f = { 0 };
	const uint8_t *p = der;
	X509 *cert = NULL;
	enum err_code rc;

	if (len > LIMIT_CERTIFICATE_BYTES || (cert = d2i_X509(NULL, &p, (long)len)) == NULL || p != der + len) {
		rc = not_a_ca(e, "not one X.509 certificate in DER");
		goto out;
	}
	if ((rc = check_ca(cert, e)) != ERR_OK || (rc = fill_facts(cert, &f, e)) != ERR_OK)
		goto out;
	*ret = f;
out:
	X509_free(cert);
	return rc;
}

bool
certificate_find_parts(struct der certificate, struct der *ret_name, struct der *ret_spki)
{
	struct der tbs, skipped;
	uint8_t tag;

	return der_take(&certificate, DER_SEQUENCE, &certificate) && der_take(&certificate, DER_SEQUENCE, &tbs) &&
	    der_take(&tbs, DER_CONTEXT_0, &skipped) &&	/* version */
	    der_next(&tbs, &tag, &skipped) &&		/* serialNumber */
	    der_next(&tbs, &tag, &skipped) &&		/* signature */
	    der_next(&tbs, &tag, &skipped) &&		/* issuer */
	    der_next(&tbs, &tag, &skipped) &&		/* validity */
	    der_take_element(&tbs, DER_SEQUENCE, ret_name) && der_take_element(&tbs, DER_SEQUENCE, ret_spki);
}

enum err_code
issuer_new(const uint8_t *cert_der, size_t len, struct ca_key *k, struct issuer **ret, struct err *e)
{
	struct issuer *i = NULL;
	enum err_code rc;

	if ((i = malloc(sizeof(*i) + len)) == NULL) {
		ca_key_free(k);
		return err_set(e, ERR_NOMEM, "issuer");
	}
	*i = (struct issuer){ .key = k, .cert_len = len };
	memcpy(i->cert, cert_der, len);
	if ((rc = ca_facts_read(i->cert, len, &i->facts, e)) != ERR_OK)
		goto out;
	if (!certificate_find_parts((struct der){ i->cert, len }, &i->name, &i->spki)) {
		rc = err_set(e, ERR_CONFIG, "the CA certificate is not strict DER");
		goto out;
	}
	if ((rc = ca_key_check(k, i->spki, e)) != ERR_OK)
		goto out;
	if ((i->chain_pem = malloc(pem_certificate_bytes(len))) == NULL) {
		rc = err_set(e, ERR_NOMEM, "chain");
		goto out;
	}
	i->chain_len = pem_encode_certificate(i->cert, len, i->chain_pem);
	*ret = i;
	i = NULL;
out:
	issuer_free(i);
	return rc;
}

void
issuer_free(struct issuer *i)
{
	if (i == NULL)
		return;
	ca_key_free(i->key);
	free(i->chain_pem);
	free(i);
}

const struct ca_facts *
issuer_facts(const struct issuer *i)
{
	return &i->facts;
}

const char *
issuer_chain_pem(const struct issuer *i, size_t *ret_len)
{
	*ret_len = i->chain_len;
	return i->chain_pem;
}
