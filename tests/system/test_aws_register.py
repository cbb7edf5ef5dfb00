"""`aws register-ca`, `cas`, `activate-ca`, `deactivate-ca`, `registration-code`, and the three steps of a plant with no line out."""
import datetime
import json
import re
import sqlite3

import pytest
from cryptography import x509

import aws
import aws_client
import aws_home
import client
import csrs
import faketime
import server as servers


def cas(cloud, **where):
    return cloud.dump(**where).get("cas", [])


def proofs(home):
    """The verification certificates of the ledger."""
    with sqlite3.connect(f"file:{home.path / 'lineca.db'}?mode=ro", uri=True) as db:
        return [x509.load_der_x509_certificate(der) for (der,) in db.execute("SELECT der FROM verification ORDER BY id")]


# ---- register-ca


@pytest.mark.parametrize("args,status,auto,mode", [
    ([], "ACTIVE", "DISABLE", "DEFAULT"), (["--inactive"], "INACTIVE", "DISABLE", "DEFAULT"),
    (["--auto-registration"], "ACTIVE", "ENABLE", "DEFAULT"), (["--sni-only"], "ACTIVE", "DISABLE", "SNI_ONLY"),
    (["--inactive", "--auto-registration", "--sni-only"], "INACTIVE", "ENABLE", "SNI_ONLY"),
    (["--ca", "lineca-ca"], "ACTIVE", "DISABLE", "DEFAULT")])
def test_register(place, args, status, auto, mode):
    keys = {p.name: p.read_bytes() for p in (place.home.path / "ca").iterdir()}
    said = place.run("aws", "register-ca", *args).err
    (ca,) = cas(place.cloud)
    assert (ca["status"], ca["autoRegistration"], ca["mode"]) == (status, auto, mode)
    assert x509.load_pem_x509_certificate(ca["pem"].encode()) == x509.load_pem_x509_certificate(place.home.ca_pem())
    assert ca["arn"] in said and status.lower() in said and ("auto-registration" in said) == (auto == "ENABLE")
    # the proof: recorded, of one day, with the account's code; its key is nowhere
    assert {p.name: p.read_bytes() for p in (place.home.path / "ca").iterdir()} == keys
    if mode == "SNI_ONLY":
        assert proofs(place.home) == [] and "GetRegistrationCode" not in place.cloud.counters()["operations"]
    else:
        (proof,) = proofs(place.home)
        assert [a.value for a in proof.subject] == [place.cloud.dump()["registrationCode"]]
        assert proof.not_valid_after - proof.not_valid_before <= datetime.timedelta(hours=25)
        assert place.home.holding([b"PRIVATE KEY"]) == [p.name for p in place.home.key_files()]
    # again: nothing is changed, whatever is asked for
    place.cloud.reset_counters()
    before = place.cloud.dump()
    assert "nothing was changed" in place.run("aws", "register-ca").err
    assert "nothing was changed" in place.run("aws", "register-ca", "--inactive", "--auto-registration").err
    assert place.cloud.dump() == before and set(place.cloud.counters()["operations"]) == {"GetCallerIdentity", "DescribeCACertificate"}
    assert len(proofs(place.home)) == (mode == "DEFAULT")


@pytest.mark.parametrize("key", ["p384", "rsa2048", "rsa4096"])
def test_register_keys(tmp_path, cloud, key):
    cloud.reset()
    place = aws_home.Place(tmp_path / "home", cloud, "--key", key)
    place.run("aws", "register-ca")
    (ca,) = cas(cloud)
    assert ca["status"] == "ACTIVE"


def test_proof_beside_devices(place):
    """While the line issues: serials of proof and devices never meet."""
    place.home.batch("lot")
    with servers.Server(place.home) as server, client.Client(server) as c:
        for n in range(6):
            assert c.enroll("lot", csrs.fresh(f"SN{n}")[1]).status == 201
            if n == 2:
                place.run("aws", "register-ca")
    serials = [row["serial"] for row in place.home.certificates()] + [f"{p.serial_number:032x}" for p in proofs(place.home)]
    assert len(serials) == len(set(serials)) == 7


def test_lost_answer(place):
    """It took effect and nobody said so: found again, and registered once."""
    place.cloud.faults({"kind": "cut_after", "operations": ["RegisterCACertificate"], "times": 1})
    assert "registered" in place.run("aws", "register-ca").err
    assert len(cas(place.cloud)) == 1 and place.cloud.calls("RegisterCACertificate")["calls"] == 2
    assert len(proofs(place.home)) == 1


def test_throttled(place):
    place.cloud.faults({"kind": "throttle", "first": 2, "operations": ["RegisterCACertificate", "GetRegistrationCode"]})
    place.run("aws", "register-ca")
    assert len(cas(place.cloud)) == 1


@pytest.mark.parametrize("operation", ["GetRegistrationCode", "RegisterCACertificate", "DescribeCACertificate"])
def test_denied(place, operation):
    place.cloud.key(denied=[f"iot:{operation}"])
    said = place.run("aws", "register-ca", code=5).err
    assert f"iot:{operation}" in said and cas(place.cloud) == []


@pytest.mark.parametrize("words", [["register-ca"], ["activate-ca"], ["deactivate-ca"], ["cas"], ["registration-code"],
                                   ["register-ca", "--sni-only"]])
def test_wrong_account(place, words):
    """GetCallerIdentity, and not one call more."""
    place.cloud.reset_counters()
    said = place.run("aws", *words, code=1, env=place.cloud.env(aws.OTHER_KEY, aws.OTHER_SECRET)).err
    assert aws.ACCOUNT in said and aws.OTHER_ACCOUNT in said and "nothing was done" in said
    assert set(place.cloud.counters()["operations"]) == {"GetCallerIdentity"}
    assert proofs(place.home) == []


@pytest.mark.parametrize("words", [["--ca", "other"], ["--ca-cert", "x.pem", "--verification-cert", "y.pem"]])
def test_no_such_ca(place, words, tmp_path):
    place.run("aws", "register-ca", *[str(tmp_path / w) if w.endswith(".pem") else w for w in words], code=1)
    assert cas(place.cloud) == []


@pytest.mark.parametrize("words", [["--ca-cert", "x"], ["--verification-cert", "x"],
                                   ["--sni-only", "--ca-cert", "x", "--verification-cert", "y"],
                                   ["--ca", "a", "--ca-cert", "x", "--verification-cert", "y"], ["more"], ["--account", "12"],
                                   ["--target", "nowhere"]])
def test_wrong_words(place, words):
    place.run("aws", "register-ca", *words, code=2)
    assert cas(place.cloud) == []


def test_another_region(place):
    place.add("\n[aws us]\nregion = us-east-1\n")
    place.run("aws", "register-ca", "--target", "us")
    assert cas(place.cloud) == [] and len(cas(place.cloud, region="us-east-1")) == 1


# ---- three steps, two machines


@pytest.fixture
def steps(tmp_path, place):
    """The CA's file as `ca show` prints it, and a function that does a step on a machine without a home."""
    ca = tmp_path / "ca.pem"
    ca.write_text(place.home.run("ca", "show").out)
    place.ca_file, place.proof_file = ca, tmp_path / "proof.pem"

    def online(*args, env=None, **kw):
        return aws_home.run("--home", tmp_path / "nowhere", "aws", *args, "--account", aws.ACCOUNT, env=env or place.cloud.env(), **kw)

    place.online = online
    place.proof = lambda code, **kw: place.proof_file.write_text(place.home.run("ca", "verification-cert", "--code", code, **kw).out)
    place.finish = lambda **kw: online("register-ca", "--ca-cert", place.ca_file, "--verification-cert", place.proof_file, **kw)
    return place


def test_three_steps(steps):
    first = steps.online("registration-code")
    assert re.fullmatch(r"[0-9a-f]{64}\n", first.out) and f"--code {first.out.strip()}" in first.err
    assert steps.online("registration-code").out == first.out
    steps.proof(first.out.strip())
    assert "registered in" in steps.finish().err
    (ca,) = cas(steps.cloud)
    assert ca["status"] == "ACTIVE" and ca["certificateId"] == steps.ca_id()
    assert "nothing was changed" in steps.finish().err
    assert not (steps.home.path.parent / "nowhere").exists()


def test_three_steps_without_proof(steps):
    steps.online("register-ca", "--ca-cert", steps.ca_file, "--sni-only", "--inactive")
    (ca,) = cas(steps.cloud)
    assert (ca["status"], ca["mode"]) == ("INACTIVE", "SNI_ONLY")


def test_without_account(steps):
    said = aws_home.run("--home", steps.home.path.parent / "nowhere", "aws", "registration-code", env=steps.cloud.env(), code=2).err
    assert "--account" in said
    said = steps.online("registration-code", env=steps.cloud.env(AWS_REGION=None, AWS_DEFAULT_REGION=None), code=1).err
    assert "AWS_REGION" in said
    assert aws.OTHER_ACCOUNT in steps.online("registration-code", env=steps.cloud.env(aws.OTHER_KEY, aws.OTHER_SECRET), code=1).err


def test_wrong_code(steps):
    """Another account's code: what to do is said."""
    steps.online("registration-code")
    steps.proof("0" * 64)
    said = steps.finish(code=4).err
    assert "registration-code" in said and "verification-cert" in said and cas(steps.cloud) == []


def test_expired_proof(steps, tmp_path):
    code = steps.online("registration-code").out.strip()
    steps.proof(code, env=faketime.Clock(tmp_path / "clock", "+0").environment())
    steps.cloud.clock(3 * 86400)
    said = steps.finish(code=1, env={**steps.cloud.env(), **faketime.Clock(tmp_path / "later", "+3d").environment()}).err
    assert cas(steps.cloud) == [] and "expired" in said, said


@pytest.mark.parametrize("which", ["ca_file", "proof_file"])
@pytest.mark.parametrize("what,words", [("", ""), ("no certificate at all\n", ""), ("two", ""), ("half", ""), ("key", ""),
                                        (None, "No such file")])
def test_bad_files(steps, which, what, words):
    steps.proof(steps.online("registration-code").out.strip())
    path = getattr(steps, which)
    good = path.read_text()
    if what is None:
        path.unlink()
    else:
        key = steps.home.key_files()[0].read_text()
        path.write_text({"two": good + good, "half": good[:-60], "key": key}.get(what, what))
    steps.cloud.reset_counters()
    result = steps.finish(code=1)
    assert path.name in result.err and words in result.err and "PRIVATE" not in result.err, str(result)
    assert steps.cloud.calls("RegisterCACertificate")["calls"] == 0


def test_ca_file_that_is_no_ca(steps):
    steps.proof(steps.online("registration-code").out.strip())
    steps.ca_file.write_text(steps.proof_file.read_text())
    result = steps.finish(code=1)
    assert cas(steps.cloud) == [] and ("CA" in result.err), str(result)


# ---- cas, activate-ca, deactivate-ca


def test_cas(place):
    (row,) = place.json("aws", "cas")
    assert (row["aws_state"], row["issued"], row["registered"], row["aws_certificates"]) == ("not_registered", 0, 0, 0)
    assert "not registered" in place.run("aws", "cas").out
    place.run("aws", "register-ca", "--auto-registration", "--inactive")
    (row,) = place.json("aws", "cas")
    assert row == {"name": "lineca-ca", "certificate_id": cas(place.cloud)[0]["certificateId"], "account": aws.ACCOUNT,
                   "region": aws.REGION, "aws_state": "inactive", "auto_registration": True, "sni_only": False, "issued": 0,
                   "registered": 0, "aws_certificates": 0, "aws_has_more": False}
    assert "inactive, auto-registration" in place.run("aws", "cas").out


def test_cas_counts_by_pages(place):
    """More than a page of 250: ours by the ledger, AWS's by AWS."""
    place.home.batch("lot")
    place.configure(rate_register_certificate=1000)
    place.run("aws", "register-ca")
    with servers.Server(place.home) as server, client.Client(server) as c:
        for n in range(260):
            assert c.enroll("lot", csrs.fresh(f"SN{n}")[1]).status == 201
    place.run("upload")
    with servers.Server(place.home) as server, client.Client(server) as c:
        assert c.enroll("lot", csrs.fresh("late")[1]).status == 201
    place.cloud.reset_counters()
    (row,) = place.json("aws", "cas")
    assert (row["issued"], row["registered"], row["aws_certificates"], row["aws_has_more"]) == (261, 260, 260, False)
    assert place.cloud.calls("ListCertificatesByCA")["calls"] == 2
    assert re.search(r"active +261 +260 +260 ", place.run("aws", "cas").out)


def test_activate(place):
    said = place.run("aws", "activate-ca", code=1).err
    assert "register-ca" in said
    place.run("aws", "register-ca", "--auto-registration")
    for verb, state in (("deactivate-ca", "INACTIVE"), ("activate-ca", "ACTIVE")):
        place.cloud.reset_counters()
        assert "nothing" not in place.run("aws", verb, "lineca-ca").err
        assert cas(place.cloud)[0]["status"] == state and cas(place.cloud)[0]["autoRegistration"] == "ENABLE"
        assert "nothing was changed" in place.run("aws", verb).err
        assert place.cloud.calls("UpdateCACertificate")["calls"] == 1
    assert '"other"' in place.run("aws", "deactivate-ca", "other", code=1).err
    place.cloud.key(denied=["iot:UpdateCACertificate"])
    assert "iot:UpdateCACertificate" in place.run("aws", "deactivate-ca", code=5).err


def test_guides_own_client_agrees(place):
    """Debian's aws sees what `aws cas` shows."""
    place.run("aws", "register-ca", "--auto-registration")
    found = aws_client.cli(place.cloud, "iot", "describe-ca-certificate", "--certificate-id", place.ca_id())["certificateDescription"]
    assert (found["status"], found["autoRegistrationStatus"], found["certificateMode"]) == ("ACTIVE", "ENABLE", "DEFAULT")
    assert json.dumps(found["certificatePem"]).count("BEGIN CERTIFICATE") == 1
