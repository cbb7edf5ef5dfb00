"""Point 4, the upload: what is queued, how the run goes that goes now, why AWS did not take some, what to do, and doing it."""
import re
import threading

import pytest

import aws
import browser as browsers
import limits
import page
import tokens
import uploads
from uploads import REGISTER, plant  # noqa: F401  a fixture

REASONS = "Parked, by reason"

# what AWS answers to one certificate -> what the person is told; the advice is that of web/lang/en.json, in part
KINDS = {
    "limit": ("LimitExceededException", 410, "A limit of the AWS account is reached"),
    "conflict": ("CertificateConflictException", 409, "compares the two before anything is tried again"),
    "ca": ("CertificateValidationException", 400, "lineca aws register-ca"),
    "other": ("InvalidRequestException", 400, "Show this to the engineer"),
}


def counts(browser):
    words = page.facts(browser, "main .counts")
    return tuple(words.get(term) for term in ("Queued", "Registered with AWS", "Parked"))


def shows(browser, *wanted, seconds=15):
    """Waits for queued, registered, parked."""
    browser.wait(f"the counts {wanted}", lambda: counts(browser) == tuple(map(str, wanted)), seconds)


def refuse(cloud, ids, code, status, message="no, thanks", **more):
    cloud.faults({"kind": "error", "code": code, "status": status, "message": message, "subjects": ids, **{**REGISTER, **more}})


def parked(plant, cloud, count=2, **more):
    """A plant with so many parked certificates and one registered; the ids of the parked."""
    ids = plant.queue(count + 1)
    code, status, _ = KINDS["limit"]
    refuse(cloud, ids[:count], code, status, **more)
    plant.upload(code=3)
    cloud.faults()
    return ids[:count]


def look(browser, plant, start, role=None):
    server = start(plant.home)
    browser.open(server, "#/upload")
    if role:
        browser.sign_in(tokens.make(plant.home, role, name="anna"))
    browser.sees("Upload", "main h1")
    return server


# ---- the queue, and the run

def test_nothing_yet(plant, start, browser):
    look(browser, plant, start)
    shows(browser, 0, 0, 0)
    for words in ("The upload does not run now.", "There was no run yet.", "Nothing is parked.", "Nothing waits.", "No report was written yet."):
        browser.sees(words, "main")
    # no timer here, or one that is off
    browser.sees("Next run: as the machine's timer says (systemctl list-timers).", "main")
    assert not browser.offers("button", re.compile("again"))


def test_queue_by_state(plant, cloud, start, browser):
    """What waits, is registered and is parked: in all, and by batch; as `upload status` and the ledger have it."""
    parked(plant, cloud, 2)
    plant.home.batch("second", 1000)
    server = look(browser, plant, start)
    plant.enroll("second", 3, server)
    shows(browser, 3, 1, 2)     # by itself
    said = plant.status()
    assert (said["queued"], said["registered"], said["parked"]) == (3, 1, 2)
    assert page.rows(browser, "By batch") == [[b["batch"], str(b["queued"]), str(b["registered"]), str(b["parked"])] for b in said["batches"]]
    assert sorted(page.rows(browser, "By batch")) == [["lot", "0", "1", "2"], ["second", "3", "0", "0"]]


def test_a_run_is_seen_going(plant, cloud, start, browser):
    plant.queue(120)
    cloud.faults({"kind": "latency", "ms": 400, **REGISTER})
    plant.configure(rate_register_certificate=15)
    look(browser, plant, start)
    shows(browser, 120, 0, 0)
    running = plant.start()
    try:
        browser.sees("The upload runs now.", seconds=15)
        seen = []

        def moved():
            bar = browser.css("main .meter progress")
            done, text = (float(bar[0].get_attribute("value")), browser.text("main .meter-text")) if bar else (0, "")
            if 0 < done < 120 and done not in [d for d, _ in seen]:
                seen.append((done, text))
            return len(seen) >= 2

        browser.wait("the bar to move", moved, 30)
        assert all(text == f"{done:.0f} of 120" for done, text in seen) and seen[0][0] < seen[1][0]
        queued, registered, _ = map(int, counts(browser))
        assert queued + registered == 120 and registered > 0
    finally:
        running.wait(seconds=60)
    browser.sees("The upload does not run now.", seconds=15)
    shows(browser, 0, 120, 0)
    plant.agree(120)


def test_last_run(plant, cloud, start, browser):
    """When it was, how it ended, how fast it went, what AWS slowed down."""
    plant.queue(30)
    cloud.faults({"kind": "throttle", "first": 1, **REGISTER})
    plant.upload()
    run = plant.status()["last_run"]
    assert run["throttled"] >= 1
    look(browser, plant, start)
    browser.sees("Outcome")
    words = page.facts(browser, "main .panel")
    assert words["Began"] == page.when(browser, run["started_at"]) and words["Ended"] == page.when(browser, run["ended_at"])
    assert words["Outcome"] == "All done." and run["outcome"] == "done" and run["needs_someone"] is False
    assert (words["Registered with AWS"], words["Parked"]) == ("30", "0")
    assert (words["Calls to AWS"], words["Of them slowed down by AWS"]) == (str(run["calls"]), str(run["throttled"]))
    seconds = browser.js("return (new Date(arguments[1]) - new Date(arguments[0])) / 1000", run["started_at"], run["ended_at"])
    assert float(words["Rate"].removesuffix(" per second").replace(",", "")) == pytest.approx(30 / seconds, abs=0.06)
    assert re.fullmatch(r"\d+ (sec|min)", words["Duration"])


def test_a_night_that_could_not_start(plant, cloud, start, browser):
    """No credentials, no CA: the run says why, nothing is parked for it, and the queue stays."""
    plant.queue(3, ca=False)
    plant.upload(code=4)
    look(browser, plant, start)
    outcome = plant.status()["last_run"]["outcome"]
    assert "register-ca" in outcome or "not registered" in outcome
    browser.sees(outcome, "main")
    shows(browser, 3, 0, 0)
    plant.register_ca()
    cloud.key(secret="another/secret+of+this+key")
    try:
        plant.upload(code=5)
    finally:
        cloud.key(secret=aws.SECRET)
    outcome = plant.status()["last_run"]["outcome"]
    assert "could not start" in outcome
    browser.sees(outcome, "main", seconds=15)
    shows(browser, 3, 0, 0)


def test_a_run_that_parked_some(plant, cloud, start, browser):
    """It has not done all: how many wait for a person is said with how it ended."""
    parked(plant, cloud, 2)
    assert plant.status()["last_run"]["outcome"] == "done"
    look(browser, plant, start)
    browser.sees("Outcome")
    assert page.facts(browser, "main .panel")["Outcome"] == "Done, but 2 are parked: see below."


def test_throttled_is_not_parked(plant, cloud, start, browser):
    """AWS slows down: that is no reason to park anything; the page says how often."""
    plant.queue(6)
    cloud.faults({"kind": "throttle", "first": 2, **REGISTER})
    plant.upload()
    look(browser, plant, start)
    shows(browser, 0, 6, 0)
    assert int(page.facts(browser, "main .panel")["Of them slowed down by AWS"]) == cloud.calls("RegisterCertificate")["throttled"] > 0
    browser.sees("Nothing is parked.")


# ---- what is parked

def test_why_and_what_to_do(plant, cloud, start, browser):
    """For each kind of answer: AWS's code and message, and a sentence that says what a person does."""
    ids = plant.queue(len(KINDS) * 2 + 1)
    cloud.faults(*({"kind": "error", "code": code, "status": status, "message": f"the {kind} of it", "subjects": ids[2 * i:2 * i + 2], **REGISTER}
                   for i, (kind, (code, status, _)) in enumerate(KINDS.items())))
    plant.upload(code=3)
    cloud.faults()
    look(browser, plant, start)
    shows(browser, 0, 1, 2 * len(KINDS))
    shown = {row[2].split()[0].rstrip(":"): row for row in page.rows(browser, REASONS)}
    assert set(shown) == {code for code, _, _ in KINDS.values()}
    for kind, (code, _, what) in KINDS.items():
        batch, count, reason, where, _ = shown[code]
        assert (batch, count, where) == ("lot", "2", f"account {aws.ACCOUNT}, {aws.REGION}"), shown[code]
        assert f"the {kind} of it" in reason and what in reason and "(Certificate registered)" in reason, reason
    devices = {row[0]: row for row in page.rows(browser, "Parked devices")}
    assert set(devices) == set(ids[:-1]) and all(row[1] == "lot" and row[2] for row in devices.values())
    browser.press("link", ids[0])
    browser.sees(ids[0], "main h1")
    browser.sees("the limit of it", "main .error")
    browser.go("line")
    browser.sees(re.compile(r"Upload Certificates that AWS did not take: 8\. The upload view says why"))


@pytest.mark.parametrize("code, status", [("UnauthorizedException", 401), ("AccessDeniedException", 403), ("ExpiredTokenException", 403)])
def test_permission_lost_in_the_middle(plant, cloud, start, browser, code, status):
    """The run stops and says why; nothing is parked for what no device can help."""
    ids = plant.queue(5)
    refuse(cloud, ids[:1], code, status, message="User is not authorized")
    plant.upload(code=5)
    look(browser, plant, start)
    outcome = plant.status()["last_run"]["outcome"]
    assert code in outcome or "authorized" in outcome, outcome
    browser.sees(outcome, "main")
    assert counts(browser)[2] == "0" and page.rows(browser, REASONS) == []


def test_retry_one_reason_and_all(plant, cloud, start, browser):
    """They go back into the queue, with why and by whom; the next run takes them."""
    parked(plant, cloud, 2)
    plant.home.batch("second", 1000)
    other = plant.enroll("second", 1)
    refuse(cloud, other, *KINDS["conflict"][:2])
    plant.upload(code=3)
    cloud.faults()
    look(browser, plant, start, "technician")
    shows(browser, 0, 1, 3)
    browser.press("button", "Try parked devices of second again?")
    asked = browser.dialog()
    assert "Try parked devices of second again?" in asked.text and "next run takes them" in asked.text
    browser.press("button", "Try again", asked)
    browser.type("Reason", "  ", asked)
    browser.press("button", "Try again", asked)
    assert browser.css("dialog[open]") and plant.status()["parked"] == 3, "put back without a reason"
    browser.type("Reason", "the certificate is gone there", asked)
    browser.press("button", "Try again", asked)
    browser.no_dialog()
    browser.sees("Done. It is recorded.")
    shows(browser, 1, 1, 2)
    assert [row[0] for row in page.rows(browser, REASONS)] == ["lot"]
    (event,) = plant.home.json("event", "list", "--limit", "1")
    assert (event["action"], event["actor"], event["object"], event["reason"]) == ("upload.retry", "token:anna", "second", "the certificate is gone there")
    browser.press("button", "Try all again")
    browser.type("Reason", "the limit was raised", browser.dialog())
    browser.press("button", "Try again", browser.dialog())
    browser.no_dialog()
    shows(browser, 3, 1, 0)
    browser.sees("Nothing is parked.")
    assert not browser.offers("button", re.compile("again"))
    browser.go("events")
    browser.sees("the limit was raised")
    newest, before = page.rows(browser, "Events")[:2]
    assert (newest[1], newest[2], newest[3], newest[5]) == ("token:anna", "Put parked ones back", "all", "the limit was raised")
    assert (before[3], before[5]) == ("second", "the certificate is gone there")
    plant.upload()
    plant.agree(4)
    browser.go("upload")
    shows(browser, 0, 4, 0)


def test_retry_one_device(plant, cloud, start, browser):
    """From the list of the parked devices, and from the device's own page; the others stay."""
    first, second, third = parked(plant, cloud, 3)
    look(browser, plant, start, "technician")
    browser.press("button", f"Try {second} again?")
    asked = browser.dialog()
    assert f"Try {second} again?" in asked.text
    browser.type("Reason", "the limit was raised", asked)
    browser.press("button", "Try again", asked)
    browser.no_dialog()
    shows(browser, 1, 1, 2)
    assert {row[0] for row in page.rows(browser, "Parked devices")} == {first, third}
    browser.go(f"device/{first}", sees="LimitExceededException")
    browser.press("button", f"Try {first} again?")
    browser.type("Reason", "this one too", browser.dialog())
    browser.press("button", "Try again", browser.dialog())
    browser.no_dialog()
    browser.sees("Put it back into the queue", "main")
    browser.wait("nothing more to try", lambda: not browser.offers("button", re.compile("again")))
    assert plant.status()["parked"] == 1
    assert [(e["action"], e["object"], e["reason"]) for e in plant.home.json("event", "list", "--limit", "2")] == [
        ("certificate.retry", first, "this one too"), ("certificate.retry", second, "the limit was raised")]
    plant.upload()
    browser.go("upload")
    shows(browser, 0, 3, 1)


def test_who_may_not(plant, cloud, start, browser):
    parked(plant, cloud, 1)
    look(browser, plant, start)
    shows(browser, 0, 1, 1)
    assert not browser.offers("button", re.compile("again"))
    browser.sign_in(tokens.make(plant.home, "viewer"))
    browser.sees("LimitExceededException")
    assert not browser.offers("button", re.compile("again"))
    browser.expect("status of 403")
    csrf = browser.ask("GET", "/v1/session")[1]["csrf"]
    assert browser.ask("POST", "/v1/uploads/retry", {"reason": "x"}, csrf)[0] == 403
    assert plant.status()["parked"] == 1


# ---- the reports

def test_reports(plant, cloud, start, browser):
    parked(plant, cloud, 1, message='=HYPERLINK("http://x/","look")')
    plant.upload(code=(0, 3, 4))
    look(browser, plant, start)
    browser.sees("Reports")
    files = {p.name: p for p in (plant.home.path / "reports").iterdir()}
    browser.sees(sorted(files)[0])
    links = {a.accessible_name: a for a in browser.all("link", re.compile(r"\.(csv|jsonl)$"))}
    assert set(links) == set(files) and len(files) >= 2
    for name, path in files.items():
        browser.press("link", name)
        assert browser.download(name) == path.read_bytes()
