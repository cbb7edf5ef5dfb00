"""Finding one device, taking lists away, and what technicians may do to a device: revoke its certificate, allow a rework."""
import csv
import io

import pytest

import client
import csrs
import problems
import tokens


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
    assert answer["device_id"] == cn and answer["rework"] is None and answer["events"] == []
    assert [x["batch"] for x in answer["certificates"]] == ["second", "lot"]
    assert answer["certificates"][1]["serial"] == first["serial"] and answer["certificates"][0]["registrations"] == []
    problems.check(c.get("/v1/devices/nobody"), "not_found")


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
