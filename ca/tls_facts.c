#include "ca/tls_facts.h"

#include <arpa/inet.h>
#include <string.h>

#include "ca/ossl.h"

enum { ONE_NAME_BYTES = 256 };

/* A name as it is written, printable ASCII; false: one of another kind, or that nobody could read. */
static bool
name_text(const GENERAL_NAME *name, char out[ONE_NAME_BYTES])
{
	int type, len;
	const ASN1_STRING *s = GENERAL_NAME_get0_value(name, &type);
	const unsigned char *data;

	if (type != GEN_DNS && type != GEN_IPADD)
		return false;
	data = ASN1_STRING_get0_data(s);
	len = ASN1_STRING_length(s);
	if (type == GEN_IPADD)
		return (len == 4 || len == 16) && inet_ntop(len == 4 ? AF_INET : AF_INET6, data, out, ONE_NAME_BYTES) != NULL;
	if (len < 1 || len >= ONE_NAME_BYTES)
		return false;
	for (int i = 0; i < len; i++)
		if (data[i] <= 0x20 || data[i] > 0x7e)
			return false;
	memcpy(out, data, (size_t)len);
	out[len] = '\0';
	return true;
}

static void
read_names(const X509 *cert, char out[TLS_FACTS_NAMES_BYTES])
{
	static const char more[] = ", ...";
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	char one[ONE_NAME_BYTES];
	size_t used = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		size_t len;

		if (!name_text(sk_GENERAL_NAME_value(names, i), one))
			continue;
		len = strlen(one);
		/* what goes in must leave room for the mark behind it */
		if (used + 2 + len + sizeof(more) > TLS_FACTS_NAMES_BYTES) {
			memcpy(out + used, more, sizeof(more) - 1);
			used += sizeof(more) - 1;
			break;
		}
		memcpy(out + used, ", ", used > 0 ? 2 : 0);
		used += used > 0 ? 2 : 0;
		memcpy(out + used, one, len);
		used += len;
	}
	out[used] = '\0';
	GENERAL_NAMES_free(names);
}

enum err_code
tls_facts_read(const char *text, size_t len, struct tls_facts *ret, struct err *e)
{
	char no_password[] = "";	/* an encrypted one is refused, not asked about on a terminal */
	BIO *in = len <= INT32_MAX ? BIO_new_mem_buf(text, (int)len) : NULL;
	struct tls_facts facts = { .names = "" };
	enum err_code rc = ERR_OK;
	X509 *cert = NULL;

	if (in == NULL)
		return err_set(e, ERR_NOMEM, "certificate");
	if ((cert = PEM_read_bio_X509(in, NULL, NULL, no_password)) == NULL)
		rc = ossl_fail(e, ERR_CONFIG, "no certificate in PEM");
	else if (X509_digest(cert, EVP_sha256(), facts.fingerprint, NULL) != 1)
		rc = ossl_fail(e, ERR_INTERNAL, "SHA-256 of a certificate");
	else if (!ossl_time_s(X509_get0_notBefore(cert), &facts.not_before_s) || !ossl_time_s(X509_get0_notAfter(cert), &facts.not_after_s))
		rc = ossl_fail(e, ERR_CONFIG, "a certificate whose dates cannot be read");
	if (rc == ERR_OK) {
		read_names(cert, facts.names);
		*ret = facts;
	}
	ERR_clear_error();
	X509_free(cert);
	BIO_free(in);
	return rc;
}
