"""What the AWS stand-in does wrong on demand: seen by botocore, and over HTTP by hand where a client would hide it."""
import concurrent.futures
import http.client
import json
import socket
import time

import botocore.credentials
import botocore.exceptions
import botocore.utils
import pytest

import aws
import aws_client
import limits
from aws_client import call, refused, send, signed


def thing(cloud, name="t", what=None, **kw):
    return call(cloud, "POST", f"/things/{name}", {} if what is None else what, **kw)


def things(cloud):
    return {t["thingName"] for t in cloud.dump().get("things", ())}


def cut(cloud, *args, **kw):
    """A call that must end without a (whole) answer: what the client saw."""
    with pytest.raises((http.client.HTTPException, ConnectionError)) as caught:
        thing(cloud, *args, **kw)
    return caught.value


def test_throttling_by_chance_is_the_same_in_any_order(cloud):
    rule = {"kind": "throttle", "operations": ["CreateThing"], "probability": 0.3}

    def run(names, seed):
        cloud.reset()
        cloud.faults(rule, seed=seed)
        return {n for n in names if thing(cloud, n).status == 400}
    names = [f"t{i}" for i in range(200)]
    first = run(names, 1)
    assert 35 <= len(first) <= 85
    got = cloud.calls("CreateThing")
    assert (got["throttled"], got["ok"], got["errors"]) == (len(first), 200 - len(first), {"ThrottlingException": len(first)})
    assert things(cloud) == set(names) - first
    assert run(reversed(names), 1) == first and run(names, 2) != first


def test_a_repeated_request_meets_another_draw(cloud):
    cloud.faults({"kind": "throttle", "probability": 0.5}, seed=3)
    statuses = [thing(cloud).status for _ in range(40)]
    assert {200, 400} == set(statuses)
    cloud.faults({"kind": "error", "code": "ResourceNotFoundException", "first": 2})
    assert [thing(cloud, name).status for name in ("a", "b") * 3] == [404] * 4 + [200] * 2
    cloud.faults({"kind": "latency", "ms": 1, "jitter_ms": 20})
    assert thing(cloud).status == 200


def test_botocore_calls_it_throttling(cloud):
    cloud.faults({"kind": "throttle", "times": 1})
    with refused("ThrottlingException", 400, "Rate exceeded"):
        aws_client.client(cloud).get_registration_code()
    cloud.faults({"kind": "throttle", "times": 1})
    got = aws_client.client(cloud, attempts=3).get_registration_code()
    assert got["ResponseMetadata"]["RetryAttempts"] == 1
    cloud.faults({"kind": "throttle", "status": 429})
    with refused("TooManyRequestsException", 429):
        aws_client.client(cloud).get_registration_code()
    cloud.faults({"kind": "throttle"})
    with refused("Throttling", 400):
        aws_client.client(cloud, "sts").get_caller_identity()


def hammer(cloud, seconds, threads=4):
    """Statuses of calls as fast as they go."""
    end = time.monotonic() + seconds

    def one(number):
        line, out, i = http.client.HTTPConnection("127.0.0.1", cloud.port), [], 0
        while time.monotonic() < end:
            i += 1
            out.append(thing(cloud, f"t{number}-{i}", connection=line).status)
        line.close()
        return out
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(one, range(threads)), [])


@pytest.mark.parametrize("window", ("bucket", "second"))
def test_quotas(cloud, window):
    """30 a second: a bucket gives what is in it and then the rate, windows of one second 30 in each they touch."""
    cloud.faults(aws.quota(30, window, operations=["CreateThing"]))
    begin = time.monotonic()
    statuses = hammer(cloud, 1.5)
    took = time.monotonic() - begin
    low, high = (30 + 30 * 1.4, 30 + 30 * took + 1) if window == "bucket" else (2 * 30, (int(took) + 2) * 30)
    got = cloud.calls("CreateThing")
    assert low <= statuses.count(200) <= high and statuses.count(400) == got["throttled"] > 0
    assert got["calls"] == len(statuses) and len(things(cloud)) == got["ok"] == statuses.count(200)
    assert got["max_admitted_per_second"] <= 60 + 1 < got["max_per_second"]
    assert call(cloud, "GET", "/registrationcode").status == 200


def test_quotas_of_aws_are_apart_by_operation_and_region(cloud):
    cloud.faults(aws.quota())
    for region in (aws.REGION, "us-east-1"):
        codes = [call(cloud, "GET", "/registrationcode", region=region).code for _ in range(12)]
        assert codes[:10] == [""] * 10 and "ThrottlingException" in codes
        assert [thing(cloud, f"t{i}", region=region).status for i in range(15)] == [200] * 15


def test_latency_and_how_many_at_a_time(cloud):
    cloud.faults({"kind": "latency", "ms": 200})
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert {r.status for r in pool.map(lambda i: thing(cloud, f"t{i}"), range(16))} == {200}
    took = time.monotonic() - begin
    assert 0.2 <= took < limits.seconds(2)
    assert 8 <= cloud.calls("CreateThing")["max_concurrent"] <= 16
    cloud.faults({"kind": "latency", "ms": 100}, {"kind": "throttle"})
    begin = time.monotonic()
    assert thing(cloud).status == 400 and time.monotonic() - begin >= 0.1


@pytest.mark.parametrize("status,code", ((500, "InternalFailureException"), (503, "ServiceUnavailableException")))
def test_answers_of_gateways(cloud, status, code):
    cloud.faults({"kind": "status", "status": status})
    got = thing(cloud)
    assert (got.status, got.code, got.json()["message"]) == (status, code, "on demand")
    with refused(code, status):
        aws_client.client(cloud).create_thing(thingName="t")
    cloud.faults({"kind": "status", "status": status, "body": "html"})
    got = thing(cloud)
    assert (got.status, got.code, got.headers["Content-Type"]) == (status, "", "text/html") and got.body.startswith(b"<!DOCTYPE")
    cloud.faults({"kind": "status", "status": status, "body": "none"})
    got = thing(cloud)
    assert (got.status, got.body, got.code) == (status, b"", "") and got.headers["x-amzn-RequestId"]
    assert not things(cloud)


@pytest.mark.parametrize("kind,effect", (("cut_before", False), ("cut_after", True)))
@pytest.mark.parametrize("how,seen", (("close", http.client.RemoteDisconnected), ("reset", ConnectionResetError)))
def test_cut_connections(cloud, kind, effect, how, seen):
    cloud.faults({"kind": kind, "how": how, "times": 2})
    assert isinstance(cut(cloud), seen)
    assert things(cloud) == ({"t"} if effect else set())
    with pytest.raises(botocore.exceptions.HTTPClientError):
        aws_client.client(cloud).create_thing(thingName="u")
    assert cloud.fault_hits() == [2] and cloud.calls("CreateThing")["faults"] == 2
    assert thing(cloud).status == 200


def test_half_answers_and_hanging(cloud):
    cloud.faults({"kind": "half_answer"})
    assert isinstance(cut(cloud, "a"), http.client.IncompleteRead)
    cloud.faults({"kind": "hang"})
    with pytest.raises(TimeoutError):
        thing(cloud, "b", timeout=0.3)
    assert things(cloud) == {"a", "b"}
    cloud.faults({"kind": "hang", "effect": False})
    with pytest.raises(TimeoutError):
        thing(cloud, "c", timeout=0.3)
    assert "c" not in things(cloud)


def test_a_connection_closed_after_the_answer(cloud):
    cloud.faults({"kind": "close_after", "times": 1})
    line = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=limits.seconds(5))
    got = thing(cloud, connection=line)
    assert got.status == 200 and got.headers["Connection"] is None
    assert line.sock.recv(1) == b""
    line.close()


def test_bodies_that_are_wrong(cloud):
    cloud.faults({"kind": "empty"})
    got = thing(cloud, "a")
    assert (got.status, got.body) == (200, b"")
    cloud.faults({"kind": "html"})
    got = thing(cloud, "b")
    assert got.status == 200 and b"<html>" in got.body
    cloud.faults({"kind": "long_body", "bytes": 3000000})
    got = thing(cloud, "c")
    assert len(got.body) > 3000000 and got.json()["thingName"] == "c"
    cloud.faults({"kind": "content_type", "value": "text/plain"})
    got = thing(cloud, "d")
    assert got.headers["Content-Type"] == "text/plain" and got.json()["thingName"] == "d"
    assert things(cloud) == set("abcd")
    cloud.faults({"kind": "slow_body", "bytes_per_second": 200})
    begin = time.monotonic()
    got = thing(cloud, "e")
    assert got.json()["thingName"] == "e" and time.monotonic() - begin > 0.4
    cloud.faults({"kind": "empty", "effect": False})
    assert thing(cloud, "f").status == 200 and "f" not in things(cloud)


def test_redirects(cloud):
    cloud.faults({"kind": "redirect", "status": 307, "location": "http://127.0.0.1:1/"})
    got = thing(cloud)
    assert (got.status, got.headers["Location"]) == (307, "http://127.0.0.1:1/") and not things(cloud)


def test_an_error_for_the_chosen_ones(cloud, tmp_path):
    """By certificate id, by the name in the certificate, by thing, by the principal's ARN."""
    ca = aws_client.Authority(tmp_path)
    paths = {name: ca.issue(name) for name in ("d1", "d2", "d3")}
    iot = aws_client.client(cloud)

    def register(name):
        return iot.register_certificate_without_ca(certificatePem=paths[name].read_text())
    cloud.faults({"kind": "error", "code": "CertificateValidationException", "message": "no",
                  "subjects": [aws_client.fingerprint(paths["d1"]), "d2"]})
    for name in ("d1", "d2"):
        with refused("CertificateValidationException", 400, "no"):
            register(name)
    made = register("d3")
    iot.create_thing(thingName="t1")
    cloud.faults({"kind": "error", "code": "ResourceNotFoundException", "subjects": ["t1"], "times": 1, "skip": 1},
                 {"kind": "error", "code": "LimitExceededException", "subjects": [made["certificateArn"]], "operations": ["AttachPolicy"]})
    iot.describe_thing(thingName="t1")
    with refused("ResourceNotFoundException", 404):
        iot.describe_thing(thingName="t1")
    iot.describe_thing(thingName="t1")
    with refused("LimitExceededException", 410):
        iot.attach_policy(policyName="p", target=made["certificateArn"])
    cloud.faults({"kind": "error", "code": "Odd", "status": 418, "extra": {"more": "yes"}})
    got = thing(cloud)
    assert (got.status, got.code, got.json()) == (418, "Odd", {"message": "Odd on demand", "more": "yes"})


def test_conflicts_without_names_and_wrong_ids(cloud, tmp_path):
    pem = aws_client.Authority(tmp_path).issue("d").read_text()
    cloud.faults({"kind": "wrong_id"})
    got = call(cloud, "POST", "/certificate/register-no-ca", {"certificatePem": pem}).json()
    (true,) = cloud.certificates()
    assert got["certificateId"] != true and got["certificateArn"].endswith("cert/" + got["certificateId"])
    got = call(cloud, "POST", "/certificate/register-no-ca", {"certificatePem": pem})
    assert got.status == 409 and got.json()["resourceId"] == true
    cloud.faults({"kind": "bare_conflict"})
    got = call(cloud, "POST", "/certificate/register-no-ca", {"certificatePem": pem})
    assert (got.status, got.code, list(got.json())) == (409, "ResourceAlreadyExistsException", ["message"])


@pytest.mark.parametrize("form,header,member", (
    ("header", "ResourceNotFoundException", None),
    ("header_uri", "ResourceNotFoundException:http://internal.amazon.com/coral/com.amazonaws.iot/", None),
    ("type", None, ("__type", "ResourceNotFoundException")),
    ("code", None, ("code", "ResourceNotFoundException")),
    ("namespace", None, ("__type", "com.amazonaws.iot#ResourceNotFoundException")),
    ("none", None, None)))
def test_where_the_code_of_an_error_stands(cloud, form, header, member):
    cloud.faults({"kind": "error_form", "form": form})
    got = call(cloud, "GET", "/things/none")
    assert got.status == 404 and got.headers["x-amzn-ErrorType"] == header
    assert member is None or got.json()[member[0]] == member[1]
    if form != "none":
        with refused("ResourceNotFoundException", 404):
            aws_client.client(cloud).describe_thing(thingName="none")


def test_tokens_that_end(cloud):
    cloud.key(token="t", expires_in=60)
    iot = aws_client.client(cloud, token="t")
    iot.get_registration_code()
    cloud.key(expires_in=0.2)
    time.sleep(0.3)
    with refused("ExpiredTokenException", 403):
        iot.get_registration_code()
    cloud.key(token="t2", expires_in=60)
    aws_client.client(cloud, token="t2").get_registration_code()


def test_rules_that_make_no_sense_are_refused(cloud):
    for rule in ({"kind": "nonsense"}, {"kind": "throttle", "probabilty": 1}, {"kind": "error_form", "form": "x"}):
        with pytest.raises(AssertionError, match="400"):
            cloud.faults(rule)
    assert send(cloud, "GET", "/_stand-in/nothing").status == 404


def test_http_by_hand(cloud):
    """Two requests in one piece are answered in order, one in many pieces is waited for, and nonsense is refused."""
    def text(name):
        h = signed(cloud, "POST", f"/things/{name}", b"{}", {"Content-Type": "application/json"})
        lines = [f"POST /things/{name} HTTP/1.1"] + [f"{k}: {v}" for k, v in h.items()] + ["Content-Length: 2", "", "{}"]
        return "\r\n".join(lines).encode()

    def read(sock, count):
        got = b""
        while got.count(b"HTTP/1.1 ") < count or not got.endswith(b"}"):
            got += sock.recv(65536)
        return got
    for latency in (0, 50):
        cloud.faults({"kind": "latency", "ms": latency})
        with socket.create_connection(("127.0.0.1", cloud.port), limits.seconds(5)) as sock:
            sock.sendall(text("a") + text("b"))
            got = read(sock, 2)
            assert 0 < got.find(b'"a"') < got.find(b'"b"')
            for i, piece in enumerate(text("c").partition(b"\r\n\r\n")):
                time.sleep(0.02 * i)
                sock.sendall(piece)
            assert b'"c"' in read(sock, 1)
    for line in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", cloud.port), limits.seconds(5)) as sock:
            sock.sendall(line)
            assert sock.recv(100).startswith(b"HTTP/1.1 400 ")


def test_instance_metadata(cloud):
    """botocore's own provider finds its way, and version 1 is refused."""
    assert send(cloud, "GET", "/latest/meta-data/iam/security-credentials/").status == 401
    cloud.key(token="session")
    fetcher = botocore.utils.InstanceMetadataFetcher(base_url=cloud.imds(), timeout=5,
                                                     config={"ec2_metadata_service_endpoint": cloud.imds()})
    got = fetcher.retrieve_iam_role_credentials()
    assert (got["access_key"], got["secret_key"], got["token"], got["role_name"]) == (aws.KEY, aws.SECRET, "session", "line-role")
    assert cloud.counters()["metadata"] == {"refused": 1, "token": 1, "role": 1, "credentials": 1}
    aws_client.client(cloud, token=got["token"]).get_registration_code()


def test_container_credentials(cloud):
    cloud.metadata(token="Bearer x", expires_in=900)
    assert send(cloud, "GET", "/_stand-in/container").status == 401
    env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": cloud.container(), "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer x"}
    got = botocore.credentials.ContainerProvider(environ=env).load().get_frozen_credentials()
    assert (got.access_key, got.secret_key) == (aws.KEY, aws.SECRET)
    assert json.loads(send(cloud, "GET", "/_stand-in/container", headers={"Authorization": "Bearer x"}).body)["Expiration"].endswith("Z")


def test_tls(tmp_path):
    ca = aws_client.Authority(tmp_path)
    ca.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "tls.key", "-subj", "/CN=x",
               "-addext", "subjectAltName=IP:127.0.0.1", "-days", 2, "-out", "tls.pem", "-config", "openssl.cnf")
    with aws.StandIn(tls=(tmp_path / "tls.pem", tmp_path / "tls.key")) as cloud:
        assert cloud.url.startswith("https://") and cloud.counters()["all"]["calls"] == 0
        env = cloud.env(AWS_MAX_ATTEMPTS="1")
        assert aws_client.cli(cloud, "sts", "get-caller-identity", env=env)["Account"] == aws.ACCOUNT
        with pytest.raises(aws_client.CliError, match="SSL"):
            aws_client.cli(cloud, "sts", "get-caller-identity", env=cloud.env(AWS_MAX_ATTEMPTS="1", AWS_CA_BUNDLE=None))
