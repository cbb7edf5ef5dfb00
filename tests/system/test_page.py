"""The page's files as a browser is given them, and its texts. What it does in a browser is not tested here yet."""
import gzip
import html
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
    text = line.client.get("/").body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text) and not re.search(r"\son\w+=", text) and "style=" not in text


def test_modules_that_are_not_there(line):
    for path in ("/js/none.js", "/js/..%2fapp.js", "/lang/xx.json", "/lang/en.js"):
        assert line.client.get(path).status == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_javascript(home, start, languages, language):
    """The line view stands in what the server sends, in the reader's language: state, batches, refusals, the last devices with their result."""
    texts = {key: html.escape(text, quote=True).replace("&#x27;", "&#39;") for key, text in flat(languages[language]).items()}

    def page():
        answer = c.get("/", **{"Accept-Language": f"fr, {language}-XX;q=0.8, {'en' if language != 'en' else 'de'};q=0.5"})
        assert answer.status == 200 and "Accept-Language" in answer.headers["Vary"]
        text = answer.body.decode()
        assert f'<html lang="{"zh-Hans" if language == "zh" else language}">' in text
        assert not re.search(r">[a-z_]+(\.[a-z_]+)+<", text) and not re.search(r"\{\w+\}", text), "a text is missing"
        return text

    def said(name):
        text = page()
        return f"<strong>{texts[f'state.{name}']}</strong><p>{texts[f'state.{name}.do']}</p>" in text

    with client.Client(start(home)) as c:
        assert said("waiting") and texts["line.no_batch"] in page() and texts["refusal.none"] in page()
        home.batch("lot-4711", 7)
        assert said("idle") and "lot-4711" in page()
        _, csr = csrs.fresh("dev-1")
        assert c.enroll("lot-4711", csr).status == 201 and said("issuing")
        assert c.enroll("lot-4711", csr).status == 200 and c.enroll("lot-4711", b"garbage").status == 400 and c.enroll("lot-4711", csrs.fresh("dev-1")[1]).status == 409
        text = page()
        assert "<noscript>" in text and texts["chart.title"] in text
        words = texts["batch.issued_words"].replace("{issued}", "1").replace("{quantity}", "7").replace("{percent}", "14 %")
        assert words in text and '<progress aria-label="' + texts["batch.issued_of"] + '" value="1" max="7">' in text
        for code in ("csr_malformed", "device_exists"):
            assert f"<b>{texts[f'code.{code}.title']}</b>" in text and f"<p>{texts[f'code.{code}.do']}</p>" in text
        rows = re.findall(r'<tr><th scope="row"><span class="mono">(.*?)</span>.*?</th><td class="(\w+)">.*?</span>(.*?)<small>', text)
        assert rows == [("dev-1", "refused", texts["code.device_exists.title"]), ("–", "refused", texts["code.csr_malformed.title"]),
                        ("dev-1", "repeated", texts["outcome.repeated"]), ("dev-1", "issued", texts["outcome.issued"])]


def test_the_last_devices_after_a_restart(home, start):
    """Those of the ledger behind those since the start, each once."""
    home.batch("lot", 50)
    server = start(home)
    with client.Client(server) as c:
        for n in range(3):
            assert c.enroll("lot", csrs.fresh(f"dev-{n}")[1]).status == 201
    server.stop()
    with client.Client(start(home)) as c:
        assert c.enroll("lot", csrs.fresh("dev-3")[1]).status == 201
        assert re.findall(r'<th scope="row"><span class="mono">(.*?)</span>', c.get("/").body.decode()) == ["dev-3", "dev-2", "dev-1", "dev-0"]


def test_the_way_in(home, start, languages):
    """For who may not read: in the reader's language, and nothing of the line."""
    home.configure("server", "read", "token")
    home.batch("lot-4711", 7)
    with client.Client(start(home)) as c:
        for language, texts in languages.items():
            answer = c.get("/", **{"Accept-Language": language})
            text = html.unescape(answer.body.decode())
            assert answer.status == 401 and "lot-4711" not in text
            assert all(flat(texts)[key] in text for key in ("sign_in", "sign_in.label", "sign_in.script"))
