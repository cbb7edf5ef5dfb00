"""All that one account has in one region."""
import hashlib
import re

from botocore import xform_name

import errors
from authorities import Authorities
from certificates import Certificates
from groups import Groups
from policies import Policies
from things import Things


class Endpoints:
    """Which host the devices of this account talk to."""
    OPERATIONS = ("DescribeEndpoint",)
    RETIRED = ("iot:Data", "iot:Jobs")

    def __init__(self, place):
        self.place = place

    def describe_endpoint(self, p):
        kind, place = p.get("endpointType", "iot:Data"), self.place
        label = hashlib.sha256(f"{place.account}/{place.region}".encode()).hexdigest()[:13]
        if kind == "iot:Data-ATS":
            return {"endpointAddress": f"a{label}-ats.iot.{place.region}.amazonaws.com"}
        if kind == "iot:CredentialProvider":
            return {"endpointAddress": f"c{label}.credentials.iot.{place.region}.amazonaws.com"}
        words = "is no longer supported" if kind in self.RETIRED else "is not a valid endpoint type"
        raise errors.invalid(f"Endpoint type {kind} {words}")


class Region:
    def __init__(self, account, region, partition, now, elsewhere):
        self.account, self.region, self.partition, self.now = account, region, partition, now
        self.authorities = Authorities(self, elsewhere)
        self.certificates = Certificates(self, self.authorities)
        self.things, self.groups = Things(self), Groups(self)
        self.policies = Policies(self)
        self.operations = {}
        for noun in (self.authorities, self.certificates, self.things, self.groups, self.policies, Endpoints(self)):
            for name in noun.OPERATIONS:
                self.operations[name] = getattr(noun, xform_name(name))

    def arn(self, rest):
        return f"arn:{self.partition}:iot:{self.region}:{self.account}:{rest}"

    def _split(self, arn):
        match = re.fullmatch(r"arn:([\w-]+):iot:([\w-]+):(\d{12}):([a-z]+)/(.+)", arn)
        if not match:
            raise errors.invalid(f"Invalid ARN: {arn[:200]}")
        if match.group(1, 2, 3) != (self.partition, self.region, self.account):
            raise errors.not_found(f"{arn} is not of this account and region")
        return match.group(4, 5)

    def principal(self, arn):
        """The certificate behind a principal."""
        kind, name = self._split(arn)
        if kind != "cert":
            raise errors.invalid(f"Invalid principal: {arn[:200]}")
        return self.certificates.get(name)

    def target(self, arn):
        """The certificate or thing group behind the target of a policy."""
        kind, name = self._split(arn)
        if kind == "thinggroup":
            return self.groups.get(name)
        return self.principal(arn)

    def dump(self, pem=True):
        """The whole state, for a test to compare with."""
        certificates = []
        for c in self.certificates.all:
            row = {"certificateId": c.id, "arn": c.arn, "status": c.status, "ca": c.ca.id if c.ca else None, "mode": c.mode,
                   "version": c.version, "names": c.names, "things": sorted(c.things), "policies": sorted(c.policies)}
            certificates.append({**row, "pem": c.pem} if pem else row)
        return {
            "registrationCode": self.authorities.code,
            "cas": [{"certificateId": a.id, "arn": a.arn, "status": a.status, "autoRegistration": a.auto, "mode": a.mode,
                     "pem": a.pem, "certificates": len(a.certificates)} for a in self.authorities.all],
            "certificates": certificates,
            "things": [{"thingName": t.name, "arn": t.arn, "type": t.type, "attributes": t.attributes, "version": t.version,
                        "principals": sorted(t.principals), "groups": sorted(t.groups)} for t in self.things.all],
            "types": [t["thingTypeName"] for t in self.things.types],
            "groups": [{"name": g.name, "things": sorted(g.things), "policies": sorted(g.policies)} for g in self.groups.all],
            "policies": [{"policyName": x.name, "document": x.document, "targets": sorted(x.targets)} for x in self.policies.all],
        }
