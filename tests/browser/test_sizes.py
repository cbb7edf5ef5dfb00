"""On each screen: nothing sticks out, nothing is too small for a finger, and on the wall everything is to be seen at once."""
import pytest

import browser as browsers
import home as homes
import server as servers
import station

VIEWS = ("line", "batches", "batch/WO-2026-4711", "devices", "devices/SN00", "device/SN00007", "device/A0017", "upload", "health", "events")
FINGER, LINK = 44, 24   # CSS pixels: of what is pressed; of links in tables and lists, as WCAG 2.2 AA (2.5.8) has it

SMALL = """
    const [finger, link] = arguments;
    const controls = "button, .button, input, select, textarea, summary, nav a, .brand";
    const small = [];
    for (const e of document.querySelectorAll("a[href], " + controls)) {
        if (e.closest(".unseen, .skip") || !e.checkVisibility({ visibilityProperty: true })) continue;
        let { width, height } = e.getBoundingClientRect();
        if (e.type === "checkbox") ({ width, height } = e.labels[0].getBoundingClientRect());
        const least = e.matches(controls) ? finger : link;
        const inText = !e.matches(controls) && e.closest("p, dd");
        if (!inText && (height < least - 0.5 || width < least - 0.5)) small.push(`${e.tagName} “${(e.innerText || e.name || e.id).slice(0, 40)}” ${width.toFixed()}×${height.toFixed()}`);
    }
    return small;"""


@pytest.mark.parametrize("lang", browsers.LANGUAGES)
def test_a_phone_in_each_language(day, browser, lang):
    browser.open(day.server, size=browsers.PHONE, touch=True, lang=lang)
    browser.sign_in(day.badges["admin"])
    for view in VIEWS:
        browser.go(view)
        browser.wait(f"{view} to be drawn", lambda: browser.css("main table, main .facts"))
        over, what = browser.sideways()
        assert over <= 0, f"{view}: {over} pixels: {what}"
        small = browser.js(SMALL, FINGER, LINK)
        assert not small, f"{view}: {small}"


def test_a_tablet_for_fingers(day, browser):
    browser.open(day.server, size=browsers.TABLET, touch=True)
    browser.sign_in(day.badges["admin"])
    for view in VIEWS:
        browser.go(view)
        browser.wait(f"{view} to be drawn", lambda: browser.css("main table, main .facts"))
        assert browser.sideways()[0] <= 0, (view, browser.sideways())
        small = browser.js(SMALL, FINGER, LINK)
        assert not small, f"{view}: {small}"
    # and a whole way by finger
    browser.press("link", "Batches")
    browser.press("button", "New batch")
    dialog = browser.dialog()
    assert not browser.js(SMALL, FINGER, LINK)
    browser.press("button", "Cancel", dialog)
    browser.no_dialog()
    browser.press("link", "WO-2026-4712")
    browser.sees("Batch WO-2026-4712", "main h1")


def test_dialogs_fit_a_phone(day, browser):
    opens = "main [data-action^=batch-], main [data-action=revoke], main [data-action=rework]"
    browser.open(day.server, size=browsers.PHONE, touch=True, lang="vi")
    browser.sign_in(day.badges["admin"])
    for view in ("batches", "batch/WO-2026-4711", "device/SN00008"):
        browser.go(view)
        for name in browser.wait("its buttons", lambda: [e.accessible_name for e in browser.css(opens)]):
            browser.press("button", name, browser.one("main"))
            dialog = browser.dialog()
            assert browser.sideways()[0] <= 0 and not browser.js(SMALL, FINGER, LINK)
            box = dialog.rect
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390, box
            browser.press("button", "Hủy", dialog)
            browser.no_dialog()


def test_the_text_may_be_twice_as_large(day, browser):
    """WCAG 1.4.4 and 1.4.10: at 400 % of 1280 pixels everything is there, without scrolling to the side."""
    browser.open(day.server, size=(320, 256), scale=4)
    for view in VIEWS:
        browser.go(view)
        browser.wait(f"{view} to be drawn", lambda: browser.css("main table, main .facts"))
        assert browser.sideways()[0] <= 0, (view, browser.sideways())


# ---- the wall --------------------------------------------------------------------------------------------------------

WALL = """
    const cut = [...document.querySelectorAll("main *")].filter((e) => {
        const r = e.getBoundingClientRect();
        return e.checkVisibility() && !e.closest(".unseen") && r.height > 0 && (r.bottom > innerHeight + 1 || r.right > innerWidth + 1);
    });
    const say = (e) => `${e.tagName}.${e.getAttribute("class")} ${(e.textContent || "").slice(0, 30)} ${e.getBoundingClientRect().bottom.toFixed()}`;
    return [cut.slice(0, 5).map(say), document.documentElement.scrollHeight - innerHeight, document.querySelector(".state strong").getBoundingClientRect().height / innerHeight];"""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """More of everything than a screen holds: open batches with long names, reasons, stations, and needs."""
    home = homes.Home(tmp_path_factory.mktemp("crowded") / "home").init("--days", 20, "--ca-name", "The issuing CA of the plant at the other end of the town")
    for i in range(20):
        home.batch(f"WO-2026-4711-a-long-name-of-an-order-with-number-{i:03d}", 1000)
    home.batch("full", 1)
    running = servers.Server(home)
    for n in range(1, 6):
        posts = station.Station(running, source=f"127.0.0.{n}")
        if n == 1:
            posts.issue("full")
        posts.issue("WO-2026-4711-a-long-name-of-an-order-with-number-003", 4)
        for code, batch in (("csr_malformed", None), ("csr_signature_invalid", "full"), ("key_rejected", "full"), ("subject_rejected", "full"),
                            ("batch_full", "full"), ("batch_not_found", None), ("device_exists", "WO-2026-4711-a-long-name-of-an-order-with-number-005")):
            posts.refuse(code, batch or "full")
    yield running
    running.stop()


@pytest.mark.parametrize("lang", browsers.LANGUAGES)
def test_the_wall_needs_no_scrolling(day, crowded, browser, lang):
    for server in (crowded, day.server):
        for size in (browsers.WALL, browsers.WALL_4K):
            browser.open(server, "?wall", size=size, lang=lang)
            browser.wait("the wall", lambda: browser.css(".last tbody tr"))
            cut, scrolls, state = browser.js(WALL)
            assert not cut and scrolls <= 0, (size, cut, scrolls)
            assert state > 0.05, "the state is not to be read from three metres"
            assert browser.css("button, input, select, nav") == [], "nobody presses anything there"


def test_the_wall_lives(home, start, browser):
    home.batch("lot", 5)
    server = start(home)
    browser.open(server, "?wall", size=browsers.WALL)
    browser.becomes("idle")
    (cn,) = station.Station(server).issue("lot")
    browser.becomes("issuing")
    browser.sees(cn, ".last")
