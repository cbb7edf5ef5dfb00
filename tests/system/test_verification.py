"""`ca verification-cert`: the certificate that proves to AWS IoT that the CA is ours."""
import concurrent.futures
import datetime
import os
import sqlite3
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

import aws
import aws_client
import certs
import client
import csrs
import faketime
import problems
import server as servers

CODE = "0123456789abcdefABCDEF0123456789abcdefABCDEF00112233445566778899"


@pytest.fixture
def clock(tmp_path):
    return faketime.Clock(tmp_path / "clock")


def make(home, code=CODE, **kw):
    """The certificate on standard output, which holds nothing else."""
    out = home.run("ca", "verification-cert", "--code", code, **kw).out.encode()
    (der,) = certs.split(out)
    return x509.load_der_x509_certificate(der)


def recorded(home):
    """Serials (upper halves) of the verification certificates in the ledger, with their bytes."""
    with sqlite3.connect(f"file:{home.path / 'lineca.db'}?mode=ro", uri=True) as db:
        return dict(db.execute("SELECT id, der FROM verification").fetchall())


def upper(certificate):
    return certificate.serial_number >> 64


def refused(home, *words, code=1, args=("--code", CODE), **kw):
    """Nothing leaves, nothing is recorded."""
    before = recorded(home)
    result = home.run("ca", "verification-cert", *args, code=code, **kw)
    assert result.out == "" and all(w in result.err for w in words), str(result)
    assert recorded(home) == before
    return result


@pytest.mark.short
@pytest.mark.parametrize("key", ["p256", "p384", "rsa2048"])
def test_every_field(empty, key):
    home = empty.init("--key", key)
    before = certs.now()
    result = home.run("ca", "verification-cert", "--code", CODE)
    after = certs.now()
    certs.check_by_tools(result.out.encode(), home.ca_pem())
    (der,) = certs.split(result.out.encode())
    got, ca = x509.load_der_x509_certificate(der), x509.load_pem_x509_certificate(home.ca_pem())
    assert [(a.oid, a.value) for a in got.subject] == [(certs.NAME_OIDS["CN"], CODE)]
    assert isinstance(got.public_key(), ec.EllipticCurvePublicKey) and got.public_key().curve.name == "secp256r1"
    assert certs.signed_by(got, ca) == certs.digest_for(ca)
    certs.check_validity(got, ca, (before, after), 1, 3600)
    certs.check_extensions(got, ca, None)
    # words for people, with what comes next, beside it
    assert f"{got.serial_number:032x}" in result.err and "register-ca --ca-cert" in result.err
    assert (got.not_valid_after).strftime("%Y-%m-%dT%H:%M:%SZ") in result.err


@pytest.mark.parametrize("code", ["0" * 64, "ABCDEF" * 10 + "0000", "abcdef" * 10 + "0000"])
def test_the_code_as_it_is(home, code):
    (cn,) = make(home, code).subject
    assert cn.value == code


@pytest.mark.parametrize("args", [["--code", ""], ["--code", "0" * 63], ["--code", "0" * 65], ["--code", "g" * 64],
                                  ["--code", "0" * 63 + " "], [], ["--code"], ["--code", CODE, "more"], ["--out", "x"]])
def test_wrong_usage(home, args):
    refused(home, args=args, code=2)


def test_recorded_before_it_leaves(home):
    """Two are two; each is in the ledger, byte for byte, and no device's."""
    made = [make(home) for _ in range(3)]
    assert len({c.public_key().public_numbers() for c in made}) == 3
    assert [upper(c) for c in made] == sorted(upper(c) for c in made)
    rows = recorded(home)
    assert sorted(rows) == [upper(c) for c in made]
    assert {certs.certificate_id(x509.load_der_x509_certificate(d)) for d in rows.values()} == {
        certs.certificate_id(c) for c in made}
    assert home.certificates() == []


def test_not_recorded_not_printed(home):
    """Another process holds the ledger for longer than anyone waits."""
    db = sqlite3.connect(home.path / "lineca.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    try:
        result = home.run("ca", "verification-cert", "--code", CODE, code=1)
        assert result.out == "", str(result)
    finally:
        db.execute("ROLLBACK")
        db.close()
    assert recorded(home) == {}
    make(home)


def test_while_the_line_works(home, start):
    """Serials of both never meet, and neither waits for the other to end."""
    home.batch("lot")
    with client.Client(start(home)) as c, concurrent.futures.ThreadPoolExecutor(1) as other:
        devices = []
        verifications = other.submit(lambda: [make(home) for _ in range(40)])
        while not verifications.done():
            answer = c.enroll("lot", csrs.fresh()[1])
            assert answer.status == 201, str(answer)
            devices.append(certs.leaf_of(answer).serial_number >> 64)
        proofs = [upper(v) for v in verifications.result()]
        assert len(set(devices + proofs)) == len(devices) + len(proofs)
        assert proofs == sorted(proofs) and sorted(recorded(home)) == proofs
        newest = max(devices + proofs)
        assert certs.leaf_of(c.enroll("lot", csrs.fresh()[1])).serial_number >> 64 > newest


def test_the_line_goes_on_above_it(home, start):
    """The server starts behind a verification certificate: its serials are higher."""
    proof = upper(make(home))
    home.batch("lot")
    with client.Client(start(home)) as c:
        assert certs.leaf_of(c.enroll("lot", csrs.fresh()[1])).serial_number >> 64 > proof


# ---- the line's guards ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("back", ["-1m", "-2h", "-20y"])
def test_clock_goes_back(home, start, clock, back):
    home.batch("lot")
    with client.Client(start(home)) as c:
        assert c.enroll("lot", csrs.fresh()[1]).status == 201
    clock.turn(back)
    refused(home, "clock", env=clock.environment())


def test_small_step_back(home, start, clock):
    """NTP at work: it waits until no serial can be one that the line gives too."""
    home.batch("lot")
    with client.Client(start(home)) as c:
        newest = certs.leaf_of(c.enroll("lot", csrs.fresh()[1])).serial_number >> 64
        clock.turn("-3")
        began = time.monotonic()
        assert upper(make(home, env=clock.environment())) > newest
        assert time.monotonic() - began > 1.5
        assert c.enroll("lot", csrs.fresh()[1]).status == 201


def test_expired_ca(empty, clock):
    home = empty.init("--days", 1)
    clock.turn("+2d")
    refused(home, "ended at", env=clock.environment())


def test_cut_to_the_ca(empty, clock):
    home = empty.init("--days", 1)
    clock.turn("+12h")
    got = make(home, env=clock.environment())
    assert got.not_valid_after == x509.load_pem_x509_certificate(home.ca_pem()).not_valid_after
    assert got.not_valid_after - got.not_valid_before < datetime.timedelta(hours=14)


def test_disk_low(home):
    home.configure("guard", "disk_reserve_mib", 1 << 40)
    refused(home, "disk")


# ---- the CA ---------------------------------------------------------------------------------------------------------

def test_unknown_ca(home):
    refused(home, "nobody", args=["--code", CODE, "--ca", "nobody"])


def test_ca_by_name(empty):
    home = empty.init("--ca-name", "plant-7")
    (row,) = home.json("ca", "list")
    assert home.run("ca", "verification-cert", "--code", CODE, "--ca", row["name"]).out


def test_key_is_elsewhere(home):
    (key,) = home.key_files()
    key.rename(home.path / "away.key")
    refused(home, key.name, "missing")


def test_key_that_others_may_read(home):
    (key,) = home.key_files()
    os.chmod(key, 0o640)
    refused(home, "chmod 600", code=5)


def test_inactive_ca(home):
    """It issues nothing to devices, but AWS may be told whose it is; and a line starts with it, its key here or not."""
    home.batch("lot")
    with sqlite3.connect(home.path / "lineca.db") as db:
        db.execute("UPDATE ca SET active = 0")
    assert upper(make(home)) in recorded(home)
    for key in [None, *home.key_files()]:
        if key is not None:
            key.unlink()
        with servers.Server(home) as server, client.Client(server) as c:
            assert c.get("/healthz").status == 200
            problems.check(c.enroll("lot", csrs.fresh()[1]), "ca_expired")


# ---- AWS ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("key", ["p256", "p384", "rsa2048"])
def test_aws_takes_it(empty, tmp_path, key):
    """Three steps on two machines, the online one with Debian's aws: the code, the certificate, the CA registered."""
    home = empty.init("--key", key)
    (ca,) = (home.path / "ca").glob("*.crt")
    proof, foreign = tmp_path / "proof.pem", tmp_path / "foreign.pem"
    with aws.StandIn() as cloud:
        code = aws_client.cli(cloud, "iot", "get-registration-code")["registrationCode"]
        proof.write_text(home.run("ca", "verification-cert", "--code", code).out)
        foreign.write_text(home.run("ca", "verification-cert", "--code", CODE).out)
        register = ("iot", "register-ca-certificate", "--set-as-active", "--ca-certificate", f"file://{ca}", "--verification-cert")
        with pytest.raises(aws_client.CliError):    # the code of some other account
            aws_client.cli(cloud, *register, f"file://{foreign}")
        made = aws_client.cli(cloud, *register, f"file://{proof}")
        (row,) = home.json("ca", "list")
        assert made["certificateId"] == row["certificate_id"]
