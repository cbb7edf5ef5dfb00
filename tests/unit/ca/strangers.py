"""
What ca/ makes for others, read by programs that have no part in making it: OpenSSL's commands, GnuTLS's certtool, and Python's ssl.

    WRITE_SAMPLES=PROGRAM pytest strangers.py
"""
import os
import re
import socket
import ssl
import subprocess
import threading

import pytest

KINDS = ["p256", "rsa"]


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    subprocess.run([os.environ["WRITE_SAMPLES"], folder], check=True, timeout=120)
    return folder


def run(*command, refused=False):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    text = done.stdout.decode(errors="replace")
    assert (done.returncode != 0) == refused, f"{command}: {done.returncode}\n{text}"
    return text


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_verifies(samples, kind):
    verify = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", samples / "ca.pem"]
    for good in (["-verify_hostname", "line4.example"], ["-verify_hostname", "f1.fixtures.example"],
                 ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]):
        assert ": OK" in run(*verify, *good, samples / f"{kind}.pem")
    for bad in (["-verify_hostname", "line5.example"], ["-verify_ip", "127.0.0.2"]):
        assert "mismatch" in run(*verify, *bad, samples / f"{kind}.pem", refused=True)
    verify[4] = "sslclient"
    assert "purpose" in run(*verify, samples / f"{kind}.pem", refused=True)


@pytest.mark.parametrize("kind", KINDS)
def test_gnutls_verifies(samples, kind):
    verify = ["certtool", "--verify", "--infile", samples / f"{kind}.pem", "--load-ca-certificate", samples / "ca.pem",
              "--verify-purpose", "1.3.6.1.5.5.7.3.1"]
    assert "The certificate is trusted" in run(*verify, "--verify-hostname", "line4.example")
    assert "The certificate is trusted" in run(*verify, "--verify-hostname", "127.0.0.1")
    assert "does not match" in run(*verify, "--verify-hostname", "line5.example", refused=True)
    told = run("certtool", "--certificate-info", "--infile", samples / f"{kind}.pem")
    for name in ("DNSname: line4.example", "IPAddress: 127.0.0.1", "IPAddress: ::1", "DNSname: *.fixtures.example"):
        assert name in told


def handshake(samples, kind, name, version):
    """One TLS connection; the client's verdict on the server."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(samples / f"{kind}.pem", samples / f"{kind}.key")
    client = ssl.create_default_context(cafile=samples / "ca.pem")
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.maximum_version = client.minimum_version = version
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    theirs.settimeout(20)

    def serve():
        try:
            with server.wrap_socket(theirs, server_side=True) as s:
                s.recv(1)
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=name) as s:
            s.sendall(b"x")
            return s.version()
    finally:
        ours.close()
        thread.join()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_python_connects(samples, kind, version):
    for name in ("line4.example", "localhost", "f1.fixtures.example", "127.0.0.1", "::1"):
        assert handshake(samples, kind, name, version).startswith("TLSv1.")
    for name in ("line5.example", "127.0.0.2", "a.f1.fixtures.example"):
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(samples, kind, name, version)


SUBJECT = re.compile(r"subject=CN = (.*)")


def test_bag(samples):
    told = run("openssl", "pkcs7", "-inform", "DER", "-in", samples / "ca.p7", "-print_certs")
    assert SUBJECT.findall(told) == ["Sample server CA", "line4.example", "line4.example"]
    found = re.findall("-----BEGIN.*?-----END CERTIFICATE-----\n", told, re.S)
    assert found == [(samples / name).read_text() for name in ("ca.pem", "p256.pem", "rsa.pem")]
    told = run("certtool", "--p7-info", "--inder", "--infile", samples / "ca.p7")
    assert "Number of certificates: 3" in told
    told = run("openssl", "cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", samples / "ca.p7")
    assert "pkcs7-signedData" in told and re.search(r"signerInfos:\s*<EMPTY>", told)


def test_csrattrs(samples):
    told = run("openssl", "asn1parse", "-inform", "DER", "-in", samples / "csrattrs.der")
    assert re.findall(r"OBJECT +:(.*)", told) == ["id-ecPublicKey", "prime256v1", "ecdsa-with-SHA256"]


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa"])
def test_device_key(samples, kind):
    key, request = samples / f"device-{kind}.p8", samples / f"device-{kind}.csr"
    assert "verify OK" in run("openssl", "req", "-verify", "-noout", "-inform", "DER", "-in", request)
    public = run("openssl", "pkey", "-inform", "DER", "-in", key, "-pubout")
    assert public in run("openssl", "req", "-noout", "-pubkey", "-inform", "DER", "-in", request)
    assert "is valid" in run("openssl", "pkey", "-inform", "DER", "-in", key, "-check", "-noout")
    told = run("certtool", "--key-info", "--inder", "--infile", key)
    assert "Public Key Info" in told
