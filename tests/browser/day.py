"""
A day's work on a line, for pictures and for a look by hand: the real server, real requests and a real upload. Only its clock is turned:
ten hours pass in some seconds.
"""
import concurrent.futures
import pathlib
import random

import client
import csrs
import faketime
import server as servers
import station
import tokens
import uploads

QUARTERS = 40
ORDERS = {"WO-2026-4711": ("SN", 900), "WO-2026-4712": ("GW-", 250)}


class Day:
    """A plant with its running server; badges: {role: token}. needy: with something that waits for a person."""

    def __init__(self, folder, cloud, needy=True):
        self.dice = random.Random(4711)
        self.counts = dict.fromkeys(ORDERS, 0)
        self.plant = uploads.Plant(pathlib.Path(folder), cloud, init=("--ca-name", "ACME Device CA"))
        self.home = self.plant.home
        self.clock = faketime.Clock(self.plant.folder / "clock", "+0")
        self.environment = self.clock.environment()
        self._order()
        self.server = servers.Server(self.home, env=self.environment)
        self._night(needy)
        self._work()
        if needy:
            self._needs()

    def _run(self, *args):
        return self.home.run(*args, env=self.environment)

    def _order(self):
        self._run("batch", "create", "WO-2026-4709", "--quantity", 120, "--pattern", "A[0-9]{4}")
        for name, (prefix, quantity) in ORDERS.items():
            self._run("batch", "create", name, "--quantity", quantity, "--pattern", f"{prefix}[0-9]{{5}}")
        self.badges = {role: self._run("token", "create", name, "--role", role).out.strip()
                       for role, name in (("technician", "linh"), ("admin", "engineer"), ("viewer", "wall"))}
        self.stations = [self._run("token", "create", f"station-{n}", "--role", "enroll").out.strip() for n in (3, 4, 7)]

    def _csr(self, batch):
        self.counts[batch] += 1
        return csrs.fresh(f"{ORDERS[batch][0]}{self.counts[batch]:05d}")[1]

    def post(self, requests):
        """[(station, batch, CSR)], side by side as stations do; the answers' codes."""
        def send(request):
            fixture, batch, csr = request
            with client.Client(self.server, headers=tokens.bearer(self.stations[fixture])) as c:
                return c.enroll(batch, csr).status

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            return list(pool.map(send, requests))

    def _night(self, needy):
        """A finished order, registered with AWS; needy: but for two certificates that AWS did not take."""
        assert set(self.post([(0, "WO-2026-4709", csrs.fresh(f"A{n:04d}")[1]) for n in range(1, 121)])) == {201}
        self._run("batch", "close", "WO-2026-4709")
        self.plant.register_ca()
        if needy:
            self.plant.cloud.faults({"kind": "error", "operations": ["RegisterCertificate"], "subjects": ["A0017", "A0101"], "status": 409,
                                     "code": "CertificateConflictException", "message": "The certificate is registered with another account."})
        self.plant.upload(code=3 if needy else 0)
        self.plant.cloud.faults()

    def _work(self):
        """Most go well. Some come twice, some with what no line may certify."""
        for quarter in range(QUARTERS + 1):
            self.clock.turn(f"+{60 + 15 * quarter}m")
            pace = 0 if quarter in (17, 18) else self.dice.randint(14, 22)
            good = [(self.dice.randint(0, 1), "WO-2026-4711", self._csr("WO-2026-4711")) for _ in range(pace)]
            good += [(2, "WO-2026-4712", self._csr("WO-2026-4712")) for _ in range(pace // 4)]
            assert set(self.post(good)) <= {201}
            if quarter % 7 == 3:
                assert self.post([(1, "WO-2026-4711", csrs.fresh("SN00001")[1])]) == [409]
            if quarter in (21, 22, 35):
                assert self.post([(0, "WO-2026-4711", station.not_its_own_key(f"SN9{quarter:04d}"))]) == [400]
            if quarter == 38:
                assert self.post([(2, "WO-2026-4712", csrs.fresh("SN00999")[1])]) == [403]

    def _needs(self):
        """What waits for a person: an order to approve, a device to look at."""
        with client.Client(self.server) as c:
            page = {"Content-Type": "application/json", **tokens.signed_in(c, self.badges["technician"])}
            order = b'{"name":"WO-2026-4713","quantity":500,"approval":true,"reason":"next week\'s order"}'
            assert c.request("POST", "/v1/batches", order, page).status == 201
            assert c.request("POST", "/v1/devices/SN00007/rework", b'{"reason":"new board after ESD damage"}', page).status == 200

    def end(self):
        self.server.stop()
