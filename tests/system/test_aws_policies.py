"""deploy/: the IAM policies are enough and not too much; the units of the nightly upload."""
import json
import re
import shutil
import subprocess

import botocore.loaders
import pytest

import aws
import aws_client
import aws_home
import client
import csrs
import home as homes
import server as servers

DEPLOY = homes.ROOT / "deploy"
OPERATIONS = set(botocore.loaders.Loader().load_service_model("iot", "service-2")["operations"])
THINGS = {"things": "yes", "thing_type": "sensor", "thing_group": "line-1", "policies": "first", "status": "active_at_end",
          "thing_attributes": "lot={batch}", "thing_exists": "keep"}


def actions(name):
    """What a policy of deploy/aws allows: operations of IoT."""
    policy = json.loads((DEPLOY / "aws" / name).read_text())
    assert policy["Version"] == "2012-10-17"
    found = set()
    for statement in policy["Statement"]:
        assert set(statement) == {"Sid", "Effect", "Action", "Resource"} and statement["Effect"] == "Allow"
        assert re.fullmatch(r"[A-Za-z0-9]+", statement["Sid"])
        for resource in [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]:
            kinds = "cert|cacert|thing|thingtype|thinggroup|policy"
            assert resource == "*" or re.fullmatch(rf"arn:aws:iot:REGION:ACCOUNT:({kinds})/\*", resource)
        names = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        assert all(name.startswith("iot:") and name[4:] in OPERATIONS for name in names), names
        found |= {name[4:] for name in names}
    return found


@pytest.fixture
def cloud():
    with aws.StandIn() as running:
        yield running


def allow(cloud, allowed):
    """Everything else is denied; the counters begin anew."""
    cloud.reset_counters()
    cloud.key(denied=[f"iot:{name}" for name in OPERATIONS - allowed])


def called(cloud):
    return set(cloud.counters()["operations"]) - {"GetCallerIdentity"}


def prepare(place):
    """As the account's administrator: what lineca.conf names; and a thing of another make for one device."""
    iot = aws_client.client(place.cloud)
    iot.create_policy(policyName="first", policyDocument=aws_home.POLICY)
    iot.create_thing_type(thingTypeName="sensor")
    iot.create_thing_group(thingGroupName="line-1")
    iot.create_thing(thingName="SN-0")


def enroll(place, batch, *devices):
    place.home.batch(batch)
    with servers.Server(place.home) as server, client.Client(server) as c:
        for name in devices:
            assert c.enroll(batch, csrs.fresh(name)[1]).status == 201


def test_enough_and_not_too_much(tmp_path, cloud):
    """All the commands with only what the policies allow; and every action of theirs was needed."""
    place = aws_home.Place(tmp_path / "home", cloud)
    prepare(place)
    register = actions("register-policy.json")
    allow(cloud, register)
    for words in (["registration-code"], ["register-ca"], ["deactivate-ca"], ["activate-ca"], ["cas"]):
        place.run("aws", *words)
    assert called(cloud) == register

    upload = actions("upload-policy.json")
    allow(cloud, upload)
    place.configure(**THINGS)
    enroll(place, "lot", *[f"SN-{n}" for n in range(5)])
    place.check()
    cloud.reset_counters()
    cloud.faults({"kind": "cut_after", "operations": ["RegisterCertificate", "AttachPolicy"], "first": 1})
    # the CA's key is out of reach, as the unit has it
    (place.home.path / "ca").rename(tmp_path / "ca")
    (place.home.path / "ca").mkdir(mode=0)
    place.run("upload")
    cloud.faults()
    rows = cloud.certificates().values()
    assert len(rows) == 5 and all((r["status"], r["policies"], len(r["things"])) == ("ACTIVE", ["first"], 1) for r in rows)
    used = called(cloud)

    place.configure(with_ca="no", things="no", thing_type="", thing_group="", thing_attributes="", policies="", status="active",
                    thing_exists="park")
    (place.home.path / "ca").rmdir()
    (tmp_path / "ca").rename(place.home.path / "ca")
    enroll(place, "without", "SN-9")
    place.run("upload")
    assert len(cloud.certificates()) == 6
    # aws check alone asks for the list: whether the endpoint is AWS IoT
    assert used | called(cloud) | {"ListCACertificates"} == upload


@pytest.mark.parametrize("policy,words", [("upload-policy.json", ["register-ca"]), ("upload-policy.json", ["registration-code"])])
def test_the_night_cannot_register_a_ca(tmp_path, cloud, policy, words):
    place = aws_home.Place(tmp_path / "home", cloud)
    allow(cloud, actions(policy))
    place.run("aws", *words, code=5)
    assert cloud.dump().get("cas", []) == []


def settings(name):
    return [line.partition("=")[::2] for line in (DEPLOY / name).read_text().splitlines() if "=" in line and not line.startswith("#")]


def test_units(tmp_path):
    service, timer = dict(settings("lineca-upload.service")), dict(settings("lineca-upload.timer"))
    server = dict(settings("lineca.service"))
    assert timer["OnCalendar"] == "*-*-* 02:00:00" and service["Type"] == "oneshot"
    assert service["User"] == server["User"] and service["InaccessiblePaths"] == "/var/lib/lineca/ca"
    # at least as closed as the server
    for name, value in server.items():
        if name.startswith(("Protect", "Private", "Restrict", "NoNew", "Lock", "Memory", "Capability", "UMask")) and name != "RestartSec":
            assert service.get(name) == value, name
    # the program takes the command as it stands there
    words = service["ExecStart"].split()
    home = homes.Home(tmp_path / "home").init()
    assert words[:3] == ["/usr/local/bin/lineca", "--home", "/var/lib/lineca"]
    home.run(*words[3:])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze on this machine")
def test_units_verify(tmp_path):
    for name in ("lineca-upload.service", "lineca-upload.timer"):
        text = (DEPLOY / name).read_text().replace("/usr/local/bin/lineca", "/bin/true")
        (tmp_path / name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / "lineca-upload.service", tmp_path / "lineca-upload.timer"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "lineca" not in done.stderr, done.stderr
