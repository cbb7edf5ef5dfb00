"""Batches, made and changed by command while the server runs."""
import threading
import time

import pytest

import client
import csrs
import home as homes
import limits
import problems


@pytest.mark.short
def test_noticed_by_the_next_request(home, start):
    """create, close and open by CLI: the very next request of a kept connection knows."""
    with client.Client(start(home)) as c:
        for i in range(5):
            batch = f"b{i}"
            problems.check(c.enroll(batch, csrs.fresh()[1]), "batch_not_found")
            home.batch(batch, 10)
            assert c.enroll(batch, csrs.fresh()[1]).status == 201
            home.run("batch", "close", batch)
            problems.check(c.enroll(batch, csrs.fresh()[1]), "batch_closed")
            home.run("batch", "open", batch)
            assert c.enroll(batch, csrs.fresh()[1]).status == 201


def test_the_only_batch_waits_for_approval(home, start):
    """Who names no batch is told to come again, not that there is none; with two that wait it has to be named."""
    home.batch("lot", 10, "--approval")
    _, csr = csrs.fresh()
    with client.Client(start(home)) as c:
        answer = c.enroll(None, csr)
        problems.check(answer, "batch_waiting")
        assert int(answer.headers["Retry-After"]) > 0
        home.batch("other", 10, "--approval")
        assert "lot" in problems.check(c.enroll(None, csr), "batch_ambiguous")["detail"]
        home.run("batch", "open", "lot")
        assert c.enroll(None, csr).status == 201


def test_show(home):
    home.batch("lot-1", 500, "--pattern", "SN[0-9]+")
    row = home.batch_show("lot-1")
    assert homes.BATCH_FIELDS <= set(row)
    homes.check_times(row)
    assert {k: row[k] for k in ("name", "state", "quantity", "issued", "registered", "parked")} == {
        "name": "lot-1", "state": "open", "quantity": 500, "issued": 0, "registered": 0, "parked": 0}
    assert "SN[0-9]+" in home.run("batch", "show", "lot-1").out


def test_list(home):
    for i in range(3):
        home.batch(f"lot-{i}", 10 + i)
    home.run("batch", "close", "lot-1")
    rows = home.json("batch", "list")
    assert [(r["name"], r["state"], r["quantity"]) for r in rows] == [
        ("lot-0", "open", 10), ("lot-1", "closed", 11), ("lot-2", "open", 12)]
    for row in rows:
        assert homes.BATCH_FIELDS <= set(row)
        homes.check_times(row)
    text = home.run("batch", "list").out
    assert all(f"lot-{i}" in text for i in range(3)) and "closed" in text


def test_open_and_close_twice(home):
    home.batch("lot")
    for state, word in (("close", "closed"), ("close", "closed"), ("open", "open"), ("open", "open")):
        home.run("batch", state, "lot")
        assert home.batch_show("lot")["state"] == word


def test_counts(home, start):
    home.batch("lot")
    with client.Client(start(home)) as c:
        for n in range(1, 4):
            assert c.enroll("lot", csrs.fresh()[1]).status == 201
            assert home.batch_show("lot")["issued"] == n


def test_exists_already(home):
    home.batch("lot", 5)
    home.run("batch", "create", "lot", "--quantity", 7, code=4)
    assert home.batch_show("lot")["quantity"] == 5


@pytest.mark.parametrize("name", ["", "a b", "a/b", "<b>", "a\nb", "ü", "x" * 65, "a%b", "a?b", "--quantity"])
def test_bad_name(home, name):
    result = home.run("batch", "create", name, "--quantity", 5, code=2)
    assert result.err
    assert home.json("batch", "list") == []


@pytest.mark.parametrize("name", ["a", "x" * 64, "2026-11-20_L7.B", "PO4711"])
def test_good_name(home, name):
    home.batch(name)
    assert home.batch_show(name)["name"] == name


@pytest.mark.parametrize("quantity", ["0", "-1", "abc", "1e3", "1.5", "", "99999999999999999999", " 5", "5x"])
def test_bad_quantity(home, quantity):
    home.run("batch", "create", "lot", "--quantity", quantity, code=2)
    assert home.json("batch", "list") == []


@pytest.mark.parametrize("args", [
    ["create", "lot"], ["create", "--quantity", "5"], ["create", "lot", "more", "--quantity", "5"], ["create", "lot", "--quantity"],
    ["create", "lot", "--quantity", "5", "--colour", "blue"], ["create", "lot", "--quantity", "5", "--pattern", "a("],
    ["create", "lot", "--quantity", "5", "--pattern", "a)|(b"],
    ["create", "lot", "--quantity", "5", "--pattern", "a" * 300], ["show"], ["close"], ["open"], ["frobnicate", "lot"], []])
def test_wrong_usage(home, args):
    assert home.run("batch", *args, code=2).err
    assert home.json("batch", "list") == []


@pytest.mark.parametrize("verb", ["show", "open", "close"])
def test_unknown(home, verb):
    result = home.run("batch", verb, "nowhere", code=(1, 4))
    assert "nowhere" in result.err and result.out == ""


@pytest.mark.parametrize("args", [["--profile", "nobody"], ["--ca", "nobody"]])
def test_unknown_profile_or_ca(home, args):
    result = home.run("batch", "create", "lot", "--quantity", 5, *args, code=(1, 2, 4))
    assert "nobody" in result.err
    assert home.json("batch", "list") == []


# ---- device lists -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text,number", [
    ("A-1\nA 2\nA-3\n", 2), ("A-1\nA-2\nA-3\nü\n", 4), ("A-1\n" + "x" * 65 + "\n", 2), ("A-1\n" + "ab" * 32 + "\n", 2),
    ("device_id,n\nA-1,1\nA/2,2\n", 3), ("A-1\n" * 1 + "A\x07\n", 2), ("A-1\n" + "y" * 5000 + "\n", 2)],
    ids=["space", "umlaut", "65-characters", "registration-code", "csv", "control", "5000-characters"])
def test_bad_line_is_named(home, tmp_path, text, number):
    listed = tmp_path / "devices.txt"
    listed.write_text(text)
    result = home.run("batch", "create", "lot", "--quantity", 5, "--devices", listed, code=(1, 2))
    assert f"line {number}" in result.err or f":{number}" in result.err, str(result)
    assert home.json("batch", "list") == []


def test_bad_line_after_many(home, tmp_path):
    """Found late, after whole chunks went in: the batch is still not there, and the name still free."""
    listed = tmp_path / "devices.txt"
    listed.write_text("".join(f"D{i:06}\n" for i in range(20000)) + "bad id\n")
    assert "20001" in home.run("batch", "create", "lot", "--quantity", 5, "--devices", listed, code=(1, 2)).err
    assert home.json("batch", "list") == []
    home.batch("lot")


def test_no_such_file(home, tmp_path):
    result = home.run("batch", "create", "lot", "--quantity", 5, "--devices", tmp_path / "nowhere.txt", code=(1, 2))
    assert "nowhere.txt" in result.err
    assert home.json("batch", "list") == []


def test_repeated_ids(home, start, tmp_path):
    """A list with repeats is either taken as the set it is, or refused with the line's number."""
    listed = tmp_path / "devices.txt"
    listed.write_text("A-1\nA-2\nA-1\n")
    result = home.run("batch", "create", "lot", "--quantity", 5, "--devices", listed, code=None)
    if result.code == 0:
        with client.Client(start(home)) as c:
            assert c.enroll("lot", csrs.fresh("A-1")[1]).status == 201
    else:
        assert "line 3" in result.err or ":3" in result.err


def test_a_million_devices_while_the_line_works(home, start, tmp_path):
    """A list of a million is loaded in bounded time, and the line goes on meanwhile without long waits."""
    home.batch("lot", 1000000)
    listed = tmp_path / "devices.txt"
    with open(listed, "w") as f:
        f.writelines(f"D{i * 7919 % 1000003:07}\n" for i in range(1000000))
    server = start(home)
    loaded = {}

    def load():
        began = time.monotonic()
        loaded["result"] = home.run("batch", "create", "million", "--quantity", 1000000, "--devices", listed,
                                    code=None, timeout=300)
        loaded["took"] = time.monotonic() - began

    loader = threading.Thread(target=load)
    loader.start()
    longest = count = 0
    with client.Client(server, timeout=60) as c:
        while loader.is_alive():
            csr = csrs.fresh()[1]
            began = time.monotonic()
            assert c.enroll("lot", csr).status == 201
            longest, count = max(longest, time.monotonic() - began), count + 1
        loader.join()
        assert loaded["result"].code == 0, str(loaded["result"])
        assert count > 10 and longest < limits.seconds(3), f"{count} enrolled meanwhile, the slowest in {longest:.2f} s"
        assert loaded["took"] < limits.seconds(120)
        assert c.enroll("million", csrs.fresh("D0000000")[1]).status == 201
        problems.check(c.enroll("million", csrs.fresh("D1000003")[1]), "device_not_listed")
