"""Enrolment: the same again, somebody else's, too many, at once."""
import collections
import concurrent.futures
import threading

import pytest

import certs
import client
import csrs
import home as homes
import keys
import limits
import problems


def enrolled(c, batch, csr):
    answer = c.enroll(batch, csr)
    assert answer.status == 201, str(answer)
    return answer


# ---- the same request, the same certificate -----------------------------------------------------------------

@pytest.mark.short
def test_the_same_again(line):
    key, cn = keys.elliptic(), csrs.device()
    csr = csrs.plain(key, cn)
    first = enrolled(line.client, "lot", csr)
    for body, media in ((csr, "application/pkcs10"), (csrs.pem(csr), "text/plain"), (csrs.pem(csr, eol="\r\n"), None)):
        again = line.client.enroll("lot", body, media)
        assert (again.status, again.body) == (200, first.body)
        assert again.headers["Location"] == first.headers["Location"]
    assert len(line.home.certificates("--device", cn)) == 1


def test_the_same_key_in_another_request(line):
    """Another signature, another digest, another O: the same device with the same key gets what it was given."""
    key, cn = keys.elliptic(), csrs.device()
    first = enrolled(line.client, "lot", csrs.plain(key, cn))
    for other in (csrs.plain(key, cn), csrs.request(key, csrs.name(("CN", cn)), digest="sha512"),
                  csrs.request(key, csrs.name(("O", "Other"), ("CN", cn)))):
        again = line.client.enroll("lot", other)
        assert (again.status, again.body) == (200, first.body)


def test_the_same_proves_possession_again(line):
    """Knowing a device's public key is not enough to fetch anything."""
    key, cn = keys.elliptic(), csrs.device()
    enrolled(line.client, "lot", csrs.plain(key, cn))
    forged = csrs.request(key, csrs.name(("CN", cn)), signer=keys.elliptic())
    problems.check(line.client.enroll("lot", forged), "csr_signature_invalid")


def test_the_same_after_a_restart_close_and_reopen(home, start):
    home.batch("lot")
    key, cn = keys.elliptic(), csrs.device()
    csr = csrs.plain(key, cn)
    server = start(home)
    with client.Client(server) as c:
        first = enrolled(c, "lot", csr)
        home.run("batch", "close", "lot")
        again = c.enroll("lot", csr)
        assert (again.status, again.body) == (200, first.body), "after the batch was closed"
        problems.check(c.enroll("lot", csrs.fresh()[1]), "batch_closed")
    server.stop()
    server = start(home)
    with client.Client(server) as c:
        again = c.enroll("lot", csr)
        assert (again.status, again.body) == (200, first.body), "after a restart, closed"
        home.run("batch", "open", "lot")
        again = c.enroll("lot", csr)
        assert (again.status, again.body) == (200, first.body), "open again"
        enrolled(c, "lot", csrs.fresh()[1])
    server.kill()
    with client.Client(start(home)) as c:
        again = c.enroll("lot", csr)
        assert (again.status, again.body) == (200, first.body), "after a kill"


def test_the_same_when_full(home, start):
    home.batch("small", 3)
    with client.Client(start(home)) as c:
        made = [csrs.fresh()[1] for _ in range(3)]
        first = [enrolled(c, "small", csr).body for csr in made]
        problems.check(c.enroll("small", csrs.fresh()[1]), "batch_full")
        assert [c.enroll("small", csr).body for csr in made] == first
    assert home.batch_show("small")["issued"] == 3


@pytest.mark.short
def test_100_at_once(line):
    """100 parallel requests with one CSR: one 201, 99 times the same with 200."""
    cn = csrs.device()
    _, csr = csrs.fresh(cn)
    gate = threading.Barrier(100)

    def one(_):
        with client.Client(line.server, timeout=60) as c:
            c.http.connect()
            gate.wait(limits.seconds(30))
            return c.enroll("lot", csr)

    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(one, range(100)))
    assert collections.Counter(a.status for a in answers) == {201: 1, 200: 99}, [str(a) for a in answers if a.status > 201]
    assert len({a.body for a in answers}) == 1
    assert len(line.home.certificates("--device", cn)) == 1


# ---- somebody else's ---------------------------------------------------------------------------------------------

@pytest.mark.short
def test_device_exists(line):
    cn = csrs.device()
    enrolled(line.client, "lot", csrs.fresh(cn)[1])
    problems.check(line.client.enroll("lot", csrs.fresh(cn)[1]), "device_exists")


@pytest.mark.short
def test_key_reused(line):
    key, cn, other = keys.elliptic(), csrs.device(), csrs.device()
    enrolled(line.client, "lot", csrs.plain(key, cn))
    answer = line.client.enroll("lot", csrs.plain(key, other))
    assert cn in problems.check(answer, "key_reused")["detail"], "whose key it is"
    assert line.home.certificates("--device", other) == []


@pytest.mark.parametrize("make", [lambda: keys.elliptic(keys.P384), keys.rsa_key], ids=["p384", "rsa"])
def test_key_reused_by_other_kinds(line, make):
    key = make()
    enrolled(line.client, "lot", csrs.plain(key, csrs.device()))
    problems.check(line.client.enroll("lot", csrs.plain(key, csrs.device())), "key_reused")


def test_over_batches(home, start):
    home.batch("one")
    home.batch("two")
    key, cn = keys.elliptic(), csrs.device()
    csr = csrs.plain(key, cn)
    with client.Client(start(home)) as c:
        first = enrolled(c, "one", csr)
        problems.check(c.enroll("two", csrs.fresh(cn)[1]), "device_exists")
        problems.check(c.enroll("two", csrs.plain(key, csrs.device())), "key_reused")
        second = enrolled(c, "two", csr)
        assert certs.serial_of(second) != certs.serial_of(first)
        for batch, answer in (("one", first), ("two", second)):
            again = c.enroll(batch, csr)
            assert (again.status, again.body) == (200, answer.body)
    assert {r["batch"] for r in home.certificates("--device", cn)} == {"one", "two"}
    assert [home.batch_show(b)["issued"] for b in ("one", "two")] == [1, 1]


def test_race_for_a_device_id(line):
    """Many keys for one device id, at once: one wins."""
    cn = csrs.device()
    made = [csrs.fresh(cn)[1] for _ in range(16)]
    answers = at_once(line.server, "lot", made)
    assert sum(a.status == 201 for a in answers) == 1
    for a in answers:
        if a.status != 201:
            problems.check(a, "device_exists")


def test_race_for_a_key(line):
    """A cloned image: many device ids with one key, at once."""
    key = keys.elliptic()
    made = [csrs.plain(key, csrs.device()) for _ in range(16)]
    answers = at_once(line.server, "lot", made)
    assert sum(a.status == 201 for a in answers) == 1
    for a in answers:
        if a.status != 201:
            problems.check(a, "key_reused")


def at_once(server, batch, made, threads=16):
    def one(csr):
        with client.Client(server, timeout=60) as c:
            return c.enroll(batch, csr)
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, made))


# ---- the batch ------------------------------------------------------------------------------------------------

@pytest.mark.short
def test_300_devices_against_50(home, start):
    home.batch("small", 50)
    made = [csrs.fresh()[1] for _ in range(300)]
    answers = at_once(start(home), "small", made, 30)
    assert collections.Counter(a.status for a in answers) == {201: 50, 403: 250}
    for a in answers:
        if a.status != 201:
            problems.check(a, "batch_full")
    assert home.batch_show("small")["issued"] == 50
    assert len(home.certificates("--batch", "small")) == 50


def test_no_such_batch(line):
    problems.check(line.client.enroll("nowhere", csrs.fresh()[1]), "batch_not_found")
    problems.check(line.client.enroll("lot%2F", csrs.fresh()[1]), "batch_not_found", "not_found")
    problems.check(line.client.enroll("..", csrs.fresh()[1]), "batch_not_found", "not_found")
    problems.check(line.client.enroll("n" * 5000, csrs.fresh()[1]), "batch_not_found", "not_found")


@pytest.mark.short
def test_the_one_open_batch(home, start):
    with client.Client(start(home)) as c:
        problems.check(c.enroll(None, csrs.fresh()[1]), "batch_ambiguous")
        home.batch("one")
        key, cn = keys.elliptic(), csrs.device()
        csr = csrs.plain(key, cn)
        first = enrolled(c, None, csr)
        assert c.enroll("one", csr).body == first.body
        home.batch("two")
        detail = c.enroll(None, csrs.fresh()[1])
        problems.check(detail, "batch_ambiguous")
        assert b"one" in detail.body and b"two" in detail.body
        home.run("batch", "close", "one")
        assert enrolled(c, None, csrs.fresh()[1])
        assert [home.batch_show(b)["issued"] for b in ("one", "two")] == [1, 1]


def test_pattern(home, start):
    home.batch("numbered", 100, "--pattern", "SN-[0-9]{4}|X+")
    with client.Client(start(home)) as c:
        for cn in ("SN-0001", "SN-9999", "X", "XXX"):
            enrolled(c, "numbered", csrs.fresh(cn)[1])
        for cn in ("SN-00012", "SN-001", "aSN-0001", "SN-0001a", "sn-0001", "XY", "SN-0001X", "SN-000a"):
            problems.check(c.enroll("numbered", csrs.fresh(cn)[1]), "device_not_listed")


def test_device_list(home, start, tmp_path):
    listed = tmp_path / "devices.txt"
    listed.write_text("A-1\nA-2\r\n\nA-3")
    home.batch("listed", 10, "--devices", listed)
    with client.Client(start(home)) as c:
        for cn in ("A-1", "A-2", "A-3"):
            enrolled(c, "listed", csrs.fresh(cn)[1])
        for cn in ("A-4", "a-1", "A-", "A-11"):
            answer = c.enroll("listed", csrs.fresh(cn)[1])
            assert cn in problems.check(answer, "device_not_listed")["detail"]


def test_device_list_as_csv(home, start, tmp_path):
    listed = tmp_path / "devices.csv"
    listed.write_text('device_id,order\r\nB-1,4711\r\n"B-2","4712, late"\r\n')
    home.batch("listed", 10, "--devices", listed)
    with client.Client(start(home)) as c:
        for cn in ("B-1", "B-2"):
            enrolled(c, "listed", csrs.fresh(cn)[1])
        for cn in ("device_id", "4711", "B-3"):
            problems.check(c.enroll("listed", csrs.fresh(cn)[1]), "device_not_listed")


@pytest.mark.parametrize("column", ["device_id", "device", "id", "cn"])
def test_device_list_as_csv_with_other_columns(home, start, tmp_path, column):
    listed = tmp_path / "devices.csv"
    listed.write_text(f"order,{column},note\n4711,C-1,ok\n4712,C-2,\n")
    home.batch("listed", 10, "--devices", listed)
    with client.Client(start(home)) as c:
        assert [c.enroll("listed", csrs.fresh(cn)[1]).status for cn in ("C-1", "C-2", "4711")] == [201, 201, 403]


# ---- the answer -----------------------------------------------------------------------------------------------

@pytest.mark.short
def test_answer_as_json(line):
    cn = csrs.device()
    _, csr = csrs.fresh(cn)
    answer = line.client.enroll("lot", csr, accept="application/json")
    assert (answer.status, answer.type) == (201, "application/json")
    row = answer.json()
    assert homes.CERTIFICATE_FIELDS <= set(row)
    homes.check_times(row)
    assert (row["device_id"], row["batch"], row["profile"], row["state"]) == (cn, "lot", "default", "issued")
    assert row["chain"].encode() == line.ca
    as_pem = line.client.enroll("lot", csr)
    assert (row["certificate"] + row["chain"]).encode() == as_pem.body
    leaf = certs.leaf_of(as_pem)
    assert row["serial"] == f"{leaf.serial_number:032x}"
    assert row["certificate_id"] == certs.certificate_id(leaf)
    assert row["not_after"] == leaf.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert row["not_before"] == leaf.not_valid_before.strftime("%Y-%m-%dT%H:%M:%SZ")
    again = line.client.enroll("lot", csr, accept="application/json")
    assert again.status == 200 and again.json() == row


@pytest.mark.parametrize("accept,media", [
    (None, "application/pem-certificate-chain"), ("*/*", "application/pem-certificate-chain"),
    ("application/pem-certificate-chain", "application/pem-certificate-chain"),
    ("text/html, application/xhtml+xml", "application/pem-certificate-chain"),
    ("application/json", "application/json"), ("Application/JSON", "application/json"),
    ("application/json; q=0.9, text/plain", "application/json"), ("text/plain, application/json", "application/json")])
def test_accept(line, accept, media):
    answer = line.client.enroll("lot", csrs.fresh()[1], accept=accept)
    assert (answer.status, answer.type) == (201, media)


def test_location(line):
    answer = line.client.enroll("lot", csrs.fresh()[1])
    row = line.client.get(answer.headers["Location"])
    assert row.status == 200 and row.json()["serial"] == certs.serial_of(answer)
    pem = line.client.get(answer.headers["Location"] + ".pem")
    assert pem.status == 200 and certs.split(pem.body) == certs.split(answer.body)[:1]
