/*
 * The verification certificate as a command makes it: with the checks of the line, recorded, as PEM.  For `ca verification-cert`
 * and `aws register-ca`; a line may serve on the same home meanwhile.
 */
#ifndef SERVER_VERIFICATION_CERT_H
#define SERVER_VERIFICATION_CERT_H

#include <stdint.h>

#include "ca/issuer.h"
#include "db/store.h"
#include "home.h"

struct verification_cert {
	char	*pem;			/* owned: verification_cert_done */
	int64_t	 not_before_s, not_after_s;
	uint8_t	 serial[STORE_SERIAL_BYTES];
};

/*
 * code: AWS IoT's registration code, 64 hex digits, as GetRegistrationCode gave it.  ca is the row of i.  *ret is all zeroes
 * before; verification_cert_done in any case.  Nothing of the certificate is in *ret unless it is durable in the ledger.
 * May wait up to LIMIT_CLOCK_STEP_BACK_S seconds for the clock to pass the newest serial.
 * ERR_USAGE: code; ERR_CLOCK, ERR_DISK_LOW, ERR_CA_EXPIRED: as guard_check; ERR_STORAGE, ERR_BUSY; ERR_CONFLICT: the serial was taken
 * meanwhile, and again is enough; ERR_INTERNAL: the self-check failed.
 */
ERR_MUST_CHECK enum err_code	verification_cert_make(struct home *h, const struct store_ca *ca, const struct issuer *i,
				    const char *code, struct verification_cert *ret, struct err *e);
void				verification_cert_done(struct verification_cert *v);

#endif
