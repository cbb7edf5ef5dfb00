#include "access/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum { RANDOM_BYTES = 32 };

/* RFC 4648 table 4 */
static const char alphabet[] = "0123456789abcdefghijklmnopqrstuv";

enum err_code
secret_make(const struct rnd *rnd, char out[SECRET_TEXT_BYTES + 1], struct err *e)
{
	uint8_t random[RANDOM_BYTES];
	unsigned bits = 0, held = 0;
	enum err_code rc;
	size_t n = 0;

	if ((rc = rnd_fill(rnd, random, sizeof(random), e)) != ERR_OK)
		return rc;
	for (size_t i = 0; i < sizeof(random); i++) {
		bits = bits << 8 | random[i];
		for (held += 8; held >= 5; held -= 5)
			out[n++] = alphabet[bits >> (held - 5) & 31];
	}
	/* one bit is left, and four zeroes behind it fill its character */
	out[n++] = alphabet[bits << (5 - held) & 31];
	out[n] = '\0';
	secret_wipe(random, sizeof(random));
	secret_wipe(&bits, sizeof(bits));
	return ERR_OK;
}

bool
secret_is_text(const char *text, size_t len)
{
	if (len != SECRET_TEXT_BYTES)
		return false;
	for (size_t i = 0; i < len; i++)
		if (memchr(alphabet, text[i], sizeof(alphabet) - 1) == NULL)
			return false;
	/* the last one holds a single bit */
	return text[len - 1] == alphabet[0] || text[len - 1] == alphabet[16];
}

bool
secret_hash(const void *data, size_t len, uint8_t out[SECRET_HASH_BYTES])
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1;
}

bool
secret_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void
secret_wipe(void *data, size_t len)
{
	OPENSSL_cleanse(data, len);
}
