/*
 * A token's text: three letters that name its kind ("lce", "lcv", "lct", "lca") and 256 random bits as 52 characters of base32hex (RFC 4648 7) in
 * lower case.  Letter case does not matter to who reads it, and y and z do not occur: a barcode scanner types it the same on a German and an
 * English keyboard.  55 characters: a QR code of version 3, or a Code 128 label.
 */
#ifndef ACCESS_TOKEN_H
#define ACCESS_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "access/role.h"
#include "base/err.h"
#include "base/rnd.h"

enum { TOKEN_TEXT_BYTES = 3 + 52, TOKEN_HASH_BYTES = 32 };

/* A new one. */
ERR_MUST_CHECK enum err_code	token_make(enum role r, const struct rnd *rnd, char out[TOKEN_TEXT_BYTES + 1], struct err *e);

/*
 * SHA-256 of a token as the ledger keeps it, from what was shown: spaces around it and letter case do not matter.  False: it has not the form of one (the text
 * may be anything, of any length).
 */
bool				token_hash(const char *shown, size_t len, uint8_t out[TOKEN_HASH_BYTES]);

/* Overwrites everything in a text that could be a token, or most of one, but for its first three letters: for logs. */
void				token_mask(char *text, size_t len);

#endif
