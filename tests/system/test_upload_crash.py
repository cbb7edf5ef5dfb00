"""Power cuts of the upload: kill -9 at 30 random moments, over throttles and cut connections, and what stands in the end."""
import random
import sqlite3
import time

import aws
import uploads

DEVICES, KILLS = 500, 30
FAULTS = ({"kind": "throttle", "probability": 0.20}, {"kind": "cut_before", "probability": 0.05}, {"kind": "cut_after", "probability": 0.05},
          {"kind": "latency", "ms": 2, "jitter_ms": 30})


def kill_again_and_again(plant, cloud, rng, kills, least, most):
    """Starts the upload and kills it after least to most seconds, kills times; how many were still at work then, and what for."""
    killed, before = 0, 0
    for number in range(kills):
        running = plant.start()
        time.sleep(rng.uniform(least, most))
        killed += running.process.poll() is None
        running.kill()
        now = plant.status()
        assert now["running"] is None and now["parked"] == 0
        assert now["registered"] >= before, "the ledger went back"
        before = now["registered"]
        # what the ledger has as done is done: record after the answer, never before
        there = set(cloud.certificates(pem=False))
        assert {r["certificate_id"] for r in plant.certificates("--state", "registered")} <= there, f"kill {number}"
    return killed


def check_ledger(plant):
    with sqlite3.connect(f"file:{plant.home.path / 'lineca.db'}?mode=ro", uri=True) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def finish(plant):
    """Runs until nothing is queued: a row that was unlucky ten times in a row stays for the next run."""
    for runs in range(1, 6):
        done = plant.upload(code=(0, 3), timeout=120)
        assert done.counts()[1] == 0, str(done)
        if done.code == 0:
            return runs
    raise AssertionError(str(done))


def test_30_kills(tmp_path):
    """500 devices, 20 % of the calls throttled, 10 % of the connections cut: 500 registered, none twice, no row lost."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    with aws.StandIn() as cloud:
        # slow enough that the 30 kills all fall into the work
        plant = uploads.Plant(tmp_path / "plant", cloud, rate_register_certificate=250, rate_describe_certificate=1000, connections=16)
        plant.queue(DEVICES)
        cloud.reset_counters()
        cloud.faults(*FAULTS, seed=seed)
        began = time.monotonic()
        killed = kill_again_and_again(plant, cloud, rng, KILLS, 0.02, 0.4)
        at_the_kills = plant.status()["registered"]
        runs = finish(plant)
        took = time.monotonic() - began
        calls = cloud.counters()["operations"]["RegisterCertificate"]
        hits = cloud.fault_hits()
        rows = plant.agree(DEVICES)
        there = cloud.certificates(pem=False)
        assert killed >= 20, f"only {killed} of the kills met an upload at work"
        assert len(rows) == len({r["device_id"] for r in rows}) == len(there) == DEVICES
        assert {r["certificate_id"] for r in rows} == set(there)
        assert calls["ok"] == DEVICES, "a certificate was registered twice"
        assert plant.states() == {"registered": DEVICES}
        shown = plant.home.batch_show("lot")
        assert (shown["issued"], shown["registered"], shown["parked"]) == (DEVICES, DEVICES, 0)
        status = plant.status()
        assert (status["queued"], status["registered"], status["parked"]) == (0, DEVICES, 0)
        check_ledger(plant)
        plant.check_secrets()
        print(f"{KILLS} kills, {killed} of them at work; {at_the_kills} registered by then; {runs} more run(s), {took:.1f} s in all")
        print(f"RegisterCertificate: {calls['calls']} calls, {calls['ok']} took effect, {calls['throttled']} throttled, "
              f"{calls['errors'].get('ResourceAlreadyExistsException', 0)} met what an earlier call had done; "
              f"faults: {dict(zip((f['kind'] for f in FAULTS), hits))}")
        print(f"in the end {len(there)} registered at the stand-in, {calls['ok'] - len(there)} duplicates, "
              f"{DEVICES - shown['registered']} rows lost")


def test_15_kills_with_things(tmp_path):
    """The same with every step: the thing, the policies, the group, ACTIVE at the end; two regions."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    count, kills, us = 60, 15, "us-east-1"
    with aws.StandIn() as cloud:
        plant = uploads.Plant(tmp_path / "plant", cloud, region=aws.REGION, things="yes", policies="first, second", thing_group="line-1",
                              thing_attributes="lot={batch}", status="active_at_end")
        plant.configure("aws us", region=us)
        for region in (aws.REGION, us):
            uploads.policies(cloud, "first", "second", region=region)
            uploads.iot_client(cloud, region=region).create_thing_group(thingGroupName="line-1")
        plant.register_ca()
        plant.register_ca("--target", "us")
        plant.queue(count, "lot", "--aws", "aws,us", ca=False)
        cloud.reset_counters()
        cloud.faults(*FAULTS, seed=seed)
        killed = kill_again_and_again(plant, cloud, random.Random(seed), kills, 0.02, 0.35)
        finish(plant)
        targets = [(aws.ACCOUNT, aws.REGION), (aws.ACCOUNT, us)]
        rows = plant.agree(count, targets=targets)
        for where in targets:
            dump = cloud.dump(*where)
            assert len(dump["things"]) == len(dump["certificates"]) == count
            assert {t["thingName"] for t in dump["things"]} == {r["device_id"] for r in rows}
            assert all(len(t["principals"]) == 1 and t["groups"] == ["line-1"] for t in dump["things"])
            assert all(c["policies"] == ["first", "second"] and len(c["things"]) == 1 for c in dump["certificates"])
            assert cloud.counters()["targets"]["/".join(where)]["RegisterCertificate"]["ok"] == count
        check_ledger(plant)
        print(f"{kills} kills, {killed} of them at work; {count} devices with things in each of 2 regions")
