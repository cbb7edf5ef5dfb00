"""The bench's own tools: a ledger of make_history is one that lineca could have made and takes as its own, and the pages of `drive view` are pages."""
import json
import os
import sqlite3
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from parts import line    # noqa: E402
from parts.drive import Beside, Drive    # noqa: E402
from parts.history import Client    # noqa: E402
from parts.search import KINDS, path_of, samples    # noqa: E402

TOOLS = os.environ["BENCH_TOOLS"]
LINECA = os.environ["LINECA"]
ROWS, LOT, UNTIL = 30000, 1600, 1700000000
TABLES = ("certificate", "device", "device_key", "outbox", "registration", "identifier", "batch", "rework", "withdrawn")


def make(path, seed):
    words = [os.path.join(TOOLS, "make_history"), str(path), str(ROWS), "--lot", str(LOT), "--seed", str(seed), "--until", str(UNTIL)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return make(tmp_path_factory.mktemp("history") / "one.db", 1)


def one(ledger, query):
    return ledger.execute(query).fetchone()[0]


def test_the_ledger_is_whole(ledger):
    assert one(ledger, "PRAGMA integrity_check") == "ok"
    assert ledger.execute("PRAGMA foreign_key_check").fetchall() == []
    assert ROWS <= one(ledger, "SELECT count(*) FROM certificate") <= ROWS + 5
    for counter, state in (("registered", 1), ("parked + revoked", 2)):
        wrong = f"SELECT count(*) FROM batch b WHERE {counter} <> (SELECT count(*) FROM outbox o WHERE o.batch_id = b.id AND o.state = {state})"
        assert one(ledger, wrong) == 0
    assert one(ledger, "SELECT count(*) FROM batch b WHERE issued <> (SELECT count(*) FROM certificate c WHERE c.batch_id = b.id)") == 0


def test_it_is_an_evening(ledger):
    """Three lots open, two that wait for the night, what is older is uploaded; some of everything that people do."""
    assert one(ledger, "SELECT count(*) FROM batch WHERE state = 0") == 3
    assert one(ledger, "SELECT count(*) FROM batch WHERE state = 1 AND issued = quantity AND registered = 0") == 2
    assert one(ledger, "SELECT count(*) FROM batch WHERE state = 1 AND registered + parked + revoked = issued") == one(ledger, "SELECT count(*) FROM batch") - 5
    assert one(ledger, "SELECT count(*) FROM outbox WHERE state = 2") > 0
    assert one(ledger, "SELECT count(*) FROM withdrawal WHERE state = 1") > 0
    assert one(ledger, "SELECT count(*) FROM batch b WHERE revoking <> 0 AND registered <> 0") == 0
    assert one(ledger, "SELECT count(*) FROM rework WHERE used_cert_id IS NOT NULL") > 0
    assert one(ledger, "SELECT count(*) FROM device") == one(ledger, "SELECT count(*) FROM certificate WHERE prior_id IS NULL")
    assert UNTIL - 60 < one(ledger, "SELECT max(issued_at_us) FROM certificate") / 10 ** 6 <= UNTIL


def test_the_same_again(ledger, tmp_path):
    same, other = make(tmp_path / "same.db", 1), make(tmp_path / "other.db", 2)
    for table in TABLES:
        rows = ledger.execute(f"SELECT * FROM {table}").fetchall()
        assert same.execute(f"SELECT * FROM {table}").fetchall() == rows, table
    assert one(other, "SELECT serial_lower FROM certificate") != one(ledger, "SELECT serial_lower FROM certificate")


def test_lineca_takes_it(tmp_path):
    """Its totals are those of the server, and each kind of search finds what it should."""
    home = line.Home(LINECA, str(tmp_path / "home"))
    ledger = make(os.path.join(home.path, "lineca.db"), 1)
    texts = samples(home, 3)
    with line.Server(home) as server:
        assert server.status()["totals"]["issued"] == one(ledger, "SELECT count(*) FROM certificate")
        client = Client(server)
        for kind in KINDS:
            for text in texts[kind]:
                found = len(json.loads(client.get(path_of(text))[1])["found"])
                # a device is found by what it is called, if there is one that is called so
                known = ledger.execute("SELECT count(*) FROM device WHERE substr(device_id, 1, ?) = ?", (len(text), text)).fetchone()[0]
                by_id = kind.startswith(("serial", "certificate id"))
                assert (found > 0) == (by_id or known > 0), (kind, text)


@pytest.mark.parametrize("view", ["line", "upload", "batch"])
def test_pages(tmp_path, view):
    """Five pages get each snapshot and ask what their view asks; they end when they are told, and say so when the server is gone."""
    drive = Drive(os.path.join(TOOLS, "drive"), str(tmp_path))
    home = line.Home(LINECA, str(tmp_path / "home"))
    home.batch("bench", 100)
    words = [drive.program, "view", "--view", view, "--pages", "5"] + (["--batch", "bench"] if view == "batch" else [])
    with line.Server(home) as server:
        pages = Beside(words + ["--port", str(server.port)], until_told=True)
        pages.expect("connected")
        assert server.status()["http"]["connections"] >= 5
        drive.load(port=server.port, path="/v1/enroll/bench", pid=server.pid, requests=drive.requests("p256", 50), connections=4)
        time.sleep(6)       # each view has polled by then
        said = pages.result()
        assert said["pages"] == 5 and said["events"] >= 5, said     # the devices were one thing or two that happened
        assert said["asked"] - said["late"] >= {"line": 1, "upload": 6, "batch": 15}[view], said
        left = Beside(words + ["--port", str(server.port)], until_told=True)
        left.expect("connected")
        server.process.terminate()
        assert left.process.wait(timeout=30) == 1
