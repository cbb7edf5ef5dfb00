"""Open pages beside a line that enrolls."""
import http.client
import time

from parts import machine
from parts.drive import Beside
from parts.history import Client
from parts.line import Server

PAGES = 50
VIEWS = ("line", "upload", "batch")
CALM_PER_S = 10     # certificates: so that there is news all the time, and hardly anything else to do
CONNECTIONS = 16


class Viewers:
    """PAGES open pages that show a view, until the block ends."""

    def __init__(self, drive, port, view):
        words = [drive.program, "view", "--port", str(port), "--view", view, "--pages", str(PAGES)]
        self.words = words + (["--batch", "bench"] if view == "batch" else [])

    def __enter__(self):
        self.beside = Beside(self.words, until_told=True)
        self.beside.expect("connected")
        return self

    def __exit__(self, *_):
        self.result = self.beside.result()


def load(drive, server, requests, first, count):
    return drive.load(port=server.port, path="/v1/enroll/bench", pid=server.pid, requests=requests, first=first, count=count,
                      connections=CONNECTIONS)


def by_turns(drive, home, requests, count, views):
    """
    {view: run, None: [runs]}: nobody, a view, nobody, another view, ..., nobody; one server, no request twice. Each view's run is compared with
    the two runs beside it, between which it stands: so neither the growing ledger nor a machine that slowly changes is taken for the pages' work.
    """
    alone, results = [], {}
    home.batch("bench", count * (2 * len(views) + 2))
    with Server(home) as server:
        # a server that has just begun takes its memory from the system, page by page
        load(drive, server, requests, 0, count)
        alone.append(load(drive, server, requests, count, count))
        for place, view in enumerate(views):
            with Viewers(drive, server.port, view) as viewers:
                run = load(drive, server, requests, count * (2 + 2 * place), count)
            alone.append(load(drive, server, requests, count * (3 + 2 * place), count))
            for key in ("certificates_per_s", "server_cpu_us"):
                beside = (alone[place][key] + alone[place + 1][key]) / 2
                run[f"{key}_of_alone"] = run[key] / beside
            run.update({f"viewers_{key}": value for key, value in viewers.result.items()})
            run["viewers_cpu_ms_per_s"] = 1000 * viewers.result["cpu_s"] / viewers.result["elapsed_s"]
            results[view] = run
    return results, alone


def csrs(path):
    """Its requests, one by one."""
    with open(path) as file:
        for text in file.read().split("-----END CERTIFICATE REQUEST-----\n")[:-1]:
            yield text + "-----END CERTIFICATE REQUEST-----\n"


def calm_ms_per_s(server, requests, seconds):
    """The server's CPU time a second while a few devices a second enroll."""
    client, post = Client(server), http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    begin, before = time.monotonic(), client.server_cpu_ms()
    for i in range(seconds * CALM_PER_S):
        time.sleep(max(0, begin + i / CALM_PER_S - time.monotonic()))
        post.request("POST", "/v1/enroll/bench", next(requests), {"Content-Type": "application/pkcs10"})
        answer = post.getresponse()
        if answer.status != 201:
            machine.stop(f"a device was answered {answer.status}")
        answer.read()
    return (client.server_cpu_ms() - before) / (time.monotonic() - begin)


def calm(drive, home, requests, seconds, views):
    """{view: what the pages that show it cost the server, a second}, by turns with nobody; and what they are of all cores."""
    home.batch("bench", seconds * CALM_PER_S * 2 * len(views))
    results, requests = {}, csrs(requests)
    with Server(home) as server:
        for view in views:
            alone = calm_ms_per_s(server, requests, seconds)
            with Viewers(drive, server.port, view):
                ms = calm_ms_per_s(server, requests, seconds) - alone
            results[view] = {"pages_ms_per_s": ms, "pages_of_cores": ms / 1000 / machine.CORES}
    return results
