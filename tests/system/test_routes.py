"""What can be read over HTTP, and what is refused there."""
import html
import pathlib
import re
import subprocess

import pytest

import certs
import client
import csrs
import home as homes
import keys
import problems


@pytest.fixture(scope="module")
def stocked(line):
    """The shared line with 25 certificates, every fifth in a second batch."""
    line.home.batch("other", 10)
    line.csrs = [csrs.fresh()[1] for _ in range(25)]
    line.answers = [line.client.enroll("other" if i % 5 == 0 else "lot", csr) for i, csr in enumerate(line.csrs)]
    line.serials = [certs.serial_of(a) for a in line.answers]
    return line


def get(line, path, kind="application/json"):
    answer = line.client.get(path)
    assert (answer.status, answer.type) == (200, kind), f"{path}: {answer}"
    return answer


def listed(line, query=""):
    return get(line, "/v1/certificates" + query).json()["certificates"]


@pytest.mark.short
def test_health(line):
    assert line.client.get("/healthz").status == 200
    assert line.client.get("/readyz").status == 200


@pytest.mark.short
def test_status(stocked):
    status = get(stocked, "/v1/status").json()
    names = {b["name"]: b for b in status["batches"]}
    assert set(names) == {"lot", "other"}
    assert (names["lot"]["issued"], names["other"]["issued"]) == (20, 5)


@pytest.mark.short
def test_batches(stocked):
    rows = get(stocked, "/v1/batches").json()["batches"]
    assert [r["name"] for r in rows] == ["lot", "other"]
    for row in rows:
        assert homes.BATCH_FIELDS <= set(row)
        homes.check_times(row)
        assert get(stocked, f"/v1/batches/{row['name']}").json() == {**row, "refusals": []}
    assert stocked.home.json("batch", "list") == rows


def test_unknown_batch(stocked):
    problems.check(stocked.client.get("/v1/batches/nowhere"), "batch_not_found")
    problems.check(stocked.client.get("/v1/batches/%00"), "batch_not_found", "not_found", "bad_request")


@pytest.mark.short
def test_certificates(stocked):
    rows = listed(stocked)
    assert [r["serial"] for r in rows] == stocked.serials[::-1]
    for row in rows:
        assert homes.CERTIFICATE_FIELDS <= set(row)
        homes.check_times(row)
    cli = stocked.home.certificates()
    assert [{k: r[k] for k in homes.CERTIFICATE_FIELDS} for r in rows] == [{k: r[k] for k in homes.CERTIFICATE_FIELDS} for r in cli]


def test_certificates_filtered(stocked):
    serials = lambda query: [r["serial"] for r in listed(stocked, query)]
    everything = stocked.serials[::-1]
    rows = listed(stocked)
    assert serials("?batch=other") == stocked.serials[::5][::-1]
    assert serials("?limit=3") == everything[:3]
    assert serials("?batch=other&limit=2") == stocked.serials[::5][::-1][:2]
    assert serials("?state=issued") == everything and serials("?state=registered") == []
    assert serials(f"?device={rows[4]['device_id']}") == [rows[4]["serial"]]
    assert serials(f"?serial={rows[7]['serial']}") == [rows[7]["serial"]]
    assert serials("?device=nobody") == []
    assert serials(f"?q={rows[5]['device_id']}") == [rows[5]["serial"]]


@pytest.mark.parametrize("size", [1, 4, 25, 26])
def test_paging(stocked, size):
    """Following `after` sees every row once, also when rows are added meanwhile."""
    seen, after = [], ""
    for _ in range(40):
        answer = get(stocked, f"/v1/certificates?limit={size}{after}").json()
        seen += [r["serial"] for r in answer["certificates"]]
        if answer["next"] is None:
            break
        after = f"&after={answer['next']}"
    assert seen == stocked.serials[::-1]


def test_paging_while_the_line_works(home, start):
    home.batch("lot")
    server = start(home)
    with client.Client(server) as c:
        serials = [certs.serial_of(c.enroll("lot", csrs.fresh()[1])) for _ in range(12)]
        seen, after = [], ""
        for _ in range(4):
            page = [r["serial"] for r in c.get(f"/v1/certificates?limit=3{after}").json()["certificates"]]
            seen += page
            after = f"&after={page[-1]}"
            assert c.enroll("lot", csrs.fresh()[1]).status == 201
        assert seen == serials[::-1]


def followed(c, query):
    """The serials of all pages, and how many rows each page had."""
    serials, sizes, after = [], [], ""
    while True:
        answer = c.get(f"/v1/certificates?{query}{after}").json()
        rows = [r["serial"] for r in answer["certificates"]]
        serials, sizes = serials + rows, sizes + [len(rows)]
        if answer["next"] is None:
            return serials, sizes
        assert len(sizes) < 100 and (not rows or answer["next"] <= rows[-1])
        after = f"&after={answer['next']}"


def test_few_among_many(home, start):
    """Where those of a state lie behind many others a page is short or empty, and not the last; who follows next has all, as the CLI has."""
    subprocess.run([pathlib.Path(homes.BINARY).parent / "make_ledger", home.path / "lineca.db", "50000", "--batch", "old", "--register", "2500",
                    "--parked", "3"], check=True, capture_output=True)
    home.batch("lot")
    with client.Client(start(home)) as c:
        for state, n in (("registered", 2500), ("parked", 3)):
            serials, sizes = followed(c, f"state={state}&limit=1000")
            assert serials == [r["serial"] for r in home.certificates("--state", state)] and len(set(serials)) == n
            assert max(sizes) <= 1000 and (state == "parked" or sizes[:2] == [0, 0])
        newest = [r["serial"] for r in home.certificates("--state", "registered", "--limit", "2")]
        assert newest == followed(c, "state=registered&batch=old")[0][:2]
        for query in ("state=registered&batch=lot", "state=parked&batch=lot", "state=revoked&batch=lot", "state=issued&batch=lot", "state=revoked"):
            assert followed(c, query) == ([], [0])
        assert len(followed(c, "state=issued&limit=1000")[0]) == 50000 - 2503


@pytest.mark.parametrize("query", ["limit=abc", "limit=-1", "limit=0", "limit=1.5", "limit=99999999999999999999",  "after=xyz",
                                   "after=12", "after=" + "7" * 33, "serial=zz", "state=lost", "state=ISSUED"])
def test_malformed_query(stocked, query):
    problems.check(stocked.client.get("/v1/certificates?" + query), "bad_request")


def test_one_certificate(stocked):
    for serial, answer in list(zip(stocked.serials, stocked.answers))[:5]:
        row = get(stocked, f"/v1/certificates/{serial}").json()
        assert homes.CERTIFICATE_FIELDS <= set(row) and row["serial"] == serial
        pem = get(stocked, f"/v1/certificates/{serial}.pem", "application/x-pem-file")
        assert certs.split(pem.body) == certs.split(answer.body)[:1]


@pytest.mark.parametrize("path", ["/v1/certificates/" + "0" * 32, "/v1/certificates/" + "7" * 32 + ".pem", "/v1/certificates/xyz",
                                  "/v1/certificates/" + "7" * 31, "/v1/certificates/" + "7" * 32 + ".der", "/v1/certificates/"])
def test_unknown_certificate(stocked, path):
    problems.check(stocked.client.get(path), "not_found", "bad_request")


def test_chain(line):
    assert get(line, "/v1/ca/chain.pem", "application/x-pem-file").body == line.ca


PATHS = ["/", "/healthz", "/readyz", "/v1/status", "/v1/batches", "/v1/batches/lot", "/v1/certificates", "/v1/ca/chain.pem"]


@pytest.mark.parametrize("path", PATHS)
def test_head(stocked, path):
    """HEAD: the same head as GET, and no body, so that the kept connection goes on in step."""
    body = stocked.client.get(path)
    head = stocked.client.request("HEAD", path)
    assert (head.status, head.body, head.type) == (body.status, b"", body.type)
    assert stocked.client.get("/healthz").status == 200


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize("path", [b"/v1/batches/lot/devices.csv", b"/v1/uploads/reports/upload-1.csv", b"/v1/live"])
def test_head_of_what_has_no_length(stocked, path, version):
    """No length, as GET has none, not a length of 0; the connection ends behind it, and there is not a byte that could be taken for an answer."""
    reports = stocked.home.path / "reports"
    reports.mkdir(exist_ok=True)
    (reports / "upload-1.csv").write_text("a,b\r\n")
    with client.connect(stocked.server) as s:
        s.sendall(b"HEAD %s HTTP/%s\r\nHost: x\r\n\r\n" % (path, version))
        head, end, rest = client.receive(s).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") and b"content-length" not in head.lower() and b"connection: close" in head.lower(), head
    assert end and rest == b""


@pytest.mark.parametrize("path", [*PATHS, "/v1/uploads", "/v1/events", "/v1/search?q=SN", "/v1/batches/lot/devices.csv", "/v1/live", "/v1/session", "/openapi.json",
                                  "/v1/certificates/SERIAL.pem", "/v1/certificates/SERIAL", "/v1/devices/DEVICE", "/v1/uploads/reports/upload-1.csv",
                                  "/nowhere", "/v1/certificates?limit=x", "/v1/enroll/lot"])
def test_nothing_is_kept_or_guessed_at(stocked, path):
    """Lists and refusals alike: no browser and no proxy keeps them, and takes them for what they are."""
    reports = stocked.home.path / "reports"
    reports.mkdir(exist_ok=True)
    (reports / "upload-1.csv").write_text("a,b\r\n")
    path = path.replace("SERIAL", stocked.serials[0]).replace("DEVICE", listed(stocked)[0]["device_id"])
    answer = stocked.client.get(path)
    assert answer.headers.get_all("Cache-Control") == ["no-store"] and answer.headers.get_all("X-Content-Type-Options") == ["nosniff"], str(answer)


@pytest.mark.parametrize("path", ["/app.js", "/icon.svg", "/lang/en.json"])
def test_files_of_the_page_are_asked_about(line, path):
    """They keep their tags: a browser holds them and asks whether they are the same."""
    answer = line.client.get(path)
    assert answer.headers.get_all("Cache-Control") == ["no-cache"] and answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    again = line.client.get(path, **{"If-None-Match": answer.headers["ETag"], "Accept-Encoding": "gzip"})
    assert again.status == 200 and line.client.get(path, **{"If-None-Match": again.headers["ETag"], "Accept-Encoding": "gzip"}).status == 304


def test_an_enrollment_is_kept_by_nobody(line):
    answer = line.client.enroll("lot", csrs.fresh()[1])
    assert answer.status == 201 and answer.headers.get_all("Cache-Control") == ["no-store"]


@pytest.mark.short
@pytest.mark.parametrize("path", ["/nowhere", "/v1", "/v1/", "/v1/enroll/a/b", "/v2/enroll/lot", "/healthz/", "/%2e%2e/lineca.conf",
                                  "/../../etc/passwd", "/v1/certificates/../../lineca.db", "//", "/v1/ca", "/index.php?x=<script>"])
def test_unknown_path(line, path):
    answer = line.client.get(path)
    problems.check(answer, "not_found")
    assert b"<script>" not in answer.body


@pytest.mark.short
@pytest.mark.parametrize("method,path,allow", [
    ("GET", "/v1/enroll/lot", {"POST"}), ("PUT", "/v1/enroll/lot", {"POST"}), ("DELETE", "/v1/enroll", {"POST"}),
    ("GET", "/v1/enroll", {"POST"}), ("POST", "/healthz", {"GET", "HEAD"}), ("DELETE", "/v1/certificates", {"GET", "HEAD"}),
    ("PUT", "/v1/status", {"GET", "HEAD"}), ("PATCH", "/", {"GET", "HEAD"}), ("FROB", "/healthz", {"GET", "HEAD"}),
    ("POST", "/v1/ca/chain.pem", {"GET", "HEAD"}), ("OPTIONS", "/v1/enroll/lot", {"POST"})])
def test_method(line, method, path, allow):
    answer = line.client.request(method, path)
    problems.check(answer, "method_not_allowed")
    said = {m.strip() for m in answer.headers["Allow"].split(",")}
    assert said >= allow - {"HEAD"} and said <= allow | {"OPTIONS"}


@pytest.mark.parametrize("path", PATHS + ["/nowhere", "/v1/certificates?limit=x", "/v1/enroll/lot"])
def test_request_id(stocked, path):
    """Every answer names its request, and no two are the same."""
    ids = [stocked.client.get(path).headers["X-Request-Id"] for _ in range(3)]
    assert all(ids) and len(set(ids)) == 3


def test_a_request_id_from_outside_is_not_believed(line):
    answer = line.client.get("/healthz", **{"X-Request-Id": 'x" forged="1'})
    assert "forged" not in answer.headers["X-Request-Id"]


# ---- the page ----------------------------------------------------------------------------------------------------

@pytest.mark.short
def test_page(stocked):
    page = get(stocked, "/", "text/html").body.decode()
    for row in get(stocked, "/v1/batches").json()["batches"]:
        assert row["name"] in page and str(row["issued"]) in page
    newest = listed(stocked, "?limit=5")
    assert all(r["device_id"] in page for r in newest)
    assert not re.search(r"""(src|href)\s*=\s*["']?\s*(https?:)?//""", page), "fetches nothing from outside"


def test_page_headers(line):
    answer = line.client.get("/")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "charset=utf-8" in answer.headers["Content-Type"].lower()
    assert "default-src" in answer.headers["Content-Security-Policy"]


def test_page_escapes(home, start):
    """Whatever a batch or a device may be called, it is text on the page."""
    names = ["a<b>&'\"", "<script>alert(1)</script>"]
    taken = [n for n in names if home.run("batch", "create", n, "--quantity", 5, code=None).code == 0]
    home.batch("plain")
    with client.Client(start(home)) as c:
        assert c.enroll("plain", csrs.request(keys.elliptic(), csrs.name(
            ("O", "<img src=x onerror=alert(1)>"), ("CN", csrs.device())))).status == 201
        page = c.get("/?q=<script>alert(2)</script>").body.decode()
    assert "<img src=x" not in page and "alert(2)" not in page
    for n in taken:
        assert n not in page and html.escape(n, quote=False) in page


def test_empty_page(home, start):
    with client.Client(start(home)) as c:
        assert c.get("/").status == 200
        assert c.get("/v1/batches").json()["batches"] == []
        assert c.get("/v1/certificates").json()["certificates"] == []
