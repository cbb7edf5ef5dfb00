"""
The makers of server/aws/iot.c and sts.c against botocore: the same operation with the same members must become the same method,
path, query, headers and body.
"""
import json
import random
from urllib.parse import urlsplit

import botocore.awsrequest
import botocore.config
import botocore.session
import pytest

import aws_tool

ID = "0123456789abcdef" * 4
ARN = f"arn:aws:iot:eu-central-1:123456789012:cert/{ID}"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n"
AWKWARD = ['a"b\\c\n\t', "é€😀", "\x01\x7f", "</script>", "a" * 3000]


@pytest.fixture(scope="module")
def tool():
    with aws_tool.Tool() as t:
        yield t


class Botocore:
    """Makes requests, and sends none."""

    def __init__(self):
        session = botocore.session.Session()
        for name in ("config_file", "credentials_file"):
            session.set_config_variable(name, "/dev/null")
        self.clients = {}
        for service in ("iot", "sts"):
            c = session.create_client(service, region_name="eu-central-1", aws_access_key_id="A", aws_secret_access_key="B",
                                      config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}))
            c.meta.events.register("before-send.*.*", self._take)
            self.clients[service] = c

    def _take(self, request, **_):
        self.request = request
        # an answer that botocore believes, so that nothing is sent
        class Raw:
            def stream(self, *_, **__):
                yield b"{}"
        return botocore.awsrequest.AWSResponse(request.url, 200, {}, Raw())

    def make(self, operation, members):
        self.request = None
        service = "sts" if operation == "GetCallerIdentity" else "iot"
        try:
            self.clients[service]._make_api_call(operation, members)
        except Exception:
            if self.request is None:
                raise
        return self.request


@pytest.fixture(scope="module")
def theirs():
    return Botocore()


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def compare(tool, theirs, operation, **members):
    ours, want = tool.ask("request", operation=operation, **members), theirs.make(operation, members)
    url = urlsplit(want.url)
    headers = {k.lower(): text(v) for k, v in want.headers.items()}
    assert not ours["failed"]
    assert ours["operation"] == operation
    assert ours["method"] == want.method
    assert ours["path"] == url.path
    assert sorted(filter(None, ours["query"].split("&"))) == sorted(filter(None, url.query.split("&")))
    assert ours.get("content_type") == headers.get("content-type")
    assert ours.get("principal") == headers.get("x-amzn-principal")
    body = text(want.body) or ""
    if headers.get("content-type") == "application/json":
        assert json.loads(ours["body"]) == json.loads(body)
    elif operation == "GetCallerIdentity":
        assert sorted(ours["body"].split("&")) == sorted(body.split("&"))
    else:
        assert ours["body"] == body == ""
    return ours


NAMES = ["a", "line:1", "A-Z_09", "aa:bb:cc:dd:ee:ff", "x" * 128]
POLICIES = ["p", "p+1=@x", "a,b.c-d_e", "..a", "p" * 128]
MARKERS = ["", "ab+c/==", "A" * 1024]


def cases():
    """(operation, members) as botocore takes them."""
    yield "GetRegistrationCode", {}
    yield "GetCallerIdentity", {}
    for active in (True, False):
        for auto in (True, False):
            yield "RegisterCACertificate", dict(caCertificate=PEM, verificationCertificate=PEM * 2, setAsActive=active,
                                                allowAutoRegistration=auto)
            yield "RegisterCACertificate", dict(caCertificate=PEM, setAsActive=active, allowAutoRegistration=auto,
                                                certificateMode="SNI_ONLY")
    for status in ("ACTIVE", "INACTIVE"):
        yield "RegisterCertificate", dict(certificatePem=PEM, caCertificatePem=PEM * 3, status=status)
        yield "RegisterCertificateWithoutCA", dict(certificatePem=PEM, status=status)
        yield "UpdateCertificate", dict(certificateId=ID, newStatus=status)
        yield "UpdateCACertificate", dict(certificateId=ID, newStatus=status)
    for odd in AWKWARD:
        yield "RegisterCertificate", dict(certificatePem=odd, caCertificatePem=odd, status="ACTIVE")
    yield "DescribeCertificate", dict(certificateId=ID)
    yield "DescribeCACertificate", dict(certificateId=ID)
    for marker in MARKERS:
        more = {"marker": marker} if marker else {}
        yield "ListCACertificates", dict(pageSize=250, **more)
        yield "ListCertificatesByCA", dict(caCertificateId=ID, pageSize=250, **more)
    for name in NAMES:
        yield "CreateThing", dict(thingName=name)
        yield "CreateThing", dict(thingName=name, thingTypeName="type:1", attributePayload={"attributes": {"k/:#": "v=[]", "e": ""}})
        yield "CreateThing", dict(thingName=name, attributePayload={"attributes": {f"k{i}": o[:800] for i, o in enumerate(AWKWARD)}})
        yield "DescribeThing", dict(thingName=name)
        yield "AttachThingPrincipal", dict(thingName=name, principal=ARN)
        yield "AddThingToThingGroup", dict(thingName=name, thingGroupName="group:" + name[:100])
        yield "DescribeThingType", dict(thingTypeName=name)
        yield "DescribeThingGroup", dict(thingGroupName=name)
    for name in POLICIES:
        yield "AttachPolicy", dict(policyName=name, target=ARN)
        yield "GetPolicy", dict(policyName=name)


@pytest.mark.parametrize("operation", sorted({operation for operation, _ in cases()}))
def test_same_request(tool, theirs, operation):
    n = 0
    for name, members in cases():
        if name != operation:
            continue
        compare(tool, theirs, operation, **members)
        n += 1
    assert n


def test_every_operation_is_compared(tool):
    made = {operation for operation, _ in cases()}
    assert len(made) == 19     # IOT_OPERATIONS and STS


def test_random_names(tool, theirs):
    rnd = random.Random(3)
    letters = "abcXYZ019:_-+=,.@/ %?&#é\"\\"
    for _ in range(300):
        name = "".join(rnd.choices(letters, k=rnd.randint(1, 60)))
        if len(name.encode()) > 128 or name in (".", ".."):
            continue
        compare(tool, theirs, "GetPolicy", policyName=name)
        compare(tool, theirs, "CreateThing", thingName=name, thingTypeName=name)
        compare(tool, theirs, "AttachThingPrincipal", thingName=name, principal=ARN)


@pytest.mark.parametrize("operation, members", [
    ("CreateThing", {"thingName": ""}),                             # would be RegisterThing
    ("DescribeThing", {"thingName": ""}),                           # would be ListThings
    ("DescribeThing", {"thingName": ".."}),
    ("GetPolicy", {"policyName": "."}),
    ("GetPolicy", {"policyName": "p" * 129}),
    ("AttachThingPrincipal", {"thingName": "a", "principal": ""}),
    ("AttachThingPrincipal", {"thingName": "a", "principal": "a" * 256}),
    ("DescribeCertificate", {"certificateId": ID[:-1]}),
    ("DescribeCertificate", {"certificateId": ID + "0"}),
    ("DescribeCertificate", {"certificateId": "g" + ID[1:]}),
    ("DescribeCACertificate", {"certificateId": "../" + ID[3:]}),
    ("RegisterCACertificate", {"caCertificate": PEM}),              # the proof is missing
])
def test_what_does_not_fit(tool, operation, members):
    assert tool.ask("request", operation=operation, **members)["failed"]
