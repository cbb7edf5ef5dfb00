"""Open pages beside a line that enrolls."""
from parts.drive import Beside
from parts.line import Server

PAGES = 50
VIEWS = ("line", "upload", "batch")
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
