"""The server as a process: start, stop, sockets."""
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import threading
import time

import pytest

import certs
import client
import csrs
import home as homes
import limits
import load
import problems
import server as servers


# ---- start ----------------------------------------------------------------------------------------------------

@pytest.mark.short
def test_two_servers_on_one_home(home, start):
    home.batch("lot")
    first = start(home)
    second = servers.refused(home)
    assert second.code == 4 and second.err and "listening" not in second.out, str(second)
    with client.Client(first) as c:
        assert c.enroll("lot", csrs.fresh()[1]).status == 201


def test_next_server_after_a_kill(home, start):
    """A killed server leaves no lock behind."""
    start(home).kill()
    assert start(home).alive()


def test_port_in_use(home):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        result = servers.refused(home, "--listen", f"127.0.0.1:{port}")
    assert result.code == 1 and str(port) in result.err and result.out == "", str(result)


@pytest.mark.parametrize("listen", ["", "127.0.0.1", "127.0.0.1:", ":0:0", "127.0.0.1:65536", "127.0.0.1:x", "256.0.0.1:0",
                                    "localhost:-1"])
def test_bad_listen(home, listen):
    result = servers.refused(home, "--listen", listen)
    assert result.code in (1, 2) and result.err and result.out == "", str(result)


@pytest.mark.short
def test_only_loopback(home, start):
    """Without tokens nobody but this machine may enrol, unless the configuration says so."""
    result = servers.refused(home, "--listen", "0.0.0.0:0")
    assert result.code in (1, 4) and "enroll = open" in result.err and result.out == "", str(result)
    home.configure("server", "enroll", "open")
    with client.Client(start(home, listen="0.0.0.0:0")) as c:
        assert c.get("/readyz").status == 200


def test_ipv6(home, start):
    home.batch("lot")
    with client.Client(start(home, listen="[::1]:0")) as c:
        assert c.enroll("lot", csrs.fresh()[1]).status == 201
    assert servers.refused(home, "--listen", "[::]:0").code in (1, 4)


def test_listen_in_the_configuration(home):
    """The command line goes before lineca.conf; lineca.conf before the default."""
    home.configure("server", "listen", "0.0.0.0:0")
    result = home.run("serve", code=None, timeout=20)
    assert result.code in (1, 4) and "enroll = open" in result.err
    with servers.Server(home):
        pass


@pytest.mark.parametrize("text", ["[server]\nlisten 5\n", "[server\n", "[nosuch]\nx = 1\n", "[server]\nnosuch = 1\n",
                                  "[commit]\nqueue = many\n",
                                  "[server]\nthreads = 1000\n", "[server]\nthreads = -1\n", "[server]\nenroll = perhaps\n"])
def test_bad_configuration(home, text):
    (home.path / "lineca.conf").write_text(text)
    result = servers.refused(home)
    assert result.code in (1, 4) and "lineca.conf" in result.err and result.out == "", str(result)


@pytest.mark.parametrize("name", ["lineca.db", "lineca.conf", "ca"])
def test_parts_missing(home, name):
    (home.path / name).rename(home.path / "away")
    result = servers.refused(home)
    assert result.code in (1, 4) and result.err and result.out == "", str(result)


def test_key_others_may_read(home):
    home.key_files()[0].chmod(0o644)
    result = servers.refused(home)
    assert result.code in (1, 4, 5) and result.out == "" and home.key_files()[0].name in result.err, str(result)


def test_key_of_another_ca(tmp_path):
    one, two = (homes.Home(tmp_path / n).init() for n in ("one", "two"))
    one.key_files()[0].write_bytes(two.key_files()[0].read_bytes())
    result = servers.refused(one)
    assert result.code in (1, 4) and result.err and result.out == "", str(result)


@pytest.mark.parametrize("damage", ["noise", "empty", "another"])
def test_database_of_something_else(home, damage):
    for p in home.path.glob("lineca.db*"):
        p.unlink()
    path = home.path / "lineca.db"
    if damage == "another":
        with sqlite3.connect(path) as db:
            db.execute("create table lots (x)")
    else:
        path.write_bytes(b"" if damage == "empty" else b"not a database" * 1000)
    result = servers.refused(home)
    assert result.code in (1, 4) and "lineca.db" in result.err and result.out == "", str(result)


def test_database_of_a_newer_program(home):
    with sqlite3.connect(home.path / "lineca.db") as db:
        (version,) = db.execute("pragma user_version").fetchone()
        assert version > 0
        db.execute(f"pragma user_version = {version + 1}")
    result = servers.refused(home)
    assert result.code in (1, 4) and result.err and result.out == "", str(result)


# ---- stop -----------------------------------------------------------------------------------------------------

@pytest.mark.short
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_when_idle(home, start, number):
    server = start(home)
    with client.Client(server) as c:
        assert c.get("/healthz").status == 200      # a kept connection that stays open
        began = time.monotonic()
        server.signal(number)
        assert server.wait() == 0
        assert time.monotonic() - began < limits.seconds(5)


@pytest.mark.short
def test_stops_under_load(home, start):
    """SIGTERM finishes what it holds: every row has its client, who has all of it; the rest was told, or cut before."""
    home.batch("lot", 1000000)
    held = set()
    for n in (1, 30, 100):
        server = start(home)
        work = load.Load(server, "lot", threads=12)
        work.until(n, limits.seconds(60))
        server.signal()
        assert server.wait() == 0
        work.stop(limits.seconds(30))
        for answer in work.refused:
            problems.check(answer, "draining", "busy")
        held |= {certs.serial_in(body) for _, body in work.held}
        rows = {int(r["serial"], 16) for r in home.certificates()}
        assert rows == held


def test_stops_with_half_a_request(home, start):
    """Who never finishes a request does not hold up the end."""
    server = start(home)
    home.batch("lot")
    with client.connect(server) as s, client.connect(server) as idle:
        s.sendall(b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nabc")
        idle.sendall(b"GET /hea")
        with client.Client(server) as c:
            assert c.get("/healthz").status == 200
        server.signal()
        assert server.wait(30) == 0


@pytest.mark.short
def test_stops_after_clients_hung_up(home, start):
    """Stations that lose power between the request and the answer: what they asked for is recorded, and nothing waits for them."""
    home.batch("lot", 100000)
    server = start(home)
    for _ in range(100):
        csr = csrs.fresh()[1]
        with client.connect(server) as s:
            s.sendall(b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(csr) + csr)
    with client.Client(server) as c:
        assert c.enroll("lot", csrs.fresh()[1]).status == 201
    server.signal()
    assert server.wait(30) == 0
    assert len(home.certificates()) == home.batch_show("lot")["issued"]


def test_second_sigterm(home, start):
    server = start(home)
    for _ in range(3):
        if server.alive():
            server.signal()
    assert server.wait() == 0


def test_clean_after_stop(home, start):
    """All is in the database file: no log is left to lose when somebody copies lineca.db."""
    home.batch("lot")
    server = start(home)
    with client.Client(server) as c:
        assert c.enroll("lot", csrs.fresh()[1]).status == 201
    server.stop()
    wal = home.path / "lineca.db-wal"
    assert not wal.exists() or wal.stat().st_size == 0


# ---- connections ------------------------------------------------------------------------------------------------

@pytest.mark.short
def test_keeps_connections(line):
    with client.Client(line.server) as c:
        c.http.connect()
        port = c.http.sock.getsockname()[1]
        for _ in range(50):
            assert c.get("/healthz").status == 200
            assert c.enroll("lot", csrs.fresh()[1]).status == 201
            problems.check(c.enroll("lot", b"nonsense"), "csr_malformed")
            assert c.http.sock.getsockname()[1] == port


def test_connection_close(line):
    with client.connect(line.server) as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.receive(s).startswith(b"HTTP/1.1 200")


def test_http_1_0(line):
    with client.connect(line.server) as s:
        s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert client.receive(s).split(b" ", 2)[1] == b"200"


def test_pipelining(line):
    """Requests sent without waiting are answered in their order."""
    made = [csrs.fresh()[1] for _ in range(20)]
    out = b""
    for csr in made:
        out += b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(csr) + csr
        out += b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with client.connect(line.server) as s:
        sender = threading.Thread(target=s.sendall, args=(out,))
        sender.start()
        answers = client.read_answers(s, 40)
        sender.join(limits.seconds(20))
    assert [a.status for a in answers] == [201, 200] * 20
    for csr, answer in zip(made, answers[::2]):
        assert line.client.enroll("lot", csr).body == answer.body


def test_many_connections(line):
    """200 stations, each with its connection open, all served."""
    stations = [client.Client(line.server) for _ in range(200)]
    try:
        for c in stations:
            assert c.get("/healthz").status == 200
        for c in stations[::10]:
            assert c.enroll("lot", csrs.fresh()[1]).status == 201
    finally:
        for c in stations:
            c.close()


def test_more_connections_than_allowed(home, start):
    """Beyond connections_max new ones are turned away; when some leave, others are served again."""
    home.configure("server", "connections_max", "16")
    server = start(home)

    def served():
        try:
            with client.Client(server, timeout=2) as c:
                return c.get("/healthz").status == 200
        except (OSError, http.client.HTTPException):
            return False
    for _ in range(10):
        held = [client.connect(server) for _ in range(64)]
        for s in held:
            s.close()
        limits.wait_for("a free connection", served)


GARBAGE = [
    b"\0" * 1000, b"\xff" * 1000, b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"GET / FTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x55" * 500,                # a TLS hello
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n", b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X" * 100000 + b": y\r\n\r\n",
    b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
    b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc\r\n",
    b"GET /v1/batches/%zz%%% HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /?%00=%00&&&=== HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"POST /v1/enroll/lot HTTP/1.1\r\n\r\n", b"GET http://[::1 HTTP/1.1\r\n\r\n",
]


@pytest.fixture(scope="module")
def hurried(tmp_path_factory):
    """A server that soon closes what is silent: libmicrohttpd does not see every half-closed connection at once."""
    home = homes.Home(tmp_path_factory.mktemp("hurried") / "home").init()
    home.batch("lot", 1000000)
    home.configure("server", "idle_timeout_s", "1")
    with servers.Server(home) as server:
        yield server


def all_cut_or_answered(server, messages):
    """Sends each on a connection of its own; every one is answered or cut, and the next client is served."""
    held = [client.connect(server) for _ in messages]
    for s, message in zip(held, messages):
        try:
            s.sendall(message)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    for s, message in zip(held, messages):
        with s:
            answer = client.receive(s)
        assert not answer or answer.startswith(b"HTTP/1."), (message[:60], answer[:100])
        assert b" 500 " not in answer[:20], (message[:60], answer[:200])
    assert server.alive()
    with client.Client(server) as c:
        assert c.enroll("lot", csrs.fresh()[1]).status == 201


@pytest.mark.short
@pytest.mark.parametrize("i", range(len(GARBAGE)))
def test_garbage(hurried, i):
    all_cut_or_answered(hurried, [GARBAGE[i]])


@pytest.mark.short
def test_all_garbage_at_once(hurried):
    all_cut_or_answered(hurried, GARBAGE * 5)


def test_random_garbage(hurried):
    rng = random.Random(6)
    head = b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 20\r\n\r\n01234567890123456789"
    messages = []
    for _ in range(200):
        bent = bytearray(head)
        for _ in range(rng.randrange(1, 8)):
            bent[rng.randrange(len(bent))] = rng.randrange(256)
        messages.append(bytes(bent))
    all_cut_or_answered(hurried, messages)


def test_ready_and_status_say_the_same_as_the_commands(home, start):
    home.batch("lot", 7)
    with client.Client(start(home)) as c:
        assert c.enroll("lot", csrs.fresh()[1]).status == 201
        (batch,) = c.get("/v1/status").json()["batches"]
        assert batch.pop("per_hour") > 0 and batch.pop("left_s") > 0 and batch.pop("done_this_shift") in (True, False)
        assert batch == home.batch_show("lot")
        assert json.loads(c.get("/v1/status").body)


def test_memory_and_files_stay_flat(home, start):
    """A thousand requests of all kinds on many connections leave no open file behind, and little memory."""
    home.batch("lot", 100000)
    server = start(home)
    files = f"/proc/{server.process.pid}/fd"

    def rounds(n):
        for _ in range(n):
            with client.Client(server) as c:
                for body in (csrs.fresh()[1], b"nonsense", csrs.good()[:100], b"x" * 20000):
                    c.enroll("lot", body)
                    c.close()
                c.get("/")
                c.get("/v1/certificates?limit=10")

    def resident():
        with open(f"/proc/{server.process.pid}/status") as f:
            return int(next(l for l in f if l.startswith("VmRSS")).split()[1])
    rounds(50)
    before, memory = len(os.listdir(files)), resident()
    rounds(200)
    limits.wait_for("closed connections", lambda: len(os.listdir(files)) <= before + 2)
    if limits.FACTOR == 1:
        assert resident() < memory + 8 * 1024
