"""The client of server/aws against the AWS stand-in: signatures, the clock, expired credentials, faults, waiting and repeating."""
import pytest

import aws
import aws_client
import limits
from aws_tool import Tool

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}]}'


@pytest.fixture
def tool(cloud):
    with Tool(cloud.env()) as t:
        yield t


def test_who_and_where(cloud, tool):
    who = tool.call("GetCallerIdentity")
    assert (who["outcome"], who["account"], who["read"]) == ("done", aws.ACCOUNT, True), who
    at = tool.ask("client")
    assert at == {"region": aws.REGION, "partition": "aws", "iot": cloud.url, "sts": cloud.url, "source": at["source"], "offset_s": 0}
    assert "environment" in at["source"]


def test_aws_own_endpoints(cloud):
    for region, partition, end in (("eu-central-1", "aws", ""), ("cn-north-1", "aws-cn", ".cn"), ("us-gov-west-1", "aws-us-gov", "")):
        env = cloud.env(region=region, AWS_ENDPOINT_URL=None, AWS_ENDPOINT_URL_IOT=None, AWS_ENDPOINT_URL_STS=None)
        with Tool(env) as t:
            at = t.ask("client")
            assert (at["partition"], at["iot"], at["sts"]) == (partition, f"https://iot.{region}.amazonaws.com{end}",
                                                               f"https://sts.{region}.amazonaws.com{end}")


def test_no_region_and_odd_regions(cloud):
    with Tool(cloud.env(AWS_REGION=None, AWS_DEFAULT_REGION=None)) as t:
        got = t.ask("client")
        assert got["err"] == "config" and "AWS_REGION" in got["err_text"]
        t.ask("new", region="eu-west-3")
        assert t.ask("client")["region"] == "eu-west-3"
        t.ask("new", region="us-iso-east-1")
        assert t.ask("client")["err"] == "config"


def test_the_whole_way_of_a_device(cloud, tool, tmp_path):
    """Every operation once, each verified by the stand-in: signature, members, certificates."""
    ca = aws_client.Authority(tmp_path / "ca")
    code = tool.call("GetRegistrationCode")["registration_code"]
    proof = ca.issue(code).read_text()
    got = tool.call("RegisterCACertificate", caCertificate=ca.pem, verificationCertificate=proof, setAsActive=False,
                    allowAutoRegistration=True)
    assert (got["outcome"], got["id"], got["read"]) == ("done", ca.id, True), got
    again = tool.call("RegisterCACertificate", caCertificate=ca.pem, verificationCertificate=proof, setAsActive=False)
    assert (again["outcome"], again["status"]) == ("exists", 409), again
    seen = tool.call("DescribeCACertificate", certificateId=ca.id)
    assert (seen["id"], seen["active"], seen["auto_registration"], seen["sni_only"]) == (ca.id, False, True, False), seen

    path = ca.issue("line:1")
    pem, cert = path.read_text(), aws_client.fingerprint(path)
    wish = dict(certificatePem=pem, caCertificatePem=ca.pem, status="ACTIVE")
    assert tool.call("RegisterCertificate", **wish)["outcome"] == "ca_state"
    assert tool.call("UpdateCACertificate", certificateId=ca.id, newStatus="ACTIVE")["outcome"] == "done"
    assert tool.call("DescribeCACertificate", certificateId=ca.id)["active"] is True
    made = tool.call("RegisterCertificate", **wish)
    assert (made["outcome"], made["id"], made["read"]) == ("done", cert, True), made
    twice = tool.call("RegisterCertificate", **wish)
    assert (twice["outcome"], twice["resource_id"], twice["resource_arn"]) == ("exists", cert, made["arn"]), twice
    assert tool.call("DescribeCertificate", certificateId=cert)["pem"].strip() == pem.strip()
    assert tool.call("UpdateCertificate", certificateId=cert, newStatus="INACTIVE")["outcome"] == "done"
    assert tool.call("DescribeCertificate", certificateId=cert)["status_text"] == "INACTIVE"
    listed = tool.call("ListCertificatesByCA", caCertificateId=ca.id)
    assert [(r["id"], r["status"]) for r in listed["rows"]] == [(cert, "INACTIVE")] and listed["marker"] == ""
    assert [r["id"] for r in tool.call("ListCACertificates")["rows"]] == [ca.id]

    iot = aws_client.client(cloud)
    iot.create_policy(policyName="p+1=@x", policyDocument=POLICY)
    iot.create_thing_group(thingGroupName="group:1")
    iot.create_thing_type(thingTypeName="type:1")
    thing = dict(thingName="line:1", thingTypeName="type:1", attributePayload={"attributes": {"serial": "a/b:c"}})
    assert tool.call("CreateThing", **thing)["outcome"] == "done"
    assert tool.call("CreateThing", **thing)["outcome"] == "done"
    assert tool.call("CreateThing", thingName="line:1")["outcome"] == "exists"
    assert tool.call("DescribeThing", **thing)["read"] is True
    assert tool.call("AttachThingPrincipal", thingName="line:1", principal=made["arn"])["outcome"] == "done"
    assert tool.call("AttachPolicy", policyName="p+1=@x", target=made["arn"])["outcome"] == "done"
    assert tool.call("AddThingToThingGroup", thingName="line:1", thingGroupName="group:1")["outcome"] == "done"
    for operation, members in (("GetPolicy", {"policyName": "p+1=@x"}), ("DescribeThingType", {"thingTypeName": "type:1"}),
                               ("DescribeThingGroup", {"thingGroupName": "group:1"})):
        assert tool.call(operation, **members)["outcome"] == "done"
    for operation, members in (("GetPolicy", {"policyName": "no"}), ("DescribeThingType", {"thingTypeName": "no"}),
                               ("DescribeThingGroup", {"thingGroupName": "no"}), ("DescribeThing", {"thingName": "no"}),
                               ("DescribeCertificate", {"certificateId": "0" * 64}), ("AttachPolicy", {"policyName": "no", "target": made["arn"]})):
        got = tool.call(operation, **members)
        assert (got["outcome"], got["code"]) == ("not_found", "ResourceNotFoundException"), got
        assert got["request_id"] and got["message"]


# the clock

@pytest.mark.parametrize("skew", [3600, -3600, 399960, -86400 * 365])
def test_a_wrong_clock_is_corrected(cloud, skew):
    cloud.clock(skew)
    with Tool(cloud.env()) as t:
        got = t.calls(*[{"operation": "GetRegistrationCode"}] * 10)
        assert {r["outcome"] for r in got} == {"done"}, got
        assert abs(t.ask("client")["offset_s"] - skew) <= 2
        refused = sum(cloud.calls("GetRegistrationCode")["errors"].values())
        assert t.call("GetRegistrationCode")["outcome"] == "done"
        assert 1 <= refused <= 10 and sum(cloud.calls("GetRegistrationCode")["errors"].values()) == refused
        log = t.stop()
        assert log.count("clock of this machine") == 1 and ("behind" if skew > 0 else "ahead") in log, log
        assert str(abs(skew) // 60) in log


def test_a_clock_that_is_right_gets_no_second_try(cloud):
    with Tool(cloud.env(secret="wrong")) as t:
        got = t.call("GetCallerIdentity")
        assert got["outcome"] == "denied" and got["status"] == 403, got
        got = t.call("GetRegistrationCode")
        assert got["outcome"] == "denied" and got["status"] == 403, got
        assert t.ask("client")["offset_s"] == 0
        assert cloud.calls("GetRegistrationCode")["calls"] <= 1


def test_a_wrong_clock_and_a_wrong_key(cloud):
    cloud.clock(7200)
    with Tool(cloud.env(secret="wrong")) as t:
        got = t.call("GetRegistrationCode")
        assert got["outcome"] == "denied" and got["status"] == 403, got


# credentials

def process(cloud, path, *ends):
    """A credential_process that gives the next of new keys each time, and its profile. ends: None, or in so many seconds by AWS."""
    names = [f"AKIDOFTHEPROCESS0000{n}" for n in range(len(ends))]
    for name, end in zip(names, ends):
        cloud.key(name, account=aws.ACCOUNT, secret=aws.SECRET, **({} if end is None else {"expires_in": end}))
    (path / "count").write_text("0")
    script = path / "give"
    script.write_text(f"""#!/usr/bin/python3
import json, pathlib
count = pathlib.Path({str(path / "count")!r})
n = int(count.read_text())
count.write_text(str(n + 1))
names = {names!r}
print(json.dumps(dict(Version=1, AccessKeyId=names[min(n, len(names) - 1)], SecretAccessKey={aws.SECRET!r},
                      Expiration="2099-01-01T00:00:00Z")))
""")
    script.chmod(0o700)
    (path / "config").write_text(f"[default]\ncredential_process = {script}\n")
    return cloud.env(keys=False, AWS_CONFIG_FILE=str(path / "config"))


def test_expired_credentials_are_renewed_once(cloud, tmp_path):
    """Three calls meet the end together: the provider is asked once, and no call goes out by itself with what it gave."""
    with Tool(process(cloud, tmp_path, -60, None)) as t:
        assert t.ask("credentials") == {"generation": 1, "err": "ok", "err_text": ""}
        got = t.calls(*[{"operation": "GetRegistrationCode"}] * 3)
        assert {(r["outcome"], r["code"]) for r in got} == {("transient", "CredentialsRenewed")}, got
        assert (tmp_path / "count").read_text() == "2" and cloud.calls("GetRegistrationCode")["calls"] == 3
        assert t.ask("credentials")["generation"] == 2
        assert t.call("GetRegistrationCode")["outcome"] == "done"


def test_ask_goes_on_with_renewed_credentials(cloud, tmp_path):
    with Tool(process(cloud, tmp_path, -60, None)) as t:
        got = t.ask("ask", operation="GetRegistrationCode", patience_s=0)
        assert (got["err"], got["outcome"]) == ("ok", "done") and got["took_ms"] < limits.seconds(1) * 1000, got


def test_renewed_credentials_that_are_over_too(cloud, tmp_path):
    """However many new ones the provider gives: the end is an answer, not a circle."""
    with Tool(process(cloud, tmp_path, *[-60] * 8)) as t:
        got = t.ask("ask", operation="GetRegistrationCode", patience_s=30)
        assert (got["err"], got["outcome"], got["code"]) == ("permission", "denied", "ExpiredTokenException"), got
        assert cloud.calls("GetRegistrationCode")["calls"] == 2 and (tmp_path / "count").read_text() == "2"


def test_credentials_that_cannot_be_renewed(cloud, tool):
    cloud.faults({"kind": "error", "code": "ExpiredTokenException", "status": 403, "operations": ["GetRegistrationCode"]})
    got = tool.call("GetRegistrationCode")
    assert (got["outcome"], got["code"]) == ("denied", "ExpiredTokenException"), got
    assert cloud.fault_hits() == [1]


def test_renewed_and_still_expired(cloud, tmp_path):
    """The provider gives the same again: that is no renewal."""
    with Tool(process(cloud, tmp_path, -60)) as t:
        got = t.call("GetRegistrationCode")
        assert (got["outcome"], got["code"]) == ("denied", "ExpiredTokenException"), got
        assert cloud.calls("GetRegistrationCode")["calls"] == 1
        assert "gives the same again" in t.stop()


def test_a_session_token_is_sent_and_signed(cloud):
    cloud.key("AKIDWITHTOKENEXAMPLE", account=aws.ACCOUNT, secret="s" * 40, token="t/+=" * 100)
    with Tool(cloud.env("AKIDWITHTOKENEXAMPLE", "s" * 40, token="t/+=" * 100)) as t:
        assert t.call("GetCallerIdentity")["outcome"] == "done"
        assert t.call("AttachPolicy", policyName="p", target="arn:aws:iot:x")["outcome"] in ("not_found", "refused")
    with Tool(cloud.env("AKIDWITHTOKENEXAMPLE", "s" * 40, token="other")) as t:
        assert t.call("GetCallerIdentity")["outcome"] == "denied"


# what goes wrong

@pytest.mark.parametrize("rule, outcome, code", [
    ({"kind": "throttle"}, "throttled", "ThrottlingException"),
    ({"kind": "throttle", "status": 429}, "throttled", "TooManyRequestsException"),
    ({"kind": "status", "status": 500, "body": "none"}, "transient", "Http500"),
    ({"kind": "status", "status": 503, "body": "html"}, "transient", "Http503"),
    ({"kind": "status", "status": 502, "body": "json"}, "transient", None),
    ({"kind": "cut_before"}, "transient", "ConnectionLost"),
    ({"kind": "cut_before", "how": "reset"}, "transient", "ConnectionLost"),
    ({"kind": "cut_after"}, "transient", "ConnectionLost"),
    ({"kind": "half_answer"}, "transient", None),
    ({"kind": "empty"}, "transient", "AnswerNotAws"),
    ({"kind": "html"}, "transient", "AnswerNotAws"),
    ({"kind": "long_body"}, "transient", "AnswerTooLarge"),
    ({"kind": "redirect", "location": "http://127.0.0.1:1/"}, "transient", "Http301"),
    ({"kind": "status", "status": 451, "body": "html"}, "transient", "Http451"),
    ({"kind": "content_type", "value": "text/html"}, "done", ""),
    ({"kind": "close_after"}, "done", ""),
    ({"kind": "latency", "ms": 100}, "done", ""),
    ({"kind": "error", "code": "AccessDeniedException", "message": "not authorized", "status": 403}, "denied", "AccessDeniedException"),
    ({"kind": "error", "code": "UnauthorizedException", "status": 401}, "denied", "UnauthorizedException"),
    ({"kind": "error", "code": "LimitExceededException", "status": 410}, "refused", "LimitExceededException"),
])
def test_faults(cloud, tool, rule, outcome, code):
    cloud.faults({**rule, "operations": ["GetRegistrationCode"]})
    got = tool.call("GetRegistrationCode")
    assert got["outcome"] == outcome and (code is None or got["code"] == code), got
    assert cloud.fault_hits()[0] >= 1


@pytest.mark.parametrize("form", ["header", "header_uri", "type", "code", "namespace"])
def test_where_the_code_stands(cloud, tool, form):
    cloud.faults({"kind": "error_form", "form": form})
    got = tool.call("DescribeThing", thingName="no")
    assert (got["outcome"], got["code"]) == ("not_found", "ResourceNotFoundException"), got


def test_a_server_that_nobody_knows(cloud, tmp_path):
    with aws.StandIn() as gone:
        env = gone.env()
    with Tool(env) as t:
        got = t.call("GetRegistrationCode")
        assert (got["outcome"], got["code"], got["status"]) == ("transient", "NotConnected", 0), got


# waiting and repeating

def test_ask_repeats_what_passes(cloud, tool):
    cloud.faults({"kind": "throttle", "times": 2}, {"kind": "status", "status": 503, "body": "html", "times": 1})
    got = tool.ask("ask", operation="GetRegistrationCode", patience_s=60)
    assert (got["err"], got["outcome"]) == ("ok", "done"), got
    assert cloud.fault_hits() == [2, 1]


def test_ask_repeats_nothing_else(cloud, tool):
    got = tool.ask("ask", operation="DescribeThing", thingName="no", patience_s=60)
    assert (got["err"], got["outcome"]) == ("not_found", "not_found") and got["took_ms"] < limits.seconds(5) * 1000
    assert got["request_id"] in got["err_text"] and "DescribeThing" in got["err_text"]
    assert cloud.calls("DescribeThing")["calls"] == 1


def test_ask_ends(cloud, tool):
    cloud.faults({"kind": "throttle"})
    got = tool.ask("ask", operation="GetRegistrationCode", patience_s=0)
    assert (got["err"], got["outcome"]) == ("busy", "throttled") and cloud.fault_hits() == [1], got
    got = tool.ask("ask", operation="GetRegistrationCode", patience_s=3)
    assert got["err"] == "busy" and got["took_ms"] < limits.seconds(6) * 1000, got
    assert cloud.fault_hits()[0] >= 2


def test_secrets_stay_inside(cloud):
    """Whatever goes wrong, neither key nor token nor signature is in an answer or in the log."""
    token = "T0kEn" * 20
    with Tool(cloud.env(secret="S3cReT" * 6, token=token)) as t:
        seen = [str(t.call("GetCallerIdentity")), str(t.ask("ask", operation="GetRegistrationCode", patience_s=0))]
        cloud.faults({"kind": "cut_before"})
        seen.append(str(t.call("GetRegistrationCode")))
        seen.append(t.stop())
        for text in seen:
            assert "S3cReT" not in text and "T0kEn" not in text and "Signature=" not in text, text
