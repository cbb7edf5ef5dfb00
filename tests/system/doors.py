"""A line whose doors for step-ca's and cfssl's clients are open, and JSON as Go's encoder writes it."""
import json
import re

from cryptography import x509

import client as clients
import csrs
import home as homes
import server as servers


class Line:
    """A home with a server, a batch, and both doors; enroll is the setting of [server], roles are tokens to make, by their name."""

    def __init__(self, path, enroll="loopback", batches=("lot",), **settings):
        self.home = homes.Home(path).init()
        self.home.configure("doors", "step_ca", "yes")
        self.home.configure("doors", "cfssl", "yes")
        self.home.configure("server", "enroll", enroll)
        for key, value in settings.items():
            self.home.configure("limits", key, value)
        for name in batches:
            self.home.batch(name, 1000000)
        self.server = servers.Server(self.home)
        self.client = clients.Client(self.server)
        self.ca = self.home.ca_pem()

    def token(self, name, *args, role="enroll"):
        return self.home.run("token", "create", "--role", role, name, *args).out.strip()

    def post(self, path, body, **headers):
        """Posts an object as JSON, or bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.request("POST", path, data, {"Content-Type": "application/json", **headers})

    def stop(self):
        self.client.close()
        self.server.stop()


def go(value):
    """What json.NewEncoder(w).Encode(value) of Go writes: no blanks, the order of the members, < > & escaped, a line feed."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    for c in "<>&":
        text = text.replace(c, f"\\u{ord(c):04x}")
    return (text + "\n").encode()


def is_go(answer):
    """Asserts that the body is what Go would have written, and returns it read."""
    value = json.loads(answer.body)
    assert answer.body == go(value), str(answer)
    assert answer.headers.get_all("Content-Length") == [str(len(answer.body))]
    return value


def device():
    """A fresh device: its key, and its CSR as PEM text."""
    key, csr = csrs.fresh()
    return key, csrs.pem(csr).decode()


def leaf(pem):
    return x509.load_pem_x509_certificate(pem.encode())


# what is wrong with a request, made of a good CSR as PEM text, and the code of the problem that /v1 tells
def bent(pem):
    der = csrs.fresh()[1]
    return {
        "not a CSR": ("hello", "csr_malformed"),
        "cut": (pem[:len(pem) // 2], "csr_malformed"),
        "two": (pem + pem, "csr_malformed"),
        "another's signature": (csrs.pem(der[:-4] + bytes(4)).decode(), "csr_signature_invalid"),
    }


SECRETS = re.compile(r"lc[evta][0-9a-v]{52}|BEGIN CERTIFICATE REQUEST|PRIVATE KEY-----")


def check_no_secrets(server):
    """Neither a token nor a CSR nor a key stands in the log."""
    found = SECRETS.search(server.log())
    assert not found, f"in the log: {found.group(0)[:12]}"
