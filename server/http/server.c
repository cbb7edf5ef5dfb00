#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rnd.h"
#include "http/internal.h"
#include "http/stream.h"
#include "http/tls_internal.h"

enum {
	/* per connection: heads up to this, bodies in pieces.  Small, because libmicrohttpd clears all of it after each request. */
	CONNECTION_MEMORY_BYTES = 12 * 1024,
	LISTEN_BACKLOG = 511,
	DRAIN_POLL_MS = 5,
	TIMEOUT_SPARE_S = 5,
	FULL_POLL_US = 5000	/* between looks whether a connection has ended, when all are taken */
};

static void __attribute__((format(printf, 2, 0)))
mhd_log(void *arg, const char *fmt, va_list ap)
{
	char text[256];

	(void)arg;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_event(LOG_DEBUG, "libmicrohttpd", "%s", text);
}

/* A NUL in a path or a query would end it early for us, who read it as text: such a one becomes empty, which nothing matches. */
static size_t
unescape(void *arg, struct MHD_Connection *c, char *text)
{
	size_t len = MHD_http_unescape(text);

	(void)arg;
	(void)c;
	if (strlen(text) == len)
		return len;
	text[0] = '\0';
	return 0;
}

/* "127.0.0.1" or "::1" and a port as a socket address. */
static bool
socket_address(const char *address, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, address, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		*ret_len = sizeof(*in);
		return true;
	}
	if (inet_pton(AF_INET6, address, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		*ret_len = sizeof(*in6);
		return true;
	}
	return false;
}

bool
http_address_is_loopback(const struct sockaddr_storage *a)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)a;
	const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;

	if (a->ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	if (a->ss_family != AF_INET6)
		return false;
	return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == 127);
}

static uint16_t
bound_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return 0;
	if (ss.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)(void *)&ss)->sin6_port);
	return ntohs(((struct sockaddr_in *)(void *)&ss)->sin_port);
}

static enum err_code
listen_open(struct http_server *s, struct err *e)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int on = 1;

	if (!socket_address(s->config.address, s->config.port, &ss, &len))
		return err_set(e, ERR_CONFIG, "listen: %s is not a numeric address", s->config.address);
	s->listen_fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* a server that was killed leaves connections behind that would hold the port for minutes */
	if (s->listen_fd == -1 ||
	    setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(s->listen_fd, (struct sockaddr *)&ss, len) == -1 ||
	    listen(s->listen_fd, LISTEN_BACKLOG) == -1)
		return err_set(e, ERR_IO, "listen on %s port %u: %s%s", s->config.address, s->config.port, strerror(errno),
		    errno == EADDRINUSE ? " (another program has it; choose one with --listen)" : "");
	s->port = bound_port(s->listen_fd);
	s->local = http_address_is_loopback(&ss);
	return ERR_OK;
}

/* True: fd is libmicrohttpd's from here on, which closes it also when it refuses. */
static bool
take_connection(struct http_server *s, int fd, const struct sockaddr_storage *peer, socklen_t len)
{
	bool limited = s->config.limit_loopback || !http_address_is_loopback(peer);

	if (!addresses_take(s->addresses, peer, limited ? s->config.connections_per_address : 0)) {
		http_turn_away(fd, s->config.tls != NULL);
		atomic_fetch_add(&s->turned_away, 1);
		return false;
	}
	atomic_fetch_add(&s->connections, 1);
	if (MHD_add_connection(s->daemon, fd, (const struct sockaddr *)peer, len) != MHD_YES) {
		atomic_fetch_sub(&s->connections, 1);
		addresses_give(s->addresses, peer);
	}
	return true;
}

/*
 * All that wait at the door, as far as there is room, handed to the workers in turn: libmicrohttpd spreads them by descriptor
 * number.  The room is counted here: libmicrohttpd 0.9.75 locks itself out when an added connection meets its own limit.
 */
static void
accept_waiting(struct http_server *s)
{
	while (atomic_load(&s->connections) < s->config.connections_max) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		int fd = accept4(s->listen_fd, (struct sockaddr *)&ss, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd == -1 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd == -1) {
			/* out of descriptors or memory: leave them at the door for a moment instead of spinning */
			if (errno != EAGAIN)
				(void)usleep(10000);
			return;
		}
		if (!take_connection(s, fd, &ss, len))
			watch_close_later(s->watch, fd);
	}
	(void)usleep(FULL_POLL_US);
}

/*
 * Workers do not accept: with one listening socket among them, whoever wakes first takes all, and one core signs for
 * everybody while the other sleeps.
 */
static void *
acceptor_main(void *arg)
{
	struct http_server *s = arg;
	struct pollfd fds[2] = { { .fd = s->listen_fd, .events = POLLIN }, { .fd = s->stop_fd, .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			return NULL;
		if (fds[1].revents != 0)
			return NULL;
		if (fds[0].revents != 0)
			accept_waiting(s);
	}
}

static unsigned
longest_s(const struct http_config *c)
{
	unsigned longest = c->idle_timeout_s;

	if (c->head_s > longest)
		longest = c->head_s;
	if (c->body_s > longest)
		longest = c->body_s;
	return c->reply_s > longest ? c->reply_s : longest;
}

static enum err_code
daemon_start(struct http_server *s, struct err *e)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC |
	    MHD_USE_ERROR_LOG;
	/* a pool of one is refused by libmicrohttpd: 0 means a single thread without a pool */
	unsigned pool = s->config.threads > 1 ? s->config.threads : 0;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)http_tls_retrieve },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)HTTP_TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL }
	};

	/*
	 * With epoll, libmicrohttpd 0.9.75 looks again and again at a connection whose handshake waits for the client, at the cost of a whole
	 * processor: so TLS goes by poll.
	 */
	if (s->config.tls != NULL)
		flags = (flags & ~(unsigned)MHD_USE_EPOLL) | MHD_USE_POLL | MHD_USE_TLS;
	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, http_access, s,
	    MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL,	/* first: the options after it may have something to say */
	    MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
	    MHD_OPTION_THREAD_POOL_SIZE, pool,
	    MHD_OPTION_CONNECTION_LIMIT, 2 * s->config.connections_max * s->config.threads,	/* never met: see accept_waiting */
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
	    MHD_OPTION_CONNECTION_TIMEOUT, longest_s(&s->config) + TIMEOUT_SPARE_S,	/* the watch is there first */
	    MHD_OPTION_NOTIFY_COMPLETED, http_completed, s,
	    MHD_OPTION_NOTIFY_CONNECTION, http_connection_notify, s,
	    MHD_OPTION_ARRAY, s->config.tls != NULL ? tls : &tls[2],
	    MHD_OPTION_END);
	if (s->daemon == NULL)
		return err_set(e, ERR_INTERNAL, "libmicrohttpd does not start: %s", strerror(errno));
	return ERR_OK;
}

enum err_code
http_server_start(const struct http_config *config, struct http_server **ret, struct err *e)
{
	struct http_server *s;
	enum err_code rc;

	/* forgotten ones would cut whatever connection the watch happens to look at */
	if (config->idle_timeout_s == 0 || config->head_s == 0 || config->body_s == 0 || config->reply_s == 0)
		return err_set(e, ERR_INTERNAL, "http server: a time of 0 s ends every connection");
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return err_set(e, ERR_NOMEM, "http server");
	s->config = *config;
	(void)pthread_mutex_init(&s->streams_mu, NULL);
	s->listen_fd = -1;
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	if ((rc = rnd_fill(&rnd_system, (uint8_t *)&s->id_seed, sizeof(s->id_seed), e)) != ERR_OK ||
	    (rc = listen_open(s, e)) != ERR_OK ||
	    (rc = addresses_new(&s->addresses, e)) != ERR_OK ||
	    (rc = watch_start(config->tls == NULL ? http_too_slow : NULL, &s->watch, e)) != ERR_OK ||
	    (rc = daemon_start(s, e)) != ERR_OK)
		goto out;
	*ret = s;
	s = NULL;
out:
	http_server_free(s);
	return rc;
}

enum err_code
http_server_accept(struct http_server *s, struct err *e)
{
	if (s->stop_fd == -1 || pthread_create(&s->acceptor, NULL, acceptor_main, s) != 0)
		return err_set(e, ERR_NOMEM, "http server: no thread to accept connections");
	s->accepting = true;
	return ERR_OK;
}

uint16_t
http_server_port(const struct http_server *s)
{
	return s->port;
}

void
http_server_drain(struct http_server *s, unsigned wait_s)
{
	uint64_t one = 1;

	if (s->accepting) {
		if (write(s->stop_fd, &one, sizeof(one)) == (ssize_t)sizeof(one))
			(void)pthread_join(s->acceptor, NULL);
		s->accepting = false;
	}
	atomic_store(&s->draining, true);
	watch_release_all(s->watch);
	http_streams_end(s);
	for (unsigned left = wait_s * 1000 / DRAIN_POLL_MS; left > 0 && atomic_load(&s->in_hand) > 0; left--)
		(void)usleep(DRAIN_POLL_MS * 1000);
	/* from here on no handler begins; whoever resumes always does, and libmicrohttpd cannot be stopped before */
	atomic_store(&s->closed, true);
	while (atomic_load(&s->working) > 0 || http_stream_count(s) > 0)
		(void)usleep(DRAIN_POLL_MS * 1000);
}

void
http_server_free(struct http_server *s)
{
	if (s == NULL)
		return;
	if (s->accepting)
		http_server_drain(s, 0);
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon);
	watch_stop(s->watch);
	addresses_free(s->addresses);
	(void)pthread_mutex_destroy(&s->streams_mu);
	if (s->listen_fd != -1)
		(void)close(s->listen_fd);
	if (s->stop_fd != -1)
		(void)close(s->stop_fd);
	free(s);
}

void
http_server_get_stats(const struct http_server *s, struct http_stats *ret)
{
	ret->connections = atomic_load(&s->connections);
	ret->requests = atomic_load(&s->requests);
	ret->refused = atomic_load(&s->refused);
	ret->turned_away = atomic_load(&s->turned_away);
}
