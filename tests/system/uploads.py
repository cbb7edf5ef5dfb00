"""
A plant: a home with certificates in its queue, and the AWS stand-in that it uploads to.

Every run of the upload is looked at in the same way: its report is whole and says what the ledger says, and no secret stands in what
it wrote. agree() compares the ledger with the stand-in, row by row.
"""
import base64
import concurrent.futures
import contextlib
import csv
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest

import aws
import aws_client
import client
import csrs
import home as homes
import limits
import server as servers

RATES = ("register_certificate", "update_certificate", "describe_certificate", "create_thing", "describe_thing",
         "attach_thing_principal", "attach_policy", "add_thing_to_thing_group")
COLUMNS = ["time", "batch", "device_id", "serial", "certificate_id", "account", "region", "arn", "state", "step", "code", "message",
           "request_id"]
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}]})
WRITING = ("RegisterCertificate", "RegisterCertificateWithoutCA", "UpdateCertificate", "CreateThing", "AttachThingPrincipal",
           "AttachPolicy", "AddThingToThingGroup", "RegisterCACertificate", "UpdateCACertificate", "CreatePolicy")
US = "us-east-1"
HERE, THERE = (aws.ACCOUNT, aws.REGION), (aws.ACCOUNT, US)
SECRETS = [aws.SECRET.encode(), aws.OTHER_SECRET.encode()]
BAD_ROW = {"code": "CertificateValidationException", "message": 'no "good", at all', "status": 400}


def der_of(pem):
    """The first certificate of a PEM text."""
    text = re.search(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", pem, re.S).group(1)
    return base64.b64decode(text)


def no_secrets(data):
    data = data if isinstance(data, bytes) else data.encode()
    for secret in SECRETS:
        assert secret not in data, "a secret was written"
    return data


def for_a_spreadsheet(row):
    """As the CSV has it: AWS's words that begin like a formula have a ' before them."""
    return {name: "'" + text if name in ("code", "message", "request_id") and text[:1] in tuple("=+-@\t\r") else text for name, text in row.items()}


class Done:
    """A run that ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.rows = []
        found = re.search(r"^report: (.+\.csv), and \.jsonl beside it$", err, re.M)
        self.report = found.group(1) if found else None
        if found:
            self.read_report()
        no_secrets(out)
        no_secrets(err)
        assert "Sanitizer" not in err and "runtime error:" not in err, err[-6000:]

    def read_report(self):
        with open(self.report, newline="", encoding="utf-8") as f:
            raw = f.read()
        no_secrets(raw)
        rows = list(csv.reader(raw.splitlines(keepends=True), strict=True))
        assert rows[0] == COLUMNS and all(len(row) == len(COLUMNS) for row in rows), "the report is not whole"
        assert raw.endswith("\r\n")
        with open(self.report[:-3] + "jsonl", encoding="utf-8") as f:
            self.rows = [json.loads(line) for line in f]
        assert [list(for_a_spreadsheet(row).values()) for row in self.rows] == rows[1:] and \
            all(list(row) == COLUMNS for row in self.rows), "the two reports differ"

    def __str__(self):
        return f"exit {self.code}\nstdout: {self.out[-3000:]}\nstderr: {self.err[-5000:]}"

    def says(self, *words):
        for word in words:
            assert word in self.err, f"{word!r} is not said: {self}"
        return self

    def counts(self):
        """registered, parked, still queued of the summary."""
        found = re.search(r"^(\d+) registered, (\d+) parked, (\d+) still queued;", self.err, re.M)
        assert found, str(self)
        return tuple(map(int, found.groups()))


class Running:
    """An upload under way."""

    def __init__(self, plant, *args, env=None):
        self.plant, self.began = plant, time.monotonic()
        self.log = plant.folder / f"upload-{plant.number()}.log"
        with open(self.log, "wb") as err:
            self.process = subprocess.Popen([homes.BINARY, "--home", str(plant.home.path), "upload", *map(str, args)],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, text=True,
                                            env=env or plant.env())

    def wait(self, code=0, seconds=60):
        try:
            out, _ = self.process.communicate(timeout=limits.seconds(seconds))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise AssertionError(f"does not end within {seconds} s: {self.log.read_text()[-3000:]}") from None
        done = Done(self.process.returncode, out, self.log.read_text())
        done.seconds = time.monotonic() - self.began
        check_code(done, code)
        return done

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return time.monotonic()

    def kill(self):
        self.process.kill()
        self.process.communicate()


def check_code(done, code):
    wanted = code if isinstance(code, (tuple, list)) else (code,)
    assert code is None or done.code in wanted, f"wanted exit {wanted}: {done}"


class Plant:
    """settings: of the section [aws]. The rates are far above AWS's, so that a test is quick."""

    def __init__(self, folder, cloud, init=(), **settings):
        self.folder, self.cloud = folder, cloud
        folder.mkdir(parents=True, exist_ok=True)
        self.home = homes.Home(folder / "home").init(*init)
        self.pems, self.numbers = {}, 0     # serial -> PEM, as the devices hold it
        self.environment = None
        self.configure(**{"account": aws.ACCOUNT, **{f"rate_{r}": 1000 for r in RATES}, **settings})

    def number(self):
        self.numbers += 1
        return self.numbers

    def configure(self, section="aws", **settings):
        for name, value in settings.items():
            self.home.configure(section, name, value)

    def env(self, **more):
        return self.environment if self.environment and not more else self.cloud.env(**more)

    def run(self, *args, code=0, env=None, timeout=60):
        done = subprocess.run([homes.BINARY, "--home", str(self.home.path), *map(str, args)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=limits.seconds(timeout), env=env or self.env())
        result = Done(done.returncode, done.stdout, done.stderr)
        check_code(result, code)
        return result

    def upload(self, *args, **kw):
        return self.run("upload", *args, **kw)

    def status(self):
        (row,) = [json.loads(line) for line in self.run("upload", "status", "--json").out.splitlines()]
        return row

    def start(self, *args, **kw):
        return Running(self, *args, **kw)

    def register_ca(self, *args, **kw):
        return self.run("aws", "register-ca", *args, **kw)

    def enroll(self, batch, wanted, server=None, request=None, threads=4):
        """wanted: a number, or device ids. Over HTTP; the devices' ids."""
        ids = [csrs.device() for _ in range(wanted)] if isinstance(wanted, int) else list(wanted)
        if server is not None:
            self._enroll(server, batch, ids, request, threads)
            return ids
        with servers.Server(self.home) as own:
            self._enroll(own, batch, ids, request, threads)
        return ids

    def _enroll(self, server, batch, ids, request, threads):
        left, wrong = list(reversed(ids)), []

        def work():
            with client.Client(server) as c:
                while True:
                    try:
                        cn = left.pop()
                    except IndexError:
                        return
                    answer = c.enroll(batch, request(cn) if request else csrs.fresh(cn)[1], accept="application/json")
                    if answer.status != 201:
                        wrong.append(answer)
                        return
                    made = answer.json()
                    self.pems[made["serial"]] = made["certificate"]

        workers = [threading.Thread(target=work) for _ in range(min(threads, len(ids)))]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        assert not wrong, wrong[:3]

    def queue(self, count, batch="lot", *args, ca=True, **kw):
        """A batch with so many certificates waiting; the ids of its devices."""
        self.home.batch(batch, 1000000, *args)
        if ca:
            self.register_ca()
        return self.enroll(batch, count, **kw)

    def certificates(self, *args):
        return [json.loads(line) for line in self.run("cert", "list", "--json", *args).out.splitlines()]

    def states(self):
        found = {}
        for row in self.certificates():
            found[row["state"]] = found.get(row["state"], 0) + 1
        return found

    def agree(self, registered=None, status="ACTIVE", targets=((aws.ACCOUNT, aws.REGION),), ca=True):
        """
        The ledger and each target's own list, row by row: what is registered here is there, once, with these bytes, this status and
        this CA; and nothing is there that did not come from here. Returns the rows.
        """
        rows = self.certificates()
        ids = {row["certificate_id"]: row for row in rows}
        done = [row for row in rows if row["state"] == "registered"]
        assert registered is None or len(done) == registered, f"{len(done)} registered, wanted {registered}"
        for account, region in targets:
            there = self.cloud.certificates(account, region)
            assert set(there) <= set(ids), "the stand-in has certificates that the ledger does not know"
            cas = [c["certificateId"] for c in self.cloud.dump(account, region)["cas"]] if there else []
            for row in done:
                its = there[row["certificate_id"]]
                assert its["status"] == status, (its["status"], row)
                assert its["ca"] in cas if ca else its["ca"] is None
                assert row["device_id"] in its["names"]
                assert der_of(its["pem"]) == der_of(self.pems[row["serial"]])
        by_batch = {}
        for row in rows:
            counts = by_batch.setdefault(row["batch"], [0, 0, 0])
            counts[0] += 1
            counts[1] += row["state"] == "registered"
            counts[2] += row["state"] == "parked"
        for name, counts in by_batch.items():
            shown = self.home.batch_show(name)
            assert [shown["issued"], shown["registered"], shown["parked"]] == counts, f"the counts of {name}"
        return rows

    def check_secrets(self):
        for path in self.folder.rglob("*"):
            if path.is_file():
                no_secrets(path.read_bytes())
        assert not list(self.folder.rglob("core*")), "a core dump"


def writes(cloud):
    """How many calls that change something came, by operation."""
    operations = cloud.counters()["operations"]
    return {name: operations[name]["calls"] for name in WRITING if name in operations}


def policies(cloud, *names, account=None, region=aws.REGION):
    """Makes policies, through botocore."""
    iot = iot_client(cloud, account, region)
    for name in names:
        iot.create_policy(policyName=name, policyDocument=POLICY)


def iot_client(cloud, account=None, region=aws.REGION):
    key, secret = (aws.OTHER_KEY, aws.OTHER_SECRET) if account == aws.OTHER_ACCOUNT else (aws.KEY, aws.SECRET)
    return aws_client.client(cloud, region=region, key=key, secret=secret)


def two_regions(plant, **settings):
    """[aws] here, [aws us] in another region; the settings are those of both."""
    plant.configure(**settings)
    plant.configure("aws us", region=US)
    plant.configure(region=aws.REGION)


def two_cas(plant, env=None):
    plant.register_ca()
    plant.register_ca("--target", "us", env=env)


@contextlib.contextmanager
def side_by_side(request, factory, jobs):
    """
    For runs that take long and no CPU, beside the other tests of a file: jobs says what to run for each test function, with a plant of
    its own; those that nobody asked for are left out. Yields {the function's name: its future}.
    """
    wanted = {item.originalname for item in request.session.items if item.module is request.module}

    def alone(job, folder):
        with aws.StandIn() as cloud:
            own = Plant(folder, cloud)
            answer = job(own, cloud)
            own.check_secrets()
            return answer

    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        yield {name: pool.submit(alone, job, factory.mktemp(name) / "plant") for name, job in jobs.items() if name in wanted}


def terminal(args, env, seconds=60, columns=120):
    """Runs a command with a terminal as its standard error; (exit code, what the terminal got)."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave, env=env)
    os.close(slave)
    got, end = b"", time.monotonic() + limits.seconds(seconds)
    try:
        while time.monotonic() < end:
            try:
                piece = os.read(master, 65536)
            except OSError:     # EIO: the other side is closed
                break
            if not piece:
                break
            got += piece
        return process.wait(limits.seconds(10)), got.decode("utf-8", "replace")
    finally:
        process.kill()
        os.close(master)


REGISTER = {"operations": ["RegisterCertificate"]}
FULL = dict(things="yes", thing_group="line-1", thing_attributes="lot={batch}", policies="first, second", status="active_at_end")


def make_full(cloud):
    policies(cloud, "first", "second")
    iot_client(cloud).create_thing_group(thingGroupName="line-1")


def check_full(plant, cloud, count):
    """Everything was made, once, for each."""
    plant.agree(count)
    dump = cloud.dump()
    names = {r["device_id"] for r in plant.certificates()}
    assert {t["thingName"] for t in dump["things"]} == names and len(dump["things"]) == count
    assert all(len(t["principals"]) == 1 and t["groups"] == ["line-1"] and t["attributes"] == {"lot": "lot"} for t in dump["things"])
    assert all(c["policies"] == ["first", "second"] and len(c["things"]) == 1 for c in dump["certificates"])
    calls = cloud.counters()["operations"]
    assert calls["RegisterCertificate"]["ok"] == count and len(dump["certificates"]) == count


# The fixtures of the files that test the upload; each imports them.

@pytest.fixture(scope="module")
def standin():
    with aws.StandIn() as shared:
        yield shared


@pytest.fixture
def cloud(standin):
    standin.reset()
    return standin


@pytest.fixture
def plant(cloud, tmp_path):
    made = Plant(tmp_path / "plant", cloud)
    yield made
    made.check_secrets()
