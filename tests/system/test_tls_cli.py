"""The server's TLS certificate from the command line: the files, what is printed, and that a server never finds a pair that does not fit."""
import hashlib
import os
import random
import re
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

import certs
import faketime
import home as homes
import limits

MODES = {"ca.key": 0o600, "ca.pem": 0o644, "server.key": 0o600, "server.pem": 0o644, "create.lock": 0o600}


def folder(home):
    return home.path / "tls"


def create(home, names="localhost,127.0.0.1", *args, **kw):
    return home.run("tls", "create", "--name", names, *args, **kw)


def leaf(home):
    return x509.load_pem_x509_certificate((folder(home) / "server.pem").read_bytes())


def ca(home):
    return x509.load_pem_x509_certificate((folder(home) / "ca.pem").read_bytes())


def public_bytes(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_of(path):
    return serialization.load_pem_private_key(path.read_bytes(), None)


def check_pair(home):
    """Certificate and key as they lie there belong together, and the CA is the one that signed."""
    assert public_bytes(leaf(home).public_key()) == public_bytes(key_of(folder(home) / "server.key").public_key())
    assert public_bytes(ca(home).public_key()) == public_bytes(key_of(folder(home) / "ca.key").public_key())
    verify(home)


def verify(home, *args, code=0):
    pem = str(folder(home) / "server.pem")
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-check_ss_sig", "-purpose", "sslserver", "-CAfile",
                           str(folder(home) / "ca.pem"), *args, pem], capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0) == (code == 0), done.stdout + done.stderr


def files(home, but=("create.lock",)):
    return {p.name: p.read_bytes() for p in folder(home).iterdir() if p.name not in but} if folder(home).exists() else {}


# ---- the first time

@pytest.mark.short
def test_the_first_time(home):
    out = create(home, "line-1.example,10.0.0.5,fd00::5").out
    assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder(home).iterdir()} == MODES
    assert stat.S_IMODE(folder(home).stat().st_mode) == 0o700
    check_pair(home)
    for name in (["-verify_hostname", "line-1.example"], ["-verify_ip", "10.0.0.5"], ["-verify_ip", "fd00::5"]):
        verify(home, *name)
    for other in (["-verify_hostname", "line-2.example"], ["-verify_hostname", "10.0.0.5"], ["-verify_ip", "10.0.0.6"]):
        verify(home, *other, code=1)
    certs.check_ca(ca(home), 3650, "lineca TLS CA line-1.example")
    assert isinstance(ca(home).public_key().curve, ec.SECP256R1) and isinstance(leaf(home).public_key().curve, ec.SECP256R1)
    span = leaf(home).not_valid_after - leaf(home).not_valid_before
    assert abs(span - 825 * certs.DAY) <= certs.DAY / 24 + certs.SLACK
    usage = leaf(home).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    chain = certs.split((folder(home) / "server.pem").read_bytes())
    assert chain == [c.public_bytes(serialization.Encoding.DER) for c in (leaf(home), ca(home))]
    # what a person needs next
    for text in (str(folder(home) / "ca.pem"), "listen = 0.0.0.0:8443", "certificate = tls/server.pem", "key = tls/server.key", "HUP"):
        assert text in out


def test_it_is_not_the_devices_ca(home):
    create(home)
    devices = x509.load_pem_x509_certificate(home.ca_pem())
    assert public_bytes(ca(home).public_key()) != public_bytes(devices.public_key())
    assert home.json("ca", "list")[0]["certificate_id"] == certs.certificate_id(devices) and len(home.json("ca", "list")) == 1


@pytest.mark.short
def test_fingerprints(home):
    out = create(home).out
    assert home.run("tls", "show").out == out
    for certificate in (ca(home), leaf(home)):
        digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
        assert digest in out.split()
        assert ":".join(digest[i:i + 2] for i in range(0, 64, 2)).upper() in out.split()
    shown = subprocess.run(["openssl", "x509", "-in", str(folder(home) / "server.pem"), "-noout", "-fingerprint", "-sha256"],
                           capture_output=True, text=True, timeout=60).stdout
    assert shown.partition("=")[2].strip() in out


def test_show_json(home):
    create(home, "line-1.example,10.0.0.5")
    (row,) = home.json("tls", "show")
    assert set(row) == {"ca", "server"} and row["server"]["names"] == ["line-1.example", "10.0.0.5"]
    for part, certificate in (("ca", ca(home)), ("server", leaf(home))):
        homes.check_times(row[part])
        assert row[part]["fingerprint"] == certs.certificate_id(certificate)
        for field, value in (("not_before", certificate.not_valid_before), ("not_after", certificate.not_valid_after)):
            assert row[part][field] == value.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa2048", "rsa3072"])
def test_each_key(home, kind):
    create(home, "localhost", "--key", kind, timeout=120)
    check_pair(home)
    key = leaf(home).public_key()
    assert (key.key_size == int(kind[3:])) if isinstance(key, rsa.RSAPublicKey) else (key.curve.key_size == int(kind[1:]))


@pytest.mark.parametrize("days", [1, 90, 3649])
def test_days(home, days):
    create(home, "localhost", "--days", days)
    assert abs(leaf(home).not_valid_after - certs.now() - days * certs.DAY) < certs.DAY / 24
    assert leaf(home).not_valid_after <= ca(home).not_valid_after


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_are_the_owners(home):
    """Made by root in a home of the server's own user: that user can read them, and make the next."""
    for path in [home.path, *home.path.rglob("*")]:
        os.chown(path, 65534, 65534)
    for args in ([], ["--new-key"]):
        create(home, "localhost", *args)
        for path in [folder(home), *folder(home).iterdir()]:
            assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534), path


def test_a_name_too_long_for_the_ca(home):
    name = ".".join(["n" * 30] * 4)
    create(home, name)
    certs.check_ca(ca(home), 3650, "lineca TLS CA")
    verify(home, "-verify_hostname", name)


# ---- what is typed wrong

@pytest.mark.parametrize("args,words", [
    ([], "--name"), (["--name"], "--name"), (["--name", ""], "empty"), (["--name", "a,,b"], "empty"), (["--name", "a,"], "empty"),
    (["--name", "a, b"], " b"), (["--name", "a", "--name", "b"], "a,b"), (["--name", "https://line-1/"], "https://line-1/"),
    (["--name", "line-1:8443"], "line-1:8443"), (["--name", "10.0.0.256"], "10.0.0.256"), (["--name", "line_1"], "line_1"),
    (["--name", "-x"], "-x"), (["--name", "ü.example"], "name"), (["--name", "a" * 64], "aaa"), (["--name", ",".join("abcdefghijklmnopq")], "16"),
    (["--name", "x" * 5000], "too long"), (["localhost"], "localhost"), (["--name", "a", "b"], "b"), (["--name", "a", "--days", "0"], "3650"),
    (["--name", "a", "--days", "3651"], "3650"), (["--name", "a", "--days", "1y"], "3650"), (["--name", "a", "--key", "dsa"], "p256"),
    (["--name", "a", "--force"], "--force"), (["--name", ",".join(f"{c * 60}.{c * 60}.{c * 60}.{c * 60}" for c in "abcdefghijklmnop")], "")])
def test_wrong_usage(home, args, words):
    result = home.run("tls", "create", *args, code=2)
    assert result.out == "" and words in result.err and "usage:" in result.err
    assert files(home) == {}, "a mistake changes nothing"


@pytest.mark.parametrize("args,code", [(["tls"], 2), (["tls", "renew"], 2), (["tls", "show", "more"], 2), (["tls", "show"], 1)])
def test_wrong_commands(home, args, code):
    assert home.run(*args, code=code).err
    assert code == 2 or "lineca tls create" in home.run(*args, code=code).err


@pytest.mark.parametrize("args", [["create", "--name", "a"], ["show"]])
def test_without_a_home(empty, args):
    result = empty.run("tls", *args, code=(1, 4))
    assert str(empty.path) in result.err and result.out == "" and not empty.path.exists()


# ---- again

def test_again(home):
    create(home)
    old, before = leaf(home), files(home)
    create(home, "localhost,line-2.example", "--days", 100)
    after = files(home)
    assert {n for n in after if after[n] != before[n]} == {"server.pem"}, "the same CA, the same key"
    assert leaf(home).serial_number != old.serial_number
    check_pair(home)
    verify(home, "-verify_hostname", "line-2.example")
    assert home.json("tls", "show")[0]["server"]["names"] == ["localhost", "line-2.example"]


def test_a_new_key(home):
    create(home)
    before = files(home)
    create(home, "localhost", "--new-key")
    assert {n for n, b in files(home).items() if b != before[n]} == {"server.key", "server.pem"}
    check_pair(home)
    create(home, "localhost", "--new-key", "--key", "p384")
    check_pair(home)
    assert leaf(home).public_key().curve.key_size == 384
    create(home)
    assert leaf(home).public_key().curve.key_size == 384, "the key that is there"
    assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder(home).iterdir()} == MODES


def test_another_kind_of_key(home):
    create(home)
    before = files(home)
    result = create(home, "localhost", "--key", "rsa2048", code=4)
    assert "--new-key" in result.err and files(home) == before
    create(home, "localhost", "--key", "p256")


@pytest.mark.parametrize("name,spoil,code,words", [
    ("ca.key", None, 1, "backup"), ("ca.key", b"garbage", 1, "ca.key"), ("ca.pem", b"garbage", 1, "backup"),
    ("server.key", b"garbage", 1, "server.key")])
def test_spoilt(home, name, spoil, code, words):
    create(home)
    path = folder(home) / name
    path.unlink() if spoil is None else path.write_bytes(spoil)
    before = files(home)
    result = create(home, code=code)
    assert words in result.err and result.out == "" and files(home) == before


@pytest.mark.parametrize("name", ["ca.key", "server.key"])
def test_keys_that_others_read(home, name):
    create(home)
    (folder(home) / name).chmod(0o644)
    assert name in create(home, code=5).err


def test_of_another_home(home, tmp_path):
    """The key of another home's CA: not a certificate that nobody can verify, but a word."""
    other = homes.Home(tmp_path / "other").init()
    create(home)
    create(other)
    (folder(home) / "ca.key").write_bytes((folder(other) / "ca.key").read_bytes())
    before = files(home)
    create(home, code=1)
    assert files(home) == before
    (folder(other) / "server.key").write_bytes((folder(home) / "server.key").read_bytes())
    assert "not the key" in other.run("tls", "show", code=1).err


def test_the_server_key_alone_is_lost(home):
    create(home)
    old = ca(home)
    (folder(home) / "server.key").unlink()
    create(home)
    check_pair(home)
    assert ca(home) == old


def test_an_expired_ca(home, tmp_path):
    create(home)
    later = faketime.Clock(tmp_path / "clock", "+3651d").environment()
    before = files(home)
    result = create(home, code=1, env=later)
    assert "every client" in result.err and "move" in result.err and files(home) == before
    assert "expired" in home.run("tls", "show", env=later).out
    for name in ("ca.pem", "ca.key"):
        (folder(home) / name).rename(home.path / name)
    create(home, env=later)
    assert abs(ca(home).not_valid_before - certs.now() - 3651 * certs.DAY) < certs.DAY


# ---- killed, and several at once

def test_killed_anywhere(home):
    """SIGKILL at any moment: what lies there fits, and the next command goes on."""
    chance, seen = random.Random(4), set()
    begin = time.monotonic()
    create(home)
    whole = time.monotonic() - begin
    for n in range(40):
        if n % 8 == 0:
            for p in folder(home).glob("*") if folder(home).exists() else ():
                p.unlink()
        args = ["--new-key"] if n % 3 == 0 else []
        process = subprocess.Popen([homes.BINARY, "--home", str(home.path), "tls", "create", "--name", "localhost", *args],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, whole))
        process.kill()
        process.wait()
        have = set(files(home, but=("create.lock", "ca.key.new", "ca.pem.new", "server.key.new", "server.pem.new")))
        seen.add(frozenset(have))
        for name in have:
            key_of(folder(home) / name) if name.endswith(".key") else certs.split((folder(home) / name).read_bytes())
        assert "ca.key" in have or not have
        if n % 4 == 3:
            create(home)
            check_pair(home)
            assert set(files(home)) == {"ca.key", "ca.pem", "server.key", "server.pem"}, "nothing is left beside"
    assert len(seen) > 1, "some were killed early, some late"


@pytest.mark.parametrize("left", ["ca.key.new", "ca.pem.new", "server.key.new", "server.pem.new"])
def test_what_a_killed_one_left(home, left):
    folder(home).mkdir(mode=0o700)
    (folder(home) / left).write_bytes(b"half")
    create(home)
    check_pair(home)
    assert not (folder(home) / left).exists()
    (folder(home) / left).write_bytes(b"half")
    create(home)
    assert not (folder(home) / left).exists(), "a key that nobody uses lies nowhere"


def test_a_ca_key_without_its_certificate(home):
    create(home)
    (folder(home) / "ca.pem").unlink()
    key = (folder(home) / "ca.key").read_bytes()
    create(home)
    check_pair(home)
    assert (folder(home) / "ca.key").read_bytes() == key


def test_several_at_once(home):
    processes = [subprocess.Popen([homes.BINARY, "--home", str(home.path), "tls", "create", "--name", f"line-{n}.example"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for n in range(8)]
    ended = [(p.communicate(timeout=limits.seconds(60))[1], p.returncode) for p in processes]
    assert {code for _, code in ended} <= {0, 4} and 0 in {code for _, code in ended}
    assert all("already runs" in err for err, code in ended if code == 4)
    check_pair(home)


@pytest.mark.short
def test_a_reader_never_finds_a_pair_that_does_not_fit(home):
    """A reader that opens one file and then the other, in both orders, while new certificates are made."""
    create(home)
    done, wrong, rounds = threading.Event(), [], [0]
    names = [folder(home) / "server.pem", folder(home) / "server.key"]

    def read():
        while not done.is_set():
            first = names[rounds[0] % 2].read_bytes()
            time.sleep(random.uniform(0, 0.01))
            second = names[(rounds[0] + 1) % 2].read_bytes()
            pem, key = (first, second) if rounds[0] % 2 == 0 else (second, first)
            if (public_bytes(x509.load_pem_x509_certificate(pem).public_key())
                    != public_bytes(serialization.load_pem_private_key(key, None).public_key())):
                wrong.append(rounds[0])
            rounds[0] += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        serials = {create(home) and leaf(home).serial_number for _ in range(15)}
    finally:
        done.set()
        reader.join()
    assert wrong == [] and len(serials) == 15 and rounds[0] > 15


# ---- a server takes it

def https_port(server):
    (line,) = [l for l in server.lines_with("https://") if "start" in l]
    return int(re.search(r"https://127\.0\.0\.1:(\d+)", line).group(1))


def presented(home, port, name="localhost"):
    """The certificate that a careful client is shown."""
    context = ssl.create_default_context(cafile=str(folder(home) / "ca.pem"))
    with socket.create_connection(("127.0.0.1", port), timeout=limits.seconds(10)) as tcp:
        with context.wrap_socket(tcp, server_hostname=name) as tls:
            tls.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b" 200 " in tls.recv(4096)
            return tls.getpeercert(binary_form=True)


def test_a_server_takes_it(home, start):
    create(home)
    for key, value in (("certificate", "tls/server.pem"), ("key", "tls/server.key")):
        home.configure("tls", key, value)
    server = start(home, "--listen-tls", "127.0.0.1:0")
    port = https_port(server)
    assert f"kill -HUP {server.process.pid}" in home.run("tls", "show").out
    for args in ([], ["--new-key"]):
        assert hashlib.sha256(presented(home, port)).hexdigest() == home.json("tls", "show")[0]["server"]["fingerprint"]
        old = presented(home, port, "127.0.0.1")
        create(home, "localhost,127.0.0.1", *args)
        assert presented(home, port) == old, "not before it is told"
        server.signal(signal.SIGHUP)
        limits.wait_for("the new certificate", lambda: presented(home, port) != old)
        assert hashlib.sha256(presented(home, port)).hexdigest() == home.json("tls", "show")[0]["server"]["fingerprint"]
