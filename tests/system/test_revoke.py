"""
What is revoked here is revoked at AWS: in every target, before anything is registered, however often the upload is cut off; and is counted
apart from what waits for a person.
"""
import json
import re
import sqlite3
import time

import pytest

import csrs
import limits
import uploads
from uploads import HERE, THERE, US, cloud, plant, standin, two_cas, two_regions  # noqa: F401  fixtures

UPDATE = {"operations": ["UpdateCertificate"]}
LATER = {"operations": ["AttachPolicy"]}


def revoke(plant, *ids, reason="stolen"):
    rows = {row["device_id"]: row for row in plant.certificates()}
    for cn in ids:
        plant.run("cert", "revoke", rows[cn]["serial"], "--reason", reason)
    return [rows[cn]["certificate_id"] for cn in ids]


def statuses(cloud, *where):
    return {cid: c["status"] for cid, c in cloud.certificates(*where, pem=False).items()}


def registrations(plant, cn):
    (row,) = plant.certificates("--device", cn)
    return json.loads(plant.run("cert", "show", row["serial"], "--json").out)["registrations"]


def counts(plant, batch="lot"):
    """queued, registered, parked, revoked; they add up to issued, in the ledger and over all."""
    b = plant.home.batch_show(batch)
    queued = b["issued"] - b["registered"] - b["parked"] - b["revoked"]
    with sqlite3.connect(f"file:{plant.home.path / 'lineca.db'}?mode=ro", uri=True) as db:
        states = dict(db.execute("SELECT o.state, count(*) FROM outbox o JOIN batch b ON b.id = o.batch_id WHERE b.name = ? GROUP BY 1", [batch]))
        waits = dict(db.execute("SELECT w.state, count(*) FROM withdrawal w JOIN batch b ON b.id = w.batch_id WHERE b.name = ? GROUP BY 1",
                                [batch]))
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert (queued, b["registered"], b["parked"] + b["revoked"]) == tuple(states.get(n, 0) for n in range(3))
    assert (b["revoking"], b["revoke_parked"]) == (waits.get(0, 0), waits.get(2, 0))
    return queued, b["registered"], b["parked"], b["revoked"]


# ---- the command

@pytest.mark.short
def test_command(plant):
    plant.home.batch("lot", 5)
    one, two = plant.enroll("lot", 2)
    serial = {r["device_id"]: r["serial"] for r in plant.certificates()}
    assert "--reason" in plant.run("cert", "revoke", serial[one], code=2).err
    assert "--reason" in plant.run("cert", "revoke", serial[one], "--reason", "  ", code=2).err
    plant.run("cert", "revoke", "abc", "--reason", "x", code=plant.run("cert", "show", "abc", code=None).code)
    plant.run("cert", "revoke", "0" * 32, "--reason", "x", code=plant.run("cert", "show", "0" * 32, code=None).code)
    plant.run("cert", "revoke", serial[one], "--reason", "burnt board")
    again = plant.run("cert", "revoke", serial[one], "--reason", "another", code=4)
    assert "burnt board" in again.err and "already" in again.err
    (row,) = plant.certificates("--state", "revoked")
    assert (row["serial"], row["state"], row["revoked_reason"]) == (serial[one], "revoked", "burnt board")
    event = json.loads(plant.run("event", "list", "--json").out.splitlines()[0])
    assert (event["action"], event["object"], event["reason"]) == ("certificate.revoke", one, "burnt board")
    assert event["actor"].startswith("cli:") and event["actor"] == row["revoked_by"]
    assert "burnt board" in plant.run("cert", "show", serial[one]).out
    assert counts(plant) == (1, 0, 0, 1)


# ---- what is counted

@pytest.mark.short
def test_revoked_is_not_parked(plant, cloud):
    """Of four one is parked by AWS, one is revoked in the queue, one after it was parked: nobody has to do anything about the revoked."""
    bad, worse = csrs.device(), csrs.device()
    ids = plant.queue([bad, worse, csrs.device(), csrs.device()])
    revoke(plant, ids[2])
    assert counts(plant) == (3, 0, 0, 1)
    cloud.faults({"kind": "error", **uploads.BAD_ROW, **uploads.REGISTER, "subjects": [bad, worse]})
    assert plant.upload(code=3).counts() == (1, 2, 0)
    assert counts(plant) == (0, 1, 2, 1)
    revoke(plant, worse)
    assert counts(plant) == (0, 1, 1, 2)
    status = plant.status()
    assert (status["queued"], status["registered"], status["parked"], status["revoked"], status["revoking"]) == (0, 1, 1, 2, 1)
    assert [r["count"] for r in status["reasons"]] == [1] and status["reasons"][0]["code"] == uploads.BAD_ROW["code"]
    assert {r["device_id"] for r in plant.certificates("--state", "parked")} == {bad}
    cloud.faults()
    assert "1 certificate is back" in plant.run("upload", "retry").err
    plant.upload()
    assert counts(plant) == (0, 2, 0, 2) and len(cloud.certificates()) == 2


# ---- AWS is told

@pytest.mark.short
def test_first_of_all(plant, cloud):
    """One is registered, one is queued: the next run has AWS revoke the one before it registers the other."""
    first = plant.queue(2)
    plant.upload()
    (gone,) = revoke(plant, first[0])
    plant.enroll("lot", 1)
    assert plant.status()["revoking"] == 1
    dry = plant.upload("--dry-run")
    assert "1 to be revoked" in dry.out and "told first that 1 certificate is revoked" in dry.out
    assert statuses(cloud)[gone] == "ACTIVE"
    cloud.reset_counters()
    done = plant.upload("--limit", 1)
    assert "1 revoked at AWS" in done.err and done.counts() == (0, 0, 1)
    assert [(r["device_id"], r["state"]) for r in done.rows] == [(first[0], "revoked")]
    assert statuses(cloud)[gone] == "REVOKED" and uploads.writes(cloud) == {"UpdateCertificate": 1}
    (one,) = registrations(plant, first[0])
    assert one["state"] == "revoked" and one["revoked_at"] and "revoke" in one["done"] and one["request_id"]
    plant.upload()
    assert counts(plant) == (0, 3, 0, 0) and plant.status()["revoking"] == 0
    assert sorted(statuses(cloud).values()) == ["ACTIVE", "ACTIVE", "REVOKED"]
    cloud.reset_counters()
    plant.upload()
    assert cloud.counters()["operations"] == {}, "nothing is left to say"


def test_there_is_none(plant, cloud):
    """Revoked before it was ever sent, and one that somebody has deleted there: nothing to do, and that is written down."""
    ids = plant.queue(2)
    plant.enroll("lot", 0)
    revoke(plant, ids[0])
    done = plant.upload()
    assert done.counts() == (1, 0, 0) and "1 revoked at AWS" in done.err
    assert cloud.calls("UpdateCertificate")["calls"] == 1 and len(cloud.certificates()) == 1
    (one,) = registrations(plant, ids[0])
    assert (one["state"], one["arn"], one["code"]) == ("revoked", None, "ResourceNotFoundException") and "nothing to revoke" in one["message"]
    (gone,) = revoke(plant, ids[1])
    iot = uploads.iot_client(cloud)
    iot.update_certificate(certificateId=gone, newStatus="INACTIVE")
    iot.delete_certificate(certificateId=gone)
    assert "1 revoked at AWS" in plant.upload().err     # looked for some seconds: it was registered a moment ago
    assert plant.status()["revoking"] == 0 and counts(plant) == (0, 1, 0, 1)


@pytest.mark.short
def test_revoked_there_already(plant, cloud):
    ids = plant.queue(1)
    plant.upload()
    (gone,) = revoke(plant, *ids)
    cloud.set_status(gone, "REVOKED")
    plant.upload()
    assert statuses(cloud)[gone] == "REVOKED" and registrations(plant, ids[0])[0]["revoked_at"]


def test_throttled_and_lost(plant, cloud):
    ids = plant.queue(30)
    plant.upload()
    gone = revoke(plant, *ids[:20])
    cloud.faults({"kind": "throttle", "probability": 0.2, **UPDATE}, {"kind": "cut_after", "probability": 0.1, **UPDATE},
                 {"kind": "cut_before", "probability": 0.1, **UPDATE}, seed=5)
    assert "20 revoked at AWS" in plant.upload().err
    there = statuses(cloud)
    assert {cid for cid, status in there.items() if status == "REVOKED"} == set(gone)
    assert plant.status()["last_run"]["revoked"] == 20


@pytest.mark.short
def test_refused(plant, cloud):
    """AWS refuses: it waits for a person with its reason, and a retry takes it up again."""
    ids = plant.queue(2)
    plant.upload()
    gone = revoke(plant, *ids)
    cloud.faults({"kind": "error", "code": "InvalidRequestException", "message": "no", "status": 400, **UPDATE, "times": 1})
    plant.upload(code=3)
    status = plant.status()
    assert (status["revoking"], status["revoke_parked"], status["parked"]) == (0, 1, 0) and counts(plant) == (0, 2, 0, 0)
    (why,) = status["reasons"]
    assert (why["step"], why["code"], why["count"], why["region"]) == ("revoke", "InvalidRequestException", 1, HERE[1])
    assert "1 certificate is back" in plant.run("upload", "retry").err
    plant.upload()
    assert [statuses(cloud)[cid] for cid in gone] == ["REVOKED"] * 2 and plant.status()["revoke_parked"] == 0


def test_two_targets(plant, cloud):
    """One account of two is down: it is told the next night, and the other is not asked again."""
    two_regions(plant)
    ids = plant.queue(3, "lot", "--aws", "aws,us", ca=False)
    two_cas(plant)
    plant.upload()
    (gone,) = revoke(plant, ids[0])
    cloud.faults({"kind": "status", "status": 503, "operations": ["GetCallerIdentity"], "region": US})
    plant.upload(code=3, timeout=200)
    assert (statuses(cloud, *HERE)[gone], statuses(cloud, *THERE)[gone]) == ("REVOKED", "ACTIVE")
    assert plant.status()["revoking"] == 1
    cloud.faults()
    cloud.reset_counters()
    plant.upload()
    assert (statuses(cloud, *HERE)[gone], statuses(cloud, *THERE)[gone]) == ("REVOKED", "REVOKED")
    assert cloud.calls("UpdateCertificate")["calls"] == 1 and plant.status()["revoking"] == 0


def test_an_account_that_was_taken_out(plant, cloud):
    """AWS has it where no section leads any more: that is said, not passed over."""
    ids = plant.queue(1)
    plant.upload()
    revoke(plant, *ids)
    plant.configure(region=US)
    plant.upload(code=3)
    (why,) = plant.status()["reasons"]
    assert (why["step"], why["code"], why["region"]) == ("revoke", "NoSection", HERE[1])
    plant.configure(region=HERE[1])
    plant.run("upload", "retry")
    plant.upload()
    assert set(statuses(cloud).values()) == {"REVOKED"} and plant.status()["revoke_parked"] == 0


# ---- while its registration goes on

@pytest.mark.parametrize("wanted", ["active", "active_at_end"])
def test_while_it_goes_on(plant, cloud, wanted):
    """Registered, and not done when it is revoked here: the same run ends with it REVOKED there."""
    uploads.policies(cloud, "first")
    plant.configure(policies="first", status=wanted)
    ids = plant.queue(3)
    cloud.faults({"kind": "status", "status": 503, **LATER})
    running = plant.start()
    limits.wait_for("the policy", lambda: cloud.calls("AttachPolicy")["calls"] >= 3)
    gone = revoke(plant, *ids[:2])
    cloud.faults()
    done = running.wait()
    assert "2 revoked at AWS" in done.err
    there = statuses(cloud)
    assert [there[cid] for cid in gone] == ["REVOKED"] * 2 and sorted(there.values()) == ["ACTIVE", "REVOKED", "REVOKED"]
    assert counts(plant) == (0, 3, 0, 0) and plant.status()["revoking"] == 0


def test_the_answer_was_lost_with_the_run(plant, cloud):
    """AWS has taken it, and neither the ledger nor anybody knows: killed in the call, revoked, and the next run still has it revoked."""
    ids = plant.queue(1)
    cloud.faults({"kind": "latency", "ms": 3000, **uploads.REGISTER})
    running = plant.start()
    limits.wait_for("the call", lambda: cloud.calls("RegisterCertificate")["calls"] >= 1)
    running.kill()
    limits.wait_for("AWS has it", lambda: len(cloud.certificates(pem=False)) == 1)
    assert registrations(plant, ids[0]) == []
    cloud.faults()
    (gone,) = revoke(plant, *ids)
    plant.upload()
    assert statuses(cloud) == {gone: "REVOKED"} and counts(plant) == (0, 0, 0, 1)


def test_killed_again_and_again(plant, cloud):
    """kill -9 in the middle, ten times: none is lost, none is undone."""
    plant.configure(rate_update_certificate=40)
    ids = plant.queue(60)
    plant.upload()
    gone = revoke(plant, *ids[:40])
    cloud.faults({"kind": "cut_after", "probability": 0.1, **UPDATE}, {"kind": "throttle", "probability": 0.1, **UPDATE}, seed=7)
    before = 40
    for _ in range(10):
        running = plant.start()
        time.sleep(0.15)
        running.kill()
        now = plant.status()["revoking"]
        assert now <= before
        before = now
    cloud.faults()
    plant.upload()
    assert {cid for cid, status in statuses(cloud).items() if status == "REVOKED"} == set(gone)
    assert counts(plant) == (0, 60, 0, 0) and plant.status()["revoking"] == 0


def test_needs_no_ca(plant, cloud):
    """The CA is gone from the account, and a policy too: a thief loses nevertheless."""
    ids = plant.queue(1)
    plant.upload()
    (gone,) = revoke(plant, *ids)
    plant.configure(policies="not-there")
    plant.enroll("lot", 1)
    done = plant.upload(code=3)
    assert statuses(cloud)[gone] == "REVOKED" and re.search(r"not-there", done.err)
    assert counts(plant) == (1, 1, 0, 0)
