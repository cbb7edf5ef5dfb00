"""`aws check`, line by line: what is well, what is not, and that nothing is changed by asking."""
import concurrent.futures
import contextlib
import http.server
import socket
import threading

import pytest

import aws
import aws_client
import aws_home

ALL = {"things": "yes", "thing_type": "sensor", "thing_group": "line-1", "policies": "first, second", "status": "active_at_end"}
PROBES = ["RegisterCertificate", "DescribeCertificate", "UpdateCertificate", "DescribeThing", "AttachThingPrincipal", "AttachPolicy",
          "AddThingToThingGroup"]
LOOKS = {"GetPolicy": {"policy first", "policy second"}, "DescribeThingType": {"thing type sensor"},
         "DescribeThingGroup": {"thing group line-1"}, "DescribeCACertificate": {"CA lineca-ca"}, "ListCACertificates": {"endpoint"}}


@pytest.fixture
def ready(place):
    """Everything is there that ALL names."""
    place.configure(**ALL).run("aws", "register-ca")
    iot = aws_client.client(place.cloud)
    for name in ("first", "second"):
        iot.create_policy(policyName=name, policyDocument=aws_home.POLICY)
    iot.create_thing_type(thingTypeName="sensor")
    iot.create_thing_group(thingGroupName="line-1")
    return place


def unchanged(place, code=0, **kw):
    """A check that leaves AWS and the home as they were."""
    before = world(place)
    found = place.check(code, **kw)
    assert world(place) == before, "something was changed"
    return found


def world(place):
    """All that there is: in AWS, but places where nothing is; in the home, but SQLite's own files that come and go with readers."""
    where = ((aws.ACCOUNT, aws.REGION), (aws.ACCOUNT, "us-east-1"), (aws.OTHER_ACCOUNT, aws.REGION))
    places = [place.cloud.dump(*one) for one in where]
    files = {name: file for name, file in place.home.snapshot().items() if not name.startswith("lineca.db-")}
    return [p if any(p.values()) else {} for p in places], files


# ---- all is well


def test_ready(ready):
    ready.cloud.reset_counters()
    found = unchanged(ready)
    assert list(found) == ["credentials", "account", "clock", "endpoint", "CA lineca-ca", "policy first", "policy second",
                           "thing type sensor", "thing group line-1", "iot:RegisterCertificate", "iot:DescribeCertificate",
                           "iot:UpdateCertificate", "iot:CreateThing", "iot:DescribeThing", "iot:AttachThingPrincipal",
                           "iot:AttachPolicy", "iot:AddThingToThingGroup"]
    assert {name for name, row in found.items() if row["state"] != "ok"} == {"iot:CreateThing"}
    assert found["credentials"]["found"] == "environment" and aws.ACCOUNT in found["account"]["found"]
    assert found["endpoint"]["found"] == ready.cloud.url and found["CA lineca-ca"]["found"] == "registered, active"
    assert all(row["section"] == "[aws]" for row in found.values())
    # nothing was called that makes or changes something, but with what cannot exist
    operations = ready.cloud.counters()["operations"]
    assert not set(operations) & {"CreateThing", "UpdateCACertificate", "RegisterCACertificate", "GetRegistrationCode"}
    assert all(operations[name]["ok"] == 0 for name in PROBES), operations
    assert ready.cloud.certificates() == {}


def test_table(ready):
    """For people: the same lines, aligned, with what to do; exit 1 and how many failed."""
    out = ready.run("aws", "check").out.splitlines()
    assert out[0].split()[:3] == ["SECTION", "CHECK", "STATE"] and "WHAT TO DO" in out[0]
    assert len(out) == 1 + 17 and len({line.index(" ok ") for line in out if " ok " in line}) == 1
    ready.run("aws", "deactivate-ca")
    result = ready.run("aws", "check", code=1)
    (line,) = [line for line in result.out.splitlines() if "FAILED" in line]
    assert "inactive" in line and 'lineca aws activate-ca lineca-ca' in line
    assert "1 of 17 checks failed" in result.err


@pytest.mark.parametrize("settings,absent", [
    ({}, {"iot:AttachPolicy", "iot:DescribeThing", "iot:AttachThingPrincipal", "iot:AddThingToThingGroup", "iot:CreateThing"}),
    ({"status": "inactive"}, {"iot:UpdateCertificate"}), ({"with_ca": "no"}, {"CA lineca-ca", "iot:RegisterCertificate"})])
def test_only_what_is_needed(place, settings, absent):
    place.run("aws", "register-ca")
    found = unchanged(place.configure(**settings))
    assert not set(found) & absent
    if settings.get("with_ca"):
        assert found["iot:RegisterCertificateWithoutCA"]["state"] == "ok"


# ---- what is missing


def test_ca_missing_and_inactive(place):
    found = unchanged(place, 1)
    assert aws_home.failed(found) == {"CA lineca-ca"}
    assert found["CA lineca-ca"]["found"] == "not registered"
    assert found["CA lineca-ca"]["todo"] == 'lineca aws register-ca --ca lineca-ca'
    place.run("aws", "register-ca", "--inactive")
    found = unchanged(place, 1)
    assert found["CA lineca-ca"]["found"] == "registered, inactive"
    # what it says to do, done
    place.run(*found["CA lineca-ca"]["todo"].split()[1:])
    unchanged(place)


def test_things_missing(place):
    place.configure(**ALL).run("aws", "register-ca")
    found = unchanged(place, 1)
    assert aws_home.failed(found) == {"policy first", "policy second", "thing type sensor", "thing group line-1"}
    assert all(found[name]["found"] == "not there" and "lineca.conf" in found[name]["todo"] for name in aws_home.failed(found))


@pytest.mark.parametrize("operation", PROBES + list(LOOKS))
def test_permission_missing(ready, operation):
    """One at a time; the line says which, as AWS names it, and the others are not hidden by it."""
    ready.cloud.key(denied=[f"iot:{operation}"])
    found = unchanged(ready, 1)
    assert aws_home.failed(found) == LOOKS.get(operation, {f"iot:{operation}"})
    for name in aws_home.failed(found):
        text = found[name]["found"] + found[name]["todo"]
        assert f"iot:{operation}" in text and "not authorized" in text, text
    if operation in PROBES:
        assert "deploy/aws/upload-policy.json" in found[f"iot:{operation}"]["todo"]


def test_without_any_permission(ready):
    ready.cloud.key(denied=["*"])
    found = unchanged(ready, 1)
    assert {name for name, row in found.items() if row["state"] == "ok"} == {"credentials", "account", "clock"}


@pytest.mark.parametrize("settings,absent", [({"with_ca": "no"}, "RegisterCertificateWithoutCA")])
def test_permission_without_ca(place, settings, absent):
    place.cloud.key(denied=[f"iot:{absent}"])
    assert aws_home.failed(unchanged(place.configure(**settings), 1)) == {f"iot:{absent}"}


# ---- who, where, when


def test_wrong_secret(place):
    found = unchanged(place, 1, env=place.cloud.env(secret="not/the+secret/of+this+key/0000000000000"))
    assert aws_home.failed(found) == {"account"} and list(found) == ["credentials", "account"]
    assert "SignatureDoesNotMatch" in found["account"]["found"] or "signature" in found["account"]["found"]


def test_unknown_key(place):
    found = unchanged(place, 1, env=place.cloud.env(key="AKIDNOBODY0000000000"))
    assert list(found) == ["credentials", "account"]
    assert "InvalidClientTokenId" in found["account"]["found"] or "security token" in found["account"]["found"]


def test_expired_token(place):
    place.cloud.key(token="session-token-1", expires_in=-60)
    found = unchanged(place, 1, env=place.cloud.env(token="session-token-1"))
    assert list(found) == ["credentials", "account"]
    assert "expired" in found["account"]["found"].lower() or "over" in found["account"]["found"], found["account"]
    assert "session-token-1" not in str(found)


def test_wrong_account(place):
    found = unchanged(place, 1, env=place.cloud.env(aws.OTHER_KEY, aws.OTHER_SECRET))
    assert list(found) == ["credentials", "account"]
    assert aws.ACCOUNT in found["account"]["found"] and aws.OTHER_ACCOUNT in found["account"]["found"]
    assert not set(place.cloud.counters()["operations"]) - {"GetCallerIdentity"}


def test_no_account(place):
    found = unchanged(place.configure(account=""), 1)
    assert list(found) == ["credentials", "account"] and f"account = {aws.ACCOUNT}" in found["account"]["found"]


def test_no_region(place):
    found = unchanged(place, 1, env=place.cloud.env(AWS_REGION=None, AWS_DEFAULT_REGION=None))
    assert aws_home.failed(found) == {"credentials"} or aws_home.failed(found) == {"region"}
    assert "region" in str(found) and "AWS_REGION" in str(found)
    # lineca.conf may say it
    place.configure(region=aws.REGION).run("aws", "register-ca")
    unchanged(place, env=place.cloud.env(AWS_REGION=None, AWS_DEFAULT_REGION=None))


def test_no_credentials(place):
    found = unchanged(place, 1, env=place.cloud.env(keys=False))
    assert list(found) == ["credentials"]
    assert "AWS_ACCESS_KEY_ID" in found["credentials"]["found"] and "aws configure" in found["credentials"]["found"]


@pytest.mark.parametrize("skew,words", [(3600, "behind"), (-3600, "ahead of")])
def test_clock(place, skew, words):
    """Said, and corrected: the rest is looked at all the same."""
    place.run("aws", "register-ca")
    place.cloud.clock(skew)
    found = unchanged(place, 1)
    assert aws_home.failed(found) == {"clock"} and words in found["clock"]["found"] and "set the clock" in found["clock"]["todo"]
    assert any(f" {seconds} s " in found["clock"]["found"] for seconds in range(3590, 3611))


def test_small_skew(place):
    place.run("aws", "register-ca")
    place.cloud.clock(120)
    assert unchanged(place)["clock"]["state"] == "ok"


# ---- the endpoint


class Page(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b"<html><body>Welcome to nginx!</body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def web_server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_endpoints_that_are_none(place):
    """IoT is some web server; STS is one; nobody answers for STS. Each is given its time, and then the check ends."""
    with web_server() as url, socket.socket() as held, concurrent.futures.ThreadPoolExecutor(3) as pool:
        held.bind(("127.0.0.1", 0))     # bound, not listening: refused at once
        port = held.getsockname()[1]
        names = {"AWS_ENDPOINT_URL_IOT": url, "AWS_ENDPOINT_URL_STS": url, "": f"http://127.0.0.1:{port}"}
        runs = [pool.submit(place.check, 1, env=place.cloud.env(**{name or "AWS_ENDPOINT_URL_STS": where}), timeout=120)
                for name, where in names.items()]
        iot, sts, nobody = [run.result() for run in runs]
    assert iot["account"]["state"] == "ok" and "endpoint" in aws_home.failed(iot)
    assert list(sts) == ["credentials", "account"] and "no answer to GetCallerIdentity" in sts["account"]["found"]
    assert list(nobody) == ["credentials", "account"] and f"127.0.0.1 port {port}" in nobody["account"]["found"]
    assert place.cloud.dump() == {}


def test_endpoint_of_the_wrong_service(place):
    """Every path is unknown there: an error of AWS's own, not patience."""
    place.run("aws", "register-ca")
    place.cloud.faults({"kind": "error", "code": "UnknownOperationException", "status": 404, "operations": ["ListCACertificates"]})
    found = unchanged(place, 1)
    assert aws_home.failed(found) == {"endpoint"} and "UnknownOperationException" in found["endpoint"]["found"]


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_IOT", "AWS_ENDPOINT_URL_STS"])
@pytest.mark.parametrize("url,words", [("http://iot.example.com", "https"), ("ftp://127.0.0.1", "https://"), ("127.0.0.1:80", "https://"),
                                       ("http://127.0.0.1.example.com:80", "https"), ("https://host/path", "path")])
def test_endpoint_refused(place, name, url, words):
    env = place.cloud.env(**{"AWS_ENDPOINT_URL_IOT": None, "AWS_ENDPOINT_URL_STS": None, name: url})
    found = unchanged(place, 1, env=env)
    assert list(found) == ["credentials"] and words in found["credentials"]["found"], found
    assert place.cloud.counters()["operations"] == {}


def test_endpoint_precedence(place):
    """AWS_ENDPOINT_URL_IOT and _STS go before AWS_ENDPOINT_URL, which serves where they say nothing."""
    place.run("aws", "register-ca")
    with aws.StandIn() as other:
        def calls(**names):
            for cloud in (place.cloud, other):
                cloud.reset_counters()
            place.check((0, 1), env=place.cloud.env(**names))
            return [{"sts" if name == "GetCallerIdentity" else "iot" for name in cloud.counters()["operations"]}
                    for cloud in (place.cloud, other)]

        both = {"sts", "iot"}
        assert calls(AWS_ENDPOINT_URL=other.url) == [both, set()]
        assert calls(AWS_ENDPOINT_URL_IOT=None, AWS_ENDPOINT_URL_STS=None) == [both, set()]
        assert calls(AWS_ENDPOINT_URL=other.url, AWS_ENDPOINT_URL_IOT=None) == [{"sts"}, {"iot"}]
        assert calls(AWS_ENDPOINT_URL=other.url, AWS_ENDPOINT_URL_STS=None) == [{"iot"}, {"sts"}]


# ---- several sections


def test_several_sections(place):
    place.add(f"\n[aws us]\nregion = us-east-1\n[aws other]\naccount = {aws.OTHER_ACCOUNT}\npolicies = p\n")
    place.run("aws", "register-ca", "--target", "us")
    rows = place.json("aws", "check", code=1)
    by_section = {}
    for row in rows:
        by_section.setdefault(row["section"], {})[row["check"]] = row
    assert list(by_section) == ["[aws]", "[aws us]", "[aws other]"]
    assert aws_home.failed(by_section["[aws]"]) == {"CA lineca-ca"}
    assert aws_home.failed(by_section["[aws us]"]) == set()
    assert aws_home.failed(by_section["[aws other]"]) == {"account"}
    assert "[aws other]" in by_section["[aws other]"]["account"]["found"]
    assert {row["section"] for row in place.json("aws", "check", "--target", "us")} == {"[aws us]"}
    assert {row["section"] for row in place.json("aws", "check", "--target", "aws", code=1)} == {"[aws]"}
    assert "nowhere" in place.run("aws", "check", "--target", "nowhere", code=2).err


def test_wrong_words(place):
    for words in (["more"], ["--what"], ["--target"]):
        place.run("aws", "check", *words, code=2)
    assert place.cloud.counters()["operations"] == {}


def test_without_a_home(tmp_path, cloud):
    result = aws_home.run("--home", tmp_path / "none", "aws", "check", env=cloud.env(), code=1)
    assert f"lineca --home {tmp_path / 'none'} init" in result.err


# ---- AWS that is not well today


def test_throttled(ready):
    """Waits and asks again, rather than call something failed that is not."""
    some = ["GetCallerIdentity", "DescribeCACertificate", "GetPolicy", "RegisterCertificate"]
    ready.cloud.faults({"kind": "throttle", "first": 2, "operations": some}, seed=3)
    unchanged(ready)
    ready.cloud.faults({"kind": "status", "status": 503, "body": "html", "first": 1, "operations": some})
    unchanged(ready)
