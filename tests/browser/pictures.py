#!/usr/bin/python3
"""
tests/browser/pictures.py [FOLDER]: pictures of every view at 1024x768, 390x844 and 3840x2160, light and dark, into FOLDER, and
without it the two of README.md into deploy/pictures. LINECA: the program (build/lineca). Wanted: what tests/run installs.
"""
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import aws
import browser as browsers
import day as days
import home as homes

SIZES = {"tablet": browsers.TABLET, "phone": browsers.PHONE, "4k": browsers.WALL_4K}
PAGES = {"line": "#/line", "batches": "#/batches", "batch": "#/batch/WO-2026-4711", "devices": "#/devices/SN000", "device": "#/device/SN00007",
         "registered": "#/device/A0016", "upload": "#/upload", "health": "#/health", "events": "#/events"}


# what is there only when the view has what it needs
SHOWS = {"line": "SN00690", "batches": "WO-2026-4709", "batch": "SN00690", "devices": "SN000", "device": "new board", "registered": "ARN", "upload": "A0101",
         "health": "ACME", "events": "WO-2026-4713"}


def take(browser, path, whole=True):
    """whole: to the page's end, however far that is."""
    height = browser.js("return document.documentElement.scrollHeight")
    width, shown = browser.js("return [innerWidth, innerHeight]")
    if whole and height > shown:
        browser.resize((width, height), touch=browser.touch)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert browser.driver.save_screenshot(str(path))
    if whole and height > shown:
        browser.resize((width, shown), touch=browser.touch)
    print(path)


def sign_in(browser, day, role):
    browser.open(day.server, "")
    browser.sign_in(day.badges[role])


def everything(browser, day, folder):
    sign_in(browser, day, "admin")
    for size, pixels in SIZES.items():
        for dark in (False, True):
            where = folder / f"{size}-{'dark' if dark else 'light'}"
            for name, hash in PAGES.items():
                browser.open(day.server, hash, size=pixels, dark=dark, touch=size == "phone")
                browser.sees(SHOWS[name], "main")
                take(browser, where / f"{name}.png")
            browser.open(day.server, "#/batches", size=pixels, dark=dark, touch=size == "phone")
            browser.press("button", "New batch")
            browser.dialog()
            take(browser, where / "dialog.png", whole=False)
            if size != "phone":
                browser.open(day.server, "?wall", size=pixels, dark=dark)
                browser.sees("WO-2026-4713")
                take(browser, where / "wall.png", whole=False)
    for lang in browsers.LANGUAGES:
        browser.open(day.server, "#/line", size=browsers.PHONE, touch=True, lang=lang)
        browser.sees("SN0")
        take(browser, folder / "languages" / f"{lang}.png")
    browser.open(day.server, "", javascript=False)
    browser.sees("WO-2026-4711")
    take(browser, folder / "without-javascript.png")


def page(browser, day, folder):
    sign_in(browser, day, "technician")
    browser.open(day.server, "#/line", size=(1280, 960))
    browser.sees("SN0")
    take(browser, folder / "page.png", whole=False)


def wall(browser, day, folder):
    browser.open(day.server, "?wall", size=browsers.WALL, dark=True, scale=0.5)
    browser.sees("WO-2026-4713")
    take(browser, folder / "wall.png", whole=False)


def show(taker, needy, folder):
    with tempfile.TemporaryDirectory() as made, aws.StandIn() as cloud:
        day = days.Day(made, cloud, needy)
        try:
            with browsers.Browser() as browser:
                taker(browser, day, folder)
        finally:
            day.end()


def main():
    if len(sys.argv) > 1:
        show(everything, True, pathlib.Path(sys.argv[1]))
    else:
        show(page, False, homes.ROOT / "deploy" / "pictures")
        show(wall, True, homes.ROOT / "deploy" / "pictures")


if __name__ == "__main__":
    main()
