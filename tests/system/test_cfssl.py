"""The door for cfssl's clients: its envelope byte for byte, and Debian's cfssl itself as the client."""
import json
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import certs
import client as clients
import csrs
import doors
import keys
import limits
import problems
import server as servers
import tls

SIGN, INFO = "/api/v1/cfssl/sign", "/api/v1/cfssl/info"


@pytest.fixture(scope="module")
def open_line(tmp_path_factory):
    """Whoever is on this machine may enroll, in the one batch."""
    line = doors.Line(tmp_path_factory.mktemp("cfssl") / "home")
    yield line
    doors.check_no_secrets(line.server)
    line.stop()


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """Enrolling needs a token; two batches are open."""
    line = doors.Line(tmp_path_factory.mktemp("cfssl") / "home", enroll="token", batches=("lot", "other"), wrong_tokens_per_minute=1000)
    line.any = line.token("any")
    line.lot = line.token("for-lot", "--batch", "lot")
    line.viewer = line.token("anna", role="viewer")
    yield line
    doors.check_no_secrets(line.server)
    line.stop()


def ok(answer):
    """The result and the messages of a success; every byte of it is looked at."""
    assert answer.status == 200, str(answer)
    assert answer.headers.get_all("Content-Type") == ["application/json"]
    body = doors.is_go(answer)
    assert list(body) == ["success", "result", "errors", "messages"]
    assert (body["success"], body["errors"]) == (True, [])
    return body["result"], body["messages"]


def signed(answer, line):
    """The certificate in PEM and the messages."""
    result, messages = ok(answer)
    assert list(result) == ["certificate"] and len(certs.split(result["certificate"].encode())) == 1
    return result["certificate"], messages


def refused(answer, status, code, message):
    """message: the whole of it, or its beginning if it ends with a blank."""
    assert answer.status == status, str(answer)
    assert answer.headers.get_all("Content-Type") == ["text/plain; charset=utf-8"], "as Go's http.Error sends it"
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    body = doors.is_go(answer)
    assert list(body) == ["success", "result", "errors", "messages"]
    assert (body["success"], body["result"], body["messages"]) == (False, None, [])
    (error,) = body["errors"]
    assert list(error) == ["code", "message"] and error["code"] == code, str(answer)
    said = error["message"]
    assert said.startswith(message) and len(said) > len(message) + 10 if message.endswith(" ") or not message else said == message, said
    return said


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


# ---- sign --------------------------------------------------------------------------------------------------------

@pytest.mark.short
def test_sign(open_line):
    key, csr = doors.device()
    answer = open_line.post(SIGN, {"certificate_request": csr})
    pem, messages = signed(answer, open_line)
    assert messages == []
    subject = {"CN": x509.load_pem_x509_csr(csr.encode()).subject.rfc4514_string()[3:]}
    certs.check(pem.encode() + open_line.ca, open_line.ca, key, subject)
    assert answer.headers["Location"] == f"/v1/certificates/{doors.leaf(pem).serial_number:032x}"


def test_the_same_again(open_line):
    _, csr = doors.device()
    first = open_line.post(SIGN, {"certificate_request": csr})
    assert open_line.post(SIGN, {"label": "lot", "certificate_request": csr, "hosts": None, "profile": ""}).body == first.body
    v1 = open_line.client.enroll("lot", csr)
    assert v1.status == 200 and v1.body.decode().startswith(first.json()["result"]["certificate"])
    assert open_line.client.request("POST", "/v1/enroll/lot", csr).body == v1.body


def test_label_is_the_batch(locked):
    for label in ("lot", "other"):
        pem, _ = signed(locked.post(SIGN, {"certificate_request": doors.device()[1], "label": label}, **bearer(locked.any)), locked)
        (row,) = locked.home.json("cert", "show", f"{doors.leaf(pem).serial_number:032x}")
        assert row["batch"] == label
    pem, _ = signed(locked.post(SIGN, {"certificate_request": doors.device()[1], "label": ""}, **bearer(locked.lot)), locked)
    (row,) = locked.home.json("cert", "show", f"{doors.leaf(pem).serial_number:032x}")
    assert row["batch"] == "lot"


def test_what_is_not_followed_is_said(open_line):
    """cfssl would change the certificate by these; here the profile decides, and the answer says so."""
    _, csr = doors.device()
    asked = {"hostname": "a.example,b.example", "hosts": ["a"], "subject": {"CN": "another"}, "serial": 12345678901234567890123, "profile": "server",
             "crl_override": "http://x", "extensions": [{}], "bundle": True}
    pem, messages = signed(open_line.post(SIGN, {"certificate_request": csr, **asked}), open_line)
    (message,) = messages
    assert list(message) == ["code", "message"] and message["code"] == 0
    assert message["message"] == "not followed, the profile default decides: " + ", ".join(asked)
    certificate = doors.leaf(pem)
    assert certificate.subject == x509.load_pem_x509_csr(csr.encode()).subject
    assert certificate.serial_number != asked["serial"]
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)


@pytest.mark.parametrize("asked", [{}, {"hostname": "", "hosts": [], "subject": None, "serial": None, "profile": "", "bundle": False, "extensions": None},
                                   {"profile": "default"}])
def test_what_asks_for_nothing_is_not_mentioned(open_line, asked):
    _, messages = signed(open_line.post(SIGN, {"certificate_request": doors.device()[1], **asked}), open_line)
    assert messages == []


@pytest.mark.parametrize("media", ["application/json", "application/x-www-form-urlencoded", None])
def test_any_media_type(open_line, media):
    data = json.dumps({"certificate_request": doors.device()[1]}).encode()
    signed(open_line.client.request("POST", SIGN, data, {"Content-Type": media} if media else {}), open_line)


# ---- refusals ----------------------------------------------------------------------------------------------------

@pytest.mark.short
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"certificate_request":"a\\u0000"}', b'{"certificate_request":"a"}x', b"[" * 60000])
def test_no_json(open_line, body):
    refused(open_line.post(SIGN, body), 400, 400, "Unable to parse sign request")


@pytest.mark.short
@pytest.mark.parametrize("body", [{}, {"certificate_request": ""}, {"certificate_request": None}, {"csr": "x"}])
def test_missing_csr(open_line, body):
    refused(open_line.post(SIGN, body), 400, 400, "missing parameter 'certificate_request'")


@pytest.mark.parametrize("body", [b'{"certificate_request":1}', b'{"certificate_request":"a","label":[]}', b'{"certificate_request":"a","certificate_request":"b"}'])
def test_wrong_members(open_line, body):
    refused(open_line.post(SIGN, body), 400, 400, "")


@pytest.mark.parametrize("what", list(doors.bent(doors.device()[1])))
def test_invalid_csr(open_line, what):
    csr, code = doors.bent(doors.device()[1])[what]
    refused(open_line.post(SIGN, {"certificate_request": csr}), 400, {"csr_malformed": 9002, "csr_signature_invalid": 9300}[code], "")


def test_policy(open_line):
    key, name = keys.elliptic(), csrs.device()
    pem = lambda k, *subject: {"certificate_request": csrs.pem(csrs.request(k, csrs.name(*subject))).decode(), "label": "lot"}
    refused(open_line.post(SIGN, pem(key, ("O", "no name"))), 400, 5300, "")
    refused(open_line.post(SIGN, pem(keys.shared_rsa(1024), ("CN", name))), 400, 5300, "")
    signed(open_line.post(SIGN, pem(key, ("CN", name))), open_line)
    assert name in refused(open_line.post(SIGN, pem(keys.elliptic(), ("CN", name))), 400, 11100, "")
    assert name in refused(open_line.post(SIGN, pem(key, ("CN", csrs.device()))), 400, 11100, "")


def test_a_private_key_is_not_kept(open_line):
    key = keys.elliptic()
    posted = keys.private_bytes(key, "pkcs8")
    refused(open_line.post(SIGN, {"certificate_request": posted.decode()}), 400, 9300, "")
    secrets = keys.secrets_of(key, posted)
    assert not open_line.home.holding(secrets) and not any(s in open_line.server.log().encode() for s in secrets)


def test_batches_that_do_not_issue(locked):
    locked.home.batch("small", 1, "--pattern", "SN-[0-9]+")
    ask = lambda cn: locked.post(SIGN, {"certificate_request": csrs.pem(csrs.fresh(cn)[1]).decode(), "label": "small"}, **bearer(locked.any))
    refused(ask("other"), 400, 5500, "")
    signed(ask("SN-1"), locked)
    assert "small" in refused(ask("SN-2"), 400, 5300, "")
    locked.home.run("batch", "close", "small")
    assert "closed" in refused(ask("SN-3"), 400, 5300, "")
    locked.home.batch("held", 5, "--approval")
    answer = locked.post(SIGN, {"certificate_request": doors.device()[1], "label": "held"}, **bearer(locked.any))
    assert "approval" in refused(answer, 400, 5300, "") and int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("label", ["nowhere", "x" * 65, "x" * 5000, "<b>", "../lot"])
def test_bad_label(locked, label):
    refused(locked.post(SIGN, {"certificate_request": doors.device()[1], "label": label}, **bearer(locked.any)), 400, 400, "bad label: ")
    refused(locked.post(INFO, {"label": label}), 400, 400, "bad label: ")


def test_no_label_and_several_batches(locked):
    said = refused(locked.post(SIGN, {"certificate_request": doors.device()[1]}, **bearer(locked.any)), 400, 400, "bad label: ")
    assert "lot" in said and "other" in said


@pytest.mark.short
def test_rights(locked):
    """cfssl knows no 401."""
    ask = {"certificate_request": doors.device()[1], "label": "lot"}
    refused(locked.post(SIGN, ask), 400, 400, "authentication required: ")
    refused(locked.post(SIGN, ask, **bearer("lce" + "0" * 52)), 400, 400, "invalid token: ")
    refused(locked.post(SIGN, ask, Authorization="Digest x"), 400, 400, "invalid token: ")
    assert "anna" in refused(locked.post(SIGN, ask, **bearer(locked.viewer)), 403, 403, "")
    assert "lot" in refused(locked.post(SIGN, {**ask, "label": "other"}, **bearer(locked.lot)), 403, 403, "")


def test_too_large(open_line):
    refused(open_line.post(SIGN, b'{"certificate_request":"' + b"A" * 65536 + b'"}'), 413, 413, "")


def test_a_wrong_method(open_line):
    answer = open_line.client.get(SIGN)
    refused(answer, 405, 405, "")
    assert answer.headers["Allow"] == "POST"


def test_switched_off(home, start):
    """By default there is no such door."""
    home.batch("lot", 5)
    with clients.Client(start(home)) as c:
        for path in (SIGN, INFO):
            problems.check(c.request("POST", path, b"{}"), "not_found")


# ---- info --------------------------------------------------------------------------------------------------------

@pytest.mark.short
def test_info(open_line):
    for body in ({}, {"label": ""}, {"label": "lot", "profile": "x"}):
        result, messages = ok(open_line.post(INFO, body))
        assert messages == []
        assert result == {"certificate": open_line.ca.decode().rstrip("\n"), "usages": ["digital signature", "client auth"], "expiry": "87600h"}
        assert list(result) == ["certificate", "usages", "expiry"]


def test_info_without_a_token(locked):
    """The CA is no secret; several open batches have one CA."""
    assert ok(locked.post(INFO, {}))[0]["certificate"] == locked.ca.decode().rstrip("\n")


def test_info_of_a_profile(tmp_path):
    line = doors.Line(tmp_path / "home", batches=())
    line.stop()
    conf = line.home.path / "lineca.conf"
    conf.write_text(conf.read_text() + "\n[profile short]\nvalidity_days = 30\n[profile ever]\nno_expiry = yes\nmay_outlive_ca = yes\n")
    line.home.batch("a", 5, "--profile", "short")
    line.home.batch("b", 5, "--profile", "ever")
    with servers.Server(line.home) as server, clients.Client(server) as c:
        ask = lambda label: ok(c.request("POST", INFO, json.dumps({"label": label}).encode()))[0]["expiry"]
        assert (ask("a"), ask("b"), ask("")) == ("720h", "", "87600h")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"label":1}'])
def test_info_malformed(open_line, body):
    refused(open_line.post(INFO, body), 400, 400, "")


# ---- Debian's cfssl ----------------------------------------------------------------------------------------------

def cfssl(*args, fails=False):
    """Runs the client, and answers what it printed. It exits with 0 or 1 as it likes: what counts is what it says."""
    done = subprocess.run(["cfssl", *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limits.seconds(30))
    assert (done.stdout == "") == fails, done.stdout + done.stderr
    return done.stderr if fails else json.loads(done.stdout)


def write_csr(folder):
    key, csr = doors.device()
    path = folder / "device.csr"
    path.write_text(csr)
    return path


def test_client_sign(open_line, tmp_path):
    address = f"http://127.0.0.1:{open_line.server.port}"
    csr = write_csr(tmp_path)
    got = cfssl("sign", "-remote", address, csr)
    assert got["csr"] == csr.read_text()
    assert open_line.client.enroll("lot", csr.read_text()).body.decode() == got["cert"] + open_line.ca.decode()
    again = cfssl("sign", "-remote", address, "-label", "lot", "-profile", "server", "-hostname", "a.example,10.0.0.1", csr)
    assert again["cert"] == got["cert"]


def test_client_gencert(open_line, tmp_path):
    """The client makes the key, with names that are not followed."""
    name = csrs.device()
    asked = tmp_path / "csr.json"
    asked.write_text(json.dumps({"CN": name, "hosts": ["a.example"], "key": {"algo": "ecdsa", "size": 256}, "names": [{"O": "ACME"}]}))
    got = cfssl("gencert", "-remote", f"http://127.0.0.1:{open_line.server.port}", "-label", "lot", asked)
    key = serialization.load_pem_private_key(got["key"].encode(), None)
    certs.check(got["cert"].encode() + open_line.ca, open_line.ca, key, {"O": "ACME", "CN": name})


def test_client_info(open_line):
    got = cfssl("info", "-remote", f"http://127.0.0.1:{open_line.server.port}", "-label", "lot")
    assert got == {"certificate": open_line.ca.decode().rstrip("\n"), "usages": ["digital signature", "client auth"], "expiry": "87600h"}
    said = cfssl("info", "-remote", f"http://127.0.0.1:{open_line.server.port}", "-label", "nowhere", fails=True)
    assert "bad label" in said


def test_client_token(locked, tmp_path):
    """As the password of the address; in a configuration file, where no other process sees it."""
    csr = write_csr(tmp_path)
    host = f"127.0.0.1:{locked.server.port}"
    assert "authentication required" in cfssl("sign", "-remote", f"http://{host}", "-label", "lot", csr, fails=True)
    assert "invalid token" in cfssl("sign", "-remote", f"http://any:{'lce' + '0' * 52}@{host}", "-label", "lot", csr, fails=True)
    got = cfssl("sign", "-remote", f"http://any:{locked.lot}@{host}", csr)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"signing": {"default": {"remote": "line"}}, "remotes": {"line": f"http://any:{locked.lot}@{host}"}}))
    assert cfssl("sign", "-config", config, csr) == got


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """The same doors with TLS, where a station of the plant's own CA may enroll by its certificate."""
    folder = tmp_path_factory.mktemp("cfssl")
    line = doors.Line(folder / "home")
    line.stop()
    plant = tls.Authority(folder, "Plant CA")
    line.home.configure("tls", "client_ca", plant.path)
    line.home.configure("server", "enroll", "token_or_certificate")
    line.trusted = tls.serve(line.home)
    line.station = plant.issue("station-7", "client")
    line.server = servers.Server(line.home, tls="127.0.0.1:0")
    line.ott = line.token("any")
    yield line
    doors.check_no_secrets(line.server)
    line.server.stop()


def test_client_tls(secure, tmp_path):
    csr = write_csr(tmp_path)
    trust = ("-tls-remote-ca", secure.trusted, "-label", "lot")
    host = f"localhost:{secure.server.tls_port}"
    certificate, key = secure.station
    assert "authentication required" in cfssl("sign", "-remote", f"https://{host}", *trust, csr, fails=True)
    got = cfssl("sign", "-remote", f"https://any:{secure.ott}@{host}", *trust, csr)
    again = cfssl("sign", "-remote", f"https://{host}", *trust, "-mutual-tls-client-cert", certificate,
                  "-mutual-tls-client-key", key, csr)
    assert again == got
    assert "by=station-7" in secure.server.log()
    assert cfssl("info", "-remote", f"https://{host}", *trust)["certificate"] == secure.ca.decode().rstrip("\n")
