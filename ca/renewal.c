#include "ca/renewal.h"

#include "ca/oid.h"
#include "ca/ossl.h"

/* The content of [0] attributes of a request that csr_parse has accepted; empty if it was left out. */
static struct der
request_attributes(const struct csr *c)
{
	const uint8_t *after_key = c->spki.p + c->spki.len;
	struct der rest = { after_key, (size_t)(c->info.p + c->info.len - after_key) }, attributes = { NULL, 0 };

	(void)der_take(&rest, DER_CONTEXT_0, &attributes);
	return attributes;
}

/* The values of the first attribute of that type; false: there is none. */
static bool
find_attribute(const struct csr *c, const void *type, size_t type_len, struct der *ret_values)
{
	struct der attributes = request_attributes(c), attribute, oid;

	while (der_take(&attributes, DER_SEQUENCE, &attribute))
		if (der_take(&attribute, DER_OID, &oid) && der_equal(oid, type, type_len))
			return der_take(&attribute, DER_SET, ret_values);
	return false;
}

/* The value of the requested subjectAltName; false: none is requested. */
static bool
requested_alt_name(const struct csr *c, struct der *ret)
{
	struct der list, extension, oid, critical;

	if (!find_attribute(c, OID_EXTENSION_REQUEST, sizeof(OID_EXTENSION_REQUEST) - 1, &list) ||
	    !der_take(&list, DER_SEQUENCE, &list))
		return false;
	while (der_take(&list, DER_SEQUENCE, &extension)) {
		if (!der_take(&extension, DER_OID, &oid) || !DER_IS(oid, OID_SUBJECT_ALT_NAME))
			continue;
		if (der_peek(&extension, DER_BOOLEAN))
			(void)der_take(&extension, DER_BOOLEAN, &critical);
		return der_take(&extension, DER_OCTET_STRING, ret);
	}
	return false;
}

/* Whole values, whatever the type of the string. */
static bool
value_equal(const ASN1_STRING *s, struct der value)
{
	unsigned char *text = NULL;
	int len = ASN1_STRING_to_UTF8(&text, s);
	bool equal = len >= 0 && der_equal(value, text, (size_t)len);

	OPENSSL_free(text);
	return equal;
}

/*
 * NULL if the certificate's subject has the request's attributes and no others, each once; otherwise the first difference in words.
 * subject_check has seen to it that the request has each at most once.
 */
static const char *
subject_differs(const struct csr *c, const X509_NAME *name)
{
	static const struct { int nid; const char *text; } attrs[SUBJECT_ATTRS] = {
		[SUBJECT_C] = { NID_countryName, "C differs" },
		[SUBJECT_ST] = { NID_stateOrProvinceName, "ST differs" },
		[SUBJECT_L] = { NID_localityName, "L differs" },
		[SUBJECT_O] = { NID_organizationName, "O differs" },
		[SUBJECT_OU] = { NID_organizationalUnitName, "OU differs" },
		[SUBJECT_CN] = { NID_commonName, "CN differs" },
	};
	int found = 0;

	for (int a = 0; a < SUBJECT_ATTRS; a++) {
		int at = X509_NAME_get_index_by_NID(name, attrs[a].nid, -1);

		if ((at >= 0) != (c->attr[a].len > 0) || (at >= 0 && X509_NAME_get_index_by_NID(name, attrs[a].nid, at) >= 0))
			return attrs[a].text;
		if (at < 0)
			continue;
		if (!value_equal(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), c->attr[a]))
			return attrs[a].text;
		found++;
	}
	return found == X509_NAME_entry_count(name) ? NULL : "the certificate has an attribute that a request cannot have";
}

static enum err_code
check_alt_name(const struct csr *c, X509 *cert, struct err *e)
{
	int at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);
	const ASN1_OCTET_STRING *has = at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(cert, at));
	struct der asked;

	if (!requested_alt_name(c, &asked)) {
		if (has == NULL)
			return ERR_OK;
		return err_say(e, ERR_FORBIDDEN, "The client certificate has a subjectAltName and the request has none; a renewal "
		    "asks for the same (RFC 7030 4.2.2).");
	}
	if (has == NULL)
		return err_say(e, ERR_FORBIDDEN, "The request asks for a subjectAltName and the client certificate has none; leave it "
		    "out of the request (RFC 7030 4.2.2).");
	if (!der_equal(asked, ASN1_STRING_get0_data(has), (size_t)ASN1_STRING_length(has)))
		return err_say(e, ERR_FORBIDDEN, "The request's subjectAltName is not that of the client certificate; a renewal asks for "
		    "the same (RFC 7030 4.2.2).");
	return ERR_OK;
}

static enum err_code
check(const struct csr *c, X509 *cert, struct err *e)
{
	const char *differs = subject_differs(c, X509_get_subject_name(cert));
	struct der values;

	if (differs != NULL)
		return err_say(e, ERR_FORBIDDEN, "The request's subject is not that of the client certificate (%s); a renewal keeps "
		    "its subject: enrol anew for another.", differs);
	if (find_attribute(c, OID_CHANGE_SUBJECT_NAME, sizeof(OID_CHANGE_SUBJECT_NAME) - 1, &values))
		return err_say(e, ERR_FORBIDDEN, "The request wants another subject (ChangeSubjectName, RFC 6402 2.8); a renewal keeps its "
		    "subject: enrol anew for another.");
	return check_alt_name(c, cert, e);
}

enum err_code
renewal_check(const struct csr *c, const uint8_t *der, size_t len, struct err *e)
{
	const uint8_t *p = der;
	X509 *cert = len > INT32_MAX ? NULL : d2i_X509(NULL, &p, (long)len);
	enum err_code rc;

	if (cert == NULL || p != der + len)
		rc = err_say(e, ERR_FORBIDDEN, "The client certificate cannot be read, so it cannot be renewed.");
	else
		rc = check(c, cert, e);
	ERR_clear_error();
	X509_free(cert);
	return rc;
}
