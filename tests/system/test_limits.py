"""Limits against those who shout, those who are slow, and those who send what cannot be: they are told so or cut, and nobody else notices."""
import contextlib
import json
import signal
import socket
import ssl
import struct
import threading
import time

import pytest

import client
import csrs
import home as homes
import limits
import problems
import server as servers
import tls
import tokens

LATE = 0.9      # a 429 comes a second late


def configure(home, **settings):
    for key, value in settings.items():
        home.configure("limits", key, value)


@pytest.fixture
def lot(home):
    home.batch("lot", 1000000)
    return home


@pytest.fixture
def brisk(lot):
    """Two seconds for everything."""
    configure(lot, head_s=2, body_s=2, reply_s=2)
    lot.configure("server", "idle_timeout_s", "3")
    return lot


# ---- slow senders

def drip(sock, data, every=0.2):
    """Sends byte by byte until the other side has enough; (seconds, what it said)."""
    began = time.monotonic()
    sock.settimeout(limits.seconds(20))
    got = b""
    for i in range(len(data)):
        with contextlib.suppress(OSError):
            sock.sendall(data[i:i + 1])
        sock.settimeout(every)
        try:
            piece = sock.recv(65536)
            if not piece:
                return time.monotonic() - began, got
            got += piece
        except TimeoutError:
            pass
        except OSError:
            return time.monotonic() - began, got
        assert time.monotonic() - began < limits.seconds(15), "never cut"
    raise AssertionError("it had time for all of it")


HEAD = b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n"


def parts(got):
    head, _, body = got.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.short
@pytest.mark.parametrize("where,sent", [("head", b""), ("head", HEAD), ("body", HEAD + b"\r\n"), ("chunks", HEAD[:36] + b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n")])
def test_a_byte_at_a_time(brisk, start, where, sent):
    """Cut after head_s or body_s, told why; libmicrohttpd's own time without a single byte never passes."""
    server = start(brisk)
    with client.connect(server) as s:
        s.sendall(sent)
        data = {"head": b"POST /v1/enroll/lot HTTP/1.1\r\nHost: " + b"x" * 200, "body": b"x" * 390, "chunks": b"1\r\nx\r\n" * 100}[where]
        took, got = drip(s, data)
    assert 1.4 <= took <= 2 + limits.seconds(1.5), took
    head, body = parts(got)
    assert head.startswith(b"HTTP/1.1 408 ") and b"Connection: close" in head, got
    doc = json.loads(body)
    assert doc["status"] == 408 and doc["code"] == "request_timeout" and doc["type"] and doc["title"] and len(doc["detail"]) > 20
    assert f"Content-Length: {len(body)}".encode() in head, "the length is that of the body"
    limits.wait_for("the log to say so", lambda: server.lines_with(" slow "))


@pytest.mark.short
def test_the_second_head_a_byte_at_a_time(brisk, start):
    """After an answer it is idle_timeout_s for the whole next head."""
    with client.connect(start(brisk)) as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_answers(s, 1)
        took, got = drip(s, b"GET /healthz HTTP/1.1\r\nHost: " + b"x" * 200)
    assert 2.4 <= took <= 3 + limits.seconds(1.5) and b"200" not in got, (took, got)


@pytest.mark.short
def test_a_handshake_a_byte_at_a_time(brisk, start):
    trusted = tls.serve(brisk)
    hello = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.context(trusted).wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    with client.connect(start(brisk, tls="127.0.0.1:0"), tls=True) as s:
        took, got = drip(s, hello.read())
    assert 1.4 <= took <= 2 + limits.seconds(1.5) and b"HTTP" not in got, (took, got)


def test_a_body_a_byte_at_a_time_in_tls(brisk, start):
    trusted = tls.serve(brisk)
    with client.connect(start(brisk, tls="127.0.0.1:0"), tls=True) as s, tls.context(trusted).wrap_socket(s, server_hostname="localhost") as secure:
        secure.sendall(HEAD + b"\r\n")
        began = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - began < limits.seconds(10):
                secure.sendall(b"x")
                time.sleep(0.1)
    assert 1.4 <= time.monotonic() - began <= 2 + limits.seconds(2)


@pytest.mark.short
def test_slow_but_in_time(brisk, start):
    """Who needs most of the time is answered."""
    csr = csrs.fresh()[1]
    with client.connect(start(brisk)) as s:
        for piece in (b"POST /v1/enroll/lot HTTP/1.1\r\n", b"Host: x\r\nContent-Length: %d\r\n" % len(csr), b"\r\n" + csr[:50], csr[50:100], csr[100:]):
            s.sendall(piece)
            time.sleep(0.4)
        (answer,) = client.read_answers(s, 1)
    assert answer.status == 201


def slow_ones(server, count):
    """Connections that send a byte now and then, until the event they answer is set."""
    done = threading.Event()

    def work():
        mine = []
        while not done.is_set():
            while len(mine) < count:
                mine.append(client.connect(server))
                mine[-1].sendall(b"POST /v1/enroll/lot HTTP/1.1\r\nHost: ")
            for s in list(mine):
                try:
                    s.sendall(b"x")
                except OSError:
                    mine.remove(s)
            done.wait(1)
        for s in mine:
            s.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return lambda: (done.set(), thread.join())


def answer_times(server, seconds, headers=None, batch="lot"):
    """Of a station that works on: seconds of each answer, sorted."""
    out = []
    with client.Client(server, headers=headers) as c:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            csr = csrs.fresh()[1]
            began = time.monotonic()
            assert c.enroll(batch, csr).status == 201
            out.append(time.monotonic() - began)
    return sorted(out)


def p99(times):
    return times[int(len(times) * 0.99)]


def test_slow_senders_are_not_noticed(brisk, start):
    """100 that send a byte a second, cut and back again; another station's answers come as before (tests/bench has the exact figure)."""
    server = start(brisk)
    before = p99(answer_times(server, 3))
    stop = slow_ones(server, 100)
    try:
        time.sleep(0.5)
        during = p99(answer_times(server, 6))
    finally:
        stop()
    assert during <= 3 * before + 0.02, (before, during)
    assert server.lines_with(" slow "), "they were cut"
    assert len(server.lines_with(" slow ")) < 40, "and not with a line each"


# ---- slow readers

@pytest.mark.parametrize("secure", [False, True])
def test_a_reader_that_takes_a_byte_at_a_time(brisk, start, secure):
    """Answers that fill the buffers of both sockets and are not taken: cut within reply_s, and the memory is free."""
    trusted = tls.serve(brisk)
    server = start(brisk, tls="127.0.0.1:0")
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(limits.seconds(20))
    s.connect(("127.0.0.1", server.tls_port if secure else server.port))
    if secure:
        s = tls.context(trusted).wrap_socket(s, server_hostname="localhost")
    began = time.monotonic()
    s.settimeout(0.5)
    with pytest.raises(TimeoutError):    # nobody reads on the other side either: all buffers are full
        for _ in range(100000):
            s.sendall(b"GET /v1/ca/chain.pem HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
    assert connections_of(server) == 1
    s.settimeout(limits.seconds(15))
    with contextlib.suppress(OSError):
        while connections_of(server) > 0 and s.recv(1):
            assert time.monotonic() - began < limits.seconds(15), "never cut"
            time.sleep(0.1)
    # what is left in the client's own buffer is no business of the server: it has let go
    limits.wait_for("the server to let go", lambda: connections_of(server) == 0, 5)
    assert time.monotonic() - began >= 1.5
    with client.Client(server) as c:
        assert c.get("/healthz").status == 200
    s.close()


@pytest.mark.parametrize("secure", [False, True])
def test_answers_that_wait_for_their_reader(lot, start, secure):
    """Many requests at once, and a reader that comes half a second later, with the buffers full: it finds each answer whole and in its order."""
    trusted = tls.serve(lot)
    server = start(lot, tls="127.0.0.1:0")
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(limits.seconds(20))
    s.connect(("127.0.0.1", server.tls_port if secure else server.port))
    if secure:
        s = tls.context(trusted).wrap_socket(s, server_hostname="localhost")
    with s:
        s.sendall(b"GET /v1/ca/chain.pem HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
        time.sleep(0.5)
        answers = client.read_answers(s, 2000)
    assert {(answer.status, answer.body) for answer in answers} == {(200, lot.ca_pem())}


def connections_of(server):
    """How many the kernel sees on the server's ports, its own ends."""
    count = 0
    for line in open("/proc/net/tcp", encoding="ascii").read().splitlines()[1:]:
        local, remote, state = line.split()[1:4]
        if int(local.split(":")[1], 16) in (server.port, server.tls_port) and state == "01":
            count += 1
    return count


# ---- too many connections

def turned_away(got):
    head, body = parts(got)
    assert head.startswith(b"HTTP/1.1 429 ") and b"Retry-After: " in head, got
    doc = json.loads(body)
    assert doc["code"] == "too_many_requests" and "connections_per_address" in doc["detail"]
    assert f"Content-Length: {len(body)}".encode() in head
    return True


@pytest.mark.short
def test_connections_per_address(lot, start):
    """The one too many hears 429; those that are open work on, and so does another address; a closed one makes room."""
    configure(lot, connections_per_address=5, loopback="yes")
    server = start(lot)
    with contextlib.ExitStack() as stack:
        mine = [stack.enter_context(client.Client(server)) for _ in range(5)]
        assert all(c.get("/healthz").status == 200 for c in mine)
        for _ in range(3):
            with client.connect(server) as s:
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                turned_away(client.receive(s))
        with client.connect(server) as s:
            turned_away(client.receive(s))
        assert mine[0].enroll("lot", csrs.fresh()[1]).status == 201
        with client.Client(server, source="127.0.0.2") as other:
            assert other.enroll("lot", csrs.fresh()[1]).status == 201
        mine[1].close()

        def works():
            with client.Client(server) as c, contextlib.suppress(OSError):
                return c.get("/healthz").status == 200
        limits.wait_for("room for another", works)
        assert all(c.get("/healthz").status == 200 for c in (mine[0], *mine[2:]))


def test_connections_per_address_in_tls(lot, start):
    """Cut without a word, as there is no way to say one."""
    configure(lot, connections_per_address=3, loopback="yes")
    trusted = tls.serve(lot)
    server = start(lot, tls="127.0.0.1:0")
    with contextlib.ExitStack() as stack:
        mine = [stack.enter_context(client.Client(server, tls=tls.context(trusted))) for _ in range(3)]
        assert all(c.get("/healthz").status == 200 for c in mine)
        with client.connect(server, tls=True) as s, pytest.raises((ssl.SSLError, OSError)):
            tls.context(trusted).wrap_socket(s, server_hostname="127.0.0.1")
        assert all(c.get("/healthz").status == 200 for c in mine)
        with client.Client(server) as plain:
            assert plain.get("/healthz").status == 200, "each door counts its own"


def test_connections_come_and_go(lot, start):
    """What ended is not counted: neither after an answer, nor a reset, nor being turned away."""
    configure(lot, connections_per_address=20, loopback="yes")
    server = start(lot)
    for i in range(300):
        with client.connect(server) as s:
            if i % 3 == 0:
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                client.receive(s)
            elif i % 3 == 1:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.5)
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            assert stack.enter_context(client.Client(server)).get("/healthz").status == 200


def test_loopback_is_not_limited_by_default(lot, start):
    configure(lot, connections_per_address=5, requests_per_address=5, requests_per_token=5)
    server = start(lot)
    token = tokens.make(lot, "viewer")
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            c = stack.enter_context(client.Client(server, headers=tokens.bearer(token)))
            assert all(c.get("/v1/status").status == 200 for _ in range(5))


def test_all_connections_taken(lot, start):
    """connections_max: the next waits at the door, and is served when one ends."""
    lot.configure("server", "connections_max", "10")
    server = start(lot)
    with contextlib.ExitStack() as stack:
        mine = [stack.enter_context(client.Client(server)) for _ in range(10)]
        assert all(c.get("/healthz").status == 200 for c in mine)
        waiting = stack.enter_context(client.connect(server))
        waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        waiting.settimeout(0.7)
        with pytest.raises(TimeoutError):
            waiting.recv(1)
        mine[0].close()
        waiting.settimeout(limits.seconds(10))
        assert waiting.recv(12) == b"HTTP/1.1 200"


# ---- too many requests

def burst(c, count, path="/v1/status", **headers):
    """Statuses, and how long each took."""
    out = []
    for _ in range(count):
        began = time.monotonic()
        answer = c.request("GET", path, headers=headers)
        out.append((answer.status, time.monotonic() - began))
        if answer.status == 429:
            problems.check(answer, "too_many_requests")
    return out


def shouted(seen, at_once, least=1):
    """At least so many at once, then a second late."""
    late = [took for code, took in seen if code == 429]
    assert all(code == 200 for code, _ in seen[:at_once]), seen
    assert len(late) >= least and all(took >= LATE for took in late), seen


@pytest.mark.short
def test_requests_per_address(lot, start):
    """Twice the rate at once; then 429, a second late; another address, and this one a moment later, are served."""
    configure(lot, requests_per_address=4, loopback="yes")
    server = start(lot)
    with client.Client(server) as c, client.Client(server, source="127.0.0.2") as other:
        shouted(burst(c, 11, "/healthz"), 8)
        assert [code for code, _ in burst(other, 8, "/healthz")] == [200] * 8
        time.sleep(1.5)
        assert [code for code, _ in burst(c, 4, "/healthz")] == [200] * 4


@pytest.mark.short
def test_requests_per_token(lot, start):
    """Wherever it is shown: from two addresses, and as a session. Another token is not concerned."""
    configure(lot, requests_per_token=4, loopback="yes")
    lot.configure("server", "read", "token")
    server = start(lot)
    loud, calm = (tokens.bearer(tokens.make(lot, "viewer")) for _ in range(2))
    with client.Client(server) as c, client.Client(server, source="127.0.0.2") as second:
        page = tokens.signed_in(c, loud["Authorization"].partition(" ")[2])
        seen = [*burst(c, 3, **loud), *burst(second, 3, **loud), *burst(c, 4, **page)]
        shouted(seen, 7)
        seen = burst(c, 8, **calm)
        assert [code for code, _ in seen] == [200] * 8 and max(took for _, took in seen) < limits.seconds(0.5)
        doc = None
        for _ in range(10):
            answer = second.request("GET", "/v1/status", headers=loud)
            if answer.status == 429:
                doc = answer.json()
                break
        assert doc and "requests_per_token" in doc["detail"]


def test_a_device_in_a_retry_loop(lot, start):
    """
    500 times at once, then a second for each; byte for byte the same answer all the time. Its neighbours on the same line do not notice.
    """
    server = start(lot)
    _, csr = csrs.fresh()
    calm = p99(answer_times(server, 3))
    stop, loops = threading.Event(), []

    def loop():
        seen = []
        with client.Client(server) as c:
            while not stop.is_set():
                began = time.monotonic()
                answer = c.enroll("lot", csr)
                seen.append((answer.status, answer.body, time.monotonic() - began))
        loops.append(seen)

    threads = [threading.Thread(target=loop, daemon=True) for _ in range(8)]
    for t in threads:
        t.start()
    try:
        time.sleep(2)
        during = p99(answer_times(server, 5))
    finally:
        stop.set()
        for t in threads:
            t.join(limits.seconds(20))
    seen = [one for each in loops for one in each]
    assert len({body for _, body, _ in seen}) == 1 and sorted({code for code, _, _ in seen}) == [200, 201]
    assert [code for code, _, _ in seen].count(201) == 1
    late = [took for _, _, took in seen if took >= LATE]
    # 20 a second are let through besides the 500; of eight loops each waits a second at nearly every turn
    assert 500 <= len(seen) <= 500 + 9 * (20 + 8) + 50 and len(late) >= 20, (len(seen), len(late))
    assert during <= 3 * calm + 0.02, (calm, during)
    assert lot.batch_show("lot")["issued"] >= 2


def test_a_repeat_after_the_batch_is_closed(lot, start):
    """Who is held is answered as everybody: also by the time the batch is closed."""
    configure(lot, repeats_per_minute=1)
    server = start(lot)
    _, csr = csrs.fresh()
    with client.Client(server) as c:
        first = c.enroll("lot", csr)
        for _ in range(502):
            assert c.enroll("lot", csr).body == first.body
        lot.run("batch", "close", "lot")
        began = time.monotonic()
        again = c.enroll("lot", csr)
        assert again.status == 200 and again.body == first.body and time.monotonic() - began >= LATE


# ---- what cannot be

def bare(server, text, body=b"", count=1):
    with client.connect(server) as s:
        s.sendall(text.encode("latin-1") + body)
        return client.read_answers(s, count)


@pytest.fixture(scope="module")
def open_line(tmp_path_factory):
    home = homes.Home(tmp_path_factory.mktemp("open") / "home").init()
    home.batch("lot", 1000000)
    configure(home, head_s=2, body_s=2)
    with servers.Server(home) as server:
        yield server


POST = "POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.short
@pytest.mark.parametrize("headers", [
    "Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5\r\ncontent-length: 0",
    "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: identity\r\nContent-Length: 5",
    "Content-Length: 5, 5", "Content-Length: -5", "Content-Length: +5", "Content-Length: 0x5", "Content-Length: 5 5", "Content-Length: five",
    "Content-Length: 99999999999999999999999", "Content-Length:"])
def test_lengths_that_could_be_read_in_two_ways(open_line, headers):
    """Refused, and the connection ends: what follows is never read as a request of its own. (libmicrohttpd says its own 400 twice.)"""
    smuggled = b"5\r\nhello\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with client.connect(open_line) as s:
        s.sendall(f"{POST}{headers}\r\n\r\n".encode() + smuggled)
        s.shutdown(socket.SHUT_WR)
        got = client.receive(s)
    assert b" 200 " not in got and b" 201 " not in got, got
    # 408: a body without a known length is awaited until its time is over
    assert got.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 ", b"HTTP/1.1 408 ")), got


@pytest.mark.short
def test_a_transfer_coding_that_is_not_known(open_line):
    """gzip, or chunked not at the end: the length is unknown (RFC 9112 6.3)."""
    for coding in ("gzip", "gzip, chunked", "chunked, gzip", "xchunked", "chunked;q=1"):
        with client.connect(open_line) as s:
            s.sendall(f"{POST}Transfer-Encoding: {coding}\r\n\r\n".encode() + b"5\r\nhello\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            s.shutdown(socket.SHUT_WR)
            got = client.receive(s)
        assert b" 200 " not in got and (not got or got[9:12] in (b"400", b"408", b"501")), (coding, got)


@pytest.mark.short
def test_heads_that_are_too_large(open_line):
    """20 KB in one header, 1000 headers, a path of 20 KB: an answer with a status or an end, and the line goes on."""
    for text in (f"{POST}X-Long: {'x' * 20000}\r\n\r\n", POST + "".join(f"X-{i}: {i}\r\n" for i in range(1000)) + "\r\n",
                 f"GET /{'x' * 20000} HTTP/1.1\r\nHost: x\r\n\r\n", f"GET /v1/certificates?q={'x' * 20000} HTTP/1.1\r\nHost: x\r\n\r\n",
                 f"{POST}Cookie: {'a=b; ' * 4000}\r\n\r\n", f"{POST}Authorization: Bearer {'x' * 20000}\r\n\r\n",
                 "x" * 100000 + "\r\n\r\n"):
        with client.connect(open_line) as s:
            with contextlib.suppress(OSError):
                s.sendall(text.encode())
            got = client.receive(s)
            assert not got or got[9:12] in (b"400", b"413", b"414", b"431"), got[:200]
    with client.Client(open_line) as c:
        assert c.get("/healthz").status == 200
        assert c.request("GET", "/healthz", headers={"X-Long": "x" * 6000}).status == 200


@pytest.mark.short
def test_bodies_that_are_too_large(open_line):
    """With a length: refused at once; without one: as soon as it is seen. Nobody reads a gigabyte."""
    (answer,) = bare(open_line, f"{POST}Content-Length: {1 << 40}\r\n\r\n")
    problems.check(answer, "body_too_large")
    with client.connect(open_line) as s:
        s.sendall(f"{POST}Transfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 64 << 20:
                s.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent += 65536
        got = client.receive(s)
    assert sent < 8 << 20, "it took all of it"
    assert not got or got.startswith(b"HTTP/1.1 413 "), got[:100]
    for path, size in (("/v1/session", 5000), ("/v1/enroll/lot", 16385)):
        with client.Client(open_line) as c:
            answer = c.request("POST", path, b"x" * size, {"Content-Type": "application/json" if "session" in path else "text/plain"})
            problems.check(answer, "body_too_large", "unauthorized")
            assert c.get("/healthz").status == 200


# ---- time

@pytest.mark.short
def test_an_idle_connection(brisk, start):
    """Closed after idle_timeout_s, not before, without a word."""
    with client.connect(start(brisk)) as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_answers(s, 1)
        time.sleep(2.2)
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_answers(s, 1)
        began = time.monotonic()
        assert client.receive(s) == b""
    assert 2.4 <= time.monotonic() - began <= 3 + limits.seconds(1.5)


@pytest.mark.short
def test_stop_while_requests_are_held(lot, start):
    """Those that wait out their second are answered at once, and the server ends with 0."""
    configure(lot, wrong_tokens_per_minute=1)
    server = start(lot)
    held = []
    for _ in range(60):
        held.append(client.connect(server))
        held[-1].sendall(f"GET /v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tokens.wrong()}\r\n\r\n".encode())
    time.sleep(0.3)
    began = time.monotonic()
    server.signal()
    answers = [client.receive(s) for s in held]
    assert server.wait() == 0
    assert time.monotonic() - began < limits.seconds(5)
    assert all(got[:12] in (b"HTTP/1.1 401", b"HTTP/1.1 429") for got in answers), [got[:40] for got in answers][:5]
    for s in held:
        s.close()


def test_stop_while_others_are_slow(brisk, start):
    """Slow heads, slow bodies, half a handshake, a reader that does not read: none of them delays the end by more than drain_s."""
    brisk.configure("server", "drain_s", "2")
    tls.serve(brisk)
    server = start(brisk, tls="127.0.0.1:0")
    held = [client.connect(server), client.connect(server), client.connect(server, tls=True), client.connect(server)]
    held[0].sendall(b"GET /heal")
    held[1].sendall(HEAD + b"\r\nxxx")
    held[2].sendall(b"\x16\x03\x01")
    held[3].settimeout(0.5)
    with contextlib.suppress(OSError):
        for _ in range(20000):
            held[3].sendall(b"GET /v1/ca/chain.pem HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert time.monotonic() - began < 2 * 2 + limits.seconds(4)
    for s in held:
        s.close()
