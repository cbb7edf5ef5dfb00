/*
 * A client's connection: TCP, or TLS over it.  Nothing blocks but the connecting, which is one round on this machine.
 *
 * TLS as a station's library does it: the server's certificate is verified, and nothing is ever resumed, so that every
 * handshake is a full one.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

/* Whom to connect to, and how. */
struct wire_target {
	const char	*host, *port;	/* numeric address */
	SSL_CTX		*tls;		/* NULL: plain */
};

enum wire_tls { WIRE_PLAIN, WIRE_TLS12, WIRE_TLS13 };

/*
 * ca: PEM of whom the server's certificate is believed for.  certificate and key: PEM of the client's own, or both NULL.
 * The caller frees it with SSL_CTX_free.
 */
SSL_CTX	*wire_tls_new(enum wire_tls version, const char *ca, const char *certificate, const char *key);

struct wire {
	int	 fd;
	SSL	*ssl;		/* owned; NULL: plain */
};

enum wire_state {
	WIRE_DONE,
	WIRE_WAIT,		/* for bytes to read */
	WIRE_END		/* the server has closed, or cut */
};

/* Ends the program if nobody listens. */
void		wire_connect(const struct wire_target *t, struct wire *ret);
void		wire_close(struct wire *w);

/* Shakes hands as far as that goes; at once WIRE_DONE without TLS, and when it is done already. */
enum wire_state	wire_handshake(struct wire *w);

/* All of it: a request is smaller than any socket's buffer, and nothing else is on the way. */
enum wire_state	wire_send(struct wire *w, const char *bytes, size_t len);

/* Some, *ret_len > 0. */
enum wire_state	wire_recv(struct wire *w, char *out, size_t room, size_t *ret_len);

#endif
