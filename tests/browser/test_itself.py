"""The browser tests' own tools see what they are there to see; else the other files would prove nothing."""
import http.server
import threading

import pytest

import browser as browsers
import station
import tokens


@pytest.fixture
def server(home, start):
    home.batch("lot", 50)
    return start(home)


def test_a_device_shows(server, browser):
    browser.open(server)
    assert browser.becomes("idle")["words"] == "Ready"
    (cn,) = station.Station(server).issue("lot")
    browser.becomes("issuing")
    browser.sees(cn, ".last")


def test_as_a_person_has_it(server, browser):
    """Size, light, touch, language and scripts are the browser's own, not the page's."""
    browser.open(server, size=browsers.PHONE, dark=True, touch=True, lang="vi", scale=2)
    assert browser.js("return [innerWidth, innerHeight, devicePixelRatio, matchMedia('(prefers-color-scheme: dark)').matches,"
                      " matchMedia('(pointer: coarse)').matches, navigator.languages[0]]") == [390, 844, 2, True, True, "vi-VN"]
    browser.open(server)
    assert browser.js("return [innerWidth, innerHeight, devicePixelRatio, matchMedia('(prefers-color-scheme: dark)').matches,"
                      " matchMedia('(pointer: coarse)').matches, navigator.languages[0]]") == [1024, 768, 1, False, False, "en-US"]
    browser.open(server, javascript=False)
    assert browser.css("main .state") and not browser.css("#bar > *")


def test_nothing_is_remembered(server, home, browser):
    browser.open(server)
    browser.sign_in(tokens.make(home, "technician"))
    browser.js("localStorage.setItem('language', 'de')")
    assert browsers.cookies(browser)
    browser.end()
    browser.begin()
    browser.open(server)
    assert not browsers.cookies(browser) and browser.js("return localStorage.length") == 0
    assert browser.offers("button", "Sign in")


def test_errors_are_seen(server, browser):
    browser.open(server)
    browser.js("setTimeout(() => { throw new Error('on purpose') })")
    browser.js("console.error('also on purpose')")
    browser.wait("the log", lambda: browser.read_logs() or len(browser.said) == 2)
    with pytest.raises(AssertionError, match="on purpose"):
        browser.end()
    browser.begin()


def test_a_broken_policy_is_seen(server, browser):
    browser.open(server)
    browser.js("const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.head.append(s)")
    assert browser.js("return window.ran === undefined")
    with pytest.raises(AssertionError, match="Content Security Policy"):
        browser.end()
    browser.begin()


def test_a_look_outside_is_seen(server, browser):
    """Another server is asked by the one way the policy leaves open."""
    class Quiet(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        browser.open(server)
        browser.js("location.href = arguments[0]", f"http://127.0.0.1:{other.server_port}/x")
        browser.wait("the request", lambda: browser.read_logs() or any(url.endswith("/x") for url in browser.asked))
        with pytest.raises(AssertionError, match="outside"):
            browser.end()
        other.shutdown()
    browser.begin()


def test_axe_looks(server, browser):
    browser.open(server)
    browser.becomes("idle")
    assert browser.axe() == ""
    browser.js("""
        const input = document.createElement("input");
        const grey = document.createElement("p");
        grey.textContent = "who can read this?";
        grey.className = "grey";
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(".grey { color: #aaa; background: #fff }");
        document.adoptedStyleSheets.push(sheet);
        document.body.append(input, grey);""")
    found = browser.axe()
    assert "label (critical)" in found and "color-contrast" in found, found


def test_what_sticks_out_is_seen(server, browser):
    browser.open(server, size=browsers.PHONE, touch=True)
    browser.becomes("idle")
    assert browser.sideways()[0] <= 0, browser.sideways()
    browser.js("""
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(".broad { width: 900px; height: 1px }");
        document.adoptedStyleSheets.push(sheet);
        const node = document.createElement("div");
        node.className = "broad";
        document.body.append(node);""")
    assert browser.sideways()[0] > 400
