"""
A server that does as the path says, over plain sockets, and remembers what came: tests of the transport.

    /ok  /status/N  /bytes/N  /chunks/N  /headers/N  /wait/MS  /hang  /cut  /cut_head  /cut_body  /reset  /redirect  /cookie  /names  /early
"""
import contextlib
import re
import socket
import ssl
import struct
import threading
import time


class Request:
    def __init__(self, connection, method, target, headers, body):
        self.connection, self.method, self.target, self.headers, self.body = connection, method, target, headers, body

    def all(self, name):
        return [v for k, v in self.headers if k.lower() == name]

    def one(self, name):
        found = self.all(name)
        assert len(found) <= 1, (name, found)
        return found[0] if found else None


class Peer:
    """tls: an ssl.SSLContext. deaf: accepts and never says a word. slams: closes after the first bytes."""

    def __init__(self, tls=None, deaf=False, slams=False, host="127.0.0.1"):
        self.tls, self.deaf, self.slams = tls, deaf, slams
        self.requests, self.connections, self.open = [], 0, []
        self.running = self.most = 0
        self.lock = threading.Lock()
        self.ended = False
        self.listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=64)
        self.port = self.listener.getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        self.url = f"http{'s' if tls else ''}://{name}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(sock)
            threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True).start()

    def _serve(self, sock, number):
        with contextlib.suppress(OSError), contextlib.closing(sock):
            if self.deaf:
                while not self.ended:
                    time.sleep(0.02)
                return
            if self.slams:
                sock.recv(100)
                return
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            self._talk(sock, number)
            sock.close()

    def _talk(self, sock, number):
        stream = sock.makefile("rb")
        while True:
            first = stream.readline().decode("latin-1").split()
            if len(first) != 3:
                return
            headers = []
            while (line := stream.readline().decode("latin-1").rstrip("\r\n")):
                headers.append(tuple(part.strip() for part in line.split(":", 1)))
            length = next((int(v) for k, v in headers if k.lower() == "content-length"), 0)
            request = Request(number, first[0], first[1], headers, stream.read(length))
            with self.lock:
                self.requests.append(request)
                self.running += 1
                self.most = max(self.most, self.running)
            try:
                goes_on = self.answer(sock, request)
            finally:
                with self.lock:
                    self.running -= 1
            if not goes_on:
                return

    def answer(self, sock, request):
        """True: the connection lives on."""
        verb, _, number = request.target.partition("?")[0].lstrip("/").partition("/")
        n = int(number) if number.isdigit() else 0

        def say(status=200, body=b"hi", *more):
            head = [f"HTTP/1.1 {status} Word", f"Content-Length: {len(body)}", *more]
            sock.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + (b"" if status in (204, 304) else body))
            return True

        if verb == "status":
            return say(n)
        if verb == "bytes":
            return say(200, b"x" * n)
        if verb == "headers":
            return say(200, b"hi", *(f"X-{i}: {'v' * 990}" for i in range(n)))
        if verb == "redirect":
            return say(301, b"", "Location: /ok")
        if verb == "cookie":
            return say(200, b"hi", "Set-Cookie: a=b", 'Alt-Svc: h2="127.0.0.1:1"; ma=99')
        if verb == "names":
            return say(400, b"{}", "X-AMZN-ERRORTYPE: Foo:http://x/", "x-amzn-requestid: r-1", "content-type: application/json",
                       "DATE: Mon, 23 Nov 2026 03:17:22 GMT", "Retry-After:  7 ")
        if verb == "early":
            sock.sendall(b"HTTP/1.1 100 Continue\r\nX-Amzn-RequestId: early\r\n\r\n")
            return say()
        if verb == "wait":
            time.sleep(n / 1000)
            return say()
        if verb == "chunks":
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(n // 1024):
                sock.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
            sock.sendall(b"0\r\nX-Trailer: a\r\n\r\n")
            return True
        if verb == "hang":
            while not self.ended:
                time.sleep(0.02)
            return False
        if verb == "cut":
            return False
        if verb == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if verb == "cut_head":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
            return False
        if verb == "cut_body":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":")
            return False
        return say()

    def targets(self):
        return [r.target for r in self.requests]

    def deafen(self):
        """No new connections; those that are there go on."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)    # ends accept(), which close() does not
        self.listener.close()

    def stop(self):
        self.ended = True
        self.deafen()
        for sock in self.open:
            with contextlib.suppress(OSError):
                sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Proxy(Peer):
    """An HTTP proxy for CONNECT; refuses: the status it says instead of 200."""

    def __init__(self, refuses=None):
        self.refuses = refuses
        super().__init__()

    def answer(self, sock, request):
        if request.method != "CONNECT" or self.refuses:
            sock.sendall(f"HTTP/1.1 {self.refuses or 502} No\r\nX-Amzn-ErrorType: FromTheProxy\r\nContent-Length: 0\r\n\r\n".encode())
            return False
        host, _, port = re.fullmatch(r"(.*)(:)(\d+)", request.target).groups()
        sock.sendall(b"HTTP/1.1 200 Connected\r\nX-Amzn-ErrorType: FromTheProxy\r\n\r\n")
        with socket.create_connection((host, int(port))) as far:
            there = threading.Thread(target=self._pump, args=(sock, far), daemon=True)
            there.start()
            self._pump(far, sock)
            there.join()
        return False

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def context(certificate, key, most=None):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    if most:
        tls.set_ciphers("ALL:@SECLEVEL=0")
        tls.minimum_version, tls.maximum_version = most, most
    return tls
