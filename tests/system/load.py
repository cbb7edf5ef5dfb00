"""A line at work: clients that enrol one device after the other until they are stopped or cut off."""
import http.client
import threading

import client
import csrs


class Load:
    """
    threads clients on the batch. held: (CSR, answer body) of every certificate a client has in its hands;
    refused: every other whole answer; cut: what the end of a connection looked like.
    """

    def __init__(self, server, batch, threads=8):
        self.server, self.batch = server, batch
        self.held, self.refused, self.cut, self.asked = [], [], [], []
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.stopping = False
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for t in self.threads:
            t.start()

    def _work(self):
        with client.Client(self.server) as c:
            while not self.stopping:
                _, csr = csrs.fresh()
                with self.lock:
                    self.asked.append(csr)
                try:
                    answer = c.enroll(self.batch, csr)
                except (OSError, http.client.HTTPException) as e:
                    with self.changed:
                        self.cut.append(e)
                        self.changed.notify_all()
                    return
                with self.changed:
                    if answer.status == 201:
                        self.held.append((csr, answer.body))
                    else:
                        self.refused.append(answer)
                    self.changed.notify_all()

    def until(self, count, seconds):
        """Waits until so many certificates are held."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.held) >= count or len(self.cut) == len(self.threads), seconds)
            assert len(self.held) >= count, f"all cut off: {self.cut[:3]}"

    def stop(self, seconds):
        self.stopping = True
        self.join(seconds)

    def join(self, seconds):
        for t in self.threads:
            t.join(seconds)
            assert not t.is_alive(), "a client waits for ever"
