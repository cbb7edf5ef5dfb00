#include "http/tls_stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static ssize_t
fail(struct tls_stream *s, int error)
{
	gnutls_transport_set_errno(s->session, error);
	return -1;
}

static ssize_t
pull(gnutls_transport_ptr_t ptr, void *out, size_t len)
{
	struct tls_stream *s = ptr;
	ssize_t n = recv(s->fd, out, len, 0);

	return n < 0 ? fail(s, errno) : n;
}

/* GnuTLS asks before it would wait; a server that never waits is asked rarely. */
static int
pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
	struct tls_stream *s = ptr;
	struct pollfd fd = { .fd = s->fd, .events = POLLIN };

	return poll(&fd, 1, (int)ms);
}

/* What was kept back, then these; returns how much of these went. */
static ssize_t
send_both(struct tls_stream *s, const struct iovec *iov, int count, size_t len)
{
	struct iovec all[8];
	struct msghdr msg = { .msg_iov = all };
	ssize_t n;

	if (count > 7)
		count = 7;
	if (s->out_len > 0)
		all[msg.msg_iovlen++] = (struct iovec){ s->out, s->out_len };
	for (int i = 0; i < count; i++)
		all[msg.msg_iovlen++] = iov[i];
	if (msg.msg_iovlen == 0)
		return 0;
	if ((n = sendmsg(s->fd, &msg, MSG_NOSIGNAL)) < 0)
		return -1;
	if ((size_t)n < s->out_len) {
		s->out_len -= (size_t)n;
		memmove(s->out, s->out + n, s->out_len);
		errno = EAGAIN;
		return len > 0 ? -1 : 0;
	}
	n -= (ssize_t)s->out_len;
	s->out_len = 0;
	if (n == 0 && len > 0) {
		errno = EAGAIN;
		return -1;
	}
	return n;
}

static ssize_t
push(gnutls_transport_ptr_t ptr, const giovec_t *iov, int count)
{
	struct tls_stream *s = ptr;
	size_t len = 0;
	ssize_t n;

	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	if (s->joins && s->out_len + len <= sizeof(s->out)) {
		for (int i = 0; i < count; i++) {
			memcpy(s->out + s->out_len, iov[i].iov_base, iov[i].iov_len);
			s->out_len += iov[i].iov_len;
		}
		s->joins = false;
		return (ssize_t)len;
	}
	s->joins = false;
	if ((n = send_both(s, iov, count, len)) < 0)
		return fail(s, errno);
	return n;
}

void
tls_stream_attach(struct tls_stream *s, gnutls_session_t session, int fd)
{
	s->session = session;
	s->fd = fd;
	gnutls_transport_set_ptr(session, s);
	gnutls_transport_set_pull_function(session, pull);
	gnutls_transport_set_pull_timeout_function(session, pull_timeout);
	gnutls_transport_set_vec_push_function(session, push);
}

void
tls_stream_join(struct tls_stream *s)
{
	s->joins = true;
}

void
tls_stream_flush(struct tls_stream *s)
{
	s->joins = false;
	if (s->out_len > 0)
		(void)send_both(s, NULL, 0, 0);
}
