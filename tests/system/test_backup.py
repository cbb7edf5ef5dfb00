"""lineca backup: the ledger of a running line, copied whole, checked, never over another file; and a line that goes on from it."""
import os
import random
import shutil
import subprocess
import time

import pytest

import client
import home as homes
import limits
import load


def last_backup(server):
    with client.Client(server) as c:
        return c.get("/v1/status").json()["health"]["backup"]["last_at"]


def from_backup(home, file, path):
    """A home as the README has it made anew: settings and keys from one copy, the ledger from the other."""
    other = homes.Home(path)
    other.path.mkdir(mode=0o700)
    shutil.copy(home.path / "lineca.conf", other.path)
    shutil.copytree(home.path / "ca", other.path / "ca")
    shutil.copy(file, other.path / "lineca.db")
    return other


@pytest.mark.short
def test_a_line_goes_on_from_it(home, start, tmp_path):
    """Taken while devices enrol: what they held before it stands in it, and comes again octet for octet from a new home."""
    home.batch("lot", 100000)
    server = start(home)
    assert last_backup(server) is None
    work = load.Load(server, "lot", threads=4)
    work.until(40, limits.seconds(60))
    held = list(work.held)
    copy = tmp_path / "copy.db"
    said = home.run("backup", copy)
    work.until(len(work.held) + 20, limits.seconds(60))
    work.stop(limits.seconds(60))
    assert not work.refused and not work.cut
    assert str(copy) in said.err and said.out == "" and "ca/" in said.err
    assert copy.stat().st_mode & 0o777 == 0o600 and list(tmp_path.glob("copy*")) == [copy]

    (event,) = [e for e in home.json("event", "list") if e["action"] == "ledger.backup"]
    assert event["actor"].startswith("cli:") and event["object"] == "the ledger" and str(copy) in event["detail"]
    limits.wait_for("the status to tell it", lambda: last_backup(server) == event["at"], 10)
    server.stop()

    other = from_backup(home, copy, tmp_path / "other")
    issued = other.batch_show("lot")["issued"]
    assert len(held) <= issued <= len(work.asked) and f"{issued} certificates" in event["detail"] and f"{issued} certificates" in said.err
    with client.Client(start(other)) as c:
        for csr, body in held:
            answer = c.enroll("lot", csr)
            assert (answer.status, answer.body) == (200, body)
    assert other.batch_show("lot")["issued"] == issued


def test_the_newest_is_shown(home, start, tmp_path):
    server = start(home)
    for n in range(3):
        home.run("backup", tmp_path / f"copy-{n}")
        events = [e for e in home.json("event", "list") if e["action"] == "ledger.backup"]
        assert len(events) == n + 1
        limits.wait_for("the status to tell it", lambda: last_backup(server) == events[0]["at"], 10)


def test_what_is_there_stays(home, tmp_path):
    """Exit 4, and nothing is changed: neither a file, nor the ledger, nor what a name leads to."""
    home.batch("lot", 5)
    for name, make in (("file", lambda p: p.write_text("mine")), ("directory", lambda p: p.mkdir()), ("link", lambda p: p.symlink_to(tmp_path / "nowhere"))):
        path = tmp_path / name
        make(path)
        before = home.snapshot()
        said = home.run("backup", path, code=4).err
        assert str(path) in said and ("exists already" in said or "is a directory" in said)
        assert home.snapshot() == before
    assert (tmp_path / "file").read_text() == "mine" and not (tmp_path / "nowhere").exists()


def test_refused_in_words(home, tmp_path):
    before = home.snapshot()
    assert "FILE" in homes.run("help", "backup").out
    home.run("backup", code=2)
    home.run("backup", "", code=2)
    home.run("backup", "a", "b", code=2)
    missing = home.run("backup", tmp_path / "missing" / "copy", code=1).err
    assert str(tmp_path / "missing") in missing and "No such file" in missing
    home.run("backup", tmp_path / ("x" * 300), code=1)
    home.configure("guard", "disk_reserve_mib", str(1 << 30))
    before = home.snapshot()
    room = home.run("backup", tmp_path / "copy", code=1).err
    assert "MB are free" in room and "Make room" in room
    assert home.snapshot() == before and list(tmp_path.iterdir()) == [home.path]
    assert "there is no home" in homes.run("--home", tmp_path / "nobody", "backup", tmp_path / "copy", code=1).err


def test_in_the_home(home, start):
    """Names there mean something, to SQLite and to us: refused, and nothing is changed."""
    server = start(home)
    for name in ("lineca.db", "lineca.db-journal", "lineca.db-wal", "serve.lock", "upload.lock", "tls", "new.db", "ca/copy", "./copy", "ca/../copy"):
        before = sorted(str(p) for p in home.path.rglob("*"))
        assert "lies in the home" in home.run("backup", f"{home.path}/{name}", code=2).err
        assert sorted(str(p) for p in home.path.rglob("*")) == before
    assert home.json("batch", "list") == []
    server.stop()


@pytest.mark.parametrize("name", ["with spaces", "100%", "file:copy?mode=memory", "file:copy", ":memory:", "-copy-", "copy#1?x=y", "ö中", "a'b\"c;d", "copy.part", "copy-journal"])
def test_odd_names(home, tmp_path, name):
    """Any name is a name: never an address, an option of SQLite or a text of SQL."""
    (tmp_path / "there").mkdir()
    home.batch("lot", 5)
    home.run("backup", f"{tmp_path}/there/{name}")
    assert [p.name for p in (tmp_path / "there").iterdir()] == [name]
    home.run("backup", f"./{name}", cwd=tmp_path)
    (newest, _) = [e for e in home.json("event", "list") if e["action"] == "ledger.backup"]
    assert f"{tmp_path}/{name}" in newest["detail"], "where it lies is not to be seen"
    assert from_backup(home, tmp_path / name, tmp_path / "other").json("batch", "list") == home.json("batch", "list")


def test_somebody_elses_part(home, tmp_path):
    """Only what is named as ours is taken for the rest of a killed backup."""
    part = tmp_path / "copy.part"
    part.write_text("mine")
    home.run("backup", tmp_path / "copy")
    assert part.read_text() == "mine" and (tmp_path / "copy").exists()


def test_killed(home, start, tmp_path):
    """There is a whole file or none, whenever it is killed; and the next one is made all the same."""
    home.batch("lot", 100000)
    server = start(home)
    work = load.Load(server, "lot", threads=4)
    work.until(100, limits.seconds(60))
    rng = random.Random()
    whole = 0
    for n in range(20):
        copy = tmp_path / f"copy-{n}"
        process = subprocess.Popen([homes.BINARY, "--home", home.path, "backup", copy], stderr=subprocess.DEVNULL, env=homes.environment())
        time.sleep(rng.uniform(0, 0.06))
        process.kill()
        process.wait()
        if copy.exists():
            whole += 1
            from_backup(home, copy, tmp_path / f"home-{n}").certificates()
        else:
            home.run("backup", copy)
    for left in tmp_path.glob(".lineca-backup-*"):
        os.utime(left, (0, 0))
    home.run("backup", tmp_path / "last")
    assert not list(tmp_path.glob(".lineca-backup-*")), "what a killed one left is not swept"
    work.stop(limits.seconds(60))
    assert not work.refused and not work.cut


def test_a_damaged_ledger(home, start, tmp_path):
    """What cannot be read whole is no backup: said, and not kept."""
    home.batch("lot", 1000)
    server = start(home)
    work = load.Load(server, "lot", threads=4)
    work.until(200, limits.seconds(60))
    work.stop(limits.seconds(60))
    server.stop()
    ledger = home.path / "lineca.db"
    octets = bytearray(ledger.read_bytes())
    for page in range(len(octets) // 2 // 4096, len(octets) // 4096):
        octets[page * 4096:page * 4096 + 64] = b"\xff" * 64
    ledger.write_bytes(octets)
    said = home.run("backup", tmp_path / "copy", code=1).err
    assert "damaged" in said or "malformed" in said
    assert not list(tmp_path.glob("copy*"))
