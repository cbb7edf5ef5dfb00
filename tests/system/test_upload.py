"""The nightly upload when all goes well: what it makes in AWS, for whom, in what order, and what a person sees of it."""
import concurrent.futures
import datetime
import re
import signal
import threading
import time
import zoneinfo

import pytest

import aws
import certs
import client
import csrs
import faketime
import home as homes
import keys
import limits
import load
import server as servers
import uploads
from uploads import cloud, plant, standin  # noqa: F401  fixtures

HERE = uploads.HERE


def wait(plant, what, probe, s=20):
    return limits.wait_for(what, probe, s)


# ---- end to end

@pytest.mark.short
def test_end_to_end(plant, cloud):
    """init, serve, enrol over HTTP with EC and RSA keys, register-ca, upload: the stand-in's own list is ours, row by row."""
    kinds = [lambda cn: csrs.fresh(cn)[1], lambda cn: csrs.plain(keys.elliptic(keys.P384), cn), lambda cn: csrs.plain(keys.rsa_key(), cn)]
    plant.home.batch("lot", 100)
    with servers.Server(plant.home) as server:
        for request in kinds:
            plant.enroll("lot", 4, server, request)
    plant.register_ca()
    done = plant.upload()
    assert done.counts() == (12, 0, 0)
    rows = plant.agree(12)
    assert {r["certificate_id"] for r in rows} == set(cloud.certificates())
    by_id = {r["certificate_id"]: r for r in rows}
    for line in done.rows:
        row, there = by_id[line["certificate_id"]], cloud.certificates()[line["certificate_id"]]
        assert (line["serial"], line["device_id"], line["batch"], line["state"]) == (row["serial"], row["device_id"], "lot", "registered")
        assert (line["arn"], line["account"], line["region"]) == (there["arn"], *HERE)
        assert line["code"] == line["message"] == line["step"] == ""
    assert len(done.rows) == 12
    (ca,) = cloud.dump()["cas"]
    assert ca["certificates"] == 12 and uploads.der_of(ca["pem"]) == uploads.der_of(plant.home.ca_pem().decode())
    assert cloud.calls("RegisterCertificate")["calls"] == 12

    cloud.reset_counters()
    again = plant.upload()
    assert "nothing is queued" in again.err and uploads.writes(cloud) == {}
    assert plant.states() == {"registered": 12}


def test_only_registration_by_default(plant, cloud):
    plant.queue(3)
    cloud.reset_counters()
    plant.upload()
    plant.agree(3)
    assert set(cloud.counters()["operations"]) == {"GetCallerIdentity", "DescribeCACertificate", "RegisterCertificate"}
    assert cloud.dump()["things"] == []


def test_aws_list_by_ca(plant, cloud):
    """What AWS's own list says, through a client that is not ours."""
    plant.queue(5)
    plant.upload()
    iot = uploads.iot_client(cloud)
    (ca,) = iot.list_ca_certificates()["certificates"]
    listed = iot.list_certificates_by_ca(caCertificateId=ca["certificateId"])["certificates"]
    assert {(c["certificateId"], c["status"]) for c in listed} == {(r["certificate_id"], "ACTIVE") for r in plant.certificates()}


# ---- steps

def make_there(cloud, **where):
    uploads.policies(cloud, "first", "second", "third", **where)
    iot = uploads.iot_client(cloud, **where)
    iot.create_thing_type(thingTypeName="gauge")
    iot.create_thing_group(thingGroupName="line-1")


FULL = dict(things="yes", thing_type="gauge", thing_group="line-1", thing_attributes="lot={batch}, sn={serial}, line=7",
            policies="first, second, third")


def check_full(plant, cloud, ids, status="ACTIVE", name=lambda cn: cn, where=HERE):
    dump = cloud.dump(*where)
    things = {t["thingName"]: t for t in dump["things"]}
    certificates = {c["certificateId"]: c for c in dump["certificates"]}
    rows = {r["device_id"]: r for r in plant.certificates()}
    assert set(things) == {name(cn) for cn in ids}
    for cn in ids:
        row, thing = rows[cn], things[name(cn)]
        there = certificates[row["certificate_id"]]
        assert thing["type"] == "gauge" and thing["groups"] == ["line-1"]
        assert thing["attributes"] == {"lot": row["batch"], "sn": row["serial"], "line": "7"}
        assert [p.rpartition("/")[2] for p in thing["principals"]] == [row["certificate_id"]]
        assert there["policies"] == ["first", "second", "third"] and there["status"] == status
        assert row["state"] == "registered"


@pytest.mark.short
@pytest.mark.parametrize("status,there", [("active", "ACTIVE"), ("active_at_end", "ACTIVE"), ("inactive", "INACTIVE")])
def test_all_steps(plant, cloud, status, there):
    make_there(cloud)
    plant.configure(**FULL, status=status)
    ids = plant.queue([csrs.device(), "00:1A:2b:3c:4D:5e", "a_b-c:9"])
    done = plant.upload()
    check_full(plant, cloud, ids, there)
    plant.agree(3, status=there)
    assert {r["state"] for r in done.rows} == {"registered"} and len(done.rows) == 3
    calls = {name: c["calls"] for name, c in cloud.counters()["operations"].items()}
    assert calls["AttachPolicy"] == 9 and calls["CreateThing"] == calls["AttachThingPrincipal"] == calls["AddThingToThingGroup"] == 3
    assert calls.get("UpdateCertificate", 0) == (3 if status == "active_at_end" else 0)
    cloud.reset_counters()
    assert plant.upload().err.startswith("nothing is queued") and not uploads.writes(cloud)


def test_thing_name_template(plant, cloud):
    make_there(cloud)
    plant.configure(**FULL, thing_name="{batch}:{device_id}_x")
    ids = plant.queue(["aa:bb", "cc"])
    plant.upload()
    check_full(plant, cloud, ids, name=lambda cn: f"lot:{cn}_x")


def test_without_ca(plant, cloud):
    plant.configure(with_ca="no")
    plant.queue(4, ca=False)
    plant.upload()
    plant.agree(4, ca=False)
    assert cloud.calls("RegisterCertificateWithoutCA")["calls"] == 4 and cloud.calls("RegisterCertificate")["calls"] == 0
    assert {c["mode"] for c in cloud.certificates().values()} == {"SNI_ONLY"}
    assert cloud.calls("DescribeCACertificate")["calls"] == 0


@pytest.mark.parametrize("status", ["active_at_end", "inactive"])
def test_status_without_anything_to_attach(plant, cloud, status):
    plant.configure(status=status)
    plant.queue(2)
    plant.upload()
    plant.agree(2, status="INACTIVE" if status == "inactive" else "ACTIVE")


@pytest.mark.parametrize("broken", ["CreateThing", "AttachThingPrincipal", "AttachPolicy", "AddThingToThingGroup", "UpdateCertificate"])
def test_never_active_before_all_is_attached(plant, cloud, broken):
    """active_at_end, with each step in turn failing for all: nothing is ACTIVE meanwhile; afterwards everything goes on from there."""
    make_there(cloud)
    plant.configure(**FULL, status="active_at_end")
    ids = plant.queue(6)
    cloud.faults({"kind": "status", "status": 503, "operations": [broken]})
    running = plant.start()
    wait(plant, f"a failing {broken}", lambda: cloud.calls(broken)["calls"] >= 3)
    assert {c["status"] for c in cloud.certificates().values()} == {"INACTIVE"}
    running.signal()
    done = running.wait(3)
    assert done.counts() == (0, 0, 6)
    assert {c["status"] for c in cloud.certificates().values()} == {"INACTIVE"}
    registered = cloud.calls("RegisterCertificate")["calls"]
    cloud.faults()
    plant.upload()
    check_full(plant, cloud, ids)
    assert cloud.calls("RegisterCertificate")["calls"] == registered == 6, "what was recorded was done again"


def test_active_only_with_everything_attached_at_any_moment(plant, cloud):
    """Looked at while it runs, with latency and failures: an ACTIVE certificate has its thing and all its policies."""
    make_there(cloud)
    plant.configure(**FULL, status="active_at_end")
    ids = plant.queue(40)
    cloud.faults({"kind": "latency", "ms": 5, "jitter_ms": 60}, {"kind": "throttle", "probability": 0.1},
                 {"kind": "cut_after", "probability": 0.05}, seed=5)
    running, looks, active = plant.start(), 0, 0
    while running.process.poll() is None:
        dump = cloud.dump(pem=False)
        groups = {t["thingName"]: t["groups"] for t in dump.get("things", ())}
        for c in dump.get("certificates", ()):
            if c["status"] == "ACTIVE":
                active += 1
                assert c["policies"] == ["first", "second", "third"] and c["things"] and groups[c["things"][0]] == ["line-1"], c
        looks += 1
    running.wait()
    assert looks > 10 and active > 0
    check_full(plant, cloud, ids)


def test_a_thing_that_is_there(plant, cloud):
    """One like ours is ours; another is parked and left alone, or kept where lineca.conf says so."""
    iot = uploads.iot_client(cloud)
    iot.create_thing(thingName="same", attributePayload={"attributes": {"line": "7"}})
    iot.create_thing(thingName="other", attributePayload={"attributes": {"line": "8"}})
    plant.configure(things="yes", thing_attributes="line=7")
    plant.queue(["same", "other", "new"])
    done = plant.upload(code=3)
    assert done.counts() == (2, 1, 0)
    (parked,) = [r for r in done.rows if r["state"] == "parked"]
    assert parked["device_id"] == "other" and parked["step"] == "thing" and parked["code"] == "ThingDiffers"
    things = {t["thingName"]: t for t in cloud.dump()["things"]}
    assert things["other"]["attributes"] == {"line": "8"} and things["other"]["principals"] == [] and things["other"]["version"] == 1
    plant.configure(thing_exists="keep")
    plant.run("upload", "retry")
    plant.upload()
    things = {t["thingName"]: t for t in cloud.dump()["things"]}
    assert things["other"]["attributes"] == {"line": "8"} and len(things["other"]["principals"]) == 1
    plant.agree(3)


# ---- options

def test_limit_is_exact(plant, cloud):
    plant.queue(150)
    for limit, left in ((1, 149), (70, 79), (64, 15), (100, 0)):
        done = plant.upload("--limit", limit)
        assert done.counts()[2] == left and plant.status()["queued"] == left
        assert len(cloud.certificates(pem=False)) == 150 - left
    plant.agree(150)


def test_batch_only(plant):
    plant.queue(5, "a")
    plant.queue(7, "b", ca=False)
    done = plant.upload("--batch", "b")
    assert done.counts() == (7, 0, 0)
    assert plant.home.batch_show("a")["registered"] == 0 and plant.home.batch_show("b")["registered"] == 7
    assert plant.upload("--batch", "b").err.startswith("nothing is queued in the batch b")
    plant.upload("--batch", "nowhere", code=1).says("nowhere")
    plant.upload()
    plant.agree(12)


def test_dry_run(plant, cloud):
    make_there(cloud)
    plant.configure(**FULL, status="active_at_end")
    plant.queue(20)
    cloud.reset_counters()
    before, state = plant.certificates(), cloud.dump()
    done = plant.upload("--dry-run")
    assert "20" in done.out and "lot" in done.out and "nothing was changed" in done.out
    for step in ("register", "thing", "principal", "policy", "group", "activate"):
        assert step in done.out
    assert uploads.writes(cloud) == {} and cloud.dump() == state and plant.certificates() == before
    assert plant.status()["last_run"] is None and plant.status()["queued"] == 20
    assert "5 certificates would go" in plant.upload("--dry-run", "--limit", 5).out
    plant.upload()
    assert "nothing is queued" in plant.upload("--dry-run").err


@pytest.mark.parametrize("args", [
    ("--deadline", "6:00"), ("--deadline", "24:00"), ("--deadline", "06:60"), ("--deadline", "0600"), ("--deadline", "06:00:00"),
    ("--deadline", "-1:00"), ("--deadline", "+1:00"), ("--deadline", " 1:00"), ("--deadline", "morgen"), ("--deadline", ""),
    ("--deadline", "2020-01-01T00:00:00Z"), ("--deadline", "2030-02-30T00:00:00Z"), ("--deadline", "2030-01-01 00:00:00"),
    ("--deadline",), ("--limit", "0"), ("--limit", "-1"), ("--limit", "ten"), ("--limit", "1e3"), ("--limit", ""), ("--limit",),
    ("--limit", "99999999999999999999"), ("--what",), ("lot",), ("retry", "lot"), ("status", "x")])
def test_wrong_usage(plant, cloud, args):
    plant.upload(*args, code=2)
    assert cloud.counters()["operations"] == {}


def slow(cloud, ms=100):
    cloud.faults({"kind": "latency", "ms": ms, "operations": ["RegisterCertificate"]})


def in_utc(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def hang_over_the_deadline(folder):
    with aws.StandIn() as cloud:
        plant = uploads.Plant(folder, cloud)
        plant.queue(5)
        cloud.faults({"kind": "hang", "operations": ["RegisterCertificate"], "times": 1})
        done = plant.start("--deadline", in_utc(3)).wait(3, 60)
        cloud.faults()
        plant.upload()
        plant.agree(5)
        return done


@pytest.fixture(scope="module")
def hanging(tmp_path_factory):
    """It takes half a minute and no CPU: beside the other tests."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield pool.submit(hang_over_the_deadline, tmp_path_factory.mktemp("hanging") / "plant")


@pytest.mark.short
def test_deadline(plant, cloud):
    """In two or three seconds: it stops within about one more; the rest is queued, the report whole, the next run does it."""
    plant.queue(200)
    plant.configure(rate_register_certificate=20)
    slow(cloud)
    end = time.time() + 3
    done = plant.start("--deadline", in_utc(3)).wait(3)
    assert int(end) - 0.1 <= time.time() <= end + limits.seconds(1.5)
    registered, parked, queued = done.counts()
    assert registered + queued == 200 and parked == 0 and 20 <= registered <= 80
    done.says("deadline")
    assert len(done.rows) == registered == len(cloud.certificates(pem=False)) == cloud.calls("RegisterCertificate")["calls"]
    assert "deadline" in plant.status()["last_run"]["outcome"]
    plant.agree(registered)
    cloud.faults()
    plant.configure(rate_register_certificate=1000)
    assert plant.upload().counts() == (200 - registered, 0, 0)
    plant.agree(200)
    assert cloud.calls("RegisterCertificate")["calls"] == 200


def test_deadline_of_the_clock(plant, hanging):
    """HH:MM is the next time it is that late here: one that is over today is tomorrow's."""
    plant.queue(3)
    gone = (datetime.datetime.now() - datetime.timedelta(minutes=1)).strftime("%H:%M")
    assert plant.upload("--deadline", gone, "--limit", 1).counts() == (1, 0, 2)
    env = plant.env(TZ="Asia/Kolkata")
    soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=5, minutes=32)).strftime("%H:%M")
    assert plant.upload("--deadline", soon, env=env).counts() == (2, 0, 0)


def summer_begins():
    """The next one in Berlin that is still to come: the last Sunday of a March."""
    day = datetime.date(datetime.date.today().year + 1, 3, 31)
    return day - datetime.timedelta(days=(day.weekday() + 1) % 7)


@pytest.mark.parametrize("then,reason", [("02:29:00", "a signal"), ("02:30:05", "the deadline")])
def test_deadline_after_the_hour_that_is_missing(plant, cloud, tmp_path, then, reason):
    """Summer time begins, 02:30 is not on that day's clock. At 03:40 it is tomorrow's 02:30, not an hour ago and not 03:30 tomorrow."""
    day, zone = summer_begins(), zoneinfo.ZoneInfo("Europe/Berlin")

    def offset(on, clock):
        return datetime.datetime.combine(on, datetime.time.fromisoformat(clock), zone).timestamp() - time.time()

    plant.queue(1)
    clock = faketime.Clock(tmp_path / "clock", f"+{offset(day, '03:40:00'):.0f}")
    cloud.clock(offset(day, "03:40:00"))
    cloud.faults({"kind": "hang", "effect": False, "operations": ["RegisterCertificate"]})
    running = plant.start("--deadline", "02:30", env={**plant.env(TZ="Europe/Berlin"), **clock.environment()})
    wait(plant, "the call", lambda: cloud.calls("RegisterCertificate")["calls"] >= 1)
    clock.turn(f"+{offset(day + datetime.timedelta(days=1), then):.0f}")
    time.sleep(1)
    running.signal()
    time.sleep(0.3)
    running.signal()
    assert f"stopped by {reason}" in running.wait(3).err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal(plant, cloud, number):
    plant.queue(300)
    plant.configure(rate_register_certificate=40)
    slow(cloud, 200)
    running = plant.start()
    wait(plant, "some to be done", lambda: cloud.calls("RegisterCertificate")["ok"] >= 20)
    then = running.signal(number)
    done = running.wait(3)
    assert time.monotonic() - then < limits.seconds(2)
    registered = done.counts()[0]
    assert registered == len(cloud.certificates(pem=False)) == len(done.rows) >= 20
    assert "signal" in done.err and "signal" in plant.status()["last_run"]["outcome"]
    assert plant.status()["running"] is None
    plant.agree(registered)
    cloud.faults()
    plant.configure(rate_register_certificate=1000)
    plant.upload()
    plant.agree(300)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_while_aws_is_asked(plant, cloud, number):
    """Before the first row: it ends as quickly, with a word and an exit code."""
    plant.queue(2)
    cloud.reset_counters()
    cloud.faults({"kind": "hang", "operations": ["GetCallerIdentity"]})
    running = plant.start()
    wait(plant, "the question", lambda: cloud.calls("GetCallerIdentity")["calls"] > 0)
    then = running.signal(number)
    done = running.wait(3)
    assert time.monotonic() - then < limits.seconds(3) and "signal" in done.err
    cloud.faults()
    plant.upload()
    plant.agree(2)


def test_second_signal_ends_at_once(plant, cloud):
    """Calls that hang: a second SIGTERM waits for none of them, and nothing is lost."""
    plant.queue(20)
    cloud.faults({"kind": "hang", "operations": ["RegisterCertificate"]})
    running = plant.start()
    wait(plant, "calls", lambda: cloud.calls("RegisterCertificate")["calls"] == 20)
    running.signal()
    time.sleep(0.5)
    assert running.process.poll() is None
    then = running.signal()
    done = running.wait(3)
    assert time.monotonic() - then < limits.seconds(1)
    assert done.counts() == (0, 0, 20)
    cloud.faults()
    assert plant.upload().counts() == (20, 0, 0)
    plant.agree(20)


def test_report_where_asked(plant, tmp_path):
    plant.queue(3)
    prefix = tmp_path / "out,put"
    done = plant.upload("--report", prefix, "--limit", 1)
    assert done.report == f"{prefix}.csv" and len(done.rows) == 1
    plant.upload("--report", prefix, code=(1, 4)).says(str(prefix))     # never over an old one
    plant.upload("--report", tmp_path / "no" / "where", code=1).says("where")
    assert plant.states() == {"registered": 1, "issued": 2}
    assert plant.status()["queued"] == 2
    assert (tmp_path / "out,put.csv").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("there", ["csv", "jsonl"])
def test_half_a_report_is_there(plant, tmp_path, there):
    """One of the two files exists: refused, left as it is, and nothing of a new one is left behind; taken away, the same command works."""
    plant.queue(1)
    old = tmp_path / f"night.{there}"
    old.write_text("of yesterday")
    plant.upload("--report", tmp_path / "night", code=(1, 4)).says(str(old))
    assert old.read_text() == "of yesterday" and list(tmp_path.glob("night.*")) == [old]
    assert plant.states() == {"issued": 1}
    old.unlink()
    assert len(plant.upload("--report", tmp_path / "night").rows) == 1
    plant.agree(1)


# ---- one at a time, and what a person sees

def test_one_at_a_time(plant, cloud):
    plant.queue(60)
    plant.configure(rate_register_certificate=20)
    running = plant.start()
    wait(plant, "calls", lambda: cloud.calls("RegisterCertificate")["ok"] >= 1)
    with open(f"/proc/{running.process.pid}/limits", encoding="utf-8") as f:
        assert re.search(r"^Max core file size +0 +0 ", f.read(), re.M), "it could leave its keys in a core file"
    second = plant.upload(code=4)
    second.says(str(running.process.pid))
    plant.upload("--dry-run", code=(0, 4))
    first = plant.status()
    assert first["running"] == running.process.pid and first["last_run"]["ended_at"] is None
    later = wait(plant, "growing counts", lambda: (s := plant.status())["registered"] > first["registered"] and s)
    assert later["running"] == running.process.pid and later["last_run"]["registered"] > first["last_run"]["registered"]
    assert later["queued"] + later["registered"] == 60
    assert f"process {running.process.pid}" in plant.run("upload", "status").out
    running.wait()
    plant.agree(60)
    assert cloud.calls("RegisterCertificate")["calls"] == 60
    assert plant.status()["running"] is None


@pytest.mark.short
def test_status_after_a_kill(plant, cloud):
    plant.queue(60)
    plant.configure(rate_register_certificate=20)
    running = plant.start()
    wait(plant, "calls", lambda: cloud.calls("RegisterCertificate")["ok"] >= 5)
    running.kill()
    status = plant.status()
    assert status["running"] is None and status["last_run"]["ended_at"] is None and status["last_run"]["outcome"] == ""
    assert "killed" in plant.run("upload", "status").out
    assert 0 < status["registered"] < 60
    plant.configure(rate_register_certificate=1000)
    plant.upload()
    plant.agree(60)
    assert "killed" not in plant.run("upload", "status").out


def test_status_before_any_run(plant):
    assert plant.status() == {"running": None, "queued": 0, "registered": 0, "parked": 0, "revoked": 0, "revoking": 0, "revoke_parked": 0,
                              "last_run": None, "next_run_at": None, "batches": [], "batches_more": 0, "reasons": [], "reasons_more": 0}
    assert "none yet" in plant.run("upload", "status").out


# of a bar: its marks, registered, in all, parked, a second, time left
BAR = re.compile(r"\r\x1b\[K\[([#.]+)\] (\d+)/(\d+), (\d+) parked, ([\d.]+)/s(?:, left ([^\r]+))?")


def watched(plant, columns=120, code=0):
    got, text = uploads.terminal([homes.BINARY, "--home", str(plant.home.path), "upload"], plant.env(), columns=columns)
    assert got == code, text
    return text


def test_bar_on_a_terminal(plant, cloud):
    plant.queue(60)
    plant.configure(rate_register_certificate=20)
    ids = [r["device_id"] for r in plant.certificates()]
    cloud.faults({"kind": "error", **uploads.BAD_ROW, "operations": ["RegisterCertificate"], "subjects": ids[-2:]})
    text = watched(plant, code=3)
    bars = BAR.findall(text)
    assert len(bars) >= 5, text
    done = [int(b[1]) for b in bars]
    assert done == sorted(done) and done[-1] > 30 and {b[2] for b in bars} == {"60"}
    marks = [b[0].count("#") for b in bars]
    assert marks == sorted(marks) and marks[-1] > marks[0]
    assert any(b[5] for b in bars) and any(15 < float(b[4]) < 25 for b in bars) and bars[-1][3] == "2"
    assert re.search(r"\r\x1b\[K58 registered, 2 parked, 0 still queued", text), text[-800:]


def test_bar_fits_the_terminal(plant, cloud):
    """A line that is wider than the terminal wraps, and every step of the bar would scroll."""
    plant.queue(30)
    plant.configure(rate_register_certificate=20)
    bars = re.findall(r"\r\x1b\[K(\[[^\r\n]*)", watched(plant, columns=50))
    assert len(bars) >= 3 and max(map(len, bars)) < 50, bars
    assert all(re.match(r"\[[#.]+\] \d+/30", b) for b in bars), bars


def test_log_lines_without_a_terminal(plant, cloud):
    """About every ten seconds a line with the counts; no bar in a log."""
    plant.queue(26)
    plant.configure(rate_register_certificate=2)
    done = plant.start().wait(0, 60)
    assert 10 < done.seconds < limits.seconds(19)
    lines = [line for line in done.err.splitlines() if "registered=" in line]
    assert len(lines) == 1, done.err
    counts = [int(re.search(r"registered=(\d+)", line).group(1)) for line in lines]
    assert 15 <= counts[0] <= 24
    assert all("of=26" in line and "parked=0" in line and "per_s=" in line and "left=" in line for line in lines)
    assert "\r" not in done.err and "\x1b" not in done.err and "#" not in done.err


# ---- the line goes on meanwhile

def test_enrolment_goes_on(plant, cloud):
    """A line under load and the upload together: no device is refused, none is lost to the upload."""
    plant.queue(500)
    slow(cloud, 30)
    with servers.Server(plant.home) as server:
        took = []

        class Timed(client.Client):
            def enroll(self, *args, **kw):
                then = time.monotonic()
                answer = super().enroll(*args, **kw)
                took.append(time.monotonic() - then)
                return answer

        original, client.Client = client.Client, Timed
        try:
            work = load.Load(server, "lot", threads=3)
            work.until(20, limits.seconds(20))
            running = plant.start()
            time.sleep(3)
            work.stop(limits.seconds(20))
        finally:
            client.Client = original
        done = running.wait(seconds=60)
        assert not work.refused and not work.cut, (work.refused[:3], work.cut[:3])
        for _, body in work.held:
            pem = body.decode()
            plant.pems[f"{certs.serial_in(body):032x}"] = pem
    took.sort()
    p99 = took[int(len(took) * 0.99)]
    assert p99 < limits.seconds(0.5), took[-10:]
    registered = done.counts()[0]
    assert registered >= 500
    again = plant.upload()
    total = 500 + len(work.held)
    assert registered + (again.counts()[0] if again.report else 0) == total
    plant.agree(total)
    assert cloud.calls("RegisterCertificate")["calls"] == total
    print(f"{len(work.held)} enrolled meanwhile, p99 {p99 * 1000:.0f} ms; {registered - 500} of them taken up by the same run")


def test_progress_counts_what_came_meanwhile(plant, cloud):
    """A bar that says "480 of 400" helps nobody."""
    plant.queue(400)
    plant.configure(rate_register_certificate=120)
    with servers.Server(plant.home) as server:
        more = threading.Timer(0.2, lambda: plant.enroll("lot", 150, server))
        more.start()
        bars = [(int(b[1]), int(b[2])) for b in BAR.findall(watched(plant))]
        more.join()
    assert bars[-1][0] > 450 and all(n <= total for n, total in bars), bars
    plant.agree(550)


# ---- exit codes and refusals before anything

def test_no_home(cloud, tmp_path):
    done = homes.run("--home", tmp_path / "none", "upload", code=1, env=cloud.env())
    assert "init" in done.err


def test_no_account_said(plant, cloud):
    plant.configure(account="")
    plant.queue(1, ca=False)
    plant.upload(code=1).says("account", aws.ACCOUNT)
    assert uploads.writes(cloud) == {}


def test_no_credentials(plant, cloud):
    plant.queue(1)
    cloud.reset_counters()
    plant.upload(code=1, env=cloud.env(keys=False)).says("credentials")
    assert cloud.counters()["operations"] == {}


def test_nothing_queued_needs_no_aws(plant, cloud):
    """An idle night is no failure: no credentials, no line out, exit 0."""
    plant.home.batch("lot", 10)
    env = cloud.env(keys=False, AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_ENDPOINT_URL_IOT=None, AWS_ENDPOINT_URL_STS=None)
    assert plant.upload(env=env).err.startswith("nothing is queued")


# ---- at the end: it has been running all the time

def test_deadline_while_a_call_hangs(hanging):
    """A call that AWS does not answer holds the end up for half a minute at most; its row stays queued and is found out later."""
    done = hanging.result(limits.seconds(90))
    assert done.counts() == (4, 0, 1) and done.seconds < limits.seconds(36)
