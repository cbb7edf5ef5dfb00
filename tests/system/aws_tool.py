"""The helper program aws_tool (tests/unit/aws/aws_tool.c): server/aws on a pipe."""
import json
import os
import pathlib
import select
import subprocess

import home as homes
import limits

PROGRAM = os.environ.get("AWS_TOOL", str(pathlib.Path(homes.BINARY).parent / "aws_tool"))


class Tool:
    """env: a whole environment, as aws.StandIn.env() gives one. before: the words of a command that runs it."""

    def __init__(self, env=None, before=()):
        self.process = subprocess.Popen([*before, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=env if env is not None else {"PATH": "/usr/bin:/bin"})

    def tell(self, do, **what):
        """One line to it; answer() waits for its own."""
        self.process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self.process.stdin.flush()

    def answer(self, seconds=60):
        ready, _, _ = select.select([self.process.stdout], [], [], limits.seconds(seconds))
        assert ready, "aws_tool does not answer"
        line = self.process.stdout.readline()
        assert line, f"aws_tool died: {self.process.wait()}; {self.process.stderr.read()[-3000:]}"
        return json.loads(line)

    def ask(self, do, **what):
        self.tell(do, **what)
        return self.answer()

    def http(self, *calls):
        """Their replies in order; a call is a dict of method, url ..."""
        got = self.ask("http", calls=list(calls))
        assert got["in_flight"] == 0, got
        return got["replies"]

    def call(self, operation, **members):
        return self.calls({"operation": operation, **members})[0]

    def calls(self, *calls):
        return self.ask("call", calls=list(calls))["replies"]

    def stop(self):
        """Ends it; returns what it logged."""
        out, log = self.process.communicate(timeout=limits.seconds(20))
        assert self.process.returncode == 0 and not out, (self.process.returncode, out, log[-3000:])
        assert "Sanitizer" not in log and "runtime error:" not in log, log[-5000:]
        return log

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.stdin.closed:
            return
        if kind is None:
            self.stop()
        else:
            self.process.kill()
            self.process.communicate()
