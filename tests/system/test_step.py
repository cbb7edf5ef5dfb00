"""The door for step-ca's clients: every body byte for byte, and the same line behind it as behind /v1."""
import hashlib
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import certs
import client as clients
import csrs
import doors
import home as homes
import keys
import problems

COMPLETED = "The request could not be completed: "
FORBIDDEN = "The request was forbidden by the certificate authority: "
UNAUTHORIZED = "The request lacked necessary authorization to be completed. "

PATHS = ["/1.0/sign", "/sign"]


@pytest.fixture(scope="module")
def open_line(tmp_path_factory):
    """Whoever is on this machine may enroll."""
    line = doors.Line(tmp_path_factory.mktemp("step") / "home")
    yield line
    doors.check_no_secrets(line.server)
    line.stop()


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """Enrolling needs a token; two batches are open."""
    line = doors.Line(tmp_path_factory.mktemp("step") / "home", enroll="token", batches=("lot", "other"), wrong_tokens_per_minute=1000)
    line.any = line.token("any")
    line.lot = line.token("for-lot", "--batch", "lot")
    line.viewer = line.token("anna", role="viewer")
    yield line
    doors.check_no_secrets(line.server)
    line.stop()


def signed(answer, line):
    """The certificate of an answer of sign; every byte of it is looked at."""
    assert answer.status == 201, str(answer)
    assert answer.headers.get_all("Content-Type") == ["application/json"]
    body = doors.is_go(answer)
    assert list(body) == ["crt", "ca", "certChain"]
    assert body["certChain"] == [body["crt"], body["ca"]]
    assert body["ca"].encode() == line.ca
    assert certs.split(body["crt"].encode())
    return doors.leaf(body["crt"])


def refused(answer, status, message):
    """message: the whole of it, or its beginning if it ends with a blank."""
    assert answer.status == status, str(answer)
    assert answer.headers.get_all("Content-Type") == ["application/json"]
    body = doors.is_go(answer)
    assert list(body) == ["status", "message"] and body["status"] == status, str(answer)
    said = body["message"]
    assert said.startswith(message) and len(said) > len(message) + 10 if message.endswith(" ") else said == message, said
    assert said.endswith((".", '" was not found')), said
    return said


# ---- signing -----------------------------------------------------------------------------------------------------

@pytest.mark.short
@pytest.mark.parametrize("path", PATHS)
def test_sign(locked, path):
    key, csr = doors.device()
    answer = locked.post(path, {"csr": csr, "ott": locked.lot})
    signed(answer, locked)
    body = answer.json()
    subject = {"CN": x509.load_pem_x509_csr(csr.encode()).subject.rfc4514_string()[3:]}
    certs.check((body["crt"] + body["ca"]).encode(), locked.ca, key, subject)
    serial = f"{doors.leaf(body['crt']).serial_number:032x}"
    assert answer.headers["Location"] == f"/v1/certificates/{serial}"
    assert locked.home.run("cert", "export", serial).out == body["crt"]


def test_the_same_again(locked):
    """Also through the other path, and as /v1 answers it; 201 each time, as step-ca knows no other."""
    _, csr = doors.device()
    first = locked.post("/1.0/sign", {"csr": csr, "ott": locked.lot})
    again = locked.post("/sign", {"ott": locked.lot, "csr": csr, "templateData": {"a": [1]}})
    assert (first.status, again.status) == (201, 201) and first.body == again.body
    v1 = locked.client.request("POST", "/v1/enroll/lot", csr, {"Authorization": f"Bearer {locked.any}"})
    assert v1.status == 200 and v1.body.decode() == "".join(first.json()["certChain"])
    assert len(locked.home.certificates("--device", x509.load_pem_x509_csr(csr.encode()).subject.rfc4514_string()[3:])) == 1


def test_quota(locked):
    locked.home.batch("small", 1)
    ott = locked.token("for-small", "--batch", "small")
    assert locked.post("/sign", {"csr": doors.device()[1], "ott": ott}).status == 201
    said = refused(locked.post("/sign", {"csr": doors.device()[1], "ott": ott}), 403, FORBIDDEN)
    assert "small" in said
    locked.home.run("batch", "close", "small")
    assert "closed" in refused(locked.post("/sign", {"csr": doors.device()[1], "ott": ott}), 403, FORBIDDEN)


def test_what_else_is_sent_is_not_followed(locked):
    """Fixtures send these by habit: the profile decides all the same."""
    _, csr = doors.device()
    extra = {"notBefore": "-1h", "notAfter": "5m", "templateData": {"user": {"san": "x"}}, "unknown": None, "csr2": csr}
    certificate = signed(locked.post("/1.0/sign", {"csr": csr, "ott": locked.lot, **extra}), locked)
    assert (certificate.not_valid_after - certificate.not_valid_before).days >= 3649


@pytest.mark.parametrize("media", ["application/json", "application/x-www-form-urlencoded", "text/plain; charset=utf-8", "x/y", None])
def test_any_media_type(locked, media):
    """curl -d without a header says that it is a form; step-ca does not look."""
    headers = {"Content-Type": media} if media else {}
    data = json.dumps({"csr": doors.device()[1], "ott": locked.lot}).encode()
    signed(locked.client.request("POST", "/sign", data, headers), locked)


def test_forms_of_a_csr(locked):
    der = csrs.fresh()[1]
    first = locked.post("/sign", {"csr": csrs.pem(der).decode(), "ott": locked.lot})
    for text in (csrs.pem(der, eol="\r\n").decode(), csrs.pem(der, "NEW CERTIFICATE REQUEST").decode(), csrs.wrapped(der, 0)):
        assert locked.post("/sign", {"csr": text, "ott": locked.lot}).body == first.body


def test_escapes(locked):
    """A JSON text may be written in many ways: all of them are one CSR and one token."""
    _, csr = doors.device()
    first = locked.post("/sign", {"csr": csr, "ott": locked.lot})
    wild = "".join(f"\\u{ord(c):04x}" for c in csr)
    body = f' \n{{"ott" : "{locked.lot.upper()}" ,\t"csr":"{wild}"}}\r\n'.encode()
    assert len(body) < 65536
    assert locked.post("/sign", body).body == first.body


# ---- who may -----------------------------------------------------------------------------------------------------

@pytest.mark.short
def test_open_without_a_token(open_line):
    signed(open_line.post("/sign", {"csr": doors.device()[1]}), open_line)
    signed(open_line.post("/sign", {"csr": doors.device()[1], "ott": ""}), open_line)


def test_a_wrong_token_is_refused_on_an_open_line_too(open_line):
    refused(open_line.post("/sign", {"csr": doors.device()[1], "ott": "lce" + "0" * 52}), 401, UNAUTHORIZED)


@pytest.mark.short
@pytest.mark.parametrize("ott", [None, "", "absent"])
def test_missing_ott(locked, ott):
    body = {"csr": doors.device()[1], "ott": ott}
    if ott == "absent":
        del body["ott"]
    refused(locked.post("/1.0/sign", body), 400, COMPLETED + "missing ott.")


@pytest.mark.parametrize("ott", ["x", "lce" + "0" * 52, "eyJhbGciOiJFUzI1NiJ9.e30.c2ln", " ", "ä", "<&>" * 100, "a" * 20000])
def test_wrong_ott(locked, ott):
    said = refused(locked.post("/sign", {"csr": doors.device()[1], "ott": ott}), 401, UNAUTHORIZED)
    assert ott not in said or len(ott) < 3


def test_revoked_and_expired(locked):
    ott = locked.token("gone")
    locked.home.run("token", "revoke", "gone")
    assert "revoked" in refused(locked.post("/sign", {"csr": doors.device()[1], "ott": ott}), 401, UNAUTHORIZED)


def test_a_role_that_may_not(locked):
    assert "anna" in refused(locked.post("/sign", {"csr": doors.device()[1], "ott": locked.viewer}), 403, FORBIDDEN)


def test_authorization_instead_of_ott(locked):
    _, csr = doors.device()
    signed(locked.post("/sign", {"csr": csr}, Authorization=f"Bearer {locked.lot}"), locked)
    refused(locked.post("/sign", {"csr": csr}, Authorization="Bearer lce0"), 401, UNAUTHORIZED)


def test_the_token_chooses_the_batch(locked):
    said = refused(locked.post("/sign", {"csr": doors.device()[1], "ott": locked.any}), 403, FORBIDDEN)
    assert "lot" in said and "other" in said and "token" in said
    certificate = signed(locked.post("/sign", {"csr": doors.device()[1], "ott": locked.lot}), locked)
    (row,) = locked.home.json("cert", "show", f"{certificate.serial_number:032x}")
    assert row["batch"] == "lot"


# ---- refusals ----------------------------------------------------------------------------------------------------

@pytest.mark.short
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"csr=x", b'{"csr":1}', b'{"csr":["x"]}', b'{"csr":"a","csr":"b"}', b'{"csr":"a","ott":{}}',
                                  b'{"csr":"a"} {}', b'{"csr":"a\\u0000"}', b'{"csr":"\xff', b"[" * 60000])
def test_no_json(locked, body):
    refused(locked.post("/sign", body), 400, COMPLETED + "error decoding json.")


@pytest.mark.parametrize("body", [{}, {"csr": ""}, {"csr": None}, {"ott": "x"}, {"CSR": "x"}])
def test_missing_csr(locked, body):
    refused(locked.post("/1.0/sign", body), 400, COMPLETED + "missing csr.")


@pytest.mark.parametrize("what", list(doors.bent(doors.device()[1])))
def test_invalid_csr(locked, what):
    csr, _ = doors.bent(doors.device()[1])[what]
    refused(locked.post("/sign", {"csr": csr, "ott": locked.lot}), 400, COMPLETED + "invalid csr: ")


def test_the_token_is_judged_before_the_csr(locked):
    refused(locked.post("/sign", {"csr": "hello"}), 400, COMPLETED + "missing ott.")
    refused(locked.post("/sign", {"csr": "hello", "ott": "x"}), 401, UNAUTHORIZED)


def test_policy(locked):
    """Key and subject, what is taken, what is not listed: 403, as step-ca refuses by policy."""
    key = keys.elliptic()
    name = csrs.device()
    refused(locked.post("/sign", {"csr": csrs.pem(csrs.request(key, csrs.name(("O", "no name")))).decode(), "ott": locked.lot}), 403, FORBIDDEN)
    rsa = csrs.pem(csrs.request(keys.shared_rsa(1024), csrs.name(("CN", csrs.device())))).decode()
    refused(locked.post("/sign", {"csr": rsa, "ott": locked.lot}), 403, FORBIDDEN)
    assert locked.post("/sign", {"csr": csrs.pem(csrs.request(key, csrs.name(("CN", name)))).decode(), "ott": locked.lot}).status == 201
    other_key = csrs.pem(csrs.request(keys.elliptic(), csrs.name(("CN", name)))).decode()
    assert name in refused(locked.post("/sign", {"csr": other_key, "ott": locked.lot}), 403, FORBIDDEN)
    cloned = csrs.pem(csrs.request(key, csrs.name(("CN", csrs.device())))).decode()
    assert name in refused(locked.post("/sign", {"csr": cloned, "ott": locked.lot}), 403, FORBIDDEN)


def test_a_private_key_is_not_kept(locked):
    key = keys.elliptic()
    posted = keys.private_bytes(key, "pkcs8")
    assert "key" in refused(locked.post("/sign", {"csr": posted.decode(), "ott": locked.lot}), 400, COMPLETED + "invalid csr: ")
    secrets = keys.secrets_of(key, posted)
    assert not locked.home.holding(secrets) and not any(s in locked.server.log().encode() for s in secrets)


def test_too_large(locked):
    answer = locked.post("/sign", b'{"csr":"' + b"A" * 65536 + b'"}')
    assert answer.status == 413 and list(doors.is_go(answer)) == ["status", "message"]


def test_waits_for_approval(locked):
    locked.home.batch("held", 5, "--approval")
    ott = locked.token("for-held", "--batch", "held")
    _, csr = doors.device()
    answer = locked.post("/sign", {"csr": csr, "ott": ott})
    assert "approval" in refused(answer, 403, FORBIDDEN) and int(answer.headers["Retry-After"]) > 0
    locked.home.run("batch", "open", "held")
    signed(locked.post("/sign", {"csr": csr, "ott": ott}), locked)


# ---- reading -----------------------------------------------------------------------------------------------------

@pytest.mark.short
def test_health(locked):
    answer = locked.client.get("/health")
    assert (answer.status, answer.body) == (200, b'{"status":"ok"}\n') and answer.headers["Content-Type"] == "application/json"


def test_version(locked):
    answer = locked.client.get("/version")
    assert answer.status == 200 and answer.body == doors.go({"version": homes.run("version").out.split()[1]})


def test_roots(locked):
    answer = locked.client.get("/roots.pem")
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, "application/x-pem-file", locked.ca)
    answer = locked.client.get("/roots")
    assert (answer.status, answer.headers["Content-Type"]) == (201, "application/json")
    assert answer.body == doors.go({"crts": [locked.ca.decode()]})


def fingerprint(line):
    return hashlib.sha256(x509.load_pem_x509_certificate(line.ca).public_bytes(serialization.Encoding.DER)).hexdigest()


def test_root(locked):
    right = fingerprint(locked)
    for form in (right, right.upper(), "-".join(right[i:i + 2] for i in range(0, 64, 2))):
        answer = locked.client.get("/root/" + form)
        assert (answer.status, answer.body) == (200, doors.go({"ca": locked.ca.decode()}))


@pytest.mark.parametrize("wrong", ["0" * 64, "abc", "x" * 64, "0" * 63, "0" * 65, "%22%5C%3Cb%3E", "%C3%A4"])
def test_unknown_root(locked, wrong):
    answer = locked.client.get("/root/" + wrong)
    said = refused(answer, 404, 'root certificate with fingerprint ')
    assert said.endswith(' was not found')
    if wrong.isalnum():
        assert said == f'root certificate with fingerprint "{wrong}" was not found'


def test_a_wrong_method(locked):
    answer = locked.client.get("/sign")
    assert answer.status == 405 and answer.headers["Allow"] == "POST"
    assert list(doors.is_go(answer)) == ["status", "message"]


def test_switched_off(home, start):
    """By default there is no such door."""
    home.batch("lot", 5)
    with clients.Client(start(home)) as c:
        for path in ("/health", "/version", "/roots", "/roots.pem", "/root/" + "0" * 64):
            problems.check(c.get(path), "not_found")
        for path in PATHS:
            problems.check(c.request("POST", path, b"{}"), "not_found")
