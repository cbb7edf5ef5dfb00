"""A client with a kept connection, as a station on the line has one."""
import http.client
import json
import socket

import limits


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def type(self):
        return (self.headers["Content-Type"] or "").split(";")[0].strip()

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.type} {self.body[:400]!r}"

    __repr__ = __str__


class Client:
    """tls: an ssl.SSLContext. source: the address it comes from (127.0.0.2). headers: sent with each request."""

    headers = {}

    def __init__(self, server, timeout=20, tls=None, source=None, headers=None):
        self.server = server
        self.headers = headers or self.headers
        kw = {"timeout": limits.seconds(timeout), "source_address": source and (source, 0)}
        if tls is None:
            self.http = http.client.HTTPConnection(server.host, server.port, **kw)
        else:
            self.http = http.client.HTTPSConnection(server.tls_host, server.tls_port, context=tls, **kw)

    def request(self, method, path, body=None, headers=None):
        self.http.request(method, path, body, {**self.headers, **(headers or {})})
        got = self.http.getresponse()
        if (got.headers["Content-Type"] or "").startswith("text/event-stream"):
            body = got.read1(1 << 20)       # it has no end
            self.http.close()
            return Answer(got.status, got.headers, body)
        return Answer(got.status, got.headers, got.read())

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def enroll(self, batch, csr, media="application/pkcs10", accept=None):
        """Posts a CSR; batch None: into the one that is open; media None: without a Content-Type."""
        headers = {}
        if media is not None:
            headers["Content-Type"] = media
        if accept is not None:
            headers["Accept"] = accept
        return self.request("POST", "/v1/enroll" + (f"/{batch}" if batch is not None else ""), csr, headers)

    def close(self):
        self.http.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def connect(server, timeout=20, tls=False, source=None):
    """A bare socket to the server; tls: to where it speaks TLS, which is the caller's to speak."""
    where = (server.tls_host, server.tls_port) if tls else (server.host, server.port)
    s = socket.create_connection(where, limits.seconds(timeout), source and (source, 0))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def receive(sock):
    """Everything until the other side closes; a reset is an end too. Not to end in time is a failure."""
    out = b""
    try:
        while piece := sock.recv(65536):
            out += piece
    except ConnectionResetError:
        pass
    except TimeoutError:
        raise AssertionError(f"neither answered nor closed in time; so far: {out[:100]!r}") from None
    return out


def read_answers(sock, count):
    """Reads so many answers from a bare socket, in their order."""
    stream = sock.makefile("rb")
    out = []
    for _ in range(count):
        status = int(stream.readline().split()[1])
        headers = http.client.parse_headers(stream)
        out.append(Answer(status, headers, stream.read(int(headers["Content-Length"] or 0))))
    return out
