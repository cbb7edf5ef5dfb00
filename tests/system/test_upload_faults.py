"""The nightly upload when AWS, the line or the settings fail: everything comes through exactly once, or a person is told what to do."""
import concurrent.futures
import json
import re
import time

import pytest

import aws
import client as clients
import limits
import server as servers
import uploads
from uploads import FULL, REGISTER, check_full, cloud, make_full, plant, standin  # noqa: F401  fixtures

STEPS = ("RegisterCertificate", "CreateThing", "AttachThingPrincipal", "AttachPolicy", "AddThingToThingGroup", "DescribeCertificate",
         "UpdateCertificate")


def failures_of_two_kinds(plant, cloud):
    """One step meets failures of AWS and then is not seen yet: each kind alone is far from final."""
    uploads.policies(cloud, "first")
    plant.configure(policies="first")
    plant.queue(1)
    cloud.faults({"kind": "status", "status": 500, "first": 5, "operations": ["AttachPolicy"]},
                 {"kind": "error", "code": "ResourceNotFoundException", "status": 404, "first": 1, "operations": ["AttachPolicy"]})
    done = plant.start().wait(None, 60)
    plant.agree()
    return done, cloud.fault_hits()


def not_seen_yet(plant, cloud):
    make_full(cloud)
    plant.configure(**FULL)
    plant.queue(3)
    cloud.faults({"kind": "error", "code": "ResourceNotFoundException", "status": 404, "first": 2,
                  "operations": ["AttachThingPrincipal", "UpdateCertificate"]})
    done = plant.upload()
    check_full(plant, cloud, 3)
    return done


def not_found_for_one(plant, cloud):
    make_full(cloud)
    plant.configure(**FULL)
    ids = plant.queue(2)
    rows = {r["device_id"]: r["certificate_id"] for r in plant.certificates()}
    cloud.faults({"kind": "error", "code": "ResourceNotFoundException", "status": 404, "operations": ["AttachPolicy"],
                  "subjects": [f"arn:aws:iot:{aws.REGION}:{aws.ACCOUNT}:cert/{rows[ids[0]]}"]})
    return plant.upload(code=None), cloud.certificates()[rows[ids[0]]]["status"]


def policy_deleted(plant, cloud):
    uploads.policies(cloud, "first")
    plant.configure(policies="first", status="active_at_end")
    plant.queue(20)
    cloud.faults({"kind": "status", "status": 503, "operations": ["AttachPolicy"]})
    running = plant.start()
    limits.wait_for("all to be registered", lambda: len(cloud.certificates(pem=False)) == 20)
    cloud.faults({"kind": "error", "code": "ResourceNotFoundException", "status": 404, "operations": ["AttachPolicy", "GetPolicy"]})
    done = running.wait(None, 90)
    outcome, states, there = plant.status()["last_run"]["outcome"], plant.states(), {c["status"] for c in cloud.certificates().values()}
    cloud.faults()
    again = plant.upload()
    plant.agree(20)
    return done, outcome, states, there, again


def conflict_about_nothing(plant, cloud):
    plant.queue(1)
    cloud.faults({"kind": "error", "code": "ResourceAlreadyExistsException", "status": 409, **REGISTER})
    done = plant.upload(code=3)
    cloud.faults()
    plant.run("upload", "retry")
    plant.upload()
    plant.agree(1)
    return done


@pytest.fixture(scope="module", autouse=True)
def beside(request, tmp_path_factory):
    with uploads.side_by_side(request, tmp_path_factory, {
            "test_failures_of_two_kinds": failures_of_two_kinds, "test_not_seen_yet": not_seen_yet,
            "test_what_is_not_found_for_one": not_found_for_one, "test_a_policy_is_deleted": policy_deleted,
            "test_a_conflict_about_nothing": conflict_about_nothing}) as futures:
        yield futures


def status_error(status, body):
    return {"kind": "status", "status": status, "body": body}


def hang_once(folder):
    with aws.StandIn() as cloud:
        plant = uploads.Plant(folder, cloud)
        plant.queue(6)
        cloud.faults({"kind": "hang", "times": 2, **REGISTER})
        done = plant.start().wait(0, 150)
        plant.agree(6)
        return done, cloud.calls("RegisterCertificate")


@pytest.fixture(scope="module")
def hung(tmp_path_factory):
    """It takes a minute and no CPU: beside the other tests."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield pool.submit(hang_once, tmp_path_factory.mktemp("hung") / "plant")


# ---- what passes, at every step

PASSING = {
    "throttle-400": {"kind": "throttle"},
    "throttle-429": {"kind": "throttle", "status": 429},
    "500": status_error(500, "json"), "503": status_error(503, "json"),
    "500-html": status_error(500, "html"), "502-html": status_error(502, "html"), "503-empty": status_error(503, "none"),
    "504-html": status_error(504, "html"),
    "cut-before": {"kind": "cut_before"}, "cut-before-reset": {"kind": "cut_before", "how": "reset"},
    "cut-after": {"kind": "cut_after"}, "cut-after-reset": {"kind": "cut_after", "how": "reset"},
    "half-answer": {"kind": "half_answer"}, "empty-200": {"kind": "empty"}, "html-200": {"kind": "html"}, "html-200-without-effect": {"kind": "html", "effect": False},
    "long-body": {"kind": "long_body"}, "content-type": {"kind": "content_type", "value": "text/plain"},
    "close-after": {"kind": "close_after"}, "slow-body": {"kind": "slow_body", "bytes_per_second": 500}, "throttle-in-type": ({"kind": "throttle"}, {"kind": "error_form", "form": "type"}),
    "throttle-in-code": ({"kind": "throttle"}, {"kind": "error_form", "form": "code"}),
    "throttle-with-namespace": ({"kind": "throttle"}, {"kind": "error_form", "form": "namespace"}),
    "throttle-with-uri": ({"kind": "throttle"}, {"kind": "error_form", "form": "header_uri"}),
    "unknown-500": {"kind": "error", "code": "SomethingNewException", "status": 500},
    "conflicting-update": {"kind": "error", "code": "ConflictingResourceUpdateException", "status": 409},
}


def meet(folder, rules, count=6, **settings):
    """A plant of its own with these faults at every step: one run must get through."""
    with aws.StandIn() as cloud:
        plant = uploads.Plant(folder, cloud, **FULL, **settings)
        make_full(cloud)
        plant.queue(count)
        cloud.reset_counters()
        cloud.faults(*rules, seed=3)
        done = plant.upload()
        hits = cloud.fault_hits()
        cloud.faults()
        assert done.counts() == (count, 0, 0), str(done)
        check_full(plant, cloud, count)
        plant.check_secrets()
        return hits, cloud.counters()["operations"], done


@pytest.fixture(scope="module")
def passing(tmp_path_factory):
    """Most of the time of such a run is waiting: all kinds side by side."""
    folder = tmp_path_factory.mktemp("passing")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        started = {}
        for name, rules in PASSING.items():
            rules = rules if isinstance(rules, tuple) else (rules,)
            held = {} if rules[0]["kind"] == "close_after" else {"first": 1}
            rules = [{**rule, "operations": list(STEPS), **(held if rule is rules[0] else {})} for rule in rules]
            started[name] = pool.submit(meet, folder / name, rules)
        yield started


@pytest.mark.parametrize("name", PASSING)
def test_what_passes(hung, passing, name):
    """The first call of each step of each device meets the fault; whoever repeats it gets through."""
    hits, calls, _ = passing[name].result(limits.seconds(120))
    assert hits[0] >= 6 * len(STEPS)
    if "throttle" not in name:
        assert calls["RegisterCertificate"]["calls"] >= 6


def test_a_bit_of_everything(tmp_path):
    """Random faults at every operation, also those of the beginning."""
    hits, calls, done = meet(tmp_path / "plant", [
        {"kind": "throttle", "probability": 0.15}, {"kind": "status", "status": 500, "probability": 0.05},
        {"kind": "status", "status": 503, "body": "html", "probability": 0.05}, {"kind": "cut_before", "probability": 0.05},
        {"kind": "cut_after", "probability": 0.05}, {"kind": "half_answer", "probability": 0.03},
        {"kind": "latency", "ms": 1, "jitter_ms": 20}], 40)
    assert all(h > 0 for h in hits)


def test_throttled_all_the_time_for_a_while(plant, cloud):
    """Nothing but throttles: the pace falls, nobody is parked; a deadline ends it; afterwards all goes."""
    plant.configure(rate_register_certificate=100)
    plant.queue(50)
    cloud.faults({"kind": "throttle", **REGISTER})
    running = plant.start()
    time.sleep(3)
    running.signal()
    done = running.wait(3)
    assert done.counts() == (0, 0, 50)
    calls = cloud.calls("RegisterCertificate")
    assert calls["throttled"] == calls["calls"] <= 150, "it did not slow down"
    assert plant.status()["last_run"]["throttled"] == calls["calls"]
    cloud.faults()
    plant.upload()
    plant.agree(50)


@pytest.mark.parametrize("operation", ["GetCallerIdentity", "DescribeCACertificate", "GetPolicy", "DescribeThingGroup"])
def test_faults_at_the_beginning(plant, cloud, operation):
    make_full(cloud)
    plant.configure(**FULL)
    plant.queue(2)
    kinds = ({"kind": "throttle"}, {"kind": "status", "status": 503, "body": "html"}, {"kind": "cut_after"})
    cloud.faults(*({**k, "operations": [operation], "times": 1} for k in kinds))
    plant.upload()
    check_full(plant, cloud, 2)


# ---- what is final: parked, and nobody else is stopped

@pytest.mark.short
def test_bad_rows_are_parked(plant, cloud):
    ids = plant.queue(40)
    bad = ids[5:8]
    cloud.faults({"kind": "error", **uploads.BAD_ROW, **REGISTER, "subjects": bad})
    done = plant.upload(code=3)
    assert done.counts() == (37, 3, 0)
    done.says("upload status", "upload retry")
    assert cloud.calls("RegisterCertificate")["calls"] == 40
    lines = [r for r in done.rows if r["state"] == "parked"]
    assert {r["device_id"] for r in lines} == set(bad) and len(done.rows) == 40
    for line in lines:
        assert (line["step"], line["code"], line["message"]) == ("register", uploads.BAD_ROW["code"], uploads.BAD_ROW["message"])
        assert re.fullmatch("[0-9a-f-]{36}", line["request_id"])
    assert all(r["state"] == "registered" for r in done.rows if r["device_id"] not in bad)
    plant.agree(37)

    status = plant.status()
    assert (status["queued"], status["registered"], status["parked"]) == (0, 37, 3)
    (reason,) = status["reasons"]
    assert reason == {"batch": "lot", "account": aws.ACCOUNT, "region": aws.REGION, "step": "register", "code": uploads.BAD_ROW["code"],
                      "message": uploads.BAD_ROW["message"], "count": 3}
    text = plant.run("upload", "status").out
    assert uploads.BAD_ROW["code"] in text and uploads.BAD_ROW["message"] in text and re.search(r"^parked +3$", text, re.M)
    assert {r["device_id"] for r in plant.certificates("--state", "parked")} == set(bad)
    assert "nothing is queued" in plant.upload().err, "parked rows are no queue"

    cloud.faults()
    plant.run("upload", "retry", "--batch", "nowhere", code=1)
    assert "3 certificates are back" in plant.run("upload", "retry", "--batch", "lot").err
    assert plant.status()["parked"] == 0 and plant.status()["queued"] == 3
    assert plant.upload().counts() == (3, 0, 0)
    plant.agree(40)
    assert plant.run("upload", "retry").err.startswith("0 certificates")


def test_a_parked_certificate_shows_why(plant, cloud):
    """`cert show` of a parked one has the step, code, message and request id: what AWS's support asks for."""
    ids = plant.queue(2)
    cloud.faults({"kind": "error", **uploads.BAD_ROW, **REGISTER, "subjects": ids[:1]})
    (line,) = [r for r in plant.upload(code=3).rows if r["state"] == "parked"]
    for more in ((), ("--json",)):
        text = plant.run("cert", "show", line["serial"], *more).out
        assert "parked" in text
        for name in ("step", "code", "request_id"):
            assert line[name] in text, f"no {name} in {text}"
    (done,) = plant.certificates("--state", "registered")
    assert f"cert/{done['certificate_id']}" in plant.run("cert", "show", done["serial"]).out, "no ARN"


def test_the_page_can_say_it_too(plant, cloud):
    """Over HTTP the same objects as on the command line, while the server and nobody else has the ledger open."""
    ids = plant.queue(2)
    cloud.faults({"kind": "error", **uploads.BAD_ROW, **REGISTER, "subjects": ids[:1]})
    plant.upload(code=3)
    with servers.Server(plant.home) as server:
        station = clients.Client(server)
        status = station.get("/v1/uploads").json()
        assert len(status.pop("reports")) == 2      # to be taken away by a browser; the command line has the files
        assert status == plant.status() and (status["registered"], status["parked"], status["queued"]) == (1, 1, 0)
        (reason,) = status["reasons"]
        assert (reason["step"], reason["code"], reason["count"]) == ("register", uploads.BAD_ROW["code"], 1)
        for row in plant.certificates():
            seen = station.get(f"/v1/certificates/{row['serial']}").json()
            (shown,) = map(json.loads, plant.run("cert", "show", row["serial"], "--json").out.splitlines())
            assert seen == shown and seen["registrations"][0]["account"] == aws.ACCOUNT
        station.close()


def test_retry_of_one_batch(plant, cloud):
    ids = plant.queue(3, "a") + plant.queue(2, "b", ca=False)
    cloud.faults({"kind": "error", **uploads.BAD_ROW, **REGISTER, "subjects": ids})
    plant.upload(code=3)
    assert plant.states() == {"parked": 5}
    plant.run("upload", "retry", "--batch", "b")
    assert plant.home.batch_show("a")["parked"] == 3 and plant.home.batch_show("b")["parked"] == 0
    cloud.faults()
    assert plant.upload().counts() == (2, 0, 0)
    assert plant.status()["parked"] == 3


FINAL = {
    "RegisterCertificate": ("register", [("CertificateValidationException", 400), ("InvalidRequestException", 400),
                                         ("CertificateConflictException", 409), ("LimitExceededException", 410),
                                         ("SomethingNewException", 400), ("UnknownOperationException", 404)]),
    "CreateThing": ("thing", [("InvalidRequestException", 400), ("ResourceNotFoundException", 404)]),
    "AttachThingPrincipal": ("principal", [("InvalidRequestException", 400)]),
    "AttachPolicy": ("policy", [("LimitExceededException", 410)]),
    "AddThingToThingGroup": ("group", [("InvalidRequestException", 400)]),
    "UpdateCertificate": ("activate", [("CertificateStateException", 406)]),
}


@pytest.mark.parametrize("operation", FINAL)
def test_what_is_final(plant, cloud, operation):
    """Each final answer parks its own device, at its own step; the others come through; and the parked after a retry."""
    make_full(cloud)
    plant.configure(**FULL)
    step, codes = FINAL[operation]
    ids = plant.queue(len(codes) + 5)
    rows = {r["device_id"]: r for r in plant.certificates()}
    rules = []
    for cn, (code, status) in zip(ids, codes):
        rules.append({"kind": "error", "code": code, "status": status, "operations": [operation],
                      "subjects": [cn, rows[cn]["certificate_id"]]})
    cloud.faults(*rules)
    done = plant.upload(code=3)
    assert done.counts() == (5, len(codes), 0)
    parked = {r["device_id"]: (r["step"], r["code"]) for r in done.rows if r["state"] == "parked"}
    assert parked == {cn: (step, code) for cn, (code, _) in zip(ids, codes)}
    there = cloud.certificates()
    assert all(there[rows[cn]["certificate_id"]]["status"] == "INACTIVE" for cn in parked if rows[cn]["certificate_id"] in there)
    cloud.faults()
    plant.run("upload", "retry")
    assert plant.upload().counts() == (len(codes), 0, 0)
    check_full(plant, cloud, len(ids))


def test_a_redirect_is_not_followed(plant, cloud):
    """Nor taken for AWS's word: the row is tried again."""
    ids = plant.queue(3)
    cloud.faults({"kind": "redirect", "location": f"{cloud.url}/elsewhere", **REGISTER, "subjects": ids[:1], "times": 2})
    assert plant.upload().counts() == (3, 0, 0)
    assert cloud.fault_hits() == [2] and cloud.calls("unknown")["calls"] == 0


# ---- lost answers, and certificates that are there already

@pytest.mark.short
@pytest.mark.parametrize("bare", [False, True])
def test_every_answer_lost(plant, cloud, bare):
    """The connection ends after each registration took effect: 409, a look, done; each exactly once."""
    plant.queue(30)
    rules = [{"kind": "cut_after", "first": 1, **REGISTER}] + ([{"kind": "bare_conflict"}] if bare else [])
    cloud.faults(*rules)
    done = plant.upload()
    assert done.counts() == (30, 0, 0) and cloud.fault_hits()[0] == 30
    plant.agree(30)
    assert cloud.calls("RegisterCertificate")["ok"] == 30
    assert cloud.calls("RegisterCertificate")["errors"] == {"ResourceAlreadyExistsException": 30}
    assert cloud.calls("DescribeCertificate")["ok"] == 30 and cloud.calls("UpdateCertificate")["calls"] == 0
    assert all(r["arn"].endswith(r["certificate_id"]) and r["code"] == "" for r in done.rows)


def registered_before(plant, cloud, status):
    """All of the queue registered by somebody else, in that status."""
    plant.register_ca()
    iot = uploads.iot_client(cloud)
    ca = plant.home.ca_pem().decode()
    for row in plant.certificates():
        iot.register_certificate(certificatePem=plant.pems[row["serial"]], caCertificatePem=ca, status="INACTIVE")
        cloud.set_status(row["certificate_id"], status)


@pytest.mark.parametrize("status", ["ACTIVE", "INACTIVE", "PENDING_ACTIVATION"])
def test_there_already(plant, cloud, status):
    plant.queue(3)
    registered_before(plant, cloud, status)
    assert plant.upload().counts() == (3, 0, 0)
    plant.agree(3)
    assert cloud.calls("UpdateCertificate")["calls"] == (0 if status == "ACTIVE" else 3)


@pytest.mark.parametrize("wanted", ["active", "active_at_end", "inactive"])
def test_revoked_stays_revoked(plant, cloud, wanted):
    make_full(cloud)
    plant.configure(**{**FULL, "status": wanted})
    plant.queue(2)
    registered_before(plant, cloud, "REVOKED")
    done = plant.upload(code=3)
    assert done.counts() == (0, 2, 0) and {r["code"] for r in done.rows} == {"Revoked"}
    assert {(c["status"], tuple(c["policies"])) for c in cloud.certificates().values()} == {("REVOKED", ())}
    assert cloud.calls("UpdateCertificate")["calls"] == 0
    plant.run("upload", "retry")
    assert plant.upload(code=3).counts() == (0, 2, 0)
    assert {c["status"] for c in cloud.certificates().values()} == {"REVOKED"}


def test_transferred_is_not_touched(plant, cloud):
    plant.queue(1)
    registered_before(plant, cloud, "PENDING_TRANSFER")
    assert plant.upload(code=3).rows[0]["code"] == "UnexpectedStatus"
    assert {c["status"] for c in cloud.certificates().values()} == {"PENDING_TRANSFER"}


@pytest.mark.short
def test_revoked_between_register_and_activate(plant, cloud):
    make_full(cloud)
    plant.configure(**FULL)
    ids = plant.queue(4)
    cloud.faults({"kind": "status", "status": 503, "operations": ["AddThingToThingGroup"]})
    running = plant.start()
    limits.wait_for("the last step but one", lambda: cloud.calls("AddThingToThingGroup")["calls"] >= 4)
    running.signal()
    running.wait(3)
    rows = {r["device_id"]: r["certificate_id"] for r in plant.certificates()}
    for cn in ids[:2]:
        cloud.set_status(rows[cn], "REVOKED")
    cloud.faults()
    done = plant.upload(code=3)
    assert done.counts() == (2, 2, 0)
    assert {r["device_id"] for r in done.rows if r["code"] == "Revoked"} == set(ids[:2])
    assert {cn: cloud.certificates()[rows[cn]]["status"] for cn in ids} == {**dict.fromkeys(ids[:2], "REVOKED"),
                                                                           **dict.fromkeys(ids[2:], "ACTIVE")}


# ---- revoked while the activation waits or is repeated

def hold_the_second_look(cloud, *rules):
    """The first look at the status is answered, then none until let_go: what a test does in between is done before the next."""
    cloud.faults({"kind": "status", "status": 503, "operations": ["DescribeCertificate"], "skip": 1}, *rules)


UPDATE = {"operations": ["UpdateCertificate"]}
REPEATED = {
    "503": {"kind": "status", "status": 503, **UPDATE}, "throttled": {"kind": "throttle", **UPDATE}, "cut-before": {"kind": "cut_before", **UPDATE},
    "lost-answer": {"kind": "cut_after", **UPDATE},
    "not-found": {"kind": "error", "code": "ResourceNotFoundException", "status": 404, **UPDATE},
}


@pytest.mark.parametrize("step", ["activate", "register"])
@pytest.mark.parametrize("failure", REPEATED)
def test_revoked_before_the_repeat(plant, cloud, failure, step):
    """The call that activates fails, or its answer is lost; before it is repeated somebody revokes: it stays so."""
    if step == "activate":
        uploads.policies(cloud, "first")
        plant.configure(policies="first", status="active_at_end")
        plant.queue(1)
    else:       # registered by somebody else, and inactive
        plant.queue(1)
        registered_before(plant, cloud, "INACTIVE")
    hold_the_second_look(cloud, REPEATED[failure])
    running = plant.start()
    limits.wait_for("a second look", lambda: cloud.calls("DescribeCertificate")["calls"] >= 2, 5)
    (there,) = cloud.certificates()
    cloud.set_status(there, "REVOKED")
    cloud.faults()
    done = running.wait(None)
    assert [c["status"] for c in cloud.certificates().values()] == ["REVOKED"], str(done)
    assert done.code == 3 and done.counts() == (0, 1, 0)
    (line,) = done.rows
    assert (line["code"], line["step"]) == ("Revoked", step)
    # libcurl by itself sends once more, at once, what it lost with a connection that it had kept
    assert cloud.calls("UpdateCertificate")["calls"] <= (2 if REPEATED[failure]["kind"].startswith("cut") else 1)


def test_revoked_while_the_activation_waits_for_its_pace(plant, cloud):
    """One a second, and without any fault: nobody is judged by a look that is old."""
    uploads.policies(cloud, "first")
    plant.configure(policies="first", status="active_at_end", rate_update_certificate=1)
    plant.queue(5)
    running = plant.start()
    limits.wait_for("the first activation", lambda: cloud.calls("UpdateCertificate")["ok"] >= 1 and
                    len([c for c in cloud.certificates(pem=False).values() if c["policies"]]) == 5)
    revoked = {cid for cid, c in cloud.certificates(pem=False).items() if c["status"] == "INACTIVE"}
    for cid in revoked:
        cloud.set_status(cid, "REVOKED")
    assert len(revoked) >= 3
    done = running.wait(3)
    there = {cid: c["status"] for cid, c in cloud.certificates().items()}
    assert {cid for cid, status in there.items() if status == "REVOKED"} == revoked
    assert done.counts() == (5 - len(revoked), len(revoked), 0)


# ---- active in the end, whatever lineca.conf said when it was registered

@pytest.mark.parametrize("then,status", [({"policies": ""}, "ACTIVE"), ({"status": "active"}, "ACTIVE"),
                                         ({"policies": "", "status": "active"}, "ACTIVE"), ({"status": "inactive"}, "INACTIVE")])
def test_registered_inactive_under_other_settings(plant, cloud, then, status):
    uploads.policies(cloud, "first")
    plant.configure(policies="first", status="active_at_end")
    plant.queue(2)
    cloud.faults({"kind": "error", "code": "InvalidRequestException", "status": 400, "operations": ["AttachPolicy"]})
    assert plant.upload(code=3).counts() == (0, 2, 0)
    assert {c["status"] for c in cloud.certificates().values()} == {"INACTIVE"}
    cloud.faults()
    plant.configure(**then)
    plant.run("upload", "retry")
    assert plant.upload().counts() == (2, 0, 0)
    plant.agree(2, status=status)
    assert cloud.calls("RegisterCertificate")["calls"] == 2


@pytest.mark.parametrize("arn", ["arn:aws:iot:eu:1:cert/" + "z" * 64, f"arn:aws:iot:{aws.REGION}:{aws.ACCOUNT}:cert/" + "z" * 64,
                                 f"arn:aws:iot:{aws.REGION}:{aws.OTHER_ACCOUNT}:cert/" + "a" * 64, "x" * 300, "../../things/x"])
def test_a_conflict_with_a_name_that_is_none(plant, cloud, arn):
    """What a 409 names goes into the next call's path: only what can be ours is taken, and no row stops the night."""
    ids = plant.queue(6)
    plant.register_ca()
    row = {r["device_id"]: r for r in plant.certificates()}[ids[0]]
    uploads.iot_client(cloud).register_certificate(certificatePem=plant.pems[row["serial"]], caCertificatePem=plant.home.ca_pem().decode(),
                                                   status="ACTIVE")
    cloud.reset_counters()
    cloud.faults({"kind": "error", "code": "ResourceAlreadyExistsException", "status": 409, "subjects": ids[:1], **REGISTER,
                  "extra": {"resourceArn": arn, "resourceId": arn.rpartition("/")[2]}})
    assert plant.upload().counts() == (6, 0, 0)
    plant.agree(6)
    calls = cloud.counters()["operations"]
    assert "unknown" not in calls and calls["DescribeCertificate"]["calls"] == calls["DescribeCertificate"]["ok"] == 1


def test_another_certificate_under_the_conflict(plant, cloud):
    """A 409 that names another certificate: nothing is done to that one, and ours is parked, not called done."""
    plant.queue(2)
    first, second = plant.certificates()
    plant.upload("--limit", 1)
    done_row, open_row = (first, second) if cloud.certificates().get(first["certificate_id"]) else (second, first)
    arn = cloud.certificates()[done_row["certificate_id"]]["arn"]
    cloud.set_status(done_row["certificate_id"], "INACTIVE")
    cloud.faults({"kind": "error", "code": "ResourceAlreadyExistsException", "status": 409, **REGISTER,
                  "extra": {"resourceId": done_row["certificate_id"], "resourceArn": arn}})
    done = plant.upload(code=3)
    (line,) = done.rows
    assert (line["serial"], line["state"], line["code"], line["arn"]) == (open_row["serial"], "parked", "AnotherCertificate", "")
    assert cloud.certificates()[done_row["certificate_id"]]["status"] == "INACTIVE"
    cloud.faults()
    plant.run("upload", "retry")
    plant.upload()
    assert set(cloud.certificates()) == {first["certificate_id"], second["certificate_id"]}


def test_wrong_id(plant, cloud):
    """The id that AWS answers is not ours: parked, said so, and nothing is attached to anything."""
    make_full(cloud)
    plant.configure(**FULL)
    ids = plant.queue(3)
    cloud.faults({"kind": "wrong_id", **REGISTER, "subjects": ids[:1]})
    done = plant.upload(code=3)
    assert done.counts() == (2, 1, 0)
    (line,) = [r for r in done.rows if r["state"] == "parked"]
    assert line["code"] == "CertificateIdDiffers" and "0000000001" in line["message"] and line["certificate_id"] in line["message"]
    there = cloud.certificates()[line["certificate_id"]]
    assert there["policies"] == [] and there["things"] == []
    cloud.faults()
    plant.run("upload", "retry")
    plant.upload()
    check_full(plant, cloud, 3)


def test_retries_while_it_runs(plant, cloud):
    """`upload retry` again and again beside a run that parks: nothing lost, nothing twice, the counts right."""
    plant.configure(rate_register_certificate=200)
    plant.queue(300)
    cloud.faults({"kind": "error", **uploads.BAD_ROW, **REGISTER, "probability": 0.3})
    running = plant.start()
    while running.process.poll() is None:
        plant.run("upload", "retry")
    running.wait((0, 3))
    states = plant.states()
    assert sum(states.values()) == 300 and states["registered"] == len(cloud.certificates(pem=False))
    cloud.faults()
    plant.run("upload", "retry")
    plant.upload()
    plant.agree(300)
    assert cloud.calls("RegisterCertificate")["ok"] == 300


def test_ids_that_became_no_thing_names(plant, cloud):
    """things = yes after the enrolment: an id that is no thing name is parked, the others are done."""
    plant.queue(["dev.1", "dev-2", "00:11:22:33:44:55"])
    plant.configure(things="yes")
    done = plant.upload(code=3)
    assert done.counts() == (2, 1, 0)
    (line,) = [r for r in done.rows if r["state"] == "parked"]
    assert (line["device_id"], line["step"]) == ("dev.1", "thing") and "dev.1" in line["message"]
    plant.configure(thing_name="{serial}")
    plant.run("upload", "retry")
    plant.upload()
    plant.agree(3)


# ---- at the end: they have been running all the time

def test_failures_of_two_kinds(beside):
    """Five times 500, then one 404: tries are counted by kind, so that nobody is parked for the first of its kind."""
    done, hits = beside["test_failures_of_two_kinds"].result(limits.seconds(100))
    assert hits == [5, 1] and done.code == 0 and done.counts() == (1, 0, 0), str(done)


def test_not_seen_yet(beside):
    """A 404 right after a success (AWS's lists lag behind) is repeated, twice if need be."""
    assert beside["test_not_seen_yet"].result(limits.seconds(100)).counts() == (3, 0, 0)


def test_what_is_not_found_for_one(beside):
    """AWS says for one certificate only that its policy is not there: that one is parked, and not ACTIVE without it."""
    done, status = beside["test_what_is_not_found_for_one"].result(limits.seconds(100))
    assert done.code == 3 and done.counts() == (1, 1, 0) and status == "INACTIVE", str(done)


def test_a_policy_is_deleted(beside):
    """In the night, for all: said once, nobody is parked, nothing is ACTIVE without it; made again, the next run finishes."""
    done, outcome, states, there, again = beside["test_a_policy_is_deleted"].result(limits.seconds(150))
    assert done.code == 3 and done.counts() == (0, 0, 20) and states == {"issued": 20} and there == {"INACTIVE"}, str(done)
    (said,) = [line for line in done.err.splitlines() if "warn upload" in line]
    assert "policy first" in said and "policy first" in outcome
    assert again.counts() == (20, 0, 0)


def test_a_conflict_about_nothing(beside):
    """AWS says that it exists, and then does not know it: not done, and not for ever."""
    assert beside["test_a_conflict_about_nothing"].result(limits.seconds(100)).counts() == (0, 1, 0)


def test_calls_that_hang(hung):
    """Two registrations that took effect and were never answered: ended after a minute, asked again, found, done."""
    done, calls = hung.result(limits.seconds(200))
    assert done.counts() == (6, 0, 0)
    assert calls["ok"] == 6 and calls["errors"] == {"ResourceAlreadyExistsException": 2}
