/*
 * Issuing: from a plan to a signed certificate that was read back and compared with the plan.
 */
#ifndef CA_ISSUE_H
#define CA_ISSUE_H

#include <stdint.h>

#include "base/err.h"
#include "ca/issuer.h"
#include "ca/profile.h"

enum { CERTIFICATE_ID_BYTES = 32 };

/* One thread's means to issue for one issuer: key copy, contexts. */
struct issue_bench;

/*
 * verify_every: the new signature is verified with the CA's public key at the first certificate and then at
 * every verify_every-th (1: always).  Borrows i, which must outlive it.
 */
ERR_MUST_CHECK enum err_code	issue_bench_new(const struct issuer *i, unsigned verify_every,
				    struct issue_bench **ret, struct err *e);
void				issue_bench_free(struct issue_bench *b);	/* takes NULL */

/*
 * Builds the TBSCertificate from the plan, signs it, reads the certificate back with a parser that shares no
 * code with the builder and compares every field with the plan (ca/selfcheck.c).  ERR_INTERNAL if anything differs:
 * whoever gets that stops issuing until a person has looked.
 */
struct issued;
ERR_MUST_CHECK enum err_code	issue(struct issue_bench *b, const struct plan *p, struct issued **ret, struct err *e);
void				issued_free(struct issued *i);	/* takes NULL */

/* Read-only views, valid as long as the issued. */
const uint8_t	*issued_der(const struct issued *i, size_t *ret_len);
const uint8_t	*issued_serial(const struct issued *i);			/* SERIAL_BYTES */
const uint8_t	*issued_certificate_id(const struct issued *i);		/* SHA-256 of the DER */
const char	*issued_device_id(const struct issued *i);
const uint8_t	*issued_key_id(const struct issued *i);			/* KEY_ID_BYTES */
int64_t		 issued_not_before_s(const struct issued *i);
int64_t		 issued_not_after_s(const struct issued *i);

#endif
