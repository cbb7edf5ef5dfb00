#include "ca/ossl.h"

#include <string.h>

#include "base/clock.h"

static const struct {
	const char	*name;
	size_t		 bytes;
} digests[DIGESTS] = {
	[DIGEST_SHA1] = { "SHA1", 20 },
	[DIGEST_SHA256] = { "SHA256", 32 },
	[DIGEST_SHA384] = { "SHA384", 48 },
	[DIGEST_SHA512] = { "SHA512", 64 },
};

size_t
digest_bytes(enum digest d)
{
	return digests[d].bytes;
}

const char *
digest_name(enum digest d)
{
	return digests[d].name;
}

enum err_code
ossl_fail(struct err *e, enum err_code code, const char *what)
{
	unsigned long reason = ERR_peek_error();	/* the oldest is the cause, the others are its echo */
	char text[160];

	if (reason == 0) {
		(void)err_set(e, code, "%s", what);
	} else {
		ERR_error_string_n(reason, text, sizeof(text));
		(void)err_set(e, code, "%s: %s", what, text);
	}
	ERR_clear_error();
	return code;
}

enum err_code
hasher_init(struct hasher *h, struct err *e)
{
	*h = (struct hasher){ 0 };
	for (enum digest d = 0; d < DIGESTS; d++) {
		h->md[d] = EVP_MD_fetch(NULL, digests[d].name, NULL);
		h->ctx[d] = EVP_MD_CTX_new();
		if (h->md[d] == NULL || h->ctx[d] == NULL || EVP_DigestInit_ex2(h->ctx[d], h->md[d], NULL) != 1) {
			hasher_done(h);
			return ossl_fail(e, ERR_INTERNAL, digests[d].name);
		}
	}
	return ERR_OK;
}

void
hasher_done(struct hasher *h)
{
	for (enum digest d = 0; d < DIGESTS; d++) {
		EVP_MD_CTX_free(h->ctx[d]);
		EVP_MD_free(h->md[d]);
		h->ctx[d] = NULL;
		h->md[d] = NULL;
	}
}

enum err_code
hasher_run(struct hasher *h, enum digest d, const void *in, size_t len, uint8_t *out, struct err *e)
{
	if (EVP_DigestInit_ex2(h->ctx[d], h->md[d], NULL) != 1 || EVP_DigestUpdate(h->ctx[d], in, len) != 1 ||
	    EVP_DigestFinal_ex(h->ctx[d], out, NULL) != 1)
		return ossl_fail(e, ERR_INTERNAL, digests[d].name);
	return ERR_OK;
}

bool
ossl_name_text(const X509_NAME *name, char *out, size_t out_size)
{
	BIO *mem = BIO_new(BIO_s_mem());
	char *text;
	long len;
	bool ok;

	ok = mem != NULL && X509_NAME_print_ex(mem, name, 0, XN_FLAG_RFC2253) >= 0 &&
	    (len = BIO_get_mem_data(mem, &text)) >= 0;
	if (ok) {
		size_t n = (size_t)len < out_size ? (size_t)len : out_size - 1;

		if (n > 0)	/* an empty name has no text */
			memcpy(out, text, n);
		out[n] = '\0';
	}
	BIO_free(mem);
	return ok;
}

bool
ossl_time_s(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm;
	struct civil c;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	c = (struct civil){ tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec };
	*ret = clock_from_civil(&c);
	return true;
}
