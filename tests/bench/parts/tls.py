"""HTTPS beside plain HTTP: one server with both doors, kept connections and new ones."""
import os
import subprocess

from parts.drive import Tls
from parts.line import Server

PATH = "/v1/enroll/bench"
KEPT = [(door, connections) for connections in (16, 64) for door in ("plain", "TLS 1.3")]
FRESH = ("plain", "TLS 1.3", "TLS 1.2", "TLS 1.3, client certificate", "TLS 1.2, client certificate")


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_client(home):
    """A CA of the factory's own and a station's certificate by it, which this home now takes for enrolling."""
    folder = os.path.join(home.path, "station")
    os.makedirs(folder)
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "30")
    openssl(folder, "req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Bench stations")
    openssl(folder, "req", "-x509", *new, "-keyout", "station.key", "-out", "station.pem", "-subj", "/CN=station 1",
            "-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=clientAuth")
    home.set(client_ca="station/ca.pem", enroll="certificate")
    return os.path.join(folder, "station.pem"), os.path.join(folder, "station.key")


def kept(drive, home, requests, count, cases):
    """What each of the cases (KEPT in some order) did; before them one run that nobody counts, of a quarter."""
    ca = home.tls()
    home.batch("bench", count * (len(KEPT) + 1))
    results = {}
    with Server(home, tls=True) as server:
        # a server that has just begun takes its memory from the system, page by page
        drive.load(port=server.port, path=PATH, pid=server.pid, requests=requests, first=len(KEPT) * count, count=count // 4,
                   connections=64)
        for place, (door, connections) in enumerate(cases):
            plain = door == "plain"
            results[door, connections] = drive.load(
                port=server.port if plain else server.tls_port, path=PATH, pid=server.pid, requests=requests,
                first=place * count, count=count, connections=connections, tls=None if plain else Tls("1.3", ca))
    return results


def fresh(drive, home, requests, count, connections, cases, with_client):
    """
    A connection, a handshake, one certificate, the end, by so many at once: what those of the cases (FRESH in some order) did that
    show a client certificate, or those that do not.
    """
    ca = home.tls()
    own = make_client(home) if with_client else ()
    mine = [what for what in cases if ("client" in what) == with_client]
    home.batch("bench", count * len(mine))
    results = {}
    with Server(home, tls=True) as server:
        for place, what in enumerate(mine):
            plain = what == "plain"
            results[what] = drive.load(
                port=server.port if plain else server.tls_port, path=PATH, pid=server.pid, requests=requests,
                first=place * count, count=count, connections=connections, tls=None if plain else Tls(what[4:7], ca, *own), fresh=True)
    return results
