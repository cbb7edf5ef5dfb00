/* Does a request renew a certificate?  RFC 7030 4.2.2: subject and subjectAltName must be equal. */
#ifndef CA_RENEWAL_H
#define CA_RENEWAL_H

#include "ca/csr.h"

/*
 * c has passed subject_check; der is the client's certificate.  ERR_FORBIDDEN with a client text: subject or SAN differ (a request
 * without SAN renews a certificate without one; the order and string types of the subject's attributes do not matter, their values
 * do; a SAN is the same octets), or the request wants another subject (ChangeSubjectName, RFC 6402 2.8).
 */
ERR_MUST_CHECK enum err_code	renewal_check(const struct csr *c, const uint8_t *der, size_t len, struct err *e);

#endif
