/* One connection, from its accept to its end: who it is, and how long it may take for what it does now. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/internal.h"
#include "http/tls_internal.h"

static void
may_take(struct http_connection *c, unsigned s, bool tell)
{
	atomic_store(&c->watched.tell, tell);
	atomic_store(&c->watched.deadline_us, clock_monotonic_coarse_us() + (int64_t)s * 1000000);
}

void
http_connection_reads_head(struct http_connection *c)
{
	c->served = true;
	may_take(c, c->server->config.idle_timeout_s, false);
}

void
http_connection_reads_body(struct http_connection *c)
{
	may_take(c, c->server->config.body_s, true);
}

void
http_connection_works(struct http_connection *c)
{
	atomic_store(&c->watched.deadline_us, INT64_MAX);
}

void
http_connection_replies(struct http_connection *c)
{
	may_take(c, c->server->config.reply_s, false);
}

void
http_connection_ends(struct http_connection *c)
{
	enum { LAST_WORDS_S = 1 };

	may_take(c, LAST_WORDS_S, false);
}

/* On the worker that will serve it. */
static void
connection_begin(struct http_server *s, struct MHD_Connection *mhd, void **socket_context)
{
	const union MHD_ConnectionInfo *fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *peer = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct http_connection *c;

	/* without its own memory the connection is closed by http_access, which finds none */
	if (fd == NULL || (c = calloc(1, sizeof(*c))) == NULL)
		return;
	c->server = s;
	c->watched.fd = fd->connect_fd;
	if (peer != NULL && peer->client_addr != NULL)
		memcpy(&c->peer, peer->client_addr,
		    peer->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	may_take(c, s->config.head_s, true);
	*socket_context = c;
	watch_add(s->watch, &c->watched);
	if (s->config.tls != NULL)
		http_tls_begin(s->config.tls, mhd);
}

void
http_connection_notify(void *server, struct MHD_Connection *mhd, void **socket_context, enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = server;
	struct http_connection *c;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		connection_begin(s, mhd, socket_context);
		return;
	}
	atomic_fetch_sub(&s->connections, 1);
	if ((c = *socket_context) == NULL)
		return;
	/* libmicrohttpd closes the descriptor after this */
	watch_remove(s->watch, &c->watched);
	addresses_give(s->addresses, &c->peer);
	explicit_bzero(c->own, sizeof(c->own));
	free(c);
	*socket_context = NULL;
}

struct http_connection *
http_connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

const char http_too_slow[] = "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/problem+json\r\nContent-Length: 210\r\nConnection: close\r\n\r\n"
    "{\"type\":\"urn:lineca:problem:request_timeout\",\"title\":\"Request timeout\",\"status\":408,\"detail\":\"The request did not arrive "
    "in time; check the cable and the station, then send it again.\",\"code\":\"request_timeout\"}\n";

void
http_turn_away(int fd, bool tls)
{
	static const char body[] = "{\"type\":\"urn:lineca:problem:too_many_requests\",\"title\":\"Too many requests\",\"status\":429,"
	    "\"detail\":\"Too many connections are open from this address. Close some, or ask the engineer to raise "
	    "connections_per_address in lineca.conf.\",\"code\":\"too_many_requests\"}\n";
	char answer[sizeof(body) + 256], rest[2048];
	int len;

	if (tls)
		return;
	len = snprintf(answer, sizeof(answer), "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\n"
	    "Content-Length: %zu\r\nRetry-After: 1\r\nConnection: close\r\n\r\n%s", sizeof(body) - 1, body);
	(void)send(fd, answer, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	/* what is left unread makes the kernel send a reset, which can overtake the answer */
	(void)recv(fd, rest, sizeof(rest), MSG_DONTWAIT);
}
