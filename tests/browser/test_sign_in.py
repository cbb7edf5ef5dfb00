"""Who signs in, how, and what the page offers whom; what it does not offer is refused if it is asked for all the same."""

import pytest
from selenium.webdriver.common.keys import Keys

import browser as browsers
import client
import station
import tokens

WRONG = "This token is not good. Scan it again; if it repeats, ask the engineer for a new one."
OFFERED = {     # role: (a view, the buttons that it has for that role); what only others have is not there
    "batches": {"nobody": set(), "viewer": set(), "technician": {"New batch"}, "admin": {"New batch"}},
    "batch/lot": {"nobody": set(), "viewer": set(), "technician": {"Close"}, "admin": {"Close", "Raise the quantity"}},
    "device/SN1": {"nobody": set(), "viewer": set(), "technician": {"Revoke", "Allow a rework"}, "admin": {"Revoke", "Allow a rework"}},
    "upload": {"nobody": set(), "viewer": set(), "technician": set(), "admin": set()},
    "line": {"nobody": set(), "viewer": set(), "technician": set(), "admin": set()},
}
CHANGES = {"New batch", "Close", "Open", "Raise the quantity", "Revoke", "Allow a rework", "Try again", "Try all again", "Approve", "Refuse"}


@pytest.fixture
def guarded(home):
    home.configure("server", "read", "token")
    home.batch("lot", 50)
    return home


@pytest.fixture
def server(guarded, start):
    return start(guarded)


@pytest.fixture
def signed_out(browser, server):
    """What every one of these sees at first."""
    browser.expect("status of 401")
    browser.open(server)
    browser.server = server
    return browser


def only_sign_in(browser):
    """Nothing of the line is to be seen, and nothing to go to."""
    browser.one("#sign-in")
    assert browser.css(".state, .counts, nav, #search, main table") == []
    assert "lot" not in browser.text("main")
    return True


def test_a_badge_is_scanned(signed_out, guarded):
    token = tokens.make(guarded, "viewer", name="vera")
    only_sign_in(signed_out)
    assert signed_out.focused() == "Scan your badge, or type your token"
    signed_out.search(token)
    signed_out.becomes("idle")
    assert signed_out.offers("button", "Sign out vera") and not signed_out.css("#sign-in")
    assert token not in signed_out.driver.page_source and token not in signed_out.driver.current_url
    cookie, = browsers.cookies(signed_out).values()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict", cookie
    assert signed_out.js("return document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })") == "{}"


def test_typed_by_hand(signed_out, guarded):
    """In small or capital letters, with a mouse, and blanks around it."""
    token = tokens.make(guarded, "viewer", name="vera")
    field = signed_out.type("Scan your badge, or type your token", f"  {token.upper()} ")
    assert field.get_attribute("type") == "password", "nobody reads it over a shoulder"
    signed_out.press("button", "Sign in")
    signed_out.becomes("idle")
    signed_out.find("button", "Sign out vera")


def test_a_wrong_token(signed_out, guarded):
    revoked = tokens.make(guarded, "viewer", name="gone")
    guarded.run("token", "revoke", "gone")
    for text in (tokens.wrong(), "12345678", revoked, "<img src=x onerror=alert(1)>"):
        signed_out.search(text)
        signed_out.sees(WRONG, "#sign-in [role=alert]")
        signed_out.wait("the field to be empty", lambda: signed_out.js(
            "const f = document.getElementById('token'); return f.value === '' && document.activeElement === f"))
        assert text not in signed_out.text()
    only_sign_in(signed_out)
    # and then a good one
    signed_out.search(tokens.make(guarded, "viewer"))
    signed_out.becomes("idle")


def test_a_token_that_may_not_look(signed_out, guarded):
    """A station's token enrolls, and is nobody's badge."""
    signed_out.expect("status of 403")
    signed_out.search(tokens.make(guarded, "enroll"))
    words = signed_out.wait("words", lambda: signed_out.text("#sign-in [role=alert]"))
    assert len(words) > 20
    only_sign_in(signed_out)


def test_where_reading_is_open(home, start, browser):
    """No token: everything can be read, nothing can be changed; the button in the corner makes more of it."""
    home.batch("lot", 50)
    browser.open(start(home))
    browser.becomes("idle")
    token = tokens.make(home, "technician", name="tina")
    browser.press("button", "Sign in")
    dialog = browser.dialog("Sign in")
    browser.press("button", "Cancel", dialog)
    browser.no_dialog()
    browser.press("button", "Sign in")
    browser.dialog("Sign in")
    browser.keys(token, Keys.ENTER)
    browser.find("button", "Sign out tina")
    browser.no_dialog()
    browser.go("batches", "New batch")
    browser.press("button", "Sign out tina")
    browser.gone("New batch")
    browser.find("button", "Sign in")
    assert browsers.cookies(browser) == {}


# ---- roles -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("role", ["nobody", "viewer", "technician", "admin"])
def test_what_is_offered(home, start, browser, role):
    home.batch("lot", 50)
    server = start(home)
    station.Station(server).issue("lot", cn="SN1")
    browser.open(server)
    if role != "nobody":
        browser.sign_in(tokens.make(home, role, name="pat"))
    for view, wanted in OFFERED.items():
        browser.go(view)
        title = {"batches": "Batches", "batch/lot": "Batch lot", "device/SN1": "SN1", "upload": "Upload", "line": "Line"}[view]
        browser.wait(f"the view {view}", lambda: title in browser.js("return document.querySelector('main h1').textContent"))
        browser.wait("its content", lambda: browser.css("main table, main .facts, main .state"))
        assert CHANGES & set(browser.names("button", browser.one("main"))) == wanted[role], view


FORBIDDEN = {
    "nobody": [("POST", "/v1/batches", {"name": "x", "quantity": 1}), ("PATCH", "/v1/batches/lot", {"state": "closed"}),
               ("POST", "/v1/uploads/retry", {}), ("POST", "/v1/devices/SN1/rework", {"reason": "r"}),
               ("PATCH", "/v1/batches/lot", {"quantity": 60, "reason": "r"}), ("POST", "/v1/certificates/SERIAL/revoke", {"reason": "r"})],
    "technician": [("PATCH", "/v1/batches/lot", {"quantity": 60, "reason": "r"})],
}
FORBIDDEN["viewer"] = FORBIDDEN["nobody"]


@pytest.mark.parametrize("role", sorted(FORBIDDEN))
def test_what_is_not_offered_is_refused(home, start, browser, role):
    """Asked from the page itself, with its cookie and the session's own token against forged requests."""
    home.batch("lot", 50)
    server = start(home)
    serial = station.Station(server).enroll("lot", cn="SN1")["serial"]
    browser.open(server)
    csrf = None
    if role != "nobody":
        browser.sign_in(tokens.make(home, role))
        csrf = browser.ask("GET", "/v1/session")[1]["csrf"]
    browser.expect("status of 40[13]")
    before = home.json("event", "list")
    for method, path, body in FORBIDDEN[role]:
        status, answer = browser.ask(method, path.replace("SERIAL", serial), body, csrf)
        assert (status, answer["code"]) == ((401, "unauthorized") if role == "nobody" else (403, "forbidden")), (path, answer)
    assert home.json("event", "list") == before and home.batch_show("lot")["quantity"] == 50


def test_the_page_of_another_site_changes_nothing(home, start, browser):
    """The cookie alone is not enough."""
    home.batch("lot", 50)
    server = start(home)
    browser.open(server)
    browser.sign_in(tokens.make(home, "admin"))
    browser.expect("status of 403")
    for csrf in (None, "", "0" * 64):
        status, answer = browser.ask("PATCH", "/v1/batches/lot", {"state": "closed"}, csrf)
        assert status == 403, answer
    assert home.batch_show("lot")["state"] == "open"


# ---- the end ---------------------------------------------------------------------------------------------------------

def test_signing_out(signed_out, guarded):
    signed_out.search(tokens.make(guarded, "technician", name="tina"))
    signed_out.becomes("idle")
    signed_out.go("batches", "lot")
    value = next(iter(browsers.cookies(signed_out).values()))
    signed_out.press("button", "Sign out tina")
    signed_out.wait("the sign-in", lambda: only_sign_in(signed_out))
    assert browsers.cookies(signed_out) == {}
    with client.Client(signed_out.server) as c:
        old = c.get("/v1/status", Cookie=f"{value['name']}={value['value']}")
    assert old.status == 401, "the session is over for everybody who has the cookie"
    signed_out.driver.back()
    only_sign_in(signed_out)
    signed_out.driver.refresh()
    signed_out.wait("the sign-in", lambda: only_sign_in(signed_out))


def test_the_session_ends_while_the_page_is_open(guarded, start, browser):
    """A page that asks by itself keeps nobody signed in; it asks for the badge again, and goes on where it was."""
    browser.expect("status of 401")
    guarded.configure("server", "session_idle_min", 1)
    server = start(guarded)
    token = tokens.make(guarded, "viewer", name="vera")
    browser.open(server)
    browser.search(token)
    browser.becomes("idle")
    browser.go("batches", "lot")
    browser.wait("the session to end", lambda: browser.css("#sign-in"), 60 + 30)
    only_sign_in(browser)
    browser.search(token)
    browser.sees("lot", "table")
    assert "Batches" in browser.text("main h1")


def test_a_token_is_revoked_while_its_page_is_open(signed_out, guarded):
    signed_out.search(tokens.make(guarded, "technician", name="tina"))
    signed_out.becomes("idle")
    guarded.run("token", "revoke", "tina")
    signed_out.wait("the sign-in", lambda: signed_out.css("#sign-in"), 20)
    only_sign_in(signed_out)


def test_a_change_with_a_revoked_token_is_refused(home, start, browser):
    """Where reading is open the page stays; what it offered a moment ago is refused, with words, and then no longer offered."""
    browser.expect("status of 40[13]")
    home.batch("lot", 50)
    browser.open(start(home))
    browser.sign_in(tokens.make(home, "technician", name="tina"))
    browser.go("batch/lot", "Batch lot")
    browser.press("button", "Close")
    dialog = browser.dialog()
    browser.type("Reason", "why not", dialog)
    home.run("token", "revoke", "tina")
    browser.press("button", "Close", dialog)
    browser.sees("Your session has ended: nothing was changed.", "dialog")
    assert home.batch_show("lot")["state"] == "open"
    browser.keys(Keys.ESCAPE)
    browser.wait("nothing to be offered", lambda: browser.offers("button", "Sign in") and not browser.offers("button", "Close"), 20)


def test_a_restart_of_the_server_asks_again(guarded, start, browser):
    """Sessions are in memory: after a restart the page asks for the badge, without being touched."""
    browser.expect("status of 401", *browsers.GONE)
    server = start(guarded)
    token = tokens.make(guarded, "viewer")
    browser.open(server)
    browser.search(token)
    browser.becomes("idle")
    server.kill()
    browser.sees("No answer from the line server", "#lost")
    start(guarded, listen=f"127.0.0.1:{server.port}")
    browser.wait("the sign-in", lambda: browser.css("#sign-in"), 20)
    only_sign_in(browser)
    browser.search(token)
    browser.becomes("idle")


def test_a_badge_scanned_into_the_search(home, start, browser):
    """Whoever scans a badge wherever he is, is signed in; the token is never to be seen, and in no address."""
    home.batch("lot", 5)
    badge = tokens.make(home, "technician", name="tina")
    browser.open(start(home))
    browser.wait("the search field", lambda: browser.js("return document.activeElement.id === 'search'"))
    browser.search(badge)
    browser.sees("Sign out tina")
    assert badge not in browser.text() and badge not in browser.driver.current_url and browser.js("return document.getElementById('search').value") == ""
    browser.expect("401")
    browser.search("lct" + "0" * 52)
    browser.sees("This token is not good.")
    assert "0000" not in browser.driver.current_url and browser.offers("button", "Sign out tina")
