"""The server goes and comes back; scripts are switched off: the page says what is so, and heals by itself."""
import json
import re
import signal
import time

import pytest

import browser as browsers
import home as homes
import limits
import station

LOST = "No answer from the line server. This page goes on by itself when it is back."


@pytest.fixture
def lot(home):
    home.batch("lot", 50)
    return home


def is_lost(browser, within):
    """The banner stands there in time, and what is old is grey."""
    began = time.monotonic()
    browser.sees(LOST, "#lost", within)
    assert time.monotonic() - began < limits.seconds(within)
    banner = browser.one("#lost")
    assert banner.get_attribute("role") == "alert" and "stale" in browser.js("return document.body.className")


def is_back(browser, within):
    browser.wait("the banner to go", lambda: browser.js("return document.getElementById('lost').hidden"), within)
    assert "stale" not in browser.js("return document.body.className")


@pytest.mark.parametrize("path", ["", "#/batches", "?wall"])
def test_killed_and_started_again(lot, start, browser, path):
    browser.expect(*browsers.GONE)
    server = start(lot)
    browser.open(server, path)
    browser.sees("lot", "main")
    server.kill()
    is_lost(browser, 3)
    again = start(lot, listen=f"127.0.0.1:{server.port}")
    is_back(browser, 4)
    # and it is live again, not only quiet
    station.Station(again).issue("lot", 3)
    browser.sees("3 of 50 issued", "main")


def test_a_server_that_hangs(lot, start, browser):
    """It takes connections and says nothing: as bad as gone."""
    browser.expect(*browsers.GONE)
    server = start(lot)
    posts = station.Station(server)
    browser.open(server)
    browser.becomes("idle")
    server.signal(signal.SIGSTOP)
    try:
        is_lost(browser, 8)
    finally:
        server.signal(signal.SIGCONT)
    is_back(browser, 8)
    (cn,) = posts.issue("lot")
    browser.sees(cn, ".last")


def test_stopped_with_a_good_word(lot, start, browser):
    """SIGTERM: the stream ends well, and still nobody is there."""
    browser.expect(*browsers.GONE, "healthz - .*status of 503")
    server = start(lot)
    browser.open(server)
    browser.becomes("idle")
    server.stop()
    is_lost(browser, 3)
    start(lot, listen=f"127.0.0.1:{server.port}")
    is_back(browser, 4)
    browser.becomes("idle")


def test_not_there_when_the_page_is_loaded(lot, start, browser):
    """The first answer was the page, and then nobody: what the server rendered stays, and the page begins when it can."""
    browser.expect(*browsers.GONE)
    server = start(lot)
    browser.open(server, javascript=False)
    assert browser.css("main .state")
    browser.open(server)
    browser.becomes("idle")
    server.kill()
    is_lost(browser, 3)
    browser.go("line")
    start(lot, listen=f"127.0.0.1:{server.port}")
    is_back(browser, 4)


@pytest.mark.parametrize("lang", [lang for lang in browsers.LANGUAGES if lang != "en"])
def test_it_is_said_in_the_readers_language(lot, start, browser, lang):
    browser.expect(*browsers.GONE)
    texts = json.loads((homes.ROOT / "web" / "lang" / f"{lang}.json").read_text(encoding="utf-8"))
    server = start(lot)
    browser.open(server, lang=lang)
    browser.becomes("idle")
    server.kill()
    browser.sees(texts["lost"], "#lost")


# ---- without scripts -------------------------------------------------------------------------------------------------

def test_the_line_without_javascript(lot, start, browser):
    """State, counts, batches, refusals and last devices, and it loads itself again."""
    server = start(lot)
    posts = station.Station(server)
    browser.open(server, javascript=False)
    assert browser.css("main .state svg circle") and "good" in browser.one("main .state").get_attribute("class")
    assert "lot" in browser.text("main") and browser.js("return document.querySelector('progress').max") == 50
    (cn,) = posts.issue("lot")
    posts.refuse("csr_signature_invalid")
    browser.sees(cn, "main", 20)
    browser.sees("The device sent no proof that it holds its key.", "main")
    assert re.search(r"\bIssuing\b", browser.text("main .state"))
    assert browser.js("return document.querySelector('progress').value") == 1
    assert browser.sideways()[0] <= 0


def test_red_without_javascript(lot, start, browser):
    lot.configure("guard", "disk_reserve_mib", "900000000")
    browser.open(start(lot), javascript=False, size=browsers.PHONE, touch=True)
    assert "bad" in browser.one("main .state").get_attribute("class")
    assert "Not issuing" in browser.text("main .state") and "disk" in browser.text("main .state").lower()
    assert browser.sideways()[0] <= 0


def test_no_sign_in_without_javascript(home, start, browser):
    """Where reading needs a token the page says what is missing, and shows nothing of the line."""
    browser.expect("status of 401")
    home.configure("server", "read", "token")
    home.batch("lot", 5)
    browser.open(start(home), javascript=False)
    assert "Signing in needs JavaScript." in browser.text("main") and "lot" not in browser.text("main")
