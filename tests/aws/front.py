"""HTTP/1.1 with keep-alive, as little of it as a server of AWS needs, and quick."""
import asyncio
import email.utils
import http.client
import socket
import struct
from urllib.parse import unquote

MOST_HEAD = 65536
MOST_BODY = 4 << 20
STEP = 0.05     # seconds between the pieces of a slow body


class Request:
    __slots__ = ("method", "path", "query", "headers", "body", "target")

    def __init__(self, method, target, headers):
        self.method, self.target, self.headers, self.body = method, target, headers, b""
        self.path, _, query = target.partition("?")
        # + is no blank here: whoever means one writes %20
        self.query = [tuple(unquote(part) for part in pair.partition("=")[::2]) for pair in query.split("&")] if query else []


class Bad(Exception):
    def __init__(self, status, words):
        super().__init__(words)
        self.status = status


def parse_head(text):
    """(Request, length of the body, whether it waits for 100)."""
    lines = text.split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0") or not words[1].startswith("/"):
        raise Bad(400, f"not a request line: {lines[0][:200]!r}")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or line[0] in " \t":
            raise Bad(400, f"not a header: {line[:200]!r}")
        name, value = name.lower(), value.strip(" \t")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    if words[2] == "HTTP/1.1" and "host" not in headers:
        raise Bad(400, "no Host header")
    if "transfer-encoding" in headers:
        raise Bad(501, "Transfer-Encoding is not done here")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise Bad(400, f"Content-Length {length!r}")
    if int(length) > MOST_BODY:
        raise Bad(413, "the body is too long")
    return Request(words[0], words[1], headers), int(length), headers.get("expect", "").lower() == "100-continue"


class Connection(asyncio.Protocol):
    def __init__(self, site):
        self.site = site
        self.buffer = bytearray()
        self.request, self.wanted = None, 0
        self.call, self.busy, self.over = None, False, False

    def connection_made(self, transport):
        self.transport = transport
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.site.opened(self)

    def connection_lost(self, _):
        self.over = True
        self.site.closed(self)

    def data_received(self, data):
        self.buffer += data
        self._next()

    def _next(self):
        while not self.busy and not self.over:
            try:
                if not self._read():
                    return
            except Bad as e:
                words = str(e).encode()
                self.transport.write(b"HTTP/1.1 %d %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
                    e.status, http.client.responses[e.status].encode(), len(words), words))
                self._end()
                return
            request, self.request = self.request, None
            self.busy = True
            self.site.handle(self, request)

    def _read(self):
        """Whether a whole request stands in self.request."""
        if self.request is None:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self.buffer) > MOST_HEAD:
                    raise Bad(431, "the head is too long")
                return False
            head = self.buffer[:end].decode("latin-1")
            del self.buffer[:end + 4]
            self.request, self.wanted, waits = parse_head(head)
            if waits and not self.buffer:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(self.buffer) < self.wanted:
            return False
        self.request.body = bytes(self.buffer[:self.wanted])
        del self.buffer[:self.wanted]
        return True

    def reply(self, request, answer, now):
        """Sends what there is to send, and goes on with the next request."""
        if self.over:
            self.busy = False
            return
        if answer.hang:
            return
        if answer.cut and answer.cut_at is None:
            self._end(answer.cut)
            return
        close = request.headers.get("connection", "").lower() == "close"
        lines = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, 'Unknown')}",
                 f"Date: {email.utils.formatdate(now, usegmt=True)}", f"Content-Length: {len(answer.body)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if close:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        if answer.cut:
            self.transport.write(head + answer.body[:answer.cut_at])
            self._end(answer.cut)
        elif answer.rate:
            self.transport.write(head)
            self._dribble(answer.body, max(1, int(answer.rate * STEP)), max(STEP, 1 / answer.rate), close)
        else:
            self.transport.write(head + answer.body)
            self._done(close or answer.close)

    def _dribble(self, rest, piece, step, close):
        if self.over:
            return
        self.transport.write(rest[:piece])
        if len(rest) > piece:
            asyncio.get_running_loop().call_later(step, self._dribble, rest[piece:], piece, step, close)
        else:
            self._done(close)
            self._next()

    def _done(self, close):
        self.busy = False
        if close:
            self._end()

    def _end(self, how="close"):
        self.over = True
        if how == "reset":
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()


class Site:
    """Gives each request to the control door or to the cloud, and waits where the cloud says so."""

    def __init__(self, cloud, control):
        self.cloud, self.control = cloud, control
        self.connections = set()

    def opened(self, connection):
        self.connections.add(connection)
        self.cloud.counters.connections += 1

    def closed(self, connection):
        self.connections.discard(connection)

    def handle(self, connection, request):
        answer = self.control.answer(request)
        if answer is not None:
            connection.reply(request, answer, self.cloud.now())
            return
        call = self.cloud.begin(request)
        delay = call.plan.delay if call.plan else 0
        if delay:
            asyncio.get_running_loop().call_later(delay, self._late, connection, request, call)
        else:
            self._finish(connection, request, call)

    def _finish(self, connection, request, call):
        answer = self.cloud.finish(call)
        self.cloud.sent(call)
        connection.reply(request, answer, self.cloud.now())

    def _late(self, connection, request, call):
        self._finish(connection, request, call)
        connection._next()


async def listen(site, port, ssl=None):
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(site), "127.0.0.1", port, ssl=ssl, backlog=1024)
