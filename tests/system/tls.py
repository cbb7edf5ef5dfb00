"""TLS for the tests: homes that serve it, clients that trust them, and CAs for client certificates."""
import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import certs
import keys

PURPOSES = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}


def serve(home):
    """The home gets a certificate of `tls create`, and lineca.conf says so. The path of the CA to trust."""
    home.run("tls", "create", "--name", "localhost,127.0.0.1")
    use(home, "tls/server.pem", "tls/server.key")
    return home.path / "tls" / "ca.pem"


def use(home, certificate, key):
    home.configure("tls", "certificate", certificate)
    home.configure("tls", "key", key)


def context(trusted, certificate=None, least=None, most=None):
    """A client that believes the CA at that path; certificate: its own, (path, path of the key)."""
    made = ssl.create_default_context(cafile=str(trusted))
    if certificate is not None:
        made.load_cert_chain(*map(str, certificate))
    if least is not None:
        made.minimum_version = least
    if most is not None:
        made.maximum_version = most
    return made


class Authority:
    """A CA that this line has not made."""

    def __init__(self, folder, name="Factory CA"):
        self.folder, self.key = folder, keys.elliptic()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path = folder / (name.replace(" ", "-") + ".pem")
        builder = self._builder(self.name, self.key.public_key(), (-1, 3650))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False), critical=True)
        self.path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject, public, days):
        now = certs.now()
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now + datetime.timedelta(days=days[0])).not_valid_after(
            now + datetime.timedelta(days=days[1]))

    def issue(self, cn, *purposes, days=(-1, 30), serial_number=None, key=None, address=None):
        """Files of a certificate and its key, mode 600; days: from when to when, counted from now."""
        key = key or keys.elliptic()
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, cn)]
        if serial_number is not None:
            attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial_number))
        builder = self._builder(x509.Name(attributes), key.public_key(), days)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage([PURPOSES[p] for p in purposes]), critical=False)
        if address is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        made = builder.sign(self.key, hashes.SHA256())
        stem = self.folder / f"{made.serial_number:x}"
        return write(stem, made.public_bytes(serialization.Encoding.PEM), key)


def write(stem, pem, key):
    """Certificate and key as files (STEM.pem, STEM.key)."""
    certificate, private = stem.with_suffix(".pem"), stem.with_suffix(".key")
    certificate.write_bytes(pem)
    private.touch(mode=0o600)
    private.write_bytes(keys.private_bytes(key, "pkcs8"))
    return certificate, private
