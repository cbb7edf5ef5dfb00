/* Random texts that only who was given them knows, and the hashes by which they are known again. */
#ifndef ACCESS_SECRET_H
#define ACCESS_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rnd.h"

enum { SECRET_TEXT_BYTES = 52 /* 256 bits, five a character */, SECRET_HASH_BYTES = 32 };

/* 256 random bits in base32hex (RFC 4648 7) without padding, in lower case. */
ERR_MUST_CHECK enum err_code	secret_make(const struct rnd *rnd, char out[SECRET_TEXT_BYTES + 1], struct err *e);

/* Could secret_make have written exactly this? */
bool				secret_is_text(const char *text, size_t len);

/* SHA-256.  False: no memory; out is then unspecified. */
ERR_MUST_CHECK bool		secret_hash(const void *data, size_t len, uint8_t out[SECRET_HASH_BYTES]);

/* Are they the same?  Takes as long for any of len bytes. */
bool				secret_equal(const void *a, const void *b, size_t len);

/* Zeroes that no compiler leaves out. */
void				secret_wipe(void *data, size_t len);

#endif
