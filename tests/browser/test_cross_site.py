"""
The page of somebody else, open in the browser of who works here: it changes nothing, and reads nothing. From another port of the same
machine (the browser sends our cookie there: ports do not count), and from another site.
"""
import http.server
import threading
import types

import pytest

import csrs
import station
import tokens

PAGE = b"<!doctype html><title>elsewhere</title><body><h1>elsewhere</h1>"


class Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


@pytest.fixture(params=["127.0.0.1", "localhost"])
def evil(request):
    """Where the other page comes from: the same site and another origin, or another site."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield f"http://{request.param}:{other.server_port}"
        other.shutdown()


class Site:
    """A line, and a technician's session in the browser that looks at the other page now."""

    def __init__(self, home, server, browser, evil):
        self.home, self.server, self.browser, self.evil = home, server, browser, evil
        self.ours = f"http://{server.host}:{server.port}"
        home.batch("lot", 50)
        station.Station(server).enroll("lot", "SN1")
        browser.open(server)
        browser.sign_in(tokens.make(home, "technician", name="tina"))
        self.before = self.ledger()
        host, port = evil.removeprefix("http://").split(":")
        browser.servers.append(types.SimpleNamespace(host=host, port=int(port), tls_host=None, tls_port=0))
        browser.expect("CORS policy", "status of 4", "ERR_FAILED", "ERR_BLOCKED", "ERR_ABORTED", "Refused to", "frame-ancestors", "MIME type", "Content Security Policy",
                       "Unsafe attempt", "cross-origin", "Cannot use import statement", "favicon", "Unexpected token")
        browser.driver.get(evil)

    def ledger(self):
        return [self.home.json(*what) for what in (("batch", "list"), ("cert", "list"), ("event", "list"), ("token", "list"))][:3]

    def run(self, script, *arguments):
        """An asynchronous script of the other page; `done` ends it."""
        return self.browser.driver.execute_async_script("const done = arguments[arguments.length - 1];" + script, *arguments)

    def untouched(self):
        """Nothing was changed, and the session is as good as before."""
        assert self.ledger() == self.before
        self.browser.driver.get(self.ours + "/#/line")
        self.browser.find("button", "Sign out tina")


@pytest.fixture
def site(home, start, browser, evil):
    return Site(home, start(home), browser, evil)


CHANGES = [("POST", "/v1/batches", '{"name":"theirs","quantity":5,"reason":"x"}'), ("PATCH", "/v1/batches/lot", '{"state":"closed","reason":"x"}'),
           ("POST", "/v1/devices/SN1/rework", '{"reason":"x"}'), ("POST", "/v1/uploads/retry", '{"reason":"x"}'), ("POST", "/v1/session", "{}"), ("DELETE", "/v1/session", None)]


def test_forms(site):
    """A form needs no leave of ours: it is sent, with the cookie where the site is the same, and refused."""
    for path, _ in {(path, body) for method, path, body in CHANGES if method == "POST"}:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            site.browser.driver.get(site.evil)
            site.browser.js("""
                const [action, enctype] = arguments;
                const form = document.createElement("form");
                Object.assign(form, { method: "post", action, enctype });
                const field = document.createElement("input");
                field.name = '{"name":"theirs","quantity":5,"reason":"x","more":"';
                field.value = '"}';
                form.append(field);
                document.body.append(form);
                form.submit();""", site.ours + path, kind)
            site.browser.wait("the answer", lambda: "forbidden" in site.browser.text())
    site.untouched()


def test_fetches(site):
    """Each change, asked in each way that a script has; none is answered in a way that the script can read."""
    for method, path, body in CHANGES:
        for mode in ("cors", "no-cors"):
            for media in ("application/json", "text/plain"):
                said = site.run("""
                    const [url, method, body, mode, media] = arguments;
                    fetch(url, { method, body, mode, credentials: "include", headers: { "Content-Type": media, ...(mode === "cors" ? { "X-CSRF-Token": "x" } : {}) } })
                        .then(async (answer) => done([answer.type, answer.status, await answer.text()]), (failure) => done([failure.name]));""",
                                site.ours + path, method, body, mode, media)
                assert said in (["TypeError"], ["opaque", 0, ""]), (method, path, mode, media, said)
    assert site.browser.js("return navigator.sendBeacon(arguments[0], new Blob([arguments[1]], { type: 'text/plain' }))",
                           site.ours + CHANGES[0][1], CHANGES[0][2])
    site.untouched()


def test_enrolling(site):
    """The line is open to devices of this machine: not to a page that a browser of this machine looks at."""
    csr = csrs.pem(csrs.fresh("SN2")[1]).decode()
    for path in ("/v1/enroll/lot", "/v1/enroll", "/.well-known/est/lot/simpleenroll"):
        for media in ("application/pkcs10", "text/plain"):
            for mode in ("cors", "no-cors"):
                said = site.run("""
                    const [url, body, mode, type] = arguments;
                    fetch(url, { method: "POST", body: new Blob([body], { type }), mode, credentials: "include" })
                        .then((answer) => done([answer.type, answer.status]), (failure) => done([failure.name]));""", site.ours + path, csr, mode, media)
                assert said in (["TypeError"], ["opaque", 0]), (path, media, mode, said)
    site.untouched()


@pytest.mark.parametrize("path", ["/", "/v1/status", "/v1/session", "/v1/live", "/v1/certificates", "/v1/batches/lot/devices.csv", "/app.js", "/lang/en.json", "/openapi.json"])
def test_reading(site, path):
    """By fetch, XMLHttpRequest, event stream, script, module, style sheet, picture: nothing of it is to be had."""
    url = site.ours + path
    read = """fetch(arguments[0], { credentials: arguments[1], mode: arguments[2] }).then(async (answer) => done([answer.type, (await answer.text()).length]), (failure) => done([failure.name]));"""
    for credentials in ("include", "omit"):
        assert site.run(read, url, credentials, "cors") == ["TypeError"]
        if path != "/v1/live":      # it has no end
            assert site.run(read, url, credentials, "no-cors") in (["opaque", 0], ["TypeError"])
    assert site.run("""
        const asked = new XMLHttpRequest();
        asked.withCredentials = true;
        asked.onload = () => done(asked.responseText);
        asked.onerror = () => done(null);
        asked.open("GET", arguments[0]);
        asked.send();""", url) is None
    assert site.run("""
        const events = new EventSource(arguments[0], { withCredentials: true });
        events.onmessage = events.onopen = () => done("read");
        events.onerror = () => { events.close(); done(null); };
        events.addEventListener("status", () => done("read"));""", url) is None
    if path == "/v1/live":
        return site.untouched()
    before = site.browser.js("return Object.keys(window).length")
    for what in ("{ tag: 'script', src: 'src' }", "{ tag: 'script', src: 'src', type: 'module' }", "{ tag: 'link', src: 'href', rel: 'stylesheet' }", "{ tag: 'img', src: 'src' }"):
        site.run(f"""
            const {{ tag, src, type, rel }} = {what};
            const node = document.createElement(tag);
            if (type) node.type = type;
            if (rel) node.rel = rel;
            node.onload = () => done("loaded");
            node.onerror = () => done("failed");
            node[src] = arguments[0];
            document.head.append(node);""", url)
    assert site.browser.js("""
        const rules = (sheet) => { try { return sheet.cssRules.length; } catch { return 0; } };
        return [Object.keys(window).length, [...document.styleSheets].reduce((n, sheet) => n + rules(sheet), 0)];""") == [before, 0]
    site.untouched()


def test_frames(site):
    """Nobody lays the page under his own buttons."""
    for tag, attribute in (("iframe", "src"), ("object", "data"), ("embed", "src")):
        site.browser.driver.get(site.evil)
        site.browser.js("""
            const node = document.createElement(arguments[0]);
            node.setAttribute(arguments[1], arguments[2]);
            node.onload = node.onerror = () => { window.came = true; };
            document.body.append(node);""", tag, attribute, site.ours + "/")
        site.browser.wait("the browser to refuse it", lambda: site.browser.read_logs() or any("frame-ancestors" in said for said in site.browser.said))
        site.browser.said.clear()
        (frame,) = site.browser.css(tag)
        if tag == "iframe":
            site.browser.driver.switch_to.frame(frame)
            assert "lineca" not in site.browser.text() and not site.browser.css("#bar, #main")
            site.browser.driver.switch_to.default_content()
    site.untouched()


def test_windows(site):
    """Who opens the page in another window has its handle, and nothing in it; who is opened by nobody knows of nobody."""
    driver, first = site.browser.driver, site.browser.driver.current_window_handle
    site.browser.js("window.ours = open(arguments[0])", site.ours + "/#/line")
    try:
        (second,) = set(driver.window_handles) - {first}
        driver.switch_to.window(second)
        site.browser.find("button", "Sign out tina")
        driver.switch_to.window(first)
        said = site.browser.js("""
            const tried = {};
            for (const name of ["document", "localStorage", "fetch", "name", "history"]) {
                try { tried[name] = String(ours[name]); } catch (failure) { tried[name] = failure.name; }
            }
            try { tried.href = ours.location.href; } catch (failure) { tried.href = failure.name; }
            try { ours.eval("1"); } catch (failure) { tried.eval = failure.name; }
            ours.postMessage({ action: "revoke", status: { line: { state: "refusing" } }, token: "x" }, "*");
            return tried;""")
        assert set(said.values()) == {"SecurityError"}, said
        driver.switch_to.window(second)
        site.browser.find("button", "Sign out tina")
        assert site.browser.state()["name"] == "issuing"
    finally:
        for handle in set(driver.window_handles) - {first}:
            driver.switch_to.window(handle)
            driver.close()
        driver.switch_to.window(first)
    site.untouched()
