"""A device that posts its private key is told so, and nothing of the key stays."""
import base64

import pytest

import client
import csrs
import der
import keys
import limits
import problems

PASSWORD = b"correct horse"


def encrypted_traditional(key):
    """The old PEM encryption, which the cryptography package reads but does not make: only its looks matter here."""
    body = base64.encodebytes(keys.private_bytes(key, "traditional", "DER")).decode()
    return ("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
            f"{body}-----END EC PRIVATE KEY-----\n").encode()


def pem(form, password=None):
    return lambda key: keys.private_bytes(key, form, "PEM", password)


def raw(form, password=None):
    return lambda key: keys.private_bytes(key, form, "DER", password)


def bare(make):
    return lambda key: base64.encodebytes(make(key))


def with_csr(before):
    def make(key):
        csr, secret = csrs.pem(csrs.plain(key, csrs.device())), pem("pkcs8")(key)
        return secret + csr if before else csr + secret
    return make


def parameters_first(key):
    """What `openssl ecparam -genkey` writes."""
    return csrs.pem(der.oid("1.2.840.10045.3.1.7"), "EC PARAMETERS") + pem("traditional")(key)


FORMS = {
    "pkcs8-pem": pem("pkcs8"),
    "pkcs8-pem-crlf": lambda key: pem("pkcs8")(key).replace(b"\n", b"\r\n"),
    "pkcs8-pem-after-text": lambda key: b"here it comes:\n" + pem("pkcs8")(key),
    "pkcs8-encrypted-pem": pem("pkcs8", PASSWORD),
    "pkcs8-der": raw("pkcs8"),
    "pkcs8-encrypted-der": raw("pkcs8", PASSWORD),
    "pkcs8-base64": bare(raw("pkcs8")),
    "pkcs8-encrypted-base64": bare(raw("pkcs8", PASSWORD)),
    "traditional-pem": pem("traditional"),
    "traditional-der": raw("traditional"),
    "traditional-base64": bare(raw("traditional")),
    "key-then-csr": with_csr(True),
    "csr-then-key": with_csr(False),
    "labelled-csr": lambda key: csrs.pem(raw("pkcs8")(key)),
    "cut-pem": lambda key: pem("pkcs8")(key)[:-20],
}
KINDS = {"p256": keys.elliptic, "p384": lambda: keys.elliptic(keys.P384), "rsa": keys.rsa_key}
CASES = [(form, kind) for form in FORMS for kind in KINDS] + [("ecparam", "p256"), ("old-encryption", "p256"), ("openssh", "p256")]
MORE = {"ecparam": parameters_first, "old-encryption": encrypted_traditional, "openssh": pem("openssh")}
SHORT = {("pkcs8-pem", "p256"), ("traditional-der", "rsa"), ("key-then-csr", "p256"), ("pkcs8-base64", "p384")}


@pytest.mark.parametrize("form,kind", [
    pytest.param(f, k, id=f"{f}-{k}", marks=[pytest.mark.short] if (f, k) in SHORT else []) for f, k in CASES])
def test_private_key(line, form, kind):
    key = KINDS[kind]()
    body = {**FORMS, **MORE}[form](key)
    for media in ("application/pkcs10", None):
        answer = line.client.enroll("lot", body, media)
        problems.check(answer, "private_key_posted")
        leaks_nothing(line, answer, keys.secrets_of(key, body))


def leaks_nothing(line, answer, needles):
    assert not any(n in answer.body for n in needles)
    with open(line.server.log_path, "rb") as f:
        log = f.read()
    assert not any(n in log for n in needles), "in the log"
    assert line.home.holding(needles) == []


def test_the_search_would_find_one(line):
    """The needles are such that a key written down would be found."""
    key = keys.elliptic()
    body = FORMS["pkcs8-pem"](key)
    spot = line.home.path / "spot"
    try:
        for text in (body, FORMS["pkcs8-der"](key), body.replace(b"\n", b"\r\n")):
            spot.write_bytes(text)
            assert line.home.holding(keys.secrets_of(key, body)) == ["spot"]
    finally:
        spot.unlink()


def test_wiped_from_memory(line):
    """Nothing of a posted key is left in the server's memory once it has answered."""
    key = keys.rsa_key()
    body = FORMS["pkcs8-pem"](key)
    with client.Client(line.server) as c:
        problems.check(c.enroll("lot", body, "text/plain"), "private_key_posted")
    line.client.enroll("lot", b"x")
    needles = keys.secrets_of(key, body)

    def gone():
        found = in_memory(line.server.process.pid, needles)
        return None if found else "gone"
    limits.wait_for("the key to be gone from memory", gone, 5)


def in_memory(pid, needles):
    """Readable, writable memory of a process that holds one of the needles."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for row in maps:
            span, mode, *rest = row.split()
            begin, end = (int(x, 16) for x in span.split("-"))
            if not mode.startswith("rw") or end - begin > 1 << 28:
                continue
            memory.seek(begin)
            try:
                data = memory.read(end - begin)
            except OSError:
                continue
            found += [(row.strip(), n) for n in needles if n in data]
    return found
