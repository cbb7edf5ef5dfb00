"""The first screen: does the line issue, how fast, what was refused and what to do; and it says so within a second."""
import json
import re
import time

import pytest

import client
import csrs
import faketime
import home as homes
import limits
import station
import tokens
import uploads
from uploads import cloud, plant, standin  # noqa: F401

TEXTS = json.loads((homes.ROOT / "web" / "lang" / "en.json").read_text(encoding="utf-8"))

# state: its words, its class, and what only its drawing has
LOOKS = {
    "issuing": ("Issuing", ["state", "good"], r'<circle [^>]*r="46"'),
    "idle": ("Ready", ["state", "good", "hollow"], r'<circle [^>]*r="40"'),
    "waiting": ("Waiting for a batch", ["state", "warn"], r'^<path d="M50 4 97 94H3Z"></path>$'),
    "attention": ("Someone is needed", ["state", "warn"], r'^<path d="M50 4 97 94H3Z"></path><path class="mark"'),
    "refusing": ("Not issuing", ["state", "bad"], r'^<path d="M7 7H93V93H7Z"></path><path class="mark"'),
}
COLOURS = {"good": "rgb(10, 107, 45)", "warn": "rgb(255, 184, 28)", "bad": "rgb(179, 38, 30)"}


def shown(browser, name, *sentences):
    """The line is in that state: in words, in shape, in colour; and in the corner, and in the window's title."""
    words, classes, shape = LOOKS[name]
    got = browser.becomes(name)
    assert (got["words"], got["class"]) == (words, classes) and re.search(shape, got["shape"]), got
    assert [n for n, look in LOOKS.items() if re.search(look[2], got["shape"])] == [name], "the shape is another state's too"
    assert got["colour"] == COLOURS[classes[1]]
    for sentence in sentences:
        assert sentence in got["text"], got["text"]
    browser.wait("the title", lambda: browser.driver.title.startswith(words))
    assert browser.one("#light .shape").get_attribute("innerHTML") == got["shape"]
    return got


@pytest.fixture
def lot(home, start):
    home.batch("lot", 40)
    server = start(home)
    return station.Station(server), server


# ---- the one big state -----------------------------------------------------------------------------------------------

def test_waiting_ready_issuing_and_full(home, start, browser):
    server = start(home)
    browser.open(server)
    shown(browser, "waiting", "Ask the line lead to open one")
    home.batch("lot", 2)
    shown(browser, "idle", "No device has come in the last minute.")
    posts = station.Station(server)
    posts.issue("lot")
    shown(browser, "issuing", "Devices get their certificates.")
    posts.issue("lot")
    shown(browser, "waiting")
    home.batch("more", 5, "--approval")
    browser.sees("more", ".cards")
    shown(browser, "waiting")
    home.run("batch", "open", "more")
    shown(browser, "issuing")


def test_a_minute_without_a_device(home, start, browser, tmp_path):
    clock = faketime.Clock(tmp_path / "clock")
    home.batch("lot", 5)
    server = start(home, env=clock.environment())
    browser.open(server)
    station.Station(server).issue("lot")
    shown(browser, "issuing")
    clock.turn("+62")
    browser.becomes("idle", 20)
    shown(browser, "idle")


@pytest.mark.parametrize("back", ["-2h", "-20y"])
def test_a_wrong_clock(home, start, browser, tmp_path, back):
    """Behind the newest certificate, and before the program was built."""
    clock = faketime.Clock(tmp_path / "clock")
    home.batch("lot", 5)
    server = start(home, env=clock.environment())
    posts = station.Station(server)
    posts.issue("lot")
    browser.open(server)
    shown(browser, "issuing")
    clock.turn(back)
    posts.refuse("clock_invalid")
    browser.becomes("refusing", 20)
    shown(browser, "refusing", "Clock", "The clock of the line server is wrong. Call the engineer to set it.")
    clock.turn("+0")
    browser.becomes("issuing", 20)


def test_a_full_disk(home, start, browser):
    home.batch("lot", 5)
    home.configure("guard", "disk_reserve_mib", "900000000")
    server = start(home)
    browser.open(server)
    shown(browser, "refusing", "Disk", "Call the engineer to make room")
    station.Station(server).refuse("disk_low")
    browser.sees("The line server's disk is nearly full.", ".refusals")


def test_a_ca_that_ends_soon(empty, start, browser):
    empty.init("--days", 20, "--ca-name", "Old CA")
    empty.batch("lot", 5)
    server = start(empty)
    station.Station(server).issue("lot")
    browser.open(server)
    got = shown(browser, "attention", "CA", "Old CA", "The engineer has to set up a new one.")
    assert re.search(r"ends in (19|20) days", got["text"]), got["text"]


def test_a_certificate_that_aws_did_not_take(plant, cloud, start, browser):  # noqa: F811
    ids = plant.queue(4)
    cloud.faults({"kind": "error", **uploads.BAD_ROW, **uploads.REGISTER, "subjects": ids[1:2]})
    server = start(plant.home)
    browser.open(server)
    browser.becomes("issuing", 20)
    browser.sees("0 of 4 registered with AWS")
    plant.upload(code=3)
    browser.becomes("attention", 20)
    shown(browser, "attention", "Upload", "Certificates that AWS did not take: 1. The upload view says why")
    browser.sees("3 of 4 registered with AWS", ".cards")
    browser.sees("1 parked", ".cards")


def test_red_goes_before_amber(empty, start, browser):
    """The worst is the state; what else needs someone stands below it."""
    empty.init("--days", 20)
    empty.batch("lot", 5)
    empty.configure("guard", "disk_reserve_mib", "900000000")
    browser.open(start(empty))
    got = shown(browser, "refusing", "Disk", "CA")
    assert got["text"].index("Disk") < got["text"].index("CA")


# ---- how much, how fast ----------------------------------------------------------------------------------------------

def bars(browser, batch):
    """[(value, max), ...] of the batch's progress bars, and the text beside them."""
    return browser.js("""
        const card = [...document.querySelectorAll(".batch")].find((one) => one.dataset.key === arguments[0]);
        return card && [[...card.querySelectorAll("progress")].map((bar) => [bar.value, bar.max]), card.innerText];""", batch)


def test_numbers_are_the_ledgers(plant, start, browser):  # noqa: F811
    home = plant.home
    plant.register_ca()
    home.batch("small", 7)
    home.batch("great", 2000)
    home.batch("shut", 3)
    home.run("batch", "close", "shut")
    server = start(home)
    browser.open(server)
    posts = station.Station(server)
    posts.issue("small", 3)
    posts.issue("great", 9)
    plant.upload("--batch", "small")
    posts.issue("small", 2)
    small, great = home.batch_show("small"), home.batch_show("great")
    assert (small["issued"], small["registered"], great["issued"]) == (5, 3, 9)
    browser.wait("the numbers", lambda: bars(browser, "small")[0] == [[5, 7], [3, 5]] and bars(browser, "great")[0] == [[9, 2000], [0, 9]])
    text = bars(browser, "small")[1]
    assert "5 of 7 issued, 71%" in text and "3 of 5 registered with AWS" in text, text
    assert "9 of 2,000 issued, 0%" in bars(browser, "great")[1]
    assert bars(browser, "shut") is None, "a closed batch is no open one"
    # at this rate: of the last ten minutes
    rate = {b["name"]: b for b in client.Client(server).get("/v1/status").json()["batches"]}["great"]["per_hour"]
    assert rate == 54
    assert re.search(r"54 per hour, 36 hr 52 min to the end", bars(browser, "great")[1]), bars(browser, "great")[1]
    counts = browser.text(".counts")
    assert re.search(r"Now\s+84\s*devices per hour", counts) and re.search(r"Last hour\s+14\b", counts), counts
    assert re.search(r"This shift\s+14\s*since", counts) and re.search(r"Refused this shift\s+0\s*since", counts), counts
    posts.refuse("csr_malformed", "great")
    browser.sees(re.compile(r"Refused this shift\s+1\s*since"), ".counts")


def test_the_chart_and_its_table(home, start, browser, tmp_path):
    """Five hours of a shift: what the table says is what was issued and refused, hour by hour."""
    clock = faketime.Clock(tmp_path / "clock")
    home.batch("lot", 500)
    server = start(home, env=clock.environment())
    posts = station.Station(server)
    issued = []
    for hour in range(5):
        clock.turn(f"+{hour}h")
        issued.append(len(posts.issue("lot", 3 + 2 * hour)))
        for _ in range(hour):
            posts.refuse("csr_malformed")
    browser.open(server)
    browser.becomes("issuing")
    drawn = browser.js("""return { label: document.querySelector(".chart").getAttribute("aria-label"),
        up: [...document.querySelectorAll(".chart rect.issued")].map((r) => [+r.getAttribute("y"), +r.getAttribute("height")]),
        down: [...document.querySelectorAll(".chart rect.refused")].map((r) => [+r.getAttribute("y"), +r.getAttribute("height")]) };""")
    assert f"{sum(issued)} issued, 10 refused" in drawn["label"], drawn["label"]
    assert len(drawn["up"]) == 5 and len(drawn["down"]) == 4
    zero = max(y + height for y, height in drawn["up"])
    assert all(abs(y + height - zero) < 0.3 for y, height in drawn["up"]) and all(y > zero for y, _ in drawn["down"])
    heights = [height for _, height in drawn["up"]]
    assert all(abs(h / heights[-1] - n / issued[-1]) < 0.02 for h, n in zip(heights, issued)), (heights, issued)
    browser.press("button", "The numbers as a table")
    rows = browser.wait("the table", lambda: browser.js(
        "return [...document.querySelectorAll('details[open] tbody tr')].map((tr) => [...tr.cells].map((cell) => cell.innerText))"))
    assert [int(row[1]) for row in rows if int(row[1])] == issued[::-1]
    assert [int(row[2]) for row in rows if int(row[1])] == [4, 3, 2, 1, 0]
    # it stays open while the line goes on
    posts.issue("lot")
    browser.sees(re.compile(rf"Last hour\s+{issued[-1] + 1}\b"), ".counts")
    assert browser.css("details[open]")


# ---- the last devices, and refusals ----------------------------------------------------------------------------------

def last(browser):
    """[[device and batch, result and station, time], ...] as shown, newest first."""
    return browser.js("return [...document.querySelectorAll('.last tbody tr')].map((tr) => [...tr.cells].map((cell) => cell.innerText))")


def test_the_last_devices(lot, browser):
    posts, server = lot
    browser.open(server)
    key, csr = csrs.fresh("SN-1")
    assert posts.post("lot", csr).status == 201
    assert posts.post("lot", csr).status == 200
    posts.refuse("key_rejected", cn="SN-2")
    rows = browser.wait("three rows", lambda: (lambda rows: rows if len(rows) == 3 else None)(last(browser)))
    assert [re.split(r"\s+", row[0]) for row in rows] == [["SN-2", "lot"], ["SN-1", "lot"], ["SN-1", "lot"]], rows
    assert "The device's key is not one that this line certifies." in rows[0][1] and "✕" in rows[0][1]
    assert "Given again" in rows[1][1] and "Issued" in rows[2][1] and "127.0.0.1" in rows[2][1]
    assert all(re.match(r"\d+:\d\d:\d\d", row[2]) for row in rows), rows
    browser.press("link", "SN-1", browser.one(".last"))
    browser.sees("SN-1", "main h1")


def groups(browser):
    """{reason: (times, what to do, [station lines])} as shown."""
    return {g[0]: (g[1], g[2], g[3]) for g in browser.js("""
        return [...document.querySelectorAll(".refusal")].map((li) => [li.querySelector("b").innerText, li.querySelector(".times").innerText,
            li.querySelectorAll("p")[1].innerText, [...li.querySelectorAll(".stations li")].map((one) => one.innerText)]);""")}


def test_refusals_by_reason_and_station(lot, home, browser):
    posts, server = lot
    other = station.Station(server, source="127.0.0.2")
    home.batch("full", 1)
    posts.issue("full")
    home.batch("shut", 1)
    home.run("batch", "close", "shut")
    home.batch("sn", 5, "--pattern", "SN[0-9]{8}")
    home.batch("later", 5, "--approval")
    browser.open(server)
    browser.sees("Nothing was refused.")
    for _ in range(3):
        posts.refuse("csr_signature_invalid")
    cn = other.refuse("csr_signature_invalid")
    browser.wait("two stations", lambda: groups(browser).get("The device sent no proof that it holds its key.", [0, 0, []])[0] == "4×")
    times, advice, stations = groups(browser)["The device sent no proof that it holds its key."]
    assert advice == "Power-cycle it and test again; if it repeats, set it aside."
    assert len(stations) == 2, "a cell is a reason at a station"
    assert stations[0].startswith("127.0.0.2: 1×, last ") and stations[1].startswith("127.0.0.1: 3×, last "), stations
    assert stations[0].endswith(f"· {cn}"), stations
    wanted = ["csr_signature_invalid"]
    for code, batch in (("csr_malformed", "lot"), ("key_rejected", "lot"), ("subject_rejected", "lot"), ("device_exists", "lot"),
                        ("key_reused", "lot"), ("batch_full", "full"), ("batch_closed", "shut"), ("device_not_listed", "sn"),
                        ("batch_waiting", "later"), ("batch_not_found", None)):
        posts.refuse(code, batch)
        wanted.append(code)
        browser.wait(code, lambda: TEXTS[f"code.{code}.title"] in groups(browser))
        found = groups(browser)[TEXTS[f"code.{code}.title"]]
        assert found[:2] == ("1×", TEXTS[f"code.{code}.do"]), found
    # the latest first, and not more than a screen holds
    assert list(groups(browser)) == [TEXTS[f"code.{code}.title"] for code in wanted[::-1][:8]]
    posts.refuse("csr_signature_invalid")
    browser.wait("the first again", lambda: list(groups(browser))[0] == TEXTS["code.csr_signature_invalid.title"])
    assert groups(browser)[TEXTS["code.csr_signature_invalid.title"]][0] == "5×"


# ---- within a second -------------------------------------------------------------------------------------------------

WATCH = """
    window.seenAt = {};
    new MutationObserver(() => {
        const text = document.querySelector("main").textContent;
        for (const word of window.wanted) if (!(word in window.seenAt) && text.includes(word)) window.seenAt[word] = Date.now();
    }).observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true });"""


def test_a_new_event_shows_within_a_second(lot, browser):
    """From the answer that the device got to the page as it is drawn; whenever in the second it comes."""
    posts, server = lot
    browser.open(server)
    browser.becomes("idle")
    names = [csrs.device() for _ in range(6)]
    browser.js("window.wanted = arguments[0];" + WATCH, names)
    answered = {}
    for i, cn in enumerate(names):
        if i % 2:
            posts.refuse("key_rejected", cn=cn)
        else:
            posts.issue("lot", cn=cn)
        answered[cn] = time.time()
        browser.wait("it to show", lambda: browser.js("return arguments[0] in window.seenAt", cn))
        time.sleep(0.37 * i % 1)    # no wait for anything: the next one comes at another part of the second
    late = {cn: at / 1000 - answered[cn] for cn, at in browser.js("return window.seenAt").items()}
    assert max(late.values()) < limits.seconds(1), sorted(late.values())


def test_a_batch_made_elsewhere_shows(lot, home, browser):
    _, server = lot
    browser.open(server)
    browser.becomes("idle")
    home.batch("from-the-office", 5)
    browser.sees("from-the-office", ".cards")
    home.run("batch", "close", "from-the-office")
    browser.gone("from-the-office", ".cards")


def test_who_reads_along_is_not_disturbed(lot, browser):
    """What is typed stays, the focus stays, the place in the page stays, while devices come."""
    posts, server = lot
    posts.issue("lot", 25)
    browser.open(server, size=(1024, 400))
    browser.sees("25 of 40 issued")
    browser.press("button", "The numbers as a table")
    browser.js("scrollTo(0, 300)")
    summary = browser.find("button", "The numbers as a table")
    browser.js("arguments[0].focus({ preventScroll: true })", summary)
    node = browser.one(".chart")
    posts.issue("lot")
    browser.sees("26 of 40 issued")
    assert browser.js("return [document.activeElement === arguments[0], scrollY]", summary) == [True, 300]
    assert node.is_displayed()


def test_when_all_are_refused(home, start, browser):
    """Five in a row, and none that was not: the line does not issue, whatever else is well. The next certificate ends it."""
    home.batch("lot", 50)
    server = start(home)
    there = station.Station(server)
    there.issue("lot")
    for _ in range(4):
        there.refuse("csr_signature_invalid")
    browser.open(server)
    browser.becomes("issuing")
    there.refuse("csr_signature_invalid")
    browser.becomes("refusing")
    got = shown(browser, "refusing", "The last 5 requests were all refused.", "The device sent no proof that it holds its key.", "Power-cycle it")
    assert "bad" in got["class"]
    there.issue("lot")
    browser.becomes("issuing")


def test_a_device_is_refused_on_a_line_that_waits(home, start, browser):
    """Nobody reads "Ready, no device has come" while he stands there with the one that was refused; the next certificate ends it."""
    home.batch("lot", 50, "--pattern", "SN.*")
    server = start(home)
    there = station.Station(server)
    browser.open(server)
    browser.becomes("idle")
    there.refuse("device_not_listed", "lot", "XX1")
    browser.becomes("attention")
    shown(browser, "attention", "The last device was refused.", "The device does not belong to this batch.", "XX1 · 127.0.0.1")
    there.issue("lot", cn="SN00001")
    browser.becomes("issuing")


def test_one_station_is_refused_every_time(home, start, browser):
    """The others go on: amber, and the station is named. Its next certificate ends it."""
    home.batch("lot", 50)
    home.configure("server", "enroll", "token")
    server = start(home)
    good, bad = (station.Station(server, headers=tokens.bearer(tokens.make(home, "enroll", name=name))) for name in ("sA", "sB"))
    browser.open(server)
    for n in range(5):
        browser.becomes("issuing" if n else "idle")
        good.issue("lot")
        bad.refuse("csr_signature_invalid", cn=f"SN{n}")
        good.issue("lot")
    browser.becomes("attention")
    shown(browser, "attention", "The last 5 requests of one station were all refused.", "Power-cycle it", "SN4 · sB")
    bad.issue("lot")
    browser.becomes("issuing")


def test_an_upload_that_did_not_do_its_work(plant, cloud, start, browser):
    """Amber until a run has gone well: what is queued would wait every night."""
    plant.queue(3, ca=False)
    server = start(plant.home)
    browser.open(server)
    browser.becomes("issuing")
    plant.upload(code=4)
    browser.becomes("attention", 20)
    shown(browser, "attention", "The last upload (", "AWS does not know the issuing CA, or it is not active there.")
    browser.go("upload")
    browser.sees("It could not start:", "main")
    browser.sees("lineca aws register-ca", "main .error")
    plant.register_ca()
    plant.upload()
    browser.go("line")
    browser.becomes("issuing", 20)


def test_done_before_the_shift_ends(lot, browser):
    """What the production manager asks: is the order done by then, at this rate?"""
    posts, server = lot
    posts.issue("lot", 20)
    browser.open(server)
    batch = browser.wait("its rate", lambda: next((b for b in client.Client(server).get("/v1/status").json()["batches"] if b["left_s"]), None))
    words = TEXTS["batch.this_shift" if batch["done_this_shift"] else "batch.not_this_shift"]
    browser.sees(words, ".cards")


def test_a_token_that_is_not_good_any_more(home, start, browser):
    """The station is named, and what to do; the line is red though no request ever came as far as a certificate."""
    home.batch("lot", 50)
    home.configure("server", "enroll", "token")
    token = tokens.make(home, "enroll", name="station-3")
    server = start(home)
    there = station.Station(server, headers=tokens.bearer(token))
    there.issue("lot")
    browser.open(server)
    browser.becomes("issuing")
    home.run("token", "revoke", "station-3")
    for _ in range(5):
        assert there.post("lot", csrs.fresh()[1]).status == 401
    browser.becomes("refusing")
    browser.wait("the reason", lambda: TEXTS["code.unauthorized.title"] in groups(browser))
    times, advice, (line,) = groups(browser)[TEXTS["code.unauthorized.title"]]
    assert times == "5×" and advice == TEXTS["code.unauthorized.do"] and line.startswith("station-3: 5×, last ")
