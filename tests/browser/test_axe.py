"""Accessibility: axe-core (WCAG 2.2 AA and its best practices) has nothing against any view or dialog, light or dark."""
import pytest

import browser as browsers

VIEWS = {
    "line": "Last devices", "batches": "WO-2026-4713", "batch/WO-2026-4711": "Who did what", "batch/WO-2026-4713": "Approve", "devices": "Scan a label",
    "devices/SN00": "there are more", "devices/nothing": "Nothing found", "device/SN00007": "A rework is allowed", "device/A0017": "Failed calls",
    "upload": "CertificateConflictException", "health": "Fingerprint", "events": "Allowed a rework",
}
DIALOGS = [     # view, what opens it
    ("batches", "New batch"), ("batch/WO-2026-4711", "Close"), ("batch/WO-2026-4711", "Raise the quantity"), ("batch/WO-2026-4713", "Approve"),
    ("batch/WO-2026-4713", "Refuse"), ("batch/WO-2026-4709", "Open"), ("device/SN00007", "Revoke"), ("device/SN00008", "Allow a rework"),
    ("upload", "Try all again"),
]
SCREENS = [(browsers.TABLET, False), (browsers.PHONE, True)]


def look(browser, what, *rules_off):
    found = browser.axe(*rules_off)
    assert not found, f"{what}:\n{found}"


@pytest.mark.parametrize("size, touch", SCREENS, ids=["tablet", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_view(day, browser, size, touch, dark):
    browser.open(day.server, size=size, touch=touch, dark=dark)
    browser.sign_in(day.badges["admin"])
    for view, sees in VIEWS.items():
        browser.go(view, sees)
        for details in browser.css("details:not([open]) > summary"):
            browser.js("arguments[0].parentElement.open = true", details)
        look(browser, view)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_dialog(day, browser, dark):
    browser.open(day.server, dark=dark)
    browser.press("button", "Sign in")
    browser.dialog("Sign in")
    look(browser, "sign in")
    browser.press("button", "Cancel")
    browser.sign_in(day.badges["admin"])
    for view, button in DIALOGS:
        browser.go(view)
        browser.press("button", button, browser.one("main"))
        browser.dialog()
        look(browser, f"{view}: {button}")
        browser.press("button", "Cancel")
        browser.no_dialog()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [browsers.WALL, browsers.WALL_4K], ids=["1080", "2160"])
def test_the_wall(day, browser, size, dark):
    browser.open(day.server, "?wall", size=size, dark=dark)
    browser.sees("Last devices")
    look(browser, "the wall")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_state(home, start, browser, dark):
    """The colours of the big state that the day's line is not in: waiting, ready, refusing; and a server that is lost."""
    browser.expect("healthz - .*status of 503", *browsers.GONE)
    server = start(home)
    browser.open(server, dark=dark)
    browser.becomes("waiting")
    look(browser, "waiting")
    home.batch("lot", 5)
    browser.becomes("idle", 20)
    look(browser, "idle")
    server.stop()
    browser.sees("No answer from the line server", "#lost")
    look(browser, "lost")
    home.configure("guard", "disk_reserve_mib", "900000000")
    start(home, listen=f"127.0.0.1:{server.port}")
    browser.becomes("refusing", 20)
    look(browser, "refusing")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_sign_in_page(home, start, browser, dark):
    browser.expect("status of 401")
    home.configure("server", "read", "token")
    browser.open(start(home), dark=dark)
    look(browser, "sign in")
    browser.search("wrong")
    browser.sees("This token is not good", "[role=alert]")
    look(browser, "a wrong token")


def test_without_javascript(day, browser):
    """axe is a script: it runs in the page as the server sent it, whose own scripts never ran."""
    browser.open(day.server, javascript=False)
    browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
    # it loads itself again: what happens now is the one thing that WCAG 2.2.1 lets be timed
    look(browser, "without scripts", "meta-refresh")
