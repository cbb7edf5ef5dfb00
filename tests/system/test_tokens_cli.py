"""The commands of tokens: what they print, what they refuse, and that the ledger never has a token."""
import datetime
import hashlib
import re
import subprocess
import time

import pytest

import home as homes

PREFIXES = {"enroll": "lce", "viewer": "lcv", "technician": "lct", "admin": "lca"}
TOKEN = re.compile(r"lc[evta][0-9a-v]{51}[0g]\n")
FIELDS = {"name", "role", "state", "batch", "network", "created_at", "expires_at", "revoked_at", "last_used_at"}


def create(home, name, role, *args):
    """The Result, and the token in it."""
    result = home.run("token", "create", name, "--role", role, *args)
    assert TOKEN.fullmatch(result.out), "standard output is the token and nothing else"
    assert result.out.strip() not in result.err
    return result, result.out.strip()


def tokens(home):
    rows = home.json("token", "list")
    for row in rows:
        assert set(row) == FIELDS
        homes.check_times(row)
    return {row["name"]: row for row in rows}


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def hours_left(row):
    return (when(row["expires_at"]) - when(row["created_at"])).total_seconds() / 3600


def everywhere(home):
    """All that the home holds, the ledger's journal too."""
    return b"".join(p.read_bytes() for p in home.path.rglob("*") if p.is_file())


# ---- create

@pytest.mark.short
@pytest.mark.parametrize("role", PREFIXES)
def test_each_role(home, role):
    result, token = create(home, "one", role)
    assert token.startswith(PREFIXES[role])
    assert role in result.err and "cannot be shown again" in result.err
    (row,) = tokens(home).values()
    assert (row["name"], row["role"], row["state"]) == ("one", role, "active")
    assert [row[k] for k in ("batch", "network", "expires_at", "revoked_at", "last_used_at")] == [None] * 5


@pytest.mark.short
def test_nothing_of_it_is_kept(home):
    made = [create(home, f"t{i}", role)[1] for i, role in enumerate(PREFIXES)]
    home.run("token", "revoke", "t1")
    held = everywhere(home)
    for token in made:
        assert hashlib.sha256(token.encode()).digest() in held, "this search finds what is there"
        for piece in (token, token[3:], token[3:29], token[29:], token.upper(), token[3:].upper()):
            assert piece.encode() not in held
    for row in tokens(home).values():
        assert not any(token in str(row) for token in made)
    for listing in (["token", "list"], ["event", "list"], ["event", "list", "--json"]):
        out = home.run(*listing).out
        assert not any(token in out or hashlib.sha256(token.encode()).hexdigest() in out for token in made)


def test_all_different(home):
    made = [create(home, f"t{i}", "enroll")[1] for i in range(20)]
    assert len(set(made)) == 20 and len(tokens(home)) == 20


def test_json(home):
    home.batch("lot")
    (row,) = home.json("token", "create", "st-1", "--role", "enroll", "--batch", "lot", "--from", "10.1.0.0/16", "--expires", "12h")
    token = row.pop("token")
    assert TOKEN.fullmatch(token + "\n")
    assert row == tokens(home)["st-1"]
    assert (row["batch"], row["network"]) == ("lot", "10.1.0.0/16")


def test_all_that_it_is_good_for_is_said(home):
    home.batch("lot")
    result, _ = create(home, "st-1", "enroll", "--batch", "lot", "--from", "fd00:0::/8", "--expires", "2099-12-31")
    for words in ("batch lot", "fd00::/8", "2099-12-31T00:00:00Z", "token revoke st-1"):
        assert words in result.err
    row = tokens(home)["st-1"]
    assert (row["network"], row["expires_at"][:19]) == ("fd00::/8", "2099-12-31T00:00:00")


@pytest.mark.parametrize("text,hours", [("1h", 1), ("12h", 12), ("1d", 24), ("90d", 90 * 24), ("36500d", 36500 * 24)])
def test_expires_after(home, text, hours):
    create(home, "one", "viewer", "--expires", text)
    assert abs(hours_left(tokens(home)["one"]) - hours) < 0.001


@pytest.mark.parametrize("text,want", [
    ("2099-12-31", "2099-12-31T00:00:00"), ("2099-12-31T18:00:00Z", "2099-12-31T18:00:00"),
    ("2099-12-31T18:00:00+02:00", "2099-12-31T16:00:00")])
def test_expires_at(home, text, want):
    create(home, "one", "admin", "--expires", text)
    assert tokens(home)["one"]["expires_at"].startswith(want)


def test_expires(home):
    soon = (datetime.datetime.utcnow() + datetime.timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    create(home, "soon", "viewer", "--expires", soon)
    create(home, "later", "viewer", "--expires", "1d")
    assert tokens(home)["soon"]["state"] == "active"
    time.sleep(max(0.0, (when(soon) - datetime.datetime.now(datetime.timezone.utc)).total_seconds()) + 0.1)
    assert {n: r["state"] for n, r in tokens(home).items()} == {"soon": "expired", "later": "active"}
    home.run("token", "revoke", "soon")
    assert tokens(home)["soon"]["state"] == "revoked"


@pytest.mark.parametrize("args,words", [
    ([], "missing"), (["one"], "--role"), (["one", "--role"], "--role"), (["one", "--role", "root"], "enroll, viewer, technician or admin"),
    (["one", "--role", "Admin"], "enroll, viewer"), (["one", "--role", "nobody"], "enroll, viewer"), (["--role", "viewer"], "missing"),
    (["one", "two", "--role", "viewer"], "two"), (["", "--role", "viewer"], "name"), (["a b", "--role", "viewer"], "name"),
    (["-x", "--role", "viewer"], "-x"), (["n" * 65, "--role", "viewer"], "name"), (["ü", "--role", "viewer"], "name"),
    (["one", "--role", "viewer", "--role", "admin"], "twice"), (["one", "--role", "viewer", "--batch", "lot"], "--batch"),
    (["one", "--role", "technician", "--batch", "lot"], "--batch"), (["one", "--role", "admin", "--batch", "lot"], "--batch"),
    (["one", "--role", "enroll", "--from", "10.1.2.3/16"], "10.1.0.0/16"), (["one", "--role", "enroll", "--from", "everywhere"], "10.1.0.0/16"),
    (["one", "--role", "enroll", "--from", ""], "network"), (["one", "--role", "enroll", "--from", "10.1.0.0/33"], "0 to 32"),
    (["one", "--role", "enroll", "--expires", "yesterday"], "90d"), (["one", "--role", "enroll", "--expires", "2020-01-01"], "over already"),
    (["one", "--role", "enroll", "--expires", "0d"], "90d"), (["one", "--role", "enroll", "--expires", "-1d"], "90d"),
    (["one", "--role", "enroll", "--expires", "36501d"], "36500"), (["one", "--role", "enroll", "--expires", "d"], "90d"),
    (["one", "--role", "enroll", "--expires", "1w"], "90d"), (["one", "--role", "enroll", "--expires", "2026-02-30"], "90d"),
    (["one", "--role", "enroll", "--expires", "99999999999999999999d"], "90d"), (["one", "--role", "enroll", "--frobnicate"], "frobnicate")])
def test_wrong_usage(home, args, words):
    result = home.run("token", "create", *args, code=2)
    assert result.out == "" and words in result.err and "usage:" in result.err
    assert tokens(home) == {} and home.json("event", "list") == []


def test_a_name_is_given_once(home):
    create(home, "anna", "viewer")
    assert home.run("token", "create", "anna", "--role", "admin", code=4).out == ""
    home.run("token", "revoke", "anna")
    result = home.run("token", "create", "anna", "--role", "viewer", code=4)
    assert result.out == "" and "another name" in result.err
    assert {n: (r["role"], r["state"]) for n, r in tokens(home).items()} == {"anna": ("viewer", "revoked")}


def test_no_such_batch(home):
    result = home.run("token", "create", "one", "--role", "enroll", "--batch", "lot", code=1)
    assert result.out == "" and "lot" in result.err and tokens(home) == {}


def test_a_batch_that_does_not_issue_now(home):
    home.batch("lot")
    home.run("batch", "close", "lot")
    result, _ = create(home, "one", "enroll", "--batch", "lot")
    assert "closed" in result.err and tokens(home)["one"]["batch"] == "lot"


def test_nobody_saw_it(home):
    """A token that could not be printed is a right that nobody has."""
    with open("/dev/full", "w") as full:
        done = subprocess.run([homes.BINARY, "--home", str(home.path), "token", "create", "one", "--role", "admin"], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "revoked" in done.stderr
    assert tokens(home)["one"]["state"] == "revoked"


# ---- list, revoke

def test_list_for_people(home):
    assert home.run("token", "list").out.split() == ["NAME", "ROLE", "STATE", "BATCH", "FROM", "EXPIRES", "LAST", "USED", "CREATED"]
    assert home.run("token", "list", "--json").out == ""
    home.batch("lot")
    create(home, "anna", "technician")
    create(home, "st-1", "enroll", "--batch", "lot", "--from", "10.1.0.0/16", "--expires", "2099-12-31")
    home.run("token", "revoke", "anna")
    lines = home.run("token", "list").out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [["anna", "technician", "revoked"], ["st-1", "enroll", "active"]]
    for word in ("lot", "10.1.0.0/16", "2099-12-31T00:00:00Z", "not yet"):
        assert word in lines[2]
    for word in ("any", "anywhere", "never"):
        assert word in lines[1]
    assert len({line.index("20") for line in (lines[1][-20:], lines[2][-20:])}) == 1


def test_revoke(home):
    create(home, "anna", "viewer")
    create(home, "bert", "viewer")
    assert home.run("token", "revoke", "anna").out == ""
    first = tokens(home)["anna"]
    assert first["state"] == "revoked" and first["revoked_at"]
    home.run("token", "revoke", "anna")
    assert tokens(home)["anna"] == first, "revoking again changes nothing"
    assert tokens(home)["bert"]["state"] == "active"
    events = [(e["action"], e["object"]) for e in home.json("event", "list")]
    assert events == [("token.revoke", "anna"), ("token.create", "bert"), ("token.create", "anna")]
    assert all(e["actor"].startswith("cli:") for e in home.json("event", "list"))


@pytest.mark.parametrize("args,code", [([], 2), (["anna", "bert"], 2), (["nobody"], 1), ([""], 1), (["anna", "--force"], 2)])
def test_revoke_nothing(home, args, code):
    create(home, "anna", "viewer")
    assert home.run("token", "revoke", *args, code=code).err
    assert tokens(home)["anna"]["state"] == "active"


@pytest.mark.parametrize("args", [["token"], ["token", "show"], ["token", "list", "anna"], ["token", "list", "--role", "viewer"]])
def test_wrong_commands(home, args):
    assert home.run(*args, code=2).err


@pytest.mark.parametrize("args", [["list"], ["create", "one", "--role", "viewer"], ["revoke", "one"]])
def test_without_a_home(empty, args):
    result = empty.run("token", *args, code=(1, 4))
    assert str(empty.path) in result.err and result.out == "" and not empty.path.exists()


def test_beside_a_server(home, start):
    """A server that runs is no hindrance, and says nothing about it."""
    server = start(home)
    _, token = create(home, "one", "enroll")
    home.run("token", "revoke", "one")
    server.stop()
    assert token not in server.log() and tokens(home)["one"]["state"] == "revoked"
