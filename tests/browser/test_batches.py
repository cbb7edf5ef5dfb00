"""Orders, by those who make them: made, opened, closed, raised, approved, refused; wrong input is said where it stands."""
import csv
import io
import re

import pytest

import browser as browsers
import station
import tokens
from page import rows


@pytest.fixture
def page(home, start, browser):
    """The batches as a technician has them."""
    server = start(home)
    browser.open(server)
    browser.sign_in(tokens.make(home, "technician", name="tina"))
    browser.go("batches")
    browser.server = server
    return browser


def admin(page, home):
    """Another person takes over."""
    page.press("button", "Sign out tina")
    page.find("button", "Sign in")
    page.sign_in(tokens.make(home, "admin", name="adam"))


def newest_event(home, action):
    return next(e for e in home.json("event", "list") if e["action"] == action)


def facts(page):
    """{term: what stands beside it} of the batch's page."""
    return dict(page.js("return [...document.querySelectorAll('.facts > div')].map((d) => [...d.children].map((c) => c.innerText))"))


# ---- made ------------------------------------------------------------------------------------------------------------

def test_make_one(page, home):
    page.sees("No batch is open.")
    page.press("button", "New batch")
    dialog = page.dialog("New batch")
    page.type("Name", "lot-4711", dialog)
    page.type("Ordered", "3", dialog)
    page.type("Pattern of device ids", "SN[0-9]{4}", dialog)
    page.type("Reason", "order 88", dialog)
    page.press("button", "Make the batch", dialog)
    page.sees("Batch lot-4711", "main h1")
    page.no_dialog()
    page.sees("Done. It is recorded.", "#toast")
    row = home.batch_show("lot-4711")
    assert (row["state"], row["quantity"], row["issued"]) == ("open", 3, 0)
    event = newest_event(home, "batch.create")
    assert (event["actor"], event["object"], event["reason"]) == ("token:tina", "lot-4711", "order 88")
    assert facts(page)["Devices"] == "SN[0-9]{4}" and facts(page)["Ordered"] == "3"
    # it issues what it was made for, and nothing else
    posts = station.Station(page.server)
    posts.issue("lot-4711", cn="SN0001")
    posts.refuse("device_not_listed", "lot-4711", cn="XX0001")
    page.wait("the counts", lambda: facts(page)["Issued"] == "1" and facts(page)["Remaining"] == "2")
    page.sees("The device does not belong to this batch.", ".refusals")
    page.sees("SN0001", "table")
    page.sees(re.compile(r"tina\s.*Made the batch.*order 88", re.S))


def test_make_one_with_a_list_that_waits(page, home):
    page.press("button", "New batch")
    dialog = page.dialog()
    page.type("Name", "listed", dialog)
    page.type("Ordered", "2", dialog)
    page.type("Device ids", "SN1\nSN2", dialog)
    page.find("field", "Waits until somebody approves it", dialog).click()
    page.type("Reason", "pilot", dialog)
    page.press("button", "Make the batch", dialog)
    page.sees("Batch listed", "main h1")
    posts = station.Station(page.server)
    posts.refuse("batch_waiting", "listed", cn="SN1")
    page.sees("Waits for approval", ".badge")
    page.press("button", "Approve")
    dialog = page.dialog("Open batch listed?")
    page.type("Reason", "samples seen", dialog)
    page.press("button", "Open", dialog)
    page.no_dialog()
    page.sees("Open", ".badge")
    posts.issue("listed", cn="SN1")
    posts.refuse("device_not_listed", "listed", cn="SN3")
    assert facts(page)["Devices"] == "Only those of its list"
    assert newest_event(home, "batch.open")["reason"] == "samples seen"


def test_refuse_what_waits(page, home):
    home.batch("doubtful", 5, "--approval")
    page.sees("doubtful", "tbody")
    page.press("link", "doubtful")
    page.sees("Waits for approval", ".badge")
    assert page.offers("button", "Approve") and not page.offers("button", "Close")
    page.press("button", "Refuse")
    dialog = page.dialog("Close batch doubtful?")
    page.type("Reason", "not ours", dialog)
    page.press("button", "Close", dialog)
    page.sees("Closed", ".badge")
    station.Station(page.server).refuse("batch_closed", "doubtful")
    assert home.batch_show("doubtful")["state"] == "closed"


# ---- opened and closed -----------------------------------------------------------------------------------------------

def test_close_and_open_again(page, home):
    home.batch("lot", 5)
    posts = station.Station(page.server)
    page.go("batch/lot", "Batch lot")
    page.press("button", "Close")
    dialog = page.dialog("Close batch lot?")
    assert "can be opened again" in dialog.text
    page.press("button", "Cancel", dialog)
    page.no_dialog()
    assert home.batch_show("lot")["state"] == "open", "who cancels changes nothing"
    posts.issue("lot")
    page.press("button", "Close")
    dialog = page.dialog()
    page.type("Reason", "shift is over", dialog)
    page.press("button", "Close", dialog)
    page.sees("Closed", ".badge")
    posts.refuse("batch_closed", "lot")
    page.press("button", "Open")
    dialog = page.dialog("Open batch lot?")
    page.type("Reason", "goes on", dialog)
    page.press("button", "Open", dialog)
    page.wait("it to be open", lambda: page.text(".badge") == "Open")
    posts.issue("lot")
    assert [(e["actor"], e["reason"]) for e in home.json("event", "list") if e["action"] in ("batch.close", "batch.open")] == [
        ("token:tina", "goes on"), ("token:tina", "shift is over")]
    page.sees(re.compile(r"goes on.*shift is over", re.S), "main")


# ---- raised ----------------------------------------------------------------------------------------------------------

def test_only_an_admin_raises_and_says_why(page, home):
    home.batch("lot", 1)
    posts = station.Station(page.server)
    posts.issue("lot")
    posts.refuse("batch_full", "lot")
    page.go("batch/lot", "Complete")
    assert page.offers("button", "Close") and not page.offers("button", "Raise the quantity")
    admin(page, home)
    page.press("button", "Raise the quantity")
    dialog = page.dialog("Raise the quantity of lot")
    assert "1 are ordered now" in dialog.text
    page.type("Ordered", "3", dialog)
    page.press("button", "Raise the quantity", dialog)
    assert page.js("return document.querySelector('dialog [name=reason]').validity.valueMissing") and page.css("dialog[open]")
    page.type("Reason", "order 88 was raised", dialog)
    page.press("button", "Raise the quantity", dialog)
    page.no_dialog()
    page.wait("the new quantity", lambda: facts(page)["Ordered"] == "3")
    assert home.batch_show("lot")["quantity"] == 3
    event = newest_event(home, "batch.quantity")
    assert (event["actor"], event["reason"]) == ("token:adam", "order 88 was raised")
    page.sees(re.compile(r"adam\s+Raised the quantity.*order 88 was raised", re.S), "main")
    page.go("events", re.compile(r"adam\s+Raised the quantity.*order 88 was raised", re.S))
    assert len(posts.issue("lot", 2)) == 2


# ---- wrong input -----------------------------------------------------------------------------------------------------

def values(page):
    return page.js("return [...document.querySelectorAll('dialog input, dialog textarea')].map((field) => field.value)")


@pytest.mark.parametrize("name, pattern, devices, says", [
    ("taken", "", "", "taken"), ("no blanks", "", "", "name"), ("fine", "SN[0-9", "", "pattern"), ("fine", "", "SN1\nSN1", "SN1")])
def test_wrong_input_is_said_and_nothing_is_lost(page, home, name, pattern, devices, says):
    """What the server refuses stands in the dialog, with all that was typed; corrected, it is taken."""
    page.expect("status of 4(00|09|22)")
    home.batch("taken", 1)
    page.press("button", "New batch")
    dialog = page.dialog()
    typed = {"Name": name, "Ordered": "500", "Pattern of device ids": pattern, "Device ids": devices, "Reason": "because"}
    for label, text in typed.items():
        page.type(label, text, dialog)
    before = values(page)
    page.press("button", "Make the batch", dialog)
    words = page.wait("the error", lambda: page.text("dialog [role=alert]"))
    assert says in words, words
    assert values(page) == before and page.css("dialog[open]")
    page.type("Name", "corrected", dialog)
    page.type("Pattern of device ids", "", dialog)
    page.find("field", "Pattern of device ids", dialog).clear()
    page.find("field", "Device ids", dialog).clear()
    page.press("button", "Make the batch", dialog)
    page.sees("Batch corrected", "main h1")
    assert home.batch_show("corrected")["quantity"] == 500 and len(home.json("batch", "list")) == 2


@pytest.mark.parametrize("quantity", ["", "0", "-5", "1.5", "1e3", "5,00", "100000001"])
def test_a_quantity_that_is_none(page, home, quantity):
    page.press("button", "New batch")
    dialog = page.dialog()
    page.type("Name", "lot", dialog)
    page.type("Reason", "because", dialog)
    page.type("Ordered", quantity, dialog)
    page.press("button", "Make the batch", dialog)
    assert page.js("return document.activeElement.name") == "quantity" and page.css("dialog[open]")
    assert not page.js("return document.activeElement.validity.valid") and home.json("batch", "list") == []


@pytest.mark.parametrize("written", ["1000", "1.000", "1,000", "1 000"])
def test_a_thousand(page, home, written):
    """However a country writes it."""
    page.press("button", "New batch")
    dialog = page.dialog()
    page.type("Name", "lot", dialog)
    page.type("Ordered", written, dialog)
    page.type("Reason", "because", dialog)
    page.press("button", "Make the batch", dialog)
    page.sees("Batch lot", "main h1")
    assert home.batch_show("lot")["quantity"] == 1000


def test_who_did_what(page, home):
    """What was done to the batch and to the certificates of its devices, the newest first; not what was done elsewhere."""
    home.batch("lot", 5)
    home.batch("other", 5)
    posts = station.Station(page.server)
    posts.issue("lot", cn="SN1")
    posts.issue("lot", cn="SN2")
    posts.issue("other", cn="SN3")
    serial = {row["device_id"]: row["serial"] for row in home.certificates()}
    home.run("cert", "revoke", serial["SN2"], "--reason", "fell from the belt")
    home.run("cert", "revoke", serial["SN3"], "--reason", "of another order")
    page.go("device/SN1", "Allow a rework")
    page.press("button", "Allow a rework")
    dialog = page.dialog()
    page.type("Reason", "new board", dialog)
    page.press("button", "Allow a rework", dialog)
    page.no_dialog()
    home.run("batch", "quantity", "lot", "9", "--reason", "four more")
    page.go("batch/lot", "four more")
    actor = newest_event(home, "batch.quantity")["actor"]
    table = rows(page, "Events")
    assert [row[1:4] + row[5:6] for row in table] == [
        [actor, "Raised the quantity", "lot", "four more"],
        ["token:tina", "Allowed a rework", "SN1", "new board"],
        [actor, "Revoked the certificate", "SN2", "fell from the belt"],
        [actor, "Made the batch", "lot", ""]]


def test_a_reason_of_blanks_is_none(page, home):
    home.batch("lot", 5)
    page.go("batch/lot", "Batch lot")
    page.press("button", "Close")
    dialog = page.dialog()
    page.type("Reason", "   ", dialog)
    page.press("button", "Close", dialog)
    assert page.css("dialog[open]") and home.batch_show("lot")["state"] == "open"


def test_no_answer_loses_nothing_that_was_typed(page, home):
    """The server goes while somebody types; what was typed is still there when it has come back."""
    page.expect(*browsers.GONE)
    server = page.server
    page.press("button", "New batch")
    dialog = page.dialog()
    page.type("Name", "lot", dialog)
    page.type("Ordered", "5", dialog)
    page.type("Reason", "because", dialog)
    before = values(page)
    server.kill()
    page.press("button", "Make the batch", dialog)
    page.sees("it may have been done all the same", "dialog [role=alert]")
    assert values(page) == before
    assert home.json("batch", "list") == []


# ---- taken away ------------------------------------------------------------------------------------------------------

def test_the_devices_as_csv(page, home):
    home.batch("lot", 300)
    posts = station.Station(page.server)
    posts.issue("lot", 120)
    page.go("batch/lot", "Batch lot")
    page.press("link", "Devices as CSV")
    got = list(csv.DictReader(io.StringIO(page.download("lot.csv").decode()), strict=True))
    ledger = home.certificates("--batch", "lot", "--limit", 1000)
    columns = ("device_id", "serial", "state", "certificate_id", "issued_at")
    assert list(got[0]) == list(columns) and len(got) == 120
    wanted = sorted(tuple(str(row[c]) for c in columns) for row in ledger)
    assert sorted(tuple(row[c] for c in columns) for row in got) == wanted


def test_all_of_them_in_one_table(page, home):
    """What waits first, then what is open, then what is closed; each with its numbers, and a way to its own page."""
    for name in ("closed-lot", "open-lot"):
        home.batch(name, 10)
    home.batch("waiting-lot", 10, "--approval")
    home.run("batch", "close", "closed-lot")
    station.Station(page.server).issue("open-lot", 4)
    page.go("line")
    page.go("batches", "closed-lot")
    rows = page.wait("the numbers", lambda: (lambda rows: rows if "4 of 10 issued" in rows[1][2] and "24 per hour" in rows[1][3] else None)(page.js(
        "return [...document.querySelectorAll('main tbody tr')].map((tr) => [...tr.cells].map((cell) => cell.innerText))")))
    assert [(row[0], row[1]) for row in rows] == [
        ("waiting-lot", "Waits for approval"), ("open-lot", "Open"), ("closed-lot", "Closed")]
    page.press("link", "open-lot")
    page.sees("Batch open-lot", "main h1")
