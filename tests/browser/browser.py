"""
A person at a browser: Debian's chromium, driven with selenium.

    browser.open(server, size=PHONE, dark=True, touch=True, lang="de")     # the page as that person gets it
    browser.press("button", "New batch")            # waits for it, by its role and accessible name (text or re.compile)
    browser.type("Ordered", "500")                  # into the field with that label
    browser.keys(Keys.TAB, "x", Keys.ENTER)         # to whatever has the focus
    browser.search("SN00001")                       # as a scanner: characters and Enter, wherever the focus is
    browser.sees("Batch lot-4711")                  # waits until that is to be read (text or re.compile)
    browser.state()                                 # {"name": "issuing", "words": ..., "shape": ..., "class": [...]}

Everything waits for what it wants, and fails after limits.seconds(10). find() and all() answer selenium's elements; js() runs
in the page, also under its policy. A test fails at its end if the page logged an error, broke its policy, or asked anything
that is not its server; what a test provokes it names before: browser.expect("401"). A wrong answer's own log is
"Failed to load resource: the server responded with a status of 401 (Unauthorized)", a lost server's
"net::ERR_CONNECTION_REFUSED".
"""
import json
import os
import pathlib
import re
import shutil
import tempfile
import time

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException, ElementNotInteractableException, JavascriptException, NoSuchElementException,
    StaleElementReferenceException, WebDriverException)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import home as homes
import limits

# What chromium calls a server that goes, by the moment at which it does.
GONE = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED", "ERR_CONNECTION_ABORTED",
        "ERR_EMPTY_RESPONSE", "ERR_SOCKET_NOT_CONNECTED", "ERR_TIMED_OUT", "ERR_NETWORK_IO_SUSPENDED", "ERR_ABORTED")

TABLET, PHONE, WALL, WALL_4K = (1024, 768), (390, 844), (1920, 1080), (3840, 2160)
LANGUAGES = {"en": "en-US,en", "de": "de-DE,de", "es": "es-ES,es", "zh": "zh-CN,zh", "vi": "vi-VN,vi"}
VIEWS = ("line", "batches", "devices", "upload", "health", "events")
AXE = homes.ROOT / "var" / "browser" / "node_modules" / "axe-core" / "axe.min.js"     # tests/browser/fetch
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# where a role may be found; whether it is there is the accessible name's affair
ROLES = {
    "button": "button, summary, [role=button], input[type=submit]", "link": "a[href]", "heading": "h1, h2, h3",
    "field": "input, textarea, select", "dialog": "dialog[open]", "progressbar": "progress", "img": "[role=img]",
    "region": "[role=region]", "row": "tr", "navigation": "nav", "search": "[role=search]",
}
NOT_YET = (StaleElementReferenceException, NoSuchElementException, ElementNotInteractableException, ElementClickInterceptedException,
           JavascriptException)


def options(folder):
    made = webdriver.ChromeOptions()
    made.binary_location = "/usr/bin/chromium"
    flags = ["--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--disable-default-apps", "--disable-dev-shm-usage", "--disable-features=Translate", "--no-proxy-server",
             "--lang=en-US", f"--user-data-dir={folder}/profile"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    for flag in flags:
        made.add_argument(flag)
    made.add_experimental_option("prefs", {"download.default_directory": f"{folder}/downloads", "download.prompt_for_download": False})
    made.add_experimental_option("perfLoggingPrefs", {"enableNetwork": True, "enablePage": False})
    made.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return made


def matches(wanted, text):
    return bool(wanted.search(text)) if isinstance(wanted, re.Pattern) else wanted == text


class Browser:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="browser-")
        self.downloads = pathlib.Path(self.folder) / "downloads"
        self.downloads.mkdir()
        service = Service("/usr/bin/chromedriver", log_path=f"{self.folder}/driver.log")
        try:
            self.driver = webdriver.Chrome(service=service, options=options(self.folder))
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self.driver.set_page_load_timeout(limits.seconds(60))
        self.driver.set_script_timeout(limits.seconds(60))
        # Shift+Tab off the first element gives the focus to the window's own bar, and a script cannot take it back from there
        self.cdp("Emulation.setFocusEmulationEnabled", enabled=True)
        self.cdp("Page.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        self.agent = self.cdp("Browser.getVersion")["userAgent"]
        self.servers, self.expected, self.said, self.asked, self.touch = [], [], [], [], False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    # ---- one test

    def begin(self):
        self.look_away()
        self.read_logs()
        self.servers, self.expected, self.said, self.asked = [], [], [], []
        for path in self.downloads.iterdir():
            path.unlink()

    def end(self):
        """What the page said and asked since begin(): nothing that is wrong."""
        self.read_logs()
        self.look_away()
        wrong = [line for line in self.said if not any(re.search(p, line) for p in self.expected)]
        assert not wrong, "the page logged:\n" + "\n".join(wrong)
        own = [f"{scheme}://{host}" for s in self.servers for scheme, host in (("http", f"{s.host}:{s.port}"),
                                                                    ("https", f"{s.tls_host}:{s.tls_port}"))]
        outside = {url for url in self.asked if not re.match(r"(data|blob|about|chrome):", url)
                   and not any(url == home or url.startswith(home + "/") for home in own)}
        assert not outside, f"the page asked outside of its server: {sorted(outside)}"

    def look_away(self):
        """No page, no cookies, nothing remembered."""
        for s in self.servers:
            if s.port:
                self.cdp("Storage.clearDataForOrigin", origin=f"http://{s.host}:{s.port}", storageTypes="all")
        self.driver.get("about:blank")
        self.cdp("Network.clearBrowserCookies")
        self.cdp("Emulation.setScriptExecutionDisabled", value=False)

    def expect(self, *patterns):
        """What the console may say in this test: regular expressions."""
        self.expected += patterns

    def read_logs(self):
        for entry in self.driver.get_log("browser"):
            if entry["level"] not in ("DEBUG", "INFO"):
                self.said.append(f"{entry['level']} {entry.get('source', '')} {entry['message']}")
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
            elif message["method"] == "Network.webSocketCreated":
                self.asked.append(message["params"]["url"])

    def last_words(self, picture):
        """For the report of a failure."""
        try:
            self.read_logs()
            self.driver.save_screenshot(picture)
            return f"picture: {picture}\nat: {self.driver.current_url} “{self.driver.title}”\n" + "\n".join(self.said) + "\n" + self.text()[:3000]
        except WebDriverException as e:
            return f"no picture: {e}"

    # ---- the page

    def open(self, server, path="", size=TABLET, dark=False, touch=False, lang="en", javascript=True, scale=1):
        """lang: one of LANGUAGES, or what Accept-Language is to say. path: behind "/": "#/batches", "?wall"."""
        if server not in self.servers:
            self.servers.append(server)
        self.resize(size, scale, touch)
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                                                         {"name": "prefers-reduced-motion", "value": "reduce"}])
        self.cdp("Network.setUserAgentOverride", userAgent=self.agent, acceptLanguage=LANGUAGES.get(lang, lang))
        self.cdp("Emulation.setScriptExecutionDisabled", value=not javascript)
        self.driver.get("about:blank")      # else a new hash is no new page
        self.driver.get(f"http://{server.host}:{server.port}/{path}")
        if javascript:
            self.wait("the page to be drawn", lambda: self.js(
                "return document.querySelector('#bar > *, html.wall .line, #main #sign-in') !== null && document.querySelector('#main > *') !== null"))
        return self

    def resize(self, size, scale=1, touch=False):
        self.touch = touch
        self.cdp("Emulation.setTouchEmulationEnabled", enabled=touch, **({"maxTouchPoints": 5} if touch else {}))
        self.cdp("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=scale, mobile=touch)

    def go(self, hash, sees=None):
        """To a view: "batches", "batch/lot". Waits until the page is there; sees: and until that is to be read."""
        self.js("""
            const said = document.getElementById("said"), hash = "#/" + arguments[0];
            if (location.hash === hash) return;
            said.textContent = "";      // the page says there where one is, when it has come
            location.hash = hash;""", hash)
        self.wait(f"the view {hash}", lambda: self.js("return document.getElementById('said').textContent !== ''"))
        if sees is not None:
            self.sees(sees)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, what, probe, seconds=10):
        """Until probe answers something true; that."""
        def tried():
            try:
                return probe()
            except NOT_YET:
                return None
        return limits.wait_for(what, tried, seconds)

    def text(self, css="body"):
        """What is to be read there."""
        return self.js("return [...document.querySelectorAll(arguments[0])].map((node) => node.innerText).join('\\n')", css)

    def sees(self, wanted, css="body", seconds=10):
        """Waits until that is to be read there: a part of the text, or a pattern."""
        found = (lambda: wanted.search(self.text(css))) if isinstance(wanted, re.Pattern) else (lambda: wanted in self.text(css))
        return self.wait(f"{wanted!r} in {css}", found, seconds)

    def gone(self, wanted, css="body", seconds=10):
        self.wait(f"{wanted!r} to go from {css}", lambda: wanted not in self.text(css), seconds)

    # ---- its elements

    def css(self, css):
        """Elements, also none; at once."""
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        """Waits for exactly one that is visible."""
        def probe():
            shown = [e for e in self.css(css) if e.is_displayed()]
            return shown[0] if len(shown) == 1 else None
        return self.wait(f"one {css}", probe)

    def all(self, role, name=None, inside=None):
        """The visible elements with that role and accessible name, in their order; at once."""
        where = inside or self.driver
        found = [e for e in where.find_elements(By.CSS_SELECTOR, ROLES[role]) if e.is_displayed()]
        return found if name is None else [e for e in found if matches(name, e.accessible_name)]

    def names(self, role, inside=None):
        """The accessible names of those that are offered now."""
        return [e.accessible_name for e in self.all(role, None, inside)]

    def find(self, role, name=None, inside=None):
        """Waits for the first."""
        return self.wait(f"a {role} {name!r}", lambda: next(iter(self.all(role, name, inside)), None))

    def offers(self, role, name, inside=None):
        """Is it there, now? The page must have been waited for."""
        return bool(self.all(role, name, inside))

    def press(self, role, name, inside=None):
        """Waits for it and clicks, or taps where the screen is one to touch."""
        def probe():
            found = self.all(role, name, inside)
            if not found:
                return False
            if self.touch:
                self.tap(found[0])
            else:
                found[0].click()
            return True
        self.wait(f"a {role} {name!r} to press", probe)

    def tap(self, element):
        """A finger."""
        at = self.js("arguments[0].scrollIntoView({block: 'center'}); const r = arguments[0].getBoundingClientRect();"
                     " return [r.x + r.width / 2, r.y + r.height / 2]", element)
        self.cdp("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": at[0], "y": at[1]}])
        self.cdp("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def type(self, label, text, inside=None):
        """Into the field with that label, in place of what is in it."""
        field = self.find("field", label, inside)
        self.js("arguments[0].select?.()", field)
        field.send_keys(text)
        return field

    def keys(self, *keys):
        """To what has the focus, as a keyboard does; (Keys.SHIFT, Keys.TAB): the second while the first is held."""
        actions = ActionChains(self.driver, duration=0)
        for key in keys:
            if isinstance(key, tuple):
                actions.key_down(key[0]).send_keys(key[1]).key_up(key[0])
            else:
                actions.send_keys(key)
        actions.perform()

    def search(self, text):
        """A barcode scanner: a fast keyboard that ends with Enter."""
        self.keys(text, Keys.ENTER)

    def focused(self):
        """Role-less words for what has the focus: its accessible name, or its tag."""
        element = self.driver.switch_to.active_element
        return element.accessible_name or element.tag_name

    def dialog(self, title=None):
        """Waits for the open dialog."""
        return self.find("dialog", title)

    def no_dialog(self):
        self.wait("the dialog to go", lambda: not self.css("dialog"))

    # ---- this page's own

    def state(self):
        """The one big state of the line as it is shown now; None: not shown."""
        return self.js("""
            const node = document.querySelector("main .state");
            return node && { name: node.dataset.state ?? null, words: node.querySelector("strong").innerText, text: node.innerText,
                class: [...node.classList], shape: node.querySelector("svg").innerHTML, colour: getComputedStyle(node).backgroundColor };""")

    def becomes(self, name, seconds=10):
        """Waits for a state of the line; it."""
        return self.wait(f"the state {name}", lambda: (lambda s: s if s and s["name"] == name else None)(self.state()), seconds)

    def sign_in(self, token):
        """By scanner, from the sign-in page or the header's button."""
        if not self.css("#sign-in"):
            self.wait("the sign-in button", lambda: (self.css("[data-action=sign-in]")[0].click(), True)[1])
        self.wait("the field of the token", lambda: self.js("return document.activeElement.id === 'token'"))
        self.search(token)
        self.wait("to be signed in", lambda: self.css("[data-action=sign-out]") and not self.css("#sign-in"))

    def ask(self, method, path, body=None, csrf=None):
        """A fetch from the page, with its cookie: (status, object or None)."""
        return tuple(self.driver.execute_async_script("""
            const [method, path, body, csrf, done] = arguments;
            const headers = { Accept: "application/json" };
            if (csrf !== null) headers["X-CSRF-Token"] = csrf;
            if (body !== null) headers["Content-Type"] = "application/json";
            fetch(path, { method, headers, body: body === null ? undefined : JSON.stringify(body) })
                .then(async (answer) => done([answer.status, await answer.json().catch(() => null)]));""", method, path, body, csrf))

    def axe(self, *rules_off):
        """What axe-core has against the page as it is now, in words; "" is well. rules_off: rules not to look at, with a reason beside it."""
        assert AXE.is_file(), "axe-core is not there: run tests/browser/fetch"
        if not self.js("return typeof axe === 'object'"):
            self.js(AXE.read_text(encoding="utf-8"))
        done = self.driver.execute_async_script("""
            const [tags, off, done] = arguments;
            axe.run(document, { runOnly: { type: "tag", values: tags }, rules: Object.fromEntries(off.map((id) => [id, { enabled: false }])) })
                .then((result) => done({ version: result.testEngine.version, passes: result.passes.length, violations: result.violations }),
                    (failure) => done({ failed: String(failure) }));""", AXE_TAGS, list(rules_off))
        assert "failed" not in done and done["passes"] > 5, f"axe did not look: {done}"
        return "\n".join(f"{v['id']} ({v['impact']}): {v['help']}\n" + "\n".join(f"    {' '.join(map(str, n['target']))}: {n['html'][:200]}\n"
                         f"        {n['failureSummary']}" for n in v["nodes"]) for v in done["violations"])

    def sideways(self):
        """How far the page can be scrolled to the side, and what sticks out: (pixels, words)."""
        return tuple(self.js("""
            const root = document.documentElement, width = root.clientWidth;
            const out = [...document.querySelectorAll("body *")].filter((e) => {
                const r = e.getBoundingClientRect();
                return r.width > 0 && r.right > width + 1 && !e.closest(".table, .unseen, .skip");
            }).slice(0, 5).map((e) => `${e.tagName}.${e.className} ${e.innerText?.slice(0, 40)}`);
            return [root.scrollWidth - width, out.join("; ")];"""))

    def download(self, name):
        """Waits for a file that the page was told to keep; its bytes."""
        path = self.downloads / name
        return self.wait(f"the download {name}", lambda: path.is_file() and not list(self.downloads.glob("*.crdownload")) and path.read_bytes())


def cookies(browser):
    """{name: its attributes} of the browser's jar."""
    return {c["name"]: c for c in browser.driver.get_cookies()}
