"""The first screen: what crosses the wire for it, and how long a browser takes until the line's state is on it."""
import json
import shutil
import tempfile

from parts.line import Server
from parts.machine import stop

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
except ImportError:
    webdriver = None

# Runs before the page's own first line. Usable: the state that the page itself has drawn, from what the server said, stands in the document and was
# painted. (What the server has rendered is there before; web/js/line.js writes data-state, the server does not.)
WATCH = """
window.lineca = {};
new MutationObserver((changes, observer) => {
  const state = document.querySelector("%s");
  if (!state) return;
  observer.disconnect();
  window.lineca.drawn = performance.now();
  requestAnimationFrame(() => { const c = new MessageChannel(); c.port1.onmessage = () => { window.lineca.painted = performance.now(); }; c.port2.postMessage(0); });
}).observe(document, { childList: true, subtree: true, attributes: true });
"""
STATE = "#main [role=status][data-state]"
SECONDS = 20
ISSUED = 500


def missing():
    if webdriver is None:
        return "python3-selenium is missing: apt-get install python3-selenium chromium-driver"
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        return "chromium is missing: apt-get install chromium chromium-driver"
    return None


def browser(folder, light=True):
    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                 "--disable-sync", "--disable-extensions", "--lang=en", "--window-size=1024,768", f"--user-data-dir={folder}"):
        options.add_argument(word)
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "light" if light else "dark"}]})
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH % STATE})
    driver.execute_cdp_cmd("Network.enable", {})
    return driver


def visit(driver, url):
    """One visit: milliseconds from navigationStart, and what crossed the wire until the state was drawn."""
    driver.get("about:blank")
    driver.get_log("performance")
    driver.get(url)
    for _ in range(SECONDS * 100):
        marks = driver.execute_script("return window.lineca")
        if "painted" in marks:
            break
        driver.execute_async_script("setTimeout(arguments[0], 10)")
    else:
        stop(f"{url} shows no state of the line after {SECONDS} s")
    timing = driver.execute_script(
        "const p = performance.getEntriesByType('navigation')[0], f = performance.getEntriesByName('first-contentful-paint')[0];"
        "return {response_ms: p.responseEnd, first_paint_ms: f ? f.startTime : null, files: performance.getEntriesByType('resource')"
        ".map((r) => ({path: new URL(r.name).pathname, start: r.startTime, end: r.responseEnd, bytes: r.transferSize}))}")
    return {"drawn_ms": marks["drawn"], "painted_ms": marks["painted"], **timing, **wire(driver, marks["drawn"])}


def wire(driver, drawn_ms):
    """
    What Chromium has received, heads and all, of everything that it asked the server for. Of a stream only what came until the state was drawn: what
    it brings later is no part of the first screen.
    """
    received, ended, begun = {}, {}, None
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        name, what = message["method"], message["params"]
        request = what.get("requestId")
        if name == "Network.requestWillBeSent" and what["request"]["url"].startswith("http"):
            begun = what["timestamp"] if begun is None else begun
            received[request] = 0
        elif request not in received:
            continue
        elif name == "Network.responseReceived":
            received[request] += what["response"]["encodedDataLength"]
        elif name == "Network.dataReceived" and (what["timestamp"] - begun) * 1000 <= drawn_ms:
            received[request] += what["encodedDataLength"]
        elif name == "Network.loadingFinished":
            ended[request] = what["encodedDataLength"]
    return {"wire_bytes": sum(ended.get(request, n) for request, n in received.items()), "requests": len(received)}


def measure(drive, home, requests, visits):
    """{cold: [visits], warm: [visits]}: cold with an empty cache, warm the same page again. The line issues, so that there is something on the screen."""
    results = {"cold": [], "warm": []}
    home.batch("bench", 2 * ISSUED)
    with Server(home) as server:
        drive.load(port=server.port, path="/v1/enroll/bench", pid=server.pid, requests=requests, count=ISSUED, connections=1)
        url = f"http://127.0.0.1:{server.port}/"
        folder = tempfile.mkdtemp(prefix="lineca-bench-")
        driver = browser(folder)
        try:
            visit(driver, url)      # a browser that has just begun is busy with itself
            for _ in range(visits):
                driver.execute_cdp_cmd("Network.clearBrowserCache", {})
                results["cold"].append(visit(driver, url))
                results["warm"].append(visit(driver, url))
        finally:
            driver.quit()
            shutil.rmtree(folder, ignore_errors=True)
    return results
