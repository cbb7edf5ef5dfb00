"""Sizes, slow bodies, chunks: the body as HTTP carries it."""
import time

import pytest

import certs
import client
import csrs
import limits
import problems

LIMIT = 16 * 1024


def padded(csr_pem, size):
    """Text before the PEM, so that the body has a size."""
    line = b"#" + b"-" * 62 + b"\n"
    need = size - len(csr_pem)
    return (line * (need // len(line) + 1))[:need - 1] + b"\n" + csr_pem


@pytest.mark.short
def test_exactly_16_kib(line):
    _, csr = csrs.fresh()
    assert line.client.enroll("lot", padded(csrs.pem(csr), LIMIT)).status == 201


@pytest.mark.short
@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT * 2, 1024 * 1024])
def test_too_large(line, size):
    with client.Client(line.server) as c:
        problems.check(c.enroll("lot", padded(csrs.pem(csrs.good()), size)), "body_too_large")


def test_too_large_is_said_before_the_body(line):
    """A Content-Length too large is refused without waiting for what it promises."""
    with client.connect(line.server) as s:
        s.sendall(b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10000000\r\n\r\n")
        began = time.monotonic()
        (answer,) = client.read_answers(s, 1)
        assert time.monotonic() - began < limits.seconds(5)
    problems.check(answer, "body_too_large")


def chunked(body, size):
    out = b""
    for at in range(0, len(body), size):
        piece = body[at:at + size]
        out += b"%x\r\n%s\r\n" % (len(piece), piece)
    return out + b"0\r\n\r\n"


HEAD = b"POST /v1/enroll/lot HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_chunked(line, size):
    _, csr = csrs.fresh()
    with client.connect(line.server) as s:
        s.sendall(HEAD + chunked(csrs.pem(csr), size))
        (answer,) = client.read_answers(s, 1)
    assert answer.status == 201, str(answer)


def test_chunked_too_large(line):
    with client.connect(line.server) as s:
        s.sendall(HEAD + chunked(padded(csrs.pem(csrs.good()), LIMIT + 1), 4096))
        (answer,) = client.read_answers(s, 1)
    problems.check(answer, "body_too_large")


def post(body, *more):
    return b"\r\n".join([b"POST /v1/enroll/lot HTTP/1.1", b"Host: x", b"Content-Type: text/plain",
                         b"Content-Length: %d" % len(body), *more, b"", body])


def test_byte_by_byte(line):
    """A station on a bad link: each byte of the head and the body alone."""
    _, csr = csrs.fresh()
    with client.connect(line.server) as s:
        for at in range(len(message := post(csr))):
            s.sendall(message[at:at + 1])
        (answer,) = client.read_answers(s, 1)
    assert answer.status == 201, str(answer)
    certs.leaf_of(answer)


def test_half_a_body_then_gone(line):
    """Devices that lose power while they post issue nothing and harm nobody."""
    cn = csrs.device()
    message = post(csrs.fresh(cn)[1])
    for cut in (1, 30, len(message) // 2, len(message) - 1):
        with client.connect(line.server) as s:
            s.sendall(message[:cut])
    assert line.home.certificates("--device", cn) == []
    assert line.client.enroll("lot", csrs.fresh()[1]).status == 201


def test_many_half_bodies_do_not_block_others(line):
    message = post(csrs.fresh()[1])
    held = [client.connect(line.server) for _ in range(50)]
    try:
        for s in held:
            s.sendall(message[:-5])
        began = time.monotonic()
        assert line.client.enroll("lot", csrs.fresh()[1]).status == 201
        assert time.monotonic() - began < limits.seconds(5)
    finally:
        for s in held:
            s.close()


def test_expect_continue(line):
    """curl asks first when a body is large."""
    _, csr = csrs.fresh()
    message = post(csr, b"Expect: 100-continue")
    with client.connect(line.server) as s:
        s.sendall(message[:-len(csr)])
        reader = s.makefile("rb")
        assert reader.readline().startswith(b"HTTP/1.1 100")
        assert reader.readline() == b"\r\n"
        s.sendall(csr)
        assert reader.readline().startswith(b"HTTP/1.1 201")


def test_gone_before_the_answer(line):
    """Who hangs up after posting finds the certificate on asking again."""
    cn = csrs.device()
    _, csr = csrs.fresh(cn)
    with client.connect(line.server) as s:
        s.sendall(post(csr))
    answer = line.client.enroll("lot", csr)
    assert answer.status in (200, 201), str(answer)
    assert len(line.home.certificates("--device", cn)) == 1


def test_chunked_after_a_number_too_large(line):
    """One request's bad number says nothing about the next request's body, on the same worker."""
    _, csr = csrs.fresh()
    with client.connect(line.server) as s:
        s.sendall(b"GET /v1/certificates?limit=99999999999999999999 HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD + chunked(csr, 100))
        first, second = client.read_answers(s, 2)
    problems.check(first, "bad_request")
    assert second.status == 201, str(second)
