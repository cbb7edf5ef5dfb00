"""What people change over HTTP: batches and the queue. Each change is checked, done in whole or not at all, and recorded with who, from where and when."""
import contextlib
import fcntl
import json
import threading
import time

import pytest

import client
import csrs
import home as homes
import limits
import load
import problems
import server as servers
import tokens
import uploads

JSON = {"Content-Type": "application/json"}


class Line:
    def __init__(self, home):
        self.home = home
        self.tokens = {role: tokens.make(home, role, name=name) for role, name in (
            ("technician", "tina"), ("admin", "anna"), ("viewer", "vera"))}
        self.server = servers.Server(home)
        self.client = client.Client(self.server)

    def change(self, method, path, body, role="technician", c=None):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return (c or self.client).request(method, path, body, {**JSON, **tokens.bearer(self.tokens[role])})

    def create(self, role="technician", **members):
        members.setdefault("name", csrs.device())
        members.setdefault("quantity", 10)
        return self.change("POST", "/v1/batches", members, role)

    def made(self, **members):
        """The batch, as the answer has it."""
        answer = self.create(**members)
        assert answer.status == 201, str(answer)
        return answer.json()

    def patch(self, name, role="technician", **members):
        return self.change("PATCH", f"/v1/batches/{name}", members, role)

    def names(self):
        return [row["name"] for row in self.home.json("batch", "list")]

    def event(self):
        """The newest, the same over HTTP and on the command line."""
        shown = self.client.request("GET", "/v1/events?limit=1", headers=tokens.bearer(self.tokens["viewer"])).json()["events"]
        assert shown == self.home.json("event", "list", "--limit", "1")
        (event,) = shown
        assert homes.RFC3339.match(event["at"])
        return event

    def stop(self):
        self.client.close()
        self.server.stop()


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    made = Line(homes.Home(tmp_path_factory.mktemp("changes") / "home").init())
    yield made
    made.stop()


@pytest.fixture
def lot(line):
    """A batch of the test's own."""
    return line.made()["name"]


def refused(answer, *words, code="bad_request"):
    doc = problems.check(answer, code)
    for word in words:
        assert word in doc["detail"], doc
    return doc["detail"]


# ---- POST /v1/batches

@pytest.mark.short
def test_create(line):
    name = csrs.device()
    answer = line.create(name=name, quantity=7)
    assert answer.status == 201 and answer.type == "application/json" and answer.headers["Location"] == f"/v1/batches/{name}"
    row = answer.json()
    assert set(row) >= homes.BATCH_FIELDS
    assert (row["name"], row["state"], row["quantity"], row["issued"], row["profile"], row["pattern"]) == (name, "open", 7, 0, "default", None)
    assert line.home.batch_show(name).items() >= {k: row[k] for k in homes.BATCH_FIELDS}.items()
    assert line.client.get(answer.headers["Location"]).json() == {**row, "refusals": []}
    assert line.client.enroll(name, csrs.fresh()[1]).status == 201
    event = line.event()
    assert (event["action"], event["object"], event["actor"], event["address"], event["reason"]) == ("batch.create", name, "token:tina", "127.0.0.1", "")
    assert "7" in event["detail"]


def test_create_with_everything(line):
    line.home.configure("profile brief", "validity_days", "5")
    name = csrs.device()
    devices = [f"SN{i:04d}" for i in range(20)]
    answer = line.create(name=name, quantity=20, pattern="SN[0-9]{4}", devices=devices, profile="default", ca="lineca-ca", approval=False,
                         reason="order 4711, urgent")
    assert answer.status == 201, str(answer)
    row = answer.json()
    assert (row["pattern"], row["listed"], row["ca"]) == ("SN[0-9]{4}", True, "lineca-ca")
    assert line.event()["reason"] == "order 4711, urgent"
    assert line.client.enroll(name, csrs.fresh("SN0007")[1]).status == 201
    problems.check(line.client.enroll(name, csrs.fresh("SN0020")[1]), "device_not_listed")
    problems.check(line.client.enroll(name, csrs.fresh("XN0001")[1]), "device_not_listed")


WRONG = [
    (b"", "name"), (b"{}", "name"), (b"[]", "object"), (b"null", "object"), (b"5", "object"), (b'"x"', "object"), (b"{", "object"), (b"\xff\xfe", "object"),
    (b'{"name":"x"}', "quantity"), (b'{"quantity":5}', "name"), (b'{"name":5,"quantity":5}', "name"), (b'{"name":null,"quantity":5}', "name"),
    (b'{"name":"x","quantity":"5"}', "quantity"), (b'{"name":"x","quantity":true}', "quantity"), (b'{"name":"x","quantity":null}', "quantity"),
    (b'{"name":"x","quantity":0}', "quantity"), (b'{"name":"x","quantity":-1}', "quantity"), (b'{"name":"x","quantity":1.5}', "quantity"),
    (b'{"name":"x","quantity":1e30}', "quantity"), (b'{"name":"x","quantity":1000000001}', "quantity"), (b'{"name":"x","quantity":1e999}', "quantity"),
    (b'{"name":"x","quantity":5,"pattern":5}', "pattern"), (b'{"name":"x","quantity":5,"pattern":"("}', "pattern"),
    (b'{"name":"x","quantity":5,"pattern":""}', "pattern"), (b'{"name":"x","quantity":5,"pattern":"(a*)\\\\1"}', "pattern"),
    (b'{"name":"x","quantity":5,"devices":"a"}', "devices"), (b'{"name":"x","quantity":5,"devices":{}}', "devices"),
    (b'{"name":"x","quantity":5,"devices":[1]}', "devices"), (b'{"name":"x","quantity":5,"devices":["a",null]}', "devices"),
    (b'{"name":"x","quantity":5,"devices":[]}', "device"), (b'{"name":"x","quantity":5,"devices":["a b"]}', "a b"),
    (b'{"name":"x","quantity":5,"devices":[""]}', "device"), (b'{"name":"x","quantity":5,"devices":["a","b","a"]}', "a"),
    (b'{"name":"x","quantity":5,"devices":["a","b1"],"pattern":"[a-z]"}', "b1"), (b'{"name":"x","quantity":5,"profile":"none"}', "none"),
    (b'{"name":"x","quantity":5,"ca":"none"}', "none"), (b'{"name":"x","quantity":5,"aws":"none"}', "none"),
    (b'{"name":"x","quantity":5,"approval":"yes"}', "approval"), (b'{"name":"x","quantity":5,"approval":1}', "approval"),
    (b'{"name":"x","quantity":5,"reason":5}', "reason"), (b'{"name":"x","quantity":5,"Quantity":6}', "Quantity"),
    (b'{"name":"x","quantity":5,"pattrn":"x"}', "pattrn"), (b'{"name":"x","quantity":5} trailing', ""), (b'{"name":"x","quantity":5}{}', ""),
    (b'{"name":"x","quantity":5,"quantity":500}', "quantity"), (b'{"name":"x","name":"y","quantity":5}', "name"),
    (b'{"name":"x\\u0000y","quantity":5}', ""), (b"{" * 5000, ""), (b"[" * 200000, ""),
]


@pytest.mark.short
@pytest.mark.parametrize("body,word", WRONG, ids=range(len(WRONG)))
def test_create_wrongly(line, body, word):
    """400 with what is wrong; no batch, no event."""
    before, event = line.names(), line.event()
    detail = refused(line.change("POST", "/v1/batches", body), word)
    assert "--" not in detail, f"options of the command line mean nothing here: {detail}"
    assert line.names() == before and line.event() == event


@pytest.mark.short
@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "../x", "x" * 65, "ä", "-x", "a\nb", ".", "..", "a;b", "lot'--", "%2e", "."])
def test_names_that_are_none(line, name):
    before = line.names()
    refused(line.create(name=name), "name")
    assert line.names() == before


@pytest.mark.short
def test_a_name_that_is_taken(line, lot):
    """Never a second batch of a name, however it ended."""
    assert line.patch(lot, state="closed").status == 200
    refused(line.create(name=lot), lot, code="conflict")
    assert line.home.batch_show(lot)["state"] == "closed"


@pytest.mark.short
@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded"])
def test_only_json(line, media):
    answer = line.client.request("POST", "/v1/batches", b'{"name":"x","quantity":5}',
                                 {"Content-Type": media, **tokens.bearer(line.tokens["technician"])})
    problems.check(answer, "media_type")


def test_a_body_that_is_too_large(line):
    """Refused by its length: nobody waits for it."""
    for method, path, size in (("POST", "/v1/batches", 5 << 20), ("PATCH", "/v1/batches/x", 5000), ("POST", "/v1/uploads/retry", 5000)):
        with client.connect(line.server) as s:
            s.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n"
                      f"Authorization: Bearer {line.tokens['admin']}\r\n\r\n".encode() + b"{" * min(size, 100000))
            (answer,) = client.read_answers(s, 1)
        problems.check(answer, "body_too_large")


def test_many_devices(line):
    """50,000 in one order, of which each is listed; twice the same is refused in whole."""
    name = csrs.device()
    devices = [f"board-{i:012d}" for i in range(50000)]
    answer = line.create(name=name, quantity=50000, devices=devices)
    assert answer.status == 201, str(answer)
    for cn in (devices[0], devices[31415], devices[-1]):
        assert line.client.enroll(name, csrs.fresh(cn)[1]).status == 201
    problems.check(line.client.enroll(name, csrs.fresh("board-000000050000")[1]), "device_not_listed")
    other = csrs.device()
    refused(line.create(name=other, quantity=50000, devices=[*devices, devices[17]]), devices[17])
    assert other not in line.names()


def test_the_line_goes_on_meanwhile(line):
    """Devices are served while long lists go into the ledger; no answer waits long."""
    lot = line.made(quantity=1000000)["name"]
    devices = [f"x{i:06d}" for i in range(50000)]
    work = load.Load(line.server, lot, 3)
    try:
        work.until(20, limits.seconds(20))
        slowest, stop = [0.0], threading.Event()

        def watch():
            with client.Client(line.server) as c:
                while not stop.is_set():
                    csr = csrs.fresh()[1]
                    began = time.monotonic()
                    assert c.enroll(lot, csr).status == 201
                    slowest[0] = max(slowest[0], time.monotonic() - began)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        for _ in range(4):
            held = len(work.held)
            line.made(devices=devices, quantity=50000)
            assert len(work.held) > held, "nobody was served meanwhile"
        stop.set()
        watcher.join(limits.seconds(20))
    finally:
        work.stop(limits.seconds(20))
    assert work.refused == [] and work.cut == []
    assert 0 < slowest[0] < limits.seconds(2), f"an answer took {slowest[0]:.2f} s"


def test_while_the_command_line_makes_one(line):
    """Both may, one after the other: who comes second is told to come again, or waits; nothing is lost."""
    with open(line.home.path / "batch.lock", "a+b") as lock:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        answer = line.create()
        assert answer.status in (201, 409, 503), str(answer)
        if answer.status != 201:
            problems.check(answer)
    assert line.create().status == 201


# ---- approval

@pytest.mark.short
def test_approval(line):
    """A batch that waits: 403 with Retry-After, until somebody opens it; then the same request is answered."""
    name = line.made(approval=True)["name"]
    assert line.home.batch_show(name)["state"] == "waiting"
    _, csr = csrs.fresh()
    answer = line.client.enroll(name, csr)
    doc = problems.check(answer, "batch_waiting")
    assert int(answer.headers["Retry-After"]) > 0 and "approval" in doc["detail"]
    assert line.patch(name, state="open", reason="checked").json()["state"] == "open"
    assert line.client.enroll(name, csr).status == 201
    event = line.event()
    assert (event["action"], event["detail"], event["reason"]) == ("batch.open", "waiting -> open", "checked")


@pytest.mark.short
def test_a_waiting_batch_is_refused_for_good(line):
    name = line.made(approval=True)["name"]
    assert line.patch(name, state="closed").json()["state"] == "closed"
    problems.check(line.client.enroll(name, csrs.good()), "batch_closed")


# ---- PATCH /v1/batches/{name}

@pytest.mark.short
def test_close_and_open(line, lot):
    """At once, for the next request; closing again is no error and no event."""
    _, csr = csrs.fresh()
    first = line.client.enroll(lot, csr)
    answer = line.patch(lot, state="closed", reason="shift is over")
    assert answer.status == 200 and answer.json()["state"] == "closed"
    event = line.event()
    assert (event["action"], event["object"], event["actor"], event["detail"], event["reason"]) == (
        "batch.close", lot, "token:tina", "open -> closed", "shift is over")
    problems.check(line.client.enroll(lot, csrs.fresh()[1]), "batch_closed")
    again = line.client.enroll(lot, csr)
    assert again.status == 200 and again.body == first.body, "what was issued is answered for ever"
    assert line.patch(lot, state="closed").status == 200
    assert line.event() == event
    assert line.patch(lot, state="open").json()["state"] == "open"
    assert line.client.enroll(lot, csrs.fresh()[1]).status == 201


@pytest.mark.short
def test_quantity(line):
    """An admin raises an order, with a reason; nobody makes it smaller."""
    lot = line.made(quantity=1)["name"]
    assert line.client.enroll(lot, csrs.fresh()[1]).status == 201
    _, csr = csrs.fresh()
    problems.check(line.client.enroll(lot, csr), "batch_full")
    refused(line.patch(lot, quantity=2, reason="more"), "tina", code="forbidden")
    refused(line.patch(lot, "viewer", quantity=2, reason="more"), code="forbidden")
    for reason in ({}, {"reason": ""}, {"reason": " \t "}):
        refused(line.patch(lot, "admin", quantity=2, **reason), "reason")
    assert line.home.batch_show(lot)["quantity"] == 1
    assert line.patch(lot, "admin", quantity=2, reason="one more was ordered").json()["quantity"] == 2
    event = line.event()
    assert (event["action"], event["actor"], event["detail"], event["reason"]) == (
        "batch.quantity", "token:anna", "quantity 1 -> 2", "one more was ordered")
    assert line.client.enroll(lot, csr).status == 201
    refused(line.patch(lot, "admin", quantity=1, reason="less"), code="conflict")
    assert line.patch(lot, "admin", quantity=2, reason="the same").status == 200
    assert line.event() == event, "nothing has changed"
    for wrong in (0, -1, 1.5, "3", 10**9 + 1):
        refused(line.patch(lot, "admin", quantity=wrong, reason="x"), "quantity")
    assert line.home.batch_show(lot)["quantity"] == 2


@pytest.mark.short
@pytest.mark.parametrize("body", [b"", b"{}", b'{"reason":"x"}', b'{"state":"open","quantity":50,"reason":"x"}', b'{"state":"waiting"}', b'{"state":"Open"}',
                                  b'{"state":""}', b'{"state":null}', b'{"state":true}', b'{"name":"y"}', b'{"state":"closed","pattern":"x"}',
                                  b'{"state":"closed"} x', b'{"state":"open","state":"closed"}', b"[]", b"{"])
def test_patch_wrongly(line, lot, body):
    event = line.event()
    refused(line.change("PATCH", f"/v1/batches/{lot}", body, "admin"))
    assert line.home.batch_show(lot)["state"] == "open" and line.event() == event


@pytest.mark.short
def test_patch_of_none(line):
    for members in ({"state": "open"}, {"quantity": 5, "reason": "x"}):
        for name in ("nowhere", "a%20b", "x" * 200, "%27", "lot%00"):
            answer = line.patch(name, "admin", **members)
            problems.check(answer, "batch_not_found", "not_found")


@pytest.mark.short
@pytest.mark.parametrize("reason", ["ü 漢字 🙂", "line\nbreak", "tab\there", "\x1b[2J", '"quoted" \\ back', "x" * 300, "x" * 3500, "ü" * 600, "<b>", "\x7f"])
def test_reasons_of_all_kinds(line, lot, reason):
    """Kept as it is, cut or refused; never a 500, and no control characters on a terminal or in the log."""
    answer = line.patch(lot, state="closed", reason=reason)
    assert answer.status in (200, 400), str(answer)
    if answer.status == 200:
        kept = line.event()["reason"]
        assert kept == reason or (len(reason) > 200 and reason.startswith(kept.rstrip("….")[:150])) or (len(reason) < 50 and len(kept) >= len(reason) - 3)
    shown = line.home.run("event", "list", "--limit", "1").out
    assert "\x1b" not in shown and len(shown.splitlines()) == 2, repr(shown)
    assert "\x1b" not in line.server.log()


# ---- POST /v1/uploads/retry

def test_retry(place, standin):
    """What AWS refused is put back, of one batch or of all; how many is said, and by whom is recorded."""
    home = place.home
    home.batch("one", 10)
    home.batch("two", 10)
    line = Line(home)
    try:
        for name in ("one", "one", "two"):
            assert line.client.enroll(name, csrs.fresh()[1]).status == 201
        place.run("aws", "register-ca")
        place.cloud.faults({"kind": "error", **uploads.BAD_ROW, **uploads.REGISTER})
        place.run("upload", code=3)
        assert home.batch_show("one")["parked"] == 2 and home.batch_show("two")["parked"] == 1
        answer = line.change("POST", "/v1/uploads/retry", {"batch": "one", "reason": "policy mended"})
        assert answer.status == 200 and answer.json() == {"retried": 2}, str(answer)
        event = line.event()
        assert (event["action"], event["object"], event["actor"], event["detail"], event["reason"]) == (
            "upload.retry", "one", "token:tina", "2 parked", "policy mended")
        assert line.change("POST", "/v1/uploads/retry", b"").json() == {"retried": 1}
        assert home.batch_show("one")["parked"] == home.batch_show("two")["parked"] == 0
        assert line.change("POST", "/v1/uploads/retry", {}).json() == {"retried": 0}
        # one certificate
        place.run("upload", code=3)
        first, second, third = home.json("cert", "list", "--state", "parked")
        answer = line.change("POST", "/v1/uploads/retry", {"serial": first["serial"], "reason": "looked at by hand"})
        assert answer.status == 200 and answer.json() == {"retried": 1}, str(answer)
        event = line.event()
        assert (event["action"], event["object"], event["reason"]) == ("certificate.retry", first["device_id"], "looked at by hand")
        assert first["serial"] in event["detail"]
        assert line.change("POST", "/v1/uploads/retry", {"serial": first["serial"]}).json() == {"retried": 0}
        assert "1 certificate is back" in place.run("upload", "retry", "--serial", second["serial"]).err
        assert "0 certificates are back" in place.run("upload", "retry", "--serial", second["serial"]).err
        assert [c["serial"] for c in home.json("cert", "list", "--state", "parked")] == [third["serial"]]
        problems.check(line.change("POST", "/v1/uploads/retry", {"serial": "0" * 32}), "not_found")
        assert "no certificate" in place.run("upload", "retry", "--serial", "0" * 32, code=1).err
        assert "hexadecimal" in place.run("upload", "retry", "--serial", "SN1", code=2).err
        place.run("upload", "retry", "--serial", third["serial"], "--batch", "one", code=2)
    finally:
        line.stop()


@pytest.mark.short
@pytest.mark.parametrize("body,code", [(b'{"batch":"nowhere"}', "batch_not_found"), (b'{"batch":5}', "bad_request"), (b'{"lot":"x"}', "bad_request"),
                                       (b"[]", "bad_request"), (b'{"batch":"x"', "bad_request"), (b'{"batch":null}', "bad_request"),
                                       (b'{"serial":"SN00001"}', "not_found"), (b'{"serial":7}', "bad_request"),
                                       (b'{"serial":"00","batch":"lot"}', "bad_request")])
def test_retry_wrongly(line, body, code):
    problems.check(line.change("POST", "/v1/uploads/retry", body), code)


# ---- events

@pytest.mark.short
def test_events_page(line):
    """Newest first, page by page, each once."""
    for _ in range(5):
        line.made()
    reading = tokens.bearer(line.tokens["viewer"])

    def page(query):
        return line.client.request("GET", f"/v1/events?{query}", headers=reading).json()

    found, before = [], ""
    while True:
        got = page(f"limit=3{before}")
        found += got["events"]
        if got["next"] is None:
            break
        before = f"&before={got['next']}"
    ids = [event["id"] for event in found]
    assert ids == sorted(set(ids), reverse=True) and found == line.home.json("event", "list", "--limit", "100000")
    for query in ("limit=0", "limit=x", "before=x", "before=-1", "limit=100000"):
        problems.check(line.client.get(f"/v1/events?{query}"), "bad_request")


def test_events_about_one(line):
    """By name, however many others came later; a device's page has none of a batch that is called like it."""
    name = line.made()["name"]
    line.change("PATCH", f"/v1/batches/{name}", {"state": "closed", "reason": "shift ends"})
    for _ in range(3):
        line.made()
    reading = tokens.bearer(line.tokens["viewer"])
    found = line.client.request("GET", f"/v1/events?limit=2&object={name}", headers=reading).json()["events"]
    assert [(e["action"], e["object"]) for e in found] == [("batch.close", name), ("batch.create", name)]
    assert line.client.request("GET", "/v1/events?object=nobody", headers=reading).json() == {"events": [], "next": None}
    other = line.home.batch(csrs.device(), 3)
    assert line.client.enroll(other, csrs.fresh(name)[1]).status == 201
    device = line.client.request("GET", f"/v1/devices/{name}", headers=reading).json()
    assert device["certificates"][0]["batch"] == other and device["events"] == []


@pytest.mark.short
def test_changes_of_the_command_line(line):
    """They are events too, by who is logged in on the machine."""
    name = line.home.batch(csrs.device(), 3)
    made = line.event()
    line.home.run("batch", "close", name)
    closed = line.event()
    assert [(e["action"], e["object"], e["address"]) for e in (made, closed)] == [("batch.create", name, ""), ("batch.close", name, "")]
    assert made["actor"] == closed["actor"] and not made["actor"].startswith("token:") and made["actor"]


@pytest.mark.short
def test_a_change_is_logged_once(line, lot):
    answer = line.patch(lot, state="closed", reason="secret plans")
    (entry,) = limits.wait_for("the line", lambda: line.server.lines_with(answer.headers["X-Request-Id"]))
    for word in (" change ", "who=token:tina", f"on={lot}", "peer=127.0.0.1"):
        assert word in entry, entry


def test_who_leaves_before_the_answer(line):
    """The change is done all the same, once, and recorded."""
    name = csrs.device()
    body = json.dumps({"name": name, "quantity": 5, "devices": [f"{name}-{i}" for i in range(20000)]}).encode()
    with client.connect(line.server) as s:
        s.sendall(f"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                  f"Authorization: Bearer {line.tokens['technician']}\r\n\r\n".encode() + body)
    limits.wait_for("the batch", lambda: name in line.names())
    limits.wait_for("its event", lambda: line.event()["object"] == name)


def test_a_list_of_too_many_costs_no_memory(home):
    """4 MB of one digit each are refused before they are read, which would take 150 MB; the most that may come is taken."""
    line = Line(home)
    body = b'{"name":"lot","quantity":5,"devices":[' + b"1," * 2000000 + b"1]}"
    assert len(body) < 4 * 1024 * 1024

    def peak_kib():
        with open(f"/proc/{line.server.process.pid}/status") as f:
            return int(next(row for row in f if row.startswith("VmHWM")).split()[1])

    before = peak_kib()
    doc = problems.check(line.change("POST", "/v1/batches", body), "bad_request")
    assert "250000" in doc["detail"] and "several batches" in doc["detail"]
    assert peak_kib() - before < 30 * 1024, peak_kib() - before
    assert line.made(name="lot", quantity=249000, devices=[f"d{i:06d}" for i in range(249000)])["quantity"] == 249000
    line.stop()


def test_stop_while_a_change_is_made(home):
    """SIGTERM waits for it: the batch is there in whole, with its answer, or it is not and was refused."""
    line = Line(home)
    name = csrs.device()
    got = []

    def ask():
        with client.Client(line.server) as c:
            got.append(line.change("POST", "/v1/batches", {"name": name, "quantity": 50000, "devices": [f"d{i:06d}" for i in range(50000)]}, c=c))

    asked = threading.Thread(target=ask)
    asked.start()
    time.sleep(0.1)
    line.stop()
    asked.join(limits.seconds(20))
    assert len(got) == 1 and got[0].status in (201, 503), got
    assert (got[0].status == 201) == (name in line.names())


def test_events_of_a_batch(line):
    """What was done to it, to the certificates of its devices, registered or not, and to the devices; and what was done to all. Nothing else, page by page."""
    reading = tokens.bearer(line.tokens["viewer"])
    name, other = line.made()["name"], line.made()["name"]
    names = [csrs.device() for _ in range(3)]
    for cn, batch in zip(names, (name, name, other)):
        assert line.client.enroll(batch, csrs.fresh(cn)[1]).status == 201
    serial = {row["device_id"]: row["serial"] for row in line.home.certificates("--limit", "100")}
    for cn in (names[0], names[2]):
        assert line.change("POST", f"/v1/certificates/{serial[cn]}/revoke", {"reason": f"stolen {cn}"}).status == 200
    for cn in names[1:]:
        assert line.change("POST", f"/v1/devices/{cn}/rework", {"reason": f"new board {cn}"}).status == 200
    line.change("PATCH", f"/v1/batches/{name}", {"state": "closed", "reason": "shift ends"})
    line.change("POST", "/v1/uploads/retry", {"reason": "all again"})

    def of(batch, limit):
        found, before, pages = [], "", 0
        while before is not None:
            got = line.client.request("GET", f"/v1/events?batch={batch}&limit={limit}{before}", headers=reading).json()
            found, pages = found + got["events"], pages + 1
            before = f"&before={got['next']}" if got["next"] else None
        assert [e["id"] for e in found] == sorted({e["id"] for e in found}, reverse=True) and pages < 100
        return [(e["action"], e["object"]) for e in found if e["action"] != "upload.retry" or e["reason"] == "all again"], found

    wanted = [("upload.retry", ""), ("batch.close", name), ("device.rework", names[1]), ("certificate.revoke", names[0]), ("batch.create", name)]
    assert of(name, 100)[0] == wanted == of(name, 1)[0] == of(name, 2)[0]
    revoked = next(e for e in of(name, 100)[1] if e["action"] == "certificate.revoke")
    assert revoked["reason"] == f"stolen {names[0]}" and serial[names[0]] in revoked["detail"] and revoked["address"]
    assert of(other, 100)[0] == [("upload.retry", ""), ("device.rework", names[2]), ("certificate.revoke", names[2]), ("batch.create", other)]
    problems.check(line.client.request("GET", "/v1/events?batch=none", headers=reading), "batch_not_found")
