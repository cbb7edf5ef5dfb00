"""The OpenAPI document: well-formed, whole, and true of every answer that a running server gives."""
import collections
import json
import re

import pytest

import client as clients
import csrs
import home as homes
import keys
import openapi
import problems
import server as servers
import tls
import tokens
import uploads


REPORT = "upload-20261120T020000Z-7.csv"


class Site:
    """A line with every door open, where everything needs a right; each answer is held against the document."""

    def __init__(self, folder):
        self.home = homes.Home(folder / "home").init()
        for section, key, value in (("doors", "est", "plain"), ("doors", "step_ca", "yes"), ("doors", "cfssl", "yes"), ("server", "enroll", "token"),
                                    ("server", "read", "token"), ("limits", "wrong_tokens_per_minute", 100)):
            self.home.configure(section, key, value)
        conf = self.home.path / "lineca.conf"
        conf.write_text(conf.read_text() + "\n[profile keyless]\nserver_keygen = yes\n")
        self.home.batch("lot", 1000)
        self.home.batch("keyless", 1000, "--profile", "keyless")
        self.home.batch("small", 1)
        self.home.batch("held", 5, "--approval")
        self.home.batch("picky", 5, "--pattern", "SN-[0-9]+")
        trusted = tls.serve(self.home)
        self.tokens = {role: tokens.make(self.home, role) for role in tokens.ROLES}
        self.tokens["lot"] = tokens.make(self.home, "enroll", "--batch", "lot")
        self.server = servers.Server(self.home, tls="127.0.0.1:0")
        self.plain = clients.Client(self.server)
        self.secure = clients.Client(self.server, tls=tls.context(trusted))
        self.document = openapi.Document(self.plain.get("/openapi.json").json())
        self.seen = collections.defaultdict(set)    # (method, path): keys of responses
        self.name = csrs.device()
        self.key, self.csr = csrs.fresh(self.name)
        answer = self.ask("post", "/v1/enroll/{batch}", "enroll", {"batch": "lot"}, self.csr)
        self.serial = answer.headers["Location"].rpartition("/")[2]
        self.device = clients.Client(self.server, tls=tls.context(trusted, tls.write(folder / "device", answer.body, self.key)))

    def ask(self, method, path, who=None, arguments=None, body=None, query="", client=None, **headers):
        """One request, as the document has its path; who: the role whose token is shown."""
        filled = re.sub(r"\{(\w+)\}", lambda m: (arguments or {})[m.group(1)], path) + query
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if who is not None:
            headers.update(tokens.bearer(self.tokens[who]))
        answer = (client or self.plain).request(method.upper(), filled, body, headers)
        self.seen[method, path].add(self.document.check_answer(method, path, answer))
        return answer

    def stop(self):
        for c in (self.plain, self.secure, self.device):
            c.close()
        self.server.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("openapi"))
    yield made
    made.stop()


# ---- the document ------------------------------------------------------------------------------------------------

@pytest.mark.short
def test_well_formed(site):
    site.document.check()


def test_the_check_sees_what_is_wrong(site):
    """A check that cannot fail is none."""
    def spoilt(change):
        doc = json.loads(json.dumps(site.document.doc))
        change(doc)
        with pytest.raises((AssertionError, KeyError, openapi.jsonschema.SchemaError)):
            openapi.Document(doc).check()

    spoilt(lambda d: d["paths"]["/v1/status"]["get"].pop("responses"))
    spoilt(lambda d: d["paths"]["/v1/status"]["get"].update(responce={}))
    spoilt(lambda d: d["paths"]["/v1/status"]["get"].update(operationId="batches"))
    spoilt(lambda d: d["paths"]["/v1/batches/{name}"].pop("parameters"))
    spoilt(lambda d: d["paths"]["/v1/batches/{name}"]["parameters"].append({"$ref": "#/components/parameters/nothing"}))
    spoilt(lambda d: d["components"]["schemas"].update(unused={"type": "string"}))
    spoilt(lambda d: d["components"]["schemas"]["batch"]["properties"]["issued"].update(type="whole"))
    spoilt(lambda d: d["components"]["schemas"]["batch"]["examples"][0].update(issued=-1))
    spoilt(lambda d: d["components"]["schemas"]["batch"]["required"].append("colour"))
    spoilt(lambda d: d["paths"]["/v1/status"]["get"]["security"].append({"password": []}))
    spoilt(lambda d: d["components"]["securitySchemes"]["cookie"].pop("in"))


@pytest.mark.short
def test_one_line_and_no_right_needed(site):
    answer = site.ask("get", "/openapi.json")
    assert answer.body.count(b"\n") == 1 and answer.body.endswith(b"}\n")
    assert answer.json()["info"]["version"] == homes.run("version").out.split()[1]


def test_every_code_of_a_problem(site):
    """A new one is described too."""
    assert set(site.document.doc["components"]["schemas"]["problem"]["properties"]["code"]["enum"]) == set(problems.STATUS)


def test_the_methods_are_those_that_exist(site):
    """Of every path that is described: what its 405 allows is what is described, no more and no less."""
    for path, item in site.document.doc["paths"].items():
        described = {m.upper() for m in item if m in openapi.METHODS}
        answer = site.plain.request("PUT", re.sub(r"\{\w+\}", "x", path))
        assert answer.status == 405, f"{path}: {answer}"
        allowed = {m.strip() for m in answer.headers["Allow"].split(",")} - {"OPTIONS"}
        assert allowed - {"HEAD"} == described and ("HEAD" in allowed) == ("GET" in described), path


def test_doors_that_are_switched_off(home, start):
    """Described all the same, and marked with the setting that switches them on."""
    home.configure("doors", "est", "no")
    with clients.Client(start(home)) as c:
        document = openapi.Document(c.get("/openapi.json").json())
        for (method, path), op in document.operations.items():
            gone = c.request(method.upper(), re.sub(r"\{\w+\}", "x", path), b"{}" if "requestBody" in op else None)
            missing = gone.status == 404 and gone.type == "application/problem+json" and gone.json()["code"] == "not_found" and \
                path not in ("/v1/certificates/{serial}", "/v1/certificates/{serial}.pem", "/v1/devices/{device}", "/v1/uploads/reports/{report}",
                         "/js/{file}", "/lang/{file}")
            assert missing == ("x-lineca-door" in op), f"{method} {path}: {gone}"
    assert {op["x-lineca-door"] for op in document.operations.values() if "x-lineca-door" in op} == {"est", "step_ca", "cfssl"}


# ---- the answers -------------------------------------------------------------------------------------------------

@pytest.mark.short
def test_enrolling(site):
    ask = lambda batch, csr, who="enroll", **kw: site.ask("post", "/v1/enroll/{batch}", who, {"batch": batch}, csr, **kw).status
    assert ask("lot", site.csr) == 200 and ask("lot", csrs.fresh()[1]) == 201
    assert ask("lot", csrs.fresh()[1], Accept="application/json") == 201
    assert site.ask("post", "/v1/enroll", "lot", None, csrs.fresh()[1]).status == 201
    assert site.ask("post", "/v1/enroll", "lot", None, site.csr, Accept="application/json").status == 200
    one = lambda csr, who="lot", **kw: site.ask("post", "/v1/enroll", who, None, csr, **kw).status
    assert one(csrs.fresh()[1], "enroll") == 409 and one(b"hello") == 400 and one(csrs.fresh()[1], None) == 401 and one(csrs.fresh()[1], "viewer") == 403
    assert one(b"x" * 20000) == 413 and one(b"x", Content_Type="image/png") == 415
    assert one(csrs.request(keys.elliptic(), csrs.name(("O", "x")))) == 422
    assert ask("small", csrs.fresh()[1]) == 201 and ask("small", csrs.fresh()[1]) == 403
    assert ask("lot", b"hello") == 400 and ask("lot", csrs.fresh()[1], None) == 401 and ask("lot", csrs.fresh()[1], "viewer") == 403
    assert ask("nowhere", csrs.fresh()[1]) == 404 and ask("lot", b"x" * 20000) == 413 and ask("lot", b"x", Content_Type="image/png") == 415
    assert ask("lot", csrs.request(site.key, csrs.name(("CN", csrs.device())))) == 409 and ask("picky", csrs.fresh()[1]) == 403
    assert ask("held", csrs.fresh()[1]) == 403 and ask("lot", csrs.request(keys.elliptic(), csrs.name(("O", "x")))) == 422


@pytest.mark.short
def test_reading(site):
    read = lambda path, query="", status=200, who="viewer", **arguments: site.ask("get", path, who, arguments, query=query).status == status
    assert read("/v1/status") and read("/v1/batches") and read("/v1/uploads") and read("/v1/ca/chain.pem") and read("/v1/events")
    assert read("/v1/batches/{name}", name="lot") and read("/v1/batches/{name}", "", 404, name="nowhere")
    assert read("/v1/certificates", "?limit=1") and read("/v1/certificates", "?batch=lot&state=issued&q=" + site.serial)
    assert read("/v1/certificates", "?limit=0", 400) and read("/v1/certificates", "?batch=nowhere", 404)
    assert read("/v1/certificates/{serial}", serial=site.serial) and read("/v1/certificates/{serial}", "", 404, serial="0" * 32)
    assert read("/v1/certificates/{serial}.pem", serial=site.serial) and read("/v1/certificates/{serial}.pem", "", 404, serial="x")
    assert read("/v1/events", "?before=x", 400)
    assert read("/v1/live")
    assert read("/v1/search", "?q=" + site.serial[:8]) and read("/v1/search", "?q=x", 400)
    assert read("/v1/devices/{device}", device=site.name) and read("/v1/devices/{device}", "", 404, device="nobody")
    assert read("/v1/batches/{name}/devices.csv", name="lot") and read("/v1/batches/{name}/devices.csv", "", 404, name="nowhere")
    (site.home.path / "reports").mkdir()
    (site.home.path / "reports" / REPORT).write_text("a,b\r\n")
    assert read("/v1/uploads/reports/{report}", report=REPORT) and read("/v1/uploads/reports/{report}", "", 404, report="x")
    assert read("/healthz", who=None) and read("/readyz", who=None)
    for path in ("/v1/status", "/v1/batches", "/v1/batches/{name}", "/v1/uploads", "/v1/events", "/v1/certificates", "/v1/certificates/{serial}",
                 "/v1/certificates/{serial}.pem", "/v1/live", "/v1/search", "/v1/devices/{device}", "/v1/batches/{name}/devices.csv",
                 "/v1/uploads/reports/{report}"):
        names = {"name": "lot", "serial": site.serial, "device": site.name, "report": REPORT}
        assert read(path, "", 401, None, **names) and read(path, "", 403, "enroll", **names)


@pytest.mark.short
def test_changing(site):
    make = lambda body, who="technician", **kw: site.ask("post", "/v1/batches", who, None, body, **kw).status
    change = lambda body, who="technician", name="made", **kw: site.ask("patch", "/v1/batches/{name}", who, {"name": name}, body, **kw).status
    retry = lambda body, who="technician", **kw: site.ask("post", "/v1/uploads/retry", who, None, body, **kw).status
    whole = {"name": "made", "quantity": 5, "pattern": "SN.*", "devices": ["SN1", "SN2"], "profile": "default", "approval": True, "reason": "order 88"}
    site.document.check_request("post", "/v1/batches", "application/json", json.dumps(whole))
    assert make(whole) == 201 and make(whole) == 409 and make({"name": "x"}) == 400 and make(b"{") == 400 and make(whole, None) == 401
    assert make(whole, "viewer") == 403 and make(b"x", Content_Type="text/csv") == 415
    for body, who in (({"state": "open"}, "technician"), ({"state": "closed", "reason": "a mistake"}, "technician"), ({"quantity": 7, "reason": "raised"}, "admin")):
        site.document.check_request("patch", "/v1/batches/{name}", "application/json", json.dumps(body))
        assert change(body, who) == 200
    assert change({"quantity": 9, "reason": "raised"}) == 403 and change({"state": "x"}) == 400 and change({"state": "open"}, None) == 401
    assert change({"state": "open"}, name="nowhere") == 404 and change(b"x" * 5000) == 413 and change(b"x", Content_Type="text/csv") == 415
    assert change({"quantity": 1, "reason": "lowered"}, "admin", "lot") == 409
    for body in ({}, {"batch": "lot"}):
        site.document.check_request("post", "/v1/uploads/retry", "application/json", json.dumps(body))
        assert retry(body) == 200
    assert retry(None) == 200 and retry({"batch": "nowhere"}) == 404 and retry({"all": 1}) == 400 and retry({}, "viewer") == 403 and retry({}, None) == 401
    assert retry(b"x" * 5000) == 413 and retry(b"x", Content_Type="text/csv") == 415
    assert site.ask("get", "/v1/events", "viewer", query="?limit=2").json()["next"] is not None


@pytest.mark.short
def test_what_technicians_do_to_a_device(site):
    cn = csrs.device()
    serial = site.ask("post", "/v1/enroll/{batch}", "enroll", {"batch": "lot"}, csrs.fresh(cn)[1]).headers["Location"].rpartition("/")[2]
    for path, arguments, nobody in (("/v1/devices/{device}/rework", {"device": cn}, {"device": "nobody"}),
                                    ("/v1/certificates/{serial}/revoke", {"serial": serial}, {"serial": "0" * 32})):
        do = lambda body, who="technician", arguments=arguments, path=path, **kw: site.ask("post", path, who, arguments, body, **kw).status
        why = {"reason": "burnt"}
        site.document.check_request("post", path, "application/json", json.dumps(why))
        assert do({}) == 400 and do(why, None) == 401 and do(why, "viewer") == 403 and do(why, arguments=nobody) == 404
        assert do(b"x" * 5000) == 413 and do(b"x", Content_Type="text/csv") == 415 and do(why) == 200
    assert site.ask("get", "/v1/devices/{device}", "viewer", {"device": cn}).json()["certificates"][0]["state"] == "revoked"


@pytest.mark.short
def test_signing_in(site):
    path = "/v1/session"
    assert site.ask("get", path).json()["role"] == "nobody"
    assert site.ask("post", path, "technician").status == 201
    answer = site.ask("post", path, None, None, {"token": site.tokens["viewer"]})
    assert answer.status == 201
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    assert site.ask("get", path, Cookie=cookie).json()["csrf"] == answer.json()["csrf"]
    assert site.ask("post", path, None, None, {"token": "x"}).status == 401 and site.ask("post", path).status == 401
    assert site.ask("post", path, "enroll").status == 403 and site.ask("delete", path, Sec_Fetch_Site="cross-site").status == 403
    assert site.ask("post", path, None, None, b"x" * 5000).status == 413 and site.ask("post", path, None, None, b"x", Content_Type="a/b").status == 415
    assert site.ask("delete", path, Cookie=cookie, X_CSRF_Token=answer.json()["csrf"]).status == 204
    assert site.ask("get", path, Cookie=cookie).status == 401


@pytest.mark.short
def test_page(site):
    assert site.ask("get", "/", "viewer").status == 200
    assert site.ask("get", "/").status == 401
    for path in ("/icon.svg", "/app.js", "/style.css"):
        assert site.ask("get", path).status == 200
    for path, there in (("/js/{file}", "line.js"), ("/lang/{file}", "en.json")):
        assert site.ask("get", path, None, {"file": there}).status == 200 and site.ask("get", path, None, {"file": "none.js"}).status == 404


@pytest.mark.parametrize("label", ["", "{label}/"])
def test_est(site, label):
    media = {"Content_Type": "application/pkcs10"}

    def ask(method, operation, who=None, csr=None, batch="keyless", **kw):
        body = csrs.wrapped(csr).encode() if csr else None
        return site.ask(method, f"/.well-known/est/{label}{operation}", who, {"label": batch}, body, **(media if csr else {}), **kw).status

    who = "enroll" if label else "lot"
    assert ask("get", "cacerts") == 200 and ask("get", "csrattrs") == 200
    assert ask("post", "simpleenroll", who, csrs.fresh()[1]) == 200 and ask("post", "simpleenroll", None, csrs.fresh()[1]) == 401
    assert ask("post", "simpleenroll", "viewer", csrs.fresh()[1]) == 403 and ask("post", "simpleenroll", who, b"x") == 400
    assert ask("post", "simplereenroll", None, site.csr, "lot", client=site.device) == 200
    assert ask("post", "simplereenroll", who, csrs.fresh()[1]) == 403 and ask("post", "simplereenroll", None, csrs.fresh()[1]) == 401
    assert ask("post", "fullcmc") == 501
    assert ask("post", "serverkeygen", who, csrs.fresh()[1], client=site.secure) == (200 if label else 403)
    assert ask("post", "serverkeygen", None, csrs.fresh()[1]) == 401
    if label:
        assert ask("post", "simpleenroll", who, csrs.fresh()[1], "held") == 202 and ask("get", "cacerts", batch="nowhere") == 404
    else:
        keyless = tokens.make(site.home, "enroll", "--batch", "keyless")
        site.tokens["keyless"] = keyless
        assert ask("post", "serverkeygen", "keyless", csrs.fresh()[1], client=site.secure) == 200


@pytest.mark.short
def test_step(site):
    for path in ("/1.0/sign", "/sign"):
        sign = lambda body, **kw: site.ask("post", path, None, None, body, **kw).status
        body = {"csr": csrs.pem(csrs.fresh()[1]).decode(), "ott": site.tokens["lot"]}
        site.document.check_request("post", path, "application/json", json.dumps(body))
        assert sign(body) == 201 and sign({}) == 400 and sign({**body, "ott": "x"}) == 401 and sign({**body, "ott": site.tokens["viewer"]}) == 403
        assert sign(b"x" * 70000) == 413
    root = site.home.json("ca", "list")[0]["fingerprint"]
    assert site.ask("get", "/root/{sha256}", None, {"sha256": root}).status == 200 and site.ask("get", "/root/{sha256}", None, {"sha256": "x"}).status == 404
    assert [site.ask("get", path).status for path in ("/health", "/version", "/roots", "/roots.pem")] == [200, 200, 201, 200]


@pytest.mark.short
def test_cfssl(site):
    sign = lambda body, who="enroll": site.ask("post", "/api/v1/cfssl/sign", who, None, body).status
    body = {"certificate_request": csrs.pem(csrs.fresh()[1]).decode(), "label": "lot"}
    for more in ({}, {"hosts": ["a"], "hostname": "b", "subject": {}, "serial": 1, "profile": "x"}):
        site.document.check_request("post", "/api/v1/cfssl/sign", "application/json", json.dumps({**body, **more}))
        assert sign({**body, **more}) == 200
    assert sign({}) == 400 and sign(body, None) == 400 and sign(body, "viewer") == 403 and sign(b"x" * 70000) == 413
    info = lambda body: site.ask("post", "/api/v1/cfssl/info", None, None, body).status
    assert info({"label": "lot"}) == 200 and info({"label": "nowhere"}) == 400


def ways_to_enroll(who):
    """(path, arguments of a request) through each door, with that token."""
    csr = csrs.fresh()[1]
    text = csrs.pem(csr).decode()
    js = {"Content-Type": "application/json"}
    return {
        "/v1/enroll": (csr, tokens.bearer(who)),
        "/.well-known/est/simpleenroll": (csrs.wrapped(csr).encode(), {"Content-Type": "application/pkcs10", **tokens.bearer(who)}),
        "/sign": (json.dumps({"csr": text, "ott": who}).encode(), js),
        "/api/v1/cfssl/sign": (json.dumps({"certificate_request": text}).encode(), {**js, **tokens.bearer(who)}),
    }


@pytest.mark.parametrize("setting,value,wanted", [("limits", "wrong_tokens_per_minute", (429, 429, 429, 429)), ("guard", "disk_reserve_mib", (507, 503, 507, 507))])
def test_later(tmp_path, setting, value, wanted):
    """A guesser, and a disk that is nearly full: every door says when to come back."""
    home = homes.Home(tmp_path / "home").init()
    for section, key, text in ((setting, value, 1 if setting == "limits" else 1 << 40), ("doors", "est", "plain"), ("doors", "step_ca", "yes"),
                               ("doors", "cfssl", "yes"), ("server", "enroll", "token")):
        home.configure(section, key, text)
    home.batch("lot", 5)
    with servers.Server(home) as server, clients.Client(server) as c:
        document = openapi.Document(c.get("/openapi.json").json())
        token = tokens.make(home, "enroll")
        if setting == "limits":
            token = tokens.wrong()
            assert any(c.get("/v1/batches", **tokens.bearer(token)).status == 429 for _ in range(50))
        for status, (path, (body, headers)) in zip(wanted, ways_to_enroll(token).items()):
            answer = c.request("POST", path, body, headers)
            assert answer.status == status and int(answer.headers["Retry-After"]) > 0, f"{path}: {answer}"
            document.check_answer("post", path, answer)
        if setting == "guard":
            assert document.check_answer("get", "/readyz", c.get("/readyz")) == "507"


def test_everything_was_asked(site):
    """Runs last: each operation has been seen to succeed in each way that is described, and to refuse where it can."""
    missing = []
    for (method, path), op in site.document.operations.items():
        seen = site.seen[method, path]
        for status in op["responses"]:
            hard = status in HARD or (method, path, status) in HARD
            if status != "default" and status not in seen and not hard:
                missing.append(f"{method} {path} {status}")
    assert not missing, "\n".join(missing)


# what needs a broken line server or a crowd; tests of the guards and of the limits have them
HARD = {
    "429", "503", "507",
    ("post", "/v1/batches", "413"),                                 # 4 MiB
    *(("post", f"/.well-known/est/{label}{operation}", "202") for label in ("", "{label}/") for operation in ("simplereenroll", "serverkeygen")),
    ("post", "/.well-known/est/simpleenroll", "202"),
}


# ---- with an upload behind it ------------------------------------------------------------------------------------

def test_after_an_upload(tmp_path, cloud):
    """A registered and a parked certificate, a run, reasons: the members that an idle line does not have."""
    plant = uploads.Plant(tmp_path, cloud)
    plant.register_ca()
    ids = plant.queue(2)
    cloud.faults({"kind": "error", **uploads.BAD_ROW, **uploads.REGISTER, "subjects": ids[:1]})
    plant.upload(code=3)
    with servers.Server(plant.home) as server, clients.Client(server) as c:
        document = openapi.Document(c.get("/openapi.json").json())
        upload = c.get("/v1/uploads")
        assert document.check_answer("get", "/v1/uploads", upload) == "200"
        assert upload.json()["last_run"] and upload.json()["reasons"] and upload.json()["batches"]
        for row in plant.certificates():
            shown = c.get(f"/v1/certificates/{row['serial']}")
            assert document.check_answer("get", "/v1/certificates/{serial}", shown) == "200" and shown.json()["registrations"]
        assert document.check_answer("get", "/v1/certificates", c.get("/v1/certificates")) == "200"
        assert document.check_answer("get", "/v1/status", c.get("/v1/status")) == "200"
