#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tests/bench/slow.h"

enum { BODY_BYTES = 4096, HELLO_BYTES = 4096, HANDSHAKE_MS = 15000 };

static const char *const part_names[] = { "head", "body", "handshake" };

/* One that sends, byte after byte, what never ends before the server's patience does. */
struct sender {
	struct wire	wire;
	size_t		at;		/* of the bytes */
	int64_t		begun_us;
};

struct slow {
	const struct slow_target	*target;
	char				 head[512];	/* at once */
	size_t				 head_len;
	char				 bytes[HELLO_BYTES];	/* one a second, and from the start again */
	size_t				 bytes_len;
	struct slow_result		 result;
};

bool
slow_part_find(const char *name, enum slow_part *ret)
{
	for (size_t i = 0; i < sizeof(part_names) / sizeof(part_names[0]); i++) {
		if (strcmp(part_names[i], name) == 0) {
			*ret = (enum slow_part)i;
			return true;
		}
	}
	return false;
}

/* The first message of a real handshake. */
static size_t
hello_make(SSL_CTX *ctx, char *out)
{
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *bio = BIO_new(BIO_s_mem());
	int len;

	if (ssl == NULL || in == NULL || bio == NULL)
		errx(1, "TLS: no session");
	SSL_set_bio(ssl, in, bio);
	SSL_set_connect_state(ssl);
	(void)SSL_do_handshake(ssl);
	if ((len = BIO_read(bio, out, HELLO_BYTES)) <= 0)
		errx(1, "TLS: no first message");
	SSL_free(ssl);
	return (size_t)len;
}

static void
slow_fill(struct slow *s)
{
	const struct slow_target *t = s->target;

	switch (t->part) {
	case SLOW_HEAD:
		s->head_len = (size_t)snprintf(s->head, sizeof(s->head), "POST %.200s HTTP/1.1\r\nHost: %.64s\r\nX-Slow: ", t->path, t->wire.host);
		break;
	case SLOW_BODY:
		s->head_len = (size_t)snprintf(s->head, sizeof(s->head), "POST %.200s HTTP/1.1\r\nHost: %.64s\r\n"
		    "Content-Type: application/pkcs10\r\nContent-Length: %d\r\n\r\n", t->path, t->wire.host, BODY_BYTES);
		break;
	case SLOW_HANDSHAKE:
		s->bytes_len = hello_make(t->wire.tls, s->bytes);
		return;
	}
	memset(s->bytes, 'a', sizeof(s->bytes));
	s->bytes_len = BODY_BYTES;
}

static void
sender_open(struct slow *s, struct sender *w)
{
	struct pollfd readable = { .events = POLLIN };

	*w = (struct sender){ .begun_us = clock_monotonic_us() };
	wire_connect(&s->target->wire, &w->wire);
	if (s->target->part == SLOW_HANDSHAKE)
		return;
	readable.fd = w->wire.fd;
	while (wire_handshake(&w->wire) == WIRE_WAIT)
		if (poll(&readable, 1, HANDSHAKE_MS) == 0)
			errx(1, "the server does not shake hands");
	if (wire_send(&w->wire, s->head, s->head_len) != WIRE_DONE)
		errx(1, "the server closed a new connection");
}

/* What the server says to it is read and forgotten.  False: the server has cut it. */
static bool
sender_listen(struct slow *s, struct sender *w)
{
	enum wire_state state;
	char word[1024];
	ssize_t n;
	size_t len;

	/* below TLS while hands are shaken: those bytes are ours */
	if (s->target->part == SLOW_HANDSHAKE) {
		while ((n = recv(w->wire.fd, word, sizeof(word), MSG_DONTWAIT)) > 0)
			;
		return n < 0 && errno == EAGAIN;
	}
	while ((state = wire_recv(&w->wire, word, sizeof(word), &len)) == WIRE_DONE)
		;
	return state == WIRE_WAIT;
}

/* False: the server has cut it. */
static bool
sender_send(struct slow *s, struct sender *w)
{
	if (!sender_listen(s, w))
		return false;
	if (s->target->part == SLOW_HANDSHAKE) {
		if (send(w->wire.fd, s->bytes + w->at, 1, MSG_NOSIGNAL) != 1)
			return false;
	} else if (wire_send(&w->wire, s->bytes + w->at, 1) != WIRE_DONE) {
		return false;
	}
	w->at = (w->at + 1) % s->bytes_len;
	s->result.bytes++;
	return true;
}

static void
sender_turn(struct slow *s, struct sender *w)
{
	if (w->wire.fd != -1 && !sender_send(s, w)) {
		s->result.cut++;
		s->result.cut_us += clock_monotonic_us() - w->begun_us;
		wire_close(&w->wire);
	}
	if (w->wire.fd == -1)
		sender_open(s, w);
}

static void
sleep_until(int64_t at_us)
{
	struct timespec at = { .tv_sec = (time_t)(at_us / 1000000), .tv_nsec = (long)(at_us % 1000000) * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
		;
}

void
slow_run(const struct slow_target *t, struct slow_result *ret)
{
	static struct slow s;
	struct sender *senders = calloc(t->connections, sizeof(*senders));
	int64_t begun_us = clock_monotonic_us();

	if (senders == NULL)
		err(1, NULL);
	s = (struct slow){ .target = t };
	slow_fill(&s);
	for (unsigned i = 0; i < t->connections; i++) {
		sender_open(&s, &senders[i]);
		if (!sender_send(&s, &senders[i]))
			errx(1, "the server closed a new connection");
	}
	(void)puts("connected");
	(void)fflush(stdout);
	/* spread over the second: a server sees one of them every few milliseconds */
	for (int64_t turn = 1; turn < (int64_t)t->seconds * t->connections; turn++) {
		sleep_until(begun_us + turn * 1000000 / t->connections);
		sender_turn(&s, &senders[turn % t->connections]);
	}
	for (unsigned i = 0; i < t->connections; i++)
		if (senders[i].wire.fd != -1)
			wire_close(&senders[i].wire);
	free(senders);
	*ret = s.result;
}
