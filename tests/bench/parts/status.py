"""What pages ask for, of a small ledger and of one of ten million rows, with as many lots, by turns: one request here, one there."""
import json
import statistics

from parts.history import Client
from parts.line import Server

# name: path, of the newest full batch where there is one
ASKED = {"/v1/status": "/v1/status", "/, without JavaScript": "/", "/v1/batches": "/v1/batches", "/v1/batches/NAME": "/v1/batches/{batch}",
         "certificates, newest 20": "/v1/certificates?limit=20", "of a batch, 20": "/v1/certificates?batch={batch}&limit=20",
         "parked, 50": "/v1/certificates?state=parked&limit=50", "/v1/uploads": "/v1/uploads", "/v1/events": "/v1/events?limit=100"}


def pages_of(client):
    """Its paths with the name of a batch that is there."""
    batches = json.loads(client.get("/v1/batches")[1])["batches"]
    closed = [batch["name"] for batch in batches if batch["state"] == "closed"]
    name = closed[-1] if closed else batches[-1]["name"]
    return {what: path.format(batch=name) for what, path in ASKED.items()}


def by_turns(homes, count, warm=5):
    """{what: {rows: figures}} of count requests to each of the homes' servers."""
    with Server(homes[0]) as small, Server(homes[1]) as large:
        clients = [Client(small), Client(large)]
        paths = [pages_of(client) for client in clients]
        return {what: turns(clients, [one[what] for one in paths], count, warm) for what in ASKED}


def turns(clients, paths, count, warm):
    times, cpu, size = ([], []), [0, 0], [0, 0]
    for i in range(count + warm):
        for k in ((0, 1), (1, 0))[i % 2]:
            before = clients[k].server_cpu_ms()
            took, body = clients[k].get(paths[k])
            if i >= warm:
                times[k].append(took)
                cpu[k] += clients[k].server_cpu_ms() - before
                size[k] = len(body)
    return [{"p50_ms": statistics.median(t), "p99_ms": sorted(t)[len(t) * 99 // 100], "max_ms": max(t), "server_cpu_ms": c / len(t), "bytes": n}
            for t, c, n in zip(times, cpu, size)]
