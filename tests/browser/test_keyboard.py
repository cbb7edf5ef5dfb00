"""By keyboard alone: everything can be reached, in the order in which it stands there, and the focus is always to be seen."""
import time

from selenium.webdriver.common.keys import Keys

import station
import tokens

FOCUSABLE = """
    return [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
        .filter((e) => e.checkVisibility() && !e.disabled && !e.closest("details:not([open]) > :not(summary)"));"""

SEEN = """
    const e = document.activeElement, style = getComputedStyle(e), r = e.getBoundingClientRect();
    return [e, parseFloat(style.outlineWidth), style.outlineStyle, e.matches(":focus-visible"),
        r.width > 0 && r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth];"""


def walk(browser, key):
    """Where the focus is after that key; it is to be seen there."""
    browser.keys(key)
    element, width, style, visible, in_sight = browser.js(SEEN)
    if element.tag_name != "body":
        assert visible and width >= 2 and style != "none" and in_sight, (element.get_attribute("outerHTML")[:200], width, style, in_sight)
    return element


def to(browser, name, most=80):
    """Tab until something with that accessible name has the focus."""
    for _ in range(most):
        if browser.focused() == name:
            return
        walk(browser, Keys.TAB)
    raise AssertionError(f"Tab does not come to {name!r}; it is at {browser.focused()!r}")


def test_tab_goes_through_everything_in_order(day, browser):
    """From the skip link on: what can be pressed, each once, as it stands in the page."""
    for view in ("line", "batches", "batch/WO-2026-4711", "device/SN00007", "upload"):
        browser.open(day.server, f"#/{view}", size=(1280, 900))
        browser.wait("its content", lambda: browser.css("main table"))
        wanted = browser.js(FOCUSABLE)
        browser.js("document.activeElement.blur(); document.querySelector('.skip').focus()")
        assert walk(browser, Keys.TAB) == wanted[1] and browser.js("return document.querySelector('.skip')") == wanted[0]
        wanted = browser.js(FOCUSABLE)      # the line goes on
        got = [walk(browser, Keys.TAB) for _ in wanted[2:]]
        assert [e.id for e in got] == [e.id for e in wanted[2:]], [e.text[:30] for e in got]


def test_the_skip_link(day, browser):
    browser.open(day.server)
    browser.wait("the page", lambda: browser.css("main .state") and browser.js("return document.activeElement.id === 'search'"))
    browser.js("document.querySelector('.skip + *').focus()")
    assert walk(browser, (Keys.SHIFT, Keys.TAB)) == browser.one(".skip")
    assert browser.js("return document.querySelector('.skip').getBoundingClientRect().top >= 0")
    browser.keys(Keys.ENTER)
    assert browser.js("return document.activeElement.id") == "main"
    first = walk(browser, Keys.TAB)
    assert browser.js("return document.querySelector('main').contains(arguments[0])", first)
    assert browser.css("main .state"), "the view is still there"


def by_hand(browser, text):
    """Who types a reason and goes on is not as fast as a scanner, whose words are taken out again."""
    browser.keys(text)
    time.sleep(0.2)
    browser.keys(Keys.TAB)


def test_a_whole_order(home, start, browser):
    """Signed in, made, looked at, closed, opened again, signed out: no mouse."""
    server = start(home)
    token = tokens.make(home, "technician", name="tina")
    browser.open(server)
    browser.wait("the page", lambda: browser.css("main .state"))
    browser.js("document.activeElement.blur()")
    to(browser, "Sign in")
    browser.keys(Keys.ENTER)
    browser.dialog("Sign in")
    browser.keys(token, Keys.ENTER)
    browser.find("button", "Sign out tina")
    browser.no_dialog()
    browser.js("document.querySelector('.skip').focus()")
    to(browser, "Batches")
    browser.keys(Keys.ENTER)
    browser.find("button", "New batch")
    to(browser, "New batch")
    browser.keys(Keys.SPACE)
    browser.dialog("New batch")
    assert browser.focused() == "Name"
    browser.keys("by-hand", Keys.TAB, "4", Keys.TAB, "SN[0-9]+", Keys.TAB)
    to(browser, "Reason")
    by_hand(browser, "no mouse")
    assert browser.focused() == "Make the batch"
    browser.keys(Keys.ENTER)
    browser.sees("Batch by-hand", "main h1")
    assert home.batch_show("by-hand")["quantity"] == 4
    station.Station(server).issue("by-hand", cn="SN1")
    for button, state in (("Close", "closed"), ("Open", "open")):
        browser.find("button", button)
        to(browser, button)
        browser.keys(Keys.ENTER)
        browser.dialog()
        assert browser.focused() == "Reason"
        by_hand(browser, "a try")
        assert browser.focused() == button
        browser.keys(Keys.ENTER)
        browser.no_dialog()
        browser.wait(state, lambda: home.batch_show("by-hand")["state"] == state)
        browser.sees(state.capitalize(), ".badge")
    to(browser, "Sign out tina")
    browser.keys(Keys.ENTER)
    browser.find("button", "Sign in")


def test_a_dialog_keeps_the_focus(day, browser):
    """Tab goes round inside, in both directions; Escape ends it and changes nothing; then a scan is heard again."""
    browser.open(day.server)
    browser.sign_in(day.badges["admin"])
    browser.go("batch/WO-2026-4711", "Who did what")
    to(browser, "Raise the quantity")
    browser.keys(Keys.ENTER)
    dialog = browser.dialog("Raise the quantity of WO-2026-4711")
    seen = []
    for key in [Keys.TAB] * 7 + [(Keys.SHIFT, Keys.TAB)] * 7:
        element = walk(browser, key)
        assert browser.js("return arguments[0].contains(document.activeElement) || document.activeElement === document.body", dialog)
        seen.append(element.accessible_name)
    assert {"Ordered", "Reason", "Raise the quantity", "Cancel"} <= set(seen), seen
    browser.keys(Keys.ESCAPE)
    browser.no_dialog()
    assert day.home.batch_show("WO-2026-4711")["quantity"] == 900
    browser.wait("the focus", lambda: browser.js("return document.activeElement.id") == "search")
    browser.search("SN00007")
    browser.sees("SN00007", "main h1")


def test_the_focus_is_seen_in_both_lights(day, browser):
    """Its ring has a contrast of 3 at least to what is beside it (WCAG 1.4.11)."""
    for dark in (False, True):
        browser.open(day.server, dark=dark)
        browser.wait("the page", lambda: browser.css("main .state"))
        browser.js("document.activeElement.blur()")
        walk(browser, Keys.TAB)
        ring, ground = browser.js("return [getComputedStyle(document.activeElement).outlineColor, getComputedStyle(document.body).backgroundColor]")
        assert contrast(ring, ground) >= 3, (dark, ring, ground)


def contrast(one, other):
    """WCAG's, of two rgb() colours."""
    def luminance(colour):
        parts = [int(float(p)) / 255 for p in colour[colour.index("(") + 1:-1].split(",")[:3]]
        red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
