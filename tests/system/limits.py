"""How long a test may wait. LINECA_SLOW_FACTOR stretches it (sanitizers, slow machines)."""
import os
import time

FACTOR = float(os.environ.get("LINECA_SLOW_FACTOR", "1"))


def seconds(s):
    return s * FACTOR


def wait_for(what, probe, s=10):
    """Polls probe until it answers something true, and returns that."""
    end = time.monotonic() + seconds(s)
    while True:
        got = probe()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds(s):.0f} s in vain for {what}")
        time.sleep(0.01)
