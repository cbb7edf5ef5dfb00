"""
The stand-in for AWS is not tuned to us: Debian's aws command and openssl go through the guides' own flow, botocore through the
rest, and each gets what AWS would say.
"""
import http.client
import json
import re
import time

import pytest
from botocore.auth import EMPTY_SHA256_HASH

import aws
import aws_client
from aws_client import call, cli, label, refused, send, signed

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}'
NO_ID = "f" * 64


@pytest.fixture
def iot(cloud):
    return aws_client.client(cloud)


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return aws_client.Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def other_ca(tmp_path_factory):
    return aws_client.Authority(tmp_path_factory.mktemp("other"), "Other CA")


@pytest.fixture(scope="module")
def device(ca):
    return ca.issue("dev-1").read_text()


def says_no(code, cloud, *words, env=None):
    with pytest.raises(aws_client.CliError) as caught:
        cli(cloud, *words, env=env)
    assert caught.value.code == code, str(caught.value)
    return caught.value


def test_the_guides_flow(cloud, ca, iot):
    """Get the code, prove the CA, see an inactive one refused, register, list, attach: with the aws command."""
    assert cli(cloud, "sts", "get-caller-identity")["Account"] == aws.ACCOUNT
    code = cli(cloud, "iot", "get-registration-code")["registrationCode"]
    assert re.fullmatch("[0-9a-f]{64}", code) and iot.get_registration_code()["registrationCode"] == code

    made = cli(cloud, "iot", "register-ca-certificate", "--ca-certificate", f"file://{ca.path}", "--verification-cert",
               f"file://{ca.issue(code)}", "--no-set-as-active", "--allow-auto-registration")
    assert made == {"certificateId": ca.id, "certificateArn": f"arn:aws:iot:{aws.REGION}:{aws.ACCOUNT}:cacert/{ca.id}"}

    paths = [ca.issue(f"aa:bb:{i}") for i in range(5)]
    register = ("iot", "register-certificate", "--status", "ACTIVE", "--ca-certificate-pem", f"file://{ca.path}", "--certificate-pem")
    no = says_no("CertificateStateException", cloud, *register, f"file://{paths[0]}")
    assert "CA certificate associated to the device certificate is not active" in no.message
    cli(cloud, "iot", "update-ca-certificate", "--certificate-id", ca.id, "--new-status", "ACTIVE")

    made = cli(cloud, *register, f"file://{paths[0]}")
    assert made["certificateId"] == aws_client.fingerprint(paths[0])
    assert made["certificateArn"] == f"arn:aws:iot:{aws.REGION}:{aws.ACCOUNT}:cert/{made['certificateId']}"
    no = says_no("ResourceAlreadyExistsException", cloud, *register, f"file://{paths[0]}")
    assert no.message.strip() == "The certificate is already provisioned or registered"

    for path in paths[1:]:
        iot.register_certificate(certificatePem=path.read_text())
    by_ca = ("iot", "list-certificates-by-ca", "--ca-certificate-id", ca.id)
    listed = cli(cloud, *by_ca, "--page-size", "2")     # IoT's own page size: the command turns no page then
    rows = listed["certificates"] + cli(cloud, *by_ca, "--marker", listed["nextMarker"])["certificates"]
    assert len(listed["certificates"]) == 2
    assert [row["certificateId"] for row in rows] == [aws_client.fingerprint(p) for p in reversed(paths)]
    turned = iot.get_paginator("list_certificates_by_ca").paginate(caCertificateId=ca.id, PaginationConfig={"PageSize": 2})
    assert [len(page["certificates"]) for page in turned] == [2, 2, 1]

    arn, thing = made["certificateArn"], "aa:bb:0"
    cli(cloud, "iot", "create-thing", "--thing-name", thing, "--attribute-payload", '{"attributes":{"serial":"1"}}')
    cli(cloud, "iot", "attach-thing-principal", "--thing-name", thing, "--principal", arn)
    cli(cloud, "iot", "create-policy", "--policy-name", "line+=,.@-1", "--policy-document", POLICY)
    cli(cloud, "iot", "attach-policy", "--policy-name", "line+=,.@-1", "--target", arn)
    got = cli(cloud, "iot", "list-attached-policies", "--target", arn)["policies"]
    assert [p["policyName"] for p in got] == ["line+=,.@-1"]

    cli(cloud, "iot", "update-ca-certificate", "--certificate-id", ca.id, "--new-status", "INACTIVE")
    about = cli(cloud, "iot", "describe-certificate", "--certificate-id", made["certificateId"])["certificateDescription"]
    assert about["status"] == "ACTIVE" and about["caCertificateId"] == ca.id and about["certificatePem"] == paths[0].read_text()
    cli(cloud, "iot", "update-certificate", "--certificate-id", made["certificateId"], "--new-status", "REVOKED")
    row = cloud.certificates()[made["certificateId"]]
    assert (row["status"], row["things"], row["policies"], row["names"]) == ("REVOKED", [thing], ["line+=,.@-1"], [thing])
    (listed,) = cli(cloud, "iot", "list-ca-certificates")["certificates"]
    assert (listed["certificateId"], listed["status"]) == (ca.id, "INACTIVE")


def test_the_eleventh_policy(cloud, iot, device):
    arn = iot.register_certificate_without_ca(certificatePem=device)["certificateArn"]
    for i in range(11):
        iot.create_policy(policyName=f"p{i}", policyDocument=POLICY)
    for i in [*range(10), 9]:
        iot.attach_policy(policyName=f"p{i}", target=arn)
    no = says_no("LimitExceededException", cloud, "iot", "attach-policy", "--policy-name", "p10", "--target", arn)
    assert no.operation == "AttachPolicy"
    with refused("LimitExceededException", 410):
        iot.attach_policy(policyName="p10", target=arn)
    iot.detach_policy(policyName="p0", target=arn)
    iot.attach_policy(policyName="p10", target=arn)
    with refused("ResourceNotFoundException", 404):
        iot.attach_policy(policyName="none", target=arn)
    with refused("ResourceNotFoundException", 404):
        iot.attach_policy(policyName="p1", target=arn.rpartition("/")[0] + "/" + NO_ID)
    with refused("ResourceAlreadyExistsException", 409, "Policy cannot be created - name already exists (name=p1)"):
        iot.create_policy(policyName="p1", policyDocument=POLICY)
    with refused("MalformedPolicyException", 400):
        iot.create_policy(policyName="p20", policyDocument="file://policy.json")


def test_credentials_refused_to_the_command(cloud):
    """Wrong key, unknown key, token expired, action denied; for STS the same in XML."""
    words = ("iot", "get-registration-code")
    wrong = cloud.env(secret="wrong", AWS_MAX_ATTEMPTS="1")
    no = says_no("SignatureDoesNotMatch", cloud, *words, env=wrong)
    assert "The request signature we calculated does not match" in no.message
    assert says_no("SignatureDoesNotMatch", cloud, "sts", "get-caller-identity", env=wrong)
    unknown = cloud.env(key="AKIDNOBODY", AWS_MAX_ATTEMPTS="1")
    no = says_no("UnrecognizedClientException", cloud, *words, env=unknown)
    assert no.message.strip() == "The security token included in the request is invalid."
    assert says_no("InvalidClientTokenId", cloud, "sts", "get-caller-identity", env=unknown)
    cloud.key(denied=["iot:GetRegistrationCode"])
    assert "is not authorized to perform: iot:GetRegistrationCode" in says_no("AccessDeniedException", cloud, *words).message
    cloud.key("AKIDTEMPORARY", account=aws.ACCOUNT, secret="s", token="to/ken+==", expires_in=3600)
    env = cloud.env(key="AKIDTEMPORARY", secret="s", token="to/ken+==")
    assert cli(cloud, *words, env=env)["registrationCode"]
    cloud.key("AKIDTEMPORARY", expires_in=0)
    assert says_no("ExpiredTokenException", cloud, *words, env=env)
    assert says_no("ExpiredToken", cloud, "sts", "get-caller-identity", env=env)


def test_tokens(cloud):
    cloud.key(token="t1")
    for token in (None, "t2"):
        with refused("UnrecognizedClientException", 403):
            aws_client.client(cloud, token=token).get_registration_code()
    aws_client.client(cloud, token="t1").get_registration_code()


def test_both_names_of_the_service_are_taken(cloud):
    """Newer clients sign for iot, Debian's for execute-api."""
    for service in ("iot", "execute-api"):
        assert call(cloud, "GET", "/registrationcode", service=service).status == 200
    for service, target in (("s3", "/registrationcode"), ("sts", "/registrationcode")):
        got = call(cloud, "GET", target, service=service)
        assert (got.status, got.code) == (403, "InvalidSignatureException") and b"correct service" in got.body


SIGNED = (
    ("GET", "/registrationcode", None),
    ("POST", "/things/a%3Ab", {"attributePayload": {"attributes": {"a": "b"}}}),
    ("GET", "/endpoint?endpointType=iot%3AData-ATS", None),
    ("GET", "/certificates?pageSize=250&isAscendingOrder=true", None),
)


@pytest.mark.parametrize("method,target,what", SIGNED)
def test_a_signature_covers_everything(cloud, method, target, what):
    assert call(cloud, method, target, what).status == 200
    body = json.dumps(what).encode() if what else b""
    headers = {"Content-Type": "application/json"} if what else {}
    good = signed(cloud, method, target, body, headers)

    def fails(code, words, method=method, target=target, body=body, **changed):
        h = {k: v for k, v in {**good, **{k.replace("_", "-"): v for k, v in changed.items()}}.items() if v is not None}
        got = send(cloud, method, target, body, h)
        assert (got.status, got.code) == (403, code), (got.status, got.code, got.body)
        assert words in got.json()["message"] and got.headers["x-amzn-RequestId"] and got.headers["Date"]

    mismatch = ("SignatureDoesNotMatch", "The request signature we calculated does not match")
    fails(*mismatch, target="/things/other" if method == "POST" else "/policies")
    fails(*mismatch, body=body + b" ")
    fails(*mismatch, target=target + ("&" if "?" in target else "?") + "a=b")
    flipped = good["Authorization"][:-1] + ("0" if good["Authorization"][-1] != "0" else "1")
    fails(*mismatch, Authorization=flipped)
    fails("InvalidSignatureException", "must be a 'SignedHeader'", x_amzn_principal="x")
    fails("InvalidSignatureException", "is not in the request", Authorization=good["Authorization"].replace("host;", "host;more;"))
    fails("MissingAuthenticationTokenException", "Missing Authentication Token", Authorization=None)
    fails("IncompleteSignatureException", "'Signature'", Authorization=good["Authorization"].rpartition(",")[0])
    fails("InvalidSignatureException", "'Host'", Authorization=good["Authorization"].replace("host;", ""))
    if what:
        fails("InvalidSignatureException", "'content-type' must be", Authorization=good["Authorization"].replace("content-type;", ""))
    assert send(cloud, method, target, body, good).status == 200


def test_regions_and_days_of_the_scope(cloud):
    got = call(cloud, "GET", "/registrationcode", region="eu-nowhere-1")
    assert got.status == 403 and b"scoped to a valid region" in got.body
    one, two = (call(cloud, "GET", "/registrationcode", region=r).json() for r in (aws.REGION, "us-east-1"))
    assert one != two
    got = call(cloud, "POST", "/things/a", {}, region="cn-north-1").json()
    assert got["thingArn"] == f"arn:aws-cn:iot:cn-north-1:{aws.ACCOUNT}:thing/a"


def test_the_day_and_the_digest_that_a_request_states(cloud):
    """Both signed, both untrue."""
    good = signed(cloud, "GET", "/registrationcode")
    day = good["X-Amz-Date"][:8]
    other = {**good, "Authorization": good["Authorization"].replace(f"/{day}/", "/20260101/")}
    got = send(cloud, "GET", "/registrationcode", headers=other)
    assert got.status == 403 and "Date in Credential scope does not match" in got.json()["message"]
    for digest, status in (("0" * 64, 403), (EMPTY_SHA256_HASH, 200), ("UNSIGNED-PAYLOAD", 403)):
        assert call(cloud, "GET", "/registrationcode", headers={"X-Amz-Content-SHA256": digest}).status == status


def test_the_path_is_encoded_twice_in_the_signature(cloud, iot):
    """What libcurl's own signature gets wrong: a colon, and a whole ARN as one label."""
    assert iot.create_thing(thingName="line:1")["thingArn"].endswith(":thing/line:1")
    assert call(cloud, "GET", "/things/line%3A1").json()["thingName"] == "line:1"
    once = signed(cloud, "GET", "/things/line:1")     # encoded once in the canonical request: line%3A1
    got = send(cloud, "GET", "/things/line%3A1", headers=once)
    assert (got.status, got.code) == (403, "SignatureDoesNotMatch") and "/things/line%253A1\n" in got.json()["message"]
    arn = f"arn:aws:iot:{aws.REGION}:{aws.ACCOUNT}:cert/{NO_ID}"
    assert call(cloud, "POST", f"/attached-policies/{label(arn)}").code == "ResourceNotFoundException"


def test_the_clock(cloud, iot):
    iot.get_registration_code()
    cloud.clock(299)
    assert iot.get_registration_code()["ResponseMetadata"]["HTTPStatusCode"] == 200
    cloud.clock(310)
    with refused("InvalidSignatureException", 403, "is now earlier than") as no:
        iot.get_registration_code()
    assert re.match(r"Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)", no["Error"]["Message"])
    then = time.mktime(time.strptime(no["ResponseMetadata"]["HTTPHeaders"]["date"], "%a, %d %b %Y %H:%M:%S GMT")) - time.timezone
    assert 305 <= then - time.time() <= 315, "the Date header tells the stand-in's time"
    cloud.clock(-400)
    with refused("InvalidSignatureException", 403, "Signature not yet current"):
        iot.get_registration_code()
    with refused("SignatureDoesNotMatch", 403, "Signature not yet current"):
        aws_client.client(cloud, "sts").get_caller_identity()
    assert call(cloud, "GET", "/registrationcode", skew=-400).status == 200


def test_accounts_and_regions_are_apart(cloud, iot, ca, device):
    aws_client.register_ca(iot, ca)
    iot.register_certificate(certificatePem=device, status="ACTIVE")
    other = aws_client.client(cloud, key=aws.OTHER_KEY, secret=aws.OTHER_SECRET)
    assert other.get_registration_code()["registrationCode"] != iot.get_registration_code()["registrationCode"]
    with refused("CertificateValidationException", 400):
        other.register_certificate(certificatePem=device)
    with refused("ResourceAlreadyExistsException", 409):
        aws_client.register_ca(other, ca)
    elsewhere = aws_client.client(cloud, region="us-east-1")
    aws_client.register_ca(elsewhere, ca)
    assert ":us-east-1:" in elsewhere.register_certificate(certificatePem=device)["certificateArn"]
    assert len(cloud.certificates()) == 1 and len(cloud.certificates(region="us-east-1")) == 1
    assert aws_client.client(cloud, "sts", key=aws.OTHER_KEY, secret=aws.OTHER_SECRET).get_caller_identity()["Account"] == \
        aws.OTHER_ACCOUNT


def test_what_a_ca_must_prove(cloud, iot, ca, other_ca, tmp_path):
    code = iot.get_registration_code()["registrationCode"]

    def register(ca_pem=ca.pem, proof=None, **more):
        if proof:
            more["verificationCertificate"] = proof.read_text()
        return iot.register_ca_certificate(caCertificate=ca_pem, **more)

    with refused("RegistrationCodeValidationException", 400):
        register(proof=ca.issue("somebody"))
    with refused("CertificateValidationException", 400):
        register(proof=other_ca.issue(code))
    with refused("CertificateValidationException", 400, "does not verify"):
        fake = aws_client.Authority(tmp_path / "fake")      # the same name, another key
        register(proof=ca.issue(code, faked=fake))
    with refused("CertificateValidationException", 400, "basicConstraints"):
        plain = aws_client.Authority(tmp_path / "plain", "No CA", "no_ca")
        register(plain.pem, plain.issue(code))
    with refused("CertificateValidationException", 400):
        register("no certificate", ca.issue(code))
    with refused("InvalidRequestException", 400, "verificationCertificate"):
        register()
    with refused("InvalidRequestException", 400, "SNI_ONLY"):
        register(proof=ca.issue(code), certificateMode="SNI_ONLY")
    assert not cloud.dump()["cas"]

    register(proof=ca.issue(code), setAsActive=True)
    about = iot.describe_ca_certificate(certificateId=ca.id)["certificateDescription"]
    assert (about["status"], about["autoRegistrationStatus"], about["certificateMode"]) == ("ACTIVE", "DISABLE", "DEFAULT")
    assert about["certificatePem"] == ca.pem and abs(about["creationDate"].timestamp() - time.time()) < 30
    with refused("ResourceAlreadyExistsException", 409) as no:
        register(proof=ca.issue(code))
    assert (no["resourceId"], no["resourceArn"]) == (ca.id, about["certificateArn"])

    assert register(other_ca.pem, certificateMode="SNI_ONLY")["certificateId"] == other_ca.id
    iot.update_ca_certificate(certificateId=other_ca.id, newAutoRegistrationStatus="ENABLE")
    assert cloud.dump()["cas"][1]["autoRegistration"] == "ENABLE"
    with refused("CertificateStateException", 406):
        iot.delete_ca_certificate(certificateId=ca.id)
    iot.delete_ca_certificate(certificateId=other_ca.id)
    with refused("ResourceNotFoundException", 404):
        iot.describe_ca_certificate(certificateId=other_ca.id)
    iot.delete_registration_code()
    assert iot.get_registration_code()["registrationCode"] != code


def test_cas_that_are_weak_expired_or_too_many(cloud, iot, ca, tmp_path):
    def at(days, what):
        cloud.clock(days * 86400)
        return call(cloud, "POST", "/cacertificate", what, skew=days * 86400)
    weak = aws_client.Authority(tmp_path / "weak", key=("RSA", "rsa_keygen_bits:1024"))
    with refused("CertificateValidationException", 400, "1024 bits"):
        iot.register_ca_certificate(caCertificate=weak.pem, certificateMode="SNI_ONLY")
    proof = ca.issue(iot.get_registration_code()["registrationCode"]).read_text()
    got = at(2, {"caCertificate": ca.pem, "verificationCertificate": proof})
    assert (got.status, got.code) == (400, "CertificateValidationException") and b"verification certificate has expired" in got.body
    got = at(31, {"caCertificate": ca.pem, "certificateMode": "SNI_ONLY"})
    assert (got.status, got.code) == (400, "CertificateValidationException") and b"CA certificate has expired" in got.body
    cloud.clock(0)
    for i in range(11):
        pem = aws_client.Authority(tmp_path / str(i)).pem
        if i < 10:
            iot.register_ca_certificate(caCertificate=pem, certificateMode="SNI_ONLY")
    with refused("LimitExceededException", 410):
        iot.register_ca_certificate(caCertificate=pem, certificateMode="SNI_ONLY")


def test_what_a_device_certificate_must_be(cloud, iot, ca, other_ca, device, tmp_path):
    def no(code, pem, http_status, **more):
        with refused(code, http_status) as seen:
            iot.register_certificate(certificatePem=pem, **more)
        return seen

    no("CertificateValidationException", device, 400)                                # no CA yet
    aws_client.register_ca(iot, ca)
    no("CertificateValidationException", device + device, 400)
    no("CertificateValidationException", device[:200] + device[210:], 400)
    no("CertificateValidationException", device, 400, caCertificatePem=other_ca.pem)
    no("CertificateValidationException", other_ca.issue("x").read_text(), 400)
    fake = aws_client.Authority(tmp_path / "fake")
    no("CertificateValidationException", fake.issue("x").read_text(), 400)
    no("CertificateValidationException", ca.issue("x", key=("RSA", "rsa_keygen_bits:1024")).read_text(), 400)
    no("CertificateValidationException", ca.issue("x", digest="sha1").read_text(), 400)
    for status in ("PENDING_ACTIVATION", "PENDING_TRANSFER"):
        assert "Not allowed to register" in no("CertificateStateException", device, 406, status=status)["Error"]["Message"]
    iot.register_certificate(certificatePem=ca.issue("rsa", key=("RSA", "rsa_keygen_bits:2048")).read_text())
    assert len(cloud.certificates()) == 1

    made = iot.register_certificate(certificatePem=device, caCertificatePem=ca.pem)
    assert cloud.certificates()[made["certificateId"]]["status"] == "INACTIVE"
    seen = no("ResourceAlreadyExistsException", device, 409)
    assert (seen["resourceId"], seen["resourceArn"]) == (made["certificateId"], made["certificateArn"])
    iot.update_certificate(certificateId=made["certificateId"], newStatus="ACTIVE")
    with refused("CertificateStateException", 406):
        iot.update_certificate(certificateId=made["certificateId"], newStatus="PENDING_ACTIVATION")
    with refused("ResourceNotFoundException", 404):
        iot.update_certificate(certificateId=NO_ID, newStatus="ACTIVE")

    twin = aws_client.Authority(tmp_path / "twin")          # the name of ca again: now the request must say which
    aws_client.register_ca(iot, twin)
    pem = ca.issue("y").read_text()
    no("CertificateConflictException", pem, 409)
    iot.register_certificate(certificatePem=pem, caCertificatePem=ca.pem)


def test_expired_certificates(cloud, ca, device):
    """By the stand-in's clock, two days later."""
    cloud.clock(2 * 86400)
    got = call(cloud, "POST", "/certificate/register-no-ca", {"certificatePem": device}, skew=2 * 86400)
    assert (got.status, got.code) == (400, "CertificateValidationException") and b"expired" in got.body


def test_without_ca_and_delete(cloud, iot, device):
    made = iot.register_certificate_without_ca(certificatePem=device, status="ACTIVE")
    about = iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]
    assert about["certificateMode"] == "SNI_ONLY" and "caCertificateId" not in about
    with refused("CertificateStateException", 406):
        iot.delete_certificate(certificateId=made["certificateId"])
    iot.update_certificate(certificateId=made["certificateId"], newStatus="INACTIVE")
    iot.create_thing(thingName="t")
    iot.attach_thing_principal(thingName="t", principal=made["certificateArn"])
    with refused("DeleteConflictException", 409):
        iot.delete_certificate(certificateId=made["certificateId"], forceDelete=True)
    iot.detach_thing_principal(thingName="t", principal=made["certificateArn"])
    iot.create_policy(policyName="p", policyDocument=POLICY)
    iot.attach_policy(policyName="p", target=made["certificateArn"])
    with refused("DeleteConflictException", 409):
        iot.delete_certificate(certificateId=made["certificateId"])
    iot.delete_certificate(certificateId=made["certificateId"], forceDelete=True)
    assert not cloud.certificates() and cloud.dump()["policies"][0]["targets"] == []


def test_things(cloud, iot, device):
    iot.create_thing_type(thingTypeName="sensor")
    iot.create_thing_type(thingTypeName="sensor")
    with refused("ResourceAlreadyExistsException", 409):
        iot.create_thing_type(thingTypeName="sensor", thingTypeProperties={"thingTypeDescription": "x"})
    assert iot.describe_thing_type(thingTypeName="sensor")["thingTypeMetadata"]["deprecated"] is False
    config = dict(thingTypeName="sensor", attributePayload={"attributes": {"a": "1"}})
    first = iot.create_thing(thingName="t:1", **config)
    assert iot.create_thing(thingName="t:1", **config)["thingId"] == first["thingId"]
    with refused("ResourceAlreadyExistsException", 409) as no:
        iot.create_thing(thingName="t:1")
    assert no["resourceArn"] == first["thingArn"]
    with refused("ResourceNotFoundException", 404):
        iot.create_thing(thingName="t2", thingTypeName="none")
    with refused("InvalidRequestException", 400):
        iot.create_thing(thingName="t2", attributePayload={"attributes": {c: "1" for c in "abcd"}})
    iot.update_thing(thingName="t:1", attributePayload={"attributes": {"b": "2"}, "merge": True}, expectedVersion=1)
    with refused("VersionConflictException", 409):
        iot.update_thing(thingName="t:1", expectedVersion=1)
    about = iot.describe_thing(thingName="t:1")
    assert (about["attributes"], about["version"], about["thingTypeName"]) == ({"a": "1", "b": "2"}, 2, "sensor")
    assert [t["thingName"] for t in iot.list_things(attributeName="b", attributeValue="2")["things"]] == ["t:1"]

    arn = iot.register_certificate_without_ca(certificatePem=device)["certificateArn"]
    missing = arn.rpartition("/")[0] + "/" + NO_ID
    foreign = arn.replace(aws.ACCOUNT, aws.OTHER_ACCOUNT), arn.replace(aws.REGION, "us-east-1")
    for thing, principal in (("none", arn), *(("t:1", p) for p in (missing, *foreign))):
        with refused("ResourceNotFoundException", 404):
            iot.attach_thing_principal(thingName=thing, principal=principal)
    with refused("InvalidRequestException", 400):
        iot.attach_thing_principal(thingName="t:1", principal="nonsense")
    for _ in range(2):
        iot.attach_thing_principal(thingName="t:1", principal=arn)
    assert iot.list_thing_principals(thingName="t:1")["principals"] == [arn]
    assert iot.list_principal_things(principal=arn)["things"] == ["t:1"]

    with refused("ResourceNotFoundException", 404):
        iot.add_thing_to_thing_group(thingName="t:1", thingGroupName="hall")
    iot.create_thing_group(thingGroupName="plant")
    group = iot.create_thing_group(thingGroupName="hall", parentGroupName="plant")
    assert iot.create_thing_group(thingGroupName="hall", parentGroupName="plant")["thingGroupId"] == group["thingGroupId"]
    iot.add_thing_to_thing_group(thingName="t:1", thingGroupName="hall")
    assert iot.list_thing_groups_for_thing(thingName="t:1")["thingGroups"][0]["groupArn"] == group["thingGroupArn"]
    assert iot.describe_thing_group(thingGroupName="hall")["thingGroupMetadata"]["parentGroupName"] == "plant"


def test_paging(cloud, iot, ca):
    """Every page turner of botocore: all rows once, in either order, while others are added."""
    for i in range(7):
        iot.create_thing(thingName=f"t{i}")
        iot.create_policy(policyName=f"p{i}", policyDocument=POLICY)
    names = [t["thingName"] for page in iot.get_paginator("list_things").paginate(PaginationConfig={"PageSize": 3})
             for t in page["things"]]
    assert names == [f"t{i}" for i in range(7)]
    pages = iot.get_paginator("list_policies").paginate(PaginationConfig={"PageSize": 2})
    seen = []
    for page in pages:
        seen += [p["policyName"] for p in page["policies"]]
        iot.create_policy(policyName=f"later{len(seen)}", policyDocument=POLICY)
    assert seen == [f"p{i}" for i in reversed(range(7))]
    marker = iot.list_policies(pageSize=2)["nextMarker"]
    assert set("+/=") & set(marker) == set("+/="), "a marker that a client must encode"
    with refused("InvalidRequestException", 400):
        iot.list_policies(marker="AAAA")


@pytest.mark.parametrize("method,target,what,code,words", (
    ("POST", "/things/a%20b", {}, "InvalidRequestException", "Member must satisfy regular expression pattern: [a-zA-Z0-9:_-]+"),
    ("POST", "/things/" + "a" * 129, {}, "InvalidRequestException", "length less than or equal to 128"),
    ("POST", "/things/a", {"attributePayload": {"attributes": {"a": "with blank"}}}, "InvalidRequestException", "regular expression"),
    ("POST", "/things/a", {"attributePayload": {"attributes": {"a": 1}}}, "SerializationException", "a string is expected"),
    ("POST", "/things/a", {"thingTypeNam": "x"}, "InvalidRequestException", "unknown body member"),
    ("POST", "/certificate/register", {}, "InvalidRequestException", "Value null at 'certificatePem'"),
    ("POST", "/certificate/register", {"certificatePem": ""}, "InvalidRequestException", "greater than or equal to 1"),
    ("POST", "/certificate/register", {"certificatePem": "x" * 65537}, "InvalidRequestException", "less than or equal to 65536"),
    ("POST", "/certificate/register", {"certificatePem": "x", "status": "active"}, "InvalidRequestException", "enum value set"),
    ("POST", "/certificate/register?setAsActive=yes", {"certificatePem": "x"}, "SerializationException", "true or false"),
    ("POST", "/certificate/register?setAsActve=true", {"certificatePem": "x"}, "InvalidRequestException", "unknown query member"),
    ("PUT", "/certificates/" + "0" * 63 + "?newStatus=ACTIVE", None, "InvalidRequestException", "greater than or equal to 64"),
    ("PUT", "/certificates/" + "0" * 64, None, "InvalidRequestException", "Value null at 'newStatus'"),
    ("GET", "/certificates?pageSize=251", None, "InvalidRequestException", "less than or equal to 250"),
    ("GET", "/certificates?marker=%20", None, "InvalidRequestException", "regular expression"),
    ("PUT", "/things/a/principals", None, "InvalidRequestException", "Value null at 'principal'"),
    ("GET", "/endpoint?endpointType=iot%3AJobs", None, "InvalidRequestException", "no longer supported"),
    ("GET", "/certificate", None, "UnknownOperationException", "No operation"),
    ("GET", "/things//principals", None, "UnknownOperationException", "No operation"),
    ("GET", "/jobs", None, "NotInTheStandIn", "ListJobs"),
))
def test_requests_that_the_model_forbids(cloud, method, target, what, code, words):
    got = call(cloud, method, target, what)
    assert (got.code, 400 <= got.status < 600) == (code, True), (got.status, got.body)
    assert words in got.json()["message"], got.body


def test_bodies_that_are_none(cloud):
    json_type = "application/json"
    for body, kind, status in ((b"{", json_type, 400), (b"[]", json_type, 400), (b'{"a":"\xff"}', json_type, 400),
                               (b"{}", "text/plain", 415)):
        got = send(cloud, "POST", "/things/a", body, signed(cloud, "POST", "/things/a", body, {"Content-Type": kind}))
        assert got.status == status, got.body


def test_keep_alive_and_counters(cloud):
    line = http.client.HTTPConnection("127.0.0.1", cloud.port)
    before = cloud.counters()["connections"]
    for i in range(20):
        assert call(cloud, "POST", f"/things/t{i % 10}", {}, connection=line).status == 200
    call(cloud, "POST", "/things/t0", {"attributePayload": {"attributes": {"a": "b"}}}, connection=line)
    line.close()
    counters = cloud.counters()
    own = counters["operations"]["CreateThing"]
    assert (own["calls"], own["ok"], own["errors"]) == (21, 20, {"ResourceAlreadyExistsException": 1})
    assert own["max_concurrent"] == 1 and own["running"] == 0 and 1 <= own["max_per_second"] <= 21
    assert counters["targets"][f"{aws.ACCOUNT}/{aws.REGION}"]["CreateThing"]["ok"] == 20
    assert counters["connections"] - before == 2, "one connection for the 21 calls, one for this question"
    cloud.reset_counters()
    assert cloud.calls("CreateThing")["calls"] == 0 and len(cloud.dump()["things"]) == 10
