"""What a person scans or types, searched in a ledger of ten million rows."""
import random
import sqlite3
import time
import urllib.parse

from parts import history
from parts.history import Client
from parts.line import Server

KINDS = ("device id, whole", "device id, 2 characters", "device id, 6 characters", "device id, 10 characters", "MAC, 8 characters", "serial, whole",
         "serial, 8 digits", "serial, 12 digits", "certificate id, whole", "certificate id, 2 digits", "certificate id, 6 digits",
         "certificate id, 12 digits", "not found: device id", "not found: 32 digits", "not found: 64 digits")


def samples(home, count, seed=1):
    """{kind: count texts}, the same ones for the same ledger: rows from all of it."""
    ledger = sqlite3.connect(f"file:{urllib.parse.quote(history.ledger(home))}?mode=ro", uri=True)
    dice = random.Random(seed)
    first, last = ledger.execute("SELECT (SELECT min(id) FROM certificate), (SELECT max(id) FROM certificate)").fetchone()
    texts = {kind: [] for kind in KINDS}
    for _ in range(count):
        device, serial, certificate = ledger.execute("SELECT device_id, printf('%016x', id) || lower(hex(serial_lower)), lower(hex(certificate_id)) "
                                                     "FROM certificate WHERE id >= ? ORDER BY id LIMIT 1", (dice.randint(first, last),)).fetchone()
        mac = f"A4CF12{dice.randrange(30000, min(last - first, 10 ** 7)):06X}"
        wrong = f"{dice.getrandbits(256):064x}"
        for kind, text in zip(KINDS, (device, device[:2], device[:6], device[:10], mac[:8], serial, serial[:8], serial[:12], certificate, certificate[:2],
                                      certificate[:6], certificate[:12], device + "-x", "4" + wrong[:31], wrong)):
            texts[kind].append(text)
    ledger.close()
    return texts


def path_of(text):
    return f"/v1/search?limit=20&q={urllib.parse.quote(text)}"


def figures(times):
    times = sorted(times)
    return {"p50_ms": times[len(times) // 2], "p99_ms": times[len(times) * 99 // 100], "max_ms": times[-1], "n": len(times)}


def warm(home, texts):
    """One after the other, each kind's texts a first time before they are measured."""
    with Server(home) as server:
        client, results = Client(server), {}
        for kind, all_of in texts.items():
            for text in all_of:
                client.get(path_of(text))
            results[kind] = figures([client.get(path_of(text))[0] for text in all_of])
        return results


def cold(home, texts):
    """Each search is the first one of a server that begins with a file that the kernel has forgotten, as after the machine's start."""
    results = {}
    for kind, all_of in texts.items():
        times = []
        for text in all_of:
            history.forget(home)
            with Server(home) as server:
                client = Client(server)
                client.get("/healthz")
                times.append(client.get(path_of(text))[0])
        results[kind] = figures(times)
    return results


def beside_line(drive, home, texts, requests, seconds, connections=16):
    """One search after the other, a hundredth of a second between them, while the line enrolls as fast as it can."""
    name, results = f"s{time.time_ns() // 1000000}", {}
    home.batch(name, 10 ** 7)
    kinds = {kind: [] for kind in texts}
    with Server(home) as server:
        client = Client(server)
        words = dict(port=server.port, path=f"/v1/enroll/{name}", pid=server.pid, requests=requests, connections=connections, seconds=seconds)
        beside, end = drive.beside(**words), time.monotonic() + seconds - 0.5
        turn = 0
        while time.monotonic() < end:
            for kind, all_of in texts.items():
                kinds[kind].append(client.get(path_of(all_of[turn % len(all_of)]))[0])
                time.sleep(0.01)
            turn += 1
        load = beside.result()
    home.run("batch", "close", name)    # the ledger has so many open lots as before
    for kind, times in kinds.items():
        results[kind] = figures(times)
    return results, load
