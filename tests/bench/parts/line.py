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

    def batch(self, name, quantity):
        self.run("batch", "create", name, "--quantity", str(quantity))

    def remove(self):
        shutil.rmtree(self.path)


class Server:
    """lineca serve with the settings that init wrote. Its log goes to a file, as it would in a plant."""

    def __init__(self, home):
        self.log = open(home.path + ".log", "wb")
        self.process = subprocess.Popen([home.program, "--home", home.path, "serve", "--listen", "127.0.0.1:0"],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        match = re.match(r"listening on http://127\.0\.0\.1:(\d+)$", self.process.stdout.readline())
        if not match:
            stop(f"the server did not start: see {self.log.name}")
        self.port = int(match.group(1))
        self.pid = self.process.pid

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


def measure(drive, home, requests, count, connections, batch="bench"):
    """One run: a batch, a server, the load. Figures of the driver, and the groups of the writer."""
    home.batch(batch, count)
    begin = time.monotonic()
    with Server(home) as server:
        start_s = time.monotonic() - begin
        result = drive.load(port=server.port, path=f"/v1/enroll/{batch}", pid=server.pid, requests=requests, count=count,
                            connections=connections)
        status = server.status()
    # The sample that drive asked for again went one by one: each was a row and a group of its own, which wrote nothing.
    writer = status["writer"]
    issued = status["since_start"]["issued"]
    groups = writer["groups"] - (writer["rows"] - issued)
    result["start_s"] = start_s
    result["group"] = issued / groups
    result["commit_us"] = writer["commit_us"] / groups
    return result
