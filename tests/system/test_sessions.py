"""People who sign in on the page: the cookie, what protects its changes from pages of other sites, and how a session ends."""
import http.cookies
import json
import time

import pytest

import client
import csrs
import faketime
import home as homes
import limits
import problems
import server as servers
import tls
import tokens

SESSIONS = 32       # so many of one token at once; one more ends that of them which was idle longest


@pytest.fixture
def guarded(home):
    home.configure("server", "read", "token")
    home.batch("lot", 100000)
    return home


class Site:
    def __init__(self, folder):
        self.home = homes.Home(folder / "home").init()
        self.home.configure("server", "read", "token")
        self.home.configure("server", "enroll", "token")
        self.home.batch("lot", 100000)
        self.trusted = tls.serve(self.home)
        self.token = tokens.make(self.home, "technician", name="tina")
        self.server = servers.Server(self.home, tls="127.0.0.1:0")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("sessions"))
    yield made
    made.server.stop()


@pytest.fixture
def browser(site):
    with client.Client(site.server) as c:
        yield c


def retry(c, headers, **more):
    """A change."""
    return c.request("POST", "/v1/uploads/retry", b"{}", {"Content-Type": "application/json", **headers, **more})


def body_sign_in(c, token, **headers):
    return c.request("POST", "/v1/session", json.dumps({"token": token}).encode(), {"Content-Type": "application/json", **headers})


def cookie_of(answer):
    (line,) = answer.headers.get_all("Set-Cookie")
    (one,) = http.cookies.SimpleCookie(line).values()
    return one


# ---- signing in

@pytest.mark.short
@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("how", ["bearer", "basic", "body"])
def test_sign_in(site, how, secure):
    """A cookie that only this server's own pages send, and never a script sees."""
    with client.Client(site.server, tls=tls.context(site.trusted) if secure else None) as c:
        if how == "body":
            answer = body_sign_in(c, site.token)
        else:
            answer = c.request("POST", "/v1/session", headers=getattr(tokens, how)(site.token))
        assert answer.status == 201 and answer.type == "application/json", str(answer)
        cookie = cookie_of(answer)
        assert cookie["httponly"] and cookie["samesite"] == "Strict" and cookie["path"] == "/"
        assert bool(cookie["secure"]) == secure and not cookie["domain"] and not cookie["max-age"] and not cookie["expires"]
        assert len(cookie.value) >= 43 and site.token not in cookie.value, "256 bits"
        doc = answer.json()
        assert (doc["name"], doc["role"]) == ("tina", "technician") and len(doc["csrf"]) >= 43 and doc["csrf"] != cookie.value
        assert doc["may"] == {"enroll": True, "read": True, "change": True, "admin": False} | {k: doc["may"][k] for k in doc["may"] if k == "renew"}
        assert answer.headers["Cache-Control"] == "no-store"

        shown = {"Cookie": f"{cookie.key}={cookie.value}"}
        who = c.request("GET", "/v1/session", headers=shown)
        assert who.json() == doc and who.headers["Cache-Control"] == "no-store"
        assert c.request("GET", "/v1/status", headers=shown).status == 200
        assert c.request("GET", "/", headers=shown).status == 200


@pytest.mark.short
def test_nobody_is_signed_in(browser):
    doc = browser.get("/v1/session").json()
    assert doc["name"] is None and doc["role"] == "nobody" and doc["csrf"] is None
    assert not any(doc["may"].values())


@pytest.mark.short
@pytest.mark.parametrize("body", [b"", b"{}", b'{"token":""}', b'{"token":5}', b'{"token":null}', b"[]", b"null", b"{", b"token=x", b"\xff" * 20,
                                  b'{"Token":"x"}', b'{"token":"' + b"x" * 4000 + b'"}', b'{"token":["x"]}'])
def test_sign_in_with_nonsense(site, browser, body):
    answer = browser.request("POST", "/v1/session", body, {"Content-Type": "application/json"})
    problems.check(answer, "unauthorized", "bad_request", "too_many_requests")
    assert answer.headers["Set-Cookie"] is None


@pytest.mark.short
@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_cannot_sign_in(site, browser, media):
    """What a form of another site can send without asking (CORS) is not taken."""
    answer = browser.request("POST", "/v1/session", json.dumps({"token": site.token}).encode(), {"Content-Type": media})
    problems.check(answer, "media_type")
    assert answer.headers["Set-Cookie"] is None


# ---- changes from other sites

@pytest.mark.short
def test_a_change_needs_the_page(site, browser):
    """The cookie alone changes nothing: the browser sends it whoever asks."""
    shown = tokens.signed_in(browser, site.token)
    cookie, csrf = {"Cookie": shown["Cookie"]}, shown["X-CSRF-Token"]
    other = tokens.signed_in(browser, site.token)["X-CSRF-Token"]
    for wrong in (None, "", csrf[:-1], csrf + "0", csrf.upper(), other, shown["Cookie"].partition("=")[2], site.token):
        more = {} if wrong is None else {"X-CSRF-Token": wrong}
        problems.check(retry(browser, cookie, **more), "forbidden")
        problems.check(browser.request("PATCH", "/v1/batches/lot", b'{"state":"closed"}', {"Content-Type": "application/json", **cookie, **more}),
                       "forbidden")
        problems.check(browser.request("POST", "/v1/enroll/lot", csrs.good(), {**cookie, **more}), "forbidden")
    assert site.home.batch_show("lot")["state"] == "open"
    assert retry(browser, shown).status == 200


CROSS = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": ""}, {"Sec-Fetch-Site": "Same-Origin"},
         {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Origin": "http://127.0.0.1"},
         {"Origin": "http://127.0.0.1:{port}.evil.example"}, {"Origin": "http://evil.example:{port}"}, {"Origin": "http://x@127.0.0.1:{port}"},
         {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:{port}"}]


@pytest.mark.short
@pytest.mark.parametrize("headers", CROSS)
def test_other_sites(site, browser, headers):
    """Whatever a browser says of another site is refused: with a token, a session, or where all is open."""
    headers = {k: v.format(port=site.server.port) for k, v in headers.items()}
    for shown in (tokens.signed_in(browser, site.token), tokens.bearer(site.token)):
        for answer in (retry(browser, shown, **headers), browser.request("POST", "/v1/enroll/lot", csrs.fresh()[1], {**shown, **headers})):
            problems.check(answer, "forbidden")
    assert body_sign_in(browser, site.token, **headers).headers["Set-Cookie"] is None
    assert browser.request("DELETE", "/v1/session", headers={**tokens.signed_in(browser, site.token), **headers}).status == 403


@pytest.mark.short
def test_other_sites_where_enrolling_is_open(home, start):
    """A page somewhere makes a browser on the line server post to 127.0.0.1: it gets no certificate and uses up no order."""
    home.batch("lot", 10)
    server = start(home)
    with client.Client(server) as c:
        for headers in CROSS:
            headers = {k: v.format(port=server.port) for k, v in headers.items()}
            answer = c.request("POST", "/v1/enroll/lot", csrs.fresh()[1], {"Content-Type": "text/plain", **headers})
            problems.check(answer, "forbidden")
        assert home.batch_show("lot")["issued"] == 0
        for headers in ({"Sec-Fetch-Site": "same-origin", "Origin": f"http://127.0.0.1:{server.port}"}, {"Sec-Fetch-Site": "none"}, {}):
            assert c.request("POST", "/v1/enroll/lot", csrs.fresh()[1], headers).status == 201


@pytest.mark.short
def test_own_page(site):
    """What a browser sends from this server's own page, over plain HTTP and TLS."""
    for scheme, context in (("http", None), ("https", tls.context(site.trusted))):
        with client.Client(site.server, tls=context) as c:
            port = site.server.tls_port if context else site.server.port
            own = {"Sec-Fetch-Site": "same-origin", "Origin": f"{scheme}://127.0.0.1:{port}"}
            answer = body_sign_in(c, site.token, **own)
            assert answer.status == 201, str(answer)
            cookie = cookie_of(answer)
            assert retry(c, {"Cookie": f"{cookie.key}={cookie.value}", "X-CSRF-Token": answer.json()["csrf"]}, **own).status == 200


@pytest.mark.short
def test_nothing_is_shared_with_other_origins(site, browser):
    """No CORS header, whoever asks."""
    for method, path in (("GET", "/v1/session"), ("OPTIONS", "/v1/batches"), ("POST", "/v1/session")):
        answer = browser.request(method, path, headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"})
        assert not [h for h in answer.headers if h.lower().startswith("access-control-")]


# ---- the cookie

@pytest.mark.short
def test_cookies_among_others(site, browser):
    shown = tokens.signed_in(browser, site.token)["Cookie"]
    for header in (f"a=b; {shown}", f"{shown}; z=1", f"a=b;{shown};c=d", f"xlineca_session=1; {shown}", f"  {shown}  ", f"b; {shown}", f"a=; {shown}"):
        assert browser.request("GET", "/v1/status", headers={"Cookie": header}).status == 200, header
    for header in ("lineca_session=", "lineca_session", "lineca_session=x", "lineca_session=" + "0" * 52, "lineca_session=" + "v" * 5000, shown[:-1],
                   shown + "0", shown.upper(), shown.replace("=", "= "), "lineca_session=x; " + shown):
        answer = browser.request("GET", "/v1/status", headers={"Cookie": header})
        assert answer.status == 401, header


@pytest.mark.short
def test_a_cookie_of_yesterday(site, browser):
    """The page learns that it is signed out, and the browser forgets the cookie."""
    answer = browser.request("GET", "/v1/session", headers={"Cookie": "lineca_session=" + "0" * 52})
    problems.check(answer, "unauthorized")
    assert cookie_of(answer)["max-age"] == "0"
    answer = browser.request("GET", "/", headers={"Cookie": "lineca_session=" + "0" * 52})
    assert answer.status == 401 and answer.type == "text/html"


@pytest.mark.short
@pytest.mark.parametrize("old", ["stale", "signed out", "another's", "revoked"])
def test_signing_in_again(site, browser, old):
    """A page that was left open for the night still sends yesterday's cookie, which no script can take away: the badge signs in all the same."""
    if old == "stale":
        cookie = "lineca_session=" + "0" * 52
    elif old == "another's":
        cookie = tokens.signed_in(browser, tokens.make(site.home, "viewer"))["Cookie"]
    else:
        name = csrs.device()
        cookie = tokens.signed_in(browser, tokens.make(site.home, "viewer", name=name))["Cookie"]
        if old == "revoked":
            site.home.run("token", "revoke", name)
        else:
            assert browser.request("DELETE", "/v1/session", headers={"Cookie": cookie}).status == 204
    answer = body_sign_in(browser, site.token, Cookie=cookie)
    assert answer.status == 201, str(answer)
    assert answer.json()["name"] == "tina"
    fresh = cookie_of(answer)
    assert f"{fresh.key}={fresh.value}" != cookie
    assert browser.request("GET", "/v1/status", headers={"Cookie": f"{fresh.key}={fresh.value}"}).status == 200


# ---- the end

@pytest.mark.short
def test_sign_out(site, browser):
    shown, other = tokens.signed_in(browser, site.token), tokens.signed_in(browser, site.token)
    answer = browser.request("DELETE", "/v1/session", headers=shown)
    assert answer.status == 204 and answer.body == b""
    cookie = cookie_of(answer)
    assert cookie["max-age"] == "0" and cookie.value == "" and cookie["path"] == "/"
    problems.check(browser.request("GET", "/v1/status", headers=shown), "unauthorized")
    assert browser.request("GET", "/v1/status", headers=other).status == 200, "another session of the same token goes on"
    assert browser.request("DELETE", "/v1/session", headers=shown).status in (204, 401)


@pytest.mark.short
def test_revoking_ends_sessions(guarded, start):
    token = tokens.make(guarded, "technician", name="tom")
    with client.Client(start(guarded)) as c:
        sessions = [tokens.signed_in(c, token) for _ in range(3)]
        guarded.run("token", "revoke", "tom")
        for shown in sessions:
            doc = problems.check(c.request("GET", "/v1/status", headers=shown), "unauthorized")
            assert "revoked" in doc["detail"]
            problems.check(retry(c, shown), "unauthorized")
            assert c.request("GET", "/", headers=shown).status == 401


@pytest.mark.short
def test_a_restart_signs_out(guarded, start):
    token = tokens.make(guarded, "viewer")
    server = start(guarded)
    with client.Client(server) as c:
        shown = tokens.signed_in(c, token)
        assert c.request("GET", "/v1/status", headers=shown).status == 200
    server.stop()
    with client.Client(start(guarded)) as c:
        problems.check(c.request("GET", "/v1/status", headers=shown), "unauthorized")
        assert c.request("GET", "/v1/status", headers=tokens.bearer(token)).status == 200


def test_idle(guarded, start, tmp_path):
    """
    One minute without a request ends a session; every request counts, also one that is refused. The time is the machine's running time, which no
    clock that is set can shorten.
    """
    guarded.configure("server", "session_idle_min", "1")
    clock = faketime.Clock(tmp_path / "clock")
    with client.Client(start(guarded, env=clock.environment()), timeout=100) as c:
        used, idle = (tokens.signed_in(c, tokens.make(guarded, "viewer")) for _ in range(2))
        clock.turn("+2h")
        assert c.request("GET", "/v1/status", headers=used).status == 200, "the time of day does not matter"
        for _ in range(5):
            time.sleep(13)
            assert c.request("GET", "/v1/status", headers=used).status == 200
        problems.check(c.request("GET", "/v1/status", headers=idle), "unauthorized")


def test_an_expired_token_ends_its_sessions(guarded, start, tmp_path):
    clock = faketime.Clock(tmp_path / "clock")
    token = tokens.make(guarded, "viewer", "--expires", "1h")
    with client.Client(start(guarded, env=clock.environment())) as c:
        shown = tokens.signed_in(c, token)
        clock.turn("+61m")
        problems.check(c.request("GET", "/v1/status", headers=shown), "unauthorized")


def test_too_many_sessions(guarded, start):
    """The one that was idle longest makes room; those in use stay, and so does everybody else's, however often one token signs in."""
    token, other = tokens.make(guarded, "viewer"), tokens.make(guarded, "admin")
    with client.Client(start(guarded)) as c:
        elsewhere = tokens.signed_in(c, other)
        first, second = tokens.signed_in(c, token), tokens.signed_in(c, token)
        begun = []
        for i in range(1100):
            begun.append(tokens.signed_in(c, token))
            if i % 10 == 0:
                assert c.request("GET", "/v1/status", headers=first).status == 200
        assert c.request("GET", "/v1/status", headers=elsewhere).status == 200
        assert c.request("GET", "/v1/status", headers=first).status == 200
        assert c.request("GET", "/v1/status", headers=second).status == 401
        alive = [c.request("GET", "/v1/status", headers=shown).status == 200 for shown in begun]
        assert sum(alive) == SESSIONS - 1 and all(alive[-(SESSIONS - 1):])


# ---- what is written down

def test_events_name_the_token(site, browser):
    """Who changed what from the page: the token's name and the browser's address."""
    shown = tokens.signed_in(browser, site.token)
    answer = browser.request("PATCH", "/v1/batches/lot", b'{"state":"closed","reason":"lunch"}', {"Content-Type": "application/json", **shown})
    assert answer.status == 200, str(answer)
    event = site.home.json("event", "list", "--limit", "1")[0]
    assert (event["actor"], event["address"], event["object"], event["reason"]) == ("token:tina", "127.0.0.1", "lot", "lunch")
    assert browser.request("PATCH", "/v1/batches/lot", b'{"state":"open"}', {"Content-Type": "application/json", **shown}).status == 200


@pytest.mark.short
def test_a_session_uses_its_token(guarded, start):
    """last use, and requests_per_token, are the token's whichever way it is shown."""
    token = tokens.make(guarded, "viewer", name="vera")
    server = start(guarded)
    with client.Client(server) as c:
        shown = tokens.signed_in(c, token)
        limits.wait_for("the last use", lambda: tokens.row(guarded, "vera")["last_used_at"], 12)
        first = tokens.row(guarded, "vera")["last_used_at"]
        assert c.request("GET", "/v1/status", headers=shown).status == 200
    server.stop()
    assert tokens.row(guarded, "vera")["last_used_at"] > first
