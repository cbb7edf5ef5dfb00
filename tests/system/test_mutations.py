"""A good CSR bent a thousand times: never accepted, never a 500, never a dead server."""
import random

import pytest

import csrs
import der
import keys
import problems


@pytest.fixture(scope="module")
def victim():
    """A CSR with something everywhere: all names, extensions, attributes."""
    key = keys.elliptic()
    attrs = csrs.attributes(
        csrs.extension_request(csrs.extension("2.5.29.19", der.sequence(), True),
                               csrs.extension("2.5.29.17", der.sequence(der.tlv(0x82, b"a.example")))),
        der.sequence(der.oid(csrs.CHALLENGE_PASSWORD), der.set_of(der.string("utf8", "words"))))
    return csrs.request(key, csrs.name(("C", "DE"), ("O", "Acme"), ("OU", "Line"), ("CN", csrs.device())), attrs=attrs)


def refused(line, body, *codes):
    """Refused for what a CSR can be refused for; the CN or key may have become unusable, or the signature wrong."""
    problems.check(line.client.enroll("lot", body, "application/octet-stream"), *(codes or problems.OF_A_CSR))


@pytest.mark.short
def test_flipped_bits(line, victim):
    """Each byte in turn with one bit flipped: the signature covers all of the content, the strict syntax the rest."""
    rng = random.Random(1)
    for at in range(len(victim)):
        body = bytearray(victim)
        body[at] ^= 1 << rng.randrange(8)
        refused(line, bytes(body))


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes(line, victim, seed):
    rng = random.Random(seed)
    for _ in range(300):
        body = bytearray(victim)
        for _ in range(rng.randrange(1, 6)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        if bytes(body) != victim:
            refused(line, bytes(body))


def test_every_length(line, victim):
    for end in range(len(victim)):
        refused(line, victim[:end], "csr_malformed")


def test_inserted_and_removed(line, victim):
    rng = random.Random(2)
    for _ in range(300):
        at = rng.randrange(len(victim))
        refused(line, victim[:at] + bytes([rng.randrange(256)]) + victim[at:])
        refused(line, victim[:at] + victim[at + 1:])


def test_lengths_made_long(line, victim):
    """Every one-octet length rewritten as 81 xx, the headers around it left alone: wrong, wherever it is."""
    for at in range(1, len(victim) - 1):
        if victim[at] < 0x80:
            refused(line, victim[:at] + b"\x81" + victim[at:])


def test_pieces_swapped(line, victim):
    """Whole elements repeated, removed, exchanged; the outer lengths right."""
    info, algorithm, signature = der.children(victim)
    parts = der.children(info)
    rng = random.Random(3)
    for _ in range(100):
        mixed = list(parts)
        way = rng.randrange(3)
        i, j = rng.randrange(len(mixed)), rng.randrange(len(mixed))
        if way == 0:
            mixed[i], mixed[j] = mixed[j], mixed[i]
        elif way == 1:
            mixed.insert(i, mixed[j])
        else:
            del mixed[i]
        if mixed != parts:
            refused(line, der.sequence(der.sequence(*mixed), algorithm, signature))


def test_pem_letters(line):
    """Letters of a PEM body changed: refused, or it was the same request in other clothes."""
    body = csrs.pem(csrs.fresh()[1])
    first = line.client.enroll("lot", body)
    assert first.status == 201
    rng = random.Random(4)
    for _ in range(400):
        bent = bytearray(body)
        bent[rng.randrange(len(bent))] = rng.randrange(256)
        answer = line.client.enroll("lot", bytes(bent), "text/plain")
        if answer.status == 200:
            assert answer.body == first.body
        else:
            problems.check(answer, *problems.OF_A_CSR)


def test_noise(line):
    rng = random.Random(5)
    for _ in range(300):
        refused(line, rng.randbytes(rng.randrange(0, 2000)), "csr_malformed", "private_key_posted")


def test_still_well(line):
    assert line.client.enroll("lot", csrs.fresh()[1]).status == 201
    assert not line.server.lines_with("=internal")
