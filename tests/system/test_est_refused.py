"""What EST clients are refused: the status that they know, one sentence in text/plain, and Retry-After where it helps."""
import base64
import re

import pytest

import client
import csrs
import der
import est
import faketime
import keys

LIMIT = 16 * 1024
POSTS = ("simpleenroll", "simplereenroll", "serverkeygen")


@pytest.fixture
def home(home):
    """EST without TLS is switched on by a word; these tests are about what is said, not how it travels."""
    home.configure("doors", "est", "plain")
    return home

@pytest.fixture(scope="module")
def line(tmp_path_factory):
    shared = est.Line(tmp_path_factory.mktemp("line") / "home")
    yield shared
    shared.stop()


def twice(csr):
    return est.body(csr) + est.body(csr)


BAD_BODIES = {
    "empty": lambda csr: b"",
    "not-base64": lambda csr: b"*" * 100,
    "cut": lambda csr: est.body(csr)[:-40],
    "padding": lambda csr: est.body(csr).rstrip(b"\n=")[:-1] + b"=",
    "url-alphabet": lambda csr: base64.urlsafe_b64encode(b"\x30\x82\x03\xff\xfb\xef" + csr),
    "twice": twice,
    "certificate": lambda csr: csrs.pem(csr, "CERTIFICATE"),
    "bytes-after": lambda csr: est.body(csr + b"\0"),
    "html": lambda csr: b"<html><body>hello</body></html>",
    "json": lambda csr: b'{"csr": "' + base64.b64encode(csr) + b'"}',
    "signature": lambda csr: est.body(csr[:-1] + bytes([csr[-1] ^ 1])),
}


@pytest.mark.short
@pytest.mark.parametrize("form", BAD_BODIES)
def test_bad_bodies(line, form):
    est.refused(est.post(line.client, BAD_BODIES[form](csrs.fresh()[1]), "lot"), 400)


@pytest.mark.short
def test_private_key(line):
    key = keys.elliptic()
    for posted in (keys.private_bytes(key, "pkcs8"), base64.encodebytes(keys.private_bytes(key, "pkcs8", "DER"))):
        est.refused(est.post(line.client, posted, "lot"), 400, "private key")
        assert not [n for n in keys.secrets_of(key, posted) if n in line.server.log().encode()]


def test_keys_and_subjects_that_are_not_certified(line):
    """422 elsewhere: EST clients know 400 for a request that is wrong in itself."""
    refuse = lambda csr, *words: est.refused(est.enroll(line.client, csr, "lot"), 400, *words)
    refuse(csrs.plain(keys.elliptic(keys.P521), csrs.device()))
    refuse(csrs.plain(keys.shared_rsa(1024), csrs.device()))
    refuse(csrs.request(key := keys.elliptic(), csrs.name(("O", "ACME"))), "CN")
    refuse(csrs.plain(key, "a" * 64))
    refuse(csrs.plain(key, "with space"))


@pytest.mark.short
@pytest.mark.parametrize("operation", POSTS)
@pytest.mark.parametrize("media", ["text/plain", "application/x-pem-file", "application/pkcs7-mime", "application/pkcs10x",
                                   "application/x-www-form-urlencoded"])
def test_media_type(line, operation, media):
    est.refused(est.enroll(line.client, csrs.good(), "lot", operation=operation, media=media), 415, "application/pkcs10")


@pytest.mark.short
@pytest.mark.parametrize("size", [LIMIT + 1, 1024 * 1024])
def test_too_large(line, size):
    with client.Client(line.server) as c:
        est.refused(est.post(c, b"A" * size, "lot"), 413)


@pytest.mark.parametrize("operation", ["simpleenroll", "simplereenroll", "serverkeygen", "fullcmc"])
def test_wrong_method(line, operation):
    answer = line.client.get(est.path(operation, "lot"))
    est.refused(answer, 405, "POST")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("operation", ["cacerts", "csrattrs"])
def test_posted_to_a_get(line, operation):
    answer = est.enroll(line.client, csrs.good(), "lot", operation=operation)
    est.refused(answer, 405, "GET")
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/.well-known/est", "/.well-known/est/", "/.well-known/est/nothing", "/.well-known/est//cacerts",
                                  "/.well-known/est/lot/", "/.well-known/est/lot/nothing", "/.well-known/est/a/b/cacerts",
                                  "/.well-known/EST/cacerts", "/.well-known/est/CACERTS"])
def test_wrong_path(line, path):
    assert line.client.get(path).status == 404


@pytest.mark.parametrize("label", [None, "lot"])
@pytest.mark.parametrize("media", ["application/pkcs7-mime; smime-type=CMC-request", None])
def test_full_cmc(line, label, media):
    """RFC 7030 4.3: it may be missing, and is said to be."""
    with client.Client(line.server) as c:
        est.refused(est.post(c, b"MIIB", label, operation="fullcmc", media=media), 501, "simpleenroll")


@pytest.mark.parametrize("label", ["nothing", "x" * 64, "x" * 65, "x" * 255, "%00", "%0d%0aX-Evil:%201", "..", "%ff"])
def test_unknown_label(line, label):
    answer = est.enroll(line.client, csrs.good(), label)
    assert answer.status in (400, 404), str(answer)
    assert "X-Evil" not in answer.headers
    if len(label) < 65 and "%" not in label:
        est.refused(answer, 404)


def test_device_and_key_that_are_taken(line):
    """409 elsewhere; nothing that a client could do by itself mends it."""
    cn = csrs.device()
    key, csr = csrs.fresh(cn)
    est.certificate(est.enroll(line.client, csr, "lot"))
    est.refused(est.enroll(line.client, csrs.fresh(cn)[1], "lot"), 403, cn)
    est.refused(est.enroll(line.client, csrs.plain(key, csrs.device()), "lot"), 403, cn, "cloned")


def test_batches_that_do_not_issue(line):
    line.home.batch("closed", 5)
    line.home.run("batch", "close", "closed")
    line.home.batch("listed", 5, "--pattern", "SN[0-9]+")
    est.refused(est.enroll(line.client, csrs.fresh()[1], "closed"), 403, "closed")
    est.refused(est.enroll(line.client, csrs.fresh("dev-1")[1], "listed"), 403, "dev-1", "listed")


def test_without_a_label_nothing_is_guessed(home, start):
    with client.Client(start(home)) as c:
        est.refused(est.enroll(c, csrs.good()), 404, "No batch is open")
        home.batch("one", 5)
        home.batch("two", 5)
        est.refused(est.enroll(c, csrs.good()), 404, "one", "two")
        assert home.certificates() == []


@pytest.mark.short
def test_waiting_for_approval(home, start):
    """202 (RFC 7030 4.2.3): the client sends the same again, and has it when a person has said yes."""
    home.batch("lot", 5, "--approval")
    with client.Client(start(home)) as c:
        csr = csrs.fresh()[1]
        for _ in range(3):
            answer = est.enroll(c, csr, "lot")
            est.refused(answer, 202, retry=True)
            assert 60 <= int(answer.headers["Retry-After"]) <= 172800, "what libest takes"
        assert home.certificates() == []
        home.run("batch", "open", "lot")
        first = est.enroll(c, csr, "lot")
        est.certificate(first)
        assert est.enroll(c, csr, "lot").body == first.body
    assert home.batch_show("lot")["issued"] == 1


BOUNCYCASTLE = ("POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Transfer-Encoding: base64\r\n"
                "Content-Type: application/pkcs10\r\nContent-Length: %d\r\n%s\r\n")


def test_no_words_that_bouncycastle_would_not_read(guarded):
    """It chokes on the body of what it is to act upon: 202, and a 401 that only asks. Whoever can show a sentence gets it."""
    home, server = guarded
    home.batch("held", 5, "--approval")
    secret = token(home, "enroll", "station")
    csr = est.body(csrs.good())

    def ask(label, more=""):
        return est.bare(server, BOUNCYCASTLE % (est.path("simpleenroll", label), len(csr), more), csr)

    def password(word):
        return "Authorization: %s\r\n" % est.basic("x", word)["Authorization"]

    asked, waits = ask("held"), ask("held", password(secret))
    assert (asked.status, asked.body, asked.headers["Content-Length"]) == (401, b"", "0")
    assert asked.headers["WWW-Authenticate"] == 'Basic realm="estserver@localhost"'
    assert (waits.status, waits.body, waits.headers["Content-Length"]) == (202, b"", "0") and int(waits.headers["Retry-After"]) > 0
    est.refused(ask("held", password("wrong")), 401)
    for who in ("User-Agent: curl/7.88\r\n", "Accept: */*\r\n"):
        est.refused(ask("held", who), 401)
        est.refused(ask("held", who + password(secret)), 202)


def test_a_line_that_cannot_issue(home, start, tmp_path):
    """503 and Retry-After, a wrong clock and a full disk alike; what is recorded is answered all the same, and cacerts too."""
    clock = faketime.Clock(tmp_path / "clock")
    home.batch("lot", 5)
    csr = csrs.fresh()[1]
    server = start(home, env=clock.environment())
    with client.Client(server) as c:
        first = est.enroll(c, csr)
        clock.turn("-2h")
        est.refused(est.enroll(c, csrs.fresh()[1]), 503)
        assert est.enroll(c, csr).body == first.body
        est.unwrap(c.get(est.path("cacerts")), est.CACERTS)
    server.stop()
    home.configure("guard", "disk_reserve_mib", 1000000)
    with client.Client(start(home)) as c:
        est.refused(est.enroll(c, csrs.fresh()[1]), 503, "disk")
        assert est.enroll(c, csr).body == first.body


# ---- who asks

def token(home, role, name, *args):
    return home.run("token", "create", "--role", role, name, *args).out.strip()


@pytest.fixture
def guarded(home, start):
    """A line on which even this machine needs a token to enroll; batches lot and other."""
    home.batch("lot", 100)
    home.batch("other", 100)
    home.configure("server", "enroll", "token")
    return home, start(home)


def test_asks_for_a_password(guarded):
    """Basic (RFC 7030 3.2.3), with a realm of the host that was asked for."""
    _, server = guarded
    with client.Client(server) as c:
        for host, realm in (("line.example:8443", "estserver@line.example:8443"), ("[::1]:1", "estserver@[::1]:1"),
                            ('a"b', "estserver@a"), ("x" * 150, "estserver@" + "x" * 100)):
            answer = est.enroll(c, csrs.good(), "lot", Host=host)
            est.refused(answer, 401, "password")
            assert answer.headers.get_all("WWW-Authenticate") == [f'Basic realm="{realm}"']
        # what a client needs before it can have a password
        est.unwrap(c.get(est.path("cacerts")), est.CACERTS)
        est.unwrap(c.get(est.path("csrattrs", "lot")), est.CSRATTRS)


def test_a_token_as_password(guarded):
    home, server = guarded
    secret = token(home, "enroll", "station-1")
    with client.Client(server) as c:
        for user in ("", "estuser", "station-1", "a:b".replace(":", "%3a")):
            est.certificate(est.enroll(c, csrs.fresh()[1], "lot", **est.basic(user, secret)))
        est.certificate(est.enroll(c, csrs.fresh()[1], "lot", Authorization=f"Bearer {secret}"))
        est.refused(est.enroll(c, csrs.good(), "lot", **est.basic("estuser", secret[:20] + secret[21:] + "0")), 401)
        est.refused(est.enroll(c, csrs.good(), "lot", **est.basic(secret, "")), 401)
        home.run("token", "revoke", "station-1")
        est.refused(est.enroll(c, csrs.good(), "lot", **est.basic("", secret)), 401)
    assert secret not in server.log() and base64.b64encode(f":{secret}".encode()).decode() not in server.log()


def test_roles_that_may_not_enroll(guarded):
    home, server = guarded
    with client.Client(server) as c:
        est.refused(est.enroll(c, csrs.good(), "lot", **est.basic("", token(home, "viewer", "screen"))), 403)


def test_a_token_for_one_batch(guarded):
    """Without a label it says which; a label of another batch is refused, whatever else is open."""
    home, server = guarded
    secret = token(home, "enroll", "station-2", "--batch", "other")
    with client.Client(server) as c:
        cn = csrs.device()
        est.certificate(est.enroll(c, csrs.fresh(cn)[1], **est.basic("", secret)))
        assert [r["batch"] for r in home.certificates("--device", cn)] == ["other"]
        est.certificate(est.enroll(c, csrs.fresh()[1], "other", **est.basic("", secret)))
        est.refused(est.enroll(c, csrs.good(), "lot", **est.basic("", secret)), 403)
        assert home.batch_show("lot")["issued"] == 0


def test_guessing_is_slowed_down(guarded):
    """429 in EST's form, and Retry-After."""
    _, server = guarded
    with client.Client(server) as c:
        for _ in range(200):
            answer = est.enroll(c, csrs.good(), "lot", **est.basic("", "lce" + "0" * 52))
            if answer.status != 401:
                break
    est.refused(answer, 429)


def test_reenroll_needs_the_certificate(line):
    """RFC 7030 4.2.2: without TLS and a client certificate there is nothing to renew."""
    est.refused(est.enroll(line.client, csrs.fresh()[1], "lot", operation="simplereenroll"), 403, "certificate")


def test_nothing_is_a_problem_document(line):
    """Once more over all of it: EST clients show the body to people."""
    for operation in POSTS:
        answer = est.post(line.client, b"", "lot", operation=operation)
        assert re.match(rb"4\d\d ", answer.body) and answer.type == "text/plain", str(answer)
