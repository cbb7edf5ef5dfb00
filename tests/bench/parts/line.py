"""lineca: a home, its server, and what the server says of itself."""
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request

from parts.machine import stop


class Home:

    def __init__(self, program, path, key="p256", keep=False):
        """A fresh home, or with keep the one that is there."""
        self.program = program
        self.path = path
        self.fresh = not (keep and os.path.exists(path))
        if self.fresh:
            shutil.rmtree(path, ignore_errors=True)
            self.run("init", "--key", key)

    def run(self, *arguments):
        done = subprocess.run([self.program, "--home", self.path, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            stop(f"lineca {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def set(self, **settings):
        """Sets what stands in lineca.conf."""
        path = os.path.join(self.path, "lineca.conf")
        with open(path) as file:
            lines = file.read().splitlines()
        for key, value in settings.items():
            at = [i for i, text in enumerate(lines) if text.startswith(f"{key} =")]
            if len(at) != 1:
                stop(f"{path}: {len(at)} lines say {key}")
            lines[at[0]] = f"{key} = {value}"
        with open(path, "w") as file:
            file.write("\n".join(lines) + "\n")

    def tls(self):
        """A certificate for HTTPS; what clients believe it for."""
        self.run("tls", "create", "--name", "127.0.0.1")
        self.set(certificate="tls/server.pem", key="tls/server.key")
        return os.path.join(self.path, "tls", "ca.pem")

    def token(self):
        """The file with a token to enroll by, which this home now asks for."""
        self.set(enroll="token")
        token = json.loads(self.run("token", "create", "bench", "--role", "enroll", "--json"))["token"]
        path = os.path.join(self.path, "bench.token")
        with open(path, "w") as file:
            file.write(token + "\n")
        return path

    def batch(self, name, quantity):
        self.run("batch", "create", name, "--quantity", str(quantity))

    def remove(self):
        shutil.rmtree(self.path)


class Server:
    """lineca serve with the settings that init wrote. Its log goes to a file, as it would in a plant."""

    def __init__(self, home, tls=False):
        self.log = open(home.path + ".log", "wb")
        words = [home.program, "--home", home.path, "serve", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(words + (["--listen-tls", "127.0.0.1:0"] if tls else []),
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = self._listens("http")
        self.tls_port = self._listens("https") if tls else None
        self.pid = self.process.pid

    def _listens(self, scheme):
        match = re.match(rf"listening on {scheme}://127\.0\.0\.1:(\d+)$", self.process.stdout.readline())
        if not match:
            stop(f"the server did not start: see {self.log.name}")
        return int(match.group(1))

    def status(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/status", timeout=10) as answer:
            return json.load(answer)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        code = self.process.wait(timeout=60)
        self.log.close()
        if code != 0 and kind is None:
            stop(f"the server ended with exit code {code}: see {self.log.name}")


def measure(drive, home, requests, count, connections, batch="bench", token=None):
    """One run: a batch, a server, the load. Figures of the driver, and the groups of the writer."""
    home.batch(batch, count)
    begin = time.monotonic()
    with Server(home) as server:
        start_s = time.monotonic() - begin
        result = drive.load(port=server.port, path=f"/v1/enroll/{batch}", pid=server.pid, requests=requests, count=count,
                            connections=connections, token=token)
        status = server.status()
    # The sample that drive asked for again went one by one: each was a row and a group of its own, which wrote nothing.
    writer = status["writer"]
    issued = status["since_start"]["issued"]
    groups = writer["groups"] - (writer["rows"] - issued)
    result["start_s"] = start_s
    result["group"] = issued / groups
    result["commit_us"] = writer["commit_us"] / groups
    return result
