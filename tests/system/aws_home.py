"""
A home and the AWS stand-in, for the tests of the `aws` commands. Every command's output is searched for the secrets of the
credentials it was given.
"""
import json
import subprocess

import aws
import home as homes
import limits

POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]})
SECRETS = (aws.SECRET, aws.OTHER_SECRET)


def run(*args, env, code=0, timeout=90):
    """The program in exactly that environment: nothing of the machine's own AWS settings."""
    args = [str(a) for a in args]
    done = subprocess.run([homes.BINARY, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=limits.seconds(timeout), env=env)
    result = homes.Result(args, done.returncode, done.stdout, done.stderr)
    wanted = code if isinstance(code, tuple) else (code,)
    assert done.returncode in wanted, f"wanted exit {wanted}: {result}"
    assert "Sanitizer" not in done.stderr and "runtime error:" not in done.stderr, str(result)
    for secret in SECRETS:
        assert secret not in result.out + result.err, "a secret was written"
    return result


class Place:
    """A home whose [aws] names the cloud's account."""

    def __init__(self, path, cloud, *init):
        self.cloud, self.home = cloud, homes.Home(path).init(*init)
        self.configure(account=aws.ACCOUNT)

    def configure(self, **settings):
        for name, value in settings.items():
            self.home.configure("aws", name, value)
        return self

    def add(self, text):
        with open(self.home.path / "lineca.conf", "a", encoding="utf-8") as f:
            f.write(text)

    def run(self, *args, env=None, **kw):
        return run("--home", self.home.path, *args, env=env or self.cloud.env(), **kw)

    def json(self, *args, **kw):
        return [json.loads(line) for line in self.run(*args, "--json", **kw).out.splitlines()]

    def check(self, code=0, **kw):
        """{check: its object} of `aws check`, where one section is looked at."""
        rows = self.json("aws", "check", code=code, **kw)
        found = {row["check"]: row for row in rows}
        assert len(found) == len(rows), f"a check comes twice: {rows}"
        for row in rows:
            assert set(row) == {"section", "check", "state", "found", "todo"} and row["state"] in ("ok", "FAILED", "not tested"), row
        assert code not in (0, 1) or code == bool(failed(found)), rows
        return found

    def ca_id(self):
        (row,) = self.json("aws", "cas")
        return row["certificate_id"]


def failed(checks):
    return {name for name, row in checks.items() if row["state"] == "FAILED"}
