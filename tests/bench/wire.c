#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <openssl/err.h>

#include "tests/bench/wire.h"

static void __attribute__((noreturn))
tls_die(const char *what)
{
	unsigned long code = ERR_peek_last_error();

	errx(1, "TLS: %s: %s", what, code != 0 ? ERR_reason_error_string(code) : "no reason given");
}

SSL_CTX *
wire_tls_new(enum wire_tls version, const char *ca, const char *certificate, const char *key)
{
	int number = version == WIRE_TLS12 ? TLS1_2_VERSION : TLS1_3_VERSION;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, number) != 1 || SSL_CTX_set_max_proto_version(ctx, number) != 1 ||
	    SSL_CTX_load_verify_file(ctx, ca) != 1)
		tls_die(ca);
	if (certificate != NULL && (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1))
		tls_die(certificate);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* one recv for all that is there, not two for each record */
	SSL_CTX_set_read_ahead(ctx, 1);
	return ctx;
}

static int
tcp_connect(const struct wire_target *t)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *ai;
	int fd, on = 1;

	if (getaddrinfo(t->host, t->port, &hints, &ai) != 0)
		errx(1, "%s:%s: not a numeric address and port", t->host, t->port);
	if ((fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
	    connect(fd, ai->ai_addr, ai->ai_addrlen) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		err(1, "%s:%s", t->host, t->port);
	freeaddrinfo(ai);
	return fd;
}

void
wire_connect(const struct wire_target *t, struct wire *ret)
{
	struct wire w = { .fd = tcp_connect(t) };

	if (t->tls != NULL) {
		if ((w.ssl = SSL_new(t->tls)) == NULL || SSL_set_fd(w.ssl, w.fd) != 1)
			tls_die("no session");
		SSL_set_connect_state(w.ssl);
	}
	*ret = w;
}

void
wire_close(struct wire *w)
{
	if (w->ssl != NULL) {
		(void)SSL_shutdown(w->ssl);
		ERR_clear_error();
		SSL_free(w->ssl);
	}
	(void)close(w->fd);
	*w = (struct wire){ .fd = -1 };
}

/* What OpenSSL's refusal to go on means. */
static enum wire_state
tls_state(struct wire *w, int result)
{
	int error = SSL_get_error(w->ssl, result);

	if (error == SSL_ERROR_WANT_READ)
		return WIRE_WAIT;
	if (error == SSL_ERROR_ZERO_RETURN || (error == SSL_ERROR_SYSCALL && ERR_peek_error() == 0))
		return WIRE_END;
	if (error == SSL_ERROR_WANT_WRITE)
		errx(1, "TLS: the socket's buffer is full");
	tls_die("broken");
}

enum wire_state
wire_handshake(struct wire *w)
{
	int result;

	if (w->ssl == NULL || SSL_is_init_finished(w->ssl))
		return WIRE_DONE;
	return (result = SSL_do_handshake(w->ssl)) == 1 ? WIRE_DONE : tls_state(w, result);
}

enum wire_state
wire_send(struct wire *w, const char *bytes, size_t len)
{
	size_t sent = 0;
	ssize_t n;
	int result;

	if (w->ssl != NULL) {
		if ((result = SSL_write_ex(w->ssl, bytes, len, &sent)) == 1 && sent == len)
			return WIRE_DONE;
		return tls_state(w, result);
	}
	if ((n = send(w->fd, bytes, len, MSG_NOSIGNAL)) == (ssize_t)len)
		return WIRE_DONE;
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		return WIRE_END;
	err(1, "send");
}

enum wire_state
wire_recv(struct wire *w, char *out, size_t room, size_t *ret_len)
{
	ssize_t n;
	int result;

	if (w->ssl != NULL)
		return (result = SSL_read_ex(w->ssl, out, room, ret_len)) == 1 ? WIRE_DONE : tls_state(w, result);
	if ((n = recv(w->fd, out, room, 0)) > 0) {
		*ret_len = (size_t)n;
		return WIRE_DONE;
	}
	if (n == 0 || errno == ECONNRESET)
		return WIRE_END;
	if (errno == EAGAIN)
		return WIRE_WAIT;
	err(1, "recv");
}
