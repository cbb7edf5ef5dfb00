"""The line server as a process."""
import os
import re
import signal
import subprocess
import tempfile
import time

import home as homes
import limits
import processes

started = []    # every server of this process: a failing test shows their logs

ADDRESS = r"([0-9.]+|\[[0-9a-f:]+\]):(\d+)"
LISTENS = re.compile(rf"(?:listening on http://{ADDRESS}\n)?(?:listening on https://{ADDRESS}\n)?")


def reached(address):
    """The address a client takes to what listens there; None: nothing does."""
    return "127.0.0.1" if address == "0.0.0.0" else address and address.strip("[]")


class Server:
    """listen: where plain HTTP is, "none": nowhere, None: as lineca.conf says. tls: the same for HTTPS."""

    def __init__(self, home, *args, listen="127.0.0.1:0", tls=None, env=None):
        self.home = home
        args = (*(() if listen is None else ("--listen", listen)), *(() if tls is None else ("--listen-tls", tls)), *args)
        handle, self.log_path = tempfile.mkstemp(prefix="server-", suffix=".log", dir=home.path.parent)
        with os.fdopen(handle, "wb") as log:
            self.process = subprocess.Popen(
                [homes.BINARY, "--home", str(home.path), "serve", *args],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=homes.environment(env))
        started.append(self)
        try:
            lines = processes.first_line(self.process)    # they come at once
            match = LISTENS.fullmatch(lines)
            assert match and lines, f"first line {lines!r}; log:\n{self.log()[-3000:]}"
        except BaseException:
            self.kill()
            raise
        self.address, self.port = match.group(1), int(match.group(2) or 0)
        self.tls_address, self.tls_port = match.group(3), int(match.group(4) or 0)
        self.host, self.tls_host = reached(self.address), reached(self.tls_address)

    def log(self):
        with open(self.log_path, "rb") as f:
            return f.read().decode("utf-8", "backslashreplace")

    def lines_with(self, text):
        return [line for line in self.log().splitlines() if text in line]

    def alive(self):
        return self.process.poll() is None

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, seconds=20):
        try:
            code = self.process.wait(limits.seconds(seconds))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"does not end within {limits.seconds(seconds):.0f} s; log:\n{self.log()[-2000:]}") from None
        self.process.stdout.close()
        return code

    def stop(self):
        """SIGTERM; it must end well."""
        if self.alive():
            self.signal()
        code = self.wait()
        assert code == 0, f"exit {code}; log:\n{self.log()[-3000:]}"
        self.check_log()

    def kill(self):
        """SIGKILL, as a power cut has it."""
        if self.alive():
            self.signal(signal.SIGKILL)
        self.wait()

    def check_log(self):
        log = self.log()
        assert "Sanitizer" not in log and "runtime error:" not in log, log[-6000:]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()


def refused(home, *args, env=None, timeout=20):
    """A `serve` that is expected not to start: the Result of the command."""
    return home.run("serve", *(args or ("--listen", "127.0.0.1:0")), code=None, env=env, timeout=timeout)
