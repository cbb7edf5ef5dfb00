#include <string.h>

#include "ca/ossl.h"

enum err_code
ca_certificate_from_pem(const char *text, size_t len, uint8_t der[LIMIT_CERTIFICATE_BYTES], size_t *ret_len, struct err *e)
{
	char no_password[] = "";	/* an encrypted one is refused, not asked about on a terminal */
	BIO *in = len <= INT32_MAX ? BIO_new_mem_buf(text, (int)len) : NULL;
	X509 *first = NULL, *second = NULL;
	unsigned char *out = der;
	enum err_code rc = ERR_OK;
	int n;

	if (in == NULL)
		return err_set(e, ERR_NOMEM, "certificate");
	if ((first = PEM_read_bio_X509(in, NULL, NULL, no_password)) == NULL)
		rc = ossl_fail(e, ERR_CONFIG, "no certificate in PEM");
	else if ((second = PEM_read_bio_X509(in, NULL, NULL, no_password)) != NULL)
		rc = err_set(e, ERR_CONFIG, "more than one certificate; only one is needed");
	else if ((n = i2d_X509(first, NULL)) <= 0 || n > LIMIT_CERTIFICATE_BYTES)
		rc = err_set(e, ERR_CONFIG, "a certificate longer than %d bytes", LIMIT_CERTIFICATE_BYTES);
	else
		*ret_len = (size_t)i2d_X509(first, &out);
	ERR_clear_error();
	X509_free(first);
	X509_free(second);
	BIO_free(in);
	return rc;
}
