"""TLS: versions, certificates that do not fit, a new one while the line runs, who shows which client certificate, and what is no TLS at all."""
import contextlib
import hashlib
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import certs
import client
import csrs
import keys
import home as homes
import limits
import load
import problems
import server as servers
import tls
import tokens

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class Site:
    """A line with both doors; enrolling by certificate or token; two CAs, of which it knows one."""

    def __init__(self, folder, rule="token_or_certificate", **settings):
        self.home = homes.Home(folder / "home").init()
        self.home.configure("server", "enroll", rule)
        self.home.batch("lot", 100000)
        self.factory, self.stranger = tls.Authority(folder, "Factory CA"), tls.Authority(folder, "Other CA")
        self.home.configure("tls", "client_ca", self.factory.path)
        for key, value in settings.items():
            self.home.configure("tls", key, value)
        self.trusted = tls.serve(self.home)
        self.token = tokens.make(self.home, "technician")
        self.server = servers.Server(self.home, tls="127.0.0.1:0")

    def client(self, certificate=None, **kw):
        return client.Client(self.server, tls=tls.context(self.trusted, certificate, **kw))

    def enroll(self, certificate, cn=None, headers=None):
        with self.client(certificate) as c:
            return c.request("POST", "/v1/enroll/lot", csrs.fresh(cn)[1], headers)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("tls"))
    yield made
    made.server.stop()


@pytest.fixture
def fresh(tmp_path):
    """A site of the test's own, with these settings."""
    mine = []

    def make(*args, **settings):
        mine.append(Site(tmp_path, *args, **settings))
        return mine[-1]

    yield make
    for one in mine:
        one.server.stop()


# ---- versions and clients

@pytest.mark.short
@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_versions(site, version):
    with site.client(least=version, most=version) as c:
        assert c.get("/healthz").status == 200
        assert c.http.sock.version() == {TLS12: "TLSv1.2", TLS13: "TLSv1.3"}[version]
        assert c.enroll("lot", csrs.fresh()[1], media="application/pkcs10").status == 401
        assert c.request("POST", "/v1/enroll/lot", csrs.fresh()[1], tokens.bearer(site.token)).status == 201


def old_client(version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.short
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions(site, version):
    with client.connect(site.server, tls=True) as s, pytest.raises((ssl.SSLError, ConnectionError)) as refused:
        old_client(version).wrap_socket(s)
    assert "timed out" not in str(refused.value)


@pytest.fixture(scope="module")
def rsa(tmp_path_factory):
    """A server whose certificate has an RSA key: with it older ways to agree on a key would be possible."""
    home = homes.Home(tmp_path_factory.mktemp("rsa") / "home").init()
    home.run("tls", "create", "--name", "localhost,127.0.0.1", "--key", "rsa2048")
    tls.use(home, "tls/server.pem", "tls/server.key")
    with servers.Server(home, tls="127.0.0.1:0") as server:
        yield server


@pytest.mark.short
def test_ciphers(rsa):
    """TLS 1.2 too has forward secrecy and authenticated encryption, or is not."""
    def agree(ciphers):
        context = old_client(TLS12)
        context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
        with client.connect(rsa, tls=True) as s, context.wrap_socket(s) as secure:
            return secure.cipher()[0]

    assert agree("ECDHE-RSA-AES128-GCM-SHA256") == "ECDHE-RSA-AES128-GCM-SHA256"
    for ciphers in ("aNULL", "eNULL", "AES256-GCM-SHA384", "AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-SHA"):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            pytest.fail(f"agreed on {agree(ciphers)}")


def run(*args, input_text=None):
    return subprocess.run([str(a) for a in args], input=input_text, capture_output=True, text=True, timeout=limits.seconds(30))


REQUEST = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def test_clients_of_others(site, tmp_path):
    """OpenSSL, GnuTLS and curl verify the server by the small CA, and show a certificate."""
    shown = site.factory.issue("station", "client")
    port = site.server.tls_port
    for version in ("-tls1_2", "-tls1_3"):
        done = run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", site.trusted, "-verify_return_error", "-verify_hostname",
                   "localhost", version, "-quiet", "-cert", shown[0], "-key", shown[1], input_text=REQUEST)
        assert "200 OK" in done.stdout and done.stdout.endswith("ok\n"), done.stdout + done.stderr
    done = run("gnutls-cli", "--x509cafile", site.trusted, "--x509certfile", shown[0], "--x509keyfile", shown[1], "-p", port, "localhost",
               input_text=REQUEST)
    assert "200 OK" in done.stdout and "The certificate is trusted" in done.stdout, done.stdout + done.stderr
    csr = tmp_path / "csr"
    csr.write_bytes(csrs.fresh()[1])
    done = run("curl", "-sS", "--fail-with-body", "--cacert", site.trusted, "--cert", shown[0], "--key", shown[1], "-H",
               "Content-Type: application/pkcs10", "--data-binary", f"@{csr}", f"https://localhost:{port}/v1/enroll/lot")
    assert done.returncode == 0 and done.stdout.startswith("-----BEGIN CERTIFICATE-----"), done.stdout + done.stderr


@pytest.mark.short
def test_plain_to_the_tls_port_and_the_other_way(site):
    """Neither harms; both doors go on."""
    with client.connect(site.server, tls=True) as s:
        s.sendall(REQUEST.encode() * 20)
        got = client.receive(s)
        assert b"200 OK" not in got and b"ok\n" not in got
    with client.connect(site.server) as s, pytest.raises((ssl.SSLError, ConnectionError, OSError)):
        old_client(TLS13).wrap_socket(s)
    for noise in (b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"\x16\x03\x01\x00\x05\x01\x00\xff\xff\xff", b"\x80\x2e\x01\x00\x02", b"\0" * 5000,
                  b"\x15\x03\x03\x00\x02\x02\x28", b""):
        with client.connect(site.server, tls=True) as s, contextlib.suppress(OSError):
            s.sendall(noise)
            s.shutdown(socket.SHUT_WR)
            client.receive(s)
    with site.client() as c, client.Client(site.server) as plain:
        assert c.get("/healthz").status == plain.get("/healthz").status == 200


@pytest.mark.short
@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_answers_come_at_once(site, version):
    """On a kept connection: no answer waits for the next packet (TCP_CORK, Nagle) before it leaves."""
    with site.client(least=version, most=version) as c:
        for path, size in (("/healthz", 3), ("/v1/ca/chain.pem", 100), ("/openapi.json", 12000)):
            took = []
            for _ in range(15):
                began = time.monotonic()
                answer = c.get(path)
                took.append(time.monotonic() - began)
                assert answer.status == 200 and len(answer.body) >= size
            assert sorted(took)[7] < limits.seconds(0.03), f"{path}: {took}"


# ---- certificates that do not fit

def refusal(home, *words):
    result = servers.refused(home, "--listen", "none", "--listen-tls", "127.0.0.1:0")
    assert result.code in (1, 4, 5) and result.out == "", str(result)
    for word in words:
        assert str(word) in result.err, f"no {word} in {result}"
    assert "PRIVATE KEY" not in result.err


@pytest.fixture
def secured(home):
    tls.serve(home)
    return home


@pytest.mark.short
def test_certificate_and_key_of_two(secured, tmp_path):
    authority = tls.Authority(tmp_path)
    certificate, key = authority.issue("localhost", "server", address="127.0.0.1")
    tls.use(secured, certificate, "tls/server.key")
    refusal(secured, "tls/server.key", certificate)
    tls.use(secured, certificate, key)
    with servers.Server(secured, listen="none", tls="127.0.0.1:0") as server:
        with client.Client(server, tls=tls.context(authority.path)) as c:
            assert c.get("/healthz").status == 200


@pytest.mark.short
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_may_read(secured, mode):
    path = secured.path / "tls" / "server.key"
    path.chmod(mode)
    refusal(secured, path, "chmod 600")


@pytest.mark.short
@pytest.mark.parametrize("name", ["server.pem", "server.key"])
@pytest.mark.parametrize("damage", ["gone", "empty", "noise", "cut", "folder", "the other", "encrypted"])
def test_broken_files(secured, name, damage):
    path = secured.path / "tls" / name
    text = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage == "the other":
        path.write_bytes((secured.path / "tls" / ("server.pem" if name == "server.key" else "server.key")).read_bytes())
    elif damage == "encrypted":
        path.write_bytes(keys.private_bytes(keys.elliptic(), "pkcs8", password=b"secret"))
    elif damage != "gone":
        path.write_bytes({"empty": b"", "noise": bytes(range(256)) * 4, "cut": text[:len(text) // 3]}[damage])
    if damage != "gone":
        path.chmod(0o600)
    refusal(secured, path)


@pytest.mark.short
def test_tls_without_files(home):
    refusal(home, "lineca tls create", "certificate")
    home.configure("tls", "client_ca", "nowhere.pem")
    tls.serve(home)
    refusal(home, "nowhere.pem")


@pytest.mark.short
def test_what_is_served(site):
    """The leaf with its CA, as `tls show` and the log have it."""
    with site.client() as c:
        c.get("/healthz")
        leaf = c.http.sock.getpeercert(binary_form=True)
    fingerprint = hashlib.sha256(leaf).hexdigest()
    limits.wait_for("the fingerprint in the log", lambda: site.server.lines_with(fingerprint))
    assert fingerprint in site.home.run("tls", "show").out.lower()


def test_a_certificate_that_ends_soon_is_said(home, tmp_path):
    authority = tls.Authority(tmp_path)
    for days, level in ((10, " warn "), (100, " info ")):
        tls.use(home, *authority.issue("localhost", "server", days=(-1, days), address="127.0.0.1"))
        with servers.Server(home, tls="127.0.0.1:0") as server:
            line = limits.wait_for("the certificate's line", lambda: server.lines_with("TLS certificate"))
            assert level in line[0], line


# ---- a new certificate

def leaf_of(c):
    return hashlib.sha256(c.http.sock.getpeercert(binary_form=True)).hexdigest()


def test_a_new_certificate_while_the_line_runs(fresh):
    site = fresh()
    with site.client() as kept:
        assert kept.get("/healthz").status == 200
        old, sock = leaf_of(kept), kept.http.sock
        site.home.run("tls", "create", "--name", "localhost,127.0.0.1")
        site.server.signal(signal.SIGHUP)

        def new():
            with site.client() as c:
                assert c.get("/healthz").status == 200
                return leaf_of(c) if leaf_of(c) != old else None

        fingerprint = limits.wait_for("the new certificate", new)
        assert kept.get("/healthz").status == 200 and kept.http.sock is sock, "the open connection goes on"
        limits.wait_for("the log to say so", lambda: [l for l in site.server.lines_with(" reload ") if fingerprint in l])

        for name, damage in (("server.pem", b"x"), ("server.key", b""), ("server.key", None)):
            path = site.home.path / "tls" / name
            text = path.read_bytes()
            if damage is None:
                path.chmod(0o644)
            else:
                path.write_bytes(damage)
            before = len(site.server.lines_with("error reload"))
            site.server.signal(signal.SIGHUP)
            lines = limits.wait_for("the complaint", lambda: site.server.lines_with("error reload")[before:])
            assert str(path) in lines[0], lines
            with site.client() as c:
                assert c.get("/healthz").status == 200 and leaf_of(c) == fingerprint, "the old one goes on"
            path.write_bytes(text)
            path.chmod(0o600)
    assert site.server.alive()


def test_reload_without_tls(home, start):
    server = start(home)
    server.signal(signal.SIGHUP)
    limits.wait_for("the log to say so", lambda: server.lines_with(" reload "))
    with client.Client(server) as c:
        assert c.get("/healthz").status == 200


class TlsLoad(load.Load):
    """A load whose every device connects anew, over TLS, with a token."""

    def __init__(self, site, threads):
        self.site = site
        super().__init__(site.server, "lot", threads)

    def _work(self):
        while not self.stopping:
            _, csr = csrs.fresh()
            try:
                with self.site.client() as c:
                    answers = [c.request("POST", "/v1/enroll/lot", csr, tokens.bearer(self.site.token)) for _ in range(2)]
            except OSError as e:
                with self.changed:
                    self.cut.append(e)
                    self.changed.notify_all()
                return
            with self.changed:
                if [a.status for a in answers] == [201, 200]:
                    self.held.append((csr, answers[0].body))
                else:
                    self.refused += answers
                self.changed.notify_all()


def test_new_certificates_under_load(fresh):
    """20 reloads while four stations enrol, each device with a new connection: no request and no handshake fails."""
    site = fresh()
    other = site.home.path / "tls-other"
    shutil.copytree(site.home.path / "tls", other)
    work = TlsLoad(site, 4)
    try:
        work.until(10, limits.seconds(20))
        for i in range(20):
            if i % 2:
                site.home.run("tls", "create", "--name", "localhost,127.0.0.1", *(("--new-key",) if i % 4 == 1 else ()))
            site.server.signal(signal.SIGHUP)
            held = len(work.held)
            work.until(held + 3, limits.seconds(20))
    finally:
        work.stop(limits.seconds(20))
    assert work.cut == [] and work.refused == [], (work.cut[:3], work.refused[:3])
    assert len(site.server.lines_with(" info reload ")) >= 15 and not site.server.lines_with("error reload")


# ---- client certificates

def refused_certificate(answer, *words):
    doc = problems.check(answer, "unauthorized")
    for word in words:
        assert word in doc["detail"], doc
    return doc["detail"]


@pytest.mark.short
def test_a_station_of_the_named_ca(site):
    """client_name = any: it enrols whichever device, without a token; what the device gets has nothing of the station."""
    shown = site.factory.issue("station 7", "client")
    cn = csrs.device()
    answer = site.enroll(shown, cn)
    assert answer.status == 201, str(answer)
    assert certs.leaf_of(answer).subject.rfc4514_string() == f"CN={cn}"
    assert site.enroll(site.factory.issue("no purposes")).status == 201, "a certificate without extKeyUsage is for any purpose"


@pytest.mark.short
@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_certificates_that_are_not_believed(site, version):
    """The handshake succeeds, so that the refusal can say why; without one it is a token that is asked for."""
    for shown, words in ((site.stranger.issue("x", "client"), ("CA",)), (site.factory.issue("x", "client", days=(-9, -1)), ("expired",)),
                         (site.factory.issue("x", "client", days=(1, 9)), ("not",)), (site.factory.issue("x", "server"), ("client",))):
        with site.client(shown, least=version, most=version) as c:
            detail = refused_certificate(c.enroll("lot", csrs.good()), *words)
            assert "token" not in detail.split(".")[0], detail
            # a token counts all the same, beside whatever certificate
            assert c.request("POST", "/v1/enroll/lot", csrs.fresh()[1], tokens.bearer(site.token)).status == 201
    refused_certificate(site.enroll(None), "token")


@pytest.mark.short
def test_a_forged_chain(site, tmp_path):
    """A CA of the same name, and a leaf that is signed by a leaf."""
    twin = tls.Authority(tmp_path, "Factory CA")
    refused_certificate(site.enroll(twin.issue("x", "client")))
    leaf, key = site.factory.issue("intermediate", "client")
    below = tls.Authority(tmp_path, "intermediate")
    below.key = serialization.load_pem_private_key(key.read_bytes(), None)
    below.name = x509.load_pem_x509_certificate(leaf.read_bytes()).subject
    forged, forged_key = below.issue("x", "client")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(forged.read_bytes() + leaf.read_bytes())
    refused_certificate(site.enroll((chain, forged_key)))


@pytest.mark.short
def test_a_certificate_gives_no_role(site):
    """It enrols, and that is all."""
    with site.client(site.factory.issue("admin", "client")) as c:
        problems.check(c.request("POST", "/v1/batches", b"{}", {"Content-Type": "application/json"}), "unauthorized")
        problems.check(c.request("POST", "/v1/session", b"{}", {"Content-Type": "application/json"}), "unauthorized")
        assert c.get("/v1/session").json()["role"] == "nobody"


def test_the_same_name_only(fresh):
    """client_name = same: an IDevID enrols its own device, by common name or serialNumber."""
    site = fresh(client_name="same")
    cn, serial = csrs.device(), csrs.device()
    shown = site.factory.issue(cn, "client", serial_number=serial)
    assert site.enroll(shown, cn).status == 201
    assert site.enroll(shown, serial).status == 201
    other = csrs.device()
    doc = problems.check(site.enroll(shown, other), "forbidden")
    assert other in doc["detail"] and cn in doc["detail"]
    for close in (cn.upper(), cn[:-1], cn + "0"):
        problems.check(site.enroll(shown, close), "forbidden")


def test_enroll_by_certificate_only(fresh):
    """enroll = certificate: a token is no way in, but does no harm beside a certificate."""
    site = fresh("certificate")
    shown = site.factory.issue("station", "client")
    assert site.enroll(shown).status == 201
    doc = problems.check(site.enroll(None, headers=tokens.bearer(site.token)), "forbidden")
    assert "certificate" in doc["detail"]
    refused_certificate(site.enroll(None), "certificate")
    with client.Client(site.server) as plain:
        refused_certificate(plain.enroll("lot", csrs.good()), "certificate")
    assert site.enroll(shown, headers=tokens.basic(site.token)).status == 201


def test_a_devices_own_certificate(site, tmp_path):
    """What this line has issued is good for the same device only."""
    cn = csrs.device()
    key, csr = csrs.fresh(cn)
    with site.client() as c:
        answer = c.request("POST", "/v1/enroll/lot", csr, tokens.bearer(site.token))
    own = tls.write(tmp_path / "own", answer.body, key)
    with site.client(own) as c:
        again = c.enroll("lot", csr)
        assert again.status == 200 and again.body == answer.body
        doc = problems.check(c.enroll("lot", csrs.fresh()[1]), "forbidden")
        assert cn in doc["detail"]
        # another key is another device, unless it renews (EST)
        problems.check(c.enroll("lot", csrs.fresh(cn)[1]), "device_exists")


def test_no_certificate_is_asked_for(fresh):
    """client_certificates = no: a browser that has one never asks which."""
    site = fresh("token", client_certificates="no")
    done = run("openssl", "s_client", "-connect", f"127.0.0.1:{site.server.tls_port}", "-tls1_2", input_text="Q\n")
    assert "No client certificate CA names sent" in done.stdout and "Client Certificate Types" not in done.stdout, done.stdout[-1500:]
    assert site.enroll(site.factory.issue("x", "client"), headers=tokens.bearer(site.token)).status == 201


# ---- handshakes that do not come to an end

def test_half_open_handshakes(fresh):
    """200 that never go on are cut within head_s, and the line works meanwhile."""
    site = fresh()
    site.server.stop()
    site.home.configure("limits", "head_s", "2")
    site.server = servers.Server(site.home, tls="127.0.0.1:0")
    began = time.monotonic()
    idle = [client.connect(site.server, tls=True) for _ in range(100)]
    hello = ssl.MemoryBIO()
    outgoing = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.context(site.trusted).wrap_bio(hello, outgoing, server_hostname="localhost").do_handshake()
    first = outgoing.read()
    for i in range(100):
        s = client.connect(site.server, tls=True)
        s.sendall(first if i % 2 else first[:40])
        idle.append(s)
    with site.client() as c:
        for _ in range(5):
            assert c.request("POST", "/v1/enroll/lot", csrs.fresh()[1], tokens.bearer(site.token)).status == 201
    for s in idle:
        client.receive(s)
        s.close()
    assert 1.5 <= time.monotonic() - began <= 2 + limits.seconds(2)
    with site.client() as c:
        assert c.get("/healthz").status == 200
