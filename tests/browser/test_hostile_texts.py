"""
Texts of devices, people, AWS and addresses stay texts: whatever they hold, nothing of it runs, becomes an element, or takes the room of others.
browser.end() sees to it besides that the page neither broke its policy, nor logged an error, nor asked another server.
"""
import csv
import io
import json
import urllib.parse

import pytest

import browser as browsers
import client
import csrs
import page
import station
import tokens
import uploads
from uploads import REGISTER, plant  # noqa: F401  a fixture

IMAGE = '<img src=x onerror="window.ran=1">'
SCRIPT = '"><script>window.ran=1</script><svg onload=window.ran=1>'
BREAKS = "</textarea></td></table></main></title><iframe src=javascript:window.ran=1>&lt;b&gt;&#60;b>"
BACKWARDS = "\u202e\u2066drawkcab\u2067"
UNSEEN = "a\u200b\u200d\ufeffb\u0301\u0301\u0301"
LONG = "W" * 250
TEXTS = {"image": IMAGE, "script": SCRIPT, "breaks": BREAKS, "backwards": BACKWARDS, "unseen": UNSEEN, "long": LONG,
         "template": "${window.ran=1}{{window.ran=1}}{name}{id}", "url": "javascript:window.ran=1", "formula": "=1+1", "proto": "__proto__"}
NAMES = ("__proto__", "constructor", "toString", "hasOwnProperty")      # what each JavaScript object knows

VIEWS = (*browsers.VIEWS, "batch/lot", "device/SN1")


def clean(browser, where=""):
    """Nothing has run, nothing has become an element or an address, and all stays within the page."""
    found = browser.js("""
        const ours = new Set(["/app.js"]);
        const odd = [...document.querySelectorAll("img, iframe, object, embed, base, video, audio, style, math, template, marquee, script, b b, svg svg")]
            .filter((e) => !(e.tagName === "SCRIPT" && ours.has(e.getAttribute("src"))));
        const handlers = [...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((a) => a.name.startsWith("on") || (a.name === "style" && e !== document.documentElement) || a.name === "srcdoc"));
        const links = [...document.querySelectorAll("[href], [src], [action], [formaction]")].flatMap((e) => ["href", "src", "action", "formaction"]
            .map((n) => e.getAttribute(n)).filter((v) => v !== null && !/^(#|\\/(?!\\/))/.test(v)));
        return { ran: window.ran ?? null, odd: odd.map((e) => e.outerHTML.slice(0, 100)), handlers: handlers.map((e) => e.outerHTML.slice(0, 100)), links,
            polluted: Object.keys(Object.prototype).length + ({}.name ?? "") };""")
    assert found == {"ran": None, "odd": [], "handlers": [], "links": [], "polluted": "0"}, f"{where}: {found}"
    over, what = browser.sideways()
    assert over <= 0, f"{where} is {over} pixels too broad: {what}"


def every_view(browser, server, views=VIEWS, size=browsers.TABLET):
    """Looks at each, at the wall and at what is there without scripts; yields (name, text) to look further."""
    for view in views:
        browser.open(server, f"#/{view}", size=size)
        browser.wait("the view", lambda: "Loading" not in page.settled(browser))
        clean(browser, view)
        yield view, browser.text("main")
    browser.open(server, "?wall", size=size)
    browser.wait("the wall", lambda: browser.css("main .last"))
    clean(browser, "the wall")
    yield "wall", browser.text("main")
    browser.open(server, javascript=False, size=size)
    yield "without scripts", browser.text("main")


def post(server, badge, method, path, **members):
    with client.Client(server) as c:
        return c.request(method, path, json.dumps(members).encode(), {"Content-Type": "application/json", **tokens.bearer(badge)})


# ---- texts of people

@pytest.mark.parametrize("kind", TEXTS)
def test_reasons(home, start, browser, kind):
    """Why somebody did something, in all that is told of it: events, a device's history, a rework, a revocation."""
    text = TEXTS[kind]
    home.batch("lot", 50)
    server = start(home)
    badge = tokens.make(home, "technician", name="tina")
    one = station.Station(server).enroll("lot", "SN1")
    for method, path, more in (("POST", "/v1/batches", {"name": "other", "quantity": 5}), ("PATCH", "/v1/batches/lot", {"state": "closed"}),
                               ("POST", "/v1/devices/SN1/rework", {}), ("POST", f"/v1/certificates/{one['serial']}/revoke", {})):
        answer = post(server, badge, method, path, reason=text, **more)
        assert answer.status in (200, 201), str(answer)
    for view, shown in every_view(browser, server):
        if view in ("events", "device/SN1", "batch/lot"):
            assert shown.count(text if kind != "unseen" else "a\u200b") >= 1, f"{view} does not show it: {shown}"
    browser.open(server, "#/events")
    rows = browser.wait("the events", lambda: page.rows(browser, "Events"))
    assert [row[1] for row in rows[:4]] == ["token:tina"] * 4
    assert [row[2] for row in rows[:4]] == ["Revoked the certificate", "Allowed a rework", "Closed the batch", "Made the batch"]
    if kind == "backwards":     # it turns no other cell round
        assert browser.js("return [...document.querySelectorAll('td')].every((e) => getComputedStyle(e).direction === 'ltr')")


def test_typed_into_the_page(home, start, browser):
    """The dialogs' and the search's own: what is wrong comes back in words, with the text in them."""
    home.batch("lot", 50)
    server = start(home)
    browser.open(server, "#/batches")
    browser.sign_in(tokens.make(home, "technician", name="tina"))
    browser.expect("status of 4(00|04|22)")
    for text in (IMAGE, SCRIPT[:60], "{name}", "..", "a/b", "=1+1"):
        browser.press("button", "New batch")
        asked = browser.dialog()
        browser.type("Name", text, asked)
        browser.type("Ordered", "5", asked)
        browser.type("Pattern of device ids", IMAGE, asked)
        browser.type("Device ids", SCRIPT.replace(" ", ""), asked)
        browser.type("Reason", IMAGE, asked)
        browser.press("button", "Make the batch", asked)
        browser.wait("what is wrong", lambda: browser.text("dialog .error"))
        clean(browser, text)
        browser.press("button", "Cancel", asked)
        browser.no_dialog()
        browser.go("batches")
    for text in (IMAGE, SCRIPT, BREAKS[:128], "{n}{text}", "%00", "%3Cimg%3E", "../..", BACKWARDS, "W" * 128, "__proto__", "'; DROP TABLE batch; --"):
        browser.go("health")
        browser.search(text)
        browser.wait("the answer", lambda: browser.text("main h1") in ("Devices", "That did not work"))
        clean(browser, text)
        assert f"Nothing found for “{text.strip()}”" in browser.text("main") or "That did not work" in browser.text("main"), browser.text("main")
    assert [b["name"] for b in home.json("batch", "list")] == ["lot"]


def test_names_that_objects_know(home, start, browser):
    """Batches, devices, stations and persons that are called as JavaScript calls its own."""
    for name in NAMES:
        home.batch(name, 50)
    badges = {name: tokens.make(home, "technician", name=name) for name in NAMES}
    server = start(home)
    for name in NAMES:
        there = station.Station(server, headers=tokens.bearer(badges[name]))
        there.enroll(name, name)
        there.refuse("device_exists", batch=name, cn=f"{name}-2")
        assert post(server, badges[name], "PATCH", f"/v1/batches/{name}", state="closed", reason=name).status == 200
    views = (*browsers.VIEWS, *(f"batch/{name}" for name in NAMES), *(f"device/{name}" for name in NAMES))
    for view, shown in every_view(browser, server, views):
        kind, _, name = view.partition("/")
        if kind == "batch":
            assert f"Batch {name}" in shown and "1 of 50 issued" in shown or "2 of 50 issued" in shown, shown
            assert f"token:{name}" in shown and "This device id has a certificate for another key." in shown
        elif kind == "device":
            assert name in shown and "Certificate id" in shown
        elif kind in ("batches", "line", "devices", "events"):
            assert all(n in shown for n in NAMES), (view, shown)
    browser.open(server, "#/line")
    for name in NAMES:
        browser.search(name)
        browser.sees(name, "main h1")


# ---- texts of devices and stations

def test_what_devices_ask(home, start, browser):
    """A name in a request that is refused may hold anything; so may the batch it asks for."""
    home.batch("lot", 50)
    home.batch("listed", 50, "--pattern", "A[^<>B]*(x|y)+.?")
    server = start(home)
    there = station.Station(server)
    for text in (IMAGE, SCRIPT, BREAKS, BACKWARDS, UNSEEN, "W" * 60, "=1+1", "{station}"):
        with client.Client(server) as c:
            answer = c.enroll(urllib.parse.quote(text, safe=""), csrs.good())
            assert answer.status in (400, 404), str(answer)
        answer = there.post("lot", csrs.fresh(text[:64])[1])
        assert answer.status in (400, 422) or text == "W" * 60, str(answer)
        assert there.post("listed", csrs.fresh(text[:64])[1]).status >= 400
        there.post("lot", csrs.request(csrs.keys.elliptic(), csrs.name(("CN", "SN1"), ("O", text), ("OU", text))))
    with client.Client(server) as c:
        for header in ("User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Request-Id", "Referer", "From"):
            assert c.request("POST", "/v1/enroll/none", csrs.good(), {"Content-Type": "application/pkcs10", header: f'{IMAGE} for="{IMAGE}"'}).status == 404
    for view, shown in every_view(browser, server, (*VIEWS, "batch/listed")):
        if view in ("line", "wall"):
            assert "The name in the request is not accepted." in shown or view == "wall", shown
    browser.open(server, "#/line", size=browsers.PHONE)
    browser.sees("There is no batch of that name.")
    clean(browser, "a phone")


def test_long_names_leave_room(home, start, browser):
    """The longest that is allowed, without a place to break, on each screen; what stands beside it is still to be seen."""
    name = "W" * 64
    home.batch(name, 100000000)
    badge = tokens.make(home, "enroll", name="M" * 64)
    server = start(home)
    there = station.Station(server, headers=tokens.bearer(badge))
    there.enroll(name, "Q" * 64)
    there.refuse("device_exists", batch=name, cn="O" * 64)
    there.refuse("subject_rejected", batch=name)
    for size in (browsers.PHONE, browsers.TABLET, browsers.WALL):
        for view, shown in every_view(browser, server, (*browsers.VIEWS, f"batch/{name}", f"device/{'Q' * 64}"), size):
            if view == "line":
                assert "of 100,000,000 issued" in shown and "M" * 64 in shown


def test_the_ca_s_name(empty, start, browser):
    """Whoever made the home chose it."""
    name = '"><img src=x onerror=window.ran=1>'
    done = empty.run("init", "--ca-name", name, code=None)
    if done.code != 0:
        assert "ca-name" in done.err.lower() or "name" in done.err, str(done)     # then it can not be
        return
    empty.batch("lot", 50)
    server = start(empty)
    station.Station(server).enroll("lot", "SN1")
    for view, shown in every_view(browser, server):
        if view in ("health", "device/SN1", "batch/lot"):
            assert name in shown, shown


# ---- texts of AWS

@pytest.mark.parametrize("kind", ["image", "script", "breaks", "backwards", "long", "template", "formula"])
def test_what_aws_says(plant, cloud, start, browser, kind):
    text = TEXTS[kind]
    seen = text if kind != "backwards" else "drawkcab"      # signs of no letter are not kept
    plant.queue(1, "lot", ca=False)
    plant.register_ca()
    cloud.faults({"kind": "error", "code": "InvalidRequestException", "message": text, "status": 400, **REGISTER})
    plant.upload(code=3)
    cloud.faults()
    (row,) = plant.home.certificates()
    (plant.home.path / "reports" / f"{IMAGE.replace('/', '')}.csv").write_text("x")
    server = start(plant.home)
    for view, shown in every_view(browser, server, (*browsers.VIEWS, "batch/lot", f"device/{row['device_id']}")):
        if view == "upload":
            assert "InvalidRequestException (Certificate registered): " in shown and seen in shown, shown
        elif view.startswith("device/"):
            assert "InvalidRequestException: " in shown and seen in shown, shown


def test_what_stops_a_run(plant, cloud, start, browser):
    """The outcome of a run holds AWS's words too; and its code may be anything."""
    plant.queue(2)
    cloud.faults({"kind": "error", "code": "AccessDeniedException", "message": IMAGE + SCRIPT, "status": 403, **REGISTER})
    plant.upload(code=5)
    server = start(plant.home)
    for view, shown in every_view(browser, server, (*browsers.VIEWS, "batch/lot")):
        if view == "upload":
            assert plant.status()["last_run"]["outcome"] in shown


# ---- addresses

HASHES = ("#/device/<script>window.ran=1</script>", "#/device/%3Cimg%20src%3Dx%20onerror%3Dwindow.ran%3D1%3E", "#/device/%22%3E%3Csvg%20onload%3Dwindow.ran%3D1%3E",
          "#/devices/%3Cimg%20src%3Dx%20onerror%3Dwindow.ran%3D1%3E", "#/batch/%3Cimg%20src%3Dx%20onerror%3Dwindow.ran%3D1%3E", "#/batch/%00", "#/device/%00",
          "#/devices/%00%00", "#/batch/%", "#/batch/%E0%A4", "#/batch/%0D%0ASet-Cookie:%20a=b", "#/batch/..", "#/batch/..%2F..%2Fv1%2Fsession", "#/device/../session",
          "#/device/..%2F..%2Fhealthz", "#/device/.", "#/batch/%2E%2E%2Fcertificates", "#/batch/lot%3Fx=%23", "#/__proto__", "#/__proto__/x", "#/constructor",
          "#/toString/x", "#/hasOwnProperty", "#//evil.example/", "#/line/https://evil.example/", "#/line?x=<b>", "#/device/" + "A" * 5000, "#/batch/" + "%3C" * 3000,
          "#/events/%F0%9F%92%A9", "#/batch/__proto__", "#/device/constructor", "#/upload/../../x", "#/health/%E2%80%AE")


def test_hashes(home, start, browser):
    """A link that somebody was sent."""
    home.batch("lot", 50)
    server = start(home)
    browser.expect("status of 4(00|04|14|31)")
    for signed_in in (False, True):
        for path in HASHES:
            browser.open(server, path)
            browser.wait(path, lambda: browser.css("main h1") and "Loading" not in browser.text("main"))
            clean(browser, path)
            assert browser.css("#search"), path
        if not signed_in:
            browser.sign_in(tokens.make(home, "admin", name="anna"))
    for path in ("#javascript:window.ran=1", "#<img src=x onerror=window.ran=1>", "#search", "#main"):
        browser.open(server, path)
        clean(browser, path)
    assert [e["action"] for e in home.json("event", "list")] == ["token.create", "batch.create"], "a look has changed something"


def test_queries(home, start, browser):
    home.batch("lot", 50)
    server = start(home)
    evil = urllib.parse.quote(IMAGE)
    for path in (f"?wall={evil}", f"?{evil}", f"?wall&{evil}#/device/{evil}", f"?lang={evil}&language={evil}", "?__proto__[x]=1&constructor=2", f"?{'a' * 3000}"):
        browser.open(server, path)
        clean(browser, path)
        assert bool(browser.css("html.wall")) == path.startswith("?wall")
        browser.open(server, path, javascript=False)
        assert IMAGE not in browser.driver.page_source and browser.css("main .state")
    browser.expect("status of 4(00|04)")
    for path in (f"{evil}", f"index.html/{evil}", f"lang/{evil}.json", "..%2f..%2fetc/passwd", f"v1/batches/{evil}", f"v1/certificates?q={evil}", f"v1/uploads/reports/{evil}"):
        browser.driver.get(f"http://{server.host}:{server.port}/{path}")
        assert browser.js("return [window.ran ?? null, document.querySelectorAll('img, script, svg').length]") == [None, 0], path


def test_heads(home, start):
    """What a client says of itself, of where it came from and of what it calls us is nowhere in a page."""
    home.batch("lot", 50)
    server = start(home)
    with client.Client(server) as c:
        plain = c.get("/")
        for header in ("User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "X-Original-URL", "X-Rewrite-URL",
                       "Origin", "Referer", "Accept-Language", "X-Request-Id", "X-HTTP-Method-Override", "Cookie"):
            for path in ("/", "/v1/status", "/none"):
                answer = c.request("GET", path, headers={header: f"http://evil.example/{IMAGE}"})
                assert b"evil.example" not in answer.body and b"onerror" not in answer.body, (header, path, answer)
                assert not [v for k, v in answer.headers.items() if "evil" in v], (header, answer.headers.items())
                assert not [k for k in answer.headers if k.lower().startswith("access-control-")]
            assert c.request("GET", "/", headers={header: IMAGE}).headers["Content-Security-Policy"] == plain.headers["Content-Security-Policy"]
        for host in (IMAGE, "evil.example", "evil.example:80@127.0.0.1", "127.0.0.1.evil.example"):
            answer = c.request("GET", "/v1/status", headers={"Host": host})
            assert answer.status >= 400 and b"onerror" not in answer.body, (host, answer)
            assert not [v for v in answer.headers.values() if "evil" in v or "onerror" in v]


@pytest.mark.parametrize("language", ["__proto__", "constructor", "toString", "../../v1/session#", IMAGE, "", "de-<b>", "DE", "xx", "\u202ede", "W" * 5000])
def test_the_remembered_language(home, start, browser, language):
    home.batch("lot", 50)
    server = start(home)
    browser.open(server)
    browser.js("localStorage.setItem('language', arguments[0])", language)
    browser.open(server, lang="es", path="#/batches")
    wanted = "Lotes" if language not in ("de-<b>", "DE") else "Chargen"
    browser.sees(wanted, "nav") if wanted == "Lotes" else browser.wait("German", lambda: browser.js("return document.documentElement.lang") == "de")
    clean(browser, language)


def test_a_browser_s_odd_languages(home, start, browser):
    server = start(home)
    for lang in ("__proto__", "../../etc/passwd", "xx-YY", "constructor,de"):
        browser.open(server, lang=lang)
        browser.sees("Linie" if lang.endswith("de") else "Line", "nav")
        clean(browser, lang)


# ---- what is taken away

def test_a_spreadsheet_opens_it(home, start, browser):
    """A cell that begins like a formula: ids can not hold such signs, but for the minus; and the CSV is exact, for programs."""
    home.batch("lot", 50)
    server = start(home)
    there = station.Station(server)
    for bad in ("..", "=1+1", "+1", "@SUM(1)", '"x', "a,b", "a;b", "\t=1", " =1"):
        assert there.post("lot", csrs.fresh(bad)[1]).status == 422, bad
    for odd in ("-1-1", "1:1", "...", "__proto__"):
        there.enroll("lot", odd)
    browser.open(server, "#/batch/lot")
    browser.press("link", "Devices as CSV")
    rows = list(csv.DictReader(io.StringIO(browser.download("lot.csv").decode())))
    assert {row["device_id"] for row in rows} == {"-1-1", "1:1", "...", "__proto__"}
    assert not [cell for row in rows for cell in row.values() if cell[:1] in ("=", "+", "@", "\t", "\r")]
