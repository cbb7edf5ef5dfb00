"""The log: one line an event, nothing forged, nothing secret."""
import re

import pytest

import certs
import client
import csrs
import keys

LINE = re.compile(r"""
    \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \s (?:debug|info|warn|error) \s [a-z_.]+
    (?: \s [a-z_]+ = (?: [A-Za-z0-9_.:/\-+,@%]+ | "(?:[^"\\\x00-\x1f\x7f-\xff]|\\["\\]|\\x[0-9a-f]{2})*" ) )*
    """, re.VERBOSE)


def fields(line):
    """The key=value pairs of a line."""
    pairs = re.findall(r' ([a-z_]+)=("(?:[^"\\]|\\.)*"|\S+)', line)
    assert len({k for k, _ in pairs}) == len(pairs), f"a key twice: {line}"
    return {k: v.strip('"') for k, v in pairs}


def of_request(server, answer):
    """The line that belongs to an answer."""
    request_id = answer.headers["X-Request-Id"]
    found = [l for l in server.lines_with(request_id)]
    assert len(found) == 1, f"{request_id}: {found}"
    return fields(found[0])


@pytest.fixture
def served(home, start):
    """A server with its own log, and a client to it."""
    home.batch("lot")
    server = start(home)
    with client.Client(server) as c:
        c.server = server
        yield c


@pytest.mark.short
def test_enrolment(served):
    cn = csrs.device()
    answer = served.enroll("lot", csrs.fresh(cn)[1])
    line = of_request(served.server, answer)
    assert (line["device"], line["batch"], line["serial"], line["status"]) == (cn, "lot", certs.serial_of(answer), "201")
    stages = {k: int(v) for k, v in line.items() if k.endswith("_us")}
    assert len(stages) >= 3 and all(v >= 0 for v in stages.values()), line
    assert line["total_us"] and max(stages.values()) == int(line["total_us"])


def test_enrolment_again(served):
    _, csr = csrs.fresh()
    first = of_request(served.server, served.enroll("lot", csr))
    again = of_request(served.server, served.enroll("lot", csr))
    assert again["status"] == "200" and again["serial"] == first["serial"] and again["device"] == first["device"]


@pytest.mark.parametrize("make,batch,status,code", [
    (lambda: b"nonsense", "lot", 400, "csr_malformed"), (lambda: csrs.fresh()[1], "nowhere", 404, "batch_not_found"),
    (lambda: csrs.fresh("a b")[1], "lot", 422, "subject_rejected"), (lambda: b"x" * 20000, "lot", 413, "body_too_large")])
def test_refusals(served, make, batch, status, code):
    with client.Client(served.server) as c:
        line = of_request(served.server, c.enroll(batch, make()))
    assert (line["status"], line.get("outcome", line.get("code"))) == (str(status), code)


@pytest.mark.short
@pytest.mark.parametrize("cn", [
    "x\n2026-01-01T00:00:00.000000Z info enroll device=forged status=201", "x status=201 serial=77",
    "\x1b[2J\x1b[31m", "\"quoted\\\"",
    "\r\n\r\n", "ünï\u202e", "a\0b", "%s%n%d", "=" * 30])
def test_device_text_is_escaped(served, cn):
    answer = served.enroll("lot", csrs.request(keys.elliptic(), csrs.name(("CN", cn))))
    assert answer.status == 422
    well_formed(served.server)
    line = of_request(served.server, answer)
    assert line["status"] == "422" and "serial" not in line
    assert not any("forged" in l.split("=")[0] or l.startswith("2026-01-01") for l in served.server.log().splitlines())


def test_paths_and_names_are_escaped(served):
    """What stands in a URL or a header is no better than what stands in a CSR."""
    served.enroll("x%0A2026-01-01T00:00:00Z%20forged", b"x")
    served.get("/%0d%0aforged%20status=201?q=%22")
    served.request("GET", "/healthz", headers={"User-Agent": "a\" status=201 b=\"", "X-Request-Id": "forged status=200"})
    well_formed(served.server)
    assert not any(l.startswith("2026-01-01") for l in served.server.log().splitlines())


def well_formed(server):
    bad = [l for l in server.log().split("\n")[:-1] if not LINE.fullmatch(l)]
    assert bad == []


def test_every_line_of_a_life(home, start):
    """From start to stop each line has the one form, under all kinds of requests at once."""
    home.batch("lot", 3)
    server = start(home)
    with client.Client(server) as c:
        for i in range(6):
            c.enroll("lot", csrs.fresh()[1])
            c.enroll("lot", csrs.pem(csrs.good())[: 50 * i])
            c.get(f"/v1/certificates?limit={i}")
    server.stop()
    well_formed(server)
    lines = server.log().splitlines()
    assert len(lines) >= 3
    assert " start " in lines[0] and any(" stop " in l for l in lines), lines


@pytest.mark.short
def test_no_csr_in_the_log(served):
    """Neither the CSR nor the certificate, in none of their forms, good or bad."""
    key = keys.elliptic()
    good, bad = csrs.plain(key, csrs.device()), csrs.request(key, csrs.name(("CN", "a b"), ("O", "Hidden Words")))
    needles = []
    for csr in (good, bad):
        served.enroll("lot", csrs.pem(csr))
        served.enroll("lot", csr)
        text = csrs.wrapped(csr, 0)
        needles += [text[40:80], text[-60:-20], csr.hex()[100:140]]
    public = keys.point_of(key)
    needles += [public.hex()[10:50]]
    log = served.server.log()
    assert not any(n in log or n.upper() in log.upper() for n in needles)
    assert "BEGIN" not in log
