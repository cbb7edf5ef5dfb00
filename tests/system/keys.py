"""Key pairs: those of the cryptography package, and RSA keys of our own making."""
import functools
import hashlib
import secrets

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, ed448, padding, rsa

import der
import primes

P256, P384, P521, K256 = ec.SECP256R1, ec.SECP384R1, ec.SECP521R1, ec.SECP256K1

RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
EC_PUBLIC_KEY = "1.2.840.10045.2.1"


def elliptic(curve=P256):
    return ec.generate_private_key(curve())


def rsa_key(bits=2048, exponent=65537):
    return rsa.generate_private_key(exponent, bits)


@functools.lru_cache(maxsize=None)
def shared_rsa(bits=2048):
    """One RSA key for requests that are refused, and so use up nothing."""
    return rsa_key(bits)


def ed25519_key():
    return ed25519.Ed25519PrivateKey.generate()


def ed448_key():
    return ed448.Ed448PrivateKey.generate()


@functools.lru_cache(maxsize=None)
def dsa_key():
    return dsa.generate_private_key(2048)


class OwnRsa:
    """An RSA key from its primes: signs PKCS#1 v1.5 with SHA-256, and that is all."""

    def __init__(self, factors, exponent=65537, modulus=None):
        self.n = 1
        phi = 1
        for p in factors:
            self.n *= p
            phi *= p - 1
        self.e = exponent
        self.d = pow(exponent, -1, phi)
        if modulus is not None:
            self.n = modulus

    def sign_sha256(self, data):
        size = (self.n.bit_length() + 7) // 8
        info = der.sequence(der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.null()),
                            der.octets(hashlib.sha256(data).digest()))
        block = b"\0\1" + b"\xff" * (size - 3 - len(info)) + b"\0" + info
        return pow(int.from_bytes(block, "big") % self.n, self.d, self.n).to_bytes(size, "big")

    def spki(self):
        return rsa_spki(self.n, self.e)


def rsa_spki(n, e):
    return der.sequence(der.sequence(der.oid(RSA_ENCRYPTION), der.null()),
                        der.bits(der.sequence(der.integer(n), der.integer(e))))


def ec_spki(point, curve_oid="1.2.840.10045.3.1.7"):
    return der.sequence(der.sequence(der.oid(EC_PUBLIC_KEY), der.oid(curve_oid)), der.bits(point))


@functools.lru_cache(maxsize=None)
def rsa_8192():
    return OwnRsa([primes.fresh(1024) for _ in range(8)])


@functools.lru_cache(maxsize=None)
def rsa_close():
    p = primes.fresh(1024)
    return OwnRsa([p, primes.following(p + 2 * secrets.randbits(80))])


@functools.lru_cache(maxsize=None)
def rsa_roca():
    return OwnRsa([primes.roca(1024), primes.roca(1024)])


@functools.lru_cache(maxsize=None)
def rsa_small_factor():
    return OwnRsa([primes.fresh(1030), primes.fresh(1010), 251])


@functools.lru_cache(maxsize=None)
def rsa_even():
    key = shared_rsa()
    numbers = key.private_numbers()
    return OwnRsa([numbers.p, numbers.q], modulus=numbers.public_numbers.n - 1)


def spki_of(key):
    if isinstance(key, OwnRsa):
        return key.spki()
    return key.public_key().public_bytes(serialization.Encoding.DER,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


def point_of(key, compressed=False):
    form = serialization.PublicFormat.CompressedPoint if compressed else serialization.PublicFormat.UncompressedPoint
    return key.public_key().public_bytes(serialization.Encoding.X962, form)


def private_bytes(key, form, encoding="PEM", password=None):
    forms = {"pkcs8": serialization.PrivateFormat.PKCS8, "traditional": serialization.PrivateFormat.TraditionalOpenSSL,
             "openssh": serialization.PrivateFormat.OpenSSH}
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(getattr(serialization.Encoding, encoding), forms[form], how)


def secrets_of(key, posted):
    """What must not be found anywhere after the key was posted as these bytes."""
    numbers = key.private_numbers()
    scalar = getattr(numbers, "private_value", None) or numbers.d
    raw = scalar.to_bytes((scalar.bit_length() + 7) // 8, "big")
    needles = [raw[:24], raw[:16].hex().encode(), raw[:16].hex().upper().encode()]
    for line in posted.replace(b"\r", b"").split(b"\n"):
        # base64: what stands before column 50 is the same in every key of a kind
        if len(line) >= 64 and not line.startswith(b"-") and b":" not in line and b" " not in line:
            needles.append(line[50:64])
    return needles


def hash_of(name):
    return {"md5": hashes.MD5, "sha1": hashes.SHA1, "sha224": hashes.SHA224, "sha256": hashes.SHA256,
            "sha384": hashes.SHA384, "sha512": hashes.SHA512, "sha3_256": hashes.SHA3_256}[name]()


def sign(key, data, digest="sha256", pss_salt=None, mgf=None):
    """A signature by any of the keys above."""
    if isinstance(key, OwnRsa):
        return key.sign_sha256(data)
    if isinstance(key, rsa.RSAPrivateKey):
        pad = padding.PKCS1v15()
        if pss_salt is not None:
            pad = padding.PSS(padding.MGF1(hash_of(mgf or digest)), pss_salt)
        return key.sign(data, pad, hash_of(digest))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(hash_of(digest)))
    if isinstance(key, dsa.DSAPrivateKey):
        return key.sign(data, hash_of(digest))
    return key.sign(data)
