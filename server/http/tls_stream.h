/*
 * What lies between GnuTLS and a connection's socket.  libmicrohttpd sends an answer's head and body as two records, and the kernel as two packets: here
 * the first waits for the second.  Reading is left to GnuTLS: libmicrohttpd waits for the socket, and would not see what lies in a buffer of ours.
 * Belongs to its connection's worker.
 */
#ifndef HTTP_TLS_STREAM_H
#define HTTP_TLS_STREAM_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TLS_STREAM_OUT_BYTES = 1024	/* the head of an answer, in its record */
};

struct tls_stream {
	gnutls_session_t	 session;
	int			 fd;
	size_t			 out_len;
	bool			 joins;		/* the record to come is kept back until the next */
	uint8_t			 out[TLS_STREAM_OUT_BYTES];
};

/* GnuTLS reads and writes through it from here on.  s is all zeroes before, and outlives the session. */
void	tls_stream_attach(struct tls_stream *s, gnutls_session_t session, int fd);

/* An answer with a head and a body comes: two records, one packet. */
void	tls_stream_join(struct tls_stream *s);

/* Sends what is still kept back, as far as the socket takes it. */
void	tls_stream_flush(struct tls_stream *s);

#endif
