"""The driver, called as a program: makes requests, puts a server under load."""
import json
import os
import subprocess

from parts.machine import stop


class Drive:

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder

    def requests(self, key, count, prefix="drive"):
        """A file of requests for count distinct keys, made once and kept."""
        path = os.path.join(self.folder, f"{key}-{count}-{prefix}.pem")
        if not os.path.exists(path):
            subprocess.run([self.program, "csr", "--out", path, "--key", key, "--count", str(count), "--prefix", prefix],
                           check=True)
        return path

    def load(self, *, port, path, pid, requests, connections, count=None, dialect="lineca"):
        """What happened, as drive says it. Ends the bench when not every request got its certificate."""
        command = [self.program, "load", "--json", "--csr-file", requests, "--port", str(port), "--path", path,
                   "--connections", str(connections), "--dialect", dialect, "--pid", str(pid)]
        if count:
            command += ["--count", str(count)]
        os.sync()       # what came before is not this run's work
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if not done.stdout:
            stop("the driver failed")
        result = json.loads(done.stdout)
        # cfssl answers 400 now and then, when two of its connections meet a locked database: counted, not hidden
        if done.returncode != 0 and dialect == "lineca":
            stop(f"not every request got its certificate: {done.stdout}")
        return result
