/*
 * A certification request: PKCS#10, RFC 2986.  First of the stages
 *
 *     struct csr -> struct plan -> struct issued
 *
 * each made by one function and needed by the next, so that the order cannot
 * be wrong.  A struct csr belongs to one thread at a time.
 */
#ifndef CA_CSR_H
#define CA_CSR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct csr;

enum key_type { KEY_P256, KEY_P384, KEY_RSA };

/*
 * Syntax only: strict DER (definite, shortest lengths), version 1, nothing after
 * the end, every attribute well formed, an extensionRequest (RFC 2985 5.4.2) that is a
 * list of extensions without repeats, each value one whole DER element.  Copies der.
 *
 * ERR_CSR_MALFORMED otherwise.  Key, subject and signature are NOT judged here: use
 * subject_check, keycheck and pop_verify; plan_new does not accept a csr before all three.
 */
ERR_MUST_CHECK enum err_code	csr_parse(const uint8_t *der, size_t len, struct csr **ret, struct err *e);
void				csr_free(struct csr *c);	/* takes NULL */

/*
 * The subject policy: exactly one CN, 1 to 64 of A-Za-z0-9:_.- and not 64 hex digits; C, ST,
 * L, O, OU at most once each, UTF8String or PrintableString, within RFC 5280's bounds (C: two
 * letters), no control characters, not empty; no other attribute; no multi-valued RDN.
 * ERR_SUBJECT, with a client text that names what is wrong.  In ca/subject.c.
 */
ERR_MUST_CHECK enum err_code	subject_check(struct csr *c, struct err *e);

/*
 * What a device may be called: 1 to 64 of A-Za-z0-9:_.- and not 64 hex digits.  It becomes part of URLs, log lines and
 * AWS thing names.  ERR_SUBJECT with a client text.  In ca/subject.c.
 */
ERR_MUST_CHECK enum err_code	device_id_check(const char *id, size_t len, struct err *e);

/*
 * The key policy: P-256, P-384 (named curve, uncompressed point on the curve, RFC 5480), RSA of
 * 2048 to 4096 bits with exponent 65537 (RFC 8017), no weak or known-bad modulus (even, small
 * factors, close primes by Fermat's method, ROCA CVE-2017-15361); request signed with SHA-256,
 * -384 or -512 by ECDSA, PKCS#1 v1.5 or PSS.  ERR_KEY with a client text.  In ca/keycheck.c.
 * The point of an EC key is judged by pop_verify, which loads it anyway (ERR_KEY there).
 */
ERR_MUST_CHECK enum err_code	keycheck(struct csr *c, struct err *e);

/*
 * Proof of possession: verifies the request's signature with its own key.  One struct pop a
 * thread: it keeps the OpenSSL contexts that make a P-256 check cost little more than its
 * arithmetic.  pop_new verifies a known good and a known bad signature both ways before it
 * trusts the reused key, and falls back to a fresh EVP_PKEY a request if that fails.
 * ERR_CSR_SIGNATURE: no proof; ERR_KEY: the point is not on the curve.  Needs keycheck first.
 */
struct pop;
ERR_MUST_CHECK enum err_code	pop_new(struct pop **ret, struct err *e);
void				pop_free(struct pop *p);	/* takes NULL */
ERR_MUST_CHECK enum err_code	pop_verify(struct pop *p, struct csr *c, struct err *e);

/* False: this OpenSSL failed the known answers and every P-256 request pays for a fresh key.  For the log at start. */
bool				pop_reuses_key(const struct pop *p);

/* Read-only views, valid as long as the csr.  csr_device_id is "" before subject_check. */
const char	*csr_device_id(const struct csr *c);
const uint8_t	*csr_spki(const struct csr *c, size_t *ret_len);	/* DER SubjectPublicKeyInfo */

enum { KEY_ID_BYTES = 32 };
/* SHA-256 of the SubjectPublicKeyInfo: what tells two keys apart in the whole program. */
ERR_MUST_CHECK enum err_code	csr_key_id(struct pop *p, const struct csr *c, uint8_t out[KEY_ID_BYTES], struct err *e);

#endif
