"""
How often, how fast and how many at a time each operation was called. ok: calls that took effect, whether or not the client got
the answer; errors: all others by code, or by the kind of the fault that kept them from happening. Calls at a time are those
between the arrival of the request and its answer, waiting included.
"""
import collections
import time


class Rate:
    """The most events in any window of one second, the window sliding."""

    def __init__(self):
        self.times, self.most = collections.deque(), 0

    def add(self, now):
        times = self.times
        times.append(now)
        while times[0] <= now - 1:
            times.popleft()
        self.most = max(self.most, len(times))


class Counter:
    def __init__(self):
        self.calls = self.ok = self.throttled = self.faults = self.running = self.most_running = 0
        self.errors = {}
        self.rate, self.admitted = Rate(), Rate()

    def begin(self, now):
        self.calls += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.rate.add(now)

    def json(self):
        return {"calls": self.calls, "ok": self.ok, "throttled": self.throttled, "faults": self.faults, "errors": self.errors,
                "running": self.running, "max_concurrent": self.most_running, "max_per_second": self.rate.most,
                "max_admitted_per_second": self.admitted.most}


class Counters:
    """By operation, by operation and target ("ACCOUNT/REGION"), and for all calls together."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.all, self.operations, self.targets = Counter(), {}, {}
        self.connections = 0

    def begin(self, operation):
        own = self.operations.get(operation) or self.operations.setdefault(operation, Counter())
        found = [self.all, own]
        now = time.monotonic()
        for counter in found:
            counter.begin(now)
        return found

    def target(self, found, operation, target):
        """The call turned out to be for this target."""
        operations = self.targets.setdefault(target, {})
        counter = operations.get(operation) or operations.setdefault(operation, Counter())
        counter.begin(time.monotonic())
        found.append(counter)

    @staticmethod
    def admit(found):
        now = time.monotonic()
        for counter in found:
            counter.admitted.add(now)

    @staticmethod
    def note(found, code=None, throttled=False, fault=False):
        for counter in found:
            counter.throttled += throttled
            counter.faults += fault
            if code is None:
                counter.ok += 1
            else:
                counter.errors[code] = counter.errors.get(code, 0) + 1

    @staticmethod
    def end(found):
        for counter in found:
            counter.running -= 1

    def json(self):
        return {"all": self.all.json(), "connections": self.connections,
                "operations": {name: c.json() for name, c in self.operations.items()},
                "targets": {t: {name: c.json() for name, c in ops.items()} for t, ops in self.targets.items()}}
