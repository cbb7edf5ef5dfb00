"""Certificates as AWS looks at them."""
import base64
import binascii
import datetime
import hashlib
import re
import warnings

from cryptography import exceptions, x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from errors import bad_certificate

warnings.filterwarnings("ignore", module="cryptography")

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\s(.*?)-----END CERTIFICATE-----", re.S)
CURVES = ("secp256r1", "secp384r1", "secp521r1")
HASHES = ("sha256", "sha384", "sha512")


class Certificate:
    """One certificate out of a PEM text: refused where AWS says it would be."""

    def __init__(self, pem, what="certificate"):
        blocks = BLOCK.findall(pem)
        if len(blocks) != 1 or pem.count("-----BEGIN ") != 1:
            raise bad_certificate(f"The {what} is not one certificate in PEM: {len(blocks)} found")
        if BLOCK.sub("", pem).strip():
            raise bad_certificate(f"The {what} has text around the PEM block")
        try:
            self.der = base64.b64decode("".join(blocks[0].split()), validate=True)
            self.x509 = x509.load_der_x509_certificate(self.der)
            self.subject, self.issuer = self.x509.subject, self.x509.issuer
            self.subject_der, self.issuer_der = self.subject.public_bytes(), self.issuer.public_bytes()
            self.not_before, self.not_after = (t.replace(tzinfo=datetime.timezone.utc).timestamp()
                                               for t in (self.x509.not_valid_before, self.x509.not_valid_after))
        except (ValueError, binascii.Error) as e:
            raise bad_certificate(f"The {what} cannot be parsed: {e}") from None
        self.pem = pem
        self.id = hashlib.sha256(self.der).hexdigest()
        self.what = what

    def public_key(self):
        try:
            return self.x509.public_key()
        except (ValueError, exceptions.UnsupportedAlgorithm) as e:
            raise bad_certificate(f"The key of the {self.what} is not supported: {e}") from None

    def check_key(self):
        key = self.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            if key.key_size < 2048:
                raise bad_certificate(f"The {self.what} has an RSA key of {key.key_size} bits; 2048 are needed")
        elif not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in CURVES:
            raise bad_certificate(f"The key of the {self.what} is not supported: RSA, or ECC on P-256, P-384 or P-521")

    def check_times(self, now):
        if now > self.not_after:
            raise bad_certificate(f"The {self.what} has expired")
        if now < self.not_before:
            raise bad_certificate(f"The {self.what} is not valid yet")

    def check_signature(self, key):
        """Whether the holder of key (a public one) signed this."""
        try:
            digest = self.x509.signature_hash_algorithm
        except (ValueError, exceptions.UnsupportedAlgorithm):
            digest = None
        if digest is None or digest.name not in HASHES:
            raise bad_certificate(f"The signature algorithm of the {self.what} is not supported")
        args = (self.x509.signature, self.x509.tbs_certificate_bytes)
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(*args, padding.PKCS1v15(), digest)
            else:
                key.verify(*args, ec.ECDSA(digest))
        except exceptions.InvalidSignature:
            raise bad_certificate(f"The signature of the {self.what} does not verify with the CA certificate") from None

    def is_ca(self):
        try:
            return bool(self.x509.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
        except (x509.ExtensionNotFound, ValueError):
            return False

    def common_names(self):
        return [a.value for a in self.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
