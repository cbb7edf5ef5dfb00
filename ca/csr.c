#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ca/oid.h"
#include "ca/stages.h"

enum { EXTENSIONS_SEEN_MAX = 32 };	/* more in one request is nobody's device */

static enum err_code
malformed(struct err *e, const char *what)
{
	return err_say(e, ERR_CSR_MALFORMED, "The request is not a well-formed PKCS#10 CSR: %s.", what);
}

/* AttributeTypeAndValue ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY } */
static bool
type_and_value_ok(struct der atv)
{
	struct der oid;

	return der_take(&atv, DER_OID, &oid) && der_oid_ok(oid) && der_check(atv);
}

/* Name ::= SEQUENCE OF SET SIZE (1..MAX) OF AttributeTypeAndValue; RFC 5280 4.1.2.4 */
static bool
name_ok(struct der name)
{
	struct der rdn, atv;

	while (name.len > 0) {
		if (!der_take(&name, DER_SET, &rdn) || rdn.len == 0)
			return false;
		while (rdn.len > 0)
			if (!der_take(&rdn, DER_SEQUENCE, &atv) || !type_and_value_ok(atv))
				return false;
	}
	return true;
}

/* AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL } */
static bool
algorithm_ok(struct der alg)
{
	struct der oid;

	return der_take(&alg, DER_OID, &oid) && der_oid_ok(oid) && (alg.len == 0 || der_check(alg));
}

static bool
seen_before(const struct der *seen, size_t n, struct der oid)
{
	for (size_t i = 0; i < n; i++)
		if (der_equal(oid, seen[i].p, seen[i].len))
			return true;
	return false;
}

/* Extension ::= SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }; RFC 5280 4.1 */
static bool
extension_ok(struct der ext, struct der *ret_oid)
{
	struct der critical, value;

	if (!der_take(&ext, DER_OID, ret_oid) || !der_oid_ok(*ret_oid))
		return false;
	if (der_peek(&ext, DER_BOOLEAN) &&
	    !(der_take(&ext, DER_BOOLEAN, &critical) && DER_IS(critical, "\xff")))	/* FALSE is left out in DER */
		return false;
	return der_take(&ext, DER_OCTET_STRING, &value) && ext.len == 0 && der_check(value);
}

/* The values of an extensionRequest: one SEQUENCE OF Extension.  Parsed, and not followed: the profile decides. */
static bool
extension_request_ok(struct der values)
{
	struct der list, ext, oid, seen[EXTENSIONS_SEEN_MAX];
	size_t n = 0;

	if (!der_take(&values, DER_SEQUENCE, &list) || values.len > 0)
		return false;
	while (list.len > 0) {
		if (n == EXTENSIONS_SEEN_MAX || !der_take(&list, DER_SEQUENCE, &ext) || !extension_ok(ext, &oid) ||
		    seen_before(seen, n, oid))
			return false;
		seen[n++] = oid;
	}
	return true;
}

/* Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, values SET SIZE (1..MAX) OF ANY }; RFC 2986 4.1 */
static bool
attributes_ok(struct der attributes)
{
	unsigned extension_requests = 0;
	struct der element, attribute, oid, values;

	while (attributes.len > 0) {
		if (!der_take_element(&attributes, DER_SEQUENCE, &element) || !der_check(element) ||
		    !der_take(&element, DER_SEQUENCE, &attribute) || !der_take(&attribute, DER_OID, &oid) ||
		    !der_take(&attribute, DER_SET, &values) || values.len == 0 || attribute.len > 0)
			return false;
		if (DER_IS(oid, OID_EXTENSION_REQUEST) && (++extension_requests > 1 || !extension_request_ok(values)))
			return false;
	}
	return true;
}

/* SubjectPublicKeyInfo ::= SEQUENCE { algorithm, subjectPublicKey BIT STRING } */
static bool
take_spki(struct der *in, struct csr *c)
{
	struct der spki;

	if (!der_take_element(in, DER_SEQUENCE, &c->spki))
		return false;
	spki = c->spki;
	return der_take(&spki, DER_SEQUENCE, &spki) && der_take(&spki, DER_SEQUENCE, &c->key_alg) &&
	    algorithm_ok(c->key_alg) && der_take_octet_bits(&spki, &c->key_bits) && spki.len == 0;
}

/* CertificationRequestInfo ::= SEQUENCE { version, subject, subjectPKInfo, attributes [0] }; RFC 2986 4.1 */
static enum err_code
parse_info(struct csr *c, struct der info, struct err *e)
{
	struct der version, attributes;

	if (!der_take(&info, DER_SEQUENCE, &info) || !der_take(&info, DER_INTEGER, &version))
		return malformed(e, "it does not begin with a version");
	if (!DER_IS(version, "\0"))
		return malformed(e, "its version is not 1 (the INTEGER 0)");
	if (!der_take(&info, DER_SEQUENCE, &c->subject) || !name_ok(c->subject))
		return malformed(e, "its subject is not a name");
	if (!take_spki(&info, c))
		return malformed(e, "its subjectPublicKeyInfo is broken");
	if (info.len == 0)
		return ERR_OK;		/* [0] left out: not allowed, and common in firmware */
	if (!der_take(&info, DER_CONTEXT_0, &attributes) || info.len > 0)
		return malformed(e, "there is something else than attributes behind the public key");
	if (!attributes_ok(attributes))
		return malformed(e, "its attributes or requested extensions are broken or repeated");
	return ERR_OK;
}

/* CertificationRequest ::= SEQUENCE { info, signatureAlgorithm, signature BIT STRING }; RFC 2986 4.2 */
static enum err_code
parse_request(struct csr *c, struct err *e)
{
	struct der in = { c->der, c->len }, request;

	if (!der_take(&in, DER_SEQUENCE, &request))
		return malformed(e, "it is not one whole DER SEQUENCE (cut off, or not DER)");
	if (in.len > 0)
		return malformed(e, "there are bytes after its end");
	if (!der_take_element(&request, DER_SEQUENCE, &c->info))
		return malformed(e, "it does not hold a CertificationRequestInfo");
	if (!der_take(&request, DER_SEQUENCE, &c->sig_alg) || !algorithm_ok(c->sig_alg))
		return malformed(e, "its signature algorithm is broken");
	if (!der_take_octet_bits(&request, &c->sig_bits) || request.len > 0)
		return malformed(e, "its signature is broken");
	return parse_info(c, c->info, e);
}

enum err_code
csr_parse(const uint8_t *der, size_t len, struct csr **ret, struct err *e)
{
	struct csr *c;
	enum err_code rc;

	if (len == 0)
		return malformed(e, "it is empty");
	if (len > LIMIT_CSR_BYTES)
		return malformed(e, "it is longer than 16 KiB");
	if ((c = malloc(sizeof(*c) + len)) == NULL)
		return err_set(e, ERR_NOMEM, "csr of %zu bytes", len);
	*c = (struct csr){ .len = len };
	memcpy(c->der, der, len);
	if ((rc = parse_request(c, e)) != ERR_OK) {
		csr_free(c);
		return rc;
	}
	*ret = c;
	return ERR_OK;
}

void
csr_free(struct csr *c)
{
	free(c);
}

const char *
csr_device_id(const struct csr *c)
{
	return c->device_id;
}

const uint8_t *
csr_spki(const struct csr *c, size_t *ret_len)
{
	*ret_len = c->spki.len;
	return c->spki.p;
}
