/*
 * What a client is shown, and how soon it is answered: handshakes with the real server, by OpenSSL, which shares no code with it, beside reloads
 * that go well and others.
 */
#include "tls_files.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http.h"

enum { SHAKERS = 2, RELOADS = 60 };

static struct err err;

static void
say_hello(struct http_request *r, void *app)
{
	(void)app;
	http_reply_static(r, 200, "text/plain", "hello\n", 6);
}

static const struct http_route hello[] = { { .method = HTTP_GET, .path = "/hello", .handle = say_hello } };

struct client {
	SSL_CTX	*ctx;
	SSL	*ssl;
	int	 fd;
	char	 fingerprint[65];	/* of what it was shown */
	int	 links;			/* certificates that it was sent */
};

static bool
client_connect(struct client *c, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	X509 *x = NULL;
	bool shown;

	*c = (struct client){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (c->fd == -1 || (c->ctx = SSL_CTX_new(TLS_client_method())) == NULL || (c->ssl = SSL_new(c->ctx)) == NULL ||
	    connect(c->fd, (struct sockaddr *)(void *)&in, sizeof(in)) == -1 || SSL_set_fd(c->ssl, c->fd) != 1 ||
	    SSL_connect(c->ssl) != 1 || (x = SSL_get1_peer_certificate(c->ssl)) == NULL)
		return false;
	c->links = sk_X509_num(SSL_get_peer_cert_chain(c->ssl));
	shown = tls_fingerprint_of(x, c->fingerprint);
	X509_free(x);
	return shown;
}

static bool
client_ask(struct client *c)
{
	static const char head[] = "GET /hello HTTP/1.1\r\nHost: line1\r\n\r\n";
	char answer[1024] = "";
	size_t len = 0;
	int n = 1;

	if (SSL_write(c->ssl, head, sizeof(head) - 1) != sizeof(head) - 1)
		return false;
	while (n > 0 && len < sizeof(answer) - 1 && strstr(answer, "\r\n\r\nhello\n") == NULL)
		if ((n = SSL_read(c->ssl, answer + len, (int)(sizeof(answer) - 1 - len))) > 0)
			answer[len += (size_t)n] = '\0';
	return strncmp(answer, "HTTP/1.1 200 ", 13) == 0 && n > 0;
}

static void
client_end(struct client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	(void)close(c->fd);
}

static struct http_server *
serve(struct http_tls *t)
{
	const struct http_config config = {
		.address = "127.0.0.1", .threads = 2, .connections_max = 50, .idle_timeout_s = 10, .head_s = 10, .body_s = 10, .reply_s = 10,
		.tls = t, .routes = hello, .routes_count = 1
	};
	struct http_server *s = NULL;

	assert_int_equal(http_server_start(&config, &s, &err), ERR_OK);
	assert_int_equal(http_server_accept(s, &err), ERR_OK);
	return s;
}

static void
serve_end(struct http_server *s, struct http_tls *t)
{
	http_server_drain(s, 5);
	http_server_free(s);
	http_tls_free(t);
}

/* Each time is there: one of 0 s would cut whatever connection the watch happens to look at. */
static void
test_times(void **state)
{
	static const struct { unsigned idle, head, body, reply; } lacking[] = { { 0, 1, 1, 1 }, { 1, 0, 1, 1 }, { 1, 1, 0, 1 }, { 1, 1, 1, 0 } };
	struct http_server *s = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++) {
		const struct http_config config = {
			.address = "127.0.0.1", .threads = 1, .connections_max = 10, .routes = hello, .routes_count = 1,
			.idle_timeout_s = lacking[i].idle, .head_s = lacking[i].head, .body_s = lacking[i].body, .reply_s = lacking[i].reply
		};

		assert_int_equal(http_server_start(&config, &s, &err), ERR_INTERNAL);
		assert_null(s);
	}
}

/* An open connection goes on over any reload; a new one is shown what is valid now, also after a reload that failed. */
static void
test_handshake(void **state)
{
	char first[65], second[65];
	struct client early, late;
	struct http_server *s;
	struct http_tls *t;

	(void)state;
	tls_write_pair(maker_key(MAKER_P256), ENDS, first);
	t = tls_load();
	s = serve(t);
	assert_true(client_connect(&early, http_server_port(s)));
	assert_string_equal(early.fingerprint, first);
	assert_int_equal(early.links, 1);
	assert_true(client_ask(&early));
	tls_write_pair(maker_key(MAKER_RSA), ENDS + 1, second);
	tls_write_key(maker_key(MAKER_P256), 0600);
	assert_int_not_equal(http_tls_reload(t, &err), ERR_OK);
	assert_true(client_connect(&late, http_server_port(s)));
	assert_string_equal(late.fingerprint, first);
	assert_true(client_ask(&late));
	client_end(&late);
	tls_write_key(maker_key(MAKER_RSA), 0600);
	assert_int_equal(http_tls_reload(t, &err), ERR_OK);
	assert_true(client_ask(&early));
	assert_true(client_connect(&late, http_server_port(s)));
	assert_string_equal(late.fingerprint, second);
	assert_true(client_ask(&late));
	assert_true(client_ask(&early));
	client_end(&late);
	client_end(&early);
	serve_end(s, t);
}

/* All of the chain is sent, for a client knows the root alone. */
static void
test_handshake_chain(void **state)
{
	X509 *x = tls_make_certificate(maker_key(MAKER_P256), "line1", ENDS);
	struct http_server *s;
	struct http_tls *t;
	struct client c;

	(void)state;
	tls_write_key(maker_key(MAKER_P256), 0600);
	tls_write_certificates(x, 3);
	t = tls_load();
	s = serve(t);
	assert_true(client_connect(&c, http_server_port(s)));
	assert_int_equal(c.links, 3);
	client_end(&c);
	serve_end(s, t);
	X509_free(x);
}

/* An answer is sent when it is made: what is kept together on its way is not kept back.  A busy machine may be late, not always. */
static void
test_no_wait(void **state)
{
	enum { ASKED = 20, LONG_US = 100 * 1000 };
	char fingerprint[65];
	struct http_server *s;
	struct http_tls *t;
	struct client c;
	int in_time = 0;

	(void)state;
	tls_write_pair(maker_key(MAKER_P256), ENDS, fingerprint);
	t = tls_load();
	s = serve(t);
	assert_true(client_connect(&c, http_server_port(s)));
	for (int i = 0; i < ASKED; i++) {
		int64_t begin_us = clock_monotonic_us();

		assert_true(client_ask(&c));
		in_time += clock_monotonic_us() - begin_us < LONG_US;
	}
	client_end(&c);
	serve_end(s, t);
	assert_true(in_time >= ASKED / 2);
}

struct shaker {
	struct http_tls	*t;
	uint16_t	 port;
	const char	*first, *second;
	atomic_bool	*stop;
	int		 shaken[2], wrong;
};

static void *
shaker_main(void *arg)
{
	struct shaker *sh = arg;
	char now[65];

	while (!atomic_load(sh->stop)) {
		struct client c;
		bool is_first;

		/* a handshake that ends well has proved the key too */
		if (!client_connect(&c, sh->port)) {
			sh->wrong++;
		} else {
			is_first = strcmp(c.fingerprint, sh->first) == 0;
			sh->wrong += !is_first && strcmp(c.fingerprint, sh->second) != 0;
			sh->shaken[!is_first]++;
		}
		client_end(&c);
		http_tls_fingerprint(sh->t, now);
		sh->wrong += strcmp(now, sh->first) != 0 && strcmp(now, sh->second) != 0;
	}
	return NULL;
}

/* Handshakes in the midst of reloads: each is shown one of the two, and the key fits it. */
static void
test_reload_beside_handshakes(void **state)
{
	/* one key, so that the files fit at any moment */
	X509 *both[] = { tls_make_certificate(maker_key(MAKER_P256), "line1", ENDS), tls_make_certificate(maker_key(MAKER_P256), "line1", ENDS + 1) };
	struct shaker shakers[SHAKERS];
	pthread_t threads[SHAKERS];
	atomic_bool stop = false;
	char first[65], second[65];
	int shaken[2] = { 0 };
	struct http_server *s;
	struct http_tls *t;

	(void)state;
	assert_true(tls_fingerprint_of(both[0], first) && tls_fingerprint_of(both[1], second));
	tls_write_key(maker_key(MAKER_P256), 0600);
	tls_write_certificates(both[0], 1);
	t = tls_load();
	s = serve(t);
	for (int i = 0; i < SHAKERS; i++) {
		shakers[i] = (struct shaker){ .t = t, .port = http_server_port(s), .first = first, .second = second, .stop = &stop };
		assert_int_equal(pthread_create(&threads[i], NULL, shaker_main, &shakers[i]), 0);
	}
	for (int i = 0; i < RELOADS; i++) {
		tls_write_certificates(both[i % 2], 1);
		assert_int_equal(http_tls_reload(t, &err), ERR_OK);
		(void)usleep(10000);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < SHAKERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(shakers[i].wrong, 0);
		shaken[0] += shakers[i].shaken[0];
		shaken[1] += shakers[i].shaken[1];
	}
	assert_true(shaken[0] > 5 && shaken[1] > 5);
	serve_end(s, t);
	X509_free(both[0]);
	X509_free(both[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FILES(test_times), FILES(test_handshake), FILES(test_handshake_chain), FILES(test_no_wait), FILES(test_reload_beside_handshakes),
	};

	return cmocka_run_group_tests(tests, NULL, tls_files_group_teardown);
}
