"""EST (RFC 7030, 8951, 9908): the bytes that clients compare, the forms that they send, and that it is the same line behind it."""
import base64
import shutil
import sqlite3
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import certs
import client
import csrs
import der
import est
import home as homes
import keys


def openssl(*args, data):
    return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout


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


@pytest.fixture(scope="module")
def second(line):
    """A second open batch: from then on a label is needed."""
    return line.home.batch("second", 1000)


# ---- what a client reads first

@pytest.mark.short
@pytest.mark.parametrize("label", [None, "lot"])
def test_cacerts(line, label):
    answer = line.client.get(est.path("cacerts", label))
    (ca,) = est.bag(est.unwrap(answer, est.CACERTS))
    assert ca == x509.load_pem_x509_certificate(line.ca)
    assert line.client.get(est.path("cacerts", label)).body == answer.body


def test_cacerts_as_openssl_and_gnutls_read_it(line):
    data = est.unwrap(line.client.get(est.path("cacerts")), est.CACERTS)
    pem = openssl("pkcs7", "-inform", "DER", "-print_certs", data=data)
    assert x509.load_pem_x509_certificate(pem) == x509.load_pem_x509_certificate(line.ca)
    told = subprocess.run(["certtool", "--p7-info", "--inder"], input=data, capture_output=True, check=True).stdout
    assert b"Number of certificates: 1" in told, told


@pytest.mark.short
@pytest.mark.parametrize("label", [None, "lot"])
def test_csrattrs(line, label):
    """A P-256 key and ecdsa-with-SHA256 (RFC 8951 3.5 has this very example's form)."""
    data = est.unwrap(line.client.get(est.path("csrattrs", label)), est.CSRATTRS)
    told = openssl("asn1parse", "-inform", "DER", data=data).decode()
    for name in ("id-ecPublicKey", "prime256v1", "ecdsa-with-SHA256"):
        assert name in told, told
    assert "challengePassword" not in told, "it would have to be checked"


@pytest.mark.parametrize("operation", ["cacerts", "csrattrs"])
def test_head(line, operation):
    whole = line.client.get(est.path(operation))
    answer = line.client.request("HEAD", est.path(operation))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Type"] == whole.headers["Content-Type"]


@pytest.mark.parametrize("operation", ["cacerts", "csrattrs"])
@pytest.mark.parametrize("label", ["nothing", "x" * 65, "x" * 200, "..", "%2e%2e", "a b".replace(" ", "%20"), "cacerts"])
def test_reading_with_a_wrong_label(line, operation, label):
    est.refused(line.client.get(est.path(operation, label)), 404)


def test_inactive_batches_still_tell_their_ca(line):
    line.home.batch("over", 1)
    line.home.run("batch", "close", "over")
    est.unwrap(line.client.get(est.path("cacerts", "over")), est.CACERTS)


def test_several_cas(home, start, tmp_path):
    """Without a label all that issue; with one its batch's, also when that one issues no more."""
    other = homes.Home(tmp_path / "other").init("--ca-name", "Second CA")
    cas = [x509.load_pem_x509_certificate(h.ca_pem()) for h in (home, other)]
    shutil.copy(*other.key_files(), home.path / "ca" / "second.key")
    with sqlite3.connect(home.path / "lineca.db") as db:
        db.execute("INSERT INTO ca (name, active, key_ref, der, created_at_us) VALUES ('second', 1, 'second.key', ?, 1)",
                   (cas[1].public_bytes(serialization.Encoding.DER),))
    home.batch("lot", 5, "--ca", "lineca-ca")
    home.batch("other", 5, "--ca", "second")
    told = lambda c, label: est.bag(est.unwrap(c.get(est.path("cacerts", label)), est.CACERTS))
    with start(home) as server, client.Client(server) as c:
        assert (told(c, None), told(c, "lot"), told(c, "other")) == (cas, cas[:1], cas[1:])
        issued = est.certificate(est.enroll(c, csrs.fresh()[1], "other"))
        certs.signed_by(issued, cas[1])
    with sqlite3.connect(home.path / "lineca.db") as db:
        db.execute("UPDATE ca SET active = 0 WHERE name = 'second'")
    with start(home) as server, client.Client(server) as c:
        assert (told(c, None), told(c, "lot"), told(c, "other")) == (cas[:1], cas[:1], cas[1:])
        est.refused(est.enroll(c, csrs.fresh()[1], "other"), 503)
    with sqlite3.connect(home.path / "lineca.db") as db:
        db.execute("UPDATE ca SET active = 0")
    with start(home) as server, client.Client(server) as c:
        est.refused(c.get(est.path("cacerts")), 404, "No CA is active")
        assert told(c, "lot") == cas[:1]


# ---- enrolling

@pytest.mark.short
def test_enroll(line):
    """Exactly one certificate, and it is the one of the interface."""
    before = certs.now()
    cn = csrs.device()
    key, csr = csrs.fresh(cn)
    answer = est.enroll(line.client, csr, "lot")
    est.check(answer, line.ca, key, {"CN": cn}, asked=(before, certs.now()))
    (row,) = line.home.certificates("--device", cn)
    assert row["batch"] == "lot" and answer.headers["Location"] == f"/v1/certificates/{row['serial']}"


@pytest.mark.parametrize("make", [lambda: keys.elliptic(keys.P384), lambda: keys.rsa_key(2048), lambda: keys.rsa_key(4096)],
                         ids=["p384", "rsa2048", "rsa4096"])
def test_other_keys(line, make):
    key, cn = make(), csrs.device()
    answer = est.enroll(line.client, csrs.plain(key, cn), "lot")
    assert certs.keys.spki_of(est.certificate(answer)) == keys.spki_of(key)


def test_without_a_label(home, start):
    """The one open batch."""
    home.batch("only", 5)
    with client.Client(start(home)) as c:
        cn = csrs.device()
        est.certificate(est.enroll(c, csrs.fresh(cn)[1]))
        assert [r["batch"] for r in home.certificates("--device", cn)] == ["only"]


def chars(csr):
    return base64.b64encode(csr)


def spaced(csr):
    """White space of every kind (RFC 8951 3.1), also within a group, before and after."""
    text = chars(csr)
    return b" \t\r\n" + b"".join(text[i:i + 7] + (b" ", b"\t", b"\r\n", b"\n", b"\r", b" \n\t ")[i % 6]
                                 for i in range(0, len(text), 7)) + b"\r\n\r\n"


FORMS = {
    "64": est.body,
    "76-crlf": lambda csr: csrs.wrapped(csr, 76, "\r\n").encode(),
    "one-line": chars,
    "one-line-lf": lambda csr: chars(csr) + b"\n",
    "one-column": lambda csr: csrs.wrapped(csr, 1).encode(),
    "white-space": spaced,
    "no-last-lf": lambda csr: est.body(csr)[:-1],
    "pem": csrs.pem,
    "pem-new": lambda csr: csrs.pem(csr, "NEW CERTIFICATE REQUEST"),
    "pem-crlf": lambda csr: csrs.pem(csr, eol="\r\n"),
    "pem-after-text": lambda csr: b"Certificate Request:\n    Data:\n" + csrs.pem(csr),
    "der": lambda csr: csr,
}


@pytest.mark.short
@pytest.mark.parametrize("form", FORMS)
def test_forms(line, form):
    cn = csrs.device()
    key, csr = csrs.fresh(cn)
    est.check(est.post(line.client, FORMS[form](csr), "lot"), line.ca, key, {"CN": cn})


@pytest.mark.parametrize("media", [
    "application/pkcs10", "APPLICATION/PKCS10", "Application/Pkcs10; charset=us-ascii", "application/pkcs10;name=\"a.p10\"",
    "application/pkcs10 ; smime-type=x", None])
def test_content_types(line, media):
    est.certificate(est.enroll(line.client, csrs.fresh()[1], "lot", media=media))


@pytest.mark.parametrize("value", ["base64", "BASE64", "binary", "7bit", "quoted-printable", "nonsense", ""])
@pytest.mark.parametrize("form", ["64", "der"])
def test_transfer_encoding_is_not_looked_at(line, value, form):
    """RFC 8951: it says nothing, whatever it says."""
    headers = {"Content-Transfer-Encoding": value}
    est.certificate(est.post(line.client, FORMS[form](csrs.fresh()[1]), "lot", **headers))


def test_accept_is_not_looked_at(line):
    """EST has one form of answer; a client that asks for JSON by habit gets it all the same."""
    csr = csrs.fresh()[1]
    first = est.certificate(est.enroll(line.client, csr, "lot", Accept="application/json"))
    assert est.certificate(est.enroll(line.client, csr, "lot", Accept="text/html")) == first


def test_never_chunked(line):
    """Also where the request was, and to HTTP/1.0."""
    csr = est.body(csrs.fresh()[1])
    head = f"POST {est.path('simpleenroll', 'lot')} HTTP/1.1\r\nHost: x\r\nUser-Agent: x\r\nContent-Type: application/pkcs10\r\n"
    with client.connect(line.server) as s:
        s.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(csr), csr))
        (answer,) = client.read_answers(s, 1)
    first = est.certificate(answer)
    with client.connect(line.server) as s:
        s.sendall(head.replace("1.1", "1.0").encode() + b"Content-Length: %d\r\n\r\n%s" % (len(csr), csr))
        (answer,) = client.read_answers(s, 1)
    assert est.certificate(answer) == first


def test_challenge_password_is_ignored(line):
    """Nobody asked for one by csrattrs: what a client puts there by habit harms nothing."""
    key, cn = keys.elliptic(), csrs.device()
    password = der.sequence(der.oid(csrs.CHALLENGE_PASSWORD), der.set_of(der.string("utf8", "c2VjcmV0")))
    csr = csrs.request(key, csrs.name(("CN", cn)), attrs=csrs.attributes(password))
    est.check(est.enroll(line.client, csr, "lot"), line.ca, key, {"CN": cn})


def test_requested_extensions_are_not_followed(line):
    key, cn = keys.elliptic(), csrs.device()
    wanted = csrs.extension_request(csrs.extension("2.5.29.19", der.sequence(der.boolean(True)), True))
    csr = csrs.request(key, csrs.name(("CN", cn)), attrs=csrs.attributes(wanted))
    est.check(est.enroll(line.client, csr, "lot"), line.ca, key, {"CN": cn})


@pytest.mark.short
@pytest.mark.parametrize("header, one_line", [
    ("", True), ("Authorization: Basic eDp5\r\n", True), ("User-Agent: x\r\n", False), ("Accept: */*\r\n", False),
    ("Accept-Encoding: identity\r\n", False), ("Connection: close\r\n", False)])
def test_one_line_for_strongswan(line, header, one_line):
    """It sends just these headers and reads no line ends; libest needs them, and so do those that use OpenSSL as it comes."""
    head = "%s %s HTTP/1.1\r\nHost: localhost\r\n%s"
    answer = est.bare(line.server, head % ("GET", est.path("cacerts"), header) + "\r\n")
    (ca,) = est.bag(est.unwrap(answer, est.CACERTS, one_line))
    assert ca == x509.load_pem_x509_certificate(line.ca)
    if "Authorization" in header:
        return      # that is no token
    csr = chars(csrs.fresh()[1])
    answer = est.bare(line.server, head % ("POST", est.path("simpleenroll", "lot"), header)
                      + f"Content-Type: application/pkcs10\r\nContent-Length: {len(csr)}\r\n\r\n", csr)
    assert len(est.bag(est.unwrap(answer, est.CERTIFICATE, one_line))) == 1


# ---- the same line behind it

@pytest.mark.short
def test_the_same_request_the_same_bytes(line):
    csr = csrs.fresh()[1]
    first = est.enroll(line.client, csr, "lot")
    est.certificate(first)
    for form in FORMS:
        assert est.post(line.client, FORMS[form](csr), "lot").body == first.body


def test_the_same_after_a_restart(home, start):
    home.batch("lot", 5)
    csr = csrs.fresh()[1]
    server = start(home)
    with client.Client(server) as c:
        first = est.enroll(c, csr)
    server.stop()
    home.run("batch", "close", "lot")
    with client.Client(start(home)) as c:
        again = est.enroll(c, csr, "lot")
    est.certificate(first)
    assert (again.status, again.body) == (200, first.body)


@pytest.mark.parametrize("est_first", [True, False])
def test_the_same_certificate_by_either_door(line, est_first):
    csr = csrs.fresh()[1]
    doors = [lambda: est.certificate(est.enroll(line.client, csr, "lot")),
             lambda: est.of_v1(line.client.enroll("lot", csr))]
    first, again = (door() for door in (doors if est_first else reversed(doors)))
    assert first == again


def test_one_quota(home, start):
    """Both doors draw on one order; who has his certificate is answered when it is used up."""
    home.batch("lot", 3)
    with client.Client(start(home)) as c:
        mine = [csrs.fresh()[1] for _ in range(3)]
        bodies = [est.enroll(c, csr).body for csr in mine[:2]]
        assert c.enroll("lot", mine[2]).status == 201
        est.refused(est.enroll(c, csrs.fresh()[1]), 403, "lot")
        assert [est.enroll(c, csr).body for csr in mine[:2]] == bodies
        assert home.batch_show("lot")["issued"] == 3


def test_the_label_names_the_batch(line, second):
    cn = csrs.device()
    _, csr = csrs.fresh(cn)
    one, other = (est.certificate(est.enroll(line.client, csr, label)) for label in ("lot", second))
    assert one.serial_number != other.serial_number
    assert {r["batch"] for r in line.home.certificates("--device", cn)} == {"lot", second}


def test_log(line):
    """One line for each, with the door's name, and nothing of the request."""
    cn = csrs.device()
    _, csr = csrs.fresh(cn)
    est.certificate(est.enroll(line.client, csr, "lot"))
    (told,) = line.server.lines_with(cn)
    assert " enroll " in told and "batch=lot" in told and "outcome=issued" in told and "est" in told
    text = chars(csr).decode()
    log = line.server.log()
    assert not any(text[i:i + 20] in log for i in range(0, len(text) - 20, 20))
