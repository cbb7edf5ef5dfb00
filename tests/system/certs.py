"""Is a certificate exactly what the interface says?"""
import base64
import datetime
import hashlib
import re
import subprocess
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

import keys

ORDER = ["C", "ST", "L", "O", "OU", "CN"]
NAME_OIDS = {"C": NameOID.COUNTRY_NAME, "ST": NameOID.STATE_OR_PROVINCE_NAME, "L": NameOID.LOCALITY_NAME,
             "O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME, "CN": NameOID.COMMON_NAME}

DAY = datetime.timedelta(days=1)
SLACK = datetime.timedelta(seconds=2)

PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\n((?:[A-Za-z0-9+/=]{1,64}\n)+)-----END CERTIFICATE-----\n")


def now():
    return datetime.datetime.utcnow()


def split(body):
    """The certificates of a PEM body, as DER; nothing else may be in it."""
    found = [base64.b64decode(m.group(1)) for m in PEM.finditer(body)]
    assert PEM.sub(b"", body) == b"", f"more than certificates: {body!r}"
    return found


def leaf_of(answer):
    """The certificate of an enrolment's answer."""
    assert answer.status in (200, 201), str(answer)
    assert answer.type == "application/pem-certificate-chain", str(answer)
    return x509.load_der_x509_certificate(split(answer.body)[0])


def serial_in(body):
    """The serial number of the leaf in a PEM body."""
    return x509.load_der_x509_certificate(split(body)[0]).serial_number


def serial_of(answer):
    return f"{leaf_of(answer).serial_number:032x}"


def certificate_id(certificate):
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def signed_by(certificate, ca):
    """Raises unless the CA's key made the signature; answers the digest's name."""
    key = ca.public_key()
    args = [certificate.signature, certificate.tbs_certificate_bytes]
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(*args, padding.PKCS1v15(), certificate.signature_hash_algorithm)
    else:
        key.verify(*args, ec.ECDSA(certificate.signature_hash_algorithm))
    return certificate.signature_hash_algorithm.name


def digest_for(ca):
    key = ca.public_key()
    return "sha384" if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size == 384 else "sha256"


def check_key_usage(certificate, **wanted):
    usage = certificate.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE)
    assert usage.critical
    flags = {f: getattr(usage.value, f) for f in (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign")}
    assert flags == {f: f in wanted and wanted[f] for f in flags}


def key_id_of(certificate):
    ski = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    assert not ski.critical
    return ski.value.digest


def check(body, ca_pem, key, subject, asked=None, days=3650, backdate=3600):
    """
    Every field of the certificate in an enrolment's PEM body. key is the device's, subject its attributes as
    {"CN": ...}, asked the times right before and after the request.
    """
    ders = split(body)
    ca_ders = split(ca_pem)
    assert ders[1:] == ca_ders, "the leaf, then the chain"
    certificate = x509.load_der_x509_certificate(ders[0])
    ca = x509.load_der_x509_certificate(ca_ders[0])

    assert certificate.version == x509.Version.v3
    assert 120 < certificate.serial_number.bit_length() <= 127, "16 octets, positive"
    assert certificate.issuer.public_bytes() == ca.subject.public_bytes()
    assert signed_by(certificate, ca) == digest_for(ca)
    assert certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo) == keys.spki_of(key)

    assert all(len(rdn) == 1 for rdn in certificate.subject.rdns)
    assert [(a.oid, a.value) for a in certificate.subject] == [
        (NAME_OIDS[k], subject[k]) for k in ORDER if k in subject]

    check_validity(certificate, ca, asked, days, backdate)
    check_extensions(certificate, ca, key)
    return certificate


def check_validity(certificate, ca, asked, days, backdate):
    before, after = asked or (now() - 10 * DAY / 1440, now())
    begin, end = certificate.not_valid_before, certificate.not_valid_after
    back = datetime.timedelta(seconds=backdate)
    assert begin >= ca.not_valid_before and end <= ca.not_valid_after
    assert max(before - back, ca.not_valid_before) - SLACK <= begin <= max(after - back, ca.not_valid_before) + SLACK
    assert min(before + days * DAY, ca.not_valid_after) - SLACK <= end <= min(after + days * DAY, ca.not_valid_after) + SLACK


def check_extensions(certificate, ca, key):
    extensions = {e.oid: e for e in certificate.extensions}
    assert len(extensions) == len(list(certificate.extensions))
    assert set(extensions) == {
        ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER}

    basic = extensions[ExtensionOID.BASIC_CONSTRAINTS]
    assert basic.critical and basic.value == x509.BasicConstraints(ca=False, path_length=None)
    is_rsa = isinstance(key, rsa.RSAPrivateKey)
    check_key_usage(certificate, digital_signature=True, key_encipherment=is_rsa)
    purposes = extensions[ExtensionOID.EXTENDED_KEY_USAGE]
    assert not purposes.critical and list(purposes.value) == [ExtendedKeyUsageOID.CLIENT_AUTH]

    own = key_id_of(certificate)
    assert own == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest or len(own) == 20
    authority = extensions[ExtensionOID.AUTHORITY_KEY_IDENTIFIER]
    assert not authority.critical
    assert authority.value.key_identifier == key_id_of(ca)
    assert authority.value.authority_cert_issuer is None


def check_ca(ca, days=3650, name=None, digest="sha256"):
    """Every field of the self-signed issuing CA of `init`."""
    assert ca.version == x509.Version.v3 and ca.serial_number > 0
    assert ca.issuer.public_bytes() == ca.subject.public_bytes()
    assert signed_by(ca, ca) == digest
    (cn,) = [a.value for a in ca.subject if a.oid == NameOID.COMMON_NAME]
    assert name is None or cn == name
    span = ca.not_valid_after - ca.not_valid_before
    assert abs(span - days * DAY) <= 2 * DAY / 24 + SLACK
    assert ca.not_valid_before <= now() <= ca.not_valid_after

    extensions = {e.oid: e for e in ca.extensions}
    assert {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.SUBJECT_KEY_IDENTIFIER} <= set(extensions)
    assert set(extensions) <= {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE,
                               ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER}
    basic = extensions[ExtensionOID.BASIC_CONSTRAINTS]
    assert basic.critical and basic.value == x509.BasicConstraints(ca=True, path_length=0)
    check_key_usage(ca, key_cert_sign=True, crl_sign=True)


def check_by_tools(certificate_pem, ca_pem):
    """OpenSSL's strict verification, and GnuTLS's parser, agree."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as leaf, tempfile.NamedTemporaryFile(suffix=".pem") as ca:
        leaf.write(certificate_pem)
        leaf.flush()
        ca.write(ca_pem)
        ca.flush()
        strict(leaf.name, ca.name)
        shown = subprocess.run(["certtool", "--certificate-info", "--infile", leaf.name],
                               capture_output=True, text=True, timeout=60)
        assert shown.returncode == 0 and "Version: 3" in shown.stdout, shown.stdout + shown.stderr
        verified = subprocess.run(["certtool", "--verify", "--infile", leaf.name, "--load-ca-certificate", ca.name],
                                  capture_output=True, text=True, timeout=60)
        assert verified.returncode == 0, verified.stdout + verified.stderr


def strict(leaf_path, ca_path):
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-check_ss_sig", "-purpose", "any",
                           "-CAfile", str(ca_path), str(leaf_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def client_purpose(leaf_path, ca_path):
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslclient",
                           "-CAfile", str(ca_path), str(leaf_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
