"""Making a home."""
import os
import pathlib
import random
import shutil
import signal
import stat
import subprocess
import tempfile
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import certs
import client
import csrs
import home as homes
import limits


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.short
def test_defaults(empty):
    empty.run("init")
    assert mode(empty.path) == 0o700
    (key,) = empty.key_files()
    assert mode(key) == 0o600
    assert all(mode(p) & 0o077 == 0 for p in (empty.path / "lineca.db", empty.path / "lineca.conf")) or mode(empty.path) == 0o700
    ca = x509.load_pem_x509_certificate(empty.ca_pem())
    certs.check_ca(ca)
    assert isinstance(ca.public_key().curve, ec.SECP256R1)


@pytest.mark.parametrize("kind,digest", [("p256", "sha256"), ("p384", "sha384"), ("rsa2048", "sha256"), ("rsa3072", "sha256"),
                                         ("rsa4096", "sha256")])
def test_each_key(empty, tmp_path, kind, digest):
    empty.run("init", "--key", kind, timeout=120)
    ca = x509.load_pem_x509_certificate(empty.ca_pem())
    certs.check_ca(ca, digest=digest)
    key = ca.public_key()
    if kind.startswith("rsa"):
        assert isinstance(key, rsa.RSAPublicKey) and key.key_size == int(kind[3:]) and key.public_numbers().e == 65537
    else:
        assert key.curve.key_size == int(kind[1:])
    file = tmp_path / "ca.pem"
    file.write_bytes(empty.ca_pem())
    certs.strict(file, file)
    shown = subprocess.run(["certtool", "--certificate-info", "--infile", str(file)], capture_output=True, timeout=60)
    assert shown.returncode == 0
    (secret,) = empty.key_files()
    assert mode(secret) == 0o600


def test_umask_does_not_matter(empty):
    empty.run("init", umask=0)
    assert mode(empty.path) == 0o700 and mode(empty.key_files()[0]) == 0o600
    wide = [p for p in empty.path.rglob("*") if mode(p) & 0o022]
    assert wide == []


def test_name_and_days(empty):
    empty.run("init", "--ca-name", "Plant 7 Line CA", "--days", 400)
    ca = x509.load_pem_x509_certificate(empty.ca_pem())
    certs.check_ca(ca, days=400, name="Plant 7 Line CA")


def test_two_homes_differ(tmp_path):
    cas = [homes.Home(tmp_path / n).init().ca_pem() for n in ("a", "b")]
    one, two = (x509.load_pem_x509_certificate(c) for c in cas)
    assert one.serial_number != two.serial_number and certs.key_id_of(one) != certs.key_id_of(two)


@pytest.mark.short
def test_existing_home_is_left_alone(home):
    before = home.snapshot()
    result = home.run("init", code=4)
    assert str(home.path) in result.err
    home.run("init", "--key", "rsa2048", code=4)
    assert home.snapshot() == before


def test_existing_directory_with_other_things(tmp_path):
    other = homes.Home(tmp_path / "home")
    other.path.mkdir()
    (other.path / "precious").write_text("mine")
    other.run("init", code=4)
    assert other.snapshot() == {"precious": other.snapshot()["precious"]}
    assert (other.path / "precious").read_text() == "mine"


def test_empty_directory(tmp_path):
    """systemd makes an empty directory before the program comes: it becomes the home."""
    home = homes.Home(tmp_path / "home")
    home.path.mkdir(mode=0o755)
    home.init()
    check_whole(home)


def test_a_file_in_its_place(tmp_path):
    file = tmp_path / "home"
    file.write_text("mine")
    homes.Home(file).run("init", code=(1, 4))
    assert file.read_text() == "mine"


@pytest.mark.parametrize("args", [["--key", "p521"], ["--key", "rsa1024"], ["--key", "P-256"], ["--key", ""], ["--key"],
                                  ["--days", "0"], ["--days", "-5"], ["--days", "x"], ["--days", "36501"], ["--days", "10.5"],
                                  ["--days", "99999999999999999999"], ["--ca-name", ""], ["--ca-name", "x" * 65],
                                  ["--ca-name", "a\nb"], ["more"], ["--frobnicate"]])
def test_wrong_usage(empty, args):
    result = empty.run("init", *args, code=2)
    assert result.err and not empty.path.exists()
    assert list(empty.path.parent.iterdir()) == []


@pytest.mark.parametrize("parent", ["/proc", "/proc/nowhere", "/dev/null"])
def test_unwritable_parent(parent):
    result = homes.Home(pathlib.Path(parent) / "home").run("init", code=(1, 5))
    assert result.err


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody else")
def test_parent_of_another_user():
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        place.chmod(0o755)
        binary = place / "lineca"
        shutil.copy(homes.BINARY, binary)
        done = subprocess.run([binary, "--home", place / "home", "init"], user=65534, group=65534, extra_groups=[],
                              capture_output=True, timeout=limits.seconds(30))
        assert done.returncode in (1, 5) and name.encode() in done.stderr, done
        assert [p.name for p in place.iterdir()] == ["lineca"]


def test_configuration_is_annotated(home):
    """A person who opens lineca.conf finds each setting with a word on it."""
    text = (home.path / "lineca.conf").read_text()
    assert "[server]" in text and "[profile default]" in text
    comments = [l for l in text.splitlines() if l.lstrip().startswith(("#", ";"))]
    assert len(comments) >= 5


def killed_after(home, delay, *args):
    """Starts init and kills it after a time; answers whether it was still running."""
    process = subprocess.Popen([homes.BINARY, "--home", str(home.path), "init", *args], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=homes.environment())
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait(limits.seconds(20))
        return True
    return False


def test_killed_half_way(tmp_path):
    """Nothing or a whole home, 30 times at random moments; then the next init works, and no key lies around."""
    trial = homes.Home(tmp_path / "trial")
    began = time.monotonic()
    trial.init()
    whole = time.monotonic() - began
    rng = random.Random()
    killed = 0
    for i in range(30):
        parent = tmp_path / str(i)
        parent.mkdir()
        home = homes.Home(parent / "home")
        killed += killed_after(home, rng.uniform(0, whole * 1.1))
        if home.path.exists():
            home.run("init", code=4)
        else:
            home.init()
        check_whole(home)
        assert [p.name for p in parent.iterdir()] == ["home"], "left behind by the killed one"
    assert killed >= 5


def test_killed_half_way_serves(empty, start):
    """The home that follows a killed init issues."""
    killed_after(empty, 0.005)
    if not empty.path.exists():
        empty.init()
    empty.batch("lot")
    with client.Client(start(empty)) as c:
        assert c.enroll("lot", csrs.fresh()[1]).status == 201


def check_whole(home):
    assert mode(home.path) == 0o700
    assert len(home.json("ca", "list")) == 1
    (key,) = home.key_files()
    assert mode(key) == 0o600
    certs.check_ca(x509.load_pem_x509_certificate(home.ca_pem()))
    home.batch("lot")
