"""
The corpus: good and bad CSRs, made anew in each run, and what the server must say to each.

A case is a function of a device id that returns a Made: the body, and, where a certificate is expected, the key and the
subject it must carry. `want` is "ok" or the codes of which one is right; several only where the interface leaves it open.
"""
import dataclasses
import datetime
import subprocess
import tempfile
from typing import Callable, Optional, Tuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

import csrs
import der
import keys
from csrs import attributes, extension, extension_request, name, pem, request

PKCS10 = "application/pkcs10"


@dataclasses.dataclass
class Made:
    body: bytes
    key: object = None
    subject: Optional[dict] = None


@dataclasses.dataclass
class Case:
    name: str
    make: Callable[[str], Made]
    want: Tuple[str, ...]
    media: Optional[str] = PKCS10
    short: bool = False


CASES = []


def case(name_, want, media=PKCS10, short=False):
    """Adds the decorated maker to the corpus."""
    def add(make):
        add_case(name_, want, make, media, short)
        return make
    return add


def add_case(name_, want, make, media=PKCS10, short=False):
    wants = (want,) if isinstance(want, str) else tuple(want)
    assert all(c.name != name_ for c in CASES), name_
    CASES.append(Case(name_, make, wants, media, short))


# ---- keys and digests -------------------------------------------------------------------------------------

def signed(make_key, **how):
    def make(device):
        key = make_key()
        return Made(request(key, name(("CN", device)), **how), key, {"CN": device})
    return make


for _digest in ("sha256", "sha384", "sha512"):
    add_case(f"p256-{_digest}", "ok", signed(keys.elliptic, digest=_digest), short=True)
    add_case(f"p384-{_digest}", "ok", signed(lambda: keys.elliptic(keys.P384), digest=_digest), short=_digest == "sha384")
    add_case(f"rsa2048-{_digest}", "ok", signed(keys.rsa_key, digest=_digest), short=_digest == "sha256")
    _size = {"sha256": 32, "sha384": 48, "sha512": 64}[_digest]
    add_case(f"rsa2048-pss-{_digest}", "ok", signed(keys.rsa_key, digest=_digest, pss_salt=_size), short=_digest == "sha256")
add_case("rsa2048-pss-sha256-salt-20", "ok", signed(keys.rsa_key, pss_salt=20))
add_case("rsa2048-pss-sha256-salt-0", "ok", signed(keys.rsa_key, pss_salt=0))
add_case("rsa3072", "ok", signed(lambda: keys.rsa_key(3072)))
add_case("rsa3072-pss-sha512", "ok", signed(lambda: keys.rsa_key(3072), digest="sha512", pss_salt=64))
add_case("rsa4096", "ok", signed(lambda: keys.rsa_key(4096)))
add_case("rsa4096-sha512", "ok", signed(lambda: keys.rsa_key(4096), digest="sha512"))
add_case("rsa2304", "ok", signed(lambda: keys.rsa_key(2304)))

add_case("digest-sha1-ec", "key_rejected", signed(keys.elliptic, digest="sha1"), short=True)
add_case("digest-sha224-ec", "key_rejected", signed(keys.elliptic, digest="sha224"))
add_case("digest-sha3-ec", ("key_rejected", "csr_signature_invalid"), signed(keys.elliptic, digest="sha3_256"))
add_case("digest-md5-rsa", "key_rejected", signed(keys.shared_rsa, digest="md5"))
add_case("digest-sha1-rsa", "key_rejected", signed(keys.shared_rsa, digest="sha1"))
add_case("digest-sha224-rsa", "key_rejected", signed(keys.shared_rsa, digest="sha224"))
add_case("digest-sha1-pss", "key_rejected", signed(keys.shared_rsa, digest="sha1", pss_salt=20))
add_case("pss-mgf-sha1", ("key_rejected", "csr_signature_invalid"),
         signed(keys.shared_rsa, digest="sha256", pss_salt=32, mgf="sha1"))

add_case("rsa512", "key_rejected", signed(lambda: keys.shared_rsa(512)))
add_case("rsa1024", "key_rejected", signed(lambda: keys.shared_rsa(1024)), short=True)
add_case("rsa2047", "key_rejected", signed(lambda: keys.shared_rsa(2047)))
add_case("rsa4104", "key_rejected", signed(lambda: keys.shared_rsa(4104)))
add_case("rsa8192", "key_rejected", signed(keys.rsa_8192))
add_case("rsa-exponent-3", "key_rejected", signed(lambda: keys.rsa_key(2048, 3)))
add_case("rsa-even-modulus", "key_rejected", signed(keys.rsa_even))
add_case("rsa-close-primes", "key_rejected", signed(keys.rsa_close))
add_case("rsa-roca", "key_rejected", signed(keys.rsa_roca))
add_case("rsa-small-factor", "key_rejected", signed(keys.rsa_small_factor))
add_case("p521", "key_rejected", signed(lambda: keys.elliptic(keys.P521)), short=True)
add_case("secp256k1", "key_rejected", signed(lambda: keys.elliptic(keys.K256)))
add_case("ed25519", "key_rejected", signed(keys.ed25519_key))
add_case("ed448", "key_rejected", signed(keys.ed448_key))
add_case("dsa", "key_rejected", signed(keys.dsa_key))


def with_spki(make_key, spki, **how):
    def make(device):
        key = make_key()
        return Made(request(key, name(("CN", device)), spki=spki(key), **how))
    return make


def explicit_p256(key):
    """The curve spelt out (RFC 3279 2.3.5) instead of named."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    g = bytes.fromhex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                      "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
    n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    field = der.sequence(der.oid("1.2.840.10045.1.1"), der.integer(p))
    curve = der.sequence(der.octets((p - 3).to_bytes(32, "big")), der.octets(b.to_bytes(32, "big")))
    parameters = der.sequence(der.integer(1), field, curve, der.octets(g), der.integer(n), der.integer(1))
    return der.sequence(der.sequence(der.oid(keys.EC_PUBLIC_KEY), parameters), der.bits(keys.point_of(key)))


def moved(point):
    """A point of the same length that is on no curve we know."""
    return point[:-1] + bytes([point[-1] ^ 1])


add_case("p256-compressed", "key_rejected", with_spki(keys.elliptic, lambda k: keys.ec_spki(keys.point_of(k, True))))
add_case("p256-hybrid-point", "key_rejected", with_spki(
    keys.elliptic, lambda k: keys.ec_spki(bytes([6 + (keys.point_of(k)[-1] & 1)]) + keys.point_of(k)[1:])))
add_case("p256-off-curve", "key_rejected", with_spki(keys.elliptic, lambda k: keys.ec_spki(moved(keys.point_of(k)))), short=True)
add_case("p384-off-curve", "key_rejected", with_spki(
    lambda: keys.elliptic(keys.P384), lambda k: keys.ec_spki(moved(keys.point_of(k)), "1.3.132.0.34")))
add_case("p256-coordinates-too-large", "key_rejected", with_spki(keys.elliptic, lambda k: keys.ec_spki(b"\4" + b"\xff" * 64)))
add_case("p256-zero-point", "key_rejected", with_spki(keys.elliptic, lambda k: keys.ec_spki(b"\4" + b"\0" * 64)))
add_case("p256-infinity", "key_rejected", with_spki(keys.elliptic, lambda k: keys.ec_spki(b"\0")))
add_case("p256-point-empty", ("key_rejected", "csr_malformed"), with_spki(keys.elliptic, lambda k: keys.ec_spki(b"")))
add_case("p256-point-short", "key_rejected", with_spki(keys.elliptic, lambda k: keys.ec_spki(keys.point_of(k)[:-1])))
add_case("p256-point-of-p384", "key_rejected", with_spki(
    keys.elliptic, lambda k: keys.ec_spki(keys.point_of(keys.elliptic(keys.P384)))))
add_case("p256-explicit-parameters", "key_rejected", with_spki(keys.elliptic, explicit_p256))
add_case("ec-without-parameters", ("key_rejected", "csr_malformed"), with_spki(
    keys.elliptic, lambda k: der.sequence(der.sequence(der.oid(keys.EC_PUBLIC_KEY)), der.bits(keys.point_of(k)))))
add_case("ec-null-parameters", "key_rejected", with_spki(
    keys.elliptic, lambda k: der.sequence(der.sequence(der.oid(keys.EC_PUBLIC_KEY), der.null()), der.bits(keys.point_of(k)))))
add_case("key-unused-bits", ("key_rejected", "csr_malformed"), with_spki(
    keys.elliptic, lambda k: der.sequence(der.sequence(der.oid(keys.EC_PUBLIC_KEY), der.oid("1.2.840.10045.3.1.7")),
                                          der.bits(keys.point_of(k)[:-1] + b"\0", 1))))
add_case("ecdh-key", "key_rejected", with_spki(
    keys.elliptic, lambda k: der.sequence(der.sequence(der.oid("1.3.132.1.12"), der.oid("1.2.840.10045.3.1.7")),
                                          der.bits(keys.point_of(k)))))
add_case("unknown-key-algorithm", "key_rejected", with_spki(
    keys.elliptic, lambda k: der.sequence(der.sequence(der.oid("1.2.3.4.5")), der.bits(keys.point_of(k)))))


def numbers(key):
    return key.public_key().public_numbers()


def rsa_bits(*parts):
    return der.sequence(der.sequence(der.oid(keys.RSA_ENCRYPTION), der.null()), der.bits(der.sequence(*parts)))


add_case("rsa-pss-restricted-key", "key_rejected", with_spki(
    keys.shared_rsa, lambda k: der.sequence(der.sequence(der.oid("1.2.840.113549.1.1.10")),
                                            der.bits(der.sequence(der.integer(numbers(k).n), der.integer(65537)))), pss_salt=32))
add_case("rsa-negative-modulus", ("key_rejected", "csr_malformed"), with_spki(
    keys.shared_rsa, lambda k: rsa_bits(der.tlv(2, numbers(k).n.to_bytes(256, "big")), der.integer(65537))))
add_case("rsa-padded-modulus", ("key_rejected", "csr_malformed"), with_spki(
    keys.shared_rsa, lambda k: rsa_bits(der.tlv(2, b"\0\0" + numbers(k).n.to_bytes(256, "big")), der.integer(65537))))
add_case("rsa-zero-modulus", "key_rejected", with_spki(keys.shared_rsa, lambda k: keys.rsa_spki(0, 65537)))
add_case("rsa-exponent-1", "key_rejected", with_spki(keys.shared_rsa, lambda k: keys.rsa_spki(numbers(k).n, 1)))
add_case("rsa-exponent-even", "key_rejected", with_spki(keys.shared_rsa, lambda k: keys.rsa_spki(numbers(k).n, 65536)))
add_case("rsa-exponent-huge", "key_rejected", with_spki(keys.shared_rsa, lambda k: keys.rsa_spki(numbers(k).n, 2**64 + 65537)))
add_case("rsa-key-with-more", ("key_rejected", "csr_malformed"), with_spki(
    keys.shared_rsa, lambda k: rsa_bits(der.integer(numbers(k).n), der.integer(65537), der.integer(1))))
add_case("rsa-key-not-der", ("key_rejected", "csr_malformed"), with_spki(
    keys.shared_rsa, lambda k: der.sequence(der.sequence(der.oid(keys.RSA_ENCRYPTION), der.null()), der.bits(b"\xde\xad" * 128))))


# ---- proof of possession ------------------------------------------------------------------------------------

@case("signature-wrong", "csr_signature_invalid", short=True)
def signature_wrong(device):
    key = keys.elliptic()
    return Made(request(key, name(("CN", device)), signature=der.bits(keys.sign(key, b"something else"))))


@case("signature-wrong-rsa", "csr_signature_invalid")
def signature_wrong_rsa(device):
    key = keys.shared_rsa()
    return Made(request(key, name(("CN", device)), signature=der.bits(keys.sign(key, b"something else"))))


@case("signature-wrong-pss", "csr_signature_invalid")
def signature_wrong_pss(device):
    key = keys.shared_rsa()
    return Made(request(key, name(("CN", device)), pss_salt=32,
                        signature=der.bits(keys.sign(key, b"something else", pss_salt=32))))


add_case("signature-wrong-p384", "csr_signature_invalid", lambda device: Made(request(
    keys.elliptic(keys.P384), name(("CN", device)), signer=keys.elliptic(keys.P384))))
add_case("signed-by-another-key", "csr_signature_invalid", lambda device: Made(request(
    keys.elliptic(), name(("CN", device)), signer=keys.elliptic())), short=True)
add_case("signed-by-another-rsa-key", "csr_signature_invalid", lambda device: Made(request(
    keys.rsa_key(), name(("CN", device)), signer=keys.shared_rsa())))
add_case("ec-key-rsa-signature", "csr_signature_invalid", lambda device: Made(request(
    keys.elliptic(), name(("CN", device)), signer=keys.shared_rsa())))
add_case("rsa-key-ec-signature", "csr_signature_invalid", lambda device: Made(request(
    keys.shared_rsa(), name(("CN", device)), signer=keys.elliptic())))


def with_signature(change, want=None):
    def make(device):
        key = keys.elliptic()
        subject = name(("CN", device))
        info = der.sequence(der.integer(0), subject, keys.spki_of(key), der.context(0))
        return Made(request(key, subject, info=info, signature=change(keys.sign(key, info))))
    return make


def unpacked(signature):
    return [int.from_bytes(e[2:], "big") for e in der.children(signature)]


def negated(signature):
    r, s = unpacked(signature)
    return der.bits(der.sequence(der.integer(-r), der.integer(s)))


def raw_pair(signature):
    r, s = unpacked(signature)
    return der.bits(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


OPEN_SIGNATURE = ("csr_signature_invalid", "csr_malformed")
add_case("signature-empty", OPEN_SIGNATURE, with_signature(lambda s: der.bits(b"")))
add_case("signature-zeros", OPEN_SIGNATURE, with_signature(lambda s: der.bits(der.sequence(der.integer(0), der.integer(0)))))
add_case("signature-ones", OPEN_SIGNATURE, with_signature(lambda s: der.bits(der.sequence(der.integer(1), der.integer(1)))))
add_case("signature-raw-pair", OPEN_SIGNATURE, with_signature(raw_pair))
add_case("signature-negative", OPEN_SIGNATURE, with_signature(negated))
add_case("signature-trailing", OPEN_SIGNATURE, with_signature(lambda s: der.bits(s + b"\0")))
add_case("signature-unused-bits", OPEN_SIGNATURE, with_signature(lambda s: der.bits(s, 3)))
add_case("signature-octets", "csr_malformed", with_signature(lambda s: der.octets(s)))
add_case("signature-huge", OPEN_SIGNATURE, with_signature(lambda s: der.bits(b"\x30" * 5000)))
add_case("signature-algorithm-unknown", ("key_rejected", "csr_signature_invalid"), lambda device: Made(request(
    keys.elliptic(), name(("CN", device)), algorithm=der.sequence(der.oid("1.2.3.4.5")))))
add_case("signature-digest-mismatch", "csr_signature_invalid", lambda device: Made(request(
    keys.elliptic(), name(("CN", device)), digest="sha256", algorithm=der.sequence(der.oid(csrs.ECDSA_OIDS["sha384"])))))
# Mbed TLS wrote NULL parameters with ECDSA for many years (its issue 2924); such devices are in the field
add_case("ecdsa-null-parameters", "ok", signed(
    keys.elliptic, algorithm=der.sequence(der.oid(csrs.ECDSA_OIDS["sha256"]), der.null())))


# ---- subjects -----------------------------------------------------------------------------------------------

def subject_case(name_, want, rdns, carries=None, short=False):
    """rdns: a function of the device id; carries: the subject expected in the certificate, without the CN."""
    def make(device):
        key = keys.elliptic()
        return Made(request(key, name(*rdns(device))), key, dict(carries or {}, CN=device))
    add_case(name_, want, make, short=short)


ALL = {"C": "DE", "ST": "Bayern", "L": "Nürnberg", "O": "Linie & Söhne", "OU": "Prüffeld 3"}
subject_case("subject-all", "ok", lambda d: [*ALL.items(), ("CN", d)], ALL, short=True)
subject_case("subject-other-order", "ok", lambda d: [("CN", d), *reversed(ALL.items())], ALL)
subject_case("subject-printable", "ok", lambda d: [
    ("C", "US", "printable"), ("O", "Acme (Inc.)", "printable"), ("CN", d, "printable")], {"C": "US", "O": "Acme (Inc.)"})
subject_case("subject-two-of-them", "ok", lambda d: [("OU", "Line 7"), ("CN", d)], {"OU": "Line 7"})
subject_case("subject-o-64-characters", "ok", lambda d: [("O", "ö" * 64), ("CN", d)], {"O": "ö" * 64})
subject_case("subject-l-128-characters", "ok", lambda d: [("L", "l" * 128), ("CN", d)], {"L": "l" * 128})
subject_case("subject-four-byte-characters", "ok", lambda d: [("O", "\U0001F3ED" * 64), ("CN", d)], {"O": "\U0001F3ED" * 64})
subject_case("subject-markup-in-o", "ok", lambda d: [("O", "<script>alert(1)</script>"), ("CN", d)],
             {"O": "<script>alert(1)</script>"})

subject_case("subject-empty", "subject_rejected", lambda d: [], short=True)
subject_case("cn-missing", "subject_rejected", lambda d: [("O", "Acme")], short=True)
subject_case("cn-twice", "subject_rejected", lambda d: [("CN", d), ("CN", d + "x")])
subject_case("cn-twice-the-same", "subject_rejected", lambda d: [("CN", d), ("CN", d)])
subject_case("cn-empty", "subject_rejected", lambda d: [("CN", "")])
subject_case("multi-valued-rdn", "subject_rejected", lambda d: [[("CN", d), ("O", "Acme")]])
subject_case("multi-valued-cn", "subject_rejected", lambda d: [[("CN", d), ("CN", d + "x")]])

for _what, _cn in (
        ("space", "a b"), ("slash", "a/b"), ("umlaut", "gerät"), ("nul", "a\0b"), ("nul-at-end", "dev\0"), ("control", "a\x07b"),
        ("newline", "a\nb"), ("delete", "a\x7fb"), ("script", "<script>"), ("plus", "a+b"), ("comma", "a,b"), ("equals", "a=b"),
        ("quote", "a\"b"), ("backslash", "a\\b"), ("percent", "a%20b"), ("hash", "#a"), ("asterisk", "*"),
        ("star-dot", "*.example.com"),
        ("at", "a@b"), ("wide-digits", "\uff11\uff12"), ("zero-width", "dev\u200b1"), ("right-to-left", "dev\u202e1"),
        ("dot", "."), ("dots", ".."), ("65-characters", "c" * 65), ("1000-characters", "c" * 1000)):
    subject_case(f"cn-{_what}", "subject_rejected", lambda d, cn=_cn: [("CN", cn)],
                 short=_what in ("nul", "newline", "65-characters"))


def cn_case(name_, want, cn, short=False):
    def make(device):
        key = keys.elliptic()
        value = cn(device)
        return Made(request(key, name(("CN", value))), key, {"CN": value})
    add_case(name_, want, make, short=short)


def hexadecimal(device, digits):
    return (device[4:] * 4)[:digits]


cn_case("cn-64-hex-lower", "subject_rejected", lambda d: hexadecimal(d, 64), short=True)
cn_case("cn-64-hex-upper", "subject_rejected", lambda d: hexadecimal(d, 64).upper())
cn_case("cn-64-hex-mixed", "subject_rejected", lambda d: "aB" + hexadecimal(d, 62))
cn_case("cn-64-digits", "subject_rejected", lambda d: "7" * 64)
cn_case("cn-63-hex", "ok", lambda d: hexadecimal(d, 63))
cn_case("cn-64-not-hex", "ok", lambda d: hexadecimal(d, 63) + "g")
cn_case("cn-64-colon", "ok", lambda d: hexadecimal(d, 31) + ":" + hexadecimal(d, 32))
cn_case("cn-every-character", "ok", lambda d: "AZaz09:_.-" + hexadecimal(d, 20))
cn_case("cn-dots-only-in-part", "ok", lambda d: "..-" + hexadecimal(d, 20))

for _kind in ("C", "ST", "L", "O", "OU"):
    _value = "DE" if _kind == "C" else "value"
    subject_case(f"{_kind.lower()}-twice", "subject_rejected", lambda d, k=_kind, v=_value: [(k, v), (k, v), ("CN", d)])
    subject_case(f"{_kind.lower()}-empty", "subject_rejected", lambda d, k=_kind: [(k, ""), ("CN", d)])
subject_case("c-three-letters", "subject_rejected", lambda d: [("C", "DEU"), ("CN", d)])
subject_case("c-one-letter", "subject_rejected", lambda d: [("C", "D"), ("CN", d)])
subject_case("c-digits", "subject_rejected", lambda d: [("C", "49"), ("CN", d)])
subject_case("c-umlaut", "subject_rejected", lambda d: [("C", "ÄÖ"), ("CN", d)])
subject_case("o-65-characters", "subject_rejected", lambda d: [("O", "o" * 65), ("CN", d)])
subject_case("ou-65-characters", "subject_rejected", lambda d: [("OU", "ö" * 65), ("CN", d)])
subject_case("st-129-characters", "subject_rejected", lambda d: [("ST", "s" * 129), ("CN", d)])
subject_case("l-129-characters", "subject_rejected", lambda d: [("L", "l" * 129), ("CN", d)])
subject_case("o-newline", "subject_rejected", lambda d: [("O", "Acme\nInc"), ("CN", d)])
subject_case("o-nul", "subject_rejected", lambda d: [("O", "Acme\0Inc"), ("CN", d)])
subject_case("o-escape", "subject_rejected", lambda d: [("O", "\x1b[31mred"), ("CN", d)])
subject_case("o-c1-control", "subject_rejected", lambda d: [("O", "a\u0085b"), ("CN", d)])
for _what, _bytes in (("cut", b"\xc3"), ("stray", b"a\x80b"), ("overlong", b"\xc0\xaf"), ("surrogate", b"\xed\xa0\x80"),
                      ("above-unicode", b"\xf4\x90\x80\x80"), ("latin1", b"S\xf6hne")):
    subject_case(f"o-utf8-{_what}", "subject_rejected", lambda d, b=_bytes: [("O", b, "utf8"), ("CN", d)])
subject_case("o-printable-with-at", "subject_rejected", lambda d: [("O", b"a@b", "printable"), ("CN", d)])
for _string in ("bmp", "t61", "ia5", "universal", "visible", "numeric"):
    subject_case(f"o-as-{_string}", "subject_rejected", lambda d, s=_string: [
        ("O", "123", s), ("CN", d)])
subject_case("cn-as-bmp", "subject_rejected", lambda d: [("CN", d, "bmp")])
subject_case("cn-as-ia5", "subject_rejected", lambda d: [("CN", d, "ia5")])
subject_case("cn-as-t61", "subject_rejected", lambda d: [("CN", d, "t61")])
subject_case("cn-as-octets", ("subject_rejected", "csr_malformed"), lambda d: [
    der.sequence(der.oid("2.5.4.3"), der.octets(d.encode()))])
subject_case("cn-as-sequence", ("subject_rejected", "csr_malformed"), lambda d: [
    der.sequence(der.oid("2.5.4.3"), der.sequence(der.string("utf8", d)))])
subject_case("rdn-with-more", ("csr_malformed", "subject_rejected"), lambda d: [
    der.sequence(der.oid("2.5.4.3"), der.string("utf8", d), der.null())])
for _kind in ("emailAddress", "serialNumber", "DC", "UID", "title", "givenName", "dnQualifier"):
    subject_case(f"attribute-{_kind}", "subject_rejected", lambda d, k=_kind: [
        (k, "4711", "ia5" if k in ("emailAddress", "DC") else "utf8"), ("CN", d)])
subject_case("attribute-of-unknown-oid", "subject_rejected", lambda d: [("1.3.6.1.4.1.99999.1", "4711"), ("CN", d)])
subject_case("subject-huge", ("subject_rejected", "csr_malformed"), lambda d: [("O", "x" * 12000), ("CN", d)])
subject_case("subject-many-attributes", "subject_rejected", lambda d: [("OU", f"unit {i}") for i in range(300)] + [("CN", d)])
add_case("subject-empty-set", ("csr_malformed", "subject_rejected"), lambda device: Made(request(
    keys.elliptic(), der.sequence(der.set_of(), der.set_of(csrs.attribute("CN", device))))))
add_case("subject-not-a-sequence", "csr_malformed", lambda device: Made(request(
    keys.elliptic(), der.string("utf8", device))))


# ---- attributes and requested extensions -----------------------------------------------------------------------

def attrs_case(name_, want, attrs, short=False):
    add_case(name_, want, signed(keys.elliptic, attrs=attrs), short=short)


SAN = extension("2.5.29.17", der.sequence(der.tlv(0x82, b"evil.example.com")))
CA_TRUE = extension("2.5.29.19", der.sequence(der.boolean(True)), True)
KEY_USAGE = extension("2.5.29.15", der.bits(b"\x06", 1), True)

attrs_case("asks-ca-true", "ok", attributes(extension_request(CA_TRUE)), short=True)
attrs_case("asks-san", "ok", attributes(extension_request(SAN)))
attrs_case("asks-key-usage", "ok", attributes(extension_request(KEY_USAGE)))
attrs_case("asks-everything", "ok", attributes(extension_request(
    CA_TRUE, SAN, KEY_USAGE, extension("2.5.29.37", der.sequence(der.oid("1.3.6.1.5.5.7.3.1"))),
    extension("1.3.6.1.4.1.99999.7", der.octets(b"x" * 500)))))
attrs_case("asks-nothing", "ok", attributes(extension_request()))
attrs_case("challenge-password", "ok", attributes(
    der.sequence(der.oid(csrs.CHALLENGE_PASSWORD), der.set_of(der.string("utf8", "secret words")))))
attrs_case("unstructured-name", "ok", attributes(
    der.sequence(der.oid(csrs.UNSTRUCTURED_NAME), der.set_of(der.string("utf8", "board 7")))))
attrs_case("unknown-attribute", "ok", attributes(
    der.sequence(der.oid("1.3.6.1.4.1.99999.2"), der.set_of(der.sequence(der.integer(5), der.null())))))
attrs_case("attributes-absent", ("ok", "csr_malformed"), b"")
attrs_case("extension-twice", "csr_malformed", attributes(extension_request(SAN, SAN)), short=True)
attrs_case("extension-twice-different", "csr_malformed", attributes(extension_request(
    CA_TRUE, extension("2.5.29.19", der.sequence()))))
attrs_case("extension-request-not-a-sequence", "csr_malformed", attributes(
    der.sequence(der.oid(csrs.EXTENSION_REQUEST), der.set_of(der.string("utf8", "no")))))
attrs_case("extension-request-without-value", "csr_malformed", attributes(
    der.sequence(der.oid(csrs.EXTENSION_REQUEST), der.set_of())))
attrs_case("extension-request-two-values", "csr_malformed", attributes(
    der.sequence(der.oid(csrs.EXTENSION_REQUEST), der.set_of(der.sequence(SAN), der.sequence(CA_TRUE)))))
attrs_case("extension-without-value", "csr_malformed", attributes(extension_request(
    der.sequence(der.oid("2.5.29.17")))))
attrs_case("extension-value-not-octets", "csr_malformed", attributes(extension_request(
    der.sequence(der.oid("2.5.29.17"), der.string("utf8", "x")))))
attrs_case("extension-value-not-der", "csr_malformed", attributes(extension_request(
    der.sequence(der.oid("2.5.29.17"), der.octets(b"\x30\x05ab")))))
attrs_case("extension-value-with-more", "csr_malformed", attributes(extension_request(
    der.sequence(der.oid("2.5.29.17"), der.octets(der.sequence() + b"\0")))))
attrs_case("extension-critical-not-boolean", "csr_malformed", attributes(extension_request(
    der.sequence(der.oid("2.5.29.17"), der.integer(1), der.octets(der.sequence())))))
attrs_case("extension-critical-1", "csr_malformed", attributes(extension_request(
    der.sequence(der.oid("2.5.29.17"), der.tlv(1, b"\1"), der.octets(der.sequence())))))
attrs_case("attribute-not-a-sequence", "csr_malformed", attributes(der.integer(5)))
attrs_case("attribute-without-set", "csr_malformed", attributes(
    der.sequence(der.oid(csrs.CHALLENGE_PASSWORD), der.string("utf8", "x"))))
attrs_case("attributes-wrong-tag", "csr_malformed", der.context(1))
attrs_case("attributes-twice", "csr_malformed", der.context(0) + der.context(0))


# ---- syntax -----------------------------------------------------------------------------------------------------

def built(want, name_, short=False, **how):
    add_case(name_, want, signed(keys.elliptic, **how), short=short)


built("csr_malformed", "version-2", version=der.integer(1), short=True)
built("csr_malformed", "version-minus-1", version=der.integer(-1))
built("csr_malformed", "version-long-zero", version=der.tlv(2, b"\0\0"))
built("csr_malformed", "version-empty", version=der.tlv(2))
built("csr_malformed", "version-missing", version=b"")
built("csr_malformed", "trailing-byte", tail=b"\0", short=True)
built("csr_malformed", "trailing-element", tail=der.null())
built("csr_malformed", "indefinite-length", wrap=lambda *p: der.indefinite(0x30, *p), short=True)
built("csr_malformed", "outer-set", wrap=lambda *p: der.tlv(0x31, *p))
built("csr_malformed", "length-not-minimal", wrap=lambda *p: b"\x30" + der.length_long(sum(map(len, p)), 3) + b"".join(p))
built("csr_malformed", "length-four-octets", wrap=lambda *p: b"\x30" + der.length_long(sum(map(len, p)), 4) + b"".join(p))
built("csr_malformed", "length-beyond-end", wrap=lambda *p: b"\x30" + der.length(sum(map(len, p)) + 5) + b"".join(p))
built("csr_malformed", "length-enormous", wrap=lambda *p: b"\x30\x88" + b"\x7f" + b"\xff" * 7 + b"".join(p))
built("csr_malformed", "fourth-element", wrap=lambda *p: der.sequence(*p, der.null()))
built("csr_malformed", "high-tag", wrap=lambda *p: b"\x3f\x30" + der.length(sum(map(len, p))) + b"".join(p))


@case("inner-indefinite-length", "csr_malformed")
def inner_indefinite(device):
    key = keys.elliptic()
    info = der.indefinite(0x30, der.integer(0), name(("CN", device)), keys.spki_of(key), der.context(0))
    return Made(request(key, b"", info=info))


@case("inner-length-not-minimal", "csr_malformed")
def inner_long_length(device):
    key = keys.elliptic()
    subject = name(("CN", device))
    subject = b"\x30" + der.length_long(len(subject) - 2, 1) + subject[2:]
    return Made(request(key, subject))


@case("inner-more-after-attributes", "csr_malformed")
def inner_more(device):
    return Made(request(keys.elliptic(), name(("CN", device)), attrs=der.context(0) + der.null()))


@case("nested-deeply", ("csr_malformed", "subject_rejected"))
def nested(device):
    deep = der.null()
    for _ in range(2000):
        deep = der.sequence(deep)
    return Made(request(keys.elliptic(), name(("CN", device)), attrs=attributes(
        der.sequence(der.oid("1.3.6.1.4.1.99999.3"), der.set_of(deep)))))


@case("cut-in-half", "csr_malformed", short=True)
def cut(device):
    body = csrs.good()
    return Made(body[:len(body) // 2])


@case("cut-by-one", "csr_malformed")
def cut_by_one(device):
    return Made(csrs.good()[:-1])


add_case("empty-body", "csr_malformed", lambda d: Made(b""), short=True)
add_case("one-byte", "csr_malformed", lambda d: Made(b"0"))
add_case("spaces", "csr_malformed", lambda d: Made(b" \r\n\t" * 100))
add_case("nuls", "csr_malformed", lambda d: Made(b"\0" * 500))
add_case("html", "csr_malformed", lambda d: Made(b"<!DOCTYPE html><html><body>not a CSR</body></html>"), "text/plain")
add_case("json", "csr_malformed", lambda d: Made(b'{"csr": "..."}'), None)
add_case("two-csrs-pem", "csr_malformed", lambda d: Made(pem(csrs.fresh()[1]) + pem(csrs.fresh()[1])), short=True)
add_case("the-same-csr-twice-pem", "csr_malformed", lambda d: Made(pem(csrs.good()) * 2))
add_case("two-csrs-der", "csr_malformed", lambda d: Made(csrs.fresh()[1] + csrs.fresh()[1]))


def self_signed(device):
    """A certificate instead of a request."""
    key = keys.elliptic()
    me = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device)])
    today = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(me).issuer_name(me).public_key(key.public_key())
            .serial_number(7).not_valid_before(today).not_valid_after(today + datetime.timedelta(9)))
    return made.sign(key, keys.hash_of("sha256"))


add_case("certificate-pem", "csr_malformed", lambda d: Made(
    self_signed(d).public_bytes(serialization.Encoding.PEM)), "application/x-pem-file")
add_case("certificate-der", "csr_malformed", lambda d: Made(self_signed(d).public_bytes(serialization.Encoding.DER)))
add_case("certificate-labelled-csr", "csr_malformed", lambda d: Made(
    pem(self_signed(d).public_bytes(serialization.Encoding.DER))))
add_case("public-key-pem", "csr_malformed", lambda d: Made(pem(keys.spki_of(keys.elliptic()), "PUBLIC KEY")))


# ---- the clothes a request comes in ------------------------------------------------------------------------------

def dressed(name_, want, dress, media=PKCS10, short=False):
    """dress: from a good CSR in DER to a body."""
    def make(device):
        key = keys.elliptic()
        return Made(dress(csrs.plain(key, device)), key, {"CN": device})
    add_case(name_, want, make, media, short)


def b64(width=64, eol="\n"):
    return lambda d: csrs.wrapped(d, width, eol).encode()


dressed("der", "ok", lambda d: d, short=True)
dressed("pem", "ok", pem, short=True)
dressed("pem-new", "ok", lambda d: pem(d, "NEW CERTIFICATE REQUEST"), short=True)
dressed("pem-crlf", "ok", lambda d: pem(d, eol="\r\n"), short=True)
dressed("pem-new-crlf", "ok", lambda d: pem(d, "NEW CERTIFICATE REQUEST", "\r\n"))
dressed("pem-76-columns", "ok", lambda d: pem(d, width=76))
dressed("pem-one-line", "ok", lambda d: pem(d, width=10000))
dressed("pem-text-before", "ok", lambda d: b"Certificate Request:\n    Data:\n        Version: 1 (0x0)\n" + pem(d))
dressed("pem-text-before-crlf", "ok", lambda d: b"Bag Attributes\r\n    x: 1\r\n\r\n" + pem(d, eol="\r\n"))
dressed("pem-byte-order-mark", "ok", lambda d: b"\xef\xbb\xbf" + pem(d))
dressed("pem-no-newline-at-end", "ok", lambda d: pem(d).rstrip())
dressed("pem-blank-after", "ok", lambda d: pem(d) + b"\r\n \n\t\n")
dressed("base64", "ok", b64(), short=True)
dressed("base64-one-line", "ok", b64(0))
dressed("base64-76", "ok", b64(76))
dressed("base64-crlf", "ok", b64(64, "\r\n"))
dressed("base64-column-1", "ok", b64(1))
dressed("base64-column-37", "ok", b64(37))
dressed("base64-est", "ok", lambda d: b64(64, "\r\n")(d).rstrip())

dressed("pem-text-after", "csr_malformed", lambda d: pem(d) + b"and more\n")
dressed("pem-without-end", "csr_malformed", lambda d: pem(d).split(b"-----END")[0])
dressed("pem-without-begin", "csr_malformed", lambda d: pem(d).split(b"\n", 1)[1])
dressed("pem-labels-differ", "csr_malformed", lambda d: pem(d).replace(b"END CERT", b"END NEW CERT"))
dressed("pem-label-lower", "csr_malformed", lambda d: pem(d).replace(b"CERTIFICATE REQUEST", b"certificate request"))
dressed("pem-label-certificate", "csr_malformed", lambda d: pem(d, "CERTIFICATE"))
dressed("pem-bad-character", "csr_malformed", lambda d: pem(d).replace(b"\nMI", b"\nM!"))
dressed("pem-empty", "csr_malformed", lambda d: pem(b""))
dressed("pem-trailing-der", "csr_malformed", lambda d: pem(d + b"\0"))
dressed("pem-nul-inside", "csr_malformed", lambda d: pem(d)[:100] + b"\0" + pem(d)[100:])
dressed("pem-then-certificate", "csr_malformed", lambda d: pem(d) + self_signed("x").public_bytes(serialization.Encoding.PEM))
dressed("base64-bad-character", "csr_malformed", lambda d: b64()(d)[:40] + b"!" + b64()(d)[41:])
dressed("base64-cut", "csr_malformed", lambda d: b64(0)(d)[:-5])
dressed("base64-padding-inside", "csr_malformed", lambda d: b64(0)(d[:10]) + b64(0)(d[10:]))
dressed("base64-text-after", "csr_malformed", lambda d: b64()(d) + b"-- \nsent from my station\n")
dressed("base64-of-pem", "csr_malformed", lambda d: b64()(pem(d)))
dressed("hexadecimal", "csr_malformed", lambda d: d.hex().encode())

for _media in ("application/pkcs10", "application/x-pem-file", "text/plain", "application/octet-stream", None):
    _label = (_media or "absent").replace("application/", "")
    dressed(f"media-{_label}-pem", "ok", pem, _media, short=_media is None)
    dressed(f"media-{_label}-der", "ok", lambda d: d, _media)
    dressed(f"media-{_label}-base64", "ok", b64(), _media)
dressed("media-parameter", "ok", pem, "text/plain; charset=utf-8")
dressed("media-parameter-no-space", "ok", pem, "application/pkcs10;foo=bar")
dressed("media-capitals", "ok", pem, "Application/PKCS10")
dressed("media-capitals-parameter", "ok", pem, "TEXT/Plain; Charset=\"UTF-8\"")
for _media in ("application/json", "text/html", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
               "application/pkcs10x", "application/pkcs", "application/pkcs7-mime", "text/plainly", "*/*", "nonsense"):
    dressed(f"media-refused-{_media.split(';')[0]}", "media_type", pem, _media, short=_media == "application/json")


# ---- made by OpenSSL's own tool, as the guides have it -------------------------------------------------------------

def by_openssl(*args):
    def make(device):
        with tempfile.NamedTemporaryFile(suffix=".key") as f:
            body = subprocess.run(["openssl", "req", "-new", "-nodes", "-subj", f"/C=DE/O=Acme/CN={device}", "-keyout", f.name,
                                   *args], check=True, capture_output=True, timeout=60).stdout
            key = serialization.load_pem_private_key(f.read(), None)
        return Made(body, key, {"C": "DE", "O": "Acme", "CN": device})
    return make


add_case("openssl-p256", "ok", by_openssl("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "text/plain")
add_case("openssl-p384", "ok", by_openssl("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384"))
add_case("openssl-rsa", "ok", by_openssl("-newkey", "rsa:2048"), "application/x-pem-file")
add_case("openssl-rsa-pss", "ok", by_openssl(
    "-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1"))
add_case("openssl-der", "ok", by_openssl("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-outform", "DER"))
add_case("openssl-with-text", "ok", by_openssl("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-text"))
add_case("openssl-new-header", "ok", by_openssl("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-newhdr"))
