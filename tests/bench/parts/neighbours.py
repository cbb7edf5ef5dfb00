"""A well-behaved station beside others who are not: slow senders, and a device in a retry loop."""
import time

from parts.drive import Tls
from parts.line import Server

SLOW = 100          # connections, a byte a second each
LOOP = 16           # connections of the device that asks again and again
BURST = 500         # which a device has at once, says lineca.conf
SETTLE_S = 1        # before the station begins

# what stands beside the station, and by which door both come
SENDERS = (("nobody", "plain"), ("head", "plain"), ("body", "plain"), ("nobody", "TLS"), ("handshake", "TLS"), ("body", "TLS"))
LOOPS = ("no loop", "a loop", "a loop, no limit")


def station(drive, server, requests, connections, seconds, tls):
    return drive.load(port=server.tls_port if tls else server.port, path="/v1/enroll/bench", pid=server.pid, requests=requests,
                      connections=connections, seconds=seconds, tls=tls)


def beside_slow(drive, home, requests, connections, seconds, part, door):
    """The station's run, and what became of the slow senders."""
    ca = home.tls()
    tls = Tls("1.3", ca) if door == "TLS" else None
    home.batch("bench", 10 ** 6)
    with Server(home, tls=True) as server:
        if part == "nobody":
            return station(drive, server, requests, connections, seconds, tls)
        slow = drive.slow(part=part, connections=SLOW, seconds=seconds + 2 * SETTLE_S, port=server.tls_port if tls else server.port,
                          path="/v1/enroll/bench", tls=tls)
        time.sleep(SETTLE_S)
        result = station(drive, server, requests, connections, seconds, tls)
        return {**result, **{f"slow_{key}": value for key, value in slow.result().items()}}


def beside_loop(drive, home, requests, looping, connections, seconds, what):
    """The station's run; how fast the loop went in its burst and after it."""
    if what == "a loop, no limit":
        home.set(repeats_per_minute=0)
    home.batch("bench", 10 ** 6)
    with Server(home) as server:
        if what == "no loop":
            return station(drive, server, requests, connections, seconds, None)
        loop = drive.loop(BURST, port=server.port, path="/v1/enroll/bench", pid=server.pid, requests=looping, connections=LOOP,
                          seconds=seconds)
        result = station(drive, server, requests, connections, seconds, None)
        mine = loop.result()
    if "mark_s" in mine:
        result["loop_burst_per_s"] = BURST / mine["mark_s"]
        result["loop_then_per_s"] = (mine["requests"] - BURST) / (mine["elapsed_s"] - mine["mark_s"])
    return result
