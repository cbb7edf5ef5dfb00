"""Where the program finds its credentials, tried with `aws check` and `upload` in whole environments of their own."""
import json
import subprocess
import time

import pytest

import aws
import aws_home
import client
import csrs
import home as homes
import server as servers

TOKEN = "session-token-of-the-chain/0001"


@pytest.fixture
def place(tmp_path, cloud):
    for name in ("config", "credentials"):
        (cloud.home / name).write_text("")
        (cloud.home / name).chmod(0o600)
    found = aws_home.Place(tmp_path / "home", cloud)
    found.run("aws", "register-ca")
    return found


def files(cloud, credentials="", config=""):
    (cloud.home / "credentials").write_text(credentials)
    (cloud.home / "config").write_text(config)


def keys(section, key=aws.KEY, secret=aws.SECRET, more=""):
    return f"[{section}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n{more}"


def source(place, **env):
    """Where the credentials came from; they are good ones."""
    found = place.check(env=place.cloud.env(keys=False, **env))
    assert aws.ACCOUNT in found["account"]["found"]
    return found["credentials"]["found"]


def refused(place, *words, code=1, command=("aws", "cas"), **env):
    """No call of AWS is made; the error says what to do."""
    place.cloud.reset_counters()
    said = place.run(*command, code=code, env=place.cloud.env(keys=False, **env)).err
    assert all(word in said for word in words), said
    assert place.cloud.counters()["operations"] == {}
    return said


# ---- environment


def test_environment(place):
    assert source(place, AWS_ACCESS_KEY_ID=aws.KEY, AWS_SECRET_ACCESS_KEY=aws.SECRET) == "environment"
    place.cloud.key(token=TOKEN)
    assert source(place, AWS_ACCESS_KEY_ID=aws.KEY, AWS_SECRET_ACCESS_KEY=aws.SECRET, AWS_SESSION_TOKEN=TOKEN) == "environment"


@pytest.mark.parametrize("name,missing", [("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")])
def test_half_an_environment(place, name, missing):
    """Not passed over for a file that might be another account's."""
    files(place.cloud, keys("default"))
    refused(place, name, f"{missing} is missing", **{name: aws.SECRET if "SECRET" in name else aws.KEY})


def test_environment_before_files(place):
    files(place.cloud, keys("default", aws.OTHER_KEY, aws.OTHER_SECRET))
    assert source(place, AWS_ACCESS_KEY_ID=aws.KEY, AWS_SECRET_ACCESS_KEY=aws.SECRET) == "environment"


# ---- files and profiles


def test_shared_file(place):
    files(place.cloud, "# by hand\n" + keys("default") + keys("other", aws.OTHER_KEY, aws.OTHER_SECRET))
    assert "credentials" in source(place) and "default" in source(place)


def test_profiles(place):
    files(place.cloud, keys("default", aws.OTHER_KEY, aws.OTHER_SECRET) + keys("line"), "[profile line]\nregion = eu-central-1\n")
    assert "line" in source(place, AWS_PROFILE="line")
    assert "line" in source(place, AWS_PROFILE="line", AWS_REGION=None, AWS_DEFAULT_REGION=None)
    place.configure(profile="line")
    assert "line" in source(place)
    # named in lineca.conf: what happens to be in the environment does not count
    assert "line" in source(place, AWS_ACCESS_KEY_ID=aws.OTHER_KEY, AWS_SECRET_ACCESS_KEY=aws.OTHER_SECRET)
    assert "line" in source(place, AWS_PROFILE="default")


def test_keys_in_the_config_file(place):
    files(place.cloud, "", keys("profile line"))
    assert "config" in source(place, AWS_PROFILE="line")


def test_no_such_profile(place):
    refused(place, "nobody", "aws configure", AWS_PROFILE="nobody")
    refused(place.configure(profile="noone"), "noone")


def test_half_a_profile(place):
    files(place.cloud, f"[default]\naws_access_key_id = {aws.KEY}\n")
    refused(place, "aws_secret_access_key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o666])
def test_file_that_others_may_read(place, mode):
    files(place.cloud, keys("default"))
    (place.cloud.home / "credentials").chmod(mode)
    refused(place, "chmod 600", str(place.cloud.home / "credentials"), code=5)


@pytest.mark.parametrize("config,words", [
    ("sso_start_url = https://x.awsapps.com/start\nsso_region = eu-central-1\nsso_account_id = 123456789012\nsso_role_name = r\n", "sso"),
    ("sso_session = s\n", "sso"), ("role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = default\n", "role_arn")])
def test_profile_that_needs_more(place, config, words):
    """SSO and roles: the way out is said, as a line to write."""
    files(place.cloud, keys("default"), f"[profile line]\n{config}")
    refused(place, words, "credential_process = aws configure export-credentials --profile line --format process", AWS_PROFILE="line")


def test_broken_file(place):
    files(place.cloud, "[default\naws_access_key_id = x\n")
    assert aws.SECRET not in refused(place, "credentials line 1")


# ---- credential_process


def process(place, tmp_path, script):
    """A profile whose process is that shell script; it notes its calls."""
    path = tmp_path / "process.sh"
    path.write_text(f"#!/bin/sh\necho called >>{tmp_path}/calls\n{script}\n")
    path.chmod(0o755)
    files(place.cloud, "", f'[default]\ncredential_process = "{path}" one "two words"\n')


def printed(**more):
    return "cat <<'END'\n" + json.dumps({"Version": 1, "AccessKeyId": aws.KEY, "SecretAccessKey": aws.SECRET, **more}) + "\nEND"


def test_process(place, tmp_path):
    process(place, tmp_path, '[ "$1/$2/$#" = "one/two words/2" ] || exit 3\necho chatter >&2\n' + printed())
    assert "credential_process" in source(place)


@pytest.mark.parametrize("script,words", [
    ("echo oh no >&2; exit 7", "exit code 7"), ("echo '<html>'", ""), ("true", ""), ("kill -9 $$", "signal 9"),
    (f"echo '{{\"Version\":2,\"AccessKeyId\":\"{aws.KEY}\",\"SecretAccessKey\":\"{aws.SECRET}\"}}'", "Version"),
    (f"echo '{{\"Version\":1,\"AccessKeyId\":\"{aws.KEY}\"}}'", "secret access key is missing"),
    (f"echo '{{\"Version\":1,\"AccessKeyId\":\"{aws.KEY}\",\"SecretAccessKey\":\"{aws.SECRET}'", ""),
    (f"echo '{aws.SECRET}'; exit 1", "exit code 1"), ("yes | head -c 10000000", "more than"),
    (printed(Expiration="2020-01-01T00:00:00Z"), "2020-01-01"), (printed(Expiration="soon"), "expiration")])
def test_process_that_fails(place, tmp_path, script, words):
    process(place, tmp_path, script)
    refused(place, "credential_process", words)


def test_process_that_is_not_there(place):
    files(place.cloud, "", "[default]\ncredential_process = /nowhere/program x\n")
    refused(place, "credential_process", "/nowhere/program")


def upload(place, **kw):
    """Three certificates, from their enrolment to AWS, with what the chain finds."""
    place.home.batch("lot")
    with servers.Server(place.home) as server, client.Client(server) as c:
        for n in range(3):
            assert c.enroll("lot", csrs.fresh(f"SN{n}")[1]).status == 201
    result = place.run("upload", env=place.cloud.env(keys=False), **kw)
    assert len(place.cloud.certificates()) == place.home.batch_show("lot")["registered"] == 3
    return result


def test_process_asked_again_when_aws_says_so(place, tmp_path):
    """The first keys are over already, whatever they say of themselves."""
    place.cloud.key("AKIDOVERALREADY00001", account=aws.ACCOUNT, secret=aws.OTHER_SECRET, expires_in=-60)
    process(place, tmp_path, f'if [ $(wc -l <{tmp_path}/calls) = 1 ]; then\n'
            + printed(AccessKeyId="AKIDOVERALREADY00001", SecretAccessKey=aws.OTHER_SECRET, Expiration="2100-01-01T00:00:00Z")
            + "\nelse\n" + printed(Expiration="2100-01-01T00:00:00Z") + "\nfi")
    upload(place)
    assert (tmp_path / "calls").read_text() == "called\n" * 2


def test_process_asked_again_in_time(place, tmp_path):
    """What ends within ten minutes is renewed before AWS has to say so."""
    process(place, tmp_path, printed(Expiration="END_OF_IT").replace("<<'END'", "<<END")
            .replace("END_OF_IT", '$(date -u -d "+90 seconds" +%Y-%m-%dT%H:%M:%SZ)'))
    upload(place)
    assert (tmp_path / "calls").read_text().count("called") >= 2


# ---- container and instance


def test_container(place, tmp_path):
    full = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": place.cloud.container()}
    assert "container" in source(place, **full)
    place.cloud.metadata(token="let me in")
    assert "container" in source(place, **full, AWS_CONTAINER_AUTHORIZATION_TOKEN="let me in")
    token = tmp_path / "token"
    token.write_text("let me in")
    assert "container" in source(place, **full, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token))
    said = refused(place, "401", **full, AWS_CONTAINER_AUTHORIZATION_TOKEN="let me out")
    assert "let me out" not in said
    refused(place, "line end", **full, AWS_CONTAINER_AUTHORIZATION_TOKEN="a\nX-Other: b")


@pytest.mark.parametrize("uri", ["http://example.com/x", "http://10.0.0.1/x", "http://169.254.169.254/x", "ftp://127.0.0.1/x"])
def test_container_elsewhere(place, uri):
    refused(place, "AWS_CONTAINER_CREDENTIALS_FULL_URI", AWS_CONTAINER_CREDENTIALS_FULL_URI=uri)


def test_instance_only_when_switched_on(place):
    env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": place.cloud.url, "AWS_EC2_METADATA_DISABLED": None}
    refused(place, "AWS_ACCESS_KEY_ID", **env)
    assert place.cloud.counters()["metadata"] == {}
    place.configure(imds="yes")
    assert source(place, **env) == "EC2 role line-role"
    # version 2: a token first, and no question without it
    asked = place.cloud.counters()["metadata"]
    assert asked["token"] == asked["role"] == asked["credentials"] and "refused" not in asked
    refused(place, "AWS_ACCESS_KEY_ID", **{**env, "AWS_EC2_METADATA_DISABLED": "true"})


# ---- nothing leaks


def test_nothing_in_the_home(place):
    """Neither keys nor tokens are kept: not in the ledger, not in a report."""
    place.home.batch("lot")
    with servers.Server(place.home) as server, client.Client(server) as c:
        assert c.enroll("lot", csrs.fresh("SN1")[1]).status == 201
    place.cloud.key(token=TOKEN)
    place.run("upload", env=place.cloud.env(token=TOKEN))
    assert place.home.batch_show("lot")["registered"] == 1
    assert place.home.holding([s.encode() for s in (aws.SECRET, TOKEN, aws.KEY)]) == []


def test_nothing_beside_the_process(place, tmp_path):
    """While it waits: not in its command line, no core dump allowed."""
    place.cloud.faults({"kind": "latency", "ms": 1500, "operations": ["GetCallerIdentity"]})
    running = subprocess.Popen([homes.BINARY, "--home", str(place.home.path), "aws", "cas"], env=place.cloud.env(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            with open(f"/proc/{running.pid}/limits", encoding="ascii") as f:
                core = next(line for line in f if line.startswith("Max core file size")).split()[4]
            if core == "0":
                break
            time.sleep(0.02)
        assert core == "0"
        with open(f"/proc/{running.pid}/cmdline", "rb") as f:
            assert aws.SECRET.encode() not in f.read()
    finally:
        assert running.wait(30) == 0
