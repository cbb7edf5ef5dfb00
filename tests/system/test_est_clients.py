"""EST clients that nobody here wrote: curl and openssl as in RFC 7030's appendix A, strongSwan's pki, BouncyCastle."""
import email
import pathlib
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

import csrs
import est
import keys
import limits

JARS = [f"/usr/share/java/{name}.jar" for name in ("bcpkix", "bcprov", "bcutil")]
HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    shared = est.Site(tmp_path_factory.mktemp("site") / "home")
    yield shared
    shared.stop()


def run(*args, code=0, data=None):
    """A program as a person has it; answers what it wrote on stdout."""
    done = subprocess.run([str(a) for a in args], input=data, capture_output=True, timeout=limits.seconds(60))
    assert code is None or done.returncode == code, f"{args}: exit {done.returncode}\n{done.stdout!r}\n{done.stderr.decode()}"
    run.said = done.stderr.decode() + done.stdout.decode("latin-1")
    return done.stdout


def verify(site, path, cn, key=None):
    """Does openssl believe the certificate, and is it this device's?"""
    run("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", site.ca_path, path)
    issued = x509.load_pem_x509_certificate(path.read_bytes())
    assert issued.subject.rfc4514_string() == f"CN={cn}"
    if key is not None:
        assert keys.spki_of(key) == keys.spki_of(issued)
    return issued


def as_pem(der_path):
    path = der_path.with_suffix(".pem")
    path.write_bytes(x509.load_der_x509_certificate(der_path.read_bytes()).public_bytes(serialization.Encoding.PEM))
    return path


# ---- curl and openssl

def curl(site, operation, *args, label=None, code=0):
    return run("curl", "-sS", "--fail-with-body", "--cacert", site.trust, *args, site.url(operation, label), code=code)


def curl_post(site, operation, body, *args, **kw):
    return curl(site, operation, "-H", "Content-Type: application/pkcs10", "--data-binary", f"@{body}", *args, **kw)


def openssl_request(folder, cn, *key):
    """A key and its request, made by openssl, and the request in base64 as EST posts it."""
    run("openssl", "req", "-new", "-nodes", *(key or ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")),
        "-keyout", folder / "device.key", "-subj", f"/CN={cn}", "-outform", "DER", "-out", folder / "device.csr")
    run("openssl", "base64", "-in", folder / "device.csr", "-out", folder / "device.b64")
    return folder / "device.b64"


def openssl_bag(folder, text):
    """The certificates in a base64 PKCS#7, as PEM."""
    (folder / "bag").write_bytes(run("openssl", "base64", "-d", data=text))
    path = folder / "bag.pem"
    path.write_bytes(run("openssl", "pkcs7", "-inform", "DER", "-in", folder / "bag", "-print_certs"))
    return path


def test_curl_obtains_the_ca(site, tmp_path):
    """RFC 7030 A.1"""
    path = openssl_bag(tmp_path, curl(site, "cacerts"))
    assert x509.load_pem_x509_certificate(path.read_bytes()) == x509.load_pem_x509_certificate(site.ca)
    run("openssl", "verify", "-CAfile", path, site.ca_path)


def test_curl_reads_the_attributes(site):
    """RFC 7030 A.2"""
    data = run("openssl", "base64", "-d", data=curl(site, "csrattrs"))
    assert b"prime256v1" in run("openssl", "asn1parse", "-inform", "DER", data=data)


def test_curl_enrolls_and_renews(site, tmp_path):
    """RFC 7030 A.3: with a password first, then with the certificate."""
    cn = csrs.device()
    body = openssl_request(tmp_path, cn)
    user = ("--user", f"estuser:{site.token}")
    assert b"401 " in curl_post(site, "simpleenroll", body, label="lot", code=22)
    first = openssl_bag(tmp_path, curl_post(site, "simpleenroll", body, *user, label="lot"))
    verify(site, first, cn)

    (old := tmp_path / "old.pem").write_bytes(first.read_bytes())
    (tmp_path / "device.key").rename(old_key := tmp_path / "old.key")
    body = openssl_request(tmp_path, cn)
    renewed = curl_post(site, "simplereenroll", body, "--cert", old, "--key", old_key, label="lot")
    verify(site, openssl_bag(tmp_path, renewed), cn)


def test_curl_is_given_a_key(site, tmp_path):
    """RFC 7030 A.4"""
    cn = csrs.device()
    body = openssl_request(tmp_path, cn)
    told = curl_post(site, "serverkeygen", body, "--user", f"estuser:{site.token}", "-D", tmp_path / "head", label="keygen")
    head = (tmp_path / "head").read_bytes().split(b"\r\n", 1)[1]
    key, bag = email.message_from_bytes(head + told).get_payload()
    (tmp_path / "new.p8").write_bytes(key.get_payload(decode=True))
    issued = verify(site, openssl_bag(tmp_path, bag.get_payload().encode()), cn)
    public = run("openssl", "pkey", "-inform", "DER", "-in", tmp_path / "new.p8", "-pubout", "-outform", "DER")
    assert public == keys.spki_of(issued)


# ---- strongSwan

def strongswan(site, command, *args, code=0):
    """pki knows no label: what it asks for is the one open batch, or the token's."""
    return run("pki", command, "--url", f"https://localhost:{site.port}", "--cacert", site.trust, *args, code=code)


def test_strongswan_obtains_the_ca(site, tmp_path):
    strongswan(site, "--estca", "--caout", tmp_path / "ca.pem", "--outform", "pem")
    found = list(tmp_path.iterdir())
    assert len(found) == 1, f"{found}: {run.said}"
    assert x509.load_pem_x509_certificate(found[0].read_bytes()) == x509.load_pem_x509_certificate(site.ca)


def strongswan_enroll(site, folder, cn, *args, code=0):
    """A key and its request by pki too."""
    key, csr = folder / "swan.key", folder / "swan.csr"
    key.write_bytes(run("pki", "--gen", "--type", "ecdsa", "--size", 256, "--outform", "pem"))
    csr.write_bytes(run("pki", "--req", "--type", "ecdsa", "--in", key, "--dn", f"CN={cn}", "--digest", "sha256"))
    issued = folder / "swan.pem"
    issued.write_bytes(strongswan(site, "--est", "--cacert", site.ca_path, "--in", csr, "--outform", "pem", *args, code=code))
    return issued, key


def test_strongswan_enrolls_and_renews(site, tmp_path):
    cn = csrs.device()
    issued, key = strongswan_enroll(site, tmp_path, cn, "--userpass", f"estuser:{site.lot_token}")
    verify(site, issued, cn)

    old, old_key = tmp_path / "old.pem", tmp_path / "old.key"
    issued.rename(old)
    key.rename(old_key)
    renewed, _ = strongswan_enroll(site, tmp_path, cn, "--cert", old, "--key", old_key, "--userpass", f"estuser:{site.lot_token}")
    verify(site, renewed, cn)
    assert len(site.home.certificates("--device", cn)) == 2


def test_strongswan_is_refused(site, tmp_path):
    strongswan_enroll(site, tmp_path, csrs.device(), "--userpass", "estuser:wrong", code=1)
    assert "401" in run.said, run.said


# ---- BouncyCastle

@pytest.fixture(scope="module")
def bouncy(site, tmp_path_factory):
    """BouncyCastle's EST client, driven by est/EstClient.java."""
    classes = tmp_path_factory.mktemp("classes")
    run("ecj", "-17", "-proc:none", "-cp", ":".join(JARS), "-d", classes, HERE / "est" / "EstClient.java")

    def drive(command, *args, code=0):
        return run("java", "-XX:TieredStopAtLevel=1", "-cp", ":".join([str(classes), *JARS]), "EstClient", command,
                   "--port", site.port, "--trust", site.trust, *args, code=code).decode()
    return drive


def bouncy_enroll(bouncy, site, folder, command, csr, *args, label="lot", code=0):
    (folder / "device.csr").write_bytes(csr)
    (folder / "device.der").unlink(missing_ok=True)
    told = bouncy(command, "--label", label, "--csr", folder / "device.csr", "--out", folder / "device.der", *args, code=code)
    return told if code else as_pem(folder / "device.der")


def test_bouncycastle_obtains_the_ca(site, bouncy, tmp_path):
    bouncy("cacerts", "--out", tmp_path / "ca.der")
    assert x509.load_pem_x509_certificate(as_pem(tmp_path / "ca.der").read_bytes()) == x509.load_pem_x509_certificate(site.ca)


def test_bouncycastle_reads_the_attributes(bouncy):
    assert {"1.2.840.10045.4.3.2", "1.2.840.10045.2.1"} <= set(bouncy("csrattrs", "--label", "lot").split())


def test_bouncycastle_enrolls_and_renews(site, bouncy, tmp_path):
    """It asks without a password first, and answers the 401."""
    cn = csrs.device()
    key, csr = csrs.fresh(cn)
    password = ("--user", "estuser", "--password", site.token)
    issued = verify(site, bouncy_enroll(bouncy, site, tmp_path, "enroll", csr, *password), cn, key)

    p12 = tmp_path / "device.p12"
    p12.write_bytes(pkcs12.serialize_key_and_certificates(b"device", key, issued, None,
                                                          serialization.BestAvailableEncryption(b"changeit")))
    next_key, next_csr = csrs.fresh(cn)
    verify(site, bouncy_enroll(bouncy, site, tmp_path, "reenroll", next_csr, "--p12", p12), cn, next_key)


def test_bouncycastle_is_refused(site, bouncy, tmp_path):
    """It tells the status and the sentence."""
    told = bouncy_enroll(bouncy, site, tmp_path, "enroll", csrs.good(), "--password", "wrong", code=3)
    assert told.startswith("refused 401"), told
    told = bouncy_enroll(bouncy, site, tmp_path, "enroll", csrs.good(), "--password", site.token, label="nothing", code=3)
    assert told.startswith("refused 404") and "no batch named nothing" in told, told


def test_bouncycastle_waits_for_approval(site, bouncy, tmp_path):
    """202: when to ask again, and then it has its certificate."""
    site.home.batch("held", 5, "--approval")
    cn = csrs.device()
    key, csr = csrs.fresh(cn)
    ask = lambda **kw: bouncy_enroll(bouncy, site, tmp_path, "enroll", csr, "--password", site.token, label="held", **kw)
    word, seconds = ask(code=3).split()
    assert word == "wait" and 30 <= int(seconds) <= 60
    site.home.run("batch", "open", "held")
    verify(site, ask(), cn, key)


def test_bouncycastle_is_given_a_key(site, bouncy, tmp_path):
    cn = csrs.device()
    path = bouncy_enroll(bouncy, site, tmp_path, "keygen", csrs.fresh(cn)[1], "--password", site.token,
                         "--key-out", tmp_path / "key.p8", label="keygen")
    key = serialization.load_der_private_key((tmp_path / "key.p8").read_bytes(), None)
    verify(site, path, cn, key)
