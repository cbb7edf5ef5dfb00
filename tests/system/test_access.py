"""Tokens at the door: how they are shown, when they stop to count, what a wrong one costs, and what is left behind of them."""
import contextlib
import hashlib
import http.client
import json
import socket
import time

import pytest

import client
import csrs
import faketime
import home as homes
import keys
import limits
import problems
import server as servers
import tls
import tokens

# the refusals of an address are logged so often a minute at most, and at the start as many at once
LOGGED = 12


@pytest.fixture
def guarded(home):
    """A home where every right needs a token, and an open batch."""
    home.configure("server", "enroll", "token")
    home.configure("server", "read", "token")
    home.batch("lot", 100000)
    return home


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The same with a server, for tests that change nothing."""
    made = type("Site", (), {})()
    made.home = homes.Home(tmp_path_factory.mktemp("access") / "home").init()
    made.home.configure("server", "enroll", "token")
    made.home.configure("server", "read", "token")
    made.home.configure("limits", "wrong_tokens_per_minute", "100000")
    made.home.batch("lot", 100000)
    made.tokens = {role: tokens.make(made.home, role) for role in tokens.ROLES}
    made.server = servers.Server(made.home)
    yield made
    made.server.stop()


@pytest.fixture
def asker(site):
    with client.Client(site.server) as c:
        yield c


def status(c, headers, path="/v1/status"):
    return c.request("GET", path, headers=headers).status


# ---- how it is shown

@pytest.mark.short
@pytest.mark.parametrize("form", [
    "Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "Bearer {} ", "Bearer {}\t", "Bearer {upper}", "bEaReR {}"])
def test_bearer(site, asker, form):
    """RFC 9110 11.1: the scheme in any case; a scanner may type capitals, and spaces."""
    token = site.tokens["viewer"]
    assert status(asker, {"Authorization": form.format(token, upper=token.upper())}) == 200


@pytest.mark.short
@pytest.mark.parametrize("user", ["", "estuser", "a b", "ü", "x" * 200])
def test_basic(site, asker, user):
    assert status(asker, tokens.basic(site.tokens["viewer"], user)) == 200


@pytest.mark.short
@pytest.mark.parametrize("header", [
    "", " ", "Bearer", "Bearer ", "Basic", "Basic ", "Digest {}", "Token {}", "{}", "Bearer{}", "Bearer {}x", "Bearer x{}", "Bearer {} {}",
    "Bearer \"{}\"", "Bearer token={}", "Basic {}", "Basic ====", "Basic !!!!", "Basic Zm9v", "Basic OmE=", "Bearer " + "x" * 600, "Negotiate YII=",
    "Bearer {short}", "Bearer \x80\xff\xfe", "Bearer %s%n", "Basic " + "QUFB" * 500, "Bearer {},Bearer {}", "Bearer {}\x0b"])
def test_what_is_no_token(site, asker, header):
    """What is there and cannot be read is not passed over: 401, also where nothing was needed but the right to read."""
    token = site.tokens["viewer"]
    answer = asker.request("GET", "/v1/status", headers={"Authorization": header.format(token, token, short=token[:-1])})
    problems.check(answer, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert token not in answer.body.decode() and token not in str(answer.headers)


@pytest.mark.short
def test_a_401_says_how(site, asker):
    for method, path in (("GET", "/v1/status"), ("POST", "/v1/enroll/lot"), ("POST", "/v1/batches"), ("POST", "/v1/session")):
        answer = asker.request(method, path, b"{}" if method == "POST" else None, {"Content-Type": "application/json"} if "enroll" not in path else {})
        doc = problems.check(answer, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="lineca"'
        assert "token" in doc["detail"], doc


def raw(server, *lines, body=b""):
    with client.connect(server) as s:
        s.sendall("\r\n".join(("GET /v1/status HTTP/1.1", "Host: x", *lines, "", "")).encode("latin-1") + body)
        (answer,) = client.read_answers(s, 1)
    return answer


@pytest.mark.short
def test_two_authorization_headers(site):
    """Which one counts must not be anybody's guess: what stands in front may have looked at the other."""
    good, bad = (f"Authorization: Bearer {t}" for t in (site.tokens["viewer"], tokens.wrong()))
    for lines in ((good, bad), (bad, good), (good, good)):
        assert raw(site.server, *lines).status in (400, 401), lines
    assert raw(site.server, good).status == 200


@pytest.mark.short
def test_a_token_in_a_query_counts_nothing(site, asker):
    """A URL ends up in logs and in histories."""
    for name in ("token", "access_token", "authorization"):
        assert asker.get(f"/v1/status?{name}={site.tokens['admin']}").status == 401
    assert site.tokens["admin"] not in site.server.log()


@pytest.mark.short
def test_an_enroll_token_is_for_enrolling(site, asker):
    shown = tokens.bearer(site.tokens["enroll"])
    assert asker.request("POST", "/v1/enroll/lot", csrs.fresh()[1], shown).status == 201
    for path in ("/v1/status", "/v1/batches", "/v1/certificates", "/v1/events"):
        problems.check(asker.request("GET", path, headers=shown), "forbidden")
    answer = asker.request("POST", "/v1/session", headers=shown)
    problems.check(answer, "forbidden")
    assert answer.headers["Set-Cookie"] is None


@pytest.mark.short
def test_what_is_refused_is_not_read(site, asker):
    """Without a right nobody learns what there is: a batch, a certificate, a wrong body."""
    for path in ("/v1/batches/lot", "/v1/batches/nowhere", "/v1/certificates/00", "/v1/certificates/zz.pem"):
        problems.check(asker.get(path), "unauthorized")
    for batch, body in (("lot", b"nonsense"), ("nowhere", csrs.good()), ("lot", csrs.good())):
        problems.check(asker.enroll(batch, body), "unauthorized")
    problems.check(asker.enroll("lot", csrs.good(), media="image/png"), "unauthorized", "media_type")


# ---- when it stops to count

@pytest.mark.short
def test_revoked_at_once(guarded, start):
    """On the connection that is open, at the next request."""
    token = tokens.make(guarded, "technician", name="bob")
    other = tokens.make(guarded, "technician", name="eve")
    with client.Client(start(guarded), headers=tokens.bearer(token)) as c:
        assert c.get("/v1/status").status == 200
        assert c.enroll("lot", csrs.fresh()[1]).status == 201
        sock = c.http.sock
        guarded.run("token", "revoke", "bob")
        answer = c.get("/v1/status")
        doc = problems.check(answer, "unauthorized")
        assert "revoked" in doc["detail"] and "bob" in doc["detail"] and answer.headers["WWW-Authenticate"]
        problems.check(c.enroll("lot", csrs.fresh()[1]), "unauthorized")
        assert c.http.sock is sock, "the same connection all the time"
        assert status(c, tokens.bearer(other)) == 200
    assert tokens.row(guarded, "bob")["state"] == "revoked"


def test_made_while_the_server_runs(guarded, start):
    with client.Client(start(guarded)) as c:
        assert status(c, tokens.bearer(tokens.make(guarded, "viewer"))) == 200


def test_expiry(guarded, start, tmp_path):
    """By the server's clock, to the second."""
    clock = faketime.Clock(tmp_path / "clock")
    token = tokens.make(guarded, "viewer", "--expires", "1h", name="guest")
    with client.Client(start(guarded, env=clock.environment()), headers=tokens.bearer(token)) as c:
        assert c.get("/v1/status").status == 200
        clock.turn("+59m")
        assert c.get("/v1/status").status == 200
        clock.turn("+61m")
        doc = problems.check(c.get("/v1/status"), "unauthorized")
        assert "expired" in doc["detail"] and "guest" in doc["detail"]


@pytest.mark.short
def test_network(guarded, start):
    """A token that is good elsewhere is refused here, and says where it is good."""
    there = tokens.make(guarded, "enroll", "--from", "10.0.0.0/8", name="there")
    here = tokens.make(guarded, "enroll", "--from", "127.0.0.2", name="here")
    server = start(guarded)
    with client.Client(server) as c, client.Client(server, source="127.0.0.2") as second:
        doc = problems.check(c.request("POST", "/v1/enroll/lot", csrs.good(), tokens.bearer(there)), "forbidden")
        assert "10.0.0.0/8" in doc["detail"] and "127.0.0.1" in doc["detail"]
        for lie in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            value = "for=127.0.0.2" if lie == "Forwarded" else "127.0.0.2"
            problems.check(c.request("POST", "/v1/enroll/lot", csrs.good(), {**tokens.bearer(here), lie: value}), "forbidden")
        assert second.request("POST", "/v1/enroll/lot", csrs.fresh()[1], tokens.bearer(here)).status == 201


@pytest.mark.short
def test_bound_to_a_batch(guarded, start):
    """Good in one batch, which it also chooses where the request names none."""
    guarded.batch("other", 10)
    shown = tokens.bearer(tokens.make(guarded, "enroll", "--batch", "lot"))
    with client.Client(start(guarded), headers=shown) as c:
        assert c.enroll("lot", csrs.fresh()[1]).status == 201
        doc = problems.check(c.enroll("other", csrs.fresh()[1]), "forbidden")
        assert "lot" in doc["detail"] and "other" in doc["detail"]
        problems.check(c.enroll("nowhere", csrs.fresh()[1]), "forbidden")
        assert c.enroll(None, csrs.fresh()[1], accept="application/json").json()["batch"] == "lot"
    assert guarded.batch_show("other")["issued"] == 0


# ---- what a wrong one costs

def guess(server, **kw):
    """(status, Retry-After, seconds it took) of a wrong token."""
    with client.Client(server, **kw) as c:
        began = time.monotonic()
        answer = c.request("GET", "/v1/status", headers=tokens.bearer(tokens.wrong()))
        problems.check(answer, "unauthorized", "too_many_requests")
        return answer.status, answer.headers["Retry-After"], time.monotonic() - began


@pytest.mark.short
def test_guessing_costs_time(guarded, start):
    """Ten at once, then 429, a second late; who holds a good token is not kept out, nor is another address."""
    good = tokens.make(guarded, "viewer")
    server = start(guarded)
    assert [guess(server)[0] for _ in range(10)] == [401] * 10
    for _ in range(3):
        code, retry, took = guess(server)
        assert code == 429 and 1 <= int(retry) <= 60 and took >= 0.9, (code, retry, took)
    with client.Client(server) as c:
        for _ in range(20):
            began = time.monotonic()
            assert status(c, tokens.bearer(good)) == 200
            assert time.monotonic() - began < limits.seconds(0.5)
    assert guess(server, source="127.0.0.2")[0] == 401


GUESSES = [
    ("GET", "/v1/session", None, {}), ("GET", "/", None, {}), ("POST", "/v1/enroll/lot", b"x", {}), ("GET", "/v1/batches", None, {}),
    ("POST", "/v1/session", b"{}", {"Content-Type": "application/json"}), ("POST", "/.well-known/est/simpleenroll", b"x", {}),
]


@pytest.mark.parametrize("method,path,body,headers", GUESSES)
def test_guessing_costs_time_everywhere(guarded, start, method, path, body, headers):
    """No address is a better place to guess at, nor one that fills the log."""
    guarded.configure("doors", "est", "plain")
    with client.Client(start(guarded)) as c:
        took = []
        for _ in range(14):
            began = time.monotonic()
            answer = c.request(method, path, body, {**headers, **tokens.bearer(tokens.wrong())})
            assert answer.status in (401, 429), str(answer)
            took.append(time.monotonic() - began)
        assert all(t >= 0.9 for t in took[11:]), f"{path}: guesses that cost no time: {took}"
    assert len(c.server.lines_with(path)) <= LOGGED


@pytest.mark.parametrize("path,member", [("/v1/session", "token"), ("/1.0/sign", "ott")])
def test_guessing_in_a_body(guarded, start, path, member):
    """A token in the body is no cheaper to guess than one in the head."""
    guarded.configure("doors", "step_ca", "yes")
    good = tokens.make(guarded, "technician")
    server = start(guarded)
    with client.Client(server) as c:
        def show(token):
            began = time.monotonic()
            body = {member: token, "csr": csrs.pem(csrs.fresh()[1]).decode()} if member == "ott" else {member: token}
            answer = c.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})
            return answer.status, time.monotonic() - began
        assert [show(tokens.wrong())[0] for _ in range(10)] == [401] * 10
        code, took = show(tokens.wrong())
        assert code == 429 and took >= 0.9, (code, took)
        assert show(good)[0] == 201


@pytest.mark.short
def test_wrong_tokens_fill_no_log(guarded, start):
    """500 wrong tokens in a row, held ones left behind: a dozen lines."""
    server = start(guarded)
    before = len(server.log().splitlines())
    for _ in range(500):
        with client.connect(server) as s:
            s.sendall(f"GET /v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tokens.wrong()}\r\n\r\n".encode())
    for _ in range(10):
        with contextlib.closing(http.client.HTTPConnection(server.host, server.port, timeout=limits.seconds(20))) as c:
            c.request("GET", "/v1/status", headers=tokens.bearer(tokens.wrong()))
            assert c.getresponse().status in (401, 429)
    lines = server.log().splitlines()[before:]
    assert 1 <= len(lines) <= LOGGED + 1, "\n".join(lines[:30])


def test_held_requests_of_guessers_keep_nobody_out(guarded, start):
    """300 held at a time; a good request goes through at once."""
    good = tokens.make(guarded, "viewer")
    server = start(guarded)
    for _ in range(11):
        guess(server)
    held = []
    try:
        for _ in range(300):
            s = client.connect(server)
            s.sendall(f"GET /v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tokens.wrong()}\r\n\r\n".encode())
            held.append(s)
        with client.Client(server) as c:
            began = time.monotonic()
            assert status(c, tokens.bearer(good)) == 200
            assert time.monotonic() - began < limits.seconds(0.7)
        for s in held:
            assert s.recv(12) == b"HTTP/1.1 429"
    finally:
        for s in held:
            s.close()


# ---- what is left behind

def test_nothing_secret_is_left(guarded, start):
    """No token, wrong ones too, no key and no CSR: not in the log, not in the home, not in what the commands print."""
    server = start(guarded)
    made = {role: tokens.make(guarded, role) for role in tokens.ROLES}
    wrong = tokens.wrong()
    key, csr = csrs.fresh()
    with client.Client(server) as c:
        for shown in (*map(tokens.bearer, (*made.values(), wrong)), *map(tokens.basic, (*made.values(), wrong)),
                      {"Authorization": wrong}, {"Cookie": f"lineca_session={wrong}"}, {"X-Api-Key": made["admin"]}):
            c.request("POST", "/v1/enroll/lot", csr, shown)
            c.request("GET", "/v1/status", headers=shown)
            c.request("POST", "/v1/enroll/lot", keys.private_bytes(key, "pkcs8"), shown)
        cookie = tokens.signed_in(c, made["technician"])
        c.request("POST", "/v1/uploads/retry", headers={**cookie, "X-CSRF-Token": wrong})
        assert c.request("POST", "/v1/uploads/retry", headers=cookie).status == 200
    server.stop()
    secrets = [*made.values(), wrong, cookie["Cookie"].partition("=")[2], cookie["X-CSRF-Token"]]
    needles = [n for s in secrets for n in (s.encode(), s.upper().encode(), s[3:].encode(), s[:20].encode())]
    needles += [n for n in keys.secrets_of(key, keys.private_bytes(key, "pkcs8"))]
    text = csrs.wrapped(csr, 0)
    needles += [text[-60:-20].encode(), csr[-50:]]    # its signature: the key stands in the certificate too
    log = server.log().encode()
    assert not [n for n in needles if n in log]
    assert guarded.holding(needles) == []
    # what the ledger keeps is SHA-256 of the token, so that this test would see it
    assert guarded.holding([hashlib.sha256(made["admin"].encode()).digest()]) != []
    listed = guarded.run("token", "list", "--json").out + guarded.run("event", "list", "--json").out
    assert not any(s in listed for s in secrets)


def test_a_badge_scanned_into_the_wrong_field(guarded, start):
    """A scanner types a token into whatever field is under the cursor: the batch, the device, the address bar. It stays out of the log all the same."""
    token = tokens.make(guarded, "technician")
    server = start(guarded)
    with client.Client(server) as c:
        for shown in ({}, tokens.bearer(token)):
            for method, path, body in (("POST", f"/v1/enroll/{token}", csrs.good()), ("GET", f"/{token}", None), ("GET", f"/v1/batches/{token.upper()}", None),
                                       ("GET", f"/v1/certificates?q={token}", None), ("GET", f"/v1/certificates/{token}", None),
                                       ("POST", "/v1/enroll/lot", token.encode()), ("PATCH", f"/v1/batches/{token}", b'{"state":"open"}'),
                                       ("POST", "/v1/batches", json.dumps({"name": token, "quantity": 0}).encode()),
                                       ("POST", "/v1/uploads/retry", json.dumps({"batch": token}).encode())):
                media = "application/json" if "enroll" not in path else "text/plain"
                assert c.request(method, path, body, {"Content-Type": media, **shown}).status < 500
    server.stop()
    found = [line for line in server.log().splitlines() if token[3:30] in line.lower()]
    assert found == [], "\n".join(found)


def test_last_use(guarded, start):
    """Written down within some seconds, and when the server stops."""
    used, idle = tokens.make(guarded, "viewer", name="used"), tokens.make(guarded, "viewer", name="idle")
    assert used != idle
    server = start(guarded)
    with client.Client(server) as c:
        assert status(c, tokens.bearer(used)) == 200
        first = limits.wait_for("the last use", lambda: tokens.row(guarded, "used")["last_used_at"], 12)
        assert status(c, tokens.bearer(used)) == 200
        time.sleep(1.1)
        assert status(c, tokens.bearer(used)) == 200
    server.stop()
    assert tokens.row(guarded, "used")["last_used_at"] > first
    assert tokens.row(guarded, "idle")["last_used_at"] is None


def test_tokens_in_the_events(guarded):
    """Who made and who ended one is written down; nothing of the token is."""
    token = tokens.make(guarded, "enroll", "--batch", "lot", name="scanner")
    guarded.run("token", "revoke", "scanner")
    revoked, made = guarded.json("event", "list")[:2]
    assert (made["object"], revoked["object"]) == ("scanner", "scanner")
    assert made["action"] != revoked["action"] and "token" in made["action"] and "token" in revoked["action"]
    assert "enroll" in made["detail"], made
    for event in (made, revoked):
        assert event["actor"].startswith("cli:") or event["actor"], event
        homes.check_times({"made_at": event["at"]})
        assert token not in str(event)


# ---- which address, which right

NEEDS_A_WORD = ("127.0.0.1:0", "[::1]:0")


@pytest.mark.short
def test_not_open_to_others_by_mistake(home):
    """The default settings start on loopback only, for plain HTTP and for TLS; the refusal names every way out."""
    trusted = tls.serve(home)
    assert trusted.exists()
    for args in (("--listen", "0.0.0.0:0"), ("--listen", "[::]:0"), ("--listen", "127.0.0.1:0", "--listen-tls", "0.0.0.0:0"),
                 ("--listen", "none", "--listen-tls", "[::]:0")):
        result = servers.refused(home, *args)
        assert result.code in (1, 4) and result.out == "", str(result)
        for way in ("enroll = token", "certificate", "token_or_certificate", "open", "lineca.conf"):
            assert way in result.err, str(result)


@pytest.mark.short
@pytest.mark.parametrize("rule", ["open", "token", "certificate", "token_or_certificate"])
def test_open_to_others_in_so_many_words(home, start, rule):
    home.configure("server", "enroll", rule)
    home.batch("lot")
    trusted = tls.serve(home)
    server = start(home, listen="0.0.0.0:0", tls="0.0.0.0:0")
    limits.wait_for("plain HTTP to say so", lambda: server.lines_with("plain HTTP on 0.0.0.0"))
    limits.wait_for("the last word of the start", lambda: server.lines_with("TLS certificate"))
    assert bool(server.lines_with("enroll = open")) == (rule == "open")
    with client.Client(server) as plain, client.Client(server, tls=tls.context(trusted)) as secure:
        for c in (plain, secure):
            answer = c.enroll("lot", csrs.fresh()[1])
            assert answer.status == (201 if rule == "open" else 401), str(answer)
            # reading is for this machine: but not on an address that others reach
            assert c.get("/v1/status").status == 401


@pytest.mark.short
def test_certificate_needs_tls(home):
    home.configure("server", "enroll", "certificate")
    result = servers.refused(home)
    assert result.code in (1, 4) and "TLS" in result.err and result.out == "", str(result)


@pytest.mark.short
def test_open_is_what_loopback_means(home, start):
    """127.0.0.0/8 and ::1: an address of this machine that others reach is not loopback, even asked from here."""
    home.batch("lot")
    for listen in ("[::ffff:192.0.2.1]:0", "[::ffff:0.0.0.0]:0", "[::127.0.0.1]:0", "[fe80::1]:0", "128.0.0.1:0", "126.255.255.255:0"):
        assert "enroll = token" in servers.refused(home, "--listen", listen).err, listen
    for listen in ("127.0.0.1:0", "127.0.0.2:0", "[::1]:0"):
        server = start(home, listen=listen)
        with client.Client(server) as c:
            assert c.enroll("lot", csrs.fresh()[1]).status == 201
            assert c.get("/v1/status").status == 200
        server.stop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        with contextlib.suppress(OSError):
            s.connect(("192.0.2.1", 9))
        own = s.getsockname()[0]
    if not own.startswith(("127.", "0.")):
        assert servers.refused(home, "--listen", f"{own}:0").code in (1, 4)


@pytest.mark.short
def test_another_name_for_this_machine(home, start):
    """DNS rebinding: a page of evil.example whose name suddenly leads to 127.0.0.1 is of the same origin for its browser, and not for this server."""
    home.batch("lot", 100)
    server = start(home)
    with client.Client(server) as c:
        for host in ("evil.example", "evil.example:{}", "127.0.0.1.evil.example:{}", "localhost.evil.example:{}", "localhost.evil.example", "EVIL.Example.",
                     "1.evil", "evil.example.:{}", "a.b", "xlocalhost.example", "xn--localhost.com", "evil.example:80:80"):
            host = host.format(server.port)
            origin = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
            for answer in (c.request("POST", "/v1/enroll/lot", csrs.fresh()[1], origin), c.request("GET", "/v1/status", headers=origin)):
                problems.check(answer, "unauthorized", "forbidden")
            assert c.request("GET", "/", headers=origin).status in (401, 403)
        assert home.batch_show("lot")["issued"] == 0
        for host in ("127.0.0.1:{}", "localhost:{}", "localhost", "line1", "[::1]:{}", "LOCALHOST:{}", "localhost.", "app.localhost:{}"):
            host = host.format(server.port)
            assert c.request("POST", "/v1/enroll/lot", csrs.fresh()[1], {"Host": host}).status == 201, host


@pytest.mark.short
def test_changes_need_a_token_everywhere(home, start):
    """Also on loopback, where all else is open."""
    home.batch("lot")
    with client.Client(start(home)) as c:
        for method, path, body in (("PATCH", "/v1/batches/lot", b'{"state":"closed"}'), ("POST", "/v1/batches", b'{"name":"x","quantity":1}'),
                                   ("POST", "/v1/uploads/retry", b"{}")):
            problems.check(c.request(method, path, body, {"Content-Type": "application/json"}), "unauthorized")
    assert home.batch_show("lot")["state"] == "open" and len(home.json("batch", "list")) == 1


@pytest.mark.short
def test_a_wrong_token_is_no_token_where_all_is_open(home, start):
    """A station whose token was revoked hears of it, and does not go on unnoticed."""
    home.batch("lot")
    with client.Client(start(home)) as c:
        problems.check(c.request("POST", "/v1/enroll/lot", csrs.good(), tokens.bearer(tokens.wrong())), "unauthorized")
        assert c.enroll("lot", csrs.good()).status == 201
