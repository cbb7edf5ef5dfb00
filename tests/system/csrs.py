"""Certification requests (PKCS#10, RFC 2986): good ones by the cryptography package, any others by hand."""
import base64
import functools
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID

import der
import keys

ATTRIBUTE_OIDS = {
    "CN": "2.5.4.3", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8", "O": "2.5.4.10", "OU": "2.5.4.11",
    "serialNumber": "2.5.4.5", "title": "2.5.4.12", "givenName": "2.5.4.42", "dnQualifier": "2.5.4.46",
    "emailAddress": "1.2.840.113549.1.9.1", "DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1",
}

EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7"
UNSTRUCTURED_NAME = "1.2.840.113549.1.9.2"

DIGEST_OIDS = {"sha1": "1.3.14.3.2.26", "sha224": "2.16.840.1.101.3.4.2.4", "sha256": "2.16.840.1.101.3.4.2.1",
               "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3"}
ECDSA_OIDS = {"sha1": "1.2.840.10045.4.1", "sha224": "1.2.840.10045.4.3.1", "sha256": "1.2.840.10045.4.3.2",
              "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4", "sha3_256": "2.16.840.1.101.3.4.3.10"}
RSA_OIDS = {"md5": "1.2.840.113549.1.1.4", "sha1": "1.2.840.113549.1.1.5", "sha224": "1.2.840.113549.1.1.14",
            "sha256": "1.2.840.113549.1.1.11", "sha384": "1.2.840.113549.1.1.12", "sha512": "1.2.840.113549.1.1.13",
            "sha3_256": "2.16.840.1.101.3.4.3.14"}


def device():
    """A device id that no other test uses."""
    return "dev-" + uuid.uuid4().hex[:20]


def plain(key, cn, digest=None):
    """A CSR as devices make them, in DER: by the cryptography package, a CN and nothing else."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)]))
    return builder.sign(key, digest or hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def fresh(cn=None):
    """A new P-256 key and its CSR in DER."""
    key = keys.elliptic()
    return key, plain(key, cn or device())


def attribute(kind, value, string="utf8"):
    return der.sequence(der.oid(ATTRIBUTE_OIDS.get(kind, kind)), der.string(string, value))


def name(*rdns):
    """
    A Name. Each rdn is (kind, value), (kind, value, string type), bytes (an AttributeTypeAndValue as it is),
    or a list of these for one RDN of several values.
    """
    out = []
    for rdn in rdns:
        values = rdn if isinstance(rdn, list) else [rdn]
        out.append(der.set_of(*[v if isinstance(v, bytes) else attribute(*v) for v in values]))
    return der.sequence(*out)


def extension(oid, value, critical=None):
    flag = b"" if critical is None else der.boolean(critical)
    return der.sequence(der.oid(oid), flag, der.octets(value))


def attributes(*values):
    """The [0] of the request; values are Attribute elements."""
    return der.context(0, *sorted(values))


def extension_request(*extensions):
    return der.sequence(der.oid(EXTENSION_REQUEST), der.set_of(der.sequence(*extensions)))


def pss_algorithm(digest, salt, mgf=None):
    hash_id = der.sequence(der.oid(DIGEST_OIDS[digest]), der.null())
    mgf_id = der.sequence(der.oid(DIGEST_OIDS[mgf or digest]), der.null())
    return der.sequence(der.oid("1.2.840.113549.1.1.10"), der.sequence(
        der.context(0, hash_id),
        der.context(1, der.sequence(der.oid("1.2.840.113549.1.1.8"), mgf_id)),
        der.context(2, der.integer(salt))))


def algorithm_of(key, digest, pss_salt=None, mgf=None):
    if isinstance(key, (keys.OwnRsa, rsa.RSAPrivateKey)):
        if pss_salt is not None:
            return pss_algorithm(digest, pss_salt, mgf)
        return der.sequence(der.oid(RSA_OIDS[digest]), der.null())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return der.sequence(der.oid(ECDSA_OIDS[digest]))
    if isinstance(key, dsa.DSAPrivateKey):
        return der.sequence(der.oid("2.16.840.1.101.3.4.3.2"))
    return der.sequence(der.oid({ed25519.Ed25519PrivateKey: "1.3.101.112",
                                 ed448.Ed448PrivateKey: "1.3.101.113"}[
        next(t for t in (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey) if isinstance(key, t))]))


def request(key, subject, *, version=None, spki=None, attrs=None, digest="sha256", pss_salt=None, mgf=None,
            algorithm=None, signer=None, signature=None, info=None, tail=b"", wrap=None):
    """
    A CSR in DER, each part replaceable. subject is a Name; attrs is the whole [0] element (b"" for none at all);
    signer is the key that signs, when it is another; wrap makes the outer element.
    """
    if info is None:
        info = der.sequence(der.integer(0) if version is None else version, subject, spki or keys.spki_of(key),
                            der.context(0) if attrs is None else attrs)
    if algorithm is None:
        algorithm = algorithm_of(signer or key, digest, pss_salt, mgf)
    if signature is None:
        signature = der.bits(keys.sign(signer or key, info, digest, pss_salt, mgf))
    return (wrap or der.sequence)(info, algorithm, signature) + tail


def pem(data, label="CERTIFICATE REQUEST", eol="\n", width=64):
    return (f"-----BEGIN {label}-----{eol}" + wrapped(data, width, eol)
            + f"-----END {label}-----{eol}").encode()


def wrapped(data, width=64, eol="\n"):
    """Base64 in lines of a width; 0: one line without an end."""
    text = base64.b64encode(data).decode()
    if width == 0:
        return text
    return "".join(text[i:i + width] + eol for i in range(0, len(text), width))


@functools.lru_cache(maxsize=None)
def good():
    """One good CSR, for tests that bend it."""
    return fresh()[1]
