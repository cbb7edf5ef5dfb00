"""What the page is told: /v1/status, and /v1/live while it happens."""
import json
import socket
import threading
import time

import pytest

import client
import csrs
import faketime
import limits
import tokens


class Stream:
    """Server-sent events from a bare socket."""

    def __init__(self, server, headers=None):
        self.sock = client.connect(server)
        more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self.sock.sendall(b"GET /v1/live HTTP/1.1\r\nHost: x\r\n" + more.encode() + b"\r\n")
        self.file = self.sock.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.type = None
        while (line := self.file.readline().strip()):
            if line.lower().startswith(b"content-type:"):
                self.type = line.split(b":", 1)[1].strip().decode()

    def lines(self):
        """Lines out of the chunks."""
        rest = b""
        while size := int(self.file.readline().strip() or b"0", 16):
            rest += self.file.read(size)
            self.file.readline()
            *whole, rest = rest.split(b"\n")
            yield from whole

    def events(self):
        name = None
        for line in self.lines():
            if line.startswith(b"event: "):
                name = line[7:].decode()
            elif line.startswith(b"data: "):
                yield name, json.loads(line[6:])

    def ends(self, within=2.5):
        """Does it end, and properly, so soon?"""
        self.sock.settimeout(limits.seconds(within))
        try:
            for _ in self.lines():
                pass
        except TimeoutError:
            return False
        return True

    def close(self):
        self.sock.close()


@pytest.fixture
def lot(home):
    home.batch("lot", 50)
    return home


@pytest.mark.short
def test_told_within_a_second_or_two(lot, start):
    server = start(lot)
    stream = Stream(server)
    assert stream.status == 200 and stream.type == "text/event-stream"
    events = stream.events()
    name, first = next(events)
    assert name == "status" and first["line"]["state"] == "idle" and first["recent"] == []
    cn = csrs.device()
    began = time.monotonic()
    with client.Client(server) as c:
        assert c.enroll("lot", csrs.fresh(cn)[1]).status == 201
        assert c.enroll("none", csrs.fresh()[1]).status == 404
    while len(first["recent"]) < 2:
        _, first = next(events)
        assert time.monotonic() - began < limits.seconds(5)
    assert time.monotonic() - began < limits.seconds(2.5)
    refused, issued = first["recent"]
    assert (issued["outcome"], issued["device_id"], issued["batch"], issued["code"]) == ("issued", cn, "lot", None)
    assert (refused["outcome"], refused["code"], refused["batch"]) == ("refused", "batch_not_found", "none")
    assert first["line"]["state"] == "issuing"
    stream.close()


@pytest.mark.short
def test_many_listen_and_the_server_stops(lot, start):
    server = start(lot)
    streams = [Stream(server) for _ in range(50)]
    for s in streams:
        next(s.events())
    with client.Client(server) as c:
        assert c.enroll("lot", csrs.fresh()[1]).status == 201
    began = time.monotonic()
    server.signal()
    assert server.wait() == 0 and time.monotonic() - began < limits.seconds(5)
    for s in streams:
        s.close()


def test_one_that_does_not_read_harms_nobody(lot, start):
    lot.configure("limits", "reply_s", "2")
    server = start(lot)
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect((server.host, server.port))
    deaf.sendall(b"GET /v1/live HTTP/1.1\r\nHost: x\r\n\r\n")
    hears = Stream(server).events()
    next(hears)
    with client.Client(server) as c:
        for _ in range(4):
            assert c.enroll("lot", csrs.fresh()[1]).status == 201
            time.sleep(1)
    assert next(hears)[1]["totals"]["issued"] >= 1
    deaf.close()


def test_clients_come_and_go(lot, start):
    server = start(lot)

    def visit():
        for _ in range(20):
            s = Stream(server)
            next(s.events())
            s.close()

    visitors = [threading.Thread(target=visit) for _ in range(4)]
    for t in visitors:
        t.start()
    with client.Client(server) as c:
        for _ in range(30):
            assert c.enroll("lot", csrs.fresh()[1]).status == 201
    for t in visitors:
        t.join(limits.seconds(30))
    assert server.alive()


@pytest.fixture
def guarded(lot):
    lot.configure("server", "read", "token")
    return lot


@pytest.mark.short
def test_signing_out_ends_the_stream_and_no_other(guarded, start):
    """A stream is judged once, when it begins; it does not outlive what it was judged by."""
    server = start(guarded)
    badge = tokens.make(guarded, "viewer", name="anna")
    assert Stream(server).status == 401
    with client.Client(server) as c:
        mine, other = tokens.signed_in(c, badge), tokens.signed_in(c, badge)
        ended, stays = Stream(server, mine), Stream(server, other)
        assert c.request("DELETE", "/v1/session", headers=mine).status == 204
        assert ended.ends() and not stays.ends(within=2)
        assert Stream(server, mine).status == 401
    stays.close()


@pytest.mark.short
@pytest.mark.parametrize("how", ["session", "bearer"])
def test_revoking_a_token_ends_its_streams(guarded, start, how):
    server = start(guarded)
    badge, kept = tokens.make(guarded, "technician", name="anna"), tokens.make(guarded, "viewer", name="bert")
    with client.Client(server) as c:
        headers = tokens.signed_in(c, badge) if how == "session" else tokens.bearer(badge)
        streams, stays = [Stream(server, headers) for _ in range(3)], Stream(server, tokens.bearer(kept))
        guarded.run("token", "revoke", "anna")
        assert all(s.ends() for s in streams)
        assert Stream(server, headers).status == 401 and not stays.ends(within=2)
    stays.close()


def test_a_token_that_expires_ends_its_stream(guarded, start):
    """By the server's clock, which jumps."""
    clock = faketime.Clock(guarded.path.parent / "clock")
    server = start(guarded, env=clock.environment())
    badge = tokens.make(guarded, "viewer", "--expires", "1d", name="anna")
    stream = Stream(server, tokens.bearer(badge))
    next(stream.events())
    clock.turn("+25h")
    assert stream.ends(within=5) and Stream(server, tokens.bearer(badge)).status == 401


def test_listening_keeps_nobody_signed_in(guarded, start):
    """An open page is no use of its session: idle for too long it is over, and so is its stream."""
    guarded.configure("server", "session_idle_min", "1")
    server = start(guarded)
    badge = tokens.make(guarded, "viewer", name="anna")
    with client.Client(server) as c:
        stream = Stream(server, tokens.signed_in(c, badge))
        assert c.enroll("lot", csrs.fresh()[1]).status == 201  # it is told something meanwhile
        assert stream.ends(within=66)


def test_who_needs_no_right_listens_on(lot, start):
    """Reading is open: nobody's token or session matters to who showed none."""
    server = start(lot)
    badge = tokens.make(lot, "viewer", name="anna")
    with client.Client(server) as c:
        mine = tokens.signed_in(c, badge)
        stream = Stream(server)
        assert c.request("DELETE", "/v1/session", headers=mine).status == 204
        lot.run("token", "revoke", "anna")
        assert not stream.ends(within=2)
    stream.close()


def test_the_states_of_the_line(home, start):
    """waiting: nothing to issue for; idle: there is; issuing; waiting again when it is full."""
    server = start(home)
    with client.Client(server) as c:
        assert c.get("/v1/status").json()["line"] == {"state": "waiting", "needs": []}
        home.batch("lot", 1)
        assert c.get("/v1/status").json()["line"]["state"] == "idle"
        assert c.enroll("lot", csrs.fresh()[1]).status == 201
        assert c.get("/v1/status").json()["line"]["state"] == "waiting"
        home.batch("more", 2)
        assert c.get("/v1/status").json()["line"]["state"] == "issuing"


def test_refusing_says_why(home, start):
    home.batch("lot", 5)
    home.configure("guard", "disk_reserve_mib", 1 << 30)
    with client.Client(start(home)) as c:
        line = c.get("/v1/status").json()["line"]
    assert line["state"] == "refusing"
    assert (line["needs"][0]["what"], line["needs"][0]["level"], line["needs"][0]["code"]) == ("disk", "bad", "disk_low")
    assert len(line["needs"][0]["detail"]) > 10


def test_counts_come_back_after_a_restart(lot, start):
    server = start(lot)
    with client.Client(server) as c:
        for _ in range(7):
            assert c.enroll("lot", csrs.fresh()[1]).status == 201
        before = c.get("/v1/status").json()["rate"]
    server.stop()
    with client.Client(start(lot)) as c:
        after = c.get("/v1/status").json()["rate"]
    assert sum(q["issued"] for q in before["quarters"]) == sum(q["issued"] for q in after["quarters"]) == 7
    assert before["shift"]["issued"] == after["shift"]["issued"] == 7 and after["last_hour"] == 7


def test_refusals_are_grouped(lot, start):
    with client.Client(start(lot)) as c:
        for _ in range(5):
            assert c.enroll("none", csrs.fresh()[1]).status == 404
        assert c.enroll("lot", b"rubbish").status == 400
        refusals = c.get("/v1/status").json()["refusals"]
    assert [(r["code"], r["count"]) for r in refusals] == [("csr_malformed", 1), ("batch_not_found", 5)]
    assert {r["station"] for r in refusals} == {"127.0.0.1"}


@pytest.mark.parametrize("shifts", ["6:00", "06:00,05:00", "25:00", "", "06:00;14:00"])
def test_shifts_that_are_none(home, shifts):
    home.configure("server", "shifts", shifts)
    result = home.run("batch", "list", code=None)
    assert (result.code == 1 and "shifts" in result.err) or (shifts == "" and result.code in (0, 1)), str(result)
