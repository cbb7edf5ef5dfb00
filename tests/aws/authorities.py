"""The CA certificates of an account and region, and the registration code that proves who holds their keys."""
import secrets
import uuid

import errors
import pki
from ledger import Ledger

MOST_WITH_ONE_SUBJECT = 10


class Authority:
    def __init__(self, certificate, arn, mode, now):
        self.id, self.arn, self.pem, self.mode = certificate.id, arn, certificate.pem, mode
        self.subject_der, self.key = certificate.subject_der, certificate.public_key()
        self.not_before, self.not_after = certificate.not_before, certificate.not_after
        self.status, self.auto = "INACTIVE", "DISABLE"
        self.config = None
        self.created = self.modified = now
        self.version, self.generation = 1, str(uuid.uuid4())
        self.certificates = Ledger()    # the device certificates it signed

    def touch(self, now):
        self.modified = now
        self.version += 1


class Authorities:
    OPERATIONS = ("GetRegistrationCode", "DeleteRegistrationCode", "RegisterCACertificate", "ListCACertificates",
                  "DescribeCACertificate", "UpdateCACertificate", "DeleteCACertificate", "ListCertificatesByCA")

    def __init__(self, place, elsewhere):
        self.place = place
        self.elsewhere = elsewhere      # ids of CAs in DEFAULT mode in this region, of all accounts: id -> account
        self.code = None
        self.all = Ledger()
        self.by_subject = {}            # subject DER -> list of Authority

    def get(self, id_):
        found = self.all.get(id_)
        if found is None:
            raise errors.not_found(f"CA Certificate {id_} does not exist")
        return found

    def signer_of(self, certificate, ca_pem):
        """The registered CA that signed a device certificate, by AWS's rules."""
        if ca_pem is not None:
            found = self.all.get(pki.Certificate(ca_pem, "CA certificate").id)
            if found is None:
                raise errors.bad_certificate("The CA certificate of the request is not registered")
            if found.subject_der != certificate.issuer_der:
                raise errors.bad_certificate("The issuer of the certificate is not the CA certificate of the request")
        else:
            several = self.by_subject.get(certificate.issuer_der, [])
            if not several:
                raise errors.bad_certificate("CA certificate is not registered: no registered one has the issuer of the certificate")
            if len(several) > 1:
                raise errors.AwsError("CertificateConflictException", "Several registered CA certificates have the issuer of the "
                                      "certificate; the request must name one", 409)
            found = several[0]
        certificate.check_signature(found.key)
        return found

    def get_registration_code(self, _):
        if self.code is None:
            self.code = secrets.token_hex(32)
        return {"registrationCode": self.code}

    def delete_registration_code(self, _):
        if self.code is None:
            raise errors.not_found("Registration code does not exist")
        self.code = None

    def _check_verification(self, p, ca, mode):
        text = p.get("verificationCertificate")
        if mode == "SNI_ONLY":
            if text:
                raise errors.invalid("verificationCertificate must be empty when certificateMode is SNI_ONLY")
            return
        if not text:
            raise errors.invalid("verificationCertificate must not be empty when certificateMode is DEFAULT")
        proof = pki.Certificate(text, "verification certificate")
        if proof.issuer_der != ca.subject_der:
            raise errors.bad_certificate("The verification certificate was not issued by the CA certificate")
        proof.check_signature(ca.public_key())
        proof.check_times(self.place.now())
        if self.code is None or proof.common_names() != [self.code]:
            raise errors.AwsError("RegistrationCodeValidationException", "The common name of the verification certificate is not "
                                  "the registration code of this account", 400)

    def register_ca_certificate(self, p):
        mode = p.get("certificateMode", "DEFAULT")
        ca = pki.Certificate(p["caCertificate"], "CA certificate")
        ca.check_key()
        if not ca.is_ca():
            raise errors.bad_certificate("The CA certificate does not have the basicConstraints extension as true")
        ca.check_times(self.place.now())
        if ca.subject_der == ca.issuer_der:
            ca.check_signature(ca.public_key())
        self._check_verification(p, ca, mode)
        arn = self.place.arn("cacert/" + ca.id)
        if ca.id in self.all:
            raise errors.exists("The CA certificate is already registered", ca.id, arn)
        if mode == "DEFAULT" and ca.id in self.elsewhere:
            raise errors.exists("The CA certificate is registered in another account")
        same = self.by_subject.setdefault(ca.subject_der, [])
        if len(same) >= MOST_WITH_ONE_SUBJECT:
            raise errors.limit("10 CA certificates with this subject are registered already")
        made = Authority(ca, arn, mode, self.place.now())
        made.status = "ACTIVE" if p.get("setAsActive") else "INACTIVE"
        made.auto = "ENABLE" if p.get("allowAutoRegistration") else "DISABLE"
        made.config = p.get("registrationConfig")
        same.append(made)
        self.all.add(made.id, made)
        if mode == "DEFAULT":
            self.elsewhere[made.id] = self.place.account
        return {"certificateArn": arn, "certificateId": made.id}

    def list_ca_certificates(self, p):
        found, marker = self.all.page(p.get("pageSize"), p.get("marker"), p.get("ascendingOrder", False))
        return {"certificates": [{"certificateArn": a.arn, "certificateId": a.id, "status": a.status, "creationDate": a.created}
                                 for a in found], "nextMarker": marker}

    def describe_ca_certificate(self, p):
        a = self.get(p["certificateId"])
        about = {"certificateArn": a.arn, "certificateId": a.id, "status": a.status, "certificatePem": a.pem,
                 "ownedBy": self.place.account, "creationDate": a.created, "autoRegistrationStatus": a.auto,
                 "lastModifiedDate": a.modified, "customerVersion": a.version, "generationId": a.generation,
                 "validity": {"notBefore": a.not_before, "notAfter": a.not_after}, "certificateMode": a.mode}
        return {"certificateDescription": about, "registrationConfig": a.config or {}}

    def update_ca_certificate(self, p):
        a = self.get(p["certificateId"])
        a.status = p.get("newStatus", a.status)
        a.auto = p.get("newAutoRegistrationStatus", a.auto)
        if p.get("removeAutoRegistration"):
            a.config, a.auto = None, "DISABLE"
        a.config = p.get("registrationConfig", a.config)
        a.touch(self.place.now())

    def delete_ca_certificate(self, p):
        a = self.get(p["certificateId"])
        if a.status == "ACTIVE":
            raise errors.bad_state("CA certificate must be inactive before it is deleted")
        self.all.remove(a.id)
        self.by_subject[a.subject_der].remove(a)
        if self.elsewhere.get(a.id) == self.place.account:
            del self.elsewhere[a.id]

    def list_certificates_by_ca(self, p):
        a = self.all.get(p["caCertificateId"])
        if a is None:       # the operation declares no ResourceNotFoundException
            return {"certificates": []}
        found, marker = a.certificates.page(p.get("pageSize"), p.get("marker"), p.get("ascendingOrder", False))
        return {"certificates": [c.row() for c in found], "nextMarker": marker}
