"""Point 5, health: the page says of disk, clock, ledger, CA and version what the server and the command line say; what is broken is seen."""
import datetime
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

import client
import csrs
import faketime
import home as homes
import page
import station


FINE = "Disk, clock, ledger and CA need nobody."


def look(browser, server):
    browser.open(server, "#/health")
    browser.sees("Version", "main")


def status(server):
    with client.Client(server) as c:
        return c.get("/v1/status").json()


def test_as_the_server_and_the_command_line_say(home, start, browser):
    home.batch("lot", 50)
    server = start(home)
    station.Station(server).issue("lot", 3)
    look(browser, server)
    browser.sees(FINE)
    said, words = status(server), page.facts(browser)
    assert words["Version"] == said["version"] and words["Version"] in homes.run("version").out
    assert words["Running since"] == page.when(browser, said["started_at"])
    assert words["Clock"].startswith("✓ in order · " + page.when(browser, said["now"]).split(",")[0])
    assert re.fullmatch(r"✓ in order · \d[\d.,]* [kMGT]?B free; issuing stops below 268 MB", words["Disk"]), words["Disk"]
    assert said["disk"]["reserve_bytes"] == 256 << 20
    assert float(words["Last write to disk"].removesuffix(" ms").replace(",", "")) >= 0 and "Last backup" in words
    (row,) = page.rows(browser, "CA")
    ca = x509.load_pem_x509_certificate(home.ca_pem())
    (told,) = home.json("ca", "list")
    assert row[0] == told["name"] and row[1] == "Active" and row[2] == ca.subject.rfc4514_string()
    assert row[6].replace(":", "").lower() == ca.fingerprint(hashes.SHA256()).hex()
    until = ca.not_valid_after.replace(tzinfo=datetime.timezone.utc)
    if until.year == 9999:
        assert row[4] == "for ever"
    else:
        assert row[4] == page.when(browser, until.isoformat()).rsplit(",", 1)[0]
        days = (until - datetime.datetime.now(datetime.timezone.utc)).days
        assert int(re.sub(r"\D", "", row[5])) in (days, days - 1)


def test_the_ledger(home, start, browser):
    """What the page says of the ledger is what lies on the disk; before and after some certificates."""
    home.batch("lot", 500)
    seen = []
    for count in (1, 300):
        before = start(home)
        station.Station(before).issue("lot", count)
        before.stop()       # what it wrote is in the ledger's own file
        server = start(home)
        look(browser, server)
        shown = re.fullmatch(r"(\d+) kB, log (.+)", page.facts(browser)["Ledger"])
        assert int(shown.group(1)) == pytest.approx((home.path / "lineca.db").stat().st_size / 1000, abs=1), shown.group()
        log = (home.path / "lineca.db-wal").stat().st_size
        assert shown.group(2) in (f"{log} byte", f"{log / 1000:.1f} kB", f"{log / 1000:.0f} kB", f"{log / 1e6:.1f} MB", f"{log / 1e6:.0f} MB"), (shown.group(), log)
        seen.append(int(shown.group(1)))
        browser.look_away()
        server.stop()
    assert seen[1] > seen[0] + 100


def test_the_last_backup(home, start, browser, tmp_path):
    """Seen within a second, and in the events, by whom and where to."""
    server = start(home)
    look(browser, server)
    assert page.facts(browser)["Last backup"] == "✕ not in order · None is known of: the engineer runs lineca backup"
    home.run("backup", tmp_path / "copy.db")
    (event,) = [e for e in home.json("event", "list") if e["action"] == "ledger.backup"]
    browser.wait("the backup", lambda: re.fullmatch(f"✓ in order · {re.escape(page.when(browser, event['at']))} · \\d sec ago", page.facts(browser)["Last backup"]))
    browser.go("events", "Backed up the ledger")
    (row,) = page.rows(browser, "Events")
    assert row[1:5] == [event["actor"], "Backed up the ledger", "Ledger", f"0 certificates, {(tmp_path / 'copy.db').stat().st_size} bytes: {tmp_path / 'copy.db'}"]


def test_the_disk_is_nearly_full(home, start, browser):
    """Issuing stops at the reserve: the page says so at once, in one word, with what to do; and it is over when there is room."""
    home.batch("lot", 50)
    home.configure("guard", "disk_reserve_mib", str(1 << 30))
    server = start(home)
    browser.open(server)
    browser.becomes("refusing")
    browser.sees("The disk is nearly full. Call the engineer to make room", ".state")
    assert station.Station(server).refuse("disk_low")
    browser.sees("The line server's disk is nearly full.", ".refusals")
    browser.go("health")
    browser.sees("Disk The disk is nearly full.")
    words = page.facts(browser)
    assert re.fullmatch(r"✕ not in order · \d[\d.,]* [MGT]B free; issuing stops below 1,126 TB", words["Disk"]), words["Disk"]
    assert words["Clock"].startswith("✓")


def test_the_disk_fills_up(home, start, browser):
    """It still issues; the engineer is called in time."""
    home.batch("lot", 50)
    before = start(home)
    free = status(before)["disk"]["free_bytes"] >> 20
    before.stop()
    home.configure("guard", "disk_reserve_mib", str(free * 2 // 3))
    server = start(home)
    browser.open(server)
    browser.becomes("attention")
    browser.sees("The disk fills up", ".state")
    station.Station(server).issue("lot")
    browser.go("health")
    browser.sees(re.compile(r"Disk The disk fills up: [\d.,]+ [MGT]B are free"))
    assert page.facts(browser)["Disk"].startswith("✓ in order")


def test_the_clock_goes_back(home, start, browser, tmp_path):
    clock = faketime.Clock(tmp_path / "clock")
    home.batch("lot", 50)
    server = start(home, env=clock.environment())
    there = station.Station(server)
    there.issue("lot")
    look(browser, server)
    assert page.facts(browser)["Clock"].startswith("✓")
    clock.turn("-2h")
    browser.sees("Clock The clock of the line server is wrong. Call the engineer to set it.")
    assert page.facts(browser)["Clock"].startswith("✕ not in order · " + page.when(browser, status(server)["now"]).rsplit(":", 1)[0])
    there.refuse("clock_invalid")
    browser.go("line")
    browser.becomes("refusing")
    clock.turn("+0")
    browser.becomes("issuing")
    browser.go("health", FINE)


@pytest.mark.parametrize("left, state", [(200, None), (20, "attention"), (-1, "refusing")])
def test_a_ca_at_its_end(home, start, browser, tmp_path, left, state):
    """Seen in time, by name and with the days; and when it is over."""
    ca = x509.load_pem_x509_certificate(home.ca_pem())
    ends = (ca.not_valid_after - datetime.datetime.utcnow()).days
    clock = faketime.Clock(tmp_path / "clock", f"+{(ends - left) * 24 + 6}h")     # not where a day ends
    home.batch("lot", 50)
    server = start(home, env=clock.environment())
    look(browser, server)
    (need,) = [n for n in status(server)["line"]["needs"] if n["what"] == "ca"] or [None]
    (row,) = page.rows(browser, "CA")
    if state is None:
        assert need is None and row[5] in ("200 days", "201 days", "199 days")
        browser.sees(FINE)
    elif state == "attention":
        days = need["values"]["days"]
        assert days in (left - 1, left, left + 1) and row[5] == f"{days} days"
        browser.sees(f"CA The issuing CA lineca-ca ends in {days} days. The engineer has to set up a new one.")
        browser.go("line")
        browser.becomes("attention")
        station.Station(server).issue("lot")
    else:
        assert row[5] == "Over"
        browser.sees("CA The issuing CA has ended or is not active. Call the engineer.")
        browser.go("line")
        browser.becomes("refusing")


def test_refusals_are_no_illness(home, start, browser):
    """Health is the machine's: what devices do wrong is told on the line view, and only there."""
    home.batch("lot", 50)
    server = start(home)
    look(browser, server)
    there = station.Station(server)
    requests = int(page.facts(browser)["Requests since the start"])
    for code in ("csr_malformed", "subject_rejected"):
        there.refuse(code)
    assert there.post("none", csrs.good()).status == 404
    browser.wait("the count to move", lambda: int(page.facts(browser)["Requests since the start"]) >= requests + 3)
    browser.go("line")
    browser.becomes("attention")
    browser.go("health", FINE)
    assert "refused" not in browser.text("main")
