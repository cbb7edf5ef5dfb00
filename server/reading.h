/* The GET routes: what anybody or a viewer may read, as JSON or PEM. */
#ifndef SERVER_READING_H
#define SERVER_READING_H

#include "http/http.h"

/* Handlers; app is the struct line. */
void	reading_chain(struct http_request *req, void *line);		/* /v1/ca/chain.pem */
void	reading_status(struct http_request *req, void *line);		/* /v1/status */
void	reading_batches(struct http_request *req, void *line);		/* /v1/batches */
void	reading_batch(struct http_request *req, void *line);		/* /v1/batches/{name} */
void	reading_certificates(struct http_request *req, void *line);	/* /v1/certificates */
void	reading_certificate(struct http_request *req, void *line);	/* /v1/certificates/{serial} */
void	reading_certificate_pem(struct http_request *req, void *line);	/* /v1/certificates/{serial}.pem */
void	reading_uploads(struct http_request *req, void *line);		/* /v1/uploads */
void	reading_openapi(struct http_request *req, void *line);		/* /openapi.json */
void	reading_healthz(struct http_request *req, void *line);		/* /healthz */
void	reading_readyz(struct http_request *req, void *line);		/* /readyz */
void	reading_events(struct http_request *req, void *line);		/* /v1/events */

#endif
