"""Homes whose ledgers are those of a line that has run for years: made once by make_history, and kept."""
import glob
import http.client
import os
import shutil
import subprocess
import sys
import time

from parts import line
from parts.machine import stop

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
SMALL, LARGE = 16000, 10 * 1000 * 1000
SMALL_LOT, LOT = 16, 10000      # as many lots in both: what is compared are rows


def schema_version():
    return len(glob.glob(os.path.join(ROOT, "db", "schema", "*.sql")))


def home(build, folder, rows):
    """One of so many rows: made by this version of the schema, not brought up to it."""
    generator = os.path.join(build, "make_history")
    if not os.path.exists(generator):
        stop(f"{generator} is missing")
    path = os.path.join(folder, f"history-{rows}-v{schema_version()}")
    made = os.path.join(path, "made-by-make_history")
    if os.path.exists(path) and not os.path.exists(made):
        shutil.rmtree(path)     # it was not finished
    result = line.Home(os.path.join(build, "lineca"), path, keep=True)
    if result.fresh:
        print(f"  making a ledger of {rows:,} rows: minutes, and gigabytes, where there are millions", file=sys.stderr, flush=True)
        with open(made + ".part", "w") as file:
            subprocess.run([generator, ledger(result), str(rows), "--lot", str(LOT if rows > 50 * LOT else SMALL_LOT)], check=True, stdout=file)
        os.rename(made + ".part", made)
    return result


def ledger(of):
    return os.path.join(of.path, "lineca.db")


def facts(of):
    """How large the ledger is, and what its maker said."""
    with open(os.path.join(of.path, "made-by-make_history")) as file:
        return {"bytes": os.path.getsize(ledger(of)), "made": file.read().strip()}


def forget(of):
    """The kernel forgets what it has read of the ledger. What is under it (a virtual machine's host) may not."""
    for path in (ledger(of), ledger(of) + "-wal"):
        if os.path.exists(path):
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Client:
    """One kept connection, as a browser has it."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.clock = (~server.pid << 3) | 2     # what clock_getcpuclockid(3) makes of a process

    def get(self, path):
        """(milliseconds, body)"""
        begin = time.perf_counter()
        self.connection.request("GET", path, headers={"Accept": "application/json", "X-Refresh": "1"})
        answer = self.connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - begin) * 1000
        if answer.status != 200:
            stop(f"{path} was answered {answer.status}: {body[:200]}")
        return took, body

    def server_cpu_ms(self):
        return time.clock_gettime(self.clock) * 1000
