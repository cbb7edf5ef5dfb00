"""cfssl with its certificate database in SQLite, as Debian carries it."""
import json
import os
import shutil
import socket
import subprocess
import time

from parts.machine import stop

# certdb/sqlite/migrations of the packaged version: what its migration tool, which Debian leaves out, would make.
SCHEMA = """
CREATE TABLE certificates (
  serial_number            blob NOT NULL,
  authority_key_identifier blob NOT NULL,
  ca_label                 blob,
  status                   blob NOT NULL,
  reason                   int,
  expiry                   timestamp,
  revoked_at               timestamp,
  pem                      blob NOT NULL,
  PRIMARY KEY(serial_number, authority_key_identifier)
);
CREATE TABLE ocsp_responses (
  serial_number            blob NOT NULL,
  authority_key_identifier blob NOT NULL,
  body                     blob NOT NULL,
  expiry                   timestamp,
  PRIMARY KEY(serial_number, authority_key_identifier),
  FOREIGN KEY(serial_number, authority_key_identifier)
    REFERENCES certificates(serial_number, authority_key_identifier)
);
"""

# Its SQLite driver is built so that WAL alone means synchronous=NORMAL: no sync at a commit. FULL has to be asked for.
VARIANTS = {
    "as it comes": ("", "yes"),
    "WAL": ("?_journal_mode=WAL", "not through a power cut"),
    "WAL + FULL": ("?_journal_mode=WAL&_synchronous=FULL", "yes"),
}

POLICY = {"signing": {"default": {"expiry": "87600h", "usages": ["digital signature", "client auth"]}}}


def make_ca(folder):
    """A P-256 CA like that of lineca init."""
    for command in (
            ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ca.key"],
            ["openssl", "req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=Bench CA", "-days", "3650", "-out", "ca.pem"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


class Cfssl:

    def __init__(self, folder, variant):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        make_ca(folder)
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump(POLICY, file)
        with open(os.path.join(folder, "db.json"), "w") as file:
            json.dump({"driver": "sqlite3", "data_source": "file:certs.db" + VARIANTS[variant][0]}, file)
        subprocess.run(["sqlite3", "certs.db"], cwd=folder, input=SCHEMA, text=True, check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.log = open(folder + ".log", "wb")
        self.process = subprocess.Popen(
            ["cfssl", "serve", "-address", "127.0.0.1", "-port", str(self.port), "-ca", "ca.pem", "-ca-key", "ca.key",
             "-config", "config.json", "-db-config", "db.json", "-loglevel", "3"],
            cwd=folder, stdout=self.log, stderr=self.log)
        self.pid = self.process.pid
        self._wait_for_port()

    def _wait_for_port(self):
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.1)
        stop(f"cfssl did not start: see {self.log.name}")

    def rows(self):
        done = subprocess.run(["sqlite3", "certs.db", "SELECT count(*) FROM certificates"], cwd=self.folder,
                              capture_output=True, text=True, check=True)
        return int(done.stdout)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.log.close()
        shutil.rmtree(self.folder)


def measure(drive, folder, variant, requests, count, connections):
    with Cfssl(folder, variant) as server:
        result = drive.load(port=server.port, path="/api/v1/cfssl/sign", pid=server.pid, requests=requests, count=count,
                            connections=connections, dialect="cfssl")
        if server.rows() != result["certificates"]:
            stop(f"cfssl answered {result['certificates']} certificates and recorded {server.rows()}")
    return result
