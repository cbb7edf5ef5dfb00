/*
 * The verification certificate: proof for AWS IoT that whoever registers this CA holds its key.  CN = the account's registration
 * code, signed by the CA, one day long; its own key is thrown away (RegisterCACertificate; AWS IoT Developer Guide, "Register
 * your CA certificate").  The only certificate whose subject may be 64 hex digits: at enrolment such a CN is refused,
 * or a device could register this CA in somebody else's account.
 */
#ifndef CA_VERIFICATION_H
#define CA_VERIFICATION_H

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "ca/issue.h"
#include "ca/issuer.h"
#include "ca/serial.h"

/*
 * Issues one through the same plan, builder, signature and self-check as any certificate, its signature verified too; the caller
 * records it (store_ops.verification_record) before it leaves.  CN = code as it is given, nothing else in the subject; notBefore one
 * hour back, notAfter one day ahead, both within the CA's.  Key: P-256, made here and wiped before this returns.  *ret is the
 * caller's (issued_free).  Borrows the rest.  Any thread, each call its own contexts.
 * ERR_USAGE: code is not 64 hex digits; ERR_CA_EXPIRED: the CA is over; ERR_CLOCK: it is not valid yet; ERR_INTERNAL, ERR_NOMEM.
 */
ERR_MUST_CHECK enum err_code	verification_issue(const struct issuer *i, const char *code, struct serial_source *serials,
				    const struct clock *clk, struct issued **ret, struct err *e);

#endif
