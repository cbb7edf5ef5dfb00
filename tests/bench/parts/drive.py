"""The driver, called as a program: makes requests, puts a server under load, sends slowly."""
import json
import os
import subprocess

from parts.machine import stop


class Tls:
    """How a client speaks TLS: its version, whom it believes, and its own certificate if it has one."""

    def __init__(self, version, ca, certificate=None, key=None):
        self.words = ["--tls", version, "--ca", ca]
        if certificate:
            self.words += ["--certificate", certificate, "--cert-key", key]


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

    def _load_words(self, *, port, path, pid, requests, connections, first=0, count=None, seconds=None, dialect="lineca", tls=None,
                    fresh=False, token=None):
        words = [self.program, "load", "--json", "--csr-file", requests, "--port", str(port), "--path", path,
                 "--connections", str(connections), "--dialect", dialect, "--pid", str(pid), "--first", str(first)]
        for name, value in (("count", count), ("seconds", seconds), ("token-file", token)):
            words += [f"--{name}", str(value)] if value else []
        return words + (tls.words if tls else []) + (["--fresh"] if fresh else [])

    def load(self, **what):
        """What happened, as drive says it. Ends the bench when not every request got its certificate."""
        os.sync()       # what came before is not this run's work
        done = subprocess.run(self._load_words(**what), stdout=subprocess.PIPE, text=True)
        if not done.stdout:
            stop("the driver failed")
        result = json.loads(done.stdout)
        # cfssl answers 400 now and then, when two of its connections meet a locked database: counted, not hidden
        if done.returncode != 0 and what.get("dialect", "lineca") == "lineca":
            stop(f"not every request got its certificate: {done.stdout}")
        return result

    def beside(self, **what):
        """The load, beside whatever runs meanwhile."""
        return Beside(self._load_words(**what))

    def loop(self, burst, **what):
        """A device that asks again as soon as it is answered, beside whatever runs meanwhile."""
        return Beside(self._load_words(**what, count=1) + ["--repeat", "10000000", "--mark", str(burst)])

    def slow(self, *, part, connections, seconds, port, path, tls=None):
        """Connections that send a byte a second, beside whatever runs meanwhile."""
        beside = Beside([self.program, "slow", "--what", part, "--connections", str(connections), "--seconds", str(seconds),
                         "--port", str(port), "--path", path] + (tls.words if tls else []))
        beside.expect("connected")
        return beside


class Beside:
    """A driver in the background."""

    def __init__(self, words, until_told=False):
        """until_told: it goes on until its result is asked for."""
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE if until_told else None, stdout=subprocess.PIPE, text=True)

    def expect(self, word):
        """Waits until it says so."""
        if self.process.stdout.readline() != f"{word}\n":
            stop(f"the driver in the background is not {word}")

    def result(self):
        """What it says at its end, which is waited for."""
        out, _ = self.process.communicate(timeout=120)
        if self.process.returncode != 0:
            stop(f"the driver in the background failed: {out}")
        return json.loads(out)
