"""The device certificates of an account and region."""
import uuid

import errors
import pki
from ledger import Ledger

SETTABLE = ("ACTIVE", "INACTIVE", "REVOKED")


class Device:
    """A registered certificate. things and policies are kept by the ones that attach them."""
    __slots__ = ("id", "arn", "pem", "ca", "mode", "status", "names", "not_before", "not_after", "created", "modified", "version",
                 "generation", "things", "policies")

    def __init__(self, certificate, arn, ca, status, now):
        self.id, self.arn, self.pem, self.ca = certificate.id, arn, certificate.pem, ca
        self.mode = ca.mode if ca else "SNI_ONLY"
        self.names = certificate.common_names()
        self.not_before, self.not_after = certificate.not_before, certificate.not_after
        self.status = status
        self.created = self.modified = now
        self.version, self.generation = 1, str(uuid.uuid4())
        self.things, self.policies = {}, {}

    def row(self):
        return {"certificateArn": self.arn, "certificateId": self.id, "status": self.status, "certificateMode": self.mode,
                "creationDate": self.created}


class Certificates:
    OPERATIONS = ("RegisterCertificate", "RegisterCertificateWithoutCA", "UpdateCertificate", "DescribeCertificate",
                  "ListCertificates", "DeleteCertificate")

    def __init__(self, place, authorities):
        self.place, self.authorities = place, authorities
        self.all = Ledger()

    def get(self, id_):
        found = self.all.get(id_)
        if found is None:
            raise errors.not_found(f"Certificate {id_} does not exist")
        return found

    @staticmethod
    def _status(p):
        status = p.get("status") or ("ACTIVE" if p.get("setAsActive") else "INACTIVE")
        if status == "REGISTER_INACTIVE":
            return "INACTIVE"
        if status not in SETTABLE:
            raise errors.bad_state(f"Not allowed to register certificate with {status} status")
        return status

    def _read(self, p):
        certificate = pki.Certificate(p["certificatePem"])
        arn = self.place.arn("cert/" + certificate.id)
        if certificate.id in self.all:
            raise errors.exists("The certificate is already provisioned or registered", certificate.id, arn)
        certificate.check_key()
        certificate.check_times(self.place.now())
        return certificate, arn

    def _add(self, certificate, arn, ca, status):
        made = Device(certificate, arn, ca, status, self.place.now())
        self.all.add(made.id, made)
        if ca:
            ca.certificates.add(made.id, made)
        return {"certificateArn": arn, "certificateId": made.id}

    def register_certificate(self, p):
        status = self._status(p)
        certificate, arn = self._read(p)
        ca = self.authorities.signer_of(certificate, p.get("caCertificatePem"))
        if ca.status != "ACTIVE":
            raise errors.bad_state("CA certificate associated to the device certificate is not active")
        return self._add(certificate, arn, ca, status)

    def register_certificate_without_ca(self, p):
        status = self._status(p)
        return self._add(*self._read(p), None, status)

    def update_certificate(self, p):
        c = self.get(p["certificateId"])
        if p["newStatus"] not in SETTABLE:
            raise errors.bad_state(f"Not allowed to set the status {p['newStatus']}")
        c.status = p["newStatus"]
        c.modified = self.place.now()
        c.version += 1

    def describe_certificate(self, p):
        c = self.get(p["certificateId"])
        about = {"certificateArn": c.arn, "certificateId": c.id, "status": c.status, "certificatePem": c.pem,
                 "ownedBy": self.place.account, "creationDate": c.created, "lastModifiedDate": c.modified,
                 "customerVersion": c.version, "transferData": {}, "generationId": c.generation,
                 "validity": {"notBefore": c.not_before, "notAfter": c.not_after}, "certificateMode": c.mode}
        if c.ca:
            about["caCertificateId"] = c.ca.id
        return {"certificateDescription": about}

    def list_certificates(self, p):
        found, marker = self.all.page(p.get("pageSize"), p.get("marker"), p.get("ascendingOrder", False))
        return {"certificates": [c.row() for c in found], "nextMarker": marker}

    def delete_certificate(self, p):
        c = self.get(p["certificateId"])
        if c.status == "ACTIVE":
            raise errors.bad_state(f"Certificate must be deactivated (not ACTIVE) before deletion: {c.id}")
        if c.things:
            raise errors.AwsError("DeleteConflictException", f"Things must be detached before deletion (arn: {c.arn})", 409)
        if c.policies and not p.get("forceDelete"):
            raise errors.AwsError("DeleteConflictException", f"Certificate policies must be detached before deletion (arn: {c.arn})", 409)
        self.place.policies.forget(c)
        self.all.remove(c.id)
        if c.ca:
            c.ca.certificates.remove(c.id)
