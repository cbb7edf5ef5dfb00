/*
 * The door for fixtures that were written for cfssl 1.2: its sign and info, without its HMAC (authsign).
 *
 * In sign's body `certificate_request` is the CSR and `label` the batch ("": the token's, or else the one that is open).  hostname, hosts, subject, serial, profile,
 * crl_override, extensions and bundle may stand there and are not followed: the batch's profile decides.  Those that were meant to change something are named in the answer's
 * messages, which is otherwise empty as cfssl's is.
 *
 * The right to enroll comes as on every route: Authorization, or a client certificate.  cfssl's own client can bring both: the token as the password in the address
 * (http://any:TOKEN@HOST:PORT), better under "remotes" of its -config than after -remote, where every process sees it; and -mutual-tls-client-cert with
 * -mutual-tls-client-key.  It shows the address in its own errors.
 *
 * Refusals are cfssl's: its envelope, sent as text/plain with nosniff; 400 with one of its numbers for what it would have refused itself (also a wrong token: it knows no
 * 401), and the status as the number elsewhere; 0 for an internal error.
 */
#ifndef DOORS_CFSSL_H
#define DOORS_CFSSL_H

#include "http/http.h"

/* Handlers; arg is the struct line.  Both take any media type. */
void	cfssl_sign(struct http_request *req, void *line);	/* POST /api/v1/cfssl/sign */
void	cfssl_info(struct http_request *req, void *line);	/* POST /api/v1/cfssl/info: the CA behind a label, and what its profile issues */

/* http_route.refuse of both. */
void	cfssl_refuse(struct http_request *req, const struct err *e);

#endif
