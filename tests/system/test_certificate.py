"""What is in the certificates, over all CA keys, and over many of them."""
import concurrent.futures

import pytest
from cryptography import x509

import certs
import client
import csrs
import keys


@pytest.mark.parametrize("ca_key", ["p256", "p384", "rsa2048", "rsa3072", "rsa4096"])
def test_under_each_ca(empty, start, ca_key):
    home = empty.init("--key", ca_key)
    home.batch("lot")
    ca = home.ca_pem()
    with client.Client(start(home)) as c:
        for make in (keys.elliptic, lambda: keys.elliptic(keys.P384), keys.rsa_key):
            key, cn = make(), csrs.device()
            before = certs.now()
            answer = c.enroll("lot", csrs.plain(key, cn))
            certs.check(answer.body, ca, key, {"CN": cn}, (before, certs.now()))
            certs.check_by_tools(answer.body, ca)


def test_serves_as_a_client_certificate(line, tmp_path):
    answer = line.client.enroll("lot", csrs.fresh()[1])
    leaf, ca = tmp_path / "leaf.pem", tmp_path / "ca.pem"
    leaf.write_bytes(answer.body)
    ca.write_bytes(line.ca)
    certs.client_purpose(leaf, ca)


@pytest.mark.short
def test_serials_grow(line):
    """One after the other each serial is larger; its lower half says nothing about the next."""
    serials = [certs.leaf_of(line.client.enroll("lot", csrs.fresh()[1])).serial_number for _ in range(100)]
    assert serials == sorted(serials) and len(set(serials)) == len(serials)
    low = [s & (1 << 64) - 1 for s in serials]
    assert len(set(low)) == len(low) and low != sorted(low)
    ones = sum(bin(x).count("1") for x in low) / (64 * len(low))
    assert 0.45 < ones < 0.55


def test_serials_of_parallel_clients_differ(line):
    def some(_):
        with client.Client(line.server) as c:
            return [certs.serial_of(c.enroll("lot", csrs.fresh()[1])) for _ in range(25)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        serials = [s for part in pool.map(some, range(8)) for s in part]
    assert len(set(serials)) == 200


def test_serials_grow_over_a_restart(home, start):
    home.batch("lot")
    last = 0
    for _ in range(3):
        server = start(home)
        with client.Client(server) as c:
            for _ in range(5):
                serial = certs.leaf_of(c.enroll("lot", csrs.fresh()[1])).serial_number
                assert serial > last
                last = serial
        server.stop()


def test_profile_of_the_configuration(home, start):
    """Another validity, and notBefore never before the CA's."""
    home.configure("profile default", "validity_days", "30")
    home.configure("profile default", "backdate_minutes", "10")
    home.batch("lot")
    ca = home.ca_pem()
    key, cn = keys.elliptic(), csrs.device()
    with client.Client(start(home)) as c:
        before = certs.now()
        answer = c.enroll("lot", csrs.plain(key, cn))
    certs.check(answer.body, ca, key, {"CN": cn}, (before, certs.now()), days=30, backdate=600)


def test_never_before_the_ca(home, start):
    home.configure("profile default", "backdate_minutes", "600")
    home.batch("lot")
    with client.Client(start(home)) as c:
        leaf = certs.leaf_of(c.enroll("lot", csrs.fresh()[1]))
    assert leaf.not_valid_before == x509.load_pem_x509_certificate(home.ca_pem()).not_valid_before


def test_no_expiry(home, start):
    """IEEE 802.1AR: 9999-12-31, when the profile says that it may outlive the CA."""
    home.configure("profile default", "no_expiry", "yes")
    home.configure("profile default", "may_outlive_ca", "yes")
    home.batch("lot")
    with client.Client(start(home)) as c:
        answer = c.enroll("lot", csrs.fresh()[1])
    assert str(certs.leaf_of(answer).not_valid_after) == "9999-12-31 23:59:59"
    assert b"99991231235959Z" in certs.split(answer.body)[0]


def test_outliving_the_ca(empty, start):
    """With may_outlive_ca the certificate keeps its own end."""
    empty.init("--days", 20)
    empty.configure("profile default", "may_outlive_ca", "yes")
    empty.batch("lot")
    before = certs.now()
    with client.Client(start(empty)) as c:
        leaf = certs.leaf_of(c.enroll("lot", csrs.fresh()[1]))
    assert abs(leaf.not_valid_after - before - 3650 * certs.DAY) < certs.DAY


def test_a_profile_of_a_batch(home, start):
    """Another section, another batch; the first keeps its own."""
    with open(home.path / "lineca.conf", "a") as f:
        f.write("\n[profile short]\nvalidity_days = 7\n")
    home.batch("lot")
    home.batch("brief", 10, "--profile", "short")
    with client.Client(start(home)) as c:
        before = certs.now()
        spans = {b: certs.leaf_of(c.enroll(b, csrs.fresh()[1])).not_valid_after - before for b in ("lot", "brief")}
    assert abs(spans["brief"] - 7 * certs.DAY) < certs.DAY < spans["lot"] - 3000 * certs.DAY
    assert [r["profile"] for r in home.certificates("--batch", "brief")] == ["short"]


@pytest.mark.parametrize("key,value", [("validity_days", "0"), ("validity_days", "many"), ("backdate_minutes", "-5"),
                                       ("no_expiry", "perhaps"), ("no_expiry", "yes"), ("colour", "blue")])
def test_bad_profile(home, key, value):
    """A configuration that cannot be meant is refused with the key's name."""
    home.configure("profile default", key, value)
    result = home.run("serve", "--listen", "127.0.0.1:0", code=None, timeout=20)
    assert result.code not in (0, 2) and key in result.err, str(result)
