"""The page's files as a browser is given them, and its texts. What it does in a browser is not tested here yet."""
import gzip
import json
import re

import pytest

import client
import csrs
import home as homes

WEB = homes.ROOT / "web"
MODULES = sorted(p.name for p in (WEB / "js").glob("*.js"))
LANGUAGES = ["de", "en", "es", "vi", "zh"]


@pytest.fixture(scope="module")
def languages():
    return {name: json.loads((WEB / "lang" / f"{name}.json").read_text()) for name in LANGUAGES}


def flat(value, at=""):
    """{key: text} of a tree of texts."""
    if isinstance(value, dict):
        return {k: v for name, inner in value.items() for k, v in flat(inner, f"{at}.{name}" if at else name).items()}
    return {at: value}


def test_no_language_misses_a_text(languages):
    assert sorted(p.stem for p in (WEB / "lang").glob("*.json")) == LANGUAGES
    english = flat(languages["en"])
    assert len(english) > 200
    for name, texts in languages.items():
        texts = flat(texts)
        assert texts.keys() == english.keys(), f"{name}: {texts.keys() ^ english.keys()}"
        for key, text in texts.items():
            assert isinstance(text, str) and text.strip(), f"{name}: {key} is empty"
            assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", english[key])), f"{name}: {key}: {text}"


@pytest.mark.short
@pytest.mark.parametrize("path", ["/", "/app.js", "/style.css", "/icon.svg", *(f"/js/{m}" for m in MODULES), *(f"/lang/{n}.json" for n in LANGUAGES)])
def test_files(line, path):
    answer = line.client.get(path)
    assert answer.status == 200 and answer.headers["X-Content-Type-Options"] == "nosniff", str(answer)
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'self'" in policy or "default-src 'none'" in policy, policy
    if path == "/":
        return
    tag = answer.headers["ETag"]
    assert re.fullmatch(r'"[^"]+"', tag), f"{path}: {tag} is no strong tag"
    again = line.client.get(path, **{"If-None-Match": tag})
    assert again.status == 304 and again.body == b""
    packed = line.client.get(path, **{"Accept-Encoding": "gzip"})
    if packed.headers["Content-Encoding"] == "gzip":
        assert gzip.decompress(packed.body) == answer.body and packed.headers["ETag"] != tag and "Accept-Encoding" in packed.headers["Vary"]


def test_the_first_screen_is_small(line):
    """Under 100 KiB on the wire, with every module and one language."""
    paths = ["/", "/app.js", "/style.css", "/icon.svg", "/lang/en.json", *(f"/js/{m}" for m in MODULES)]
    total = sum(len(line.client.get(path, **{"Accept-Encoding": "gzip"}).body) for path in paths)
    assert total < 100 * 1024, total


@pytest.mark.short
def test_no_script_in_the_page(line):
    """Nothing inline: the policy forbids it, and the page does not try."""
    html = line.client.get("/").body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", html) and not re.search(r"\son\w+=", html) and "style=" not in html


def test_modules_that_are_not_there(line):
    for path in ("/js/none.js", "/js/..%2fapp.js", "/lang/xx.json", "/lang/en.js"):
        assert line.client.get(path).status == 404


def test_without_javascript(home, start, languages):
    """The line view stands in what the server sends, in the words of the English page."""
    def said(name):
        html = c.get("/").body.decode()
        return all(f"<{tag}>{languages['en'][key]}</{tag}>" in html for tag, key in (("strong", f"state.{name}"), ("p", f"state.{name}.do")))

    with client.Client(start(home)) as c:
        assert said("waiting")
        home.batch("lot-4711", 7)
        assert said("idle") and "lot-4711" in c.get("/").body.decode()
        assert c.enroll("lot-4711", csrs.fresh()[1]).status == 201 and said("issuing")
        assert "<noscript>" in c.get("/").body.decode()
