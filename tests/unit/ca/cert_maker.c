#include "cert_maker.h"

#include <assert.h>
#include <string.h>

static void
add_extensions(const struct cert_recipe *r, X509 *cert)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)(r->issuer != NULL ? r->issuer : cert), cert, NULL, NULL, 0);
	for (int i = 0; i < CERT_EXTENSIONS_MAX && r->extensions[i].nid != 0; i++) {
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, r->extensions[i].nid, r->extensions[i].value);

		assert(ext != NULL && X509_add_ext(cert, ext, -1) == 1);
		X509_EXTENSION_free(ext);
	}
}

X509 *
make_certificate(const struct cert_recipe *r)
{
	static long serial = 1000;
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);
	int ok = X509_set_version(cert, X509_VERSION_3) & ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial) &
	    X509_set_pubkey(cert, r->key);

	if (r->cn != NULL)
		ok &= X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)r->cn, -1, -1, 0);
	ok &= X509_set_issuer_name(cert, r->issuer != NULL ? X509_get_subject_name(r->issuer) : subject);
	ok &= ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)r->not_before_s) != NULL;
	ok &= ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)r->not_after_s) != NULL;
	assert(ok == 1);
	add_extensions(r, cert);
	if (r->edit != NULL)
		r->edit(cert);
	ok = X509_sign(cert, r->signer != NULL ? r->signer : r->key, EVP_get_digestbyname(r->md != NULL ? r->md : "SHA256"));
	assert(ok > 0);
	return cert;
}

void
certificate_der(X509 *cert, struct bytes *out)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);

	assert(len > 0);
	out->len = 0;
	bytes_add(out, der, (size_t)len);
	OPENSSL_free(der);
}
