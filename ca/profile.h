/* What a kind of certificate is made of; a section [profile NAME] of lineca.conf. */
#ifndef CA_PROFILE_H
#define CA_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "ca/csr.h"
#include "ca/issuer.h"
#include "ca/serial.h"

struct profile {
	char	name[LIMIT_NAME_BYTES + 1];
	int64_t	backdate_s;		/* notBefore = now - this; default 3600 */
	int64_t	validity_s;		/* notAfter = now + this; default 3650 days */
	bool	no_expiry;		/* notAfter = 99991231235959Z (RFC 5280 4.1.2.5, IEEE 802.1AR) instead */
	bool	server_keygen;		/* EST's serverkeygen may make a device's key here */
	bool	may_outlive_ca;		/* otherwise notAfter is cut to the CA's */
};

/* The profile "default" of the interface. */
extern const struct profile profile_default;

/*
 * The plan of one certificate: every field that will be in it.  Only from a csr that passed
 * subject_check, keycheck and pop_verify (asserted).  notBefore never before the CA's; notAfter never after it unless
 * the profile says so.  ERR_CA_EXPIRED: the CA is over at now_s; ERR_CLOCK: now_s is before the CA's notBefore.
 */
struct plan;
ERR_MUST_CHECK enum err_code	plan_new(const struct profile *p, const struct issuer *i, const struct csr *c,
				    int64_t now_s, const uint8_t serial[SERIAL_BYTES],
				    struct plan **ret, struct err *e);
void				plan_free(struct plan *p);	/* takes NULL */

#endif
