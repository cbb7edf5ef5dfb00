"""The guards of an offline plant: dead clock batteries, full disks, CAs at their end."""
import time

import pytest
from cryptography import x509

import certs
import client
import csrs
import faketime
import home as homes
import keys
import problems


@pytest.fixture
def clock(tmp_path):
    return faketime.Clock(tmp_path / "clock")


@pytest.fixture
def lit(home, start, clock):
    """A server under a clock that can be turned; an open batch; one device that has its certificate."""
    home.batch("lot", 1000)
    server = start(home, env=clock.environment())
    with client.Client(server) as c:
        c.known = csrs.fresh()[1]
        first = c.enroll("lot", c.known)
        assert first.status == 201, str(first)
        c.known_body = first.body
        yield c


def goes_on_reading(c):
    """Who was given a certificate is still given it, and people can still look."""
    again = c.enroll("lot", c.known)
    assert (again.status, again.body) == (200, c.known_body)
    assert c.get("/v1/certificates").status == c.get("/").status == c.get("/healthz").status == 200


def not_ready(c, word):
    problems.check(c.get("/readyz"), word)


@pytest.mark.parametrize("back", ["-1m", "-2h", "-400d", "-20y"])
def test_clock_goes_back_while_serving(home, lit, clock, back):
    clock.turn(back)
    problems.check(lit.enroll("lot", csrs.fresh()[1]), "clock_invalid")
    not_ready(lit, "clock_invalid")
    goes_on_reading(lit)
    clock.turn("+0")
    assert lit.enroll("lot", csrs.fresh()[1]).status == 201
    assert lit.get("/readyz").status == 200
    assert home.batch_show("lot")["issued"] == 2


def test_small_steps_back_are_forgiven(lit, clock):
    """NTP at work."""
    clock.turn("-2")
    before = certs.leaf_of(lit.enroll("lot", csrs.fresh()[1])).serial_number
    clock.turn("-3")
    assert certs.leaf_of(lit.enroll("lot", csrs.fresh()[1])).serial_number > before


def test_server_started_with_a_clock_behind(home, start, clock):
    """A restart does not forget what was issued when."""
    home.batch("lot")
    known = csrs.fresh()[1]
    server = start(home)
    with client.Client(server) as c:
        body = c.enroll("lot", known).body
    server.stop()
    clock.turn("-30m")
    with client.Client(start(home, env=clock.environment())) as c:
        c.known, c.known_body = known, body
        problems.check(c.enroll("lot", csrs.fresh()[1]), "clock_invalid")
        not_ready(c, "clock_invalid")
        goes_on_reading(c)


def test_clock_before_the_ca(empty, start, clock):
    """Nothing issued yet, and the clock is before the CA's notBefore; also before the program was built."""
    clock.turn("+10d")
    empty.init(env=clock.environment())
    empty.batch("lot", env=None)
    clock.turn("+0")
    with client.Client(start(empty, env=clock.environment())) as c:
        problems.check(c.enroll("lot", csrs.fresh()[1]), "clock_invalid")
        not_ready(c, "clock_invalid")
        clock.turn("+11d")
        assert c.enroll("lot", csrs.fresh()[1]).status == 201


def test_init_with_a_dead_clock(empty, clock):
    """1970: a CA made now would be of no use for ever. It is refused with words."""
    clock.turn("-40y")
    result = empty.run("init", code=(1, 4), env=clock.environment())
    assert "clock" in result.err and not empty.path.exists()


def test_serials_do_not_repeat_under_a_clock_that_stands(home, start, tmp_path):
    still = faketime.Clock(tmp_path / "still", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + 60)))
    home.batch("lot", 1000)
    with client.Client(start(home, env=still.environment())) as c:
        serials = [certs.leaf_of(c.enroll("lot", csrs.fresh()[1])).serial_number for _ in range(50)]
    assert serials == sorted(serials) and len(set(serials)) == 50


# ---- the disk --------------------------------------------------------------------------------------------------------

@pytest.mark.short
def test_disk_reserve(home, start):
    home.batch("lot")
    known = csrs.fresh()[1]
    server = start(home)
    with client.Client(server) as c:
        body = c.enroll("lot", known).body
    server.stop()
    home.configure("guard", "disk_reserve_mib", "900000000")
    with client.Client(start(home)) as c:
        c.known, c.known_body = known, body
        problems.check(c.enroll("lot", csrs.fresh()[1]), "disk_low")
        not_ready(c, "disk_low")
        goes_on_reading(c)
    assert home.batch_show("lot")["issued"] == 1


# ---- the CA's end ------------------------------------------------------------------------------------------------------

@pytest.mark.short
def test_certificates_end_with_the_ca(empty, start):
    empty.init("--days", 20)
    empty.batch("lot")
    key, cn = keys.elliptic(), csrs.device()
    with client.Client(start(empty)) as c:
        answer = c.enroll("lot", csrs.plain(key, cn))
    ca = empty.ca_pem()
    leaf = certs.check(answer.body, ca, key, {"CN": cn})
    assert leaf.not_valid_after == x509.load_pem_x509_certificate(ca).not_valid_after


def test_words_when_the_ca_ends_soon(empty, start):
    """At start the log says that certificates are cut short by the CA."""
    empty.init("--days", 20)
    server = start(empty)
    ca = x509.load_pem_x509_certificate(empty.ca_pem())
    assert [l for l in server.lines_with(" warn ") if ca.not_valid_after.strftime("%Y-%m-%d") in l], server.log()


def test_expired_ca(empty, start, clock):
    empty.init("--days", 20)
    empty.batch("lot")
    with client.Client(start(empty, env=clock.environment())) as c:
        c.known = csrs.fresh()[1]
        c.known_body = c.enroll("lot", c.known).body
        clock.turn("+19d")
        assert c.enroll("lot", csrs.fresh()[1]).status == 201
        clock.turn("+21d")
        problems.check(c.enroll("lot", csrs.fresh()[1]), "ca_expired")
        not_ready(c, "ca_expired")
        goes_on_reading(c)


def test_expired_ca_at_start(empty, start, clock):
    """A server whose CA is over still starts, reads, and says why it does not issue."""
    empty.init("--days", 20)
    empty.batch("lot")
    clock.turn("+30d")
    server = start(empty, env=clock.environment())
    with client.Client(server) as c:
        problems.check(c.enroll("lot", csrs.fresh()[1]), "ca_expired")
        assert c.get("/v1/batches").status == 200


def test_inactive_guards_do_not_touch_bad_requests(lit, clock):
    """What is wrong with a CSR is said even when nothing can be issued."""
    clock.turn("-1d")
    answer = lit.enroll("lot", b"nonsense")
    problems.check(answer, "csr_malformed", "clock_invalid")
    problems.check(lit.enroll("nowhere", csrs.fresh()[1]), "batch_not_found", "clock_invalid")


def test_clock_library_works(tmp_path):
    """The clocks of this file do turn the program's time; otherwise the tests above would prove nothing."""
    clock = faketime.Clock(tmp_path / "clock", "+100d")
    home = homes.Home(tmp_path / "home").init(env=clock.environment())
    ca = x509.load_pem_x509_certificate(home.ca_pem())
    assert ca.not_valid_before - certs.now() > 99 * certs.DAY
