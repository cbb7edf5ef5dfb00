"""What the page is told: /v1/status, and /v1/live while it happens."""
import contextlib
import json
import socket
import sqlite3
import threading
import time

import pytest

import client
import csrs
import faketime
import limits
import problems
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
        """Does it end, and properly, so soon?  What it tells meanwhile is no end."""
        until = time.monotonic() + limits.seconds(within)
        self.sock.settimeout(limits.seconds(within))
        try:
            for _ in self.lines():
                if (left := until - time.monotonic()) <= 0:
                    return False
                self.sock.settimeout(left)
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


def test_who_listens_leaves_connections_to_the_others(lot, start):
    """A quarter of connections_max: the next one is told to come later, and is taken when one of them has gone."""
    lot.configure("server", "connections_max", "16")
    server = start(lot)
    streams = [Stream(server) for _ in range(4)]
    assert all(next(s.events())[0] == "status" for s in streams)
    with client.Client(server) as c:
        for _ in range(20):
            problems.check(c.get("/v1/live"), "busy")
        assert c.enroll("lot", csrs.fresh()[1]).status == 201 and c.get("/healthz").status == 200
        streams.pop().close()
        limits.wait_for("a place", lambda: c.get("/v1/live").status == 200)
    assert all(next(s.events())[0] == "status" for s in streams)
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


@pytest.mark.short
def test_who_is_not_let_in_is_among_the_refusals(lot, start):
    """By the name of its token where that is known; no client that only asks what to show, no browser sent by another site, no right but the one to enroll."""
    lot.configure("server", "enroll", "token")
    lot.configure("doors", "est", "plain")
    ended, viewer, good = (tokens.make(lot, role, name=name) for role, name in (("enroll", "station-3"), ("viewer", "wall"), ("enroll", "station-4")))
    away = tokens.make(lot, "enroll", "--from", "10.9.0.0/16", name="station-5")
    lot.run("token", "revoke", "station-3")
    with client.Client(start(lot)) as c:
        def post(headers, path="/v1/enroll/lot"):
            return c.request("POST", path, csrs.fresh()[1], {"Content-Type": "application/pkcs10", **headers}).status

        def told():
            status = c.get("/v1/status").json()
            return [(r["code"], r["station"], r["count"], r["batch"], r["device_id"]) for r in status["refusals"]], status["since_start"]["refused"]

        simpleenroll = "/.well-known/est/lot/simpleenroll"
        assert post({}, simpleenroll) == 401
        assert post({**tokens.bearer(good), "Origin": "http://elsewhere.example", "Host": "here.example"}) == 403
        assert c.get("/v1/events", **tokens.bearer(ended)).status == 401
        assert told() == ([], {})
        assert post({}) == 401
        assert [post(tokens.bearer(ended)) for _ in range(2)] == [401, 401]
        assert post(tokens.basic(tokens.wrong()), simpleenroll) == 401
        assert [post(tokens.bearer(token)) for token in (viewer, away)] == [403, 403]
        groups, refused = told()
        assert sorted(groups) == [("forbidden", "station-5", 1, "", ""), ("forbidden", "wall", 1, "", ""),
                                  ("unauthorized", "127.0.0.1", 2, "", ""), ("unauthorized", "station-3", 2, "", "")]
        assert refused == {"unauthorized": 4, "forbidden": 2}
        assert post(tokens.bearer(good)) == 201
        assert "station-3" in c.get("/").body.decode()      # the page without scripts


@pytest.mark.short
def test_refusals_come_back_after_a_restart(lot, start):
    """Also days later on the batch's page, for the ledger has them."""
    server = start(lot)
    with client.Client(server) as c:
        for _ in range(3):
            assert c.enroll("lot", b"rubbish").status == 400
        cn = csrs.device()
        assert c.enroll("lot", csrs.fresh(cn)[1]).status == 201
        assert c.enroll("lot", csrs.fresh(cn)[1]).status == 409
        assert c.enroll("none", csrs.fresh()[1]).status == 404
        before, batch = c.get("/v1/status").json(), c.get("/v1/batches/lot").json()["refusals"]
    assert [(r["code"], r["count"], r["station"], r["device_id"]) for r in batch] == \
        [("device_exists", 1, "127.0.0.1", cn), ("csr_malformed", 3, "127.0.0.1", "")]
    server.stop()
    with client.Client(start(lot)) as c:
        after = c.get("/v1/status").json()
        assert c.get("/v1/batches/lot").json()["refusals"] == batch
        known = lambda status: [(r["code"], r["station"], r["count"], r["first_at"], r["last_at"], r["device_id"]) for r in status["refusals"]]
        assert known(after) == known(before) and len(known(after)) == 3
        assert sum(q["refused"] for q in after["rate"]["quarters"]) == after["rate"]["shift"]["refused"] == 5
        assert c.enroll("lot", b"rubbish").status == 400    # it counts on
        assert c.get("/v1/status").json()["refusals"][0]["count"] == 4


def test_a_crash_loses_the_last_seconds_of_refusals_at_most(lot, start):
    server = start(lot)
    with client.Client(server) as c:
        def kept():
            with contextlib.closing(sqlite3.connect(f"file:{lot.path / 'lineca.db'}?mode=ro", uri=True)) as db:
                return db.execute("SELECT coalesce(sum(count), 0) FROM refusal").fetchone()[0]

        assert c.enroll("lot", b"rubbish").status == 400
        deadline = time.monotonic() + limits.seconds(30)
        while kept() != 1:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    server.kill()
    with client.Client(start(lot)) as c:
        (one,) = c.get("/v1/status").json()["refusals"]
        assert (one["code"], one["count"], one["batch"]) == ("csr_malformed", 1, "lot")


@pytest.mark.parametrize("name", [b"a%0Adata:%20{}%0A%0A", b"%00%01%7f%1b[2J", b"%FF%FEx%C0%80", b"%E2%82", b"%22}%5C", b"x" * 300, b"%C2%85%E2%80%A8",
                                  b"gr%C3%B6%C3%9Fe%F0%9F%98%80"])
def test_names_that_would_break_a_line(lot, start, name):
    """What a device calls its batch is one line of UTF-8 wherever it is shown: no event more, no object that cannot be read."""
    server = start(lot)
    stream = Stream(server)
    events = stream.events()
    next(events)
    with client.Client(server) as c:
        path = "/v1/enroll/" + name.decode("ascii")
        assert c.request("POST", path, csrs.fresh()[1], {"Content-Type": "application/pkcs10"}).status in (400, 404)
        assert c.enroll("lot", b"rubbish").status == 400
        text = c.get("/v1/status").body.decode("utf-8")
    told = next(events)[1]
    while len(told["recent"]) < len(json.loads(text)["recent"]):
        told = next(events)[1]
    for shown in [*told["recent"], *told["refusals"], *json.loads(text)["refusals"]]:
        for value in (shown["batch"], shown["station"], shown["device_id"]):
            assert len(value.encode()) <= 64 and not any(ord(ch) < 0x20 or 0x7f <= ord(ch) < 0xa0 for ch in value), value
    assert text.count("\n") == 1 and text.endswith("}\n")
    stream.close()


@pytest.mark.parametrize("shifts", ["6:00", "06:00,05:00", "25:00", "", "06:00;14:00"])
def test_shifts_that_are_none(home, shifts):
    home.configure("server", "shifts", shifts)
    result = home.run("batch", "list", code=None)
    assert (result.code == 1 and "shifts" in result.err) or (shifts == "" and result.code in (0, 1)), str(result)
