#include "http_fixture.h"

#include "cmocka_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* The head of a request; no client here sends a body.  false: it went away. */
static bool
read_head(int fd, char head[HTTP_ASKED_BYTES])
{
	size_t len = 0;

	while (len < HTTP_ASKED_BYTES - 1) {
		ssize_t n = recv(fd, head + len, HTTP_ASKED_BYTES - 1 - len, 0);

		if (n <= 0)
			return false;
		len += (size_t)n;
		head[len] = '\0';
		if (strstr(head, "\r\n\r\n") != NULL)
			return true;
	}
	return false;
}

static struct http_route
find_route(const struct http_route *routes, const char *head)
{
	char line[512];

	for (; routes->method != NULL; routes++) {
		(void)snprintf(line, sizeof(line), "%s %s HTTP/1.1\r\n", routes->method, routes->path);
		if (strncmp(head, line, strlen(line)) == 0)
			return *routes;
	}
	return (struct http_route){ NULL, NULL, 404, "" };
}

static void
answer(int fd, const struct http_route *route)
{
	char head[256];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\n\r\n", route->status, strlen(route->body));

	(void)send(fd, head, (size_t)n, MSG_NOSIGNAL);
	(void)send(fd, route->body, strlen(route->body), MSG_NOSIGNAL);
}

static void
serve_one(struct http_fixture *f, int fd)
{
	char head[HTTP_ASKED_BYTES];
	struct http_route route;

	if (!read_head(fd, head))
		return;
	(void)pthread_mutex_lock(&f->lock);
	if (f->asked < HTTP_ASKED_MAX)
		(void)snprintf(f->heads[f->asked], HTTP_ASKED_BYTES, "%s", head);
	f->asked++;
	route = find_route(f->routes, head);
	(void)pthread_mutex_unlock(&f->lock);
	if (route.status > 0)
		answer(fd, &route);
	else if (route.status < 0)
		(void)recv(fd, head, 1, 0);	/* until the client gives up */
}

static void *
run(void *arg)
{
	struct http_fixture *f = arg;

	for (;;) {
		int fd = accept(f->listener, NULL, NULL);

		if (fd == -1)
			return NULL;
		serve_one(f, fd);
		(void)shutdown(fd, SHUT_WR);
		(void)close(fd);
	}
}

void
http_start(struct http_fixture *f, const struct http_route *routes)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	memset(f, 0, sizeof(*f));
	f->routes = routes;
	assert_int_equal(pthread_mutex_init(&f->lock, NULL), 0);
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(f->listener, -1);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(f->listener, 8), 0);
	assert_int_equal(getsockname(f->listener, (struct sockaddr *)&address, &len), 0);
	f->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
}

void
http_stop(struct http_fixture *f)
{
	(void)shutdown(f->listener, SHUT_RDWR);	/* wakes accept */
	(void)pthread_join(f->thread, NULL);
	(void)close(f->listener);
	(void)pthread_mutex_destroy(&f->lock);
}

void
http_routes(struct http_fixture *f, const struct http_route *routes)
{
	(void)pthread_mutex_lock(&f->lock);
	f->routes = routes;
	f->asked = 0;
	(void)pthread_mutex_unlock(&f->lock);
}

bool
http_asked(struct http_fixture *f, int i, const char *line)
{
	bool found = false;
	size_t len = strlen(line);

	(void)pthread_mutex_lock(&f->lock);
	for (const char *p = i < f->asked && i < HTTP_ASKED_MAX ? f->heads[i] : NULL; p != NULL && !found;) {
		found = strncasecmp(p, line, len) == 0 && strncmp(p + len, "\r\n", 2) == 0;
		p = strstr(p, "\r\n");
		p = p == NULL || p[2] == '\0' ? NULL : p + 2;
	}
	(void)pthread_mutex_unlock(&f->lock);
	return found;
}

int
http_count(struct http_fixture *f)
{
	int count;

	(void)pthread_mutex_lock(&f->lock);
	count = f->asked;
	(void)pthread_mutex_unlock(&f->lock);
	return count;
}
