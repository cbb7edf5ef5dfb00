/*
 * The door for firmware that speaks EST: RFC 7030 as RFC 8951 mends it, csrattrs as in RFC 9908.  It is a way of writing requests and answers; what
 * is issued, to whom and how often is enroll.c's.
 *
 * Every address is there twice: /.well-known/est/OPERATION, and /.well-known/est/LABEL/OPERATION, where the label is a batch.
 *
 * A refusal is text/plain, "STATUS SENTENCE\n".  Its status is one that RFC 7030 clients know: 400 for a request that is wrong in itself (also key
 * and subject, elsewhere 422), 403 for a device that may not have it (also a device id or key that is taken, elsewhere 409), 404 for
 * an address without a batch behind it, 503 with Retry-After when the line cannot issue (also a full disk, elsewhere 507).  A batch that waits for
 * approval is 202 with Retry-After: the client then sends the same again, by RFC 7030 4.2.3.
 *
 * Answers are base64 in lines of 64 columns.  Two clients need something else and are known by the headers they lack: strongSwan gets one line, and
 * BouncyCastle no sentence with a 202 or a first 401 (est.c says why).
 */
#ifndef DOORS_EST_H
#define DOORS_EST_H

#include "http/http.h"

/* Handlers; arg is the struct line. */
void	est_cacerts(struct http_request *req, void *line);	/* GET cacerts: with a label its batch's CA, without all that issue */
void	est_csrattrs(struct http_request *req, void *line);	/* GET csrattrs */
void	est_simpleenroll(struct http_request *req, void *line);	/* POST simpleenroll */
void	est_simplereenroll(struct http_request *req, void *line);	/* POST simplereenroll: the client certificate's own device */
void	est_serverkeygen(struct http_request *req, void *line);	/* POST serverkeygen */
void	est_fullcmc(struct http_request *req, void *line);	/* POST fullcmc: 501, its body is not read */

/* http_route.refuse of all of them. */
void	est_refuse(struct http_request *req, const struct err *e);

#endif
