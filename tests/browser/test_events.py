"""Point 5, events: who changed what, from where, when and why; newest first, all of them."""
import json
import re

import client
import csrs
import page
import tokens

TABLE = "Events"


def shown(browser):
    return page.rows(browser, TABLE) or []


def agree(browser, home, count):
    """What the page lists is what the command line lists."""
    said = home.json("event", "list", "--limit", str(count))
    browser.wait("the events", lambda: len(shown(browser)) == len(said))
    for row, event in zip(shown(browser), said, strict=True):
        assert row[0] in (page.when(browser, event["at"]), page.when(browser, event["at"], day=False))
        assert row[1] == event["actor"] and row[3] == (event["object"] or "all") and row[5] == event["reason"]
        assert row[4] == " ".join(event["detail"].split()) and row[6] == event["address"]
    return said


def test_each_kind_in_words(home, start, browser):
    """Done at the command line and over HTTP by persons with roles; none is shown as the program calls it."""
    badges = {role: tokens.make(home, role, name=name) for role, name in (("technician", "tina"), ("admin", "anna"), ("viewer", "vera"))}
    home.batch("lot", 50)
    server = start(home)
    with client.Client(server) as c:
        def change(method, path, role, **members):
            answer = c.request(method, path, json.dumps(members).encode(), {"Content-Type": "application/json", **tokens.bearer(badges[role])})
            assert answer.status in (200, 201), str(answer)

        one = c.enroll("lot", csrs.fresh("SN1")[1], accept="application/json").json()
        change("POST", "/v1/batches", "technician", name="second", quantity=5, reason="order 88")
        change("PATCH", "/v1/batches/lot", "technician", state="closed", reason="done for today")
        change("PATCH", "/v1/batches/lot", "technician", state="open", reason="not yet")
        change("PATCH", "/v1/batches/lot", "admin", quantity=60, reason="order 88 was raised")
        change("POST", "/v1/devices/SN1/rework", "technician", reason="new board")
        change("POST", f"/v1/certificates/{one['serial']}/revoke", "technician", reason="burnt board")
        change("POST", "/v1/uploads/retry", "technician", reason="mended")
    home.run("token", "revoke", "vera")
    browser.open(server, "#/events")
    said = agree(browser, home, 100)
    words = {row[2] for row in shown(browser)}
    assert {"Made the batch", "Closed the batch", "Opened the batch", "Raised the quantity", "Allowed a rework", "Revoked the certificate",
            "Made a token", "Revoked a token"} <= words
    assert not [w for w in words if re.fullmatch(r"[a-z_]+\.[a-z_.]+", w)], f"not in words: {words}"
    assert said[0]["action"] == "token.revoke" and len(said) == len(shown(browser))
    whys = [row[5] for row in shown(browser) if row[5]]
    assert whys == sorted(whys, key=["mended", "burnt board", "new board", "order 88 was raised", "not yet", "done for today", "order 88"].index)


def test_show_more(home, start, browser):
    """More than a page: nothing is left out, nothing comes twice, and the order stays."""
    server = start(home)
    badge = tokens.make(home, "technician", name="tina")
    with client.Client(server) as c:
        for n in range(230):
            body = json.dumps({"name": f"lot-{n}", "quantity": 1, "reason": f"order {n}"}).encode()
            assert c.request("POST", "/v1/batches", body, {"Content-Type": "application/json", **tokens.bearer(badge)}).status == 201
    browser.open(server, "#/events")
    browser.wait("a page", lambda: len(shown(browser)) == 100)
    browser.press("button", "Show more")
    browser.wait("two pages", lambda: len(shown(browser)) == 200)
    browser.press("button", "Show more")
    browser.wait("all", lambda: len(shown(browser)) == 231)
    assert not browser.offers("button", "Show more")
    assert [row[3] for row in shown(browser)] == [f"lot-{n}" for n in range(229, -1, -1)] + ["tina"]
    agree(browser, home, 1000)
    # another visit begins at the newest
    home.batch("newest", 1)
    browser.go("line")
    browser.go("events")
    browser.sees("newest", "tbody")
    browser.wait("one page again", lambda: len(shown(browser)) == 100)
    assert shown(browser)[0][3] == "newest"


def test_none(home, start, browser):
    server = start(home)
    browser.open(server, "#/events")
    browser.sees("Nothing was changed.")
