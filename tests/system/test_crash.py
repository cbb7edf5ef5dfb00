"""Power cuts: kill -9 at bad moments, and what the next start finds."""
import random
import subprocess

import certs
import client
import csrs
import home as homes
import limits
import load


def serials_of(bodies):
    return {certs.serial_in(b) for b in bodies}


def test_20_kills_under_load(home, start):
    """Every certificate a client holds is in the database, and comes again byte for byte on asking."""
    home.batch("lot", 1000000)
    rng = random.Random()
    held = {}
    for number in range(20):
        server = start(home)
        work = load.Load(server, "lot", threads=8)
        work.until(rng.randrange(1, 60), limits.seconds(60))
        server.kill()
        work.join(limits.seconds(60))
        assert len(work.cut) == 8 and not work.refused, work.refused[:3]
        held.update(work.held)

        rows = home.certificates("--batch", "lot")
        recorded = {int(r["serial"], 16) for r in rows}
        assert len(recorded) == len(rows) == home.batch_show("lot")["issued"]
        assert serials_of(body for _, body in work.held) <= recorded, f"round {number}: a certificate was lost"

        server = start(home)
        with client.Client(server) as c:
            for csr, body in work.held:
                again = c.enroll("lot", csr)
                assert (again.status, again.body) == (200, body), f"round {number}"
            # those that were on their way when the power went: issued or not, now they are served
            unheard = set(work.asked) - {csr for csr, _ in work.held}
            for csr in unheard:
                assert c.enroll("lot", csr).status in (200, 201)
        server.stop()

    assert serials_of(held.values()) <= {int(r["serial"], 16) for r in home.certificates()}
    with client.Client(start(home)) as c:
        for csr, body in held.items():
            assert c.enroll("lot", csr).body == body


def test_quota_over_kills(home, start):
    """However often it dies: never more than the quantity, and in the end exactly that."""
    home.batch("small", 200)
    rng = random.Random()
    for _ in range(5):
        server = start(home)
        work = load.Load(server, "small", threads=8)
        work.until(rng.randrange(1, 20), limits.seconds(60))
        server.kill()
        work.join(limits.seconds(60))
    with client.Client(start(home)) as c:
        for _ in range(200 - home.batch_show("small")["issued"]):
            assert c.enroll("small", csrs.fresh()[1]).status == 201
        assert c.enroll("small", csrs.fresh()[1]).json()["code"] == "batch_full"
    assert home.batch_show("small")["issued"] == len(home.certificates("--batch", "small")) == 200


def test_killed_while_a_batch_is_made(home, start, tmp_path):
    """A killed `batch create --devices` leaves no batch that lacks devices; the next one of that name works."""
    listed = tmp_path / "devices.txt"
    listed.write_text("".join(f"D{i:07}\n" for i in range(300000)))
    args = [homes.BINARY, "--home", str(home.path), "batch", "create", "big", "--quantity", "5", "--devices", str(listed)]
    rng = random.Random()
    killed = 0
    for _ in range(6):
        process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(rng.uniform(0.02, 0.6))
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(limits.seconds(20))
            killed += 1
        if home.json("batch", "list"):
            break
    assert killed
    if not home.json("batch", "list"):
        home.run(*args[3:], timeout=120)
    with client.Client(start(home)) as c:
        for cn in ("D0000000", "D0150000", "D0299999"):
            assert c.enroll("big", csrs.fresh(cn)[1]).status == 201
