"""Requests that wait inside the server: for their second, for a key. Clients that leave meanwhile, and a server that stops, are no surprise."""
import signal
import socket
import struct
import threading
import time

import pytest

import client
import csrs
import est
import keys
import limits
import tls

AT_ONCE = 500       # of one device key; more are held for a second


def post(csr):
    return (b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Type: application/pkcs10\r\nContent-Length: %d\r\n\r\n" % len(csr)) + csr


def leave(sock):
    """With a reset, as a station that loses its power."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.fixture
def shouted(home, start):
    """A server, and a CSR whose key has used up its patience."""
    home.batch("lot", 1000)
    home.configure("limits", "repeats_per_minute", 1)
    server = start(home)
    csr = csrs.fresh()[1]
    with client.Client(server) as c:
        for _ in range(AT_ONCE):
            assert c.enroll("lot", csr).status in (200, 201)
    return home, server, csr


@pytest.mark.short
def test_clients_that_leave_while_they_are_held(shouted):
    home, server, csr = shouted
    for _ in range(3):
        held = [client.connect(server) for _ in range(20)]
        for s in held:
            s.sendall(post(csr))
        time.sleep(0.3)
        for s in held:
            leave(s)
        time.sleep(1.2)
    with client.Client(server) as c:
        assert c.enroll("lot", csrs.fresh()[1]).status == 201
        assert c.enroll("lot", csr).status == 200
    assert server.alive() and home.batch_show("lot")["issued"] == 2


@pytest.mark.short
def test_a_stop_while_enrolments_are_held(shouted):
    """They are answered at once, from the ledger, and the server ends well."""
    _, server, csr = shouted
    held = [client.connect(server) for _ in range(30)]
    for s in held:
        s.sendall(post(csr))
    time.sleep(0.3)
    began = time.monotonic()
    server.signal()
    answers = [client.receive(s) for s in held]
    assert server.wait() == 0
    assert time.monotonic() - began < limits.seconds(5)
    assert all(a[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 503") for a in answers), [a[:40] for a in answers][:5]


@pytest.mark.parametrize("bits", [2048, 4096])
def test_a_stop_while_a_key_is_made(home, start, bits):
    home.batch("lot", 100)
    home.configure("profile default", "server_keygen", "yes")
    home.configure("server", "drain_s", "1")
    trusted = tls.serve(home)
    server = start(home, tls="127.0.0.1:0")
    csr, answers = csrs.plain(keys.shared_rsa(bits), csrs.device()), []

    def ask():
        with client.Client(server, timeout=60, tls=tls.context(trusted)) as c:
            try:
                answers.append(est.post(c, est.body(csr), "lot", "serverkeygen").status)
            except OSError:
                answers.append(0)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    time.sleep(0.15)
    server.signal(signal.SIGTERM)
    assert server.wait(60) == 0
    asking.join(limits.seconds(20))
    assert answers in ([200], [503], [0])


def test_keys_in_work_are_few(home, start):
    """Large keys take seconds; the fifth at once is asked to come again, and nobody else waits."""
    home.batch("lot", 100)
    home.configure("profile default", "server_keygen", "yes")
    trusted = tls.serve(home)
    server = start(home, tls="127.0.0.1:0")
    key, seen = keys.shared_rsa(4096), []

    def ask():
        with client.Client(server, timeout=120, tls=tls.context(trusted)) as c:
            answer = est.post(c, est.body(csrs.plain(key, csrs.device())), "lot", "serverkeygen")
            seen.append((answer.status, answer.headers["Retry-After"]))

    asking = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
    for t in asking:
        t.start()
    with client.Client(server) as c:
        assert c.enroll("lot", csrs.fresh()[1]).status == 201
    for t in asking:
        t.join(limits.seconds(120))
    done, later = [s for s, _ in seen if s == 200], [(s, r) for s, r in seen if s != 200]
    assert len(seen) == 8 and len(done) >= 4 and all(s == 503 and int(r) > 0 for s, r in later) and later
