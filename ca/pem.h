/*
 * PEM (RFC 7468) and the other clothes a request arrives in.  Any thread; no
 * function keeps a pointer it was given.
 */
#ifndef CA_PEM_H
#define CA_PEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * One CSR out of a request body: PEM with the label CERTIFICATE REQUEST or NEW
 * CERTIFICATE REQUEST (LF or CRLF, text before it allowed, nothing but white
 * space after it), DER, or bare base64 wrapped at any column.
 *
 * Writes at most der_size bytes to der and their number to *ret_len.
 *
 * ERR_PRIVATE_KEY: the body holds a private key in any of those forms (PKCS#8,
 * encrypted PKCS#8, RSAPrivateKey, ECPrivateKey; any PEM label that ends in
 * PRIVATE KEY, wherever it stands).  der is then wiped; the body is the caller's to wipe.
 * ERR_CSR_MALFORMED: none of the forms, several of them, or bytes left over.
 * The DER itself is looked at no further than to tell a key from a CSR.
 */
ERR_MUST_CHECK enum err_code	pem_decode_request(const uint8_t *body, size_t len,
				    uint8_t *der, size_t der_size, size_t *ret_len, struct err *e);

/* Bytes that pem_encode_certificate writes for der_len bytes of DER, the NUL included. */
size_t	pem_certificate_bytes(size_t der_len);

/*
 * "-----BEGIN CERTIFICATE-----", base64 at 64 columns, the end line, LF, NUL.
 * out has pem_certificate_bytes(der_len).  Returns the length without the NUL.
 */
size_t	pem_encode_certificate(const uint8_t *der, size_t der_len, char *out);

#endif
