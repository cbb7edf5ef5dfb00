/*
 * TLS for the server: certificate and key (GnuTLS).  Loaded from files, and loaded anew while the server runs: connections that are open keep what
 * they began with.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct http_tls;

struct http_tls_config {
	const char	*certificate_path;	/* PEM: the server's certificate, then the CAs between it and the root */
	const char	*key_path;		/* PEM, not encrypted, nobody else's to read */
	bool		 ask_client;		/* ask clients for a certificate; they may have none */
};

/*
 * Reads both files and checks that they belong together.  ERR_CONFIG, ERR_IO, ERR_PERMISSION name the file and what to do.  Borrows nothing.
 */
ERR_MUST_CHECK enum err_code	http_tls_new(const struct http_tls_config *, struct http_tls **ret, struct err *e);
/* The HTTP server that uses it must be gone.  Takes NULL. */
void				http_tls_free(struct http_tls *t);

/* Reads the files again, for connections to come.  On failure all stays as it was.  One thread at a time, beside those that serve. */
ERR_MUST_CHECK enum err_code	http_tls_reload(struct http_tls *t, struct err *e);

/* SHA-256 of the server's certificate, in lower-case hex; and when it ends. */
void				http_tls_fingerprint(struct http_tls *t, char out[65]);
int64_t				http_tls_not_after_s(struct http_tls *t);

#endif
