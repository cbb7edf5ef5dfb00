"""What stops the upload, or a part of it: a CA, a missing policy, permission, credentials, the clock, TLS, the line out."""
import json
import os
import pwd
import re
import select
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

import aws
import limits
import uploads
from uploads import FULL, REGISTER, check_full, cloud, make_full, plant, standin  # noqa: F401  fixtures


def survive_an_outage(plant, cloud):
    plant.queue(30)
    cloud.faults({"kind": "status", "status": 503, **REGISTER})
    running = plant.start()
    time.sleep(65)
    cloud.faults()
    done = running.wait(None, 120)
    plant.agree()
    return done


def one_row_always_fails(plant, cloud):
    """It is given up after many tries, while the others go; in the next pass it is in hand when the run ends."""
    uploads.policies(cloud, "first")
    plant.configure(policies="first", rate_attach_policy=2, give_up_s=40)
    ids = plant.queue(82)
    cloud.faults({"kind": "status", "status": 500, **REGISTER, "subjects": ids[:1]})
    done = plant.start().wait(None, 140)
    return done, plant.status()["last_run"]["outcome"], plant.states()


@pytest.fixture(scope="module", autouse=True)
def beside(request, tmp_path_factory):
    with uploads.side_by_side(request, tmp_path_factory, {"test_an_outage_of_more_than_a_minute": survive_an_outage,
                                                          "test_a_row_that_was_tried_is_not_forgotten": one_row_always_fails}) as futures:
        yield futures


# ---- the CA

@pytest.mark.short
def test_ca_inactive_at_the_start(plant, cloud):
    plant.queue(20)
    plant.run("aws", "deactivate-ca")
    cloud.reset_counters()
    done = plant.upload(code=4)
    assert done.err.count("is inactive in") == 1, f"said twice: {done}"
    done.says("aws activate-ca")
    assert cloud.calls("RegisterCertificate")["calls"] == 0 and uploads.writes(cloud) == {}
    assert plant.states() == {"issued": 20}
    plant.run("aws", "activate-ca")
    plant.upload()
    plant.agree(20)


def test_a_night_that_could_not_start(plant, cloud):
    """By morning somebody looks at the status, not at what a job printed at night."""
    plant.queue(3)
    plant.upload("--limit", 1)
    plant.run("aws", "deactivate-ca")
    plant.upload(code=4)
    run = plant.status()["last_run"]
    assert run["outcome"].startswith("could not start: ") and "is inactive" in run["outcome"]
    assert (run["queued"], run["registered"], run["calls"]) == (2, 0, 0) and run["ended_at"]
    plant.run("aws", "activate-ca")
    cloud.key(secret="another/secret+of+this+key")
    try:
        plant.upload(code=5).says("aws check")
        assert "could not start: [aws]: GetCallerIdentity" in plant.status()["last_run"]["outcome"]
        plant.upload("--dry-run", code=5)
    finally:
        cloud.key(secret=aws.SECRET)
    plant.upload()
    assert plant.status()["last_run"]["outcome"] == "done"


def test_dry_run_counts_what_waits(plant, cloud):
    plant.queue(4)
    plant.run("aws", "deactivate-ca")
    done = plant.upload("--dry-run", code=4)
    assert "is inactive" in done.err
    plant.run("aws", "activate-ca")
    with open(plant.home.path / "lineca.conf", "a") as conf:
        conf.write("\n[aws us]\nregion = us-east-1\n")
    plant.home.batch("both", 10, "--aws", "aws,us")
    plant.enroll("both", 3)
    done = plant.upload("--dry-run", code=3)
    assert "batch both: 3 queued; can go only in part" in done.out and done.out.count("CANNOT GO NOW") == 1
    assert "4 certificates would go" in done.out and "3 would wait" in done.out


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_root_locks_nobody_out(plant, cloud):
    """An upload that root tried once by hand; the next night it is the home's own user again."""
    plant.queue(2)
    nobody = pwd.getpwnam("nobody")
    for path in [plant.home.path, *plant.home.path.rglob("*")]:
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    plant.upload("--limit", 1)
    made = [plant.home.path / "reports", *(plant.home.path / "reports").iterdir(), plant.home.path / "upload.lock"]
    assert len(made) == 4 and {p.stat().st_uid for p in made} == {nobody.pw_uid}


def test_ca_not_registered(plant, cloud):
    plant.queue(20, ca=False)
    plant.upload(code=4).says("not registered", "aws register-ca")
    assert uploads.writes(cloud) == {} and plant.states() == {"issued": 20}


def test_ca_made_inactive_in_the_middle(plant, cloud):
    """One message, not one a row; nobody is parked; after activate-ca the next run finishes."""
    plant.configure(rate_register_certificate=100)
    plant.queue(300)
    (ca,) = [c["certificateId"] for c in cloud.dump()["cas"]]
    cloud.faults({"kind": "latency", "ms": 20, **REGISTER})
    running = plant.start()
    limits.wait_for("some", lambda: cloud.calls("RegisterCertificate")["ok"] >= 50)
    cloud.set_status(ca, "INACTIVE")
    done = running.wait(3)
    registered, parked, queued = done.counts()
    assert parked == 0 and registered + queued == 300 and queued > 100
    assert len([line for line in done.err.splitlines() if "takes no certificates" in line]) == 1, str(done)
    assert len(done.err.splitlines()) < 8
    assert cloud.calls("RegisterCertificate")["calls"] <= registered + 40, "it asked on"
    outcome = plant.status()["last_run"]["outcome"]
    assert outcome != "done" and "CA" in outcome, outcome
    plant.agree(registered)
    plant.run("aws", "activate-ca")
    assert plant.upload().counts() == (queued, 0, 0)
    plant.agree(300)


def second_ca(plant, folder, name="second"):
    """Another issuing CA in the home: there is no command for it yet, so its row and files are taken from another home."""
    other = uploads.Plant(folder, plant.cloud, init=("--ca-name", name))
    for path in (other.home.path / "ca").iterdir():
        target = plant.home.path / "ca" / path.name.replace("ca-1", "ca-2")
        assert not target.exists()
        target.write_bytes(path.read_bytes())
        os.chmod(target, path.stat().st_mode & 0o777)
    with sqlite3.connect(other.home.path / "lineca.db") as db:
        cursor = db.execute("SELECT * FROM ca")
        row = dict(zip([d[0] for d in cursor.description], cursor.fetchone()))
    row.update(id=2, key_ref=row["key_ref"].replace("ca-1", "ca-2"))
    with sqlite3.connect(plant.home.path / "lineca.db") as db:
        db.execute(f"INSERT INTO ca ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
    return name


def test_one_of_two_cas_inactive(plant, cloud, tmp_path):
    """Its batch waits, the other's goes; exit 3; activated, the rest goes."""
    second = second_ca(plant, tmp_path / "other")
    (first,) = {json.loads(line)["name"] for line in plant.run("ca", "list", "--json").out.splitlines()} - {second}
    plant.register_ca("--ca", first)
    plant.register_ca("--ca", second, "--inactive")
    plant.queue(10, "a", "--ca", first, ca=False)
    plant.queue(10, "b", "--ca", second, ca=False)
    done = plant.upload(code=3)
    assert done.counts() == (10, 0, 10) and done.err.count("is inactive in") == 1
    done.says(second)
    assert plant.home.batch_show("a")["registered"] == 10 and plant.home.batch_show("b")["registered"] == 0
    assert cloud.calls("RegisterCertificate")["calls"] == 10
    plant.run("aws", "activate-ca", second)
    assert plant.upload().counts() == (10, 0, 0)
    plant.agree(20)
    assert sorted(c["certificates"] for c in cloud.dump()["cas"]) == [10, 10]


def test_one_of_two_cas_stops_in_the_middle(plant, cloud, tmp_path):
    second = second_ca(plant, tmp_path / "other")
    (first,) = {json.loads(line)["name"] for line in plant.run("ca", "list", "--json").out.splitlines()} - {second}
    plant.configure(rate_register_certificate=100)
    plant.register_ca("--ca", first)
    plant.register_ca("--ca", second)
    plant.queue(150, "a", "--ca", second, ca=False)
    plant.queue(50, "b", "--ca", first, ca=False)
    (ca,) = [c["certificateId"] for c in cloud.dump()["cas"] if "second" in subject_of(c["pem"])]
    running = plant.start()
    limits.wait_for("some", lambda: cloud.calls("RegisterCertificate")["ok"] >= 20)
    cloud.set_status(ca, "INACTIVE")
    done = running.wait(3)
    assert plant.home.batch_show("b")["registered"] == 50, str(done)
    assert done.err.count("takes no certificates") == 1 and plant.status()["parked"] == 0


def subject_of(pem):
    return subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("setting,words", [("policies", "policy"), ("thing_type", "thing type"), ("thing_group", "thing group")])
def test_what_is_missing_is_said_before_any_write(plant, cloud, setting, words):
    plant.configure(things="yes", **{setting: "missing"})
    plant.queue(10)
    cloud.reset_counters()
    done = plant.upload(code=4)
    done.says(f"the {words} missing is not in {aws.ACCOUNT}/{aws.REGION}")
    assert uploads.writes(cloud) == {} and plant.states() == {"issued": 10}


# ---- permission, account, clock, credentials

@pytest.mark.parametrize("code,status", [("AccessDeniedException", 403), ("UnauthorizedException", 401), ("InvalidSignatureException", 403),
                                         ("UnrecognizedClientException", 403), ("ExpiredTokenException", 403), ("SomethingNew", 403)])
def test_denied_in_the_middle(plant, cloud, code, status):
    """401 and 403 stop the run: exit 5, nobody parked, the rest queued, the message says what; then it goes on."""
    plant.configure(rate_register_certificate=200)
    plant.queue(100)
    cloud.faults({"kind": "latency", "ms": 10, **REGISTER},
                 {"kind": "error", "code": code, "status": status, "message": "no way", "skip": 30, **REGISTER})
    done = plant.upload(code=5)
    done.says("RegisterCertificate", code, "no way")
    registered, parked, queued = done.counts()
    assert parked == 0 and registered + queued == 100 and 25 <= registered <= 60
    assert cloud.calls("RegisterCertificate")["calls"] <= registered + 64
    assert done.err.count(code) <= 2, "said again and again"
    assert plant.status()["parked"] == 0 and code in plant.status()["last_run"]["outcome"]
    plant.agree(registered)
    cloud.faults()
    plant.upload()
    plant.agree(100)


def test_permission_taken_away(plant, cloud):
    """The true thing: the key may not attach policies any more."""
    make_full(cloud)
    plant.configure(**FULL)
    plant.queue(5)
    cloud.key(denied=["iot:AttachPolicy"])
    plant.upload(code=5).says("AttachPolicy", "AccessDeniedException", "not authorized to perform: iot:AttachPolicy")
    assert plant.states() == {"issued": 5} and {c["status"] for c in cloud.certificates().values()} <= {"INACTIVE"}
    cloud.key(denied=[])
    plant.upload()
    check_full(plant, cloud, 5)


def test_not_even_allowed_to_look(plant, cloud):
    plant.queue(2)
    cloud.key(denied=["iot:DescribeCACertificate"])
    cloud.reset_counters()
    plant.upload(code=5).says("DescribeCACertificate")
    assert uploads.writes(cloud) == {}


def test_wrong_account(plant, cloud):
    plant.queue(5)
    cloud.reset_counters()
    done = plant.upload(code=1, env=cloud.env(key=aws.OTHER_KEY, secret=aws.OTHER_SECRET))
    done.says(aws.ACCOUNT, aws.OTHER_ACCOUNT)
    assert set(cloud.counters()["operations"]) == {"GetCallerIdentity"} and plant.states() == {"issued": 5}


def test_wrong_secret(plant, cloud):
    plant.queue(1)
    cloud.reset_counters()
    plant.upload(code=5, env=cloud.env(secret="not/the+one")).says("SignatureDoesNotMatch")
    assert set(cloud.counters()["operations"]) == {"GetCallerIdentity"}


TOKENS = [f"FwoGZXIvYXdzTOKEN{n}NEVERTOBESEEN/+=" for n in range(3)]


def process_of(plant, cloud, folder):
    """A credential_process whose answers are a file's, and the environment with it."""
    folder.mkdir()
    script, given = folder / "give", folder / "given.json"
    script.write_text(f"#!/bin/sh\necho asked >>{folder}/asked\ncat {given}\n")
    script.chmod(0o700)
    (folder / "config").write_text(f"[default]\ncredential_process = {script}\n")

    def give(n):
        access = f"ASIASTANDIN{n:09}"
        cloud.key(access, account=aws.ACCOUNT, secret=aws.SECRET, token=TOKENS[n])
        temporary = folder / "new.json"
        temporary.write_text(json.dumps({"Version": 1, "AccessKeyId": access, "SecretAccessKey": aws.SECRET, "SessionToken": TOKENS[n]}))
        temporary.rename(given)
        return access

    return cloud.env(keys=False, AWS_CONFIG_FILE=str(folder / "config")), give, folder / "asked"


def test_expired_token_is_renewed(plant, cloud, tmp_path):
    """In the middle of a run the session ends; credential_process has a new one: nobody notices."""
    plant.environment, give, asked = process_of(plant, cloud, tmp_path / "process")
    first = give(0)
    plant.configure(rate_register_certificate=100)
    plant.queue(150)
    before = len(asked.read_text().split())
    running = plant.start()
    limits.wait_for("some", lambda: cloud.calls("RegisterCertificate")["ok"] >= 40)
    give(1)
    cloud.key(first, expires_in=0)
    done = running.wait(0)
    assert done.counts() == (150, 0, 0) and cloud.calls("RegisterCertificate")["errors"].get("ExpiredTokenException", 0) > 0
    assert len(asked.read_text().split()) - before <= 3
    plant.agree(150)
    for token in TOKENS:
        assert token not in done.err and not plant.home.holding([token.encode()])


def test_expired_token_that_stays(plant, cloud, tmp_path):
    plant.environment, give, _ = process_of(plant, cloud, tmp_path / "process")
    first = give(0)
    plant.configure(rate_register_certificate=100)
    plant.queue(150)
    running = plant.start()
    limits.wait_for("some", lambda: cloud.calls("RegisterCertificate")["ok"] >= 40)
    cloud.key(first, expires_in=0)
    done = running.wait(5)
    done.says("ExpiredToken")
    registered, parked, queued = done.counts()
    assert parked == 0 and registered + queued == 150 and queued > 0
    for token in TOKENS:
        assert token not in done.err and not plant.home.holding([token.encode()])
    give(1)
    plant.upload()
    plant.agree(150)


def assert_nothing_there(plant, cloud, done, count):
    """Both accounts are named, nothing was written to the other one, and what is registered here is what the ledger says."""
    done.says(aws.ACCOUNT, aws.OTHER_ACCOUNT)
    registered, parked, queued = done.counts()
    assert parked == 0 and registered + queued == count and queued > 0
    written = set(cloud.counters()["targets"].get(f"{aws.OTHER_ACCOUNT}/{aws.REGION}", {})) & set(uploads.WRITING)
    assert not written and cloud.certificates(aws.OTHER_ACCOUNT) == {}, written
    assert aws.OTHER_ACCOUNT in plant.status()["last_run"]["outcome"]
    plant.agree(registered, ca=False)
    assert len(cloud.certificates()) == registered


@pytest.mark.parametrize("end", ["by the provider's word", "by AWS's word"])
def test_renewed_credentials_of_another_account(plant, cloud, tmp_path, end):
    """The session ends in the middle, and credential_process then gives the keys of another account: nothing goes there."""
    other, script, first = tmp_path / "other", tmp_path / "give", "ASIASTANDINFIRST0001"
    life = "$(date -u -d '+8 sec' +%Y-%m-%dT%H:%M:%SZ)" if end == "by the provider's word" else "2099-01-01T00:00:00Z"
    script.write_text(f"""#!/bin/sh
K={first} S={aws.SECRET}
[ -e {other} ] && K={aws.OTHER_KEY} S={aws.OTHER_SECRET}
echo "{{\\"Version\\": 1, \\"AccessKeyId\\": \\"$K\\", \\"SecretAccessKey\\": \\"$S\\", \\"Expiration\\": \\"{life}\\"}}"
""")
    script.chmod(0o700)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {script}\n")
    cloud.key(first, account=aws.ACCOUNT, secret=aws.SECRET)
    plant.configure(with_ca="no", rate_register_certificate=5)
    plant.queue(60, ca=False)
    running = plant.start(env=cloud.env(keys=False, AWS_CONFIG_FILE=str(tmp_path / "config")))
    limits.wait_for("some", lambda: cloud.calls("RegisterCertificateWithoutCA")["ok"] >= 5)
    other.touch()
    if end == "by AWS's word":
        cloud.key(first, expires_in=0)
    done = running.wait((1, 5))
    assert_nothing_there(plant, cloud, done, 60)
    other.unlink()
    if end == "by AWS's word":
        cloud.key(first, expires_in=3600)
    plant.configure(rate_register_certificate=1000)
    assert plant.upload().code == 0
    plant.agree(60, ca=False)


def test_session_token_is_nowhere(plant, cloud):
    """Also when AWS refuses it and repeats what it was given."""
    plant.queue(3)
    cloud.key(token=TOKENS[0])
    env = cloud.env(token=TOKENS[0])
    cloud.faults({"kind": "error", "code": "InvalidRequestException", "message": "odd", **REGISTER, "times": 1})
    done = plant.upload(code=3, env=env)
    wrong = plant.upload(code=5, env=cloud.env(token=TOKENS[1])) if plant.run("upload", "retry", env=env) else None
    for text in (done.err, done.out, wrong.err, wrong.out):
        assert not any(t in text for t in TOKENS)
    assert plant.home.holding([t.encode() for t in TOKENS] + uploads.SECRETS) == []


@pytest.mark.parametrize("skew", [600, -600, 3 * 86400, -3 * 86400])
def test_clock_skew(plant, cloud, skew):
    """Corrected by AWS's Date, with one warning."""
    plant.queue(40)
    plant.upload("--limit", 10)     # the stand-in's own clock also judges certificates: these are valid by ours
    cloud.clock(skew)
    done = plant.upload(code=None)
    warned = [line for line in done.err.splitlines() if "clock of this machine" in line]
    assert len(warned) == 1, str(done)
    assert ("behind" if skew > 0 else "ahead") in warned[0]
    if skew > -3600:        # a stand-in three days back refuses certificates that are not valid yet
        assert done.counts() == (30, 0, 0)
        plant.agree(40)
    else:
        assert done.code == 3 and done.counts() == (0, 30, 0)
    assert cloud.calls("RegisterCertificate")["errors"].get("InvalidSignatureException", 0) == 0


# ---- TLS and proxies

@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    for name in ("right", "wrong"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                        "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-out", f"{name}.pem"],
                       check=True, capture_output=True, cwd=folder)
    with aws.StandIn(tls=(folder / "right.pem", folder / "right.key")) as cloud:
        cloud.wrong = folder / "wrong.pem"
        yield cloud


def test_tls(certified, tmp_path):
    plant = uploads.Plant(tmp_path / "plant", certified)
    plant.queue(5)
    certified.reset_counters()
    done = plant.upload(code=1, env=certified.env(AWS_CA_BUNDLE=str(certified.wrong)))
    assert re.search("certificate|TLS", done.err), str(done)
    assert certified.counters()["operations"] == {} and plant.states() == {"issued": 5}
    plant.upload(code=1, env=certified.env(AWS_CA_BUNDLE=None))
    assert certified.counters()["operations"] == {}
    plant.upload()
    plant.agree(5)


class Proxy:
    """A proxy that tunnels (CONNECT) and counts."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.tunnels = self.socket.getsockname()[1], []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, near):
        with near:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                piece = near.recv(1)
                if not piece:
                    return
                head += piece
            line = head.split(b"\r\n")[0].decode()
            self.tunnels.append(line)
            host, port = line.split()[1].split(":")
            with socket.create_connection((host, int(port))) as far:
                near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                other = {near: far, far: near}
                while True:
                    for s in select.select([near, far], [], [])[0]:
                        data = s.recv(65536)
                        if not data:
                            return
                        other[s].sendall(data)

    def close(self):
        self.socket.close()


def test_proxy(certified, tmp_path):
    certified.reset()
    plant = uploads.Plant(tmp_path / "plant", certified)
    plant.queue(5)
    proxy = Proxy()
    try:
        plant.upload("--limit", 2, env=certified.env(HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}"))
        assert proxy.tunnels and all(t.startswith(f"CONNECT 127.0.0.1:{certified.port}") for t in proxy.tunnels)
        count = len(proxy.tunnels)
        plant.upload(env=certified.env(HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}", NO_PROXY="127.0.0.1"))
        assert len(proxy.tunnels) == count
    finally:
        proxy.close()
    plant.agree(5)


# ---- the line out is gone

def test_nobody_answers(plant, cloud):
    """The line is cut in the middle for good: the run gives up by itself; all that is not done stays queued."""
    plant.configure(give_up_s=10, rate_register_certificate=100)
    plant.queue(100)
    cloud.faults({"kind": "cut_before", "skip": 30, **REGISTER})
    done = plant.start().wait(1, 40)
    done.says("stays queued")
    assert 9 < done.seconds < limits.seconds(25)
    registered, parked, queued = done.counts()
    assert (registered, parked, queued) == (30, 0, 70)
    plant.agree(30)
    cloud.faults()
    plant.upload()
    plant.agree(100)


def test_report_cannot_be_written(plant):
    """A full disk under the report is no reason to lose the count: the ledger has it, and the exit code says that something failed."""
    plant.queue(200)
    (plant.home.path / "reports").write_text("in the way")
    plant.upload(code=1)
    (plant.home.path / "reports").unlink()
    plant.upload()
    plant.agree(200)


# ---- at the end: they have been running all the time

def test_a_row_that_was_tried_is_not_forgotten(beside):
    """All but one are registered and that one is still queued: not done, not exit 0, and the morning hears of it."""
    done, outcome, states = beside["test_a_row_that_was_tried_is_not_forgotten"].result(limits.seconds(300))
    assert done.code == 3 and done.counts() == (81, 0, 1), str(done)
    assert outcome.startswith("done in part: 1 ") and states == {"registered": 81, "issued": 1}, outcome


def test_an_outage_of_more_than_a_minute(beside):
    """AWS is back long before the run would give up and long before morning: everything is registered by this run."""
    done = beside["test_an_outage_of_more_than_a_minute"].result(limits.seconds(240))
    assert done.code == 0 and done.counts() == (30, 0, 0), str(done)
