"""Five languages, by the browser's: each view has its own texts, and none of another language or of nobody."""
import json
import re

import pytest

import browser as browsers
import home as homes

VIEWS = ("line", "batches", "batch/WO-2026-4711", "batch/WO-2026-4713", "devices", "devices/SN00", "devices/nothing", "device/SN00007", "device/A0017",
         "upload", "health", "events")
TEXTS = {lang: json.loads((homes.ROOT / "web" / "lang" / f"{lang}.json").read_text(encoding="utf-8")) for lang in browsers.LANGUAGES}
HTML = {"en": "en", "de": "de", "es": "es", "zh": "zh-Hans", "vi": "vi"}

SHOWN = """
    const said = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) if (!walk.currentNode.parentElement.closest("#language, .mono")) said.push(walk.currentNode.data.trim());
    for (const e of document.querySelectorAll("[aria-label], [placeholder], [title]"))
        for (const name of ["aria-label", "placeholder", "title"]) if (e.hasAttribute(name)) said.push(e.getAttribute(name).trim());
    return [...new Set(said)].filter(Boolean);"""


def pattern(text):
    """A text with {values} as what it may become."""
    return re.compile("".join(".+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", text)))


def foreign(lang):
    """English texts that say something else in that language: [(key, pattern)]."""
    own = set(TEXTS[lang].values())
    return [(key, pattern(text)) for key, text in TEXTS["en"].items()
            if text not in own and re.search(r"[A-Za-z]{3}", re.sub(r"\{\w+\}", "", text))]


def check(browser, lang, where):
    said = browser.js(SHOWN)
    assert len(said) > 15, said
    keys = [one for one in said if one in TEXTS["en"] and "." in one]
    assert not keys, f"{where}: names of texts instead of texts: {keys}"
    assert not [one for one in said if re.search(r"\{[a-z_]+\}|undefined|NaN|\[object", one)], said
    english = [(one, key) for one in said for key, text in foreign(lang) if text.fullmatch(one)]
    assert not english, f"{where}: English: {english}"


@pytest.mark.parametrize("lang", browsers.LANGUAGES)
def test_every_view(day, browser, lang):
    texts = TEXTS[lang]
    browser.open(day.server, lang=lang)
    browser.sign_in(day.badges["admin"])
    assert browser.js("return document.documentElement.lang") == HTML[lang]
    tabs = browser.names("link", browser.one("nav"))
    assert tabs == [texts[f"view.{view}"] for view in browsers.VIEWS]
    for view in VIEWS:
        browser.go(view)
        browser.wait(f"{view} to be drawn", lambda: browser.css("main table, main .facts"))
        if view in browsers.VIEWS:
            browser.wait("its heading", lambda: browser.js("return document.querySelector('main h1').textContent") == texts[f"view.{view}"])
        check(browser, lang, view)


@pytest.mark.parametrize("lang", [lang for lang in browsers.LANGUAGES if lang != "en"])
def test_dialogs(day, browser, lang):
    texts = TEXTS[lang]
    browser.open(day.server, lang=lang)
    browser.sign_in(day.badges["admin"])
    for view, key in (("batches", "batch.make"), ("batch/WO-2026-4711", "batch.close"), ("batch/WO-2026-4711", "batch.raise"),
                      ("batch/WO-2026-4713", "batch.approve"), ("device/SN00008", "device.revoke"), ("device/SN00008", "device.rework")):
        browser.go(view)
        browser.press("button", texts[key], browser.one("main"))
        dialog = browser.dialog()
        assert texts["dialog.reason"] in dialog.text and texts["dialog.cancel"] in dialog.text
        check(browser, lang, f"{view}: {key}")
        browser.press("button", texts["dialog.cancel"], dialog)
        browser.no_dialog()


@pytest.mark.parametrize("wanted, lang", [
    ("de-CH,de,en", "de"), ("es-MX", "es"), ("zh-TW,zh", "zh"), ("vi", "vi"), ("fr-FR,fr,es", "es"), ("fr,pt", "en"), ("en-GB,de", "en")])
def test_by_what_the_browser_asks_for(day, browser, wanted, lang):
    """The first of the browser's languages that there is; else English."""
    browser.open(day.server, lang=wanted)
    browser.sees(TEXTS[lang]["line.last"])
    assert browser.js("return document.documentElement.lang") == HTML[lang]


def test_chosen_by_hand(day, browser):
    """It holds at once, and the next time too."""
    browser.open(day.server)
    browser.sees("Last devices")
    for lang in ("vi", "de", "zh", "es"):
        browser.js("const s = document.getElementById('language'); s.value = arguments[0]; s.dispatchEvent(new Event('change', { bubbles: true }))", lang)
        browser.sees(TEXTS[lang]["line.last"])
        check(browser, lang, f"line, then {lang}")
    browser.open(day.server)
    browser.sees(TEXTS["es"]["line.last"])


def test_numbers_as_the_reader_writes_them(day, browser):
    for lang, number in (("en", "1,000"), ("de", "1.000"), ("zh", "1,000"), ("vi", "1.000")):
        browser.open(day.server, lang=lang)
        browser.sees(TEXTS[lang]["line.last"])
        assert browser.js("return import('/js/format.js').then(({ number }) => number(1000))") == number
