"""
The fixtures of the browser tests; those of ../system (home, start, standin, cloud ...) are here too.

    def test_something(home, start, browser):
        home.batch("lot", 50)
        server = start(home)
        browser.open(server)
        station.Station(server).issue("lot")

browser.py says what a browser can do, station.py what devices do.
"""
import importlib.util
import os
import pathlib
import re
import sys
import tempfile

import pytest

sys.dont_write_bytecode = True
SYSTEM = pathlib.Path(__file__).resolve().parents[1] / "system"
sys.path.insert(0, str(SYSTEM))

import browser as browsers
import day as days

PICTURES = os.environ.get("LINECA_PICTURES") or tempfile.gettempdir()


def pytest_configure(config):
    """What stands in ../system/conftest.py holds here too."""
    spec = importlib.util.spec_from_file_location("system_conftest", SYSTEM / "conftest.py")
    system = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(system)
    config.pluginmanager.register(system)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failing test leaves a picture of what was to be seen, and shows what the browser said."""
    report = (yield).get_result()
    shown = getattr(item, "funcargs", {}).get("browser")
    if report.failed and shown:
        path = os.path.join(PICTURES, "failed-" + re.sub(r"[^\w.-]+", "-", item.nodeid)[-120:] + ".png")
        report.sections.append(("the browser", shown.last_words(path)))


@pytest.fixture(scope="module")
def chrome():
    with browsers.Browser() as running:
        yield running


@pytest.fixture
def browser(chrome, start):
    """As new: no cookies, nothing remembered. It looks away before the servers of `start` end."""
    chrome.begin()
    yield chrome
    chrome.end()


@pytest.fixture(scope="module")
def day(standin, tmp_path_factory):
    """A day's work on a line (day.Day), only to look at."""
    made = days.Day(tmp_path_factory.mktemp("day"), standin)
    yield made
    made.end()
