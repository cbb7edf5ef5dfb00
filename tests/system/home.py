"""A home of the program, and the commands run on it."""
import json
import os
import pathlib
import re
import subprocess

import limits

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("LINECA", str(ROOT / "build" / "lineca"))

RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")

CERTIFICATE_FIELDS = {"serial", "device_id", "batch", "ca", "profile", "state", "certificate_id",
                      "not_before", "not_after", "issued_at"}
BATCH_FIELDS = {"name", "state", "quantity", "issued", "registered", "parked", "created_at"}


class Result:
    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err

    def __str__(self):
        return f"lineca {' '.join(self.args)}: exit {self.code}\nstdout: {self.out[-2000:]}\nstderr: {self.err[-2000:]}"


def run(*args, code=0, env=None, timeout=60, **popen):
    """Runs the binary; asserts the exit code (a number, several, or None for any)."""
    args = [str(a) for a in args]
    done = subprocess.run([BINARY, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=limits.seconds(timeout), env=environment(env), **popen)
    result = Result(args, done.returncode, done.stdout, done.stderr)
    if code is not None:
        wanted = code if isinstance(code, (tuple, list, set)) else (code,)
        assert done.returncode in wanted, f"wanted exit {wanted}: {result}"
    assert "Sanitizer" not in done.stderr and "runtime error:" not in done.stderr, str(result)
    return result


def environment(extra=None):
    env = {k: v for k, v in os.environ.items() if k != "LINECA_HOME"}
    env.update(extra or {})
    return env


class Home:
    def __init__(self, path):
        self.path = pathlib.Path(path)

    def run(self, *args, **kw):
        return run("--home", self.path, *args, **kw)

    def init(self, *args, **kw):
        self.run("init", *args, **kw)
        return self

    def json(self, *args, **kw):
        """The objects of a listing."""
        return [json.loads(line) for line in self.run(*args, "--json", **kw).out.splitlines()]

    def batch(self, name, quantity=1000, *args, **kw):
        self.run("batch", "create", name, "--quantity", quantity, *args, **kw)
        return name

    def batch_show(self, name):
        (row,) = self.json("batch", "show", name)
        return row

    def certificates(self, *args):
        return self.json("cert", "list", *args)

    def ca_pem(self):
        """The issuing CA's certificate, as the program wrote it into the home."""
        found = [p for p in (self.path / "ca").iterdir() if b"BEGIN CERTIFICATE-----" in p.read_bytes()]
        assert len(found) == 1, f"{found}: not one CA certificate"
        return found[0].read_bytes()

    def key_files(self):
        return [p for p in (self.path / "ca").iterdir() if b"PRIVATE KEY-----" in p.read_bytes()]

    def configure(self, section, key, value):
        """Sets one value in lineca.conf, where it stands (also as a comment), or adds it."""
        conf = self.path / "lineca.conf"
        out, inside, done = [], False, False
        for line in conf.read_text().splitlines():
            head = re.match(r"\s*\[(.+)\]\s*$", line)
            if head:
                if inside and not done:
                    out.append(f"{key} = {value}")
                    done = True
                inside = head.group(1).strip() == section
            elif inside and not done and re.match(rf"\s*{re.escape(key)}\s*=", line):
                line, done = f"{key} = {value}", True
            out.append(line)
        if not done:
            out += ([] if inside else [f"[{section}]"]) + [f"{key} = {value}"]
        conf.write_text("\n".join(out) + "\n")

    def snapshot(self):
        """Every file with its bytes and mode: to see that a command left all alone."""
        return {str(p.relative_to(self.path)): (p.stat().st_mode, p.read_bytes() if p.is_file() else None)
                for p in sorted(self.path.rglob("*"))}

    def holding(self, needles):
        """Files of the home in which one of the needles stands."""
        return [p.name for p in self.path.rglob("*") if p.is_file()
                and any(n in p.read_bytes() for n in needles)]


def check_times(row):
    """Every time of an object is RFC 3339 in UTC."""
    for key, value in row.items():
        if key.endswith("_at") or key in ("not_before", "not_after"):
            assert value is None or RFC3339.match(value), f"{key}: {value!r}"
