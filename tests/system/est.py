"""An EST client (RFC 7030) that looks at every byte of what comes back."""
import base64
import http.client
import re
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

import certs
import client as clients
import csrs
import home as homes
import keys
import limits
import server as servers

CACERTS = "application/pkcs7-mime"
CERTIFICATE = "application/pkcs7-mime; smime-type=certs-only"
CSRATTRS = "application/csrattrs"

# base64 in lines of 64 columns, each ended by LF, the last one too
LINES = re.compile(rb"(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{2,64}={0,2}\n")


def path(operation, label=None):
    return "/.well-known/est/" + (f"{label}/" if label is not None else "") + operation


def body(csr):
    """A request as RFC 7030 4.2.1 has it."""
    return csrs.wrapped(csr).encode()


def post(client, data, label=None, operation="simpleenroll", media="application/pkcs10", **headers):
    """Posts bytes; media None: without a Content-Type. It says who it is, as most clients do."""
    headers.setdefault("User-Agent", "est-test")
    if media is not None:
        headers["Content-Type"] = media
    return client.request("POST", path(operation, label), data, headers)


def enroll(client, csr, label=None, **kw):
    return post(client, body(csr), label, **kw)


def unwrap(answer, media, one_line=False):
    """The DER of a 200; its headers and its lines must be exactly right."""
    assert answer.status == 200, str(answer)
    assert answer.headers.get_all("Content-Type") == [media]
    assert answer.headers.get_all("Content-Transfer-Encoding") == ["base64"]
    assert answer.headers.get_all("Content-Length") == [str(len(answer.body))]
    assert answer.headers["Transfer-Encoding"] is None
    if one_line:
        assert re.fullmatch(rb"[A-Za-z0-9+/]+={0,2}\n", answer.body), answer.body
        return base64.b64decode(answer.body[:-1], validate=True)
    return decode(answer.body)


def decode(lines):
    assert LINES.fullmatch(lines), lines
    assert all(len(line) == 64 for line in lines.splitlines()[:-1]), lines
    return base64.b64decode(lines.replace(b"\n", b""), validate=True)


def bag(data):
    """The certificates of a certs-only PKCS#7, which must be nothing else (RFC 5652 5.1, degenerate)."""
    found = pkcs7.load_der_pkcs7_certificates(data)
    inner = b"".join(c.public_bytes(serialization.Encoding.DER) for c in found)
    signed_data, version, none, content = (bytes.fromhex(h) for h in (
        "06092a864886f70d010702", "020101", "3100", "300b06092a864886f70d010701"))
    # a ContentInfo of version 1 without digests, content and signers; the lengths between are the reader's above
    assert data.find(signed_data) in (2, 3, 4) and version + none + content + b"\xa0" in data[:60], data.hex()
    assert data.endswith(inner + none), data.hex()
    return found


def certificate(answer):
    """The one certificate of an enrolment's answer."""
    (one,) = bag(unwrap(answer, CERTIFICATE))
    return one


def check(answer, ca_pem, key, subject, **kw):
    """Is it exactly the certificate of the interface?"""
    issued = certificate(answer).public_bytes(serialization.Encoding.DER)
    return certs.check(csrs.pem(issued, "CERTIFICATE") + ca_pem, ca_pem, key, subject, **kw)


def of_v1(answer):
    """The certificate of a /v1/enroll answer."""
    return x509.load_der_x509_certificate(certs.split(answer.body)[0])


def bare(server, head, data=b""):
    """One request with these headers and no other."""
    with clients.connect(server) as s:
        s.sendall(head.encode() + data)
        (answer,) = clients.read_answers(s, 1)
    return answer


def refused(answer, status, *words, retry=None):
    """A refusal in EST's form: text/plain, "STATUS SENTENCE". Answers the sentence."""
    assert answer.status == status, str(answer)
    assert answer.headers.get_all("Content-Type") == ["text/plain; charset=utf-8"], str(answer)
    assert answer.headers.get_all("Content-Length") == [str(len(answer.body))]
    match = re.fullmatch(r"(\d{3}) ([\x20-\x7e]{15,400})\n", answer.body.decode())
    assert match and int(match.group(1)) == status, str(answer)
    for word in words:
        assert word in match.group(2), f"{answer}: no {word}"
    if retry is None:
        retry = status in (202, 429, 503)
    assert (answer.headers["Retry-After"] is not None) == retry, str(answer)
    if retry:
        assert int(answer.headers["Retry-After"]) > 0
    return match.group(2)


class Line:
    """A home with a server, an open batch `lot`, and EST without TLS: for what is said, not for how it travels."""

    def __init__(self, path):
        self.home = homes.Home(path).init()
        self.home.configure("doors", "est", "plain")
        self.home.batch("lot", 1000000)
        self.server = servers.Server(self.home)
        self.client = clients.Client(self.server)
        self.ca = self.home.ca_pem()

    def stop(self):
        self.client.close()
        self.server.stop()


class Client(clients.Client):
    """A client over TLS, with the device's certificate and key (PEM files) if it shows one."""

    def __init__(self, site, certificate=None, timeout=20):
        self.server = site.server
        context = ssl.create_default_context(cafile=str(site.trust))
        if certificate is not None:
            context.load_cert_chain(*map(str, certificate))
        self.http = http.client.HTTPSConnection("localhost", site.port, context=context, timeout=limits.seconds(timeout))


class Site:
    """
    A line as EST wants it: TLS with the small CA's certificate, who enrolls has a token or a certificate; an open batch lot, and keygen, whose
    profile makes keys.
    """

    def __init__(self, path, rule="token_or_certificate"):
        self.home = homes.Home(path).init()
        self.home.configure("profile factory", "server_keygen", "yes")
        self.home.batch("lot", 100000)
        self.home.batch("keygen", 1000, "--profile", "factory")
        self.home.run("tls", "create", "--name", "localhost,127.0.0.1")
        self.home.configure("server", "enroll", rule)
        for key, value in (("listen", "127.0.0.1:0"), ("certificate", "tls/server.pem"), ("key", "tls/server.key")):
            self.home.configure("tls", key, value)
        self.trust = self.home.path / "tls" / "ca.pem"
        self.ca = self.home.ca_pem()
        self.ca_path = self.home.path.parent / "issuing-ca.pem"
        self.ca_path.write_bytes(self.ca)
        self.token = self.home.run("token", "create", "--role", "enroll", "station").out.strip()
        self.lot_token = self.home.run("token", "create", "--role", "enroll", "lot-station", "--batch", "lot").out.strip()
        self.server = servers.Server(self.home)
        self.port = self.server.tls_port

    def url(self, operation, label=None):
        return f"https://localhost:{self.port}{path(operation, label)}"

    def device(self, folder, cn=None, label="lot"):
        """A device with its certificate: the files of certificate and key, and its id."""
        cn = cn or csrs.device()
        key, csr = csrs.fresh(cn)
        with Client(self) as c:
            issued = certificate(enroll(c, csr, label, **basic("", self.token)))
        return (*files(folder, issued, key), cn)

    def stop(self):
        self.server.stop()


def files(folder, issued, key):
    """Certificate and key as PEM files."""
    stem = folder / f"{issued.serial_number:032x}"
    stem.with_suffix(".pem").write_bytes(issued.public_bytes(serialization.Encoding.PEM))
    stem.with_suffix(".key").write_bytes(keys.private_bytes(key, "pkcs8"))
    return stem.with_suffix(".pem"), stem.with_suffix(".key")


def basic(user, password):
    """RFC 7617."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
