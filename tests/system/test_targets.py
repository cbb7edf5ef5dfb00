"""Where a batch goes in AWS: [aws] and [aws NAME] of lineca.conf, `batch create --aws`, and what enrolment makes of it."""
import re

import pytest

import client
import csrs
import problems
import server as servers

SETTINGS = ["account", "region", "profile", "imds", "with_ca", "status", "things", "thing_name", "thing_type", "thing_group",
            "thing_attributes", "thing_exists", "policies", "rate_register_certificate", "rate_update_certificate",
            "rate_describe_certificate", "rate_create_thing", "rate_describe_thing", "rate_attach_thing_principal",
            "rate_attach_policy", "rate_add_thing_to_thing_group", "connections", "give_up_s"]

SECTIONS = """
[aws eu]
account = 123456789012
region = eu-central-1
[aws eu-again]
region = eu-central-1
account = 123456789012
[aws us]
account = 123456789012
region = us-east-1
things = yes
thing_attributes = lot={batch}
[aws lots]
things = yes
thing_name = {batch}-{device_id}
"""


def add(home, text):
    with open(home.path / "lineca.conf", "a") as f:
        f.write(text)


@pytest.fixture
def plant(home):
    add(home, SECTIONS)
    return home


def create(home, name, *args, **kw):
    return home.run("batch", "create", name, "--quantity", 10, *args, **kw)


def test_written_by_init(home):
    """Every setting stands there with its meaning, once, and the file is taken as it is."""
    text = (home.path / "lineca.conf").read_text()
    (section,) = re.findall(r"^\[aws\]\n(.*)\Z", text, re.M | re.S)
    assert re.findall(r"^(\w+) =", section, re.M) == SETTINGS
    assert "[aws NAME]" in text and max(map(len, text.splitlines())) <= 140
    home.batch("lot")


@pytest.mark.parametrize("args,names", [([], ["aws"]), (["--aws", "aws"], ["aws"]), (["--aws", "eu"], ["eu"]),
                                        (["--aws", "us,eu,aws"], ["us", "eu", "aws"])])
def test_shown(plant, start, args, names):
    create(plant, "lot", *args)
    assert plant.batch_show("lot")["aws"] == names
    (row,) = plant.json("batch", "list")
    assert row["aws"] == names
    assert re.search(rf"^aws +{','.join(names)}$", plant.run("batch", "show", "lot").out, re.M)
    with client.Client(start(plant)) as c:
        (row,) = c.get("/v1/batches").json()["batches"]
        assert row["aws"] == names


@pytest.mark.parametrize("aws,words", [
    ("nowhere", "[aws nowhere]"), ("eu,nowhere", "[aws nowhere]"), ("eu,eu", "twice"), ("aws,us,aws", "twice"),
    ("eu,eu-again", "same account and region"), ("", "empty"), ("eu,", "a name is missing"), (",eu", "a name is missing"),
    ("x" * 300, "longer")])
def test_refused(plant, aws, words):
    assert words in create(plant, "lot", "--aws", aws, code=2).err
    assert plant.json("batch", "list") == []


def test_batch_name_that_aws_would_refuse(plant):
    """Known when the batch is made, and said then."""
    result = create(plant, "lot.7", "--aws", "us,lots", code=2)
    assert "lot.7-" in result.err and "thing_name" in result.err
    create(plant, "lot.7", "--aws", "us")
    create(plant, "lot-7", "--aws", "lots")


def test_listed_devices(plant, tmp_path):
    listed = tmp_path / "devices.csv"
    listed.write_text("n,device_id\n1,SN:1\n2,SN_2\n3,SN.3\n4,SN-4\n")
    result = create(plant, "lot", "--aws", "eu,us", "--devices", listed, code=2)
    assert "line 4" in result.err and "SN.3" in result.err
    assert plant.json("batch", "list") == []
    create(plant, "lot", "--aws", "eu", "--devices", listed)


@pytest.mark.short
def test_enrolment(plant, start):
    create(plant, "things", "--aws", "eu,us")
    create(plant, "none", "--aws", "eu")
    with client.Client(start(plant)) as c:
        dotted = csrs.fresh("SN.1")[1]
        doc = problems.check(c.enroll("things", dotted), "subject_rejected")
        assert "SN.1" in doc["detail"] and "thing" in doc["detail"]
        assert c.enroll("none", dotted).status == 201
        assert c.enroll("things", csrs.fresh("SN:1")[1]).status == 201
    assert plant.batch_show("things")["issued"] == 1


def test_recorded_devices_keep_theirs(home, start):
    """Things are switched on between two runs of the server: who has a certificate still gets it."""
    home.batch("lot")
    csr = csrs.fresh("SN.1")[1]
    with servers.Server(home) as server, client.Client(server) as c:
        first = c.enroll("lot", csr)
        assert first.status == 201
    home.configure("aws", "things", "yes")
    with client.Client(start(home)) as c:
        again = c.enroll("lot", csr)
        assert (again.status, again.body) == (200, first.body)
        problems.check(c.enroll("lot", csrs.fresh("SN.2")[1]), "subject_rejected")
        assert c.enroll("lot", csrs.fresh("SN-2")[1]).status == 201


def test_section_newer_than_the_server(home, start):
    with client.Client(start(home)) as c:
        add(home, SECTIONS)
        create(home, "lot", "--aws", "us")
        problems.check(c.enroll("lot", csrs.fresh("SN.1")[1]), "subject_rejected")
        assert c.enroll("lot", csrs.fresh("SN-1")[1]).status == 201


def test_section_that_was_lost(plant, start):
    """Nothing is issued by guesswork; what is recorded is answered."""
    create(plant, "lot", "--aws", "us")
    csr = csrs.fresh("SN-1")[1]
    with servers.Server(plant) as server, client.Client(server) as c:
        body = c.enroll("lot", csr).body
    conf = plant.path / "lineca.conf"
    conf.write_text(conf.read_text().replace("[aws us]", "[aws usa]"))
    server = start(plant)
    with client.Client(server) as c:
        problems.check(c.enroll("lot", csrs.fresh("SN-2")[1]), "internal")
        again = c.enroll("lot", csr)
        assert (again.status, again.body) == (200, body)
        assert server.lines_with("put it back")
        conf.write_text(conf.read_text().replace("[aws usa]", "[aws us]"))


@pytest.mark.parametrize("section,key,value,words", [
    ("aws", "account", "12345", "exactly 12 digits"), ("aws", "region", "Frankfurt", "eu-central-1"),
    ("aws", "thing_group", "g", "needs things = yes"), ("aws eu", "thing_type", "t", "[aws eu] thing_type needs things = yes"),
    ("aws us", "thing_name", "{device}", "{device_id}"), ("aws us", "thing_attributes", "a=1,b=2,c=3,d=4", "more than 3"),
    ("aws", "policies", "a/b", "policies"), ("aws", "rate_attach_policy", "0", "from 1 to 10000"),
    ("aws", "policies", ",".join(f"policy-{i:040}" for i in range(9)), "longer than 198")])
def test_bad_settings(plant, section, key, value, words):
    plant.configure(section, key, value)
    for result in (plant.run("batch", "list", code=1), servers.refused(plant)):
        assert result.code == 1 and words in result.err and "lineca.conf" in result.err, str(result)


def test_long_list_over_several_lines(home):
    home.configure("aws", "policies", ",\n  ".join(f"policy-{i:040}" for i in range(10)))
    home.batch("lot")
    home.configure("aws", "policies", "one-more, two-more,")
    assert "more than 10" in home.run("batch", "list", code=1).err
