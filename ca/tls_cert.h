/*
 * The line server's own TLS certificate, from a small CA of its own: not the CA that devices' certificates come from, so that
 * trusting the server is not trusting devices, and the other way round.
 */
#ifndef CA_TLS_CERT_H
#define CA_TLS_CERT_H

#include "base/clock.h"
#include "base/rnd.h"
#include "ca/key.h"

enum { TLS_CERT_NAMES_MAX = 16 };

struct tls_cert_request {
	/* DNS names (RFC 1123, "*." in front allowed) and IPv4 or IPv6 addresses: the subjectAltName */
	const char *const	*names;
	size_t			 count;		/* 1 to TLS_CERT_NAMES_MAX; the first is also the CN if it fits */
	int			 days;		/* 1 to 36500, cut to the CA's end */
};

/* Is the name one that a certificate can carry?  ERR_USAGE, naming it and saying what can. */
ERR_MUST_CHECK enum err_code	tls_cert_name_check(const char *name, struct err *e);

/*
 * A server certificate (RFC 5280, RFC 6125): v3, CA:FALSE, digitalSignature (keyEncipherment too for RSA), serverAuth, SAN, key
 * identifiers; notBefore one hour back, not before the CA's.  ca_key and ca_der are those of ca_certificate_self_sign.  Where the
 * first name is too long for a CN there is no subject and the SAN is critical.  The signature is verified before der
 * (LIMIT_CERTIFICATE_BYTES) is written.  ERR_USAGE: names (also: too long together) or days; ERR_CA_EXPIRED; ERR_CLOCK: the CA is
 * not valid yet; ERR_CONFIG: no CA's certificate, or not that key's; ERR_INTERNAL.
 */
ERR_MUST_CHECK enum err_code	tls_certificate_issue(const struct ca_key *ca_key, const uint8_t *ca_der, size_t ca_len,
				    const struct ca_key *server_key, const struct tls_cert_request *req,
				    const struct clock *clk, const struct rnd *rnd, uint8_t *der, size_t *ret_len, struct err *e);

#endif
