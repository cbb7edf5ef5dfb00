"""One batch in several accounts and regions: each on its own, counted when all are done."""
import json
import re
import shlex
import time

import pytest

import aws
import limits
import uploads
from uploads import HERE, REGISTER, THERE, US, cloud, plant, standin, two_cas, two_regions  # noqa: F401  fixtures


def one_account_is_down(plant, cloud):
    """The first question to one account is not answered at all that night."""
    two_regions(plant)
    plant.queue(3, "here", "--aws", "aws", ca=False)
    plant.queue(2, "there", "--aws", "us", ca=False)
    plant.queue(2, "both", "--aws", "aws,us", ca=False)
    two_cas(plant)
    cloud.faults({"kind": "status", "status": 503, "operations": ["GetCallerIdentity"], "region": US})
    done = plant.start().wait(3, 120)
    outcome, states = plant.status()["last_run"]["outcome"], plant.states()
    there = [len(cloud.certificates(*where)) for where in (HERE, THERE)]
    cloud.faults()
    plant.upload()
    plant.agree(7, targets=())
    return done, outcome, states, there, [len(cloud.certificates(*where)) for where in (HERE, THERE)]


def one_row_fails_in_one_region(plant, cloud):
    two_regions(plant, give_up_s=30)
    ids = plant.queue(60, "lot", "--aws", "aws,us", ca=False)
    two_cas(plant)
    cloud.faults({"kind": "status", "status": 500, "region": US, **REGISTER, "subjects": ids[:1]})
    done = plant.start().wait(None, 120)
    return done, plant.status()["last_run"]["outcome"], plant.states(), [len(cloud.certificates(*where)) for where in (HERE, THERE)]


def nothing_is_activated(plant, cloud):
    """Looks at the status are answered, what they are for is not: the run achieves nothing."""
    uploads.policies(cloud, "first")
    two_regions(plant, policies="first", status="active_at_end", give_up_s=10)
    plant.queue(3, "lot", "--aws", "aws", ca=True)
    plant.queue(3, "there", "--aws", "us", ca=False)    # its CA is registered nowhere: it waits
    cloud.faults({"kind": "status", "status": 500, "operations": ["UpdateCertificate"]})
    done = plant.start().wait(None, 60)
    return done, plant.states(), {c["status"] for c in cloud.certificates().values()}


@pytest.fixture(scope="module", autouse=True)
def beside(request, tmp_path_factory):
    with uploads.side_by_side(request, tmp_path_factory, {
            "test_an_account_that_is_down_at_the_start": one_account_is_down,
            "test_a_row_that_is_left_is_counted_once": one_row_fails_in_one_region,
            "test_a_run_that_achieves_nothing_ends": nothing_is_activated}) as futures:
        yield futures


def test_two_regions(plant, cloud):
    """One batch in both, with the same latency, so that both answers are recorded together: counted once."""
    two_regions(plant)
    ids = plant.queue(70, "lot", "--aws", "aws,us", ca=False)
    two_cas(plant)
    cloud.faults({"kind": "latency", "ms": 20})
    done = plant.upload()
    assert done.counts() == (70, 0, 0) and len(done.rows) == 140
    plant.agree(70, targets=(HERE, THERE))
    assert len(cloud.certificates(*HERE)) == len(cloud.certificates(*THERE)) == len(ids) == 70
    assert {(r["region"], r["arn"].split(":")[3]) for r in done.rows} == {(aws.REGION, aws.REGION), (US, US)}
    assert plant.status()["last_run"]["registered"] == 70


def test_two_regions_one_refuses(plant, cloud):
    """A row that one region refuses: registered in the other, parked as a whole, and done after a retry, once in each."""
    two_regions(plant)
    ids = plant.queue(6, "lot", "--aws", "aws,us", ca=False)
    two_cas(plant)
    cloud.faults({"kind": "error", **uploads.BAD_ROW, "region": US, "operations": ["RegisterCertificate"], "subjects": ids[:2]})
    done = plant.upload(code=3)
    assert done.counts() == (4, 2, 0)
    assert len(cloud.certificates(*HERE)) == 6 and len(cloud.certificates(*THERE)) == 4
    assert {(r["device_id"], r["region"]) for r in done.rows if r["state"] == "parked"} == {(ids[0], US), (ids[1], US)}
    status = plant.status()
    assert [(r["region"], r["count"], r["code"]) for r in status["reasons"]] == [(US, 2, "CertificateValidationException")]
    cloud.faults()
    cloud.reset_counters()
    assert "2 certificates are back" in plant.run("upload", "retry").err
    plant.upload()
    plant.agree(6, targets=(HERE, THERE))
    assert cloud.counters()["targets"][f"{aws.ACCOUNT}/{US}"]["RegisterCertificate"]["calls"] == 2
    assert "RegisterCertificate" not in cloud.counters()["targets"].get(f"{aws.ACCOUNT}/{aws.REGION}", {}), "registered twice"


def test_two_regions_one_down(plant, cloud):
    """One region answers nothing but 503: the other goes on to its end; nothing counts until both are done."""
    two_regions(plant)
    plant.queue(30, "lot", "--aws", "aws,us", ca=False)
    two_cas(plant)
    cloud.faults({"kind": "status", "status": 503, "region": US, "operations": ["RegisterCertificate"]})
    running = plant.start()
    limits.wait_for("the good region", lambda: len(cloud.certificates(*HERE)) == 30)
    assert plant.home.batch_show("lot")["registered"] == 0
    running.signal()
    done = running.wait(3)
    assert done.counts() == (0, 0, 30)
    assert plant.states() == {"issued": 30}
    cloud.faults()
    cloud.reset_counters()
    assert plant.upload().counts() == (30, 0, 0)
    plant.agree(30, targets=(HERE, THERE))
    assert cloud.calls("RegisterCertificate")["calls"] == 30


def test_two_regions_one_with_an_inactive_ca(plant, cloud):
    two_regions(plant)
    plant.queue(5, "lot", "--aws", "aws,us", ca=False)
    two_cas(plant)
    plant.run("aws", "deactivate-ca", "--target", "us")
    cloud.reset_counters()
    done = plant.upload(code=3)
    assert len(cloud.certificates(*HERE)) == 5 and cloud.certificates(*THERE) == {}
    assert done.err.count("is inactive in") == 1 and f"{aws.ACCOUNT}/{US}" in done.err
    done.says("--target us")
    assert plant.states() == {"issued": 5} and plant.home.batch_show("lot")["registered"] == 0
    plant.run("aws", "activate-ca", "--target", "us")
    assert plant.upload().counts() == (5, 0, 0)
    plant.agree(5, targets=(HERE, THERE))
    assert cloud.calls("RegisterCertificate")["calls"] == 10


def test_the_hint_names_the_section(plant, cloud):
    """Who does what the message says has mended it."""
    two_regions(plant)
    plant.queue(2, "lot", "--aws", "us", ca=False)
    done = plant.upload(code=4)
    words = re.search(r"`lineca (aws register-ca[^`]*)`", done.err.replace("\\", "")).group(1)
    plant.run(*shlex.split(words))
    assert plant.upload().counts() == (2, 0, 0)
    plant.agree(2, targets=(THERE,))


def profiles(cloud, env):
    (cloud.home / "config").write_text(f"[profile second]\nregion = {US}\n")
    (cloud.home / "credentials").write_text(
        f"[default]\naws_access_key_id = {aws.KEY}\naws_secret_access_key = {aws.SECRET}\n"
        f"[second]\naws_access_key_id = {aws.OTHER_KEY}\naws_secret_access_key = {aws.OTHER_SECRET}\n")
    return env


def test_two_accounts_with_profiles(plant, cloud):
    """Credentials of two accounts from AWS's files; what [aws other] does not say it has from [aws]."""
    plant.environment = profiles(cloud, cloud.env(keys=False))
    uploads.policies(cloud, "first")
    uploads.policies(cloud, "first", account=aws.OTHER_ACCOUNT, region=US)
    plant.configure(policies="first", region=aws.REGION)
    plant.configure("aws other", account=aws.OTHER_ACCOUNT, profile="second", region=US)
    plant.home.batch("both", 100, "--aws", "aws,other")
    plant.home.batch("one", 100)
    plant.register_ca()
    plant.register_ca("--target", "other")
    both, one = plant.enroll("both", 5), plant.enroll("one", 5)
    try:
        assert plant.upload().counts() == (10, 0, 0)
    finally:
        (cloud.home / "credentials").write_text("")
        (cloud.home / "config").write_text("")
    far = (aws.OTHER_ACCOUNT, US)
    names = {n for c in cloud.certificates(*far).values() for n in c["names"]}
    assert names == set(both)
    assert {n for c in cloud.certificates(*HERE).values() for n in c["names"]} == set(both + one)
    for where in (HERE, far):
        assert {tuple(c["policies"]) for c in cloud.certificates(*where).values()} == {("first",)}


def test_other_account_is_wrong(plant, cloud):
    """The second target's credentials are another account's: nothing at all is written, in neither."""
    plant.configure("aws other", account=aws.OTHER_ACCOUNT, region=US)
    plant.queue(3, "lot", "--aws", "aws,other", ca=False)
    plant.register_ca()
    cloud.reset_counters()
    done = plant.upload(code=1)
    done.says(aws.ACCOUNT, aws.OTHER_ACCOUNT, "[aws other]")
    assert uploads.writes(cloud) == {} and plant.states() == {"issued": 3}


def test_inherits_and_differs(plant, cloud):
    """[aws us] has things from [aws], and its own policy and status."""
    uploads.policies(cloud, "first", "second")
    uploads.policies(cloud, "own", region=US)
    for region in (aws.REGION, US):
        uploads.iot_client(cloud, region=region).create_thing_type(thingTypeName="gauge")
    two_regions(plant, things="yes", thing_type="gauge", policies="first, second")
    plant.configure("aws us", policies="own", status="inactive")
    ids = plant.queue(3, "lot", "--aws", "us,aws", ca=False)
    two_cas(plant)
    plant.upload()
    for where, policies, status in ((HERE, ["first", "second"], "ACTIVE"), (THERE, ["own"], "INACTIVE")):
        dump = cloud.dump(*where)
        assert {t["thingName"] for t in dump["things"]} == set(ids) and {t["type"] for t in dump["things"]} == {"gauge"}
        assert all((c["policies"], c["status"]) == (policies, status) for c in dump["certificates"])


def test_batches_with_different_targets(plant, cloud):
    two_regions(plant)
    two_cas(plant)
    here = plant.queue(5, "here", ca=False)
    there = plant.queue(6, "there", "--aws", "us", ca=False)
    assert plant.upload().counts() == (11, 0, 0)
    assert {n for c in cloud.certificates(*HERE).values() for n in c["names"]} == set(here)
    assert {n for c in cloud.certificates(*THERE).values() for n in c["names"]} == set(there)
    assert plant.home.batch_show("here")["registered"] == 5 and plant.home.batch_show("there")["registered"] == 6


def test_limit_over_lanes_and_batches(plant, cloud):
    two_regions(plant)
    two_cas(plant)
    for batch, more in (("a", ()), ("b", ("--aws", "us")), ("c", ())):
        plant.queue(10, batch, *more, ca=False)
    plant.upload("--limit", 13)
    assert plant.states() == {"registered": 13, "issued": 17}
    assert len(cloud.certificates(*HERE)) + len(cloud.certificates(*THERE)) == 13


def test_the_same_place_under_two_names(plant, cloud):
    """[aws] has its region from the environment, [aws eu] names the same: said before anything is written, or done as one."""
    plant.configure("aws eu", region=aws.REGION, things="yes")
    plant.queue(5, "lot", "--aws", "aws,eu")
    cloud.reset_counters()
    cloud.faults({"kind": "cut_before", "operations": ["RegisterCertificate"], "first": 1})
    done = plant.upload(code=(0, 1, 4))
    assert "sqlite" not in done.err.lower(), str(done)
    if done.code == 0:
        plant.agree(5)
    else:
        assert uploads.writes(cloud) == {} and plant.states() == {"issued": 5}


def test_a_section_is_gone(plant, cloud):
    """Its batch waits and is named; the other batch goes."""
    conf = plant.home.path / "lineca.conf"
    before = conf.read_text()
    plant.configure("aws us", region=US)
    plant.queue(2, "a")
    plant.queue(2, "b", "--aws", "us", ca=False)
    conf.write_text(before)
    done = plant.upload(code=3)
    done.says("us", "batch b", "lineca.conf")
    assert plant.states() == {"registered": 2, "issued": 2}
    assert plant.home.batch_show("a")["registered"] == 2


def test_one_region_down_does_not_hold_up_the_other(plant, cloud):
    """More certificates than a lane holds at a time, one region answers 503 to all: the other gets them all, and soon."""
    two_regions(plant)
    two_cas(plant)
    plant.queue(600, "lot", "--aws", "aws,us", ca=False)
    cloud.faults({"kind": "status", "status": 503, "region": US, "operations": ["RegisterCertificate"]})
    running = plant.start()
    try:
        limits.wait_for("the good region", lambda: len(cloud.certificates(*HERE, pem=False)) == 600, 20)
    finally:
        running.signal()
        running.wait(3)
    cloud.faults()
    plant.upload()
    plant.agree(600, targets=(HERE, THERE))
    assert cloud.calls("RegisterCertificate")["ok"] == 1200


def test_cas_counts_by_account_and_region(plant, cloud):
    """Our count and AWS's stand in one row, so they must be of one place."""
    with open(plant.home.path / "lineca.conf", "a") as conf:
        conf.write("\n[aws us]\nregion = us-east-1\n")
    plant.queue(3)
    plant.register_ca("--target", "us")
    plant.home.batch("both", 10, "--aws", "aws,us")
    plant.enroll("both", 2)
    plant.upload()
    rows = {row["region"]: row for row in map(json.loads, plant.run("aws", "cas", "--json").out.splitlines())}
    assert {r: (row["issued"], row["registered"], row["aws_certificates"]) for r, row in rows.items()} == {
        aws.REGION: (5, 5, 5), "us-east-1": (5, 2, 2)}
    (only,) = map(json.loads, plant.run("aws", "cas", "--target", "us", "--json").out.splitlines())
    assert only == rows["us-east-1"]


def test_an_account_that_hangs_holds_no_place_of_the_other(plant, cloud):
    """Few connections each, and one region answers nothing: the other has all of its own."""
    two_regions(plant, connections=4)
    two_cas(plant)
    plant.queue(200, "here", "--aws", "aws", ca=False)
    plant.queue(20, "there", "--aws", "us", ca=False)
    cloud.faults({"kind": "hang", **REGISTER, "region": US})
    running = plant.start()
    try:
        limits.wait_for("the region that answers", lambda: len(cloud.certificates(*HERE, pem=False)) == 200, 15)
    finally:
        running.signal()
        time.sleep(0.3)
        running.signal()
        done = running.wait(3)
    assert done.counts() == (200, 0, 20)
    calls = cloud.counters()["targets"]
    assert 1 <= calls[f"{aws.ACCOUNT}/{US}"]["RegisterCertificate"]["calls"] <= 4, "more connections than lineca.conf allows"
    assert calls[f"{aws.ACCOUNT}/{aws.REGION}"]["RegisterCertificate"]["max_concurrent"] <= 4
    cloud.faults()
    assert plant.upload().counts() == (20, 0, 0)
    assert len(cloud.certificates(*HERE)) == 200 and len(cloud.certificates(*THERE)) == 20


# ---- at the end: they have been running all the time

def test_a_run_that_achieves_nothing_ends(beside):
    done, states, there = beside["test_a_run_that_achieves_nothing_ends"].result(limits.seconds(120))
    assert done.code in (1, 3) and 9 < done.seconds < limits.seconds(25), str(done)
    assert done.counts() == (0, 0, 6) and states == {"issued": 6} and there == {"INACTIVE"}


def test_a_row_that_is_left_is_counted_once(beside):
    """It failed for as long as the run lasted, in one of two regions: exit 3, the morning hears of it, and no count is below nought."""
    done, outcome, states, there = beside["test_a_row_that_is_left_is_counted_once"].result(limits.seconds(150))
    assert done.code == 3 and done.counts() == (59, 0, 1), str(done)
    assert states == {"registered": 59, "issued": 1} and there == [60, 59]
    assert outcome.startswith("done in part: 1 "), outcome
    assert not re.search(r"(?<![\w-])-\d", outcome + done.err), "a count below nought"


def test_an_account_that_is_down_at_the_start(beside):
    """STS there answers 503 for as long as we ask: said once; the batch for the other account goes, and the other part of the third."""
    done, outcome, states, there, afterwards = beside["test_an_account_that_is_down_at_the_start"].result(limits.seconds(200))
    assert done.counts() == (3, 0, 4) and states == {"registered": 3, "issued": 4}, str(done)
    assert there == [5, 0] and afterwards == [5, 4]
    assert outcome.startswith("done in part") and "GetCallerIdentity" in outcome, outcome
    (said,) = [line for line in done.err.splitlines() if "warn upload" in line and "GetCallerIdentity" in line]
    for text in (said, outcome):
        assert "[aws us]" in text or US in text, f"which account is down? {text}"
