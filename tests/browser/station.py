"""Devices on the line: real keys, real CSRs, real refusals."""
import client
import csrs
import keys

OTHER = keys.elliptic()


def not_its_own_key(cn):
    """A CSR signed with another key: no proof of possession."""
    return csrs.request(keys.elliptic(), csrs.name(("CN", cn)), signer=OTHER)


class Station:
    """Where devices are tested: it posts to a server. The rest is as client.Client has it: tls, source, headers (tokens.bearer)."""

    def __init__(self, server, **kw):
        self.client = client.Client(server, **kw)

    def issue(self, batch, count=1, cn=None):
        """So many new devices (or the one named cn); their ids."""
        return [self.enroll(batch, cn)["device_id"] for _ in range(count)]

    def enroll(self, batch, cn=None, key=None):
        """One device; its certificate object."""
        answer = self.post(batch, csrs.plain(key or keys.elliptic(), cn or csrs.device()))
        assert answer.status in (200, 201), str(answer)
        return answer.json()

    def post(self, batch, csr):
        return self.client.enroll(batch, csr, accept="application/json")

    def refuse(self, code, batch="lot", cn=None, **known):
        """
        A request that is refused with that code; the device id in it. Some want something first: device_exists and
        key_reused issue in the batch, batch_closed, batch_full, device_not_listed want such a batch.
        """
        cn = cn or csrs.device()
        if code == "device_exists":
            self.issue(batch, cn=cn)
            csr = csrs.fresh(cn)[1]
        elif code == "key_reused":
            key = keys.elliptic()
            self.enroll(batch, key=key)
            csr = csrs.plain(key, cn)
        elif code == "csr_malformed":
            csr = b"no request at all"
        elif code == "csr_signature_invalid":
            csr = not_its_own_key(cn)
        elif code == "key_rejected":
            csr = csrs.plain(keys.elliptic(keys.ec.SECP224R1), cn)
        elif code == "subject_rejected":
            csr = csrs.fresh("what is this?")[1]
        elif code == "batch_not_found":
            batch, csr = "no-such-batch", csrs.fresh(cn)[1]
        else:
            csr = csrs.fresh(cn)[1]
        answer = self.post(batch, csr)
        assert answer.status >= 400 and answer.json()["code"] == code, str(answer)
        return cn

    def close(self):
        self.client.close()
