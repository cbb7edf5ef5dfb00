/* TLS for the other files of this folder. */
#ifndef HTTP_TLS_INTERNAL_H
#define HTTP_TLS_INTERNAL_H

#include <gnutls/abstract.h>
#include <microhttpd.h>

#include "http/tls.h"

/*
 * TLS 1.2 and 1.3, forward secrecy, no SHA-1, in the order that costs a small processor least.  X25519 first: it is the share that clients send without
 * being asked, and asking for another costs a round trip.
 */
#define HTTP_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-SHA1:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:" \
	"+AES-128-CCM:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:+GROUP-FFDHE2048:%SERVER_PRECEDENCE"

/* MHD_OPTION_HTTPS_CERT_CALLBACK2. */
gnutls_certificate_retrieve_function3 http_tls_retrieve;

/* A connection begins, before its handshake. */
void	http_tls_begin(struct http_tls *t, struct MHD_Connection *c);

/*
 * An answer of body_len begins; http_tls_uncork when libmicrohttpd is done with it.  Its head and its body then leave as one record and one packet: two
 * cost more than their encryption.  A long one goes as it comes, for what is kept back lies in memory.  Does nothing without TLS.
 */
void	http_tls_cork(struct MHD_Connection *c, size_t body_len);
/* False: the client has not read its last answers, and this one does not fit any more. */
bool	http_tls_uncork(struct MHD_Connection *c);

#endif
