"""
The AWS stand-in (tests/aws/standin.py) as a process of a test.

    with aws.StandIn() as cloud:
        cloud.faults({"kind": "throttle", "probability": 0.2, "operations": ["RegisterCertificate"]}, seed=7)
        home.run("upload", env=cloud.env())
        assert cloud.counters()["operations"]["RegisterCertificate"]["ok"] == 500
        rows = cloud.certificates()

env() is a whole environment for a client: endpoint, keys, region, and nothing of the machine's own ~/.aws. The rest are the calls
of the control door; tests/aws/control.py and tests/aws/faults.py say what each takes and answers. stop() asserts that the
stand-in met no defect of its own.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import limits
import processes

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "aws" / "standin.py"
ACCOUNT, REGION = "123456789012", "eu-central-1"
KEY, SECRET = "AKIDSTANDINEXAMPLE01", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYSTANDIN01"
OTHER_ACCOUNT = "210987654321"
OTHER_KEY, OTHER_SECRET = "AKIDSTANDINEXAMPLE02", "other/K7MDENG+bPxRfiCYSTANDIN02"
ACCOUNTS = (f"{ACCOUNT}:{KEY}:{SECRET}", f"{OTHER_ACCOUNT}:{OTHER_KEY}:{OTHER_SECRET}")

started = []    # every stand-in of this process
PROXY = re.compile(r"(?i)^(https?|all|no)_proxy$")


class StandIn:
    """accounts: as --account takes them. tls: (certificate file, key file). args: more for standin.py."""

    def __init__(self, *args, accounts=ACCOUNTS, tls=None):
        self.folder = tempfile.TemporaryDirectory(prefix="aws-")
        self.home = pathlib.Path(self.folder.name)
        for name in ("config", "credentials"):
            (self.home / name).touch(mode=0o600)
        self.log_path = self.home / "stand-in.log"
        words = ["/usr/bin/python3", "-B", str(PROGRAM), "--port", "0"]
        for account in accounts:
            words += ["--account", account]
        if tls:
            words += ["--tls-cert", str(tls[0]), "--tls-key", str(tls[1])]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(words + [str(a) for a in args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=log, env={"PATH": os.environ.get("PATH", "/usr/bin:/bin")})
        started.append(self)
        try:
            line = processes.first_line(self.process)
            match = re.fullmatch(r"listening on (https?://127\.0\.0\.1:(\d+))\n", line)
            assert match, f"first line {line!r}; log:\n{self.log()[-3000:]}"
        except BaseException:
            self.kill()
            raise
        self.url, self.port = match.group(1), int(match.group(2))
        self.tls = tls

    def log(self):
        return self.log_path.read_text("utf-8", "backslashreplace")

    # for clients

    def env(self, key=KEY, secret=SECRET, region=REGION, token=None, keys=True, **more):
        """A whole environment. keys=False: no credentials in it (for a chain that finds them elsewhere). more: set, or None to unset."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_") and not PROXY.match(k) and k != "LINECA_HOME"}
        env.update(HOME=str(self.home), AWS_CONFIG_FILE=str(self.home / "config"),
                   AWS_SHARED_CREDENTIALS_FILE=str(self.home / "credentials"), AWS_ENDPOINT_URL=self.url,
                   AWS_ENDPOINT_URL_IOT=self.url, AWS_ENDPOINT_URL_STS=self.url, AWS_REGION=region, AWS_DEFAULT_REGION=region,
                   AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="")
        if keys:
            env.update(AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret)
        if token:
            env["AWS_SESSION_TOKEN"] = token
        if self.tls:
            env["AWS_CA_BUNDLE"] = str(self.tls[0])
        env.update({k: v for k, v in more.items() if v is not None})
        return {k: v for k, v in env.items() if more.get(k, "") is not None}

    def imds(self):
        """What AWS_EC2_METADATA_SERVICE_ENDPOINT is to say."""
        return f"{self.url}/_stand-in/imds/"

    def container(self):
        """What AWS_CONTAINER_CREDENTIALS_FULL_URI is to say."""
        return f"{self.url}/_stand-in/container"

    # the control door

    def ask(self, method, name, what=None):
        body = json.dumps(what).encode() if what is not None else None
        request = urllib.request.Request(f"{self.url}/_stand-in/{name}", data=body, method=method)
        context = None
        if self.tls:
            import ssl
            context = ssl.create_default_context(cafile=str(self.tls[0]))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        try:
            with opener.open(request, timeout=limits.seconds(60)) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            with e:
                raise AssertionError(f"{method} {name}: {e.code} {e.read().decode()}") from None

    def faults(self, *rules, seed=0):
        """Replaces all rules; without any: no faults."""
        return self.ask("POST", "faults", {"seed": seed, "rules": list(rules)})

    def fault_hits(self):
        """How often each rule hit, in their order."""
        return [rule["hits"] for rule in self.ask("GET", "faults")]

    def clock(self, skew_seconds):
        return self.ask("POST", "clock", {"skew_seconds": skew_seconds})

    def key(self, access_key=KEY, **parts):
        """Makes or changes a key: account, secret, token, denied, expires_at or expires_in (seconds)."""
        return self.ask("POST", "keys", {"access_key": access_key, **parts})

    def metadata(self, **parts):
        """What the container and instance endpoints give out: role, access_key, token, expires_in."""
        return self.ask("POST", "metadata", parts)

    def counters(self):
        return self.ask("GET", "counters")

    def calls(self, operation):
        """One operation's counters; all nought where it was never called."""
        nought = dict(calls=0, ok=0, throttled=0, faults=0, errors={}, running=0, max_concurrent=0, max_per_second=0,
                      max_admitted_per_second=0)
        return self.counters()["operations"].get(operation, nought)

    def reset_counters(self):
        return self.ask("POST", "counters", {})

    def dump(self, account=ACCOUNT, region=REGION, pem=True):
        """The state of one account and region; with nothing in it yet: {}."""
        found = self.ask("GET", f"dump?account={account}&region={region}&pem={'true' if pem else 'false'}")
        return found.get(f"{account}/{region}", {})

    def certificates(self, account=ACCOUNT, region=REGION, pem=True):
        """{certificate id: its row}"""
        return {row["certificateId"]: row for row in self.dump(account, region, pem).get("certificates", ())}

    def set_status(self, certificate_id, status, account=ACCOUNT, region=REGION):
        """Of a certificate or a CA, behind the client's back."""
        return self.ask("POST", "state", {"account": account, "region": region, "certificateId": certificate_id, "status": status})

    def reset(self, keep_state=False):
        return self.ask("POST", "reset", {"keep": ["state"]} if keep_state else {})

    # its life

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        """SIGTERM; it must end well and have found no defect of its own."""
        code = None
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self.process.wait(limits.seconds(10))
        log = self.log()
        self.kill()
        assert code == 0 and not log, f"the stand-in: exit {code}; log:\n{log[-4000:]}"

    def kill(self):
        if self.alive():
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()


def quota(rate="aws", window="bucket", **more):
    """The rule of a quota; rate "aws": what AWS allows each operation."""
    return {"kind": "quota", "rate": rate, "window": window, **more}
