/* A little HTTP/1.1 server on 127.0.0.1, in a thread: answers from a list of routes and remembers what it was asked. */
#ifndef TESTS_UNIT_AWS_HTTP_FIXTURE_H
#define TESTS_UNIT_AWS_HTTP_FIXTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct http_route {
	const char	*method, *path;
	int		 status;	/* 0: the connection is cut; -1: nothing is answered */
	const char	*body;
};

enum { HTTP_ASKED_MAX = 16, HTTP_ASKED_BYTES = 4096 };

struct http_fixture {
	int			 listener, port;
	pthread_t		 thread;
	pthread_mutex_t		 lock;
	const struct http_route	*routes;	/* ends with a method NULL; what is not in it is 404 */
	int			 asked;		/* requests so far */
	char			 heads[HTTP_ASKED_MAX][HTTP_ASKED_BYTES];
};

void	http_start(struct http_fixture *f, const struct http_route *routes);
void	http_stop(struct http_fixture *f);
void	http_routes(struct http_fixture *f, const struct http_route *routes);	/* others from now on */

/* Whether request number i had this line in its head. */
bool	http_asked(struct http_fixture *f, int i, const char *line);
int	http_count(struct http_fixture *f);

#endif
