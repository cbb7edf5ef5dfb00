"""Point 3, devices: whoever scans a label has the device before him, with all that is known of it, and may do to it what his role says."""
import datetime
import re
import time
import urllib.parse

import pytest
from cryptography import x509
from selenium.webdriver.common.keys import Keys

import browser as browsers
import certs
import client
import csrs
import keys
import page
import station
import tokens
import uploads
from uploads import plant  # noqa: F401  a fixture


@pytest.fixture
def site(home, start):
    home.batch("lot", 1000)
    return home, start(home)


def at(browser):
    return urllib.parse.unquote(browser.js("return location.hash"))


def has_focus(browser):
    browser.wait("the search field to have the focus", lambda: browser.js("return document.activeElement.id === 'search'"))


def scanned(browser, text, cn):
    """The scan of text leads to the page of the device cn."""
    browser.search(text)
    browser.wait(f"the page of {cn}", lambda: at(browser) == f"#/device/{cn}" and cn in browser.text("main h1"))


def open_device(browser, server, cn):
    browser.open(server, f"#/device/{cn}")
    browser.sees(cn, "main h1")


# ---- the field

def test_the_field_has_the_focus_on_every_view(site, browser):
    home, server = site
    (cn,) = station.Station(server).issue("lot")
    browser.open(server)
    has_focus(browser)
    for view in (*browsers.VIEWS, "batch/lot", f"device/{cn}", "device/nobody", "batch/nobody", "no-such-view"):
        browser.js("document.activeElement.blur(); location.hash = '#/' + arguments[0]", view)
        has_focus(browser)
        page.settled(browser)
        if "nobody" in view:
            browser.expect("404")
    for name in ("Batches", "Devices", "Upload", "Health", "Events", "Line"):
        browser.press("link", name)
        has_focus(browser)


def test_a_scan_from_anywhere(site, browser):
    """A scanner types to whatever has the focus; its characters end up in the field, the first too, and nothing else hears them."""
    _, server = site
    there = station.Station(server)
    there.enroll("lot", "SN00001")
    there.enroll("lot", "SN00002")
    browser.open(server)
    for i, css in enumerate((".brand", "nav a[data-tab=events]", "[data-action=sign-in]", "#language", "main", "body", ".skip", ".last .table")):
        cn = f"SN0000{1 + i % 2}"
        browser.go("line" if "table" in css else "health")
        browser.wait(css, lambda css=css: browser.css(css))
        has_focus(browser)
        browser.js("if (arguments[0] === 'body') document.activeElement.blur(); else document.querySelector(arguments[0]).focus()", css)
        assert browser.js("return document.activeElement === document.querySelector(arguments[0])", css), css
        scanned(browser, cn, cn)
        assert browser.js("return document.getElementById('language').value") == "en", f"from {css}: the language heard the scan"
        assert not browser.css("dialog"), css


def test_after_what_was_done(site, browser):
    """After an action, a dialog that was left, and a change of the language, the next scan ends in the field."""
    home, server = site
    there = station.Station(server)
    for cn in ("SN00001", "SN00002"):
        there.enroll("lot", cn)
    browser.open(server)
    browser.sign_in(tokens.make(home, "technician"))
    scanned(browser, "SN00001", "SN00001")
    browser.press("button", re.compile("Copy SN00001"))
    browser.sees("Copied.")
    scanned(browser, "SN00002", "SN00002")
    browser.press("button", "Revoke")
    browser.dialog()
    browser.press("button", "Cancel")
    browser.no_dialog()
    has_focus(browser)
    scanned(browser, "SN00001", "SN00001")
    browser.press("button", "Allow a rework")
    browser.type("Reason", "new board")
    browser.press("button", "Allow a rework", browser.dialog())
    browser.no_dialog()
    browser.sees("A rework is allowed")
    has_focus(browser)
    scanned(browser, "SN00002", "SN00002")
    browser.js("const s = document.getElementById('language'); s.value = 'de'; s.dispatchEvent(new Event('change'))")
    browser.sees("Geräte", "nav")
    scanned(browser, "SN00001", "SN00001")
    assert browser.js("return document.getElementById('language').value") == "de"


def test_a_scan_confirms_nothing(site, browser):
    """A label that is scanned while a dialog asks why must not be the reason for what cannot be undone."""
    home, server = site
    station.Station(server).enroll("lot", "SN00001")
    browser.open(server, "#/device/SN00001")
    badge = tokens.make(home, "technician")
    browser.sign_in(badge)
    for action in ("Revoke", "Allow a rework"):
        browser.press("button", action)
        asked = browser.dialog()
        browser.type("Reason", "broken", asked)
        time.sleep(0.2)                             # a person's last letter is not the scanner's first
        browser.search("SN00002")
        browser.search(badge)
        assert browser.type("Reason", Keys.END, asked).get_attribute("value") == "broken", "what was scanned is out again"
        browser.press("button", "Cancel", asked)
        browser.no_dialog()
    assert home.certificates()[0]["state"] == "issued" and [e["action"] for e in home.json("event", "list")] == ["token.create", "batch.create"]


# ---- what is found

def test_whole_beginning_nothing(site, browser):
    home, server = site
    there = station.Station(server)
    for cn in ("SN00001", "SN00002", "XX-1"):
        there.enroll("lot", cn)
    browser.open(server)
    scanned(browser, "SN00001", "SN00001")
    scanned(browser, "SN00002", "SN00002")      # in the place of the last
    assert browser.js("return document.getElementById('search').value") == "SN00002"
    browser.search("SN0")
    browser.sees("Found for “SN0”: 2")
    assert sorted(row[0] for row in page.rows(browser, "Devices")) == ["SN00001", "SN00002"]
    browser.press("link", "SN00002", browser.one("main"))
    browser.sees("SN00002", "main h1")
    scanned(browser, "XX", "XX-1")      # the only one
    browser.search("ZZ9")
    said = browser.sees(re.compile("Nothing found for “ZZ9”.*"), "main").group()
    assert "Check the label" in said
    browser.search("sn00001")
    browser.sees("the case of letters", "main")
    scanned(browser, "SN00001", "SN00001")


def test_typing_searches_and_is_one_step_back(site, browser):
    home, server = site
    there = station.Station(server)
    for cn in ("SN00001", "SN00002"):
        there.enroll("lot", cn)
    browser.open(server, "#/health")
    has_focus(browser)
    browser.sees("Version")
    for letter in "SN00":
        browser.keys(letter)
    browser.sees("Found for “SN00”: 2")
    for letter in "002":
        browser.keys(letter)
    browser.sees("Found for “SN00002”: 1")
    has_focus(browser)
    assert browser.js("return document.getElementById('search').value") == "SN00002"
    browser.driver.back()
    browser.sees("Version")


def test_the_whole_id_before_those_it_begins(site, browser):
    """SN1 is itself found, however many SN1... there are."""
    home, server = site
    there = station.Station(server)
    there.enroll("lot", "SN1")
    for n in range(25):
        there.enroll("lot", f"SN1{n:02d}")
    browser.open(server)
    scanned(browser, "SN1", "SN1")
    browser.search("SN")
    browser.sees("The first 20 for “SN”; there are more.")


def test_numbers_of_the_certificate(site, browser):
    home, server = site
    one = station.Station(server).enroll("lot", "SN00001")
    station.Station(server).enroll("lot", "SN00002")
    browser.open(server)
    for text in (one["serial"], one["serial"].upper(), one["certificate_id"], one["certificate_id"].upper(),
                 one["certificate_id"][:24], one["certificate_id"][:24].upper(), one["serial"][:28]):
        browser.go("line")
        scanned(browser, text, "SN00001")


def test_a_device_with_two_certificates(site, browser):
    """A device that was reworked is one device: its page, not a list of two; whichever of its serials is scanned."""
    home, server = site
    there = station.Station(server)
    first = there.enroll("lot", "SN00001")
    with client.Client(server) as c:
        who = {"Content-Type": "application/json", **tokens.bearer(tokens.make(home, "technician"))}
        assert c.request("POST", "/v1/devices/SN00001/rework", b'{"reason":"board"}', who).status == 200
    second = there.enroll("lot", "SN00001")
    assert first["serial"] != second["serial"]
    browser.open(server)
    for text in ("SN00001", first["serial"], second["serial"], first["certificate_id"], second["certificate_id"][:20]):
        browser.go("line")
        scanned(browser, text, "SN00001")
        browser.sees("Earlier certificate")
        assert browser.text("main h2").splitlines()[:2] == ["Certificate Issued, waits for the upload", "Earlier certificate Issued, waits for the upload"]
        shown = browser.text("main")
        assert shown.index(second["serial"]) < shown.index(first["serial"])


# ---- one device

def test_all_of_a_device(plant, cloud, start, browser):
    """What the page says in words is what the certificate and the command line say."""
    plant.configure(things="yes", policies="first")
    uploads.policies(cloud, "first")
    (cn,) = plant.queue(1)
    server = start(plant.home)
    open_device(browser, server, cn)
    browser.sees("It waits for the next upload.")
    plant.upload()
    (row,) = plant.home.certificates()
    (shown,) = plant.home.json("cert", "show", row["serial"])
    (there,) = shown["registrations"]
    browser.sees("Registered with AWS", seconds=20)     # by itself
    leaf = x509.load_pem_x509_certificate(plant.pems[row["serial"]].encode())
    ca = x509.load_pem_x509_certificate(plant.home.ca_pem())
    words = page.facts(browser, "main section")

    def utc(moment):
        return page.when(browser, moment.replace(tzinfo=datetime.timezone.utc).isoformat())

    def plain(term):
        return words[term].splitlines()[0].removesuffix(" Copy")

    assert plain("Serial") == shown["serial"] == f"{leaf.serial_number:032x}"
    assert plain("Certificate id") == shown["certificate_id"] == certs.certificate_id(leaf)
    assert plain("Key id") == shown["key_id"]
    assert words["Valid"] == f"from {utc(leaf.not_valid_before)} to {utc(leaf.not_valid_after)}"
    assert words["Issued"] == page.when(browser, shown["issued_at"])
    assert words["Batch"] == "lot" == shown["batch"]
    assert words["Issuing CA"] == shown["ca"] and shown["ca"] in ca.subject.rfc4514_string()
    assert words["Profile"] == shown["profile"]
    assert plain("ARN") == there["arn"] == cloud.certificates()[shown["certificate_id"]]["arn"]
    assert words["AWS request id"] == there["request_id"] and there["request_id"]
    assert words["Last change"] == page.when(browser, there["updated_at"])
    assert f"account {there['account']}, {there['region']} Done" in browser.text("main h4")
    steps = browser.text("main .steps").splitlines()
    assert steps == ["✓ Certificate registered", "✓ Thing made", "✓ Certificate attached to the thing", "✓ Policy attached", "✓ Active"]
    assert there["done"] == ["register", "thing", "principal", "policy", "activate"]
    assert not browser.offers("button", "Revoke") and not browser.offers("button", "Allow a rework"), "offered to nobody"
    browser.press("link", "lot", browser.one("main"))
    browser.sees("Batch lot", "main h1")


def test_what_aws_said_of_a_device(plant, cloud, start, browser):
    plant.configure(things="yes", policies="first")
    uploads.policies(cloud, "first")
    (cn,) = plant.queue(1)
    cloud.faults({"kind": "error", "operations": ["AttachPolicy"], "status": 410, "code": "LimitExceededException", "message": "Ten policies are enough"})
    plant.upload(code=3)
    cloud.faults()
    server = start(plant.home)
    open_device(browser, server, cn)
    browser.sees("Parked: AWS did not take it", "main h2")
    (there,) = plant.home.json("cert", "show", plant.home.certificates()[0]["serial"])[0]["registrations"]
    browser.sees("LimitExceededException: Ten policies are enough A limit of the AWS account is reached.", "main .error")
    steps = browser.text("main .steps").splitlines()
    assert steps[:3] == ["✓ Certificate registered", "✓ Thing made", "✓ Certificate attached to the thing"] and "✕ Policy attached" in steps
    assert page.facts(browser)["AWS request id"] == there["request_id"]


def test_taking_it_away(site, browser):
    """The PEM is the one of `cert export`; what is copied can be pasted."""
    home, server = site
    one = station.Station(server).enroll("lot", "SN:00.1")
    open_device(browser, server, "SN:00.1")
    browser.press("link", "Download PEM")
    exported = home.run("cert", "export", one["serial"]).out.encode()
    assert browser.download("SN_00.1.pem") == exported
    for text in ("SN:00.1", one["serial"], one["certificate_id"]):
        open_device(browser, server, "SN:00.1")
        browser.press("button", f"Copy {text}")
        browser.sees("Copied.")
        browser.js("const f = document.getElementById('search'); f.value = ''; f.focus()")
        browser.driver.switch_to.active_element.send_keys(Keys.CONTROL, "v")
        assert browser.js("return document.getElementById('search').value") == text


# ---- what is done to it

def test_revoke(site, browser):
    home, server = site
    key = keys.elliptic()
    there = station.Station(server)
    one = there.enroll("lot", "SN00001", key)
    browser.open(server, "#/device/SN00001")
    browser.sign_in(tokens.make(home, "technician", name="anna"))
    browser.press("button", "Revoke")
    asked = browser.dialog()
    assert "Revoke the certificate of SN00001?" in asked.text and "cannot be undone" in asked.text
    browser.press("button", "Revoke", asked)
    browser.type("Reason", "   ", asked)
    browser.press("button", "Revoke", asked)
    assert browser.css("dialog[open]") and home.certificates()[0]["state"] == "issued", "revoked without a reason"
    browser.type("Reason", "burnt <b>board</b>", asked)
    browser.press("button", "Revoke", asked)
    browser.no_dialog()
    browser.sees("Revoked", "main h2")
    has_focus(browser)
    words = page.facts(browser)
    (shown,) = home.json("cert", "show", one["serial"])
    assert (words["Revoked by"], words["Reason"]) == ("token:anna", "burnt <b>board</b>")
    assert words["Revoked at"] == page.when(browser, shown["revoked_at"])
    assert not browser.offers("button", "Revoke")
    event, issued = page.rows(browser, "History")
    assert event[1:] == ["token:anna", "Revoked the certificate", event[3], "burnt <b>board</b>", "127.0.0.1"]
    assert issued[1:] == ["", "Issued", f"lot · {one['serial']}", "", ""]
    answer = there.post("lot", csrs.plain(key, "SN00001"))
    assert answer.status == 403 and "revoked" in answer.json()["detail"]
    browser.go("line", "SN00001")


def test_refused_by_the_server(site, browser):
    """What another has done meanwhile is said in the dialog, in words."""
    home, server = site
    one = station.Station(server).enroll("lot", "SN00001")
    browser.open(server, "#/device/SN00001")
    browser.sign_in(tokens.make(home, "technician", name="anna"))
    csrf = browser.ask("GET", "/v1/session")[1]["csrf"]
    assert browser.ask("POST", f"/v1/certificates/{one['serial']}/revoke", {}, csrf)[0] == 400
    assert browser.ask("POST", f"/v1/certificates/{one['serial']}/revoke", {"reason": " "}, csrf)[0] == 400
    assert browser.ask("POST", f"/v1/certificates/{one['serial']}/revoke", {"reason": "x"}, "wrong")[0] == 403
    assert browser.ask("POST", f"/v1/certificates/{one['serial']}/revoke", {"reason": "x"})[0] == 403
    browser.expect("status of 40[03]")
    browser.press("button", "Revoke")
    asked = browser.dialog()
    home.run("token", "revoke", "anna")
    browser.type("Reason", "burnt board", asked)
    browser.expect("401")
    browser.press("button", "Revoke", asked)
    browser.sees("Your session has ended: nothing was changed.", "dialog")
    browser.press("button", "Cancel", asked)
    browser.find("button", "Sign in")
    assert not browser.offers("button", "Revoke")
    assert home.certificates()[0]["state"] == "issued"


def test_rework(site, browser):
    home, server = site
    there = station.Station(server)
    first = there.enroll("lot", "SN00001")
    assert there.post("lot", csrs.fresh("SN00001")[1]).status == 409
    browser.open(server, "#/device/SN00001")
    browser.sign_in(tokens.make(home, "technician", name="anna"))
    browser.press("button", "Allow a rework")
    asked = browser.dialog()
    browser.press("button", "Allow a rework", asked)
    assert browser.css("dialog[open]"), "allowed without a reason"
    browser.type("Reason", "new board", asked)
    browser.press("button", "Allow a rework", asked)
    browser.no_dialog()
    browser.sees(re.compile(r"A rework is allowed: .*\(token:anna, .*: new board\)"), "main")
    assert not browser.offers("button", "Allow a rework")
    assert [row[1:3] for row in page.rows(browser, "History")] == [
        ["token:anna", "Allowed a rework"], ["", "Refused: This device id has a certificate for another key."], ["", "Issued"]]
    second = there.enroll("lot", "SN00001")
    assert there.post("lot", csrs.fresh("SN00001")[1]).status == 409, "twice"
    browser.sees("Earlier certificate", seconds=20)      # by itself
    shown = browser.text("main")
    assert first["serial"] in shown and second["serial"] in shown and shown.index(second["serial"]) < shown.index(first["serial"])
    assert browser.offers("button", "Allow a rework") and "A rework is allowed" not in shown
    browser.sees("This device id has a certificate for another key.", "#refused")
    assert [row[2].split(":")[0] for row in page.rows(browser, "History")] == ["Refused", "Issued", "Allowed a rework", "Refused", "Issued"]


def test_a_refused_device(site, browser):
    """Who has a device in his hand that got no certificate scans it, and reads why and what to do."""
    home, server = site
    home.batch("listed", 5, "--pattern", "XX.*")
    there = station.Station(server)
    there.refuse("device_not_listed", "listed", "SN00077")
    browser.open(server)
    scanned(browser, "SN00077", "SN00077")
    browser.sees("No certificate was issued for “SN00077”: it was refused.", "main")
    browser.sees("Check its label and the batch of the station.", "#refused")
    there.enroll("lot", "SN00077")
    browser.sees("Issued", "main", seconds=20)      # by itself
    assert not browser.css("#refused"), "what was refused before is history"
    assert [row[2].split(":")[0] for row in page.rows(browser, "History")] == ["Issued", "Refused"]


def test_who_may_read_only(site, browser):
    home, server = site
    one = station.Station(server).enroll("lot", "SN00001")
    browser.open(server, "#/device/SN00001")
    browser.sign_in(tokens.make(home, "viewer"))
    browser.sees(one["serial"], "main")
    assert not browser.offers("button", "Revoke") and not browser.offers("button", "Allow a rework")
    csrf = browser.ask("GET", "/v1/session")[1]["csrf"]
    browser.expect("status of 403")
    assert browser.ask("POST", f"/v1/certificates/{one['serial']}/revoke", {"reason": "x"}, csrf)[0] == 403
    assert browser.ask("POST", "/v1/devices/SN00001/rework", {"reason": "x"}, csrf)[0] == 403
    assert home.certificates()[0]["state"] == "issued"


# ---- the ways of scanners

def test_two_scans_in_a_row(site, browser):
    """The second takes the place of the first, however fast it comes; the last is what is shown."""
    _, server = site
    there = station.Station(server)
    for n in range(1, 4):
        there.enroll("lot", f"SN0000{n}")
    browser.open(server)
    has_focus(browser)
    browser.keys("SN00001", Keys.ENTER, "SN00002", Keys.ENTER, "SN00003", Keys.ENTER)
    browser.wait("the last one", lambda: at(browser) == "#/device/SN00003")
    browser.sees("SN00003", "main h1")


def test_a_scanner_that_ends_with_tab(site, browser):
    _, server = site
    there = station.Station(server)
    there.enroll("lot", "SN00001")
    there.enroll("lot", "SN00002")
    browser.open(server)
    has_focus(browser)
    for cn in ("SN00001", "SN00002"):
        browser.keys(cn, Keys.TAB)
        browser.wait(cn, lambda cn=cn: at(browser) == f"#/device/{cn}")
        has_focus(browser)


def test_what_scanners_add(site, browser):
    """The mark of the kind of code before it, and colons in what is hexadecimal."""
    _, server = site
    made = station.Station(server).enroll("lot", "SN00001")
    browser.open(server)
    colons = ":".join(made["serial"][i:i + 2] for i in range(0, 32, 2))
    for text in ("]C1SN00001", colons, colons.upper()):
        browser.go("health")
        has_focus(browser)
        scanned(browser, text, "SN00001")


def test_a_scan_presses_no_button(site, browser):
    """The dialog is filled in and the button has the focus; a label that is scanned now revokes nothing."""
    home, server = site
    there = station.Station(server)
    there.enroll("lot", "SN00001")
    there.enroll("lot", "SN00002")
    badge = tokens.make(home, "technician")
    browser.open(server)
    browser.sign_in(badge)
    open_device(browser, server, "SN00001")
    browser.press("button", "Revoke")
    asked = browser.dialog()
    browser.type("Reason", "stolen", asked)
    time.sleep(0.2)                                 # whoever types is not as fast as a scanner
    browser.keys(Keys.TAB)
    assert browser.focused() == "Revoke"
    browser.search("SN00002")
    assert browser.css("dialog[open]") and not [c for c in home.certificates() if c["state"] == "revoked"]
    browser.press("button", "Revoke", asked)
    browser.no_dialog()
    assert [c["device_id"] for c in home.certificates() if c["state"] == "revoked"] == ["SN00001"]
