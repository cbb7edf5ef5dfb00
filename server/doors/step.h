/*
 * The door for fixtures that were written for step-ca: the part of its interface that needs no provisioner's key.  A lineca token is the `ott`.
 *
 * The body of sign is {"csr": PEM, "ott": TOKEN}.  What else step-ca knows (notBefore, notAfter, templateData) may stand there and is not followed: the
 * profile decides.  The ott may be missing where the line lets everyone enroll, or when the right came otherwise (Authorization, a client
 * certificate).  It is judged before the CSR is read: step-ca reads the CSR first, of whoever asks.  The batch is the token's, or else the one that is open.
 *
 * Answers are step-ca's, in its order of members and with its escapes: 201 also for a certificate that was there; no tlsOptions, which speaks of step-ca's own TLS.
 * Refusals are {"status":N,"message":"..."}: its words where it has some ("missing csr"), and the line's behind its own beginning elsewhere.  Its
 * statuses too: 403 for whatever policy refuses (also key and subject, elsewhere 422, and what is taken, elsewhere 409).
 */
#ifndef DOORS_STEP_H
#define DOORS_STEP_H

#include "http/http.h"

/* Handlers; arg is the struct line. */
void	step_sign(struct http_request *req, void *line);	/* POST /1.0/sign, /sign.  ACCESS_ENROLL_BODY, any media type */
void	step_health(struct http_request *req, void *line);	/* GET /health: always ok, as step-ca's; /readyz tells more */
void	step_version(struct http_request *req, void *line);	/* GET /version */
void	step_roots(struct http_request *req, void *line);	/* GET /roots: the CAs that issue */
void	step_roots_pem(struct http_request *req, void *line);	/* GET /roots.pem */
void	step_root(struct http_request *req, void *line);	/* GET /root/{}: any CA of this line, by the SHA-256 of its DER */

/* http_route.refuse of all of them. */
void	step_refuse(struct http_request *req, const struct err *e);

#endif
