"""What an attack found once, and what must not be found again."""
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

import client
import csrs
import home as homes
import limits
import server as servers


def test_a_body_that_ends_with_the_drain(home, start):
    """The last byte comes when the drain gives up waiting: no handler may begin while the server is torn down."""
    home.batch("lot", 100000)
    home.configure("server", "drain_s", "1")
    server = start(home)
    held = []
    for _ in range(60):
        csr = csrs.fresh()[1]
        s = client.connect(server)
        s.sendall(b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(csr) + csr[:-1])
        held.append((s, csr[-1:]))
    with client.Client(server) as c:    # all heads are read before the signal
        assert c.get("/healthz").status == 200
    server.signal()
    began = time.monotonic()
    for i, (s, last) in enumerate(held):
        at = began + 0.9 + 0.2 * i / len(held)
        time.sleep(max(0, at - time.monotonic()))
        try:
            s.sendall(last)
        except OSError:
            pass
    assert server.wait(30) == 0
    for s, _ in held:
        s.close()
    assert len(home.certificates()) == home.batch_show("lot")["issued"]


@pytest.mark.short
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_ledger_that_is_gone(home, start, how):
    """Nothing is answered from a ledger that nobody will ever read again."""
    home.batch("lot")
    server = start(home)
    ledger = os.path.join(home.path, "lineca.db")
    if how == "replaced":
        shutil.copy(ledger, ledger + ".new")
        os.rename(ledger + ".new", ledger)
    else:
        os.rename(ledger, ledger + ".away")
    with client.Client(server) as c:
        answer = c.enroll("lot", csrs.fresh()[1])
    assert answer.status == 503 and answer.json()["code"] == "storage_failed", str(answer)
    assert server.wait(30) == 1
    assert "ledger" in server.log()


def test_a_log_that_nobody_reads(home):
    """Standard error is a pipe that is full: the line goes on, and SIGTERM ends it."""
    home.batch("lot", 100000)
    process = subprocess.Popen([homes.BINARY, "--home", str(home.path), "serve", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=homes.environment())
    try:
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        key, csr = csrs.fresh()
        held = type("Held", (), {"host": "127.0.0.1", "port": port})
        with client.Client(held) as c:
            assert c.enroll("lot", csr).status == 201
            for _ in range(600):
                assert c.enroll("lot", csr).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(limits.seconds(20)) == 0
    finally:
        process.kill()
        process.stdout.close()
        process.stderr.close()


@pytest.mark.short
@pytest.mark.parametrize("path", ["/v1/enroll/lot%00x", "/v1/enroll/%00", "/healthz%00"])
def test_a_nul_in_the_path(home, start, path):
    home.batch("lot")
    with client.Client(start(home)) as c:
        answer = c.request("POST" if "enroll" in path else "GET", path, csrs.fresh()[1] if "enroll" in path else None)
    assert answer.status == 404, str(answer)
    assert home.batch_show("lot")["issued"] == 0


@pytest.mark.short
def test_problem_documents_are_json_whatever_was_sent(home, start):
    with client.Client(start(home)) as c:
        answer = c.get("/v1/batches/%ff%fe%01")
    assert answer.status == 404
    assert json.loads(answer.body.decode("ascii"))["code"] == "batch_not_found"


@pytest.mark.short
@pytest.mark.parametrize("pattern", ["((a{1,200}){1,200}){1,200}", "(x{1,100}){1,200}", "(.*)\\1", "a{2000}", ""])
def test_heavy_patterns(home, pattern):
    result = home.run("batch", "create", "lot", "--quantity", "1", "--pattern", pattern, code=2)
    assert "pattern" in result.err
    assert not home.json("batch", "list")


@pytest.mark.short
def test_profiles_that_come_and_go(home, start):
    """A profile written while the server runs is used at once; one that is taken away does not hide what is recorded."""
    csr = csrs.fresh()[1]
    server = start(home)
    conf = os.path.join(home.path, "lineca.conf")
    with open(conf, encoding="utf-8") as f:
        before = f.read()
    with open(conf, "w", encoding="utf-8") as f:
        f.write("[profile brief]\nvalidity_days = 5\n" + before)
    home.batch("lot", 10, "--profile", "brief")
    with client.Client(server) as c:
        first = c.enroll("lot", csr)
    assert first.status == 201, str(first)
    server.signal()
    assert server.wait() == 0
    with open(conf, "w", encoding="utf-8") as f:
        f.write(before)
    with client.Client(start(home)) as c:
        again = c.enroll("lot", csr)
        other = c.enroll("lot", csrs.fresh()[1])
    assert again.status == 200 and again.body == first.body
    assert other.status == 500


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave files to somebody else")
def test_root_leaves_no_lock_behind(home, start):
    os.chown(home.path, 65534, 65534)
    home.batch("lot")
    server = start(home)
    for lock in ("batch.lock", "serve.lock"):
        assert os.stat(os.path.join(home.path, lock)).st_uid == 65534
    server.signal()
    assert server.wait() == 0


@pytest.mark.short
def test_control_characters_stay_off_the_terminal(home, tmp_path):
    labels = tmp_path / "labels"
    labels.write_bytes(b"dev-1\n\x1b[2Jdev-2\n")
    result = home.run("batch", "create", "lot", "--quantity", "1", "--devices", str(labels), code=2)
    assert "line 2" in result.err and "\x1b" not in result.err
