/*
 * A CA of the ledger made ready to sign: its row, and its key from the home's ca/.  For the line and for every command that signs.
 * Called by one thread, at start.
 */
#ifndef SERVER_ISSUER_LOAD_H
#define SERVER_ISSUER_LOAD_H

#include "ca/issuer.h"
#include "db/store.h"
#include "home.h"

/* Those of all CAs, copied: whoever does something slow for each must not hold the ledger open meanwhile. */
struct issuer_names {
	char	names[LIMIT_CAS][LIMIT_NAME_BYTES + 1];
	size_t	count;
};
ERR_MUST_CHECK enum err_code	issuer_names_read(struct home *h, struct issuer_names *ret, struct err *e);

/*
 * The CA of that name, active or not; NULL: the only one there is.  *ret is all zeroes before and the caller's afterwards
 * (store_ca_done, in any case).  ERR_NOT_FOUND: no such CA; ERR_USAGE: name NULL and not just one; ERR_STORAGE.
 */
ERR_MUST_CHECK enum err_code	issuer_find(struct home *h, const char *name, struct store_ca *ret, struct err *e);

/*
 * The issuer of that row, its key checked against its certificate.  The caller's: issuer_free.  Does not ask whether the CA is
 * active or within its time.  ERR_NOT_FOUND: its key is not in this home; ERR_PERMISSION: others may read the key, or we
 * may not; ERR_CONFIG: not the key of this certificate, or a certificate that may not issue; ERR_NOMEM, ERR_INTERNAL.
 */
ERR_MUST_CHECK enum err_code	issuer_load(const struct home *h, const struct store_ca *ca, struct issuer **ret, struct err *e);

#endif
