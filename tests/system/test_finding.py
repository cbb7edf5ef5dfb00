"""Finding one device, taking lists away, and what technicians may do to a device: revoke its certificate, allow a rework."""
import csv
import io
import pathlib
import socket
import subprocess

import pytest

import client
import csrs
import home as homes
import limits
import problems
import tokens

MAKE_LEDGER = pathlib.Path(homes.BINARY).parent / "make_ledger"


@pytest.fixture
def site(home, start):
    home.batch("lot", 1000)
    badge = tokens.make(home, "technician", name="anna")
    return home, client.Client(start(home)), {"Authorization": f"Bearer {badge}"}


def enrolled(c, cn=None, batch="lot"):
    cn = cn or csrs.device()
    key, csr = csrs.fresh(cn)
    answer = c.enroll(batch, csr, accept="application/json")
    assert answer.status == 201, str(answer)
    return answer.json(), csr


def search(c, q, **more):
    query = "&".join(f"{k}={v}" for k, v in {"q": q, **more}.items())
    return c.get(f"/v1/search?{query}").json()


@pytest.mark.short
def test_search(site):
    _, c, _ = site
    found = {}
    for name in ("SN000001", "SN000002", "SN000010", "XX1"):
        found[name], _ = enrolled(c, name)
    for q, names in (("SN00000", ["SN000001", "SN000002"]), ("SN", ["SN000001", "SN000002", "SN000010"]), ("SN000010", ["SN000010"])):
        answer = search(c, q)
        assert sorted(f["device_id"] for f in answer["found"]) == names and not answer["more"]
        assert {f["matched"] for f in answer["found"]} == {"device_id"}
    for member, kind in (("serial", "serial"), ("certificate_id", "certificate_id")):
        whole = found["XX1"][member]
        for q in (whole, whole.upper(), whole[:24], "%20" + whole + "%0D%0A"):
            (one,) = search(c, q)["found"]
            assert (one["device_id"], one["matched"], one["serial"]) == ("XX1", kind, found["XX1"]["serial"])
    assert search(c, "ZZ") == {"found": [], "more": False, "refusals": []}
    assert len(search(c, "SN", limit=2)["found"]) == 2 and search(c, "SN", limit=2)["more"]
    for q in ("", "S", "%20"):
        problems.check(c.get(f"/v1/search?q={q}"), "bad_request")
    problems.check(c.get("/v1/search?q=SN&limit=0"), "bad_request")


@pytest.mark.short
def test_a_device(site):
    home, c, _ = site
    home.batch("second", 5)
    cn = csrs.device()
    first, csr = enrolled(c, cn)
    assert c.enroll("second", csr).status == 201
    answer = c.get(f"/v1/devices/{cn}").json()
    assert answer["device_id"] == cn and answer["rework"] is None and answer["events"] == [] and answer["more"] is False
    assert [x["batch"] for x in answer["certificates"]] == ["second", "lot"]
    assert answer["certificates"][1]["serial"] == first["serial"] and answer["certificates"][0]["registrations"] == []
    problems.check(c.get("/v1/devices/nobody"), "not_found")


def test_a_device_of_many_batches(site):
    """The newest 100 of its certificates, and that there are more."""
    home, c, _ = site
    cn = csrs.device()
    first, csr = enrolled(c, cn)
    for i in range(99):
        home.batch(f"lot-{i}", 1)
        assert c.enroll(f"lot-{i}", csr).status == 201
    answer = c.get(f"/v1/devices/{cn}").json()
    assert len(answer["certificates"]) == 100 and answer["certificates"][-1]["serial"] == first["serial"] and answer["more"] is False
    home.batch("last", 1)
    assert c.enroll("last", csr).status == 201
    answer = c.get(f"/v1/devices/{cn}").json()
    assert [x["batch"] for x in answer["certificates"]] == ["last"] + [f"lot-{i}" for i in reversed(range(99))] and answer["more"] is True
    assert c.get(f"/v1/certificates?device={cn}&limit=1000").json()["certificates"][-1]["serial"] == first["serial"]


@pytest.mark.short
def test_revoke(site):
    home, c, anna = site
    one, csr = enrolled(c)
    path = f"/v1/certificates/{one['serial']}/revoke"
    js = {"Content-Type": "application/json", **anna}
    problems.check(c.request("POST", path, b'{"reason":"x"}', {"Content-Type": "application/json"}), "unauthorized")
    problems.check(c.request("POST", path, b"{}", js), "bad_request")
    answer = c.request("POST", path, b'{"reason":"burnt board"}', js)
    assert answer.status == 200, str(answer)
    got = answer.json()
    assert (got["state"], got["revoked_by"], got["revoked_reason"]) == ("revoked", "token:anna", "burnt board") and got["revoked_at"]
    assert c.get(f"/v1/certificates/{one['serial']}").json()["state"] == "revoked"
    assert "revoked" in problems.check(c.enroll("lot", csr), "forbidden")["detail"]
    (event,) = c.get(f"/v1/devices/{one['device_id']}").json()["events"]
    assert (event["action"], event["actor"], event["reason"]) == ("certificate.revoke", "token:anna", "burnt board")
    problems.check(c.request("POST", "/v1/certificates/00/revoke", b'{"reason":"x"}', js), "not_found")
    shown = home.batch_show("lot")
    assert shown["issued"] == 1 and (shown["parked"], shown["revoked"], shown["revoking"]) == (0, 1, 1)


@pytest.mark.short
def test_rework(site):
    """A technician's leave lets one new key pass, once."""
    home, c, anna = site
    cn = csrs.device()
    enrolled(c, cn)
    again = csrs.fresh(cn)[1]
    problems.check(c.enroll("lot", again), "device_exists")
    js = {"Content-Type": "application/json", **anna}
    answer = c.request("POST", f"/v1/devices/{cn}/rework", b'{"reason":"new board"}', js)
    assert answer.status == 200 and answer.json()["rework"]["reason"] == "new board"
    assert c.get(f"/v1/devices/{cn}").json()["rework"]["actor"] == "token:anna"
    assert c.enroll("lot", again).status == 201 and c.enroll("lot", again).status == 200
    assert c.get(f"/v1/devices/{cn}").json()["rework"] is None
    problems.check(c.enroll("lot", csrs.fresh(cn)[1]), "device_exists")
    problems.check(c.request("POST", "/v1/devices/nobody/rework", b'{"reason":"x"}', js), "not_found")
    assert home.batch_show("lot")["issued"] == 2


def test_csv(site):
    home, c, _ = site
    home.batch("big", 2000)
    made = [enrolled(c, batch="big")[0] for _ in range(501)]
    answer = c.get("/v1/batches/big/devices.csv")
    assert answer.status == 200 and answer.type == "text/csv" and "big.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [r["serial"] for r in rows] == [m["serial"] for m in reversed(made)]
    assert rows[0]["device_id"] == made[-1]["device_id"] and rows[0]["certificate_id"] == made[-1]["certificate_id"]
    empty = c.get("/v1/batches/lot/devices.csv").body.decode().splitlines()
    assert empty == ["device_id,serial,state,certificate_id,issued_at"]
    problems.check(c.get("/v1/batches/none/devices.csv"), "batch_not_found")


def test_reports(site):
    home, c, _ = site
    folder = home.path / "reports"
    folder.mkdir()
    (folder / "upload-20261120T020000Z-7.csv").write_bytes(b"a,b\r\n" * 50000)
    (folder / "other.csv").write_bytes(b"secret")
    assert c.get("/v1/uploads").json()["reports"] == [{"name": "upload-20261120T020000Z-7.csv", "bytes": 250000}]
    assert c.get("/v1/uploads/reports/upload-20261120T020000Z-7.csv").body == b"a,b\r\n" * 50000
    for name in ("other.csv", "upload-1.csv", "..%2flineca.conf", "upload-..%2f..%2flineca.conf", "upload-x"):
        problems.check(c.get(f"/v1/uploads/reports/{name}"), "not_found")


# ---- lists that take long

REPORT = "upload-20261120T020000Z-7.csv"


def begun(server, path, headers):
    """A list that somebody takes slowly: its socket, of which the head and a little more were read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    sock.settimeout(limits.seconds(20))
    sock.connect((server.host, server.port))
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n".encode())
    assert sock.recv(1024).startswith(b"HTTP/1.1 200")
    return sock


def is_whole(body):
    """Did the last chunk come?"""
    return body.endswith(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize("path", ["/v1/batches/big/devices.csv", f"/v1/uploads/reports/{REPORT}"])
@pytest.mark.parametrize("how", ["revoked", "signed out"])
def test_a_list_ends_with_the_right_to_it(home, start, path, how):
    """Neither the token nor the session that it was asked with is good any more: it is cut, and does not look whole. Nobody else's is."""
    if "uploads" in path:
        (home.path / "reports").mkdir()
        (home.path / "reports" / REPORT).write_bytes(b"0123456789abcde\r\n" * 1000000)
    else:
        subprocess.run([MAKE_LEDGER, home.path / "lineca.db", "80000", "--batch", "big"], check=True, capture_output=True)
    home.configure("server", "read", "token")
    server = start(home)
    badge, kept = tokens.make(home, "viewer", name="anna"), tokens.make(home, "viewer", name="bert")
    with client.Client(server) as c:
        session = tokens.signed_in(c, badge)
        mine = begun(server, path, session if how == "signed out" else tokens.bearer(badge))
        other = begun(server, path, tokens.bearer(kept))
        if how == "revoked":
            home.run("token", "revoke", "anna")
        else:
            assert c.request("DELETE", "/v1/session", headers=session).status == 204
        got = client.receive(mine)
        assert not is_whole(got) and len(got) < 9000000
        whole = client.receive(other)
        assert is_whole(whole) and len(whole) > 10000000
