"""
Who may do what: every route, asked by everybody, under every setting. The table of rights is written down here once more, by hand; the routes are
those that /openapi.json names. LINECA_MATRIX names a file for the matrix of what was expected and what was seen.
"""
import hashlib
import json
import os

import pytest

import certs
import client
import csrs
import home as homes
import server as servers
import tls
import tokens

# without anything; with a certificate of the CA that lineca.conf names; with one of this line, asking for itself
NOBODY, CERTIFICATE, DEVICE = "nobody", "certificate", "device"
ASKERS = (NOBODY, *tokens.ROLES, CERTIFICATE, DEVICE)

RIGHTS = {
    "anyone": {NOBODY, "enroll", "viewer", "technician", "admin", CERTIFICATE, DEVICE},
    "enroll": {"enroll", "technician", "admin"},
    "renew": {"enroll", "technician", "admin", DEVICE},
    "read": {"viewer", "technician", "admin"},
    "change": {"technician", "admin"},
    "admin": {"admin"},
    "sign_in": {"viewer", "technician", "admin"},
}

# setting: lineca.conf, what is open to all, who enrols instead of those above
REPORT = "upload-20261120T020000Z-7.csv"
SETTINGS = {
    "loopback": ({}, {"enroll", "read"}, None),
    "token": ({"enroll": "token", "read": "token"}, set(), None),
    "certificate": ({"enroll": "certificate", "read": "open"}, {"read"}, {CERTIFICATE, DEVICE}),
    "either": ({"enroll": "token_or_certificate", "read": "token"}, set(), {CERTIFICATE, DEVICE, *RIGHTS["enroll"]}),
}

# what differs from x-lineca-access: the page is for readers, and offers everybody else to sign in
PAGE = ("get", "/")


class Site:
    """A line with every door open, under one setting; TLS, so that certificates can be shown."""

    def __init__(self, folder, setting):
        self.setting = setting
        self.home = homes.Home(folder / "home").init()
        settings, self.open, self.enrolls = SETTINGS[setting]
        for key, value in settings.items():
            self.home.configure("server", key, value)
        for key, value in (("est", "plain"), ("step_ca", "yes"), ("cfssl", "yes")):
            self.home.configure("doors", key, value)
        self.home.batch("lot", 100000)
        authority = tls.Authority(folder)
        self.home.configure("tls", "client_ca", authority.path)
        trusted = tls.serve(self.home)
        self.tokens = {role: tokens.make(self.home, role) for role in tokens.ROLES}
        self.server = servers.Server(self.home, tls="127.0.0.1:0")
        own = authority.issue("station", "client")
        self.clients = {CERTIFICATE: client.Client(self.server, tls=tls.context(trusted, own)),
                        NOBODY: client.Client(self.server, tls=tls.context(trusted))}
        self.root = hashlib.sha256(certs.split(self.home.ca_pem())[0]).hexdigest()
        key, self.device_csr = csrs.fresh()
        who = CERTIFICATE if setting == "certificate" else "technician"
        answer = self.ask(who, "post", "/v1/enroll/lot", self.device_csr)
        self.serial = certs.serial_of(answer)
        self.other = csrs.device()      # one that may be revoked and reworked
        self.other_serial = certs.serial_of(self.ask(who, "post", "/v1/enroll/lot", csrs.fresh(self.other)[1]))
        (self.home.path / "reports").mkdir()
        (self.home.path / "reports" / REPORT).write_text("a,b\r\n")
        own = tls.write(folder / "device", answer.body, key)
        self.clients[DEVICE] = client.Client(self.server, tls=tls.context(trusted, own))

    def ask(self, who, method, path, body=None, headers=None):
        headers = {**(headers or {}), **(tokens.bearer(self.tokens[who]) if who in self.tokens else {})}
        return self.clients.get(who, self.clients[NOBODY]).request(method.upper(), path, body, headers)

    def may(self, who, right):
        if right in self.open or (right == "renew" and "enroll" in self.open):
            return True
        if right in ("enroll", "renew") and self.enrolls is not None:
            return who in self.enrolls
        return who in RIGHTS[right]

    def stop(self):
        for c in self.clients.values():
            c.close()
        self.server.stop()


@pytest.fixture(scope="module", params=SETTINGS)
def site(request, tmp_path_factory):
    made = Site(tmp_path_factory.mktemp(request.param), request.param)
    yield made
    made.stop()


def routes(site):
    """(method, path, right) of every route that is on."""
    body = site.ask(NOBODY, "get", "/openapi.json").body
    document = json.loads(body)
    found = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "x-lineca-access" in operation:
                found.append((method, path, operation["x-lineca-access"]))
    assert len(found) > 40
    return sorted(found, key=lambda route: (route[1], route[0]))


def json_body(**members):
    return json.dumps(members).encode(), {"Content-Type": "application/json"}


def request_for(method, path, csr):
    """A body and headers that get past everything but the question of who asks."""
    if method == "get" or path == "/v1/session":
        return None, {}
    if path == "/v1/batches":
        return json_body(name=csrs.device(), quantity=1, approval=True)    # lot stays the one that is open
    if path == "/v1/uploads/retry":
        return json_body()
    if path.endswith(("/revoke", "/rework")):
        return json_body(reason="the walk over all routes")
    if path.startswith("/v1/batches/"):
        return json_body(state="open")
    if path.endswith("serverkeygen") or "enroll" in path or path.endswith("fullcmc"):
        return csr, {"Content-Type": "application/pkcs10"}
    text = csrs.pem(csr).decode()
    if "cfssl" in path:
        return json_body(certificate_request=text)
    return json_body(csr=text)


def fill(path, site):
    """The path with something in place of {name}."""
    if path == "/v1/search":
        return path + "?q=" + site.other
    if path.endswith("/revoke"):
        path = path.replace("{serial}", site.other_serial)
    for name, value in (("{device}", site.other), ("{report}", REPORT), ("{file}", "en.json" if "lang" in path else "line.js"), ("{serial}", site.serial), ("{name}", "lot"), ("{batch}", "lot"), ("{label}", "lot"), ("{sha256}", site.root)):
        path = path.replace(name, value)
    assert "{" not in path, path
    return path


def verdict(path, answer):
    """"ok", or how it was refused. In the words of the door: cfssl and step-ca know no 401 where nothing was shown."""
    if answer.status < 400:
        return "ok"
    if "cfssl" in path and answer.status == 400:
        message = answer.json()["errors"][0]["message"]
        return "401" if message.startswith(("authentication required: ", "invalid token: ")) else "400"
    if path.endswith("/sign") and answer.status == 400 and answer.json()["message"] == "The request could not be completed: missing ott.":
        return "401"
    return str(answer.status)


def expected(site, who, method, path, right):
    if path.endswith("fullcmc"):
        return "501"
    if (method, path) == PAGE:
        return "ok" if site.may(who, "read") else "401"
    if site.may(who, right):
        return "403" if refuses(who, path) else "ok"
    return "403" if who in tokens.ROLES else "401"


def refuses(who, path):
    """Whoever asks: serverkeygen needs a profile that makes keys, simplereenroll the certificate of the device."""
    return path.endswith("serverkeygen") or (path.endswith("simplereenroll") and who != DEVICE)


def tell(site, rows):
    """The matrix, in print and into the file that LINECA_MATRIX names: what was seen, and !=WANTED where it differs."""
    lines = [f"setting: {site.setting}", f"{'route':52} {'right':8} " + " ".join(f"{who:11}" for who in ASKERS)]
    for method, path, right, cells in rows:
        shown = [seen if seen == want else f"{seen}!={want}" for want, seen in cells]
        lines.append(f"{method.upper() + ' ' + path:52} {right:8} " + " ".join(f"{cell:11}" for cell in shown))
    text = "\n".join(lines) + "\n\n"
    print(text)
    if os.environ.get("LINECA_MATRIX"):
        with open(os.environ["LINECA_MATRIX"], "a", encoding="utf-8") as f:
            f.write(text)
    return [line for line in lines if "!=" in line]


def test_every_route_with_every_role(site):
    rows = []
    for method, path, right in routes(site):
        cells = []
        for who in ASKERS:
            body, headers = request_for(method, path, site.device_csr if who == DEVICE else csrs.fresh()[1])
            answer = site.ask(who, method, fill(path, site), body, headers)
            cells.append((expected(site, who, method, path, right), verdict(path, answer)))
        rows.append((method, path, right, cells))
    # PATCH asks for a further right where the quantity changes
    cells = []
    for who in ASKERS:
        body, headers = json_body(quantity=100000 + len(cells), reason="more")
        cells.append(("ok" if site.may(who, "admin") else "403" if who in tokens.ROLES else "401",
                      verdict("", site.ask(who, "patch", "/v1/batches/lot", body, headers))))
    rows.append(("patch", "/v1/batches/{name} quantity", "admin", cells))
    wrong = tell(site, rows)
    assert not wrong, "\n".join(wrong)


def test_every_way_to_show_a_token(site):
    """Basic and a signed-in page open what Bearer opens, and nothing else."""
    nobody = site.clients[NOBODY]
    for role in tokens.ROLES:
        ways = {"basic": tokens.basic(site.tokens[role], "estuser")}
        if role in RIGHTS["sign_in"]:
            ways["cookie"] = tokens.signed_in(nobody, site.tokens[role])
        for method, path, right in routes(site):
            # the door of cfssl and step-ca, signing in and out: no business of a page; what EST does with a token is tested there
            if not path.startswith("/v1/") or path == "/v1/session":
                continue
            for way, shown in ways.items():
                body, headers = request_for(method, path, csrs.fresh()[1])
                answer = nobody.request(method.upper(), fill(path, site), body, {**headers, **shown})
                assert verdict(path, answer) == expected(site, role, method, path, right), f"{way} {role} {method} {path}: {answer}"


@pytest.mark.short
def test_methods_and_paths_that_are_none(site):
    """405 and 404 say nothing about rights, and give none."""
    for method, path, status in (("DELETE", "/v1/batches/lot", 405), ("PUT", "/v1/batches", 405), ("PATCH", "/v1/uploads/retry", 405),
                                 ("GET", "/v1/batches/", 404), ("GET", "/v1/Batches", 404), ("POST", "//v1/batches", 404),
                                 ("GET", "/v1/batches/lot/", 404), ("GET", "/v1/./batches", 404), ("GET", "/v1/tokens", 404)):
        for who in (NOBODY, "admin"):
            answer = site.ask(who, method, path)
            assert answer.status == status, f"{method} {path} as {who}: {answer}"


@pytest.mark.short
def test_head_needs_the_right_of_get(site):
    for method, path, right in routes(site):
        if method == "get":
            for who in (NOBODY, "enroll", "viewer"):
                got, head = (site.ask(who, m, fill(path, site)) for m in ("get", "head"))
                assert got.status == head.status and head.body == b"", f"{path} as {who}: {got} {head}"
